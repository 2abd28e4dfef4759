// SPDX-License-Identifier: GPL-2.0-only
/*
 * One sentence about what went wrong: see sentence.h.
 *
 * Relies on nothing but the C library; linked into the tool and into its unit tests.
 */
#include <stdarg.h>
#include <stdio.h>

#include "terminal/sentence.h"

/**
 * say() - write the sentence that explains a failure
 * @s: where it goes; an earlier sentence is replaced
 * @fmt: printf format of the whole sentence, without a newline
 *
 * Return: always -1, so that a failing function can end in `return say(...)`.
 */
int say(struct sentence *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->text, sizeof(s->text), fmt, ap);
	va_end(ap);
	return -1;
}

/**
 * make_printable() - replace what a terminal would take for more than a character
 * @text: a name that another process chose; its bytes beyond printable ASCII become ?
 */
void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}
