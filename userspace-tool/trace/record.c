// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recording trace events through tracefs, by libtracefs and libtraceevent: the kernel's
 * Documentation/trace/events.rst, "instances" in ftrace.rst.
 *
 * Relies on set_event_pid with the option event-fork: a process with all that it creates. What
 * other threads cause, such as an interrupt of a device, is not seen under it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/record.h"

#define KVM_SYSTEM	"kvm"
#define OWN_SYSTEM	"minikvm"
#define MARK_EVENT	"kvm_exit"
#define CLOCK		"mono"

static bool has_events(const char *system)
{
	return tracefs_event_file_exists(NULL, system, MARK_EVENT, "enable");
}

static int enable_all(struct recording *r, struct sentence *why)
{
	if (tracefs_event_enable(r->instance, r->system, NULL))
		return say(why, "The events of %s cannot be enabled: %s.", r->system,
			   strerror(errno));
	/* What only minikvm has, beside the events in KVM's own system. */
	if (strcmp(r->system, OWN_SYSTEM) != 0)
		tracefs_event_enable(r->instance, OWN_SYSTEM, NULL);
	return 0;
}

static int enable_some(struct recording *r, const char *events, struct sentence *why)
{
	char *list = strdup(events), *name, *rest = NULL;
	int ret = 0;

	if (!list)
		return say(why, "There is no memory for the events' names.");
	for (name = strtok_r(list, ",", &rest); name && !ret; name = strtok_r(NULL, ",", &rest))
		if (tracefs_event_enable(r->instance, r->system, name) &&
		    tracefs_event_enable(r->instance, OWN_SYSTEM, name))
			ret = say(why,
				  "There is no event '%.60s' in %s; /sys/kernel/tracing/events/%s lists them.",
				  name, r->system, r->system);
	free(list);
	return ret;
}

/**
 * record_open() - prepare to record; record_only() begins
 * @r: receives the state
 * @events: names with commas between, or NULL for all
 * @buffer_kib: buffer of each CPU
 * @own: prefer minikvm's own system, where both modules have events
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int record_open(struct recording *r, const char *events, unsigned int buffer_kib, bool own,
		struct sentence *why)
{
	static const char * const systems[] = { KVM_SYSTEM, OWN_SYSTEM, NULL };
	char name[64];

	memset(r, 0, sizeof(*r));
	if (!tracefs_tracing_dir())
		return say(why,
			   "Tracefs is not there: become root, and mount it: mount -t tracefs nodev /sys/kernel/tracing.");
	if ((own || !has_events(KVM_SYSTEM)) && has_events(OWN_SYSTEM))
		r->system = OWN_SYSTEM;
	else if (has_events(KVM_SYSTEM))
		r->system = KVM_SYSTEM;
	else
		return say(why,
			   "Neither minikvm's trace events nor KVM's are in %s: load the module, and become root.",
			   tracefs_tracing_dir());
	snprintf(name, sizeof(name), "minikvm-trace-%d", getpid());
	r->instance = tracefs_instance_create(name);
	if (!r->instance)
		return say(why, "No buffer for the trace can be made in %s: %s.",
			   tracefs_tracing_dir(), strerror(errno));
	/* Until record_only() has set the filter: events of other VMs are not wanted. */
	if (tracefs_trace_off(r->instance))
		return say(why, "The recording cannot be switched off: %s.", strerror(errno));
	r->tep = tracefs_local_events_system(NULL, systems);
	if (!r->tep)
		return say(why, "The formats of the trace events cannot be read: %s.",
			   strerror(errno));
	if (tracefs_instance_set_buffer_size(r->instance, buffer_kib, -1))
		return say(why, "A trace buffer of %u KiB for each CPU cannot be had: %s.",
			   buffer_kib, strerror(errno));
	tracefs_instance_file_write(r->instance, "trace_clock", CLOCK);
	return events ? enable_some(r, events, why) : enable_all(r, why);
}

/* Begin to record what a process, its threads, and what they create cause, and only that. */
int record_only(struct recording *r, pid_t pid, struct sentence *why)
{
	char path[64], *end;
	struct dirent *d;
	bool good;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return say(why, "There is no process %d.", pid);
	good = tracefs_instance_file_write(r->instance, "options/event-fork", "1") > 0;
	while (good && (d = readdir(dir))) {
		strtol(d->d_name, &end, 10);
		if (*end || end == d->d_name)
			continue;
		/* The first replaces what is there, the others are added. */
		if (n++)
			good = tracefs_instance_file_append(r->instance, "set_event_pid",
							    d->d_name) > 0;
		else
			good = tracefs_instance_file_write(r->instance, "set_event_pid",
							   d->d_name) > 0;
	}
	if (!good)
		say(why, "The events of process %d alone cannot be chosen: %s.", pid,
		    strerror(errno));
	closedir(dir);
	if (good && !n)
		return say(why, "There is no process %d.", pid);
	if (good && tracefs_trace_on(r->instance))
		return say(why, "The recording cannot be switched on: %s.", strerror(errno));
	return good ? 0 : -1;
}

static unsigned long long number_behind(const char *text, const char *what)
{
	const char *s = text ? strstr(text, what) : NULL;

	return s ? strtoull(s + strlen(what), NULL, 10) : 0;
}

static void count_lost(struct recording *r)
{
	unsigned long long lost = 0;
	long cpu, cpus = sysconf(_SC_NPROCESSORS_CONF);
	char file[64], *text;

	for (cpu = 0; cpu < cpus; cpu++) {
		snprintf(file, sizeof(file), "per_cpu/cpu%ld/stats", cpu);
		text = tracefs_instance_file_read(r->instance, file, NULL);
		lost += number_behind(text, "overrun: ") + number_behind(text, "dropped events: ");
		free(text);
	}
	r->lost = lost;
}

struct reader {
	struct recording *r;
	record_fn fn;
	void *opaque;
};

static int read_one(struct tep_event *event, struct tep_record *record, int cpu, void *opaque)
{
	struct reader *reader = opaque;

	reader->r->events++;
	return reader->fn(event, record, cpu, reader->opaque);
}

/* Give all events that are there to @fn, in the order of their times. */
void record_read(struct recording *r, record_fn fn, void *opaque)
{
	struct reader reader = { r, fn, opaque };

	tracefs_iterate_raw_events(r->tep, r->instance, NULL, 0, read_one, &reader);
	count_lost(r);
}

/* No further events; those that are there can still be read. */
void record_stop(struct recording *r)
{
	tracefs_trace_off(r->instance);
}

void record_close(struct recording *r)
{
	if (r->instance) {
		tracefs_event_disable(r->instance, NULL, NULL);
		tracefs_instance_destroy(r->instance);
		tracefs_instance_free(r->instance);
	}
	if (r->tep)
		tep_free(r->tep);
	memset(r, 0, sizeof(*r));
}
