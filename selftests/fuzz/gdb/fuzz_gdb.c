// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_gdb.c - libFuzzer target: a debugger that sends whatever it likes.
 *
 * The input is lines: most become packets with a right checksum, so that what lies behind it is
 * reached; a line that begins with ! is sent as it is. Between them the target stops by itself.
 * ASan and UBSan watch; the model of the unit tests watches the promises of protocol.h, and this
 * file adds that the guest's memory is as it was once every breakpoint is removed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "debug_model.h"

static struct model m;

static void require(bool promise, const char *what)
{
	if (promise)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

static void line(const char *s, size_t len)
{
	static struct thread_stop stop = { .signal = GDB_SIGNAL_TRAP };

	if (len && *s == '!')
		model_bytes(&m, s + 1, len - 1);
	else if (len <= PACKET_MAX)
		model_ask(&m, s, len);
	require(!m.bad, "the target is used as protocol.h says");
	require(m.gdb.general < MODEL_THREADS, "the selected thread exists");
	m.sent_len = 0;
	if (m.gdb.running && len % 2) {
		stop.thread = len / 2 % MODEL_THREADS;
		stop.reason = len / 4 % 4;
		stop.type = WATCHPOINT_WRITE + len / 16 % 3;
		stop.address = len << 40;
		gdb_stopped(&m.gdb, &stop);
	}
}

int fuzz_one_input(const __u8 *data, size_t size);

int fuzz_one_input(const __u8 *data, size_t size)
{
	static __u8 shown[MODEL_SIZE];
	const char *s = (const char *)data, *end = s + size, *next;

	model_open(&m);
	for (; s < end && !m.gdb.ended; s = next + 1) {
		next = memchr(s, '\n', end - s);
		if (!next)
			next = end;
		line(s, next - s);
	}
	memcpy(shown, m.memory, MODEL_SIZE);
	software_hide(&m.breakpoints, MODEL_MEMORY, shown, MODEL_SIZE);
	while (m.breakpoints.nr_software) {
		struct software_breakpoint *b = m.breakpoints.software;

		software_remove(&m.breakpoints, b, m.memory + (b->gpa - MODEL_MEMORY));
	}
	require(!memcmp(shown, m.memory, MODEL_SIZE), "no breakpoint stays behind");
	return 0;
}
