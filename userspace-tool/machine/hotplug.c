// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot plug: a device goes into one of the slots from PCI_FIRST_HOTPLUG on, and general-purpose
 * event 0 tells the guest to look there. One that is to leave is asked of the guest: its driver
 * lets go, and \_EJ0 of the DSDT (boot/dsdt.c) writes the slot's bit to the last register. From
 * then on the slot is empty to the guest; the device is closed when every vCPU stands still, so
 * that none is in its registers any more. ACPI specification 6.x, section "Device Insertion,
 * Removal, and Status Objects"; boot/acpi.h has the ports.
 *
 * Relies on the event loop's thread alone adding and closing devices. The guest can eject what it
 * likes and when it likes, but only devices that came while it ran.
 */
#include <stdio.h>

#include "boot/acpi.h"
#include "compiler.h"
#include "machine/devices.h"
#include "machine/hotplug.h"
#include "machine/power.h"

enum {
	REGISTER_FRESH = 0,
	REGISTER_TO_GO = 4,
	REGISTER_EJECT = 8,
};

/* Return: the first slot that is free, also of a device that is still to be closed; or 0. */
static unsigned int free_slot(const struct machine *m)
{
	unsigned int i;

	for (i = PCI_FIRST_HOTPLUG; i < PCI_SLOTS; i++)
		if (!m->pci.slot[i].there && !(m->hotplug.ejected & BIT(i)))
			return i;
	return 0;
}

/**
 * hotplug_add() - give the running guest a device
 * @m: the machine
 * @device: the device, complete; belongs to the machine from now on, whether it succeeds or not
 * @why: receives the sentence on failure
 *
 * Return: the number of its slot, or -1.
 */
int hotplug_add(struct machine *m, struct virtio_device *device, struct sentence *why)
{
	unsigned int slot;

	pthread_mutex_lock(&m->power_lock);
	slot = m->vm.irqchip ? free_slot(m) : 0;
	pthread_mutex_unlock(&m->power_lock);
	if (!slot) {
		device->ops->close(device);
		if (!m->vm.irqchip)
			return say(why, "The machine of --flat has no slots for devices.");
		return say(why, "The %d slots for devices that come while the guest runs are in use.",
			   PCI_SLOTS - PCI_FIRST_HOTPLUG);
	}
	if (devices_add_at(m, device, slot, why))
		return -1;
	devices_list_states(m);
	pthread_mutex_lock(&m->power_lock);
	m->hotplug.occupied |= BIT(slot);
	m->hotplug.fresh |= BIT(slot);
	pthread_mutex_unlock(&m->power_lock);
	power_event(m, ACPI_GPE_HOTPLUG);
	return slot;
}

/**
 * hotplug_remove() - ask the guest to let a device go
 * @m: the machine
 * @name: the device's name
 * @why: receives the sentence on failure
 *
 * When it has, it is reported as "device-removed".
 *
 * Return: 0, or -1.
 */
int hotplug_remove(struct machine *m, const char *name, struct sentence *why)
{
	struct virtio_pci *p = devices_find(m, name);
	__u32 slot;
	bool came;

	if (!p)
		return say(why, "The guest has no device '%s'.", name);
	slot = BIT(p->endpoint.number);
	pthread_mutex_lock(&m->power_lock);
	/* The guest may have let it go already: then its slot's next device is not to go. */
	came = (m->hotplug.occupied | m->hotplug.ejected) & slot;
	m->hotplug.to_go |= m->hotplug.occupied & slot;
	pthread_mutex_unlock(&m->power_lock);
	if (!came)
		return say(why, "The device '%s' was there from the start, and stays.", name);
	power_event(m, ACPI_GPE_HOTPLUG);
	return 0;
}

/* Is there a device that the guest has let go? */
bool hotplug_has_ejected(struct machine *m)
{
	bool any;

	pthread_mutex_lock(&m->power_lock);
	any = m->hotplug.ejected;
	pthread_mutex_unlock(&m->power_lock);
	return any;
}

/* Close the devices that the guest has let go. Every vCPU stands still. */
void hotplug_close_ejected(struct machine *m)
{
	char name[VIRTIO_NAME_MAX];
	struct sentence what;
	unsigned int slot;
	__u32 ejected;

	pthread_mutex_lock(&m->power_lock);
	ejected = m->hotplug.ejected;
	m->hotplug.ejected = 0;
	pthread_mutex_unlock(&m->power_lock);
	for (slot = PCI_FIRST_HOTPLUG; slot < PCI_SLOTS; slot++) {
		struct virtio_device *d = ejected & BIT(slot) ? devices_in_slot(m, slot) : NULL;

		if (!d)
			continue;
		snprintf(name, sizeof(name), "%s", d->name);
		devices_remove(m, d);
		say(&what, "The guest has let the device %s go.", name);
		machine_report(m, "device-removed", &what);
	}
	if (ejected)
		devices_list_states(m);
}

/* The guest has let these go: from now on their slots are empty to it. */
static void eject(struct machine *m, __u32 slots)
{
	unsigned int slot;

	slots &= m->hotplug.occupied;
	for (slot = PCI_FIRST_HOTPLUG; slot < PCI_SLOTS; slot++)
		if (slots & BIT(slot))
			pci_root_remove(&m->pci, slot);
	m->hotplug.occupied &= ~slots;
	m->hotplug.fresh &= ~slots;
	m->hotplug.to_go &= ~slots;
	m->hotplug.ejected |= slots;
}

__u32 hotplug_read(struct machine *m, unsigned int reg)
{
	__u32 value = 0;

	pthread_mutex_lock(&m->power_lock);
	if (reg == REGISTER_FRESH) {
		value = m->hotplug.fresh;
		m->hotplug.fresh = 0;
	} else if (reg == REGISTER_TO_GO) {
		value = m->hotplug.to_go;
		m->hotplug.to_go = 0;
	}
	pthread_mutex_unlock(&m->power_lock);
	return value;
}

void hotplug_write(struct machine *m, unsigned int reg, __u32 value)
{
	if (reg != REGISTER_EJECT)
		return;
	pthread_mutex_lock(&m->power_lock);
	eject(m, value);
	pthread_mutex_unlock(&m->power_lock);
	machine_wake(m);
}
