// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's buses, what connects PCI devices with the VM (struct wires), and the list of the
 * devices: see devices.h.
 *
 * Relies on devices being added and removed by one thread, and removed only while no vCPU can be in
 * their registers.
 */
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "compiler.h"
#include "machine/devices.h"
#include "machine/ports.h"
#include "terminal/message.h"
#include "virtio/console.h"

static int gsi_take(void *opaque, unsigned int count)
{
	struct machine *m = opaque;

	return vm_take_gsis(&m->vm, count);
}

static void gsi_give(void *opaque, unsigned int first)
{
	struct machine *m = opaque;

	vm_give_gsis(&m->vm, first);
}

static int route(void *opaque, unsigned int gsi, const struct msi_message *message)
{
	struct machine *m = opaque;

	return vm_route_msi(&m->vm, gsi, message);
}

static int irqfd(void *opaque, unsigned int gsi, int fd, bool on)
{
	struct machine *m = opaque;

	return vm_irqfd(&m->vm, fd, gsi, -1, on);
}

static void line(void *opaque, unsigned int gsi, bool level)
{
	struct machine *m = opaque;

	vm_irq_line(&m->vm, gsi, level);
}

static int doorbell(void *opaque, __u64 gpa, unsigned int len, int fd, bool on)
{
	struct machine *m = opaque;

	return vm_doorbell(&m->vm, gpa, len, fd, on);
}

static const struct wires_ops wires_ops = {
	.gsi_take = gsi_take,
	.gsi_give = gsi_give,
	.route = route,
	.irqfd = irqfd,
	.line = line,
	.doorbell = doorbell,
};

/* The buses and the PCI root, without devices. The VM is there. */
void devices_init(struct machine *m)
{
	struct wires wires = { .ops = &wires_ops, .opaque = m };
	__u64 base, size;

	bus_init(&m->ports);
	bus_init(&m->memory);
	vm_high_window(&m->vm, &base, &size);
	pci_root_init(&m->pci, &m->memory, &m->ports, &wires, base, size);
	ports_init(m);
}

static void report(void *opaque, const struct sentence *what)
{
	machine_report(opaque, "device-error", what);
}

/**
 * devices_add() - put a virtio device on the PCI bus
 * @m: the machine
 * @device: the device, complete; belongs to the machine from now on, whether it succeeds or not
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int devices_add(struct machine *m, struct virtio_device *device, struct sentence *why)
{
	struct virtio_pci *p = calloc(1, sizeof(*p));

	device->report = report;
	device->machine = m;
	if (m->split)
		device->offered &= ~BIT_ULL(VIRTIO_F_RING_PACKED);
	if (!p || m->virtio_count == PCI_SLOTS || virtio_pci_plug(p, device, &m->pci, why) ||
	    virtio_device_start_workers(device, why)) {
		if (!p || m->virtio_count == PCI_SLOTS)
			say(why, "There is no room for the device %s.", device->name);
		else
			virtio_pci_unplug(p);
		free(p);
		device->ops->close(device);
		return -1;
	}
	m->virtio[m->virtio_count++] = p;
	message(MESSAGE_DEBUG, "%s: a virtio device, queues: %u.", device->name,
		device->queues);
	return 0;
}

static void console_transmit(void *opaque, const __u8 *data, size_t len)
{
	struct machine *m = opaque;

	console_put(&m->console, data, len);
}

static void console_has_space(void *opaque)
{
	machine_wake(opaque);
}

/* A virtio console, whose first port is the terminal. Return: 0, or -1 with the sentence. */
int devices_add_console(struct machine *m, struct sentence *why)
{
	const struct console_port port = {
		.transmit = console_transmit,
		.space = console_has_space,
		.opaque = m,
	};
	struct virtio_device *d = console_device_open(&m->vm.ram, &port, 1, why);

	if (!d || devices_add(m, d, why))
		return -1;
	m->terminal = d;
	devices_resize(m);
	return 0;
}

/* The terminal may have another size now: tell the guest. */
void devices_resize(struct machine *m)
{
	struct winsize size;

	if (m->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		console_resize(m->terminal, size.ws_col, size.ws_row);
}

static void close_one(struct virtio_pci *p)
{
	virtio_pci_unplug(p);
	p->device->ops->close(p->device);
	free(p);
}

/* Take a device from the bus and close it. Return: 0, or -1 where it is not the machine's. */
int devices_remove(struct machine *m, struct virtio_device *device)
{
	unsigned int i;

	for (i = 0; i < m->virtio_count; i++) {
		if (m->virtio[i]->device != device)
			continue;
		if (m->terminal == device)
			m->terminal = NULL;
		close_one(m->virtio[i]);
		m->virtio[i] = m->virtio[--m->virtio_count];
		return 0;
	}
	return -1;
}

/* Give the guest a device of the host's. Return: 0, or -1 with the sentence in @why. */
int devices_assign(struct machine *m, const char *address, struct sentence *why)
{
	struct assigned *d;

	if (m->assigned_count == PCI_SLOTS)
		return say(why, "There is no room for the device %s.", address);
	d = assigned_open(address, &m->vm, &m->pci, why);
	if (!d)
		return -1;
	m->assigned[m->assigned_count++] = d;
	return 0;
}

/* Hold every virtio device still: no worker runs, and none touches the guest's memory. */
void devices_hold(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->virtio_count; i++)
		virtio_lock(m->virtio[i]->device);
}

/* The opposite of devices_hold(). */
void devices_release(struct machine *m)
{
	unsigned int i;

	for (i = m->virtio_count; i > 0; i--)
		virtio_unlock(m->virtio[i - 1]->device);
}

/* The end: no vCPU runs any more. Nothing reaches the guest's memory when it returns. */
void devices_close(struct machine *m)
{
	while (m->virtio_count)
		close_one(m->virtio[--m->virtio_count]);
	while (m->assigned_count)
		assigned_close(m->assigned[--m->assigned_count]);
}
