// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk: section "Block Device" of virtio 1.2, with several queues, flush, discard, and write
 * zeroes. The image is behind disk.h, and a ring of io_uring for each queue behind disk_ring.h.
 *
 * A request is a chain: a header of 16 bytes to read, data to read or to write, and one status byte
 * to write, its last. How the driver cuts that into descriptors does not matter (section "Message
 * Framing"), so that header and status are cut off the chain's parts and the rest is the data, as
 * it goes to the kernel. A chain without room for header and status breaks a rule; a request for
 * sectors that do not exist is answered with an error.
 *
 * Every queue has a worker and its own requests, so that two queues share nothing but the file.
 */
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "compiler.h"
#include "virtio/blk.h"
#include "virtio/disk_ring.h"

#define CLASS_MASS_STORAGE	0x018000
#define SECTOR_SHIFT		9
#define FRAME_PARTS		2		/* header and status */
#define RANGES_MAX		16		/* of a discard or write-zeroes request */
#define RANGE_SECTORS_MAX	(1U << 21)	/* 1 GiB */
#define DISCARD_ALIGNMENT	8		/* sectors: a page of the host's */

/**
 * struct blk_request - a request that is under way
 * @queue: whose
 * @next: of those that are free again
 * @chain: the driver's buffer; its parts are cut down to the data
 * @transfer: the data's way; first, so that a ring's transfer is the request
 * @status: where the answer goes
 */
struct blk_request {
	struct disk_transfer transfer;
	struct blk_request *next;
	__u8 *status;
	struct virtqueue_chain chain;
};

/**
 * struct blk_queue - a queue
 * @blk: whose
 * @index: its number
 * @request: as many as the queue has entries
 * @fresh: the first that was never under way; no memory was spent on it and those behind it
 * @free: those that are not under way any more
 * @ring: NULL where transfers are done one after the other
 * @under_way: transfers in @ring
 * @done: eventfd of @ring
 */
struct blk_queue {
	struct blk *blk;
	unsigned int index;
	struct blk_request *request;
	unsigned int fresh;
	struct blk_request *free;
	struct disk_ring *ring;
	unsigned int under_way;
	struct watch done;
};

struct blk {
	struct virtio_device device;
	struct disk disk;
	char id[VIRTIO_BLK_ID_BYTES];
	struct blk_queue queue[BLK_QUEUES_MAX];
};

static bool in_disk(const struct blk *b, __u64 sector, __u64 bytes)
{
	return sector <= b->disk.size >> SECTOR_SHIFT &&
	       bytes <= b->disk.size - (sector << SECTOR_SHIFT);
}

/* ---- a request ------------------------------------------------------------------------------- */

/* Cut @len bytes off the front of @count parts. Return: how many parts are used up whole. */
static unsigned int cut_front(struct iovec *part, unsigned int count, size_t len)
{
	unsigned int i;

	for (i = 0; i < count && len >= part[i].iov_len; i++)
		len -= part[i].iov_len;
	if (i < count) {
		part[i].iov_base = (char *)part[i].iov_base + len;
		part[i].iov_len -= len;
	}
	return i;
}

/* Cut the status byte off; the part that held it is left out if nothing is left of it. */
static __u8 *cut_status(struct virtqueue_chain *c)
{
	struct iovec *last = &c->part[c->readable + c->writable - 1];

	last->iov_len--;
	c->writable_bytes--;
	if (!last->iov_len)
		c->writable--;
	return (__u8 *)last->iov_base + last->iov_len;
}

/* The answer: @bytes of data and the status byte; the buffer goes back to the driver. */
static void answer(struct blk_queue *q, struct blk_request *r, __u8 status, __u32 bytes)
{
	*r->status = status;
	virtio_push(&q->blk->device, q->index, &r->chain, bytes + 1);
	r->next = q->free;
	q->free = r;
}

/* A transfer has ended. */
static void ended(struct blk_queue *q, struct blk_request *r, bool failed)
{
	bool read = !r->transfer.write && !r->transfer.flush;

	if (failed)
		answer(q, r, VIRTIO_BLK_S_IOERR, 0);
	else
		answer(q, r, VIRTIO_BLK_S_OK, read ? r->chain.writable_bytes : 0);
}

/*
 * Reads and writes. A driver that knows no flush expects what is written to be on the disk when it
 * is answered (section "Device Operation", VIRTIO_BLK_F_FLUSH).
 */
static void transfer(struct blk_queue *q, struct blk_request *r, __u64 sector, bool write)
{
	struct blk *b = q->blk;
	struct virtqueue_chain *c = &r->chain;
	struct disk_transfer *t = &r->transfer;

	t->write = write;
	t->offset = sector << SECTOR_SHIFT;
	if (write) {
		unsigned int used = cut_front(c->part, c->readable,
					      sizeof(struct virtio_blk_outhdr));

		t->part = c->part + used;
		t->parts = c->readable - used;
		t->bytes = c->readable_bytes - sizeof(struct virtio_blk_outhdr);
		t->through = !virtio_has(&b->device, VIRTIO_BLK_F_FLUSH);
	} else {
		t->part = c->part + c->readable;
		t->parts = c->writable;
		t->bytes = c->writable_bytes;
	}
	if (t->bytes % DISK_SECTOR || !in_disk(b, sector, t->bytes) ||
	    (write && b->disk.readonly)) {
		ended(q, r, true);
		return;
	}
	if (q->ring && t->bytes && disk_is_aligned(&b->disk, t)) {
		disk_ring_add(q->ring, t);
		q->under_way++;
		return;
	}
	ended(q, r, disk_transfer(&b->disk, t));
}

static void flush(struct blk_queue *q, struct blk_request *r)
{
	r->transfer.flush = true;
	if (q->ring) {
		disk_ring_add(q->ring, &r->transfer);
		q->under_way++;
		return;
	}
	ended(q, r, disk_transfer(&q->blk->disk, &r->transfer));
}

static __u8 change_range(const struct blk *b, const struct virtio_blk_discard_write_zeroes *range,
			 bool discard)
{
	__u64 offset = range->sector << SECTOR_SHIFT;
	__u64 bytes = (__u64)range->num_sectors << SECTOR_SHIFT;
	__u32 allowed = discard ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	int err;

	if (range->flags & ~allowed)
		return VIRTIO_BLK_S_UNSUPP;
	if (range->num_sectors > RANGE_SECTORS_MAX || !in_disk(b, range->sector, bytes))
		return VIRTIO_BLK_S_IOERR;
	err = discard ? disk_discard(&b->disk, offset, bytes) :
			disk_zero(&b->disk, offset, bytes, range->flags);
	return err ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

/* Discard and write zeroes: the data are ranges. All are looked at before the first is changed. */
static void change_ranges(struct blk_queue *q, struct blk_request *r, bool discard)
{
	struct virtio_blk_discard_write_zeroes range[RANGES_MAX];
	size_t len = r->chain.readable_bytes - sizeof(struct virtio_blk_outhdr);
	__u8 status = VIRTIO_BLK_S_OK;
	size_t i;

	if (!len || len % sizeof(range[0]) || len > sizeof(range) || q->blk->disk.readonly) {
		answer(q, r, VIRTIO_BLK_S_IOERR, 0);
		return;
	}
	virtqueue_read(&r->chain, sizeof(struct virtio_blk_outhdr), range, len);
	for (i = 0; i < len / sizeof(range[0]) && status == VIRTIO_BLK_S_OK; i++)
		status = change_range(q->blk, &range[i], discard);
	answer(q, r, status, 0);
}

static void tell_id(struct blk_queue *q, struct blk_request *r)
{
	size_t n = virtqueue_write(&r->chain, 0, q->blk->id, sizeof(q->blk->id));

	answer(q, r, VIRTIO_BLK_S_OK, n);
}

/* Begin a request. Return: 0, or -1 where the driver broke a rule. */
static int begin(struct blk_queue *q, struct blk_request *r)
{
	struct virtio_device *d = &q->blk->device;
	struct virtio_blk_outhdr header;

	if (virtqueue_read(&r->chain, 0, &header, sizeof(header)) != sizeof(header) ||
	    !r->chain.writable_bytes) {
		virtio_broken(d, "a request has no room for header and status");
		return -1;
	}
	memset(&r->transfer, 0, sizeof(r->transfer));
	r->status = cut_status(&r->chain);
	switch (header.type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		transfer(q, r, header.sector, header.type == VIRTIO_BLK_T_OUT);
		break;
	case VIRTIO_BLK_T_FLUSH:
		flush(q, r);
		break;
	case VIRTIO_BLK_T_GET_ID:
		tell_id(q, r);
		break;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		change_ranges(q, r, header.type == VIRTIO_BLK_T_DISCARD);
		break;
	default:
		answer(q, r, VIRTIO_BLK_S_UNSUPP, 0);
	}
	return 0;
}

/* ---- a queue --------------------------------------------------------------------------------- */

/* Answer what has ended; with @all, wait for everything that is under way. */
static void collect(struct blk_queue *q, bool all)
{
	struct disk_transfer *t;

	while (q->under_way) {
		t = disk_ring_done(q->ring, all);
		if (!t)
			break;
		q->under_way--;
		ended(q, (struct blk_request *)t, t->failed);
	}
}

/* A request that is not under way, or NULL. */
static struct blk_request *spare(const struct blk_queue *q)
{
	if (q->free)
		return q->free;
	return q->fresh < q->blk->device.queue_size ? &q->request[q->fresh] : NULL;
}

static void take(struct blk_queue *q, const struct blk_request *r)
{
	if (r == q->free)
		q->free = r->next;
	else
		q->fresh++;
}

/* Something may be available. */
static void notify(struct virtio_device *d, unsigned int queue)
{
	struct blk *b = d->opaque;
	struct blk_queue *q = &b->queue[queue];
	struct blk_request *r;

	if (q->ring)
		disk_ring_events(q->ring, false);
	while ((r = spare(q))) {
		if (virtio_pop(d, queue, &r->chain) <= 0)
			break;
		take(q, r);
		if (begin(q, r)) {
			r->next = q->free;
			q->free = r;
			break;
		}
	}
	if (q->ring) {
		disk_ring_submit(q->ring);
		collect(q, false);
		disk_ring_events(q->ring, true);
		collect(q, false);	/* what ended before the eventfd was on again */
	}
	virtio_flush(d, queue);
}

/* A transfer has ended. Requests that waited for it to be free may begin. */
static void done(void *opaque)
{
	struct blk_queue *q = opaque;
	struct virtio_device *d = &q->blk->device;
	__u64 count;

	if (read(q->done.fd, &count, sizeof(count)) < 0)
		return;
	if (d->running && !d->needs_reset && d->queue[q->index].enabled) {
		notify(d, q->index);
		return;
	}
	collect(q, false);
}

static void queue_stop(struct virtio_device *d, unsigned int queue)
{
	struct blk *b = d->opaque;

	collect(&b->queue[queue], true);
}

static void stop(struct virtio_device *d)
{
	unsigned int i;

	for (i = 0; i < d->queues; i++)
		queue_stop(d, i);
}

/* As stop(), but the driver goes on: it is told of what has ended. */
static void drain(struct virtio_device *d)
{
	unsigned int i;

	stop(d);
	for (i = 0; i < d->queues; i++)
		if (d->queue[i].enabled)
			virtio_flush(d, i);
}

/* A snapshot's guest has read the disk's size; its content is the user's to keep. */
static void save(struct virtio_device *d, struct state_out *out)
{
	struct blk *b = d->opaque;

	STATE_PUT(out, b->disk.size);
}

static int load(struct virtio_device *d, struct state_in *in, struct sentence *why)
{
	struct blk *b = d->opaque;
	__u64 size;

	STATE_GET(in, size);
	if (size == b->disk.size)
		return 0;
	return say(why, "The snapshot's disk has %llu bytes, and that of --disk has %llu.", size,
		   b->disk.size);
}

/* ---- its life -------------------------------------------------------------------------------- */

static void close_device(struct virtio_device *d)
{
	struct blk *b = d->opaque;
	unsigned int i;

	virtio_device_release(d);
	for (i = 0; i < BLK_QUEUES_MAX; i++) {
		disk_ring_close(b->queue[i].ring);
		if (b->queue[i].blk)
			close(b->queue[i].done.fd);
		free(b->queue[i].request);
	}
	disk_close(&b->disk);
	free(b);
}

static const struct virtio_device_ops ops = {
	.id = VIRTIO_ID_BLOCK,
	.class = CLASS_MASS_STORAGE,
	.stop = stop,
	.notify = notify,
	.queue_stop = queue_stop,
	.drain = drain,
	.save = save,
	.load = load,
	.close = close_device,
};

static void describe(struct blk *b, unsigned int number)
{
	struct virtio_device *d = &b->device;
	struct virtio_blk_config config = {
		.capacity = b->disk.size >> SECTOR_SHIFT,
		.seg_max = d->queue_size - FRAME_PARTS,
		.blk_size = b->disk.align,
		.num_queues = d->queues,
		.max_discard_sectors = RANGE_SECTORS_MAX,
		.max_discard_seg = RANGES_MAX,
		.discard_sector_alignment = DISCARD_ALIGNMENT,
		.max_write_zeroes_sectors = RANGE_SECTORS_MAX,
		.max_write_zeroes_seg = RANGES_MAX,
		.write_zeroes_may_unmap = 1,
	};

	d->offered |= BIT_ULL(VIRTIO_BLK_F_SEG_MAX) | BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) |
		      BIT_ULL(VIRTIO_BLK_F_FLUSH) | BIT_ULL(VIRTIO_BLK_F_MQ);
	if (b->disk.readonly)
		d->offered |= BIT_ULL(VIRTIO_BLK_F_RO);
	else
		d->offered |= BIT_ULL(VIRTIO_BLK_F_DISCARD) | BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES);
	memcpy(d->config, &config, sizeof(config));
	d->config_size = sizeof(config);
	snprintf(b->id, sizeof(b->id), "minikvm-disk%u", number);
}

static int add_queue(struct blk *b, unsigned int index, bool threads)
{
	struct blk_queue *q = &b->queue[index];
	unsigned int size = b->device.queue_size;

	q->index = index;
	q->done.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->done.ready = done;
	q->done.opaque = q;
	if (q->done.fd < 0)
		return -1;
	q->blk = b;
	q->request = calloc(size, sizeof(*q->request));
	if (!q->request)
		return -1;
	/* Without a ring, transfers are done one after the other. */
	if (!threads)
		q->ring = disk_ring_open(&b->disk, size, q->done.fd);
	return worker_watch(b->device.queue[index].worker, &q->done, EPOLLIN);
}

/**
 * blk_options_parse() - read PATH[,readonly][,direct][,threads]
 * @options: receives it; @path stays in use
 * @path: the text; the words behind the last commas are cut off. A file's name may have commas, too
 *
 * Return: whether there is a path.
 */
bool blk_options_parse(struct blk_options *options, char *path)
{
	char *comma;

	while ((comma = strrchr(path, ','))) {
		if (!strcmp(comma, ",readonly"))
			options->readonly = true;
		else if (!strcmp(comma, ",direct"))
			options->direct = true;
		else if (!strcmp(comma, ",threads"))
			options->threads = true;
		else
			break;
		*comma = 0;
	}
	options->path = path;
	return *path;
}

static int open_image(struct disk *disk, const struct blk_options *options, struct sentence *why)
{
	if (options->opened)
		return disk_adopt(disk, options->fd, options->path, why);
	return disk_open(disk, options->path, options->readonly, options->direct, why);
}

/**
 * blk_open() - a disk
 * @ram: the guest's memory
 * @options: the image, and how to use it
 * @number: of the disk, from 0 on, for its name
 * @queues: how many, at most BLK_QUEUES_MAX
 * @why: receives the sentence on failure
 *
 * Return: the device, to be ended by its close(); or NULL.
 */
struct virtio_device *blk_open(const struct guest_ram *ram, const struct blk_options *options,
			       unsigned int number, unsigned int queues, struct sentence *why)
{
	struct blk *b = calloc(1, sizeof(*b));
	char name[VIRTIO_NAME_MAX];
	unsigned int i;

	if (!b) {
		say(why, "There is no memory.");
		return NULL;
	}
	b->disk.fd = -1;
	snprintf(name, sizeof(name), "disk%u", number);
	if (virtio_device_init(&b->device, &ops, name, b, ram, queues, queues, why) ||
	    open_image(&b->disk, options, why))
		goto failed;
	describe(b, number);
	for (i = 0; i < queues; i++) {
		if (add_queue(b, i, options->threads)) {
			say(why, "The queues of the disk '%s' cannot be made: %s.", options->path,
			    strerror(errno));
			goto failed;
		}
	}
	return &b->device;
failed:
	close_device(&b->device);
	return NULL;
}
