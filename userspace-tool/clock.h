/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time that only runs forward: CLOCK_MONOTONIC, clock_gettime(2). Every Linux has it, so that
 * reading it does not fail.
 */
#ifndef MINIKVM_TOOL_CLOCK_H
#define MINIKVM_TOOL_CLOCK_H

#include <time.h>

#define NS_PER_S	1000000000LL
#define NS_PER_MS	1000000LL
#define NS_PER_US	1000LL

/* Return: nanoseconds since some moment in the past. Async-signal-safe. */
static inline long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

#endif
