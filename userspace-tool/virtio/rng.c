// SPDX-License-Identifier: GPL-2.0-only
/*
 * A source of random numbers: section "Entropy Device" of virtio 1.2. It is the shortest device
 * there is, and the one to read first: one queue, no configuration, no features of its own. The
 * driver makes buffers available, the device fills them with getrandom(2) and gives them back.
 *
 * With a rate, a buffer that the rate does not allow yet waits in the queue, and a timer wakes the
 * worker, which sleeps in no other place: a driver that asks for more than its share waits alone.
 *
 * Relies on struct virtio_device (device.h) for everything that all devices do alike. It has one
 * worker, whose lock is held in each function here, so that there is no other.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "virtio/rng.h"

#define QUEUE		0
#define CLASS_OTHER	0xff0000
#define MOST_AT_ONCE	65536		/* bytes; a longer buffer is given back partly filled */
#define REFILL_NS	(NS_PER_S / 10)	/* the budget is filled up ten times a second */

/**
 * struct rng - the device
 * @device: what all devices have
 * @rate: bytes per second, 0 for no limit
 * @budget: bytes that it may give until the timer's next tick
 * @timer: timerfd, which ticks while a buffer waits
 */
struct rng {
	struct virtio_device device;
	__u64 rate;
	__u64 budget;
	struct watch timer;
};

static __u64 share(const struct rng *r)
{
	return (r->rate + 9) / 10;
}

static void set_timer(struct rng *r, bool on)
{
	long long ns = on ? REFILL_NS : 0;
	struct itimerspec it = { .it_interval.tv_nsec = ns, .it_value.tv_nsec = ns };

	if (r->rate)
		timerfd_settime(r->timer.fd, 0, &it, NULL);
}

/* Fill @len bytes. Without flags, and after the host's start, getrandom() does not fail. */
static size_t fill(void *to, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = getrandom((char *)to + done, len - done, 0);
		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? n : 0;
	}
	return done;
}

/* Fill a buffer as far as the budget goes. Return: the bytes that it now has. */
static __u32 serve(struct rng *r, const struct virtqueue_chain *chain)
{
	const struct iovec *part = chain->part + chain->readable;
	size_t left = MOST_AT_ONCE, n;
	unsigned int i;
	__u32 done = 0;

	if (r->rate && left > r->budget)
		left = r->budget;
	for (i = 0; i < chain->writable && left; i++) {
		n = part[i].iov_len < left ? part[i].iov_len : left;
		n = fill(part[i].iov_base, n);
		done += n;
		left -= n;
	}
	if (r->rate)
		r->budget -= done;
	return done;
}

/* Something may be available. A buffer that the device is to read is given back as it is. */
static void notify(struct virtio_device *d, unsigned int queue)
{
	struct rng *r = d->opaque;
	struct virtqueue_chain chain;

	while (!r->rate || r->budget) {
		if (virtio_pop(d, queue, &chain) <= 0)
			break;
		virtio_push(d, queue, &chain, serve(r, &chain));
	}
	virtio_flush(d, queue);
	if (r->rate && !r->budget)
		set_timer(r, true);
}

/* A tenth of a second later: fill the budget up; the timer stops if that was enough. */
static void tick(void *opaque)
{
	struct rng *r = opaque;
	__u64 count;

	if (read(r->timer.fd, &count, sizeof(count)) < 0)
		return;
	r->budget = share(r);
	set_timer(r, false);
	if (r->device.running && r->device.queue[QUEUE].enabled)
		notify(&r->device, QUEUE);
}

static void close_device(struct virtio_device *d)
{
	struct rng *r = d->opaque;

	virtio_device_release(d);
	if (r->timer.fd >= 0)
		close(r->timer.fd);
	free(r);
}

static const struct virtio_device_ops ops = {
	.id = VIRTIO_ID_RNG,
	.class = CLASS_OTHER,
	.notify = notify,
	.close = close_device,
};

static int open_timer(struct rng *r)
{
	r->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	r->timer.ready = tick;
	r->timer.opaque = r;
	if (r->timer.fd < 0)
		return -1;
	return worker_watch(&r->device.worker[0], &r->timer, EPOLLIN);
}

/**
 * rng_open() - a source of random numbers
 * @ram: the guest's memory
 * @rate: bytes per second, at most RNG_RATE_MAX; 0 for no limit
 * @why: receives the sentence on failure
 *
 * Return: the device, to be ended by its close(); or NULL.
 */
struct virtio_device *rng_open(const struct guest_ram *ram, __u64 rate, struct sentence *why)
{
	struct rng *r = calloc(1, sizeof(*r));

	if (!r) {
		say(why, "There is no memory.");
		return NULL;
	}
	r->rate = rate;
	r->budget = share(r);
	r->timer.fd = -1;
	if (virtio_device_init(&r->device, &ops, "rng", r, ram, 1, 1, why)) {
		close_device(&r->device);
		return NULL;
	}
	if (rate && open_timer(r)) {
		say(why, "The timer of the device rng cannot be made: %s.", strerror(errno));
		close_device(&r->device);
		return NULL;
	}
	return &r->device;
}
