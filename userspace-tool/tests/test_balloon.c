// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the balloon: what is lent and reported is taken away and nothing else, statistics come
 * when they are asked for, and what a driver may not do.
 */
#include <string.h>

#include "compiler.h"
#include "tests.h"
#include "virtio/balloon.h"
#include "virtio_model.h"

#define V1	BIT_ULL(32)
#define STATS	BIT_ULL(VIRTIO_BALLOON_F_STATS_VQ)
#define REPORT	BIT_ULL(VIRTIO_BALLOON_F_REPORTING)

enum { INFLATE, DEFLATE, THIRD, FOURTH };

static struct model *balloon(__u64 features)
{
	struct model *m = model_new();
	struct sentence why;
	struct virtio_device *d = balloon_open(&m->ram, 3 * BALLOON_PAGE + 1, &why);

	CHECK(d);
	model_start(m, d, V1 | features);
	return m;
}

static bool page_is(struct model *m, unsigned int page, __u8 value)
{
	const __u8 *data = model_at(m, page * BALLOON_PAGE);
	unsigned int i;

	for (i = 0; i < BALLOON_PAGE; i++)
		if (data[i] != value)
			return false;
	return true;
}

static void fill(struct model *m)
{
	memset(model_at(m, MODEL_FREE), 0x11, MODEL_RAM - MODEL_FREE);
}

/* Page numbers, in two parts that do not end between them. */
static void numbers(struct model *m, unsigned int queue, const __u32 *number, __u32 count)
{
	struct model_part part[] = {
		{ MODEL_FREE, 6, false }, { MODEL_FREE + 6, count * 4 - 6, false },
	};

	memcpy(model_at(m, MODEL_FREE), number, (size_t)count * 4);
	model_add(m, queue, part, 2);
	model_turn(m);
}

static void balloon_inflates(void)
{
	static const __u32 number[] = { 0x201, 0x203, 0x202, 0x210, 0x20f, 0x220, 0x201 };
	static const __u32 beyond[] = { 0x204, MODEL_RAM / 4096 };
	static const __u32 wraps[] = { 0xffffffff, 0x205 };
	struct model *m = balloon(0);
	struct balloon_numbers n;
	__u32 len, actual = 6;
	unsigned int i;

	balloon_get(m->device, &n);
	CHECK(n.wanted == 3 * BALLOON_PAGE && n.lent == 0);
	fill(m);
	numbers(m, INFLATE, number, ARRAY_SIZE(number));
	CHECK(model_used(m, INFLATE, &len) == 0 && len == 0 && m->interrupts[INFLATE] == 1);
	for (i = 0; i < ARRAY_SIZE(number); i++)
		CHECK(page_is(m, number[i], 0));
	CHECK(page_is(m, 0x200, 0x11) && page_is(m, 0x204, 0x11) && page_is(m, 0x20e, 0x11));
	CHECK(page_is(m, 0x211, 0x11) && page_is(m, 0x21f, 0x11) && page_is(m, 0x221, 0x11));
	memcpy(m->device->config + 4, &actual, 4);
	numbers(m, DEFLATE, number, ARRAY_SIZE(number));
	CHECK(model_used(m, DEFLATE, &len) == 0);
	balloon_set(m->device, 1 << 30);
	balloon_get(m->device, &n);
	CHECK(n.wanted == MODEL_RAM && n.lent == 6 * BALLOON_PAGE && m->changes == 1);

	numbers(m, INFLATE, beyond, 2);
	CHECK(m->device->needs_reset);
	model_start(m, m->device, V1);
	balloon_get(m->device, &n);
	CHECK(n.lent == 0);
	fill(m);
	numbers(m, INFLATE, wraps, 2);
	CHECK(m->device->needs_reset && page_is(m, 0x205, 0x11));
	model_free(m);
}

static void balloon_many_numbers(void)
{
	struct model_part part = { MODEL_FREE, 16385 * 4, false };
	struct model *m = balloon(0);
	__u32 len;

	model_add(m, INFLATE, &part, 1);
	model_turn(m);
	CHECK(m->device->needs_reset);
	/* A number that is not whole is none. */
	model_start(m, m->device, V1);
	part.len = 3;
	model_add(m, INFLATE, &part, 1);
	model_turn(m);
	CHECK(!m->device->needs_reset && model_used(m, INFLATE, &len) == 0);
	model_free(m);
}

static void balloon_reports(void)
{
	struct model_part part[] = {
		{ 0x200000, 0x10000, true }, { 0x220800, 0x2000, true }, { 0x230001, 100, true },
	};
	struct model *m = balloon(REPORT);
	struct balloon_numbers n;
	__u32 len;

	fill(m);
	/* Without statistics its queue is the third. */
	model_add(m, THIRD, part, 3);
	model_turn(m);
	CHECK(model_used(m, THIRD, &len) == 0 && len == 0);
	CHECK(page_is(m, 0x200, 0) && page_is(m, 0x20f, 0) && page_is(m, 0x210, 0x11));
	/* Of a part that is no whole pages, the whole pages. */
	CHECK(page_is(m, 0x220, 0x11) && page_is(m, 0x221, 0) && page_is(m, 0x222, 0x11));
	CHECK(page_is(m, 0x230, 0x11));
	balloon_get(m->device, &n);
	CHECK(n.reported == 0x11000);
	model_free(m);
}

static void balloon_statistics(void)
{
	struct virtio_balloon_stat s[] = {
		{ VIRTIO_BALLOON_S_MEMFREE, 1000 }, { 0x7fff, 5 },
		{ VIRTIO_BALLOON_S_MEMTOT, 2000 },
	};
	struct model_part part = { MODEL_FREE, sizeof(s), false };
	struct model *m = balloon(STATS | REPORT);
	struct balloon_numbers n;
	__u32 len;

	memcpy(model_at(m, MODEL_FREE), s, sizeof(s));
	model_add(m, THIRD, &part, 1);
	model_turn(m);
	CHECK(model_used(m, THIRD, &len) == -1);
	balloon_get(m->device, &n);
	CHECK(n.said == (BIT(VIRTIO_BALLOON_S_MEMFREE) | BIT(VIRTIO_BALLOON_S_MEMTOT)));
	CHECK(n.statistics[VIRTIO_BALLOON_S_MEMFREE] == 1000);
	CHECK(n.statistics[VIRTIO_BALLOON_S_MEMTOT] == 2000);
	CHECK(model_used(m, THIRD, &len) == 0 && m->interrupts[THIRD] == 1);
	/* Nothing to give back now. Two at once: the first does not get lost. */
	balloon_get(m->device, &n);
	CHECK(model_used(m, THIRD, &len) == -1);
	model_add(m, THIRD, &part, 1);
	model_add(m, THIRD, &part, 1);
	model_turn(m);
	CHECK(model_used(m, THIRD, &len) == 1 && model_used(m, THIRD, &len) == -1);
	/* The buffer goes with the queue. */
	virtio_queue_reset(m->device, THIRD);
	balloon_get(m->device, &n);
	CHECK(model_used(m, THIRD, &len) == -1);
	model_free(m);
}

const struct test balloon_tests[] = {
	{ "balloon: takes the pages that are lent, and no others", balloon_inflates },
	{ "balloon: too many numbers, and a part of one", balloon_many_numbers },
	{ "balloon: takes what is reported", balloon_reports },
	{ "balloon: statistics, when they are asked for", balloon_statistics },
	{ }
};
