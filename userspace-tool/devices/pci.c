// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI Configuration Mechanism #1 and the configuration header of one host bridge (PCI Local Bus
 * Specification 3.0, sections "Software Generation of Configuration Transactions" and
 * "Configuration Space Header"). The bridge is read-only: it decodes nothing that could move.
 * struct pci_device_ops has the registers of the device.
 *
 * Pure: linked into the unit tests too.
 */
#include <stdbool.h>

#include "compiler.h"
#include "devices/pci.h"

#define CONFIG_ENABLE		BIT(31)
#define CONFIG_FUNCTION(addr)	((addr) >> 8 & 0xffff)	/* bus, device, function */
#define CONFIG_REGISTER(addr)	((addr) & 0xfc)
#define CONFIG_DATA		4
#define DEVICE_FUNCTION		BIT(3)	/* bus 0, device 1, function 0 */

/*
 * The ID is one of those that Red Hat gives to virtual devices: the generic PCIe host bridge.
 * The class is what operating systems look for when they doubt that the mechanism works.
 */
#define HOST_BRIDGE_ID		0x00081b36
#define HOST_BRIDGE_CLASS	0x06000000

/* The guest writes four bytes to PCI_PORTS_BASE. */
void pci_write_address(struct pci_bus *bus, __u32 value)
{
	bus->config_address = value & 0x80fffffc;
}

static __u32 read_bridge(__u32 address)
{
	switch (CONFIG_REGISTER(address)) {
	case 0x00:
		return HOST_BRIDGE_ID;
	case 0x08:
		return HOST_BRIDGE_CLASS;
	default:
		return 0;
	}
}

static bool is_device(const struct pci_bus *bus, __u32 address)
{
	return bus->device && (address & CONFIG_ENABLE) &&
	       CONFIG_FUNCTION(address) == DEVICE_FUNCTION;
}

/**
 * pci_write_data() - the guest writes to PCI_CONFIG_DATA
 * @bus: the bus
 * @offset: 0 to 3, where in the four ports
 * @size: bytes, 1, 2 or 4; what reaches past the ports is lost
 * @value: the bytes, the lowest first
 */
void pci_write_data(struct pci_bus *bus, unsigned int offset, unsigned int size, __u32 value)
{
	__u32 address = bus->config_address;

	if (is_device(bus, address) && offset + size <= 4)
		bus->device->write(bus->opaque, CONFIG_REGISTER(address) + offset, size, value);
}

/**
 * pci_read_byte() - the guest reads port PCI_PORTS_BASE + @reg
 * @bus: the bus
 * @reg: 0 to 7
 *
 * Return: the byte; all ones for a function that is not there.
 */
__u8 pci_read_byte(struct pci_bus *bus, unsigned int reg)
{
	__u32 address = bus->config_address;
	__u32 value = 0xffffffff;

	if (reg < CONFIG_DATA)
		value = address;
	else if (is_device(bus, address))
		return bus->device->read(bus->opaque, CONFIG_REGISTER(address) + reg % 4);
	else if ((address & CONFIG_ENABLE) && CONFIG_FUNCTION(address) == 0)
		value = read_bridge(address);
	return value >> (reg % 4 * 8);
}
