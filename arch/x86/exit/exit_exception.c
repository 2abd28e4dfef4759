// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions that exit, the triple fault, and task switches.
 *
 * SDM, "Exception Bitmap", "Exit Qualification for Debug Exceptions", "Exit Qualification for Task
 * Switches", "Information for VM Exits That Occur During Event Delivery". #DB and #AC exit always
 * (see vmx_update_exception_bitmap()), #UD for KVM's quirk FIX_HYPERCALL_INSN, #BP when userspace
 * debugs the guest, #MC for the host. The task switch itself is in insn/task_switch.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/sched.h>
#include <asm/cpu.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/event/debug.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/interruptibility.h"
#include "arch/x86/event/single_step.h"
#include "arch/x86/event/skip.h"
#include "arch/x86/exit/exit_exception.h"
#include "arch/x86/exit/table.h"
#include "arch/x86/insn/descriptor.h"
#include "arch/x86/insn/mmio.h"
#include "arch/x86/insn/task_switch.h"
#include "arch/x86/mmu/guest_walk.h"
#include "arch/x86/vmx/vmx_vcpu.h"

/**
 * exit_debug() - KVM_EXIT_DEBUG
 * @vcpu: loaded vCPU; userspace debugs it
 * @vector: #DB or #BP
 * @dr6: what happened; the bits that read as 1 are added
 *
 * Return: 0, for the exit handler to return.
 */
int exit_debug(struct mkvm_vcpu *vcpu, u8 vector, unsigned long dr6)
{
	struct kvm_debug_exit_arch *exit = &vcpu->run->debug.arch;

	vcpu->run->exit_reason = KVM_EXIT_DEBUG;
	exit->exception = vector;
	exit->pc = vmx_get_segment_base(vcpu, SEG_CS) + rip_read(vcpu);
	exit->dr6 = dr6 | DR6_RESERVED;
	/* The one in force: the debugger's, or the guest's own. */
	exit->dr7 = vmx_get_dr7(vcpu);
	return 0;
}

static int handle_debug(struct mkvm_vcpu *vcpu, u32 info)
{
	unsigned long dr6 = vmcs_read64(EXIT_QUALIFICATION);

	/* Delivering a pending single step consumes it. */
	if (vcpu->arch.guest_debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))
		return exit_debug(vcpu, X86_TRAP_DB, dr6);
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_PRIV_SW_EXCEPTION)
		/* INT1 traps, but its exit comes before it: the handler returns behind it. */
		skip_untrapped(vcpu, vmcs_read32(VM_EXIT_INSTRUCTION_LEN));
	else if ((rflags_read(vcpu) & X86_EFLAGS_TF) && event_get_shadow(vcpu))
		/* VM entry wants the step behind STI or MOV SS pending; the exit cleared it. */
		single_step_pend();
	inject_debug(vcpu, dr6 & ~(unsigned long)DR6_RESERVED);
	return 1;
}

/*
 * RDPID where the host's processor has none: F3 [REX] 0F C7, ModRM.reg 7 and a register (SDM
 * volume 2). Its result is IA32_TSC_AUX.
 */
static bool emulate_rdpid(struct mkvm_vcpu *vcpu, u64 rip, u32 user)
{
	struct walk_fault fault;
	u8 code[5], *p = code;
	u8 rex = 0, reg;
	bool l = vmx_in_64bit_code(vcpu);
	u64 aux;

	if (!guest_cpuid_has(vcpu, X86_FEATURE_RDPID) ||
	    guest_read_linear(vcpu, rip, code, 4, WALK_FETCH | user, &fault) || *p++ != 0xf3)
		return false;
	if (l && (*p & 0xf0) == 0x40) {
		rex = *p++;
		if (guest_read_linear(vcpu, rip + 4, code + 4, 1, WALK_FETCH | user, &fault))
			return false;
	}
	if (p[0] != 0x0f || p[1] != 0xc7 || (p[2] & 0xf8) != 0xf8 ||
	    vmx_get_msr(vcpu, MSR_TSC_AUX, &aux))
		return false;
	reg = (p[2] & 7) | (rex & 1) << 3;
	reg_write(vcpu, reg, (u32)aux);
	skip_bytes(vcpu, p + 3 - code);
	return true;
}

/* A feature of KVM_GET_EMULATED_CPUID's that this guest has and this processor has not. */
static int emulate_undefined(struct mkvm_vcpu *vcpu, u64 rip, u32 user)
{
	int ret = -ENOENT;

	if (!boot_cpu_has(X86_FEATURE_RDPID) && emulate_rdpid(vcpu, rip, user))
		return 1;
	if (!boot_cpu_has(X86_FEATURE_MOVBE) && guest_cpuid_has(vcpu, X86_FEATURE_MOVBE))
		ret = mmio_emulate_movbe(vcpu);
	if (ret != -ENOENT)
		return ret;
	inject_ud(vcpu);
	return 1;
}

/*
 * KVM_X86_QUIRK_FIX_HYPERCALL_INSN: a guest that took VMMCALL, the instruction of the other vendor,
 * gets VMCALL written in its place, if it could have written there itself.
 */
static int handle_undefined(struct mkvm_vcpu *vcpu)
{
	static const u8 vmcall[] = { 0x0f, 0x01, 0xc1 }, vmmcall[] = { 0x0f, 0x01, 0xd9 };
	u32 user = vmx_get_code(vcpu).cpl == 3 ? WALK_USER : 0;
	u64 rip = vmx_get_segment_base(vcpu, SEG_CS) + rip_read(vcpu);
	struct walk_fault fault;
	u8 code[sizeof(vmmcall)];
	int ret;

	if ((READ_ONCE(vcpu->vm->arch.disabled_quirks) & KVM_X86_QUIRK_FIX_HYPERCALL_INSN) ||
	    guest_read_linear(vcpu, rip, code, sizeof(code), WALK_FETCH | user, &fault) ||
	    memcmp(code, vmmcall, sizeof(code)))
		return emulate_undefined(vcpu, rip, user);
	ret = guest_write_linear(vcpu, rip, vmcall, sizeof(vmcall), user, &fault);
	if (ret > 0)
		descriptor_inject_fault(vcpu, &fault);
	else if (ret)
		inject_ud(vcpu);
	return 1;
}

/*
 * The host may have the processor raise #AC at every access that locks two cache lines, in guests,
 * too (SDM, "MSR_TEST_CTRL"). A guest gets those that it asked for: CR0.AM and RFLAGS.AC at CPL 3.
 */
static bool is_hosts_split_lock(struct mkvm_vcpu *vcpu)
{
	return boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) &&
	       !(vmx_get_code(vcpu).cpl == 3 && (cr0_read(vcpu) & X86_CR0_AM) &&
		 (rflags_read(vcpu) & X86_EFLAGS_AC));
}

static int exception_to_user(struct mkvm_vcpu *vcpu, u32 info)
{
	vcpu->run->exit_reason = KVM_EXIT_EXCEPTION;
	vcpu->run->ex.exception = info & INTR_INFO_VECTOR_MASK;
	vcpu->run->ex.error_code = info & INTR_INFO_DELIVER_CODE_MASK ?
				   vmcs_read32(VM_EXIT_INTR_ERROR_CODE) : 0;
	return 0;
}

int exit_exception_nmi(struct mkvm_vcpu *vcpu)
{
	u32 info = vmcs_read32(VM_EXIT_INTR_INFO);
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	/* hot_loop.c gave NMIs and machine checks to the host already. */
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR || vector == X86_TRAP_MC)
		return 1;

	/* An IRET that faulted had unblocked NMIs already (SDM, "NMI unblocking due to IRET"). */
	if (!to_vmx(vcpu)->idt_vectoring_valid && (info & INTR_INFO_UNBLOCK_NMI) &&
	    vector != X86_TRAP_DF)
		event_set_nmi_mask(vcpu, true);

	switch (vector) {
	case X86_TRAP_DB:
		return handle_debug(vcpu, info);
	case X86_TRAP_UD:
		return handle_undefined(vcpu);
	case X86_TRAP_BP:
		vcpu->arch.exception.injected = false;
		return exit_debug(vcpu, X86_TRAP_BP, 0);
	case X86_TRAP_AC:
		if (is_hosts_split_lock(vcpu)) {
			/* It warns, and lets this thread lock as it likes; or it is fatal here. */
			if (handle_guest_split_lock(rip_read(vcpu)))
				return 1;
			return exception_to_user(vcpu, info);
		}
		inject_exception_code(vcpu, X86_TRAP_AC, vmcs_read32(VM_EXIT_INTR_ERROR_CODE));
		return 1;
	default:
		return exception_to_user(vcpu, info);
	}
}

int exit_triple_fault(struct mkvm_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return 0;
}

#define QUAL_SELECTOR(q)	((u16)(q))
#define QUAL_SOURCE(q)		(((q) >> 30) & 3)

/* An event reached a task gate in the IDT: what is it, and does it come from an instruction? */
static void read_event(struct task_switch *ts, bool *instruction)
{
	u32 info = vmcs_read32(IDT_VECTORING_INFO_FIELD);

	if (!(info & INTR_INFO_VALID_MASK))
		return;
	switch (info & INTR_INFO_INTR_TYPE_MASK) {
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_SOFT_EXCEPTION:
	case INTR_TYPE_PRIV_SW_EXCEPTION:
		*instruction = true;
		break;
	case INTR_TYPE_NMI_INTR:
		ts->nmi = true;
		fallthrough;
	default:
		ts->external = true;
	}
	ts->has_error_code = info & INTR_INFO_DELIVER_CODE_MASK;
	if (ts->has_error_code)
		ts->error_code = vmcs_read32(IDT_VECTORING_ERROR_CODE);
}

/**
 * exit_task_switch() - CALL, JMP or IRET to another task, or a task gate in the IDT
 * @vcpu: loaded vCPU, vm->srcu read-held
 *
 * Return: as task_switch().
 */
int exit_task_switch(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	struct task_switch ts = {
		.source = QUAL_SOURCE(qualification),
		.selector = QUAL_SELECTOR(qualification),
		.next_rip = rip_read(vcpu),
	};
	bool instruction = ts.source != TASK_SWITCH_BY_GATE;

	/* SDM, "Treatment of Task Switches": outside protected mode they fault, and do not exit. */
	if (is_long_mode(vcpu) || !is_protmode(vcpu))
		return exit_unexpected(vcpu, "task switch outside protected mode");
	if (ts.source == TASK_SWITCH_BY_GATE)
		read_event(&ts, &instruction);
	if (instruction)
		ts.next_rip = (u32)(ts.next_rip + vmcs_read32(VM_EXIT_INSTRUCTION_LEN));
	return task_switch(vcpu, &ts);
}
