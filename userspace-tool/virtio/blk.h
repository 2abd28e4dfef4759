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
 * @opened: it is open already, as @fd, and @path is what sentences call it
 * @fd: its descriptor, which stays the caller's
 * @threads: by blocking system calls even where there is io_uring
 */
struct blk_options {
	const char *path;
	bool readonly, direct, threads;
	bool opened;
	int fd;
};

bool blk_options_parse(struct blk_options *options, char *path);
struct virtio_device *blk_open(const struct guest_ram *ram, const struct blk_options *options,
			       unsigned int number, unsigned int queues, struct sentence *why);

#endif
