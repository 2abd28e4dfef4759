// SPDX-License-Identifier: GPL-2.0-only
/*
 * A balloon: section "Traditional Memory Balloon Device" of virtio 1.2. The host says how many
 * pages it would like to have; the guest's driver takes that many from its own allocator and says
 * which, and the host takes the memory behind them away (MADV_DONTNEED). A page that the guest
 * takes back is empty, and the host gives it new memory when it is touched.
 *
 * Two further things need no wish of the host's: the guest may report pages that are free at the
 * moment (VIRTIO_BALLOON_F_REPORTING), and it tells statistics when it is given a buffer back.
 *
 * Relies on the guest's memory being private and not pinned: with an assigned device there is
 * no balloon, since the device would go on using the old pages. Has one worker, whose lock is held
 * in each function but balloon_set() and balloon_get(), which take it.
 */
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "compiler.h"
#include "virtio/balloon.h"

#define CLASS_MEMORY	0x00ff00
#define NUMBERS_MAX	16384		/* page numbers in a buffer; Linux' driver sends 256 */
#define TURN		64		/* buffers, each of which may be NUMBERS_MAX calls */
#define NO_QUEUE	(-1)

/* The queues that are always there. Which others there are, and their numbers, is negotiated. */
enum {
	INFLATE,
	DEFLATE,
	ALWAYS,
};

#define QUEUES	(ALWAYS + 2)

/**
 * struct balloon - the device
 * @device: what all devices have
 * @statistics_queue: its number, or NO_QUEUE
 * @report_queue: its number, or NO_QUEUE
 * @numbers: what balloon_get() tells, but @wanted and @lent
 * @asking: the buffer that is given back to ask for statistics, if @held
 * @held: it is there
 */
struct balloon {
	struct virtio_device device;
	int statistics_queue, report_queue;
	struct balloon_numbers numbers;
	struct virtqueue_chain asking;
	bool held;
};

/* Take memory away: whole pages in @len bytes from @at on. Return: how many bytes these are. */
static __u64 take(void *at, size_t len)
{
	unsigned long start = ((unsigned long)at + BALLOON_PAGE - 1) & ~(BALLOON_PAGE - 1);
	unsigned long end = ((unsigned long)at + len) & ~(BALLOON_PAGE - 1);

	if (end <= start || madvise((void *)start, end - start, MADV_DONTNEED))
		return 0;
	return end - start;
}

/* A buffer with page numbers. Neighbours are taken together. */
static void inflate(struct balloon *b, const struct virtqueue_chain *chain)
{
	__u32 count = chain->readable_bytes / sizeof(__le32), i, number;
	__u8 *run = NULL, *page;
	size_t len = 0;

	if (count > NUMBERS_MAX) {
		virtio_broken(&b->device, "a buffer has more page numbers than it may");
		return;
	}
	for (i = 0; i < count; i++) {
		virtqueue_read(chain, i * sizeof(number), &number, sizeof(number));
		page = guest_ram_at(b->device.ram, number * BALLOON_PAGE, BALLOON_PAGE);
		if (!page) {
			virtio_broken(&b->device, "a page in the balloon lies outside memory");
			break;
		}
		if (run && page == run + len) {
			len += BALLOON_PAGE;
		} else if (run && page + BALLOON_PAGE == run) {
			run = page;
			len += BALLOON_PAGE;
		} else {
			if (run)
				take(run, len);
			run = page;
			len = BALLOON_PAGE;
		}
	}
	if (run)
		take(run, len);
}

/* A buffer whose parts are free memory. */
static void report(struct balloon *b, const struct virtqueue_chain *chain)
{
	const struct iovec *part = chain->part + chain->readable;
	unsigned int i;

	for (i = 0; i < chain->writable; i++)
		b->numbers.reported += take(part[i].iov_base, part[i].iov_len);
}

/* The buffer stays here until balloon_get() asks again. */
static void statistics(struct balloon *b, const struct virtqueue_chain *chain)
{
	struct virtio_balloon_stat s;
	size_t at = 0;

	for (; at < VIRTIO_BALLOON_S_NR * sizeof(s); at += sizeof(s)) {
		if (virtqueue_read(chain, at, &s, sizeof(s)) != sizeof(s))
			break;
		if (s.tag >= VIRTIO_BALLOON_S_NR)
			continue;
		b->numbers.statistics[s.tag] = s.val;
		b->numbers.said |= 1U << s.tag;
	}
	if (b->held)
		virtio_push(&b->device, b->statistics_queue, &b->asking, 0);
	b->asking = *chain;
	b->held = true;
}

static void notify(struct virtio_device *d, unsigned int queue)
{
	struct balloon *b = d->opaque;
	struct virtqueue_chain chain;
	unsigned int turn;

	for (turn = 0; turn < TURN; turn++) {
		if (virtio_pop(d, queue, &chain) <= 0)
			break;
		if ((int)queue == b->statistics_queue) {
			statistics(b, &chain);
			continue;
		}
		if (queue == INFLATE)
			inflate(b, &chain);
		else if ((int)queue == b->report_queue)
			report(b, &chain);
		virtio_push(d, queue, &chain, 0);
	}
	virtio_flush(d, queue);
	if (turn == TURN)
		virtio_kick(d, queue);
}

static void start(struct virtio_device *d)
{
	struct balloon *b = d->opaque;
	int next = ALWAYS;

	b->statistics_queue = virtio_has(d, VIRTIO_BALLOON_F_STATS_VQ) ? next++ : NO_QUEUE;
	b->report_queue = virtio_has(d, VIRTIO_BALLOON_F_REPORTING) ? next++ : NO_QUEUE;
}

/* What the guest had lent, it uses again without a word. */
static void stop(struct virtio_device *d)
{
	const size_t at = offsetof(struct virtio_balloon_config, actual);
	struct balloon *b = d->opaque;

	b->held = false;
	b->numbers.said = 0;
	pthread_mutex_lock(&d->config_lock);
	memset(d->config + at, 0, sizeof(__le32));
	pthread_mutex_unlock(&d->config_lock);
}

static void queue_stop(struct virtio_device *d, unsigned int queue)
{
	struct balloon *b = d->opaque;

	if ((int)queue == b->statistics_queue)
		b->held = false;
}

/* For a snapshot: the driver gets the buffer for statistics, and brings it again. */
static void drain(struct virtio_device *d)
{
	struct balloon *b = d->opaque;

	if (!b->held)
		return;
	b->held = false;
	virtio_push(d, b->statistics_queue, &b->asking, 0);
	virtio_flush(d, b->statistics_queue);
}

static void save(struct virtio_device *d, struct state_out *out)
{
	struct virtio_balloon_config c;

	memcpy(&c, d->config, d->config_size);
	STATE_PUT(out, c.num_pages);
	STATE_PUT(out, c.actual);
}

static int load(struct virtio_device *d, struct state_in *in, struct sentence *why)
{
	struct virtio_balloon_config c;

	(void)why;
	STATE_GET(in, c.num_pages);
	STATE_GET(in, c.actual);
	memcpy(d->config, &c, d->config_size);
	return 0;
}

static void close_device(struct virtio_device *d)
{
	virtio_device_release(d);
	free(d->opaque);
}

static const struct virtio_device_ops ops = {
	.id = VIRTIO_ID_BALLOON,
	.class = CLASS_MEMORY,
	.start = start,
	.stop = stop,
	.notify = notify,
	.queue_stop = queue_stop,
	.drain = drain,
	.save = save,
	.load = load,
	.close = close_device,
};

/**
 * balloon_set() - say what the guest is to lend
 * @d: the device
 * @wanted: bytes; the rest of a page is left out
 */
void balloon_set(struct virtio_device *d, __u64 wanted)
{
	__u64 all = d->ram->low_size + d->ram->high_size;
	__le32 pages = (wanted < all ? wanted : all) / BALLOON_PAGE;

	virtio_config_set(d, offsetof(struct virtio_balloon_config, num_pages), &pages,
			  sizeof(pages));
}

/**
 * balloon_get() - how it is about the guest's memory
 * @d: the device
 * @numbers: receives it; statistics are those of the call before, since the guest is asked now
 */
void balloon_get(struct virtio_device *d, struct balloon_numbers *numbers)
{
	struct virtio_balloon_config c;
	struct balloon *b = d->opaque;

	virtio_lock(d);
	*numbers = b->numbers;
	if (b->held && d->running && !d->needs_reset) {
		b->held = false;
		virtio_push(d, b->statistics_queue, &b->asking, 0);
		virtio_flush(d, b->statistics_queue);
	}
	virtio_unlock(d);
	pthread_mutex_lock(&d->config_lock);
	memcpy(&c, d->config, d->config_size);
	pthread_mutex_unlock(&d->config_lock);
	numbers->wanted = c.num_pages * BALLOON_PAGE;
	numbers->lent = c.actual * BALLOON_PAGE;
}

/**
 * balloon_open() - a balloon
 * @ram: the guest's memory
 * @wanted: what the guest is to lend at first, in bytes
 * @why: receives the sentence on failure
 *
 * Return: the device, to be ended by its close(); or NULL.
 */
struct virtio_device *balloon_open(const struct guest_ram *ram, __u64 wanted,
				   struct sentence *why)
{
	const size_t at = offsetof(struct virtio_balloon_config, actual);
	struct balloon *b = calloc(1, sizeof(*b));

	if (!b) {
		say(why, "There is no memory.");
		return NULL;
	}
	if (virtio_device_init(&b->device, &ops, "balloon", b, ram, QUEUES, 1, why)) {
		close_device(&b->device);
		return NULL;
	}
	b->statistics_queue = NO_QUEUE;
	b->report_queue = NO_QUEUE;
	b->device.offered |= BIT_ULL(VIRTIO_BALLOON_F_STATS_VQ) |
			     BIT_ULL(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) |
			     BIT_ULL(VIRTIO_BALLOON_F_REPORTING);
	b->device.config_size = at + sizeof(__le32);
	memset(b->device.config_writable + at, 0xff, sizeof(__le32));
	balloon_set(&b->device, wanted);
	return &b->device;
}
