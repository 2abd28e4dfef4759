// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI tables: chapter "ACPI Software Programming Model" of the ACPI specification 6.x. They have
 * what an operating system needs to find the interrupt controllers (MADT) and the power switch
 * (FADT with PM1 registers and reset register, DSDT with \_S5 and, for an assigned device, the PCI
 * host bridge). There is no PM timer, because its reads would be the most frequent exits to this
 * process; the guest has TSC, PIT and local APIC timer.
 *
 * Pure: guest memory in, tables out. Tables are byte buffers with the offsets of the
 * specification, since half of their fields are not naturally aligned.
 */
#include <assert.h>
#include <string.h>

#include "boot/acpi.h"

#define MADT_SIZE(cpus)		(44 + 8 * (cpus) + 12 + 10 + 6)
#define MADT_MAX		0x800
#define CPUS_MAX		((MADT_MAX - MADT_SIZE(0)) / 8)

/* Where each table is, from GUEST_ACPI. */
#define AT_RSDP			0x000
#define AT_XSDT			0x100
#define AT_FACS			0x200		/* 64-byte aligned */
#define AT_FADT			0x400
#define AT_DSDT			0x600
#define AT_MADT			0x800
#define AT_END			(AT_MADT + MADT_MAX)

/* DefinitionBlock { Name (\_S5, Package () { 0, 0, 0, 0 }) } */
static const __u8 dsdt_code[] = {
	0x08, '_', 'S', '5', '_',	/* NameOp */
	0x12, 0x06, 0x04,		/* PackageOp, length, elements */
	0x00, 0x00, 0x00, 0x00,		/* ZeroOp: sleep type for PM1a, PM1b, reserved */
};

/*
 * Scope (\_SB) { Device (PCI0) { ... } }: the PCI host bridge, for a machine with a PCI device. Its
 * windows are all memory between the largest RAM and the I/O APIC, and the ports from 0x1000 on;
 * all pins of device 1 are ACPI_PCI_GSI.
 */
static const __u8 pci_code[] = {
	0x10, 0x40, 0x0a, '_', 'S', 'B', '_',			/* ScopeOp */
	0x5b, 0x82, 0x48, 0x09, 'P', 'C', 'I', '0',		/* DeviceOp */
	0x08, '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x0a, 0x03,	/* EisaId ("PNP0A03") */
	0x08, '_', 'C', 'R', 'S', 0x11, 0x48, 0x04, 0x0a, 0x44,	/* a buffer of 0x44 bytes: */
	0x88, 0x0d, 0x00, 0x02, 0x0c, 0x00,			/* bus numbers: */
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,	/* 0 to 0 */
	0x47, 0x01, 0xf8, 0x0c, 0xf8, 0x0c, 0x01, 0x08,		/* its own ports: 0xcf8, 8 */
	0x88, 0x0d, 0x00, 0x01, 0x0c, 0x03,			/* ports: */
	0x00, 0x00, 0x00, 0x10, 0xff, 0xff, 0x00, 0x00, 0x00, 0xf0,	/* 0x1000 to 0xffff */
	0x87, 0x17, 0x00, 0x00, 0x0c, 0x01,			/* memory: */
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc0,		/* from 0xc0000000 */
	0xff, 0xff, 0xbf, 0xfe, 0x00, 0x00, 0x00, 0x00,		/* to 0xfebfffff */
	0x00, 0x00, 0xc0, 0x3e,					/* its length */
	0x79, 0x00,						/* the end of the resources */
	0x08, '_', 'P', 'R', 'T', 0x12, 0x34, 0x04,		/* a package of four: */
	0x12, 0x0b, 0x04, 0x0c, 0xff, 0xff, 0x01, 0x00, 0x00, 0x00, 0x0a, ACPI_PCI_GSI,
	0x12, 0x0b, 0x04, 0x0c, 0xff, 0xff, 0x01, 0x00, 0x01, 0x00, 0x0a, ACPI_PCI_GSI,
	0x12, 0x0c, 0x04, 0x0c, 0xff, 0xff, 0x01, 0x00, 0x0a, 0x02, 0x00, 0x0a, ACPI_PCI_GSI,
	0x12, 0x0c, 0x04, 0x0c, 0xff, 0xff, 0x01, 0x00, 0x0a, 0x03, 0x00, 0x0a, ACPI_PCI_GSI,
};

static_assert(ACPI_S5_SLEEP_TYPE == 0, "dsdt_code spells the sleep type out");
static_assert(36 + sizeof(dsdt_code) + sizeof(pci_code) <= AT_MADT - AT_DSDT, "the DSDT fits");

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
	t[88] = 4;		/* PM1_EVT_LEN */
	t[89] = 2;		/* PM1_CNT_LEN */
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

static void build_dsdt(__u8 *t, bool pci)
{
	size_t size = 36 + sizeof(dsdt_code);

	memcpy(t + 36, dsdt_code, sizeof(dsdt_code));
	if (pci) {
		memcpy(t + size, pci_code, sizeof(pci_code));
		size += sizeof(pci_code);
	}
	finish_table(t, "DSDT", 2, size);
}

/**
 * acpi_build() - write RSDP, XSDT, FADT, FACS, DSDT and MADT into guest memory
 * @ram: the guest's memory; needs the area at GUEST_ACPI
 * @cpus: processors, numbered from 0 like their local APICs
 * @pci: with the PCI host bridge, which an operating system that believes in ACPI else ignores
 *
 * Return: guest-physical address of the RSDP, or 0 where there is no memory for the tables.
 */
__u64 acpi_build(const struct guest_ram *ram, unsigned int cpus, bool pci)
{
	__u8 *base = guest_ram_at(ram, GUEST_ACPI, AT_END);
	__u8 *rsdp, *xsdt;

	if (!base || cpus > CPUS_MAX)
		return 0;
	memset(base, 0, AT_END);

	put_text(base + AT_FACS, "FACS");
	put32(base + AT_FACS + 4, 64);
	base[AT_FACS + 32] = 2;

	build_dsdt(base + AT_DSDT, pci);
	build_fadt(base + AT_FADT);
	build_madt(base + AT_MADT, cpus);

	xsdt = base + AT_XSDT;
	put64(xsdt + 36, GUEST_ACPI + AT_FADT);
	put64(xsdt + 44, GUEST_ACPI + AT_MADT);
	finish_table(xsdt, "XSDT", 1, 52);

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
