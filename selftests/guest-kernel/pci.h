/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI devices: pci.c.
 */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include "types.h"

#define PCI_ID			0x00
#define PCI_COMMAND		0x04
#define COMMAND_MEMORY		BIT(1)
#define COMMAND_MASTER		BIT(2)
#define COMMAND_NO_PIN		BIT(10)

#define CAPABILITY_VENDOR	0x09
#define CAPABILITY_MSIX		0x11

u32 pci_read(u8 device, u8 reg);
void pci_write(u8 device, u8 reg, u32 value);
int pci_find(u32 id);
u8 pci_capability(u8 device, u8 id, unsigned int nth);
volatile void *pci_map(u8 device, u8 bar, u32 offset, u32 size);
bool pci_message(u8 device, u32 apic_id, u8 vector);

#endif
