// SPDX-License-Identifier: GPL-2.0-only
/*
 * init-log.c - finds the reports in the log of a lab host's kernel.
 *
 * A report is what the kernel prints when it finds itself broken: panic, oops,
 * BUG, WARNING, lockdep, KASAN, UBSAN, kmemleak, lockups, stalls.  It starts at
 * a line that says so and runs to its end marker, or over the lines that follow
 * at once.  Reads /dev/kmsg record by record (Documentation/ABI/testing/
 * dev-kmsg in the kernel), so nothing interleaves with it.
 */
#include "frame.h"
#include "init.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT_MAX	65536
#define REPORT_LINES	120		/* what one report may have without an end */

static int kmsg = -1;
static char report[REPORT_MAX];
static size_t report_len;
static int lines_left;

static int send_log;
static char log_text[1 << 15];
static size_t log_len;

static void flush_log(void)
{
	if (log_len)
		channel_send(FRAME_LOG, log_text,
			     log_len < sizeof(log_text) ? log_len : sizeof(log_text) - 1);
	log_len = 0;
}

static void take_line(const char *line)
{
	if (report_begins(line))
		lines_left = REPORT_LINES;
	if (lines_left <= 0)
		return;
	lines_left--;
	if (report_len < sizeof(report) - 1) {
		report_len += snprintf(report + report_len, sizeof(report) - report_len, "%s\n",
				       line);
		if (report_len >= sizeof(report))
			report_len = sizeof(report) - 1;
	}
	if (strstr(line, "---[ end "))
		lines_left = 0;
}

/* Where a character on the console is dear, the log leaves here, in pieces. */
static void log_line(const char *record, const char *text)
{
	const char *time = strchr(record, ',');
	unsigned long long us = 0;

	time = time ? strchr(time + 1, ',') : NULL;
	if (time)
		us = strtoull(time + 1, NULL, 10);
	log_len += snprintf(log_text + log_len, sizeof(log_text) - log_len, "[%5llu.%06llu] %s\n",
			    us / 1000000, us % 1000000, text);
	if (log_len > sizeof(log_text) / 2)
		flush_log();
}

/**
 * kernel_log_open - start to read the log from its beginning
 */
void kernel_log_open(void)
{
	char value[8];

	send_log = !!config("sendlog", 0, value, sizeof(value));
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0)
		problem("/dev/kmsg cannot be opened: %s", strerror(errno));
}

/**
 * kernel_log_fd - what to poll for new lines
 *
 * Return: a file descriptor.
 */
int kernel_log_fd(void)
{
	return kmsg;
}

/**
 * kernel_log_collect - read what is new and keep the reports in it
 *
 * Return: whether there has been a report since the start.
 */
int kernel_log_collect(void)
{
	char record[8192];

	if (kmsg < 0)
		return 0;
	for (;;) {
		ssize_t len = read(kmsg, record, sizeof(record) - 1);
		char *text, *end;

		if (len < 0 && (errno == EPIPE || errno == EINTR))
			continue;	/* lines were overwritten; go on with the next */
		if (len <= 0) {
			flush_log();
			return report_len > 0;
		}
		record[len] = 0;
		/* "priority,sequence,time,flags;text\n", then lines about the device. */
		text = strchr(record, ';');
		if (!text)
			continue;
		text++;
		end = strchr(text, '\n');
		if (end)
			*end = 0;
		/* Facility 0 is the kernel; others were written by programs. */
		if (strtoul(record, NULL, 10) >> 3)
			continue;
		take_line(text);
		if (send_log)
			log_line(record, text);
	}
}

/* The debug kernel looks for leaks when it is asked; the second scan is sure. */
static void scan_for_leaks(void)
{
	static const char path[] = "/sys/kernel/debug/kmemleak";
	char buffer[4096];
	ssize_t got;
	int fd, i;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	for (i = 0; i < 2; i++) {
		if (write(fd, "scan", 4) != 4)
			break;
		sleep(6);	/* younger objects are not reported */
	}
	while ((got = read(fd, buffer, sizeof(buffer) - 1)) > 0) {
		size_t room = sizeof(report) - 1 - report_len;
		size_t n = (size_t)got < room ? (size_t)got : room;

		memcpy(report + report_len, buffer, n);
		report_len += n;
	}
	close(fd);
}

/**
 * kernel_log_check - send the reports that the log holds, if any
 */
void kernel_log_check(void)
{
	char text[32] = "";
	unsigned long tainted;
	int fd;

	scan_for_leaks();
	kernel_log_collect();
	fd = open("/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && !report_len) {
		/* Bad page, died, warned, soft lockup: a report that was not seen. */
		tainted = strtoul(text, NULL, 10);
		if (tainted & (1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))
			report_len = snprintf(report, sizeof(report),
					      "The kernel is tainted (%lu): it reported a bug.\n",
					      tainted);
	}
	close(fd);
	if (report_len)
		channel_send(FRAME_REPORT, report, report_len);
}
