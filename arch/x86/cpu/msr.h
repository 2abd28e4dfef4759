/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model-specific registers: RDMSR and WRMSR by the table (msr_table.c). See msr.c.
 *
 * Guests come through exits, userspace through KVM_GET_MSRS and KVM_SET_MSRS, which may do what a
 * guest may not.
 */
#ifndef MINIKVM_ARCH_X86_MSR_H
#define MINIKVM_ARCH_X86_MSR_H

#include <linux/types.h>

struct mkvm_vcpu;

/* Results besides 0, 1 = #GP, and < 0 = errno for KVM_RUN. */
#define MSR_UNKNOWN	2	/* #GP: there is no such register */
#define MSR_SLOW	3	/* msr_fast.h only: msr_get() or msr_set() must be asked */

int msr_get(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int msr_set(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
u64 *msr_field(struct mkvm_vcpu *vcpu, u32 msr);

void msr_module_init(void);
void msr_vcpu_reset(struct mkvm_vcpu *vcpu, bool init_event);

#endif
