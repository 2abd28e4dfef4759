// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices at the other end of the teaching kernel's virtqueue: one that does what virtio 1.2,
 * section 2.7, says, through many turns of the 16-bit indices; for each rule one that breaks it;
 * and one that writes what it likes to all of the shared memory, all the time. Of the last only
 * this is known: what virtqueue_take() returns is within the buffer, or says that it is broken.
 */
#include <string.h>

#include "virtqueue.h"
#include "tap.h"

#define ROOM	64
#define ADDRESS	0x123456789000

static struct virtqueue_memory memory;
static struct virtqueue queue;
static unsigned long long random_state = 88172645463325252;

static unsigned int pick(unsigned int n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 20) % n;
}

static void begin(void)
{
	memset(&memory, 0, sizeof(memory));
	virtqueue_init(&queue, &memory);
}

/* What the device finds is what the driver offered, or it is not to be found. */
static bool device_sees(unsigned int turn)
{
	const struct virtqueue_available *a = &memory.available;
	const struct virtqueue_descriptor *d = &memory.descriptor[a->ring[turn % VIRTQUEUE_SIZE]];

	return a->index == (u16)(turn + 1) && d->address == ADDRESS && d->length == ROOM &&
	       d->flags == DESCRIPTOR_WRITE;
}

static void device_gives(u32 id, u32 length, unsigned int index)
{
	unsigned int at = (u16)(index - 1) % VIRTQUEUE_SIZE;

	memory.used.ring[at].id = id;
	memory.used.ring[at].length = length;
	memory.used.index = index;
}

static void test_good_device(void)
{
	unsigned int turn, length, wrong = 0;

	begin();
	for (turn = 0; turn < 200000; turn++) {
		wrong += virtqueue_is_waiting(&queue);
		virtqueue_offer(&queue, ADDRESS, ROOM);
		wrong += !device_sees(turn) || !virtqueue_is_waiting(&queue);
		wrong += virtqueue_take(&queue) != 0;
		length = 1 + pick(ROOM);
		device_gives(0, length, turn + 1);
		wrong += virtqueue_take(&queue) != (int)length;
	}
	tap_ok(!wrong, "buffers go there and back, also where the indices wrap");
}

static void test_one_lie(const char *name, u32 id, u32 length, unsigned int index, int want)
{
	begin();
	virtqueue_offer(&queue, ADDRESS, ROOM);
	memory.used.ring[0].id = id;
	memory.used.ring[0].length = length;
	memory.used.index = index;
	tap_ok(virtqueue_take(&queue) == want, "%s", name);
}

static void test_random_device(void)
{
	unsigned int turn, i, broken = 0, good = 0, wrong = 0;
	u8 *bytes = (u8 *)&memory;
	int n;

	begin();
	for (turn = 0; turn < 1000000; turn++) {
		if (!virtqueue_is_waiting(&queue))
			virtqueue_offer(&queue, ADDRESS, ROOM);
		for (i = pick(8); i; i--)
			bytes[pick(sizeof(memory))] = pick(256);
		/* Sometimes nearly right. */
		if (!pick(3))
			device_gives(pick(2), pick(ROOM + 3), queue.taken + pick(3));
		n = virtqueue_take(&queue);
		wrong += n < VIRTQUEUE_BROKEN || n > ROOM;
		good += n > 0;
		if (n == VIRTQUEUE_BROKEN) {
			broken++;
			begin();
		}
	}
	tap_ok(!wrong && good && broken,
	       "a device that writes anything: %u buffers within bounds, found out %u times", good,
	       broken);
}

int main(void)
{
	test_good_device();
	test_one_lie("a buffer that has come", 0, ROOM, 1, ROOM);
	test_one_lie("a buffer that has not come", 0, ROOM, 0, 0);
	test_one_lie("a buffer that was never offered", 1, ROOM, 1, VIRTQUEUE_BROKEN);
	test_one_lie("a descriptor that there is none of", 0xffffffff, ROOM, 1, VIRTQUEUE_BROKEN);
	test_one_lie("more bytes than there is room for", 0, ROOM + 1, 1, VIRTQUEUE_BROKEN);
	test_one_lie("a length of 4 GiB", 0, 0xffffffff, 1, VIRTQUEUE_BROKEN);
	test_one_lie("no bytes", 0, 0, 1, VIRTQUEUE_BROKEN);
	test_one_lie("two buffers where one was offered", 0, ROOM, 2, VIRTQUEUE_BROKEN);
	test_one_lie("an index that goes back", 0, ROOM, 0xffff, VIRTQUEUE_BROKEN);
	test_random_device();
	return tap_done();
}
