// SPDX-License-Identifier: GPL-2.0-only
/*
 * What split and packed virtqueues share, and split ones: see virtqueue.h. Sections of virtio 1.2:
 * "The Virtqueue Descriptor Table", "The Virtqueue Available Ring", "The Virtqueue Used Ring",
 * "Used Buffer Notification Suppression", "Available Buffer Notification Suppression".
 *
 * Relies on the guest's memory staying where it is while a queue is enabled, and on x86: fields
 * are little-endian, and a store is not seen before an earlier one.
 */
#include <string.h>

#include "virtio/virtqueue.h"

#define LOAD(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define LOAD_ACQUIRE(x)	__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define STORE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define STORE_RELEASE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELEASE)
#define FENCE()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

/**
 * virtqueue_break() - the driver has broken a rule: take nothing more from the queue
 * @q: the queue
 * @rule: half a sentence, "the descriptor chain loops"; it stays where it is
 *
 * Return: -1.
 */
int virtqueue_break(struct virtqueue *q, const char *rule)
{
	if (!q->broken)
		q->broken = rule;
	return -1;
}

/**
 * chain_add() - append one descriptor's memory to a chain
 * @q: the queue
 * @chain: the chain
 * @at: guest-physical address
 * @len: bytes; 0 is allowed and adds nothing
 * @write: the device writes it
 *
 * Return: 0, or -1 with the queue broken.
 */
int chain_add(struct virtqueue *q, struct virtqueue_chain *chain, __u64 at, __u32 len, bool write)
{
	unsigned int n = chain->readable + chain->writable;
	__u64 sum = (__u64)chain->readable_bytes + chain->writable_bytes + len;
	void *memory;

	if (!write && chain->writable)
		return virtqueue_break(q, "a descriptor to read follows one to write");
	if (sum > 0xffffffff)
		return virtqueue_break(q, "the descriptor chain has 4 GiB or more");
	if (!len)
		return 0;
	memory = guest_ram_at(q->ram, at, len);
	if (!memory)
		return virtqueue_break(q, "a descriptor points outside memory");
	if (n == VIRTQUEUE_SIZE_MAX)
		return virtqueue_break(q, "the descriptor chain is too long");
	chain->part[n].iov_base = memory;
	chain->part[n].iov_len = len;
	if (write) {
		chain->writable++;
		chain->writable_bytes += len;
	} else {
		chain->readable++;
		chain->readable_bytes += len;
	}
	return 0;
}

/**
 * indirect_table() - the table that an indirect descriptor points to
 * @q: the queue
 * @at: guest-physical address
 * @len: bytes
 * @count: receives the number of descriptors, of 16 bytes in both formats
 *
 * Return: the table, or NULL with the queue broken.
 */
const void *indirect_table(struct virtqueue *q, __u64 at, __u32 len, unsigned int *count)
{
	const void *table = guest_ram_at(q->ram, at, len);

	if (!q->layout.indirect)
		virtqueue_break(q, "an indirect descriptor without VIRTIO_F_INDIRECT_DESC");
	else if (!len || len % sizeof(struct vring_desc))
		virtqueue_break(q, "the length of an indirect table is no multiple of 16");
	else if (len / sizeof(struct vring_desc) > q->layout.size)
		virtqueue_break(q, "an indirect table is longer than the queue");
	else if (!table)
		virtqueue_break(q, "an indirect table lies outside memory");
	if (q->broken)
		return NULL;
	*count = len / sizeof(struct vring_desc);
	return table;
}

/* ---- split virtqueues ------------------------------------------------------------------------ */

static int split_enable(struct virtqueue *q)
{
	const struct virtqueue_layout *l = &q->layout;

	if (l->size & (l->size - 1))
		return virtqueue_break(q, "the size of a split queue is no power of two");
	if (l->descriptors % VRING_DESC_ALIGN_SIZE || l->driver % VRING_AVAIL_ALIGN_SIZE ||
	    l->device % VRING_USED_ALIGN_SIZE)
		return virtqueue_break(q, "a part of the queue is not aligned");
	q->desc = guest_ram_at(q->ram, l->descriptors, sizeof(struct vring_desc) * l->size);
	/* Both rings have a word for the event index behind them. */
	q->avail = guest_ram_at(q->ram, l->driver, 4 + 2 * l->size + 2);
	q->used = guest_ram_at(q->ram, l->device, 4 + sizeof(struct vring_used_elem) * l->size + 2);
	if (!q->desc || !q->avail || !q->used)
		return virtqueue_break(q, "a part of the queue lies outside memory");
	return 0;
}

/*
 * One descriptor, as it is now. The barrier keeps the compiler from reading it again later, when
 * the guest may have changed it. An indirect table need not be aligned.
 */
static struct vring_desc split_fetch(const void *table, unsigned int i)
{
	struct vring_desc d;

	memcpy(&d, (const char *)table + i * sizeof(d), sizeof(d));
	__asm__ volatile("" : : : "memory");
	return d;
}

/* Follow a chain from @at on through a table of @count descriptors. */
static int split_walk(struct virtqueue *q, struct virtqueue_chain *chain,
		      const void *table, unsigned int count, __u16 at, bool inner)
{
	unsigned int seen;
	struct vring_desc d;

	for (seen = 0; seen < count; seen++) {
		if (at >= count)
			return virtqueue_break(q, "a descriptor's number is beyond the table");
		d = split_fetch(table, at);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			unsigned int entries;
			const void *next;

			if (inner)
				return virtqueue_break(q, "an indirect table in an indirect table");
			if (d.flags & VRING_DESC_F_NEXT)
				return virtqueue_break(q, "an indirect descriptor with a next one");
			next = indirect_table(q, d.addr, d.len, &entries);
			return next ? split_walk(q, chain, next, entries, 0, true) : -1;
		}
		if (chain_add(q, chain, d.addr, d.len, d.flags & VRING_DESC_F_WRITE))
			return -1;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 1;
		at = d.next;
	}
	return virtqueue_break(q, "the descriptor chain loops");
}

static int split_pop(struct virtqueue *q, struct virtqueue_chain *chain)
{
	__u16 index = LOAD_ACQUIRE(q->avail->idx), head;

	if (index == q->next_avail)
		return 0;
	if ((__u16)(index - q->next_avail) > q->layout.size)
		return virtqueue_break(q, "the available index runs away");
	if (q->in_flight >= q->layout.size)
		return virtqueue_break(q, "more buffers are in flight than the queue has");
	head = LOAD(q->avail->ring[q->next_avail % q->layout.size]);
	chain->id = head;
	if (split_walk(q, chain, q->desc, q->layout.size, head, false) < 0)
		return -1;
	q->next_avail++;
	q->in_flight++;
	return 1;
}

static void split_push(struct virtqueue *q, const struct virtqueue_done *done, unsigned int count)
{
	struct vring_used_elem *element;
	unsigned int i;

	for (i = 0; i < count; i++) {
		element = &q->used->ring[q->next_used % q->layout.size];
		STORE(element->id, done[i].id);
		STORE(element->len, done[i].written);
		q->next_used++;
	}
	STORE_RELEASE(q->used->idx, q->next_used);
	q->in_flight -= count;
}

static bool split_wants_interrupt(struct virtqueue *q)
{
	__u16 old = q->signalled;

	q->signalled = q->next_used;
	if (!q->layout.event_index)
		return !(LOAD(q->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	return vring_need_event(LOAD(q->avail->ring[q->layout.size]), q->next_used, old);
}

/* The event index stands behind the ring. */
static __u16 *split_avail_event(struct virtqueue *q)
{
	return (__u16 *)&q->used->ring[q->layout.size];
}

static void split_notify_off(struct virtqueue *q)
{
	/* With an event index, one that stays behind is enough. */
	if (!q->layout.event_index)
		STORE(q->used->flags, VRING_USED_F_NO_NOTIFY);
}

static bool split_notify_on(struct virtqueue *q)
{
	if (q->layout.event_index)
		STORE(*split_avail_event(q), q->next_avail);
	else
		STORE(q->used->flags, 0);
	FENCE();
	return LOAD(q->avail->idx) != q->next_avail;
}

/* ---- both ------------------------------------------------------------------------------------ */

/**
 * virtqueue_enable() - begin with a queue
 * @q: receives it
 * @layout: what the driver has told
 * @ram: the guest's memory
 *
 * Return: 0, or -1 with the queue broken: its parts are not aligned or outside memory.
 */
int virtqueue_enable(struct virtqueue *q, const struct virtqueue_layout *layout,
		     const struct guest_ram *ram)
{
	memset(q, 0, sizeof(*q));
	q->layout = *layout;
	q->ram = ram;
	if (!layout->size || layout->size > VIRTQUEUE_SIZE_MAX)
		return virtqueue_break(q, "the size of the queue is not what the device allows");
	return layout->packed ? packed_enable(q) : split_enable(q);
}

/**
 * virtqueue_pop() - take the next buffer that the driver has made available
 * @q: the queue
 * @chain: receives it
 *
 * Return: 1; 0 if there is none; -1 if the queue is broken.
 */
int virtqueue_pop(struct virtqueue *q, struct virtqueue_chain *chain)
{
	if (q->broken)
		return -1;
	chain->readable = 0;
	chain->writable = 0;
	chain->readable_bytes = 0;
	chain->writable_bytes = 0;
	return q->layout.packed ? packed_pop(q, chain) : split_pop(q, chain);
}

/**
 * virtqueue_push() - give a buffer back; in any order
 * @q: the queue
 * @chain: what virtqueue_pop() has returned
 * @written: bytes that were written, from the first writable part on
 */
void virtqueue_push(struct virtqueue *q, const struct virtqueue_chain *chain, __u32 written)
{
	struct virtqueue_done done = {
		.id = chain->id,
		.entries = chain->entries,
		.written = written,
	};

	virtqueue_push_many(q, &done, 1);
}

/**
 * virtqueue_push_many() - give buffers back that belong together: the driver sees all or none
 * @q: the queue
 * @done: the buffers, in the order in which the driver finds them
 * @count: how many, at least one
 */
void virtqueue_push_many(struct virtqueue *q, const struct virtqueue_done *done, unsigned int count)
{
	q->given_back = true;
	if (q->layout.packed)
		packed_push(q, done, count);
	else
		split_push(q, done, count);
}

/**
 * virtqueue_wants_interrupt() - does the driver want to be told of what was given back?
 * @q: the queue
 *
 * To be asked once after one or several virtqueue_push(), and to be obeyed.
 */
bool virtqueue_wants_interrupt(struct virtqueue *q)
{
	if (!q->given_back)
		return false;
	q->given_back = false;
	/* The used entries come before the look at what the driver wants. */
	FENCE();
	return q->layout.packed ? packed_wants_interrupt(q) : split_wants_interrupt(q);
}

/* Ask the driver not to notify, while the device looks at the queue by itself. A hint. */
void virtqueue_notify_off(struct virtqueue *q)
{
	if (q->layout.packed)
		packed_notify_off(q);
	else
		split_notify_off(q);
}

/**
 * virtqueue_notify_on() - ask the driver to notify
 * @q: the queue
 *
 * Return: whether something is available already, for which no notification may come.
 */
bool virtqueue_notify_on(struct virtqueue *q)
{
	if (q->broken)
		return false;
	return q->layout.packed ? packed_notify_on(q) : split_notify_on(q);
}

/* Copy between @len bytes at @data and the parts from @part on, @offset bytes into them. */
static size_t copy(const struct iovec *part, unsigned int parts, size_t offset, __u8 *data,
		   size_t len, bool write)
{
	size_t done = 0, n;
	unsigned int i;

	for (i = 0; i < parts && done < len; i++) {
		if (offset >= part[i].iov_len) {
			offset -= part[i].iov_len;
			continue;
		}
		n = part[i].iov_len - offset;
		if (n > len - done)
			n = len - done;
		if (write)
			memcpy((__u8 *)part[i].iov_base + offset, data + done, n);
		else
			memcpy(data + done, (__u8 *)part[i].iov_base + offset, n);
		done += n;
		offset = 0;
	}
	return done;
}

/**
 * virtqueue_read() - copy from the parts that the device reads
 * @chain: the buffer
 * @offset: bytes to leave out
 * @to: receives the bytes
 * @len: how many
 *
 * Return: how many there were.
 */
size_t virtqueue_read(const struct virtqueue_chain *chain, size_t offset, void *to, size_t len)
{
	return copy(chain->part, chain->readable, offset, to, len, false);
}

/* Copy to the parts that the device writes; arguments and return as virtqueue_read(). */
size_t virtqueue_write(const struct virtqueue_chain *chain, size_t offset, const void *from,
		       size_t len)
{
	return copy(chain->part + chain->readable, chain->writable, offset, (__u8 *)from, len,
		    true);
}
