/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages of vhost-user, the protocol between a VMM (the front end) and a process that serves
 * a virtio device's queues (the back end): "Vhost-user Protocol" in QEMU's documentation. A message
 * is a header of 12 bytes, a payload that its request determines, and file descriptors beside them.
 *
 * Both sides use these. All fields are little-endian like the machine. Pure.
 */
#ifndef MINIKVM_TOOL_VHOST_USER_MESSAGE_H
#define MINIKVM_TOOL_VHOST_USER_MESSAGE_H

#include <linux/types.h>
#include <stddef.h>

#include "terminal/sentence.h"

/* Requests of the front end; those that are not here no peer of ours is asked for. */
#define VHOST_USER_GET_FEATURES			1
#define VHOST_USER_SET_FEATURES			2
#define VHOST_USER_SET_OWNER			3
#define VHOST_USER_RESET_OWNER			4
#define VHOST_USER_SET_MEM_TABLE		5
#define VHOST_USER_SET_VRING_NUM		8
#define VHOST_USER_SET_VRING_ADDR		9
#define VHOST_USER_SET_VRING_BASE		10
#define VHOST_USER_GET_VRING_BASE		11
#define VHOST_USER_SET_VRING_KICK		12
#define VHOST_USER_SET_VRING_CALL		13
#define VHOST_USER_SET_VRING_ERR		14
#define VHOST_USER_GET_PROTOCOL_FEATURES	15
#define VHOST_USER_SET_PROTOCOL_FEATURES	16
#define VHOST_USER_GET_QUEUE_NUM		17
#define VHOST_USER_SET_VRING_ENABLE		18
#define VHOST_USER_GET_CONFIG			24
#define VHOST_USER_SET_CONFIG			25
#define VHOST_USER_GET_INFLIGHT_FD		31
#define VHOST_USER_SET_INFLIGHT_FD		32
#define VHOST_USER_RESET_DEVICE			34

/* A bit of the device's features that says that there are protocol features. */
#define VHOST_USER_F_PROTOCOL_FEATURES		30

/* Protocol features, as bit numbers. */
#define VHOST_USER_PROTOCOL_F_MQ		0
#define VHOST_USER_PROTOCOL_F_REPLY_ACK		3
#define VHOST_USER_PROTOCOL_F_CONFIG		9
#define VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD	12
#define VHOST_USER_PROTOCOL_F_RESET_DEVICE	13

/* Flags of the header. */
#define VHOST_USER_VERSION			0x1
#define VHOST_USER_VERSION_MASK			0x3
#define VHOST_USER_REPLY			0x4
#define VHOST_USER_NEED_REPLY			0x8

/* A payload that names a queue and comes with a descriptor: bit 8 says that there is none. */
#define VHOST_USER_VRING_INDEX_MASK		0xff
#define VHOST_USER_VRING_NO_FD			0x100

#define VHOST_USER_REGIONS_MAX			8
#define VHOST_USER_CONFIG_MAX			256
#define VHOST_USER_CONFIG_HEADER		12	/* bytes before the configuration itself */
#define VHOST_USER_MEMORY_HEADER		8	/* bytes before the regions */
#define VHOST_USER_INFLIGHT_MIN			20	/* bytes, without padding behind it */

struct vhost_user_header {
	__u32 request;
	__u32 flags;
	__u32 size;		/* bytes of the payload */
};

struct vhost_user_vring_state {
	__u32 index;
	__u32 num;
};

/* The addresses are the front end's own, not the guest's. */
struct vhost_user_vring_addr {
	__u32 index;
	__u32 flags;
	__u64 descriptors;
	__u64 used;
	__u64 available;
	__u64 log;
};

/**
 * struct vhost_user_region - a stretch of guest memory; its descriptor comes beside the message
 * @gpa: guest-physical address
 * @size: bytes
 * @address: where it is in the front end's process
 * @offset: where it begins in what the descriptor stands for
 */
struct vhost_user_region {
	__u64 gpa;
	__u64 size;
	__u64 address;
	__u64 offset;
};

struct vhost_user_memory {
	__u32 count;
	__u32 padding;
	struct vhost_user_region region[VHOST_USER_REGIONS_MAX];
};

struct vhost_user_config {
	__u32 offset;
	__u32 size;
	__u32 flags;
	__u8 data[VHOST_USER_CONFIG_MAX];
};

struct vhost_user_inflight {
	__u64 size;
	__u64 offset;
	__u16 queues;
	__u16 queue_size;
};

/**
 * struct vhost_user_message - a message
 * @header: what it is
 * @payload: its bytes, @header.size of them
 * @fd: descriptors beside it
 * @fds: how many
 */
struct vhost_user_message {
	struct vhost_user_header header;
	union {
		__u64 number;
		struct vhost_user_vring_state state;
		struct vhost_user_vring_addr addr;
		struct vhost_user_memory memory;
		struct vhost_user_config config;
		struct vhost_user_inflight inflight;
	} payload;
	int fd[VHOST_USER_REGIONS_MAX];
	unsigned int fds;
};

int message_send(int socket, const struct vhost_user_message *m, int *left_ms,
		 struct sentence *why);
int message_receive(int socket, struct vhost_user_message *m, int *left_ms, struct sentence *why);
void message_drop_fds(struct vhost_user_message *m);
const char *message_name(__u32 request);

#endif
