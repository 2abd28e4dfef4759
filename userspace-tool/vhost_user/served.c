// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two devices of our own back ends: sections "Entropy Device" and "Block Device" of virtio 1.2.
 * Each is a function that serves one buffer; backend.c does the rest. See served.h.
 *
 * A disk's requests are done one after the other by virtio/disk.c, from and to the guest's memory
 * itself. A flush is an fdatasync(2).
 */
#include <linux/virtio_blk.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "compiler.h"
#include "vhost_user/served.h"

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

static __u8 access_disk(const struct served_disk *disk, struct data *d, __u64 sector, bool write)
{
	struct disk_transfer t = {
		.write = write,
		.part = d->part,
		.parts = d->parts,
		.offset = sector * DISK_SECTOR,
		.bytes = d->bytes,
	};

	if (d->bytes % DISK_SECTOR || sector > disk->config.capacity ||
	    d->bytes / DISK_SECTOR > disk->config.capacity - sector ||
	    (write && disk->disk.readonly))
		return VIRTIO_BLK_S_IOERR;
	return disk_transfer(&disk->disk, &t) ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
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
		status = fdatasync(disk->disk.fd) ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
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
	memset(disk, 0, sizeof(*disk));
	if (disk_open(&disk->disk, path, read_only, false, why)) {
		disk_close(&disk->disk);
		return -1;
	}
	disk->config.capacity = disk->disk.size / DISK_SECTOR;
	disk->config.seg_max = SEGMENTS;
	disk->config.blk_size = DISK_SECTOR;
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
