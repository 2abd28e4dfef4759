// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drivers that bind to a device and unbind, and how long they hold the module.
 *
 * Linux' iommu.rst and driver-api: a driver that manages DMA by itself (VFIO's, by the flag
 * driver_managed_dma) takes a reference to the device's IOMMU group when it binds, before any
 * domain is made. The group needs the module, for the operations of its domains and to give up its
 * owner's claim. So such a driver holds the module from before its probe until after its remove. A
 * device whose domain is not identity holds it, too, as its group then has an owner. While the
 * module is being removed, vtd_capable() refuses drivers.
 */
#define pr_fmt(fmt) "minikvm: VT-d: " fmt

#include <linux/module.h>

#include "iommu/linux/vtd.h"

/* Set when the module is removed: no driver that would hold it may bind any more. */
static bool leaving;

/**
 * vtd_hold() - hold the module for a device, or let it go
 * @held: whether the device holds a reference for this reason
 * @need: whether it should
 *
 * The caller serialises the calls for one reason of one device.
 *
 * Return: false if the module is being removed and cannot be held.
 */
bool vtd_hold(bool *held, bool need)
{
	if (*held == need)
		return true;
	if (need && !try_module_get(THIS_MODULE))
		return false;
	if (!need)
		module_put(THIS_MODULE);
	*held = need;
	return true;
}

/* pcieport and pci-stub have the flag because they do no DMA; they do not ask for the group. */
static bool takes_the_group(struct device_driver *driver)
{
	return to_pci_driver(driver)->driver_managed_dma && strcmp(driver->name, "pcieport") &&
	       strcmp(driver->name, "pci-stub");
}

/* The driver core holds the device's lock. */
static int binding_changes(struct notifier_block *nb, unsigned long action, void *data)
{
	struct device *dev = data;
	struct vtd_device *device = dev_iommu_priv_get(dev);

	if (!device)
		return NOTIFY_DONE;
	switch (action) {
	case BUS_NOTIFY_BIND_DRIVER:
		if (takes_the_group(dev->driver))
			device->refused = !vtd_hold(&device->bound, true);
		break;
	case BUS_NOTIFY_DRIVER_NOT_BOUND:
	case BUS_NOTIFY_UNBOUND_DRIVER:
		vtd_hold(&device->bound, false);
		device->refused = false;
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block notifier = { .notifier_call = binding_changes };

/**
 * vtd_may_bind() - may a driver that keeps the group bind to a device?
 * @dev: the device
 *
 * Return: false while the module is removed, or if it could not be held for the driver that binds.
 */
bool vtd_may_bind(struct device *dev)
{
	struct vtd_device *device = dev_iommu_priv_get(dev);

	return device && !device->refused && !READ_ONCE(leaving);
}

/*
 * Linux counts the drivers in a group when they bind. Drivers that were bound before the groups
 * were made are counted here in the same way, or VFIO could take a device from them.
 */
static void adopt_driver(struct pci_dev *pdev)
{
	struct vtd_device *device = dev_iommu_priv_get(&pdev->dev);

	if (!device)
		return;
	if (device->was_bound && pdev->dev.driver && pci_bus_type.dma_configure(&pdev->dev))
		pr_warn("%s: its driver could not claim its group: VFIO may take the device\n",
			pci_name(pdev));
	if (pdev->dev.driver && takes_the_group(pdev->dev.driver))
		vtd_hold(&device->bound, true);
	device->was_bound = false;
}

/**
 * vtd_binding_start() - count the drivers that are bound, and watch those that bind
 *
 * All devices have their groups already.
 *
 * Return: 0 or -ENOMEM.
 */
int vtd_binding_start(void)
{
	struct pci_dev *pdev = NULL;
	int ret;

	leaving = false;
	ret = bus_register_notifier(&pci_bus_type, &notifier);
	if (ret)
		return ret;
	for_each_pci_dev(pdev) {
		device_lock(&pdev->dev);
		adopt_driver(pdev);
		device_unlock(&pdev->dev);
	}
	return 0;
}

/**
 * vtd_binding_stop() - undo vtd_binding_start(), before the groups are removed
 *
 * Linux wants groups to have no owner then. No driver that takes a group is bound, as it would hold
 * the module, and none binds from here on: vtd_may_bind().
 */
void vtd_binding_stop(void)
{
	struct pci_dev *pdev = NULL;

	WRITE_ONCE(leaving, true);
	/* Taking the lock waits for a driver that is just binding. */
	for_each_pci_dev(pdev) {
		device_lock(&pdev->dev);
		if (dev_iommu_priv_get(&pdev->dev) && pdev->dev.driver)
			pci_bus_type.dma_cleanup(&pdev->dev);
		device_unlock(&pdev->dev);
	}
	bus_unregister_notifier(&pci_bus_type, &notifier);
}
