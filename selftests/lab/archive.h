/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * archive.h - newc archives (Documentation/driver-api/early-userspace/
 * buffer-format.rst in the kernel): the initramfs that a lab host boots from,
 * and the way that /out takes back.
 *
 * Used on both sides, by init.c in the host and by archive-tool.c on the
 * machine, so that file names, modes and contents come back byte for byte.
 */
#ifndef LAB_ARCHIVE_H
#define LAB_ARCHIVE_H

#include <stddef.h>
#include <sys/types.h>

/**
 * struct archive_writer - where the bytes of an archive go
 * @write: takes @len bytes of @data; returns 0, or -1 with errno set
 * @context: handed to @write
 * @inode: number of the last entry, each entry gets its own
 * @error_path: after a failure: the file that could not be archived
 */
struct archive_writer {
	int (*write)(void *context, const void *data, size_t len);
	void *context;
	unsigned int inode;
	char error_path[4096];
};

int archive_add_tree(struct archive_writer *w, const char *directory, const char *prefix);
int archive_add_directory(struct archive_writer *w, const char *name);
int archive_add_symlink(struct archive_writer *w, const char *name, const char *target);
int archive_add_file(struct archive_writer *w, const char *path, const char *name, mode_t mode);
int archive_add_data(struct archive_writer *w, const char *name, mode_t mode,
		     const void *data, size_t len);
int archive_end(struct archive_writer *w);

int archive_extract(int fd, const char *directory, char *why, size_t why_len);

#endif
