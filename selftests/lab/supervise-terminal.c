// SPDX-License-Identifier: GPL-2.0-only
/*
 * supervise-terminal.c - the caller's terminal, for a COMMAND that has one (lab shell).
 *
 * The terminal is raw (termios(3)) from COMMAND's start to its end: the host's line discipline does
 * the editing and turns Ctrl-C into a signal. Keys are read at once, also while the host does not
 * ask for any, so that the escape works on a host that hangs: Ctrl-] and then q ends it.
 *
 * However this process ends, short of SIGKILL, the terminal gets its settings back; for SIGKILL,
 * the script that started it has them too.
 */
#include "supervise.h"
#include "window.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ESCAPE		0x1d		/* Ctrl-] */
#define QUEUE		65536

static struct termios before;
static int raw;
static volatile sig_atomic_t resized;

/* What was typed and not yet given to the host */
static unsigned char queue[QUEUE];
static size_t queued;

/* Whether the last switch of the screen that COMMAND sent was to the alternate one */
static int alternate;

static void on_resize(int number)
{
	(void)number;
	resized = 1;
}

/* Leave what a program that was killed has set: the other screen, no cursor, colours. */
static void put_screen_right(void)
{
	static const char leave[] = "\033[?1049l", usual[] = "\033[0m\033[?25h\033[?2004l";

	if (alternate && write(STDOUT_FILENO, leave, sizeof(leave) - 1) < 0)
		return;
	if (write(STDOUT_FILENO, usual, sizeof(usual) - 1) < 0)
		return;
}

/**
 * terminal_restore - give the terminal back as it was found
 * @orderly: COMMAND has ended by itself, so that the screen is as it left it
 */
void terminal_restore(int orderly)
{
	if (!raw)
		return;
	raw = 0;
	if (!orderly)
		put_screen_right();
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

static void restore_at_exit(void)
{
	terminal_restore(0);
}

/**
 * terminal_start - COMMAND starts: from now on every key is its own
 */
void terminal_start(void)
{
	struct sigaction action = { .sa_handler = on_resize };
	struct termios settings;

	if (raw || tcgetattr(STDIN_FILENO, &before))
		return;
	settings = before;
	cfmakeraw(&settings);
	atexit(restore_at_exit);
	sigaction(SIGWINCH, &action, NULL);
	raw = !tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
}

/**
 * terminal_size - the window's size
 * @rows: receives its lines, 0 where they are not known
 * @columns: receives the length of a line, likewise
 */
void terminal_size(uint16_t *rows, uint16_t *columns)
{
	struct winsize size = { 0 };

	ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	*rows = size.ws_row;
	*columns = size.ws_col;
}

/**
 * terminal_resized - whether the window's size has changed since this was asked last
 *
 * Return: 1 or 0.
 */
int terminal_resized(void)
{
	int was = resized;

	resized = 0;
	return was;
}

/**
 * terminal_room - whether terminal_read() could keep more
 *
 * Return: 1 or 0.
 */
int terminal_room(void)
{
	return queued < QUEUE / 2;
}

/**
 * terminal_read - read what was typed
 *
 * Return: 0, or -1 to end: the escape was typed, or the terminal is gone.
 */
int terminal_read(void)
{
	static unsigned char keys[4096];
	static int escaped;
	ssize_t got = read(STDIN_FILENO, keys, sizeof(keys));
	ssize_t i;

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (got <= 0)
		return -1;
	for (i = 0; i < got && queued < QUEUE; i++) {
		if (escaped && keys[i] == 'q')
			return -1;
		if (!escaped && keys[i] == ESCAPE) {
			escaped = 1;
			continue;
		}
		escaped = 0;
		queue[queued++] = keys[i];
	}
	return 0;
}

/**
 * terminal_take - take keys to give to the host
 * @keys: receives them
 * @room: bytes there
 *
 * Return: how many.
 */
size_t terminal_take(void *keys, size_t room)
{
	size_t n = queued < room ? queued : room;

	memcpy(keys, queue, n);
	memmove(queue, queue + n, queued - n);
	queued -= n;
	return n;
}

/**
 * terminal_watch - look at what COMMAND sends to the screen
 * @data: the bytes
 * @len: how many
 */
void terminal_watch(const unsigned char *data, size_t len)
{
	static const char sequence[] = "\033[?1049";
	static size_t matched;
	size_t i;

	for (i = 0; i < len; i++) {
		if (matched == sizeof(sequence) - 1) {
			if (data[i] == 'h' || data[i] == 'l')
				alternate = data[i] == 'h';
			matched = 0;
		} else if (data[i] == sequence[matched]) {
			matched++;
		} else {
			matched = data[i] == sequence[0];
		}
	}
}
