/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `minikvm run --stats` prints at the end: run_stats.c.
 */
#ifndef MINIKVM_TOOL_RUN_STATS_H
#define MINIKVM_TOOL_RUN_STATS_H

#include <stdio.h>

#include "machine/machine.h"

/**
 * struct milestones - when what was reached, nanoseconds of CLOCK_MONOTONIC
 * @begun: the command was given
 * @ready: the machine is built, and its vCPUs start
 * @ended: they have ended
 * @pagemap: for --stats, what tells where memory is, opened before the sandbox; else -1
 */
struct milestones {
	long long begun;
	long long ready;
	long long ended;
	int pagemap;
};

void run_stats_print(FILE *to, const struct machine *m, const struct milestones *when);

#endif
