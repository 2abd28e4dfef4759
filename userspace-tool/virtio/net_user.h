/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user mode network as the other end of a network card's cable: net_user.c.
 */
#ifndef MINIKVM_TOOL_NET_USER_H
#define MINIKVM_TOOL_NET_USER_H

#include "virtio/net.h"

#define NET_FORWARDS_MAX 16
#define NET_USER_PROGRAM "minikvm-slirp"

/**
 * struct net_user - what the network is to do
 * @mtu: the largest packet
 * @forwards: how many of the host's ports lead to the guest
 * @forward: these, as tcp:ADDRESS:PORT-ADDRESS:PORT
 */
struct net_user {
	__u16 mtu;
	unsigned int forwards;
	const char *forward[NET_FORWARDS_MAX];
};

int net_user_open(struct net_cable *cable, const struct net_user *user, struct sentence *why);

#endif
