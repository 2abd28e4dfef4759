/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap.h - the little of the Test Anything Protocol that the emulator's tests need.
 *
 * Relies on the C library only.  A test program calls tap_ok() for every result and returns
 * tap_done(), which prints the plan and makes the exit status.
 */
#ifndef MINIKVM_TEST_TAP_H
#define MINIKVM_TEST_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_tests;
static unsigned int tap_failed;

/* Print one result line; the description is printf-like. */
static inline bool tap_ok(bool ok, const char *fmt, ...)
{
	va_list args;

	printf("%sok %u - ", ok ? "" : "not ", ++tap_tests);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	tap_failed += !ok;
	return ok;
}

/* Print the plan and a summary; returns the exit status. */
static inline int tap_done(void)
{
	printf("1..%u\n# %u passed, %u failed\n", tap_tests, tap_tests - tap_failed, tap_failed);
	return tap_failed ? 1 : 0;
}

#endif /* MINIKVM_TEST_TAP_H */
