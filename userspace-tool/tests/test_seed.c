// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of the disk for cloud-init: read by a reader of FAT12 that was written from the FAT
 * specification alone, so that writer and reader do not share an error.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler.h"
#include "tests.h"
#include "virtio/seed.h"

#define ENTRIES_MAX	64

static const __u8 *image;
static size_t image_size;

static unsigned int get16(size_t at)
{
	return image[at] | image[at + 1] << 8;
}

static __u32 get32(size_t at)
{
	return get16(at) | (__u32)get16(at + 2) << 16;
}

/* The entry of the table behind that of @cluster. */
static unsigned int next_cluster(unsigned int copy, unsigned int cluster)
{
	size_t table = (get16(14) + copy * get16(22)) * get16(11);
	unsigned int bits = get16(table + cluster + cluster / 2);

	return cluster % 2 ? bits >> 4 : bits & 0xfff;
}

/* The long name before the entry at @at; Latin letters alone. */
static void read_long_name(size_t at, char *name)
{
	static const int place[] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(place); i++)
		name[i] = get16(at + place[i]);
	name[i] = 0;
}

static __u8 sum(size_t at)
{
	unsigned int i, s = 0;

	for (i = 0; i < 11; i++)
		s = ((s & 1 ? 0x80 : 0) + (s >> 1) + image[at + i]) & 0xff;
	return s;
}

/* Return: the file's content, to be freed; @size receives its bytes. */
static char *read_file(const char *name, size_t *size)
{
	size_t per_cluster = (size_t)image[13] * get16(11);
	size_t root = (size_t)(get16(14) + image[16] * get16(22)) * get16(11);
	size_t data = root + (size_t)get16(17) * 32, at, done = 0, part;
	unsigned int cluster;
	char long_name[16];
	char *content;

	for (at = root; at < data && image[at]; at += 32) {
		if (image[at + 11] != 0x0f)
			continue;
		read_long_name(at, long_name);
		if (strcmp(long_name, name) != 0)
			continue;
		CHECK(image[at] == 0x41 && image[at + 13] == sum(at + 32));
		*size = get32(at + 32 + 28);
		content = calloc(1, *size + 1);
		cluster = get16(at + 32 + 26);
		while (done < *size) {
			part = *size - done < per_cluster ? *size - done : per_cluster;
			CHECK(cluster >= 2 &&
			      data + (cluster - 2) * per_cluster + part <= image_size);
			memcpy(content + done, image + data + (cluster - 2) * per_cluster, part);
			CHECK(next_cluster(0, cluster) == next_cluster(1, cluster));
			cluster = next_cluster(0, cluster);
			done += part;
		}
		CHECK(cluster == 0xfff);
		return content;
	}
	return NULL;
}

static bool open_image(const void *data, size_t size, const char *hostname)
{
	struct sentence why;
	struct stat st;
	int fd = seed_open(data, size, hostname, &why);

	if (fd < 0)
		return false;
	fstat(fd, &st);
	image_size = st.st_size;
	image = mmap(NULL, image_size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(write(fd, "x", 1) < 0);
	close(fd);
	return image != MAP_FAILED;
}

static void test_geometry(void)
{
	size_t root, sectors;

	CHECK(open_image("#cloud-config\n", 14, NULL));
	CHECK(get16(510) == 0xaa55 && get16(11) == 512 && image[16] == 2);
	CHECK(!memcmp(image + 54, "FAT12   ", 8) && !memcmp(image + 43, "CIDATA     ", 11));
	sectors = get16(19) ? get16(19) : get32(32);
	CHECK(sectors * 512 == image_size);
	root = (size_t)(get16(14) + 2 * get16(22)) * 512;
	CHECK(!memcmp(image + root, "CIDATA     ", 11) && image[root + 11] == 8);
	CHECK(next_cluster(0, 0) == (0xf00u | image[21]) && next_cluster(1, 1) == 0xfff);
	munmap((void *)image, image_size);
}

/* Each size around those of a cluster, of a sector of the table, and of the largest image. */
static void test_files(void)
{
	static const size_t sizes[] = {
		1, 511, 4095, 4096, 4097, 8192, 339 * 4096, 340 * 4096, 341 * 4096, 1 << 20,
		SEED_USER_DATA_MAX,
	};
	char *data = malloc(SEED_USER_DATA_MAX), *got;
	size_t i, size;

	for (i = 0; i < SEED_USER_DATA_MAX; i++)
		data[i] = i * 7 + (i >> 12);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		CHECK(open_image(data, sizes[i], "web.1"));
		got = read_file("user-data", &size);
		CHECK(got && size == sizes[i] && !memcmp(got, data, size));
		free(got);
		got = read_file("meta-data", &size);
		CHECK(got && !strncmp(got, "instance-id: minikvm-", 21) &&
		      strstr(got, "\nlocal-hostname: \"web.1\"\n"));
		free(got);
		munmap((void *)image, image_size);
	}
	free(data);
}

static char *meta_of(const char *data, const char *hostname)
{
	size_t size;
	char *meta;

	CHECK(open_image(data, strlen(data), hostname));
	meta = read_file("meta-data", &size);
	munmap((void *)image, image_size);
	return meta;
}

/* The same is the same instance; anything else is another, so that cloud-init begins anew. */
static void test_instance(void)
{
	char *a = meta_of("one", NULL), *b = meta_of("one", NULL), *c = meta_of("two", NULL);
	char *d = meta_of("one", "x");

	CHECK(!strcmp(a, b) && strcmp(a, c) != 0 && strncmp(a, d, strcspn(a, "\n")) != 0);
	CHECK(!strstr(a, "local-hostname"));
	free(a);
	free(b);
	free(c);
	free(d);
}

static void test_wrong(void)
{
	static char much[SEED_USER_DATA_MAX + 1];
	struct sentence why;

	CHECK(seed_open(much, 0, NULL, &why) < 0 && strstr(why.text, "0 bytes"));
	CHECK(seed_open(much, sizeof(much), NULL, &why) < 0 && strstr(why.text, "may have 1 to"));
}

const struct test seed_tests[] = {
	{ "user data: the file system", test_geometry },
	{ "user data: files of many sizes", test_files },
	{ "user data: the instance", test_instance },
	{ "user data: too little and too much", test_wrong },
	{ }
};
