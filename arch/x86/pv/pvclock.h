/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvmclock: a clock that the guest reads from memory and its TSC.
 *
 * KVM's ABI: MSR_KVM_WALL_CLOCK(_NEW), MSR_KVM_SYSTEM_TIME(_NEW), KVM_GET_CLOCK, KVM_SET_CLOCK,
 * KVM_KVMCLOCK_CTRL. Relies on tsc.h for the guest's TSC.
 */
#ifndef MINIKVM_ARCH_X86_PVCLOCK_H
#define MINIKVM_ARCH_X86_PVCLOCK_H

#include "virt/vcpu.h"

void pvclock_vm_init(struct mkvm_vm *vm);
void pvclock_write_system_time(struct mkvm_vcpu *vcpu, u64 data);
void pvclock_write_wall_clock(struct mkvm_vcpu *vcpu, u64 data);
void pvclock_update(struct mkvm_vcpu *vcpu);

/* The clock's ticks changed for a vCPU: its TSC was moved, or the host's jumped. Any context. */
static inline void pvclock_tsc_changed(struct mkvm_vcpu *vcpu)
{
	if (vcpu->arch.system_time_msr)
		mkvm_make_request(MKVM_REQ_CLOCK_UPDATE, vcpu);
}

int pvclock_guest_stopped(struct mkvm_vcpu *vcpu);
void pvclock_get_clock(struct mkvm_vm *vm, struct kvm_clock_data *data);
int pvclock_set_clock(struct mkvm_vm *vm, const struct kvm_clock_data *data);
int pvclock_flags(void);

#endif
