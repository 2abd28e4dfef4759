// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's side of an assigned edu device: a kernel module that tests it when it is loaded.
 *
 * QEMU's docs/specs/edu: status, raise and acknowledge at 0x24, 0x60, 0x64 of BAR 0, DMA at 0x80.
 * Prints TAP to the guest's log: DMA both ways, MSI, INTx held until it is acknowledged twice, and
 * last a DMA to memory that the guest does not have; if asked to, DMA without end. It cannot be
 * unloaded.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>

#define EDU_STATUS	0x24
#define EDU_RAISE	0x60
#define EDU_ACK		0x64
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_RUN		1
#define EDU_TO_MEMORY	2
#define EDU_TELL	4
#define EDU_BUFFER	0x40000
#define EDU_DMA_DONE	0x100

#define CHUNK		2048
#define ROUNDS		20

struct edu {
	void __iomem *bar;
	atomic_t interrupts;
	u32 seen;
	unsigned int ignore;	/* leave the line up that many times */
};

static struct edu edu;
static ulong outside;
module_param(outside, ulong, 0);
MODULE_PARM_DESC(outside, "an address where the guest has no memory, or 0");
static ulong where;
module_param(where, ulong, 0);
MODULE_PARM_DESC(where, "address of reserved memory for DMA; else the kernel chooses");
static uint seed;
module_param(seed, uint, 0);
MODULE_PARM_DESC(seed, "makes this guest's patterns differ from another's");
static bool endless;
module_param(endless, bool, 0);
MODULE_PARM_DESC(endless, "go on with DMA until the guest is killed");

static void result(bool good, const char *name)
{
	pr_alert("edu: %sok - %s\n", good ? "" : "not ", name);
}

static irqreturn_t handle(int irq, void *arg)
{
	u32 status = ioread32(edu.bar + EDU_STATUS);

	if (!status)
		return IRQ_NONE;
	if (edu.ignore) {
		edu.ignore--;
	} else {
		edu.seen |= status;
		iowrite32(status, edu.bar + EDU_ACK);
	}
	atomic_inc(&edu.interrupts);
	return IRQ_HANDLED;
}

/* Two seconds at most. */
static bool count_reaches(int count)
{
	int i;

	for (i = 0; i < 2000 && atomic_read(&edu.interrupts) < count; i++)
		usleep_range(1000, 1100);
	return atomic_read(&edu.interrupts) == count;
}

static void transfer(dma_addr_t from, dma_addr_t to, u32 command)
{
	int i;

	writeq(from, edu.bar + EDU_SOURCE);
	writeq(to, edu.bar + EDU_TARGET);
	writeq(CHUNK, edu.bar + EDU_COUNT);
	writeq(command | EDU_RUN, edu.bar + EDU_COMMAND);
	for (i = 0; i < 500 && readq(edu.bar + EDU_COMMAND) & EDU_RUN; i++)
		msleep(20);
}

static bool dma(u8 *memory, dma_addr_t bus, u32 command)
{
	int i;

	for (i = 0; i < CHUNK; i++)
		memory[i] = i * 7 + command + seed;
	memset(memory + CHUNK, 0, CHUNK);
	transfer(bus, EDU_BUFFER, command);
	transfer(EDU_BUFFER, bus + CHUNK, command | EDU_TO_MEMORY);
	return !memcmp(memory, memory + CHUNK, CHUNK);
}

static bool interrupts(struct pci_dev *pdev, unsigned int type, u8 *memory, dma_addr_t bus)
{
	int expected = 0, i, irq;
	bool good = true;

	if (pci_alloc_irq_vectors(pdev, 1, 1, type) != 1)
		return false;
	irq = pci_irq_vector(pdev, 0);
	atomic_set(&edu.interrupts, 0);
	edu.seen = 0;
	if (request_irq(irq, handle, IRQF_SHARED, "edu", &edu)) {
		pci_free_irq_vectors(pdev);
		return false;
	}
	for (i = 1; i <= ROUNDS && good; i++) {
		/* A line that stays up is another interrupt after the end of the first. */
		edu.ignore = type == PCI_IRQ_LEGACY ? i % 3 : 0;
		expected += 1 + edu.ignore;
		iowrite32(i, edu.bar + EDU_RAISE);
		good = count_reaches(expected);
	}
	/* The end of a DMA is an interrupt, too: two of them. */
	good = good && dma(memory, bus, EDU_TELL) && count_reaches(expected + 2) &&
	       edu.seen & EDU_DMA_DONE;
	pr_alert("edu: # %d interrupts, %d expected\n", atomic_read(&edu.interrupts), expected + 2);
	free_irq(irq, &edu);
	pci_free_irq_vectors(pdev);
	return good;
}

/* What arrives differs each time, so that the host sees whether something does. */
static void go_on(u8 *memory, dma_addr_t bus)
{
	pr_alert("edu: # DMA to %#llx goes on\n", (u64)bus + CHUNK);
	while (!signal_pending(current)) {
		memory[0]++;
		transfer(bus, EDU_BUFFER, 0);
		transfer(EDU_BUFFER, bus + CHUNK, EDU_TO_MEMORY);
	}
}

static int __init edu_test_init(void)
{
	struct pci_dev *pdev = pci_get_device(0x1234, 0x11e8, NULL);
	dma_addr_t bus;
	u8 *memory;

	if (!pdev || pci_enable_device(pdev)) {
		result(false, "edu_is_there");
		return -ENODEV;
	}
	pci_set_master(pdev);
	edu.bar = pci_iomap(pdev, 0, 0);
	if (!edu.bar || dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(28)))
		return -ENODEV;
	bus = where;
	if (where)
		memory = memremap(where, 2 * CHUNK, MEMREMAP_WB);
	else
		memory = dma_alloc_coherent(&pdev->dev, 2 * CHUNK, &bus, GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	result(dma(memory, bus, 0), "guest_edu_dma_both_ways");
	result(interrupts(pdev, PCI_IRQ_MSI, memory, bus), "guest_edu_msi");
	result(interrupts(pdev, PCI_IRQ_LEGACY, memory, bus), "guest_edu_intx_with_resample");
	/* The host's log says what came of it. */
	if (outside)
		transfer(EDU_BUFFER, outside, EDU_TO_MEMORY);
	result(dma(memory, bus, 0), "guest_edu_dma_after_a_fault");
	pr_alert("edu: # seed %u, memory at %#llx\n", seed, (u64)bus);
	if (endless)
		go_on(memory, bus);
	if (where)
		memunmap(memory);
	else
		dma_free_coherent(&pdev->dev, 2 * CHUNK, memory, bus);
	pci_iounmap(pdev, edu.bar);
	pci_dev_put(pdev);
	return 0;
}

module_init(edu_test_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("tests an assigned edu device from inside a guest");
