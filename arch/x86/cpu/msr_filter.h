/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSR accesses that userspace filters or answers: KVM_X86_SET_MSR_FILTER,
 * KVM_CAP_X86_USER_SPACE_MSR. See msr_filter.c.
 */
#ifndef MINIKVM_ARCH_X86_MSR_FILTER_H
#define MINIKVM_ARCH_X86_MSR_FILTER_H

#include "virt/vcpu.h"

/* What KVM_CAP_X86_USER_SPACE_MSR takes. */
#define MSR_EXIT_REASONS \
	(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER)

long msr_filter_set_ioctl(struct mkvm_vm *vm, void __user *user);
void msr_filter_destroy(struct mkvm_vm *vm);
int msr_exits_enable(struct mkvm_vm *vm, u64 reasons);
bool msr_filter_allows(struct mkvm_vm *vm, u32 msr, u32 access);
int msr_emulate_read(struct mkvm_vcpu *vcpu);
int msr_emulate_write(struct mkvm_vcpu *vcpu);

#endif
