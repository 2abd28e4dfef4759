/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM of mmu-harness.ko: its slots, accesses as a guest would make them, memory for it.
 *
 * What cannot fail in a test ends the program (die()).
 */
#ifndef MMU_HARNESS_VM_H
#define MMU_HARNESS_VM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "tap.h"

#define PAGE		4096UL
#define HUGE		(2UL << 20)
#define GIANT		(1UL << 30)
#define ACCESS_ERROR	2	/* beside HARNESS_ACCESS' 0 and 1 */

/* Goes before each check's name. */
extern const char *mode_name;

#define check(ok, fmt, ...) tap_ok(ok, "%s" fmt, mode_name, ##__VA_ARGS__)

static inline void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A file of /proc or /sys; its absence is no error. */
void write_file(const char *path, const char *text);
/* NULL: EPT with accessed and dirty flags, no more. */
int vm_open(const struct harness_setup *setup);
/* 0 or errno. */
int region(int vm, __u32 slot, __u32 flags, __u64 gpa, __u64 size, void *hva);
/* 0 or errno. */
int get_log(int vm, __u32 slot, void *log);
/* One access of a guest: 0, 1 = MMIO, ACCESS_ERROR with errno. */
int guest_try(int vm, __u32 op, __u64 gpa);
int guest_write(int vm, __u64 gpa, __u64 value);
/* All ones if it fails. */
__u64 guest_read(int vm, __u64 gpa);
struct harness_entry entry_of(int vm, __u64 gpa);
void *map(size_t size, int flags);
/* @size bytes, aligned to 2M, with transparent huge pages as @advice says. */
void *map_aligned(size_t size, int advice);

/* stress.c: all at once for some seconds; @log: the dirty log is taken meanwhile. */
void test_stress(const char *name, const struct harness_setup *setup, bool log, int seconds);

#endif
