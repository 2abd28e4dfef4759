// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI tables: chapter "ACPI Software Programming Model" of the ACPI specification 6.x. They have
 * what an operating system needs to find the interrupt controllers (MADT), the power switch (FADT
 * with PM1 registers and reset register, DSDT with \_S5), the serial port (SPCR), and, where there
 * are PCI devices, the PCI root (MCFG, and \_SB.PCI0 in the DSDT). There is no PM timer, because
 * its reads would be the most frequent exits to this process; the guest has TSC, PIT and local APIC
 * timer.
 *
 * Pure: guest memory in, tables out. Tables are byte buffers with the offsets of the
 * specification, since half of their fields are not naturally aligned.
 */
#include <assert.h>
#include <string.h>

#include "boot/acpi.h"
#include "boot/dsdt.h"
#include "devices/uart.h"

#define MADT_SIZE(cpus)		(44 + 8 * (cpus) + 12 + 10 + 6)
#define MADT_MAX		0x800
#define CPUS_MAX		((MADT_MAX - MADT_SIZE(0)) / 8)

/* Where each table is, from GUEST_ACPI. */
#define AT_RSDP			0x000
#define AT_XSDT			0x100
#define AT_FACS			0x200		/* 64-byte aligned */
#define AT_FADT			0x400
#define AT_SPCR			0x600
#define AT_MCFG			0x700
#define AT_MADT			0x800
#define AT_DSDT			(AT_MADT + MADT_MAX)
#define DSDT_MAX		0x2000
#define AT_END			(AT_DSDT + DSDT_MAX)

#define HEADER_SIZE		36
#define SPCR_SIZE		80
#define MCFG_SIZE		60

static_assert(GUEST_ACPI + AT_END <= GUEST_GENERATION, "the tables end below it");
static_assert(PCI_ECAM_BASE == GUEST_ECAM && PCI_ECAM_SIZE == GUEST_ECAM_SIZE,
	      "the memory map reserves ECAM");

static void put16(__u8 *p, __u16 v)
{
	memcpy(p, &v, sizeof(v));
}

static void put32(__u8 *p, __u32 v)
{
	memcpy(p, &v, sizeof(v));
}

static void put64(__u8 *p, __u64 v)
{
	memcpy(p, &v, sizeof(v));
}

/* The tables' texts have fixed places and no final NUL. */
static void put_text(__u8 *p, const char *text)
{
	while (*text)
		*p++ = *text++;
}

static __u8 checksum(const __u8 *p, size_t len)
{
	__u8 sum = 0;

	while (len--)
		sum += *p++;
	return -sum;
}

/* The 36-byte header that every system description table has; the body must be complete. */
static void finish_table(__u8 *t, const char *signature, __u8 revision, __u32 len)
{
	put_text(t, signature);
	put32(t + 4, len);
	t[8] = revision;
	t[9] = 0;
	put_text(t + 10, "MINIKV");
	put_text(t + 16, "MINIKVM ");
	put32(t + 24, 1);
	put_text(t + 28, "MKVM");
	put32(t + 32, 1);
	t[9] = checksum(t, len);
}

/* Generic Address Structure of an I/O port. */
static void put_port(__u8 *p, __u16 port, __u8 bits)
{
	p[0] = 1;		/* system I/O space */
	p[1] = bits;
	p[2] = 0;
	p[3] = bits / 8;	/* access size: 1 byte, 2 word */
	put64(p + 4, port);
}

static void build_fadt(__u8 *t)
{
	put32(t + 36, GUEST_ACPI + AT_FACS);
	put32(t + 40, GUEST_ACPI + AT_DSDT);
	put16(t + 46, ACPI_SCI_IRQ);
	/* No SMI command port: the machine is always in ACPI mode. */
	put32(t + 56, ACPI_PM1_STATUS);
	put32(t + 64, ACPI_PM1_CONTROL);
	put32(t + 80, ACPI_GPE_STATUS);
	t[88] = 4;		/* PM1_EVT_LEN */
	t[89] = 2;		/* PM1_CNT_LEN */
	t[92] = 2;		/* GPE0_BLK_LEN: status and enable of 8 events */
	put16(t + 96, 0x0fff);	/* P_LVL2_LAT: no C2 */
	put16(t + 98, 0x0fff);	/* P_LVL3_LAT: no C3 */
	t[108] = 0x32;		/* century byte in the CMOS */
	/* IAPC_BOOT_ARCH: legacy devices (the UART) yes; VGA no; bit 1, keyboard controller, no */
	put16(t + 109, 1 << 0 | 1 << 2);
	/* WBINVD works; C1; sleep button absent; RTC alarm not in PM1; reset register */
	put32(t + 112, 1 << 0 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 10);
	put_port(t + 116, ACPI_RESET_PORT, 8);
	t[128] = ACPI_RESET_VALUE;
	put64(t + 140, GUEST_ACPI + AT_DSDT);
	put_port(t + 148, ACPI_PM1_STATUS, 32);
	put_port(t + 172, ACPI_PM1_CONTROL, 16);
	put_port(t + 220, ACPI_GPE_STATUS, 16);
	t[223] = 1;		/* byte by byte */
	finish_table(t, "FACP", 6, 276);
}

static void build_madt(__u8 *t, unsigned int cpus)
{
	__u8 *p = t + 44;
	unsigned int i;

	put32(t + 36, LOCAL_APIC_BASE);
	put32(t + 40, 1);	/* PCAT_COMPAT: there are two 8259 as well */
	for (i = 0; i < cpus; i++) {
		p[0] = 0;	/* processor local APIC */
		p[1] = 8;
		p[2] = i;
		p[3] = i;
		put32(p + 4, 1);
		p += 8;
	}
	p[0] = 1;		/* I/O APIC, first GSI 0 */
	p[1] = 12;
	p[2] = cpus;		/* its ID, none of the processors' */
	put32(p + 4, IO_APIC_BASE);
	p += 12;
	p[0] = 2;		/* interrupt source override: the SCI is level-triggered */
	p[1] = 10;
	p[3] = ACPI_SCI_IRQ;
	put32(p + 4, ACPI_SCI_IRQ);
	put16(p + 8, 1 << 0 | 3 << 2);	/* active high, level */
	p += 10;
	p[0] = 4;		/* NMI on LINT1 of every processor */
	p[1] = 6;
	p[2] = 0xff;
	p[5] = 1;
	p += 6;
	finish_table(t, "APIC", 5, p - t);
}

static void build_spcr(__u8 *t)
{
	t[36] = 0;		/* a 16550 */
	put_port(t + 40, UART_COM1_BASE, 8);
	t[52] = 1 << 0 | 1 << 1;	/* interrupts by the 8259s and by the I/O APIC */
	t[53] = UART_COM1_IRQ;
	put32(t + 54, UART_COM1_IRQ);
	t[58] = 7;		/* 115200 baud */
	t[60] = 1;		/* one stop bit */
	t[62] = 3;		/* ANSI terminal */
	put32(t + 64, 0xffffffff);	/* no PCI device */
	finish_table(t, "SPCR", 2, SPCR_SIZE);
}

static void build_mcfg(__u8 *t)
{
	put64(t + 44, PCI_ECAM_BASE);	/* segment group 0, buses 0 to 0 */
	finish_table(t, "MCFG", 1, MCFG_SIZE);
}

/* Return: whether it fits. */
static bool build_dsdt(__u8 *t, const struct pci_root *pci, bool steered)
{
	struct aml a = { .at = t + HEADER_SIZE, .room = DSDT_MAX - HEADER_SIZE };

	dsdt_build(&a, pci, steered);
	finish_table(t, "DSDT", 2, HEADER_SIZE + a.len);
	return !a.full;
}

/**
 * acpi_build() - write RSDP, XSDT, FADT, FACS, DSDT, MADT, SPCR and MCFG into guest memory
 * @ram: the guest's memory; needs the area at GUEST_ACPI
 * @cpus: processors, numbered from 0 like their local APICs
 * @pci: the PCI root, if operating systems are to look for devices there; or NULL
 * @steered: the guest has a control socket: @pci's slots are for hot plug, too, and there are the
 *	devices by which it tells a panic, and is told that it is a clone
 *
 * Return: guest-physical address of the RSDP, or 0 where there is no memory for the tables.
 */
__u64 acpi_build(const struct guest_ram *ram, unsigned int cpus, const struct pci_root *pci,
		 bool steered)
{
	__u8 *base = guest_ram_at(ram, GUEST_ACPI, AT_END);
	__u32 tables[] = { AT_FADT, AT_MADT, AT_SPCR, AT_MCFG };
	size_t i, count = pci ? ARRAY_SIZE(tables) : ARRAY_SIZE(tables) - 1;
	__u8 *rsdp, *xsdt;

	if (!base || cpus > CPUS_MAX)
		return 0;
	memset(base, 0, AT_END);

	put_text(base + AT_FACS, "FACS");
	put32(base + AT_FACS + 4, 64);
	base[AT_FACS + 32] = 2;

	if (!build_dsdt(base + AT_DSDT, pci, steered))
		return 0;
	build_fadt(base + AT_FADT);
	build_madt(base + AT_MADT, cpus);
	build_spcr(base + AT_SPCR);
	if (pci)
		build_mcfg(base + AT_MCFG);

	xsdt = base + AT_XSDT;
	for (i = 0; i < count; i++)
		put64(xsdt + HEADER_SIZE + 8 * i, GUEST_ACPI + tables[i]);
	finish_table(xsdt, "XSDT", 1, HEADER_SIZE + 8 * count);

	rsdp = base + AT_RSDP;
	put_text(rsdp, "RSD PTR ");
	put_text(rsdp + 9, "MINIKV");
	rsdp[15] = 2;
	put32(rsdp + 20, 36);
	put64(rsdp + 24, GUEST_ACPI + AT_XSDT);
	rsdp[8] = checksum(rsdp, 20);
	rsdp[32] = checksum(rsdp, 36);
	return GUEST_ACPI + AT_RSDP;
}
