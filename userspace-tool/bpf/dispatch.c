// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm bpf dispatch`: loads dispatch.bpf.c and prints what its decoders found.
 *
 * libbpf fills the program array when it loads the programs. Relies on watch_run() having detached
 * them before the map is walked.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/reason.h"
#include "bpf/watch.h"
#include "compiler.h"
#include "dispatch.skel.h"

/* Of each kind only the most frequent are printed. */
#define MOST_PRINTED	12

/* The key comes first: watch_read_keys(). */
struct row {
	struct access_key key;
	__u64 count;
};

static int compare(const void *first, const void *second)
{
	const struct row *a = first, *b = second;

	if (a->key.kind != b->key.kind)
		return a->key.kind < b->key.kind ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->key.what != b->key.what)
		return a->key.what < b->key.what ? -1 : 1;
	return a->key.how < b->key.how ? -1 : a->key.how > b->key.how;
}

/* Return: the first row of the next kind. */
static const struct row *print_kind(FILE *to, __u32 kind, const struct row *row,
				    const struct row *end)
{
	char text[ACCESS_TEXT_SIZE];
	unsigned int printed = 0, more = 0;

	for (; row < end && row->key.kind == kind; row++) {
		if (printed < MOST_PRINTED) {
			fprintf(to, "  %12llu  %s\n", row->count, access_text(&row->key, text));
			printed++;
		} else {
			more++;
		}
	}
	if (more)
		fprintf(to, "  %12s  (%u more)\n", "", more);
	return row;
}

static int print_all(struct watch *w, const struct dispatch_bpf *skeleton, struct sentence *why)
{
	static const char * const kinds[] = {
		[ACCESS_IO] = "I/O", [ACCESS_MMIO] = "MMIO", [ACCESS_MSR] = "MSR",
		[ACCESS_CR] = "CR", [ACCESS_EPT] = "EPT", [ACCESS_HYPERCALL] = "hypercall",
	};
	const struct bpf_map *map = skeleton->maps.accesses;
	unsigned int most = bpf_map__max_entries(map), n, i, kind;
	struct row *rows = calloc(most, sizeof(*rows));
	const struct row *row = rows;
	__u64 all = 0;

	if (!rows)
		return say(why, "There is not enough memory for %u counters.", most);
	n = watch_read_keys(map, rows, sizeof(*rows), sizeof(rows->key), most);
	for (i = 0; i < n; i++)
		bpf_map__lookup_elem(map, &rows[i].key, sizeof(rows[i].key), &rows[i].count,
				     sizeof(rows[i].count), 0);
	if (n)
		qsort(rows, n, sizeof(*rows), compare);
	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		fprintf(w->out, "%s: %llu exits\n", kinds[kind], skeleton->bss->decoded[kind]);
		all += skeleton->bss->decoded[kind];
		row = print_kind(w->out, kind, row, rows + n);
	}
	free(rows);
	fprintf(w->out, "exits %llu, decoded %llu, ignored %llu, without a program %llu, unlisted %llu\n",
		skeleton->bss->exits, all, skeleton->bss->ignored, skeleton->bss->fell_through,
		skeleton->bss->unlisted);
	return 0;
}

static int decode(struct watch *w, struct dispatch_bpf *skeleton, struct sentence *why)
{
	const struct {
		struct bpf_program *program;
		const char *event;
	} more[] = {
		{ skeleton->progs.name_msr, "kvm_msr" },
		{ skeleton->progs.name_mmio, "kvm_mmio" },
		{ skeleton->progs.name_hypercall, "kvm_hypercall" },
	};
	size_t i;
	int error;

	for (i = 0; i < ARRAY_SIZE(more); i++)
		bpf_program__set_autoload(more[i].program, watch_has_event(w, more[i].event));
	error = dispatch_bpf__load(skeleton);
	if (error)
		return watch_failed_load(error, why);
	if (watch_attach(w, skeleton->progs.dispatch, "kvm_exit", why))
		return -1;
	for (i = 0; i < ARRAY_SIZE(more); i++)
		if (bpf_program__autoload(more[i].program) &&
		    watch_attach(w, more[i].program, more[i].event, why))
			return -1;
	if (watch_run(w, NULL, NULL, why))
		return -1;
	return print_all(w, skeleton, why);
}

/**
 * bpf_dispatch() - decode exits, each reason by its own program
 * @w: the watch, prepared
 * @why: the reason of a failure
 *
 * Return: 0 or -1.
 */
int bpf_dispatch(struct watch *w, struct sentence *why)
{
	struct dispatch_bpf *skeleton = dispatch_bpf__open();
	int ret;

	if (!skeleton)
		return watch_failed_load(-errno, why);
	WATCH_CONFIGURE(w, skeleton);
	ret = decode(w, skeleton, why);
	dispatch_bpf__destroy(skeleton);
	return ret;
}
