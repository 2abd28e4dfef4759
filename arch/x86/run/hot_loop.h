/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hot loop: enter the guest, look at why it came back, enter again.
 */
#ifndef MINIKVM_ARCH_X86_HOT_LOOP_H
#define MINIKVM_ARCH_X86_HOT_LOOP_H

#include <linux/entry-kvm.h>

#include "virt/vcpu.h"

/* Requests that the loop serves itself, with interrupts off. */
#define HOT_LOOP_REQUESTS	(BIT(MKVM_REQ_EVENT) | BIT(MKVM_REQ_LAPIC_TIMER))

/*
 * Is there something that must be served in process context before the guest is entered: a request,
 * a kick, a vCPU that halts, work of the thread's? Interrupts are off and vcpu->mode was set to
 * MKVM_IN_GUEST: what comes later sends an IPI, which ends the entry at once.
 */
static __always_inline bool hot_loop_must_end(struct mkvm_vcpu *vcpu)
{
	return unlikely(READ_ONCE(vcpu->requests) & ~HOT_LOOP_REQUESTS) ||
	       READ_ONCE(vcpu->mode) != MKVM_IN_GUEST ||
	       vcpu->arch.mp_state != KVM_MP_STATE_RUNNABLE ||
	       xfer_to_guest_mode_work_pending();
}

int hot_loop_run(struct mkvm_vcpu *vcpu);
void hot_loop_take_host_interrupt(struct mkvm_vcpu *vcpu);

#endif
