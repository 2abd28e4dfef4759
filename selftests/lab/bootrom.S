/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bootrom.S - starts Linux inside Bochs without a boot medium.
 *
 * The lab lets Bochs preload the kernel, its command line and the initramfs
 * into guest RAM.  The BIOS then finds this option ROM (PnP BIOS
 * specification, "Option ROM Support") and calls it; the ROM enters the
 * kernel's own real-mode setup code as the Linux/x86 Boot Protocol asks.  The
 * second half, the "trampoline", is where that setup code is told to jump to:
 * it enters the already uncompressed vmlinux in 64-bit mode, so that no
 * emulated instruction is spent on decompression.
 *
 * Relies on the addresses that bootimg.c writes the images for.
 */

#define SETUP_SEG	0x9000
#define E9		0xe9
#define BOCHS_SHUTDOWN	0x8900
#define BLOCK_SIZE	(8 << 20)	/* block_size in host-bochs.sh */

	/*
	 * A CMOS byte that neither BIOS nor Linux uses and that a reset keeps:
	 * a second visit means that the host was reset.
	 */
#define CMOS_INDEX	0x70
#define CMOS_DATA	0x71
#define VISITED_INDEX	0x7c
#define VISITED_MAGIC	0xa7

	.section .rom, "ax"
	.code16
	.globl rom_start
rom_start:
	.byte	0x55, 0xaa
	.byte	4			/* 512-byte blocks: 2 KiB */
	.org	3
	cli
	cld
	movb	$VISITED_INDEX, %al
	outb	%al, $CMOS_INDEX
	inb	$CMOS_DATA, %al
	cmpb	$VISITED_MAGIC, %al
	je	host_was_reset
	movb	$VISITED_INDEX, %al
	outb	%al, $CMOS_INDEX
	movb	$VISITED_MAGIC, %al
	outb	%al, $CMOS_DATA

	movw	$SETUP_SEG, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movw	$0xdff0, %sp
	ljmp	$(SETUP_SEG + 0x20), $0

host_was_reset:
	/* One frame byte that the supervisor knows: see frame.h, FRAME_RESET. */
	movb	$0xff, %al
	outb	%al, $E9
	movw	%cs, %ax
	movw	%ax, %ds
	movw	$(shutdown_word - rom_start), %si
	movw	$BOCHS_SHUTDOWN, %dx
1:	lodsb
	testb	%al, %al
	jz	2f
	outb	%al, %dx
	jmp	1b
2:	hlt
	jmp	2b
shutdown_word:
	.asciz	"Shutdown"
	.org	2047
	.byte	0			/* the checksum: bootimg.c fills it in */

	/*
	 * Linked for its load address; %esi holds the boot_params on entry
	 * (Linux/x86 Boot Protocol, "32-bit Boot Protocol") and must reach
	 * startup_64 in %rsi.
	 */
	.section .trampoline, "ax"
	.code32
	.globl trampoline_start
trampoline_start:
	jmp	1f
	.balign	8
	/* bootimg.c fills these in. */
entry_point:
	.quad	0			/* physical address of startup_64 */
image_start:
	.long	0			/* where the kernel's image begins */
image_blocks:
	.long	0			/* how many blocks of Bochs' RAM it fills */
block_words:
	.space	4 * 256			/* the first word of each of them */

1:	cli
	/*
	 * Bochs gives a block of RAM its place in host memory when the block
	 * is first touched, in the order of the touches, but it reads a
	 * preloaded image in one piece from the place of the first block on.
	 * So the blocks of the image must be the next that are touched, in
	 * ascending order.  The words tell whether that worked.
	 */
	movl	image_start, %edi
	movl	image_blocks, %ecx
	xorl	%edx, %edx
5:	movl	(%edi), %eax
	cmpl	block_words(, %edx, 4), %eax
	jne	misplaced
	addl	$BLOCK_SIZE, %edi
	incl	%edx
	loop	5b

	lgdt	gdt_pointer
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%eax, %ss

	/* Four page directories of 2 MiB pages map the low 4 GiB as they are. */
	movl	$page_tables, %edi
	xorl	%eax, %eax
	movl	$(6 * 1024), %ecx
	rep stosl
	movl	$page_tables, %edi
	leal	0x1007(%edi), %eax
	movl	%eax, (%edi)
	movl	$4, %ecx
	leal	0x1000(%edi), %edx
2:	addl	$0x1000, %eax
	movl	%eax, (%edx)
	addl	$8, %edx
	loop	2b
	leal	0x2000(%edi), %edx
	movl	$0x83, %eax
	movl	$2048, %ecx
3:	movl	%eax, (%edx)
	addl	$0x200000, %eax
	addl	$8, %edx
	loop	3b

	movl	%edi, %cr3
	movl	%cr4, %eax
	orl	$0x20, %eax		/* CR4.PAE */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx	/* IA32_EFER.LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000001, %eax	/* CR0.PG and PE */
	movl	%eax, %cr0
	ljmpl	$0x10, $long_mode

misplaced:
	movl	$misplaced_text, %esi
	movw	$E9, %dx
6:	lodsb
	testb	%al, %al
	jz	7f
	outb	%al, %dx
	jmp	6b
7:	movl	$shutdown_word_32, %esi
	movw	$BOCHS_SHUTDOWN, %dx
8:	lodsb
	outb	%al, %dx
	testb	%al, %al
	jnz	8b
9:	hlt
	jmp	9b
misplaced_text:
	.asciz	"lab: bootrom: the BIOS touched RAM that the kernel's image needs\n"
shutdown_word_32:
	.asciz	"Shutdown"

	.code64
long_mode:
	movl	%esi, %esi
	movl	$page_tables, %esp	/* grows down; startup_64 sets its own */
	jmpq	*entry_point(%rip)

	.balign	16
gdt:
	.quad	0
	.quad	0
	.quad	0x00af9b000000ffff	/* 0x10: 64-bit code */
	.quad	0x00cf93000000ffff	/* 0x18: data */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.balign	4096
	.space	4096			/* the stack */
	.globl page_tables
page_tables:
	.globl trampoline_end
	.set	trampoline_end, page_tables
