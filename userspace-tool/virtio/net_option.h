/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What --net says of a network card: net_option.c.
 */
#ifndef MINIKVM_TOOL_NET_OPTION_H
#define MINIKVM_TOOL_NET_OPTION_H

#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>

#include "virtio/net_user.h"

#define NET_FORWARD_SIZE	64

/**
 * struct net_option - a card, and the other end of its cable
 * @tap: a tap device; else the user mode network
 * @name: the tap device's interface
 * @settings: the card
 * @forwards: how many of the host's ports lead to the guest
 * @forward: these, as tcp:ADDRESS:PORT-ADDRESS:PORT
 */
struct net_option {
	bool tap;
	char name[IFNAMSIZ];
	struct net_settings settings;
	unsigned int forwards;
	char forward[NET_FORWARDS_MAX][NET_FORWARD_SIZE];
};

int net_option_parse(struct net_option *o, const char *text, unsigned int number,
		     struct sentence *why);
struct virtio_device *net_option_open(const struct net_option *o, const struct guest_ram *ram,
				      struct sentence *why);

#endif
