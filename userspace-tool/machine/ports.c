// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's I/O ports: which device an access is for. See machine.h for the list.
 *
 * Wide accesses to byte-wide devices are split into consecutive ports, as the ISA bus does. Runs
 * of bytes (REP OUTSB) go to UART and debug console whole.
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
#define PORT_PANIC		0x505	/* pvpanic, docs/specs/pvpanic of QEMU */
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

/* In the order of port_out() and write_byte(). The kernel serves those of @in_kernel itself. */
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
	{ PORT_PANIC, 1, false, "where a guest tells a panic" },
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

/* All devices except UART and debug console, which port_out() serves. */
static void write_byte(struct machine *m, __u16 port, __u8 value)
{
	bool reset = false;

	if (in_range(port, RTC_BASE, RTC_PORTS))
		rtc_write(&m->rtc, port - RTC_BASE, value);
	else if (in_range(port, ACPI_PM1_STATUS, sizeof(m->pm1)))
		pm1_write(m, port - ACPI_PM1_STATUS, value);
	else if (port == PORT_PANIC)
		report_panic(m, value);
	else if (port == m->debug_exit_port)
		machine_stop(m, OUTCOME_DEBUG_EXIT, NULL, value);
	else if (port == PORT_KEYBOARD_COMMAND)
		reset = value == KEYBOARD_PULSE_RESET;
	else if (port == ACPI_RESET_PORT)
		reset = value & RESET_CPU;
	else if (port == PORT_SYSTEM_CONTROL_A)
		reset = value & CONTROL_A_FAST_RESET;
	if (reset)
		machine_stop(m, OUTCOME_RESET, NULL, 0);
}

static __u8 read_byte(struct machine *m, __u16 port)
{
	if (in_range(port, UART_COM1_BASE, UART_COM1_PORTS))
		return uart_read(&m->uart, port - UART_COM1_BASE);
	if (in_range(port, RTC_BASE, RTC_PORTS))
		return rtc_read(&m->rtc, port - RTC_BASE);
	if (in_range(port, ACPI_PM1_STATUS, sizeof(m->pm1)))
		return pm1_read(m, port - ACPI_PM1_STATUS);
	if (in_range(port, PCI_PORTS_BASE, PCI_PORTS))
		return pci_read_byte(&m->pci, port - PCI_PORTS_BASE);
	switch (port) {
	case PORT_KEYBOARD_DATA:
	case PORT_KEYBOARD_COMMAND:
		return 0;	/* no key, and never busy, so that a guest can ask for a reset */
	case PORT_SYSTEM_CONTROL_A:
		return CONTROL_A_A20;
	case PORT_PANIC:
		return PANIC_PANICKED | PANIC_CRASH_LOADED;
	case DEBUG_CONSOLE_PORT:
	case DEBUG_CONSOLE_PORT2:
		return DEBUG_CONSOLE_PORT;	/* how a guest finds out that it is there */
	default:
		return 0xff;
	}
}

static __u32 get(const __u8 *data, unsigned int size)
{
	__u32 value = 0;

	memcpy(&value, data, size);
	return value;
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
		/* PCI depends on the width of an access: a byte at 0xcf8 is another register. */
		if (size == 4 && port == PCI_PORTS_BASE) {
			pci_write_address(&m->pci, get(data, size));
			continue;
		}
		if (in_range(port, PCI_CONFIG_DATA, 4)) {
			pci_write_data(&m->pci, port - PCI_CONFIG_DATA, size, get(data, size));
			continue;
		}
		if (m->assigned && assigned_port(m->assigned, port, size, (__u8 *)data, true))
			continue;
		for (i = 0; i < size; i++) {
			if (in_range(port + i, UART_COM1_BASE, UART_COM1_PORTS))
				uart_write(&m->uart, port + i - UART_COM1_BASE, data + i, 1);
			else if (is_debug_console(port + i))
				console_put(&m->console, data + i, 1);
			else
				write_byte(m, port + i, data[i]);
		}
	}
}

/* The guest reads from a port; arguments as port_out(), @data is filled. */
void port_in(struct machine *m, __u16 port, unsigned int size, __u8 *data, __u32 count)
{
	unsigned int i;

	for (; count; count--, data += size) {
		if (m->assigned && assigned_port(m->assigned, port, size, data, false))
			continue;
		for (i = 0; i < size; i++)
			data[i] = read_byte(m, port + i);
	}
}
