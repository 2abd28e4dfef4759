/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transfers that go on by themselves, by io_uring: disk_ring.c, or no_disk_ring.c where the tool
 * was built without liburing.
 */
#ifndef MINIKVM_TOOL_DISK_RING_H
#define MINIKVM_TOOL_DISK_RING_H

#include "virtio/disk.h"

struct disk_ring;

struct disk_ring *disk_ring_open(const struct disk *disk, unsigned int entries, int eventfd);
void disk_ring_close(struct disk_ring *r);
void disk_ring_add(struct disk_ring *r, struct disk_transfer *t);
void disk_ring_submit(struct disk_ring *r);
struct disk_transfer *disk_ring_done(struct disk_ring *r, bool wait);
void disk_ring_events(struct disk_ring *r, bool on);

#endif
