// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages and where they go: see message.h. The strings of JSON are those of RFC 8259, section 7.
 *
 * A message is one write(2) to each place, under a lock, so that lines of different threads never
 * mix. The log is opened before the sandbox and only written behind it. What cannot be written is
 * remembered, and message_log_close() tells; what a guest can cause, the devices say once.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "terminal/message.h"

#define NS_PER_MS	1000000L
#define LOG_MODE	0644

const char *const message_level_name[MESSAGE_LEVELS] = {
	[MESSAGE_ERROR] = "error",
	[MESSAGE_WARNING] = "warning",
	[MESSAGE_INFO] = "info",
	[MESSAGE_DEBUG] = "debug",
};

static const char *const kind_name[] = {
	[MESSAGE_SENTENCE] = "message",
	[MESSAGE_END] = "end",
	[MESSAGE_EXIT] = "exit",
	[MESSAGE_REGISTERS] = "registers",
	[MESSAGE_STATS] = "stats",
};

static struct {
	pthread_mutex_t lock;
	struct message_options options;
	int log;
	int error;
} told = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.options = { .level = MESSAGE_INFO },
	.log = -1,
};

/* ---- as text --------------------------------------------------------------------------------- */

static bool is_sentence(const struct message *m)
{
	return m->kind == MESSAGE_SENTENCE || m->kind == MESSAGE_END;
}

/* Bytes of the UTF-8 character that begins at @s (RFC 3629), or 0 where none does. */
static unsigned int character(const unsigned char *s)
{
	unsigned int len = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 :
			   *s < 0xf5 ? 4 : 0;
	unsigned int i;

	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* No characters: longer than need be, surrogates, numbers above U+10FFFF. */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

/* A string of JSON. A byte that belongs to no character becomes U+FFFD. */
static void put_string(FILE *to, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned int len;

	putc('"', to);
	for (; *s; s += len ? len : 1) {
		len = character(s);
		if (!len)
			fputs("\\ufffd", to);
		else if (*s == '\n')
			fputs("\\n", to);
		else if (*s == '"' || *s == '\\' || *s < ' ' || *s == 0x7f)
			fprintf(to, "\\u%04x", *s);
		else
			fwrite(s, 1, len, to);
	}
	putc('"', to);
}

/**
 * message_as_json() - a message as an object of JSON
 * @m: the message
 *
 * Return: a line with its newline, to be freed; or NULL: there is no memory.
 */
char *message_as_json(const struct message *m)
{
	char *line = NULL;
	size_t size;
	FILE *to = open_memstream(&line, &size);

	if (!to)
		return NULL;
	fprintf(to, "{\"time\":%lld.%03ld,\"level\":\"%s\",\"kind\":\"%s\"",
		(long long)m->time.tv_sec, m->time.tv_nsec / NS_PER_MS,
		message_level_name[m->level], kind_name[m->kind]);
	if (m->status != MESSAGE_NO_STATUS)
		fprintf(to, ",\"status\":%d", m->status);
	fputs(",\"message\":", to);
	put_string(to, m->text);
	fputs("}\n", to);
	fclose(to);
	return line;
}

/**
 * message_as_line() - a message for a log, with its time (UTC) and its level
 * @m: the message
 *
 * Return: one line for each of the message's, each with a newline, to be freed; or NULL.
 */
char *message_as_line(const struct message *m)
{
	const char *text = m->text;
	char *lines = NULL, stamp[32];
	struct tm tm;
	size_t size, len;
	FILE *to = open_memstream(&lines, &size);

	if (!to)
		return NULL;
	gmtime_r(&m->time.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	do {
		len = strcspn(text, "\n");
		fprintf(to, "%s.%03ldZ %s %.*s\n", stamp, m->time.tv_nsec / NS_PER_MS,
			message_level_name[m->level], (int)len, text);
		text += len + (text[len] == '\n');
	} while (*text);
	fclose(to);
	return lines;
}

/**
 * message_for_terminal() - a message for a person
 * @m: the message
 *
 * Return: its lines, to be freed; or NULL.
 */
char *message_for_terminal(const struct message *m)
{
	size_t len = strlen(m->text);
	char *lines = NULL;

	if (asprintf(&lines, "%s%s%s", is_sentence(m) ? "minikvm: " : "", m->text,
		     len && m->text[len - 1] == '\n' ? "" : "\n") < 0)
		return NULL;
	return lines;
}

/**
 * message_wanted() - is a message told?
 * @o: the options
 * @m: the message
 * @terminal: at standard error, else in the log
 */
bool message_wanted(const struct message_options *o, const struct message *m, bool terminal)
{
	if (!is_sentence(m))
		return true;
	return m->level <= o->level && !(terminal && o->quiet && m->level > MESSAGE_WARNING);
}

/* ---- to their places ------------------------------------------------------------------------- */

/* The whole text is written, also by several calls. Return: 0, or a negative errno. */
static int put(int fd, const char *text)
{
	struct pollfd out = { .fd = fd, .events = POLLOUT };
	size_t len = text ? strlen(text) : 0;
	ssize_t n;

	while (len) {
		n = write(fd, text, len);
		if (n < 0 && errno == EAGAIN)
			poll(&out, 1, -1);
		else if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= n;
		}
	}
	return text ? 0 : -ENOMEM;
}

static void tell(struct message *m)
{
	bool terminal, log;
	char *text;
	int err;

	clock_gettime(CLOCK_REALTIME, &m->time);
	pthread_mutex_lock(&told.lock);
	log = told.log >= 0 && message_wanted(&told.options, m, false);
	/* An exit is told in one place: in the log, where there is one. */
	terminal = message_wanted(&told.options, m, true) && !(log && m->kind == MESSAGE_EXIT);
	if (terminal) {
		text = told.options.json ? message_as_json(m) : message_for_terminal(m);
		put(STDERR_FILENO, text);
		free(text);
	}
	if (log) {
		text = told.options.json ? message_as_json(m) : message_as_line(m);
		err = put(told.log, text);
		if (err && !told.error)
			told.error = -err;
		free(text);
	}
	pthread_mutex_unlock(&told.lock);
}

/* Set how messages are told from now on. */
void message_set_up(const struct message_options *options)
{
	pthread_mutex_lock(&told.lock);
	told.options = *options;
	pthread_mutex_unlock(&told.lock);
}

bool message_is_json(void)
{
	return told.options.json;
}

/**
 * message_log_open() - tell messages to a file, too; they are added at its end
 * @file: the file, which is made where there is none; a FIFO needs its reader
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int message_log_open(const char *file, struct sentence *why)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		      LOG_MODE);

	if (fd < 0 && errno == ENXIO)
		return say(why, "The log %s cannot be written: nobody reads that FIFO.", file);
	if (fd < 0)
		return say(why, "The log %s cannot be written: %s.", file, strerror(errno));
	pthread_mutex_lock(&told.lock);
	told.log = fd;
	told.error = 0;
	pthread_mutex_unlock(&told.lock);
	return 0;
}

/* End the log. Return: 0, or the errno with which writing has failed. */
int message_log_close(void)
{
	int err;

	pthread_mutex_lock(&told.lock);
	err = told.error;
	if (told.log >= 0 && close(told.log) && !err)
		err = errno;
	told.log = -1;
	told.error = 0;
	pthread_mutex_unlock(&told.lock);
	return err;
}

/**
 * message() - tell a sentence
 * @level: how much it matters
 * @fmt: printf format of the whole sentence, without a newline
 *
 * Callable from every thread, with locks held; blocks where standard error or the log does.
 */
void message(enum message_level level, const char *fmt, ...)
{
	struct message m = { .level = level, .status = MESSAGE_NO_STATUS };
	char text[sizeof(struct sentence) + 256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	m.text = text;
	tell(&m);
}

/**
 * message_end() - tell how the run has ended
 * @level: MESSAGE_INFO or MESSAGE_ERROR
 * @status: the exit status
 * @text: the sentence
 */
void message_end(enum message_level level, int status, const char *text)
{
	struct message m = { .level = level, .kind = MESSAGE_END, .status = status, .text = text };

	tell(&m);
}

/**
 * message_lines() - tell what an option has asked for
 * @level: how much it matters, for the reader; it is told at every level
 * @kind: what it is
 * @text: one line or several
 */
void message_lines(enum message_level level, enum message_kind kind, const char *text)
{
	message_lines_to(NULL, level, kind, text);
}

/**
 * message_lines_to() - as message_lines(), to another place
 * @to: the stream, which is flushed; or NULL for where messages go
 * @level: see message_lines()
 * @kind: see message_lines()
 * @text: see message_lines()
 */
void message_lines_to(FILE *to, enum message_level level, enum message_kind kind, const char *text)
{
	struct message m = {
		.level = level,
		.kind = kind,
		.status = MESSAGE_NO_STATUS,
		.text = text,
	};
	char *lines;

	if (!to) {
		tell(&m);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &m.time);
	lines = told.options.json ? message_as_json(&m) : message_for_terminal(&m);
	if (lines)
		fputs(lines, to);
	free(lines);
	fflush(to);
}

static void add(char *line, size_t size, size_t *len, const char *text)
{
	while (*text && *len < size)
		line[(*len)++] = *text++;
}

/**
 * message_fatal() - tell a sentence in a signal handler, before _exit(2)
 * @text: the sentence, of printable ASCII without quotes and backslashes
 *
 * Async-signal-safe: takes no lock and has no time; it may come between two parts of a line.
 */
void message_fatal(const char *text)
{
	static const char start[] = "{\"level\":\"error\",\"kind\":\"message\",\"message\":\"";
	bool json = told.options.json;
	char line[512];
	size_t len = 0;
	ssize_t ignored;

	add(line, sizeof(line), &len, json ? start : "minikvm: ");
	add(line, sizeof(line), &len, text);
	add(line, sizeof(line), &len, json ? "\"}\n" : "\n");
	ignored = write(STDERR_FILENO, line, len);
	if (told.log >= 0)
		ignored = write(told.log, line, len);
	(void)ignored;
}
