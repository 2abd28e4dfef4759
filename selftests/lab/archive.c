// SPDX-License-Identifier: GPL-2.0-only
/*
 * archive.c - writes and reads newc archives.
 *
 * The format is the kernel's initramfs format, "070701" without checksums.
 * Hard links are written as separate files.  The reader trusts nothing: names
 * that are absolute or hold ".." are refused, sizes are bounded by the file,
 * and files are created with O_NOFOLLOW under directories it has checked.
 */
#include "archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define HEADER_LEN	110
#define FIELDS		13
#define TRAILER		"TRAILER!!!"

enum { F_INO, F_MODE, F_UID, F_GID, F_NLINK, F_MTIME, F_SIZE, F_DEVMAJ, F_DEVMIN,
       F_RDEVMAJ, F_RDEVMIN, F_NAMELEN, F_CHECK };

static int put_padding(struct archive_writer *w, size_t len)
{
	static const char zeros[4];

	return len % 4 ? w->write(w->context, zeros, 4 - len % 4) : 0;
}

static int put_header(struct archive_writer *w, const char *name, mode_t mode,
		      uint32_t mtime, uint32_t size, dev_t rdev)
{
	char header[HEADER_LEN + 1];
	size_t name_len = strlen(name) + 1;

	snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		 ++w->inode, mode, 0, 0, S_ISDIR(mode) ? 2 : 1, mtime, size, 0, 0,
		 major(rdev), minor(rdev), (unsigned int)name_len, 0);
	if (w->write(w->context, header, HEADER_LEN) ||
	    w->write(w->context, name, name_len))
		return -1;
	return put_padding(w, HEADER_LEN + name_len);
}

/**
 * archive_add_data - add a regular file or symbolic link made of memory
 * @w: the archive
 * @name: its path, without a leading slash
 * @mode: type and permissions
 * @data: the contents, or the target of the link
 * @len: bytes in @data
 *
 * Return: 0, or -1 with errno and @w->error_path set.
 */
int archive_add_data(struct archive_writer *w, const char *name, mode_t mode,
		     const void *data, size_t len)
{
	if (put_header(w, name, mode, 0, len, 0) ||
	    (len && w->write(w->context, data, len)) || put_padding(w, len)) {
		snprintf(w->error_path, sizeof(w->error_path), "%s", name);
		return -1;
	}
	return 0;
}

/**
 * archive_add_directory - add an empty directory, mode 0755
 * @w: the archive
 * @name: its path, without a leading slash
 *
 * Return: 0, or -1 with errno and @w->error_path set.
 */
int archive_add_directory(struct archive_writer *w, const char *name)
{
	return archive_add_data(w, name, S_IFDIR | 0755, NULL, 0);
}

/**
 * archive_add_symlink - add a symbolic link
 * @w: the archive
 * @name: its path, without a leading slash
 * @target: where it points
 *
 * Return: 0, or -1 with errno and @w->error_path set.
 */
int archive_add_symlink(struct archive_writer *w, const char *name, const char *target)
{
	return archive_add_data(w, name, S_IFLNK | 0777, target, strlen(target));
}

static int add_contents(struct archive_writer *w, int fd, uint64_t size)
{
	static char buffer[1 << 16];
	uint64_t done = 0;

	while (done < size) {
		size_t want = size - done < sizeof(buffer) ? size - done : sizeof(buffer);
		ssize_t got = read(fd, buffer, want);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (!got) {
			/* It shrank while it was read: the header's size must hold. */
			memset(buffer, 0, want);
			got = want;
		}
		if (w->write(w->context, buffer, got))
			return -1;
		done += got;
	}
	return put_padding(w, size);
}

/**
 * archive_add_file - add a regular file from the file system
 * @w: the archive
 * @path: the file to read; a symbolic link is followed
 * @name: its path in the archive, without a leading slash
 * @mode: permissions, or 0 for those of the file
 *
 * Return: 0, or -1 with errno and @w->error_path set.
 */
int archive_add_file(struct archive_writer *w, const char *path, const char *name, mode_t mode)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int saved, ret = -1;

	if (fd < 0)
		goto out;
	if (fstat(fd, &st))
		goto out;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		goto out;
	}
	if (st.st_size > UINT32_MAX) {
		errno = EFBIG;
		goto out;
	}
	if (!put_header(w, name, S_IFREG | (mode ? mode : st.st_mode & 07777),
			st.st_mtime, st.st_size, 0))
		ret = add_contents(w, fd, st.st_size);
out:
	saved = errno;
	if (ret)
		snprintf(w->error_path, sizeof(w->error_path), "%s", path);
	if (fd >= 0)
		close(fd);
	errno = saved;
	return ret;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, so that the same tree always gives the same archive. */
static char **list_directory(const char *path, size_t *count)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char **names = NULL;
	size_t n = 0, room = 0;

	if (!dir)
		return NULL;
	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			break;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (n + 1 >= room) {
			char **more;

			room = room ? 2 * room : 64;
			more = realloc(names, room * sizeof(*names));
			if (!more)
				break;
			names = more;
		}
		names[n] = strdup(entry->d_name);
		if (!names[n])
			break;
		n++;
	}
	closedir(dir);
	if (!names)
		names = malloc(sizeof(*names));
	if (names)
		qsort(names, n, sizeof(*names), compare_names);
	*count = n;
	return names;
}

static int add_entry(struct archive_writer *w, const char *path, const char *name)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t len;

	if (lstat(path, &st))
		return -1;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return archive_add_file(w, path, name, 0);
	case S_IFDIR:
		if (put_header(w, name, st.st_mode, st.st_mtime, 0, 0))
			return -1;
		return archive_add_tree(w, path, name);
	case S_IFLNK:
		len = readlink(path, target, sizeof(target));
		if (len < 0)
			return -1;
		return archive_add_data(w, name, S_IFLNK | 0777, target, len);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		return put_header(w, name, st.st_mode, st.st_mtime, 0, st.st_rdev);
	default:
		return 0;	/* a socket means nothing elsewhere */
	}
}

/**
 * archive_add_tree - add everything below a directory, not the directory itself
 * @w: the archive
 * @directory: where to read
 * @prefix: the path of @directory in the archive, "" for the top
 *
 * Return: 0, or -1 with errno and @w->error_path set.
 */
int archive_add_tree(struct archive_writer *w, const char *directory, const char *prefix)
{
	size_t count = 0, i;
	char **names = list_directory(directory, &count);
	int saved, ret = 0;

	if (!names) {
		snprintf(w->error_path, sizeof(w->error_path), "%s", directory);
		return -1;
	}
	for (i = 0; i < count; i++) {
		char *path = NULL, *name = NULL;

		if (!ret) {
			if (asprintf(&path, "%s/%s", directory, names[i]) < 0 ||
			    asprintf(&name, "%s%s%s", prefix, *prefix ? "/" : "", names[i]) < 0)
				ret = -1;
			else
				ret = add_entry(w, path, name);
			if (ret && !*w->error_path && path)
				snprintf(w->error_path, sizeof(w->error_path), "%s", path);
		}
		saved = errno;
		free(path);
		free(name);
		free(names[i]);
		errno = saved;
	}
	free(names);
	return ret;
}

/**
 * archive_end - write the trailer
 * @w: the archive
 *
 * Return: 0, or -1 with errno set.
 */
int archive_end(struct archive_writer *w)
{
	return put_header(w, TRAILER, 0, 0, 0, 0);
}

/* -------------------------------------------------------------- reading --- */

struct reader {
	int fd;
	uint64_t offset;
	char *why;
	size_t why_len;
};

__attribute__((format(printf, 2, 3)))
static int fail(struct reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->why, r->why_len, format, args);
	va_end(args);
	return -1;
}

static int get(struct reader *r, void *buffer, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = read(r->fd, (char *)buffer + done, len - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return fail(r, "the archive ends early");
		done += got;
	}
	r->offset += len;
	return 0;
}

static int skip_padding(struct reader *r)
{
	char zeros[4];

	return r->offset % 4 ? get(r, zeros, 4 - r->offset % 4) : 0;
}

static int parse_header(struct reader *r, const char *header, uint32_t *field)
{
	int i;

	if (memcmp(header, "070701", 6))
		return fail(r, "the archive is damaged at byte %llu",
			    (unsigned long long)r->offset - HEADER_LEN);
	for (i = 0; i < FIELDS; i++) {
		char digits[9], *end;

		memcpy(digits, header + 6 + 8 * i, 8);
		digits[8] = 0;
		field[i] = strtoul(digits, &end, 16);
		if (*end)
			return fail(r, "the archive has a bad header");
	}
	return 0;
}

/* A name may only lead downwards, and not through a symbolic link. */
static int check_name(struct reader *r, int top, const char *name)
{
	const char *p = name;

	if (!*name || *name == '/')
		return fail(r, "the archive holds the name '%s'", name);
	while (*p) {
		size_t len = strcspn(p, "/");

		if ((len == 2 && !memcmp(p, "..", 2)) || !len)
			return fail(r, "the archive holds the name '%s'", name);
		if (p[len]) {
			char part[PATH_MAX];
			struct stat st;

			snprintf(part, sizeof(part), "%.*s", (int)(p + len - name), name);
			if (fstatat(top, part, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode))
				return fail(r, "'%s' in the archive has no directory", name);
		}
		p += len + (p[len] == '/');
	}
	return 0;
}

static int extract_file(struct reader *r, int top, const char *name, const uint32_t *field)
{
	static char buffer[1 << 16];
	uint64_t left = field[F_SIZE];
	int fd, ret = 0;

	unlinkat(top, name, 0);
	fd = openat(top, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(r, "cannot create %s: %s", name, strerror(errno));
	while (left && !ret) {
		size_t want = left < sizeof(buffer) ? left : sizeof(buffer);
		size_t done = 0;

		ret = get(r, buffer, want);
		while (!ret && done < want) {
			ssize_t put = write(fd, buffer + done, want - done);

			if (put < 0 && errno != EINTR)
				ret = fail(r, "cannot write %s: %s", name, strerror(errno));
			else if (put > 0)
				done += put;
		}
		left -= want;
	}
	if (!ret && fchmod(fd, field[F_MODE] & 0777))
		ret = fail(r, "cannot set the mode of %s: %s", name, strerror(errno));
	if (close(fd) && !ret)
		ret = fail(r, "cannot write %s: %s", name, strerror(errno));
	return ret;
}

static int extract_link(struct reader *r, int top, const char *name, const uint32_t *field)
{
	char target[PATH_MAX];

	if (field[F_SIZE] >= sizeof(target))
		return fail(r, "the archive holds a bad symbolic link");
	if (get(r, target, field[F_SIZE]))
		return -1;
	target[field[F_SIZE]] = 0;
	unlinkat(top, name, 0);
	if (symlinkat(target, top, name))
		return fail(r, "cannot create %s: %s", name, strerror(errno));
	return 0;
}

static int extract_entry(struct reader *r, int top, const char *name, const uint32_t *field)
{
	mode_t type = field[F_MODE] & S_IFMT;

	if (check_name(r, top, name))
		return -1;
	if (type == S_IFREG)
		return extract_file(r, top, name, field);
	if (type == S_IFLNK)
		return extract_link(r, top, name, field);
	if (field[F_SIZE])
		return fail(r, "'%s' in the archive has contents that it cannot have", name);
	if (type == S_IFDIR && mkdirat(top, name, 0755) && errno != EEXIST)
		return fail(r, "cannot create %s: %s", name, strerror(errno));
	if (type == S_IFIFO && mkfifoat(top, name, field[F_MODE] & 0777) && errno != EEXIST)
		return fail(r, "cannot create %s: %s", name, strerror(errno));
	/* Device nodes belong to the host that made them. */
	return 0;
}

/**
 * archive_extract - unpack an archive below a directory
 * @fd: the archive, read to its trailer
 * @directory: an existing directory
 * @why: on failure: one sentence
 * @why_len: room in @why
 *
 * Return: 0, or -1 with @why set; what was unpacked until then stays.
 */
int archive_extract(int fd, const char *directory, char *why, size_t why_len)
{
	struct reader r = { .fd = fd, .why = why, .why_len = why_len };
	int top = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int ret = -1;

	if (top < 0)
		return fail(&r, "cannot open %s: %s", directory, strerror(errno));
	for (;;) {
		char header[HEADER_LEN], name[PATH_MAX];
		uint32_t field[FIELDS];

		if (get(&r, header, HEADER_LEN) || parse_header(&r, header, field))
			break;
		if (!field[F_NAMELEN] || field[F_NAMELEN] > sizeof(name)) {
			fail(&r, "the archive holds a bad name");
			break;
		}
		if (get(&r, name, field[F_NAMELEN]) || skip_padding(&r))
			break;
		name[field[F_NAMELEN] - 1] = 0;
		if (!strcmp(name, TRAILER)) {
			ret = 0;
			break;
		}
		if (extract_entry(&r, top, name, field) || skip_padding(&r))
			break;
	}
	close(top);
	return ret;
}
