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

/* KVM_X86_SET_MSR_FILTER: 0, -EINVAL, -EFAULT, -ENOMEM. No lock held. */
long msr_filter_set_ioctl(struct mkvm_vm *vm, void __user *user);
void msr_filter_destroy(struct mkvm_vm *vm);
/* KVM_CAP_X86_USER_SPACE_MSR: 0 or -EINVAL. */
int msr_exits_enable(struct mkvm_vm *vm, u64 reasons);

/* May the guest access @msr as @access (KVM_MSR_FILTER_READ or _WRITE) says? Any context. */
bool msr_filter_allows(struct mkvm_vm *vm, u32 msr, u32 access);

/*
 * RDMSR and WRMSR of the guest: 1 = go on, 0 = KVM_EXIT_X86_RDMSR or _WRMSR, < 0 = errno.
 * vCPU loaded, process context, vm->srcu held. RIP moves behind the
 * instruction, if need be in the next KVM_RUN.
 */
int msr_emulate_read(struct mkvm_vcpu *vcpu);
int msr_emulate_write(struct mkvm_vcpu *vcpu);

#endif
