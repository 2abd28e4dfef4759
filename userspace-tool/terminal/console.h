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
 * @wake_fd: eventfd that tells the event loop that output has begun to gather
 * @abandon: set from outside to make a blocked write give up
 * @broken: errno of a write that failed, else 0
 * @matched: the string of --exit-on has been seen
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
	size_t *fallback;	/* of the Knuth-Morris-Pratt automaton */
	size_t exit_on_len;
	size_t match;
	size_t len;
	__u8 buf[CONSOLE_BUFFER];
};

/**
 * console_open() - take over standard input and output
 * @c: receives the state
 * @wake_fd: see struct console
 * @exit_on: string to watch for, or NULL
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1. Raw mode begins with console_raw().
 */
int console_open(struct console *c, int wake_fd, const char *exit_on, struct sentence *why);
void console_close(struct console *c);

/* Switch the terminal to raw mode, if standard input is one; again after having been stopped. */
void console_raw(struct console *c);

/* Give the terminal back as it was found; may be called at any time, also in signal handlers. */
void console_restore(void);

/* The guest has sent bytes; blocks while standard output does. Callable from every thread. */
void console_put(struct console *c, const __u8 *data, size_t len);

/**
 * console_flush() - write out what has gathered
 * @c: the console
 * @wait: wait for another thread that has the console, perhaps in a write that blocks
 *
 * Return: whether it was done; false only without @wait, and then it has to be tried again.
 */
bool console_flush(struct console *c, bool wait);

/**
 * console_get() - read what was typed
 * @c: the console
 * @data: receives the bytes for the guest
 * @room: how many fit; 1 or more
 * @len: receives how many there are
 *
 * Return: a request; bytes may come with it.
 */
enum console_request console_get(struct console *c, __u8 *data, size_t room, size_t *len);

#endif
