// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes of a state, written and read: see state.h.
 *
 * Nothing here fails at once: a write without memory and a read behind the end are remembered, so
 * that a device's save() and load() are plain lists of what the state consists of. Pure: linked
 * into the unit tests and the fuzzer.
 */
#include <stdlib.h>
#include <string.h>

#include "state/state.h"

#define FIRST_ROOM	4096

/**
 * state_room() - make room for bytes at the end
 * @out: the bytes
 * @len: how many more
 *
 * Return: where they go, zeroed, valid until the next call for @out; or NULL.
 */
void *state_room(struct state_out *out, size_t len)
{
	size_t room = out->room ? out->room : FIRST_ROOM;
	void *at;

	while (room - out->len < len)
		room *= 2;
	if (room != out->room) {
		__u8 *data = realloc(out->data, room);

		if (!data) {
			out->failed = true;
			return NULL;
		}
		out->data = data;
		out->room = room;
	}
	at = out->data + out->len;
	memset(at, 0, len);
	out->len += len;
	return at;
}

void state_put(struct state_out *out, const void *data, size_t len)
{
	void *to = state_room(out, len);

	if (to && len)
		memcpy(to, data, len);
}

/**
 * state_take() - read bytes in place
 * @in: the bytes
 * @len: how many
 *
 * Return: where they are, without alignment; or NULL where there are not so many.
 */
const void *state_take(struct state_in *in, size_t len)
{
	const __u8 *from = in->data + in->at;

	if (in->failed || in->len - in->at < len) {
		in->failed = true;
		return NULL;
	}
	in->at += len;
	return from;
}

/* Read bytes; zeros where there are not so many. */
void state_get(struct state_in *in, void *data, size_t len)
{
	const void *from = state_take(in, len);

	if (from)
		memcpy(data, from, len);
	else
		memset(data, 0, len);
}

void state_free(struct state_out *out)
{
	free(out->data);
	memset(out, 0, sizeof(*out));
}
