/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is counted of a vCPU, and the one table of it that debugfs and KVM_GET_STATS_FD read.
 *
 * KVM's ABI, KVM_GET_STATS_FD: names, units and types are KVM's where KVM counts the same. See
 * stats.c for the table, latency.h for the histograms, Documentation/statistics.rst for both.
 */
#ifndef MINIKVM_VIRT_STATS_H
#define MINIKVM_VIRT_STATS_H

#include <linux/types.h>

struct mkvm_vcpu;
struct mkvm_vm;

/* The longest name of a row, with the byte that ends it: KVM's. */
#define MKVM_STAT_NAME_SIZE	48

/* Basic exit reasons that are counted each for itself. */
#define MKVM_NR_EXIT_REASONS	80

/**
 * struct mkvm_vcpu_stats - counters shown in debugfs and by KVM_GET_STATS_FD
 * @exits: VM exits
 * @user_exits: returns from KVM_RUN
 * @halts: HLT exits
 * @halt_wakeups: halts that an event ended after the thread slept or polled
 * @halt_polls: halts that ended while the thread polled
 * @halt_attempts: halts in which the thread polled
 * @halt_poll_success_ns: time it polled and found an event
 * @halt_poll_fail_ns: time it polled in vain
 * @halt_wait_ns: time it slept, until it was woken
 * @cpu_wait_ns: time the thread could have run in KVM_RUN and had no CPU
 * @cpu_past_ns: CPU time of the threads that ran the vCPU before the one that does now
 * @cpu_start_ns: CPU time of this one when it began to run the vCPU
 * @cpu_seen_ns: ... when it was scheduled out last
 * @run_delay_seen: its time on the run queue then
 * @directed_yields: times that a spinning vCPU gave its CPU to another
 * @irq_injections: interrupts injected
 * @nmi_injections: NMIs injected
 * @tlb_flushes: flushes of all that the guest's TLB may hold
 * @mmio_emulated: instructions executed for the guest
 * @ept_faults: EPT violations on memory
 * @exits_by_reason: VM exits by their basic exit reason
 *
 * Written by the vCPU thread alone, read without a lock.
 */
struct mkvm_vcpu_stats {
	u64 exits;
	u64 user_exits;
	u64 halts;
	u64 halt_wakeups;
	u64 halt_polls;
	u64 halt_attempts;
	u64 halt_poll_success_ns, halt_poll_fail_ns, halt_wait_ns;
	u64 cpu_wait_ns;
	u64 cpu_past_ns, cpu_start_ns, cpu_seen_ns, run_delay_seen;
	u64 directed_yields;
	u64 irq_injections;
	u64 nmi_injections;
	u64 tlb_flushes;
	u64 mmio_emulated;
	u64 ept_faults;
	u64 exits_by_reason[MKVM_NR_EXIT_REASONS];
};

/**
 * struct mkvm_stat - a row of the table
 * @name: its name, KVM's where KVM has it
 * @flags: KVM_STATS_TYPE_*, _UNIT_*, _BASE_*
 * @exponent: power of ten of the unit
 * @offset: of its u64 in struct mkvm_vcpu_stats, unless a function below is there
 * @vcpu: computes it for a vCPU
 * @vm: computes it for a VM
 * @hist: finds its buckets
 */
struct mkvm_stat {
	const char *name;
	u32 flags;
	s16 exponent;
	u16 offset;
	u64 (*vcpu)(struct mkvm_vcpu *vcpu);
	u64 (*vm)(struct mkvm_vm *vm);
	const u64 *(*hist)(struct mkvm_vcpu *vcpu);
};

#define MKVM_STAT_COUNT	(KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10)
#define MKVM_STAT_NOW	(KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10)

/* A counter of struct mkvm_vcpu_stats under the name @text. */
#define MKVM_COUNTER(text, member)				\
	{ .name = text, .flags = MKVM_STAT_COUNT,		\
	  .offset = offsetof(struct mkvm_vcpu_stats, member) }

/**
 * typedef mkvm_stat_fn - what mkvm_stats_each() calls for each row
 * @ctx: the caller's
 * @stat: the row
 * @size: how many values: 1, or the buckets of a histogram
 * @values: the values at this moment
 */
typedef void (*mkvm_stat_fn)(void *ctx, const struct mkvm_stat *stat, unsigned int size,
			     const u64 *values);

void mkvm_stats_each(struct mkvm_vm *vm, struct mkvm_vcpu *vcpu, mkvm_stat_fn fn, void *ctx);
void mkvm_stats_each_reason(struct mkvm_vcpu *vcpu, mkvm_stat_fn fn, void *ctx);

/**
 * struct mkvm_vm_sums - what a VM, or several, have and took
 * @exits: VM exits
 * @cpu_ns: CPU time, see mkvm_vcpu_cpu_ns()
 * @guest_memory_bytes: memory slots
 * @kernel_memory_bytes: the module's structures for them, as far as their size is known
 * @page_table_bytes: second-level page tables, a part of @kernel_memory_bytes
 */
struct mkvm_vm_sums {
	u64 exits, cpu_ns;
	u64 guest_memory_bytes, kernel_memory_bytes, page_table_bytes;
};

void mkvm_vm_add_sums(struct mkvm_vm *vm, struct mkvm_vm_sums *sums);

u64 mkvm_vcpu_cpu_ns(struct mkvm_vcpu *vcpu);
void mkvm_vcpu_cpu_takeover(struct mkvm_vcpu *vcpu);

#endif
