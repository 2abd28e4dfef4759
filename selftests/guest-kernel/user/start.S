/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the first process begins, and the instruction by which programs ask the kernel.
 */
	.text
	.globl	start
start:
	xor	%ebp, %ebp
	call	main
	mov	%eax, %edi
	xor	%eax, %eax		/* SYS_EXIT */
	syscall
	ud2

/* long system_call(long nr, long a, long b, long c) */
	.globl	system_call
system_call:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	syscall				/* RCX and R11 are lost */
	ret
	.section .note.GNU-stack, "", @progbits
