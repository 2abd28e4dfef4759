// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory file of a snapshot: the guest's RAM from its first byte to its last, and a page that
 * says to which state file it belongs. Pages of zeros are holes.
 *
 * A restored guest has the file mapped privately: a page is read when the guest touches it, so that
 * the time of a restore does not depend on how much memory there is, and what the guest writes is
 * its own, so that many can run from one file. The file has no checksum, since computing that would
 * read all of it; it must stay as it is while a guest runs from it.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler.h"
#include "snapshot/snapshot.h"

#define PAGE_BYTES	4096ULL
#define AT_ONCE		(1 * MIB)	/* bytes of one write */
#define MEMORY_MAGIC	"MKVMRAM"

/**
 * struct memory_trailer - what the last page begins with
 * @magic: MEMORY_MAGIC with its NUL
 * @size: bytes of RAM before it
 * @id: that of the state file
 */
struct memory_trailer {
	char magic[8];
	__u64 size;
	__u8 id[SNAPSHOT_ID_SIZE];
};

static bool is_zero(const __u8 *page)
{
	const __u64 *word = (const __u64 *)page;
	unsigned int i, j;
	__u64 any;

	for (i = 0; i < PAGE_BYTES / sizeof(*word); i += 8) {
		any = 0;
		for (j = 0; j < 8; j++)
			any |= word[i + j];
		if (any)
			return false;
	}
	return true;
}

static int write_at(int fd, const void *data, size_t len, __u64 at, struct sentence *why)
{
	const __u8 *from = data;
	ssize_t n;

	while (len) {
		n = pwrite(fd, from, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return say(why, "The snapshot's memory cannot be written: %s.",
				   n ? strerror(errno) : "nothing is taken");
		from += n;
		at += n;
		len -= n;
	}
	return 0;
}

/* Runs of pages that are not zero. */
static int write_ram(int fd, const __u8 *ram, __u64 size, __u64 at, struct sentence *why)
{
	__u64 start, end;

	for (start = 0; start < size; start = end) {
		end = start + PAGE_BYTES;
		if (is_zero(ram + start))
			continue;
		while (end < size && end - start < AT_ONCE && !is_zero(ram + end))
			end += PAGE_BYTES;
		if (write_at(fd, ram + start, end - start, at + start, why))
			return -1;
	}
	return 0;
}

/**
 * memory_write() - write a memory file
 * @ram: the guest's memory, which nothing changes meanwhile
 * @id: the state file's
 * @fd: the file
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int memory_write(const struct guest_ram *ram, const __u8 *id, int fd, struct sentence *why)
{
	__u64 size = ram->low_size + ram->high_size;
	struct memory_trailer t = { .magic = MEMORY_MAGIC, .size = size };

	memcpy(t.id, id, sizeof(t.id));
	if (ftruncate(fd, 0) < 0 || ftruncate(fd, size + PAGE_BYTES) < 0)
		return say(why, "The snapshot's memory cannot be written: %s.", strerror(errno));
	if (write_ram(fd, ram->low, ram->low_size, 0, why) ||
	    write_ram(fd, ram->high, ram->high_size, ram->low_size, why))
		return -1;
	return write_at(fd, &t, sizeof(t), size, why);
}

/**
 * memory_check() - is it the memory file that belongs to a state file?
 * @fd: the file
 * @size: bytes of RAM
 * @id: the state file's
 * @why: receives the sentence if not
 *
 * Return: 0, or -1.
 */
int memory_check(int fd, __u64 size, const __u8 *id, struct sentence *why)
{
	struct memory_trailer t;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return say(why, "The snapshot's memory cannot be read: %s.", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return say(why, "The snapshot's memory is not a regular file.");
	if ((__u64)st.st_size < size + PAGE_BYTES)
		return say(why, "The snapshot is truncated: its memory has %llu bytes of %llu.",
			   (__u64)st.st_size, size + PAGE_BYTES);
	if (pread(fd, &t, sizeof(t), size) != sizeof(t))
		return say(why, "The snapshot's memory cannot be read: %s.", strerror(errno));
	if ((__u64)st.st_size != size + PAGE_BYTES || t.size != size ||
	    memcmp(t.magic, MEMORY_MAGIC, sizeof(t.magic)) != 0)
		return say(why, "The snapshot's memory is not a memory file of minikvm.");
	if (memcmp(t.id, id, sizeof(t.id)) != 0)
		return say(why, "The snapshot's memory is that of another snapshot.");
	return 0;
}
