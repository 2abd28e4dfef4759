/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a vCPU's time goes: phases, and log2 histograms of how long each lasted.
 *
 * Off until the module's parameter latency_stats is set (stats.c); until then each call below is
 * one instruction that does nothing. KVM's ABI has the form of the histograms
 * (KVM_STATS_TYPE_LOG_HIST): bucket 0 counts zeros, bucket n what lies in [2^(n-1), 2^n), here in
 * nanoseconds. The last bucket counts all that is longer, too.
 */
#ifndef MINIKVM_VIRT_LATENCY_H
#define MINIKVM_VIRT_LATENCY_H

#include <linux/jump_label.h>

#include "virt/stats.h"
#include "virt/vcpu.h"

/* What a vCPU's thread does. At any time it is in one of these, so that their sum is all time. */
enum mkvm_phase {
	MKVM_PHASE_USERSPACE,	/* outside of KVM_RUN */
	MKVM_PHASE_GUEST,	/* from VM entry to VM exit */
	MKVM_PHASE_HOT_LOOP,	/* from a VM exit on, interrupts off */
	MKVM_PHASE_SLOW_PATH,	/* the rest of KVM_RUN */
	MKVM_PHASE_HALTED,	/* in HLT, or waiting for SIPI: polling or asleep */
	MKVM_NR_PHASES,
};

#define MKVM_HIST_BUCKETS	40	/* to 2^38 ns, four and a half minutes */

/**
 * struct mkvm_hist - how often something took how long
 * @sum: all of it, in ns
 * @bucket: counts
 */
struct mkvm_hist {
	u64 sum;
	u64 bucket[MKVM_HIST_BUCKETS];
};

/**
 * struct mkvm_latency - the histograms of a vCPU
 * @epoch: which switching-on of the statistics @since and @exit_at belong to
 * @phase: what the thread does now
 * @since: since when, on local_clock()
 * @exit_at: the last VM exit that no VM entry has followed yet, or 0
 * @phases: by phase
 * @reasons: from a VM exit to the next VM entry, by the exit's basic reason
 * @poll_success: halts that polling ended: how long it polled
 * @poll_fail: halts that polling did not end: how long it polled
 * @wait: how long a halted thread slept, until it was woken
 *
 * Allocated by the vCPU's thread when statistics are switched on, and kept until the vCPU goes.
 */
struct mkvm_latency {
	unsigned int epoch;
	enum mkvm_phase phase;
	u64 since, exit_at;
	struct mkvm_hist phases[MKVM_NR_PHASES];
	struct mkvm_hist reasons[MKVM_NR_EXIT_REASONS];
	struct mkvm_hist poll_success, poll_fail, wait;
};

DECLARE_STATIC_KEY_FALSE(mkvm_latency_key);

void mkvm_latency_new_epoch(void);
void mkvm_latency_alloc(struct mkvm_vcpu *vcpu);
void mkvm_latency_phase(struct mkvm_vcpu *vcpu, enum mkvm_phase phase);
u64 mkvm_latency_ns(struct mkvm_vcpu *vcpu, enum mkvm_phase phase);
void mkvm_latency_enter(struct mkvm_vcpu *vcpu, u32 last_exit);
void mkvm_latency_exit(struct mkvm_vcpu *vcpu);
void mkvm_latency_halt(struct mkvm_vcpu *vcpu, bool slept, u64 polled_ns, u64 slept_ns);

/* Are latencies measured? */
static __always_inline bool mkvm_latency_on(void)
{
	return static_branch_unlikely(&mkvm_latency_key);
}

/* The vCPU's thread does something else now. */
static __always_inline void mkvm_phase(struct mkvm_vcpu *vcpu, enum mkvm_phase phase)
{
	if (mkvm_latency_on())
		mkvm_latency_phase(vcpu, phase);
}

/* The vCPU's histograms, or NULL. */
static inline const struct mkvm_latency *mkvm_latency(struct mkvm_vcpu *vcpu)
{
	/* Pairs with smp_store_release() in mkvm_latency_alloc(). */
	return smp_load_acquire(&vcpu->latency);
}

#endif
