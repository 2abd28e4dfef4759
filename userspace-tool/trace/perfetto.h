/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A time line as a file for ui.perfetto.dev: perfetto.c.
 */
#ifndef MINIKVM_TOOL_PERFETTO_H
#define MINIKVM_TOOL_PERFETTO_H

#include <stdio.h>

#include "trace/timeline.h"

/**
 * struct perfetto - the file that is being written
 * @to: the stream
 * @lines: events in it
 * @flows: arrows in it
 */
struct perfetto {
	FILE *to;
	unsigned long long lines, flows;
};

extern const struct timeline_ops perfetto_ops;

void perfetto_begin(struct perfetto *p, FILE *to);
void perfetto_end(struct perfetto *p, unsigned long long lost);

#endif
