// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events into the guest, and back when their delivery was cut short.
 *
 * SDM, "Event Injection", "Information for VM Exits That Occur During Event Delivery",
 * "Interruptibility State", "NMI-window exiting". An event that was injected and did not reach
 * its handler (an EPT violation on the stack, say) is found in the IDT-vectoring fields and
 * injected again before anything new.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/sched.h>
#include <asm/trapnr.h>

#include "arch/x86/event/debug.h"
#include "arch/x86/event/deliver.h"
#include "arch/x86/event/exception.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/interruptibility.h"
#include "arch/x86/irq/irqchip.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/pic.h"
#include "arch/x86/irq/posted.h"
#include "arch/x86/vmx/apic.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "trace/kvm_x86_events.h"

static void deliver(struct mkvm_vcpu *vcpu, u32 info)
{
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, info | INTR_INFO_VALID_MASK);
	/* A guest that halted by itself; not every event may be injected into that state. */
	if (unlikely(vcpu->vm->arch.disabled_exits & KVM_X86_DISABLE_EXITS_HLT))
		vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	to_vmx(vcpu)->event_injected = true;
}

static void deliver_exception(struct mkvm_vcpu *vcpu)
{
	struct mkvm_exception *ex = &vcpu->arch.exception;
	u32 info = ex->vector;

	inject_deliver_payload(vcpu);
	/* Once: what comes back from a delivery that was cut short has it in RFLAGS already. */
	if (!ex->injected && exception_row(ex->vector)->kind == EXCEPTION_FAULT)
		rflags_write(vcpu, vmx_rflags(vcpu) | X86_EFLAGS_RF);
	if (ex->vector == X86_TRAP_DB && vcpu->arch.dr7 & DR7_GD)
		debug_clear_dr7(vcpu, DR7_GD);	/* so that the handler can look */
	/* INT3 and INTO are traps of an instruction: VM entry wants its length. */
	if (ex->vector == X86_TRAP_BP || ex->vector == X86_TRAP_OF) {
		vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, ex->insn_len ?: 1);
		info |= INTR_TYPE_SOFT_EXCEPTION;
	} else {
		info |= INTR_TYPE_HARD_EXCEPTION;
	}
	if (ex->has_error_code && is_protmode(vcpu)) {
		vmcs_write32(VM_ENTRY_EXCEPTION_ERROR_CODE, ex->error_code);
		info |= INTR_INFO_DELIVER_CODE_MASK;
	}
	trace_kvm_inj_exception(ex->vector, ex->has_error_code, ex->error_code, ex->injected);
	ex->pending = false;
	ex->injected = true;
	deliver(vcpu, info);
}

static trace_out_of_line void tell_interrupt(struct mkvm_vcpu *vcpu, bool again)
{
	trace_kvm_inj_virq(vcpu->arch.interrupt.nr, vcpu->arch.interrupt.soft, again);
}

static __always_inline void deliver_interrupt(struct mkvm_vcpu *vcpu, bool again)
{
	u32 info = vcpu->arch.interrupt.nr;

	if (trace_kvm_inj_virq_enabled())
		tell_interrupt(vcpu, again);
	if (vcpu->arch.interrupt.soft) {
		vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, vcpu->arch.interrupt.insn_len);
		info |= INTR_TYPE_SOFT_INTR;
	} else {
		info |= INTR_TYPE_EXT_INTR;
	}
	deliver(vcpu, info);
	vcpu->stats.irq_injections++;
}

static void deliver_nmi(struct mkvm_vcpu *vcpu)
{
	deliver(vcpu, X86_TRAP_NMI | INTR_TYPE_NMI_INTR);
	vcpu->stats.nmi_injections++;
}

/**
 * event_ready_for_user_interrupt() - would the guest take an interrupt of userspace's at once?
 * @vcpu: loaded vCPU
 *
 * Return: what kvm_run.ready_for_interrupt_injection says of KVM_INTERRUPT.
 */
bool event_ready_for_user_interrupt(struct mkvm_vcpu *vcpu)
{
	if (vcpu->arch.interrupt.injected || vcpu->arch.exception.injected ||
	    vcpu->arch.exception.pending || vcpu->arch.nmi_injected)
		return false;
	/* An NMI goes first: SDM, "Prioritization of Concurrent Events". */
	if (vcpu->arch.nmi_pending && event_nmi_allowed(vcpu))
		return false;
	if (vcpu->arch.apic && (vcpu->arch.pending_extint >= 0 || !lapic_accepts_pic(vcpu)))
		return false;
	return event_interrupt_allowed(vcpu);
}

static void set_window(struct vmx_vcpu *vmx, u32 bit, bool wanted)
{
	if (wanted)
		vmx_cpu_based_set(vmx, bit);
	else
		vmx_cpu_based_clear(vmx, bit);
}

/* What waits for RFLAGS.IF: one of these, or a vector of the LAPIC. */
enum { NO_INTERRUPT = -1, INTERRUPT_OF_PIC = 256, INTERRUPT_OF_USER };

/*
 * The interrupt that is next. The 8259 comes first: a guest that wires it through LINT0 expects its
 * vectors at once. Those of the LAPIC come here only where the processor does not deliver them.
 */
static int next_interrupt(struct mkvm_vcpu *vcpu)
{
	if (unlikely(vcpu->arch.guest_debug & KVM_GUESTDBG_BLOCKIRQ))
		return NO_INTERRUPT;
	if (vcpu->vm->arch.pic && pic_output(vcpu->vm) && lapic_accepts_pic(vcpu))
		return INTERRUPT_OF_PIC;
	if (!vcpu->arch.apic)
		return NO_INTERRUPT;
	if (vcpu->arch.pending_extint >= 0 && lapic_accepts_pic(vcpu))
		return INTERRUPT_OF_USER;
	return lapic_virtualized(vcpu) ? NO_INTERRUPT : lapic_pending_vector(vcpu);
}

/* Take what next_interrupt() found from its controller: its vector. */
static int take_interrupt(struct mkvm_vcpu *vcpu, int next)
{
	int vector;

	switch (next) {
	case INTERRUPT_OF_PIC:
		return pic_read_irq(vcpu->vm);
	case INTERRUPT_OF_USER:
		vector = vcpu->arch.pending_extint;
		vcpu->arch.pending_extint = -1;
		return vector;
	default:
		lapic_ack(vcpu, next);
		return next;
	}
}

/*
 * Inject the interrupt that is next. True when another one waits: not behind one of the LAPIC's,
 * whose others have a lower priority and come after its EOI.
 */
static bool inject_next(struct mkvm_vcpu *vcpu, int next)
{
	int vector = take_interrupt(vcpu, next);

	if (vector >= 0) {
		inject_interrupt(vcpu, vector, false);
		deliver_interrupt(vcpu, false);
	}
	return next >= INTERRUPT_OF_PIC && next_interrupt(vcpu) != NO_INTERRUPT;
}

/* Out of line: for those without APICv there is only next_interrupt(). */
static noinline bool virtualized_has_interrupt(struct mkvm_vcpu *vcpu)
{
	return lapic_pending_vector(vcpu) >= 0 || next_interrupt(vcpu) != NO_INTERRUPT;
}

/**
 * event_has_interrupt() - is there an interrupt that only RFLAGS.IF may hold back?
 * @vcpu: loaded vCPU
 *
 * Return: true when the 8259 or the LAPIC has a vector for it.
 */
bool event_has_interrupt(struct mkvm_vcpu *vcpu)
{
	if (lapic_virtualized(vcpu))
		return virtualized_has_interrupt(vcpu);
	return next_interrupt(vcpu) != NO_INTERRUPT;
}

/**
 * event_deliver() - MKVM_REQ_EVENT: put the next event into the VM-entry fields
 * @vcpu: loaded vCPU; interrupts are off, the entry follows
 *
 * At most one event per entry. What must wait asks for a window exit. Also called without a
 * request when an event must be injected again.
 */
void event_deliver(struct mkvm_vcpu *vcpu)
{
	struct mkvm_arch_vcpu *arch = &vcpu->arch;
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int next, threshold;
	bool irq_waits;

	if (arch->exception.injected)
		deliver_exception(vcpu);
	else if (arch->nmi_injected)
		deliver_nmi(vcpu);
	else if (arch->interrupt.injected)
		deliver_interrupt(vcpu, true);
	else if (arch->exception.pending)
		deliver_exception(vcpu);

	if (arch->nmi_pending && !vmx->event_injected && event_nmi_allowed(vcpu)) {
		arch->nmi_pending--;
		arch->nmi_injected = true;
		deliver_nmi(vcpu);
	}
	set_window(vmx, CPU_BASED_NMI_WINDOW_EXITING, arch->nmi_pending);

	next = next_interrupt(vcpu);
	irq_waits = next != NO_INTERRUPT;
	if (irq_waits && !vmx->event_injected && event_interrupt_allowed(vcpu))
		irq_waits = inject_next(vcpu, next);
	if (!arch->apic && vcpu->run->request_interrupt_window)
		irq_waits = true;
	else if (vcpu->vm->arch.irqchip_mode == MKVM_IRQCHIP_SPLIT &&
		 vcpu->run->request_interrupt_window && lapic_accepts_pic(vcpu))
		irq_waits = true;
	set_window(vmx, CPU_BASED_INTR_WINDOW_EXITING, irq_waits);

	if (lapic_virtualized(vcpu)) {
		vmx_write_interrupt_status(vcpu, lapic_interrupt_status(vcpu));
	} else if (arch->apic && (vmx->cpu_based & CPU_BASED_TPR_SHADOW)) {
		threshold = lapic_tpr_threshold(vcpu);
		if (vmx->tpr_threshold != threshold) {
			vmx->tpr_threshold = threshold;
			vmcs_write32(TPR_THRESHOLD, threshold);
		}
	}
}

/**
 * event_recover() - after an exit that interrupted an event's delivery
 * @vcpu: loaded vCPU; interrupts are off
 * @info: IDT-vectoring information, which is valid
 *
 * The injected flags were cleared; here those come back whose event is not delivered yet.
 */
void event_recover(struct mkvm_vcpu *vcpu, u32 info)
{
	struct mkvm_arch_vcpu *arch = &vcpu->arch;
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	vmx->idt_vectoring_valid = true;
	switch (info & INTR_INFO_INTR_TYPE_MASK) {
	case INTR_TYPE_NMI_INTR:
		arch->nmi_injected = true;
		/* Injecting it again sets the blocking again. */
		event_set_nmi_mask(vcpu, false);
		break;
	case INTR_TYPE_SOFT_EXCEPTION:
	case INTR_TYPE_PRIV_SW_EXCEPTION:
	case INTR_TYPE_HARD_EXCEPTION:
		arch->exception = (struct mkvm_exception) {
			.injected = true,
			.vector = vector,
			.has_error_code = info & INTR_INFO_DELIVER_CODE_MASK,
			.insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN),
		};
		if (arch->exception.has_error_code)
			arch->exception.error_code = vmcs_read32(IDT_VECTORING_ERROR_CODE);
		break;
	case INTR_TYPE_SOFT_INTR:
		arch->interrupt.insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
		fallthrough;
	case INTR_TYPE_EXT_INTR:
		inject_interrupt(vcpu, vector,
				 (info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_SOFT_INTR);
		break;
	}
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
}
