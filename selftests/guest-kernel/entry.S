/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the kernel and back: the 256 interrupt vectors, the entry of SYSCALL, the one way out
 * (IRET), and the switch from one kernel stack to another. Every way in builds the same frame
 * (struct frame in trap.h) and calls trap() with it.
 *
 * GS leads to struct cpu while the kernel runs (SWAPGS). The kernel runs with interrupts off but
 * where it idles, so nothing nests but exceptions, which are the kernel's own faults. SYSRET is not
 * used: with an address in RCX that is not canonical it would fault here, on the program's stack.
 */
#include "layout.h"

	.text
/* Those that a C function leaves as they were, as task_prepare() lays them out. */
	.macro	PUSH_SAVED
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	.endm

	.macro	POP_SAVED
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	.endm

	.macro	PUSH_REGISTERS
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	PUSH_SAVED
	.endm

/* Vectors that come with an error code: 8, 10 to 14, 17, 21 */
	.globl	vectors
	.align	16
vectors:
	.set	vector, 0
	.rept	256
	.align	16
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	push	$0
	.endif
	push	$vector
	jmp	interrupt
	.set	vector, vector + 1
	.endr

interrupt:
	/* IF is off already. DF goes, and AC, with which a program would lift SMAP. */
	push	$2
	popfq
	testb	$3, 24(%rsp)		/* CS: from user mode? */
	jz	1f
	swapgs
1:	PUSH_REGISTERS
call_trap:
	xor	%ebp, %ebp		/* the first of the kernel's stack frames */
	mov	%rsp, %rdi
	call	trap

	.globl	leave_kernel
leave_kernel:
	POP_SAVED
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	add	$16, %rsp		/* vector and error code */
	testb	$3, 8(%rsp)
	jz	1f
	swapgs
1:	iretq

	.globl	system_call_entry
system_call_entry:			/* RCX = return address, R11 = RFLAGS */
	swapgs
	mov	%rsp, %gs:CPU_USER_RSP
	mov	%gs:CPU_KERNEL_RSP, %rsp
	push	$SELECTOR_USER_DATA
	push	%gs:CPU_USER_RSP
	push	%r11
	push	$SELECTOR_USER_CODE
	push	%rcx
	push	$0
	push	$VECTOR_SYSTEM_CALL
	PUSH_REGISTERS
	jmp	call_trap

/* void switch_stack(u64 *saved_rsp, u64 rsp): continue where another task called it */
	.globl	switch_stack
switch_stack:
	PUSH_SAVED
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	POP_SAVED
	ret

/* A new task's first steps: R12 = function, R13 = its argument; behind them, a frame to leave by */
	.globl	task_begin
task_begin:
	mov	%r13, %rdi
	call	*%r12
	jmp	leave_kernel
	.section .note.GNU-stack, "", @progbits
