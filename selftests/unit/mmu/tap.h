/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap.h - results of the unit tests of arch/x86/mmu in the Test Anything Protocol, version 13.
 *
 * One check() is one test point; tap_done() prints the plan and gives main() its status.
 */
#ifndef MINIKVM_UNIT_MMU_TAP_H
#define MINIKVM_UNIT_MMU_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3)))
static inline bool check(bool ok, const char *fmt, ...)
{
	va_list ap;

	tap_count++;
	tap_failed += !ok;
	printf("%sok %d - ", ok ? "" : "not ", tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return ok;
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
