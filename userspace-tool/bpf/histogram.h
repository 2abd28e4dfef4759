/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log2 histograms of times, as latency.bpf.c fills them: adding up, percentiles, printing. Pure.
 */
#ifndef MINIKVM_TOOL_BPF_HISTOGRAM_H
#define MINIKVM_TOOL_BPF_HISTOGRAM_H

#include <stdio.h>

#include "bpf/shared.h"

void latency_add(struct latency *sum, const struct latency *more);
__u64 latency_percentile(const struct latency *l, unsigned int percent);
void latency_print(FILE *to, const struct latency *l);

#endif
