// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges of an address space, and the search for the one that an access is for: see bus.h.
 *
 * Every exit for a device comes through bus_read() or bus_write(), on as many threads as there are
 * vCPUs, so that they take no lock: they read the table, and read it again if its sequence number
 * says that it changed meanwhile. Changes are rare (a guest moves a BAR) and short. The
 * table has a fixed size, so that a guest which moves BARs without end costs no memory.
 *
 * Relies on a device outliving every access: one that was found just before bus_remove() is still
 * carried out. Devices are released when no vCPU runs.
 */
#include <sched.h>
#include <string.h>

#include "bus/bus.h"

struct hit {
	const struct bus_ops *ops;
	void *opaque;
	__u64 offset;
};

void bus_init(struct bus *b)
{
	memset(b, 0, sizeof(*b));
	pthread_mutex_init(&b->lock, NULL);
}

static __u64 base_of(const struct bus *b, unsigned int i)
{
	return atomic_load_explicit(&b->range[i].base, memory_order_relaxed);
}

static __u64 size_of(const struct bus *b, unsigned int i)
{
	return atomic_load_explicit(&b->range[i].size, memory_order_relaxed);
}

/* How many ranges begin at or below @at; the last of them is the only one that can hold it. */
static unsigned int search(const struct bus *b, unsigned int count, __u64 at)
{
	unsigned int low = 0, high = count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (base_of(b, middle) <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool find_once(const struct bus *b, __u64 at, unsigned int len, struct hit *hit)
{
	unsigned int count = atomic_load_explicit(&b->count, memory_order_relaxed);
	unsigned int i = search(b, count, at);
	__u64 size;

	if (!i)
		return false;
	i--;
	size = size_of(b, i);
	hit->offset = at - base_of(b, i);
	if (size < len || hit->offset > size - len)
		return false;
	hit->ops = atomic_load_explicit(&b->range[i].ops, memory_order_relaxed);
	hit->opaque = atomic_load_explicit(&b->range[i].opaque, memory_order_relaxed);
	return true;
}

static bool find(const struct bus *b, __u64 at, unsigned int len, struct hit *hit)
{
	unsigned int before;
	bool found;

	for (;;) {
		before = atomic_load_explicit(&b->sequence, memory_order_acquire);
		if (before & 1) {
			sched_yield();
			continue;
		}
		found = find_once(b, at, len, hit);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&b->sequence, memory_order_relaxed) == before)
			return found;
	}
}

static void set(struct bus_range *to, __u64 base, __u64 size, const struct bus_ops *ops,
		void *opaque)
{
	atomic_store_explicit(&to->base, base, memory_order_relaxed);
	atomic_store_explicit(&to->size, size, memory_order_relaxed);
	atomic_store_explicit(&to->ops, ops, memory_order_relaxed);
	atomic_store_explicit(&to->opaque, opaque, memory_order_relaxed);
}

static void copy(struct bus_range *to, const struct bus_range *from)
{
	set(to, from->base, from->size, from->ops, from->opaque);
}

static void begin_change(struct bus *b)
{
	atomic_fetch_add_explicit(&b->sequence, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static void end_change(struct bus *b)
{
	atomic_fetch_add_explicit(&b->sequence, 1, memory_order_release);
}

static bool is_free(const struct bus *b, unsigned int at, __u64 base, __u64 size)
{
	if (!size || base + size - 1 < base)
		return false;
	if (at && base - base_of(b, at - 1) < size_of(b, at - 1))
		return false;
	return at == b->count || base_of(b, at) - base >= size;
}

/**
 * bus_add() - give a range to a device
 * @b: the address space
 * @base: its first address
 * @size: bytes
 * @ops: the device; must outlive every access
 * @opaque: the argument of @ops
 *
 * Return: 0, or -1 where another range overlaps or the table is full.
 */
int bus_add(struct bus *b, __u64 base, __u64 size, const struct bus_ops *ops, void *opaque)
{
	unsigned int at, i;
	int ret = -1;

	pthread_mutex_lock(&b->lock);
	at = search(b, b->count, base);
	if (b->count < BUS_RANGES && is_free(b, at, base, size)) {
		begin_change(b);
		for (i = b->count; i > at; i--)
			copy(&b->range[i], &b->range[i - 1]);
		set(&b->range[at], base, size, ops, opaque);
		atomic_store_explicit(&b->count, b->count + 1, memory_order_relaxed);
		end_change(b);
		ret = 0;
	}
	pthread_mutex_unlock(&b->lock);
	return ret;
}

/* Take the range that begins at @base back; without one, nothing happens. */
void bus_remove(struct bus *b, __u64 base)
{
	unsigned int at, i;

	pthread_mutex_lock(&b->lock);
	at = search(b, b->count, base);
	if (at && base_of(b, at - 1) == base) {
		begin_change(b);
		for (i = at; i < b->count; i++)
			copy(&b->range[i - 1], &b->range[i]);
		atomic_store_explicit(&b->count, b->count - 1, memory_order_relaxed);
		end_change(b);
	}
	pthread_mutex_unlock(&b->lock);
}

/**
 * bus_read() - the guest reads
 * @b: the address space
 * @at: address
 * @data: receives the bytes
 * @len: how many, 1 to 8
 *
 * Return: whether there is a device; if not, @data is untouched.
 */
bool bus_read(struct bus *b, __u64 at, void *data, unsigned int len)
{
	struct hit hit;

	if (!find(b, at, len, &hit))
		return false;
	hit.ops->read(hit.opaque, hit.offset, data, len);
	return true;
}

/* The guest writes; arguments and return as bus_read(). */
bool bus_write(struct bus *b, __u64 at, const void *data, unsigned int len)
{
	struct hit hit;

	if (!find(b, at, len, &hit))
		return false;
	hit.ops->write(hit.opaque, hit.offset, data, len);
	return true;
}
