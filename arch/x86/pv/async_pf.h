/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asynchronous page faults: a guest that does something else while the host reads a page in.
 *
 * KVM's ABI: MSR_KVM_ASYNC_PF_EN, MSR_KVM_ASYNC_PF_INT, MSR_KVM_ASYNC_PF_ACK and struct
 * kvm_vcpu_pv_apf_data. All but async_pf_module_*() is for the vCPU's thread, vcpu->mutex held.
 */
#ifndef MINIKVM_ARCH_X86_ASYNC_PF_H
#define MINIKVM_ARCH_X86_ASYNC_PF_H

#include "virt/vcpu.h"

int async_pf_module_init(void);
void async_pf_module_exit(void);
void async_pf_vcpu_init(struct mkvm_vcpu *vcpu);
void async_pf_forget(struct mkvm_vcpu *vcpu);
int async_pf_write_enable(struct mkvm_vcpu *vcpu, u64 data);
int async_pf_write_vector(struct mkvm_vcpu *vcpu, u64 data);
void async_pf_ack(struct mkvm_vcpu *vcpu, u64 data);
bool async_pf_allowed(struct mkvm_vcpu *vcpu, gfn_t gfn);
bool async_pf_start(struct mkvm_vcpu *vcpu, gfn_t gfn, unsigned long hva, bool write);
void async_pf_tell_ready(struct mkvm_vcpu *vcpu);

#endif
