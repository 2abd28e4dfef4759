/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exception and interrupt stubs of the selftests' 64-bit and 32-bit guests, 16 bytes each.
 * Chapter: SDM volume 3, "Interrupt and Exception Handling" ("Error Code", "64-Bit Mode Stack
 * Frame"). Relies on the gate descriptors that guest.c writes. Never run by the host.
 */
	.text
	.code64

	.globl guest_idt_stubs
	.balign 16
guest_idt_stubs:
	vec = 0
	.rept 256
	.balign 16
	.if vec != 8 && !(vec >= 10 && vec <= 14) && vec != 17 && vec != 21
	pushq $0
	.endif
	pushq $vec
	jmp stub_common
	vec = vec + 1
	.endr

	.balign 16
stub_common:
	push %rax
	push %rbx
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %rbp
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %rdi
	mov %rsp, %rbp
	and $-16, %rsp
	cld
	call guest_trap
	mov %rbp, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rbp
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rbx
	pop %rax
	add $16, %rsp
	iretq

/* Have the pages mapped that delivering an interrupt needs, then go to where the stack says. */
	.globl guest_touch
guest_touch:
	pushfq
	testb $0, 0x1000	/* KT_GDT and KT_TSS */
	testb $0, 0x2000	/* KT_IDT */
	popfq
	ret

	.code32
	.globl guest_idt_stubs32
	.balign 16
guest_idt_stubs32:
	vec = 0
	.rept 256
	.balign 16
	.if vec != 8 && !(vec >= 10 && vec <= 14) && vec != 17 && vec != 21
	pushl $0
	.endif
	pushl $vec
	jmp stub_common32
	vec = vec + 1
	.endr

	.balign 16
stub_common32:
	pushal
	out %al, $0xe1
	popal
	add $8, %esp
	iret

	.code64
	.section .note.GNU-stack, "", @progbits
