/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From trace events to a time line: what each vCPU did when, and which interrupt came from where.
 */
#ifndef MINIKVM_TOOL_TIMELINE_H
#define MINIKVM_TOOL_TIMELINE_H

#include <linux/types.h>
#include <stdbool.h>

#define TIMELINE_VCPUS_MAX	256
#define TIMELINE_NAME_MAX	48
#define TIMELINE_PROCESSES	256
/* Tracks of the guest's processes have numbers that no thread has. */
#define TIMELINE_PROCESS_TRACK	0x40000000
#define TIMELINE_LANES		64	/* tracks of one process, which several vCPUs may run */

enum timeline_event_kind {
	EVENT_ENTRY,		/* @number: vCPU */
	EVENT_EXIT,		/* @number: vCPU, @name: reason */
	EVENT_USERSPACE,	/* @name: reason */
	EVENT_WAKEUP,		/* @number: nanoseconds waited */
	EVENT_INJECT,		/* @number: vector */
	EVENT_IPI,		/* @number: vector */
	EVENT_DEVICE,		/* @number: vector; an MSI or the IOAPIC, mostly from an irqfd */
	EVENT_PROCESS,		/* @number: the guest's process that runs now, @name: its name */
	EVENT_PROCESS_END,	/* from now on the guest does not say what any of its vCPUs runs */
};

/**
 * struct timeline_event - one trace event
 * @kind: which
 * @ns: when
 * @thread: the thread that caused it
 * @number: see the kind
 * @name: see the kind
 */
struct timeline_event {
	enum timeline_event_kind kind;
	__u64 ns;
	int thread;
	__u64 number;
	const char *name;
};

enum slice_kind { SLICE_GUEST, SLICE_EXIT, SLICE_USERSPACE, SLICE_WAITING, SLICE_PROCESS };

/* Where the time line goes. Threads are those of vCPUs, except for the source of a flow. */
struct timeline_ops {
	void (*track)(void *to, int thread, unsigned int vcpu);
	void (*process)(void *to, int track, unsigned int process, unsigned int lane,
			const char *name);
	void (*slice)(void *to, int thread, enum slice_kind kind, const char *name, __u64 from,
		      __u64 ns);
	void (*flow)(void *to, const char *name, int from_thread, __u64 from, int thread, __u64 at);
};

/* What a vCPU's thread is doing. */
struct timeline_vcpu {
	int thread;
	unsigned int vcpu;
	bool open;
	enum slice_kind kind;
	__u64 since;
	char name[TIMELINE_NAME_MAX];
	/* The guest's process that runs there, if the guest has told. */
	bool in_process;
	unsigned int process, lane;
	__u64 process_since;
	char process_name[TIMELINE_NAME_MAX];
};

/* An interrupt that was sent, and not seen to be injected yet. */
struct timeline_source {
	bool waits;
	bool ipi;
	int thread;
	__u64 ns;
};

/**
 * struct timeline - the state between events
 * @ops: where it goes
 * @to: for @ops
 * @vcpus: threads that have run a vCPU
 * @nr_vcpus: how many
 * @source: by vector: the last one
 * @lanes_used: by the guest's process: bit L: a vCPU runs it on track L of its tracks
 * @lanes_made: likewise: there is such a track
 * @process_names: the guest's names of its processes, the last ones
 * @last: time of the last event
 * @late: events that came with an earlier time than one before
 * @unknown: events of more threads than there is room for
 */
struct timeline {
	const struct timeline_ops *ops;
	void *to;
	struct timeline_vcpu vcpus[TIMELINE_VCPUS_MAX];
	unsigned int nr_vcpus;
	struct timeline_source source[256];
	__u64 lanes_used[TIMELINE_PROCESSES], lanes_made[TIMELINE_PROCESSES];
	char process_names[TIMELINE_PROCESSES][TIMELINE_NAME_MAX];
	__u64 last;
	unsigned long long late, unknown;
};

void timeline_event(struct timeline *t, const struct timeline_event *e);
void timeline_end(struct timeline *t);
const char *slice_kind_name(enum slice_kind kind);

#endif
