/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frames of the GDB remote serial protocol: "Overview" of the appendix "GDB Remote Serial
 * Protocol" in the GDB manual.
 *
 * Pure. The peer is not trusted: whatever bytes come, the decoder stays within its buffer.
 */
#ifndef MINIKVM_TOOL_PACKET_H
#define MINIKVM_TOOL_PACKET_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define PACKET_MAX	0x4000	/* bytes of contents, as announced by PacketSize */

/* What a byte completed. */
enum packet_event {
	PACKET_NOTHING,
	PACKET_COMPLETE,	/* the contents are in the decoder's buffer */
	PACKET_DAMAGED,		/* wrong checksum, or longer than PACKET_MAX */
	PACKET_ACK,
	PACKET_NAK,
	PACKET_INTERRUPT,	/* byte 0x03 outside of a packet: Ctrl-C */
};

/**
 * struct packet_decoder - what has come of the packet that is being received
 * @state: where in the frame the last byte was
 * @sum: of the bytes between $ and #
 * @digits: the checksum's, as far as they came
 * @escaped: the last byte was }
 * @too_long: contents beyond PACKET_MAX were dropped
 * @len: bytes in @data
 * @data: the contents, escapes resolved; a NUL follows them
 */
struct packet_decoder {
	enum { PACKET_OUTSIDE, PACKET_CONTENTS, PACKET_SUM_HIGH, PACKET_SUM_LOW } state;
	__u8 sum;
	int digits;
	bool escaped;
	bool too_long;
	size_t len;
	char data[PACKET_MAX + 1];
};

/**
 * struct packet_text - contents that are being written
 * @len: bytes in @data
 * @overflow: something did not fit and was left out
 * @data: the contents, without escapes
 */
struct packet_text {
	size_t len;
	bool overflow;
	char data[PACKET_MAX];
};

/* $, contents of which each byte may need an escape, #, two digits. */
#define PACKET_FRAME_MAX	(2 * PACKET_MAX + 4)

enum packet_event packet_decode(struct packet_decoder *d, __u8 byte);
size_t packet_encode(const struct packet_text *t, __u8 frame[PACKET_FRAME_MAX]);

void text_clear(struct packet_text *t);
void text_put(struct packet_text *t, const void *data, size_t len);
void __attribute((format(printf, 2, 3))) text_printf(struct packet_text *t, const char *fmt, ...);
void text_hex(struct packet_text *t, const void *data, size_t len);

int hex_digit(char c);
bool hex_number(const char **s, __u64 *value);
size_t hex_bytes(const char *s, size_t len, void *data, size_t room);

#endif
