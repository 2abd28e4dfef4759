// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring for transfers: see disk_ring.h; io_uring(7), by liburing. A ring belongs to one queue of
 * a disk, and to the thread that has the lock of the queue's worker.
 *
 * Many transfers are submitted by one system call, and the kernel does what is in its page cache
 * within that call. The others end later, which an eventfd tells.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include "virtio/disk_ring.h"

/**
 * struct disk_ring - a ring
 * @disk: the image
 * @ring: shared with the kernel
 */
struct disk_ring {
	const struct disk *disk;
	struct io_uring ring;
};

/**
 * disk_ring_open() - a ring
 * @disk: the image
 * @entries: transfers that may be under way at once
 * @eventfd: told when one ends, while disk_ring_events() has it so
 *
 * Return: the ring, or NULL with errno: the host's kernel has none, or does not allow it.
 */
struct disk_ring *disk_ring_open(const struct disk *disk, unsigned int entries, int eventfd)
{
	struct disk_ring *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return NULL;
	r->disk = disk;
	err = io_uring_queue_init(entries, &r->ring, 0);
	if (!err) {
		err = io_uring_register_eventfd(&r->ring, eventfd);
		if (err)
			io_uring_queue_exit(&r->ring);
	}
	if (err) {
		free(r);
		errno = -err;
		return NULL;
	}
	return r;
}

/* Nothing is under way any more. NULL is allowed. */
void disk_ring_close(struct disk_ring *r)
{
	if (!r)
		return;
	io_uring_queue_exit(&r->ring);
	free(r);
}

/* Begin a transfer with the next disk_ring_submit(); its memory is aligned as the disk wants it. */
void disk_ring_add(struct disk_ring *r, struct disk_transfer *t)
{
	/* There are as many entries as the queue has, so that one is free. */
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);

	if (t->flush)
		io_uring_prep_fsync(sqe, r->disk->fd, IORING_FSYNC_DATASYNC);
	else if (t->write)
		io_uring_prep_writev2(sqe, r->disk->fd, t->part, t->parts, t->offset,
				      t->through ? RWF_DSYNC : 0);
	else
		io_uring_prep_readv(sqe, r->disk->fd, t->part, t->parts, t->offset);
	io_uring_sqe_set_data(sqe, t);
}

void disk_ring_submit(struct disk_ring *r)
{
	int n;

	do {
		n = io_uring_submit(&r->ring);
	} while (n == -EINTR || n == -EAGAIN);
}

/**
 * disk_ring_done() - a transfer that has ended
 * @r: the ring
 * @wait: wait for one; there is one under way
 *
 * Return: the transfer, or NULL if none has ended.
 */
struct disk_transfer *disk_ring_done(struct disk_ring *r, bool wait)
{
	struct io_uring_cqe *cqe;
	struct disk_transfer *t;
	int err;

	do {
		err = wait ? io_uring_wait_cqe(&r->ring, &cqe) :
			     io_uring_peek_cqe(&r->ring, &cqe);
	} while (err == -EINTR);
	if (err)
		return NULL;
	t = io_uring_cqe_get_data(cqe);
	t->failed = cqe->res < 0;
	if (!t->failed && !t->flush && (__u64)cqe->res < t->bytes) {
		/* The kernel did a part: do the rest and wait for it. */
		disk_advance(t, cqe->res);
		t->failed = !cqe->res || disk_transfer(r->disk, t);
	}
	io_uring_cqe_seen(&r->ring, cqe);
	return t;
}

/* Let the eventfd be told, or not, while the worker looks at the ring anyway. */
void disk_ring_events(struct disk_ring *r, bool on)
{
	io_uring_cq_eventfd_toggle(&r->ring, on);
}
