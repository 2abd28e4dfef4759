/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An allocator of numbers: addresses of BARs, ports, interrupts (GSIs).
 */
#ifndef MINIKVM_TOOL_SPACE_H
#define MINIKVM_TOOL_SPACE_H

#include <linux/types.h>
#include <pthread.h>

#define SPACE_NONE	(~0ULL)
#define SPACE_PIECES	256

/**
 * struct space - numbers from @base on
 * @lock: of all below
 * @base: the first
 * @size: how many there are
 * @count: pieces that are taken
 * @piece: these, sorted
 */
struct space {
	pthread_mutex_t lock;
	__u64 base, size;
	unsigned int count;
	struct {
		__u64 base, size;
	} piece[SPACE_PIECES];
};

void space_init(struct space *s, __u64 base, __u64 size);
__u64 space_take(struct space *s, __u64 size, __u64 align);
void space_give(struct space *s, __u64 base);

#endif
