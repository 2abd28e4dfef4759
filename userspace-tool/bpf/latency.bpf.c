// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency - the third of five eBPF programs: how long it takes from a VM exit to the next entry.
 *
 * Two programs share a map: the one at the exit leaves the time under the thread's number, the one
 * at the entry takes it out again and files the difference in a log2 histogram of the exit's
 * reason. The histograms are in a per-CPU hash, where each CPU has its own values: no two programs
 * write to one, nothing needs to be atomic, and the loader adds them up. Relies on the kernel's BTF
 * (CO-RE). The next one is stream.bpf.c.
 */
#include "bpf/record.bpf.h"
#include "bpf/task.bpf.h"

/* A thread that has left the guest. */
struct stamp {
	__u64 time_ns;
	__u64 switches;
	__u32 vcpu;
	__u32 reason;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct stamp);
} outside SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct latency);
} histograms SEC(".maps");

__u64 exits;
__u64 timed;		/* of these: with an entry after it, and so in a histogram */
__u64 unfiled;		/* of these: a map was full, or the thread turned to another vCPU */

/* 544 bytes are too many for the stack, which ends at 512: the empty one is a constant. */
static const struct latency empty;

static __always_inline __u64 switches(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, nvcsw);
}

/* The number of the highest bit that is set: halving the width five times, as there is no loop. */
static __always_inline __u32 log2_of(__u64 v)
{
	__u32 bit, n = 0;

	bit = (v > 0xffffffffULL) << 5;
	v >>= bit;
	n |= bit;
	bit = (v > 0xffff) << 4;
	v >>= bit;
	n |= bit;
	bit = (v > 0xff) << 3;
	v >>= bit;
	n |= bit;
	bit = (v > 0xf) << 2;
	v >>= bit;
	n |= bit;
	bit = (v > 0x3) << 1;
	v >>= bit;
	n |= bit;
	return n | v >> 1;
}

SEC("tracepoint")
int leave(const void *record)
{
	__u32 thread = bpf_get_current_pid_tgid();
	struct stamp stamp = {
		.time_ns = bpf_ktime_get_ns(),
		.switches = switches(),
		.vcpu = FIELD(__u32, record, fields.exit_vcpu_id),
		.reason = FIELD(__u32, record, fields.exit_reason),
	};

	if (!is_watched())
		return 0;
	COUNT(exits);
	/* One that is there still belongs to a vCPU that this thread did not enter again. */
	if (bpf_map_lookup_elem(&outside, &thread))
		COUNT(unfiled);
	if (bpf_map_update_elem(&outside, &thread, &stamp, BPF_ANY))
		COUNT(unfiled);
	return 0;
}

static __always_inline struct latency *histogram_of(__u32 reason)
{
	struct latency *h = bpf_map_lookup_elem(&histograms, &reason);

	if (h)
		return h;
	bpf_map_update_elem(&histograms, &reason, &empty, BPF_NOEXIST);
	return bpf_map_lookup_elem(&histograms, &reason);
}

SEC("tracepoint")
int enter(const void *record)
{
	__u32 thread = bpf_get_current_pid_tgid();
	struct stamp *found, stamp;
	struct latency *h;
	__u32 slot;
	__u64 ns;

	found = bpf_map_lookup_elem(&outside, &thread);
	if (!found)
		return 0;
	stamp = *found;
	bpf_map_delete_elem(&outside, &thread);
	h = histogram_of(stamp.reason);
	if (!h || stamp.vcpu != FIELD(__u32, record, fields.entry_vcpu_id)) {
		COUNT(unfiled);
		return 0;
	}
	COUNT(timed);
	ns = bpf_ktime_get_ns() - stamp.time_ns;
	h->count++;
	h->sum_ns += ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
	if (switches() != stamp.switches)
		h->slept++;
	/*
	 * The mask proves to the verifier that the index is below 64. The compiler, which knows
	 * that a logarithm is, would drop the mask: barrier_var() makes it forget.
	 */
	slot = log2_of(ns);
	barrier_var(slot);
	h->slots[slot & (LATENCY_SLOTS - 1)]++;
	return 0;
}
