// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers, the guest's own and those that userspace borrows.
 *
 * SDM, "Debug Registers"; KVM_SET_GUEST_DEBUG, KVM_GET/SET_DEBUGREGS. While userspace debugs
 * with hardware breakpoints the CPU works with its registers (eff_db, guest_debug_dr7) and the
 * guest reads and writes a copy. Relies on vmx_set_dr7() for DR7, which the VMCS switches.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/nospec.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/event/debug.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/single_step.h"
#include "arch/x86/regs.h"
#include "arch/x86/vmx/vmx.h"

/* What reads as 1 whatever was written; bits 16 (RTM) and 11 (bus lock) are active low. */
#define DR6_ACTIVE_ONES		0xffff0ff0ul
#define DR6_WRITABLE		0x0000e00ful
#define DR6_RTM			BIT(16)
#define DR7_ONES		0x00000400ul
#define DR7_WRITABLE		0xffff2bfful
#define DR7_ARMED		0x000000fful	/* L0 to G3 */

static unsigned long dr6_fixed(struct mkvm_vcpu *vcpu, unsigned long val)
{
	unsigned long writable = DR6_WRITABLE;

	if (guest_cpuid_has(vcpu, X86_FEATURE_RTM))
		writable |= DR6_RTM;
	return (val & writable) | (DR6_ACTIVE_ONES & ~writable);
}

/**
 * debug_merge_dr6() - a #DB is delivered: add to DR6 what it is about
 * @vcpu: loaded vCPU
 * @payload: of an exit qualification, or of userspace: SDM, "Pending debug exceptions". Bits that
 *	are 0 in DR6 when they say something are 1 here
 *
 * DR6 is loaded into the processor, so the result must be a value that DR6 takes whatever the
 * payload is.
 */
void debug_merge_dr6(struct mkvm_vcpu *vcpu, u64 payload)
{
	bool live = vcpu->arch.switch_db_regs & DEBUG_DR6_LIVE;
	u64 dr6;

	if (live)
		get_debugreg(vcpu->arch.dr6, 6);
	dr6 = (vcpu->arch.dr6 & ~0xfull) | DR6_ACTIVE_ONES;
	dr6 = (dr6 | payload) ^ (payload & DR6_ACTIVE_ONES);
	vcpu->arch.dr6 = dr6_fixed(vcpu, dr6);
	if (live)
		set_debugreg(vcpu->arch.dr6, 6);
}

/* Recompute what is in force after arch.db, dr7 or guest_debug changed. */
static void update(struct mkvm_vcpu *vcpu)
{
	struct mkvm_arch_vcpu *a = &vcpu->arch;
	unsigned long dr7 = a->dr7;

	if (a->guest_debug & KVM_GUESTDBG_USE_HW_BP)
		dr7 = a->guest_debug_dr7;
	else
		memcpy(a->eff_db, a->db, sizeof(a->eff_db));
	vmx_set_dr7(vcpu, dr7);
	a->switch_db_regs &= ~DEBUG_BP_ENABLED;
	if (dr7 & DR7_ARMED)
		a->switch_db_regs |= DEBUG_BP_ENABLED;
}

/**
 * debug_clear_dr7() - the processor itself clears bits of the guest's DR7
 * @vcpu: loaded vCPU
 * @bits: GD when a #DB is delivered, L0 to L3 and LE at a task switch
 */
void debug_clear_dr7(struct mkvm_vcpu *vcpu, unsigned long bits)
{
	vcpu->arch.dr7 &= ~bits;
	update(vcpu);
}

/**
 * debug_load_guest() - put the guest's DR0 to DR3 and DR6 into the processor
 * @vcpu: loaded vCPU whose switch_db_regs is not 0
 *
 * Context: interrupts off, directly before guest mode.
 */
void debug_load_guest(struct mkvm_vcpu *vcpu)
{
	/* Nothing may trigger while host and guest values are mixed. */
	set_debugreg(0, 7);
	set_debugreg(vcpu->arch.eff_db[0], 0);
	set_debugreg(vcpu->arch.eff_db[1], 1);
	set_debugreg(vcpu->arch.eff_db[2], 2);
	set_debugreg(vcpu->arch.eff_db[3], 3);
	if (vcpu->arch.switch_db_regs & DEBUG_WONT_EXIT) {
		set_debugreg(vcpu->arch.dr6, 6);
		vcpu->arch.switch_db_regs |= DEBUG_DR6_LIVE;
	}
}

/* The guest may have changed the lent registers: keep what they hold; MOV DR exits again. */
static void take_back(struct mkvm_vcpu *vcpu)
{
	struct mkvm_arch_vcpu *a = &vcpu->arch;

	get_debugreg(a->db[0], 0);
	get_debugreg(a->db[1], 1);
	get_debugreg(a->db[2], 2);
	get_debugreg(a->db[3], 3);
	get_debugreg(a->dr6, 6);
	set_debugreg(DR6_RESERVED, 6);
	a->dr7 = vmx_get_dr7(vcpu);
	a->switch_db_regs &= ~(DEBUG_WONT_EXIT | DEBUG_DR6_LIVE);
	vmx_set_mov_dr_exiting(vcpu, true);
	update(vcpu);
}

/**
 * debug_put_guest() - take the guest's debug registers back, and give the host its breakpoints
 * @vcpu: loaded vCPU whose switch_db_regs is not 0
 *
 * Context: interrupts off, directly behind guest mode.
 */
void debug_put_guest(struct mkvm_vcpu *vcpu)
{
	if (vcpu->arch.switch_db_regs & DEBUG_WONT_EXIT)
		take_back(vcpu);
	/* VM exit cleared DR7: what DR0 to DR3 hold now triggers nothing. */
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}

/**
 * debug_lend_registers() - let the guest have the registers until debug_put_guest()
 * @vcpu: loaded vCPU, at its first MOV DR after an exit
 *
 * Does nothing while userspace debugs the guest.
 */
void debug_lend_registers(struct mkvm_vcpu *vcpu)
{
	if (vcpu->arch.guest_debug)
		return;
	vcpu->arch.switch_db_regs |= DEBUG_WONT_EXIT;
	vmx_set_mov_dr_exiting(vcpu, false);
}

/**
 * debug_get_dr() - MOV from a debug register
 * @vcpu: loaded vCPU
 * @dr: its number; 4 and 5 are DR6 and DR7, and the #UD with CR4.DE is the caller's
 * @val: the result
 *
 * Return: 0, or 1 = #GP.
 */
int debug_get_dr(struct mkvm_vcpu *vcpu, int dr, unsigned long *val)
{
	switch (dr) {
	case 0 ... 3:
		*val = vcpu->arch.db[array_index_nospec(dr, 4)];
		return 0;
	case 4:
	case 6:
		*val = vcpu->arch.dr6;
		return 0;
	case 5:
	case 7:
		*val = vcpu->arch.dr7;
		return 0;
	}
	return 1;
}

/**
 * debug_set_dr() - MOV to a debug register
 * @vcpu: loaded vCPU
 * @dr: its number, as debug_get_dr()'s
 * @val: the new value; bits that cannot be written keep their fixed value
 *
 * Return: 0, or 1 = #GP.
 */
int debug_set_dr(struct mkvm_vcpu *vcpu, int dr, unsigned long val)
{
	switch (dr) {
	case 0 ... 3:
		vcpu->arch.db[array_index_nospec(dr, 4)] = val;
		break;
	case 4:
	case 6:
		if (val >> 32)
			return 1;
		vcpu->arch.dr6 = dr6_fixed(vcpu, val);
		return 0;
	case 5:
	case 7:
		if (val >> 32)
			return 1;
		vcpu->arch.dr7 = (val & DR7_WRITABLE) | DR7_ONES;
		break;
	default:
		return 1;
	}
	update(vcpu);
	return 0;
}

/**
 * debug_set_guest_debug() - KVM_SET_GUEST_DEBUG
 * @vcpu: loaded vCPU
 * @dbg: what the debugger wants
 *
 * Return: 0; -EINVAL for an unknown bit; -EBUSY when an exception is to be injected and one waits.
 */
int debug_set_guest_debug(struct mkvm_vcpu *vcpu, const struct kvm_guest_debug *dbg)
{
	bool was_stepping = vcpu->arch.guest_debug & KVM_GUESTDBG_SINGLESTEP;
	u32 control = dbg->control;
	int i;

	if (control & ~GUESTDBG_KNOWN) {
		mkvm_refuse(vcpu->vm, "KVM_SET_GUEST_DEBUG: unknown control bits 0x%x",
			    control & ~(u32)GUESTDBG_KNOWN);
		return -EINVAL;
	}
	if (control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)) {
		if (vcpu->arch.exception.pending) {
			mkvm_refuse(vcpu->vm, "KVM_SET_GUEST_DEBUG: cannot inject while exception %u waits",
				    vcpu->arch.exception.vector);
			return -EBUSY;
		}
		inject_exception(vcpu, control & KVM_GUESTDBG_INJECT_DB ? DB_VECTOR : BP_VECTOR);
	}
	if (!(control & KVM_GUESTDBG_ENABLE))
		control = 0;
	vcpu->arch.guest_debug = control & ~(KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP);
	/* KVM_GUESTDBG_BLOCKIRQ: the processor may not deliver interrupts then. */
	mkvm_make_request(MKVM_REQ_APIC_MODE, vcpu);
	if (control & KVM_GUESTDBG_USE_HW_BP) {
		for (i = 0; i < 4; i++)
			vcpu->arch.eff_db[i] = dbg->arch.debugreg[i];
		/* A reserved bit in DR7 would make the VM entry fail. */
		vcpu->arch.guest_debug_dr7 = (dbg->arch.debugreg[7] & DR7_WRITABLE) | DR7_ONES;
	}
	update(vcpu);
	if (control & KVM_GUESTDBG_SINGLESTEP) {
		rflags_set_tf(vcpu, true);
	} else if (was_stepping) {
		/* Otherwise RFLAGS.TF is the guest's own. */
		rflags_set_tf(vcpu, false);
		single_step_drop();
	}
	vmx_update_exception_bitmap(vcpu);
	/* What KVM_GUESTDBG_BLOCKIRQ held back may come now. */
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return 0;
}

/**
 * debug_get_regs() - KVM_GET_DEBUGREGS
 * @vcpu: loaded vCPU
 * @regs: the guest's own registers, not those of a debugger
 */
void debug_get_regs(struct mkvm_vcpu *vcpu, struct kvm_debugregs *regs)
{
	int i;

	for (i = 0; i < 4; i++)
		regs->db[i] = vcpu->arch.db[i];
	regs->dr6 = vcpu->arch.dr6;
	regs->dr7 = vcpu->arch.dr7;
}

/**
 * debug_set_regs() - KVM_SET_DEBUGREGS
 * @vcpu: loaded vCPU
 * @regs: the new values; reserved bits get their fixed value
 *
 * Return: 0, or -EINVAL for flags and for bits beyond the 32 that DR6 and DR7 have.
 */
int debug_set_regs(struct mkvm_vcpu *vcpu, const struct kvm_debugregs *regs)
{
	int i;

	if (regs->flags || regs->dr6 >> 32 || regs->dr7 >> 32) {
		mkvm_refuse(vcpu->vm, "KVM_SET_DEBUGREGS: flags 0x%llx are not 0, or DR6 0x%llx or DR7 0x%llx has more than 32 bits",
			    regs->flags, regs->dr6, regs->dr7);
		return -EINVAL;
	}
	for (i = 0; i < 4; i++)
		vcpu->arch.db[i] = regs->db[i];
	vcpu->arch.dr6 = dr6_fixed(vcpu, regs->dr6);
	vcpu->arch.dr7 = (regs->dr7 & DR7_WRITABLE) | DR7_ONES;
	update(vcpu);
	return 0;
}
