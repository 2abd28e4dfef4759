// SPDX-License-Identifier: GPL-2.0-only
/*
 * First fit in a sorted list of what is taken: see space.h. There are dozens of pieces, not more.
 */
#include <string.h>

#include "bus/space.h"

void space_init(struct space *s, __u64 base, __u64 size)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->base = base;
	s->size = size;
}

/**
 * space_take() - take the lowest numbers that are free
 * @s: the space
 * @size: how many, not 0
 * @align: what the first is a multiple of, a power of two
 *
 * Return: the first, or SPACE_NONE.
 */
__u64 space_take(struct space *s, __u64 size, __u64 align)
{
	__u64 at = (s->base + align - 1) & ~(align - 1), end = s->base + s->size;
	unsigned int i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < s->count && s->piece[i].base - s->base < at - s->base + size; i++)
		if (s->piece[i].base + s->piece[i].size > at)
			at = (s->piece[i].base + s->piece[i].size + align - 1) & ~(align - 1);
	if (at < s->base || at > end || size > end - at || s->count == SPACE_PIECES) {
		at = SPACE_NONE;
	} else {
		memmove(&s->piece[i + 1], &s->piece[i], (s->count - i) * sizeof(s->piece[0]));
		s->piece[i].base = at;
		s->piece[i].size = size;
		s->count++;
	}
	pthread_mutex_unlock(&s->lock);
	return at;
}

/* Give back what space_take() returned. */
void space_give(struct space *s, __u64 base)
{
	unsigned int i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < s->count && s->piece[i].base != base; i++)
		;
	if (i < s->count) {
		s->count--;
		memmove(&s->piece[i], &s->piece[i + 1], (s->count - i) * sizeof(s->piece[0]));
	}
	pthread_mutex_unlock(&s->lock);
}
