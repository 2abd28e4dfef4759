/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtqueue with one buffer: virtqueue.c.
 */
#ifndef GUEST_VIRTQUEUE_H
#define GUEST_VIRTQUEUE_H

#include "types.h"

#define VIRTQUEUE_SIZE		4	/* entries */
#define VIRTQUEUE_BROKEN	(-1)

struct virtqueue_descriptor {
	u64 address;
	u32 length;
	u16 flags, next;
};

#define DESCRIPTOR_WRITE	2	/* the device writes the buffer */

struct virtqueue_available {
	u16 flags, index, ring[VIRTQUEUE_SIZE];
};

struct virtqueue_used {
	u16 flags, index;
	struct {
		u32 id, length;
	} ring[VIRTQUEUE_SIZE];
};

/**
 * struct virtqueue_memory - what driver and device both read, each part written by one of them
 * @descriptor: where buffers are (the driver's)
 * @available: which of them the device may use (the driver's)
 * @used: which of them it has used (the device's)
 */
struct virtqueue_memory {
	struct virtqueue_descriptor descriptor[VIRTQUEUE_SIZE] __aligned(16);
	struct virtqueue_available available __aligned(2);
	struct virtqueue_used used __aligned(4);
};

/**
 * struct virtqueue - the driver's own, which the device cannot write to
 * @memory: what they share
 * @offered: how many buffers have been made available
 * @taken: how many of them have come back
 * @room: bytes of the one that is on its way
 */
struct virtqueue {
	struct virtqueue_memory *memory;
	u16 offered, taken;
	u32 room;
};

void virtqueue_init(struct virtqueue *q, struct virtqueue_memory *memory);
bool virtqueue_is_waiting(const struct virtqueue *q);
void virtqueue_offer(struct virtqueue *q, u64 address, u32 room);
int virtqueue_take(struct virtqueue *q);

#endif
