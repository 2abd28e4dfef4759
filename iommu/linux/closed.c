// SPDX-License-Identifier: GPL-2.0-only
/*
 * Closing devices whose unit does not answer: they may not send any more.
 *
 * PCI Local Bus specification, "Command Register" (Bus Master); Linux' pci-error-recovery.rst. If a
 * unit does not carry an invalidation out, a device may still reach memory that is used for
 * something else a moment later. So before the lock of the unit is given back with that error, each
 * device behind it that is not the host's own (its domain is not identity) loses the right to
 * master the bus. As the device's user can write the Command register, also through VFIO, the
 * operations of the bus are replaced by others, which keep the bit clear. The bridge above stops
 * forwarding, too, if no device of the host's is below it: some devices have a second way to their
 * Command register.
 *
 * Host devices keep the right. Under identity they reach all of memory by design, no memory is
 * taken back from them, and the host needs its disk. A device is opened again when it is attached
 * to another domain while its unit answers.
 *
 * VFIO is told as of a fatal PCI error: its error_detected() raises the error interrupt of the
 * device, upon which QEMU stops the guest. What VFIO maps or attaches from then on fails (-EIO).
 */
#define pr_fmt(fmt) "minikvm: VT-d: " fmt

#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "iommu/linux/vtd.h"

/**
 * struct vtd_bus - a bus with devices behind units
 * @node: in the list of buses; changes under vtd.mutex, is read under RCU
 * @bus: the bus
 * @plain: its own operations
 * @ops: operations that keep devices from mastering it
 * @users: how many devices of vtd.devices are on it
 * @installed: the bus uses @ops
 * @closed: devices and functions that may not master the bus
 */
struct vtd_bus {
	struct list_head node;
	struct pci_bus *bus;
	struct pci_ops *plain;
	struct pci_ops ops;
	unsigned int users;
	bool installed;
	DECLARE_BITMAP(closed, NR_DEVFNS);
};

static LIST_HEAD(buses);

static void tell(struct work_struct *work);
static DECLARE_WORK(telling, tell);

static struct vtd_bus *find_bus(struct pci_bus *bus)
{
	struct vtd_bus *b;

	list_for_each_entry_rcu(b, &buses, node, lockdep_is_held(&vtd.mutex))
		if (b->bus == bus)
			return b;
	return NULL;
}

/* Called by PCI's core in any context. */
static int write_config(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	struct pci_ops *plain = NULL;
	struct vtd_bus *b;

	rcu_read_lock();
	b = find_bus(bus);
	if (b) {
		plain = b->plain;
		if (where <= PCI_COMMAND && PCI_COMMAND < where + size &&
		    test_bit(devfn & 0xff, b->closed))
			value &= ~(PCI_COMMAND_MASTER << 8 * (PCI_COMMAND - where));
	}
	rcu_read_unlock();
	return plain ? plain->write(bus, devfn, where, size, value) : PCIBIOS_DEVICE_NOT_FOUND;
}

/**
 * vtd_closed_probe() - allocate what is needed to close a device, which itself cannot allocate
 * @device: a new one; the caller holds vtd.mutex
 *
 * Return: 0 or -ENOMEM.
 */
int vtd_closed_probe(struct vtd_device *device)
{
	struct pci_bus *bus = to_pci_dev(device->dev)->bus;
	struct vtd_bus *b = find_bus(bus);

	if (!b) {
		b = kzalloc(sizeof(*b), GFP_KERNEL);
		if (!b)
			return -ENOMEM;
		b->bus = bus;
		b->plain = bus->ops;
		b->ops = *bus->ops;
		b->ops.write = write_config;
		list_add_rcu(&b->node, &buses);
	}
	b->users++;
	device->bus = b;
	return 0;
}

/**
 * vtd_closed_release() - undo vtd_closed_probe()
 * @device: no longer in vtd.devices; the caller holds vtd.mutex
 */
void vtd_closed_release(struct vtd_device *device)
{
	struct pci_dev *pdev = to_pci_dev(device->dev);
	struct vtd_bus *b = device->bus;

	if (test_and_clear_bit(pdev->devfn, b->closed) && pci_is_bridge(pdev))
		pci_set_master(pdev);
	if (--b->users)
		return;
	if (b->installed) {
		pci_bus_set_ops(b->bus, b->plain);
		/* Wait until no configuration access is under way: they take no lock. */
		synchronize_rcu_tasks();
	}
	list_del_rcu(&b->node);
	synchronize_rcu();
	kfree(b);
}

static void silence(struct vtd_device *device)
{
	struct pci_dev *pdev = to_pci_dev(device->dev);
	struct vtd_bus *b = device->bus;

	set_bit(pdev->devfn, b->closed);
	if (!b->installed) {
		pci_bus_set_ops(b->bus, &b->ops);
		b->installed = true;
	}
	pci_clear_master(pdev);
}

static bool is_below(struct pci_dev *pdev, const struct pci_dev *bridge)
{
	while (pdev && pdev != bridge)
		pdev = pci_upstream_bridge(pdev);
	return pdev;
}

/* Close the bridge above, if all devices below it are closed and it can be opened again. */
static void silence_bridge(struct vtd_device *device)
{
	struct pci_dev *bridge = pci_upstream_bridge(to_pci_dev(device->dev));
	struct vtd_device *other, *above = NULL;

	list_for_each_entry(other, &vtd.devices, node) {
		struct pci_dev *pdev = to_pci_dev(other->dev);

		if (pdev == bridge)
			above = other;
		else if (bridge && !other->closed && is_below(pdev, bridge))
			return;
	}
	if (above)
		silence(above);
}

/* The caller holds vtd.devices_lock. */
static void close_one(struct vtd_device *device)
{
	if (device->closed)
		return;
	device->closed = true;
	device->told = false;
	silence(device);
	schedule_work(&telling);
}

/**
 * vtd_close() - take the bus from one device, and have its driver told
 * @device: in vtd.devices; it stays there meanwhile
 *
 * Context: any, also with a unit's lock held.
 */
void vtd_close(struct vtd_device *device)
{
	unsigned long flags;

	spin_lock_irqsave(&vtd.devices_lock, flags);
	close_one(device);
	spin_unlock_irqrestore(&vtd.devices_lock, flags);
}

/**
 * vtd_reopen() - let a device master the bus again, if its unit answers
 * @device: it has a new domain; the caller holds vtd.mutex
 *
 * The device's driver sets Bus Master itself; only the bridge above must be as it was. If the unit
 * is given up later, vtd_close_unit() closes the device again, as it takes the same lock.
 */
void vtd_reopen(struct vtd_device *device)
{
	struct pci_dev *pdev = to_pci_dev(device->dev), *bridge = pci_upstream_bridge(pdev);
	struct vtd_device *other;
	bool forward = false;
	unsigned long flags;

	spin_lock_irqsave(&vtd.devices_lock, flags);
	if (READ_ONCE(device->unit->hw.broken))
		goto out;
	device->closed = false;
	clear_bit(pdev->devfn, device->bus->closed);
	list_for_each_entry(other, &vtd.devices, node)
		if (bridge && to_pci_dev(other->dev) == bridge)
			forward = test_and_clear_bit(bridge->devfn, other->bus->closed);
out:
	spin_unlock_irqrestore(&vtd.devices_lock, flags);
	if (forward)
		pci_set_master(bridge);
}

/**
 * vtd_close_unit() - take the bus from every device behind a unit that users have
 * @unit: it was given up; its lock is held
 *
 * None of the devices sends any more on return. Context: any.
 */
void vtd_close_unit(struct vtd_unit *unit)
{
	struct vtd_device *device;
	unsigned long flags;

	unit->cut_off = unit->hw.times_given_up;
	WRITE_ONCE(vtd.any_broken, true);
	spin_lock_irqsave(&vtd.devices_lock, flags);
	/* Set before an entry of the device leads to anything but identity: attach_dev(). */
	list_for_each_entry(device, &vtd.devices, node)
		if (device->unit == unit && READ_ONCE(device->claimed))
			close_one(device);
	list_for_each_entry(device, &vtd.devices, node)
		if (device->unit == unit && device->closed)
			silence_bridge(device);
	spin_unlock_irqrestore(&vtd.devices_lock, flags);
	schedule_work(&telling);
}

/* A closed device whose driver was not told, with a reference; or NULL. */
static struct pci_dev *take_untold(const char **unit, bool *broken)
{
	struct vtd_device *device;
	struct pci_dev *pdev = NULL;
	unsigned long flags;

	spin_lock_irqsave(&vtd.devices_lock, flags);
	list_for_each_entry(device, &vtd.devices, node) {
		if (!device->closed || device->told)
			continue;
		device->told = true;
		*unit = device->unit->name;
		*broken = device->unit->hw.broken;
		pdev = pci_dev_get(to_pci_dev(device->dev));
		break;
	}
	spin_unlock_irqrestore(&vtd.devices_lock, flags);
	return pdev;
}

static void tell(struct work_struct *work)
{
	const struct pci_error_handlers *handlers;
	struct pci_dev *pdev;
	const char *unit;
	unsigned int i;
	bool broken;

	for (i = 0; i < vtd.nr_units; i++)
		if (READ_ONCE(vtd.units[i]->hw.broken))
			pr_err_ratelimited("%s does not answer: it is not used any more, and devices behind it that are not the host's may not master the bus\n",
					   vtd.units[i]->name);
	while ((pdev = take_untold(&unit, &broken))) {
		if (broken)
			pr_err("%s is cut off: %s does not answer\n", pci_name(pdev), unit);
		else
			pr_err("%s is cut off: it does not give translations back\n",
			       pci_name(pdev));
		device_lock(&pdev->dev);
		handlers = pdev->dev.driver ? to_pci_driver(pdev->dev.driver)->err_handler : NULL;
		if (handlers && handlers->error_detected)
			handlers->error_detected(pdev, pci_channel_io_perm_failure);
		device_unlock(&pdev->dev);
		pci_dev_put(pdev);
	}
}

/** vtd_closed_flush() - end the work that tells drivers, before units are freed */
void vtd_closed_flush(void)
{
	cancel_work_sync(&telling);
}
