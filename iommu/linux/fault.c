// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fault interrupt of a unit, and fault records in words.
 *
 * VT-d specification, "Fault Event Interrupt Registers" and "Fault Recording". The interrupt is an
 * MSI that the unit sends by itself; its vector comes from an irq domain of one interrupt above
 * Linux' vector domain. Each record becomes one line: the unit, the device and its driver, the
 * access, the reason and the page-table walk down to the level that stopped it.
 */
#define pr_fmt(fmt) "minikvm: VT-d: " fmt

#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <linux/slab.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>

#include "iommu/hw/fault_record.h"
#include "iommu/linux/vtd.h"
#include "trace/minikvm_events.h"

/* A device can fault faster than records are read: after so many, the thread sleeps. */
#define FAULTS_AT_ONCE 256

static DEFINE_RATELIMIT_STATE(fault_ratelimit, 5 * HZ, 20);

/* "; level 3: 0x... level 2: 0x0, not present" */
static void describe_walk(struct vtd_device *device, u64 address, char *text, size_t size)
{
	struct iopt_walk walk = { .depth = 0 };
	struct vtd_domain *d = device->domain;
	unsigned long flags;
	unsigned int i;
	size_t at = 0;

	*text = 0;
	if (!d || d->domain.type != IOMMU_DOMAIN_UNMANAGED)
		return;
	spin_lock_irqsave(&d->walk_lock, flags);
	iopt_look(&d->table, address, &walk);
	spin_unlock_irqrestore(&d->walk_lock, flags);
	for (i = 0; i < walk.depth; i++)
		at += scnprintf(text + at, size - at, "%s level %u: 0x%llx", i ? "," : "; walk:",
				vtd.format.levels - i, walk.entry[i]);
	if (walk.depth && !(walk.entry[walk.depth - 1] & (SLPTE_READ | SLPTE_WRITE)))
		scnprintf(text + at, size - at, ", not present");
}

/* "write to 0x110000" or "interrupt with index 3", and for the latter what the entry says. */
static void describe_access(struct vtd_unit *unit, const struct fault_record *fault, char *what,
			    size_t size, char *there, size_t there_size)
{
	struct entry128 entry = { 0 };
	u16 id;

	if (!fault_is_interrupt(fault)) {
		scnprintf(what, size, "%s 0x%llx", fault->read ? "read from" : "write to",
			  fault->address);
		return;
	}
	/* Compatibility format has no index. */
	if (fault->reason == FAULT_COMPATIBILITY) {
		scnprintf(what, size, "interrupt");
		return;
	}
	scnprintf(what, size, "interrupt with index %u", fault->index);
	vtd_lock(unit);
	if (fault->index < unit->hw.irt_size)
		entry = irte_get(&unit->hw, fault->index);
	vtd_unlock(unit);
	id = IRTE_SID(entry.hi);
	if (entry.lo & IRTE_PRESENT && IRTE_SVT(entry.hi) == IRTE_REQUESTER)
		scnprintf(there, there_size, "; the entry is for %02x:%02x.%x only", id >> 8,
			  PCI_SLOT(id & 0xff), PCI_FUNC(id & 0xff));
}

static void report(struct vtd_unit *unit, const struct fault_record *fault)
{
	struct vtd_device *device;
	const char *driver = "no driver";
	struct pci_dev *pdev;
	char walk[160] = "", what[40];

	if (!__ratelimit(&fault_ratelimit))
		return;
	pdev = pci_get_domain_bus_and_slot(unit->drhd.segment, fault->source >> 8,
					   fault->source & 0xff);
	if (pdev) {
		/*
		 * Its lock keeps the driver bound. The holder of the lock may be waiting for this
		 * thread.
		 */
		if (device_trylock(&pdev->dev)) {
			if (pdev->dev.driver)
				driver = pdev->dev.driver->name;
		} else {
			driver = "driver changing";
		}
	}
	mutex_lock(&vtd.mutex);
	list_for_each_entry(device, &vtd.devices, node)
		if (pdev && device->dev == &pdev->dev && !fault_is_interrupt(fault))
			describe_walk(device, fault->address, walk, sizeof(walk));
	mutex_unlock(&vtd.mutex);
	describe_access(unit, fault, what, sizeof(what), walk, sizeof(walk));
	pr_err("%s: %04x:%02x:%02x.%x (%s): %s blocked: %s (reason 0x%x)%s\n", unit->name,
	       unit->drhd.segment, fault->source >> 8, PCI_SLOT(fault->source & 0xff),
	       PCI_FUNC(fault->source & 0xff), pdev ? driver : "no such device", what,
	       fault_reason_name(fault->reason), fault->reason, walk);
	if (pdev && strcmp(driver, "driver changing"))
		device_unlock(&pdev->dev);
	pci_dev_put(pdev);
}

static irqreturn_t fault_thread(int irq, void *data)
{
	struct vtd_unit *unit = data;
	struct fault_record fault;
	unsigned int i;

	/* Read all records: while one is left, the unit sends no other interrupt. */
	for (i = 1; READ_ONCE(unit->irq) && fault_record_next(&unit->hw, &fault); i++) {
		trace_minikvm_iommu_fault(unit->index, fault.source, fault.reason, fault.address,
					  fault.read);
		report(unit, &fault);
		if (i % FAULTS_AT_ONCE == 0)
			usleep_range(1000, 2000);
	}
	return IRQ_HANDLED;
}

/* --- the interrupt itself --- */

static void write_message(struct irq_data *data)
{
	struct vtd_unit *unit = irq_data_get_irq_chip_data(data);
	struct irq_data *parent = data->parent_data;
	struct msi_msg msg = { 0 };

	parent->chip->irq_compose_msi_msg(parent, &msg);
	writel(msg.data, unit->hw.regs + DMAR_FEDATA);
	writel(msg.address_lo, unit->hw.regs + DMAR_FEADDR);
	writel(msg.address_hi, unit->hw.regs + DMAR_FEUADDR);
}

static void fault_mask(struct irq_data *data)
{
	struct vtd_unit *unit = irq_data_get_irq_chip_data(data);

	writel(FECTL_IM, unit->hw.regs + DMAR_FECTL);
	readl(unit->hw.regs + DMAR_FECTL);
}

static void fault_unmask(struct irq_data *data)
{
	struct vtd_unit *unit = irq_data_get_irq_chip_data(data);

	writel(0, unit->hw.regs + DMAR_FECTL);
	readl(unit->hw.regs + DMAR_FECTL);
}

static int fault_set_affinity(struct irq_data *data, const struct cpumask *mask, bool force)
{
	int ret = data->parent_data->chip->irq_set_affinity(data->parent_data, mask, force);

	if (ret >= 0 && ret != IRQ_SET_MASK_OK_DONE)
		write_message(data);
	return ret;
}

static struct irq_chip fault_chip = {
	.name = "minikvm-VT-d",
	.irq_mask = fault_mask,
	.irq_unmask = fault_unmask,
	.irq_ack = irq_chip_ack_parent,
	.irq_set_affinity = fault_set_affinity,
	.irq_retrigger = irq_chip_retrigger_hierarchy,
	.flags = IRQCHIP_SKIP_SET_WAKE,
};

static int fault_alloc(struct irq_domain *domain, unsigned int virq, unsigned int nr, void *arg)
{
	int ret = irq_domain_alloc_irqs_parent(domain, virq, nr, arg);

	if (!ret)
		irq_domain_set_info(domain, virq, 0, &fault_chip, domain->host_data,
				    handle_edge_irq, NULL, "edge");
	return ret;
}

static void fault_free(struct irq_domain *domain, unsigned int virq, unsigned int nr)
{
	irq_domain_free_irqs_common(domain, virq, nr);
}

static int fault_activate(struct irq_domain *domain, struct irq_data *data, bool reserve)
{
	write_message(data);
	return 0;
}

static const struct irq_domain_ops fault_domain_ops = {
	.alloc = fault_alloc,
	.free = fault_free,
	.activate = fault_activate,
};

/**
 * vtd_fault_start() - have the faults of a unit reported
 * @unit: enabled
 *
 * Return: 0 or an errno; without its interrupt the unit works, and what it blocks is not reported.
 */
int vtd_fault_start(struct vtd_unit *unit)
{
	struct irq_alloc_info info = { .type = X86_IRQ_ALLOC_TYPE_DMAR };
	struct fwnode_handle *fwnode;
	struct fault_record old;
	unsigned int i;
	int irq, ret;

	/* Records that firmware left are not reported. */
	for (i = 0; i < FAULTS_AT_ONCE && fault_record_next(&unit->hw, &old); i++)
		;
	fwnode = irq_domain_alloc_named_id_fwnode("minikvm-vtd", unit->index);
	if (!fwnode)
		return -ENOMEM;
	ret = -ENOMEM;
	unit->irq_domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 1, fwnode,
						       &fault_domain_ops, unit);
	if (!unit->irq_domain)
		goto out_fwnode;
	irq = irq_domain_alloc_irqs(unit->irq_domain, 1, NUMA_NO_NODE, &info);
	ret = irq;
	if (irq < 0)
		goto out_domain;
	unit->irq = irq;
	ret = request_threaded_irq(irq, NULL, fault_thread, IRQF_ONESHOT, unit->name, unit);
	if (ret)
		goto out_irq;
	return 0;

out_irq:
	unit->irq = 0;
	irq_dispose_mapping(irq);
out_domain:
	irq_domain_remove(unit->irq_domain);
out_fwnode:
	unit->irq_domain = NULL;
	irq_domain_free_fwnode(fwnode);
	return ret;
}

/**
 * vtd_fault_resume() - write the fault interrupt to a unit again, after it lost its registers
 * @unit: enabled; one without an interrupt is left alone
 */
void vtd_fault_resume(struct vtd_unit *unit)
{
	struct irq_data *data = unit->irq ? irq_get_irq_data(unit->irq) : NULL;

	if (!data)
		return;
	write_message(data);
	writel(0, unit->hw.regs + DMAR_FECTL);
}

/**
 * vtd_fault_stop() - give the fault interrupt back
 * @unit: any; one that never got an interrupt is left alone
 */
void vtd_fault_stop(struct vtd_unit *unit)
{
	struct fwnode_handle *fwnode;
	int irq = unit->irq;

	if (!irq)
		return;
	/*
	 * Ends the thread's loop: a storm of faults would hold up free_irq(), which waits for it.
	 */
	WRITE_ONCE(unit->irq, 0);
	free_irq(irq, unit);
	irq_dispose_mapping(irq);
	fwnode = unit->irq_domain->fwnode;
	irq_domain_remove(unit->irq_domain);
	irq_domain_free_fwnode(fwnode);
}

/**
 * vtd_is_fault_irq() - is an interrupt one that a unit itself sends?
 * @irq: Linux' number
 *
 * Return: whether it is.
 */
bool vtd_is_fault_irq(unsigned int irq)
{
	unsigned int i;

	for (i = 0; i < vtd.nr_units; i++)
		if (vtd.units[i]->irq == irq)
			return true;
	return false;
}
