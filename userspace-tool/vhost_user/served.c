// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two devices of our own back ends: sections "Entropy Device" and "Block Device" of virtio 1.2.
 * Each is a function that serves one buffer; backend.c does the rest. See served.h.
 *
 * A disk's requests are done one after the other with preadv(2) and pwritev(2) from and to the
 * guest's memory itself. A flush is an fdatasync(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler.h"
#include "vhost_user/served.h"

#define SECTOR		512
#define DISK_QUEUES	4
#define SEGMENTS	(VIRTQUEUE_SIZE_MAX / 2 - 2)
#define RANDOM_MOST	65536		/* bytes for one buffer */

static __u32 serve_rng(void *opaque, const struct virtqueue_chain *chain)
{
	const struct iovec *part = chain->part + chain->readable;
	__u32 done = 0;
	unsigned int i;
	ssize_t n;

	(void)opaque;
	for (i = 0; i < chain->writable && done < RANDOM_MOST; i++) {
		size_t len = part[i].iov_len;

		if (len > RANDOM_MOST - done)
			len = RANDOM_MOST - done;
		n = getrandom(part[i].iov_base, len, 0);
		if (n < 0)
			break;
		done += n;
		if ((size_t)n < part[i].iov_len)
			break;
	}
	return done;
}

void served_rng(struct backend_device *device)
{
	*device = (struct backend_device) {
		.name = "vhost-user-rng",
		.queues = 1,
		.serve = serve_rng,
	};
}

/* The parts of a request without its header (@skip bytes) or its status (the last byte). */
struct data {
	struct iovec part[VIRTQUEUE_SIZE_MAX];
	unsigned int parts;
	__u64 bytes;
};

static void cut_out(struct data *d, const struct iovec *part, unsigned int parts, __u64 skip,
		    __u64 bytes)
{
	unsigned int i;

	d->parts = 0;
	d->bytes = bytes;
	for (i = 0; i < parts && bytes; i++) {
		struct iovec v = part[i];
		__u64 away = skip < v.iov_len ? skip : v.iov_len;

		skip -= away;
		v.iov_base = (__u8 *)v.iov_base + away;
		v.iov_len -= away;
		if (v.iov_len > bytes)
			v.iov_len = bytes;
		bytes -= v.iov_len;
		if (v.iov_len)
			d->part[d->parts++] = v;
	}
}

/* All of it, or an error; the file may give or take less at a time. */
static bool transfer(const struct served_disk *disk, struct data *d, __u64 at, bool write)
{
	struct iovec *part = d->part;
	__u64 left = d->bytes;
	ssize_t n;

	while (left && d->parts) {
		n = write ? pwritev(disk->fd, part, d->parts, at) :
			    preadv(disk->fd, part, d->parts, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		left -= n;
		at += n;
		for (; d->parts && (size_t)n >= part->iov_len; part++, d->parts--)
			n -= part->iov_len;
		if (d->parts && n > 0) {
			part->iov_base = (__u8 *)part->iov_base + n;
			part->iov_len -= n;
		}
	}
	return !left;
}

static __u8 access_disk(const struct served_disk *disk, struct data *d, __u64 sector, bool write)
{
	if (d->bytes % SECTOR || sector > disk->sectors ||
	    d->bytes / SECTOR > disk->sectors - sector || (write && disk->read_only))
		return VIRTIO_BLK_S_IOERR;
	return transfer(disk, d, sector * SECTOR, write) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

static __u8 identify(const struct virtqueue_chain *chain, __u32 bytes)
{
	char name[VIRTIO_BLK_ID_BYTES] = "minikvm";

	virtqueue_write(chain, 0, name, bytes < sizeof(name) ? bytes : sizeof(name));
	return VIRTIO_BLK_S_OK;
}

/* One request: a header to read, data to read or to write, one byte of status to write. */
static __u32 serve_blk(void *opaque, const struct virtqueue_chain *chain)
{
	const struct served_disk *disk = opaque;
	struct virtio_blk_outhdr header;
	__u32 data_in;
	__u8 status = VIRTIO_BLK_S_UNSUPP;
	struct data d;

	if (!chain->writable_bytes)
		return 0;	/* nowhere to say even that this is wrong */
	data_in = chain->writable_bytes - 1;
	if (virtqueue_read(chain, 0, &header, sizeof(header)) != sizeof(header)) {
		virtqueue_write(chain, data_in, &(__u8){ VIRTIO_BLK_S_IOERR }, 1);
		return chain->writable_bytes;
	}
	switch (header.type) {
	case VIRTIO_BLK_T_IN:
		cut_out(&d, chain->part + chain->readable, chain->writable, 0, data_in);
		status = access_disk(disk, &d, header.sector, false);
		break;
	case VIRTIO_BLK_T_OUT:
		cut_out(&d, chain->part, chain->readable, sizeof(header),
			chain->readable_bytes - sizeof(header));
		status = access_disk(disk, &d, header.sector, true);
		break;
	case VIRTIO_BLK_T_FLUSH:
		status = fdatasync(disk->fd) ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
		break;
	case VIRTIO_BLK_T_GET_ID:
		status = identify(chain, data_in);
		break;
	}
	virtqueue_write(chain, data_in, &status, 1);
	return chain->writable_bytes;
}

/**
 * served_blk() - a disk of a raw file or a block device
 * @device: receives what is served
 * @disk: receives the disk; lives as long as @device
 * @path: of the file
 * @read_only: the guest cannot write
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int served_blk(struct backend_device *device, struct served_disk *disk, const char *path,
	       bool read_only, struct sentence *why)
{
	__u64 bytes = 0;
	struct stat st;

	memset(disk, 0, sizeof(*disk));
	disk->read_only = read_only;
	disk->fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (disk->fd < 0 || fstat(disk->fd, &st))
		return say(why, "The disk %s cannot be opened: %s.", path, strerror(errno));
	if (S_ISREG(st.st_mode))
		bytes = st.st_size;
	else if (!S_ISBLK(st.st_mode) || ioctl(disk->fd, BLKGETSIZE64, &bytes))
		return say(why, "%s is neither a file nor a block device.", path);
	if (!bytes || bytes % SECTOR)
		return say(why, "The disk %s has %llu bytes, which is no number of sectors of 512 bytes.",
			   path, bytes);
	disk->sectors = bytes / SECTOR;
	disk->config.capacity = disk->sectors;
	disk->config.seg_max = SEGMENTS;
	disk->config.blk_size = SECTOR;
	disk->config.num_queues = DISK_QUEUES;
	*device = (struct backend_device) {
		.name = "vhost-user-blk",
		.features = BIT_ULL(VIRTIO_BLK_F_SEG_MAX) | BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) |
			    BIT_ULL(VIRTIO_BLK_F_FLUSH) | BIT_ULL(VIRTIO_BLK_F_MQ) |
			    (read_only ? BIT_ULL(VIRTIO_BLK_F_RO) : 0),
		.config = (const __u8 *)&disk->config,
		.config_size = sizeof(disk->config),
		.queues = DISK_QUEUES,
		.serve = serve_blk,
		.opaque = disk,
	};
	return 0;
}
