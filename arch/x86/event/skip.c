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
static noinline unsigned long wrapped(struct mkvm_vcpu *vcpu, unsigned long rip)
{
	return vmx_in_64bit_code(vcpu) ? rip : (u32)rip;
}

/*
 * Every exit of an instruction comes through here: what is rare stands elsewhere. RIP is written at
 * once, so that the entry finds nothing dirty and need not look which register it is.
 */
static __always_inline void skip(struct mkvm_vcpu *vcpu, unsigned int len)
{
	unsigned long rip = vmx_rip(vcpu), next = rip + len;
	u32 state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	if (unlikely((rip ^ next) >> 31))
		next = wrapped(vcpu, next);
	vcpu->arch.regs[GREG_RIP] = next;
	vmcs_write64(GUEST_RIP, next);
	/* The shadow of STI or MOV SS covers one instruction, which this was. */
	if (unlikely(state & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)))
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO,
			     state & ~(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS));
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
	skip(vcpu, len);
	/* An instruction that the module did for the guest traps like any other. */
	if (unlikely(vmx_rflags(vcpu) & X86_EFLAGS_TF))
		single_step_pend();
	return 1;
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
	return skip_bytes(vcpu, vmcs_read32(VM_EXIT_INSTRUCTION_LEN));
}

/**
 * skip_untrapped() - as skip_bytes(), of an instruction that is not followed by a step
 * @vcpu: loaded vCPU
 * @len: bytes
 */
void skip_untrapped(struct mkvm_vcpu *vcpu, unsigned int len)
{
	skip(vcpu, len);
}
