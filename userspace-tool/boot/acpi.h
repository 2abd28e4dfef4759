/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI tables of the machine, and the fixed hardware registers that they announce.
 *
 * Ports: 0x600 PM1 status, 0x602 PM1 enable, 0x604 PM1 control. Sleep type 0 means power-off
 * (\_S5), so that writing 0x2000 (SLP_EN) to port 0x604 powers off with or without ACPI.
 */
#ifndef MINIKVM_TOOL_ACPI_H
#define MINIKVM_TOOL_ACPI_H

#include "boot/guest_ram.h"
#include "devices/pci.h"

#define ACPI_SCI_IRQ		9
#define ACPI_PM1_STATUS		0x600
#define ACPI_PM1_CONTROL	0x604
#define ACPI_S5_SLEEP_TYPE	0
#define ACPI_RESET_PORT		0xcf9
#define ACPI_RESET_VALUE	0x06

#define LOCAL_APIC_BASE		0xfee00000
#define IO_APIC_BASE		0xfec00000

__u64 acpi_build(const struct guest_ram *ram, unsigned int cpus, const struct pci_root *pci);

#endif
