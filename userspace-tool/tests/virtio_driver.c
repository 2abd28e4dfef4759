// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's side of virtqueues: see virtio_driver.h. Sections of virtio 1.2: "Driver
 * Requirements" of the split virtqueue, and "Packed Virtqueues". One thread plays driver and
 * device, so that there are no barriers.
 */
#include <string.h>

#include "virtio_driver.h"

#define NEXT		1
#define WRITE		2
#define INDIRECT	4
#define AVAIL		0x80
#define USED		0x8000

struct descriptor {
	__u64 addr;
	__u32 len;
	__u16 a, b;	/* split: flags, next; packed: id, flags */
};

static void *mem(const struct driver *d, __u64 at)
{
	return d->ram->low + at;
}

static __u16 *driver_word(const struct driver *d, unsigned int index)
{
	return (__u16 *)mem(d, d->layout.driver) + index;
}

static __u16 *device_word(const struct driver *d, unsigned int index)
{
	return (__u16 *)mem(d, d->layout.device) + index;
}

/* The event index behind the used ring: two words of flags and index, 8 bytes for each element. */
static __u16 *avail_event(const struct driver *d)
{
	return device_word(d, 2 + 4 * d->layout.size);
}

/**
 * driver_init() - an empty queue in cleared memory
 * @d: receives it
 * @ram: the guest's memory
 * @at: where the parts are: 4 pages, then one for each entry
 * @size: entries
 * @packed: packed, not split
 * @indirect: with indirect descriptors
 * @event_index: with the event index
 */
void driver_init(struct driver *d, struct guest_ram *ram, __u64 at, __u16 size, bool packed,
		 bool indirect, bool event_index)
{
	unsigned int i;

	memset(d, 0, sizeof(*d));
	d->ram = ram;
	d->layout = (struct virtqueue_layout) {
		.size = size, .descriptors = at, .driver = at + 4096, .device = at + 8192,
		.packed = packed, .indirect = indirect, .event_index = event_index,
	};
	d->indirect_at = at + 4 * 4096;
	d->free = size;
	for (i = 0; i < size; i++)
		d->next_of[i] = i + 1;
	d->wrap = true;
	d->used_wrap = true;
	memset(mem(d, at), 0, 4 * 4096);
}

static void fill(struct descriptor *to, const struct driver_part *part, __u16 flags, bool packed,
		 __u16 other)
{
	to->addr = part->at;
	to->len = part->len;
	to->a = packed ? other : flags;
	to->b = packed ? flags : other;
}

/* An indirect table of all parts. Return: the one part that stands for it. */
static struct driver_part make_table(struct driver *d, unsigned int id,
				     const struct driver_part *part, unsigned int readable,
				     unsigned int count)
{
	__u64 at = d->indirect_at + id * 4096ULL;
	struct descriptor *table = mem(d, at);
	unsigned int i;

	for (i = 0; i < count; i++) {
		__u16 flags = i < readable ? 0 : WRITE;

		if (!d->layout.packed && i + 1 < count)
			flags |= NEXT;
		fill(&table[i], &part[i], flags, d->layout.packed, i + 1);
	}
	return (struct driver_part) { .at = at, .len = count * 16 };
}

static unsigned int split_add(struct driver *d, const struct driver_part *part,
			      unsigned int readable, unsigned int count, bool indirect)
{
	struct descriptor *table = mem(d, d->layout.descriptors);
	__u16 head = d->free_head, at = head;
	unsigned int i;

	for (i = 0; i < count; i++) {
		__u16 flags = (i < readable ? 0 : WRITE) | (i + 1 < count ? NEXT : 0);

		fill(&table[at], &part[i], indirect ? INDIRECT : flags, false, d->next_of[at]);
		at = d->next_of[at];
	}
	d->free_head = at;
	*driver_word(d, 2 + d->available % d->layout.size) = head;
	d->available++;
	*driver_word(d, 1) = d->available;
	return head;
}

static void packed_add(struct driver *d, const struct driver_part *part, unsigned int readable,
		       unsigned int count, bool indirect, __u16 id)
{
	struct descriptor *ring = mem(d, d->layout.descriptors);
	__u16 first = d->at, first_flags = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		__u16 flags = (i < readable ? 0 : WRITE) | (i + 1 < count ? NEXT : 0);

		if (indirect)
			flags = INDIRECT;
		flags |= d->wrap ? AVAIL : USED;
		if (!i)
			first_flags = flags;
		fill(&ring[d->at], &part[i], i ? flags : ring[d->at].b, true, id);
		if (++d->at == d->layout.size) {
			d->at = 0;
			d->wrap = !d->wrap;
		}
	}
	ring[first].b = first_flags;
	d->available += count;
}

/**
 * driver_add() - make a buffer available
 * @d: the queue
 * @part: its parts
 * @readable: how many of these the device reads
 * @writable: how many follow that it writes
 * @indirect: by one indirect descriptor
 *
 * Return: its id, or -1 where the queue is full.
 */
int driver_add(struct driver *d, const struct driver_part *part, unsigned int readable,
	       unsigned int writable, bool indirect)
{
	unsigned int count = readable + writable, places = indirect ? 1 : count, id = 0;
	struct driver_part table;

	if (places > d->free)
		return -1;
	if (d->layout.packed)
		while (d->busy[id])
			id++;
	else
		id = d->free_head;
	if (indirect) {
		table = make_table(d, id, part, readable, count);
		part = &table;
	}
	if (d->layout.packed)
		packed_add(d, part, readable, places, indirect, id);
	else
		split_add(d, part, readable, places, indirect);
	d->busy[id] = true;
	d->chain_len[id] = places;
	d->free -= places;
	return id;
}

/**
 * driver_wants_notify() - does the device want to be told?
 * @d: the queue
 * @added: packed: places that were filled since the last time; split: buffers
 */
bool driver_wants_notify(struct driver *d, unsigned int added)
{
	__u16 size = d->layout.size, event, old, now;

	if (!d->layout.packed) {
		if (!d->layout.event_index)
			return !(*device_word(d, 0) & 1);
		old = d->available - added;
		return (__u16)(d->available - *avail_event(d) - 1) < (__u16)(d->available - old);
	}
	if (*device_word(d, 1) != 2)
		return *device_word(d, 1) == 0;
	/* Places counted from the beginning of the lap in which the newest is. */
	now = d->at;
	event = *device_word(d, 0) & 0x7fff;
	if (!!(*device_word(d, 0) & 0x8000) != d->wrap)
		event -= size;
	return (__u16)(now - event - 1) < (__u16)added;
}

/**
 * driver_take() - take a buffer that the device has given back
 * @d: the queue
 * @len: receives the number of bytes that were written
 *
 * Return: its id; -1 if there is none; -2 if what is there cannot be.
 */
int driver_take(struct driver *d, __u32 *len)
{
	unsigned int id, last, i;

	if (d->layout.packed) {
		struct descriptor *u = (struct descriptor *)mem(d, d->layout.descriptors) +
				       d->used_at;

		if (!!(u->b & USED) != d->used_wrap || !!(u->b & AVAIL) != d->used_wrap)
			return -1;
		id = u->a;
		*len = u->len;
	} else {
		const __u32 *element;

		if (*device_word(d, 1) == d->used)
			return -1;
		element = (__u32 *)device_word(d, 2) + 2 * (d->used % d->layout.size);
		id = element[0];
		*len = element[1];
		d->used++;
	}
	if (id >= d->layout.size || !d->busy[id])
		return -2;
	d->busy[id] = false;
	d->free += d->chain_len[id];
	if (d->layout.packed) {
		d->used_at += d->chain_len[id];
		if (d->used_at >= d->layout.size) {
			d->used_at -= d->layout.size;
			d->used_wrap = !d->used_wrap;
		}
	} else {
		for (last = id, i = 1; i < d->chain_len[id]; i++)
			last = d->next_of[last];
		d->next_of[last] = d->free_head;
		d->free_head = id;
	}
	return id;
}

/* Ask for an interrupt with the next buffer. Return: whether one is there already. */
bool driver_interrupts_on(struct driver *d)
{
	struct descriptor *u = (struct descriptor *)mem(d, d->layout.descriptors) + d->used_at;

	if (!d->layout.packed) {
		*driver_word(d, 0) = 0;
		*driver_word(d, 2 + d->layout.size) = d->used;
		return *device_word(d, 1) != d->used;
	}
	*driver_word(d, 0) = d->used_at | (d->used_wrap ? 0x8000 : 0);
	*driver_word(d, 1) = d->layout.event_index ? 2 : 0;
	return !!(u->b & USED) == d->used_wrap && !!(u->b & AVAIL) == d->used_wrap;
}

/* Ask for none; a hint. */
void driver_interrupts_off(struct driver *d)
{
	if (d->layout.packed)
		*driver_word(d, 1) = 1;
	else if (d->layout.event_index)
		*driver_word(d, 2 + d->layout.size) = d->used - 1 + 0x8000;
	else
		*driver_word(d, 0) = 1;
}
