/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way into the guest and back.
 *
 * SDM, "VM Entries" and "VM Exits". vmx_enter() is an ordinary function to C: it loads the
 * guest's registers, executes VMLAUNCH or VMRESUME, and returns when the guest exits or when
 * the entry fails. The processor leaves RSP and RIP to HOST_RSP and HOST_RIP; everything else
 * in the general registers is the guest's and is stored, then cleared, before any C code runs.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#include "asm-offsets.h"

/*
 * VERW empties the buffers of MDS and its relatives. Debian's kernels switch it on for Intel as for
 * the way to user mode; newer ones have a switch of their own for guests.
 */
#ifndef X86_FEATURE_CLEAR_CPU_BUF
#error "this kernel has no VERW for the way into a guest; minikvm needs a newer 6.1 or 6.12"
#endif
#ifndef VM_CLEAR_CPU_BUFFERS
#define VM_CLEAR_CPU_BUFFERS
#endif

/* regs[] is indexed as the hardware encodes registers. */
#define REG(n)	((n) * 8)

	.section .noinstr.text, "ax"

/**
 * vmx_enter() - run the guest once
 * @vmx: %rdi, struct vmx_vcpu
 * @regs: %rsi, sixteen guest registers (RSP's slot is not used)
 *
 * Interrupts are off, the VMCS is current on this CPU, HOST_RIP is vmx_exit_point.
 *
 * Return: VMX_ENTERED after a VM exit (also one that reports a failed entry), VMX_ENTRY_VMFAIL
 * when VMLAUNCH or VMRESUME set CF or ZF, VMX_ENTRY_FAULT when it faulted (VMX is off).
 */
SYM_FUNC_START(vmx_enter)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	/* What the way back needs, found relative to HOST_RSP: vmx, regs. */
	push	%rdi
	push	%rsi

	/* The stack is the same from one run to the next: most entries skip this VMWRITE. */
	cmp	%rsp, VMX_HOST_RSP_OFFSET(%rdi)
	je	.Lhost_rsp_current
	mov	$VMX_HOST_RSP_FIELD, %eax
	vmwrite	%rsp, %rax
	mov	%rsp, VMX_HOST_RSP_OFFSET(%rdi)
.Lhost_rsp_current:

	/* The guest's IA32_SPEC_CTRL, only when it may set one and it differs from the host's. */
	btl	$VMX_ENTER_SPEC_CTRL_BIT, VMX_ENTER_FLAGS_OFFSET(%rdi)
	jnc	.Lspec_ctrl_done
	mov	VMX_SPEC_CTRL_OFFSET(%rdi), %rax
	cmp	VMX_SPEC_CTRL_HOST_OFFSET(%rdi), %rax
	je	.Lspec_ctrl_done
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	VMX_SPEC_CTRL_OFFSET+4(%rdi), %edx
.Lspec_ctrl_guest:
	wrmsr
.Lspec_ctrl_done:

	/* CF = launched before; neither MOV nor VERW changes CF. */
	btl	$VMX_ENTER_LAUNCHED_BIT, VMX_ENTER_FLAGS_OFFSET(%rdi)
	mov	%rsi, %rax
	mov	REG(1)(%rax), %rcx
	mov	REG(2)(%rax), %rdx
	mov	REG(3)(%rax), %rbx
	mov	REG(5)(%rax), %rbp
	mov	REG(6)(%rax), %rsi
	mov	REG(7)(%rax), %rdi
	mov	REG(8)(%rax), %r8
	mov	REG(9)(%rax), %r9
	mov	REG(10)(%rax), %r10
	mov	REG(11)(%rax), %r11
	mov	REG(12)(%rax), %r12
	mov	REG(13)(%rax), %r13
	mov	REG(14)(%rax), %r14
	mov	REG(15)(%rax), %r15
	mov	REG(0)(%rax), %rax
	CLEAR_CPU_BUFFERS
	VM_CLEAR_CPU_BUFFERS
	/* The unwinder's view here holds again at vmx_exit_point. */
	UNWIND_HINT_SAVE
	jnc	.Lvmlaunch

.Lvmresume:
	vmresume
	jmp	.Lvmfail

.Lvmlaunch:
	vmlaunch
	jmp	.Lvmfail

	_ASM_EXTABLE(.Lvmresume, .Lfault)
	_ASM_EXTABLE(.Lvmlaunch, .Lfault)
	/* msr.c lets nothing through that this CPU lacks; should it, the guest goes without. */
	_ASM_EXTABLE(.Lspec_ctrl_guest, .Lspec_ctrl_done)

/* HOST_RIP. Nothing but RSP (and what the VMCS loads) is the host's yet. */
SYM_INNER_LABEL(vmx_exit_point, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	UNWIND_HINT_RESTORE
	push	%rax
	mov	8(%rsp), %rax
	pop	REG(0)(%rax)
	mov	%rcx, REG(1)(%rax)
	mov	%rdx, REG(2)(%rax)
	mov	%rbx, REG(3)(%rax)
	mov	%rbp, REG(5)(%rax)
	mov	%rsi, REG(6)(%rax)
	mov	%rdi, REG(7)(%rax)
	mov	%r8,  REG(8)(%rax)
	mov	%r9,  REG(9)(%rax)
	mov	%r10, REG(10)(%rax)
	mov	%r11, REG(11)(%rax)
	mov	%r12, REG(12)(%rax)
	mov	%r13, REG(13)(%rax)
	mov	%r14, REG(14)(%rax)
	mov	%r15, REG(15)(%rax)
	mov	$VMX_ENTERED_CODE, %ebx

.Lclear_registers:
	/*
	 * No register may carry a value of the guest's choice into speculation in the host.
	 * EBX holds the result; the callee-saved ones come from the stack below.
	 */
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

	/* Before the first RET: the guest filled the return stack buffer. */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT,\
			   X86_FEATURE_RSB_VMEXIT_LITE

	pop	%rsi
	pop	%rdi
	btl	$VMX_ENTER_SPEC_CTRL_BIT, VMX_ENTER_FLAGS_OFFSET(%rdi)
	jnc	.Lspec_ctrl_equal
	/* The guest may have written it without an exit: keep its value, restore the host's. */
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	rdmsr
	mov	%eax, VMX_SPEC_CTRL_OFFSET(%rdi)
	mov	%edx, VMX_SPEC_CTRL_OFFSET+4(%rdi)
	shl	$32, %rdx
	or	%rdx, %rax
	cmp	VMX_SPEC_CTRL_HOST_OFFSET(%rdi), %rax
	jne	.Lspec_ctrl_host
.Lspec_ctrl_equal:
	/* IBRS of the older kind acts when it is written, even if it was set all the while. */
	ALTERNATIVE "jmp .Lspec_ctrl_host_done", "", X86_FEATURE_KERNEL_IBRS
.Lspec_ctrl_host:
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	VMX_SPEC_CTRL_HOST_OFFSET(%rdi), %eax
	mov	VMX_SPEC_CTRL_HOST_OFFSET+4(%rdi), %edx
	wrmsr
.Lspec_ctrl_host_done:
	/* Nor may a branch above that was mispredicted go on with the guest's value. */
	ALTERNATIVE "", "lfence", X86_FEATURE_MSR_SPEC_CTRL
	CLEAR_BRANCH_HISTORY_VMEXIT
	mov	%ebx, %eax
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

.Lfault:
	mov	$VMX_ENTRY_FAULT_CODE, %ebx
	jmp	.Lclear_registers

.Lvmfail:
	mov	$VMX_ENTRY_VMFAIL_CODE, %ebx
	jmp	.Lclear_registers
SYM_FUNC_END(vmx_enter)

/**
 * vmx_call_gate() - call a handler of the host's IDT
 * @handler: %rdi, offset of its gate
 *
 * The stack as interrupt delivery in 64-bit mode leaves it: aligned, then SS, RSP, RFLAGS, CS and
 * RIP, which is what the call pushes. The handler's IRET comes back here. Interrupts are off.
 */
SYM_FUNC_START(vmx_call_gate)
	push	%rbp
	mov	%rsp, %rbp
	and	$-16, %rsp
	push	$__KERNEL_DS
	push	%rbp
	pushf
	push	$__KERNEL_CS
	CALL_NOSPEC rdi
	leave
	RET
SYM_FUNC_END(vmx_call_gate)
