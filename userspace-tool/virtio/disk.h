/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file or block device behind a virtual disk, and what can be done with it.
 */
#ifndef MINIKVM_TOOL_DISK_H
#define MINIKVM_TOOL_DISK_H

#include <linux/types.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "terminal/sentence.h"

#define DISK_SECTOR	512

/**
 * struct disk - an open image
 * @fd: the file
 * @readonly: it cannot be written
 * @direct: the host's page cache is left out (O_DIRECT)
 * @size: bytes, whole sectors
 * @align: what offsets, lengths and addresses have to be multiples of, if @direct
 */
struct disk {
	int fd;
	bool readonly, direct;
	__u64 size;
	unsigned int align;
};

/**
 * struct disk_transfer - bytes between an image and memory
 * @write: from memory to the image
 * @flush: no bytes, but everything that was written goes to stable storage
 * @through: a write that is on stable storage when it is done
 * @part: the memory
 * @parts: how many of these
 * @offset: in the image
 * @bytes: how many
 * @failed: it could not be done
 */
struct disk_transfer {
	bool write, flush, through;
	struct iovec *part;
	unsigned int parts;
	__u64 offset;
	__u64 bytes;
	bool failed;
};

int disk_open(struct disk *disk, const char *path, bool readonly, bool direct,
	      struct sentence *why);
int disk_adopt(struct disk *disk, int fd, const char *path, struct sentence *why);
void disk_close(struct disk *disk);
bool disk_is_aligned(const struct disk *disk, const struct disk_transfer *t);
int disk_transfer(const struct disk *disk, struct disk_transfer *t);
void disk_advance(struct disk_transfer *t, __u64 bytes);
int disk_discard(const struct disk *disk, __u64 offset, __u64 bytes);
int disk_zero(const struct disk *disk, __u64 offset, __u64 bytes, bool unmap);

#endif
