// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm bpf exits`: loads exits.bpf.c and prints the hash map of exit counts, by VM and vCPU.
 *
 * Relies on watch_run() having detached the program: a map that changes while it is walked may
 * show a key twice or not at all.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/reason.h"
#include "bpf/watch.h"
#include "exits.skel.h"

/* The key comes first: watch_read_keys(). */
struct row {
	struct exit_key key;
	__u64 count;
};

/* By VM, then by vCPU, then the most frequent first. */
static int compare(const void *first, const void *second)
{
	const struct row *a = first, *b = second;

	if (a->key.vm != b->key.vm)
		return a->key.vm < b->key.vm ? -1 : 1;
	if (a->key.vcpu != b->key.vcpu)
		return a->key.vcpu < b->key.vcpu ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->key.reason < b->key.reason ? -1 : a->key.reason > b->key.reason;
}

static void print_vcpu(struct watch *w, const struct exits_bpf *skeleton, const struct row *rows,
		       unsigned int n)
{
	/* One byte more: a NUL follows a name of COMM_SIZE bytes. */
	char comm[COMM_SIZE + 1] = "";
	char name[REASON_NAME_SIZE];
	__u64 all = 0;
	unsigned int i;

	bpf_map__lookup_elem(skeleton->maps.names, &rows->key.vm, sizeof(rows->key.vm), comm,
			     sizeof(struct vm_name), 0);
	make_printable(comm);
	fprintf(w->out, "VM %u (%s), vCPU %u\n", rows->key.vm, comm, rows->key.vcpu);
	for (i = 0; i < n; i++)
		all += rows[i].count;
	for (i = 0; i < n; i++)
		fprintf(w->out, "  %12llu  %5.1f%%  %s\n", rows[i].count,
			100.0 * rows[i].count / all, reason_name(rows[i].key.reason, name));
	fprintf(w->out, "  %12llu          all\n", all);
}

static int print_all(struct watch *w, const struct exits_bpf *skeleton, struct sentence *why)
{
	const struct bpf_map *map = skeleton->maps.counts;
	unsigned int most = bpf_map__max_entries(map), n, i, from, to;
	struct row *rows = calloc(most, sizeof(*rows));

	if (!rows)
		return say(why, "There is not enough memory for %u counters.", most);
	n = watch_read_keys(map, rows, sizeof(*rows), sizeof(rows->key), most);
	for (i = 0; i < n; i++)
		bpf_map__lookup_elem(map, &rows[i].key, sizeof(rows[i].key), &rows[i].count,
				     sizeof(rows[i].count), 0);
	if (n)
		qsort(rows, n, sizeof(*rows), compare);
	for (from = 0; from < n; from = to) {
		for (to = from + 1; to < n; to++)
			if (rows[to].key.vm != rows[from].key.vm ||
			    rows[to].key.vcpu != rows[from].key.vcpu)
				break;
		print_vcpu(w, skeleton, rows + from, to - from);
	}
	free(rows);
	fprintf(w->out, "exits %llu, uncounted %llu\n", skeleton->bss->exits,
		skeleton->bss->uncounted);
	return 0;
}

static int count_exits(struct watch *w, struct exits_bpf *skeleton, struct sentence *why)
{
	int error = exits_bpf__load(skeleton);

	if (error)
		return watch_failed_load(error, why);
	if (watch_attach(w, skeleton->progs.count_exit, "kvm_exit", why) ||
	    watch_run(w, NULL, NULL, why))
		return -1;
	return print_all(w, skeleton, why);
}

/**
 * bpf_exits() - count VM exits
 * @w: the watch, prepared
 * @why: the reason of a failure
 *
 * Return: 0 or -1.
 */
int bpf_exits(struct watch *w, struct sentence *why)
{
	struct exits_bpf *skeleton;
	int ret;

	if (watch_needs_btf(why))
		return -1;
	skeleton = exits_bpf__open();
	if (!skeleton)
		return watch_failed_load(-errno, why);
	WATCH_CONFIGURE(w, skeleton);
	ret = count_exits(w, skeleton, why);
	exits_bpf__destroy(skeleton);
	return ret;
}
