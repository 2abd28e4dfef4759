// SPDX-License-Identifier: GPL-2.0-only
/*
 * From trace events to a time line: see timeline.h. The events are KVM's: kvm_entry, kvm_exit,
 * kvm_userspace_exit, kvm_vcpu_wakeup, kvm_inj_virq, kvm_apic_ipi, kvm_msi_set_irq; and what a
 * guest announces of its processes by kvm_hypercall (guest.c). A process has a track of its own,
 * with a slice for each time that a vCPU runs it; processes of two guests are not told apart.
 *
 * A vCPU's thread is in the guest from an entry to the exit, handles the exit until the next entry
 * or until KVM_RUN returns, and is then in userspace up to the next entry. An interrupt is followed
 * by its vector: the last one that was sent belongs to the next injection, which is a guess where
 * two VMs, or two devices, use a vector at the same time. Pure: linked into the tool and its tests.
 */
#include <stdio.h>
#include <string.h>

#include "trace/timeline.h"

const char *slice_kind_name(enum slice_kind kind)
{
	static const char * const names[] = {
		[SLICE_GUEST] = "guest",
		[SLICE_EXIT] = "exit handling",
		[SLICE_USERSPACE] = "userspace",
		[SLICE_WAITING] = "waiting",
		[SLICE_PROCESS] = "process",
	};

	return names[kind];
}

static struct timeline_vcpu *find(struct timeline *t, int thread)
{
	unsigned int i;

	for (i = 0; i < t->nr_vcpus; i++)
		if (t->vcpus[i].thread == thread)
			return &t->vcpus[i];
	return NULL;
}

/* A thread that enters or leaves a guest is a vCPU's. */
static struct timeline_vcpu *find_or_add(struct timeline *t, int thread, unsigned int vcpu)
{
	struct timeline_vcpu *v = find(t, thread);

	if (v)
		return v;
	if (t->nr_vcpus == TIMELINE_VCPUS_MAX) {
		t->unknown++;
		return NULL;
	}
	v = &t->vcpus[t->nr_vcpus++];
	v->thread = thread;
	v->vcpu = vcpu;
	t->ops->track(t->to, thread, vcpu);
	return v;
}

static void close_slice(struct timeline *t, struct timeline_vcpu *v, __u64 ns)
{
	if (v->open && ns >= v->since)
		t->ops->slice(t->to, v->thread, v->kind, v->name, v->since, ns - v->since);
	v->open = false;
}

static void open_slice(struct timeline *t, struct timeline_vcpu *v, enum slice_kind kind,
		       const char *name, __u64 ns)
{
	close_slice(t, v, ns);
	v->open = true;
	v->kind = kind;
	v->since = ns;
	snprintf(v->name, sizeof(v->name), "%s", name);
}

static void wakeup(struct timeline *t, struct timeline_vcpu *v, const struct timeline_event *e)
{
	__u64 from;

	if (!v || !e->number || e->number > e->ns)
		return;
	from = e->ns - e->number;
	/* It lies within the handling of the exit that it waited for. */
	if (v->open && from < v->since)
		from = v->since;
	t->ops->slice(t->to, v->thread, SLICE_WAITING, "waiting", from, e->ns - from);
}

static void inject(struct timeline *t, struct timeline_vcpu *v, const struct timeline_event *e)
{
	struct timeline_source *s = &t->source[e->number & 0xff];
	char name[TIMELINE_NAME_MAX];

	if (!v || !s->waits)
		return;
	s->waits = false;
	if (e->ns < s->ns)
		return;
	snprintf(name, sizeof(name), "%s, vector %llu", s->ipi ? "IPI" : "device interrupt",
		 e->number & 0xff);
	t->ops->flow(t->to, name, s->thread, s->ns, v->thread, e->ns);
}

static int process_track(unsigned int process, unsigned int lane)
{
	return TIMELINE_PROCESS_TRACK + process * TIMELINE_LANES + lane;
}

static void close_process(struct timeline *t, struct timeline_vcpu *v, __u64 ns)
{
	if (!v->in_process)
		return;
	if (ns >= v->process_since)
		t->ops->slice(t->to, process_track(v->process, v->lane), SLICE_PROCESS,
			      v->process_name, v->process_since, ns - v->process_since);
	v->in_process = false;
	t->lanes_used[v->process] &= ~(1ULL << v->lane);
}

/* Slices of one track do not overlap: a process that two vCPUs run at once has two tracks. */
static void switch_process(struct timeline *t, struct timeline_vcpu *v,
			   const struct timeline_event *e)
{
	if (!v)
		return;
	close_process(t, v, e->ns);
	v->process = e->number % TIMELINE_PROCESSES;
	if (!~t->lanes_used[v->process])
		return;
	v->lane = __builtin_ctzll(~t->lanes_used[v->process]);
	v->in_process = true;
	v->process_since = e->ns;
	snprintf(v->process_name, sizeof(v->process_name), "%.16s on vCPU %u", e->name, v->vcpu);
	t->lanes_used[v->process] |= 1ULL << v->lane;
	t->lanes_made[v->process] |= 1ULL << v->lane;
	snprintf(t->process_names[v->process], TIMELINE_NAME_MAX, "%.16s", e->name);
}

/* A child is named like its parent at first: a track has the name that its process had last. */
static void name_processes(struct timeline *t)
{
	unsigned int process, lane;

	for (process = 0; process < TIMELINE_PROCESSES; process++)
		for (lane = 0; lane < TIMELINE_LANES; lane++)
			if (t->lanes_made[process] >> lane & 1)
				t->ops->process(t->to, process_track(process, lane), process, lane,
						t->process_names[process]);
}

/* The next event; their times ascend. */
void timeline_event(struct timeline *t, const struct timeline_event *e)
{
	struct timeline_vcpu *v = find(t, e->thread);
	unsigned int i;

	if (e->ns < t->last)
		t->late++;
	else
		t->last = e->ns;
	switch (e->kind) {
	case EVENT_ENTRY:
		v = find_or_add(t, e->thread, e->number);
		if (v)
			open_slice(t, v, SLICE_GUEST, "guest", e->ns);
		break;
	case EVENT_EXIT:
		v = find_or_add(t, e->thread, e->number);
		if (v)
			open_slice(t, v, SLICE_EXIT, e->name, e->ns);
		break;
	case EVENT_USERSPACE:
		if (v)
			open_slice(t, v, SLICE_USERSPACE, e->name, e->ns);
		break;
	case EVENT_WAKEUP:
		wakeup(t, v, e);
		break;
	case EVENT_INJECT:
		inject(t, v, e);
		break;
	case EVENT_IPI:
	case EVENT_DEVICE:
		t->source[e->number & 0xff] = (struct timeline_source) {
			.waits = true,
			.ipi = e->kind == EVENT_IPI,
			.thread = e->thread,
			.ns = e->ns,
		};
		break;
	case EVENT_PROCESS:
		switch_process(t, v, e);
		break;
	case EVENT_PROCESS_END:
		for (i = 0; i < t->nr_vcpus; i++)
			close_process(t, &t->vcpus[i], e->ns);
		break;
	}
}

/* The recording is over: what is open ends with its last event. */
void timeline_end(struct timeline *t)
{
	unsigned int i;

	for (i = 0; i < t->nr_vcpus; i++) {
		close_slice(t, &t->vcpus[i], t->last);
		close_process(t, &t->vcpus[i], t->last);
	}
	name_processes(t);
}
