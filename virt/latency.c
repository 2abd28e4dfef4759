// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a vCPU's time goes: the histograms of latency.h are filled here.
 *
 * KVM's ABI, KVM_GET_STATS_FD, KVM_STATS_TYPE_LOG_HIST. The thread of a vCPU says when it goes
 * on to another phase; what it did until then is counted at that moment, and by it alone. Relies
 * on local_clock(), which is the TSC scaled to nanoseconds where the TSC is good.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched/clock.h>

#include "virt/latency.h"

DEFINE_STATIC_KEY_FALSE(mkvm_latency_key);

/* How often the statistics were switched on: what began before the last time is not counted. */
static unsigned int epoch;

static void hist_add(struct mkvm_hist *hist, s64 ns)
{
	/* The clocks of two CPUs may differ by a little. */
	u64 value = max(ns, 0LL);

	hist->sum += value;
	hist->bucket[min(fls64(value), MKVM_HIST_BUCKETS - 1)]++;
}

/**
 * mkvm_latency_new_epoch() - the statistics are switched on: forget when what was going on began
 *
 * Context: before mkvm_latency_key is set.
 */
void mkvm_latency_new_epoch(void)
{
	WRITE_ONCE(epoch, epoch + 1);
}

/**
 * mkvm_latency_alloc() - give a vCPU its histograms
 * @vcpu: the vCPU, whose thread this is, so that its owner pays; it may have them already
 *
 * Without memory there are none, which costs the VM nothing else.
 *
 * Context: process, may sleep.
 */
void mkvm_latency_alloc(struct mkvm_vcpu *vcpu)
{
	struct mkvm_latency *latency;

	if (vcpu->latency)
		return;
	latency = kvzalloc(sizeof(*latency), GFP_KERNEL_ACCOUNT);
	if (!latency)
		return;
	/* Pairs with smp_load_acquire() in mkvm_latency(). */
	smp_store_release(&vcpu->latency, latency);
}

/* Is it known when the phase began? Not if the histograms are new, or were off meanwhile. */
static bool began_known(struct mkvm_latency *latency)
{
	unsigned int this_epoch = READ_ONCE(epoch);

	if (likely(latency->epoch == this_epoch))
		return true;
	latency->epoch = this_epoch;
	latency->exit_at = 0;
	return false;
}

/**
 * mkvm_latency_phase() - count the phase that ends, and begin another
 * @vcpu: the vCPU, whose thread this is
 * @phase: what it does from now on
 *
 * Context: any that the thread can be in.
 */
void mkvm_latency_phase(struct mkvm_vcpu *vcpu, enum mkvm_phase phase)
{
	struct mkvm_latency *latency = vcpu->latency;
	u64 now, since;

	if (!latency || (latency->phase == phase && latency->epoch == READ_ONCE(epoch)))
		return;
	now = local_clock();
	since = latency->since;
	/* 0 tells mkvm_latency_ns() that sum and phase do not fit together. */
	WRITE_ONCE(latency->since, 0);
	/* Pairs with mkvm_latency_ns(), as the next one. */
	smp_wmb();
	if (began_known(latency))
		hist_add(&latency->phases[latency->phase], now - since);
	WRITE_ONCE(latency->phase, phase);
	/* Sum and phase are complete before the time is there. */
	smp_wmb();
	WRITE_ONCE(latency->since, now);
}

/**
 * mkvm_latency_ns() - time that a vCPU spent in a phase while latency statistics were on
 * @vcpu: the vCPU
 * @phase: the phase; if it goes on, what it has lasted until now counts
 *
 * Context: any thread.
 * Return: nanoseconds.
 */
u64 mkvm_latency_ns(struct mkvm_vcpu *vcpu, enum mkvm_phase phase)
{
	const struct mkvm_latency *latency = mkvm_latency(vcpu);
	u64 since, sum;
	int tries;

	if (!latency)
		return 0;
	/* The writer may be scheduled out in the middle: then the phase's last end must do. */
	for (tries = 0; tries < 100; tries++) {
		since = READ_ONCE(latency->since);
		/* Pairs with the barriers of mkvm_latency_phase(), as the next one. */
		smp_rmb();
		sum = READ_ONCE(latency->phases[phase].sum);
		if (READ_ONCE(latency->phase) == phase && mkvm_latency_on() &&
		    READ_ONCE(latency->epoch) == READ_ONCE(epoch))
			sum += max_t(s64, local_clock() - since, 0);
		/* If the phase has not ended meanwhile, the sum is without it. */
		smp_rmb();
		if (since && since == READ_ONCE(latency->since))
			return sum;
		cpu_relax();
	}
	return READ_ONCE(latency->phases[phase].sum);
}

/**
 * mkvm_latency_enter() - the guest is about to be entered
 * @vcpu: the vCPU, whose thread this is
 * @last_exit: exit reason of its last VM exit
 *
 * Context: interrupts off.
 */
void mkvm_latency_enter(struct mkvm_vcpu *vcpu, u32 last_exit)
{
	struct mkvm_latency *latency = vcpu->latency;
	u32 reason = (u16)last_exit;

	mkvm_latency_phase(vcpu, MKVM_PHASE_GUEST);
	if (!latency || !latency->exit_at)
		return;
	if (reason < MKVM_NR_EXIT_REASONS)
		hist_add(&latency->reasons[array_index_nospec(reason, MKVM_NR_EXIT_REASONS)],
			 latency->since - latency->exit_at);
	latency->exit_at = 0;
}

/**
 * mkvm_latency_exit() - the guest has just exited
 * @vcpu: the vCPU, whose thread this is
 *
 * Context: interrupts off.
 */
void mkvm_latency_exit(struct mkvm_vcpu *vcpu)
{
	struct mkvm_latency *latency = vcpu->latency;

	mkvm_latency_phase(vcpu, MKVM_PHASE_HOT_LOOP);
	if (latency)
		latency->exit_at = latency->since;
}

/**
 * mkvm_latency_halt() - a halt is over
 * @vcpu: the vCPU, whose thread this is
 * @slept: polling did not end it
 * @polled_ns: how long the thread polled, 0: it did not
 * @slept_ns: how long it slept
 */
void mkvm_latency_halt(struct mkvm_vcpu *vcpu, bool slept, u64 polled_ns, u64 slept_ns)
{
	struct mkvm_latency *latency = vcpu->latency;

	if (!latency)
		return;
	if (!slept)
		hist_add(&latency->poll_success, polled_ns);
	else if (polled_ns)
		hist_add(&latency->poll_fail, polled_ns);
	if (slept)
		hist_add(&latency->wait, slept_ns);
}
