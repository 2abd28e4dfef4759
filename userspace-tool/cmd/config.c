// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm run --config FILE`: a JSON object (RFC 8259) whose members are the options of the
 * command line by their names: {"kernel": "vmlinuz", "mem": "2G", "append": ["a", "b"]}.
 *
 * What is a member, and which takes a value, is known from the command's description (describe.h),
 * so that an option that is described there can be in a file, too. An array is an option that is
 * given several times; false is one that is not given. Relies on json-c.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/config.h"

#define CONFIG_MAX	(1024 * 1024)
#define DEPTH		8

/**
 * struct config - what keeps the strings that options point to
 * @object: the file's object
 */
struct config {
	struct json_object *object;
};

/* What reading one option needs. */
struct reading {
	const struct described_option *options;
	int except;
	config_option take;
	void *opaque;
	struct sentence *why;
};

/* Return: the file's text, to be freed; or NULL. */
static char *read_file(const char *file, struct sentence *why)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *text = fd < 0 ? NULL : calloc(1, CONFIG_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;

	while (text && n > 0 && len < CONFIG_MAX) {
		n = read(fd, text + len, CONFIG_MAX - len);
		if (n > 0)
			len += n;
	}
	if (fd < 0)
		say(why, "The file cannot be opened: %s.", strerror(errno));
	else if (!text)
		say(why, "There is no memory for the file.");
	else if (n < 0)
		say(why, "The file cannot be read: %s.", strerror(errno));
	else if (len == CONFIG_MAX)
		say(why, "The file is too large for a configuration.");
	if (fd >= 0)
		close(fd);
	if (!*why->text)
		return text;
	free(text);
	return NULL;
}

static struct json_object *parse(const char *text, struct sentence *why)
{
	struct json_tokener *t = json_tokener_new_ex(DEPTH);
	struct json_object *o = NULL;
	enum json_tokener_error err;
	size_t i, end, line = 1;

	if (!t) {
		say(why, "There is no memory for the file.");
		return NULL;
	}
	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(t, text, strlen(text) + 1);
	err = json_tokener_get_error(t);
	end = json_tokener_get_parse_end(t);
	json_tokener_free(t);
	if (err == json_tokener_success && json_object_is_type(o, json_type_object))
		return o;
	for (i = 0; i < end && text[i]; i++)
		line += text[i] == '\n';
	if (err != json_tokener_success)
		say(why, "Line %zu is no JSON: %s.", line, json_tokener_error_desc(err));
	else
		say(why, "It is no JSON object.");
	json_object_put(o);
	return NULL;
}

static int take_value(const struct reading *r, const struct described_option *o,
		      struct json_object *value)
{
	enum json_type type = json_object_get_type(value);
	const char *text = json_object_get_string(value);

	if (type == json_type_boolean && (!o->argument || o->optional))
		return json_object_get_boolean(value) ? r->take(r->opaque, o->value, NULL) : -1;
	if (o->argument && (type == json_type_int || type == json_type_double ||
			    (type == json_type_string &&
			     strlen(text) == (size_t)json_object_get_string_len(value))))
		return r->take(r->opaque, o->value, text);
	if (o->argument)
		say(r->why, "'%s' is a string or a number: its value is %s.", o->name, o->argument);
	else
		say(r->why, "'%s' is true or false.", o->name);
	return -1;
}

static const struct described_option *find(const struct reading *r, const char *name)
{
	const struct described_option *o;

	for (o = r->options; o->name; o++)
		if (!strcmp(o->name, name) && o->value != r->except)
			return o;
	return NULL;
}

static int take_member(const struct reading *r, const char *name, struct json_object *value)
{
	const struct described_option *o = find(r, name);
	char printable[48];
	int status = -1;
	size_t i;

	if (!o) {
		strncpy(printable, name, sizeof(printable) - 1);
		printable[sizeof(printable) - 1] = 0;
		make_printable(printable);
		say(r->why, "'%s' is not an option that can be in it.", printable);
		return -1;
	}
	if (!json_object_is_type(value, json_type_array))
		return take_value(r, o, value);
	for (i = 0; i < json_object_array_length(value) && status < 0 && !*r->why->text; i++)
		status = take_value(r, o, json_object_array_get_idx(value, i));
	return status;
}

/**
 * config_read() - take options from a file
 * @config: receives what has to be kept as long as the options; config_free() follows
 * @file: the file
 * @options: the command's options
 * @except: the value of one that cannot be in the file
 * @take: takes each
 * @opaque: the first argument of @take
 * @why: an empty sentence, which receives what is wrong with the file
 *
 * Return: -1 where all options were taken, or @why has a sentence; else what @take has returned.
 */
int config_read(struct config **config, const char *file, const struct described_option *options,
		int except, config_option take, void *opaque, struct sentence *why)
{
	const struct reading r = { options, except, take, opaque, why };
	char *text = read_file(file, why);
	int status = -1;

	if (!text)
		return -1;
	*config = calloc(1, sizeof(**config));
	if (*config)
		(*config)->object = parse(text, why);
	else
		say(why, "There is no memory for the file.");
	free(text);
	if (!*config || !(*config)->object)
		return -1;
	json_object_object_foreach((*config)->object, name, value) {
		status = take_member(&r, name, value);
		if (status >= 0 || *why->text)
			break;
	}
	return status;
}

void config_free(struct config *config)
{
	if (config)
		json_object_put(config->object);
	free(config);
}
