/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The front end's side of a vhost-user connection: its requests, one function each.
 */
#ifndef MINIKVM_TOOL_VHOST_USER_FRONTEND_H
#define MINIKVM_TOOL_VHOST_USER_FRONTEND_H

#include <linux/types.h>
#include <stdbool.h>

#include "boot/guest_ram.h"
#include "terminal/sentence.h"
#include "vhost_user/message.h"

#define FRONTEND_TIMEOUT_MS	30000	/* for the answers of one task */

/**
 * struct frontend - a connection to a back end
 * @socket: the connection, or -1
 * @left_ms: how long the back end may still take to answer, in milliseconds; the caller sets it to
 *	FRONTEND_TIMEOUT_MS for each task: beginning, giving the queues, taking them back
 * @features: that the back end offers, the bit of the protocol features taken out
 * @has_protocol: there are protocol features
 * @protocol: those that both sides have
 * @queues: the most that the back end serves
 */
struct frontend {
	int socket;
	int left_ms;
	__u64 features;
	bool has_protocol;
	__u64 protocol;
	unsigned int queues;
};

/**
 * struct frontend_queue - a queue as the back end gets it
 * @index: its number
 * @size: entries
 * @base: index of the first available entry that it takes
 * @descriptors: addresses in this process
 * @available:
 * @used:
 * @kick: eventfd of the driver's notifications
 * @call: eventfd of its interrupts
 */
struct frontend_queue {
	unsigned int index;
	__u16 size, base;
	void *descriptors, *available, *used;
	int kick, call;
};

static inline bool frontend_has(const struct frontend *f, unsigned int protocol_feature)
{
	return f->protocol >> protocol_feature & 1;
}

int frontend_connect(struct frontend *f, const char *path, struct sentence *why);
void frontend_close(struct frontend *f);
int frontend_negotiate(struct frontend *f, __u64 wanted, struct sentence *why);
int frontend_get_config(struct frontend *f, void *config, unsigned int size, struct sentence *why);
int frontend_set_config(struct frontend *f, unsigned int offset, const void *data,
			unsigned int size, struct sentence *why);
int frontend_set_features(struct frontend *f, __u64 features, struct sentence *why);
int frontend_set_memory(struct frontend *f, const struct guest_ram *ram, int ram_fd,
			struct sentence *why);
int frontend_get_inflight(struct frontend *f, struct vhost_user_inflight *inflight, int *fd,
			  struct sentence *why);
int frontend_set_inflight(struct frontend *f, const struct vhost_user_inflight *inflight, int fd,
			  struct sentence *why);
int frontend_start_queue(struct frontend *f, const struct frontend_queue *q, struct sentence *why);
int frontend_stop_queue(struct frontend *f, unsigned int queue, struct sentence *why);
int frontend_fence(struct frontend *f, struct sentence *why);

#endif
