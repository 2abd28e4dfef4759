/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal: raw mode and its restoration, buffered output, the Ctrl-A escapes, and the watch
 * for the string of --exit-on.
 */
#ifndef MINIKVM_TOOL_CONSOLE_H
#define MINIKVM_TOOL_CONSOLE_H

#include <linux/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "terminal/sentence.h"

#define CONSOLE_BUFFER	8192

/* What the person at the terminal asked for with Ctrl-A. */
enum console_request {
	CONSOLE_NOTHING,
	CONSOLE_LEAVE,
	CONSOLE_POWER_BUTTON,
	CONSOLE_HELP,
	CONSOLE_EOF,
};

/**
 * struct console - standard input and output as the guest's terminal
 * @lock: of the output: @buf, @len, @match
 * @wake_fd: eventfd that tells the event loop that output has begun to gather
 * @abandon: set from outside to make a blocked write give up
 * @broken: errno of a write that failed, else 0
 * @matched: the string of --exit-on has been seen
 * @input_tty: standard input is a terminal
 * @escape: Ctrl-A was typed; the next key is a request
 * @exit_on: the string of --exit-on, or NULL
 * @fallback: of the Knuth-Morris-Pratt automaton: where it goes on after a mismatch
 * @exit_on_len: bytes of @exit_on
 * @match: how many bytes of @exit_on the output ends with
 * @len: bytes in @buf
 * @buf: output that was not written yet
 */
struct console {
	pthread_mutex_t lock;
	int wake_fd;
	atomic_bool abandon;
	atomic_int broken;
	atomic_bool matched;
	bool input_tty;
	bool escape;
	char *exit_on;
	size_t *fallback;
	size_t exit_on_len;
	size_t match;
	size_t len;
	__u8 buf[CONSOLE_BUFFER];
};

int console_open(struct console *c, int wake_fd, const char *exit_on, struct sentence *why);
void console_close(struct console *c);
void console_raw(struct console *c);
void console_restore(void);
void console_put(struct console *c, const __u8 *data, size_t len);
bool console_flush(struct console *c, bool wait);
enum console_request console_get(struct console *c, __u8 *data, size_t room, size_t *len);

#endif
