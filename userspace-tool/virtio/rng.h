/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A source of random numbers: rng.c.
 */
#ifndef MINIKVM_TOOL_VIRTIO_RNG_H
#define MINIKVM_TOOL_VIRTIO_RNG_H

#include "virtio/device.h"

#define RNG_RATE_MAX	1000000000

struct virtio_device *rng_open(const struct guest_ram *ram, __u64 rate, struct sentence *why);

#endif
