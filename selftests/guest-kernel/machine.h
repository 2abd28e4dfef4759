/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions that C has no words for: ports, MSRs, control registers, CPUID, hypercalls.
 */
#ifndef GUEST_MACHINE_H
#define GUEST_MACHINE_H

#include "layout.h"
#include "types.h"

#define MSR_APIC_BASE		0x1b
#define MSR_TSC_DEADLINE	0x6e0
#define MSR_X2APIC		0x800
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_FMASK		0xc0000084
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102

static inline void out8(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(u16 port, u16 value)
{
	asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(u16 port, u32 value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline u8 in8(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline u32 in32(u16 port)
{
	u32 value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

/* One instruction, and under a hypervisor one exit, for many bytes. */
static inline void out8_string(u16 port, const void *data, u64 n)
{
	asm volatile("rep outsb" : "+S"(data), "+c"(n) : "d"(port) : "memory");
}

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

static inline void cpuid(u32 leaf, u32 subleaf, u32 r[4])
{
	asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
		     : "a"(leaf), "c"(subleaf) : "memory");
}

#define CONTROL_REGISTER(cr)							\
	static inline u64 read_##cr(void)					\
	{									\
		u64 value;							\
										\
		asm volatile("mov %%" #cr ", %0" : "=r"(value) : : "memory");	\
		return value;							\
	}									\
	static inline void write_##cr(u64 value)				\
	{									\
		asm volatile("mov %0, %%" #cr : : "r"(value) : "memory");	\
	}

CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)

static inline void invlpg(u64 address)
{
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline u64 vmcall(u64 nr, u64 a, u64 b, u64 c, u64 d)
{
	u64 ret;

	asm volatile("vmcall" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
	return ret;
}

static inline void *physical(u64 address)
{
	return (void *)(address + KERNEL_BASE);
}

static inline u64 to_physical(const void *p)
{
	return (u64)p - KERNEL_BASE;
}

#endif
