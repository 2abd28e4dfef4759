// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device of the host's on the guest's PCI bus: see assigned.h. PCI Local Bus Specification 3.0,
 * sections "Base Addresses", "MSI Capability Structure" and "MSI-X Capability and Table
 * Structures".
 *
 * vfio-pci keeps a configuration space for its user, in which BARs can be sized and set and MSI
 * has an address and data; what the guest writes goes there, and this file does what follows from
 * it: BARs become memory slots, messages become routes of eventfds. The MSI-X table is memory of
 * the device's that the guest must not reach: its page is no slot, and the entries are kept here.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler.h"
#include "vfio/assigned.h"
#include "vfio/vfio.h"

#define BARS		6
#define PARTS		2		/* of a BAR: before and behind the MSI-X table */
#define VECTORS_MAX	256		/* of MSI-X; the guest is told of no more */
#define NO_KIND		VFIO_IRQS
#define PAGE_MASK	0xfffULL
#define CONFIG_SIZE	256
#define MSI_WRITABLE	(PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE)
#define MSIX_WRITABLE	(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)

/**
 * struct bar - a base address register and what is behind it
 * @device: whose
 * @index: its number
 * @io: it is of ports, not of memory
 * @wide: it has 64 bits: the next register is its upper half
 * @size: bytes, 0 where there is none
 * @at: where the guest sees it, 0 while it does not; a port if @io
 * @mem: the parts that are mapped, or NULL
 * @start: offset of each part
 * @len: bytes of each part
 */
struct bar {
	struct assigned *device;
	unsigned int index;
	bool io;
	bool wide;
	__u64 size;
	__u64 at;
	void *mem[PARTS];
	__u64 start[PARTS];
	__u64 len[PARTS];
};

/**
 * struct vector - an interrupt message
 * @fd: eventfd between VFIO and the VM, or -1
 * @open: the VM listens to it; while the guest masks it, the eventfd keeps what comes
 */
struct vector {
	int fd;
	bool open;
};

struct assigned {
	struct vfio vfio;
	struct vm *vm;
	struct pci_root *root;
	int number;			/* on the guest's bus */
	unsigned int gsi;		/* of its interrupt line */
	unsigned int first_slot;
	pthread_mutex_t lock;		/* all below */
	struct bar bar[BARS];
	unsigned int msi;		/* capability in configuration space, or 0 */
	unsigned int msix;
	__u8 msi_control;		/* the bits that the guest sets */
	__u16 msix_control;
	unsigned int table_bar;
	__u64 table_offset;
	unsigned int entries;		/* of the MSI-X table */
	__u32 table[VECTORS_MAX][4];
	unsigned int kind;		/* of interrupts that are on, or NO_KIND */
	unsigned int count;		/* how many of that kind */
	struct vector vector[VECTORS_MAX];
	struct msi_message route[VECTORS_MAX];
	unsigned int first_gsi;		/* of the messages */
	int intx_unmask;		/* eventfd; the trigger is vector 0 */
};

static __u32 config_read(struct assigned *d, unsigned int reg, unsigned int size)
{
	__u32 value = 0;

	vfio_read(&d->vfio, VFIO_PCI_CONFIG_REGION_INDEX, reg, &value, size);
	return value;
}

static bool overlaps(unsigned int reg, unsigned int size, unsigned int base, unsigned int len)
{
	return reg < base + len && base < reg + size;
}

/* ---- interrupts ------------------------------------------------------------------------------ */

/* What the guest wants of message @i; false while it is masked. */
static bool message(struct assigned *d, unsigned int i, struct msi_message *m)
{
	unsigned int control, data, mask;

	memset(m, 0, sizeof(*m));
	if (d->kind == VFIO_PCI_MSIX_IRQ_INDEX) {
		m->address = d->table[i][0] | (__u64)d->table[i][1] << 32;
		m->data = d->table[i][2];
		return !(d->msix_control & PCI_MSIX_FLAGS_MASKALL) &&
		       !(d->table[i][3] & PCI_MSIX_ENTRY_CTRL_MASKBIT);
	}
	control = config_read(d, d->msi + PCI_MSI_FLAGS, 2);
	data = control & PCI_MSI_FLAGS_64BIT ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32;
	mask = control & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32;
	m->address = config_read(d, d->msi + PCI_MSI_ADDRESS_LO, 4);
	if (control & PCI_MSI_FLAGS_64BIT)
		m->address |= (__u64)config_read(d, d->msi + PCI_MSI_ADDRESS_HI, 4) << 32;
	/* The device replaces the lowest bits by the number of the message. */
	m->data = (config_read(d, d->msi + data, 2) & ~(d->count - 1)) | i;
	return !(control & PCI_MSI_FLAGS_MASKBIT) ||
	       !(config_read(d, d->msi + mask, 4) >> i & 1);
}

static void close_vector(struct assigned *d, unsigned int i)
{
	if (d->vector[i].open)
		vm_irqfd(d->vm, d->vector[i].fd, d->first_gsi + i, -1, false);
	d->vector[i].open = false;
}

/* Message @i may have changed. A failure loses interrupts, and cannot be reported from here. */
static void update_vector(struct assigned *d, unsigned int i)
{
	struct vector *v = &d->vector[i];
	struct msi_message m;

	if (!message(d, i, &m)) {
		close_vector(d, i);
		return;
	}
	if (m.address != d->route[i].address || m.data != d->route[i].data) {
		d->route[i] = m;
		vm_route_msi(d->vm, d->first_gsi + i, &m);
	}
	if (v->fd < 0) {
		v->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (v->fd < 0 || vfio_trigger(&d->vfio, d->kind, i, 1, &v->fd))
			return;
	}
	if (!v->open)
		v->open = vm_irqfd(d->vm, v->fd, d->first_gsi + i, -1, true) == 0;
}

static void interrupts_off(struct assigned *d)
{
	unsigned int i;

	if (d->kind == NO_KIND)
		return;
	vfio_no_triggers(&d->vfio, d->kind);
	if (d->kind == VFIO_PCI_INTX_IRQ_INDEX)
		vm_irqfd(d->vm, d->vector[0].fd, d->gsi, -1, false);
	for (i = 0; i < d->count; i++) {
		close_vector(d, i);
		if (d->vector[i].fd >= 0)
			close(d->vector[i].fd);
		d->vector[i].fd = -1;
	}
	if (d->intx_unmask >= 0)
		close(d->intx_unmask);
	d->intx_unmask = -1;
	memset(d->route, 0, sizeof(d->route));
	d->kind = NO_KIND;
	d->count = 0;
}

/* A line: the host masks it when it rises, the end of the guest's interrupt unmasks it. */
static int intx_on(struct assigned *d)
{
	if (!d->vfio.irqs[VFIO_PCI_INTX_IRQ_INDEX])
		return 0;
	d->kind = VFIO_PCI_INTX_IRQ_INDEX;
	d->count = 1;
	d->vector[0].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->intx_unmask = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->vector[0].fd < 0 || d->intx_unmask < 0 ||
	    vm_irqfd(d->vm, d->vector[0].fd, d->gsi, d->intx_unmask, true) ||
	    vfio_trigger(&d->vfio, d->kind, 0, 1, &d->vector[0].fd) ||
	    vfio_unmask_by(&d->vfio, d->intx_unmask))
		return -1;
	return 0;
}

static void messages_on(struct assigned *d, unsigned int kind, unsigned int count)
{
	int none[VECTORS_MAX];
	unsigned int i;

	for (i = 0; i < count; i++)
		none[i] = -1;
	if (vfio_trigger(&d->vfio, kind, 0, count, none))
		return;
	d->kind = kind;
	d->count = count;
}

/* After every write to a capability: which kind of interrupt is on, and where it goes. */
static void update_interrupts(struct assigned *d)
{
	unsigned int kind = VFIO_PCI_INTX_IRQ_INDEX, count = 1, i;

	if (d->msix && d->msix_control & PCI_MSIX_FLAGS_ENABLE) {
		kind = VFIO_PCI_MSIX_IRQ_INDEX;
		count = d->entries;
	} else if (d->msi && d->msi_control & PCI_MSI_FLAGS_ENABLE) {
		kind = VFIO_PCI_MSI_IRQ_INDEX;
		count = BIT((d->msi_control & PCI_MSI_FLAGS_QSIZE) >> 4);
		if (count > d->vfio.irqs[kind])
			count = d->vfio.irqs[kind];
	}
	if (kind != d->kind || count != d->count) {
		interrupts_off(d);
		if (kind == VFIO_PCI_INTX_IRQ_INDEX)
			intx_on(d);
		else
			messages_on(d, kind, count);
	}
	for (i = 0; d->kind != VFIO_PCI_INTX_IRQ_INDEX && i < d->count; i++)
		update_vector(d, i);
}

/* ---- base address registers ------------------------------------------------------------------ */

static struct bus *bus_of(const struct assigned *d, const struct bar *b)
{
	return b->io ? d->root->ports : d->root->memory;
}

static void unmap_bar(struct assigned *d, unsigned int i)
{
	struct bar *b = &d->bar[i];
	unsigned int part;

	for (part = 0; part < PARTS && b->at; part++)
		if (b->mem[part])
			vm_set_memory(d->vm, d->first_slot + i * PARTS + part, 0, NULL, 0);
	if (b->at)
		bus_remove(bus_of(d, b), b->at);
	b->at = 0;
}

static const struct bus_ops bar_ops;

/* Only where there is no RAM, no interrupt controller and no other device. */
static void map_bar(struct assigned *d, unsigned int i, __u64 at)
{
	struct bar *b = &d->bar[i];
	unsigned int part;

	if (!b->io && !pci_root_window(d->root, at, b->size))
		return;
	if (bus_add(bus_of(d, b), at, b->size, &bar_ops, b))
		return;
	b->at = at;
	/* A part that is refused is served access by access. */
	for (part = 0; part < PARTS && !b->io; part++)
		if (b->mem[part])
			vm_set_memory(d->vm, d->first_slot + i * PARTS + part,
				      at + b->start[part], b->mem[part], b->len[part]);
}

/* After every write to a BAR or to the command register. */
static void update_bars(struct assigned *d)
{
	unsigned int command = config_read(d, PCI_COMMAND, 2), i;
	__u64 at;

	for (i = 0; i < BARS; i++) {
		struct bar *b = &d->bar[i];

		if (!b->size)
			continue;
		at = config_read(d, PCI_BASE_ADDRESS_0 + 4 * i, 4) &
		     (b->io ? ~0x3u : ~0xfu);
		if (b->wide)
			at |= (__u64)config_read(d, PCI_BASE_ADDRESS_0 + 4 * i + 4, 4) << 32;
		if (!(command & (b->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
			at = 0;
		if (at == b->at)
			continue;
		unmap_bar(d, i);
		if (at)
			map_bar(d, i, at);
	}
}

/* What of a BAR can be memory of the guest's: all but the pages of the MSI-X table. */
static void describe_bar(struct assigned *d, unsigned int i)
{
	__u32 reg = config_read(d, PCI_BASE_ADDRESS_0 + 4 * i, 4);
	struct bar *b = &d->bar[i];
	unsigned int part;

	b->device = d;
	b->index = i;
	b->size = d->vfio.region[i].size;
	b->io = reg & PCI_BASE_ADDRESS_SPACE_IO;
	b->wide = !b->io && (reg & PCI_BASE_ADDRESS_MEM_TYPE_64);
	if (b->io || b->size & PAGE_MASK)
		return;
	b->len[0] = b->size;
	if (d->msix && i == d->table_bar) {
		__u64 end = (d->table_offset + 16ULL * d->entries + PAGE_MASK) & ~PAGE_MASK;

		b->len[0] = d->table_offset & ~PAGE_MASK;
		b->start[1] = end;
		b->len[1] = b->size > end ? b->size - end : 0;
	}
	for (part = 0; part < PARTS; part++)
		if (b->len[part])
			b->mem[part] = vfio_mmap(&d->vfio, i, b->start[part], b->len[part]);
}

/* ---- configuration space --------------------------------------------------------------------- */

static __u8 read_byte(struct assigned *d, unsigned int reg)
{
	__u8 value = config_read(d, reg, 1);

	if (reg == PCI_HEADER_TYPE)
		value &= 0x7f;			/* in the guest it has one function */
	else if (overlaps(reg, 1, PCI_ROM_ADDRESS, 4))
		value = 0;			/* no ROM: it would be for firmware */
	else if (d->msix && overlaps(reg, 1, d->msix + PCI_MSIX_FLAGS, 2))
		value = d->msix_control >> (reg - d->msix - PCI_MSIX_FLAGS) * 8;
	else if (d->msi && reg == d->msi + PCI_MSI_FLAGS)
		value = (value & ~MSI_WRITABLE) | d->msi_control;
	return value;
}

/* What is beyond 256 bytes is for buses with more than this one has; it is not shown. */
static __u32 read_config(void *opaque, unsigned int reg, unsigned int size)
{
	struct assigned *d = opaque;
	__u32 value = 0;
	unsigned int i;

	if (reg >= CONFIG_SIZE)
		return 0;
	pthread_mutex_lock(&d->lock);
	for (i = 0; i < size; i++)
		value |= (__u32)read_byte(d, reg + i) << i * 8;
	pthread_mutex_unlock(&d->lock);
	return value;
}

/*
 * vfio-pci does not let its user write the control word of MSI-X, nor MSI's enable bit while there
 * are no eventfds. So what the guest writes is kept here.
 */
static void keep_control(struct assigned *d, unsigned int reg, unsigned int size, __u32 value)
{
	unsigned int i;
	__u8 byte;

	for (i = 0; i < size; i++) {
		byte = value >> i * 8;
		if (d->msi && reg + i == d->msi + PCI_MSI_FLAGS)
			d->msi_control = byte & MSI_WRITABLE;
		else if (d->msix && reg + i == d->msix + PCI_MSIX_FLAGS + 1)
			d->msix_control = (d->msix_control & ~MSIX_WRITABLE) |
					  (byte << 8 & MSIX_WRITABLE);
	}
}

static void write_config(void *opaque, unsigned int reg, unsigned int size, __u32 value)
{
	struct assigned *d = opaque;

	if (reg >= CONFIG_SIZE)
		return;
	pthread_mutex_lock(&d->lock);
	keep_control(d, reg, size, value);
	if (d->msix && overlaps(reg, size, d->msix, PCI_CAP_MSIX_SIZEOF)) {
		update_interrupts(d);
	} else if (!overlaps(reg, size, PCI_ROM_ADDRESS, 4)) {
		vfio_write(&d->vfio, VFIO_PCI_CONFIG_REGION_INDEX, reg, &value, size);
		if (overlaps(reg, size, PCI_COMMAND, 2) ||
		    overlaps(reg, size, PCI_BASE_ADDRESS_0, 4 * BARS))
			update_bars(d);
		if (d->msi && overlaps(reg, size, d->msi, PCI_MSI_PENDING_64))
			update_interrupts(d);
	}
	pthread_mutex_unlock(&d->lock);
}

static const struct pci_device_ops config_ops = {
	.read = read_config,
	.write = write_config,
};

/* ---- accesses to BARs ------------------------------------------------------------------------ */

static bool in_table(const struct assigned *d, unsigned int bar, __u64 offset, unsigned int len)
{
	return d->msix && bar == d->table_bar && offset >= d->table_offset &&
	       offset + len <= d->table_offset + 16ULL * d->entries;
}

static void access_table(struct assigned *d, __u64 offset, unsigned int len, __u8 *data, bool write)
{
	__u8 *entry = (__u8 *)d->table + (offset - d->table_offset);

	if (!write) {
		memcpy(data, entry, len);
		return;
	}
	memcpy(entry, data, len);
	if (d->kind == VFIO_PCI_MSIX_IRQ_INDEX)
		update_vector(d, (offset - d->table_offset) / 16);
}

/* @data is filled, or written. A BAR that has moved meanwhile is still the same memory. */
static void access_bar(const struct bar *b, __u64 offset, unsigned int len, __u8 *data, bool write)
{
	struct assigned *d = b->device;

	pthread_mutex_lock(&d->lock);
	if (in_table(d, b->index, offset, len))
		access_table(d, offset, len, data, write);
	else if (write)
		vfio_write(&d->vfio, b->index, offset, data, len);
	else
		vfio_read(&d->vfio, b->index, offset, data, len);
	pthread_mutex_unlock(&d->lock);
}

static void bar_read(void *opaque, __u64 offset, void *data, unsigned int len)
{
	access_bar(opaque, offset, len, data, false);
}

static void bar_write(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	access_bar(opaque, offset, len, (__u8 *)data, true);
}

static const struct bus_ops bar_ops = {
	.read = bar_read,
	.write = bar_write,
};

/* ---- its life -------------------------------------------------------------------------------- */

/* Find MSI and MSI-X. The walk is bounded, as the list may be circular. */
static void find_capabilities(struct assigned *d)
{
	unsigned int at, id, left = CONFIG_SIZE / 4;
	__u32 table;

	if (!(config_read(d, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return;
	for (at = config_read(d, PCI_CAPABILITY_LIST, 1) & ~3u; at >= 0x40 && left; left--) {
		id = config_read(d, at, 1);
		if (id == PCI_CAP_ID_MSI && d->vfio.irqs[VFIO_PCI_MSI_IRQ_INDEX])
			d->msi = at;
		if (id == PCI_CAP_ID_MSIX && d->vfio.irqs[VFIO_PCI_MSIX_IRQ_INDEX])
			d->msix = at;
		at = config_read(d, at + 1, 1) & ~3u;
	}
	if (!d->msix)
		return;
	d->msix_control = config_read(d, d->msix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE;
	if (d->msix_control >= VECTORS_MAX)
		d->msix_control = VECTORS_MAX - 1;
	d->entries = d->msix_control + 1;
	table = config_read(d, d->msix + PCI_MSIX_TABLE, 4);
	d->table_bar = table & PCI_MSIX_TABLE_BIR;
	d->table_offset = table & PCI_MSIX_TABLE_OFFSET;
}

/* They are given back with the VM. */
static int take_numbers(struct assigned *d)
{
	unsigned int messages = d->entries > 32 ? d->entries : 32;	/* MSI has up to 32 */
	__u64 slot = space_take(&d->vm->slots, BARS * PARTS, 1);
	int gsi = vm_take_gsis(d->vm, messages);

	if (slot == SPACE_NONE || gsi < 0)
		return -1;
	d->first_slot = slot;
	d->first_gsi = gsi;
	return 0;
}

/**
 * assigned_open() - take a device of the host's for the guest
 * @address: PCI address, as in /sys/bus/pci/devices; vfio-pci must have it
 * @vm: the VM, with its memory, all of which is pinned
 * @root: the guest's PCI bus
 * @why: receives the sentence on failure
 *
 * Return: the device, to be given to assigned_close(); or NULL.
 */
struct assigned *assigned_open(const char *address, struct vm *vm, struct pci_root *root,
			       struct sentence *why)
{
	struct assigned *d = calloc(1, sizeof(*d));
	unsigned int i, pin;

	if (!d) {
		say(why, "There is no memory.");
		return NULL;
	}
	pthread_mutex_init(&d->lock, NULL);
	d->vm = vm;
	d->root = root;
	d->number = -1;
	d->kind = NO_KIND;
	d->intx_unmask = -1;
	for (i = 0; i < VECTORS_MAX; i++) {
		d->vector[i].fd = -1;
		d->table[i][3] = PCI_MSIX_ENTRY_CTRL_MASKBIT;	/* as after a reset */
	}
	if (vfio_open(&d->vfio, address, &vm->ram, why))
		goto fail;
	if (config_read(d, PCI_HEADER_TYPE, 1) & 0x7f) {
		say(why, "%s is a bridge; only its devices can be given to a guest.", address);
		goto fail;
	}
	find_capabilities(d);
	if (take_numbers(d)) {
		say(why, "There are no interrupt numbers and memory slots left for %s.", address);
		goto fail;
	}
	d->number = pci_root_add(root, 1, &config_ops, d);
	if (d->number < 0) {
		say(why, "A guest can have at most %d PCI devices.", PCI_SLOTS - 1);
		goto fail;
	}
	pin = config_read(d, PCI_INTERRUPT_PIN, 1);
	d->gsi = pci_gsi(d->number, pin >= 1 && pin <= PCI_PINS ? pin - 1 : 0);
	for (i = 0; i < BARS; i++) {
		describe_bar(d, i);
		if (d->bar[i].wide)
			i++;
	}
	vm_add_vfio_group(vm, d->vfio.group);
	if (intx_on(d)) {
		say(why, "The interrupt line of %s cannot be used: %s.", address, strerror(errno));
		goto fail;
	}
	return d;
fail:
	assigned_close(d);
	return NULL;
}

/* Stops the device and gives it back; NULL is allowed. No vCPU runs any more. */
void assigned_close(struct assigned *d)
{
	unsigned int i, part;

	if (!d)
		return;
	if (d->number >= 0)
		pci_root_remove(d->root, d->number);
	interrupts_off(d);
	for (i = 0; i < BARS; i++) {
		unmap_bar(d, i);
		for (part = 0; part < PARTS; part++)
			if (d->bar[i].mem[part])
				munmap(d->bar[i].mem[part], d->bar[i].len[part]);
	}
	vfio_close(&d->vfio);
	pthread_mutex_destroy(&d->lock);
	free(d);
}
