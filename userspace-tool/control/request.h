/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What may be asked for by the control socket, as JSON: request.c.
 */
#ifndef MINIKVM_TOOL_REQUEST_H
#define MINIKVM_TOOL_REQUEST_H

#include <json-c/json.h>
#include <linux/types.h>
#include <stdbool.h>

#include "terminal/sentence.h"

#define REQUEST_TEXT_SIZE	64

enum verb {
	VERB_INFO,
	VERB_PAUSE,
	VERB_RESUME,
	VERB_SNAPSHOT,
	VERB_STOP,
	VERB_RESET,
	VERB_QUIT,
	VERB_EVENTS,
	VERB_BALLOON,
	VERB_ADD_DISK,
	VERB_REMOVE,
	VERBS,
};

/**
 * struct request - one line of a client's
 * @verb: what it asks for
 * @id: what its answer is to carry, or NULL
 * @number: its own member, where that is a number
 * @text: its own member, where that is a string
 */
struct request {
	enum verb verb;
	struct json_object *id;
	__u64 number;
	char text[REQUEST_TEXT_SIZE];
};

int request_parse(const char *line, struct request *r, struct sentence *why);
struct json_object *request_make(const char *verb);
const char *verb_name(enum verb verb);
struct json_object *answer_make(struct json_object *id, struct json_object *result,
				const char *error);

#endif
