// SPDX-License-Identifier: GPL-2.0-only
/*
 * init-window.c - init's side of the window (window.h).
 *
 * A huge page from madvise(2), checked for being in one piece with
 * /proc/self/pagemap (the kernel's Documentation/admin-guide/mm/pagemap.rst).
 */
#include "frame.h"
#include "init.h"
#include "window.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Several seconds in every emulator; only where the supervisor cannot answer */
#define PATIENCE	300000000UL

static volatile struct window *window;
static uint32_t pieces;

static int in_one_piece(const void *address)
{
	uint64_t frames[WINDOW_SIZE / 4096];
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ssize_t got;
	size_t i;

	if (fd < 0)
		return 0;
	got = pread(fd, frames, sizeof(frames), (uintptr_t)address / 4096 * 8);
	close(fd);
	if (got != sizeof(frames))
		return 0;
	for (i = 0; i < WINDOW_SIZE / 4096; i++)
		if (!(frames[i] >> 63) ||
		    (frames[i] << 9 >> 9) != (frames[0] << 9 >> 9) + i)
			return 0;
	return 1;
}

static void announce(size_t len, uint32_t sum)
{
	char text[48];

	snprintf(text, sizeof(text), "%u %zu %u", pieces, len, sum);
	channel_send(FRAME_WINDOW, text, strlen(text));
}

/**
 * window_magic - the random bytes by which the supervisor finds a page of this host's memory
 * @mask: which page: 0, or one of *_MASK
 * @magic: receives the bytes, WINDOW_MAGIC of them
 *
 * Return: 0, or -1 where the supervisor looks for none.
 */
int window_magic(uint8_t mask, uint8_t *magic)
{
	char text[64];
	int i;

	if (!config("window", 0, text, sizeof(text)) || window_parse_magic(text, magic))
		return -1;
	for (i = 0; i < WINDOW_MAGIC; i++)
		magic[i] ^= mask;
	return 0;
}

/**
 * window_map - a huge page that lies in one piece in the emulator's memory
 * @mask: which page: 0, or one of *_MASK
 *
 * Return: the page, locked, with its random bytes at both ends, or NULL where there is none.
 */
void *window_map(uint8_t mask)
{
	uint8_t magic[WINDOW_MAGIC], *area;

	if (window_magic(mask, magic))
		return NULL;
	area = mmap(NULL, 2 * WINDOW_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (area == MAP_FAILED)
		return NULL;
	area += -(uintptr_t)area % WINDOW_SIZE;
	madvise(area, WINDOW_SIZE, MADV_HUGEPAGE);
	memset(area, 0, WINDOW_SIZE);
	if (mlock(area, WINDOW_SIZE) || !in_one_piece(area))
		return NULL;
	memcpy(area, magic, sizeof(magic));
	memcpy(area + WINDOW_SIZE - sizeof(magic), magic, sizeof(magic));
	return area;
}

/**
 * window_await - wait for the supervisor's first answer, which may never come
 * @answer: where it writes 1 once it has found the page
 *
 * Return: 0, or -1.
 */
int window_await(const uint32_t *answer)
{
	unsigned long i;

	for (i = 0; i < PATIENCE; i++) {
		if (__atomic_load_n(answer, __ATOMIC_ACQUIRE) == 1)
			return 0;
		__builtin_ia32_pause();
	}
	return -1;
}

/**
 * window_open - find out whether the supervisor reads this host's memory
 *
 * Return: 1, or 0 where the port has to do.
 */
int window_open(void)
{
	window = window_map(0);
	if (!window)
		return 0;
	pieces = 1;
	announce(0, 0);
	return !window_await((const uint32_t *)&window->answered);
}

/**
 * window_room - how much window_send() takes at once
 *
 * Return: bytes.
 */
size_t window_room(void)
{
	return sizeof(window->data);
}

/**
 * window_send - give a piece of /out's archive to the supervisor
 * @data: the piece
 * @len: bytes, at most window_room()
 *
 * Waits until it has been taken; only after window_open() returned 1.
 */
void window_send(const void *data, size_t len)
{
	memcpy((void *)window->data, data, len);
	pieces++;
	announce(len, window_sum(data, len));
	while (window->answered != pieces)
		__builtin_ia32_pause();
}
