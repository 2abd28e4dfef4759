// SPDX-License-Identifier: GPL-2.0-only
/*
 * report.c - which lines of a kernel log say that the kernel is broken.
 *
 * The words are those that Linux 6.1 and 6.12 print for a panic, oops, BUG,
 * WARNING, lockdep, KASAN, UBSAN, kmemleak, lockup, stall and the like.  A line
 * must start with them unless something of the kernel's choice comes first.
 */
#include "report.h"

#include <stddef.h>
#include <string.h>

static const char *const at_start[] = {
	"WARNING: ", "BUG: ", "kernel BUG at ", "Oops: ", "Oops:", "Kernel panic",
	"general protection fault", "Unable to handle kernel", "INFO: task ", "INFO: possible ",
	"INFO: suspicious ", "INFO: rcu", "rcu: INFO: ", "UBSAN: ", "kmemleak: ", "double fault: ",
	"traps: PANIC", "invalid opcode: ", "int3: ", "divide error: ", "stack segment: ",
	"PANIC: ", "possible recursive locking", "BUG kmalloc", "watchdog: BUG",
};

static const char *const anywhere[] = {
	"KASAN: ", "detected stall", "self-detected stall", "soft lockup", "hard LOCKUP",
	"unchecked MSR access error", "refcount_t: ", "scheduling while atomic",
	"sleeping function called", "bad: scheduling from the idle thread", "stack-protector: ",
	"Bad page state", "Bad page map", "list_add corruption", "list_del corruption",
	"DEBUG_LOCKS_WARN_ON", "invalid wait context", "circular locking dependency",
	"general protection fault", "kernel NULL pointer dereference",
};

/* Lines that start like a report and are none */
static const char *const harmless[] = {
	"kmemleak: Kernel memory leak detector initialized",
	"kmemleak: Automatic memory scanning thread",
	"kmemleak: Early log",
	"INFO: task ended",
};

/**
 * report_begins - whether a report of the kernel starts with this line
 * @line: a line of the log, without its time
 *
 * Return: 1 or 0.
 */
int report_begins(const char *line)
{
	size_t i;

	for (i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (!strncmp(line, harmless[i], strlen(harmless[i])))
			return 0;
	for (i = 0; i < sizeof(at_start) / sizeof(*at_start); i++)
		if (!strncmp(line, at_start[i], strlen(at_start[i])))
			return 1;
	for (i = 0; i < sizeof(anywhere) / sizeof(*anywhere); i++)
		if (strstr(line, anywhere[i]))
			return 1;
	return 0;
}
