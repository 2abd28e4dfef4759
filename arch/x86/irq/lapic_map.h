/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct lapic_map: which vCPU answers to which destination.
 *
 * SDM, "Determining IPI Destination". Part of struct mkvm_arch_vm, therefore a header of its
 * own. Written by lapic_map_update() in lapic_deliver.c, read without a lock.
 */
#ifndef MINIKVM_ARCH_X86_IRQ_LAPIC_MAP_H
#define MINIKVM_ARCH_X86_IRQ_LAPIC_MAP_H

#include <linux/types.h>

/* APIC IDs are below: MKVM_MAX_VCPU_ID. */
#define LAPIC_MAP_IDS		1024
/* More than one vCPU has this ID. */
#define LAPIC_MAP_SEVERAL	0xffff

/**
 * struct lapic_map - indices of vCPUs plus 1, 0 for no vCPU
 * @lock: bit 0: a writer is at work
 * @logical: enum lapic_logical_model: which of the tables answers logical destinations
 * @flat: by bit of the LDR
 * @cluster: by cluster and bit of the LDR
 * @phys: by APIC ID; a hint, what it says is checked and what it lacks is searched
 */
struct lapic_map {
	unsigned long lock;
	u8 logical;
	u16 flat[8];
	u16 cluster[16][4];
	u16 phys[LAPIC_MAP_IDS];
};

#endif
