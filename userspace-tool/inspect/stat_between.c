// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happened between two snapshots, sums, and percentiles.
 *
 * Pure: numbers in, numbers out. A vCPU that was not in the earlier snapshot began from nothing.
 */
#include <string.h>

#include "inspect/stat_data.h"

const struct stat_vm *stat_find_vm(const struct stat_snapshot *s, const char *id)
{
	size_t i;

	for (i = 0; i < s->nr_vms; i++)
		if (!strcmp(s->vms[i].id, id))
			return &s->vms[i];
	return NULL;
}

const struct stat_vcpu *stat_find_vcpu(const struct stat_vm *vm, unsigned int id)
{
	size_t i;

	for (i = 0; vm && i < vm->nr_vcpus; i++)
		if (vm->vcpus[i].id == id)
			return &vm->vcpus[i];
	return NULL;
}

/* Counters are read one after the other: one that seems to have fallen has not changed. */
static stat_u64 minus(stat_u64 now, stat_u64 before)
{
	return now > before ? now - before : 0;
}

static void hist_between(struct stat_hist *d, const struct stat_hist *before)
{
	int i;

	d->sum = minus(d->sum, before->sum);
	for (i = 0; i < STAT_BUCKETS; i++)
		d->bucket[i] = minus(d->bucket[i], before->bucket[i]);
}

/**
 * stat_vcpu_between() - what a vCPU did between two snapshots
 * @d: the result; number and state are those of @now
 * @before: the earlier one, or NULL
 * @now: the later one
 */
void stat_vcpu_between(struct stat_vcpu *d, const struct stat_vcpu *before,
		       const struct stat_vcpu *now)
{
	int i;

	*d = *now;
	if (!before)
		return;
	d->exits = minus(now->exits, before->exits);
	d->cpu_ns = minus(now->cpu_ns, before->cpu_ns);
	d->wait_ns = minus(now->wait_ns, before->wait_ns);
	for (i = 0; i < STAT_PHASES; i++)
		d->phase_ns[i] = minus(now->phase_ns[i], before->phase_ns[i]);
	for (i = 0; i < STAT_REASONS; i++) {
		d->reasons[i].exits = minus(now->reasons[i].exits, before->reasons[i].exits);
		hist_between(&d->reasons[i].latency, &before->reasons[i].latency);
	}
}

/**
 * stat_vcpu_add() - add a vCPU's numbers to a sum
 * @sum: the sum
 * @v: the vCPU
 */
void stat_vcpu_add(struct stat_vcpu *sum, const struct stat_vcpu *v)
{
	int i, b;

	sum->exits += v->exits;
	sum->cpu_ns += v->cpu_ns;
	sum->wait_ns += v->wait_ns;
	for (i = 0; i < STAT_PHASES; i++)
		sum->phase_ns[i] += v->phase_ns[i];
	for (i = 0; i < STAT_REASONS; i++) {
		struct stat_reason *r = &sum->reasons[i];

		if (v->reasons[i].name[0])
			memcpy(r->name, v->reasons[i].name, sizeof(r->name));
		r->exits += v->reasons[i].exits;
		r->latency.sum += v->reasons[i].latency.sum;
		for (b = 0; b < STAT_BUCKETS; b++)
			r->latency.bucket[b] += v->reasons[i].latency.bucket[b];
	}
}

/* How many samples a histogram has. */
stat_u64 stat_samples(const struct stat_hist *h)
{
	stat_u64 n = 0;
	int i;

	for (i = 0; i < STAT_BUCKETS; i++)
		n += h->bucket[i];
	return n;
}

/**
 * stat_percentile() - below what a share of the samples lies
 * @h: the histogram
 * @percent: 1 to 100
 *
 * Inside a bucket the samples are taken to lie evenly: the true value is in the same bucket.
 *
 * Return: nanoseconds, 0 without samples.
 */
stat_u64 stat_percentile(const struct stat_hist *h, unsigned int percent)
{
	stat_u64 n = stat_samples(h), want, seen = 0, low;
	int i;

	if (!n)
		return 0;
	want = (n / 100) * percent + ((n % 100) * percent + 99) / 100;
	for (i = 0; i < STAT_BUCKETS - 1 && seen + h->bucket[i] < want; i++)
		seen += h->bucket[i];
	if (!i)
		return 0;
	low = 1ULL << (i - 1);
	return low + (stat_u64)((double)low * (want - seen) / h->bucket[i]);
}
