// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI devices on bus 0: configuration space by the ports CF8H and CFCH, capabilities, BARs, and
 * messages as interrupts (PCI Local Bus Specification 3.0, "Configuration Space", "MSI-X").
 *
 * What stands in configuration space was written by the device, that is by a hypervisor or its
 * user: each loop here has an end, and no register is believed to lie where other things are.
 */
#include "pci.h"
#include "machine.h"
#include "paging.h"

#define CONFIG_ADDRESS		0xcf8
#define CONFIG_DATA		0xcfc
#define CONFIG_ENABLE		BIT(31)
#define DEVICES			32
#define CAPABILITIES_MAX	48	/* that 256 bytes have room for */

#define STATUS_CAPABILITIES	BIT(20)	/* of PCI_COMMAND; the upper half is the status */
#define PCI_BAR			0x10
#define BARS			6
#define BAR_PORTS		BIT(0)
#define BAR_TYPE		0x6
#define BAR_64			0x4
#define PCI_CAPABILITIES	0x34

#define MSIX_ENABLE		BIT(31)
#define MSIX_MASK_ALL		BIT(30)
#define MSIX_TABLE		4	/* from the capability's begin: where the table is */
#define MSIX_ENTRY		16
#define MESSAGE_ADDRESS		0xfee00000

/* Of the device's one function. @reg is a multiple of 4. */
u32 pci_read(u8 device, u8 reg)
{
	out32(CONFIG_ADDRESS, CONFIG_ENABLE | (u32)device << 11 | reg);
	return in32(CONFIG_DATA);
}

void pci_write(u8 device, u8 reg, u32 value)
{
	out32(CONFIG_ADDRESS, CONFIG_ENABLE | (u32)device << 11 | reg);
	out32(CONFIG_DATA, value);
}

/* The first device with that vendor (low half) and device id. Return: its number, or -1. */
int pci_find(u32 id)
{
	int device;

	for (device = 0; device < DEVICES; device++)
		if (pci_read(device, PCI_ID) == id)
			return device;
	return -1;
}

/**
 * pci_capability() - a capability of a kind
 * @device: whose
 * @id: the kind
 * @nth: which of this kind, 0 for the first
 *
 * Return: where it is in configuration space, or 0 if there are not as many.
 */
u8 pci_capability(u8 device, u8 id, unsigned int nth)
{
	unsigned int i;
	u32 header;
	u8 at;

	if (!(pci_read(device, PCI_COMMAND) & STATUS_CAPABILITIES))
		return 0;
	at = pci_read(device, PCI_CAPABILITIES) & ~3;
	/* A list that bites its own tail ends here, too. */
	for (i = 0; i < CAPABILITIES_MAX && at >= 0x40; i++) {
		header = pci_read(device, at);
		if ((u8)header == id && !nth--)
			return at;
		at = header >> 8 & ~3;
	}
	return 0;
}

/**
 * pci_map() - registers of a device, for the kernel to read and write
 * @device: whose
 * @bar: which of its ranges they are in
 * @offset: where in it
 * @size: bytes
 *
 * Return: their address, or NULL if they do not lie where paging_map_device() can map.
 */
volatile void *pci_map(u8 device, u8 bar, u32 offset, u32 size)
{
	u32 low;
	u64 at;

	if (bar >= BARS)
		return NULL;
	low = pci_read(device, PCI_BAR + 4 * bar);
	at = low & ~0xfu;
	if ((low & BAR_PORTS) || !at)
		return NULL;
	if ((low & BAR_TYPE) == BAR_64) {
		if (bar + 1 == BARS)
			return NULL;
		at |= (u64)pci_read(device, PCI_BAR + 4 * bar + 4) << 32;
	}
	return paging_map_device(at + offset, size);
}

/**
 * pci_message() - the device's first message interrupts a processor; all others are none
 * @device: whose
 * @apic_id: of the processor
 * @vector: what comes there
 *
 * Return: false if it has no MSI-X.
 */
bool pci_message(u8 device, u32 apic_id, u8 vector)
{
	u8 at = pci_capability(device, CAPABILITY_MSIX, 0);
	volatile u32 *entry;
	u32 table;

	if (!at)
		return false;
	table = pci_read(device, at + MSIX_TABLE);
	entry = pci_map(device, table & 7, table & ~7u, MSIX_ENTRY);
	if (!entry)
		return false;
	pci_write(device, at, (pci_read(device, at) | MSIX_ENABLE) & ~MSIX_MASK_ALL);
	entry[0] = MESSAGE_ADDRESS | apic_id << 12;
	entry[1] = 0;
	entry[2] = vector;
	entry[3] = 0;			/* not masked */
	return true;
}
