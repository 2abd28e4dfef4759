/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest of exercise 1: asks CPUID two things and halts. A flat real-mode image for
 * `minikvm run --flat` (SDM, "Real-Address Mode Operation").
 */
	.code16
	.globl	_start
_start:
	xor	%eax, %eax		/* the vendor */
	cpuid
	mov	$0x40000000, %eax	/* the hypervisor */
	cpuid
	hlt
