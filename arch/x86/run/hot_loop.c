// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hot loop: enter the guest, look at why it came back, enter again.
 *
 * SDM, "VM Entries", "VM Exits". Interrupts stay off from the first entry to the return. Exits
 * that need neither the scheduler nor the memory slots are handled in here and the guest goes
 * on at once; the host gets its turn because a pending host interrupt ends the next entry
 * immediately, and because requests and thread work are looked at between two entries.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/context_tracking.h>
#include <linux/module.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/mce.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/spec-ctrl.h>
#include <asm/tlbflush.h>

#include "arch/x86/event/debug.h"
#include "arch/x86/event/deliver.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/interruptibility.h"
#include "arch/x86/exit/table.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/posted.h"
#include "arch/x86/run/hot_loop.h"
#include "arch/x86/vmx/break_field.h"
#include "arch/x86/vmx/explain/entry_failure.h"
#include "arch/x86/vmx/l1d_flush.h"
#include "arch/x86/vmx/trace.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "compat/compat.h"
#include "trace/keys.h"
#include "virt/latency.h"

static void write_dirty_registers(struct mkvm_vcpu *vcpu)
{
	u32 dirty = vcpu->arch.regs_dirty;

	if (dirty & BIT(GREG_RIP))
		vmcs_write64(GUEST_RIP, vcpu->arch.regs[GREG_RIP]);
	if (dirty & BIT(GREG_RSP))
		vmcs_write64(GUEST_RSP, vcpu->arch.regs[GREG_RSP]);
	if (dirty & BIT(GREG_RFLAGS))
		vmcs_write64(GUEST_RFLAGS, vcpu->arch.rflags);
	vcpu->arch.regs_dirty = 0;
}

/* What other threads of the host may have changed while interrupts were on. */
static void write_host_state(struct vmx_vcpu *vmx)
{
	unsigned long cr3 = __native_read_cr3(), cr4 = cr4_read_shadow();

	if (vmx->host_cr3 != cr3) {
		vmx->host_cr3 = cr3;
		vmcs_write64(HOST_CR3, cr3);
	}
	if (vmx->host_cr4 != cr4) {
		vmx->host_cr4 = cr4;
		vmcs_write64(HOST_CR4, cr4);
	}
}

/*
 * A machine check hit the guest. The host's handler must not take it for one in the kernel, which
 * is the end of the host: it is the owner of the page that gets a signal. (Kernels without a
 * handler have no gate for it either.)
 */
static void host_machine_check(void)
{
#ifdef CONFIG_X86_MCE
	struct pt_regs as_if_user = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&as_if_user);
#endif
}

/* An NMI or machine check hit the guest: the host's handler must see it. */
static void forward_host_exception(void)
{
	u32 info = vmcs_read32(VM_EXIT_INTR_INFO);

	if ((info & (INTR_INFO_INTR_TYPE_MASK | INTR_INFO_VALID_MASK)) ==
	    (INTR_TYPE_NMI_INTR | INTR_INFO_VALID_MASK))
		asm volatile("int $2" : : : "memory");	/* its IRET unblocks NMIs */
	else if ((info & (INTR_INFO_VECTOR_MASK | INTR_INFO_INTR_TYPE_MASK)) ==
		 (18 | INTR_TYPE_HARD_EXCEPTION))
		host_machine_check();
}

/* An event that was injected is delivered unless the IDT-vectoring fields say otherwise. */
static void complete_events(struct mkvm_vcpu *vcpu, bool in_delivery)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 info;

	if (vmx->event_injected) {
		vmx->event_injected = false;
		inject_done(vcpu);
	}
	vmx->idt_vectoring_valid = false;
	if (in_delivery) {
		info = vmcs_read32(IDT_VECTORING_INFO_FIELD);
		if (unlikely(info & INTR_INFO_VALID_MASK))
			event_recover(vcpu, info);
	}
}

/**
 * hot_loop_take_host_interrupt() - hand an acknowledged interrupt to the host
 * @vcpu: the vCPU that has just left the guest
 *
 * Posted interrupts need "acknowledge interrupt on exit": the local APIC has forgotten the vector,
 * so its gate is called as the processor would.
 *
 * Context: interrupts off, host state back in place.
 */
void hot_loop_take_host_interrupt(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct desc_ptr idt;
	u32 info;

	if (!(vmx->exit_controls & VM_EXIT_ACK_INTR_ON_EXIT) ||
	    vmx->exit_reason != EXIT_REASON_EXTERNAL_INTERRUPT)
		return;
	info = vmcs_read32(VM_EXIT_INTR_INFO);
	if (!(info & INTR_INFO_VALID_MASK))
		return;
	store_idt(&idt);
	vmx_call_gate(gate_offset((gate_desc *)idt.address + (info & INTR_INFO_VECTOR_MASK)));
}

/*
 * SDM, "VMX-Preemption Timer": the guest exits when its LAPIC timer falls due, before it has
 * executed anything if that is past, and when the lab's module option says so.
 */
static void set_preemption_timer(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 due = vcpu->arch.hv_timer_tsc;
	u64 ticks = vmx_entry_timer_ticks ?: U64_MAX;
	u64 now;

	if (due != LAPIC_NO_HV_TIMER) {
		now = rdtsc();
		ticks = min(ticks, due > now ? due - now : 0);
	}
	vmx->preemption_timer_on = ticks != U64_MAX;
	if (!vmx->preemption_timer_on) {
		vmx_pin_clear(vmx, PIN_BASED_VMX_PREEMPTION_TIMER);
		return;
	}
	vmx_pin_set(vmx, PIN_BASED_VMX_PREEMPTION_TIMER);
	/* Too far for 32 bits: it exits early, and lapic_inject_timer() sees that. */
	vmcs_write32(VMX_PREEMPTION_TIMER_VALUE,
		     min_t(u64, ticks >> vmx_caps.preemption_timer_shift, U32_MAX));
}

/*
 * The host's performance counters, as far as they must not count in the guest: PEBS would write its
 * records to the host's addresses through the guest's page tables. @into the guest, or back.
 */
static __always_inline void switch_counters(const struct perf_guest_switch_msr *msrs, int nr,
					    bool into)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (unlikely(msrs[i].host != msrs[i].guest))
			wrmsrl(msrs[i].msr, into ? msrs[i].guest : msrs[i].host);
	}
}

/*
 * CR2 belongs to what faulted last, host or guest, and the VMCS does not switch it. The host can
 * fault anywhere in the loop, with interrupts off, too: a probe that reads user memory is enough.
 * So the guest's value is taken away before anything else, and what the host left is replaced
 * before the guest sees it.
 */
static __always_inline int enter_with_cr2(struct mkvm_vcpu *vcpu)
{
	unsigned long cr2 = vcpu->arch.cr2;
	int result;

	if (unlikely(native_read_cr2() != cr2))
		native_write_cr2(cr2);
	result = vmx_enter(to_vmx(vcpu), vcpu->arch.regs);
	vcpu->arch.cr2 = native_read_cr2();
	return result;
}

/*
 * An entry with what few hosts need around it: context tracking, performance counters to switch, a
 * debugger's IA32_DEBUGCTL, statistics of time, a test's bad field, tracing. All of it is decided
 * before the first entry; who turns tracing on makes the kernel patch code, for which it interrupts
 * every CPU.
 */
static noinline int enter_with_extras(struct mkvm_vcpu *vcpu, u64 host_debugctl)
{
	const struct perf_guest_switch_msr *counters = NULL;
	int nr_counters = 0, result;

	vmx_trace_entry(vcpu);
	break_field_enter(to_vmx(vcpu));
	if (vmx_caps.host_counters) {
		counters = perf_guest_get_msrs(&nr_counters, NULL);
		switch_counters(counters, nr_counters, true);
	}
	if (mkvm_latency_on())
		mkvm_latency_enter(vcpu, to_vmx(vcpu)->exit_reason);
	if (context_tracking_enabled_this_cpu()) {
		context_tracking_guest_enter();
		result = enter_with_cr2(vcpu);
		context_tracking_guest_exit();
	} else {
		result = enter_with_cr2(vcpu);
	}
	if (mkvm_latency_on())
		mkvm_latency_exit(vcpu);
	/* "Loading Host Control Registers, Debug Registers, MSRs": the exit cleared it. */
	if (host_debugctl)
		update_debugctlmsr(host_debugctl);
	if (vmx_caps.host_counters)
		switch_counters(counters, nr_counters, false);
	return result;
}

static bool needs_extras(struct mkvm_vcpu *vcpu, u64 host_debugctl)
{
	return host_debugctl || vmx_caps.host_counters || break_field_armed(to_vmx(vcpu)) ||
	       context_tracking_enabled_this_cpu() || trace_run();
}

/* What the SDM calls "VMM software" has to do for the processor's sake, on the way in. */
static __always_inline void clear_buffers(struct mkvm_vcpu *vcpu)
{
	if (static_branch_unlikely(&vmx_l1d_flush_key))
		vmx_l1d_flush(vcpu);
	else if (static_branch_unlikely(&mmio_stale_data_clear) &&
		 READ_ONCE(vcpu->vm->devices_assigned))
		compat_clear_cpu_buffers();
}

/**
 * hot_loop_run() - run the guest until an exit needs more than the fast loop offers
 * @vcpu: loaded vCPU, guest state loaded; interrupts are off, vcpu->mode is MKVM_IN_GUEST
 *
 * Return: 1 = look for requests and work, then enter again; 0 or -errno as an exit handler;
 * EXIT_SLOW = exit_handle() has to handle the exit.
 */
int hot_loop_run(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	const struct exit_row *row;
	u64 host_debugctl = __rdmsr(MSR_IA32_DEBUGCTLMSR);
	bool extras = needs_extras(vcpu, host_debugctl);
	int result, ret;
	u32 reason;

	write_host_state(vmx);
	if (vmx->enter_flags & VMX_ENTER_SPEC_CTRL || cpu_feature_enabled(X86_FEATURE_KERNEL_IBRS))
		vmx->spec_ctrl_host = spec_ctrl_current();
	if (vcpu->arch.switch_db_regs)
		debug_load_guest(vcpu);
	/* With TF set, VM entry wants a pending single step behind STI and MOV SS. */
	if (unlikely(vcpu->arch.guest_debug & KVM_GUESTDBG_SINGLESTEP))
		event_set_shadow(vcpu, 0);

	for (;;) {
		if (unlikely(posted_outstanding(vcpu)))
			lapic_collect_posted(vcpu);
		if (unlikely(vcpu->requests)) {
			if (mkvm_check_request(MKVM_REQ_LAPIC_TIMER, vcpu)) {
				lapic_inject_timer(vcpu);
				/* A vCPU that posts to itself sends no notification. */
				if (posted_outstanding(vcpu))
					lapic_collect_posted(vcpu);
			}
			if (mkvm_check_request(MKVM_REQ_EVENT, vcpu))
				event_deliver(vcpu);
		}
		if (vcpu->arch.regs_dirty)
			write_dirty_registers(vcpu);
		if (vcpu->arch.hv_timer_tsc != LAPIC_NO_HV_TIMER || vmx->preemption_timer_on)
			set_preemption_timer(vcpu);
		clear_buffers(vcpu);
		result = unlikely(extras) ? enter_with_extras(vcpu, host_debugctl) :
					    enter_with_cr2(vcpu);
		regs_after_exit(vcpu);
		vcpu->stats.exits++;

		if (unlikely(result != VMX_ENTERED)) {
			entry_failure_note(vcpu, result);
			ret = EXIT_SLOW;
			break;
		}
		reason = vmcs_read32(VM_EXIT_REASON);
		vmx->exit_reason = reason;
		if (unlikely(reason & VMX_EXIT_REASONS_FAILED_VMENTRY)) {
			/* Nothing was delivered; what was injected stays to be injected. */
			vmx->event_injected = false;
			vmx->failed_on_cpu = vcpu->cpu;
			if (unlikely(extras))
				vmx_trace_exit(vcpu);
			if ((u16)reason == EXIT_REASON_MCE_DURING_VMENTRY)
				host_machine_check();
			ret = EXIT_SLOW;
			break;
		}
		/* A VMLAUNCH that failed while it loaded the guest leaves the VMCS clear. */
		vmx->enter_flags |= VMX_ENTER_LAUNCHED;
		if (unlikely(extras)) {
			vmx_trace_exit(vcpu);
			break_field_mend(vmx);
		}
		if (reason < ARRAY_SIZE(vcpu->stats.exits_by_reason))
			vcpu->stats.exits_by_reason[reason]++;
		row = exit_row(reason);
		complete_events(vcpu, row->in_delivery);
		if (!row->fast) {
			if (reason == EXIT_REASON_EXCEPTION_NMI)
				forward_host_exception();
			ret = EXIT_SLOW;
			break;
		}
		ret = row->fast(vcpu);
		if (ret != 1 || hot_loop_must_end(vcpu))
			break;
	}

	if (vcpu->arch.switch_db_regs)
		debug_put_guest(vcpu);
	else if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_restore();
	return ret;
}
