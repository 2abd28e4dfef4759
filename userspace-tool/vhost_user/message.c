// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending and receiving vhost-user's messages: see message.h. Descriptors travel as SCM_RIGHTS,
 * see unix(7): the kernel installs them in the receiver's table while it copies the first byte.
 *
 * The peer is not trusted. A message that is too long, has another version, or brings more
 * descriptors than any request has is refused, and its descriptors are closed. The caller has a
 * time for all that it waits for the peer, so that one that sends a byte now and then, or reads
 * nothing, does not hold it. Relies on the caller to compare the payload's size with the request.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "compiler.h"
#include "vhost_user/message.h"

static const char *const names[] = {
	[VHOST_USER_GET_FEATURES] = "GET_FEATURES",
	[VHOST_USER_SET_FEATURES] = "SET_FEATURES",
	[VHOST_USER_SET_OWNER] = "SET_OWNER",
	[VHOST_USER_RESET_OWNER] = "RESET_OWNER",
	[VHOST_USER_SET_MEM_TABLE] = "SET_MEM_TABLE",
	[VHOST_USER_SET_VRING_NUM] = "SET_VRING_NUM",
	[VHOST_USER_SET_VRING_ADDR] = "SET_VRING_ADDR",
	[VHOST_USER_SET_VRING_BASE] = "SET_VRING_BASE",
	[VHOST_USER_GET_VRING_BASE] = "GET_VRING_BASE",
	[VHOST_USER_SET_VRING_KICK] = "SET_VRING_KICK",
	[VHOST_USER_SET_VRING_CALL] = "SET_VRING_CALL",
	[VHOST_USER_SET_VRING_ERR] = "SET_VRING_ERR",
	[VHOST_USER_GET_PROTOCOL_FEATURES] = "GET_PROTOCOL_FEATURES",
	[VHOST_USER_SET_PROTOCOL_FEATURES] = "SET_PROTOCOL_FEATURES",
	[VHOST_USER_GET_QUEUE_NUM] = "GET_QUEUE_NUM",
	[VHOST_USER_SET_VRING_ENABLE] = "SET_VRING_ENABLE",
	[VHOST_USER_GET_CONFIG] = "GET_CONFIG",
	[VHOST_USER_SET_CONFIG] = "SET_CONFIG",
	[VHOST_USER_GET_INFLIGHT_FD] = "GET_INFLIGHT_FD",
	[VHOST_USER_SET_INFLIGHT_FD] = "SET_INFLIGHT_FD",
	[VHOST_USER_RESET_DEVICE] = "RESET_DEVICE",
};

/* What the protocol calls a request, for sentences. */
const char *message_name(__u32 request)
{
	return request < ARRAY_SIZE(names) && names[request] ? names[request] :
	       "an unknown request";
}

/* Close the descriptors that came with a message, but those that were taken (made -1). */
void message_drop_fds(struct vhost_user_message *m)
{
	unsigned int i;

	for (i = 0; i < m->fds; i++)
		if (m->fd[i] >= 0)
			close(m->fd[i]);
	m->fds = 0;
}

/* Wait until the socket is ready for @events, and take the time off. Return: whether it is. */
static bool wait_for(int socket, short events, int *left_ms)
{
	struct pollfd p = { .fd = socket, .events = events };
	long long before = now_ns(), after, ms;
	int ready;

	do {
		ready = poll(&p, 1, *left_ms);
		after = now_ns();
		/* A part of a millisecond counts as one: short waits have an end, too. */
		ms = (after - before) / NS_PER_MS + 1;
		*left_ms = ms < *left_ms ? *left_ms - ms : 0;
		before = after;
	} while (ready < 0 && errno == EINTR);
	return ready > 0;
}

/**
 * message_send() - send a message with its descriptors
 * @socket: a connected unix socket
 * @m: the message; the descriptors stay the caller's
 * @left_ms: how long to wait for the peer, in milliseconds; the wait is taken off
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1: the peer is gone, or does not read.
 */
int message_send(int socket, const struct vhost_user_message *m, int *left_ms,
		 struct sentence *why)
{
	char control[CMSG_SPACE(sizeof(m->fd))] = { };
	struct iovec part[] = {
		{ (void *)&m->header, sizeof(m->header) },
		{ (void *)&m->payload, m->header.size },
	};
	struct msghdr h = { .msg_iov = part, .msg_iovlen = ARRAY_SIZE(part) };
	size_t left = sizeof(m->header) + m->header.size;
	struct cmsghdr *c;
	ssize_t n;

	if (m->fds) {
		h.msg_control = control;
		h.msg_controllen = CMSG_SPACE(m->fds * sizeof(int));
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(m->fds * sizeof(int));
		memcpy(CMSG_DATA(c), m->fd, m->fds * sizeof(int));
	}
	while (left) {
		n = sendmsg(socket, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN && wait_for(socket, POLLOUT, left_ms))
			continue;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return say(why, "The message %s cannot be sent: %s.",
				   message_name(m->header.request), strerror(errno));
		left -= n;
		/* The descriptors are away with the first byte; what remains are bytes. */
		h.msg_control = NULL;
		h.msg_controllen = 0;
		for (size_t i = 0, used = n; i < ARRAY_SIZE(part); i++) {
			size_t step = used < part[i].iov_len ? used : part[i].iov_len;

			part[i].iov_base = (char *)part[i].iov_base + step;
			part[i].iov_len -= step;
			used -= step;
		}
	}
	return 0;
}

/* Keep the descriptors that came; a second lot, or more than fit, is too many. */
static int take_fds(struct vhost_user_message *m, struct msghdr *h)
{
	bool good = !(h->msg_flags & MSG_CTRUNC);
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		unsigned int i, count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (m->fds < ARRAY_SIZE(m->fd)) {
				m->fd[m->fds++] = fd;
			} else {
				close(fd);
				good = false;
			}
		}
	}
	return good ? 0 : -1;
}

/* Read exactly @len bytes. Return: 1, 0 when the peer has closed before the first, or -1. */
static int receive_all(int socket, struct vhost_user_message *m, void *to, size_t len,
		       int *left_ms, struct sentence *why)
{
	char control[CMSG_SPACE(sizeof(m->fd))];
	size_t done = 0;

	while (done < len) {
		struct iovec part = { (char *)to + done, len - done };
		struct msghdr h = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n;

		if (!wait_for(socket, POLLIN, left_ms))
			return say(why, "The peer of vhost-user does not answer.");
		n = recvmsg(socket, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return say(why, "The connection of vhost-user is broken: %s.",
				   strerror(errno));
		if (take_fds(m, &h))
			return say(why, "A message of vhost-user brings too many descriptors.");
		if (!n && !done)
			return 0;
		if (!n)
			return say(why, "The peer of vhost-user went away within a message.");
		done += n;
	}
	return 1;
}

/**
 * message_receive() - receive a message with its descriptors
 * @socket: a connected unix socket
 * @m: receives it; the descriptors are the caller's, close-on-exec
 * @left_ms: how long to wait for the peer, in milliseconds; the wait is taken off
 * @why: receives the sentence on failure
 *
 * Return: 1; 0 if the peer has closed the connection; -1, and there are no descriptors in @m.
 */
int message_receive(int socket, struct vhost_user_message *m, int *left_ms, struct sentence *why)
{
	int ret;

	memset(m, 0, sizeof(*m));
	ret = receive_all(socket, m, &m->header, sizeof(m->header), left_ms, why);
	if (ret > 0 && (m->header.flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION)
		ret = say(why, "A message of vhost-user has version %u, not 1.",
			  m->header.flags & VHOST_USER_VERSION_MASK);
	if (ret > 0 && m->header.size > sizeof(m->payload))
		ret = say(why, "The message %s of vhost-user has %u bytes, more than any has.",
			  message_name(m->header.request), m->header.size);
	if (ret > 0 && m->header.size) {
		ret = receive_all(socket, m, &m->payload, m->header.size, left_ms, why);
		if (!ret)
			ret = say(why, "The peer of vhost-user went away within a message.");
	}
	if (ret <= 0)
		message_drop_fds(m);
	return ret;
}
