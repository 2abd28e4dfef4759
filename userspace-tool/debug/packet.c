// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frames of the GDB remote serial protocol: see packet.h. A packet is $, the contents, # and
 * two hexadecimal digits, the sum of the bytes between modulo 256. In the contents, } announces a
 * byte that was XORed with 0x20. Between packets stand +, - and the byte 0x03.
 *
 * Relies on nothing but the C library; linked into the tool, its unit tests and its fuzzer.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "debug/packet.h"

#define ESCAPE		'}'
#define ESCAPE_XOR	0x20
#define INTERRUPT	0x03

/* The value of a hexadecimal digit, or -1. */
int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/**
 * hex_number() - read a hexadecimal number of at most 64 bits
 * @s: where it begins; receives what follows it
 * @value: receives the number
 *
 * Return: whether there was one, and it fits.
 */
bool hex_number(const char **s, __u64 *value)
{
	const char *p = *s;
	__u64 n = 0;

	for (; hex_digit(*p) >= 0; p++) {
		if (n >> 60)
			return false;
		n = n << 4 | (unsigned int)hex_digit(*p);
	}
	if (p == *s)
		return false;
	*s = p;
	*value = n;
	return true;
}

/**
 * hex_bytes() - decode pairs of hexadecimal digits
 * @s: the digits
 * @len: how many
 * @data: receives the bytes
 * @room: how many fit
 *
 * Return: how many bytes were decoded: it ends where a digit is missing or the room is full.
 */
size_t hex_bytes(const char *s, size_t len, void *data, size_t room)
{
	__u8 *out = data;
	size_t n;

	for (n = 0; n < room && 2 * n + 1 < len; n++) {
		int high = hex_digit(s[2 * n]), low = hex_digit(s[2 * n + 1]);

		if (high < 0 || low < 0)
			break;
		out[n] = high << 4 | low;
	}
	return n;
}

static void start(struct packet_decoder *d)
{
	d->state = PACKET_CONTENTS;
	d->sum = 0;
	d->escaped = false;
	d->too_long = false;
	d->len = 0;
}

static void add(struct packet_decoder *d, __u8 byte)
{
	if (d->len < PACKET_MAX)
		d->data[d->len++] = byte;
	else
		d->too_long = true;
}

static enum packet_event outside(struct packet_decoder *d, __u8 byte)
{
	switch (byte) {
	case '$':
		start(d);
		return PACKET_NOTHING;
	case '+':
		return PACKET_ACK;
	case '-':
		return PACKET_NAK;
	case INTERRUPT:
		return PACKET_INTERRUPT;
	default:
		return PACKET_NOTHING;
	}
}

static void contents(struct packet_decoder *d, __u8 byte)
{
	/* Neither $ nor # may stand in the contents without an escape: a new packet begins. */
	if (byte == '$') {
		start(d);
		return;
	}
	if (byte == '#') {
		d->state = PACKET_SUM_HIGH;
		return;
	}
	d->sum += byte;
	if (d->escaped) {
		d->escaped = false;
		add(d, byte ^ ESCAPE_XOR);
	} else if (byte == ESCAPE) {
		d->escaped = true;
	} else {
		add(d, byte);
	}
}

/**
 * packet_decode() - a byte has come from the debugger
 * @d: the decoder, zeroed before the first byte
 * @byte: the byte
 *
 * Return: what it completed. The contents stay until the next byte.
 */
enum packet_event packet_decode(struct packet_decoder *d, __u8 byte)
{
	switch (d->state) {
	case PACKET_OUTSIDE:
		return outside(d, byte);
	case PACKET_CONTENTS:
		contents(d, byte);
		return PACKET_NOTHING;
	case PACKET_SUM_HIGH:
		d->digits = hex_digit(byte);
		d->state = PACKET_SUM_LOW;
		return PACKET_NOTHING;
	case PACKET_SUM_LOW:
		break;
	}
	d->state = PACKET_OUTSIDE;
	d->data[d->len] = 0;
	if (d->digits < 0 || hex_digit(byte) < 0 || d->too_long || d->escaped ||
	    (d->digits << 4 | hex_digit(byte)) != d->sum)
		return PACKET_DAMAGED;
	return PACKET_COMPLETE;
}

/**
 * packet_encode() - put contents into a frame
 * @t: the contents
 * @frame: receives the frame
 *
 * Return: the frame's length.
 */
size_t packet_encode(const struct packet_text *t, __u8 frame[PACKET_FRAME_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0, i;
	__u8 sum = 0;

	frame[n++] = '$';
	for (i = 0; i < t->len; i++) {
		__u8 byte = t->data[i];

		/* An asterisk would announce a run of equal bytes. */
		if (byte == '$' || byte == '#' || byte == ESCAPE || byte == '*') {
			frame[n++] = ESCAPE;
			sum += ESCAPE;
			byte ^= ESCAPE_XOR;
		}
		frame[n++] = byte;
		sum += byte;
	}
	frame[n++] = '#';
	frame[n++] = digits[sum >> 4];
	frame[n++] = digits[sum & 0xf];
	return n;
}

void text_clear(struct packet_text *t)
{
	t->len = 0;
	t->overflow = false;
}

void text_put(struct packet_text *t, const void *data, size_t len)
{
	if (len > sizeof(t->data) - t->len) {
		t->overflow = true;
		return;
	}
	memcpy(t->data + t->len, data, len);
	t->len += len;
}

/* As printf(), but without the NUL; what does not fit is left out as a whole. */
void text_printf(struct packet_text *t, const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(line))
		t->overflow = true;
	else
		text_put(t, line, n);
}

void text_hex(struct packet_text *t, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const __u8 *p = data;
	size_t i;

	if (len > (sizeof(t->data) - t->len) / 2) {
		t->overflow = true;
		return;
	}
	for (i = 0; i < len; i++) {
		t->data[t->len++] = digits[p[i] >> 4];
		t->data[t->len++] = digits[p[i] & 0xf];
	}
}
