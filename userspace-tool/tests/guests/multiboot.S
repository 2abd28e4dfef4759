/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A Multiboot 1 kernel for the tool's tests (32-bit ELF, no load addresses in the header): prints
 * the command line that it was given and powers off by the port of Documentation/tool.rst.
 */
#define MAGIC	0x1badb002
#define FLAGS	0x3

	.section .multiboot, "a"
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)

	.text
	.code32
	.globl	_start
_start:
	cmp	$0x2badb002, %eax
	jne	bad
	testl	$0x4, (%ebx)		/* the command line is valid */
	jz	bad
	mov	16(%ebx), %esi
	mov	$0x3f8, %dx
1:	lodsb
	test	%al, %al
	jz	2f
	out	%al, %dx
	jmp	1b
2:	mov	$'\n', %al
	out	%al, %dx
	mov	$0x604, %dx
	mov	$0x2000, %ax
	out	%ax, %dx
bad:	ud2				/* without an IDT: a triple fault */
