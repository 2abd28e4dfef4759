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

void bios_data_build(const struct guest_ram *ram, __u64 rsdp);
void bios_vectors_build(const struct guest_ram *ram);

#endif
