// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's buses, what connects PCI devices with the VM (struct wires), and the list of the
 * devices: see devices.h.
 *
 * Relies on devices being added and removed by one thread, and removed only while no vCPU can be in
 * their registers.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "compiler.h"
#include "machine/devices.h"
#include "machine/ports.h"
#include "terminal/message.h"
#include "virtio/console.h"
#include "virtio/virtio_state.h"

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

/* The order of kinds in the command line's machine, which a snapshot's devices keep. */
static unsigned int rank(const struct virtio_device *d)
{
	static const __u16 order[] = {
		VIRTIO_ID_CONSOLE, VIRTIO_ID_BLOCK, VIRTIO_ID_RNG, VIRTIO_ID_NET, VIRTIO_ID_BALLOON,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(order) && order[i] != d->ops->id; i++)
		;
	return i;
}

/*
 * Behind those of its kind: a machine that is restored has its devices by options, and gets the
 * state of the nth disk for the nth --disk.
 */
static void list(struct machine *m, struct virtio_pci *p)
{
	unsigned int i = m->virtio_count++;

	for (; i && rank(m->virtio[i - 1]->device) > rank(p->device); i--)
		m->virtio[i] = m->virtio[i - 1];
	m->virtio[i] = p;
}

/**
 * devices_add_at() - put a virtio device on the PCI bus
 * @m: the machine
 * @device: the device, complete; belongs to the machine from now on, whether it succeeds or not
 * @first: it goes into the first free slot from this one on
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int devices_add_at(struct machine *m, struct virtio_device *device, unsigned int first,
		   struct sentence *why)
{
	struct virtio_pci *p = calloc(1, sizeof(*p));

	device->report = report;
	device->machine = m;
	if (m->split)
		device->offered &= ~BIT_ULL(VIRTIO_F_RING_PACKED);
	if (!p || m->virtio_count == PCI_SLOTS ||
	    virtio_pci_plug(p, device, &m->pci, first, why) ||
	    virtio_device_start_workers(device, why)) {
		if (!p || m->virtio_count == PCI_SLOTS)
			say(why, "There is no room for the device %s.", device->name);
		else
			virtio_pci_unplug(p);
		free(p);
		device->ops->close(device);
		return -1;
	}
	list(m, p);
	message(MESSAGE_DEBUG, "%s: a virtio device, queues: %u.", device->name,
		device->queues);
	return 0;
}

/* Before the guest runs: in the first free slot. Arguments and return as devices_add_at(). */
int devices_add(struct machine *m, struct virtio_device *device, struct sentence *why)
{
	return devices_add_at(m, device, 1, why);
}

/*
 * No virtio device is at an address any more, until its state is loaded: where one was in the
 * snapshot's machine, another may be in this one so far.
 */
void devices_conceal(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->virtio_count; i++) {
		const struct pci_slot *slot = &m->pci.slot[m->virtio[i]->endpoint.number];

		slot->ops->write(slot->opaque, PCI_COMMAND, 2, 0);
	}
}

/* The states of all virtio devices are in snapshots, in the devices' order. */
void devices_list_states(struct machine *m)
{
	unsigned int i;

	m->states = m->own_states;
	for (i = 0; i < m->virtio_count; i++)
		machine_add_state(m, &virtio_state, m->virtio[i]);
}

/* Return: the virtio device with a name, or NULL. */
struct virtio_pci *devices_find(const struct machine *m, const char *name)
{
	unsigned int i;

	for (i = 0; i < m->virtio_count; i++)
		if (!strcmp(m->virtio[i]->device->name, name))
			return m->virtio[i];
	return NULL;
}

/* Return: the virtio device in a slot, or NULL. */
struct virtio_device *devices_in_slot(const struct machine *m, unsigned int slot)
{
	unsigned int i;

	for (i = 0; i < m->virtio_count; i++)
		if (m->virtio[i]->endpoint.number == slot)
			return m->virtio[i]->device;
	return NULL;
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
		m->virtio_count--;
		for (; i < m->virtio_count; i++)
			m->virtio[i] = m->virtio[i + 1];
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

/* The end: no vCPU runs any more. Nothing reaches the guest's memory when it returns. */
void devices_close(struct machine *m)
{
	while (m->virtio_count)
		close_one(m->virtio[--m->virtio_count]);
	while (m->assigned_count)
		assigned_close(m->assigned[--m->assigned_count]);
}
