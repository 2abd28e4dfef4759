// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a virtio device and of its queues: see device.h. Sections of virtio 1.2: "Device
 * Initialization", "Device Status Field", "Virtqueue Reset".
 *
 * A notification arrives at a queue's eventfd: the kernel signals it (ioeventfd) while the vCPU
 * stays in the guest, and the queue's worker wakes. The worker takes what is available, gives back
 * what is done, and interrupts once if the driver wants it.
 *
 * A guest with a second processor can make buffers available as fast as a worker takes them. So
 * that the worker's lock comes free, virtio_pop() ends the turn after VIRTIO_TURN of them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "terminal/message.h"
#include "virtio/device.h"

static void kicked(void *opaque)
{
	struct virtio_queue *q = opaque;
	struct virtio_device *d = q->device;
	__u64 count;

	if (read(q->kick.fd, &count, sizeof(count)) < 0)
		return;		/* another notification's turn has served it */
	q->left = VIRTIO_TURN;
	if (d->running && !d->needs_reset && q->enabled)
		d->ops->notify(d, q->index);
}

/**
 * virtio_device_init() - what all devices have in common
 * @d: the device; virtio_device_release() must follow in any case
 * @ops: its kind
 * @name: what messages call it
 * @opaque: its own data
 * @ram: the guest's memory
 * @queues: how many queues, of VIRTQUEUE_SIZE_MAX entries; at most VIRTIO_QUEUES_MAX
 * @workers: how many threads, 1 to VIRTIO_WORKERS_MAX
 * @why: receives the sentence on failure
 *
 * The device then adds to @d->offered, and fills @d->config and @d->config_size.
 *
 * Return: 0, or -1.
 */
int virtio_device_init(struct virtio_device *d, const struct virtio_device_ops *ops,
		       const char *name, void *opaque, const struct guest_ram *ram,
		       unsigned int queues, unsigned int workers, struct sentence *why)
{
	unsigned int i;

	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%s", name);
	pthread_mutex_init(&d->config_lock, NULL);
	d->ops = ops;
	d->opaque = opaque;
	d->ram = ram;
	d->offered = VIRTIO_COMMON_FEATURES;
	d->queue_size = VIRTQUEUE_SIZE_MAX;
	if (!workers || workers > VIRTIO_WORKERS_MAX || queues > VIRTIO_QUEUES_MAX)
		return say(why, "A device with %u queues and %u threads cannot be made.", queues,
			   workers);
	for (i = 0; i < workers; i++) {
		d->workers++;
		if (worker_init(&d->worker[i]))
			goto failed;
	}
	for (i = 0; i < queues; i++) {
		struct virtio_queue *q = &d->queue[i];

		q->device = d;
		q->index = i;
		q->worker = &d->worker[i % workers];
		q->kick.ready = kicked;
		q->kick.opaque = q;
		q->kick.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		d->queues++;
		if (q->kick.fd < 0 || worker_watch(q->worker, &q->kick, EPOLLIN))
			goto failed;
	}
	return 0;
failed:
	return say(why, "The descriptors of the device %s cannot be made: %s.", name,
		   strerror(errno));
}

/* Start the threads, when the device is complete. Return: 0, or -1 with the sentence in @why. */
int virtio_device_start_workers(struct virtio_device *d, struct sentence *why)
{
	unsigned int i;

	for (i = 0; i < d->workers; i++)
		if (worker_start(&d->worker[i], d->name))
			return say(why, "The thread of the device %s cannot be started: %s.",
				   d->name, strerror(errno));
	return 0;
}

/* End the threads, and give descriptors back. No vCPU runs any more. */
void virtio_device_release(struct virtio_device *d)
{
	unsigned int i;

	for (i = 0; i < d->workers; i++)
		worker_stop(&d->worker[i]);
	for (i = 0; i < d->queues; i++)
		if (d->queue[i].kick.fd >= 0)
			close(d->queue[i].kick.fd);
	for (i = 0; i < d->workers; i++)
		worker_release(&d->worker[i]);
	d->queues = 0;
	d->workers = 0;
}

/* ---- for the kinds of devices ---------------------------------------------------------------- */

/**
 * virtio_broken() - the driver has broken a rule: do nothing more until it resets the device
 * @d: the device
 * @rule: half a sentence; it stays where it is
 *
 * The status gets DEVICE_NEEDS_RESET, and the driver is told by a configuration interrupt. What
 * the guest did wrong is said once for each device, since it could go on with that.
 */
void virtio_broken(struct virtio_device *d, const char *rule)
{
	struct sentence what;

	d->needs_reset = true;
	if (!atomic_exchange(&d->told, true)) {
		say(&what, "%s: the guest's driver broke a rule of virtio: %s.", d->name, rule);
		message(MESSAGE_WARNING, "%s", what.text);
		if (d->report)
			d->report(d->machine, &what);
	}
	if (d->running)
		d->interrupt(d->transport, -1);
}

/**
 * virtio_pop() - take the next buffer of a queue
 * @d: the device
 * @queue: the queue; its worker's lock is held
 * @chain: receives the buffer
 *
 * Before it says that there is none, it asks for notifications and looks again.
 *
 * Return: 1; 0 if there is none, or if the turn is over and notify() follows in the next one; -1 if
 * the driver broke a rule, and the device now needs a reset.
 */
int virtio_pop(struct virtio_device *d, unsigned int queue, struct virtqueue_chain *chain)
{
	struct virtqueue *q = &d->queue[queue].ring;
	int ret;

	if (d->needs_reset || !d->queue[queue].enabled)
		return -1;
	if (!d->queue[queue].left) {
		virtio_kick(d, queue);
		return 0;
	}
	do {
		ret = virtqueue_pop(q, chain);
	} while (!ret && virtqueue_notify_on(q));
	if (ret < 0) {
		virtio_broken(d, q->broken);
	} else if (ret) {
		d->queue[queue].left--;
		virtqueue_notify_off(q);
	}
	return ret;
}

/* Give a buffer back, with @written bytes in it; virtio_flush() tells the driver. */
void virtio_push(struct virtio_device *d, unsigned int queue, const struct virtqueue_chain *chain,
		 __u32 written)
{
	virtqueue_push(&d->queue[queue].ring, chain, written);
}

/* Interrupt the driver, if something was given back and it wants to know. */
void virtio_flush(struct virtio_device *d, unsigned int queue)
{
	if (virtqueue_wants_interrupt(&d->queue[queue].ring))
		d->interrupt(d->transport, queue);
}

/**
 * virtio_config_set() - change the configuration, and tell the driver
 * @d: the device
 * @offset: where
 * @data: the bytes
 * @len: how many
 */
void virtio_config_set(struct virtio_device *d, unsigned int offset, const void *data,
		       unsigned int len)
{
	pthread_mutex_lock(&d->config_lock);
	memcpy(d->config + offset, data, len);
	d->generation++;
	pthread_mutex_unlock(&d->config_lock);
	if (d->running)
		d->interrupt(d->transport, -1);
}

/* ---- for the transport ----------------------------------------------------------------------- */

/* Hold all workers: on return none of them serves anything. */
void virtio_lock(struct virtio_device *d)
{
	unsigned int i;

	for (i = 0; i < d->workers; i++)
		pthread_mutex_lock(&d->worker[i].lock);
}

void virtio_unlock(struct virtio_device *d)
{
	unsigned int i;

	for (i = d->workers; i > 0; i--)
		pthread_mutex_unlock(&d->worker[i - 1].lock);
}

/* The driver has set DRIVER_OK; it may have made buffers available before. */
void virtio_start(struct virtio_device *d)
{
	unsigned int i;

	virtio_lock(d);
	d->running = true;
	if (d->ops->start)
		d->ops->start(d);
	virtio_unlock(d);
	for (i = 0; i < d->queues; i++)
		virtio_kick(d, i);
}

/* The driver has written 0 to the status: all is as at the beginning. */
void virtio_reset(struct virtio_device *d)
{
	unsigned int i;

	virtio_lock(d);
	if (d->ops->stop)
		d->ops->stop(d);
	d->running = false;
	d->needs_reset = false;
	d->features = 0;
	for (i = 0; i < d->queues; i++)
		d->queue[i].enabled = false;
	virtio_unlock(d);
}

/**
 * virtio_queue_enable() - the driver enables a queue
 * @d: the device
 * @queue: the queue, not enabled yet
 * @layout: where it is
 *
 * Return: 0, or -1: the layout breaks a rule, and the device now needs a reset.
 */
int virtio_queue_enable(struct virtio_device *d, unsigned int queue,
			const struct virtqueue_layout *layout)
{
	struct virtio_queue *q = &d->queue[queue];
	int ret;

	pthread_mutex_lock(&q->worker->lock);
	ret = virtqueue_enable(&q->ring, layout, d->ram);
	if (ret)
		virtio_broken(d, q->ring.broken);
	else
		q->enabled = true;
	pthread_mutex_unlock(&q->worker->lock);
	if (!ret)
		virtio_kick(d, queue);
	return ret;
}

/* The driver resets one queue: on return the device does not use its memory any more. */
void virtio_queue_reset(struct virtio_device *d, unsigned int queue)
{
	struct virtio_queue *q = &d->queue[queue];

	pthread_mutex_lock(&q->worker->lock);
	if (q->enabled && d->ops->queue_stop)
		d->ops->queue_stop(d, queue);
	q->enabled = false;
	pthread_mutex_unlock(&q->worker->lock);
}

/* A notification that came by an exit, or that the transport makes up. */
void virtio_kick(struct virtio_device *d, unsigned int queue)
{
	const __u64 one = 1;
	ssize_t ignored;

	if (queue >= d->queues)
		return;
	ignored = write(d->queue[queue].kick.fd, &one, sizeof(one));
	(void)ignored;	/* it fails only when the counter is full, which wakes as well */
}
