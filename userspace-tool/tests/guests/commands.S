/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A 64-bit ELF kernel for the tool's tests that does what it is told by the serial port: echoes
 * every character and acts on some of them, so that one guest can end in every way.
 *
 *	q power-off   r reset by the i8042   c reset by 0xcf9   t triple fault   d debug exit (0xf4)
 *	b 32 KiB of 'x' by REP OUTSB to the debug console, then "done"   l loop   m bad MMIO read
 *	j jump to where there is no memory
 *	p wait for the power button (ACPI PM1 status), then "button"   k tell a panic (pvpanic)
 */
	.text
	.globl	_start
_start:
	cld
	lea	ready(%rip), %rsi
	call	print
next:	mov	$0x3fd, %edx
	in	%dx, %al
	test	$1, %al
	jz	next
	mov	$0x3f8, %edx
	in	%dx, %al
	out	%al, %dx
	cmp	$'q', %al
	je	power_off
	cmp	$'r', %al
	je	reset
	cmp	$'c', %al
	je	reset_cf9
	cmp	$'t', %al
	je	triple_fault
	cmp	$'d', %al
	je	debug_exit
	cmp	$'b', %al
	je	bulk
	cmp	$'l', %al
	je	loop
	cmp	$'j', %al
	je	nowhere
	cmp	$'m', %al
	je	mmio
	cmp	$'p', %al
	je	button
	cmp	$'k', %al
	je	panic
	jmp	next

power_off:
	mov	$0x604, %edx
	mov	$0x2000, %eax
	out	%ax, %dx
reset:
	mov	$0xfe, %al
	out	%al, $0x64
reset_cf9:
	mov	$0x0cf9, %edx
	mov	$0x06, %al
	out	%al, %dx
triple_fault:
	ud2
debug_exit:
	mov	$5, %al
	out	%al, $0xf4
loop:	sti				/* with IF=0, Bochs does not interrupt it for the host */
1:	jmp	1b
nowhere:
	mov	$0xd0000000, %eax
	jmp	*%rax
mmio:					/* nothing is there: all ones */
	mov	$0xd0000000, %eax
	mov	(%rax), %ecx
	inc	%ecx
	jnz	triple_fault
	lea	ones(%rip), %rsi
	call	print
	jmp	next
panic:	mov	$0x505, %edx
	in	%dx, %al
	and	$1, %al			/* may be told at all */
	out	%al, %dx
	jmp	next
button:
	mov	$0x602, %edx		/* enable it */
	mov	$0x100, %eax
	out	%ax, %dx
	mov	$0x600, %edx
1:	in	%dx, %ax
	test	$0x100, %eax
	jz	1b
	mov	$0x100, %eax		/* clear it by writing 1 */
	out	%ax, %dx
	in	%dx, %ax
	test	$0x100, %eax
	jnz	triple_fault
	lea	pressed(%rip), %rsi
	call	print
	jmp	next
bulk:
	mov	$0x300000, %edi
	mov	$32768, %ecx
	mov	$'x', %al
	rep stosb
	mov	$0x300000, %esi
	mov	$32768, %ecx
	mov	$0x402, %edx
	rep outsb
	lea	done(%rip), %rsi
	call	print
	jmp	next

print:	mov	$0x3f8, %edx
1:	lodsb
	test	%al, %al
	jz	2f
	out	%al, %dx
	jmp	1b
2:	ret

ready:	.asciz	"ready\n"
done:	.asciz	"done\n"
pressed: .asciz	"button\n"
ones:	.asciz	"ones\n"
