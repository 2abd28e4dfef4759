// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI root: see pci.h. PCI Local Bus Specification 3.0, section "Software Generation of
 * Configuration Transactions" (mechanism #1), and PCI Express Base Specification, section "PCI
 * Express Enhanced Configuration Access Mechanism" (ECAM). The bridge is read-only: it decodes
 * nothing that could move. struct pci_device_ops has the registers of a device.
 *
 * Pure: linked into the unit tests too.
 */
#include <string.h>

#include "compiler.h"
#include "devices/pci.h"

#define CONFIG_ENABLE		BIT(31)
#define CONFIG_FUNCTION(addr)	((addr) >> 8 & 0xffff)	/* bus, device, function */
#define CONFIG_REGISTER(addr)	((addr) & 0xfc)
#define CONFIG_DATA		4
#define FUNCTION_DEVICE(f)	((f) >> 3)		/* 0 to 31 on bus 0 */
#define FUNCTION_NUMBER(f)	((f) & 7)

/*
 * The ID is one of those that Red Hat gives to virtual devices: the generic PCIe host bridge.
 * The class is what operating systems look for when they doubt that the mechanism works.
 */
#define HOST_BRIDGE_ID		0x00081b36
#define HOST_BRIDGE_CLASS	0x06000000

static __u32 ones(unsigned int size)
{
	return size < 4 ? BIT(size * 8) - 1 : ~0U;
}

static __u32 read_bridge(unsigned int reg)
{
	switch (reg & ~3u) {
	case 0x00:
		return HOST_BRIDGE_ID;
	case 0x08:
		return HOST_BRIDGE_CLASS;
	default:
		return 0;
	}
}

/* @function is bus, device and function as in an address; @reg and @size as pci_device_ops has. */
static __u32 config_read(struct pci_root *root, unsigned int function, unsigned int reg,
			 unsigned int size)
{
	unsigned int device = FUNCTION_DEVICE(function);
	struct pci_slot *slot;

	if (device >= PCI_SLOTS || FUNCTION_NUMBER(function))
		return ones(size);
	if (!device)
		return read_bridge(reg) >> reg % 4 * 8 & ones(size);
	slot = &root->slot[device];
	if (!slot->there)
		return ones(size);
	return slot->ops->read(slot->opaque, reg, size) & ones(size);
}

static void config_write(struct pci_root *root, unsigned int function, unsigned int reg,
			 unsigned int size, __u32 value)
{
	unsigned int device = FUNCTION_DEVICE(function);
	struct pci_slot *slot;

	if (device >= PCI_SLOTS || FUNCTION_NUMBER(function))
		return;
	slot = &root->slot[device];
	if (slot->there)
		slot->ops->write(slot->opaque, reg, size, value & ones(size));
}

/* The guest writes four bytes to PCI_PORTS_BASE. */
void pci_write_address(struct pci_root *root, __u32 value)
{
	root->config_address = value & 0x80fffffc;
}

/**
 * pci_write_data() - the guest writes to PCI_CONFIG_DATA
 * @root: the root
 * @offset: 0 to 3, where in the four ports
 * @size: bytes, 1, 2 or 4; what reaches past the ports is lost
 * @value: the bytes, the lowest first
 */
void pci_write_data(struct pci_root *root, unsigned int offset, unsigned int size, __u32 value)
{
	__u32 address = root->config_address;

	if ((address & CONFIG_ENABLE) && offset + size <= 4)
		config_write(root, CONFIG_FUNCTION(address), CONFIG_REGISTER(address) + offset,
			     size, value);
}

/* The guest reads from PCI_CONFIG_DATA; arguments as pci_write_data(). */
__u32 pci_read_data(struct pci_root *root, unsigned int offset, unsigned int size)
{
	__u32 address = root->config_address;

	if (!(address & CONFIG_ENABLE) || offset + size > 4)
		return ones(size);
	return config_read(root, CONFIG_FUNCTION(address), CONFIG_REGISTER(address) + offset,
			   size);
}

/**
 * pci_read_byte() - the guest reads port PCI_PORTS_BASE + @reg
 * @root: the root
 * @reg: 0 to 7
 *
 * Return: the byte; all ones for a function that is not there.
 */
__u8 pci_read_byte(struct pci_root *root, unsigned int reg)
{
	if (reg < CONFIG_DATA)
		return root->config_address >> reg * 8;
	return pci_read_data(root, reg % 4, 1);
}

/* ---- ECAM ------------------------------------------------------------------------------------ */

#define ECAM_FUNCTION(offset)	((offset) >> 12)
#define ECAM_REGISTER(offset)	((offset) & (PCI_CONFIG_SIZE - 1))

/* How many of @len bytes at @offset are one access that @read and @write allow. */
static unsigned int piece(__u64 offset, unsigned int len)
{
	if (len >= 4 && !(offset & 3))
		return 4;
	return len >= 2 && !(offset & 1) ? 2 : 1;
}

static void ecam_read(void *opaque, __u64 offset, void *data, unsigned int len)
{
	unsigned int done, n;
	__u32 value;

	for (done = 0; done < len; done += n) {
		n = piece(offset + done, len - done);
		value = config_read(opaque, ECAM_FUNCTION(offset + done),
				    ECAM_REGISTER(offset + done), n);
		memcpy((__u8 *)data + done, &value, n);
	}
}

static void ecam_write(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	unsigned int done, n;
	__u32 value;

	for (done = 0; done < len; done += n) {
		n = piece(offset + done, len - done);
		value = 0;
		memcpy(&value, (const __u8 *)data + done, n);
		config_write(opaque, ECAM_FUNCTION(offset + done), ECAM_REGISTER(offset + done), n,
			     value);
	}
}

static const struct bus_ops ecam_ops = {
	.read = ecam_read,
	.write = ecam_write,
};

/* ---- what devices need ----------------------------------------------------------------------- */

/**
 * pci_root_init() - a root without devices
 * @root: receives it
 * @memory: bus of memory that is not RAM; ECAM becomes one of its ranges
 * @ports: bus of ports
 * @wires: interrupts and doorbells
 * @high_base: first guest-physical address above RAM for BARs of 64 bits
 * @high_size: bytes there, 0 for none
 */
void pci_root_init(struct pci_root *root, struct bus *memory, struct bus *ports,
		   const struct wires *wires, __u64 high_base, __u64 high_size)
{
	memset(root, 0, sizeof(*root));
	pthread_mutex_init(&root->lock, NULL);
	root->memory = memory;
	root->ports = ports;
	root->wires = *wires;
	root->high_base = high_base;
	root->high_size = high_size;
	space_init(&root->memory_space, PCI_WINDOW_BASE, PCI_WINDOW_SIZE);
	space_init(&root->io_space, PCI_PORT_WINDOW, PCI_PORT_WINDOW_SIZE);
	bus_add(memory, PCI_ECAM_BASE, PCI_ECAM_SIZE, &ecam_ops, root);
}

/**
 * pci_root_add() - put a device into the first free slot
 * @root: the root
 * @first: the slot from which on one is looked for, at least 1
 * @ops: its configuration space
 * @opaque: the argument of @ops
 *
 * Not for two threads at once. The device must outlive the vCPUs' threads.
 *
 * Return: its number, @first to 31; or -1 where there is none.
 */
int pci_root_add(struct pci_root *root, unsigned int first, const struct pci_device_ops *ops,
		 void *opaque)
{
	unsigned int i;

	for (i = first; i < PCI_SLOTS; i++) {
		if (root->slot[i].there)
			continue;
		root->slot[i].ops = ops;
		root->slot[i].opaque = opaque;
		root->slot[i].there = true;
		return i;
	}
	return -1;
}

void pci_root_remove(struct pci_root *root, unsigned int device)
{
	root->slot[device].there = false;
}

/* Put a device into another slot, before a vCPU runs. Return: 0, or -1 where that is taken. */
int pci_root_move(struct pci_root *root, unsigned int from, unsigned int to)
{
	if (!to || to >= PCI_SLOTS || root->slot[to].there)
		return -1;
	root->slot[to].ops = root->slot[from].ops;
	root->slot[to].opaque = root->slot[from].opaque;
	root->slot[to].there = true;
	root->slot[from].there = false;
	return 0;
}

/* How many devices there are beside the bridge. */
unsigned int pci_root_devices(const struct pci_root *root)
{
	unsigned int i, count = 0;

	for (i = 1; i < PCI_SLOTS; i++)
		count += root->slot[i].there;
	return count;
}

static bool within(__u64 at, __u64 size, __u64 base, __u64 len)
{
	return size <= len && at >= base && at - base <= len - size;
}

/* May a BAR of memory be there? Where RAM and interrupt controllers are, none may. */
bool pci_root_window(const struct pci_root *root, __u64 at, __u64 size)
{
	return within(at, size, PCI_WINDOW_BASE, PCI_WINDOW_SIZE) ||
	       within(at, size, root->high_base, root->high_size);
}

/**
 * pci_root_line() - assert an interrupt pin, or no longer
 * @root: the root
 * @device: whose
 * @pin: 0 to 3: INTA# to INTD#
 * @level: asserted
 *
 * Devices share lines: one is high while any of them asserts it. A device tells changes only.
 */
void pci_root_line(struct pci_root *root, unsigned int device, unsigned int pin, bool level)
{
	unsigned int gsi = pci_gsi(device, pin), before;

	pthread_mutex_lock(&root->lock);
	before = root->raised[gsi - PCI_FIRST_GSI];
	root->raised[gsi - PCI_FIRST_GSI] = level ? before + 1 : before - 1;
	if (level ? !before : before == 1)
		root->wires.ops->line(root->wires.opaque, gsi, level);
	pthread_mutex_unlock(&root->lock);
}
