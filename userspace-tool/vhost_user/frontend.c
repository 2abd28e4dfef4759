// SPDX-License-Identifier: GPL-2.0-only
/*
 * The front end's requests: see frontend.h, and "Front-end message types" of the protocol.
 *
 * Every answer is checked: request, flags, size, descriptors, and that its values make sense. A
 * back end that breaks the protocol is left; it has no way to this process's memory but the
 * guest's, which is not trusted anyway. Where both sides have REPLY_ACK, each request that has no
 * answer of its own waits for the back end's word that it is done.
 *
 * The caller lets one thread at a time use a connection. Pure: unit tests play the peer.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "compiler.h"
#include "vhost_user/frontend.h"

/**
 * frontend_connect() - connect to a back end
 * @f: receives the connection
 * @path: of its socket
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int frontend_connect(struct frontend *f, const char *path, struct sentence *why)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	memset(f, 0, sizeof(*f));
	f->socket = -1;
	f->left_ms = FRONTEND_TIMEOUT_MS;
	if (strlen(path) >= sizeof(to.sun_path))
		return say(why, "The path of the socket %s is longer than %zu bytes.", path,
			   sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, path, strlen(path));
	/* A blocking connect() waits for the peer while its backlog is full. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		say(why, "The vhost-user back end at %s cannot be reached: %s.", path,
		    strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	f->socket = fd;
	return 0;
}

void frontend_close(struct frontend *f)
{
	if (f->socket >= 0)
		close(f->socket);
	f->socket = -1;
}

/* Receive the answer to @request, of @least bytes or more. The descriptors are the caller's. */
static int answer(struct frontend *f, struct vhost_user_message *m, __u32 request, __u32 least,
		  unsigned int fds, struct sentence *why)
{
	int ret = message_receive(f->socket, m, &f->left_ms, why);

	if (ret < 0)
		return -1;
	if (!ret)
		return say(why, "The back end went away instead of answering %s.",
			   message_name(request));
	if (m->header.request != request || !(m->header.flags & VHOST_USER_REPLY))
		say(why, "The back end answers %s with %s.", message_name(request),
		    message_name(m->header.request));
	else if (m->header.size < least)
		say(why, "The back end answers %s with %u bytes, not %u.", message_name(request),
		    m->header.size, least);
	else if (m->fds != fds)
		say(why, "The back end answers %s with %u descriptors, not %u.",
		    message_name(request), m->fds, fds);
	else
		return 0;
	message_drop_fds(m);
	return -1;
}

/* A request that has an answer; @m holds the one and receives the other. */
static int ask(struct frontend *f, struct vhost_user_message *m, __u32 request, __u32 size,
	       __u32 least, unsigned int fds, struct sentence *why)
{
	m->header.request = request;
	m->header.flags = VHOST_USER_VERSION;
	m->header.size = size;
	if (message_send(f->socket, m, &f->left_ms, why))
		return -1;
	return answer(f, m, request, least, fds, why);
}

/* A request that has none: with REPLY_ACK, the back end says that it is done. */
static int tell(struct frontend *f, struct vhost_user_message *m, __u32 request, __u32 size,
		struct sentence *why)
{
	bool ack = frontend_has(f, VHOST_USER_PROTOCOL_F_REPLY_ACK);

	m->header.request = request;
	m->header.flags = VHOST_USER_VERSION | (ack ? VHOST_USER_NEED_REPLY : 0);
	m->header.size = size;
	if (message_send(f->socket, m, &f->left_ms, why))
		return -1;
	if (!ack)
		return 0;
	if (answer(f, m, request, sizeof(m->payload.number), 0, why))
		return -1;
	if (m->payload.number)
		return say(why, "The back end refuses %s.", message_name(request));
	return 0;
}

static int ask_number(struct frontend *f, __u32 request, __u64 *number, struct sentence *why)
{
	struct vhost_user_message m = { };

	if (ask(f, &m, request, 0, sizeof(m.payload.number), 0, why))
		return -1;
	*number = m.payload.number;
	return 0;
}

static int tell_number(struct frontend *f, __u32 request, __u64 number, struct sentence *why)
{
	struct vhost_user_message m = { .payload.number = number };

	return tell(f, &m, request, sizeof(m.payload.number), why);
}

static int tell_state(struct frontend *f, __u32 request, __u32 queue, __u32 num,
		      struct sentence *why)
{
	struct vhost_user_message m = { .payload.state = { queue, num } };

	return tell(f, &m, request, sizeof(m.payload.state), why);
}

/**
 * frontend_negotiate() - find out what the back end can do, and make it ours
 * @f: the connection
 * @wanted: protocol features that this side has
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int frontend_negotiate(struct frontend *f, __u64 wanted, struct sentence *why)
{
	struct vhost_user_message m = { };
	__u64 offered, queues;

	f->queues = 1;
	f->protocol = 0;
	if (ask_number(f, VHOST_USER_GET_FEATURES, &f->features, why))
		return -1;
	f->has_protocol = f->features >> VHOST_USER_F_PROTOCOL_FEATURES & 1;
	f->features &= ~BIT_ULL(VHOST_USER_F_PROTOCOL_FEATURES);
	if (f->has_protocol) {
		if (ask_number(f, VHOST_USER_GET_PROTOCOL_FEATURES, &offered, why) ||
		    tell_number(f, VHOST_USER_SET_PROTOCOL_FEATURES, offered & wanted, why))
			return -1;
		f->protocol = offered & wanted;
	}
	if (frontend_has(f, VHOST_USER_PROTOCOL_F_MQ)) {
		if (ask_number(f, VHOST_USER_GET_QUEUE_NUM, &queues, why))
			return -1;
		if (!queues || queues > VHOST_USER_VRING_INDEX_MASK + 1)
			return say(why, "The back end says that it serves %llu queues.", queues);
		f->queues = queues;
	}
	return tell(f, &m, VHOST_USER_SET_OWNER, 0, why);
}

/**
 * frontend_get_config() - read the device's configuration space from its beginning
 * @f: the connection, with VHOST_USER_PROTOCOL_F_CONFIG
 * @config: receives it
 * @size: bytes, at most VHOST_USER_CONFIG_MAX
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int frontend_get_config(struct frontend *f, void *config, unsigned int size, struct sentence *why)
{
	struct vhost_user_message m = { .payload.config.size = size };

	/* A refusal is an answer without a payload. */
	if (ask(f, &m, VHOST_USER_GET_CONFIG, VHOST_USER_CONFIG_HEADER + size, 0, 0, why))
		return -1;
	if (m.header.size != VHOST_USER_CONFIG_HEADER + size || m.payload.config.offset ||
	    m.payload.config.size != size)
		return say(why, "The back end does not give the %u bytes of configuration that its device has.",
			   size);
	memcpy(config, m.payload.config.data, size);
	return 0;
}

/* The driver has written to the configuration: @size bytes at @offset. Return: 0, or -1. */
int frontend_set_config(struct frontend *f, unsigned int offset, const void *data,
			unsigned int size, struct sentence *why)
{
	struct vhost_user_message m = { .payload.config = { .offset = offset, .size = size } };

	memcpy(m.payload.config.data, data, size);
	return tell(f, &m, VHOST_USER_SET_CONFIG, VHOST_USER_CONFIG_HEADER + size, why);
}

/* The features that the driver has accepted. Return: 0, or -1. */
int frontend_set_features(struct frontend *f, __u64 features, struct sentence *why)
{
	/* With this bit, queues begin disabled and are enabled by a message. */
	if (f->has_protocol)
		features |= BIT_ULL(VHOST_USER_F_PROTOCOL_FEATURES);
	return tell_number(f, VHOST_USER_SET_FEATURES, features, why);
}

/**
 * frontend_set_memory() - share the guest's memory
 * @f: the connection
 * @ram: the guest's memory, mapped MAP_SHARED
 * @ram_fd: the memfd that it is a mapping of: low memory first, high memory behind it
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int frontend_set_memory(struct frontend *f, const struct guest_ram *ram, int ram_fd,
			struct sentence *why)
{
	struct vhost_user_message m = { .fds = 1, .fd[0] = ram_fd };
	struct vhost_user_memory *t = &m.payload.memory;

	t->count = 1;
	t->region[0] = (struct vhost_user_region) {
		.size = ram->low_size,
		.address = (unsigned long)ram->low,
	};
	if (ram->high) {
		t->region[1] = (struct vhost_user_region) {
			.gpa = GUEST_HIGH_RAM_BASE,
			.size = ram->high_size,
			.address = (unsigned long)ram->high,
			.offset = ram->low_size,
		};
		m.fd[m.fds++] = ram_fd;
		t->count++;
	}
	return tell(f, &m, VHOST_USER_SET_MEM_TABLE,
		    VHOST_USER_MEMORY_HEADER + t->count * sizeof(t->region[0]), why);
}

/**
 * frontend_get_inflight() - have the back end make the memory in which it notes what it works on
 * @f: the connection, with VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD
 * @inflight: number and size of the queues; receives size and offset of the memory
 * @fd: receives its descriptor, the caller's to close
 * @why: receives the sentence on failure
 *
 * This side never maps the memory; it only keeps it for the back end's successor.
 *
 * Return: 0, or -1.
 */
int frontend_get_inflight(struct frontend *f, struct vhost_user_inflight *inflight, int *fd,
			  struct sentence *why)
{
	struct vhost_user_message m = { .payload.inflight = *inflight };

	if (ask(f, &m, VHOST_USER_GET_INFLIGHT_FD, sizeof(m.payload.inflight),
		VHOST_USER_INFLIGHT_MIN, 1, why))
		return -1;
	inflight->size = m.payload.inflight.size;
	inflight->offset = m.payload.inflight.offset;
	*fd = m.fd[0];
	return 0;
}

/* Give that memory to a back end. Return: 0, or -1. */
int frontend_set_inflight(struct frontend *f, const struct vhost_user_inflight *inflight, int fd,
			  struct sentence *why)
{
	struct vhost_user_message m = { .payload.inflight = *inflight, .fds = 1, .fd[0] = fd };

	return tell(f, &m, VHOST_USER_SET_INFLIGHT_FD, sizeof(m.payload.inflight), why);
}

static int tell_descriptor(struct frontend *f, __u32 request, unsigned int queue, int fd,
			   struct sentence *why)
{
	struct vhost_user_message m = { .payload.number = queue, .fds = 1, .fd[0] = fd };

	return tell(f, &m, request, sizeof(m.payload.number), why);
}

/* Give a queue to the back end, memory and features being there. Return: 0, or -1. */
int frontend_start_queue(struct frontend *f, const struct frontend_queue *q, struct sentence *why)
{
	struct vhost_user_message m = {
		.payload.addr = {
			.index = q->index,
			.descriptors = (unsigned long)q->descriptors,
			.used = (unsigned long)q->used,
			.available = (unsigned long)q->available,
		},
	};

	if (tell_state(f, VHOST_USER_SET_VRING_NUM, q->index, q->size, why) ||
	    tell_state(f, VHOST_USER_SET_VRING_BASE, q->index, q->base, why) ||
	    tell(f, &m, VHOST_USER_SET_VRING_ADDR, sizeof(m.payload.addr), why) ||
	    tell_descriptor(f, VHOST_USER_SET_VRING_CALL, q->index, q->call, why) ||
	    tell_descriptor(f, VHOST_USER_SET_VRING_KICK, q->index, q->kick, why))
		return -1;
	return f->has_protocol ?
	       tell_state(f, VHOST_USER_SET_VRING_ENABLE, q->index, 1, why) : 0;
}

/* Take a queue back: on return the back end has nothing of it in flight. Return: 0, or -1. */
int frontend_stop_queue(struct frontend *f, unsigned int queue, struct sentence *why)
{
	struct vhost_user_message m = { .payload.state.index = queue };

	if (ask(f, &m, VHOST_USER_GET_VRING_BASE, sizeof(m.payload.state),
		sizeof(m.payload.state), 0, why))
		return -1;
	if (m.payload.state.index != queue)
		return say(why, "The back end answers for queue %u, not %u.",
			   m.payload.state.index, queue);
	return 0;
}

/* Wait until the back end has done all that it was told. Return: 0, or -1: it is gone. */
int frontend_fence(struct frontend *f, struct sentence *why)
{
	__u64 features;

	return ask_number(f, VHOST_USER_GET_FEATURES, &features, why);
}
