/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap.h - results of the unit tests in the Test Anything Protocol, version 13.
 *
 * Relies on the C library only. A program calls tap_ok() for each result and returns tap_done(),
 * which prints the plan and makes the exit status. All files of a program count together.
 */
#ifndef MINIKVM_UNIT_TAP_H
#define MINIKVM_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* Weak, so that each file may define them and the linker keeps one. */
__attribute__((weak)) unsigned int tap_tests, tap_failed;

/* Print one result line; the description is printf-like. */
__attribute__((format(printf, 2, 3)))
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

#endif
