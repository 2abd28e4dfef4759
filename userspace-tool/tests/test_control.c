// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines of the control socket, and, where there is json-c, its requests and configuration files.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "control/line.h"
#include "tests.h"

static void test_lines(void)
{
	struct line_reader r = { 0 };
	char *line;

	CHECK(!line_take(&r));
	CHECK(line_put(&r, "one\ntw", 6));
	line = line_take(&r);
	CHECK(line && !strcmp(line, "one"));
	CHECK(!line_take(&r));
	CHECK(line_put(&r, "o\n\nx\0y\n", 7));
	line = line_take(&r);
	CHECK(line && !strcmp(line, "two"));
	line = line_take(&r);
	CHECK(line && !*line);
	/* What follows a NUL must not be overlooked. */
	line = line_take(&r);
	CHECK(line && *line != 'x');
	CHECK(!line_take(&r));
	line_free(&r);
}

static void test_long_lines(void)
{
	static char data[LINE_MAX_BYTES];
	struct line_reader r = { 0 };
	char *line;

	memset(data, 'x', sizeof(data));
	CHECK(line_put(&r, data, sizeof(data) - 1) && !line_take(&r));
	CHECK(line_put(&r, "\n", 1));
	line = line_take(&r);
	CHECK(line && strlen(line) == sizeof(data) - 1);
	CHECK(line_put(&r, data, sizeof(data)) && !line_take(&r));
	CHECK(!line_put(&r, "\n", 1));
	line_free(&r);
}

#ifdef HAVE_JSON
#include "cmd/config.h"
#include "control/request.h"

/* Return: the sentence with which a request is refused, or "" */
static const char *refused(const char *line)
{
	static struct sentence why;
	struct request r;

	why.text[0] = 0;
	request_parse(line, &r, &why);
	json_object_put(r.id);
	return why.text;
}

static void test_requests(void)
{
	struct request r;
	struct sentence why;
	unsigned int i;
	char line[64];

	for (i = 0; i < VERBS; i++) {
		snprintf(line, sizeof(line), "{\"request\":\"%s\",\"id\":%u%s}", verb_name(i), i,
			 i == VERB_BALLOON ? ",\"size\":5" :
			 i == VERB_REMOVE ? ",\"device\":\"disk0\"" : "");
		CHECK(request_parse(line, &r, &why) == 0 && r.verb == i);
		CHECK((unsigned int)json_object_get_int(r.id) == i);
		json_object_put(r.id);
	}
	CHECK(!*refused(" {\"request\" : \"info\", \"id\": null} "));
	CHECK(strstr(refused(""), "no JSON"));
	CHECK(strstr(refused("{\"request\":\"info\""), "no JSON"));
	CHECK(strstr(refused("{\"request\":\"info\"}}"), "no JSON"));
	CHECK(strstr(refused("{\"request\":\"info\"} {}"), "no JSON"));
	CHECK(strstr(refused("\"info\""), "no JSON object"));
	CHECK(strstr(refused("7"), "no JSON object"));
	CHECK(strstr(refused("{}"), "a member 'request'"));
	CHECK(strstr(refused("{\"request\":1}"), "a member 'request'"));
	CHECK(strstr(refused("{\"request\":\"info\\u0000x\"}"), "a member 'request'"));
	CHECK(strstr(refused("{\"request\":\"in\\u001bfo\"}"), "'in?fo' cannot be requested"));
	CHECK(strstr(refused("{\"request\":\"info\",\"Id\":1}"), "no member 'Id'"));
	CHECK(strstr(refused("{\"a\":1,\"request\":\"info\",\"b\":1}"), "'b' is one too many"));
	CHECK(!request_parse("{\"size\":4096,\"request\":\"balloon\"}", &r, &why));
	CHECK(r.number == 4096);
	CHECK(strstr(refused("{\"request\":\"remove\",\"device\":1}"), "a short string"));
	CHECK(strstr(refused("{\"request\":\"remove\",\"device\":\"a\\u0000\"}"),
		     "a short string"));
	CHECK(strstr(refused("{\"request\":\"balloon\"}"), "a number from 0 on"));
	CHECK(strstr(refused("{\"request\":\"balloon\",\"size\":-1}"), "a number from 0 on"));
	CHECK(strstr(refused("{\"request\":\"balloon\",\"size\":1.5}"), "a number from 0 on"));
	CHECK(strstr(refused("{\"request\":\"info\",\"id\":[[[[[[[[[[1]]]]]]]]]]}"), "no JSON"));
}

static const struct described_option options[] = {
	{ .name = "text", .value = 1, .argument = "TEXT" },
	{ .name = "flag", .value = 2 },
	{ .name = "maybe", .value = 3, .argument = "TEXT", .optional = true },
	{ .name = "config", .value = 4, .argument = "FILE" },
	{ }
};

static char taken[256];

static int take(void *opaque, int option, const char *argument)
{
	size_t len = strlen(taken);

	(void)opaque;
	snprintf(taken + len, sizeof(taken) - len, "%d=%s ", option, argument ? argument : "-");
	return argument && !strcmp(argument, "stop") ? 42 : -1;
}

/* Return: the sentence with which a configuration is refused, or "" */
static const char *configured(const char *text, int *status)
{
	char file[] = "/tmp/minikvm-test-XXXXXX";
	static struct sentence why;
	struct config *config = NULL;
	int fd = mkstemp(file);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	why.text[0] = 0;
	taken[0] = 0;
	*status = config_read(&config, file, options, 4, take, NULL, &why);
	config_free(config);
	unlink(file);
	return why.text;
}

static void test_config(void)
{
	int status;

	CHECK(!*configured("{\"text\":\"a b\",\"flag\":true,\"maybe\":true}", &status));
	CHECK(status == -1 && !strcmp(taken, "1=a b 2=- 3=- "));
	CHECK(!*configured("{\"text\":[1,2.5,\"x\"],\"flag\":false,\"maybe\":\"y\"}", &status));
	CHECK(!strcmp(taken, "1=1 1=2.5 1=x 3=y "));
	CHECK(!*configured("{\"text\":[\"stop\",\"x\"],\"flag\":true}", &status));
	CHECK(status == 42 && !strcmp(taken, "1=stop "));
	CHECK(!*configured("{}", &status) && status == -1);
	CHECK(strstr(configured("{\"config\":\"x\"}", &status), "'config' is not an option"));
	CHECK(strstr(configured("{\"fl\\u0007g\":1}", &status), "'fl?g' is not an option"));
	CHECK(strstr(configured("{\"flag\":1}", &status), "'flag' is true or false"));
	CHECK(strstr(configured("{\"flag\":\"yes\"}", &status), "'flag' is true or false"));
	CHECK(strstr(configured("{\"text\":true}", &status), "'text' is a string or a number"));
	CHECK(strstr(configured("{\"text\":null}", &status), "'text' is a string or a number"));
	CHECK(strstr(configured("{\"text\":{}}", &status), "'text' is a string or a number"));
	CHECK(strstr(configured("{\"text\":\"a\\u0000b\"}", &status), "'text' is a string"));
	CHECK(strstr(configured("{\n\"text\": 1,\n}", &status), "Line 3 is no JSON"));
	CHECK(strstr(configured("[]", &status), "no JSON object"));
	CHECK(strstr(configured("", &status), "Line 1 is no JSON"));
}
#endif

const struct test control_tests[] = {
	{ "control: lines", test_lines },
	{ "control: lines that are too long", test_long_lines },
#ifdef HAVE_JSON
	{ "control: requests, and what is none", test_requests },
	{ "control: a configuration's options, and what is none", test_config },
#endif
	{ }
};
