/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ACPI's tables say about the machine, and its power switch: acpi.c.
 */
#ifndef GUEST_ACPI_H
#define GUEST_ACPI_H

#include "abi.h"

/**
 * struct acpi - what was found
 * @nr_cpus: processors that can be used, at most CPUS_MAX; 1 without tables
 * @apic_id: their local APICs'
 * @uart_pin: the IOAPIC's pin of IRQ 4
 * @pm1_control: the port of the PM1a control register
 * @minikvm: the tables are those of `minikvm run`
 */
struct acpi {
	u32 nr_cpus;
	u32 apic_id[CPUS_MAX];
	u32 uart_pin;
	u16 pm1_control;
	bool minikvm;
};

extern struct acpi acpi;

void acpi_init(u64 rsdp);
void power_off(int status) __noreturn;

#endif
