/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtqueues, the device's side: sections "Split Virtqueues" and "Packed Virtqueues" of virtio 1.2,
 * with indirect descriptors and event index.
 *
 * The driver's parts are in guest memory, which the guest may change at any time and fill with
 * anything. A queue therefore reads each field once, checks it, and works on its copy; what breaks
 * a rule breaks the queue: nothing more is taken from it, and the device asks to be reset.
 *
 * A virtqueue belongs to one thread at a time. Pure: linked into unit tests and fuzzers.
 */
#ifndef MINIKVM_TOOL_VIRTQUEUE_H
#define MINIKVM_TOOL_VIRTQUEUE_H

#include <linux/types.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "boot/guest_ram.h"

#define VIRTQUEUE_SIZE_MAX	256	/* entries; also the longest chain */

/**
 * struct virtqueue_layout - what the driver has told of a queue
 * @size: entries
 * @descriptors: guest-physical address of the descriptor table (packed: descriptor ring)
 * @driver: of the available ring (packed: driver event suppression)
 * @device: of the used ring (packed: device event suppression)
 * @packed: VIRTIO_F_RING_PACKED was negotiated
 * @indirect: VIRTIO_F_INDIRECT_DESC
 * @event_index: VIRTIO_F_EVENT_IDX
 */
struct virtqueue_layout {
	__u16 size;
	__u64 descriptors, driver, device;
	bool packed, indirect, event_index;
};

/**
 * struct virtqueue - a queue that is enabled
 * @layout: as it was enabled
 * @ram: the guest's memory
 * @broken: the rule that the driver has broken, or NULL
 * @desc: descriptor table of a split queue
 * @avail: its available ring
 * @used: its used ring
 * @ring: descriptor ring of a packed queue
 * @driver_event: when the driver wants interrupts
 * @device_event: when the device wants notifications
 * @next_avail: split: index of the next entry to take, free running; packed: place in the ring
 * @next_used: the same, of the next entry to give back
 * @avail_wrap: packed: the driver's wrap counter
 * @used_wrap: packed: the device's
 * @signalled: @next_used when the driver was last asked whether it wants an interrupt
 * @given_back: something has been since
 * @in_flight: entries taken and not given back (packed: descriptors)
 */
struct virtqueue {
	struct virtqueue_layout layout;
	const struct guest_ram *ram;
	const char *broken;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct vring_packed_desc *ring;
	struct vring_packed_desc_event *driver_event, *device_event;
	__u16 next_avail, next_used;
	bool avail_wrap, used_wrap;
	__u16 signalled;
	bool given_back;
	unsigned int in_flight;
};

/**
 * struct virtqueue_chain - a buffer that the driver has made available
 * @id: its number, for virtqueue_push()
 * @entries: packed: places that it takes in the ring
 * @readable: parts that the device reads, from @part[0] on
 * @writable: parts that it fills, behind these
 * @readable_bytes: their sums, below 4 GiB together
 * @writable_bytes:
 * @part: addresses in this process, all of it guest RAM
 */
struct virtqueue_chain {
	__u16 id;
	__u16 entries;
	unsigned int readable, writable;
	__u32 readable_bytes, writable_bytes;
	struct iovec part[VIRTQUEUE_SIZE_MAX];
};

/**
 * struct virtqueue_done - a buffer to be given back: what is left of a chain then
 * @id: of the chain
 * @entries: of the chain
 * @written: bytes that were written, from the first writable part on
 */
struct virtqueue_done {
	__u16 id;
	__u16 entries;
	__u32 written;
};

int virtqueue_enable(struct virtqueue *q, const struct virtqueue_layout *layout,
		     const struct guest_ram *ram);
int virtqueue_pop(struct virtqueue *q, struct virtqueue_chain *chain);
void virtqueue_push(struct virtqueue *q, const struct virtqueue_chain *chain, __u32 written);
void virtqueue_push_many(struct virtqueue *q, const struct virtqueue_done *done,
			 unsigned int count);
bool virtqueue_wants_interrupt(struct virtqueue *q);
void virtqueue_notify_off(struct virtqueue *q);
bool virtqueue_notify_on(struct virtqueue *q);
int virtqueue_break(struct virtqueue *q, const char *rule);

size_t virtqueue_read(const struct virtqueue_chain *chain, size_t offset, void *to, size_t len);
size_t virtqueue_write(const struct virtqueue_chain *chain, size_t offset, const void *from,
		       size_t len);

/* virtqueue_packed.c, for virtqueue.c alone */
int packed_enable(struct virtqueue *q);
int packed_pop(struct virtqueue *q, struct virtqueue_chain *chain);
void packed_push(struct virtqueue *q, const struct virtqueue_done *done, unsigned int count);
bool packed_wants_interrupt(struct virtqueue *q);
void packed_notify_off(struct virtqueue *q);
bool packed_notify_on(struct virtqueue *q);

/* virtqueue.c, for virtqueue_packed.c alone */
int chain_add(struct virtqueue *q, struct virtqueue_chain *chain, __u64 at, __u32 len, bool write);
const void *indirect_table(struct virtqueue *q, __u64 at, __u32 len, unsigned int *count);

#endif
