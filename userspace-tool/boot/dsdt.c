// SPDX-License-Identifier: GPL-2.0-only
/*
 * The definition block of the machine (DSDT): chapters "ACPI-Defined Devices and Device-Specific
 * Objects" and "Power and Performance Management" of the ACPI specification 6.x, and "6.4 Resource
 * Data Types" for the bytes of _CRS. It says what cannot be found by looking: how power goes off,
 * and where there are PCI devices, the root with its windows and interrupt lines.
 *
 * A guest with a control socket has slots for devices that come and go. When one does, its slot's
 * bit is set in a register of acpi.h and general-purpose event 0 is raised: the guest's kernel runs
 * \_GPE._E00, which reads the registers and notifies the slots' devices. \_EJ0 of a slot tells
 * that the guest has let go (section "Device Insertion, Removal, and Status Objects"). Event 1 says
 * that the VM generation ID has changed ("Virtual Machine Generation ID" of Microsoft). Such a
 * guest also has a port to which it writes when it panics, QEMU's pvpanic ("docs/specs/pvpanic").
 *
 * Pure: aml.c writes the code.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "boot/acpi.h"
#include "boot/dsdt.h"
#include "compiler.h"

#define NOTIFY_DEVICE_CHECK	1
#define NOTIFY_EJECT		3
#define NOTIFY_CHANGED		0x80
#define LOCAL_NEW		0
#define LOCAL_TO_GO		1

static_assert(ACPI_S5_SLEEP_TYPE == 0, "put_power() spells the sleep type out");

static void put64(__u8 *p, __u64 v)
{
	memcpy(p, &v, sizeof(v));
}

/* Name (\_S5, Package () { 0, 0, 0, 0 }) */
static void put_power(struct aml *a)
{
	size_t package;
	int i;

	aml_name(a, "_S5_");
	package = aml_package(a, 4);
	for (i = 0; i < 4; i++)
		aml_integer(a, ACPI_S5_SLEEP_TYPE);	/* PM1a, PM1b, reserved */
	aml_close(a, package);
}

/* "QWord Address Space Descriptor": memory for BARs of 64 bits; 0 bytes where there is none. */
static size_t put_high_window(__u8 *p, const struct pci_root *pci)
{
	if (!pci->high_size)
		return 0;
	p[0] = 0x8a;
	p[1] = 43;
	p[3] = 0;			/* memory */
	p[4] = 0x0c;			/* minimum and maximum are fixed */
	p[5] = 0x01;			/* read-write, not cached */
	put64(p + 14, pci->high_base);
	put64(p + 22, pci->high_base + pci->high_size - 1);
	put64(p + 38, pci->high_size);
	return 46;
}

/* Name (_CRS, ...): the root's bus, its own ports, and the windows for BARs. */
static void put_resources(struct aml *a, const struct pci_root *pci)
{
	static const __u8 fixed[] = {
		0x88, 0x0d, 0x00, 0x02, 0x0c, 0x00,			/* bus numbers: */
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,	/* 0 to 0 */
		0x47, 0x01, 0xf8, 0x0c, 0xf8, 0x0c, 0x01, 0x08,		/* ports 0xcf8, 8 */
		0x88, 0x0d, 0x00, 0x01, 0x0c, 0x03,			/* ports for BARs: */
		0x00, 0x00, 0x00, 0x10, 0xff, 0xff, 0x00, 0x00, 0x00, 0xf0,
		0x87, 0x17, 0x00, 0x00, 0x0c, 0x01,			/* memory for BARs: */
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc0,		/* from 0xc0000000 */
		0xff, 0xff, 0xff, 0xfd, 0x00, 0x00, 0x00, 0x00,		/* to 0xfdffffff */
		0x00, 0x00, 0x00, 0x3e,					/* its length */
	};
	static const __u8 end[] = { 0x79, 0x00 };
	__u8 list[sizeof(fixed) + 46 + sizeof(end)] = { 0 };
	size_t len = sizeof(fixed);

	static_assert(PCI_WINDOW_BASE == 0xc0000000 && PCI_WINDOW_SIZE == 0x3e000000 &&
		      PCI_PORT_WINDOW == 0x1000 && PCI_PORT_WINDOW_SIZE == 0xf000, "fixed[] spells them out");
	memcpy(list, fixed, sizeof(fixed));
	len += put_high_window(list + len, pci);
	memcpy(list + len, end, sizeof(end));
	aml_name(a, "_CRS");
	aml_buffer(a, list, len + sizeof(end));
}

/* Name (_PRT, ...): which line each pin of each device is, also of those that may come later. */
static void put_routing(struct aml *a)
{
	unsigned int device, pin;
	size_t table, entry;

	aml_name(a, "_PRT");
	table = aml_package(a, PCI_SLOTS * PCI_PINS - PCI_PINS);
	for (device = 1; device < PCI_SLOTS; device++) {
		for (pin = 0; pin < PCI_PINS; pin++) {
			entry = aml_package(a, 4);
			aml_integer(a, device << 16 | 0xffff);	/* all its functions */
			aml_integer(a, pin);
			aml_integer(a, 0);			/* no link device: a GSI */
			aml_integer(a, pci_gsi(device, pin));
			aml_close(a, entry);
		}
	}
	aml_close(a, table);
}

/* What \_SB.PCI0 calls the device in a slot: S18_ for number 24. */
static void slot_name(char *name, unsigned int slot)
{
	snprintf(name, 5, "S%02X_", slot);
}

/* Device (Snn_) { Name (_ADR, ...) Name (_SUN, ...) Method (_EJ0, 1) { PCEJ = bit } } */
static void put_slot(struct aml *a, unsigned int slot)
{
	size_t device, method;
	char name[5];

	slot_name(name, slot);
	device = aml_device(a, name);
	aml_name(a, "_ADR");
	aml_integer(a, slot << 16);
	aml_name(a, "_SUN");
	aml_integer(a, slot);
	method = aml_method(a, "_EJ0", 1);
	aml_store(a, BIT(slot), "PCEJ");
	aml_close(a, method);
	aml_close(a, device);
}

/* In \_SB.PCI0: the registers of hot plug, and the slots. */
static void put_slots(struct aml *a)
{
	unsigned int slot;

	aml_registers(a, "HPLG", ACPI_HOTPLUG, "PCIUPCIDPCEJ");
	for (slot = PCI_FIRST_HOTPLUG; slot < PCI_SLOTS; slot++)
		put_slot(a, slot);
}

/*
 * Scope (\_GPE) { Method (_E00) { \_SB.PCI0.PCNT () } Method (_E01) { Notify (\_SB.VGEN, 0x80) } }
 * What event 0 calls is where the registers of hot plug can be named.
 */
static void put_events(struct aml *a)
{
	size_t scope = aml_scope(a, "_GPE"), method;

	method = aml_method(a, "_E00", 0);
	aml_path(a, "_SB_PCI0PCNT");
	aml_close(a, method);
	method = aml_method(a, "_E01", 0);
	aml_notify(a, "_SB_VGEN", NOTIFY_CHANGED);
	aml_close(a, method);
	aml_close(a, scope);
}

/* Device (VGEN) {: where the VM generation ID is, as two halves of an address. */
static void put_generation(struct aml *a)
{
	size_t device = aml_device(a, "VGEN"), package;

	aml_name(a, "_HID");
	aml_string(a, "VMGENCTR");
	aml_name(a, "_CID");
	aml_string(a, "VM_Gen_Counter");
	aml_name(a, "_DDN");
	aml_string(a, "VM_Gen_Counter");
	aml_name(a, "ADDR");
	package = aml_package(a, 2);
	aml_integer(a, GUEST_GENERATION);
	aml_integer(a, 0);
	aml_close(a, package);
	aml_close(a, device);
}

/* Device (PEVT) {: the port of pvpanic. */
static void put_panic(struct aml *a)
{
	static const __u8 resources[] = {
		0x47, 0x01, ACPI_PANIC_PORT & 0xff, ACPI_PANIC_PORT >> 8,	/* from */
		ACPI_PANIC_PORT & 0xff, ACPI_PANIC_PORT >> 8, 0x01, 0x01,	/* to, 1 port */
		0x79, 0x00,							/* the end */
	};
	size_t device = aml_device(a, "PEVT");

	aml_name(a, "_HID");
	aml_string(a, "QEMU0001");
	aml_name(a, "_CRS");
	aml_buffer(a, resources, sizeof(resources));
	aml_close(a, device);
}

/* Method (PCNT): tell each slot whose bit is set: look for a device, or eject it. */
static void put_scan(struct aml *a)
{
	size_t method = aml_method(a, "PCNT", 0), condition;
	char path[] = "_SB_PCI0S00_";
	unsigned int slot;

	aml_load(a, LOCAL_NEW, "PCIU");
	aml_load(a, LOCAL_TO_GO, "PCID");
	for (slot = PCI_FIRST_HOTPLUG; slot < PCI_SLOTS; slot++) {
		slot_name(path + 8, slot);
		condition = aml_if(a, LOCAL_NEW, BIT(slot));
		aml_notify(a, path, NOTIFY_DEVICE_CHECK);
		aml_close(a, condition);
		condition = aml_if(a, LOCAL_TO_GO, BIT(slot));
		aml_notify(a, path, NOTIFY_EJECT);
		aml_close(a, condition);
	}
	aml_close(a, method);
}

/* Scope (\_SB) { Device (PCI0) { ... } } */
static void put_pci(struct aml *a, const struct pci_root *pci, bool steered)
{
	size_t scope = aml_scope(a, "_SB_"), device = aml_device(a, "PCI0");

	aml_name(a, "_HID");
	aml_integer(a, 0x030ad041);	/* EisaId ("PNP0A03") */
	put_resources(a, pci);
	put_routing(a);
	if (steered) {
		put_slots(a);
		put_scan(a);
	}
	aml_close(a, device);
	if (steered) {
		put_generation(a);
		put_panic(a);
	}
	aml_close(a, scope);
	if (steered)
		put_events(a);
}

/**
 * dsdt_build() - write the content of the DSDT, behind its header
 * @a: where it goes
 * @pci: the PCI root, or NULL
 * @steered: the guest has a control socket
 */
void dsdt_build(struct aml *a, const struct pci_root *pci, bool steered)
{
	put_power(a);
	if (pci)
		put_pci(a, pci, steered);
}
