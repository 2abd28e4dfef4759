// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text and memory, for the kernel and for its programs. format() knows %s %c %d %u %x %% with a
 * width, '-', '0' and l or ll; that is what printf() and the kernel's print() are made of.
 */
#include "format.h"

void *memcpy(void *to, const void *from, size_t n)
{
	void *start = to;

	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return start;
}

void *memset(void *to, int value, size_t n)
{
	void *start = to;

	asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
	return start;
}

void *memmove(void *to, const void *from, size_t n)
{
	u8 *d = to;
	const u8 *s = from;

	if (d <= s)
		return memcpy(to, from, n);
	while (n--)
		d[n] = s[n];
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

/* Where a word stands in a text of words, or NULL. */
const char *find_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	while (*text) {
		while (*text == ' ')
			text++;
		if (!memcmp(text, word, min(n, strlen(text))) && strlen(text) >= n &&
		    (!text[n] || text[n] == ' '))
			return text;
		while (*text && *text != ' ')
			text++;
	}
	return NULL;
}

struct output {
	char *to;
	int size, length;
};

static void put(struct output *o, char c)
{
	if (o->length < o->size - 1)
		o->to[o->length] = c;
	o->length++;
}

static void put_field(struct output *o, const char *text, int n, int width, bool left, char pad)
{
	int space = width - n;

	for (; !left && space > 0; space--)
		put(o, pad);
	for (; n > 0; n--)
		put(o, *text++);
	for (; space > 0; space--)
		put(o, ' ');
}

static int digits(char *end, u64 value, unsigned int base)
{
	int n = 0;

	do {
		*--end = "0123456789abcdef"[value % base];
		value /= base;
		n++;
	} while (value);
	return n;
}

/**
 * format() - text from a format and arguments
 * @to: room for it
 * @size: bytes of it; the text is cut to fit, and always ends in a NUL
 * @fmt: the format
 * @args: the arguments
 *
 * Return: the length of the text, if there was room for all of it.
 */
int format(char *to, int size, const char *fmt, va_list args)
{
	struct output o = { to, size, 0 };

	for (; *fmt; fmt++) {
		char number[24], *end = number + sizeof(number), pad = ' ';
		int width = 0, longs = 0, n;
		bool left = false;
		const char *s;
		u64 value;

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		for (fmt++; *fmt == '-' || *fmt == '0'; fmt++) {
			if (*fmt == '-')
				left = true;
			else
				pad = '0';
		}
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + *fmt - '0';
		for (; *fmt == 'l'; fmt++)
			longs++;
		switch (*fmt) {
		case 's':
			s = va_arg(args, const char *);
			put_field(&o, s, strlen(s), width, left, ' ');
			continue;
		case 'c':
			number[0] = va_arg(args, int);
			put_field(&o, number, 1, width, left, ' ');
			continue;
		case 'd':
		case 'u':
		case 'x':
			value = longs ? va_arg(args, u64) : va_arg(args, u32);
			break;
		default:
			put(&o, *fmt);
			continue;
		}
		if (*fmt == 'd' && !longs)
			value = (int)value;
		if (*fmt == 'd' && (long long)value < 0) {
			n = digits(end, -value, 10);
			end[-++n] = '-';
		} else {
			n = digits(end, value, *fmt == 'x' ? 16 : 10);
		}
		put_field(&o, end - n, n, width, left, pad);
	}
	if (size > 0)
		to[min(o.length, size - 1)] = 0;
	return o.length;
}
