/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A driver of virtqueues, for tests of the device's side: written from virtio 1.2 alone, without a
 * look at virtio/virtqueue.c, and with memory of its own to play the guest's.
 */
#ifndef MINIKVM_TOOL_VIRTIO_DRIVER_H
#define MINIKVM_TOOL_VIRTIO_DRIVER_H

#include <linux/types.h>
#include <stdbool.h>

#include "boot/guest_ram.h"
#include "virtio/virtqueue.h"

#define DRIVER_ENTRIES_MAX	256

struct driver_part {
	__u64 at;
	__u32 len;
};

/**
 * struct driver - one queue, the driver's side
 * @ram: the guest's memory
 * @layout: where the parts are
 * @indirect_at: memory for indirect tables, one of 4 KiB for each entry
 * @free: descriptors that are not in use
 * @free_head: first of the free descriptors of a split queue
 * @next_of: for each descriptor of a split queue, the next free one; by id, descriptors of a chain
 * @used: entries seen in the used ring
 * @at: packed: where the next available descriptor goes
 * @wrap: packed: the driver's wrap counter
 * @used_at: packed: where the next used descriptor is looked for
 * @used_wrap: packed: its wrap counter
 * @chain_len: descriptors of the chain with this id
 * @busy: the id is in flight
 */
struct driver {
	struct guest_ram *ram;
	struct virtqueue_layout layout;
	__u64 indirect_at;
	unsigned int free;
	__u16 free_head;
	__u16 next_of[DRIVER_ENTRIES_MAX];
	__u16 available, used;
	__u16 at, used_at;
	bool wrap, used_wrap;
	unsigned int chain_len[DRIVER_ENTRIES_MAX];
	bool busy[DRIVER_ENTRIES_MAX];
};

void driver_init(struct driver *d, struct guest_ram *ram, __u64 at, __u16 size, bool packed,
		 bool indirect, bool event_index);
int driver_add(struct driver *d, const struct driver_part *part, unsigned int readable,
	       unsigned int writable, bool indirect);
bool driver_wants_notify(struct driver *d, unsigned int added);
int driver_take(struct driver *d, __u32 *len);
bool driver_interrupts_on(struct driver *d);
void driver_interrupts_off(struct driver *d);

#endif
