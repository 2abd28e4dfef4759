/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An address space of the guest, ports or memory that is not RAM: which device an access is for.
 *
 * A device owns ranges. They do not overlap, and an access belongs to the range that holds all of
 * its bytes; one that no range holds reads as ones and is lost as a write, like on an empty bus.
 */
#ifndef MINIKVM_TOOL_BUS_H
#define MINIKVM_TOOL_BUS_H

#include <linux/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define BUS_RANGES	256

/**
 * struct bus_ops - what is behind a range
 * @read: fill @len bytes from @offset in the range on
 * @write: take them
 *
 * Called from vCPU threads, several at once. @len is 1 to 8.
 */
struct bus_ops {
	void (*read)(void *opaque, __u64 offset, void *data, unsigned int len);
	void (*write)(void *opaque, __u64 offset, const void *data, unsigned int len);
};

/* One range. The fields are atomic because a reader may look while a writer moves them. */
struct bus_range {
	_Atomic __u64 base;
	_Atomic __u64 size;
	const struct bus_ops *_Atomic ops;
	void *_Atomic opaque;
};

/**
 * struct bus - the address space
 * @lock: of those who change it
 * @sequence: odd while @range changes; a reader who saw two values looks again
 * @count: ranges
 * @range: sorted by address
 */
struct bus {
	pthread_mutex_t lock;
	atomic_uint sequence;
	atomic_uint count;
	struct bus_range range[BUS_RANGES];
};

void bus_init(struct bus *b);
int bus_add(struct bus *b, __u64 base, __u64 size, const struct bus_ops *ops, void *opaque);
void bus_remove(struct bus *b, __u64 base);
bool bus_read(struct bus *b, __u64 at, void *data, unsigned int len);
bool bus_write(struct bus *b, __u64 at, const void *data, unsigned int len);

#endif
