// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each processor needs for itself: GDT and TSS (SDM volume 3, "Protected Mode Memory
 * Management", "Task Management"), the MSRs of SYSCALL, control registers; and the lock.
 *
 * There is one lock, and a processor that runs in the kernel holds it, with interrupts off. That
 * costs scalability, and every function of this kernel can be read as if it ran alone.
 */
#include "cpu.h"
#include "apic.h"
#include "format.h"
#include "machine.h"
#include "paging.h"
#include "trap.h"

#define CR0_MP		BIT(1)
#define CR0_EM		BIT(2)
#define CR0_WP		BIT(16)
#define CR4_TSD		BIT(2)
#define CR4_OSFXSR	BIT(9)
#define CR4_FSGSBASE	BIT(16)
#define CR4_SMEP	BIT(20)
#define CR4_SMAP	BIT(21)
#define EFER_SCE	BIT(0)

/* RFLAGS that SYSCALL clears: TF, IF, DF, NT, AC */
#define SYSCALL_MASK	0x44700

#define HYPERVISOR_LEAF	0x40000000

struct cpu cpus[CPUS_MAX];
struct features features;

static u32 lock;

/* Every processor has the same ones: the one that boots looks. */
void cpu_find_features(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	features.x2apic = r[2] & BIT(21);
	features.tsc_deadline = r[2] & BIT(24);
	if (r[2] & BIT(31)) {
		cpuid(HYPERVISOR_LEAF, 0, r);
		features.kvm = !memcmp(&r[1], "KVMKVMKVM\0\0\0", 12);
	}
	cpuid(0, 0, r);
	if (r[0] < 7)
		return;
	cpuid(7, 0, r);
	features.smep = r[1] & BIT(7);
	features.smap = r[1] & BIT(20);
}

static void load_gdt(struct cpu *c)
{
	struct {
		u16 limit;
		u64 base;
	} __packed pointer = { sizeof(c->gdt) - 1, (u64)c->gdt };
	u64 tss = (u64)&c->tss;

	c->gdt[1] = 0x00af9b000000ffff;		/* kernel code, 64-bit */
	c->gdt[2] = 0x00cf93000000ffff;		/* kernel data */
	c->gdt[3] = 0x00cff3000000ffff;		/* user data */
	c->gdt[4] = 0x00affb000000ffff;		/* user code, 64-bit */
	c->gdt[5] = (sizeof(c->tss) - 1) | (tss & 0xffffff) << 16 | 0x89ull << 40 |
		    (tss >> 24 & 0xff) << 56;
	c->gdt[6] = tss >> 32;
	c->tss.ist[0] = (u64)c->emergency + sizeof(c->emergency);
	c->tss.io_map = sizeof(c->tss);		/* no ports for programs */
	asm volatile("lgdt %0\n\t"
		     "ltr %w1\n\t"
		     "mov %w2, %%ss\n\t"
		     "mov %w2, %%ds\n\t"
		     "mov %w2, %%es\n\t"
		     "mov %w3, %%fs\n\t"
		     "mov %w3, %%gs"
		     : : "m"(pointer), "r"(SELECTOR_TSS), "r"(SELECTOR_KERNEL_DATA), "r"(0)
		     : "memory");
}

/**
 * cpu_init() - make a processor the kernel's
 * @c: its structure
 * @number: which one it is; called on it
 */
void cpu_init(struct cpu *c, unsigned int number)
{
	u64 cr4 = read_cr4();

	c->self = c;
	c->number = number;
	load_gdt(c);
	wrmsr(MSR_GS_BASE, (u64)c);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	/* SYSCALL: CS = 8, SS = 10h. The user's selectors of SYSRET are not used. */
	wrmsr(MSR_STAR, (u64)SELECTOR_KERNEL_CODE << 32);
	wrmsr(MSR_LSTAR, (u64)system_call_entry);
	wrmsr(MSR_FMASK, SYSCALL_MASK);
	/* No x87, no SSE: the kernel does not save their registers, so programs fault on them. */
	write_cr0((read_cr0() | CR0_EM | CR0_WP) & ~CR0_MP);
	cr4 &= ~(CR4_OSFXSR | CR4_FSGSBASE | CR4_TSD);
	if (features.smep)
		cr4 |= CR4_SMEP;
	if (features.smap)
		cr4 |= CR4_SMAP;
	write_cr4(cr4);
	trap_init();
}

/* Where interrupts and system calls of the task that runs from now on put their frames. */
void cpu_set_kernel_stack(u64 top)
{
	struct cpu *c = this_cpu();

	c->kernel_rsp = top;
	c->tss.rsp[0] = top;
}

/* One turn of a loop that waits for another processor. */
void relax(u32 tries)
{
	u32 r[4];

	asm volatile("pause");
	/* Under a hypervisor that other one may wait for this physical one: CPUID lets it go on. */
	if (tries % 1024 == 1023)
		cpuid(0, 0, r);
}

/* Interrupts are off. While it waits, the processor serves those that wait for it. */
void lock_kernel(void)
{
	u32 tries = 0;

	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&lock, __ATOMIC_RELAXED)) {
			flush_serve();
			relax(tries++);
		}
}

/* Pokes the processors that have to think again, and lets the next one in. */
void unlock_kernel(void)
{
	apic_poke();
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}
