// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of what the tool says: JSON (RFC 8259), log lines, levels, and files that fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "terminal/message.h"
#include "tests.h"

static struct message sentence(const char *text)
{
	return (struct message) {
		.time = { 1767225600, 7999999 },
		.level = MESSAGE_WARNING,
		.status = MESSAGE_NO_STATUS,
		.text = text,
	};
}

static void same(char *got, const char *want)
{
	CHECK(got && !strcmp(got, want));
	free(got);
}

static void test_json(void)
{
	struct message m = sentence("disk0: \"a\\b\"\n\x01 \x7f");

	same(message_as_json(&m),
	     "{\"time\":1767225600.007,\"level\":\"warning\",\"kind\":\"message\",\"message\":\"disk0: \\u0022a\\u005cb\\u0022\\n\\u0001 \\u007f\"}\n");
	m = sentence("gone");
	m.kind = MESSAGE_END;
	m.level = MESSAGE_ERROR;
	m.status = 4;
	same(message_as_json(&m),
	     "{\"time\":1767225600.007,\"level\":\"error\",\"kind\":\"end\",\"status\":4,\"message\":\"gone\"}\n");
}

/* A file's name may be any bytes; a string of JSON is UTF-8. */
static void test_utf8(void)
{
	static const struct {
		const char *text, *json;
	} rows[] = {
		{ "\xc3\xa9", "\xc3\xa9" }, { "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
		{ "z\xffz", "z\\ufffdz" }, { "\xc3", "\\ufffd" }, { "\xc3(", "\\ufffd(" },
		{ "\x80", "\\ufffd" },
		{ "\xc0\xaf", "\\ufffd\\ufffd" },		/* / in two bytes */
		{ "\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd" },
		{ "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd" },	/* half of a pair */
		{ "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ "\xf0\x9f\x98", "\\ufffd\\ufffd\\ufffd" },
	};
	char want[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct message m = sentence(rows[i].text);

		snprintf(want, sizeof(want),
			 "{\"time\":1767225600.007,\"level\":\"warning\",\"kind\":\"message\",\"message\":\"%s\"}\n",
			 rows[i].json);
		same(message_as_json(&m), want);
	}
}

static void test_lines(void)
{
	struct message m = sentence("gone");

	same(message_as_line(&m), "2026-01-01T00:00:00.007Z warning gone\n");
	same(message_for_terminal(&m), "minikvm: gone\n");
	m.text = "two\nlines\n";
	m.kind = MESSAGE_STATS;
	m.level = MESSAGE_INFO;
	same(message_as_line(&m),
	     "2026-01-01T00:00:00.007Z info two\n2026-01-01T00:00:00.007Z info lines\n");
	same(message_for_terminal(&m), "two\nlines\n");
}

static void test_levels(void)
{
	struct message_options o = { .level = MESSAGE_INFO };
	struct message m = sentence("x");

	m.level = MESSAGE_INFO;
	CHECK(message_wanted(&o, &m, true) && message_wanted(&o, &m, false));
	m.level = MESSAGE_DEBUG;
	CHECK(!message_wanted(&o, &m, true) && !message_wanted(&o, &m, false));
	m.kind = MESSAGE_EXIT;
	CHECK(message_wanted(&o, &m, true));
	m.kind = MESSAGE_END;
	m.level = MESSAGE_INFO;
	o.quiet = true;
	CHECK(!message_wanted(&o, &m, true) && message_wanted(&o, &m, false));
	m.level = MESSAGE_WARNING;
	CHECK(message_wanted(&o, &m, true));
	o.level = MESSAGE_ERROR;
	CHECK(!message_wanted(&o, &m, true) && !message_wanted(&o, &m, false));
}

static size_t content(const char *file, char *text, size_t size)
{
	int fd = open(file, O_RDONLY);
	ssize_t n = read(fd, text, size - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0 ? n : 0;
}

/* A log grows at its end, has no exits' second copy, and tells when it is not whole. */
static void test_log_file(void)
{
	const struct message_options quiet = { .quiet = true, .level = MESSAGE_INFO };
	const struct message_options usual = { .level = MESSAGE_INFO };
	char file[] = "/tmp/minikvm-message-XXXXXX", text[512];
	struct sentence why;
	int fd = mkstemp(file);

	CHECK(fd >= 0 && write(fd, "before\n", 7) == 7);
	close(fd);
	message_set_up(&quiet);
	CHECK(message_log_open("/absent/log", &why) && strstr(why.text, "/absent/log"));
	CHECK(message_log_close() == 0);
	CHECK(message_log_open(file, &why) == 0);
	message(MESSAGE_DEBUG, "Not this.");
	message(MESSAGE_INFO, "%s.", "This");
	message_lines(MESSAGE_DEBUG, MESSAGE_EXIT, "and this");
	CHECK(message_log_close() == 0);
	CHECK(content(file, text, sizeof(text)) > 0);
	CHECK(!strncmp(text, "before\n2", 8) && strstr(text, "Z info This.\n2") &&
	      strstr(text, "Z debug and this\n") && !strstr(text, "Not this"));
	CHECK(message_log_open("/dev/full", &why) == 0);
	message(MESSAGE_INFO, "Lost.");
	CHECK(message_log_close() == ENOSPC);
	message_set_up(&usual);
	unlink(file);
}

const struct test message_tests[] = {
	{ "message: JSON and what it escapes", test_json },
	{ "message: UTF-8 and what is none", test_utf8 },
	{ "message: lines of a log, and of a terminal", test_lines },
	{ "message: levels", test_levels },
	{ "message: a log file", test_log_file },
	{ }
};
