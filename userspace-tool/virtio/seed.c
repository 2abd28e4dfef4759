// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm run --user-data FILE`: the disk that cloud-init's data source NoCloud looks for, a file
 * system labelled CIDATA with the files user-data and meta-data.
 *
 * It is FAT12 with long names, as ECMA-107 ("Volume and File Structure of Disk Cartridges") and the
 * FAT specification have it: boot sector, two file allocation tables, a root directory, clusters.
 * blkid knows it as vfat, and every Linux that cloud-init runs on mounts it. The image is made in
 * memory (memfd_create(2)), sealed, and is the same for the same content, dates included, so that
 * a snapshot's guest finds what it had.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler.h"
#include "virtio/seed.h"

#define SECTOR		512
#define CLUSTER		4096
#define TABLES		2
#define ROOT_ENTRIES	16
#define ENTRY		32		/* bytes of a directory entry */
#define FIRST_CLUSTER	2
#define CLUSTERS_MAX	4084		/* more would be FAT16 */
#define MEDIA_FIXED	0xf8
#define END_OF_FILE	0xfff
#define ATTRIBUTE_READONLY	0x01
#define ATTRIBUTE_LABEL		0x08
#define ATTRIBUTE_LONG_NAME	0x0f
#define LAST_PART	0x40		/* of a long name */
#define DATE_1980	0x21		/* its first day */
#define LABEL		"CIDATA     "
#define NAME_BYTES	11		/* of a short name, and of a label */
#define LONG_NAME_PART	13		/* characters of a long name in an entry */

/**
 * struct seed_file - a file of the image
 * @name: its long name, of at most LONG_NAME_PART characters
 * @short_name: its short one, filled up with blanks
 * @data: the content
 * @size: bytes
 */
struct seed_file {
	const char *name;
	const char *short_name;
	const void *data;
	size_t size;
};

/* Where the parts of the image are, in sectors. */
struct layout {
	unsigned int clusters, table_sectors, root, data, sectors;
};

static void put16(__u8 *at, unsigned int value)
{
	at[0] = value;
	at[1] = value >> 8;
}

static void put32(__u8 *at, __u32 value)
{
	put16(at, value);
	put16(at + 2, value >> 16);
}

/* A field of text has no end of its own: it is filled up with blanks. */
static void put_text(__u8 *at, const char *text, unsigned int bytes)
{
	while (bytes--)
		*at++ = *text++;
}

static unsigned int clusters_of(size_t bytes)
{
	return (bytes + CLUSTER - 1) / CLUSTER;
}

static void boot_sector(__u8 *s, const struct layout *l, __u32 serial)
{
	put_text(s, "\xeb\x3c\x90minikvm ", 11);
	put16(s + 11, SECTOR);
	s[13] = CLUSTER / SECTOR;
	put16(s + 14, 1);			/* reserved: this one */
	s[16] = TABLES;
	put16(s + 17, ROOT_ENTRIES);
	if (l->sectors < 0x10000)
		put16(s + 19, l->sectors);
	else
		put32(s + 32, l->sectors);
	s[21] = MEDIA_FIXED;
	put16(s + 22, l->table_sectors);
	put16(s + 24, 32);			/* sectors of a track, heads: of no disk */
	put16(s + 26, 64);
	s[36] = 0x80;
	s[38] = 0x29;				/* serial number, label and type follow */
	put32(s + 39, serial);
	put_text(s + 43, LABEL, NAME_BYTES);
	put_text(s + 54, "FAT12   ", 8);
	put16(s + 510, 0xaa55);
}

/* Entries have 12 bits: two of them are three bytes. */
static void link_cluster(__u8 *table, unsigned int cluster, unsigned int next)
{
	__u8 *at = table + cluster * 3 / 2;

	if (cluster & 1) {
		at[0] |= next << 4;
		at[1] = next >> 4;
	} else {
		at[0] = next;
		at[1] = (at[1] & 0xf0) | next >> 8;
	}
}

/* What ties the entry of a long name to that of the short one. */
static __u8 name_sum(const char *name)
{
	unsigned int i;
	__u8 sum = 0;

	for (i = 0; i < NAME_BYTES; i++)
		sum = (sum << 7 | sum >> 1) + name[i];
	return sum;
}

static void long_name(__u8 *entry, const struct seed_file *f)
{
	static const __u8 place[LONG_NAME_PART] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	size_t len = strlen(f->name), i;

	entry[0] = LAST_PART | 1;
	entry[11] = ATTRIBUTE_LONG_NAME;
	entry[13] = name_sum(f->short_name);
	for (i = 0; i < LONG_NAME_PART; i++)
		put16(entry + place[i], i < len ? (__u8)f->name[i] : i == len ? 0 : 0xffff);
}

static void short_name(__u8 *entry, const char *name, unsigned int attribute)
{
	put_text(entry, name, NAME_BYTES);
	entry[11] = attribute;
	put16(entry + 16, DATE_1980);
	put16(entry + 18, DATE_1980);
	put16(entry + 24, DATE_1980);
}

static void fill(__u8 *image, const struct layout *l, const struct seed_file *file,
		 unsigned int files, __u32 serial)
{
	__u8 *table = image + SECTOR, *entry = image + (size_t)l->root * SECTOR;
	unsigned int cluster = FIRST_CLUSTER, i, n;

	boot_sector(image, l, serial);
	link_cluster(table, 0, 0xf00 | MEDIA_FIXED);
	link_cluster(table, 1, END_OF_FILE);
	short_name(entry, LABEL, ATTRIBUTE_LABEL);
	for (i = 0; i < files; i++) {
		entry += ENTRY;
		long_name(entry, &file[i]);
		entry += ENTRY;
		short_name(entry, file[i].short_name, ATTRIBUTE_READONLY);
		put16(entry + 26, file[i].size ? cluster : 0);
		put32(entry + 28, file[i].size);
		memcpy(image + (size_t)l->data * SECTOR +
		       (size_t)(cluster - FIRST_CLUSTER) * CLUSTER, file[i].data, file[i].size);
		for (n = clusters_of(file[i].size); n > 0; n--, cluster++)
			link_cluster(table, cluster, n > 1 ? cluster + 1 : END_OF_FILE);
	}
	memcpy(table + (size_t)l->table_sectors * SECTOR, table, (size_t)l->table_sectors * SECTOR);
}

static void lay_out(struct layout *l, const struct seed_file *file, unsigned int files)
{
	unsigned int i;

	l->clusters = 0;
	for (i = 0; i < files; i++)
		l->clusters += clusters_of(file[i].size);
	l->table_sectors = ((l->clusters + FIRST_CLUSTER) * 3 / 2 + SECTOR) / SECTOR;
	l->root = 1 + TABLES * l->table_sectors;
	l->data = l->root + ROOT_ENTRIES * ENTRY / SECTOR;
	l->sectors = l->data + l->clusters * (CLUSTER / SECTOR);
}

/* FNV-1a: other content is another instance, whose first boot cloud-init has to serve. */
static __u64 hash(__u64 h, const void *data, size_t size)
{
	const __u8 *byte = data;

	while (size--)
		h = (h ^ *byte++) * 0x100000001b3ULL;
	return h;
}

static int make(const struct layout *l, struct sentence *why)
{
	int fd = memfd_create("minikvm-user-data", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)l->sectors * SECTOR)) {
		say(why, "The disk of --user-data cannot be made: %s.", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/**
 * seed_open() - make the disk for cloud-init
 * @user_data: what the guest is to do at its first boot; cloud-init's own format, or a script
 * @size: bytes, from 1 to SEED_USER_DATA_MAX
 * @hostname: the guest's name, or NULL
 * @why: receives the sentence on failure
 *
 * Return: the descriptor of an image that cannot be changed, to be closed by the caller; or -1.
 */
int seed_open(const void *user_data, size_t size, const char *hostname, struct sentence *why)
{
	char meta[256];
	struct seed_file file[] = {
		{ "user-data", "USER-D~1   ", user_data, size },
		{ "meta-data", "META-D~1   ", meta, 0 },
	};
	__u64 id = hash(0xcbf29ce484222325ULL, user_data, size);
	struct layout l;
	void *image;
	int fd;

	if (!size || size > SEED_USER_DATA_MAX)
		return say(why, "The user data have %zu bytes, and may have 1 to %d.", size,
			   SEED_USER_DATA_MAX);
	if (hostname)
		id = hash(id, hostname, strlen(hostname));
	snprintf(meta, sizeof(meta), "instance-id: minikvm-%016llx\n", id);
	if (hostname)
		snprintf(meta + strlen(meta), sizeof(meta) - strlen(meta),
			 "local-hostname: \"%s\"\n", hostname);
	file[1].size = strlen(meta);
	lay_out(&l, file, ARRAY_SIZE(file));
	fd = make(&l, why);
	if (fd < 0)
		return -1;
	image = mmap(NULL, (size_t)l.sectors * SECTOR, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (image == MAP_FAILED) {
		say(why, "The disk of --user-data cannot be made: %s.", strerror(errno));
		close(fd);
		return -1;
	}
	fill(image, &l, file, ARRAY_SIZE(file), id);
	munmap(image, (size_t)l.sectors * SECTOR);
	fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	return fd;
}
