// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's devices and its I/O ports: see machine.h. The PM1 registers are those of chapter
 * "ACPI Hardware Specification", section "Fixed Hardware Registers".
 *
 * Wide accesses to byte-wide devices are split into consecutive ports, as the ISA bus does. Runs
 * of bytes (REP OUTSB) go to UART and debug console whole.
 */
#include <string.h>
#include <unistd.h>

#include "boot/acpi.h"
#include "compiler.h"
#include "machine/machine.h"
#include "machine/ports.h"

#define PM1_STATUS_POWER_BUTTON	0x01	/* in the high byte: bit 8 */
#define PM1_CONTROL_SCI_EN	0x01
#define PM1_SLEEP_ENABLE	0x20	/* in the high byte: bit 13 */
#define PM1_SLEEP_TYPE(high)	((high) >> 2 & 7)

#define PORT_KEYBOARD_DATA	0x60
#define PORT_KEYBOARD_COMMAND	0x64
#define KEYBOARD_PULSE_RESET	0xfe
#define PORT_SYSTEM_CONTROL_A	0x92
#define CONTROL_A_FAST_RESET	0x01
#define CONTROL_A_A20		0x02
#define RESET_CPU		0x04	/* in ACPI_RESET_PORT */

static void wake(struct machine *m)
{
	const __u64 one = 1;
	ssize_t ignored = write(m->wake_fd, &one, sizeof(one));

	(void)ignored;	/* it fails only when the counter is full, which wakes as well */
}

void machine_stop(struct machine *m, enum outcome how, const struct sentence *detail, int status)
{
	pthread_mutex_lock(&m->outcome_lock);
	if (m->outcome == OUTCOME_NONE) {
		if (detail)
			m->detail = *detail;
		m->status = status;
		m->outcome = how;
	}
	pthread_mutex_unlock(&m->outcome_lock);
	wake(m);
}

static void uart_transmit(void *opaque, const __u8 *data, size_t len)
{
	struct machine *m = opaque;

	console_put(&m->console, data, len);
}

static void uart_set_irq(void *opaque, bool level)
{
	struct machine *m = opaque;

	vm_irq_line(&m->vm, UART_COM1_IRQ, level);
}

static void uart_has_space(void *opaque)
{
	wake(opaque);
}

static const struct uart_host uart_host = {
	.transmit = uart_transmit,
	.set_irq = uart_set_irq,
	.space = uart_has_space,
};

static time_t rtc_now(void *opaque)
{
	(void)opaque;
	return time(NULL);
}

static void rtc_set_irq(void *opaque, bool level)
{
	struct machine *m = opaque;

	vm_irq_line(&m->vm, RTC_IRQ, level);
}

static void rtc_want_ticks(void *opaque, bool on)
{
	struct machine *m = opaque;

	m->rtc_ticks = on;
	wake(m);
}

static const struct rtc_host rtc_host = {
	.now = rtc_now,
	.set_irq = rtc_set_irq,
	.want_ticks = rtc_want_ticks,
};

void machine_init(struct machine *m)
{
	pthread_mutex_init(&m->outcome_lock, NULL);
	pthread_mutex_init(&m->power_lock, NULL);
	uart_init(&m->uart, &uart_host, m, m->console.input_tty);
	rtc_init(&m->rtc, &rtc_host, m, m->vm.ram.low_size, m->vm.ram.high_size);
	m->pm1[ACPI_PM1_CONTROL - ACPI_PM1_STATUS] = PM1_CONTROL_SCI_EN;
}

/* Called with power_lock held. */
static void update_sci(struct machine *m)
{
	bool sci = (m->pm1[0] & m->pm1[2]) || (m->pm1[1] & m->pm1[3]);

	if (sci == m->sci)
		return;
	m->sci = sci;
	vm_irq_line(&m->vm, ACPI_SCI_IRQ, sci);
}

void machine_power_button(struct machine *m)
{
	pthread_mutex_lock(&m->power_lock);
	m->pm1[1] |= PM1_STATUS_POWER_BUTTON;
	update_sci(m);
	pthread_mutex_unlock(&m->power_lock);
}

static void pm1_write(struct machine *m, unsigned int reg, __u8 value)
{
	pthread_mutex_lock(&m->power_lock);
	switch (reg) {
	case 0:
	case 1:
		m->pm1[reg] &= ~value;		/* status bits are cleared by writing 1 */
		break;
	case 4:
		m->pm1[reg] = value | PM1_CONTROL_SCI_EN;
		break;
	case 5:
		m->pm1[reg] = value & ~PM1_SLEEP_ENABLE;
		if ((value & PM1_SLEEP_ENABLE) && PM1_SLEEP_TYPE(value) == ACPI_S5_SLEEP_TYPE)
			machine_stop(m, OUTCOME_POWER_OFF, NULL, 0);
		break;
	default:
		m->pm1[reg] = value;
	}
	update_sci(m);
	pthread_mutex_unlock(&m->power_lock);
}

static __u8 pm1_read(struct machine *m, unsigned int reg)
{
	__u8 value;

	pthread_mutex_lock(&m->power_lock);
	value = m->pm1[reg];
	pthread_mutex_unlock(&m->power_lock);
	return value;
}

static bool in_range(__u32 port, __u32 base, __u32 count)
{
	return port - base < count;
}

/* Two ports for the same: 0xe9 is Bochs' habit, 0x402 that of QEMU's firmware. */
static bool is_debug_console(__u32 port)
{
	return port == DEBUG_CONSOLE_PORT || port == DEBUG_CONSOLE_PORT2;
}

/* In the order in which port_out() and write_byte() ask; those in the kernel never come here. */
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
	{ PCI_PORTS_BASE, 1, false, "PCI's configuration mechanism" },
	{ PCI_CONFIG_DATA, 4, false, "PCI's configuration mechanism" },
	{ 0x20, 2, true, "an interrupt controller's" },
	{ 0xa0, 2, true, "an interrupt controller's" },
	{ 0x4d0, 2, true, "an interrupt controller's" },
	{ 0x40, 4, true, "the timer's" },
	{ 0x61, 1, true, "the timer's" },
};

const char *port_owner(__u16 port, bool flat)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(owned_ports); i++)
		if (in_range(port, owned_ports[i].base, owned_ports[i].count) &&
		    !(flat && owned_ports[i].in_kernel))
			return owned_ports[i].what;
	return NULL;
}

/* Every device but UART and debug console, which port_out() has dealt with. */
static void write_byte(struct machine *m, __u16 port, __u8 value)
{
	bool reset = false;

	if (in_range(port, RTC_BASE, RTC_PORTS))
		rtc_write(&m->rtc, port - RTC_BASE, value);
	else if (in_range(port, ACPI_PM1_STATUS, sizeof(m->pm1)))
		pm1_write(m, port - ACPI_PM1_STATUS, value);
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
		return 0;	/* no key, and never busy: the way to reset must not look blocked */
	case PORT_SYSTEM_CONTROL_A:
		return CONTROL_A_A20;
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
		/* These know how wide an access is: a byte of the first is another register. */
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
