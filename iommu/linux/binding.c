// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drivers that come to a device and leave it, and how long they keep the module.
 *
 * Linux' iommu.rst and driver-api: a driver that manages DMA by itself (VFIO's, by the flag
 * driver_managed_dma) takes a reference to the device's IOMMU group when it binds, before any
 * domain is made. The group leads to the module: its domains' operations, the owner's claim that
 * must be undone. So such a driver holds the module from before its probe until after its remove,
 * and a device whose domain is not identity holds it, too: then the group has an owner. A driver
 * that comes while the module goes is refused by vtd_capable().
 */
#define pr_fmt(fmt) "minikvm: VT-d: " fmt

#include <linux/module.h>

#include "iommu/linux/vtd.h"

/* Set when the module goes: no driver that would hold it may bind any more. */
static bool leaving;

/**
 * vtd_hold() - a device needs the module, or no longer does
 * @held: whether it holds a reference for this reason
 * @need: whether it should
 *
 * The caller serialises the calls for one reason of one device.
 *
 * Return: false where the module is going and cannot be held.
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

/* Ports and pci-stub manage DMA by doing none: they never ask for the group. */
static bool takes_the_group(struct device_driver *driver)
{
	return to_pci_driver(driver)->driver_managed_dma && strcmp(driver->name, "pcieport") &&
	       strcmp(driver->name, "pci-stub");
}

/* Under the device's lock. */
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
 * Return: false while the module goes, or where it could not be held for the driver that is coming.
 */
bool vtd_may_bind(struct device *dev)
{
	struct vtd_device *device = dev_iommu_priv_get(dev);

	return device && !device->refused && !READ_ONCE(leaving);
}

/*
 * Linux counts the drivers in a group when they bind. Those that were bound before there were
 * groups are counted here, by what binding calls; VFIO could take a device from under them.
 */
static void adopt_driver(struct pci_dev *pdev)
{
	struct vtd_device *device = dev_iommu_priv_get(&pdev->dev);

	if (!device)
		return;
	if (device->was_bound && pdev->dev.driver && pci_bus_type.dma_configure(&pdev->dev))
		pr_warn("%s: its group is not kept from others\n", pci_name(pdev));
	if (pdev->dev.driver && takes_the_group(pdev->dev.driver))
		vtd_hold(&device->bound, true);
	device->was_bound = false;
}

/**
 * vtd_binding_start() - count the drivers that are there, and be told of those that come
 *
 * All devices have their groups.
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
 * vtd_binding_stop() - the opposite, for groups that are about to go
 *
 * Linux wants them without owners. No driver that takes a group is bound, or binds from here on:
 * the module's references and vtd_may_bind() see to it.
 */
void vtd_binding_stop(void)
{
	struct pci_dev *pdev = NULL;

	WRITE_ONCE(leaving, true);
	/* Each lock waits for the driver that is just binding there. */
	for_each_pci_dev(pdev) {
		device_lock(&pdev->dev);
		if (dev_iommu_priv_get(&pdev->dev) && pdev->dev.driver)
			pci_bus_type.dma_cleanup(&pdev->dev);
		device_unlock(&pdev->dev);
	}
	bus_unregister_notifier(&pci_bus_type, &notifier);
}
