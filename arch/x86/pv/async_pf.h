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

/* 0 or -ENOMEM. */
int async_pf_module_init(void);
/* No VM exists any more. Waits for those who are just waking up. */
void async_pf_module_exit(void);

void async_pf_vcpu_init(struct mkvm_vcpu *vcpu);
/* RESET, INIT, the end of the vCPU, and a guest that switches it off: nobody is told any more. */
void async_pf_forget(struct mkvm_vcpu *vcpu);

/**
 * async_pf_write_enable() - WRMSR of MSR_KVM_ASYNC_PF_EN
 * @vcpu: the vCPU
 * @data: guest-physical address of its structure, aligned to 64 bytes, and KVM_ASYNC_PF_* bits
 *
 * The guest's first token tells whoever waits there to look again: after a migration nobody else
 * will tell him.
 *
 * Return: 0, or 1 for #GP.
 */
int async_pf_write_enable(struct mkvm_vcpu *vcpu, u64 data);

/* WRMSR of MSR_KVM_ASYNC_PF_INT, the vector of "page ready": 0, or 1 for #GP. */
int async_pf_write_vector(struct mkvm_vcpu *vcpu, u64 data);

/* WRMSR of MSR_KVM_ASYNC_PF_ACK: the guest has taken a token and can take the next. */
void async_pf_ack(struct mkvm_vcpu *vcpu, u64 data);

/**
 * async_pf_allowed() - may the guest be told of a page that is not there?
 * @vcpu: loaded vCPU, after an exit
 * @gfn: the page's frame
 *
 * Return: true if it wants to hear of them, an exception would reach it now, and it does not wait
 * for this page already.
 */
bool async_pf_allowed(struct mkvm_vcpu *vcpu, gfn_t gfn);

/**
 * async_pf_start() - have a page read in, and tell the guest
 * @vcpu: loaded vCPU, for which async_pf_allowed() was true; vm->srcu read-held, may sleep
 * @gfn: the page's frame
 * @hva: its address in the owner
 * @write: the guest wants to write to it
 *
 * Return: true when a "page not present" was queued; false when the caller must wait himself.
 */
bool async_pf_start(struct mkvm_vcpu *vcpu, gfn_t gfn, unsigned long hva, bool write);

/* MKVM_REQ_ASYNC_PF: tell of a page that has come, if the guest can hear it. vm->srcu read-held. */
void async_pf_tell_ready(struct mkvm_vcpu *vcpu);

#endif
