// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt remapping for every interrupt of the host: MSI, MSI-X, I/O APIC, HPET.
 *
 * VT-d specification, "Interrupt Remapping". An assigned device can write any message, also one in
 * compatibility format, which no entry checks. Only blocking that format stops it, and that needs
 * all of the host's interrupts remapped, also those that were allocated before the module came. A
 * domain above x86_vector_domain could not reach them. So the vector domain itself is wrapped: its
 * alloc and free reserve and release an entry, and its chip (a copy of Linux' own) composes the
 * message in remappable format. The domains above, of MSI or I/O APIC, are unchanged.
 *
 * Linux holds one mutex over all allocating and freeing below one root domain. Modules cannot take
 * it by name; while_irqs_stand() gets it by allocating in a domain of its own.
 */
#define pr_fmt(fmt) "minikvm: VT-d: " fmt

#include <linux/acpi.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/irqdomain.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <asm/apic.h>
#include <asm/hw_irq.h>
#include <asm/irq_remapping.h>
#include <asm/irqdomain.h>

#include "compat/compat.h"
#include "iommu/hw/errata.h"
#include "iommu/linux/vtd.h"
#include "trace/minikvm_events.h"

struct vtd_block;

/**
 * struct vtd_irq - an interrupt that is remapped
 * @block: the block that its entry belongs to
 * @index: its entry
 * @remapped: the entry for when the interrupt is the host's; under the interrupt's lock
 * @posted: the interrupt is a vCPU's, and its entry is in posted format
 */
struct vtd_irq {
	struct vtd_block *block;
	unsigned int index;
	struct entry128 remapped;
	bool posted;
};

/**
 * struct vtd_block - interrupts that come and go together: one, or the messages of a device's MSI
 * @unit: the unit that remaps its messages
 * @source: which requesters may send them
 * @ioapic: it comes from an I/O APIC, not as an MSI
 * @index: first entry, a multiple of @count
 * @count: entries, a power of two; more than one holds a reference to the module, as without
 *	remapping a device cannot have several messages
 * @users: how many of @irqs Linux has not freed; under irqs_mutex
 * @irqs: the interrupts
 */
struct vtd_block {
	struct vtd_unit *unit;
	struct irte_source source;
	bool ioapic;
	unsigned int index;
	unsigned int count;
	unsigned int users;
	struct vtd_irq irqs[];
};

/* Indexed by Linux' number. Changes under the mutex; an interrupt's own chip reads without it. */
static DEFINE_XARRAY(irqs);
static DEFINE_MUTEX(irqs_mutex);

static struct irq_domain *holder;
static const struct irq_domain_ops *plain_ops;
static const struct irq_domain_ops *remapped_ops;
static struct irq_chip *plain_chip;
static struct irq_chip remapped_chip;
/* How many interrupts could not be remapped: compatibility format is not blocked then. */
static unsigned int left_out;
/* Says whether a device may have several messages: Linux' own offer, or one that says yes. */
static void *msi_offer;

/* --- the source of an interrupt --- */

struct bus_range {
	u16 source;
	u8 first;
	u8 last;
	bool several;
};

static int widen(u8 bus, u8 devfn, void *arg)
{
	struct bus_range *range = arg;

	range->several |= PCI_DEVID(bus, devfn) != range->source;
	range->first = min(range->first, bus);
	range->last = max(range->last, bus);
	return 0;
}

/* A device with several identifiers, by bridges or quirks, is checked by its bus numbers. */
static bool pci_source(struct pci_dev *pdev, struct vtd_block *block)
{
	struct bus_range range;

	if (!pdev)
		return false;
	pdev = compat_sender(pdev);
	block->unit = vtd_unit_of(pdev);
	range.source = pci_dev_id(pdev);
	range.first = pdev->bus->number;
	range.last = pdev->bus->number;
	range.several = false;
	vtd_visit_aliases(pdev, widen, &range);
	block->source.check = range.several ? IRTE_BUSES : IRTE_REQUESTER;
	block->source.id = range.several ? range.first << 8 | range.last : range.source;
	return block->unit;
}

/* I/O APICs and HPETs are named in the DMAR table by their number. */
static bool scope_source(u8 type, u8 id, struct vtd_block *block)
{
	struct dmar_scope scope;
	unsigned int i;

	for (i = 0; i < vtd.nr_units; i++) {
		const struct dmar_structure *drhd = &vtd.units[i]->drhd;
		const u8 *at = drhd->scopes, *end = at + drhd->scopes_size;

		while (dmar_next_scope(&at, end, &scope)) {
			if (scope.type != type || scope.id != id || dmar_source(&scope) < 0)
				continue;
			block->unit = vtd.units[i];
			block->ioapic = type == SCOPE_IOAPIC;
			block->source.check = IRTE_REQUESTER;
			block->source.id = dmar_source(&scope);
			return true;
		}
	}
	return false;
}

/* Linux numbers I/O APICs in the order of the MADT. Returns the identifier of the nth, or -1. */
static int ioapic_id(unsigned int nth)
{
	struct acpi_subtable_header *entry;
	struct acpi_table_header *madt;
	const u8 *at, *end;
	int id = -1;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_MADT, 0, &madt)))
		return -1;
	at = (const u8 *)madt + sizeof(struct acpi_table_madt);
	end = (const u8 *)madt + madt->length;
	while (at + sizeof(*entry) <= end && id < 0) {
		entry = (struct acpi_subtable_header *)at;
		if (entry->length < sizeof(*entry) || entry->length > end - at)
			break;
		if (entry->type == ACPI_MADT_TYPE_IO_APIC &&
		    entry->length >= sizeof(struct acpi_madt_io_apic) && !nth--)
			id = ((struct acpi_madt_io_apic *)entry)->id;
		at += entry->length;
	}
	acpi_put_table(madt);
	return id;
}

/* --- the chip --- */

static int set_entry(struct vtd_irq *irq, struct irq_data *data, struct entry128 entry)
{
	struct vtd_unit *unit = irq->block->unit;
	int ret;

	vtd_lock(unit);
	ret = irte_set(&unit->hw, irq->index, entry);
	vtd_unlock(unit);
	trace_minikvm_iommu_irte(unit->index, irq->index, entry.lo, entry.hi,
				 entry.lo & IRTE_POSTED);
	/* A unit that does not take it is given up, which closed.c has reported. */
	if (ret > 0)
		plain_chip->irq_retrigger(data);
	return min(ret, 0);
}

/* Turn the message that Linux composed into an entry, and into the message that leads to it. */
static void redirect(struct vtd_irq *irq, struct irq_data *data, struct msi_msg *msg)
{
	u32 apic = (msg->address_hi & ~0xffU) | (msg->address_lo >> 12 & 0xff);
	struct vtd_block *block = irq->block;
	bool level = block->ioapic && irqd_is_level_type(data);
	bool several = block->count > 1;

	irq->remapped = irte_remapped(&block->unit->hw, msg->address_lo, msg->data, apic, level,
				      block->source);
	if (!irq->posted)
		set_entry(irq, data, irq->remapped);
	/*
	 * A device with several messages has only the first, and adds a message's number to its
	 * data, which the unit adds to the index. With one message the data stays as it is: the
	 * unit ignores it, but an I/O APIC recognises the end of an interrupt by its vector, and
	 * the format can change one register at a time.
	 */
	if (several)
		msg->data = 0;
	msg->address_lo = irte_message(block->index, several);
	msg->address_hi = 0;
}

static void compose(struct irq_data *data, struct msi_msg *msg)
{
	struct vtd_irq *irq = xa_load(&irqs, data->irq);

	plain_chip->irq_compose_msi_msg(data, msg);
	if (irq)
		redirect(irq, data, msg);
}

static int set_affinity(struct irq_data *data, const struct cpumask *mask, bool force)
{
	struct vtd_irq *irq = xa_load(&irqs, data->irq);
	const struct irq_cfg *cfg = irqd_cfg(data);
	struct irq_cfg old = *cfg;
	int ret = plain_chip->irq_set_affinity(data, mask, force);
	struct msi_msg msg = { 0 };

	if (ret < 0 || !irq)
		return ret;
	/* Linux often leaves the interrupt where it is: then its entry stays, too. */
	if (irqd_is_activated(data) && (old.vector != cfg->vector ||
					old.dest_apicid != cfg->dest_apicid)) {
		plain_chip->irq_compose_msi_msg(data, &msg);
		redirect(irq, data, &msg);
	}
	/* The message of an MSI still leads to the entry; an I/O APIC needs the new vector. */
	return irq->block->ioapic ? ret : IRQ_SET_MASK_OK_DONE;
}

/*
 * Give the interrupt to a vCPU (@info is Linux' struct vcpu_data), or back to the host (NULL). If
 * the unit cannot post, the interrupt stays the host's, whose handler signals the eventfd. Returns
 * -EIO if the unit does not take the entry; the interrupt is the host's then.
 */
static int set_vcpu_affinity(struct irq_data *data, void *info)
{
	struct vtd_irq *irq = xa_load(&irqs, data->irq);
	const struct vcpu_data *vcpu = info;
	int ret;

	if (!irq || irq->block->ioapic || !(irq->block->unit->hw.cap & CAP_PI))
		return -EOPNOTSUPP;
	if (vcpu && (vcpu->pi_desc_addr & 63 || vcpu->vector > 255))
		return -EINVAL;
	ret = set_entry(irq, data, vcpu ? irte_posted(vcpu->pi_desc_addr, vcpu->vector, false,
						      irq->block->source) : irq->remapped);
	irq->posted = vcpu && !ret;
	/* The entry must not point to a descriptor that may be freed. The device cannot send. */
	if (ret && vcpu)
		set_entry(irq, data, irq->remapped);
	return ret;
}

/* --- the domain --- */

/* Reserve entries for @nr interrupts from @virq on, in the unit and for the source of @found. */
static int adopt(unsigned int virq, unsigned int nr, const struct vtd_block *found)
{
	struct vtd_unit *unit = found->unit;
	struct vtd_block *block;
	unsigned int i;
	int ret;

	block = kzalloc(struct_size(block, irqs, nr), GFP_KERNEL);
	if (!block)
		return -ENOMEM;
	block->unit = unit;
	block->source = found->source;
	block->ioapic = found->ioapic;
	block->count = roundup_pow_of_two(nr);
	vtd_lock(unit);
	ret = irte_alloc(&unit->hw, block->count);
	vtd_unlock(unit);
	if (ret < 0) {
		pr_notice_ratelimited("%s: no %u of %u interrupt entries are free in one piece\n",
				      unit->name, block->count, unit->hw.irt_size);
		goto out_free;
	}
	block->index = ret;
	mutex_lock(&irqs_mutex);
	for (i = 0; i < nr; i++) {
		block->irqs[i].block = block;
		block->irqs[i].index = block->index + i;
		ret = xa_err(xa_store(&irqs, virq + i, &block->irqs[i], GFP_KERNEL));
		if (ret)
			break;
	}
	if (ret)
		while (i--)
			xa_erase(&irqs, virq + i);
	block->users = nr;
	mutex_unlock(&irqs_mutex);
	if (ret)
		goto out_entries;
	for (i = 0; i < nr; i++) {
		irq_domain_get_irq_data(x86_vector_domain, virq + i)->chip = &remapped_chip;
		/* With an entry, an interrupt can move at any time, not only when it arrives. */
		if (!block->ioapic)
			irq_set_status_flags(virq + i, IRQ_MOVE_PCNTXT);
	}
	return 0;

out_entries:
	vtd_lock(unit);
	irte_free(&unit->hw, block->index, block->count);
	vtd_unlock(unit);
out_free:
	kfree(block);
	return ret;
}

/* Linux frees interrupts one by one; the entries of a block are freed with the last one. */
static void forget(unsigned int virq)
{
	struct vtd_block *block = NULL;
	struct vtd_irq *irq;

	mutex_lock(&irqs_mutex);
	irq = xa_erase(&irqs, virq);
	if (irq) {
		struct vtd_unit *unit = irq->block->unit;

		vtd_lock(unit);
		if (--irq->block->users) {
			irte_set(&unit->hw, irq->index, (struct entry128){ 0 });
		} else {
			block = irq->block;
			irte_free(&unit->hw, block->index, block->count);
		}
		vtd_unlock(unit);
	}
	mutex_unlock(&irqs_mutex);
	/* Linux holds a mutex around this, for which module removal waits in while_irqs_stand(). */
	if (block && block->count > 1)
		module_put(THIS_MODULE);
	kfree(block);
}

static bool source_of_new(const struct irq_alloc_info *info, struct vtd_block *block)
{
	switch (info ? info->type : 0) {
	case X86_IRQ_ALLOC_TYPE_PCI_MSI:
	case X86_IRQ_ALLOC_TYPE_PCI_MSIX:
		return pci_source(msi_desc_to_pci_dev(info->desc), block);
	case X86_IRQ_ALLOC_TYPE_IOAPIC:
		return scope_source(SCOPE_IOAPIC, info->devid, block);
	case X86_IRQ_ALLOC_TYPE_HPET:
		return scope_source(SCOPE_HPET, info->devid, block);
	default:
		/* The interrupts of the units themselves are never remapped. */
		return false;
	}
}

static void vector_free(struct irq_domain *domain, unsigned int virq, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		forget(virq + i);
	plain_ops->free(domain, virq, nr);
}

static int vector_alloc(struct irq_domain *domain, unsigned int virq, unsigned int nr, void *arg)
{
	struct irq_alloc_info *info = arg;
	struct vtd_block found = { 0 };
	bool known = source_of_new(info, &found);
	int ret;

	/* If this fails for several messages, Linux asks for one. */
	if (nr > 1 && (!known || !try_module_get(THIS_MODULE)))
		return -ENOSPC;
	/* Each message has an entry of its own, and so may have any vector. */
	if (nr > 1)
		compat_any_vectors(info);
	ret = plain_ops->alloc(domain, virq, nr, info);
	if (ret)
		goto out_put;
	if (!known) {
		/* The interrupts of the units need no remapping; another one may be blocked. */
		if (!info || info->type != X86_IRQ_ALLOC_TYPE_DMAR)
			pr_notice_ratelimited("interrupt %u is not remapped: no unit names its source\n",
					      virq);
		return 0;
	}
	ret = adopt(virq, nr, &found);
	if (!ret)
		return 0;
	plain_ops->free(domain, virq, nr);
out_put:
	if (nr > 1)
		module_put(THIS_MODULE);
	return ret;
}

/* The device keeps its message, and the vector may soon be another interrupt's. */
static void vector_deactivate(struct irq_domain *domain, struct irq_data *data)
{
	struct vtd_irq *irq = xa_load(&irqs, data->irq);

	if (irq) {
		irq->posted = false;
		set_entry(irq, data, (struct entry128){ 0 });
	}
	plain_ops->deactivate(domain, data);
}

/* --- interrupts that were there before, and giving them back --- */

static bool source_of_old(struct irq_data *top, struct vtd_block *block)
{
	struct msi_desc *msi = irq_data_get_msi_desc(top);
	int id;

	if (msi && msi->dev && dev_is_pci(msi->dev))
		return pci_source(to_pci_dev(msi->dev), block);
	if (!strcmp(top->chip->name, "IO-APIC")) {
		id = ioapic_id((unsigned long)top->domain->host_data);
		return id >= 0 && scope_source(SCOPE_IOAPIC, id, block);
	}
	return false;
}

/* Write the interrupt's destination to the hardware again; it may arrive meanwhile. */
static void rewrite(struct irq_data *top, struct irq_data *data, bool ioapic)
{
	bool masked = irqd_irq_masked(top);
	struct msi_msg msg = { 0 };

	if (!irqd_is_activated(top))
		return;
	if (!ioapic) {
		data->chip->irq_compose_msi_msg(data, &msg);
		top->chip->irq_write_msi_msg(top, &msg);
		return;
	}
	/*
	 * An entry of an I/O APIC has two registers: masked, the interrupt cannot use half of it.
	 */
	if (!masked)
		top->chip->irq_mask(top);
	if (top->chip->irq_set_affinity(top, irq_data_get_effective_affinity_mask(top), false) < 0)
		pr_err("the I/O APIC's entry of interrupt %u cannot be rewritten\n", top->irq);
	if (!masked)
		top->chip->irq_unmask(top);
	/* An edge while it was masked is lost. A handler copes with one interrupt too many. */
	if (!masked && !irqd_is_level_type(top))
		plain_chip->irq_retrigger(data);
}

static void take_over(void)
{
	unsigned long flags;
	unsigned int virq;

	left_out = 0;
	remapped_chip = *plain_chip;
	remapped_chip.irq_compose_msi_msg = compose;
	remapped_chip.irq_set_affinity = set_affinity;
	remapped_chip.irq_set_vcpu_affinity = set_vcpu_affinity;
	x86_vector_domain->ops = remapped_ops;
	msi_offer = compat_exchange_msi_offer(x86_vector_domain, msi_offer);
	for (virq = 0; virq < nr_irqs; virq++) {
		struct irq_data *data = irq_domain_get_irq_data(x86_vector_domain, virq);
		struct irq_data *top = irq_get_irq_data(virq);
		struct vtd_block found = { 0 };
		struct irq_desc *desc;

		if (!top || !data || data->chip != plain_chip || vtd_is_fault_irq(virq))
			continue;
		if (!source_of_old(top, &found) || adopt(virq, 1, &found)) {
			pr_info("interrupt %u (%s) is not remapped: no unit names its source\n",
				virq, top->chip->name);
			left_out++;
			continue;
		}
		desc = irq_data_to_desc(top);
		raw_spin_lock_irqsave(&desc->lock, flags);
		rewrite(top, data, found.ioapic);
		raw_spin_unlock_irqrestore(&desc->lock, flags);
	}
}

static void give_back(void)
{
	unsigned long flags, virq;
	struct vtd_irq *irq;

	if (x86_vector_domain->ops != remapped_ops)
		return;
	x86_vector_domain->ops = plain_ops;
	msi_offer = compat_exchange_msi_offer(x86_vector_domain, msi_offer);
	xa_for_each(&irqs, virq, irq) {
		struct irq_data *data = irq_domain_get_irq_data(x86_vector_domain, virq);
		struct irq_data *top = irq_get_irq_data(virq);
		struct irq_desc *desc = irq_data_to_desc(top);

		irq_clear_status_flags(virq, IRQ_MOVE_PCNTXT);
		raw_spin_lock_irqsave(&desc->lock, flags);
		/* The data of the message changes first, then its address: see redirect(). */
		if (!irq->block->ioapic)
			rewrite(top, data, false);
		data->chip = plain_chip;
		rewrite(top, data, irq->block->ioapic);
		raw_spin_unlock_irqrestore(&desc->lock, flags);
		forget(virq);
	}
	/* Flow handlers read the chip without a lock, and drivers' threads read the offer so. */
	synchronize_rcu();
}

struct held {
	void (*work)(void);
	bool done;
};

static int holder_alloc(struct irq_domain *domain, unsigned int virq, unsigned int nr, void *arg)
{
	struct held *held = arg;

	held->work();
	held->done = true;
	return -ECANCELED;
}

static const struct irq_domain_ops holder_ops = { .alloc = holder_alloc };

/* Call @work while no interrupt is allocated or freed. Returns false if there is no memory. */
static bool while_irqs_stand(void (*work)(void))
{
	struct held held = { .work = work };

	irq_domain_alloc_irqs(holder, 1, NUMA_NO_NODE, &held);
	return held.done;
}

/* --- on and off --- */

static void pass_compatibility(void)
{
	unsigned int i;

	x86_vector_domain->flags &= ~COMPAT_DOMAIN_ISOLATED;
	for (i = 0; i < vtd.nr_units; i++) {
		vtd_lock(vtd.units[i]);
		irt_pass_compatibility(&vtd.units[i]->hw, true);
		vtd_unlock(vtd.units[i]);
	}
}

/* Interrupts are isolated if every unit remaps and confirms that it blocks that format. */
static int block_compatibility(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < vtd.nr_units; i++) {
		struct vtd_unit *unit = vtd.units[i];
		bool blocked;

		vtd_lock(unit);
		blocked = readl(unit->hw.regs + DMAR_GSTS) & GCMD_IRE &&
			  irt_pass_compatibility(&unit->hw, false);
		vtd_unlock(unit);
		if (blocked)
			continue;
		pr_err("%s does not block interrupts in compatibility format: any device can send one\n",
		       unit->name);
		ret = -EIO;
	}
	if (!ret)
		x86_vector_domain->flags |= COMPAT_DOMAIN_ISOLATED;
	return ret;
}

static int enable_units(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < vtd.nr_units; i++) {
		struct vtd_unit *unit = vtd.units[i];

		vtd_lock(unit);
		/* Linux booted without remapping: no APIC identifier is above 255. */
		ret = irt_enable(&unit->hw, false) ?: ret;
		vtd_unlock(unit);
	}
	return ret;
}

static void disable_units(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < vtd.nr_units; i++) {
		vtd_lock(vtd.units[i]);
		ret = irt_disable(&vtd.units[i]->hw);
		vtd_unlock(vtd.units[i]);
		if (ret)
			pr_err("%s does not answer; it may still remap interrupts\n",
			       vtd.units[i]->name);
	}
}

static bool chipset_is_wrong(void)
{
	struct pci_dev *pdev = NULL;
	bool wrong = false;

	for_each_pci_dev(pdev)
		wrong |= errata_no_remapping(pdev->vendor, pdev->device, pdev->revision);
	return wrong;
}

static const char *make_tables(void)
{
	unsigned int i;

	if (chipset_is_wrong())
		return "a chipset erratum (5500, 5520, X58)";
	/*
	 * Extended mode blocks compatibility format at once: interrupts could not change one by
	 * one.
	 */
	if (x2apic_mode && !boot_cpu_has(X86_FEATURE_HYPERVISOR))
		return "x2APIC without extended interrupt mode";
	for (i = 0; i < vtd.nr_units; i++) {
		struct vtd_unit *unit = vtd.units[i];

		if (!(unit->hw.ecap & ECAP_IR))
			return "a unit has none (ECAP.IR is 0)";
		/* The chip of the vector domain is found by the unit's fault interrupt. */
		if (!unit->irq)
			return "a unit has no fault interrupt";
		if (irt_init(&unit->hw))
			return "no memory for the table";
	}
	return NULL;
}

static void free_tables(void)
{
	unsigned int i;

	for (i = 0; i < vtd.nr_units; i++)
		irt_free(&vtd.units[i]->hw);
}

static const struct irq_domain_ops *wrap(const struct irq_domain_ops *plain)
{
	const struct irq_domain_ops ops = {
		.match = plain->match,
		.select = plain->select,
		.map = plain->map,
		.unmap = plain->unmap,
		.xlate = plain->xlate,
		.alloc = vector_alloc,
		.free = vector_free,
		.activate = plain->activate,
		.deactivate = vector_deactivate,
		.translate = plain->translate,
#ifdef CONFIG_GENERIC_IRQ_DEBUGFS
		.debug_show = plain->debug_show,
#endif
	};

	return kmemdup(&ops, sizeof(ops), GFP_KERNEL);
}

static bool make_domains(void)
{
	struct fwnode_handle *fwnode = irq_domain_alloc_named_fwnode("minikvm-irqs");

	if (!fwnode)
		return false;
	plain_ops = x86_vector_domain->ops;
	remapped_ops = wrap(plain_ops);
	if (remapped_ops)
		holder = irq_domain_create_hierarchy(x86_vector_domain, 0, 1, fwnode, &holder_ops,
						     NULL);
	msi_offer = compat_make_msi_offer(x86_vector_domain);
	if (holder)
		return true;
	compat_free_msi_offer(msi_offer);
	irq_domain_free_fwnode(fwnode);
	kfree(remapped_ops);
	return false;
}

static void free_domains(void)
{
	struct fwnode_handle *fwnode = holder->fwnode;

	irq_domain_remove(holder);
	irq_domain_free_fwnode(fwnode);
	holder = NULL;
	compat_free_msi_offer(msi_offer);
	kfree(remapped_ops);
}

/**
 * vtd_interrupt_start() - remap every interrupt of the host, and block what is not remapped
 *
 * All units are enabled and have their fault interrupts. If this fails, DMA is remapped
 * nevertheless, and the log has the reason.
 */
void vtd_interrupt_start(void)
{
	const char *why = make_tables();

	if (!why && !make_domains())
		why = "no memory";
	if (why)
		goto out_tables;
	plain_chip = irq_domain_get_irq_data(x86_vector_domain, vtd.units[0]->irq)->chip;
	if (enable_units()) {
		why = "a unit does not switch it on";
		goto out_disable;
	}
	if (!while_irqs_stand(take_over)) {
		why = "no memory";
		goto out_disable;
	}
	vtd.remaps_interrupts = true;
	if (left_out) {
		pr_info("interrupts are remapped, but for %u: those in compatibility format must pass, and any device can send one\n",
			left_out);
		return;
	}
	block_compatibility();
	return;

out_disable:
	disable_units();
	free_domains();
out_tables:
	free_tables();
	pr_info("interrupts are not remapped: %s; VFIO asks for allow_unsafe_interrupts=1\n", why);
}

/**
 * vtd_interrupt_resume() - remap again after the units have lost their registers
 *
 * The tables and the messages in the devices are as they were.
 *
 * Return: 0, or -EIO for one or more of the units; the others remap, and interrupts are not
 * isolated any more.
 */
int vtd_interrupt_resume(void)
{
	bool isolated = vtd_interrupts_are_isolated();
	int ret;

	if (!vtd.remaps_interrupts)
		return 0;
	x86_vector_domain->flags &= ~COMPAT_DOMAIN_ISOLATED;
	ret = enable_units();
	if (!ret && isolated)
		ret = block_compatibility();
	return ret;
}

/** vtd_interrupts_are_isolated() - is every device limited to the messages that are its own? */
bool vtd_interrupts_are_isolated(void)
{
	return x86_vector_domain->flags & COMPAT_DOMAIN_ISOLATED;
}

/** vtd_interrupt_suspend() - stop remapping while no interrupt is taken */
void vtd_interrupt_suspend(void)
{
	if (vtd.remaps_interrupts)
		disable_units();
}

/** vtd_interrupt_stop() - give every interrupt of the host back as it was */
void vtd_interrupt_stop(void)
{
	if (!vtd.remaps_interrupts)
		return;
	vtd.remaps_interrupts = false;
	pass_compatibility();
	/* If there is no memory to get the lock, it is done without. */
	if (!while_irqs_stand(give_back))
		give_back();
	disable_units();
	free_domains();
	free_tables();
}

static void show_source(struct seq_file *m, u64 hi)
{
	u16 id = IRTE_SID(hi);

	if (IRTE_SVT(hi) == IRTE_REQUESTER)
		seq_printf(m, "from %02x:%02x.%x", id >> 8, PCI_SLOT(id & 0xff),
			   PCI_FUNC(id & 0xff));
	else if (IRTE_SVT(hi) == IRTE_BUSES)
		seq_printf(m, "from buses %02x to %02x", id >> 8, id & 0xff);
	else
		seq_puts(m, "from anyone");
}

/**
 * vtd_interrupt_show() - the entries of all remapped interrupts in words
 * @m: where to
 */
void vtd_interrupt_show(struct seq_file *m)
{
	static const char * const modes[] = {
		"fixed", "lowest priority", "SMI", "mode 3", "NMI", "INIT", "mode 6", "ExtINT",
	};
	unsigned long virq;
	struct entry128 entry;
	struct vtd_irq *irq;

	mutex_lock(&irqs_mutex);
	xa_for_each(&irqs, virq, irq) {
		struct vtd_block *block = irq->block;
		struct vtd_unit *unit = block->unit;

		vtd_lock(unit);
		entry = irte_get(&unit->hw, irq->index);
		vtd_unlock(unit);
		seq_printf(m, "%s index %u irq %lu ", unit->name, irq->index, virq);
		if (block->count > 1)
			seq_printf(m, "message %u of %u ", irq->index - block->index, block->count);
		if (!(entry.lo & IRTE_PRESENT)) {
			seq_puts(m, "not present\n");
			continue;
		}
		show_source(m, entry.hi);
		seq_printf(m, " to APIC 0x%x%s vector 0x%x %s %s entry 0x%llx:0x%llx\n",
			   unit->hw.x2apic ? IRTE_DESTINATION(entry.lo) :
			   IRTE_DESTINATION(entry.lo) >> 8 & 0xff,
			   entry.lo & IRTE_LOGICAL ? " logical" : "", IRTE_VECTOR(entry.lo),
			   modes[IRTE_DELIVERY(entry.lo)],
			   entry.lo & IRTE_LEVEL ? "level" : "edge", entry.hi, entry.lo);
	}
	mutex_unlock(&irqs_mutex);
}
