/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio device whose queues another process serves, over vhost-user.
 */
#ifndef MINIKVM_TOOL_VHOST_USER_DEVICE_H
#define MINIKVM_TOOL_VHOST_USER_DEVICE_H

#include <sys/types.h>

#include "vhost_user/frontend.h"
#include "virtio/device.h"

#define VHOST_USER_PATH_MAX	108	/* with the final NUL: struct sockaddr_un */
#define VHOST_USER_TAG_MAX	36	/* bytes of a file system's tag, without a NUL */

/**
 * struct vhost_user_kind - which device the back end is expected to be
 * @ops: what every virtio device has
 * @name: what messages call it
 * @features: that the driver may see, of those that the back end offers
 * @config_size: bytes of configuration space
 * @config_by_back_end: the back end has the configuration, else the command line
 * @queues: how many, at least
 * @survives: the device may go on with another back end; its state is in the queues alone
 */
struct vhost_user_kind {
	struct virtio_device_ops ops;
	const char *name;
	__u64 features;
	unsigned int config_size;
	bool config_by_back_end;
	unsigned int queues;
	bool survives;
};

extern const struct vhost_user_kind vhost_user_blk, vhost_user_fs, vhost_user_rng;

/**
 * struct vhost_user_memory_source - what the back end is to see
 * @ram: the guest's memory
 * @fd: the memfd that it is a shared mapping of, see vm_create()
 */
struct vhost_user_memory_source {
	const struct guest_ram *ram;
	int fd;
};

/**
 * struct vhost_user - a device
 * @device: what all virtio devices have
 * @kind: which device it is
 * @path: of the back end's socket
 * @memory: what the back end sees
 * @child: the back end, where the tool has started it, or 0
 * @child_fd: the same as a descriptor, or -1
 * @lock: of what follows; taken after the workers'
 * @frontend: the connection
 * @served: the back end has the queues
 * @fresh: the queues begin at their beginning: nothing was served since the driver made them
 * @refused: it did not do what it was told, and is left
 * @inflight: what the back end is working on
 * @inflight_fd: its memory, or -1
 * @connection: of @frontend, the worker looks whether it ends
 * @retry: timerfd; ticks while there is no back end
 * @call: eventfds for queues of drivers that use no messages
 */
struct vhost_user {
	struct virtio_device device;
	const struct vhost_user_kind *kind;
	char path[VHOST_USER_PATH_MAX];
	struct vhost_user_memory_source memory;
	pid_t child;
	int child_fd;
	pthread_mutex_t lock;
	struct frontend frontend;
	bool served, fresh, refused;
	struct vhost_user_inflight inflight;
	int inflight_fd;
	struct watch connection, retry;
	struct vhost_user_call {
		struct vhost_user *device;
		unsigned int queue;
		struct watch watch;
	} call[VIRTIO_QUEUES_MAX];
};

struct virtio_device *vhost_user_open(const struct vhost_user_kind *kind, const char *path,
				      const struct vhost_user_memory_source *memory,
				      const char *tag, pid_t child, struct sentence *why);

#endif
