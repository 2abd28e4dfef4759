/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The address space, for C, assembly and the linker script.
 *
 *	0 .. 7fffffffffff		the process: image at USER_IMAGE, stacks below USER_STACKS
 *	ffffffff80000000 + P		physical memory P below 1 GiB, the kernel's image in it
 *	fffffffffec00000, ...fee00000	IOAPIC and local APIC
 */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

#define KERNEL_LOAD		0x100000
#define KERNEL_BASE		0xffffffff80000000
#define PHYSICAL_LIMIT		0x40000000
#define DEVICE_BASE		0xffffffff00000000	/* + the last GiB below 4 GiB */

#define USER_IMAGE		0x400000
#define USER_STACKS		0x7ffffff00000
#define USER_STACK_STRIDE	0x100000	/* from one thread's stack to the next: */
#define USER_STACK_SIZE		0x10000		/* the rest is never there, the guard pages in it */
#define USER_END		0x800000000000

#define PAGE_SIZE		4096
#define KERNEL_STACK_STRIDE	16384		/* the lowest page of each is its guard page */

#define SELECTOR_KERNEL_CODE	0x08
#define SELECTOR_KERNEL_DATA	0x10
#define SELECTOR_USER_DATA	0x1b
#define SELECTOR_USER_CODE	0x23
#define SELECTOR_TSS		0x28

#define TRAMPOLINE		0x8000		/* where the other processors start */

#define VECTOR_UART		0x34
#define VECTOR_RANDOM		0x35
#define VECTOR_TIMER		0x40
#define VECTOR_RESCHEDULE	0x41
#define VECTOR_FLUSH		0x42
#define VECTOR_SPURIOUS		0xff
#define VECTOR_SYSTEM_CALL	0x100		/* no interrupt: what struct frame has instead */

/* In struct cpu. */
#define CPU_SELF		0
#define CPU_USER_RSP		8
#define CPU_KERNEL_RSP		16

#endif
