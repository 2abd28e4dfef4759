/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recording trace events through tracefs: record.c.
 */
#ifndef MINIKVM_TOOL_RECORD_H
#define MINIKVM_TOOL_RECORD_H

#include <stdbool.h>
#include <sys/types.h>
#include <traceevent/event-parse.h>
#include <tracefs/tracefs.h>

#include "terminal/sentence.h"

/**
 * struct recording - a recording that runs
 * @instance: buffers of its own, so that no other user of tracefs is disturbed
 * @tep: the events' formats
 * @system: where the module's events are: "kvm", or "minikvm" beside KVM
 * @events: how many were read
 * @lost: how many the buffers had no room for
 */
struct recording {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	const char *system;
	unsigned long long events, lost;
};

typedef int (*record_fn)(struct tep_event *event, struct tep_record *record, int cpu, void *opaque);

int record_open(struct recording *r, const char *events, unsigned int buffer_kib, bool own,
		struct sentence *why);
int record_only(struct recording *r, pid_t pid, struct sentence *why);
void record_read(struct recording *r, record_fn fn, void *opaque);
void record_stop(struct recording *r);
void record_close(struct recording *r);

#endif
