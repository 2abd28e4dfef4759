// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of an instruction that the module executed for the guest.
 *
 * SDM, "Information for VM Exits Due to Instruction Execution", "Interruptibility State". RIP goes
 * on behind the instruction, the shadow of STI or MOV SS ends, and with RFLAGS.TF set a single-step
 * exception is pending, as behind any other instruction.
 */
#include "arch/x86/event/single_step.h"
#include "arch/x86/event/skip.h"
#include "arch/x86/vmx/vmx_vcpu.h"

/* Outside 64-bit mode (compatibility mode is outside) the instruction pointer wraps at 4 GiB. */
static unsigned long wrapped(struct mkvm_vcpu *vcpu, unsigned long rip)
{
	return vmx_in_64bit_code(vcpu) ? rip : (u32)rip;
}

#define SHADOW	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

/* The instruction pointer may wrap, a shadow ends, or @step: the guest steps. */
static noinline int skip_rarely(struct mkvm_vcpu *vcpu, unsigned long next, u32 state, bool step)
{
	next = wrapped(vcpu, next);
	vcpu->arch.regs[GREG_RIP] = next;
	vmcs_write64(GUEST_RIP, next);
	/* The shadow of STI or MOV SS covers one instruction, which this was. */
	if (state & SHADOW)
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, state & ~SHADOW);
	/* An instruction that the module did for the guest traps like any other. */
	if (step)
		single_step_pend();
	return 1;
}

/*
 * Every exit of an instruction comes through here: what is rare stands in a function that is not
 * returned from, so that no register is saved for it. RIP is written at once, so that the entry
 * finds nothing dirty and need not look which register it is.
 */
static __always_inline int skip(struct mkvm_vcpu *vcpu, unsigned int len, bool traps)
{
	unsigned long rip = vmx_rip(vcpu), next = rip + len;
	u32 state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	bool step = traps && vmx_rflags(vcpu) & X86_EFLAGS_TF;

	if (unlikely((rip ^ next) >> 31 || state & SHADOW || step))
		return skip_rarely(vcpu, next, state, step);
	vcpu->arch.regs[GREG_RIP] = next;
	vmcs_write64(GUEST_RIP, next);
	return 1;
}

/**
 * skip_bytes() - go on behind an instruction whose length no field of the VMCS tells
 * @vcpu: loaded vCPU
 * @len: bytes
 *
 * Return: 1, for an exit handler to return.
 */
int skip_bytes(struct mkvm_vcpu *vcpu, unsigned int len)
{
	return skip(vcpu, len, true);
}

/**
 * skip_instruction() - go on behind the instruction that exited
 * @vcpu: loaded vCPU; the exit was caused by an instruction
 *
 * The exit's fields hold until the next entry, so an instruction that waited for userspace may be
 * skipped in the next KVM_RUN, too.
 *
 * Return: 1, for an exit handler to return.
 */
int skip_instruction(struct mkvm_vcpu *vcpu)
{
	return skip(vcpu, vmcs_read32(VM_EXIT_INSTRUCTION_LEN), true);
}

/**
 * skip_untrapped() - as skip_bytes(), of an instruction that is not followed by a step
 * @vcpu: loaded vCPU
 * @len: bytes
 */
void skip_untrapped(struct mkvm_vcpu *vcpu, unsigned int len)
{
	skip(vcpu, len, false);
}
