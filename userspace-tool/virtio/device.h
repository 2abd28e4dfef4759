/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every virtio device is: features, configuration space, queues, and threads that serve them.
 *
 * A device is a struct virtio_device_ops and a few hundred lines; virtio/rng.c is the shortest.
 * The transport (virtio_pci.c) calls what is here, and the device never sees it.
 *
 * Locks, in the order in which they are taken: the transport's; the workers', by number; the
 * device's @config_lock; then those of interrupts. A device's functions are called with the lock
 * of the queue's worker held, start() and stop() with those of all workers, so that a device that
 * has one worker needs no lock of its own.
 */
#ifndef MINIKVM_TOOL_VIRTIO_DEVICE_H
#define MINIKVM_TOOL_VIRTIO_DEVICE_H

#include <linux/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "boot/guest_ram.h"
#include "state/state.h"
#include "terminal/sentence.h"
#include "virtio/virtqueue.h"
#include "virtio/worker.h"

#define VIRTIO_QUEUES_MAX	32
#define VIRTIO_WORKERS_MAX	8
#define VIRTIO_CONFIG_MAX	256
#define VIRTIO_NAME_MAX		16
#define VIRTIO_TURN		256	/* buffers of a queue before others have their turn */

/* Features of every device here (section "Reserved Feature Bits"); a device adds its own. */
#define VIRTIO_COMMON_FEATURES	(BIT_ULL(28) |	/* VIRTIO_RING_F_INDIRECT_DESC */ \
				 BIT_ULL(29) |	/* VIRTIO_RING_F_EVENT_IDX */ \
				 BIT_ULL(32) |	/* VIRTIO_F_VERSION_1 */ \
				 BIT_ULL(34) |	/* VIRTIO_F_RING_PACKED */ \
				 BIT_ULL(40))	/* VIRTIO_F_RING_RESET */

struct virtio_device;

/**
 * struct virtio_device_ops - a kind of device
 * @id: its number in section "Device Types"
 * @class: PCI class, subclass and interface
 * @start: the driver is ready (DRIVER_OK), @features are final; may be NULL
 * @stop: the device is reset: on return nothing is in flight; may be NULL
 * @notify: something may be available in queue @queue, which is enabled and not broken
 * @queue_stop: queue @queue is reset: on return nothing of it is in flight; may be NULL
 * @config_written: the driver has written @len bytes at @offset of the configuration, which the
 *	device has allowed by @config_writable; may be NULL; no lock of a worker is held
 * @drain: on return nothing is in flight; the locks of all workers are held; may be NULL
 * @save: put what a snapshot needs beside registers and rings; the device is drained; may be NULL
 * @load: get that, and check it. Return: 0, or -1 with the sentence; may be NULL
 * @close: the device ends: it gives back everything, virtio_device_release() included, and itself
 */
struct virtio_device_ops {
	__u16 id;
	__u32 class;
	void (*start)(struct virtio_device *d);
	void (*stop)(struct virtio_device *d);
	void (*notify)(struct virtio_device *d, unsigned int queue);
	void (*queue_stop)(struct virtio_device *d, unsigned int queue);
	void (*config_written)(struct virtio_device *d, unsigned int offset, unsigned int len);
	void (*drain)(struct virtio_device *d);
	void (*save)(struct virtio_device *d, struct state_out *out);
	int (*load)(struct virtio_device *d, struct state_in *in, struct sentence *why);
	void (*close)(struct virtio_device *d);
};

/**
 * struct virtio_queue - a queue of a device
 * @device: whose
 * @index: its number
 * @worker: the thread that serves it
 * @kick: the driver's notifications; its descriptor is an eventfd
 * @enabled: the driver has enabled it; @ring is valid
 * @left: buffers that virtio_pop() still hands out before the next turn
 * @ring: the virtqueue
 */
struct virtio_queue {
	struct virtio_device *device;
	unsigned int index;
	struct worker *worker;
	struct watch kick;
	bool enabled;
	unsigned int left;
	struct virtqueue ring;
};

/**
 * struct virtio_device - a device
 * @ops: its kind
 * @name: what messages call it, such as "rng"
 * @opaque: its own data
 * @ram: the guest's memory
 * @offered: features that it has
 * @features: those that the driver has accepted, from FEATURES_OK on
 * @config: device-specific configuration space, the bytes
 * @config_writable: the bits of it that the driver can change
 * @config_size: bytes
 * @config_lock: of @config, @generation
 * @generation: changes with @config (config_generation)
 * @queues: how many
 * @queue_size: the most entries of each
 * @queue: these
 * @workers: threads; queue n is served by number n modulo @workers
 * @worker: these
 * @running: DRIVER_OK was set, and no reset followed
 * @needs_reset: a rule was broken; nothing is served until the reset
 * @told: it was said which, once
 * @report: tell the machine's watchers a sentence, when a rule was broken; NULL: there are none
 * @machine: its first argument
 * @interrupt: of the transport: queue @queue has used buffers, or (-1) the configuration changed
 * @transport: its first argument
 */
struct virtio_device {
	const struct virtio_device_ops *ops;
	char name[VIRTIO_NAME_MAX];
	void *opaque;
	const struct guest_ram *ram;
	__u64 offered, features;
	__u8 config[VIRTIO_CONFIG_MAX];
	__u8 config_writable[VIRTIO_CONFIG_MAX];
	unsigned int config_size;
	pthread_mutex_t config_lock;
	atomic_uchar generation;
	unsigned int queues;
	__u16 queue_size;
	struct virtio_queue queue[VIRTIO_QUEUES_MAX];
	unsigned int workers;
	struct worker worker[VIRTIO_WORKERS_MAX];
	atomic_bool running;
	atomic_bool needs_reset;
	atomic_bool told;
	void (*report)(void *machine, const struct sentence *what);
	void *machine;
	void (*interrupt)(void *transport, int queue);
	void *transport;
};

/* For the kinds of devices. */
int virtio_device_init(struct virtio_device *d, const struct virtio_device_ops *ops,
		       const char *name, void *opaque, const struct guest_ram *ram,
		       unsigned int queues, unsigned int workers, struct sentence *why);
int virtio_device_start_workers(struct virtio_device *d, struct sentence *why);
void virtio_device_release(struct virtio_device *d);
static inline bool virtio_has(const struct virtio_device *d, unsigned int feature)
{
	return d->features >> feature & 1;
}

int virtio_pop(struct virtio_device *d, unsigned int queue, struct virtqueue_chain *chain);
void virtio_push(struct virtio_device *d, unsigned int queue, const struct virtqueue_chain *chain,
		 __u32 written);
void virtio_flush(struct virtio_device *d, unsigned int queue);
void virtio_broken(struct virtio_device *d, const char *rule);
void virtio_config_set(struct virtio_device *d, unsigned int offset, const void *data,
		       unsigned int len);

/* For the transport, and for those who hold a device still. */
void virtio_lock(struct virtio_device *d);
void virtio_unlock(struct virtio_device *d);
void virtio_start(struct virtio_device *d);
void virtio_reset(struct virtio_device *d);
int virtio_queue_enable(struct virtio_device *d, unsigned int queue,
			const struct virtqueue_layout *layout);
void virtio_queue_reset(struct virtio_device *d, unsigned int queue);
void virtio_kick(struct virtio_device *d, unsigned int queue);

#endif
