/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest of exercise 4: reads a page that nothing has touched and writes it, writes another and
 * reads it, and halts. A flat real-mode image for `minikvm run --flat`.
 */
	.code16
	.globl	_start
_start:
	mov	$0x5000, %ax
	mov	%ax, %ds
	mov	0x0, %bl		/* GPA 50000H: read */
	mov	%bl, 0x1		/* the same page: written */
	mov	$0x6000, %ax
	mov	%ax, %ds
	mov	%bl, 0x0		/* GPA 60000H: written at once */
	mov	0x1, %bl		/* and read: no exit any more */
	hlt
