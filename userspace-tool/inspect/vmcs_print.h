/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMCS for people.
 */
#ifndef MINIKVM_TOOL_VMCS_PRINT_H
#define MINIKVM_TOOL_VMCS_PRINT_H

#include <stdio.h>

#include "terminal/sentence.h"

/* Encodings of the fields that the tool looks into. */
enum {
	F_EVENT = 0x4016, F_EXIT_REASON = 0x4402, F_INSTRUCTION_ERROR = 0x4400,
	F_EXIT_EVENT = 0x4404, F_IDT_VECTORING = 0x4408,
	F_ES_AR = 0x4814, F_TR_AR = 0x4822, F_INTERRUPTIBILITY = 0x4824, F_ACTIVITY = 0x4826,
	F_GUEST_CR0 = 0x6800, F_GUEST_CR3 = 0x6802, F_GUEST_CR4 = 0x6804, F_RFLAGS = 0x6820,
	F_EFER = 0x2806, F_PDPTE0 = 0x280a, F_PDPTE1 = 0x280c, F_PDPTE2 = 0x280e,
	F_PDPTE3 = 0x2810, F_PENDING_DEBUG = 0x6822, F_HOST_CR0 = 0x6c00, F_HOST_CR4 = 0x6c04,
	F_HOST_EFER = 0x2c02, F_EPTP = 0x201a,
};

int vmcs_print(FILE *from, FILE *to, struct sentence *why);
void vmcs_decode(unsigned int field, unsigned long long value, char *text, size_t size);

#endif
