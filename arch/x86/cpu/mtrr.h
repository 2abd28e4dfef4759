/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory type range registers and the PAT. See mtrr.c.
 */
#ifndef MINIKVM_ARCH_X86_MTRR_H
#define MINIKVM_ARCH_X86_MTRR_H

#include <linux/bits.h>
#include <linux/types.h>

struct mkvm_vcpu;

#define MTRR_VARIABLE	8
#define MTRR_CAP	(MTRR_VARIABLE | BIT(8) | BIT(10))	/* fixed, write combining */
#define MTRR_VAR_FIRST	0x200u
#define MTRR_VAR_LAST	(MTRR_VAR_FIRST + 2 * MTRR_VARIABLE - 1)

int mtrr_write_variable(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int mtrr_write_fixed(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int mtrr_write_default(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int mtrr_write_pat(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);

#endif
