/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that the guest lends to the host: balloon.c.
 */
#ifndef MINIKVM_TOOL_BALLOON_H
#define MINIKVM_TOOL_BALLOON_H

#include <linux/virtio_balloon.h>

#include "virtio/device.h"

#define BALLOON_PAGE	4096ULL

/**
 * struct balloon_numbers - how it is about the guest's memory; all in bytes, unless the guest says
 *	otherwise (VIRTIO_BALLOON_S_* has events, too)
 * @wanted: what the guest is to lend
 * @lent: what it says that it lends
 * @reported: what it has reported to be free since the start, and the host has taken
 * @statistics: what it said last, by VIRTIO_BALLOON_S_*
 * @said: which of these it has said, a bit for each
 */
struct balloon_numbers {
	__u64 wanted, lent, reported;
	__u64 statistics[VIRTIO_BALLOON_S_NR];
	__u32 said;
};

struct virtio_device *balloon_open(const struct guest_ram *ram, __u64 wanted,
				   struct sentence *why);
void balloon_set(struct virtio_device *d, __u64 wanted);
void balloon_get(struct virtio_device *d, struct balloon_numbers *numbers);

#endif
