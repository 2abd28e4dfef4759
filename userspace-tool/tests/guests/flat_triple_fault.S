/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A raw real-mode image for the tool's tests: an interrupt table with limit 0 and a breakpoint,
 * hence a triple fault ("Interrupt 8—Double Fault Exception (#DF)" of the SDM).
 */
	.code16
	.globl	_start
_start:
	push	$0
	push	$0
	push	$0
	mov	%sp, %bp
	lidt	(%bp)
	int3
