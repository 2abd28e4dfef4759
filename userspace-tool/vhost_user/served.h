/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The devices that the tool serves to other VMMs: a source of random numbers, and a disk.
 */
#ifndef MINIKVM_TOOL_VHOST_USER_SERVED_H
#define MINIKVM_TOOL_VHOST_USER_SERVED_H

#include <linux/types.h>
#include <linux/virtio_blk.h>

#include "vhost_user/backend.h"
#include "virtio/disk.h"

/**
 * struct served_disk - a file as a disk
 * @disk: the file
 * @config: the device's configuration space
 */
struct served_disk {
	struct disk disk;
	struct virtio_blk_config config;
};

void served_rng(struct backend_device *device);
int served_blk(struct backend_device *device, struct served_disk *disk, const char *path,
	       bool read_only, struct sentence *why);

#endif
