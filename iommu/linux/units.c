// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding the remapping units, what all of them can do, and switching them on and off.
 *
 * VT-d specification, "BIOS Considerations" and "Software Setup". The hardware is touched only
 * where the host's own driver is off (intel_iommu=off intremap=off).
 */
#define pr_fmt(fmt) "minikvm: VT-d: " fmt

#include <linux/acpi.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "iommu/linux/vtd.h"

static bool scalable_wanted = true;
module_param_named(iommu_scalable, scalable_wanted, bool, 0444);
MODULE_PARM_DESC(iommu_scalable, "scalable mode where every VT-d unit has it (default on)");

static struct acpi_table_header *dmar;

static bool is_display(const struct dmar_structure *drhd, const struct dmar_scope *scope)
{
	struct pci_dev *pdev = NULL;
	bool found = false;

	if (scope->type != SCOPE_ENDPOINT)
		return false;
	for_each_pci_dev(pdev)
		found |= pci_domain_nr(pdev->bus) == drhd->segment &&
			 vtd_path_matches(pdev, scope) &&
			 pdev->class >> 16 == PCI_BASE_CLASS_DISPLAY;
	return found;
}

/* Some firmware lists a unit twice. Returns 0 if @drhd is new, 1 if it repeats another. */
static int find_twin(const struct dmar_structure *drhd)
{
	unsigned int i;

	for (i = 0; i < vtd.nr_units; i++) {
		switch (dmar_compare(&vtd.units[i]->drhd, drhd)) {
		case DMAR_SAME:
			pr_info("firmware bug: the DMAR table has %s at 0x%llx twice; the second is skipped\n",
				vtd.units[i]->name, drhd->base);
			return 1;
		case DMAR_CONFLICT:
			pr_info("firmware bug: the DMAR table has %s at 0x%llx twice, with different devices; VT-d is left alone\n",
				vtd.units[i]->name, drhd->base);
			return -EINVAL;
		default:
			break;
		}
	}
	return 0;
}

static int add_unit(const struct dmar_structure *drhd)
{
	int ret = find_twin(drhd);
	struct vtd_unit *unit;
	const char *why = NULL;
	void __iomem *regs;

	if (ret)
		return ret < 0 ? ret : 0;
	if (vtd.nr_units == VTD_MAX_UNITS) {
		pr_info("more than %d units: VT-d is left alone\n", VTD_MAX_UNITS);
		return -ENOSPC;
	}
	unit = kzalloc(sizeof(*unit), GFP_KERNEL);
	if (!unit)
		return -ENOMEM;
	unit->drhd = *drhd;
	unit->index = vtd.nr_units;
	snprintf(unit->name, sizeof(unit->name), "dmar%u", unit->index);
	if (!request_mem_region(drhd->base, PAGE_SIZE, "minikvm")) {
		ret = -EBUSY;
		goto out_free;
	}
	ret = -ENOMEM;
	regs = ioremap(drhd->base, PAGE_SIZE);
	if (!regs)
		goto out_region;
	ret = remap_probe(&unit->hw, regs, &why);
	if (ret && ret != -EBUSY)
		pr_info("%s at 0x%llx: %s; VT-d is left alone\n", unit->name,
			drhd->base, why);
	if (!ret)
		ret = remap_init(&unit->hw);
	if (ret)
		goto out_unmap;
	/* Some units for graphics never switch translation off again. */
	unit->hw.interrupts_only = dmar_names_only(drhd, is_display);
	if (unit->hw.interrupts_only)
		pr_info("%s is for graphics alone: it does not translate, and its devices cannot be assigned\n",
			unit->name);
	vtd.units[vtd.nr_units++] = unit;
	return 0;

out_unmap:
	remap_free(&unit->hw);
	iounmap(regs);
out_region:
	release_mem_region(drhd->base, PAGE_SIZE);
out_free:
	if (ret == -EBUSY)
		pr_info("the host's own driver has %s: boot with intel_iommu=off intremap=off to let minikvm drive VT-d\n",
			unit->name);
	kfree(unit);
	return ret;
}

static int visit(const struct dmar_structure *structure, void *arg)
{
	struct vtd_structure *entry;

	if (structure->type == DMAR_DRHD)
		return add_unit(structure);
	if (structure->empty) {
		pr_info("firmware bug: the DMAR table has an empty reserved region [0x%llx-0x%llx]; it is skipped\n",
			structure->base, structure->limit);
		return 0;
	}
	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	entry->dmar = *structure;
	list_add_tail(&entry->node, structure->type == DMAR_RMRR ? &vtd.regions : &vtd.root_ports);
	return 0;
}

/*
 * Scalable mode if every unit has it and one of the two stages, else legacy mode. The second stage
 * is preferred: it has write-only pages and 48 bits with 4 levels, as legacy mode does.
 */
static void choose_mode(u64 ecap)
{
	unsigned int i;

	vtd.scalable = scalable_wanted && ecap & ECAP_SMTS && ecap & (ECAP_SSTS | ECAP_FSTS);
	vtd.format.first_stage = vtd.scalable && !(ecap & ECAP_SSTS);
	vtd.format.coherent = ecap & (vtd.scalable ? ECAP_SMPWC : ECAP_C);
	vtd.snoop = ecap & ECAP_SC;
	vtd.format.snoop = vtd.snoop;
	vtd.pass_through = ecap & ECAP_PT;
	for (i = 0; i < vtd.nr_units; i++)
		vtd.units[i]->hw.scalable = vtd.scalable && !vtd.units[i]->hw.interrupts_only;
}

/* Find what every unit can do, so that a domain can be attached behind any of them. */
static int find_common(void)
{
	unsigned int sagaw = ~0, i;
	u64 caps = ~0ULL, ecaps = ~0ULL;

	vtd.nr_ids = 65536;
	vtd.width = 64;
	for (i = 0; i < vtd.nr_units; i++) {
		u64 cap = vtd.units[i]->hw.cap;

		if (vtd.units[i]->hw.interrupts_only)
			continue;
		caps &= cap;
		ecaps &= vtd.units[i]->hw.ecap;
		sagaw &= CAP_SAGAW(cap);
		vtd.width = min(vtd.width, CAP_MGAW(cap));
		vtd.nr_ids = min(vtd.nr_ids, 1U << (4 + 2 * min(CAP_ND(cap), 6U)));
	}
	choose_mode(ecaps);
	if (vtd.format.first_stage) {
		vtd.pgsizes = SZ_4K | SZ_2M | (caps & CAP_FS1GP ? SZ_1G : 0);
		vtd.format.levels = 4;
	} else {
		vtd.pgsizes = SZ_4K | (caps & CAP_SLLPS_2M ? SZ_2M : 0) |
			      (caps & CAP_SLLPS_1G ? SZ_1G : 0);
		vtd.format.levels = sagaw & BIT(2) ? 4 : sagaw & BIT(1) ? 3 :
				    sagaw & BIT(3) ? 5 : 0;
	}
	if (!vtd.format.levels) {
		pr_info("the units have no number of table levels in common; VT-d is left alone\n");
		return -ENODEV;
	}
	vtd.width = min(vtd.width, iopt_width(vtd.format));
	return 0;
}

/** vtd_units_disable() - translation off in all units */
void vtd_units_disable(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < vtd.nr_units; i++) {
		struct vtd_unit *unit = vtd.units[i];

		vtd_lock(unit);
		ret = remap_disable(&unit->hw);
		vtd_unlock(unit);
		if (ret)
			pr_err("%s does not answer: it may still translate\n", unit->name);
	}
}

/**
 * vtd_units_enable() - translation on in all units
 *
 * Return: 0, or the error of the last unit that does not switch on; the others are on.
 */
int vtd_units_enable(void)
{
	int ret = 0, error;
	unsigned int i;

	for (i = 0; i < vtd.nr_units; i++) {
		struct vtd_unit *unit = vtd.units[i];

		vtd_lock(unit);
		error = remap_enable(&unit->hw);
		vtd_unlock(unit);
		if (error)
			pr_err("%s does not switch on\n", unit->name);
		else
			vtd_fault_resume(unit);
		ret = error ?: ret;
	}
	return ret;
}

/**
 * vtd_units_find() - find the units of the DMAR table, and what all of them can do
 *
 * Their registers are reserved, and nothing in the hardware is changed.
 *
 * Return: 0, -ENODEV without units or with units that do not go together, or another errno. What
 * stands in the way is named in the log. vtd_units_free() undoes it in all cases.
 */
int vtd_units_find(void)
{
	struct dmar_error error;
	int ret;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_DMAR, 0, &dmar))) {
		pr_debug("there is no DMAR table\n");
		dmar = NULL;
		return -ENODEV;
	}
	ret = dmar_parse(dmar, dmar->length, visit, NULL, &error);
	if (error.why && ret == -EINVAL)
		pr_info("the DMAR table is malformed at offset %zu: %s; VT-d is left alone\n",
			error.offset, error.why);
	if (ret)
		return ret;
	return vtd.nr_units ? find_common() : -ENODEV;
}

/** vtd_units_free() - free the units, which are off, and what was read of the DMAR table */
void vtd_units_free(void)
{
	struct vtd_structure *entry, *next;
	unsigned int i;

	for (i = 0; i < vtd.nr_units; i++) {
		remap_free(&vtd.units[i]->hw);
		iounmap(vtd.units[i]->hw.regs);
		release_mem_region(vtd.units[i]->drhd.base, PAGE_SIZE);
		kfree(vtd.units[i]);
	}
	vtd.nr_units = 0;
	list_for_each_entry_safe(entry, next, &vtd.regions, node)
		kfree(entry);
	INIT_LIST_HEAD(&vtd.regions);
	list_for_each_entry_safe(entry, next, &vtd.root_ports, node)
		kfree(entry);
	INIT_LIST_HEAD(&vtd.root_ports);
	if (dmar)
		acpi_put_table(dmar);
	dmar = NULL;
}
