/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One sentence about what went wrong, carried from where it happened to where it is printed.
 *
 * Every function of the tool that can fail returns 0 or -1 and, with -1, has written one
 * complete sentence for the person at the terminal. Nothing is printed where the failure
 * happens, because the terminal may still be in raw mode there.
 */
#ifndef MINIKVM_TOOL_SENTENCE_H
#define MINIKVM_TOOL_SENTENCE_H

#include "compiler.h"

struct sentence {
	char text[768];
};

int __printf(2, 3) say(struct sentence *s, const char *fmt, ...);
void make_printable(char *text);

#endif
