// SPDX-License-Identifier: GPL-2.0-only
/*
 * A time line as a file for ui.perfetto.dev and chrome://tracing: the "Trace Event Format", JSON,
 * one event on each line. X is a slice with its length, M names a track, s and f are the ends of an
 * arrow; times are microseconds. An arrow hangs on the slices around its ends: a device's thread,
 * which is no vCPU's and has none, is given a short one for each interrupt that it sends.
 *
 * Names come from tables of the tool and from the kernel, but are escaped all the same.
 */
#include "trace/json.h"
#include "trace/perfetto.h"

#define SOURCE_NS	100	/* of the slice of a device's thread */

static void begin_event(struct perfetto *p, const char *phase, int thread, __u64 ns,
			const char *name)
{
	fprintf(p->to, "%s\n{\"ph\":\"%s\",\"pid\":1,\"tid\":%d,\"ts\":%llu.%03llu,\"name\":",
		p->lines++ ? "," : "", phase, thread, ns / 1000, ns % 1000);
	json_put_text(p->to, name);
}

static struct perfetto_thread *find(struct perfetto *p, int thread)
{
	unsigned int i;

	for (i = 0; i < p->nr_threads; i++)
		if (p->threads[i].thread == thread)
			return &p->threads[i];
	return NULL;
}

/* A thread's first event is its name; where there is no room for more threads, it has none. */
static void name_thread(struct perfetto *p, int thread, bool is_vcpu, const char *what, int number)
{
	if (p->nr_threads == PERFETTO_THREADS_MAX)
		return;
	p->threads[p->nr_threads++] = (struct perfetto_thread) { thread, is_vcpu };
	begin_event(p, "M", thread, 0, "thread_name");
	fprintf(p->to, ",\"args\":{\"name\":\"%s %d\"}}", what, number);
}

static void track(void *to, int thread, unsigned int vcpu)
{
	name_thread(to, thread, true, "vCPU", vcpu);
}

static void put_slice(struct perfetto *p, int thread, const char *category, const char *name,
		      __u64 from, __u64 ns)
{
	begin_event(p, "X", thread, from, name);
	fprintf(p->to, ",\"dur\":%llu.%03llu,\"cat\":\"%s\"}", ns / 1000, ns % 1000, category);
}

static void slice(void *to, int thread, enum slice_kind kind, const char *name, __u64 from,
		  __u64 ns)
{
	put_slice(to, thread, slice_kind_name(kind), name, from, ns);
}

static void flow(void *to, const char *name, int from_thread, __u64 from, int thread, __u64 at)
{
	struct perfetto *p = to;
	struct perfetto_thread *source = find(p, from_thread);

	if (!source)
		name_thread(p, from_thread, false, "interrupts from thread", from_thread);
	if (!source || !source->is_vcpu)
		put_slice(p, from_thread, "interrupt", name, from, SOURCE_NS);
	p->flows++;
	begin_event(p, "s", from_thread, from, name);
	fprintf(p->to, ",\"cat\":\"interrupt\",\"id\":%llu}", p->flows);
	begin_event(p, "f", thread, at, name);
	fprintf(p->to, ",\"cat\":\"interrupt\",\"bp\":\"e\",\"id\":%llu}", p->flows);
}

/* A track of the guest's, not of a thread: its events nest in none of the vCPUs'. */
static void process_track(void *to, int track, unsigned int process, unsigned int lane,
			  const char *name)
{
	struct perfetto *p = to;
	char text[TIMELINE_NAME_MAX];

	snprintf(text, sizeof(text), "process %u, %.20s", process, name);
	(void)lane;
	begin_event(p, "M", track, 0, "thread_name");
	fprintf(p->to, ",\"args\":{\"name\":");
	json_put_text(p->to, text);
	fprintf(p->to, "}}");
}

const struct timeline_ops perfetto_ops = {
	.track = track,
	.process = process_track,
	.slice = slice,
	.flow = flow,
};

void perfetto_begin(struct perfetto *p, FILE *to)
{
	*p = (struct perfetto) { .to = to };
	fprintf(to, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
	begin_event(p, "M", 0, 0, "process_name");
	fprintf(to, ",\"args\":{\"name\":\"guests\"}}");
}

void perfetto_end(struct perfetto *p, unsigned long long lost)
{
	fprintf(p->to, "\n],\"otherData\":{\"lost events\":\"%llu\"}}\n", lost);
}
