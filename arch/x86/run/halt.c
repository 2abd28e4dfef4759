// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU that halts: what ends it, and how its thread waits for that.
 *
 * SDM, "HLT - Halt", and the MP initialisation protocol for a vCPU that waits for INIT and SIPI.
 * Relies on virt/halt.c for how long the thread polls before it sleeps, and on virt/request.c,
 * which wakes it.
 */
#include <linux/ktime.h>
#include <linux/rcuwait.h>
#include <linux/sched/signal.h>

#include "arch/x86/event/deliver.h"
#include "arch/x86/event/interruptibility.h"
#include "arch/x86/event/mp_state.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/run/halt.h"
#include "arch/x86/vmx/vmx.h"
#include "trace/kvm_events.h"
#include "virt/halt.h"

/**
 * halt_has_event() - is there an event that ends HLT?
 * @vcpu: the vCPU, loaded
 *
 * SDM, "HLT": an enabled interrupt, an NMI, a debug exception, INIT, RESET. The last two are
 * lapic_has_events()'s.
 *
 * Return: true if there is one.
 */
bool halt_has_event(struct mkvm_vcpu *vcpu)
{
	if (mkvm_test_request(MKVM_REQ_NMI, vcpu) || vcpu->arch.nmi_pending ||
	    vcpu->arch.exception.pending || vcpu->arch.interrupt.injected ||
	    READ_ONCE(vcpu->arch.pv_unhalted))
		return true;
	return vcpu->arch.apic && event_has_interrupt(vcpu) && event_interrupt_allowed(vcpu);
}

/**
 * halt_leave() - HLT ends
 * @vcpu: the vCPU, loaded
 *
 * A kick of another vCPU's (KVM_HC_KICK_CPU) ends one HLT.
 */
void halt_leave(struct mkvm_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->arch.pv_unhalted, false);
	mp_state_set(vcpu, KVM_MP_STATE_RUNNABLE);
}

static bool runnable(struct mkvm_vcpu *vcpu)
{
	if (vcpu->arch.apic && lapic_has_events(vcpu))
		return true;
	switch (vcpu->arch.mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		return true;
	case KVM_MP_STATE_HALTED:
		return halt_has_event(vcpu);
	default:
		return false;
	}
}

static bool wait_ends(struct mkvm_vcpu *vcpu)
{
	return runnable(vcpu) || signal_pending(current) ||
	       (READ_ONCE(vcpu->requests) & ~BIT(MKVM_REQ_EVENT));
}

static void sleep_until_event(struct mkvm_vcpu *vcpu)
{
	prepare_to_rcuwait(&vcpu->wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (wait_ends(vcpu))
			break;
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
}

/**
 * halt_block() - wait until the vCPU is runnable, or a signal or a request comes
 * @vcpu: the vCPU, whose thread this is; loaded
 *
 * The thread polls first, for as long as mkvm_halt_begin() allows it.
 *
 * Context: process.
 */
void halt_block(struct mkvm_vcpu *vcpu)
{
	struct mkvm_halt halt;
	bool found = false;

	mkvm_halt_begin(vcpu, &halt);
	if (halt.poll_ns) {
		do {
			found = wait_ends(vcpu);
		} while (!found && mkvm_halt_polls_on(&halt));
	}
	if (!found)
		sleep_until_event(vcpu);
	mkvm_halt_end(vcpu, &halt, !found);
	if (trace_kvm_vcpu_wakeup_enabled())
		trace_kvm_vcpu_wakeup(ktime_get_ns() - halt.start, !found, runnable(vcpu));
}
