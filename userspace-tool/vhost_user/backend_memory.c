// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that a back end shares with its front end: the guest's, by SET_MEM_TABLE, and the one in
 * which it notes what it works on, by GET_INFLIGHT_FD and SET_INFLIGHT_FD ("Inflight I/O tracking"
 * of vhost-user, for split virtqueues).
 *
 * The note of a buffer is made before the buffer is touched and taken back after the driver can see
 * that it is done. A process that dies between the two leaves the note, and the front end keeps the
 * memory for the next one. Relies on buffers being served one after the other: then all that a
 * successor has to know is that the used ring's index is where it goes on.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler.h"
#include "vhost_user/backend.h"

#define PAGE		4096ULL
#define INFLIGHT_VERSION 1

struct inflight_entry {
	__u8 busy;
	__u8 padding[5];
	__u16 next;
	__u64 counter;
};

struct inflight_queue {
	__u64 features;
	__u16 version;
	__u16 size;
	__u16 last_batch_head;
	__u16 used_idx;
	struct inflight_entry entry[VIRTQUEUE_SIZE_MAX];
};

/* ---- the guest's memory ---------------------------------------------------------------------- */

void backend_drop_memory(struct backend *b)
{
	unsigned int i;

	for (i = 0; i < b->ram.others; i++)
		munmap(b->mapping[i].map, b->mapping[i].map_size);
	b->ram.others = 0;
}

/* Is there so much of what @fd stands for? What ends earlier would be a SIGBUS later. */
static bool is_long_enough(int fd, __u64 offset, __u64 size)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size >= 0 && offset <= (__u64)st.st_size &&
	       size <= (__u64)st.st_size - offset;
}

static void *map_shared(int fd, __u64 offset, __u64 size, void **map, size_t *map_size)
{
	__u64 begin = offset & ~(PAGE - 1);

	if (!size || !is_long_enough(fd, offset, size))
		return NULL;
	*map_size = offset - begin + size;
	*map = mmap(NULL, *map_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		    begin);
	return *map == MAP_FAILED ? NULL : (__u8 *)*map + (offset - begin);
}

/**
 * backend_set_memory() - map the guest's memory; what was mapped before is given back
 * @b: the connection, no queue of which runs
 * @m: SET_MEM_TABLE
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int backend_set_memory(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	const struct vhost_user_memory *t = &m->payload.memory;
	unsigned int i;

	backend_drop_memory(b);
	if (t->count > VHOST_USER_REGIONS_MAX || m->fds != t->count ||
	    m->header.size < VHOST_USER_MEMORY_HEADER + t->count * sizeof(t->region[0]))
		return say(why, "The table of memory has %u stretches, %u descriptors and %u bytes.",
			   t->count, m->fds, m->header.size);
	b->ram.other = b->stretch;
	for (i = 0; i < t->count; i++) {
		const struct vhost_user_region *r = &t->region[i];
		struct guest_stretch *s = &b->stretch[i];

		*s = (struct guest_stretch) { .gpa = r->gpa, .size = r->size };
		b->mapping[i].address = r->address;
		if (r->gpa + r->size >= r->gpa && r->address + r->size >= r->address)
			s->at = map_shared(m->fd[i], r->offset, r->size, &b->mapping[i].map,
					   &b->mapping[i].map_size);
		if (!s->at)
			return say(why, "The guest's memory at 0x%llx cannot be mapped: %llu bytes at 0x%llx of what the front end sends.",
				   r->gpa, r->size, r->offset);
		b->ram.others++;
	}
	return 0;
}

/* The guest-physical address of an address of the front end's. Return: whether it is memory. */
bool backend_gpa(const struct backend *b, __u64 address, __u64 *gpa)
{
	unsigned int i;

	for (i = 0; i < b->ram.others; i++) {
		__u64 offset = address - b->mapping[i].address;

		if (address >= b->mapping[i].address && offset < b->stretch[i].size) {
			*gpa = b->stretch[i].gpa + offset;
			return true;
		}
	}
	return false;
}

/* ---- what is being worked on ----------------------------------------------------------------- */

void backend_drop_inflight(struct backend *b)
{
	if (b->inflight)
		munmap(b->inflight_map, b->inflight_size);
	b->inflight = NULL;
}

static int map_inflight(struct backend *b, int fd, const struct vhost_user_inflight *i,
			struct sentence *why)
{
	void *at;

	backend_drop_inflight(b);
	if (i->queues > b->device->queues || i->queue_size > VIRTQUEUE_SIZE_MAX ||
	    i->size < b->device->queues * sizeof(struct inflight_queue) || i->offset % PAGE)
		return say(why, "The memory of what is in flight has %llu bytes at %llu, for %u queues of %u entries.",
			   i->size, i->offset, i->queues, i->queue_size);
	at = map_shared(fd, i->offset, i->size, &b->inflight_map, &b->inflight_size);
	if (!at)
		return say(why, "The memory of what is in flight cannot be mapped.");
	b->inflight = at;
	return 0;
}

/**
 * backend_make_inflight() - make the memory, and the answer to GET_INFLIGHT_FD
 * @b: the connection
 * @m: the request; becomes the answer
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int backend_make_inflight(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	struct vhost_user_inflight *i = &m->payload.inflight;
	int fd = memfd_create("inflight", MFD_CLOEXEC);

	i->size = b->device->queues * sizeof(struct inflight_queue);
	i->offset = 0;
	if (fd < 0 || ftruncate(fd, i->size)) {
		say(why, "Memory for what is in flight cannot be had: %s.", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (map_inflight(b, fd, i, why)) {
		close(fd);
		return -1;
	}
	m->header.size = sizeof(*i);
	m->fd[0] = fd;
	m->fds = 1;
	return 0;
}

/* SET_INFLIGHT_FD: the memory of this back end, or of one before it. Return: 0, or -1. */
int backend_set_inflight(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	if (m->fds != 1)
		return say(why, "The message %s has no descriptor.",
			   message_name(m->header.request));
	return map_inflight(b, m->fd[0], &m->payload.inflight, why);
}

static struct inflight_queue *notes(const struct backend *b, unsigned int queue)
{
	return b->inflight ? (struct inflight_queue *)b->inflight + queue : NULL;
}

/**
 * inflight_begin() - a queue begins
 * @b: the connection
 * @queue: the queue, whose ring is valid
 *
 * Return: whether a back end has served the queue before; then it goes on behind the last buffer
 * that was given back.
 */
bool inflight_begin(struct backend *b, unsigned int queue)
{
	struct inflight_queue *i = notes(b, queue);
	unsigned int n;

	if (!i)
		return false;
	if (i->version == INFLIGHT_VERSION && i->size == b->queue[queue].size) {
		for (n = 0; n < VIRTQUEUE_SIZE_MAX; n++)
			i->entry[n].busy = 0;
		return true;
	}
	memset(i, 0, sizeof(*i));
	i->size = b->queue[queue].size;
	i->version = INFLIGHT_VERSION;
	return false;
}

/* Buffer @id is about to be served. */
void inflight_taken(struct backend *b, unsigned int queue, __u16 id)
{
	struct inflight_queue *i = notes(b, queue);

	if (!i)
		return;
	i->entry[id].counter++;
	__atomic_store_n(&i->entry[id].busy, 1, __ATOMIC_RELEASE);
}

/* Buffer @id was given back. */
void inflight_done(struct backend *b, unsigned int queue, __u16 id)
{
	struct inflight_queue *i = notes(b, queue);

	if (!i)
		return;
	i->last_batch_head = id;
	__atomic_store_n(&i->entry[id].busy, 0, __ATOMIC_RELEASE);
	i->used_idx = b->queue[queue].ring.next_used;
}
