/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A network card: net.c. What is at the other end of its cable: net_tap.c, net_user.c.
 */
#ifndef MINIKVM_TOOL_NET_H
#define MINIKVM_TOOL_NET_H

#include <linux/types.h>
#include <sys/types.h>

#include "virtio/device.h"

#define NET_MAC_SIZE	6
#define NET_MTU_MIN	68	/* the least that section "Network Device" of virtio 1.2 allows */
#define NET_MTU_MAX	65520
#define NET_HEADER	12	/* bytes of struct virtio_net_hdr_v1 */

/* The numbers of the queues. */
enum {
	NET_RECEIVE,
	NET_TRANSMIT,
	NET_CONTROL,
	NET_QUEUES,
};

/**
 * struct net_cable - what carries the frames
 * @fd: descriptor that does not block: each read() and each write() is one frame, with a struct
 *	virtio_net_hdr_v1 of 12 bytes before it
 * @tap: @fd is a tap device, which computes checksums and cuts what is larger than a frame
 * @child: process at the other end, which ends when @fd is closed; or 0
 */
struct net_cable {
	int fd;
	bool tap;
	pid_t child;
};

/**
 * struct net_settings - the card
 * @mac: its address, all zero for a random one
 * @mtu: what its driver may send at once, 0 to say nothing about it
 */
struct net_settings {
	__u8 mac[NET_MAC_SIZE];
	__u16 mtu;
};

struct virtio_device *net_open(const struct guest_ram *ram, const struct net_settings *settings,
			       const struct net_cable *cable, struct sentence *why);
void net_cable_close(struct net_cable *cable);

#endif
