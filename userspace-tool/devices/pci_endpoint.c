// SPDX-License-Identifier: GPL-2.0-only
/*
 * An emulated PCI device: see pci_endpoint.h. PCI Local Bus Specification 3.0, chapter
 * "Configuration Space": sections "Device Control", "Base Addresses", "Capabilities List".
 *
 * There is no firmware that would give addresses to BARs, so that pci_endpoint_plug() does, as
 * firmware would have left them: a guest that does not move BARs finds the device working. A BAR
 * that the guest puts where it must not be (RAM, another device, an interrupt controller) is not
 * decoded until it is somewhere else.
 *
 * Pure but for the eventfds of MSI-X.
 */
#include <linux/pci_regs.h>
#include <string.h>

#include "compiler.h"
#include "devices/pci_endpoint.h"

#define FIRST_CAPABILITY	0x40
#define CAPABILITY_HEADER	2
#define COMMAND_WRITABLE	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | \
				 PCI_COMMAND_INTX_DISABLE)

static __u32 get(const __u8 *from, unsigned int size)
{
	__u32 value = 0;

	memcpy(&value, from, size);
	return value;
}

static void put16(__u8 *to, __u16 value)
{
	memcpy(to, &value, sizeof(value));
}

static void put32(__u8 *to, __u32 value)
{
	memcpy(to, &value, sizeof(value));
}

/**
 * pci_endpoint_init() - a device without BARs and capabilities
 * @e: receives it
 * @identity: what it is
 * @ops: what it wants to know
 * @opaque: the argument of @ops and of its BARs' ops
 */
void pci_endpoint_init(struct pci_endpoint *e, const struct pci_identity *identity,
		       const struct pci_endpoint_ops *ops, void *opaque)
{
	memset(e, 0, sizeof(*e));
	pthread_mutex_init(&e->lock, NULL);
	e->ops = ops;
	e->opaque = opaque;
	e->used = FIRST_CAPABILITY;
	put16(e->config + PCI_VENDOR_ID, identity->vendor);
	put16(e->config + PCI_DEVICE_ID, identity->device);
	put32(e->config + PCI_CLASS_REVISION, identity->class << 8 | identity->revision);
	put16(e->config + PCI_SUBSYSTEM_VENDOR_ID, identity->subsystem_vendor);
	put16(e->config + PCI_SUBSYSTEM_ID, identity->subsystem);
	e->config[PCI_INTERRUPT_PIN] = 1;	/* INTA# */
	put16(e->writable + PCI_COMMAND, COMMAND_WRITABLE);
	e->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	e->writable[PCI_INTERRUPT_LINE] = 0xff;
}

/**
 * pci_endpoint_add_bar() - give the device a BAR, before it is plugged
 * @e: the device
 * @bar: its number; a wide one takes the next number, too
 * @size: bytes, a power of two, at least 16
 * @io: ports, not memory
 * @wide: memory with an address of 64 bits
 * @ops: what is behind it
 */
void pci_endpoint_add_bar(struct pci_endpoint *e, unsigned int bar, __u64 size, bool io, bool wide,
			  const struct bus_ops *ops)
{
	unsigned int at = PCI_BASE_ADDRESS_0 + 4 * bar;
	__u64 mask = ~(size - 1);

	e->bar[bar] = (struct pci_bar) { .size = size, .io = io, .wide = wide, .ops = ops };
	e->config[at] = io ? PCI_BASE_ADDRESS_SPACE_IO :
			wide ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0;
	put32(e->writable + at, mask);
	if (wide)
		put32(e->writable + at + 4, mask >> 32);
}

/**
 * pci_endpoint_add_capability() - append a capability, read-only for the guest
 * @e: the device
 * @id: its ID
 * @body: what follows ID and link, or NULL for zeroes
 * @len: bytes there
 *
 * The bits that the guest may change are set in @e->writable afterwards.
 *
 * Return: its offset in configuration space, or 0 where there is no room.
 */
unsigned int pci_endpoint_add_capability(struct pci_endpoint *e, __u8 id, const void *body,
					 unsigned int len)
{
	unsigned int at = e->used;

	if (len > ENDPOINT_CONFIG - CAPABILITY_HEADER - at)
		return 0;
	e->config[e->last ? e->last + 1 : PCI_CAPABILITY_LIST] = at;
	e->config[at] = id;
	if (body)
		memcpy(e->config + at + CAPABILITY_HEADER, body, len);
	e->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	e->last = at;
	e->used = (at + CAPABILITY_HEADER + len + 3) & ~3u;
	return at;
}

/**
 * pci_endpoint_add_msix() - append MSI-X
 * @e: the device
 * @wires: the machine's interrupts
 * @count: messages
 * @bar: where table and pending bits are; its ops call msix_table_read() and so on
 * @table: offset of the table there, a multiple of 8
 * @pending: offset of the pending bits
 *
 * Return: 0, or -1 where the host or the machine has no room for them.
 */
int pci_endpoint_add_msix(struct pci_endpoint *e, const struct wires *wires, unsigned int count,
			  unsigned int bar, __u32 table, __u32 pending)
{
	__u8 body[PCI_CAP_MSIX_SIZEOF - CAPABILITY_HEADER];

	put16(body, count - 1);
	put32(body + PCI_MSIX_TABLE - CAPABILITY_HEADER, table | bar);
	put32(body + PCI_MSIX_PBA - CAPABILITY_HEADER, pending | bar);
	if (msix_init(&e->msix, wires, count))
		return -1;
	e->msix_at = pci_endpoint_add_capability(e, PCI_CAP_ID_MSIX, body, sizeof(body));
	if (!e->msix_at)
		return -1;
	put16(e->writable + e->msix_at + PCI_MSIX_FLAGS,
	      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	return 0;
}

/* ---- where BARs are -------------------------------------------------------------------------- */

/* Where the guest wants a BAR, or 0. */
static __u64 wanted(const struct pci_endpoint *e, unsigned int bar)
{
	const struct pci_bar *b = &e->bar[bar];
	unsigned int at = PCI_BASE_ADDRESS_0 + 4 * bar;
	__u16 command = get(e->config + PCI_COMMAND, 2);
	__u64 value = get(e->config + at, 4);

	if (!(command & (b->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
		return 0;
	if (b->wide)
		value |= (__u64)get(e->config + at + 4, 4) << 32;
	value &= ~(b->size - 1);
	if (b->io && (value < PCI_PORT_WINDOW ||
		      value + b->size > PCI_PORT_WINDOW + PCI_PORT_WINDOW_SIZE))
		return 0;
	if (b->io)
		return value;
	return pci_root_window(e->root, value, b->size) ? value : 0;
}

/* Called with the lock held, after every write to a BAR or to the command register. */
static void update_bars(struct pci_endpoint *e)
{
	unsigned int i;

	for (i = 0; i < ENDPOINT_BARS; i++) {
		struct pci_bar *b = &e->bar[i];
		struct bus *bus = b->io ? e->root->ports : e->root->memory;
		__u64 at;

		if (!b->size)
			continue;
		at = wanted(e, i);
		if (at == b->at)
			continue;
		if (b->at)
			bus_remove(bus, b->at);
		b->at = at && bus_add(bus, at, b->size, b->ops, e->opaque) == 0 ? at : 0;
		if (e->ops->bar_moved)
			e->ops->bar_moved(e->opaque, i, b->at);
	}
}

/* Called with the lock held. */
static void update_pin(struct pci_endpoint *e)
{
	__u16 command = get(e->config + PCI_COMMAND, 2);
	bool level = e->asserted && !(command & PCI_COMMAND_INTX_DISABLE) &&
		     !(e->msix_at && get(e->config + e->msix_at + PCI_MSIX_FLAGS, 2) &
				     PCI_MSIX_FLAGS_ENABLE);

	if (e->asserted)
		e->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	else
		e->config[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
	if (level == e->driven)
		return;
	e->driven = level;
	pci_root_line(e->root, e->number, 0, level);
}

/* ---- configuration space --------------------------------------------------------------------- */

static __u32 config_read(void *opaque, unsigned int reg, unsigned int size)
{
	struct pci_endpoint *e = opaque;
	__u32 value;

	if (reg + size > ENDPOINT_CONFIG)
		return 0;
	if (e->ops->config_read && reg >= FIRST_CAPABILITY)
		e->ops->config_read(e->opaque, reg, size);
	pthread_mutex_lock(&e->lock);
	value = get(e->config + reg, size);
	pthread_mutex_unlock(&e->lock);
	return value;
}

static bool overlaps(unsigned int reg, unsigned int size, unsigned int base, unsigned int len)
{
	return reg < base + len && base < reg + size;
}

static void config_write(void *opaque, unsigned int reg, unsigned int size, __u32 value)
{
	struct pci_endpoint *e = opaque;
	unsigned int i;

	if (reg + size > ENDPOINT_CONFIG)
		return;
	pthread_mutex_lock(&e->lock);
	for (i = 0; i < size; i++)
		e->config[reg + i] = (e->config[reg + i] & ~e->writable[reg + i]) |
				     (value >> i * 8 & e->writable[reg + i]);
	if (overlaps(reg, size, PCI_COMMAND, 2) ||
	    overlaps(reg, size, PCI_BASE_ADDRESS_0, 4 * ENDPOINT_BARS))
		update_bars(e);
	if (e->msix_at && overlaps(reg, size, e->msix_at + PCI_MSIX_FLAGS, 2))
		msix_set_control(&e->msix, get(e->config + e->msix_at + PCI_MSIX_FLAGS, 2));
	update_pin(e);
	pthread_mutex_unlock(&e->lock);
	if (e->ops->config_written && reg >= FIRST_CAPABILITY)
		e->ops->config_written(e->opaque, reg, size);
}

static const struct pci_device_ops config_ops = {
	.read = config_read,
	.write = config_write,
};

/* ---- its life -------------------------------------------------------------------------------- */

static int give_addresses(struct pci_endpoint *e)
{
	unsigned int i, at;
	__u64 base;

	for (i = 0; i < ENDPOINT_BARS; i++) {
		struct pci_bar *b = &e->bar[i];

		if (!b->size)
			continue;
		base = space_take(b->io ? &e->root->io_space : &e->root->memory_space, b->size,
				  b->size);
		if (base == SPACE_NONE)
			return -1;
		at = PCI_BASE_ADDRESS_0 + 4 * i;
		put32(e->config + at, get(e->config + at, 4) | base);
	}
	return 0;
}

/**
 * pci_endpoint_plug() - put the device on the bus, with addresses, decoded
 * @e: the device, complete
 * @root: the root
 * @first: it goes into the first free slot from this one on
 * @why: receives the sentence on failure
 *
 * Not for two threads at once; vCPUs may run.
 *
 * Return: 0, or -1.
 */
int pci_endpoint_plug(struct pci_endpoint *e, struct pci_root *root, unsigned int first,
		      struct sentence *why)
{
	int number;

	e->root = root;
	if (give_addresses(e))
		return say(why, "The addresses for PCI devices are used up.");
	number = pci_root_add(root, first, &config_ops, e);
	if (number < 0)
		return say(why, "A guest can have at most %d PCI devices.", PCI_SLOTS - 1);
	pthread_mutex_lock(&e->lock);
	e->number = number;
	e->config[PCI_INTERRUPT_LINE] = pci_gsi(number, 0);
	put16(e->config + PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	update_bars(e);
	pthread_mutex_unlock(&e->lock);
	return 0;
}

/* Another slot, before a vCPU runs; no pin is asserted. Return: 0, or -1 where that is taken. */
int pci_endpoint_move(struct pci_endpoint *e, unsigned int number)
{
	if (number == e->number)
		return 0;
	if (pci_root_move(e->root, e->number, number))
		return -1;
	e->number = number;
	return 0;
}

/* Take it from the bus, if it is there. No vCPU runs, or none can be in its BARs any more. */
void pci_endpoint_unplug(struct pci_endpoint *e)
{
	if (e->number) {
		pci_root_remove(e->root, e->number);
		pthread_mutex_lock(&e->lock);
		put16(e->config + PCI_COMMAND, 0);
		e->asserted = false;
		update_bars(e);
		update_pin(e);
		pthread_mutex_unlock(&e->lock);
	}
	e->number = 0;
	msix_release(&e->msix);
}

/* Assert the interrupt pin, or no longer. Any thread. */
void pci_endpoint_pin(struct pci_endpoint *e, bool level)
{
	pthread_mutex_lock(&e->lock);
	if (level != e->asserted) {
		e->asserted = level;
		update_pin(e);
	}
	pthread_mutex_unlock(&e->lock);
}
