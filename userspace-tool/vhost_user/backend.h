/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The back end's side of vhost-user: queues of a guest that another process runs.
 */
#ifndef MINIKVM_TOOL_VHOST_USER_BACKEND_H
#define MINIKVM_TOOL_VHOST_USER_BACKEND_H

#include <linux/types.h>
#include <stdbool.h>

#include "boot/guest_ram.h"
#include "terminal/sentence.h"
#include "vhost_user/message.h"
#include "virtio/virtqueue.h"

#define BACKEND_QUEUES_MAX	8

struct backend;

/**
 * struct backend_device - what is served
 * @name: what messages call it
 * @features: its own, beside those of the queues
 * @config: its configuration space, or NULL
 * @config_size: bytes there
 * @queues: how many it has, at most BACKEND_QUEUES_MAX
 * @serve: one buffer of a queue. Return: the bytes that were written to it
 * @opaque: the argument of @serve
 */
struct backend_device {
	const char *name;
	__u64 features;
	const __u8 *config;
	unsigned int config_size;
	unsigned int queues;
	__u32 (*serve)(void *opaque, const struct virtqueue_chain *chain);
	void *opaque;
};

/* What the front end has told of a queue. Addresses are the front end's. */
struct backend_queue {
	__u64 descriptors, available, used;
	__u16 size;
	__u16 base;
	bool has_addresses, enabled, running;
	int kick, call;
	struct virtqueue ring;
};

/* One mapping of the front end's memory. */
struct backend_mapping {
	void *map;
	size_t map_size;
	__u64 address;		/* the front end's, of the stretch with the same number */
};

/**
 * struct backend - one front end's connection
 * @device: what is served
 * @socket: the connection
 * @features: that the driver has accepted
 * @protocol: protocol features of both sides
 * @stretch: the guest's memory
 * @mapping: the same, as it is mapped here
 * @ram: @stretch, for virtqueues
 * @queue: the queues
 * @inflight: what is being worked on, in memory that outlives this process, or NULL
 * @inflight_map: its mapping
 * @inflight_size: bytes mapped
 */
struct backend {
	const struct backend_device *device;
	int socket;
	__u64 features, protocol;
	struct guest_stretch stretch[VHOST_USER_REGIONS_MAX];
	struct backend_mapping mapping[VHOST_USER_REGIONS_MAX];
	struct guest_ram ram;
	struct backend_queue queue[BACKEND_QUEUES_MAX];
	void *inflight;
	void *inflight_map;
	size_t inflight_size;
};

void backend_open(struct backend *b, const struct backend_device *device, int socket);
void backend_close(struct backend *b);
int backend_message(struct backend *b, int timeout_ms, struct sentence *why);
void backend_kicked(struct backend *b, unsigned int queue);

/* backend_memory.c, for backend.c */
int backend_set_memory(struct backend *b, struct vhost_user_message *m, struct sentence *why);
void backend_drop_memory(struct backend *b);
bool backend_gpa(const struct backend *b, __u64 address, __u64 *gpa);
int backend_make_inflight(struct backend *b, struct vhost_user_message *m, struct sentence *why);
int backend_set_inflight(struct backend *b, struct vhost_user_message *m, struct sentence *why);
void backend_drop_inflight(struct backend *b);
bool inflight_begin(struct backend *b, unsigned int queue);
void inflight_taken(struct backend *b, unsigned int queue, __u16 id);
void inflight_done(struct backend *b, unsigned int queue, __u16 id);

#endif
