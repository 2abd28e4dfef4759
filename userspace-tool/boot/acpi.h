/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI tables of the machine, and the fixed hardware registers that they announce.
 *
 * Ports: 0x600 PM1 status, 0x602 PM1 enable, 0x604 PM1 control. Sleep type 0 means power-off
 * (\_S5), so that writing 0x2000 (SLP_EN) to port 0x604 powers off with or without ACPI. 0x608 is
 * the status of general-purpose events, 0x609 their enable bits.
 *
 * Ports of hot plug, each 32 bits, a bit for each PCI slot; a guest's kernel reaches them by the
 * methods of the DSDT. 0x610: a device is new there; 0x614: it is to go; a read clears these two.
 * 0x618: the guest writes that it has let go.
 */
#ifndef MINIKVM_TOOL_ACPI_H
#define MINIKVM_TOOL_ACPI_H

#include <stdbool.h>

#include "boot/guest_ram.h"
#include "devices/pci.h"

#define ACPI_SCI_IRQ		9
#define ACPI_PM1_STATUS		0x600
#define ACPI_PM1_CONTROL	0x604
#define ACPI_S5_SLEEP_TYPE	0
#define ACPI_GPE_STATUS		0x608
#define ACPI_GPE_ENABLE		0x609
#define ACPI_GPE_HOTPLUG	0	/* their numbers: bits of the two registers */
#define ACPI_GPE_GENERATION	1
#define ACPI_PANIC_PORT		0x505
#define ACPI_HOTPLUG		0x610
#define ACPI_HOTPLUG_PORTS	12
#define ACPI_RESET_PORT		0xcf9
#define ACPI_RESET_VALUE	0x06

#define LOCAL_APIC_BASE		0xfee00000
#define IO_APIC_BASE		0xfec00000

__u64 acpi_build(const struct guest_ram *ram, unsigned int cpus, const struct pci_root *pci,
		 bool steered);

#endif
