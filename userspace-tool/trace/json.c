// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text as a string of JSON (RFC 8259, "Strings"). Pure: linked into the tool and its tests.
 */
#include "trace/json.h"

/**
 * json_put_text() - write a text with quotes around it
 * @to: the stream
 * @s: the text
 *
 * < is escaped as well, so that the string can stand in a script element of HTML and not end it.
 */
void json_put_text(FILE *to, const char *s)
{
	putc('"', to);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\' || *s == '<' || (unsigned char)*s < ' ')
			fprintf(to, "\\u%04x", *s);
		else
			putc(*s, to);
	}
	putc('"', to);
}
