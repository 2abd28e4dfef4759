// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping of the files that go into guest memory: see image.h.
 *
 * mmap(2) and not read(2): in a small host an initial ramdisk would otherwise be in memory
 * three times (page cache, buffer, guest). It needs a regular file, and so does the size that
 * every loader checks against. stat(2) comes before open(2), because opening a FIFO waits for
 * its writer and opening a device may do things to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/image.h"

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a pipe";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	default:
		return "something else";
	}
}

static int check_kind(const struct stat *st, const char *path, const char *what,
		      struct sentence *why)
{
	if (!S_ISREG(st->st_mode))
		return say(why,
			   "The %s %s is %s, and only a regular file will do (copy what comes out of it to one).",
			   what, path, kind_of(st->st_mode));
	if (!st->st_size)
		return say(why, "The %s %s is empty.", what, path);
	return 0;
}

/* The file is checked again after open(): it may have been replaced since stat(). */
static int open_regular(const char *path, const char *what, struct stat *st, struct sentence *why)
{
	int fd;

	if (stat(path, st) < 0)
		return say(why, "The %s %s cannot be opened: %s.", what, path, strerror(errno));
	if (check_kind(st, path, what, why))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return say(why, "The %s %s cannot be opened: %s.", what, path, strerror(errno));
	if (fstat(fd, st) < 0 || check_kind(st, path, what, why)) {
		close(fd);
		return -1;
	}
	return fd;
}

/**
 * image_open() - map a file
 * @img: receives the mapping; stays valid until image_close()
 * @path: the file
 * @what: what it is to the user ("kernel", "initial ramdisk"), for the sentence
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1 where the file cannot be opened, is no regular file, or is empty.
 */
int image_open(struct image *img, const char *path, const char *what, struct sentence *why)
{
	struct stat st;
	void *map;
	int fd;

	memset(img, 0, sizeof(*img));
	fd = open_regular(path, what, &st, why);
	if (fd < 0)
		return -1;
	map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return say(why, "The %s %s cannot be mapped: %s.", what, path, strerror(errno));
	img->name = path;
	img->data = map;
	img->size = st.st_size;
	return 0;
}

/* The content was copied to the guest: its pages are read from the file again after a reset. */
void image_rest(const struct image *img)
{
	if (img->data)
		madvise((void *)img->data, img->size, MADV_DONTNEED);
}

void image_close(struct image *img)
{
	if (img->data)
		munmap((void *)img->data, img->size);
	memset(img, 0, sizeof(*img));
}
