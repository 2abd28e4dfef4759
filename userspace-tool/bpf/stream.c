// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm bpf stream`: loads stream.bpf.c and prints each entry and exit while it comes.
 *
 * The kernel is asked whether it has ring buffers; if not, or with --perf, the programs for a perf
 * buffer are loaded instead. Relies on both buffers being memory that the kernel shares with this
 * process: reading them needs no system call.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/reason.h"
#include "bpf/watch.h"
#include "stream.skel.h"

struct stream {
	FILE *out;
	struct ring_buffer *ring;
	struct perf_buffer *perf;
	__u64 first_ns;
	__u64 entries, exits;
};

static int print_event(void *opaque, void *data, size_t size)
{
	const struct stream_event *e = data;
	struct stream *s = opaque;
	char name[REASON_NAME_SIZE];
	long long us;

	/* A record of a perf buffer may be longer than what it was made of. */
	if (size < sizeof(*e))
		return 0;
	if (!s->first_ns)
		s->first_ns = e->time_ns;
	/* Events of two CPUs may come in the wrong order. */
	us = ((long long)e->time_ns - (long long)s->first_ns) / 1000;
	fprintf(s->out, "%12lld us  VM %u vCPU %u  ", us, e->vm, e->vcpu);
	if (e->kind == STREAM_ENTRY) {
		s->entries++;
		fprintf(s->out, "entry at 0x%llx\n", e->rip);
	} else {
		s->exits++;
		fprintf(s->out, "exit  at 0x%llx: %s, qualification 0x%llx\n", e->rip,
			reason_name(e->reason, name), e->qualification);
	}
	return 0;
}

/*
 * What is in a perf buffer has a header. PERF_RECORD_LOST is left out: the program has counted
 * those events already, and also those after which nothing fitted any more.
 */
static enum bpf_perf_event_ret print_perf_event(void *opaque, int cpu __attribute((unused)),
						struct perf_event_header *header)
{
	struct {
		struct perf_event_header header;
		__u32 size;
		char data[];
	} *sample = (void *)header;

	if (header->type == PERF_RECORD_SAMPLE)
		print_event(opaque, sample->data, sample->size);
	return LIBBPF_PERF_EVENT_CONT;
}

static int read_events(void *opaque)
{
	struct stream *s = opaque;

	if (s->ring)
		ring_buffer__consume(s->ring);
	else
		perf_buffer__consume(s->perf);
	/* Returns early when the program wakes it. */
	if (s->ring)
		ring_buffer__poll(s->ring, TICK_MS);
	else
		perf_buffer__poll(s->perf, TICK_MS);
	fflush(s->out);
	return 0;
}

/* Both want a power of two, and the ring buffer whole pages. */
static size_t buffer_size(const struct watch *w)
{
	size_t size = sysconf(_SC_PAGESIZE);

	while (size < w->buffer)
		size *= 2;
	return size;
}

static void choose_buffer(const struct watch *w, struct stream_bpf *skeleton)
{
	size_t size = buffer_size(w);

	bpf_program__set_autoload(skeleton->progs.enter_ring, !w->perf);
	bpf_program__set_autoload(skeleton->progs.leave_ring, !w->perf);
	bpf_program__set_autoload(skeleton->progs.enter_perf, w->perf);
	bpf_program__set_autoload(skeleton->progs.leave_perf, w->perf);
	bpf_map__set_autocreate(skeleton->maps.ring, !w->perf);
	bpf_map__set_autocreate(skeleton->maps.perf, w->perf);
	if (!w->perf)
		bpf_map__set_max_entries(skeleton->maps.ring, size);
	skeleton->rodata->wake_at = size / 4;
}

static int open_buffer(const struct watch *w, struct stream_bpf *skeleton, struct stream *s,
		       struct sentence *why)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.watermark = 1,
		.wakeup_watermark = buffer_size(w) / 4,
	};
	size_t pages = buffer_size(w) / sysconf(_SC_PAGESIZE);

	if (w->perf)
		s->perf = perf_buffer__new_raw(bpf_map__fd(skeleton->maps.perf), pages, &attr,
					       print_perf_event, s, NULL);
	else
		s->ring = ring_buffer__new(bpf_map__fd(skeleton->maps.ring), print_event, s,
					   NULL);
	if (!s->perf && !s->ring)
		return say(why, "The buffer of %zu bytes cannot be opened: %s.", buffer_size(w),
			   strerror(errno));
	return 0;
}

static int print_events(struct watch *w, struct stream_bpf *skeleton, struct sentence *why)
{
	struct stream s = { .out = w->out };
	int ret, error = stream_bpf__load(skeleton);

	if (error)
		return watch_failed_load(error, why);
	if (open_buffer(w, skeleton, &s, why))
		return -1;
	ret = watch_attach(w, w->perf ? skeleton->progs.enter_perf : skeleton->progs.enter_ring,
			   "kvm_entry", why) ||
	      watch_attach(w, w->perf ? skeleton->progs.leave_perf : skeleton->progs.leave_ring,
			   "kvm_exit", why) ||
	      watch_run(w, read_events, &s, why);
	ring_buffer__free(s.ring);
	perf_buffer__free(s.perf);
	if (ret)
		return -1;
	fprintf(w->out, "%s buffer: entries %llu, exits %llu, received %llu and %llu, lost %llu\n",
		w->perf ? "perf" : "ring", skeleton->bss->entries, skeleton->bss->exits,
		s.entries, s.exits, skeleton->bss->lost);
	return 0;
}

/**
 * bpf_stream() - print every entry and every exit
 * @w: the watch, prepared
 * @why: the reason of a failure
 *
 * Return: 0 or -1.
 */
int bpf_stream(struct watch *w, struct sentence *why)
{
	struct stream_bpf *skeleton = stream_bpf__open();
	int ret;

	if (!skeleton)
		return watch_failed_load(-errno, why);
	if (!w->perf && libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) != 1)
		w->perf = true;
	WATCH_CONFIGURE(w, skeleton);
	choose_buffer(w, skeleton);
	ret = print_events(w, skeleton, why);
	stream_bpf__destroy(skeleton);
	return ret;
}
