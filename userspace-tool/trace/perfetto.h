/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A time line as a file for ui.perfetto.dev: perfetto.c.
 */
#ifndef MINIKVM_TOOL_PERFETTO_H
#define MINIKVM_TOOL_PERFETTO_H

#include <stdio.h>

#include "trace/timeline.h"

#define PERFETTO_THREADS_MAX	(2 * TIMELINE_VCPUS_MAX)

/**
 * struct perfetto - the file that is being written
 * @to: the stream
 * @lines: events in it
 * @flows: arrows in it
 * @threads: those that have a track
 * @nr_threads: how many
 */
struct perfetto {
	FILE *to;
	unsigned long long lines, flows;
	struct perfetto_thread {
		int thread;
		bool is_vcpu;
	} threads[PERFETTO_THREADS_MAX];
	unsigned int nr_threads;
};

extern const struct timeline_ops perfetto_ops;

void perfetto_begin(struct perfetto *p, FILE *to);
void perfetto_end(struct perfetto *p, unsigned long long lost);

#endif
