// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines out of a stream of bytes. A line ends in a newline, has at most LINE_MAX_BYTES bytes, and
 * may hold any byte but NUL, of which the reader of the line is told. Pure: linked into the unit
 * tests and the fuzzer.
 */
#include <stdlib.h>
#include <string.h>

#include "control/line.h"

static void forget(struct line_reader *r)
{
	memmove(r->data, r->data + r->taken, r->len - r->taken);
	r->len -= r->taken;
	r->taken = 0;
}

/**
 * line_put() - bytes have arrived
 * @r: the connection's reader
 * @data: the bytes
 * @len: how many; at most LINE_MAX_BYTES
 *
 * All lines that there were have been taken before. Return: false where the line is too long, or
 * there is no memory: the connection is to be closed.
 */
bool line_put(struct line_reader *r, const char *data, size_t len)
{
	char *more;

	if (r->taken)
		forget(r);
	if (len > LINE_MAX_BYTES - r->len)
		return false;
	if (r->len + len > r->room) {
		more = realloc(r->data, r->len + len);
		if (!more)
			return false;
		r->data = more;
		r->room = r->len + len;
	}
	memcpy(r->data + r->len, data, len);
	r->len += len;
	return true;
}

/* Return: the next whole line without its newline, until the next call; or NULL. */
char *line_take(struct line_reader *r)
{
	char *line, *end;

	if (!r->data)
		return NULL;
	line = r->data + r->taken;
	end = memchr(line, '\n', r->len - r->taken);
	if (!end)
		return NULL;
	*end = 0;
	r->taken += end - line + 1;
	/* What comes after a NUL would not be seen: nothing that begins like this is JSON. */
	if (strlen(line) != (size_t)(end - line))
		*line = '\1';
	return line;
}

void line_free(struct line_reader *r)
{
	free(r->data);
	memset(r, 0, sizeof(*r));
}
