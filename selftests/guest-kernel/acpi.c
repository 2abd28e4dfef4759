// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI, as much as a small kernel needs: RSDP, RSDT or XSDT, the processors and interrupt overrides
 * of the MADT, and from the FADT the register that turns the power off (ACPI specification, "ACPI
 * Software Programming Model" and "Sleeping/Wake Control").
 *
 * The sleep type of S5 would stand in the DSDT's bytecode; it is 0 in minikvm and in QEMU.
 */
#include "acpi.h"
#include "console.h"
#include "format.h"
#include "machine.h"

#define PM1_CONTROL		0x604	/* minikvm's and QEMU's, where no table says */
#define SLEEP_ENABLE		0x2000
#define DEBUG_EXIT		0xf4	/* `minikvm run --debug-exit`, QEMU's isa-debug-exit */
#define DEBUG_EXIT_2		0x501	/* where QEMU puts that if it is not told */
#define RESET_CONTROL		0xcf9
#define RESET_CPU		0x06
#define TABLES_LIMIT		0xffff0000

struct acpi acpi = { .nr_cpus = 1, .uart_pin = UART_IRQ, .pm1_control = PM1_CONTROL };

static u64 get(const u8 *p, unsigned int bytes)
{
	u64 value = 0;

	memcpy(&value, p, bytes);
	return value;
}

/* Tables lie at the end of memory: acpi_init() runs while 4 GiB are mapped where they are. */
static const u8 *table_at(u64 address)
{
	return address && address < TABLES_LIMIT ? (const u8 *)address : NULL;
}

static const u8 *search(u64 from, u64 to)
{
	for (; from < to; from += 16)
		if (!memcmp(table_at(from), "RSD PTR ", 8))
			return table_at(from);
	return NULL;
}

static void read_madt(const u8 *table)
{
	const u8 *p = table + 44, *end = table + get(table + 4, 4);

	acpi.nr_cpus = 0;
	for (; p + 2 <= end && p[1] >= 2; p += p[1]) {
		if (p[0] == 0 && (get(p + 4, 4) & 1) && acpi.nr_cpus < CPUS_MAX)
			acpi.apic_id[acpi.nr_cpus++] = p[3];
		else if (p[0] == 2 && p[3] == UART_IRQ)
			acpi.uart_pin = get(p + 4, 4);
	}
	acpi.nr_cpus = max(acpi.nr_cpus, 1u);
}

static void read_table(u64 address)
{
	const u8 *table = table_at(address);

	if (!table)
		return;
	if (!memcmp(table, "APIC", 4))
		read_madt(table);
	else if (!memcmp(table, "FACP", 4) && get(table + 64, 4))
		acpi.pm1_control = get(table + 64, 4);
}

/**
 * acpi_init() - read the tables
 * @rsdp: where the loader says that the root pointer is, or 0
 */
void acpi_init(u64 rsdp)
{
	const u8 *root = table_at(rsdp), *list;
	u32 size = 4, i, n;
	u64 address;

	if (!root)
		root = search(0x9fc00, 0xa0000);
	if (!root)
		root = search(0xe0000, 0x100000);
	if (!root)
		return;
	acpi.minikvm = !memcmp(root + 9, "MINIKV", 6);
	address = get(root + 16, 4);
	if (root[15] >= 2 && get(root + 24, 8)) {
		address = get(root + 24, 8);
		size = 8;
	}
	list = table_at(address);
	if (!list)
		return;
	n = (get(list + 4, 4) - 36) / size;
	for (i = 0; i < n && i < 64; i++)
		read_table(get(list + 36 + i * size, size));
}

/**
 * power_off() - the end
 * @status: 0, or 1 if it is a failure
 *
 * Success is ACPI's power-off. A failure writes 1 to the debug-exit port, which ends QEMU and
 * `minikvm run --debug-exit 0xf4` with status 3; where there is none, `minikvm run` ends with
 * status 3 on a reset. Elsewhere a reset would begin it all again: the power goes off, too.
 */
void power_off(int status)
{
	if (status) {
		out8(DEBUG_EXIT, 1);
		out8(DEBUG_EXIT_2, 1);
		if (acpi.minikvm)
			out8(RESET_CONTROL, RESET_CPU);
	}
	out16(acpi.pm1_control, SLEEP_ENABLE);
	for (;;)
		asm volatile("cli; hlt");
}

/**
 * stop() - the kernel cannot go on
 * @fmt: why
 */
void stop(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	format(text, sizeof(text), fmt, args);
	va_end(args);
	print("kernel stopped: %s\n", text);
	power_off(1);
}
