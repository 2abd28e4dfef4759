/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Low memory as a PC's firmware leaves it: the BIOS data area at 0x400, the extended one that it
 * points to, and interrupt vectors. Kernels use them without asking where they came from. There
 * is no BIOS behind the vectors: its services answer that they are not supported.
 */
#ifndef MINIKVM_TOOL_BIOS_DATA_H
#define MINIKVM_TOOL_BIOS_DATA_H

#include "boot/guest_ram.h"

#define BDA_SERIAL_PORTS	0x400	/* four words */
#define BDA_EBDA_SEGMENT	0x40e
#define BDA_EQUIPMENT		0x410
#define BDA_BASE_MEMORY		0x413	/* KiB */

/**
 * bios_data_build() - fill the BIOS data area and the extended BIOS data area
 * @ram: the guest's memory; an image that is loaded later may overwrite what is below GUEST_EBDA
 * @rsdp: guest-physical address of the ACPI RSDP, or 0 where there is none
 */
void bios_data_build(const struct guest_ram *ram, __u64 rsdp);

/**
 * bios_vectors_build() - point the 256 real-mode interrupt vectors to code that returns
 * @ram: the guest's memory
 *
 * A kernel that goes back to real mode to ask for memory map, disks and video mode (Xen) takes no
 * for an answer, but not a jump to 0:0. INT 11h and 12h answer; the other services of a BIOS set
 * CF and AH = 86h; interrupts and exceptions return.
 */
void bios_vectors_build(const struct guest_ram *ram);

#endif
