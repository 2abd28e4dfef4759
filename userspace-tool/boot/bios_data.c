// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BIOS data area: see bios_data.h. Its layout is IBM's (PC/AT Technical Reference, "ROM Data
 * Area"); the base memory size and the EBDA's segment say the same as the E820 map. The copy of
 * the RSDP in the EBDA is the first place that ACPI names ("Finding the RSDP on IA-PC Systems").
 *
 * Relies on the layout of guest_ram.h. Pure: linked into the unit tests too.
 */
#include <assert.h>
#include <string.h>

#include "boot/bios_data.h"
#include "devices/uart.h"

#define EQUIPMENT_FPU		0x0002
#define EQUIPMENT_ONE_SERIAL	0x0200	/* bits 11:9 count the serial ports */

#define BDA_KEYBOARD_HEAD	0x41a	/* the keyboard buffer, offsets from 0x400: */
#define BDA_KEYBOARD_TAIL	0x41c
#define BDA_KEYBOARD_START	0x480
#define BDA_KEYBOARD_END	0x482
#define KEYBOARD_START		0x1e
#define KEYBOARD_END		0x3e

#define EBDA_SIZE		(GUEST_VIDEO_HOLE - GUEST_EBDA)
#define EBDA_RSDP		0x10	/* on a 16-byte boundary of the EBDA's first KiB */
#define RSDP_SIZE		36

/* Real-mode code, segment 0xf000; the IRET is where IBM had its own. */
#define CODE_SEGMENT		0xf000
#define CODE_IRET		0xff53
#define CODE_NO_SERVICE		0xff54
#define CODE_EQUIPMENT		0xff60
#define CODE_BASE_MEMORY	0xff64

#define INT_FIRST_SERVICE	0x10
#define INT_EQUIPMENT		0x11
#define INT_BASE_MEMORY		0x12
#define INT_LAST_SERVICE	0x1a

#define EQUIPMENT		(EQUIPMENT_FPU | EQUIPMENT_ONE_SERIAL)

static const __u8 code_iret[] = { 0xcf };
static const __u8 code_no_service[] = {
	0x55,				/* push %bp */
	0x89, 0xe5,			/* mov %sp, %bp */
	0x80, 0x4e, 0x06, 0x41,		/* orb $0x41, 6(%bp): CF, and ZF for "no key" */
	0x5d,				/* pop %bp */
	0xb4, 0x86,			/* mov $0x86, %ah: not supported */
	0xcf,				/* iret */
};

static const __u8 code_equipment[] = { 0xb8, EQUIPMENT & 0xff, EQUIPMENT >> 8, 0xcf };
static const __u8 code_base_memory[] = {
	0xb8, GUEST_EBDA / KIB & 0xff, GUEST_EBDA / KIB >> 8, 0xcf,
};

static_assert(CODE_NO_SERVICE + sizeof(code_no_service) <= CODE_EQUIPMENT, "they do not overlap");
static_assert(GUEST_EBDA % KIB == 0 && EBDA_SIZE / KIB >= 1, "the EBDA's size is told in KiB");

static void put16(const struct guest_ram *ram, __u64 gpa, __u16 value)
{
	memcpy(guest_ram_at(ram, gpa, sizeof(value)), &value, sizeof(value));
}

/**
 * bios_data_build() - fill the BIOS data area and the extended BIOS data area
 * @ram: the guest's memory; an image that is loaded later may overwrite what is below GUEST_EBDA
 * @rsdp: guest-physical address of the ACPI RSDP, or 0 where there is none
 */
void bios_data_build(const struct guest_ram *ram, __u64 rsdp)
{
	__u8 *ebda = guest_ram_at(ram, GUEST_EBDA, EBDA_SIZE);

	if (!ebda)
		return;
	put16(ram, BDA_SERIAL_PORTS, UART_COM1_BASE);
	put16(ram, BDA_EBDA_SEGMENT, GUEST_EBDA / 16);
	put16(ram, BDA_EQUIPMENT, EQUIPMENT);
	put16(ram, BDA_BASE_MEMORY, GUEST_EBDA / KIB);
	put16(ram, BDA_KEYBOARD_HEAD, KEYBOARD_START);
	put16(ram, BDA_KEYBOARD_TAIL, KEYBOARD_START);
	put16(ram, BDA_KEYBOARD_START, KEYBOARD_START);
	put16(ram, BDA_KEYBOARD_END, KEYBOARD_END);

	ebda[0] = EBDA_SIZE / KIB;
	if (rsdp)
		memcpy(ebda + EBDA_RSDP, guest_ram_at(ram, rsdp, RSDP_SIZE), RSDP_SIZE);
}

static void put_code(const struct guest_ram *ram, __u16 offset, const __u8 *code, size_t len)
{
	memcpy(guest_ram_at(ram, CODE_SEGMENT * 16 + offset, len), code, len);
}

static __u16 handler(unsigned int vector)
{
	switch (vector) {
	case INT_EQUIPMENT:
		return CODE_EQUIPMENT;
	case INT_BASE_MEMORY:
		return CODE_BASE_MEMORY;
	default:
		return vector >= INT_FIRST_SERVICE && vector <= INT_LAST_SERVICE ?
		       CODE_NO_SERVICE : CODE_IRET;
	}
}

/**
 * bios_vectors_build() - point the 256 real-mode interrupt vectors to code that returns
 * @ram: the guest's memory
 *
 * A kernel that goes back to real mode to ask for memory map, disks and video mode (Xen) accepts a
 * refusal, but would crash at 0:0. INT 11h and 12h answer; the other services of a BIOS set
 * CF and AH = 86h; interrupts and exceptions return.
 */
void bios_vectors_build(const struct guest_ram *ram)
{
	unsigned int vector;

	if (ram->low_size < GUEST_HIGH_MEMORY)
		return;
	put_code(ram, CODE_IRET, code_iret, sizeof(code_iret));
	put_code(ram, CODE_NO_SERVICE, code_no_service, sizeof(code_no_service));
	put_code(ram, CODE_EQUIPMENT, code_equipment, sizeof(code_equipment));
	put_code(ram, CODE_BASE_MEMORY, code_base_memory, sizeof(code_base_memory));
	for (vector = 0; vector < 256; vector++) {
		put16(ram, vector * 4, handler(vector));
		put16(ram, vector * 4 + 2, CODE_SEGMENT);
	}
}
