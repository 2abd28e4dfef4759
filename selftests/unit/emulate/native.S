/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * native.S - the way from C into one instruction with chosen registers, and back.
 *
 * Everything is addressed absolutely (the test is linked below 2 GiB), as no register is free.  The
 * way in may end with a far jump to a 16- or 32-bit code segment; the way out always starts in
 * 64-bit mode, where native_case.c's code page jumps to.  See SDM volume 3, "64-Bit Mode" and
 * "Compatibility Mode".
 */
#include "native.h"

	.text

	.globl native_run
native_run:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, native_state + NATIVE_HOST_RSP

	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu	native_state + NATIVE_YMM + 32 * \n, %xmm\n
	.endr
	cmpl	$0, native_state + NATIVE_AVX
	je	1f
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu	native_state + NATIVE_YMM + 32 * \n, %ymm\n
	.endr
1:
	cmpl	$0, native_state + NATIVE_COMPAT
	je	2f
	mov	native_state + NATIVE_DS, %eax
	mov	%eax, %ds
	mov	native_state + NATIVE_ES, %eax
	mov	%eax, %es
	mov	native_state + NATIVE_GS, %eax
	mov	%eax, %gs
	mov	native_state + NATIVE_SS, %eax
	mov	%eax, %ss
2:
	pushq	native_state + NATIVE_FLAGS
	popfq
	mov	native_state + NATIVE_GPR + 8 * 0, %rax
	mov	native_state + NATIVE_GPR + 8 * 1, %rcx
	mov	native_state + NATIVE_GPR + 8 * 2, %rdx
	mov	native_state + NATIVE_GPR + 8 * 3, %rbx
	mov	native_state + NATIVE_GPR + 8 * 5, %rbp
	mov	native_state + NATIVE_GPR + 8 * 6, %rsi
	mov	native_state + NATIVE_GPR + 8 * 7, %rdi
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	mov	native_state + NATIVE_GPR + 8 * \n, %r\n
	.endr
	mov	native_state + NATIVE_GPR + 8 * 4, %rsp
	/* Neither jump needs a register; the selector of the far one tells the mode. */
	jmp	*native_state + NATIVE_ENTRY

	/* native_state.entry points here for compatibility mode. */
	.globl native_enter_compat
native_enter_compat:
	ljmpl	*native_state + NATIVE_FAR

	/* Landed where an indirect branch was to go. */
	.globl native_exit_branch
native_exit_branch:
	movl	$1, native_state + NATIVE_LANDED

	/* The instruction is done: collect the registers before anything changes them. */
	.globl native_exit
native_exit:
	mov	%rax, native_state + NATIVE_GPR + 8 * 0
	mov	%rcx, native_state + NATIVE_GPR + 8 * 1
	mov	%rdx, native_state + NATIVE_GPR + 8 * 2
	mov	%rbx, native_state + NATIVE_GPR + 8 * 3
	mov	%rsp, native_state + NATIVE_GPR + 8 * 4
	mov	%rbp, native_state + NATIVE_GPR + 8 * 5
	mov	%rsi, native_state + NATIVE_GPR + 8 * 6
	mov	%rdi, native_state + NATIVE_GPR + 8 * 7
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	mov	%r\n, native_state + NATIVE_GPR + 8 * \n
	.endr
	mov	native_state + NATIVE_HOST_RSP, %rsp
	pushfq
	popq	native_state + NATIVE_FLAGS
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu	%xmm\n, native_state + NATIVE_YMM + 32 * \n
	.endr
	cmpl	$0, native_state + NATIVE_AVX
	je	native_recover
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu	%ymm\n, native_state + NATIVE_YMM + 32 * \n
	.endr

	/* The signal handler comes here after an exception, with the registers collected. */
	.globl native_recover
native_recover:
	mov	native_state + NATIVE_HOST_RSP, %rsp
	mov	$NATIVE_DS64, %eax
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	cmpl	$0, native_state + NATIVE_COMPAT
	je	3f
	mov	%eax, %gs
3:
	cld
	cmpl	$0, native_state + NATIVE_AVX
	je	4f
	vzeroupper
4:
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.section .note.GNU-stack, "", @progbits
