// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of exit reasons.
 *
 * SDM, "VMX Basic Exit Reasons". Every basic exit reason of the current SDM has a row here, and
 * its name in vmx/explain/exit_reason.c. A row without a handler, or a reason without a row, ends
 * in KVM_EXIT_INTERNAL_ERROR with the reason named in the log. A row's fast handler runs with
 * interrupts off inside hot_loop.c's loop, its slow handler in process context under vm->srcu.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/mp_state.h"
#include "arch/x86/event/single_step.h"
#include "arch/x86/event/skip.h"
#include "arch/x86/exit/exit_access.h"
#include "arch/x86/exit/exit_descriptor.h"
#include "arch/x86/exit/exit_exception.h"
#include "arch/x86/exit/exit_register.h"
#include "arch/x86/exit/rom_write.h"
#include "arch/x86/exit/table.h"
#include "arch/x86/insn/internal_error.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/pv/hypercall.h"
#include "arch/x86/vmx/explain/entry_failure.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "virt/yield.h"

static int exit_cpuid(struct mkvm_vcpu *vcpu)
{
	cpuid_execute(vcpu);
	return skip_instruction(vcpu);
}

/* HLT with RFLAGS.TF set: its trap ends the halt, unless the trap is a debugger's. */
static noinline int halt_stepped(struct mkvm_vcpu *vcpu)
{
	if (!(vcpu->arch.guest_debug & KVM_GUESTDBG_SINGLESTEP))
		return 1;
	single_step_drop();
	mp_state_set(vcpu, KVM_MP_STATE_HALTED);
	return exit_debug(vcpu, X86_TRAP_DB, DR_STEP);
}

static int exit_hlt(struct mkvm_vcpu *vcpu)
{
	skip_instruction(vcpu);
	vcpu->stats.halts++;
	if (!vcpu->arch.apic) {
		vcpu->run->exit_reason = KVM_EXIT_HLT;
		return 0;
	}
	if (unlikely(vmx_rflags(vcpu) & X86_EFLAGS_TF))
		return halt_stepped(vcpu);
	mp_state_set(vcpu, KVM_MP_STATE_HALTED);
	return 1;
}

static int exit_skip(struct mkvm_vcpu *vcpu)
{
	return skip_instruction(vcpu);
}

/* A device that snoops the caches sees no difference. */
static int exit_wbinvd_fast(struct mkvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->vm->arch.noncoherent_dma) ? EXIT_SLOW : exit_skip(vcpu);
}

static void write_back(void *unused)
{
	wbinvd();
}

static int exit_wbinvd(struct mkvm_vcpu *vcpu)
{
	struct cpumask *ran_on = to_cpumask(to_vmx(vcpu)->ran_on);

	if (READ_ONCE(vcpu->vm->arch.noncoherent_dma)) {
		/* The caches of CPUs where it was not are its neighbours'. */
		preempt_disable();
		on_each_cpu_mask(ran_on, write_back, NULL, 1);
		cpumask_clear(ran_on);
		cpumask_set_cpu(smp_processor_id(), ran_on);
		preempt_enable();
	}
	return exit_skip(vcpu);
}

static int exit_undefined(struct mkvm_vcpu *vcpu)
{
	inject_ud(vcpu);
	return 1;
}

static int exit_rdpmc(struct mkvm_vcpu *vcpu)
{
	/* The guest has no performance counters: every index is out of range. */
	inject_gp(vcpu, 0);
	return 1;
}

static int exit_vmcall(struct mkvm_vcpu *vcpu)
{
	int ret = hypercall_execute(vcpu);

	if (ret == HYPERCALL_MUST_SLEEP)
		return EXIT_SLOW;
	skip_instruction(vcpu);
	return ret;
}

static int exit_go_on(struct mkvm_vcpu *vcpu)
{
	return 1;
}

static int exit_interrupt_window(struct mkvm_vcpu *vcpu)
{
	/* If it is userspace that waits for it, the run loop must see it. */
	if (unlikely(vcpu->run->request_interrupt_window) && irqs_disabled())
		return EXIT_SLOW;
	vmx_cpu_based_clear(to_vmx(vcpu), CPU_BASED_INTR_WINDOW_EXITING);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return 1;
}

static int exit_nmi_window(struct mkvm_vcpu *vcpu)
{
	vmx_cpu_based_clear(to_vmx(vcpu), CPU_BASED_NMI_WINDOW_EXITING);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return 1;
}

static int exit_tpr_below_threshold(struct mkvm_vcpu *vcpu)
{
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return 1;
}

static int exit_pause(struct mkvm_vcpu *vcpu)
{
	/* A vCPU that spins waits for one that does not run: let that one have the CPU. */
	skip_instruction(vcpu);
	mkvm_vcpu_on_spin(vcpu);
	return 1;
}

static int exit_monitor_trap(struct mkvm_vcpu *vcpu)
{
	rom_write_forget(vcpu);
	return 1;
}

static int exit_preemption_timer(struct mkvm_vcpu *vcpu)
{
	lapic_inject_timer(vcpu);
	/* The module option is there to give the host its turn. */
	return vmx_entry_timer_ticks ? EXIT_SLOW : 1;
}

/* The processor has carried the EOI out; the IOAPIC or an irqfd waits for that of this vector. */
static int exit_virtualized_eoi(struct mkvm_vcpu *vcpu)
{
	lapic_eoi_virtualized(vcpu, vmcs_read64(EXIT_QUALIFICATION));
	return 1;
}

/* A trap: the register holds what the guest wrote, RIP is behind the instruction. */
static int exit_apic_write(struct mkvm_vcpu *vcpu)
{
	lapic_virtual_write(vcpu, vmcs_read64(EXIT_QUALIFICATION) & 0xfff);
	return 1;
}

#define ROW(reason, fast_fn, slow_fn)	\
	[reason] = { fast_fn, slow_fn }
#define ROW_IN_DELIVERY(reason, fast_fn, slow_fn)	\
	[reason] = { fast_fn, slow_fn, .in_delivery = true }
#define UNEXPECTED(reason)		\
	[reason] = { NULL, NULL }

const struct exit_row exit_rows[NR_EXIT_REASONS + 1] = {
	ROW_IN_DELIVERY(EXIT_REASON_EXCEPTION_NMI, NULL, exit_exception_nmi),
	ROW(EXIT_REASON_EXTERNAL_INTERRUPT, NULL, exit_go_on),
	ROW(EXIT_REASON_TRIPLE_FAULT, NULL, exit_triple_fault),
	UNEXPECTED(EXIT_REASON_INIT_SIGNAL),
	UNEXPECTED(REASON_SIPI),
	UNEXPECTED(REASON_IO_SMI),
	UNEXPECTED(REASON_OTHER_SMI),
	ROW(EXIT_REASON_INTERRUPT_WINDOW, exit_interrupt_window, exit_interrupt_window),
	ROW(EXIT_REASON_NMI_WINDOW, exit_nmi_window, exit_nmi_window),
	ROW_IN_DELIVERY(EXIT_REASON_TASK_SWITCH, NULL, exit_task_switch),
	ROW(EXIT_REASON_CPUID, exit_cpuid, exit_cpuid),
	ROW(REASON_GETSEC, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_HLT, exit_hlt, exit_hlt),
	ROW(EXIT_REASON_INVD, exit_skip, exit_skip),
	ROW(EXIT_REASON_INVLPG, NULL, exit_invlpg),
	ROW(EXIT_REASON_RDPMC, exit_rdpmc, exit_rdpmc),
	ROW(EXIT_REASON_RDTSC, exit_rdtsc, exit_rdtsc),
	UNEXPECTED(REASON_RSM),
	ROW(EXIT_REASON_VMCALL, exit_vmcall, exit_vmcall),
	ROW(EXIT_REASON_VMCLEAR, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_VMLAUNCH, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_VMPTRLD, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_VMPTRST, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_VMREAD, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_VMRESUME, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_VMWRITE, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_VMOFF, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_VMON, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_CR_ACCESS, exit_fast_cr, exit_cr),
	ROW(EXIT_REASON_DR_ACCESS, NULL, exit_dr),
	ROW(EXIT_REASON_IO_INSTRUCTION, exit_fast_io, exit_io),
	ROW(EXIT_REASON_MSR_READ, exit_fast_rdmsr, exit_rdmsr),
	ROW(EXIT_REASON_MSR_WRITE, exit_fast_wrmsr, exit_wrmsr),
	ROW(EXIT_REASON_INVALID_STATE, NULL, entry_failure_exit),
	ROW(EXIT_REASON_MSR_LOAD_FAIL, NULL, entry_failure_exit),
	ROW(EXIT_REASON_MWAIT_INSTRUCTION, exit_monitor_mwait, exit_monitor_mwait),
	ROW(EXIT_REASON_MONITOR_TRAP_FLAG, NULL, exit_monitor_trap),
	ROW(EXIT_REASON_MONITOR_INSTRUCTION, exit_monitor_mwait, exit_monitor_mwait),
	ROW(EXIT_REASON_PAUSE_INSTRUCTION, NULL, exit_pause),
	ROW(EXIT_REASON_MCE_DURING_VMENTRY, NULL, entry_failure_exit),
	ROW(EXIT_REASON_TPR_BELOW_THRESHOLD, exit_tpr_below_threshold, exit_tpr_below_threshold),
	ROW_IN_DELIVERY(EXIT_REASON_APIC_ACCESS, exit_fast_apic_access, exit_apic_access),
	ROW(EXIT_REASON_EOI_INDUCED, NULL, exit_virtualized_eoi),
	ROW(EXIT_REASON_GDTR_IDTR, NULL, exit_descriptor_table),
	ROW(EXIT_REASON_LDTR_TR, NULL, exit_descriptor_table),
	ROW_IN_DELIVERY(EXIT_REASON_EPT_VIOLATION, exit_fast_ept_violation, exit_ept_violation),
	ROW_IN_DELIVERY(EXIT_REASON_EPT_MISCONFIG, NULL, exit_ept_misconfig),
	ROW(EXIT_REASON_INVEPT, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_RDTSCP, exit_rdtscp, exit_rdtscp),
	ROW(EXIT_REASON_PREEMPTION_TIMER, exit_preemption_timer, exit_go_on),
	ROW(EXIT_REASON_INVVPID, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_WBINVD, exit_wbinvd_fast, exit_wbinvd),
	ROW(EXIT_REASON_XSETBV, NULL, exit_xsetbv),
	ROW(EXIT_REASON_APIC_WRITE, exit_apic_write, exit_apic_write),
	ROW(EXIT_REASON_RDRAND, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_INVPCID, NULL, exit_invpcid),
	ROW(EXIT_REASON_VMFUNC, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_ENCLS, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_RDSEED, exit_undefined, exit_undefined),
	ROW_IN_DELIVERY(EXIT_REASON_PML_FULL, NULL, exit_pml_full),
	ROW(EXIT_REASON_XSAVES, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_XRSTORS, exit_undefined, exit_undefined),
	ROW(REASON_PCONFIG, exit_undefined, exit_undefined),
	UNEXPECTED(REASON_SPP),
	ROW(EXIT_REASON_UMWAIT, exit_undefined, exit_undefined),
	ROW(EXIT_REASON_TPAUSE, exit_undefined, exit_undefined),
	ROW(REASON_LOADIWKEY, exit_undefined, exit_undefined),
	ROW(REASON_ENCLV, exit_undefined, exit_undefined),
	UNEXPECTED(REASON_ENQCMD_PASID),
	UNEXPECTED(REASON_ENQCMDS_PASID),
	UNEXPECTED(EXIT_REASON_BUS_LOCK),
	UNEXPECTED(REASON_INSTRUCTION_TIMEOUT),
	ROW(REASON_SEAMCALL, exit_undefined, exit_undefined),
	ROW(REASON_TDCALL, exit_undefined, exit_undefined),
	ROW(REASON_RDMSRLIST, exit_undefined, exit_undefined),
	ROW(REASON_WRMSRLIST, exit_undefined, exit_undefined),
};

/**
 * exit_unexpected() - an exit that has no handler, or a state that cannot be: end KVM_RUN
 * @vcpu: loaded vCPU
 * @what: what was wrong
 *
 * Return: 0, with KVM_EXIT_INTERNAL_ERROR (KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON) in
 * vcpu->run: data[0] the exit reason, data[1] the host CPU.
 */
int exit_unexpected(struct mkvm_vcpu *vcpu, const char *what)
{
	u32 reason = to_vmx(vcpu)->exit_reason;

	pr_err_ratelimited("vm %s vcpu %u: %s: exit reason %u (%s) at RIP 0x%lx\n",
			   vcpu->vm->name, vcpu->id, what, reason & 0xffff,
			   exit_reason_name(reason), rip_read(vcpu));
	return internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, 2,
				   (u64[]){ reason, vcpu->cpu });
}

/**
 * exit_delivery_failed() - an event cannot be delivered and the guest cannot know
 * @vcpu: loaded vCPU
 *
 * Return: 0, with KVM_INTERNAL_ERROR_DELIVERY_EV: data[0] the IDT-vectoring information, data[1]
 * the exit reason, data[2] the exit qualification, then of an EPT exit the guest-physical address,
 * last the host CPU, as in KVM.
 */
int exit_delivery_failed(struct mkvm_vcpu *vcpu)
{
	u32 reason = to_vmx(vcpu)->exit_reason;
	u64 data[5];
	int n = 0;

	pr_notice_ratelimited("vm %s vcpu %u: %s while vector %u was delivered\n",
			      vcpu->vm->name, vcpu->id, exit_reason_name(reason),
			      vmcs_read32(IDT_VECTORING_INFO_FIELD) & INTR_INFO_VECTOR_MASK);
	data[n++] = vmcs_read32(IDT_VECTORING_INFO_FIELD);
	data[n++] = reason;
	data[n++] = vmcs_read64(EXIT_QUALIFICATION);
	if (reason == EXIT_REASON_EPT_VIOLATION || reason == EXIT_REASON_EPT_MISCONFIG)
		data[n++] = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
	data[n++] = vcpu->cpu;
	return internal_error(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV, n, data);
}

/**
 * exit_handle() - the slow half of an exit
 * @vcpu: loaded vCPU; process context, vm->srcu read-held
 *
 * Return: 1 = enter again, 0 = vcpu->run is filled for userspace, < 0 = errno of KVM_RUN.
 */
int exit_handle(struct mkvm_vcpu *vcpu)
{
	u32 reason = to_vmx(vcpu)->exit_reason;
	exit_handler slow;

	if (unlikely(reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return entry_failure_exit(vcpu);
	slow = exit_row(reason)->slow;
	return likely(slow) ? slow(vcpu) : exit_unexpected(vcpu, "no handler");
}
