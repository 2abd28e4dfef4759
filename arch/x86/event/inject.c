// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that wait: exceptions, NMIs, KVM_GET/SET_VCPU_EVENTS.
 *
 * SDM, "Interrupt 8 - Double Fault Exception" and "Exception Priority". What each exception is
 * stands in exception.c, delivery itself in deliver.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/sched.h>
#include <asm/trapnr.h>

#include "arch/x86/event/debug.h"
#include "arch/x86/event/exception.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/interruptibility.h"
#include "arch/x86/event/single_step.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/vmx/vmx.h"

/**
 * inject_deliver_payload() - the side effect of the exception that waits: CR2 of #PF, DR6 of #DB
 * @vcpu: the vCPU, loaded
 *
 * What the module raises has its effect at once, as in KVM. The one that userspace brought with
 * KVM_VCPUEVENT_VALID_PAYLOAD keeps it until it is delivered.
 */
void inject_deliver_payload(struct mkvm_vcpu *vcpu)
{
	struct mkvm_exception *ex = &vcpu->arch.exception;

	if (!ex->has_payload)
		return;
	switch (exception_row(ex->vector)->payload) {
	case PAYLOAD_CR2:
		cr2_write(vcpu, ex->payload);
		break;
	case PAYLOAD_DR6:
		debug_merge_dr6(vcpu, ex->payload);
		break;
	}
	ex->has_payload = false;
	ex->payload = 0;
}

/*
 * Raise an exception. Two at once become #DF or a shutdown: SDM, "Interrupt 8 - Double Fault
 * Exception".
 */
static void raise(struct mkvm_vcpu *vcpu, u8 vector, u32 error_code, unsigned long payload)
{
	const struct exception_row *row = exception_row(vector);
	struct mkvm_exception *ex = &vcpu->arch.exception;
	enum exception_class first, second = row->class;

	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	if (ex->pending || ex->injected) {
		if (ex->vector == X86_TRAP_DF) {
			/* A fault while the double fault is delivered: shutdown. */
			ex->pending = false;
			ex->injected = false;
			mkvm_make_request(MKVM_REQ_TRIPLE_FAULT, vcpu);
			return;
		}
		first = exception_row(ex->vector)->class;
		if ((first == CONTRIBUTORY && second == CONTRIBUTORY) ||
		    (first == PAGE_FAULT_CLASS && second != BENIGN)) {
			/* A second #PF has changed CR2 all the same. */
			if (row->payload == PAYLOAD_CR2)
				cr2_write(vcpu, payload);
			vector = X86_TRAP_DF;
			row = exception_row(vector);
			error_code = 0;
		}
		/* Otherwise the second replaces the first: the instruction will fault again. */
	}
	*ex = (struct mkvm_exception) {
		.pending = true,
		.vector = vector,
		/* In real mode no error code is pushed (SDM, "Real-Address Mode Exceptions"). */
		.has_error_code = row->error_code && (vcpu->arch.cr0 & X86_CR0_PE),
		.error_code = error_code,
		.has_payload = row->payload != PAYLOAD_NONE,
		.payload = payload,
	};
	inject_deliver_payload(vcpu);
}

/**
 * inject_exception() - raise an exception that has no error code
 * @vcpu: loaded vCPU
 * @vector: its vector
 */
void inject_exception(struct mkvm_vcpu *vcpu, u8 vector)
{
	raise(vcpu, vector, 0, 0);
}

/**
 * inject_exception_code() - raise an exception that has an error code
 * @vcpu: loaded vCPU
 * @vector: its vector
 * @error_code: pushed on the handler's stack, outside real-address mode
 */
void inject_exception_code(struct mkvm_vcpu *vcpu, u8 vector, u32 error_code)
{
	raise(vcpu, vector, error_code, 0);
}

/**
 * inject_page_fault() - raise #PF; CR2 is written at once
 * @vcpu: loaded vCPU
 * @cr2: the linear address that faulted
 * @error_code: as the processor's
 */
void inject_page_fault(struct mkvm_vcpu *vcpu, u64 cr2, u32 error_code)
{
	raise(vcpu, X86_TRAP_PF, error_code, cr2);
}

/**
 * inject_debug() - raise #DB; DR6 is written at once
 * @vcpu: loaded vCPU
 * @dr6_bits: what happened, as in an exit qualification
 */
void inject_debug(struct mkvm_vcpu *vcpu, unsigned long dr6_bits)
{
	/* A step while a debugger steps is the debugger's: the next entry's #DB exit reports it. */
	if (dr6_bits == DR6_BS && (vcpu->arch.guest_debug & KVM_GUESTDBG_SINGLESTEP)) {
		single_step_pend();
		return;
	}
	raise(vcpu, X86_TRAP_DB, 0, dr6_bits);
}

/**
 * inject_clear() - forget every event, as reset does
 * @vcpu: the vCPU, its mutex held
 */
void inject_clear(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.exception = (struct mkvm_exception) {};
	inject_done(vcpu);
	vcpu->arch.pending_extint = -1;
	vcpu->arch.nmi_pending = 0;
	atomic_set(&vcpu->arch.nmi_queued, 0);
}

/**
 * inject_take_nmis() - MKVM_REQ_NMI: count in the NMIs that other threads sent
 * @vcpu: loaded vCPU
 *
 * While one is being handled at most one more can wait, as in a processor.
 */
void inject_take_nmis(struct mkvm_vcpu *vcpu)
{
	unsigned int limit = event_get_nmi_mask(vcpu) || vcpu->arch.nmi_injected ? 1 : 2;

	vcpu->arch.nmi_pending = min_t(unsigned int, limit, vcpu->arch.nmi_pending +
				       atomic_xchg(&vcpu->arch.nmi_queued, 0));
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
}

/**
 * inject_get_events() - KVM_GET_VCPU_EVENTS
 * @vcpu: loaded vCPU
 * @events: the result
 */
void inject_get_events(struct mkvm_vcpu *vcpu, struct kvm_vcpu_events *events)
{
	struct mkvm_exception *ex = &vcpu->arch.exception;

	memset(events, 0, sizeof(*events));
	if (mkvm_check_request(MKVM_REQ_NMI, vcpu))
		inject_take_nmis(vcpu);

	events->exception.nr = ex->vector;
	events->exception.has_error_code = ex->has_error_code;
	events->exception.error_code = ex->error_code;
	/* RIP still stands at the INT3 or INTO, which will be executed again. */
	if (ex->vector != X86_TRAP_BP && ex->vector != X86_TRAP_OF) {
		events->exception.injected = ex->injected;
		events->exception.pending = ex->pending;
	}
	/*
	 * Without KVM_CAP_EXCEPTION_PAYLOAD userspace cannot tell pending from injected and
	 * gets CR2 and DR6 in their registers.
	 */
	if (vcpu->vm->arch.exception_payload) {
		events->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
		events->exception_has_payload = ex->has_payload;
		events->exception_payload = ex->payload;
	} else {
		events->exception.injected |= events->exception.pending;
		if (ex->pending)
			inject_deliver_payload(vcpu);
	}
	events->interrupt.injected = vcpu->arch.interrupt.injected &&
				     !vcpu->arch.interrupt.soft;
	events->interrupt.nr = vcpu->arch.interrupt.nr;
	events->interrupt.shadow = event_get_shadow(vcpu);
	events->nmi.injected = vcpu->arch.nmi_injected;
	events->nmi.pending = vcpu->arch.nmi_pending;
	events->nmi.masked = event_get_nmi_mask(vcpu);
	events->flags |= KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	if (vcpu->vm->arch.triple_fault_event) {
		events->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
		events->triple_fault.pending = mkvm_test_request(MKVM_REQ_TRIPLE_FAULT, vcpu);
	}
}

/**
 * inject_set_events() - KVM_SET_VCPU_EVENTS
 * @vcpu: loaded vCPU
 * @events: the new state
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
int inject_set_events(struct mkvm_vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	u32 known = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
		    KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM |
		    KVM_VCPUEVENT_VALID_PAYLOAD | KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	struct mkvm_exception *ex = &vcpu->arch.exception;
	bool pending = false, has_payload = false;
	u8 injected = events->exception.injected;

	if (events->flags & ~known) {
		mkvm_refuse(vcpu->vm, "KVM_SET_VCPU_EVENTS: unknown flags 0x%x",
			    events->flags & ~known);
		return -EINVAL;
	}
	if (events->flags & KVM_VCPUEVENT_VALID_PAYLOAD) {
		if (!vcpu->vm->arch.exception_payload) {
			mkvm_refuse(vcpu->vm, "KVM_SET_VCPU_EVENTS: a payload, but KVM_CAP_EXCEPTION_PAYLOAD is not on");
			return -EINVAL;
		}
		pending = events->exception.pending;
		has_payload = pending && events->exception_has_payload;
		if (pending)
			injected = 0;
	}
	if ((injected || pending) &&
	    (events->exception.nr > 31 || events->exception.nr == X86_TRAP_NMI)) {
		mkvm_refuse(vcpu->vm, "KVM_SET_VCPU_EVENTS: %u is no exception",
			    events->exception.nr);
		return -EINVAL;
	}
	if ((events->flags & KVM_VCPUEVENT_VALID_SMM) &&
	    (events->smi.smm || events->smi.pending)) {
		mkvm_refuse(vcpu->vm, "KVM_SET_VCPU_EVENTS: smi.smm %u, smi.pending %u: there is no SMM",
			    events->smi.smm, events->smi.pending);
		return -EINVAL;
	}
	if ((events->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) &&
	    !vcpu->vm->arch.triple_fault_event) {
		mkvm_refuse(vcpu->vm, "KVM_SET_VCPU_EVENTS: a triple fault, but KVM_CAP_X86_TRIPLE_FAULT_EVENT is not on");
		return -EINVAL;
	}

	*ex = (struct mkvm_exception) {
		.injected = injected,
		.pending = pending,
		.vector = events->exception.nr,
		.has_error_code = events->exception.has_error_code,
		.error_code = events->exception.error_code,
		.has_payload = has_payload,
		.payload = events->exception_payload,
	};
	vcpu->arch.interrupt.injected = events->interrupt.injected;
	vcpu->arch.interrupt.nr = events->interrupt.nr;
	vcpu->arch.interrupt.soft = events->interrupt.soft;
	if (events->flags & KVM_VCPUEVENT_VALID_SHADOW)
		event_set_shadow(vcpu, events->interrupt.shadow);
	vcpu->arch.nmi_injected = events->nmi.injected;
	if (events->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		vcpu->arch.nmi_pending = min_t(u8, events->nmi.pending, 2);
		atomic_set(&vcpu->arch.nmi_queued, 0);
	}
	event_set_nmi_mask(vcpu, events->nmi.masked);
	if (events->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR)
		lapic_set_sipi_vector(vcpu, events->sipi_vector);
	if (events->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) {
		if (events->triple_fault.pending)
			mkvm_make_request(MKVM_REQ_TRIPLE_FAULT, vcpu);
		else
			mkvm_clear_request(MKVM_REQ_TRIPLE_FAULT, vcpu);
	}
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return 0;
}
