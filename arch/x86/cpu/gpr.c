// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET/SET_REGS: the general registers, RIP and RFLAGS.
 *
 * KVM's ABI, struct kvm_regs. Also what KVM_RUN moves with KVM_CAP_SYNC_REGS. Relies on regs.h.
 */
#include <linux/kvm.h>
#include <asm/processor-flags.h>

#include "arch/x86/cpu/gpr.h"
#include "arch/x86/regs.h"
#include "arch/x86/vmx/vmx.h"

/* Where struct kvm_regs keeps each general register. */
#define AT(member)	offsetof(struct kvm_regs, member)
static const u8 regs_offset[GREG_RIP] = {
	[GREG_RAX] = AT(rax), [GREG_RCX] = AT(rcx), [GREG_RDX] = AT(rdx), [GREG_RBX] = AT(rbx),
	[GREG_RSP] = AT(rsp), [GREG_RBP] = AT(rbp), [GREG_RSI] = AT(rsi), [GREG_RDI] = AT(rdi),
	[GREG_R8] = AT(r8), [GREG_R9] = AT(r9), [GREG_R10] = AT(r10), [GREG_R11] = AT(r11),
	[GREG_R12] = AT(r12), [GREG_R13] = AT(r13), [GREG_R14] = AT(r14), [GREG_R15] = AT(r15),
};

/**
 * gpr_get() - KVM_GET_REGS
 * @vcpu: loaded vCPU
 * @regs: the result
 */
void gpr_get(struct mkvm_vcpu *vcpu, struct kvm_regs *regs)
{
	int i;

	for (i = 0; i < GREG_RIP; i++)
		*(u64 *)((char *)regs + regs_offset[i]) = reg_read(vcpu, i);
	regs->rip = rip_read(vcpu);
	regs->rflags = rflags_read(vcpu);
	/* The trap flag of a single step that userspace asked for is not the guest's. */
	if (vcpu->arch.guest_debug & KVM_GUESTDBG_SINGLESTEP)
		regs->rflags &= ~(u64)X86_EFLAGS_TF;
}

/**
 * gpr_set() - KVM_SET_REGS
 * @vcpu: loaded vCPU
 * @regs: the new values
 */
void gpr_set(struct mkvm_vcpu *vcpu, const struct kvm_regs *regs)
{
	int i;

	for (i = 0; i < GREG_RIP; i++)
		reg_write(vcpu, i, *(const u64 *)((const char *)regs + regs_offset[i]));
	rip_write(vcpu, regs->rip);
	rflags_write(vcpu, regs->rflags | X86_EFLAGS_FIXED);
	if (vcpu->arch.guest_debug & KVM_GUESTDBG_SINGLESTEP)
		rflags_set_tf(vcpu, true);
	/* An exception of the instruction that stood there is none any more. */
	vcpu->arch.exception.pending = false;
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
}
