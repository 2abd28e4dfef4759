/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk: blk.c.
 */
#ifndef MINIKVM_TOOL_VIRTIO_BLK_H
#define MINIKVM_TOOL_VIRTIO_BLK_H

#include "virtio/device.h"

#define BLK_QUEUES_MAX	VIRTIO_WORKERS_MAX

/**
 * struct blk_options - what the user wants
 * @path: the image
 * @readonly: the guest cannot write
 * @direct: without the host's page cache
 * @threads: by blocking system calls even where there is io_uring
 */
struct blk_options {
	const char *path;
	bool readonly, direct, threads;
};

struct virtio_device *blk_open(const struct guest_ram *ram, const struct blk_options *options,
			       unsigned int number, unsigned int queues, struct sentence *why);

#endif
