// SPDX-License-Identifier: GPL-2.0-only
/*
 * Images: see disk.h. POSIX files and what Linux adds: preadv2(2), fallocate(2), open(2) with
 * O_DIRECT, flock(2).
 *
 * "Stable" means fdatasync(2): a flush that has been answered survives the host's loss of power as
 * far as the host's own disk keeps its word.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler.h"
#include "virtio/disk.h"

#define BOUNCE_SIZE	(1 * MIB)
#define BOUNCE_ALIGN	4096
#define PARTS_AT_ONCE	1024	/* IOV_MAX */

/* What a direct access has to be aligned to: try a sector, else it is a page. */
static unsigned int find_alignment(int fd)
{
	unsigned int align = BOUNCE_ALIGN;
	void *memory;

	if (posix_memalign(&memory, BOUNCE_ALIGN, 2 * DISK_SECTOR))
		return align;
	if (pread(fd, (char *)memory + DISK_SECTOR, DISK_SECTOR, 0) >= 0)
		align = DISK_SECTOR;
	free(memory);
	return align;
}

/* What is behind the descriptor? A lock is the open file's: one that is there already stays. */
static int look_at(struct disk *disk, const char *path, struct sentence *why)
{
	struct stat st;
	off_t size;

	disk->align = DISK_SECTOR;
	if (fstat(disk->fd, &st) || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
		return say(why, "The disk '%s' is neither a file nor a block device.", path);
	if (flock(disk->fd, (disk->readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) &&
	    errno == EWOULDBLOCK)
		return say(why, "The disk '%s' is in use by another guest.", path);
	size = lseek(disk->fd, 0, SEEK_END);
	disk->size = size > 0 ? size / DISK_SECTOR * DISK_SECTOR : 0;
	if (!disk->size)
		return say(why, "The disk '%s' is smaller than a sector of 512 bytes.", path);
	if (disk->direct)
		disk->align = find_alignment(disk->fd);
	return 0;
}

/**
 * disk_open() - open an image, and lock it against other users who write
 * @disk: receives it
 * @path: a regular file or a block device
 * @readonly: for reading only; others may read, too
 * @direct: without the host's page cache
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int disk_open(struct disk *disk, const char *path, bool readonly, bool direct,
	      struct sentence *why)
{
	memset(disk, 0, sizeof(*disk));
	disk->readonly = readonly;
	disk->direct = direct;
	/* O_NONBLOCK: a FIFO would wait for its other end. */
	disk->fd = open(path, (readonly ? O_RDONLY : O_RDWR) | (direct ? O_DIRECT : 0) |
			O_CLOEXEC | O_NONBLOCK);
	if (disk->fd < 0 && errno == EINVAL && direct)
		return say(why,
			   "The file system of the disk '%s' has no direct access (O_DIRECT): leave ',direct' out.",
			   path);
	if (disk->fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM) && !readonly)
		return say(why,
			   "The disk '%s' cannot be opened for writing: %s. If the guest is only to read it, give --disk FILE,readonly or vhost-user-blk --read-only.",
			   path, strerror(errno));
	if (disk->fd < 0)
		return say(why, "The disk '%s' cannot be opened: %s.", path, strerror(errno));
	return look_at(disk, path, why);
}

/**
 * disk_adopt() - an image that somebody else has opened, and perhaps locked
 * @disk: receives it
 * @fd: a descriptor, which stays the caller's; whether it can be written, and whether the page
 *	cache is left out, is known from it
 * @path: what sentences call it
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int disk_adopt(struct disk *disk, int fd, const char *path, struct sentence *why)
{
	int flags = fcntl(fd, F_GETFL);

	memset(disk, 0, sizeof(*disk));
	disk->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (flags < 0 || disk->fd < 0)
		return say(why, "The descriptor of the disk '%s' cannot be used: %s.", path,
			   strerror(errno));
	if ((flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY)
		return say(why, "The descriptor of the disk '%s' cannot be read from.", path);
	disk->readonly = (flags & O_ACCMODE) == O_RDONLY;
	disk->direct = flags & O_DIRECT;
	return look_at(disk, path, why);
}

void disk_close(struct disk *disk)
{
	if (disk->fd >= 0)
		close(disk->fd);
	disk->fd = -1;
}

/* Can the file be read and written with this memory as it is? */
bool disk_is_aligned(const struct disk *disk, const struct disk_transfer *t)
{
	unsigned int i;

	if (!disk->direct)
		return true;
	if ((t->offset | t->bytes) & (disk->align - 1))
		return false;
	for (i = 0; i < t->parts; i++)
		if (((unsigned long)t->part[i].iov_base | t->part[i].iov_len) & (disk->align - 1))
			return false;
	return true;
}

static ssize_t once(const struct disk *disk, const struct disk_transfer *t)
{
	unsigned int parts = t->parts < PARTS_AT_ONCE ? t->parts : PARTS_AT_ONCE;
	int flags = t->through ? RWF_DSYNC : 0;
	ssize_t n;

	do {
		n = t->write ? pwritev2(disk->fd, t->part, parts, t->offset, flags) :
			       preadv2(disk->fd, t->part, parts, t->offset, 0);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* The first @bytes of a transfer are done: what is left of it is the transfer now. */
void disk_advance(struct disk_transfer *t, __u64 bytes)
{
	t->offset += bytes;
	t->bytes -= bytes;
	while (t->parts && bytes >= t->part->iov_len) {
		bytes -= t->part->iov_len;
		t->part++;
		t->parts--;
	}
	if (t->parts) {
		t->part->iov_base = (char *)t->part->iov_base + bytes;
		t->part->iov_len -= bytes;
	}
}

/* The transfer, going on after a part of it. */
static int transfer(const struct disk *disk, struct disk_transfer *t)
{
	ssize_t n;

	while (t->bytes) {
		n = once(disk, t);
		if (n <= 0)
			return -1;	/* 0: the image has become shorter */
		disk_advance(t, n);
	}
	return 0;
}

/* Copy between @len bytes at @buffer and the transfer's memory from @offset on. */
static void copy(const struct disk_transfer *t, __u64 offset, char *buffer, size_t len)
{
	unsigned int i;
	size_t n;

	for (i = 0; i < t->parts && len; i++) {
		if (offset >= t->part[i].iov_len) {
			offset -= t->part[i].iov_len;
			continue;
		}
		n = t->part[i].iov_len - offset;
		if (n > len)
			n = len;
		if (t->write)
			memcpy(buffer, (char *)t->part[i].iov_base + offset, n);
		else
			memcpy((char *)t->part[i].iov_base + offset, buffer, n);
		buffer += n;
		len -= n;
		offset = 0;
	}
}

/* Memory that is not aligned: go through some that is. */
static int bounce(const struct disk *disk, const struct disk_transfer *t)
{
	struct disk_transfer piece = *t;
	struct iovec part;
	__u64 done, size;
	void *buffer;
	int ret = 0;

	if (posix_memalign(&buffer, BOUNCE_ALIGN, BOUNCE_SIZE))
		return -1;
	for (done = 0; done < t->bytes && !ret; done += size) {
		size = t->bytes - done < BOUNCE_SIZE ? t->bytes - done : BOUNCE_SIZE;
		part = (struct iovec) { buffer, size };
		piece.part = &part;
		piece.parts = 1;
		piece.offset = t->offset + done;
		piece.bytes = size;
		if (t->write)
			copy(t, done, buffer, size);
		ret = transfer(disk, &piece);
		if (!ret && !t->write)
			copy(t, done, buffer, size);
	}
	free(buffer);
	return ret;
}

/**
 * disk_transfer() - do a transfer, and wait for its end
 * @disk: the image
 * @t: the transfer, within the image; it is used up
 *
 * Return: 0, or -1.
 */
int disk_transfer(const struct disk *disk, struct disk_transfer *t)
{
	if (t->flush)
		return fdatasync(disk->fd);
	if (!disk_is_aligned(disk, t))
		return bounce(disk, t);
	return transfer(disk, t);
}

/**
 * disk_discard() - the guest does not need the content any more
 * @disk: the image
 * @offset: where
 * @bytes: how many
 *
 * A hint: where the image cannot have holes, nothing happens.
 *
 * Return: 0, or -1.
 */
int disk_discard(const struct disk *disk, __u64 offset, __u64 bytes)
{
	if (!bytes ||
	    !fallocate(disk->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes))
		return 0;
	return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -1;
}

static int write_zeroes(const struct disk *disk, __u64 offset, __u64 bytes)
{
	size_t size = bytes < BOUNCE_SIZE ? bytes : BOUNCE_SIZE;
	struct disk_transfer t;
	struct iovec part;
	void *zeroes;
	int ret = 0;

	if (posix_memalign(&zeroes, BOUNCE_ALIGN, size))
		return -1;
	memset(zeroes, 0, size);
	while (bytes && !ret) {
		part = (struct iovec) { zeroes, bytes < size ? bytes : size };
		t = (struct disk_transfer) {
			.write = true,
			.part = &part,
			.parts = 1,
			.offset = offset,
			.bytes = part.iov_len,
		};
		offset += t.bytes;
		bytes -= t.bytes;
		ret = transfer(disk, &t);
	}
	free(zeroes);
	return ret;
}

/**
 * disk_zero() - make the content zeroes, by the cheapest means that the image has
 * @disk: the image
 * @offset: where
 * @bytes: how many
 * @unmap: a hole is welcome
 *
 * Return: 0, or -1.
 */
int disk_zero(const struct disk *disk, __u64 offset, __u64 bytes, bool unmap)
{
	if (!bytes)
		return 0;
	if (unmap &&
	    !fallocate(disk->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes))
		return 0;
	if (!fallocate(disk->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, bytes))
		return 0;
	return write_zeroes(disk, offset, bytes);
}
