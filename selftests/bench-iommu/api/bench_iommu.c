// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver of VT-d costs through Linux's own API, whichever driver that is: iommu_map(),
 * iommu_unmap(), iommu_attach_device(), irq_set_affinity(). For Linux 6.1.
 *
 * Loaded in a lab host that counts instructions (QEMU's -icount: RDTSC is their number), with an
 * edu device and the unit at the address that QEMU gives it. Prints "row operations instructions
 * descriptors" to the kernel log and stays loaded no longer than that takes. The descriptors of
 * one operation are read off the unit (VT-d specification, "Invalidation Queue Tail Register").
 */
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <asm/msr.h>

#define UNIT_BASE	0xfed90000ul
#define UNIT_SIZE	0x1000ul
#define IQT		0x88
#define QUEUE_BYTES	4096
#define ROUNDS		5
#define G		((u64)SZ_1G)

static void __iomem *unit;
static struct iommu_domain *domain;
static struct pci_dev *device;

/**
 * struct row - what is measured
 * @name: of the row
 * @count: operations; one by one for the descriptors, together for the instructions
 * @run: the operations
 * @other: what is done after @run, or before it, and not measured; or NULL
 * @other_first: before it
 * @base: I/O virtual address of the first operation
 * @size: bytes of each
 * @skew: added to physical addresses, so that no page above this size fits
 */
struct row {
	const char *name;
	unsigned int count;
	int (*run)(const struct row *row, unsigned int count);
	int (*other)(const struct row *row, unsigned int count);
	bool other_first;
	u64 base, size, skew;
};

static int map(const struct row *row, unsigned int count)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < count && !ret; i++)
		ret = iommu_map(domain, row->base + i * row->size, i * row->size + row->skew,
				row->size, IOMMU_READ | IOMMU_WRITE);
	return ret;
}

static int unmap(const struct row *row, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (iommu_unmap(domain, row->base + i * row->size, row->size) != row->size)
			return -EIO;
	}
	return 0;
}

static int attach(const struct row *row, unsigned int count)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < count && !ret; i++) {
		ret = iommu_attach_device(domain, &device->dev);
		if (!ret)
			iommu_detach_device(domain, &device->dev);
	}
	return ret;
}

/* It may stay on its processor: all that is left is the entry. */
static int affinity(const struct row *row, unsigned int count)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < count && !ret; i++)
		ret = irq_set_affinity(pci_irq_vector(device, 0), cpu_online_mask);
	return ret;
}

/*
 * The same without Linux' way there: the function of the chip below PCI MSI, INTEL-IR or minikvm's.
 * Both call the vector domain's, which is in the count.
 */
static int callback(const struct row *row, unsigned int count)
{
	struct irq_data *top = irq_get_irq_data(pci_irq_vector(device, 0));
	struct irq_data *data = top->parent_data;
	struct irq_desc *desc = irq_data_to_desc(top);
	unsigned long flags;
	unsigned int i;
	int ret = 0;

	raw_spin_lock_irqsave(&desc->lock, flags);
	for (i = 0; i < count && ret >= 0; i++)
		ret = data->chip->irq_set_affinity(data, cpu_online_mask, false);
	raw_spin_unlock_irqrestore(&desc->lock, flags);
	return ret < 0 ? ret : 0;
}

#define PAIR(name, size, skew, count, base)							\
	{ "map_" name, count, map, unmap, false, base, size, skew },				\
	{ "unmap_" name, count, unmap, map, true, base, size, skew }

static const struct row rows[] = {
	PAIR("4k", SZ_4K, 0, 256, 16 * G),
	PAIR("2m", SZ_2M, 0, 256, 32 * G),
	PAIR("1g_page", G, 0, 1, 48 * G),
	PAIR("1g", G, SZ_2M, 1, 64 * G),
	PAIR("4g_guest", 4 * G, SZ_2M, 1, 80 * G),
	PAIR("4g_guest_4k", 4 * G, SZ_4K, 1, 96 * G),
	{ "irq_affinity", 100, affinity },
	{ "irq_affinity_chip", 100, callback },
};

static const struct row attaching = { "attach_detach", 50, attach };

/* Tables that all operations of a row share are there, as they are in a domain that is in use. */
static const struct row keep[] = {
	{ "", 1, map, NULL, false, 16 * G + SZ_1M, SZ_4K, 0 },
	{ "", 1, map, NULL, false, 33 * G - SZ_2M, SZ_2M, 0 },
};

static int once(const struct row *row, unsigned int count, u64 *ticks, u32 *descriptors)
{
	int ret = row->other && row->other_first ? row->other(row, count) : 0;
	u32 tail = readl(unit + IQT);
	u64 start = rdtsc_ordered();

	ret = ret ?: row->run(row, count);
	*ticks = rdtsc_ordered() - start;
	*descriptors = (readl(unit + IQT) - tail) % QUEUE_BYTES / 16;
	if (!ret && row->other && !row->other_first)
		ret = row->other(row, count);
	return ret;
}

static int measure(const struct row *row)
{
	u64 ticks, best = ~0ull;
	u32 descriptors, ignored;
	unsigned int i;
	int ret;

	ret = once(row, 1, &ticks, &descriptors);
	for (i = 0; i < ROUNDS && !ret; i++) {
		ret = once(row, row->count, &ticks, &ignored);
		/* The best one: a timer interrupt is no part of the operation. */
		best = min(best, ticks);
	}
	if (ret)
		pr_err("bench_iommu: %s: error %d\n", row->name, ret);
	else
		pr_info("bench_iommu: %s %u %llu %u\n", row->name, row->count, best, descriptors);
	return ret;
}

static irqreturn_t ignore(int irq, void *data)
{
	return IRQ_NONE;
}

static int bench(void)
{
	unsigned int i;
	int ret;

	ret = measure(&attaching) ?: iommu_attach_device(domain, &device->dev);
	for (i = 0; i < ARRAY_SIZE(keep) && !ret; i++)
		ret = map(&keep[i], 1);
	for (i = 0; i < ARRAY_SIZE(rows) && !ret; i++)
		ret = measure(&rows[i]);
	for (i = 0; i < ARRAY_SIZE(keep) && !ret; i++)
		ret = unmap(&keep[i], 1);
	if (iommu_get_domain_for_dev(&device->dev) == domain)
		iommu_detach_device(domain, &device->dev);
	return ret;
}

static int __init bench_iommu_init(void)
{
	int ret = -ENODEV;

	unit = ioremap(UNIT_BASE, UNIT_SIZE);
	if (!unit)
		return -ENOMEM;
	device = pci_get_device(0x1234, 0x11e8, NULL);
	if (!device)
		goto out_unit;
	domain = iommu_domain_alloc(&pci_bus_type);
	if (!domain)
		goto out_device;
	ret = pci_enable_device(device);
	if (ret)
		goto out_domain;
	pci_set_master(device);
	ret = pci_alloc_irq_vectors(device, 1, 1, PCI_IRQ_MSI);
	if (ret < 0)
		goto out_disable;
	ret = request_irq(pci_irq_vector(device, 0), ignore, 0, "bench_iommu", device);
	if (ret)
		goto out_vectors;
	ret = bench();
	free_irq(pci_irq_vector(device, 0), device);
out_vectors:
	pci_free_irq_vectors(device);
out_disable:
	pci_disable_device(device);
out_domain:
	iommu_domain_free(domain);
out_device:
	pci_dev_put(device);
out_unit:
	iounmap(unit);
	/* Nothing is left to unload. */
	return ret ?: -EAGAIN;
}
module_init(bench_iommu_init);

MODULE_DESCRIPTION("Instructions and descriptors of the IOMMU API's calls");
MODULE_LICENSE("GPL");
