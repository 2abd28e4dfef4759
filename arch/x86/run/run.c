// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN: the loop around the guest.
 *
 * KVM's ABI, KVM_RUN: finish the exit that userspace has handled, then alternate between guest
 * mode, exit handlers and sleep until there is something for userspace. The inner, hot loop is
 * in hot_loop.c; this one runs once for each exit that needs the host.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/entry-kvm.h>
#include <linux/kvm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/vtime.h>
#include <asm/nospec-branch.h>

#include "arch/x86/cpu/cr.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/gpr.h"
#include "arch/x86/cpu/msr_pass.h"
#include "arch/x86/cpu/sregs.h"
#include "arch/x86/event/deliver.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/interruptibility.h"
#include "arch/x86/event/single_step.h"
#include "arch/x86/exit/apic_page.h"
#include "arch/x86/exit/exit_access.h"
#include "arch/x86/exit/rom_write.h"
#include "arch/x86/exit/table.h"
#include "arch/x86/irq/irqchip.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/posted.h"
#include "arch/x86/pv/async_pf.h"
#include "arch/x86/pv/pvclock.h"
#include "arch/x86/pv/steal_time.h"
#include "arch/x86/run/halt.h"
#include "arch/x86/run/hot_loop.h"
#include "arch/x86/run/init_sipi.h"
#include "arch/x86/run/reset.h"
#include "arch/x86/run/thread_work.h"
#include "arch/x86/vmx/msr_switch.h"
#include "arch/x86/vmx/vmx.h"
#include "compat/compat.h"
#include "virt/arch.h"
#include "virt/inspect.h"
#include "virt/latency.h"

/*
 * What the guest reads in its memory: the time, and which pages have come. And what is as rare:
 * memory for statistics.
 */
static noinline void tell_guest(struct mkvm_vcpu *vcpu)
{
	if (mkvm_check_request(MKVM_REQ_LATENCY, vcpu))
		mkvm_latency_alloc(vcpu);
	vcpu->srcu_idx = srcu_read_lock(&vcpu->vm->srcu);
	if (mkvm_check_request(MKVM_REQ_CLOCK_UPDATE, vcpu))
		pvclock_update(vcpu);
	if (mkvm_check_request(MKVM_REQ_STEAL_UPDATE, vcpu))
		steal_time_update(vcpu);
	if (mkvm_check_request(MKVM_REQ_ASYNC_PF, vcpu))
		async_pf_tell_ready(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, vcpu->srcu_idx);
}

/* Requests that need process context. 1 = go on, 0 = to userspace, < 0 = errno. */
static int handle_requests(struct mkvm_vcpu *vcpu)
{
	if (mkvm_check_request(MKVM_REQ_VM_DEAD, vcpu))
		return -EIO;
	if (mkvm_check_request(MKVM_REQ_TRIPLE_FAULT, vcpu)) {
		vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
		return 0;
	}
	if (mkvm_check_request(MKVM_REQ_PML_FLUSH, vcpu)) {
		vcpu->srcu_idx = srcu_read_lock(&vcpu->vm->srcu);
		exit_flush_pml(vcpu);
		srcu_read_unlock(&vcpu->vm->srcu, vcpu->srcu_idx);
	}
	if (unlikely(READ_ONCE(vcpu->requests) &
		     (BIT(MKVM_REQ_CLOCK_UPDATE) | BIT(MKVM_REQ_STEAL_UPDATE) |
		      BIT(MKVM_REQ_ASYNC_PF) | BIT(MKVM_REQ_LATENCY))))
		tell_guest(vcpu);
	if (mkvm_check_request(MKVM_REQ_NMI, vcpu))
		inject_take_nmis(vcpu);
	if (mkvm_check_request(MKVM_REQ_LAPIC_TIMER, vcpu))
		lapic_inject_timer(vcpu);
	if (mkvm_check_request(MKVM_REQ_EOI_EXITS, vcpu))
		lapic_update_eoi_exits(vcpu);
	if (mkvm_check_request(MKVM_REQ_INSPECT, vcpu))
		mkvm_inspect_serve(vcpu);
	mkvm_clear_request(MKVM_REQ_INIT_SIPI, vcpu);
	if (vcpu->arch.apic && lapic_has_events(vcpu)) {
		init_sipi_accept(vcpu);
		if (vcpu->arch.mp_state != KVM_MP_STATE_RUNNABLE)
			return 1;
	}
	if (mkvm_check_request(MKVM_REQ_APIC_MODE, vcpu))
		apic_page_update(vcpu);
	/* Behind what asks for it: INIT, and another mode of the LAPIC. */
	if (mkvm_check_request(MKVM_REQ_MSR_PASS, vcpu))
		msr_pass_update(vcpu);
	if (mkvm_check_request(MKVM_REQ_IOAPIC_EOI, vcpu)) {
		vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
		vcpu->run->eoi.vector = lapic_take_ioapic_eoi(vcpu);
		return 0;
	}
	/* What is left is a matter of the entry itself. */
	if (mkvm_check_request(MKVM_REQ_TLB_FLUSH, vcpu)) {
		vmx_flush_tlb(vcpu);
		doorbell_forget_memory(vcpu);
	}
	return 1;
}

/*
 * For RCU a guest is like user mode: no reader holds on to anything meanwhile. A CPU that runs
 * guests alone must say so, or the host's grace periods do not end; once per tick of the clock is
 * enough, because the tick interrupts the guest and brings it here.
 */
static void note_quiescent_state(struct mkvm_vcpu *vcpu)
{
	unsigned long now = jiffies;

	if (likely(vcpu->arch.rcu_noted == now))
		return;
	vcpu->arch.rcu_noted = now;
	rcu_note_context_switch(false);
}

/* Enter the guest once. Returns as hot_loop_run(). Preemption on, interrupts on. */
static int enter_guest(struct mkvm_vcpu *vcpu)
{
	int ret;

	preempt_disable();
	vmx_prepare_guest(vcpu);
	local_irq_disable();
	/*
	 * From here on a kick is an IPI. The order of mode and requests against
	 * mkvm_make_all_request(): either we see the request or they see the mode.
	 */
	smp_store_mb(vcpu->mode, MKVM_IN_GUEST);
	if (hot_loop_must_end(vcpu)) {
		WRITE_ONCE(vcpu->mode, MKVM_OUTSIDE_GUEST);
		local_irq_enable();
		preempt_enable();
		return 1;
	}
	fpu_prepare_entry();
	fpu_load_guest_xsave_state(vcpu);
	vtime_account_guest_enter();
	note_quiescent_state(vcpu);
	vcpu->arch.ran = true;

	ret = hot_loop_run(vcpu);
	mkvm_phase(vcpu, MKVM_PHASE_SLOW_PATH);
	compat_guest_ran();

	fpu_load_host_xsave_state(vcpu);
	/* A thread that sees the vCPU outside of the guest sees all that the guest did, too. */
	smp_store_release(&vcpu->mode, MKVM_OUTSIDE_GUEST);
	if (posted_used(vcpu))
		hot_loop_take_host_interrupt(vcpu);
	/* The host interrupt that ended guest mode is taken here, still on guest time. */
	local_irq_enable();
	vtime_account_guest_exit();
	preempt_enable();
	return ret;
}

/* Userspace has the 8259 and wants to inject. */
static bool window_requested(struct mkvm_vcpu *vcpu)
{
	return unlikely(READ_ONCE(vcpu->run->request_interrupt_window)) &&
	       vcpu->vm->arch.irqchip_mode != MKVM_IRQCHIP_KERNEL;
}

static bool userspace_interrupt_window(struct mkvm_vcpu *vcpu)
{
	return window_requested(vcpu) && event_ready_for_user_interrupt(vcpu);
}

static int run_loop(struct mkvm_vcpu *vcpu)
{
	int ret;

	vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
	for (;;) {
		if (unlikely(READ_ONCE(vcpu->requests) & ~BIT(MKVM_REQ_EVENT))) {
			ret = handle_requests(vcpu);
			if (ret <= 0)
				return ret;
		}
		if (likely(vcpu->arch.mp_state == KVM_MP_STATE_RUNNABLE)) {
			if (unlikely(userspace_interrupt_window(vcpu))) {
				vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
				return 0;
			}
			ret = enter_guest(vcpu);
			if (ret == EXIT_SLOW) {
				vcpu->srcu_idx = srcu_read_lock(&vcpu->vm->srcu);
				ret = exit_handle(vcpu);
				srcu_read_unlock(&vcpu->vm->srcu, vcpu->srcu_idx);
			}
		} else {
			if (vcpu->arch.mp_state == KVM_MP_STATE_HALTED && halt_has_event(vcpu)) {
				halt_leave(vcpu);
				continue;
			}
			/* STI; HLT: what ends the HLT may be the interrupt that userspace has. */
			if (unlikely(userspace_interrupt_window(vcpu))) {
				vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
				return 0;
			}
			/* A timer that is due goes to IRR here; an hrtimer brings others. */
			lapic_timer_block(vcpu);
			if (posted_used(vcpu))
				posted_block(vcpu);
			halt_block(vcpu);
			if (posted_used(vcpu))
				posted_unblock(vcpu);
			lapic_timer_unblock(vcpu);
			ret = 1;
			if (vcpu->arch.mp_state == KVM_MP_STATE_HALTED && halt_has_event(vcpu)) {
				halt_leave(vcpu);
				vcpu->stats.halt_wakeups++;
			}
		}
		if (ret <= 0)
			return ret;
		if (unlikely(__xfer_to_guest_mode_work_pending())) {
			ret = thread_work_handle();
			if (ret) {
				vcpu->run->exit_reason = KVM_EXIT_INTR;
				return ret;
			}
		}
	}
}

/* Out of line: its structures on the stack would be cleared on each KVM_RUN. */
static noinline int take_userspace_regs(struct mkvm_vcpu *vcpu, u64 dirty)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	struct kvm_regs regs;
	int ret = 0;

	/* Userspace may write the page meanwhile: take a copy, then look at it. */
	if (dirty & KVM_SYNC_X86_REGS) {
		memcpy(&regs, &run->s.regs.regs, sizeof(regs));
		gpr_set(vcpu, &regs);
	}
	if (dirty & KVM_SYNC_X86_SREGS) {
		memcpy(&sregs, &run->s.regs.sregs, sizeof(sregs));
		ret = sregs_set(vcpu, &sregs);
		if (ret)
			return ret;
	}
	if (dirty & KVM_SYNC_X86_EVENTS) {
		memcpy(&events, &run->s.regs.events, sizeof(events));
		ret = inject_set_events(vcpu, &events);
	}
	run->kvm_dirty_regs = 0;
	return ret;
}

static int load_userspace_regs(struct mkvm_vcpu *vcpu)
{
	u64 dirty = READ_ONCE(vcpu->run->kvm_dirty_regs);
	u64 unknown = (READ_ONCE(vcpu->run->kvm_valid_regs) | dirty) & ~KVM_SYNC_X86_VALID_FIELDS;

	if (unknown) {
		mkvm_refuse(vcpu->vm, "KVM_RUN: unknown bits 0x%llx in kvm_valid_regs or kvm_dirty_regs",
			    unknown);
		return -EINVAL;
	}
	return unlikely(dirty) ? take_userspace_regs(vcpu, dirty) : 0;
}

static void store_userspace_regs(struct mkvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 valid = run->kvm_valid_regs;

	if (likely(!valid))
		return;
	if (valid & KVM_SYNC_X86_REGS)
		gpr_get(vcpu, &run->s.regs.regs);
	if (valid & KVM_SYNC_X86_SREGS)
		sregs_get(vcpu, &run->s.regs.sregs);
	if (valid & KVM_SYNC_X86_EVENTS)
		inject_get_events(vcpu, &run->s.regs.events);
}

static void fill_run_page(struct mkvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->if_flag = !!(rflags_read(vcpu) & X86_EFLAGS_IF);
	run->flags = 0;
	run->cr8 = lapic_get_cr8(vcpu);
	run->apic_base = vcpu->arch.apic_base;
	run->ready_for_interrupt_injection =
		(vcpu->vm->arch.irqchip_mode == MKVM_IRQCHIP_KERNEL) ||
		event_ready_for_user_interrupt(vcpu);
}

/* A vCPU that waits for INIT and SIPI. Userspace is told to come again, as KVM does. */
static int wait_for_sipi(struct mkvm_vcpu *vcpu)
{
	int ret;

	if (compat_immediate_exit(vcpu->run))
		return -EINTR;
	while (vcpu->arch.mp_state == KVM_MP_STATE_UNINITIALIZED) {
		if (signal_pending(current)) {
			vcpu->run->exit_reason = KVM_EXIT_INTR;
			return -EINTR;
		}
		ret = handle_requests(vcpu);
		if (ret <= 0)
			return ret;
		if (vcpu->arch.mp_state == KVM_MP_STATE_UNINITIALIZED)
			halt_block(vcpu);
	}
	return -EAGAIN;
}

int arch_vcpu_run(struct mkvm_vcpu *vcpu)
{
	int (*complete)(struct mkvm_vcpu *vcpu);
	int ret;

	fpu_load_guest(vcpu);
	if (unlikely(vcpu->arch.mp_state == KVM_MP_STATE_UNINITIALIZED)) {
		ret = wait_for_sipi(vcpu);
		goto out;
	}
	ret = load_userspace_regs(vcpu);
	if (ret)
		goto out;
	if (!vcpu->arch.apic && cr8_set(vcpu, vcpu->run->cr8)) {
		mkvm_refuse(vcpu->vm, "KVM_RUN: kvm_run.cr8 is 0x%llx, more than 15",
			    vcpu->run->cr8);
		ret = -EINVAL;
		goto out;
	}
	complete = vcpu->arch.complete_userspace_io;
	if (complete) {
		vcpu->arch.complete_userspace_io = NULL;
		if (vcpu->arch.complete_registers_only) {
			vcpu->arch.complete_registers_only = false;
			ret = complete(vcpu);
		} else {
			vcpu->srcu_idx = srcu_read_lock(&vcpu->vm->srcu);
			ret = complete(vcpu);
			srcu_read_unlock(&vcpu->vm->srcu, vcpu->srcu_idx);
		}
		if (ret <= 0)
			goto out;
	}
	if (compat_immediate_exit(vcpu->run)) {
		ret = -EINTR;
		goto out;
	}
	/* The window's control is set where events are looked at. */
	if (window_requested(vcpu))
		mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	ret = run_loop(vcpu);
out:
	if (ret >= 0)
		vcpu->stats.user_exits++;
	if (unlikely(vcpu->arch.nr_rom_copies))
		rom_write_forget(vcpu);
	/* Userspace that stops its vCPUs and reads the dirty log must find every page there. */
	exit_flush_pml(vcpu);
	if (unlikely(rflags_read(vcpu) & X86_EFLAGS_TF))
		single_step_take(vcpu);
	fpu_put_guest(vcpu);
	store_userspace_regs(vcpu);
	fill_run_page(vcpu);
	return ret;
}
