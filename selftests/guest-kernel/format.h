/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text and memory, for the kernel and for its programs: format.c.
 */
#ifndef GUEST_FORMAT_H
#define GUEST_FORMAT_H

#include "types.h"

int format(char *to, int size, const char *fmt, va_list args);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
const char *find_word(const char *text, const char *word);

#endif
