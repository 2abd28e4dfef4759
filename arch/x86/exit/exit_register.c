// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of instructions on control, debug and model-specific
 * registers, RDTSC and MONITOR/MWAIT.
 *
 * SDM, "Exit Qualification for Control-Register Accesses" and "... for MOV DR". What the
 * instruction means is in cr.c, debug.c, msr.c and irq/lapic.c; here is what the exit tells.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/sched.h>
#include <asm/apicdef.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/trapnr.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/cr.h"
#include "arch/x86/cpu/msr_fast.h"
#include "arch/x86/cpu/msr_filter.h"
#include "arch/x86/cpu/tsc.h"
#include "arch/x86/event/debug.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/skip.h"
#include "arch/x86/exit/exit_exception.h"
#include "arch/x86/exit/exit_register.h"
#include "arch/x86/exit/table.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "trace/kvm_x86_events.h"

/* SDM, "Exit Qualification for Control-Register Accesses": bits 5:4. */
enum cr_access { CR_MOV_TO, CR_MOV_FROM, CR_CLTS, CR_LMSW };

/* After an instruction that may have raised #GP: skip it, or raise the fault. */
static int finish(struct mkvm_vcpu *vcpu, int fault)
{
	if (fault < 0)
		return fault;
	if (likely(!fault))
		return skip_instruction(vcpu);
	inject_gp(vcpu, 0);
	return 1;
}

static unsigned long operand(struct mkvm_vcpu *vcpu, int reg)
{
	unsigned long value = reg_read(vcpu, reg);

	return vmx_in_64bit_code(vcpu) ? value : (u32)value;
}

static int set_cr(struct mkvm_vcpu *vcpu, int cr, unsigned long value)
{
	int fault;

	switch (cr) {
	case 0:
		return finish(vcpu, cr0_set(vcpu, value));
	case 3:
		return finish(vcpu, cr3_set(vcpu, value));
	case 4:
		return finish(vcpu, cr4_set(vcpu, value));
	case 8:
		fault = cr8_set(vcpu, value);
		if (fault || vcpu->arch.apic)
			return finish(vcpu, fault);
		/* No LAPIC here: userspace has it and must see the new priority. */
		skip_instruction(vcpu);
		vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
		return 0;
	default:
		inject_ud(vcpu);
		return 1;
	}
}

/* A function of its own for what is traced: the other has no call to save registers for. */
static noinline int write_cr_traced(struct mkvm_vcpu *vcpu, int cr, unsigned long value)
{
	trace_kvm_cr(1, cr, value);
	return set_cr(vcpu, cr, value);
}

static int write_cr(struct mkvm_vcpu *vcpu, int cr, unsigned long value)
{
	if (trace_kvm_cr_enabled())
		return write_cr_traced(vcpu, cr, value);
	return set_cr(vcpu, cr, value);
}

static int read_cr(struct mkvm_vcpu *vcpu, int cr, int reg)
{
	unsigned long value;

	switch (cr) {
	case 3:
		value = cr3_read(vcpu);
		break;
	case 8:
		value = lapic_get_cr8(vcpu);
		break;
	default:
		/* CR0 and CR4 are read from the shadow without an exit. */
		return exit_unexpected(vcpu, "MOV from a control register that does not exit");
	}
	trace_kvm_cr(0, cr, value);
	reg_write(vcpu, reg, value);
	return skip_instruction(vcpu);
}

int exit_cr(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	int cr = qualification & 15, reg = (qualification >> 8) & 15;

	switch ((qualification >> 4) & 3) {
	case CR_MOV_TO:
		return write_cr(vcpu, cr, operand(vcpu, reg));
	case CR_MOV_FROM:
		return read_cr(vcpu, cr, reg);
	case CR_CLTS:
		trace_kvm_cr(1, 0, cr0_read(vcpu) & ~X86_CR0_TS);
		return finish(vcpu, cr0_set(vcpu, cr0_read(vcpu) & ~X86_CR0_TS));
	default:
		trace_kvm_cr(1, 0, (cr0_read(vcpu) & ~0xful) | (qualification >> 16 & 0xf));
		return finish(vcpu, cr0_load_msw(vcpu, qualification >> 16));
	}
}

/* CR8 is a LAPIC register; CR0 and CR4 touch nothing that sleeps unless paging or CD change. */
int exit_fast_cr(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	int cr = qualification & 15, access = (qualification >> 4) & 3;
	unsigned long changed, value;

	if (access == CR_MOV_FROM)
		return exit_cr(vcpu);
	if (access != CR_MOV_TO)
		return EXIT_SLOW;
	value = operand(vcpu, (qualification >> 8) & 15);
	switch (cr) {
	case 0:
		changed = cr0_read(vcpu) ^ value;
		break;
	case 4:
		changed = cr4_read(vcpu) ^ value;
		break;
	case 8:
		return vcpu->arch.apic ? write_cr(vcpu, 8, value) : EXIT_SLOW;
	default:
		return EXIT_SLOW;
	}
	/* Loading PDPTEs reads guest memory, and that may sleep. */
	if (!is_long_mode(vcpu) && (is_pae(vcpu) || (cr == 4 && (changed & X86_CR4_PAE))))
		return EXIT_SLOW;
	if (cr == 0 && (changed & (X86_CR0_PG | X86_CR0_PE | X86_CR0_CD)))
		return EXIT_SLOW;
	return write_cr(vcpu, cr, value);
}

int exit_dr(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	int dr = qualification & 7, reg = (qualification >> 8) & 15;
	bool from = qualification & BIT(4);
	unsigned long value;

	if (vmx_get_code(vcpu).cpl) {
		inject_gp(vcpu, 0);
		return 1;
	}
	if ((dr == 4 || dr == 5) && (cr4_read(vcpu) & X86_CR4_DE)) {
		inject_ud(vcpu);
		return 1;
	}
	if ((vcpu->arch.dr7 & DR7_GD) || (vcpu->arch.guest_debug & KVM_GUESTDBG_USE_HW_BP)) {
		if (vcpu->arch.guest_debug & KVM_GUESTDBG_USE_HW_BP &&
		    vcpu->arch.guest_debug_dr7 & DR7_GD)
			return exit_debug(vcpu, X86_TRAP_DB, DR6_BD);
		if (vcpu->arch.dr7 & DR7_GD) {
			/* General detect: the fault clears GD so that the handler can look. */
			debug_clear_dr7(vcpu, DR7_GD);
			inject_debug(vcpu, DR6_BD);
			return 1;
		}
	}
	if (!vcpu->arch.guest_debug && !vcpu->arch.switch_db_regs) {
		/* A guest that uses them once will do so again: no exits until the next put. */
		debug_lend_registers(vcpu);
		return 1;
	}
	if (from) {
		if (debug_get_dr(vcpu, dr, &value))
			return finish(vcpu, 1);
		reg_write(vcpu, reg, value);
		return finish(vcpu, 0);
	}
	return finish(vcpu, debug_set_dr(vcpu, dr, operand(vcpu, reg)));
}

int exit_xsetbv(struct mkvm_vcpu *vcpu)
{
	if (vmx_get_code(vcpu).cpl || (u32)reg_read(vcpu, GREG_RCX) != 0)
		return finish(vcpu, 1);
	return finish(vcpu, xcr0_set(vcpu, edx_eax_read(vcpu)));
}

int exit_rdmsr(struct mkvm_vcpu *vcpu)
{
	return msr_emulate_read(vcpu);
}

int exit_wrmsr(struct mkvm_vcpu *vcpu)
{
	return msr_emulate_write(vcpu);
}

/*
 * The slow way traces, the LAPIC's registers among the MSRs included. To have at hand here what an
 * event tells would cost registers, and so instructions, while it is off.
 */
static __always_inline bool msr_goes_slow(const struct mkvm_vcpu *vcpu)
{
	return unlikely(vcpu->vm->arch.msr_slow) || trace_msr();
}

int exit_fast_rdmsr(struct mkvm_vcpu *vcpu)
{
	u64 data = 0;
	int ret;

	if (msr_goes_slow(vcpu))
		return EXIT_SLOW;
	ret = msr_fast_read(vcpu, reg_read(vcpu, GREG_RCX), &data);
	if (ret == MSR_SLOW)
		return EXIT_SLOW;
	if (!ret)
		edx_eax_write(vcpu, data);
	return finish(vcpu, ret);
}

int exit_fast_wrmsr(struct mkvm_vcpu *vcpu)
{
	int ret;

	if (msr_goes_slow(vcpu))
		return EXIT_SLOW;
	ret = msr_fast_write(vcpu, reg_read(vcpu, GREG_RCX), edx_eax_read(vcpu));
	if (ret == MSR_SLOW)
		return EXIT_SLOW;
	return finish(vcpu, ret);
}

/* RDTSC exiting is off; the row exists so that a control that forces it on works. */
int exit_rdtsc(struct mkvm_vcpu *vcpu)
{
	edx_eax_write(vcpu, tsc_guest_now(vcpu));
	return skip_instruction(vcpu);
}

int exit_rdtscp(struct mkvm_vcpu *vcpu)
{
	reg_write(vcpu, GREG_RCX, (u32)to_vmx(vcpu)->uret_msrs[URET_TSC_AUX]);
	return exit_rdtsc(vcpu);
}

/*
 * MONITOR and MWAIT are hidden from CPUID; guests that use them all the same get a NOP, as KVM
 * does unless the quirk is switched off. A real MWAIT would hold the host's CPU.
 */
int exit_monitor_mwait(struct mkvm_vcpu *vcpu)
{
	if ((vcpu->vm->arch.disabled_quirks & KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS) &&
	    !guest_cpuid_has(vcpu, X86_FEATURE_MWAIT)) {
		inject_ud(vcpu);
		return 1;
	}
	return skip_instruction(vcpu);
}
