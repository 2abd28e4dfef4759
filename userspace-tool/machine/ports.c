// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's I/O ports: which device an access is for. See machine.h for the list.
 *
 * Each device has a range of the bus of ports; so have the I/O BARs of PCI devices. Wide accesses
 * to byte-wide devices are split into consecutive ports, as the ISA bus does. Runs of bytes (REP
 * OUTSB) go to UART and debug console whole.
 */
#include <string.h>

#include "boot/acpi.h"
#include "compiler.h"
#include "machine/ports.h"
#include "machine/power.h"

#define PORT_KEYBOARD_DATA	0x60
#define PORT_KEYBOARD_COMMAND	0x64
#define KEYBOARD_PULSE_RESET	0xfe
#define PORT_SYSTEM_CONTROL_A	0x92
#define CONTROL_A_FAST_RESET	0x01
#define CONTROL_A_A20		0x02
#define RESET_CPU		0x04	/* in ACPI_RESET_PORT */
/* pvpanic, docs/specs/pvpanic of QEMU */
#define PANIC_PANICKED		0x01
#define PANIC_CRASH_LOADED	0x02

static bool in_range(__u32 port, __u32 base, __u32 count)
{
	return port - base < count;
}

/* The debug console has two ports: 0xe9 as in Bochs, 0x402 as for QEMU's firmware. */
static bool is_debug_console(__u32 port)
{
	return port == DEBUG_CONSOLE_PORT || port == DEBUG_CONSOLE_PORT2;
}

/* What --debug-exit cannot have. The kernel serves those of @in_kernel itself. */
static const struct {
	__u16 base, count;
	bool in_kernel;
	const char *what;
} owned_ports[] = {
	{ UART_COM1_BASE, UART_COM1_PORTS, false, "the serial port's" },
	{ DEBUG_CONSOLE_PORT, 1, false, "the debug console" },
	{ DEBUG_CONSOLE_PORT2, 1, false, "the debug console" },
	{ RTC_BASE, RTC_PORTS, false, "the clock's" },
	{ ACPI_PM1_STATUS, 6, false, "ACPI's power management register" },
	{ ACPI_GPE_STATUS, 2, false, "ACPI's event register" },
	{ ACPI_HOTPLUG, ACPI_HOTPLUG_PORTS, false, "of hot plug" },
	{ ACPI_PANIC_PORT, 1, false, "where a guest tells a panic" },
	{ PCI_PORTS_BASE, 1, false, "PCI's configuration mechanism" },
	{ PCI_CONFIG_DATA, 4, false, "PCI's configuration mechanism" },
	{ 0x20, 2, true, "an interrupt controller's" },
	{ 0xa0, 2, true, "an interrupt controller's" },
	{ 0x4d0, 2, true, "an interrupt controller's" },
	{ 0x40, 4, true, "the timer's" },
	{ 0x61, 1, true, "the timer's" },
};

/**
 * port_owner() - is a port one of the machine's own, so that --debug-exit cannot have it?
 * @port: the port
 * @flat: the machine of --flat, which has no devices in the kernel
 *
 * The reset ports are not listed: with --debug-exit, a write to one of them ends the run as that.
 *
 * Return: what it is, or NULL.
 */
const char *port_owner(__u16 port, bool flat)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(owned_ports); i++)
		if (in_range(port, owned_ports[i].base, owned_ports[i].count) &&
		    !(flat && owned_ports[i].in_kernel))
			return owned_ports[i].what;
	return NULL;
}

static void report_panic(struct machine *m, __u8 value)
{
	struct sentence s;

	if (value & PANIC_PANICKED)
		say(&s, "The guest's kernel has panicked.");
	else if (value & PANIC_CRASH_LOADED)
		say(&s, "The guest's kernel has panicked, and its crash kernel takes over.");
	else
		return;
	machine_report(m, "panic", &s);
}

/* ---- the devices: each byte of an access is one of a byte-wide register ---------------------- */

static void uart_out(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	struct machine *m = opaque;
	unsigned int i;

	for (i = 0; i < len; i++)
		uart_write(&m->uart, offset + i, (const __u8 *)data + i, 1);
}

static void uart_in(void *opaque, __u64 offset, void *data, unsigned int len)
{
	struct machine *m = opaque;
	unsigned int i;

	for (i = 0; i < len; i++)
		((__u8 *)data)[i] = uart_read(&m->uart, offset + i);
}

static void debug_out(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	struct machine *m = opaque;

	(void)offset;
	console_put(&m->console, data, len);
}

static void debug_in(void *opaque, __u64 offset, void *data, unsigned int len)
{
	(void)opaque;
	(void)offset;
	memset(data, DEBUG_CONSOLE_PORT, len);	/* how a guest finds out that it is there */
}

static void rtc_out(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	struct machine *m = opaque;
	unsigned int i;

	for (i = 0; i < len; i++)
		rtc_write(&m->rtc, offset + i, ((const __u8 *)data)[i]);
}

static void rtc_in(void *opaque, __u64 offset, void *data, unsigned int len)
{
	struct machine *m = opaque;
	unsigned int i;

	for (i = 0; i < len; i++)
		((__u8 *)data)[i] = rtc_read(&m->rtc, offset + i);
}

static void power_out(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		power_write(opaque, offset + i, ((const __u8 *)data)[i]);
}

static void power_in(void *opaque, __u64 offset, void *data, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		((__u8 *)data)[i] = power_read(opaque, offset + i);
}

static void gpe_out(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	power_out(opaque, ACPI_GPE_STATUS - ACPI_PM1_STATUS + offset, data, len);
}

static void gpe_in(void *opaque, __u64 offset, void *data, unsigned int len)
{
	power_in(opaque, ACPI_GPE_STATUS - ACPI_PM1_STATUS + offset, data, len);
}

static __u32 get(const void *data, unsigned int size)
{
	__u32 value = 0;

	memcpy(&value, data, size);
	return value;
}

/* These registers are read and written whole. */
static void hotplug_out(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	if (len == 4)
		hotplug_write(opaque, offset, get(data, len));
}

static void hotplug_in(void *opaque, __u64 offset, void *data, unsigned int len)
{
	__u32 value = len == 4 ? hotplug_read(opaque, offset) : 0;

	memcpy(data, &value, len);
}

/* PCI depends on the width of an access: a byte at 0xcf9 is the reset register. */
static void pci_out(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	unsigned int reset = ACPI_RESET_PORT - PCI_PORTS_BASE;
	struct machine *m = opaque;

	if (offset >= PCI_CONFIG_DATA - PCI_PORTS_BASE)
		pci_write_data(&m->pci, offset % 4, len, get(data, len));
	else if (offset == 0 && len == 4)
		pci_write_address(&m->pci, get(data, len));
	else if (offset <= reset && reset < offset + len &&
		 (((const __u8 *)data)[reset - offset] & RESET_CPU))
		machine_stop(m, OUTCOME_RESET, NULL, 0);
}

static void pci_in(void *opaque, __u64 offset, void *data, unsigned int len)
{
	struct machine *m = opaque;
	unsigned int i;
	__u32 value;

	if (offset >= PCI_CONFIG_DATA - PCI_PORTS_BASE) {
		value = pci_read_data(&m->pci, offset % 4, len);
		memcpy(data, &value, len);
		return;
	}
	for (i = 0; i < len; i++)
		((__u8 *)data)[i] = pci_read_byte(&m->pci, offset + i);
}

static void keyboard_out(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	(void)len;
	if (offset == 0 && *(const __u8 *)data == KEYBOARD_PULSE_RESET)
		machine_stop(opaque, OUTCOME_RESET, NULL, 0);
}

/* No key, and never busy, so that a guest can ask for a reset. */
static void keyboard_in(void *opaque, __u64 offset, void *data, unsigned int len)
{
	(void)opaque;
	(void)offset;
	memset(data, 0, len);
}

static void no_out(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	(void)opaque;
	(void)offset;
	(void)data;
	(void)len;
}

static void control_a_out(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	(void)offset;
	(void)len;
	if (*(const __u8 *)data & CONTROL_A_FAST_RESET)
		machine_stop(opaque, OUTCOME_RESET, NULL, 0);
}

static void control_a_in(void *opaque, __u64 offset, void *data, unsigned int len)
{
	(void)opaque;
	(void)offset;
	memset(data, CONTROL_A_A20, len);
}

static void panic_out(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	(void)offset;
	(void)len;
	report_panic(opaque, *(const __u8 *)data);
}

static void panic_in(void *opaque, __u64 offset, void *data, unsigned int len)
{
	(void)opaque;
	(void)offset;
	memset(data, PANIC_PANICKED | PANIC_CRASH_LOADED, len);
}

static const struct {
	__u16 base, count;
	struct bus_ops ops;
} devices[] = {
	{ UART_COM1_BASE, UART_COM1_PORTS, { uart_in, uart_out } },
	{ DEBUG_CONSOLE_PORT, 1, { debug_in, debug_out } },
	{ DEBUG_CONSOLE_PORT2, 1, { debug_in, debug_out } },
	{ RTC_BASE, RTC_PORTS, { rtc_in, rtc_out } },
	{ ACPI_PM1_STATUS, 6, { power_in, power_out } },
	{ ACPI_GPE_STATUS, 2, { gpe_in, gpe_out } },
	{ ACPI_HOTPLUG, ACPI_HOTPLUG_PORTS, { hotplug_in, hotplug_out } },
	{ PCI_PORTS_BASE, PCI_PORTS, { pci_in, pci_out } },
	{ PORT_KEYBOARD_DATA, 1, { keyboard_in, no_out } },
	{ PORT_KEYBOARD_COMMAND, 1, { keyboard_in, keyboard_out } },
	{ PORT_SYSTEM_CONTROL_A, 1, { control_a_in, control_a_out } },
	{ ACPI_PANIC_PORT, 1, { panic_in, panic_out } },
};

/* Give the machine's own devices their ports. */
void ports_init(struct machine *m)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(devices); i++)
		bus_add(&m->ports, devices[i].base, devices[i].count, &devices[i].ops, m);
}

/* ---- accesses -------------------------------------------------------------------------------- */

/* The port of --debug-exit, if the access touches it; then the run has ended. */
static bool debug_exit(struct machine *m, __u16 port, unsigned int size, const __u8 *data)
{
	bool pci_address = port == PCI_PORTS_BASE && size == 4;

	if (!in_range(m->debug_exit_port, port, size) || pci_address)
		return false;
	machine_stop(m, OUTCOME_DEBUG_EXIT, NULL, data[m->debug_exit_port - port]);
	return true;
}

/**
 * port_out() - the guest writes to a port
 * @m: the machine
 * @port: the port
 * @size: bytes of one access: 1, 2 or 4
 * @data: @count accesses, one after the other
 * @count: how many; more than one from REP OUTS
 */
void port_out(struct machine *m, __u16 port, unsigned int size, const __u8 *data, __u32 count)
{
	unsigned int i;

	if (size == 1 && in_range(port, UART_COM1_BASE, UART_COM1_PORTS)) {
		uart_write(&m->uart, port - UART_COM1_BASE, data, count);
		return;
	}
	if (size == 1 && is_debug_console(port)) {
		console_put(&m->console, data, count);
		return;
	}
	for (; count; count--, data += size) {
		if (debug_exit(m, port, size, data) || bus_write(&m->ports, port, data, size))
			continue;
		for (i = 0; i < size; i++)
			bus_write(&m->ports, port + i, data + i, 1);
	}
}

/* The guest reads from a port; arguments as port_out(), @data is filled. */
void port_in(struct machine *m, __u16 port, unsigned int size, __u8 *data, __u32 count)
{
	unsigned int i;

	for (; count; count--, data += size) {
		if (bus_read(&m->ports, port, data, size))
			continue;
		for (i = 0; i < size; i++)
			if (!bus_read(&m->ports, port + i, data + i, 1))
				data[i] = 0xff;
	}
}
