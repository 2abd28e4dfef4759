/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI bus with nothing on it but its host bridge: ports 0xcf8 to 0xcff.
 *
 * It is there because an operating system that finds no PCI at all says so in alarming words.
 */
#ifndef MINIKVM_TOOL_PCI_H
#define MINIKVM_TOOL_PCI_H

#include <linux/types.h>
#include <stdatomic.h>

#define PCI_PORTS_BASE	0xcf8
#define PCI_PORTS	8

struct pci_bus {
	atomic_uint config_address;
};

/* The guest writes four bytes to PCI_PORTS_BASE, the only write that has an effect. */
void pci_write_address(struct pci_bus *bus, __u32 value);

/**
 * pci_read_byte() - the guest reads port PCI_PORTS_BASE + @reg
 * @bus: the bus
 * @reg: 0 to 7
 *
 * Return: the byte; all ones for a function that is not there.
 */
__u8 pci_read_byte(struct pci_bus *bus, unsigned int reg);

#endif
