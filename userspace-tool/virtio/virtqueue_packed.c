// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packed virtqueues: see virtqueue.h; section "Packed Virtqueues" of virtio 1.2, in it "Driver and
 * Device Ring Wrap Counters", "Available and Used Ring Wrap Counters" and "Event Suppression
 * Structure Format".
 *
 * One ring of descriptors serves both directions. A descriptor is available while its AVAIL bit
 * equals the driver's wrap counter and its USED bit does not; the device gives it back by setting
 * both to its own wrap counter. A chain takes as many places as it has descriptors, and the place
 * of what is given back is not that of the descriptor that it was.
 */
#include <string.h>

#include "compiler.h"
#include "virtio/virtqueue.h"

#define DESC_AVAIL		BIT(VRING_PACKED_DESC_F_AVAIL)
#define DESC_USED		BIT(VRING_PACKED_DESC_F_USED)
#define EVENT_WRAP		BIT(VRING_PACKED_EVENT_F_WRAP_CTR)
#define EVENT_ALIGN		4

#define LOAD(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define LOAD_ACQUIRE(x)	__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define STORE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define STORE_RELEASE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELEASE)
#define FENCE()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

int packed_enable(struct virtqueue *q)
{
	const struct virtqueue_layout *l = &q->layout;

	if (l->descriptors % VRING_DESC_ALIGN_SIZE || l->driver % EVENT_ALIGN ||
	    l->device % EVENT_ALIGN)
		return virtqueue_break(q, "a part of the queue is not aligned");
	q->ring = guest_ram_at(q->ram, l->descriptors, sizeof(*q->ring) * l->size);
	q->driver_event = guest_ram_at(q->ram, l->driver, sizeof(*q->driver_event));
	q->device_event = guest_ram_at(q->ram, l->device, sizeof(*q->device_event));
	if (!q->ring || !q->driver_event || !q->device_event)
		return virtqueue_break(q, "a part of the queue lies outside memory");
	q->avail_wrap = true;
	q->used_wrap = true;
	return 0;
}

static bool is_available(const struct virtqueue *q, __u16 flags)
{
	return !!(flags & DESC_AVAIL) == q->avail_wrap && !!(flags & DESC_USED) != q->avail_wrap;
}

/* Of the entries of an indirect table, the WRITE flag alone has a meaning; they end it together. */
static int walk_indirect(struct virtqueue *q, struct virtqueue_chain *chain, __u64 at, __u32 len)
{
	unsigned int count, i;
	const char *table = indirect_table(q, at, len, &count);
	struct vring_packed_desc d;

	if (!table)
		return -1;
	for (i = 0; i < count; i++) {
		/* Once, and perhaps not aligned: see split_fetch(). */
		memcpy(&d, table + i * sizeof(d), sizeof(d));
		__asm__ volatile("" : : : "memory");
		if (chain_add(q, chain, d.addr, d.len, d.flags & VRING_DESC_F_WRITE))
			return -1;
	}
	return 0;
}

int packed_pop(struct virtqueue *q, struct virtqueue_chain *chain)
{
	struct vring_packed_desc *d = &q->ring[q->next_avail];
	__u16 flags = LOAD_ACQUIRE(d->flags), at = q->next_avail;

	if (!is_available(q, flags))
		return 0;
	chain->entries = 0;
	if (flags & VRING_DESC_F_INDIRECT) {
		if (flags & VRING_DESC_F_NEXT)
			return virtqueue_break(q, "an indirect descriptor with a next one");
		if (walk_indirect(q, chain, LOAD(d->addr), LOAD(d->len)))
			return -1;
		chain->entries = 1;
	}
	while (!chain->entries) {
		if (flags & VRING_DESC_F_INDIRECT)
			return virtqueue_break(q, "an indirect descriptor within a chain");
		if (chain_add(q, chain, LOAD(d->addr), LOAD(d->len), flags & VRING_DESC_F_WRITE))
			return -1;
		if (!(flags & VRING_DESC_F_NEXT)) {
			chain->entries = (at + q->layout.size - q->next_avail) % q->layout.size + 1;
			break;
		}
		at = (at + 1) % q->layout.size;
		if (at == q->next_avail)
			return virtqueue_break(q, "the descriptor chain loops");
		d = &q->ring[at];
		flags = LOAD(d->flags);
	}
	if (q->in_flight + chain->entries > q->layout.size)
		return virtqueue_break(q, "more buffers are in flight than the queue has");
	chain->id = LOAD(d->id);	/* the last descriptor has it */
	q->in_flight += chain->entries;
	q->next_avail += chain->entries;
	if (q->next_avail >= q->layout.size) {
		q->next_avail -= q->layout.size;
		q->avail_wrap = !q->avail_wrap;
	}
	return 1;
}

/* The flags of the first one come last: the driver looks at it first, and then sees all of them. */
void packed_push(struct virtqueue *q, const struct virtqueue_done *done, unsigned int count)
{
	struct vring_packed_desc *first = &q->ring[q->next_used], *d;
	__u16 flags, first_flags = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		d = &q->ring[q->next_used];
		STORE(d->id, done[i].id);
		STORE(d->len, done[i].written);
		flags = (q->used_wrap ? DESC_AVAIL | DESC_USED : 0) |
			(done[i].written ? VRING_DESC_F_WRITE : 0);
		if (i)
			STORE(d->flags, flags);
		else
			first_flags = flags;
		q->in_flight -= done[i].entries;
		q->next_used += done[i].entries;
		if (q->next_used >= q->layout.size) {
			q->next_used -= q->layout.size;
			q->signalled -= q->layout.size;	/* seen from the new lap, it was before 0 */
			q->used_wrap = !q->used_wrap;
		}
	}
	STORE_RELEASE(first->flags, first_flags);
}

bool packed_wants_interrupt(struct virtqueue *q)
{
	__u16 flags = LOAD(q->driver_event->flags), old = q->signalled, event;

	q->signalled = q->next_used;
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !q->layout.event_index)
		return true;
	event = LOAD(q->driver_event->off_wrap);
	if (!!(event & EVENT_WRAP) == q->used_wrap)
		event &= ~EVENT_WRAP;
	else
		event = (event & ~EVENT_WRAP) - q->layout.size;
	return vring_need_event(event, q->next_used, old);
}

void packed_notify_off(struct virtqueue *q)
{
	STORE(q->device_event->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
}

bool packed_notify_on(struct virtqueue *q)
{
	if (q->layout.event_index) {
		STORE(q->device_event->off_wrap, q->next_avail | (q->avail_wrap ? EVENT_WRAP : 0));
		STORE_RELEASE(q->device_event->flags, VRING_PACKED_EVENT_FLAG_DESC);
	} else {
		STORE(q->device_event->flags, VRING_PACKED_EVENT_FLAG_ENABLE);
	}
	FENCE();
	return is_available(q, LOAD(q->ring[q->next_avail].flags));
}
