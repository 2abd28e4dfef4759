// SPDX-License-Identifier: GPL-2.0-only
/*
 * The back end's side of vhost-user: see backend.h, and "Front-end message types" of the protocol.
 * It serves split virtqueues by virtqueue.c, in the order in which the driver fills them, one
 * buffer at a time: what was not finished when a back end died is what its successor begins with.
 *
 * The front end and the guest behind it are not trusted: each message is checked, a wrong one ends
 * the connection (or is answered by "no" where the front end has asked for an answer). One thread
 * does everything. Relies on the caller's poll() for descriptors, and on its handler for SIGBUS: a
 * front end can take back memory that it has given. Pure otherwise.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "terminal/message.h"
#include "vhost_user/backend.h"

#define QUEUE_FEATURES	(BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | \
			 BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | BIT_ULL(VIRTIO_F_VERSION_1) | \
			 BIT_ULL(VIRTIO_F_RING_RESET) | \
			 BIT_ULL(VHOST_USER_F_PROTOCOL_FEATURES))
#define PROTOCOL	(BIT_ULL(VHOST_USER_PROTOCOL_F_MQ) | \
			 BIT_ULL(VHOST_USER_PROTOCOL_F_REPLY_ACK) | \
			 BIT_ULL(VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD) | \
			 BIT_ULL(VHOST_USER_PROTOCOL_F_RESET_DEVICE))

/* What a handler returns, beside -1 */
enum { DONE, REPLY };

typedef int (*handler)(struct backend *b, struct vhost_user_message *m, struct sentence *why);

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- a queue's life -------------------------------------------------------------------------- */

static bool has_protocol(const struct backend *b)
{
	return b->features >> VHOST_USER_F_PROTOCOL_FEATURES & 1;
}

/* Begin with a queue as soon as everything is known of it. */
static int start_queue(struct backend *b, unsigned int i, struct sentence *why)
{
	struct backend_queue *q = &b->queue[i];
	struct virtqueue_layout layout = {
		.size = q->size,
		.indirect = b->features >> VIRTIO_RING_F_INDIRECT_DESC & 1,
		.event_index = b->features >> VIRTIO_RING_F_EVENT_IDX & 1,
	};

	if (q->running || !q->has_addresses || q->kick < 0 || !q->size || !b->ram.others ||
	    (has_protocol(b) && !q->enabled))
		return 0;
	if (!backend_gpa(b, q->descriptors, &layout.descriptors) ||
	    !backend_gpa(b, q->available, &layout.driver) ||
	    !backend_gpa(b, q->used, &layout.device))
		return say(why, "Queue %u lies outside the memory that the front end shares.", i);
	if (virtqueue_enable(&q->ring, &layout, &b->ram))
		return say(why, "Queue %u is wrong: %s.", i, q->ring.broken);
	q->ring.next_used = q->ring.used->idx;
	q->ring.signalled = q->ring.next_used;
	q->ring.next_avail = inflight_begin(b, i) ? q->ring.next_used : q->base;
	q->running = true;
	return 0;
}

static void stop_queue(struct backend_queue *q)
{
	if (q->running)
		q->base = q->ring.next_avail;
	q->running = false;
}

/**
 * backend_kicked() - serve a queue
 * @b: the connection
 * @queue: which; its descriptor was ready
 *
 * It takes at most as many buffers as the queue has, so that a driver that never ends does not
 * keep messages waiting; then it makes up a notification for what is left.
 */
void backend_kicked(struct backend *b, unsigned int queue)
{
	struct backend_queue *q = &b->queue[queue];
	const __u64 one = 1;
	struct virtqueue_chain chain;
	unsigned int left = q->size;
	ssize_t ignored;
	__u64 count;
	__u32 written;
	int ret = 0;

	ignored = read(q->kick, &count, sizeof(count));
	if (!q->running)
		return;
	virtqueue_notify_off(&q->ring);
	do {
		while (left && (ret = virtqueue_pop(&q->ring, &chain)) > 0) {
			left--;
			inflight_taken(b, queue, chain.id);
			written = b->device->serve(b->device->opaque, &chain);
			virtqueue_push(&q->ring, &chain, written);
			inflight_done(b, queue, chain.id);
		}
	} while (virtqueue_notify_on(&q->ring) && left);
	if (!left)
		ignored = write(q->kick, &one, sizeof(one));
	if (virtqueue_wants_interrupt(&q->ring) && q->call >= 0)
		ignored = write(q->call, &one, sizeof(one));
	(void)ignored;	/* a descriptor that is full or no eventfd is the peer's own loss */
	if (ret < 0) {
		message(MESSAGE_WARNING, "%s: the guest's driver broke a rule of virtio: %s.",
			b->device->name, q->ring.broken);
		stop_queue(q);
		drop(&q->kick);
	}
}

static void stop_all(struct backend *b)
{
	unsigned int i;

	for (i = 0; i < BACKEND_QUEUES_MAX; i++) {
		struct backend_queue *q = &b->queue[i];

		drop(&q->kick);
		drop(&q->call);
		memset(q, 0, sizeof(*q));
		q->kick = -1;
		q->call = -1;
	}
}

/* ---- messages -------------------------------------------------------------------------------- */

static int reply_number(struct vhost_user_message *m, __u64 number)
{
	message_drop_fds(m);
	m->header.size = sizeof(m->payload.number);
	m->payload.number = number;
	return REPLY;
}

static int get_features(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	(void)why;
	return reply_number(m, QUEUE_FEATURES | b->device->features);
}

static int set_features(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	__u64 unknown = m->payload.number & ~(QUEUE_FEATURES | b->device->features);

	if (unknown)
		return say(why, "The front end accepts features that were not offered: 0x%llx.",
			   unknown);
	b->features = m->payload.number;
	return DONE;
}

static __u64 protocol_features(const struct backend *b)
{
	return PROTOCOL | (b->device->config ? BIT_ULL(VHOST_USER_PROTOCOL_F_CONFIG) : 0);
}

static int get_protocol(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	(void)why;
	return reply_number(m, protocol_features(b));
}

static int set_protocol(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	__u64 unknown = m->payload.number & ~protocol_features(b);

	if (unknown)
		return say(why,
			   "The front end accepts protocol features that were not offered: 0x%llx.",
			   unknown);
	b->protocol = m->payload.number;
	return DONE;
}

static int set_owner(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	(void)b;
	(void)m;
	(void)why;
	return DONE;
}

/* All queues stop, and are told anew; only where interrupts go stays known. */
static int reset(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	unsigned int i;

	(void)m;
	(void)why;
	for (i = 0; i < BACKEND_QUEUES_MAX; i++) {
		struct backend_queue *q = &b->queue[i];

		drop(&q->kick);
		*q = (struct backend_queue) { .kick = -1, .call = q->call };
	}
	backend_drop_inflight(b);
	return DONE;
}

static int get_queue_num(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	(void)why;
	return reply_number(m, b->device->queues);
}

/* The queues are elsewhere in this process now, and stand where they stood. */
static int set_memory(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	bool ran[BACKEND_QUEUES_MAX];
	unsigned int i;

	for (i = 0; i < BACKEND_QUEUES_MAX; i++) {
		ran[i] = b->queue[i].running;
		stop_queue(&b->queue[i]);
	}
	if (backend_set_memory(b, m, why))
		return -1;
	for (i = 0; i < BACKEND_QUEUES_MAX; i++)
		if (ran[i] && start_queue(b, i, why))
			return -1;
	return DONE;
}

static struct backend_queue *queue_of(struct backend *b, __u32 index, struct sentence *why)
{
	if (index < b->device->queues)
		return &b->queue[index];
	say(why, "The front end means queue %u of a device that has %u.", index,
	    b->device->queues);
	return NULL;
}

static int set_num(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	struct backend_queue *q = queue_of(b, m->payload.state.index, why);

	if (!q)
		return -1;
	if (!m->payload.state.num || m->payload.state.num > VIRTQUEUE_SIZE_MAX || q->running)
		return say(why, "A queue of %u entries cannot be served, or not now.",
			   m->payload.state.num);
	q->size = m->payload.state.num;
	return DONE;
}

static int set_base(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	struct backend_queue *q = queue_of(b, m->payload.state.index, why);

	if (!q)
		return -1;
	if (m->payload.state.num > 0xffff || q->running)
		return say(why, "A queue cannot begin at %u, or not now.", m->payload.state.num);
	q->base = m->payload.state.num;
	return DONE;
}

static int set_addr(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	struct backend_queue *q = queue_of(b, m->payload.addr.index, why);

	if (!q)
		return -1;
	if (m->payload.addr.flags)
		return say(why, "The front end wants a log of writes, which was not offered.");
	stop_queue(q);
	q->descriptors = m->payload.addr.descriptors;
	q->available = m->payload.addr.available;
	q->used = m->payload.addr.used;
	q->has_addresses = true;
	return start_queue(b, m->payload.addr.index, why);
}

static int get_base(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	struct backend_queue *q = queue_of(b, m->payload.state.index, why);

	if (!q)
		return -1;
	stop_queue(q);
	drop(&q->kick);
	m->payload.state.num = q->base;
	return REPLY;
}

/* Take the descriptor of a message that is about a queue, for good; -1 where it says "none". */
static int take_fd(struct vhost_user_message *m, int *fd, struct sentence *why)
{
	bool none = m->payload.number & VHOST_USER_VRING_NO_FD;

	if (m->fds != !none)
		return say(why, "The message %s has %u descriptors.",
			   message_name(m->header.request), m->fds);
	drop(fd);
	if (none)
		return 0;
	*fd = m->fd[0];
	m->fd[0] = -1;
	/* An eventfd does not block for long; what else this may be must not at all. */
	fcntl(*fd, F_SETFL, fcntl(*fd, F_GETFL) | O_NONBLOCK);
	return 0;
}

static int set_kick(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	__u32 index = m->payload.number & VHOST_USER_VRING_INDEX_MASK;
	struct backend_queue *q = queue_of(b, index, why);

	if (!q || take_fd(m, &q->kick, why))
		return -1;
	if (q->kick < 0)
		return say(why, "A queue without notifications is not served.");
	return start_queue(b, index, why);
}

static int set_call(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	struct backend_queue *q = queue_of(b, m->payload.number & VHOST_USER_VRING_INDEX_MASK,
					   why);

	if (!q || take_fd(m, &q->call, why))
		return -1;
	return DONE;
}

/* Errors are said on standard error, and this descriptor is not kept. */
static int set_err(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	return queue_of(b, m->payload.number & VHOST_USER_VRING_INDEX_MASK, why) ? DONE : -1;
}

static int set_enable(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	struct backend_queue *q = queue_of(b, m->payload.state.index, why);

	if (!q)
		return -1;
	q->enabled = m->payload.state.num;
	if (!q->enabled)
		stop_queue(q);
	return start_queue(b, m->payload.state.index, why);
}

/* What lies behind the configuration's end reads as zeros; a request that is wrong gets nothing. */
static int get_config(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	struct vhost_user_config *c = &m->payload.config;
	__u32 i;

	(void)why;
	if (!b->device->config || c->size > VHOST_USER_CONFIG_MAX ||
	    c->offset > VHOST_USER_CONFIG_MAX - c->size ||
	    m->header.size != VHOST_USER_CONFIG_HEADER + c->size) {
		m->header.size = 0;
		return REPLY;
	}
	for (i = 0; i < c->size; i++)
		c->data[i] = c->offset + i < b->device->config_size ?
			     b->device->config[c->offset + i] : 0;
	return REPLY;
}

static int set_config(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	(void)b;
	(void)m;
	return say(why, "The configuration of this device cannot be written.");
}

static int get_inflight(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	return backend_make_inflight(b, m, why) ? -1 : REPLY;
}

static int set_inflight(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	return backend_set_inflight(b, m, why) ? -1 : DONE;
}

#define NUMBER	sizeof(__u64)
#define STATE	sizeof(struct vhost_user_vring_state)

/* Each request: the bytes that its payload has at least, the descriptors that it may have. */
static const struct request {
	handler handle;
	__u32 least;
	unsigned int fds;
} requests[] = {
	[VHOST_USER_GET_FEATURES] = { get_features, 0, 0 },
	[VHOST_USER_SET_FEATURES] = { set_features, NUMBER, 0 },
	[VHOST_USER_SET_OWNER] = { set_owner, 0, 0 },
	[VHOST_USER_RESET_OWNER] = { reset, 0, 0 },
	[VHOST_USER_SET_MEM_TABLE] = { set_memory, VHOST_USER_MEMORY_HEADER,
				       VHOST_USER_REGIONS_MAX },
	[VHOST_USER_SET_VRING_NUM] = { set_num, STATE, 0 },
	[VHOST_USER_SET_VRING_ADDR] = { set_addr, sizeof(struct vhost_user_vring_addr), 0 },
	[VHOST_USER_SET_VRING_BASE] = { set_base, STATE, 0 },
	[VHOST_USER_GET_VRING_BASE] = { get_base, STATE, 0 },
	[VHOST_USER_SET_VRING_KICK] = { set_kick, NUMBER, 1 },
	[VHOST_USER_SET_VRING_CALL] = { set_call, NUMBER, 1 },
	[VHOST_USER_SET_VRING_ERR] = { set_err, NUMBER, 1 },
	[VHOST_USER_GET_PROTOCOL_FEATURES] = { get_protocol, 0, 0 },
	[VHOST_USER_SET_PROTOCOL_FEATURES] = { set_protocol, NUMBER, 0 },
	[VHOST_USER_GET_QUEUE_NUM] = { get_queue_num, 0, 0 },
	[VHOST_USER_SET_VRING_ENABLE] = { set_enable, STATE, 0 },
	[VHOST_USER_GET_CONFIG] = { get_config, VHOST_USER_CONFIG_HEADER, 0 },
	[VHOST_USER_SET_CONFIG] = { set_config, VHOST_USER_CONFIG_HEADER, 0 },
	[VHOST_USER_GET_INFLIGHT_FD] = { get_inflight, VHOST_USER_INFLIGHT_MIN, 0 },
	[VHOST_USER_SET_INFLIGHT_FD] = { set_inflight, VHOST_USER_INFLIGHT_MIN, 1 },
	[VHOST_USER_RESET_DEVICE] = { reset, 0, 0 },
};

static int handle(struct backend *b, struct vhost_user_message *m, struct sentence *why)
{
	const char *name = message_name(m->header.request);
	const struct request *r;

	if (m->header.request >= ARRAY_SIZE(requests) || !requests[m->header.request].handle)
		return say(why, "The front end asks for what was not offered: request %u.",
			   m->header.request);
	r = &requests[m->header.request];
	if (m->header.size < r->least)
		return say(why, "The message %s has %u bytes, not %u.", name, m->header.size,
			   r->least);
	if (m->fds > r->fds)
		return say(why, "The message %s has %u descriptors.", name, m->fds);
	return r->handle(b, m, why);
}

/**
 * backend_message() - receive a message of the front end, and do what it says
 * @b: the connection
 * @timeout_ms: how long to wait for the rest of it, and to answer, in milliseconds
 * @why: receives the sentence on failure
 *
 * Return: 1; 0 when the front end has closed the connection; -1: the connection has to end.
 */
int backend_message(struct backend *b, int timeout_ms, struct sentence *why)
{
	struct vhost_user_message m;
	__u32 request;
	bool ack;
	int ret;

	ret = message_receive(b->socket, &m, &timeout_ms, why);
	if (ret <= 0)
		return ret;
	request = m.header.request;
	ack = m.header.flags & VHOST_USER_NEED_REPLY &&
	      b->protocol & BIT_ULL(VHOST_USER_PROTOCOL_F_REPLY_ACK);
	ret = handle(b, &m, why);
	if (ret < 0 && ack)
		message(MESSAGE_WARNING, "%s: %s", b->device->name, why->text);
	if (ret != REPLY && ack)
		ret = reply_number(&m, ret < 0);
	if (ret == REPLY) {
		m.header.request = request;
		m.header.flags = VHOST_USER_VERSION | VHOST_USER_REPLY;
		ret = message_send(b->socket, &m, &timeout_ms, why);
	}
	message_drop_fds(&m);
	return ret < 0 ? -1 : 1;
}

/* ---- the connection -------------------------------------------------------------------------- */

/**
 * backend_open() - begin with a front end
 * @b: receives the connection
 * @device: what is served
 * @socket: connected; belongs to @b from now on
 */
void backend_open(struct backend *b, const struct backend_device *device, int socket)
{
	unsigned int i;

	memset(b, 0, sizeof(*b));
	b->device = device;
	b->socket = socket;
	for (i = 0; i < BACKEND_QUEUES_MAX; i++) {
		b->queue[i].kick = -1;
		b->queue[i].call = -1;
	}
}

/* The front end is gone: give everything back that was its. */
void backend_close(struct backend *b)
{
	stop_all(b);
	backend_drop_inflight(b);
	backend_drop_memory(b);
	drop(&b->socket);
}
