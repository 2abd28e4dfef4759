// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's side of a split virtqueue (virtio 1.2, section 2.7), with one buffer at a time,
 * which the device fills. The device's side of the same memory is
 * userspace-tool/virtio/virtqueue.c, and Documentation/virtio.rst follows one buffer through both.
 *
 * The driver writes the descriptor, then the ring's entry, and last the index, which is what the
 * device looks at; so also the way back. Whatever the device writes is read once, and believed only
 * after it was compared with what the driver remembers in struct virtqueue.
 *
 * Pure: selftests/unit/guest-virtqueue lets a device lie to it.
 */
#include "virtqueue.h"

#define READ(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)

void virtqueue_init(struct virtqueue *q, struct virtqueue_memory *memory)
{
	*q = (struct virtqueue){ .memory = memory };
}

/* Is there a buffer that the device has not given back? */
bool virtqueue_is_waiting(const struct virtqueue *q)
{
	return q->offered != q->taken;
}

/**
 * virtqueue_offer() - make a buffer available; none is on its way
 * @q: the queue
 * @address: physical, of the buffer
 * @room: bytes of it
 */
void virtqueue_offer(struct virtqueue *q, u64 address, u32 room)
{
	struct virtqueue_memory *m = q->memory;

	m->descriptor[0] = (struct virtqueue_descriptor){
		.address = address,
		.length = room,
		.flags = DESCRIPTOR_WRITE,
	};
	m->available.ring[q->offered % VIRTQUEUE_SIZE] = 0;
	q->room = room;
	q->offered++;
	/* The device sees all of that when it sees the index. */
	__atomic_store_n(&m->available.index, q->offered, __ATOMIC_RELEASE);
	/* And it sees the index when it hears the doorbell. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/**
 * virtqueue_take() - has the buffer come back?
 * @q: the queue, with a buffer on its way
 *
 * Return: how many bytes the device says that it wrote, 1 to the buffer's size; 0 if it has not yet
 * come; VIRTQUEUE_BROKEN if the device breaks a rule.
 */
int virtqueue_take(struct virtqueue *q)
{
	struct virtqueue_used *used = &q->memory->used;
	u16 index = __atomic_load_n(&used->index, __ATOMIC_ACQUIRE);
	u32 id, length;

	if (index == q->taken)
		return 0;
	if (index != (u16)(q->taken + 1))
		return VIRTQUEUE_BROKEN;
	id = READ(used->ring[q->taken % VIRTQUEUE_SIZE].id);
	length = READ(used->ring[q->taken % VIRTQUEUE_SIZE].length);
	if (id || !length || length > q->room)
		return VIRTQUEUE_BROKEN;
	q->taken++;
	return length;
}
