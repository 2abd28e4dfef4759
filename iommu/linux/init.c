// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking VT-d over when the module is loaded, and giving it back: the top of iommu/linux.
 *
 * VT-d specification, "Software Setup". The order of the steps is here, the steps are in the other
 * files. Without units, or with units that are in use, the module goes on without VT-d.
 */
#define pr_fmt(fmt) "minikvm: VT-d: " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "iommu/linux/vtd.h"

static bool vtd_wanted = true;
module_param_named(vtd, vtd_wanted, bool, 0444);
MODULE_PARM_DESC(vtd, "drive VT-d where the host's own driver is off (default on)");

/* Without pass-through, the host's devices use a table that maps all of memory onto itself. */
static int make_identity(void)
{
	u64 end = max_t(u64, virt_to_phys(high_memory - 1) + 1, SZ_4G), at, size;
	int ret;

	if (vtd.pass_through)
		return 0;
	size = vtd.pgsizes & SZ_1G ? SZ_1G : vtd.pgsizes & SZ_2M ? SZ_2M : SZ_4K;
	ret = iopt_init(&vtd.identity, vtd.format, GFP_KERNEL);
	for (at = 0; !ret && at < end; at += size) {
		ret = iopt_map(&vtd.identity, at, at, size, SLPTE_READ | SLPTE_WRITE, GFP_KERNEL);
		cond_resched();
	}
	return ret;
}

static void free_all(void)
{
	vtd_closed_flush();
	/* A unit that no longer answers may go on walking the table. */
	if (!vtd_any_broken())
		iopt_destroy(&vtd.identity);
	vtd_units_free();
}

/**
 * vtd_init() - take VT-d over, if the machine has it and no other driver uses it
 *
 * Translation is on afterwards, with every device under identity.
 *
 * Return: whether VT-d was taken over. If not, the reason is in the log and nothing is changed.
 */
bool vtd_init(void)
{
	unsigned int i;
	int ret;

	INIT_LIST_HEAD(&vtd.regions);
	INIT_LIST_HEAD(&vtd.root_ports);
	INIT_LIST_HEAD(&vtd.devices);
	spin_lock_init(&vtd.devices_lock);
	mutex_init(&vtd.mutex);
	ida_init(&vtd.ids);
	if (!vtd_wanted)
		return false;
	ret = vtd_units_find();
	if (!ret)
		ret = make_identity();
	if (ret)
		goto out_free;
	ret = vtd_power_init();
	if (ret)
		goto out_free;
	ret = vtd_domain_init();
	if (ret)
		goto out_power;
	ret = vtd_domain_pass_acpi() ?: vtd_units_enable();
	if (ret)
		goto out_disable;
	for (i = 0; i < vtd.nr_units; i++)
		if (vtd_fault_start(vtd.units[i]))
			pr_warn("%s has no fault interrupt: what it blocks is not reported\n",
				vtd.units[i]->name);
	vtd_interrupt_start();
	vtd_debugfs_init();
	pr_info("%u unit%s, %s, %u-bit addresses, %u levels, host devices %s%s\n", vtd.nr_units,
		vtd.nr_units == 1 ? "" : "s", !vtd.scalable ? "legacy mode" :
		vtd.format.first_stage ? "scalable mode, first stage" :
		"scalable mode, second stage", vtd.width, vtd.format.levels,
		vtd.pass_through ? "pass through" : "mapped one to one",
		vtd.remaps_interrupts ? ", interrupts remapped" : "");
	return true;

out_disable:
	vtd_units_disable();
	vtd_domain_exit();
out_power:
	vtd_power_exit();
out_free:
	free_all();
	return false;
}

/**
 * vtd_exit() - give VT-d back as it was found
 *
 * Only after vtd_init() returned true. No device is assigned: such a device holds the module.
 */
void vtd_exit(void)
{
	unsigned int i;

	vtd_debugfs_exit();
	vtd_interrupt_stop();
	for (i = 0; i < vtd.nr_units; i++)
		vtd_fault_stop(vtd.units[i]);
	/* All devices are under identity: for them nothing changes. */
	vtd_units_disable();
	vtd_domain_exit();
	vtd_power_exit();
	free_all();
}
