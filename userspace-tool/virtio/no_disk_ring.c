// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tool that was built without liburing has no rings: each disk is served by preadv2(2) and
 * pwritev2(2) in its thread, as on a host whose kernel does not offer io_uring.
 */
#include <errno.h>
#include <stddef.h>

#include "virtio/disk_ring.h"

struct disk_ring *disk_ring_open(const struct disk *disk, unsigned int entries, int eventfd)
{
	(void)disk;
	(void)entries;
	(void)eventfd;
	errno = ENOSYS;
	return NULL;
}

void disk_ring_close(struct disk_ring *r)
{
	(void)r;
}

void disk_ring_add(struct disk_ring *r, struct disk_transfer *t)
{
	(void)r;
	(void)t;
}

void disk_ring_submit(struct disk_ring *r)
{
	(void)r;
}

struct disk_transfer *disk_ring_done(struct disk_ring *r, bool wait)
{
	(void)r;
	(void)wait;
	return NULL;
}

void disk_ring_events(struct disk_ring *r, bool on)
{
	(void)r;
	(void)on;
}
