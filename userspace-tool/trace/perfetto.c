// SPDX-License-Identifier: GPL-2.0-only
/*
 * A time line as a file for ui.perfetto.dev and chrome://tracing: the "Trace Event Format", JSON,
 * one event on each line. X is a slice with its length, M names a track, s and f are the ends of an
 * arrow; times are microseconds.
 *
 * Names come from tables of the tool and from the kernel, but are escaped all the same.
 */
#include "trace/json.h"
#include "trace/perfetto.h"

static void begin_event(struct perfetto *p, const char *phase, int thread, __u64 ns,
			const char *name)
{
	fprintf(p->to, "%s\n{\"ph\":\"%s\",\"pid\":1,\"tid\":%d,\"ts\":%llu.%03llu,\"name\":",
		p->lines++ ? "," : "", phase, thread, ns / 1000, ns % 1000);
	json_put_text(p->to, name);
}

static void track(void *to, int thread, unsigned int vcpu)
{
	struct perfetto *p = to;

	begin_event(p, "M", thread, 0, "thread_name");
	fprintf(p->to, ",\"args\":{\"name\":\"vCPU %u\"}}", vcpu);
}

static void slice(void *to, int thread, enum slice_kind kind, const char *name, __u64 from,
		  __u64 ns)
{
	struct perfetto *p = to;

	begin_event(p, "X", thread, from, name);
	fprintf(p->to, ",\"dur\":%llu.%03llu,\"cat\":\"%s\"}", ns / 1000, ns % 1000,
		slice_kind_name(kind));
}

static void flow(void *to, const char *name, int from_thread, __u64 from, int thread, __u64 at)
{
	struct perfetto *p = to;

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
