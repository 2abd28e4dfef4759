// SPDX-License-Identifier: GPL-2.0-only
/*
 * The terminal: see console.h. POSIX general terminal interface, nothing of KVM.
 *
 * Guests print byte by byte. A system call for each would cost more than the exit that brought
 * it, so bytes gather in a buffer, and the event loop, woken by the first of them, writes them
 * out a few milliseconds later. What is in the buffer at the end is written before the tool ends.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "terminal/console.h"

#define ESCAPE_KEY	0x01	/* Ctrl-A */
#define WRITE_CHUNK	1024	/* a pipe that polls as writable takes this much at once */
#define BLOCKED_POLL_MS	100

static struct termios saved_mode;
static atomic_bool mode_changed;	/* lock-free, so that signal handlers may use it */

static int prepare_match(struct console *c, const char *exit_on, struct sentence *why)
{
	size_t i, k = 0;

	if (!exit_on || !*exit_on)
		return 0;
	c->exit_on = strdup(exit_on);
	c->exit_on_len = strlen(exit_on);
	c->fallback = calloc(c->exit_on_len, sizeof(*c->fallback));
	if (!c->exit_on || !c->fallback)
		return say(why, "There is no memory for the string of --exit-on.");
	for (i = 1; i < c->exit_on_len; i++) {
		while (k && exit_on[i] != exit_on[k])
			k = c->fallback[k - 1];
		if (exit_on[i] == exit_on[k])
			k++;
		c->fallback[i] = k;
	}
	return 0;
}

/**
 * console_open() - take over standard input and output
 * @c: receives the state
 * @wake_fd: see struct console
 * @exit_on: string to watch for, or NULL
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1. Raw mode begins with console_raw().
 */
int console_open(struct console *c, int wake_fd, const char *exit_on, struct sentence *why)
{
	memset(c, 0, sizeof(*c));
	pthread_mutex_init(&c->lock, NULL);
	c->wake_fd = wake_fd;
	c->input_tty = isatty(STDIN_FILENO);
	return prepare_match(c, exit_on, why);
}

void console_close(struct console *c)
{
	console_restore();
	free(c->exit_on);
	free(c->fallback);
	c->exit_on = NULL;
	c->fallback = NULL;
	c->exit_on_len = 0;
}

/* Switch the terminal to raw mode, if standard input is one; again after having been stopped. */
void console_raw(struct console *c)
{
	struct termios mode;

	if (!c->input_tty)
		return;
	if (!mode_changed) {
		if (tcgetattr(STDIN_FILENO, &saved_mode) < 0)
			return;
		mode_changed = true;
	}
	mode = saved_mode;
	cfmakeraw(&mode);
	/* Output stays cooked: not every guest sends a carriage return with its line feed. */
	mode.c_oflag |= OPOST | ONLCR;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
}

/* Give the terminal back as it was found; may be called at any time, also in signal handlers. */
void console_restore(void)
{
	if (!mode_changed)
		return;
	tcsetattr(STDIN_FILENO, TCSANOW, &saved_mode);
	mode_changed = false;
}

static void watch(struct console *c, const __u8 *data, size_t len)
{
	size_t i;

	if (!c->exit_on_len || c->matched)
		return;
	for (i = 0; i < len; i++) {
		while (c->match && (char)data[i] != c->exit_on[c->match])
			c->match = c->fallback[c->match - 1];
		if ((char)data[i] == c->exit_on[c->match])
			c->match++;
		if (c->match == c->exit_on_len) {
			c->matched = true;
			return;
		}
	}
}

/* Called with the lock held; gives up when standard output is broken or the run is abandoned. */
static void write_out(struct console *c)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
	size_t done = 0, chunk;
	ssize_t n;

	while (done < c->len && !c->broken) {
		if (poll(&out, 1, BLOCKED_POLL_MS) == 0) {
			if (c->abandon)
				break;
			continue;
		}
		chunk = c->len - done < WRITE_CHUNK ? c->len - done : WRITE_CHUNK;
		n = write(STDOUT_FILENO, c->buf + done, chunk);
		if (n >= 0)
			done += n;
		else if (errno != EINTR && errno != EAGAIN)
			c->broken = errno;
	}
	c->len = 0;
}

/* The guest has sent bytes; blocks while standard output does. Callable from every thread. */
void console_put(struct console *c, const __u8 *data, size_t len)
{
	const __u64 one = 1;
	size_t n;

	pthread_mutex_lock(&c->lock);
	watch(c, data, len);
	while (len) {
		if (!c->len && write(c->wake_fd, &one, sizeof(one)) < 0)
			write_out(c);
		n = sizeof(c->buf) - c->len;
		if (n > len)
			n = len;
		memcpy(c->buf + c->len, data, n);
		c->len += n;
		data += n;
		len -= n;
		if (c->len == sizeof(c->buf))
			write_out(c);
	}
	pthread_mutex_unlock(&c->lock);
}

/**
 * console_flush() - write out what has gathered
 * @c: the console
 * @wait: wait for another thread that has the console, perhaps in a write that blocks
 *
 * Return: whether it was done; false only without @wait, and then it has to be tried again.
 */
bool console_flush(struct console *c, bool wait)
{
	if (wait)
		pthread_mutex_lock(&c->lock);
	else if (pthread_mutex_trylock(&c->lock))
		return false;
	write_out(c);
	pthread_mutex_unlock(&c->lock);
	return true;
}

/* The key after Ctrl-A. Return: whether the byte itself goes to the guest. */
static bool escape_key(__u8 key, enum console_request *request)
{
	switch (key) {
	case 'x':
		*request = CONSOLE_LEAVE;
		return false;
	case 'p':
		*request = CONSOLE_POWER_BUTTON;
		return false;
	case 'h':
	case '?':
		*request = CONSOLE_HELP;
		return false;
	case 'a':
	case ESCAPE_KEY:
		return true;
	default:
		return false;
	}
}

/**
 * console_get() - read what was typed
 * @c: the console
 * @data: receives the bytes for the guest
 * @room: how many fit; 1 or more
 * @len: receives how many there are
 *
 * Return: a request; bytes may come with it.
 */
enum console_request console_get(struct console *c, __u8 *data, size_t room, size_t *len)
{
	enum console_request request = CONSOLE_NOTHING;
	__u8 typed[256];
	ssize_t n, i;

	*len = 0;
	if (room > sizeof(typed))
		room = sizeof(typed);
	n = read(STDIN_FILENO, typed, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return CONSOLE_NOTHING;
	if (n <= 0)
		return CONSOLE_EOF;
	if (!c->input_tty) {
		memcpy(data, typed, n);
		*len = n;
		return CONSOLE_NOTHING;
	}
	for (i = 0; i < n; i++) {
		if (c->escape) {
			c->escape = false;
			if (escape_key(typed[i], &request))
				data[(*len)++] = ESCAPE_KEY;
		} else if (typed[i] == ESCAPE_KEY) {
			c->escape = true;
		} else {
			data[(*len)++] = typed[i];
		}
	}
	return request;
}
