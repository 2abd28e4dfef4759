/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address translations level by level, for people.
 */
#ifndef MINIKVM_TOOL_WALK_H
#define MINIKVM_TOOL_WALK_H

#include <stdbool.h>
#include <stdio.h>

#include "terminal/sentence.h"

/**
 * struct walk_registers - what decides how a guest translates addresses
 * @cr0: CR0
 * @cr3: CR3
 * @cr4: CR4
 * @efer: IA32_EFER
 * @pdpte: the PDPTEs of PAE paging
 */
struct walk_registers {
	unsigned long long cr0, cr3, cr4, efer, pdpte[4];
};

/**
 * struct walk_memory - the guest's memory
 * @read: copies @size bytes at guest-physical @gpa; false: there is no memory
 * @arg: its own
 */
struct walk_memory {
	bool (*read)(void *arg, unsigned long long gpa, void *to, size_t size);
	void *arg;
};

int walk_print(const struct walk_registers *regs, const struct walk_memory *memory,
	       unsigned long long linear, unsigned int physical_bits, FILE *to,
	       unsigned long long *gpa);
int ept_print(FILE *from, FILE *to, struct sentence *why);

#endif
