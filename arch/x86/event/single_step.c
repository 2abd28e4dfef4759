// SPDX-License-Identifier: GPL-2.0-only
/*
 * The single-step exception behind an instruction that the module executed for the guest.
 *
 * SDM, "Single-Step Exception Condition", "Guest Non-Register State": the field "pending debug
 * exceptions". The next VM entry delivers what is pending there, and #DB always exits, so that
 * exit/exit_exception.c decides whose step it is: the guest's or a debugger's.
 */
#include <linux/kvm.h>
#include <linux/sched.h>
#include <asm/debugreg.h>

#include "arch/x86/event/inject.h"
#include "arch/x86/event/interruptibility.h"
#include "arch/x86/event/single_step.h"
#include "arch/x86/vmx/vmx_vcpu.h"

/**
 * single_step_pend() - RFLAGS.TF was set when an instruction that the module did ended
 *
 * Until the next entry only single_step_take() knows of the exception. The vCPU is loaded.
 */
void single_step_pend(void)
{
	vmcs_write64(GUEST_PENDING_DBG_EXCEPTIONS,
		     vmcs_read64(GUEST_PENDING_DBG_EXCEPTIONS) | DR_STEP);
}

/** single_step_drop() - a debugger wanted this step and does not want it any more */
void single_step_drop(void)
{
	vmcs_write64(GUEST_PENDING_DBG_EXCEPTIONS,
		     vmcs_read64(GUEST_PENDING_DBG_EXCEPTIONS) & ~(u64)DR_STEP);
}

/**
 * single_step_take() - no entry follows at once: a pending single step becomes a queued #DB
 * @vcpu: loaded vCPU
 *
 * Then KVM_GET_VCPU_EVENTS shows it, KVM_SET_REGS ends it, and a vCPU that halts wakes up. A step
 * stays where it is while a debugger steps, because the #DB belongs to the debugger, and behind STI
 * or MOV SS, where VM entry requires it to be pending.
 */
void single_step_take(struct mkvm_vcpu *vcpu)
{
	u64 pending;

	if ((vcpu->arch.guest_debug & KVM_GUESTDBG_SINGLESTEP) ||
	    vcpu->arch.exception.pending || vcpu->arch.exception.injected ||
	    event_get_shadow(vcpu))
		return;
	pending = vmcs_read64(GUEST_PENDING_DBG_EXCEPTIONS);
	if (!(pending & DR_STEP))
		return;
	vmcs_write64(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	inject_debug(vcpu, pending);
}
