// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI Configuration Mechanism #1 and the configuration header of one host bridge (PCI Local Bus
 * Specification 3.0, sections "Software Generation of Configuration Transactions" and
 * "Configuration Space Header"). The bridge is read-only: it decodes nothing that could move.
 *
 * Pure: linked into the unit tests too.
 */
#include "compiler.h"
#include "pci.h"

#define CONFIG_ENABLE		BIT(31)
#define CONFIG_FUNCTION(addr)	((addr) >> 8 & 0xffff)	/* bus, device, function */
#define CONFIG_REGISTER(addr)	((addr) & 0xfc)
#define CONFIG_DATA		4

/*
 * The ID is one of those that Red Hat gives to virtual devices: the generic PCIe host bridge.
 * The class is what operating systems look for when they doubt that the mechanism works.
 */
#define HOST_BRIDGE_ID		0x00081b36
#define HOST_BRIDGE_CLASS	0x06000000

void pci_write_address(struct pci_bus *bus, __u32 value)
{
	bus->config_address = value & 0x80fffffc;
}

static __u32 read_config(__u32 address)
{
	if (!(address & CONFIG_ENABLE) || CONFIG_FUNCTION(address) != 0)
		return 0xffffffff;
	switch (CONFIG_REGISTER(address)) {
	case 0x00:
		return HOST_BRIDGE_ID;
	case 0x08:
		return HOST_BRIDGE_CLASS;
	default:
		return 0;
	}
}

__u8 pci_read_byte(struct pci_bus *bus, unsigned int reg)
{
	__u32 address = bus->config_address;
	__u32 value = reg < CONFIG_DATA ? address : read_config(address);

	return value >> (reg % 4 * 8);
}
