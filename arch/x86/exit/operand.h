/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory operand of an instruction that exited.
 */
#ifndef MINIKVM_ARCH_X86_EXIT_OPERAND_H
#define MINIKVM_ARCH_X86_EXIT_OPERAND_H

#include "virt/vcpu.h"

/* SDM, "VM-Exit Instruction-Information Field": what all its formats have in common. */
#define INFO_ADDRESS_SIZE(i)	(((i) >> 7) & 7)	/* 0: 16 bits, 1: 32 bits, 2: 64 bits */
#define INFO_SEGMENT(i)		(((i) >> 15) & 7)

int operand_linear(struct mkvm_vcpu *vcpu, u32 info, bool write, unsigned int len, u64 *linear);

#endif
