// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm bpf latency`: loads latency.bpf.c and prints its histograms, the longest sum first.
 *
 * A look-up in a per-CPU map returns the values of all possible CPUs, one behind the other; they
 * are added up here. Relies on watch_run() having detached the programs.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/histogram.h"
#include "bpf/reason.h"
#include "bpf/watch.h"
#include "latency.skel.h"

/* The key comes first: watch_read_keys(). */
struct row {
	__u32 reason;
	struct latency latency;
};

static int compare(const void *first, const void *second)
{
	const struct row *a = first, *b = second;

	if (a->latency.sum_ns != b->latency.sum_ns)
		return a->latency.sum_ns > b->latency.sum_ns ? -1 : 1;
	return a->reason < b->reason ? -1 : a->reason > b->reason;
}

static void add_up(const struct bpf_map *map, struct latency *values, unsigned int cpus,
		   struct row *row)
{
	unsigned int cpu;

	if (bpf_map__lookup_elem(map, &row->reason, sizeof(row->reason), values,
				 (size_t)cpus * sizeof(*values), 0))
		return;
	for (cpu = 0; cpu < cpus; cpu++)
		latency_add(&row->latency, &values[cpu]);
}

static void print_row(FILE *to, const struct row *row)
{
	const struct latency *l = &row->latency;
	char name[REASON_NAME_SIZE];

	fprintf(to, "%s: %llu exits, mean %llu ns, p50 %llu ns, p99 %llu ns, longest %llu ns",
		reason_name(row->reason, name), l->count, l->count ? l->sum_ns / l->count : 0,
		latency_percentile(l, 50), latency_percentile(l, 99), l->max_ns);
	if (l->slept)
		fprintf(to, "; slept in %llu", l->slept);
	fputc('\n', to);
	latency_print(to, l);
}

static int print_all(struct watch *w, const struct latency_bpf *skeleton, struct sentence *why)
{
	const struct bpf_map *map = skeleton->maps.histograms;
	unsigned int most = bpf_map__max_entries(map), n, i;
	int cpus = libbpf_num_possible_cpus();
	struct row *rows = calloc(most, sizeof(*rows));
	struct latency *values = calloc(cpus > 0 ? cpus : 1, sizeof(*values));
	int ret = 0;

	if (!rows || !values || cpus <= 0) {
		ret = say(why, "There is not enough memory for the histograms of %d CPUs.", cpus);
	} else {
		n = watch_read_keys(map, rows, sizeof(*rows), sizeof(rows->reason), most);
		for (i = 0; i < n; i++)
			add_up(map, values, cpus, &rows[i]);
		if (n)
			qsort(rows, n, sizeof(*rows), compare);
		for (i = 0; i < n; i++)
			print_row(w->out, &rows[i]);
		fprintf(w->out, "exits %llu, timed %llu, not entered again %llu, unfiled %llu\n",
			skeleton->bss->exits, skeleton->bss->timed,
			skeleton->bss->exits - skeleton->bss->timed - skeleton->bss->unfiled,
			skeleton->bss->unfiled);
	}
	free(values);
	free(rows);
	return ret;
}

static int measure(struct watch *w, struct latency_bpf *skeleton, struct sentence *why)
{
	int error = latency_bpf__load(skeleton);

	if (error)
		return watch_failed_load(error, why);
	if (watch_attach(w, skeleton->progs.enter, "kvm_entry", why) ||
	    watch_attach(w, skeleton->progs.leave, "kvm_exit", why) ||
	    watch_run(w, NULL, NULL, why))
		return -1;
	return print_all(w, skeleton, why);
}

/**
 * bpf_latency() - measure the time from VM exits to the next entries
 * @w: the watch, prepared
 * @why: the reason of a failure
 *
 * Return: 0 or -1.
 */
int bpf_latency(struct watch *w, struct sentence *why)
{
	struct latency_bpf *skeleton;
	int ret;

	if (watch_needs_btf(why))
		return -1;
	skeleton = latency_bpf__open();
	if (!skeleton)
		return watch_failed_load(-errno, why);
	WATCH_CONFIGURE(w, skeleton);
	ret = measure(w, skeleton, why);
	latency_bpf__destroy(skeleton);
	return ret;
}
