// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes the byte stream of a lab host's port 0xE9 apart.
 *
 * Bytes below 0x80 are the kernel's log, the others frames of init (frame.h).
 * The host is not trusted: lengths are bounded, a type that is not known or a
 * wrong checksum marks the channel as damaged.
 */
#include "report.h"
#include "supervise.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT_MAX	(1 << 20)
#define TAIL_LINES	40

/**
 * complain - tell the user a sentence, on a line of its own
 * @format: like printf(), without the end of line
 */
void complain(const char *format, ...)
{
	va_list args;

	/* What is said while COMMAND runs at a terminal ends the run. */
	terminal_restore(0);
	fflush(stdout);
	fputs("lab: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void write_all(int fd, const unsigned char *data, size_t len)
{
	while (len) {
		ssize_t put = write(fd, data, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return;		/* standard output is closed; the run goes on */
		data += put;
		len -= put;
	}
}

static void console(struct host *h, const unsigned char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		h->console[h->console_end++ % CONSOLE_KEPT] = data[i];
	if (h->stream_console)
		write_all(STDERR_FILENO, data, len);
	if (h->log)
		fwrite(data, 1, len, h->log);
}

static void count_beat(struct host *h, const unsigned char *data, size_t len)
{
	unsigned long least;
	char text[8] = "";
	int cpu, i;

	memcpy(text, data, len < sizeof(text) - 1 ? len : sizeof(text) - 1);
	cpu = atoi(text);
	if (cpu < 0 || cpu >= SUPERVISE_CPUS)
		return;
	h->cpu_beats[cpu]++;
	/* The slowest CPU counts; one that never came up has no thread. */
	least = h->cpu_beats[cpu];
	for (i = 0; i < h->cpus && i < SUPERVISE_CPUS; i++)
		if (h->cpu_beats[i] && h->cpu_beats[i] < least)
			least = h->cpu_beats[i];
	if (least == h->slowest)
		return;
	h->slowest = least;
	h->beats++;
}

static void output(struct host *h, const unsigned char *data, size_t len)
{
	if (h->terminal)
		terminal_watch(data, len);
	if (h->stream_output)
		write_all(STDOUT_FILENO, data, len);
}

static void keep_report(struct host *h, const unsigned char *data, size_t len)
{
	char *more;

	if (h->report_len + len > REPORT_MAX)
		return;
	more = realloc(h->report, h->report_len + len);
	if (!more)
		return;
	memcpy(more + h->report_len, data, len);
	h->report = more;
	h->report_len += len;
}

static void frame(struct host *h, int type, const unsigned char *data, size_t len)
{
	char text[64] = "";

	switch (type) {
	case FRAME_HELLO:
		h->hello = 1;
		h->beats++;
		break;
	case FRAME_START:
		h->started = 1;
		if (h->terminal)
			terminal_start();
		break;
	case FRAME_OUTPUT:
		output(h, data, len);
		break;
	case FRAME_BEAT:
		count_beat(h, data, len);
		break;
	case FRAME_ARCHIVE:
		h->beats++;
		errno = 0;
		if (h->archive && fwrite(data, 1, len, h->archive) != len && !h->archive_error)
			h->archive_error = errno ? errno : EIO;
		break;
	case FRAME_WINDOW:
		memcpy(text, data, len < sizeof(text) - 1 ? len : sizeof(text) - 1);
		window_take(h, h->emulator, text);
		break;
	case FRAME_INPUT:
		memcpy(text, data, len < sizeof(text) - 1 ? len : sizeof(text) - 1);
		input_ask(h, h->emulator, text);
		break;
	case FRAME_FILES:
		files_request(h, h->emulator, data, len);
		break;
	case FRAME_NET:
		net_frame(h, h->emulator, data, len);
		break;
	case FRAME_LOG:
		console(h, data, len);
		break;
	case FRAME_REPORT:
		keep_report(h, data, len);
		break;
	case FRAME_PROBLEM:
		free(h->problem);
		h->problem = strndup((const char *)data, len);
		break;
	case FRAME_STATUS:
		memcpy(text, data, len < sizeof(text) - 1 ? len : sizeof(text) - 1);
		h->status = atoi(text) & 0xff;
		h->have_status = 1;
		break;
	case FRAME_END:
		h->ended = 1;
		break;
	default:
		h->damaged = "a frame of an unknown kind";
	}
}

static void whole_frame(struct host *h, size_t symbols)
{
	static unsigned char unpacked[1 << 14];
	const unsigned char *p = h->frame + 3;
	int type = h->frame[0];
	unsigned int sum = 0;
	size_t i, j, len = 0;

	for (i = 0; i < symbols; i++)
		sum += p[i];
	if ((sum & 0x7f) != p[symbols]) {
		h->damaged = "a frame with a wrong checksum";
		return;
	}
	if (type < 'A' || type > 'Z') {
		frame(h, type, p, symbols);
		return;
	}
	for (i = 0; i < symbols; i += 8)
		for (j = 1; j < 8 && i + j < symbols; j++)
			unpacked[len++] = p[i + j] | ((p[i] >> (j - 1) & 1) << 7);
	frame(h, type - 'A' + 'a', unpacked, len);
}

static void symbol(struct host *h, unsigned char s)
{
	size_t symbols;

	h->frame[h->frame_len++] = s;
	if (h->frame_len == 1 && s == FRAME_RESET) {
		h->was_reset = 1;
		h->frame_len = 0;
	}
	if (h->frame_len < 3)
		return;
	symbols = (size_t)h->frame[1] << 7 | h->frame[2];
	if (h->frame_len < symbols + 4)
		return;
	h->frame_len = 0;
	whole_frame(h, symbols);
}

/**
 * host_feed - take bytes that came out of the host
 * @h: the host
 * @data: the bytes
 * @len: how many
 */
void host_feed(struct host *h, const unsigned char *data, size_t len)
{
	size_t i = 0;

	while (i < len && !h->damaged) {
		size_t start = i;

		while (i < len && data[i] < 0x80)
			i++;
		if (i > start)
			console(h, data + start, i - start);
		for (; i < len && data[i] >= 0x80 && !h->damaged; i++)
			symbol(h, data[i] & 0x7f);
	}
}

/* The kept part of the log as a string, from a whole line on. */
static char *kept_console(struct host *h)
{
	size_t from = h->console_end > CONSOLE_KEPT ? h->console_end - CONSOLE_KEPT : 0;
	char *text = malloc(CONSOLE_KEPT + 1);
	size_t n = 0;

	if (!text)
		return NULL;
	while (from < h->console_end) {
		unsigned char c = h->console[from++ % CONSOLE_KEPT];

		if (c && c != '\r')
			text[n++] = c;
	}
	text[n] = 0;
	return text;
}

/* The same question as report_begins(), of a line "[   time] text\n...". */
static int begins_report(const char *line)
{
	char text[512];

	if (*line == '[')
		line += strcspn(line, "]\n");
	line += *line == ']';
	line += *line == ' ';
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
	return report_begins(text);
}

/**
 * host_print_report - print the log from its first report on
 * @h: a host that did not reach its end
 *
 * Return: 1, or 0 where the log holds no report.
 */
int host_print_report(struct host *h)
{
	char *text = kept_console(h);
	char *line = text;
	int found = 0;

	while (line && *line && !found) {
		found = begins_report(line);
		if (!found) {
			line = strchr(line, '\n');
			line += !!line;
		}
	}
	if (found) {
		complain("the host's kernel reported:");
		fputs(line, stderr);
	}
	free(text);
	return found;
}

/**
 * host_print_tail - print the last lines of the log
 * @h: the host
 */
void host_print_tail(struct host *h)
{
	char *text = kept_console(h);
	char *p;
	int lines = 0;

	if (!text || !*text) {
		complain("its kernel said nothing.");
		free(text);
		return;
	}
	for (p = text + strlen(text) - 1; p > text && lines <= TAIL_LINES; p--)
		lines += *p == '\n';
	while (*p && p > text && p[-1] != '\n')
		p++;
	complain("the last lines of its kernel's log:");
	fputs(p, stderr);
	if (text[strlen(text) - 1] != '\n')
		fputc('\n', stderr);
	free(text);
}
