/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The least code that can run a guest: enter, save and load the general registers, read the reason,
 * skip the instruction, enter. No scheduler, no requests, no handlers.
 *
 * SDM, "VM Entries" and "VM Exits". What the kernel asks for against speculation on the way out
 * (return stack buffer, IBRS, branch history) and on the way in (VERW) is switched by the kernel's
 * alternatives, as in any hypervisor. Relies on floor.c, which writes the VMCS.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "floor.h"

#ifndef CLEAR_CPU_BUFFERS
#define CLEAR_CPU_BUFFERS
#endif
#ifndef VM_CLEAR_CPU_BUFFERS
#define VM_CLEAR_CPU_BUFFERS
#endif
#ifndef CLEAR_BRANCH_HISTORY_VMEXIT
#define CLEAR_BRANCH_HISTORY_VMEXIT
#endif

#define REG(n)	((n) * 8)

/* @REGS points to the guest's registers; RDI last, because it is that pointer. */
.macro LOAD_REGISTERS
	mov	REG(0)(%rdi), %rax
	mov	REG(1)(%rdi), %rcx
	mov	REG(2)(%rdi), %rdx
	mov	REG(3)(%rdi), %rbx
	mov	REG(5)(%rdi), %rbp
	mov	REG(6)(%rdi), %rsi
	mov	REG(8)(%rdi), %r8
	mov	REG(9)(%rdi), %r9
	mov	REG(10)(%rdi), %r10
	mov	REG(11)(%rdi), %r11
	mov	REG(12)(%rdi), %r12
	mov	REG(13)(%rdi), %r13
	mov	REG(14)(%rdi), %r14
	mov	REG(15)(%rdi), %r15
	mov	REG(7)(%rdi), %rdi
	CLEAR_CPU_BUFFERS
	VM_CLEAR_CPU_BUFFERS
.endm

	.section .noinstr.text, "ax"

/*
 * floor_run() - run the guest of the current VMCS until its last VMCALL
 * @regs: %rdi, sixteen registers by number (RSP's slot is not used) and the host's IA32_SPEC_CTRL
 *
 * Return: FLOOR_DONE, FLOOR_NO_ENTRY, or the reason of an exit that the guest was not to make.
 */
SYM_FUNC_START(floor_run)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi
	mov	$FLOOR_HOST_RSP, %eax
	vmwrite	%rsp, %rax
	UNWIND_HINT_SAVE
	LOAD_REGISTERS
	vmlaunch
	jmp	.Lno_entry

/* HOST_RIP */
SYM_INNER_LABEL(floor_exit, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	UNWIND_HINT_RESTORE
	push	%rdi
	mov	8(%rsp), %rdi
	pop	REG(7)(%rdi)
	mov	%rax, REG(0)(%rdi)
	mov	%rcx, REG(1)(%rdi)
	mov	%rdx, REG(2)(%rdi)
	mov	%rbx, REG(3)(%rdi)
	mov	%rbp, REG(5)(%rdi)
	mov	%rsi, REG(6)(%rdi)
	mov	%r8,  REG(8)(%rdi)
	mov	%r9,  REG(9)(%rdi)
	mov	%r10, REG(10)(%rdi)
	mov	%r11, REG(11)(%rdi)
	mov	%r12, REG(12)(%rdi)
	mov	%r13, REG(13)(%rdi)
	mov	%r14, REG(14)(%rdi)
	mov	%r15, REG(15)(%rdi)

	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT,\
			   X86_FEATURE_RSB_VMEXIT_LITE
	ALTERNATIVE "jmp .Librs_done", "", X86_FEATURE_KERNEL_IBRS
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	REG(16)(%rdi), %eax
	mov	REG(16)+4(%rdi), %edx
	wrmsr
.Librs_done:
	ALTERNATIVE "", "lfence", X86_FEATURE_MSR_SPEC_CTRL
	CLEAR_BRANCH_HISTORY_VMEXIT

	mov	$FLOOR_EXIT_REASON, %eax
	vmread	%rax, %rcx
	cmp	$FLOOR_REASON_VMCALL, %ecx
	je	.Lvmcall
	cmp	$63, %ecx
	ja	.Lother
	bt	%rcx, floor_reasons(%rip)
	jnc	.Lother
.Lskip:
	mov	$FLOOR_INSTRUCTION_LENGTH, %eax
	vmread	%rax, %rcx
	mov	$FLOOR_GUEST_RIP, %eax
	vmread	%rax, %rdx
	add	%rcx, %rdx
	vmwrite	%rdx, %rax
	LOAD_REGISTERS
	vmresume
	jmp	.Lno_entry

.Lvmcall:
	cmpq	$FLOOR_DONE, REG(0)(%rdi)
	jne	.Lskip
	mov	$FLOOR_DONE, %ecx
	jmp	.Lother

.Lno_entry:
	mov	$FLOOR_NO_ENTRY, %ecx
.Lother:
	mov	%ecx, %eax
	pop	%rdi
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(floor_run)
