/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tap device of the host as the other end of a network card's cable: net_tap.c.
 */
#ifndef MINIKVM_TOOL_NET_TAP_H
#define MINIKVM_TOOL_NET_TAP_H

#include "virtio/net.h"

int net_tap_open(struct net_cable *cable, const char *name, struct sentence *why);

#endif
