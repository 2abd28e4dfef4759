// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connections of the socket device: see vsock.h, and section "Socket Device: Device Operation"
 * of virtio 1.2. Each joins a stream of the guest's to a unix socket of the host's.
 *
 * What the guest sends goes into the connection's buffer, whose size the guest knows and may not
 * exceed, and from there to the host's socket as that takes it. What the host sends stays in its
 * socket until the guest has room. Where a rule is broken on either side, this connection ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "virtio/vsock.h"

#define BOTH	(VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

struct vsock_conn *vsock_conn_find(struct vsock *v, __u32 guest_port, __u32 host_port)
{
	unsigned int i;

	for (i = 0; i < VSOCK_CONNECTIONS; i++)
		if (v->conn[i].state > VSOCK_GREETING && v->conn[i].guest_port == guest_port &&
		    v->conn[i].host_port == host_port)
			return &v->conn[i];
	return NULL;
}

/* Bytes that the guest has room for. */
__u32 vsock_conn_credit(const struct vsock_conn *c)
{
	__u32 there = c->sent - c->guest_taken;

	return there < c->guest_room ? c->guest_room - there : 0;
}

/* End a connection, and tell the guest if it knows of it. */
void vsock_conn_close(struct vsock_conn *c)
{
	if (c->state == VSOCK_FREE)
		return;
	if (c->known)
		vsock_refuse(c->vsock, c->guest_port, c->host_port);
	worker_unwatch(&c->vsock->device.worker[0], &c->watch);
	close(c->watch.fd);
	free(c->buffer);
	*c = (struct vsock_conn) { .vsock = c->vsock, .watch.fd = -1 };
}

/* Look at the host's socket for what could be done with it. */
void vsock_conn_look(struct vsock_conn *c)
{
	struct worker *w = &c->vsock->device.worker[0];
	__u32 events = 0;

	if (c->state == VSOCK_FREE)
		return;
	if (c->state == VSOCK_GREETING)
		events = EPOLLIN;
	if (c->state == VSOCK_OPEN && !c->vsock->starved && !c->host_done &&
	    !(c->guest_flags & VIRTIO_VSOCK_SHUTDOWN_RCV) && vsock_conn_credit(c))
		events |= EPOLLIN;
	if (c->buffered)
		events |= EPOLLOUT;
	if (events == c->events)
		return;
	c->events = events;
	if (events)
		worker_watch(w, &c->watch, events);
	else
		worker_unwatch(w, &c->watch);
}

/* Give the host what is buffered. Return: false if the connection has ended. */
static bool drain(struct vsock_conn *c)
{
	ssize_t n = 0;

	if (c->buffered)
		n = send(c->watch.fd, c->buffer, c->buffered, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		vsock_conn_close(c);
		return false;
	}
	if (n > 0) {
		c->buffered -= n;
		memmove(c->buffer, c->buffer + n, c->buffered);
		c->taken += n;
		if (c->taken - c->told >= VSOCK_BUFFER / 2)
			c->want |= WANT_CREDIT;
	}
	if (c->buffered)
		return true;
	if ((c->guest_flags & BOTH) == BOTH) {
		vsock_conn_close(c);
		return false;
	}
	if (c->guest_flags & VIRTIO_VSOCK_SHUTDOWN_SEND)
		shutdown(c->watch.fd, SHUT_WR);
	return true;
}

/* One byte after the other: what follows the line belongs to the guest. */
static void read_greeting(struct vsock_conn *c)
{
	unsigned int port;
	int end = 0;
	ssize_t n;
	char byte;

	for (;;) {
		n = recv(c->watch.fd, &byte, 1, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0 || c->line_len == sizeof(c->line) - 1) {
			vsock_conn_close(c);
			return;
		}
		if (byte == '\n')
			break;
		c->line[c->line_len++] = byte;
	}
	if (sscanf(c->line, "CONNECT %10u%n", &port, &end) != 1 || !end || c->line[end]) {
		vsock_conn_close(c);
		return;
	}
	do {
		c->host_port = c->vsock->next_port++;
	} while (vsock_conn_find(c->vsock, port, c->host_port));
	c->guest_port = port;
	c->state = VSOCK_REQUESTED;
	c->want = WANT_REQUEST;
}

/* The host's socket is ready. */
static void ready(void *opaque)
{
	struct vsock_conn *c = opaque;
	struct vsock *v = c->vsock;

	if (c->state == VSOCK_GREETING)
		read_greeting(c);
	else if (c->buffered)
		drain(c);
	/* It may have ended by now; the state says so. */
	if (c->state == VSOCK_OPEN && (c->events & EPOLLIN) &&
	    vsock_send(v, c, VIRTIO_VSOCK_OP_RW, 0) && c->host_done)
		c->want |= WANT_SHUTDOWN;
	vsock_pump(v);
	vsock_conn_look(c);
}

static struct vsock_conn *new_conn(struct vsock *v, int fd)
{
	struct vsock_conn *c = NULL;
	unsigned int i;

	for (i = 0; i < VSOCK_CONNECTIONS && !c; i++)
		if (v->conn[i].state == VSOCK_FREE)
			c = &v->conn[i];
	if (!c)
		return NULL;
	c->buffer = malloc(VSOCK_BUFFER);
	if (!c->buffer)
		return NULL;
	c->watch = (struct watch) { .fd = fd, .ready = ready, .opaque = c };
	return c;
}

/* Somebody on the host connects. Too many connections, or a guest without driver: not now. */
void vsock_conn_accept(struct vsock *v)
{
	int fd = accept4(v->listen.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct vsock_conn *c;

	if (fd < 0)
		return;
	c = v->device.running ? new_conn(v, fd) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->state = VSOCK_GREETING;
	vsock_conn_look(c);
}

/* The guest connects to a port of the host's. */
void vsock_conn_request(struct vsock *v, const struct virtio_vsock_hdr *h)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct vsock_conn *c = NULL;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s_%u", v->path, h->dst_port);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		c = new_conn(v, fd);
	if (!c) {
		if (fd >= 0)
			close(fd);
		vsock_refuse(v, h->src_port, h->dst_port);
		return;
	}
	c->state = VSOCK_OPEN;
	c->known = true;
	c->guest_port = h->src_port;
	c->host_port = h->dst_port;
	c->guest_room = h->buf_alloc;
	c->guest_taken = h->fwd_cnt;
	c->want = WANT_RESPONSE;
	vsock_conn_look(c);
}

/* The guest has said yes. */
static void opened(struct vsock_conn *c)
{
	char line[VSOCK_LINE];
	int len = snprintf(line, sizeof(line), "OK %u\n", c->host_port);

	c->state = VSOCK_OPEN;
	if (send(c->watch.fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) != len)
		vsock_conn_close(c);
}

static void data(struct vsock_conn *c, const struct virtio_vsock_hdr *h,
		 const struct virtqueue_chain *chain)
{
	if (c->state != VSOCK_OPEN || h->len > VSOCK_BUFFER - c->buffered ||
	    (c->guest_flags & VIRTIO_VSOCK_SHUTDOWN_SEND)) {
		vsock_conn_close(c);
		return;
	}
	virtqueue_read(chain, sizeof(*h), c->buffer + c->buffered, h->len);
	c->buffered += h->len;
	drain(c);
}

/* A packet of the guest's for this connection; its data are there. */
void vsock_conn_packet(struct vsock_conn *c, const struct virtio_vsock_hdr *h,
		       const struct virtqueue_chain *chain)
{
	c->guest_room = h->buf_alloc;
	c->guest_taken = h->fwd_cnt;
	switch (h->op) {
	case VIRTIO_VSOCK_OP_RESPONSE:
		if (c->state == VSOCK_REQUESTED && c->known)
			opened(c);
		else
			vsock_conn_close(c);
		break;
	case VIRTIO_VSOCK_OP_RW:
		data(c, h, chain);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		c->guest_flags |= h->flags & BOTH;
		drain(c);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		c->want |= WANT_CREDIT;
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		break;
	case VIRTIO_VSOCK_OP_RST:
		c->known = false;
		vsock_conn_close(c);
		break;
	default:
		vsock_conn_close(c);
	}
	vsock_conn_look(c);
}
