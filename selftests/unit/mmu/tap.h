/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap.h - results of the unit tests of arch/x86/mmu in the Test Anything Protocol, version 13.
 *
 * One check() is one test point; tap_done() prints the plan and gives main() its status.
 */
#ifndef MINIKVM_UNIT_MMU_TAP_H
#define MINIKVM_UNIT_MMU_TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failed;

static inline const char *tap_point(bool ok)
{
	tap_count++;
	tap_failed += !ok;
	return ok ? "ok" : "not ok";
}

/* check(condition, printf format of the test point's name, ...) */
#define check(ok, fmt, ...)						\
do {									\
	const char *_result = tap_point(ok);				\
									\
	printf("%s %d - " fmt "\n", _result, tap_count, ##__VA_ARGS__);	\
} while (0)

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
