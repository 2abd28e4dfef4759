// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and answers of the control socket, as JSON objects (RFC 8259), one to a line. The schema
 * is in Documentation/control.rst; what is not in it is refused, so that a misspelt member does not
 * go unnoticed. Relies on json-c. Knows nothing of machines: linked into the fuzzer.
 */
#include <stdio.h>
#include <string.h>

#include "compiler.h"
#include "control/request.h"

#define DEPTH	8	/* of nested objects; the schema has two */

/* What can be requested, and the member that a request of this kind has beside the common ones. */
static const struct {
	const char *name;
	const char *member;
	enum json_type type;
} verbs[VERBS] = {
	[VERB_INFO] = { .name = "info" },
	[VERB_PAUSE] = { .name = "pause" },
	[VERB_RESUME] = { .name = "resume" },
	[VERB_SNAPSHOT] = { .name = "snapshot" },
	[VERB_STOP] = { .name = "stop" },
	[VERB_RESET] = { .name = "reset" },
	[VERB_QUIT] = { .name = "quit" },
	[VERB_EVENTS] = { .name = "events" },
	[VERB_BALLOON] = { .name = "balloon", .member = "size", .type = json_type_int },
	[VERB_ADD_DISK] = { .name = "add-disk" },
	[VERB_REMOVE] = { .name = "remove", .member = "device", .type = json_type_string },
};

const char *verb_name(enum verb verb)
{
	return verbs[verb].name;
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

/* A part of a client's text, fit for a terminal. */
static const char *quoted(char *room, size_t size, const char *text)
{
	strncpy(room, text, size - 1);
	room[size - 1] = 0;
	make_printable(room);
	return room;
}

static int find_verb(const char *name, enum verb *verb, struct sentence *why)
{
	char printable[32];
	unsigned int i;

	for (i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i].name, name) != 0)
			continue;
		*verb = i;
		return 0;
	}
	return say(why, "'%s' cannot be requested.", quoted(printable, sizeof(printable), name));
}

static bool is_whole_string(struct json_object *o)
{
	return json_object_is_type(o, json_type_string) &&
	       strlen(json_object_get_string(o)) == (size_t)json_object_get_string_len(o);
}

/* The member that belongs to this kind of request, or a NULL @key. */
static int take_own(struct request *r, const char *key, struct json_object *value,
		    struct sentence *why)
{
	const char *name = verbs[r->verb].name, *member = verbs[r->verb].member;
	bool number = verbs[r->verb].type == json_type_int;
	char printable[32];

	if (key && (!member || strcmp(key, member) != 0))
		return say(why, "A request '%s' has no member '%s'.", name,
			   quoted(printable, sizeof(printable), key));
	if (!member)
		return 0;
	if (number && json_object_is_type(value, json_type_int) &&
	    json_object_get_int64(value) >= 0) {
		r->number = json_object_get_int64(value);
		return 0;
	}
	if (!number && is_whole_string(value) &&
	    strlen(json_object_get_string(value)) < sizeof(r->text)) {
		snprintf(r->text, sizeof(r->text), "%s", json_object_get_string(value));
		return 0;
	}
	return say(why, "A request '%s' has a member '%s', which is a %s.", name, member,
		   number ? "number from 0 on" : "short string");
}

static int take_members(struct json_object *o, struct request *r, struct sentence *why)
{
	struct json_object *verb = NULL, *own = NULL;
	const char *own_key = NULL;
	char printable[32];

	json_object_object_foreach(o, key, value) {
		if (!strcmp(key, "request")) {
			verb = value;
		} else if (!strcmp(key, "id")) {
			r->id = json_object_get(value);
		} else if (own_key) {
			return say(why,
				   "A request has at most one member beside 'request' and 'id': '%s' is one too many.",
				   quoted(printable, sizeof(printable), key));
		} else {
			own_key = key;
			own = value;
		}
	}
	if (!is_whole_string(verb))
		return say(why, "A request has a member 'request', which is a string.");
	if (find_verb(json_object_get_string(verb), &r->verb, why))
		return -1;
	return take_own(r, own_key, own, why);
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
