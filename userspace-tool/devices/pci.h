/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PCI root: bus 0 with its host bridge (device 0) and up to 31 devices with one function each.
 *
 * Configuration space is reached by ports 0xcf8 to 0xcff, and by memory (ECAM) from PCI_ECAM_BASE
 * on. The root is there even without devices, because operating systems report a machine without
 * PCI as an error.
 */
#ifndef MINIKVM_TOOL_PCI_H
#define MINIKVM_TOOL_PCI_H

#include <linux/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bus/bus.h"
#include "bus/space.h"
#include "bus/wires.h"

#define PCI_PORTS_BASE	0xcf8
#define PCI_CONFIG_DATA	0xcfc
#define PCI_PORTS	8

#define PCI_SLOTS	32		/* devices of the bus, the bridge is number 0 */
#define PCI_FIRST_HOTPLUG 24		/* from here on: devices that come while the guest runs */
#define PCI_CONFIG_SIZE	4096		/* bytes of configuration space with ECAM, 256 without */

/* Where BARs may be: below ECAM and the I/O APIC; ports; above RAM (struct pci_root). */
#define PCI_WINDOW_BASE	0xc0000000ULL
#define PCI_WINDOW_SIZE	0x3e000000ULL
#define PCI_ECAM_BASE	0xfe000000ULL
#define PCI_ECAM_SIZE	0x00100000ULL	/* one bus */
#define PCI_PORT_WINDOW	0x1000ULL
#define PCI_PORT_WINDOW_SIZE	0xf000ULL

/* Interrupt lines: pin p (0 to 3) of device d is GSI pci_gsi(d, p), a pin of the I/O APIC. */
#define PCI_FIRST_GSI	16
#define PCI_GSIS	8
#define PCI_PINS	4

/**
 * struct pci_device_ops - configuration space of a device's one function
 * @read: @size bytes (1, 2 or 4, not across a multiple of 4) from @reg, the lowest first
 * @write: the same, written
 *
 * @reg is below PCI_CONFIG_SIZE. Called from vCPU threads, several at once.
 */
struct pci_device_ops {
	__u32 (*read)(void *opaque, unsigned int reg, unsigned int size);
	void (*write)(void *opaque, unsigned int reg, unsigned int size, __u32 value);
};

/* A device: both are set before @there. */
struct pci_slot {
	atomic_bool there;
	const struct pci_device_ops *ops;
	void *opaque;
};

/**
 * struct pci_root - the bus and what its devices share
 * @config_address: what the guest wrote to PCI_PORTS_BASE
 * @slot: the devices; number 0 is the bridge and stays empty
 * @memory: bus of memory that is not RAM
 * @ports: bus of ports
 * @wires: interrupts and doorbells of the machine
 * @memory_space: addresses for BARs below 4 GiB
 * @io_space: ports for BARs
 * @high_base: first address above RAM for BARs of 64 bits
 * @high_size: bytes there
 * @lock: of @raised
 * @raised: how many devices assert each line
 */
struct pci_root {
	atomic_uint config_address;
	struct pci_slot slot[PCI_SLOTS];
	struct bus *memory;
	struct bus *ports;
	struct wires wires;
	struct space memory_space;
	struct space io_space;
	__u64 high_base;
	__u64 high_size;
	pthread_mutex_t lock;
	unsigned int raised[PCI_GSIS];
};

void pci_root_init(struct pci_root *root, struct bus *memory, struct bus *ports,
		   const struct wires *wires, __u64 high_base, __u64 high_size);
int pci_root_add(struct pci_root *root, unsigned int first, const struct pci_device_ops *ops,
		 void *opaque);
int pci_root_move(struct pci_root *root, unsigned int from, unsigned int to);
void pci_root_remove(struct pci_root *root, unsigned int device);
unsigned int pci_root_devices(const struct pci_root *root);
bool pci_root_window(const struct pci_root *root, __u64 at, __u64 size);
void pci_root_line(struct pci_root *root, unsigned int device, unsigned int pin, bool level);

static inline unsigned int pci_gsi(unsigned int device, unsigned int pin)
{
	return PCI_FIRST_GSI + (device + pin) % PCI_GSIS;
}

/* The ports. */
void pci_write_address(struct pci_root *root, __u32 value);
void pci_write_data(struct pci_root *root, unsigned int offset, unsigned int size, __u32 value);
__u8 pci_read_byte(struct pci_root *root, unsigned int reg);
__u32 pci_read_data(struct pci_root *root, unsigned int offset, unsigned int size);

#endif
