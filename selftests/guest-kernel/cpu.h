/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A processor of our own: its descriptor tables, its place in GS, the kernel's lock (cpu.c).
 */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include "abi.h"
#include "layout.h"

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, io_map;
} __packed;

/**
 * struct cpu - a processor
 * @self: where this structure is, for GS:0
 * @user_rsp: SYSCALL's entry puts the program's stack pointer here
 * @kernel_rsp: the top of the running task's kernel stack
 * @number: 0 for the one that boots
 * @apic_id: its local APIC's
 * @poked: a reschedule interrupt is on its way there
 * @flush: another processor waits for it to flush its TLB
 * @next_tick: TSC at which its clock's next tick is due
 * @switched_at: TSC at which the running task was dispatched
 * @gdt: descriptors, the last two for @tss
 * @tss: stacks for ring 0
 * @emergency: the stack of double faults, NMIs and machine checks
 */
struct cpu {
	struct cpu *self;
	u64 user_rsp, kernel_rsp;
	u32 number, apic_id;
	bool poked;
	u32 flush;
	u64 next_tick, switched_at;
	u64 gdt[7];
	struct tss tss;
	u8 emergency[4096] __aligned(16);
};

/**
 * struct features - what the processors and the hypervisor have
 * @x2apic: registers of the local APIC are MSRs
 * @tsc_deadline: its timer counts with the TSC
 * @kvm: the hypervisor takes KVM's hypercalls
 * @smep: no kernel execution of user pages; @smap: no access to them
 * @tsc_khz: TSC's frequency, measured
 * @apic_khz: frequency of the local APIC's timer, measured
 */
struct features {
	bool x2apic, tsc_deadline, kvm, smep, smap;
	u64 tsc_khz, apic_khz;
};

extern struct cpu cpus[CPUS_MAX];
extern struct features features;

static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	asm volatile("mov %%gs:0, %0" : "=r"(c));
	return c;
}

void cpu_find_features(void);
void cpu_init(struct cpu *c, unsigned int number);
void cpu_set_kernel_stack(u64 top);
void lock_kernel(void);
void unlock_kernel(void);
void relax(u32 tries);

#endif
