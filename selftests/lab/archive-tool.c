// SPDX-License-Identifier: GPL-2.0-only
/*
 * archive-tool.c - makes the initramfs of a lab host and unpacks its /out.
 *
 *	archive-tool pack ENTRY... > FILE
 *		ENTRY: tree:DIR=NAME, top:DIR, dir:NAME, file:PATH=NAME,
 *		exec:PATH=NAME, link:TARGET=NAME
 *	archive-tool unpack FILE DIR
 *
 * The format is archive.c's.  The kernel takes several archives one behind the
 * other, which is how the cached base and the payload of a run come together.
 */
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_stdout(void *context, const void *data, size_t len)
{
	(void)context;
	return fwrite(data, 1, len, stdout) == len ? 0 : -1;
}

static int add(struct archive_writer *w, char *entry)
{
	char *kind = strsep(&entry, ":");
	char *source, *name;

	if (!entry)
		return -2;
	if (!strcmp(kind, "dir"))
		return archive_add_directory(w, entry);
	if (!strcmp(kind, "top"))
		return archive_add_tree(w, entry, "");
	name = strrchr(entry, '=');
	if (!name)
		return -2;
	*name++ = 0;
	source = entry;
	if (!strcmp(kind, "tree"))
		return archive_add_directory(w, name) || archive_add_tree(w, source, name) ? -1 : 0;
	if (!strcmp(kind, "file"))
		return archive_add_file(w, source, name, 0644);
	if (!strcmp(kind, "exec"))
		return archive_add_file(w, source, name, 0755);
	if (!strcmp(kind, "link"))
		return archive_add_symlink(w, name, source);
	return -2;
}

static int pack(char **entries)
{
	struct archive_writer w = { .write = write_stdout };
	int ret = 0;

	for (; *entries && !ret; entries++) {
		ret = add(&w, *entries);
		if (ret == -2)
			fprintf(stderr, "archive-tool: bad entry '%s'\n", *entries);
	}
	if (!ret)
		ret = archive_end(&w);
	if (fflush(stdout))
		ret = -1;
	if (ret == -1)
		fprintf(stderr, "lab: cannot put %s into the initramfs: %s.\n",
			*w.error_path ? w.error_path : "everything", strerror(errno));
	return ret ? 1 : 0;
}

static int unpack(const char *file, const char *directory)
{
	char why[8192];
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "lab: cannot open %s: %s.\n", file, strerror(errno));
		return 1;
	}
	if (archive_extract(fd, directory, why, sizeof(why))) {
		fprintf(stderr, "lab: /out did not come back whole: %s.\n", why);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "pack"))
		return pack(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "unpack"))
		return unpack(argv[2], argv[3]);
	fprintf(stderr, "usage: archive-tool pack ENTRY... | unpack FILE DIR\n");
	return 2;
}
