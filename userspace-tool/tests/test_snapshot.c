// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file "state" of a snapshot: what was written is read, and everything else is refused by name.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "snapshot/format.h"
#include "tests.h"

static const __u8 id[SNAPSHOT_ID_SIZE] = "0123456789abcde";

/* A file with two sections: "first" of 5 bytes and "second", instance 3, of 16. */
static void make(struct snapshot_writer *w)
{
	struct sentence why;
	__u64 numbers[2] = { 7, 9 };

	snapshot_begin(w);
	state_put(section_begin(w, "first", 0, 1), "hello", 5);
	section_end(w);
	STATE_PUT(section_begin(w, "second", 3, 2), numbers);
	section_end(w);
	CHECK(snapshot_end(w, id, 1234, &why) == 0);
}

/* A copy of just the right size, so that ASan sees a read behind its end. */
static int try(const void *data, size_t len, struct sentence *why)
{
	struct snapshot_reader r;
	void *copy = malloc(len ? len : 1);
	int ret;

	memcpy(copy, data, len);
	ret = snapshot_open(&r, copy, len, why);
	snapshot_close(&r);
	free(copy);
	return ret;
}

static void test_round_trip(void)
{
	struct snapshot_writer w;
	struct snapshot_reader r;
	struct state_in in;
	struct sentence why;
	char text[5];
	__u64 number;
	__u32 version;

	make(&w);
	CHECK(snapshot_open(&r, w.out.data, w.out.len, &why) == 0);
	CHECK(r.header->taken == 1234 && !memcmp(r.header->id, id, sizeof(id)));
	CHECK(!section_find(&r, "second", 0, &version, &in));
	CHECK(section_find(&r, "second", 3, &version, &in) && version == 2);
	STATE_GET(&in, number);
	CHECK(number == 7);
	CHECK(section_check("second", &in, &why) &&
	      strstr(why.text, "'second' is 8 bytes too long"));
	STATE_GET(&in, number);
	CHECK(number == 9 && section_check("second", &in, &why) == 0);
	STATE_GET(&in, number);
	CHECK(number == 0 && section_check("second", &in, &why) && strstr(why.text, "too short"));
	CHECK(snapshot_check_used(&r, &why) && strstr(why.text, "a section 'first' (instance 0)"));
	CHECK(section_find(&r, "first", 0, &version, &in) && version == 1);
	STATE_GET(&in, text);
	CHECK(!memcmp(text, "hello", 5) && section_check("first", &in, &why) == 0);
	CHECK(snapshot_check_used(&r, &why) == 0);
	CHECK(!section_find(&r, "first", 0, &version, &in));
	snapshot_close(&r);
	state_free(&w.out);
}

static void test_damage(void)
{
	struct snapshot_writer w;
	struct sentence why;
	size_t i;

	make(&w);
	/* No byte may be changed, but padding, which nothing reads. */
	for (i = 0; i < w.out.len; i++) {
		w.out.data[i] ^= 0x10;
		if (try(w.out.data, w.out.len, &why) == 0)
			CHECK(i >= 56 + 48 + 5 && i < 56 + 48 + 8);
		w.out.data[i] ^= 0x10;
	}
	for (i = 0; i < w.out.len; i++)
		CHECK(try(w.out.data, i, &why));
	CHECK(try(w.out.data, w.out.len, &why) == 0);
	state_free(&w.out);
}

static void test_refusals(void)
{
	struct snapshot_writer w;
	struct snapshot_header *h;
	struct sentence why;

	CHECK(try("", 0, &why) && strstr(why.text, "no snapshot of minikvm"));
	CHECK(try("QEVM is another one's, and long enough to hold a whole header.", 62, &why) &&
	      strstr(why.text, "no snapshot of minikvm"));
	make(&w);
	CHECK(try(w.out.data, w.out.len - 8, &why) && strstr(why.text, "is truncated"));
	state_room(&w.out, 8);
	CHECK(try(w.out.data, w.out.len, &why) && strstr(why.text, "8 bytes follow"));
	w.out.len -= 8;
	h = (struct snapshot_header *)w.out.data;
	h->version++;
	CHECK(try(w.out.data, w.out.len, &why) &&
	      strstr(why.text, "newer than this minikvm: its format is version 2, and 1 is known"));
	h->version--;
	w.out.data[56 + 48]++;
	CHECK(try(w.out.data, w.out.len, &why) &&
	      strstr(why.text, "the checksum of section 'first' is wrong"));
	w.out.data[56 + 48]--;
	/* A header that is whole, and lies about its sections */
	h->sections = 3;
	h->crc = 0;
	h->crc = crc32(0, w.out.data, sizeof(*h));
	CHECK(try(w.out.data, w.out.len, &why) && strstr(why.text, "reaches beyond its end"));
	h->sections = 1;
	h->crc = 0;
	h->crc = crc32(0, w.out.data, sizeof(*h));
	CHECK(try(w.out.data, w.out.len, &why) &&
	      strstr(why.text, "more than its 1 sections"));
	h->sections = ~0U;
	h->crc = 0;
	h->crc = crc32(0, w.out.data, sizeof(*h));
	CHECK(try(w.out.data, w.out.len, &why) &&
	      strstr(why.text, "cannot have 4294967295 sections"));
	state_free(&w.out);
}

const struct test snapshot_tests[] = {
	{ "snapshot: what was written is read", test_round_trip },
	{ "snapshot: every changed byte is found", test_damage },
	{ "snapshot: foreign, newer and lying files are refused by name", test_refusals },
	{ }
};
