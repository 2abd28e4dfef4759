// SPDX-License-Identifier: GPL-2.0-only
/*
 * Log2 histograms of times, as latency.bpf.c fills them: adding up, percentiles, printing.
 *
 * Pure. Relies on the order that the kernel gives the values of a per-CPU map: one for each
 * possible CPU, which the caller adds up.
 */
#include <string.h>

#include "bpf/histogram.h"

#define BAR_WIDTH	40

/* The last value of a slot. */
static __u64 slot_end(unsigned int slot)
{
	return slot + 1 < 64 ? (1ULL << (slot + 1)) - 1 : ~0ULL;
}

/**
 * latency_add() - add the values of one CPU
 * @sum: where to
 * @more: what
 */
void latency_add(struct latency *sum, const struct latency *more)
{
	unsigned int i;

	sum->count += more->count;
	sum->sum_ns += more->sum_ns;
	sum->slept += more->slept;
	if (more->max_ns > sum->max_ns)
		sum->max_ns = more->max_ns;
	for (i = 0; i < LATENCY_SLOTS; i++)
		sum->slots[i] += more->slots[i];
}

/**
 * latency_percentile() - a time that @percent of all do not exceed
 * @l: the histogram
 * @percent: 1 to 100
 *
 * Return: ns: the end of the slot in which it is, or the longest time if that is less.
 */
__u64 latency_percentile(const struct latency *l, unsigned int percent)
{
	__u64 seen = 0, wanted = l->count / 100 * percent + (l->count % 100 * percent + 99) / 100;
	unsigned int i;

	for (i = 0; i < LATENCY_SLOTS; i++) {
		seen += l->slots[i];
		if (l->slots[i] && seen >= wanted)
			break;
	}
	if (i == LATENCY_SLOTS || slot_end(i) > l->max_ns)
		return l->max_ns;
	return slot_end(i);
}

/**
 * latency_print() - print the slots that are not empty, and those between them
 * @to: where to
 * @l: the histogram
 */
void latency_print(FILE *to, const struct latency *l)
{
	static const char bar[] = "  ########################################";
	unsigned int first = LATENCY_SLOTS, last = 0, i;
	__u64 most = 0;
	int width;

	for (i = 0; i < LATENCY_SLOTS; i++) {
		if (!l->slots[i])
			continue;
		if (first == LATENCY_SLOTS)
			first = i;
		last = i;
		if (l->slots[i] > most)
			most = l->slots[i];
	}
	for (i = first; i <= last && i < LATENCY_SLOTS; i++) {
		width = (double)l->slots[i] / most * BAR_WIDTH;
		fprintf(to, "  %12llu ns  %10llu%.*s\n", i ? 1ULL << i : 0, l->slots[i],
			width ? 2 + width : 0, bar);
	}
}
