/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI bus with its host bridge and at most one other device, number 1: ports 0xcf8 to 0xcff.
 *
 * The bus is there even without the device, because operating systems report a machine without PCI
 * as an error.
 */
#ifndef MINIKVM_TOOL_PCI_H
#define MINIKVM_TOOL_PCI_H

#include <linux/types.h>
#include <stdatomic.h>

#define PCI_PORTS_BASE	0xcf8
#define PCI_CONFIG_DATA	0xcfc
#define PCI_PORTS	8

/**
 * struct pci_device_ops - configuration space of the device, 256 bytes
 * @read: the byte at @reg
 * @write: @size bytes (1, 2 or 4, not across a multiple of 4) at @reg
 *
 * Called from vCPU threads, several at once.
 */
struct pci_device_ops {
	__u8 (*read)(void *opaque, unsigned int reg);
	void (*write)(void *opaque, unsigned int reg, unsigned int size, __u32 value);
};

/**
 * struct pci_bus - the bus
 * @config_address: what the guest wrote to PCI_PORTS_BASE
 * @device: device 1, or NULL
 * @opaque: its argument
 */
struct pci_bus {
	atomic_uint config_address;
	const struct pci_device_ops *device;
	void *opaque;
};

void pci_write_address(struct pci_bus *bus, __u32 value);
void pci_write_data(struct pci_bus *bus, unsigned int offset, unsigned int size, __u32 value);
__u8 pci_read_byte(struct pci_bus *bus, unsigned int reg);

#endif
