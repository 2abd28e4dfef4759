// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and answers of the control socket, as JSON objects (RFC 8259), one to a line. The schema
 * is in Documentation/control.rst; what is not in it is refused, so that a misspelt member does not
 * go unnoticed. Relies on json-c. Knows nothing of machines: linked into the fuzzer.
 */
#include <string.h>

#include "compiler.h"
#include "control/request.h"

#define DEPTH	8	/* of nested objects; the schema has two */

static const char * const verbs[VERBS] = {
	[VERB_INFO] = "info",
	[VERB_PAUSE] = "pause",
	[VERB_RESUME] = "resume",
	[VERB_SNAPSHOT] = "snapshot",
	[VERB_STOP] = "stop",
	[VERB_RESET] = "reset",
	[VERB_QUIT] = "quit",
	[VERB_EVENTS] = "events",
};

const char *verb_name(enum verb verb)
{
	return verbs[verb];
}

/* One JSON text and nothing behind it. Return: the object, or NULL. */
static struct json_object *parse(const char *line, struct sentence *why)
{
	struct json_tokener *t = json_tokener_new_ex(DEPTH);
	struct json_object *o = NULL;
	enum json_tokener_error err;

	if (!t) {
		say(why, "There is no memory for the request.");
		return NULL;
	}
	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	/* The final NUL ends a text that would else be waited for, such as a number. */
	o = json_tokener_parse_ex(t, line, strlen(line) + 1);
	err = json_tokener_get_error(t);
	if (err != json_tokener_success)
		say(why, "The request is no JSON: %s.", json_tokener_error_desc(err));
	else if (!json_object_is_type(o, json_type_object))
		say(why, "The request is no JSON object.");
	json_tokener_free(t);
	if (err == json_tokener_success && json_object_is_type(o, json_type_object))
		return o;
	json_object_put(o);
	return NULL;
}

static int find_verb(const char *name, enum verb *verb, struct sentence *why)
{
	char printable[32];
	unsigned int i;

	for (i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i], name) != 0)
			continue;
		*verb = i;
		return 0;
	}
	strncpy(printable, name, sizeof(printable) - 1);
	printable[sizeof(printable) - 1] = 0;
	make_printable(printable);
	return say(why, "'%s' cannot be requested.", printable);
}

static int take_members(struct json_object *o, struct request *r, struct sentence *why)
{
	struct json_object *verb = NULL;
	char printable[32];

	json_object_object_foreach(o, key, value) {
		if (!strcmp(key, "request")) {
			verb = value;
		} else if (!strcmp(key, "id")) {
			r->id = json_object_get(value);
		} else {
			strncpy(printable, key, sizeof(printable) - 1);
			printable[sizeof(printable) - 1] = 0;
			make_printable(printable);
			return say(why, "A request has no member '%s'.", printable);
		}
	}
	if (!json_object_is_type(verb, json_type_string) ||
	    strlen(json_object_get_string(verb)) != (size_t)json_object_get_string_len(verb))
		return say(why, "A request has a member 'request', which is a string.");
	return find_verb(json_object_get_string(verb), &r->verb, why);
}

/**
 * request_parse() - read a request
 * @line: the line, without its newline
 * @r: receives the request; the caller puts @r->id, also after a failure
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int request_parse(const char *line, struct request *r, struct sentence *why)
{
	struct json_object *o;
	int ret;

	memset(r, 0, sizeof(*r));
	o = parse(line, why);
	if (!o)
		return -1;
	ret = take_members(o, r, why);
	json_object_put(o);
	return ret;
}

/* Return: a request, which the caller puts. */
struct json_object *request_make(const char *verb)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "request", json_object_new_string(verb));
	return o;
}

/**
 * answer_make() - an answer
 * @id: what the request had as its id, or NULL; it is taken over
 * @result: the result, which is taken over; or NULL
 * @error: the sentence where there is no result
 *
 * Return: the answer, which the caller puts.
 */
struct json_object *answer_make(struct json_object *id, struct json_object *result,
				const char *error)
{
	struct json_object *o = json_object_new_object();

	if (id)
		json_object_object_add(o, "id", id);
	if (error)
		json_object_object_add(o, "error", json_object_new_string(error));
	else
		json_object_object_add(o, "result", result ? result : json_object_new_object());
	return o;
}
