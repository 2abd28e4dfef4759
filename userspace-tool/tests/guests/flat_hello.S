/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A raw real-mode image for the tool's tests: prints by REP OUTSB to the debug console and byte by
 * byte to the serial port, then halts. Position-independent within its segment, so that it runs
 * from any load address ("Real-Address Mode Operation" of the SDM).
 */
	.code16
	.globl	_start
_start:
	call	1f
1:	pop	%bp			/* where this is, from CS:0 */
	mov	%cs, %ax
	mov	%ax, %ds
	cld
	lea	(bulk - 1b)(%bp), %si
	mov	$(single - bulk), %cx
	mov	$0x402, %dx
	rep outsb
	lea	(single - 1b)(%bp), %si
	mov	$0x3f8, %dx
2:	lodsb
	test	%al, %al
	jz	3f
	out	%al, %dx
	jmp	2b
3:	hlt

bulk:	.ascii	"bulk output\n"
single:	.asciz	"single output\n"
