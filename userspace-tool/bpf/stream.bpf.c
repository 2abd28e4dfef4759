// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream - the fourth of five eBPF programs: every entry and every exit, as an event of its own.
 *
 * The events go through a ring buffer, one memory that all CPUs and the loader share, in the order
 * in which they were reserved. Kernels before 5.8 have a perf buffer instead, one memory for each
 * CPU. What does not fit is lost in both, and counted here. A program for each kind of buffer
 * stands below, and the loader loads those for one. The next one is dispatch.bpf.c.
 */
#include "bpf/record.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);	/* bytes; --buffer changes it */
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} perf SEC(".maps");

const volatile __u64 wake_at;	/* the loader is woken when so many bytes wait for it */

__u64 entries;
__u64 exits;
__u64 lost;	/* of both together */

static __always_inline void fill_entry(struct stream_event *e, const void *record)
{
	e->time_ns = bpf_ktime_get_ns();
	e->rip = FIELD(__u64, record, fields.entry_rip);
	e->qualification = 0;
	e->vm = current_vm();
	e->vcpu = FIELD(__u32, record, fields.entry_vcpu_id);
	e->reason = 0;
	e->kind = STREAM_ENTRY;
}

static __always_inline void fill_exit(struct stream_event *e, const void *record)
{
	e->time_ns = bpf_ktime_get_ns();
	e->rip = FIELD(__u64, record, fields.exit_rip);
	e->qualification = FIELD(__u64, record, fields.exit_info1);
	e->vm = current_vm();
	e->vcpu = FIELD(__u32, record, fields.exit_vcpu_id);
	e->reason = FIELD(__u32, record, fields.exit_reason);
	e->kind = STREAM_EXIT;
}

/* Ring buffer: room in the buffer itself, filled where it stands. No copy is made. */
static __always_inline struct stream_event *reserve(void)
{
	struct stream_event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e)
		COUNT(lost);
	return e;
}

/* What an event takes in the ring buffer: itself and a header of 8 bytes. */
#define RING_BYTES	(sizeof(struct stream_event) + BPF_RINGBUF_HDR_SZ)

/*
 * The loader is woken once, by the event with which enough of them wait. To wake it, the kernel
 * sends this CPU an interrupt. One for each event at a VM entry would be there before the guest's
 * first instruction, make it exit, and so on: the guest would never run.
 */
static __always_inline void submit(struct stream_event *e)
{
	__u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	int is_enough = waiting >= wake_at && waiting < wake_at + RING_BYTES;

	bpf_ringbuf_submit(e, is_enough ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

SEC("?tracepoint")
int enter_ring(const void *record)
{
	struct stream_event *e;

	if (!is_watched())
		return 0;
	COUNT(entries);
	e = reserve();
	if (e) {
		fill_entry(e, record);
		submit(e);
	}
	return 0;
}

SEC("?tracepoint")
int leave_ring(const void *record)
{
	struct stream_event *e;

	if (!is_watched())
		return 0;
	COUNT(exits);
	e = reserve();
	if (e) {
		fill_exit(e, record);
		submit(e);
	}
	return 0;
}

/* Perf buffer: the event is made on the stack, and copied into the buffer of this CPU. */
static __always_inline void output(const void *record, struct stream_event *e)
{
	if (bpf_perf_event_output((void *)record, &perf, BPF_F_CURRENT_CPU, e, sizeof(*e)))
		COUNT(lost);
}

SEC("?tracepoint")
int enter_perf(const void *record)
{
	struct stream_event e;

	if (!is_watched())
		return 0;
	COUNT(entries);
	fill_entry(&e, record);
	output(record, &e);
	return 0;
}

SEC("?tracepoint")
int leave_perf(const void *record)
{
	struct stream_event e;

	if (!is_watched())
		return 0;
	COUNT(exits);
	fill_exit(&e, record);
	output(record, &e);
	return 0;
}
