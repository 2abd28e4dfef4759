/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest-side access to the local APIC and the I/O APIC for the interrupt selftests: register
 * offsets and accessors. Chapters: SDM volume 3, "Advanced Programmable Interrupt Controller
 * (APIC)"; the 82093AA data sheet. Relies on guest.h and its one-to-one page tables.
 */
#ifndef KT_APIC_H
#define KT_APIC_H

#include "guest.h"

#define APIC_BASE 0xfee00000UL
#define IOAPIC_BASE 0xfec00000UL

#define APIC_ID 0x20
#define APIC_LVR 0x30
#define APIC_TPR 0x80
#define APIC_PPR 0xa0
#define APIC_EOI 0xb0
#define APIC_LDR 0xd0
#define APIC_DFR 0xe0
#define APIC_SVR 0xf0
#define APIC_ISR 0x100
#define APIC_TMR 0x180
#define APIC_IRR 0x200
#define APIC_ESR 0x280
#define APIC_ICR 0x300
#define APIC_ICR2 0x310
#define APIC_LVTT 0x320
#define APIC_LVT0 0x350
#define APIC_LVT1 0x360
#define APIC_LVTERR 0x370
#define APIC_TMICT 0x380
#define APIC_TMCCT 0x390
#define APIC_TDCR 0x3e0

#define ICR_SELF (1 << 18)
#define ICR_ALL (2 << 18)
#define ICR_OTHERS (3 << 18)
#define ICR_LOGICAL (1 << 11)
#define ICR_LOWEST (1 << 8)
#define ICR_NMI (4 << 8)
#define ICR_INIT (5 << 8)
#define ICR_SIPI (6 << 8)
#define ICR_ASSERT (1 << 14)

static inline u32 apic_read(u32 reg)
{
	return rd32(APIC_BASE + reg);
}

static inline void apic_write(u32 reg, u32 v)
{
	wr32(APIC_BASE + reg, v);
}

/* IRR, ISR and TMR are eight 32-bit registers, 16 bytes apart. */
static inline u32 apic_bit(u32 reg, u32 vector)
{
	return apic_read(reg + vector / 32 * 16) >> (vector % 32) & 1;
}

static inline void apic_enable(void)
{
	apic_write(APIC_SVR, 0x1ff);
}

/* By software: all is kept but the masks of the LVT. */
static inline void apic_disable(void)
{
	apic_write(APIC_SVR, 0xff);
}

static inline void self_ipi(u32 vector)
{
	apic_write(APIC_ICR, ICR_SELF | ICR_ASSERT | vector);
}

static inline u32 ioapic_read(u32 reg)
{
	wr32(IOAPIC_BASE, reg);
	return rd32(IOAPIC_BASE + 0x10);
}

static inline void ioapic_write(u32 reg, u32 v)
{
	wr32(IOAPIC_BASE, reg);
	wr32(IOAPIC_BASE + 0x10, v);
}

#define RTE_LEVEL (1 << 15)
#define RTE_MASK (1 << 16)
#define RTE_RIRR (1 << 14)

static inline void ioapic_rte(u32 pin, u32 low, u32 dest)
{
	ioapic_write(0x10 + pin * 2, RTE_MASK);
	ioapic_write(0x11 + pin * 2, dest << 24);
	ioapic_write(0x10 + pin * 2, low);
}

/* Let whatever is pending in. */
static inline void window(void)
{
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

#endif
