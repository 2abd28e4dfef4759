/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * window.h - a piece of the host's RAM through which much data leaves at once.
 *
 * Port 0xE9 moves a byte at a time, each at the price of a system call of the
 * emulator.  For more than a little, init puts the data into one huge page, which
 * lies in one piece in the emulator's memory too, and the supervisor reads it
 * there with process_vm_readv(2) and writes its answer into the page.  It finds
 * the page by 16 random bytes at both ends.  Where any of this is refused, init
 * gets no answer and the data leaves through the port.
 *
 * The way in is the same with a page of 4 KiB, the input page: init asks for a
 * piece of COMMAND's standard input by its number, the supervisor writes it
 * there once it has one.  The first piece is empty and says that the page was
 * found; where it never comes, COMMAND's input is empty.  For a terminal the page
 * also holds the size of the caller's window.
 *
 * The files page, which is huge again, carries the caller's files into the host:
 * a request of the host's FUSE client leaves as a frame with a number before it,
 * the answer is put here (init-files.c, supervise-files.c).
 *
 * The net page, huge as well, is a ring of the Ethernet frames that other hosts have sent to this
 * one (init-net.c, supervise-net.c).
 */
#ifndef LAB_WINDOW_H
#define LAB_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#define WINDOW_SIZE	(2UL << 20)
#define WINDOW_MAGIC	16

/**
 * struct window - the huge page
 * @magic: the random bytes that this run was given
 * @answered: the number of the last piece that the supervisor has taken
 * @data: the piece
 * @magic_again: the random bytes; if they are here, the page is in one piece
 */
struct window {
	uint8_t magic[WINDOW_MAGIC];
	uint32_t answered;
	uint32_t reserved[11];
	uint8_t data[WINDOW_SIZE - 2 * WINDOW_MAGIC - 48];
	uint8_t magic_again[WINDOW_MAGIC];
};

_Static_assert(sizeof(struct window) == WINDOW_SIZE, "the window is one huge page");

#define INPUT_SIZE	4096UL
#define INPUT_MASK	0x5a		/* turns bits of the window's random bytes for its own */

/**
 * struct input - the input page
 * @magic: the random bytes
 * @given: the number of the last piece that the supervisor has put here
 * @len: its length; from the second piece on, 0 is the end of the input
 * @rows: of the caller's terminal, 0 where there is none
 * @columns: the same
 * @reserved: 0
 * @data: the piece
 * @magic_again: the random bytes
 */
struct input {
	uint8_t magic[WINDOW_MAGIC];
	uint32_t given;
	uint32_t len;
	uint16_t rows;
	uint16_t columns;
	uint32_t reserved;
	uint8_t data[INPUT_SIZE - 2 * WINDOW_MAGIC - 16];
	uint8_t magic_again[WINDOW_MAGIC];
};

_Static_assert(sizeof(struct input) == INPUT_SIZE, "the input page is a page");

#define FILES_MASK	0xa5		/* the same for the files page */

/**
 * struct files - the files page
 * @magic: the random bytes
 * @given: the number of the request that is answered here; 1 only says that the page was found
 * @len: bytes of the answer, 0 for a request that has none
 * @data: the answer, as the kernel's FUSE client wants it
 * @magic_again: the random bytes
 */
struct files {
	uint8_t magic[WINDOW_MAGIC];
	uint32_t given;
	uint32_t len;
	uint32_t reserved[10];
	uint8_t data[WINDOW_SIZE - 2 * WINDOW_MAGIC - 48];
	uint8_t magic_again[WINDOW_MAGIC];
};

_Static_assert(sizeof(struct files) == WINDOW_SIZE, "the files page is one huge page");

#define NET_MASK	0x3c		/* the same for the net page */
#define NET_HOSTS	9		/* numbers of the hosts of one net, from 1 on */
#define NET_MTU		8192
#define NET_FRAME_MAX	(NET_MTU + 18UL)	/* with addresses, type, and a VLAN's tag */
#define NET_SLOTS	254U

/**
 * struct net_slot - a place for an Ethernet frame
 * @len: its bytes
 * @data: the frame
 */
struct net_slot {
	uint32_t len;
	uint8_t data[NET_FRAME_MAX + 2];
};

/**
 * struct net - the net page
 * @magic: the random bytes
 * @found: 1 once the supervisor has found the page
 * @given: how many frames the supervisor has put here; frame N is in slot N % NET_SLOTS
 * @taken: how many of them the host has taken
 * @slot: the frames
 * @magic_again: the random bytes
 */
struct net {
	uint8_t magic[WINDOW_MAGIC];
	uint32_t found;
	uint32_t given;
	uint32_t taken;
	struct net_slot slot[NET_SLOTS];
	uint8_t reserved[WINDOW_SIZE - 2 * WINDOW_MAGIC - 12 - NET_SLOTS * sizeof(struct net_slot)];
	uint8_t magic_again[WINDOW_MAGIC];
};

_Static_assert(sizeof(struct net) == WINDOW_SIZE, "the net page is one huge page");

/* Turns 32 hexadecimal digits into the random bytes; returns 0, or -1. */
static inline int window_parse_magic(const char *text, uint8_t *magic)
{
	int i, j;

	for (i = 0; i < WINDOW_MAGIC; i++) {
		magic[i] = 0;
		for (j = 0; j < 2; j++) {
			char c = *text++;

			if (c >= '0' && c <= '9')
				magic[i] = magic[i] << 4 | (c - '0');
			else if (c >= 'a' && c <= 'f')
				magic[i] = magic[i] << 4 | (c - 'a' + 10);
			else
				return -1;
		}
	}
	return 0;
}

/* A sum over a piece that notices swapped and missing parts (Fletcher's) */
static inline uint32_t window_sum(const uint8_t *data, size_t len)
{
	uint32_t a = 1, b = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		a += data[i];
		b += a;
		if (i % 4096 == 4095) {
			a %= 65521;
			b %= 65521;
		}
	}
	return (b % 65521) << 16 | a % 65521;
}

#endif
