/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the boot loader to C: the Multiboot header (version 0.6.96) and the PVH note (Xen's
 * "x86/HVM direct boot ABI"), the way from 32-bit protected mode to 64-bit mode (SDM volume 3,
 * "Initializing IA-32e Mode"), and the same way for the other processors, which begin in real mode.
 *
 * The Multiboot header has load addresses ("a.out kludge"), because loaders refuse 64-bit ELF files
 * by that protocol otherwise. The first page tables map 4 GiB where they are, for ACPI's tables,
 * the first of them at KERNEL_BASE, too; and the APICs. paging.c makes the ones that last.
 */
#include "layout.h"

#define MULTIBOOT_MAGIC		0x1badb002
#define MULTIBOOT_FLAGS		0x10003		/* addresses, memory map, modules on pages */
#define NOTE_PHYS32_ENTRY	18

#define MSR_EFER		0xc0000080
#define EFER_LME_NXE		0x900
#define CR0_PG_WP_PE		0x80010001
#define CR4_PAE			0x20

#define PHYSICAL(x)		((x) - KERNEL_BASE)

	.section .multiboot, "a"
	.align	4
multiboot:
	.long	MULTIBOOT_MAGIC
	.long	MULTIBOOT_FLAGS
	.long	-(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
	.long	multiboot
	.long	load_start
	.long	load_end
	.long	bss_end
	.long	start_multiboot

	.section .note.pvh, "a", @note
	.align	4
	.long	4, 4, NOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.long	start_pvh

	.section .boot, "ax"
	.code32
	.globl	start_multiboot, start_pvh
start_pvh:
	xor	%eax, %eax		/* no Multiboot */
start_multiboot:
	cli
	cld
	mov	%eax, %ebp
	/* 4 GiB in pages of 2 MiB where they are; the first of them, and the devices, at the end */
	mov	$PHYSICAL(boot_pd), %edi
	mov	$0x83, %eax		/* present, writable, large */
	mov	$2048, %ecx
1:	mov	%eax, (%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	1b
	movl	$PHYSICAL(boot_pdpt_low) + 3, PHYSICAL(boot_pml4)
	movl	$PHYSICAL(boot_pdpt) + 3, PHYSICAL(boot_pml4) + 511 * 8
	movl	$PHYSICAL(boot_pd) + 3, PHYSICAL(boot_pdpt_low)
	movl	$PHYSICAL(boot_pd) + 0x1003, PHYSICAL(boot_pdpt_low) + 8
	movl	$PHYSICAL(boot_pd) + 0x2003, PHYSICAL(boot_pdpt_low) + 16
	movl	$PHYSICAL(boot_pd) + 0x3003, PHYSICAL(boot_pdpt_low) + 24
	movl	$PHYSICAL(boot_pd) + 3, PHYSICAL(boot_pdpt) + 510 * 8
	movl	$PHYSICAL(boot_pd_devices) + 3, PHYSICAL(boot_pdpt) + 511 * 8
	/* IOAPIC and local APIC: present, writable, uncached, large, and not executable */
	movl	$0xfec0009b, PHYSICAL(boot_pd_devices) + 0x1f6 * 8
	movl	$0x80000000, PHYSICAL(boot_pd_devices) + 0x1f6 * 8 + 4
	movl	$0xfee0009b, PHYSICAL(boot_pd_devices) + 0x1f7 * 8
	movl	$0x80000000, PHYSICAL(boot_pd_devices) + 0x1f7 * 8 + 4
	mov	$PHYSICAL(kernel_stacks) + KERNEL_STACK_STRIDE, %esp
	mov	%ebp, %edi		/* start(): Multiboot's magic or 0, */
	mov	%ebx, %esi		/* and the information */
	mov	$PHYSICAL(start), %ebx

/* To 64-bit mode and into C: EBX = where the function is, EDI, ESI = its arguments */
enter_long_mode:
	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$PHYSICAL(boot_pml4), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME_NXE, %eax
	wrmsr
	mov	$CR0_PG_WP_PE, %eax
	mov	%eax, %cr0
	lgdt	boot_gdt_pointer
	ljmp	$SELECTOR_KERNEL_CODE, $1f
	.code64
1:	mov	$SELECTOR_KERNEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$KERNEL_BASE, %rax
	add	%rax, %rsp
	xor	%ebp, %ebp
	mov	%ebx, %ebx
	add	%rax, %rbx
	call	*%rbx
2:	hlt
	jmp	2b

	.align	8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 64-bit code */
	.quad	0x00cf93000000ffff	/* data */
	.quad	0x00cf9b000000ffff	/* 32-bit code, for the trampoline */
boot_gdt_pointer:
	.word	. - boot_gdt - 1
	.long	boot_gdt

	/* Copied to TRAMPOLINE. A processor comes here in real mode, CS = TRAMPOLINE / 16. */
	.code16
trampoline:
	cli
	cld
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	trampoline_gdt_pointer - trampoline + TRAMPOLINE
	mov	$1, %eax
	mov	%eax, %cr0
	ljmpl	$0x18, $trampoline_32
trampoline_gdt_pointer:
	.word	31
	.long	boot_gdt
trampoline_end:
	.code32
trampoline_32:
	mov	$SELECTOR_KERNEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	PHYSICAL(ap_stack), %esp
	mov	PHYSICAL(ap_number), %edi
	xor	%esi, %esi
	mov	$PHYSICAL(start_other), %ebx
	jmp	enter_long_mode

	.code64
	.section .rodata
	.align	8
	.globl	trampoline_code, trampoline_size
trampoline_code:	.quad	trampoline + KERNEL_BASE
trampoline_size:	.quad	trampoline_end - trampoline

	.bss
	.align	4096
	.globl	boot_pml4, boot_pd_devices
boot_pml4:		.skip	4096
boot_pdpt_low:		.skip	4096
boot_pdpt:		.skip	4096
boot_pd:		.skip	4 * 4096
boot_pd_devices:	.skip	4096
	.section .note.GNU-stack, "", @progbits
