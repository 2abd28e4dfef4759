/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A Multiboot 1 kernel for the tool's tests that needs low memory as a BIOS leaves it: it compares
 * the BIOS data area with the Multiboot information, looks for the RSDP in the EBDA and below
 * 1 MiB, and goes back to real mode for interrupts 12h and 15h ("Switching Back to Real-Address
 * Mode" of the SDM). Prints "bios data" and powers off, or asks for a reset where one is wrong.
 */
#define MAGIC	0x1badb002
#define FLAGS	0x3
#define REAL	0x8000			/* the real-mode part runs here */
#define AT(x)	((x) - real + REAL)

	.section .multiboot, "a"
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)

	.text
	.code32
	.globl	_start
_start:
	cmp	$0x2badb002, %eax
	jne	bad
	mov	4(%ebx), %ecx		/* KiB of low memory */
	movzwl	0x413, %eax
	cmp	%ecx, %eax
	jne	bad
	movzwl	0x40e, %esi		/* the EBDA is where it ends */
	shl	$4, %esi
	shl	$10, %ecx
	cmp	%ecx, %esi
	jne	bad
	cmpw	$0x3f8, 0x400
	jne	bad
	mov	$1024 / 16, %ecx
	call	find_rsdp
	mov	$0xe0000, %esi
	mov	$0x20000 / 16, %ecx
	call	find_rsdp
	cld
	mov	$real, %esi
	mov	$REAL, %edi
	mov	$(real_end - real), %ecx
	rep movsb
	lgdt	gdt_pointer
	ljmp	$0x08, $REAL

find_rsdp:
	cmpl	$0x20445352, (%esi)	/* "RSD " */
	jne	1f
	cmpl	$0x20525450, 4(%esi)	/* "PTR " */
	jne	1f
	ret
1:	add	$16, %esi
	loop	find_rsdp
bad:	mov	$0xfe, %al
	out	%al, $0x64
	jmp	bad

gdt:	.quad	0
	.quad	0x00009b000000ffff	/* 16-bit code */
	.quad	0x000093000000ffff	/* 16-bit data */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.code16
real:	mov	$0x10, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	%cr0, %eax
	and	$0xfe, %al
	mov	%eax, %cr0
	ljmp	$0, $AT(1f)
1:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7000, %sp
	lidt	AT(idt_pointer)
	int	$3			/* an exception's vector returns */
	int	$0x12
	cmp	0x413, %ax
	jne	bad16
	mov	$0xe820, %eax
	mov	$0x534d4150, %edx
	xor	%ebx, %ebx
	mov	$20, %ecx
	mov	$0x7800, %di
	clc
	int	$0x15			/* not supported: carry */
	jnc	bad16
	mov	$AT(text), %si
	mov	$0x3f8, %dx
2:	lodsb
	out	%al, %dx
	test	%al, %al
	jnz	2b
	mov	$0x604, %dx
	mov	$0x2000, %ax
	out	%ax, %dx
bad16:	mov	$0xfe, %al
	out	%al, $0x64
	jmp	bad16

idt_pointer:
	.word	0x3ff
	.long	0
text:	.asciz	"bios data\n"
real_end:
