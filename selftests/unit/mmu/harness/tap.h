/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap.h - one line of TAP for each check of guestmem.c and stress.c.
 *
 * The counters are in vm.c. A check that does not hold is counted and the program goes on; die()
 * is for what leaves nothing to test.
 */
#ifndef MMU_HARNESS_TAP_H
#define MMU_HARNESS_TAP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int tap_count, tap_failed;
/* Goes before each check's name. */
extern const char *mode_name;

#define check(ok, fmt, ...)						\
do {									\
	bool _ok = (ok);						\
									\
	tap_count++;							\
	tap_failed += !_ok;						\
	printf("%s %d - %s" fmt "\n", _ok ? "ok" : "not ok", tap_count,	\
	       mode_name, ##__VA_ARGS__);				\
	fflush(stdout);							\
} while (0)

static inline void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

#endif
