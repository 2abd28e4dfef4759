/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's physical memory as the tool sees it, and the map of it that guests are given.
 *
 * A PC's layout: RAM from 0 up to at most 3 GiB, a hole for devices below 4 GiB, the rest of
 * the RAM above. Pure: the same code serves the running machine and the unit tests.
 * The low megabyte is shared between the guest's image and what the tool hands over:
 *
 *	0x00000 - 0x004ff  interrupt vectors and BIOS data area, which the image may cover
 *	0x00500 - 0x8ffff  free for the guest's image; the first stack ends at 0x90000
 *	0x90000 - 0x9efff  descriptor table, boot parameters, page tables, command line
 *	0x9fc00 - 0x9ffff  the extended BIOS data area, with a copy of the RSDP
 *	0xe0000 - 0xfffff  ACPI tables, RSDP first; the code behind the vectors
 */
#ifndef MINIKVM_TOOL_GUEST_RAM_H
#define MINIKVM_TOOL_GUEST_RAM_H

#include <linux/types.h>
#include <stddef.h>

#include "compiler.h"

#define GUEST_LOW_RAM_MAX	(3 * GIB)
#define GUEST_HIGH_RAM_BASE	(4 * GIB)

#define GUEST_STACK_TOP		0x90000
#define GUEST_BOOT_AREA		0x90000
#define GUEST_GDT		0x90000
#define GUEST_BOOT_PARAMS	0x91000
#define GUEST_START_INFO	0x92000
#define GUEST_PAGE_TABLES	0x93000		/* PML4, PDPT and four page directories */
#define GUEST_CMDLINE		0x99000
#define GUEST_CMDLINE_MAX	0x6000		/* bytes, with the final NUL */
#define GUEST_EBDA		0x9fc00
#define GUEST_VIDEO_HOLE	0xa0000
#define GUEST_ACPI		0xe0000
#define GUEST_GENERATION	0xe8000		/* 16 bytes: the VM generation ID */
#define GUEST_HIGH_MEMORY	0x100000

/* PCI configuration space, of one bus (devices/pci.h); operating systems want it reserved. */
#define GUEST_ECAM		0xfe000000
#define GUEST_ECAM_SIZE		0x100000

/* Three pages for the TSS that real mode needs without unrestricted guest, one page table. */
#define GUEST_IDENTITY_MAP	0xfffbc000
#define GUEST_TSS		0xfffbd000

/**
 * struct guest_stretch - memory of a guest whose layout is another's (vhost_user/backend.c)
 * @gpa: guest-physical address
 * @size: bytes
 * @at: where it is in this process
 */
struct guest_stretch {
	__u64 gpa, size;
	__u8 *at;
};

/**
 * struct guest_ram - where the guest's RAM is in this process
 * @low: guest-physical 0 upwards
 * @low_size: bytes there, a multiple of 4 KiB, at most GUEST_LOW_RAM_MAX
 * @high: guest-physical 4 GiB upwards, or NULL
 * @high_size: bytes there
 * @other: memory elsewhere, or NULL
 * @others: how many stretches of it
 */
struct guest_ram {
	__u8 *low;
	__u64 low_size;
	__u8 *high;
	__u64 high_size;
	const struct guest_stretch *other;
	unsigned int others;
};

#define E820_RAM	1
#define E820_RESERVED	2
#define E820_MAX	8

struct e820_range {
	__u64 start;
	__u64 size;
	__u32 type;
};

struct e820_map {
	struct e820_range range[E820_MAX];
	unsigned int count;
};

void *guest_ram_at(const struct guest_ram *ram, __u64 gpa, __u64 len);
void e820_build(const struct guest_ram *ram, struct e820_map *map);

#endif
