// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of VT-d under /sys/kernel/debug/minikvm-iommu, for the reader and for `minikvm iommu`.
 *
 * units: each unit with its capabilities by name (VT-d specification, "Capability Register");
 * devices: each device with unit, group, domain and context entry; interrupts: the entries of the
 * interrupt-remapping tables that the host uses; walk: write "SSSS:BB:DD.F ADDRESS", then read the
 * entry at each level of the page table.
 */
#define pr_fmt(fmt) "minikvm: VT-d: " fmt

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "iommu/hw/command.h"
#include "iommu/linux/vtd.h"

static struct dentry *root;

static const char *type_name(const struct vtd_domain *d)
{
	if (!d)
		return "none";
	switch (d->domain.type) {
	case IOMMU_DOMAIN_IDENTITY:
		return "identity";
	case IOMMU_DOMAIN_BLOCKED:
		return "blocked";
	default:
		return "mapped";
	}
}

/* What of its capabilities a unit is driven with. @gsts: its global status; vtd.mutex is held. */
static void find_used(const struct vtd_unit *unit, u32 gsts, u64 *cap, u64 *ecap)
{
	bool first = vtd.format.first_stage;
	struct vtd_device *device;

	*cap = CAP_RWBF | CAP_CM;
	*ecap = gsts & GCMD_QIE ? ECAP_QI | ECAP_C : 0;
	if (gsts & GCMD_TE) {
		*cap |= CAP_PLMR | CAP_PHMR | CAP_PSI;
		if (vtd.pgsizes & SZ_2M && !first)
			*cap |= CAP_SLLPS_2M;
		if (vtd.pgsizes & SZ_1G)
			*cap |= first ? CAP_FS1GP : CAP_SLLPS_1G;
		*ecap |= (vtd.pass_through ? ECAP_PT : 0) | (vtd.snoop ? ECAP_SC : 0);
		if (unit->hw.scalable)
			*ecap |= ECAP_SMTS | ECAP_SMPWC | ECAP_PASID |
				 (first ? ECAP_FSTS : ECAP_SSTS);
	}
	if (gsts & GCMD_IRE) {
		*cap |= CAP_PI;
		*ecap |= ECAP_IR | (unit->hw.x2apic ? ECAP_EIM : 0);
	}
	list_for_each_entry(device, &vtd.devices, node)
		if (device->unit == unit && device->ats)
			*ecap |= ECAP_DT | ECAP_DIT;
	*cap &= unit->hw.cap;
	*ecap &= unit->hw.ecap;
}

static int units_show(struct seq_file *m, void *unused)
{
	static const struct {
		u64 bit;
		bool extended;
		const char *name;
	} names[] = {
		{ CAP_CM, false, "caching-mode" },
		{ CAP_RWBF, false, "write-buffer-flush" },
		{ CAP_PLMR | CAP_PHMR, false, "protected-memory" },
		{ CAP_SLLPS_2M, false, "2M" },
		{ CAP_SLLPS_1G, false, "1G" },
		{ CAP_PSI, false, "page-selective-invalidation" },
		{ CAP_PI, false, "posted-interrupts" },
		{ ECAP_C, true, "coherent" },
		{ ECAP_QI, true, "queued-invalidation" },
		{ ECAP_DT, true, "device-tlb" },
		{ ECAP_IR, true, "interrupt-remapping" },
		{ ECAP_EIM, true, "x2apic" },
		{ ECAP_PT, true, "pass-through" },
		{ ECAP_SC, true, "snoop-control" },
		{ ECAP_SMTS, true, "scalable-mode" },
		{ ECAP_SSTS, true, "second-stage" },
		{ ECAP_FSTS, true, "first-stage" },
		{ ECAP_NEST, true, "nested" },
		{ ECAP_PASID, true, "pasid" },
	};
	unsigned int i, j;

	for (i = 0; i < vtd.nr_units; i++) {
		struct vtd_unit *unit = vtd.units[i];
		u32 version = readl(unit->hw.regs + DMAR_VER);
		u32 gsts = readl(unit->hw.regs + DMAR_GSTS);
		u64 cap, ecap;

		seq_printf(m, "%s at 0x%llx, segment %u%s, version %u.%u\n", unit->name,
			   unit->drhd.base, unit->drhd.segment,
			   unit->drhd.all ? ", all other devices" : "", version >> 4 & 15,
			   version & 15);
		seq_printf(m, "  cap 0x%llx ecap 0x%llx gsts 0x%x%s%s%s%s%s\n", unit->hw.cap,
			   unit->hw.ecap, gsts, gsts & GCMD_TE ? " translating" : "",
			   gsts & GCMD_QIE ? " queue" : "", gsts & GCMD_IRE ? " interrupts" : "",
			   gsts & GCMD_IRE && gsts & GCMD_CFI ? " compatibility-format" : "",
			   unit->hw.broken ? " BROKEN" : "");
		mutex_lock(&vtd.mutex);
		find_used(unit, gsts, &cap, &ecap);
		mutex_unlock(&vtd.mutex);
		seq_printf(m, "  used cap 0x%llx ecap 0x%llx\n", cap, ecap);
		seq_printf(m, "  domains %u, address bits %u, fault records %u, levels%s%s%s\n",
			   1U << (4 + 2 * CAP_ND(unit->hw.cap)), CAP_MGAW(unit->hw.cap),
			   CAP_NFR(unit->hw.cap), CAP_SAGAW(unit->hw.cap) & BIT(1) ? " 3" : "",
			   CAP_SAGAW(unit->hw.cap) & BIT(2) ? " 4" : "",
			   CAP_SAGAW(unit->hw.cap) & BIT(3) ? " 5" : "");
		seq_puts(m, "  has");
		for (j = 0; j < ARRAY_SIZE(names); j++)
			if ((names[j].extended ? unit->hw.ecap : unit->hw.cap) & names[j].bit)
				seq_printf(m, " %s", names[j].name);
		seq_puts(m, "\n");
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(units);

static int devices_show(struct seq_file *m, void *unused)
{
	struct vtd_device *device;

	mutex_lock(&vtd.mutex);
	list_for_each_entry(device, &vtd.devices, node) {
		struct pci_dev *pdev = to_pci_dev(device->dev);
		struct iommu_group *group = iommu_group_get(device->dev);
		u64 words[PASID_WORDS];
		struct entry128 entry;
		bool has_pasid;

		vtd_lock(device->unit);
		entry = context_get(&device->unit->hw, pci_dev_id(pdev));
		has_pasid = context_get_pasid(&device->unit->hw, pci_dev_id(pdev), 0, words);
		vtd_unlock(device->unit);
		seq_printf(m, "%s %s group %d domain %s", dev_name(device->dev),
			   device->unit->name, group ? iommu_group_id(group) : -1,
			   type_name(device->domain));
		if (device->domain && device->domain->domain.type == IOMMU_DOMAIN_UNMANAGED)
			seq_printf(m, " %u", device->domain->id);
		seq_printf(m, " context 0x%llx:0x%llx", entry.hi, entry.lo);
		if (has_pasid)
			seq_printf(m, " pasid-entry 0x%llx:0x%llx:0x%llx", words[2], words[1],
				   words[0]);
		seq_printf(m, "%s%s\n", device->ats ? " ats" : "",
			   device->closed ? " CUT-OFF" : "");
		iommu_group_put(group);
	}
	mutex_unlock(&vtd.mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(devices);

static int interrupts_show(struct seq_file *m, void *unused)
{
	vtd_interrupt_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(interrupts);

/* The walk that was asked for, kept from write to read; under vtd.mutex. */
static unsigned int walk_segment, walk_bus, walk_slot, walk_func;
static u64 walk_address;

static ssize_t walk_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	unsigned int segment, bus, slot, func;
	char text[48];
	u64 address;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	text[count] = 0;
	if (sscanf(text, "%x:%x:%x.%x %llx", &segment, &bus, &slot, &func, &address) != 5)
		return -EINVAL;
	mutex_lock(&vtd.mutex);
	walk_segment = segment;
	walk_bus = bus;
	walk_slot = slot;
	walk_func = func;
	walk_address = address;
	mutex_unlock(&vtd.mutex);
	return count;
}

static void show_walk(struct seq_file *m, struct vtd_domain *d)
{
	struct iopt_walk walk;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&d->walk_lock, flags);
	iopt_look(&d->table, walk_address, &walk);
	spin_unlock_irqrestore(&d->walk_lock, flags);
	if (!walk.depth)
		seq_puts(m, "  beyond the width of the table\n");
	for (i = 0; i < walk.depth; i++) {
		u64 entry = walk.entry[i];

		seq_printf(m, "  level %u: 0x%llx%s%s%s\n", vtd.format.levels - i, entry,
			   entry & SLPTE_READ ? " read" : "", entry & SLPTE_WRITE ? " write" : "",
			   !(entry & (SLPTE_READ | SLPTE_WRITE)) ? " not present" :
			   i + 1 == walk.depth ? " page" : "");
	}
}

static int walk_show(struct seq_file *m, void *unused)
{
	struct vtd_device *device;

	mutex_lock(&vtd.mutex);
	list_for_each_entry(device, &vtd.devices, node) {
		struct pci_dev *pdev = to_pci_dev(device->dev);

		if (pci_domain_nr(pdev->bus) != walk_segment || pdev->bus->number != walk_bus ||
		    pdev->devfn != PCI_DEVFN(walk_slot & 31, walk_func & 7))
			continue;
		seq_printf(m, "%s address 0x%llx domain %s\n", dev_name(device->dev), walk_address,
			   type_name(device->domain));
		if (device->domain && device->domain->domain.type == IOMMU_DOMAIN_UNMANAGED)
			show_walk(m, device->domain);
	}
	mutex_unlock(&vtd.mutex);
	return 0;
}

static int walk_open(struct inode *inode, struct file *file)
{
	return single_open(file, walk_show, NULL);
}

static const struct file_operations walk_fops = {
	.owner = THIS_MODULE,
	.open = walk_open,
	.read = seq_read,
	.write = walk_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static bool inject_wanted;
module_param_named(vtd_inject, inject_wanted, bool, 0444);
MODULE_PARM_DESC(vtd_inject, "for tests: a file \"break\" in debugfs gives a VT-d unit up by its number");

/* Give the unit with that number up, as if it had not answered. */
static int break_unit(void *unused, u64 index)
{
	if (index >= vtd.nr_units)
		return -ENODEV;
	vtd_lock(vtd.units[index]);
	remap_give_up(&vtd.units[index]->hw);
	vtd_unlock(vtd.units[index]);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(break_fops, NULL, break_unit, "%llu\n");

/** vtd_debugfs_init() - make the files */
void vtd_debugfs_init(void)
{
	root = debugfs_create_dir("minikvm-iommu", NULL);
	debugfs_create_file("units", 0400, root, NULL, &units_fops);
	debugfs_create_file("devices", 0400, root, NULL, &devices_fops);
	debugfs_create_file("interrupts", 0400, root, NULL, &interrupts_fops);
	debugfs_create_file("walk", 0600, root, NULL, &walk_fops);
	if (inject_wanted)
		debugfs_create_file_unsafe("break", 0200, root, NULL, &break_fops);
}

/** vtd_debugfs_exit() - remove the files */
void vtd_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}
