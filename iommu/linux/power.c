// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d when the machine sleeps, ends, or goes on with another kernel.
 *
 * Suspend, reboot, power-off and kexec find translation off, as the firmware left it. Except for
 * kexec, a syscore operation does that as one of the last steps, when no interrupt is taken any
 * more. For kexec, 6.1 calls no syscore operation, but it shuts devices down, the last registered
 * one first. A device of minikvm's own is moved in front of all that can do DMA, so that it comes
 * after them. That would be too early for a power-off, whose ACPI methods may wait for interrupts.
 * A crash kernel gets the units as they are, with one change: vtd_emergency().
 */
#define pr_fmt(fmt) "minikvm: VT-d: " fmt

#include <linux/platform_device.h>
#include <linux/reboot.h>

#include "compat/compat.h"
#include "iommu/hw/command.h"
#include "iommu/linux/vtd.h"

static struct platform_device *last_device;
static bool by_kexec;

static int vtd_suspend(void)
{
	vtd_interrupt_suspend();
	vtd_units_disable();
	return 0;
}

static void vtd_resume(void)
{
	/* A unit that does not switch on is given up, and its devices are cut off: vtd_unlock(). */
	int ret = vtd_units_enable();
	unsigned int i;

	/* Also if translation failed: the messages in the devices lead to remapping entries. */
	if (!vtd_interrupt_resume()) {
		if (ret)
			pr_err("not switched on again after suspend: assigned devices are cut off\n");
		return;
	}
	/* Messages of assigned devices would go unchecked: cut the devices off. */
	for (i = 0; i < vtd.nr_units; i++) {
		vtd_lock(vtd.units[i]);
		remap_give_up(&vtd.units[i]->hw);
		vtd_unlock(vtd.units[i]);
	}
	pr_err("interrupts are not remapped after suspend: assigned devices are cut off\n");
}

COMPAT_SYSCORE(suspend_syscore, vtd_suspend, vtd_resume);

static void vtd_shutdown(void)
{
	vtd_suspend();
}

COMPAT_SYSCORE_SHUTDOWN(shutdown_syscore, vtd_shutdown);

/* "kexec reboot" is the kernel's own; given to reboot(2), it only switches off a bit earlier. */
static int about_to_end(struct notifier_block *nb, unsigned long action, void *command)
{
	by_kexec = command && !strcmp(command, "kexec reboot");
	return NOTIFY_DONE;
}

static struct notifier_block reboot_notifier = { .notifier_call = about_to_end };

/* Every driver has shut its device down, and the bus has taken bus mastering away. */
static void last_shutdown(struct platform_device *pdev)
{
	if (by_kexec)
		vtd_suspend();
}

static struct platform_driver last_driver = {
	.driver = { .name = "minikvm-vtd" },
	.shutdown = last_shutdown,
};

/* In the order of registration, the device goes right behind the first of all. */
static int make_last_device(void)
{
	int ret = platform_driver_register(&last_driver);

	if (ret)
		return ret;
	last_device = platform_device_register_simple(last_driver.driver.name, PLATFORM_DEVID_NONE,
						      NULL, 0);
	if (IS_ERR(last_device)) {
		platform_driver_unregister(&last_driver);
		return PTR_ERR(last_device);
	}
	ret = device_move(&last_device->dev, &platform_bus, DPM_ORDER_DEV_AFTER_PARENT);
	if (!ret)
		ret = register_reboot_notifier(&reboot_notifier);
	if (ret) {
		platform_device_unregister(last_device);
		platform_driver_unregister(&last_driver);
	}
	return ret;
}

/**
 * vtd_power_init() - from now on, switch the units off when the machine ends
 *
 * Return: 0; an error, and nothing is registered.
 */
int vtd_power_init(void)
{
	int ret = make_last_device();

	if (ret)
		return ret;
	compat_register_syscore(&suspend_syscore);
	compat_register_syscore(&shutdown_syscore);
	return 0;
}

/** vtd_power_exit() - undo vtd_power_init() */
void vtd_power_exit(void)
{
	compat_unregister_syscore(&shutdown_syscore);
	compat_unregister_syscore(&suspend_syscore);
	unregister_reboot_notifier(&reboot_notifier);
	platform_device_unregister(last_device);
	platform_driver_unregister(&last_driver);
}

/**
 * vtd_emergency() - after a crash, let the next kernel have interrupts
 *
 * The next kernel writes messages in compatibility format, unless it takes the units over.
 * Translation stays as it is, as no driver has stopped its device. Context: any, on each processor,
 * without locks: the kernel may have crashed under them. Only the first call has an effect.
 */
void vtd_emergency(void)
{
	static bool done;
	unsigned int i;

	if (xchg(&done, true))
		return;
	for (i = 0; i < vtd.nr_units; i++) {
		/* A processor that was giving a command does not go on with it. */
		vtd.units[i]->hw.commanding = false;
		if (readl(vtd.units[i]->hw.regs + DMAR_GSTS) & GCMD_IRE)
			irt_pass_compatibility(&vtd.units[i]->hw, true);
	}
}
