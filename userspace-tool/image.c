// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping of the files that go into guest memory: see image.h.
 *
 * mmap(2) and not read(2): in a small host an initial ramdisk would otherwise be in memory
 * three times (page cache, buffer, guest).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"

int image_open(struct image *img, const char *path, const char *what, struct sentence *why)
{
	struct stat st;
	void *map;
	int fd;

	memset(img, 0, sizeof(*img));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return say(why, "The %s %s cannot be opened: %s.", what, path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return say(why, "The %s %s is not a regular file.", what, path);
	}
	if (st.st_size == 0) {
		close(fd);
		return say(why, "The %s %s is empty.", what, path);
	}
	map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return say(why, "The %s %s cannot be mapped: %s.", what, path, strerror(errno));
	img->name = path;
	img->data = map;
	img->size = st.st_size;
	return 0;
}

void image_close(struct image *img)
{
	if (img->data)
		munmap((void *)img->data, img->size);
	memset(img, 0, sizeof(*img));
}
