// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver of split virtqueues, for unit tests: see virtio_model.h. Sections "The Virtqueue
 * Descriptor Table" to "The Virtqueue Used Ring" of virtio 1.2.
 *
 * The device's threads are not started: model_turn() is what they would do, so that a test knows
 * what has happened when.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests.h"
#include "virtio_model.h"

#define QUEUE_BYTES	0x4000		/* of the three parts of a queue */
#define AVAILABLE	0x2000
#define USED		0x3000

static void interrupt(void *transport, int queue)
{
	struct model *m = transport;

	if (queue < 0)
		m->changes++;
	else
		m->interrupts[queue]++;
}

struct model *model_new(void)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	m->ram.low = mmap(NULL, MODEL_RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	m->ram.low_size = MODEL_RAM;
	if (m->ram.low == MAP_FAILED)
		abort();
	return m;
}

/* The device ends with it. */
void model_free(struct model *m)
{
	if (m->device) {
		virtio_reset(m->device);
		m->device->ops->close(m->device);
	}
	munmap(m->ram.low, MODEL_RAM);
	free(m);
}

/* Do what a driver does up to DRIVER_OK, with queues of @entries each. Called again: a reset. */
void model_start_sized(struct model *m, struct virtio_device *d, __u64 features, __u16 entries)
{
	struct virtqueue_layout layout = { .size = entries };
	unsigned int i;

	if (m->device)
		virtio_reset(d);
	m->device = d;
	d->interrupt = interrupt;
	d->transport = m;
	memset(m->ram.low, 0, MODEL_RAM);
	memset(m->next_desc, 0, sizeof(m->next_desc));
	memset(m->next_used, 0, sizeof(m->next_used));
	CHECK(!(features & ~d->offered));
	d->features = features;
	for (i = 0; i < d->queues; i++) {
		layout.descriptors = i * QUEUE_BYTES;
		layout.driver = i * QUEUE_BYTES + AVAILABLE;
		layout.device = i * QUEUE_BYTES + USED;
		CHECK(virtio_queue_enable(d, i, &layout) == 0);
	}
	virtio_start(d);
	model_turn(m);
}

void model_start(struct model *m, struct virtio_device *d, __u64 features)
{
	model_start_sized(m, d, features, MODEL_ENTRIES);
}

/* Serve what is ready, until nothing is. */
void model_turn(struct model *m)
{
	unsigned int i, turn;

	for (turn = 0; turn < 4; turn++)
		for (i = 0; i < m->device->workers; i++)
			worker_turn(&m->device->worker[i], 0);
}

void *model_at(struct model *m, __u64 at)
{
	return m->ram.low + at;
}

/* Make a buffer available and notify. Return: the number of its first descriptor. */
__u16 model_add(struct model *m, unsigned int queue, const struct model_part *part,
		unsigned int parts)
{
	struct vring_desc *table = model_at(m, queue * QUEUE_BYTES);
	struct vring_avail *available = model_at(m, queue * QUEUE_BYTES + AVAILABLE);
	__u16 size = m->device->queue[queue].ring.layout.size;
	__u16 head = m->next_desc[queue] % size, at;
	unsigned int i;

	for (i = 0; i < parts; i++) {
		at = m->next_desc[queue]++ % size;
		table[at] = (struct vring_desc) {
			.addr = part[i].at,
			.len = part[i].len,
			.flags = (part[i].write ? VRING_DESC_F_WRITE : 0) |
				 (i + 1 < parts ? VRING_DESC_F_NEXT : 0),
			.next = (at + 1) % size,
		};
	}
	available->ring[available->idx % size] = head;
	available->idx++;
	virtio_kick(m->device, queue);
	return head;
}

/* The next buffer that was given back. Return: its first descriptor, or -1 if there is none. */
int model_used(struct model *m, unsigned int queue, __u32 *len)
{
	struct vring_used *used = model_at(m, queue * QUEUE_BYTES + USED);
	__u16 size = m->device->queue[queue].ring.layout.size;
	struct vring_used_elem *element = &used->ring[m->next_used[queue] % size];

	if (used->idx == m->next_used[queue])
		return -1;
	m->next_used[queue]++;
	*len = element->len;
	return element->id;
}
