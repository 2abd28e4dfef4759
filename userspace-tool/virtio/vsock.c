// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets between guest and host: section "Socket Device" of virtio 1.2. Programs in the guest use
 * AF_VSOCK, programs on the host a unix socket, as Firecracker's users know it: who connects to
 * PATH and writes "CONNECT PORT\n" is joined to that port of the guest and reads "OK PORT\n"; where
 * the guest connects to port PORT of the host (address 2), the device connects to PATH_PORT.
 *
 * This file has the queues and the packets, vsock_conn.c the connections. Both sides are told how
 * much the other can hold (buf_alloc, fwd_cnt), so that nothing is dropped and a queue never has to
 * wait for one slow connection.
 *
 * Relies on one worker, whose lock is held in each function of both files.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compiler.h"
#include "virtio/vsock.h"

#define CLASS_OTHER	0x078000	/* simple communication controller, other */
#define BACKLOG		64
#define FIRST_PORT	0x40000000U	/* of the host's end, where the host connects */

/* ---- packets for the guest ------------------------------------------------------------------- */

/* Take a buffer for a packet with @len bytes of data, or fewer. Return: how many, or -1. */
static ssize_t take_buffer(struct vsock *v, struct virtqueue_chain *chain)
{
	int ret = virtio_pop(&v->device, VSOCK_RECEIVE, chain);

	if (ret <= 0) {
		v->starved = true;
		return -1;
	}
	if (chain->writable_bytes >= sizeof(struct virtio_vsock_hdr))
		return chain->writable_bytes - sizeof(struct virtio_vsock_hdr);
	virtio_broken(&v->device, "a buffer to receive has no room for the header");
	v->starved = true;
	return -1;
}

static void put_packet(struct vsock *v, const struct virtqueue_chain *chain,
		       const struct virtio_vsock_hdr *h)
{
	virtqueue_write(chain, 0, h, sizeof(*h));
	virtqueue_write(chain, sizeof(*h), v->data, h->len);
	virtio_push(&v->device, VSOCK_RECEIVE, chain, sizeof(*h) + h->len);
}

static struct virtio_vsock_hdr header(const struct vsock *v, __u32 guest_port, __u32 host_port,
				      __u16 op)
{
	return (struct virtio_vsock_hdr) {
		.src_cid = VSOCK_CID_HOST,
		.dst_cid = v->cid,
		.src_port = host_port,
		.dst_port = guest_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = op,
	};
}

/**
 * vsock_send() - send a packet of a connection
 * @v: the device
 * @c: the connection
 * @op: VIRTIO_VSOCK_OP_*; with _RW, data is read from the host's socket as far as all have room
 * @flags: of the packet
 *
 * Return: false if the driver has no buffers left. The end of the host's data sets @c->host_done,
 * and a buffer without use is given back empty.
 */
bool vsock_send(struct vsock *v, struct vsock_conn *c, __u16 op, __u32 flags)
{
	struct virtio_vsock_hdr h = header(v, c->guest_port, c->host_port, op);
	struct virtqueue_chain chain;
	ssize_t room = take_buffer(v, &chain), n;

	if (room < 0)
		return false;
	h.flags = flags;
	if (op == VIRTIO_VSOCK_OP_RW) {
		if (room > (ssize_t)sizeof(v->data))
			room = sizeof(v->data);
		if (room > vsock_conn_credit(c))
			room = vsock_conn_credit(c);
		n = room ? recv(c->watch.fd, v->data, room, MSG_DONTWAIT) : -1;
		c->host_done = n == 0 || (n < 0 && room && errno != EAGAIN && errno != EINTR);
		if (n <= 0) {
			/* Nothing to say is said by what is always welcome. */
			h.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE;
			n = 0;
		}
		h.len = n;
		c->sent += n;
	}
	h.buf_alloc = VSOCK_BUFFER;
	h.fwd_cnt = c->taken;
	c->told = c->taken;
	put_packet(v, &chain, &h);
	return true;
}

/* The guest is to be told that there is no connection between these ports (any more). */
void vsock_refuse(struct vsock *v, __u32 guest_port, __u32 host_port)
{
	v->resets[v->reset_count].guest_port = guest_port;
	v->resets[v->reset_count].host_port = host_port;
	v->reset_count++;
}

static bool send_resets(struct vsock *v)
{
	struct virtio_vsock_hdr h;
	struct virtqueue_chain chain;

	while (v->reset_count) {
		if (take_buffer(v, &chain) < 0)
			return false;
		h = header(v, v->resets[0].guest_port, v->resets[0].host_port,
			   VIRTIO_VSOCK_OP_RST);
		put_packet(v, &chain, &h);
		v->reset_count--;
		memmove(v->resets, v->resets + 1, v->reset_count * sizeof(v->resets[0]));
	}
	return true;
}

/* All that one connection wants to say, but data. */
static bool send_wanted(struct vsock *v, struct vsock_conn *c)
{
	static const struct {
		unsigned int want;
		__u16 op;
		__u32 flags;
	} packets[] = {
		{ WANT_REQUEST, VIRTIO_VSOCK_OP_REQUEST, 0 },
		{ WANT_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE, 0 },
		{ WANT_CREDIT, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0 },
		{ WANT_SHUTDOWN, VIRTIO_VSOCK_OP_SHUTDOWN, VIRTIO_VSOCK_SHUTDOWN_SEND },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		if (!(c->want & packets[i].want))
			continue;
		if (!vsock_send(v, c, packets[i].op, packets[i].flags))
			return false;
		c->want &= ~packets[i].want;
		c->known = true;
	}
	return true;
}

/* Say what is to be said, as far as there are buffers; who could not, is first the next time. */
void vsock_pump(struct vsock *v)
{
	unsigned int i, at;

	if (!v->device.running || v->device.needs_reset)
		return;
	if (!v->starved && send_resets(v)) {
		for (i = 0; i < VSOCK_CONNECTIONS; i++) {
			at = (v->next + i) % VSOCK_CONNECTIONS;
			if (v->conn[at].state != VSOCK_FREE && v->conn[at].want &&
			    !send_wanted(v, &v->conn[at])) {
				v->next = at;
				break;
			}
		}
	}
	virtio_flush(&v->device, VSOCK_RECEIVE);
}

/* ---- packets from the guest ------------------------------------------------------------------ */

static void packet(struct vsock *v, const struct virtqueue_chain *chain)
{
	struct virtio_vsock_hdr h;
	struct vsock_conn *c;

	if (virtqueue_read(chain, 0, &h, sizeof(h)) != sizeof(h)) {
		virtio_broken(&v->device, "a packet is shorter than its header");
		return;
	}
	if (h.len > chain->readable_bytes - sizeof(h)) {
		virtio_broken(&v->device, "a packet has less data than its header says");
		return;
	}
	if (h.src_cid != v->cid || h.dst_cid != VSOCK_CID_HOST)
		return;
	c = vsock_conn_find(v, h.src_port, h.dst_port);
	if (c && h.type == VIRTIO_VSOCK_TYPE_STREAM)
		vsock_conn_packet(c, &h, chain);
	else if (h.type == VIRTIO_VSOCK_TYPE_STREAM && h.op == VIRTIO_VSOCK_OP_REQUEST)
		vsock_conn_request(v, &h);
	else if (h.op != VIRTIO_VSOCK_OP_RST)
		vsock_refuse(v, h.src_port, h.dst_port);
}

/* What cannot be answered is not taken: answers wait for buffers, and there is an end to that. */
static void transmit(struct vsock *v)
{
	struct virtqueue_chain chain;

	while (v->reset_count < VSOCK_RESETS &&
	       virtio_pop(&v->device, VSOCK_TRANSMIT, &chain) > 0) {
		packet(v, &chain);
		if (v->device.needs_reset)
			break;
		virtio_push(&v->device, VSOCK_TRANSMIT, &chain, 0);
		if (v->reset_count >= VSOCK_RESETS)
			vsock_pump(v);
	}
	virtio_flush(&v->device, VSOCK_TRANSMIT);
}

/* A restored guest has connections that are not here. */
static void tell_restored(struct vsock *v)
{
	const struct virtio_vsock_event event = { .id = VIRTIO_VSOCK_EVENT_TRANSPORT_RESET };
	struct virtqueue_chain chain;

	if (!v->restored || virtio_pop(&v->device, VSOCK_EVENT, &chain) <= 0)
		return;
	v->restored = false;
	virtio_push(&v->device, VSOCK_EVENT, &chain,
		    virtqueue_write(&chain, 0, &event, sizeof(event)));
	virtio_flush(&v->device, VSOCK_EVENT);
}

static void notify(struct virtio_device *d, unsigned int queue)
{
	struct vsock *v = d->opaque;
	unsigned int i;
	bool waited;

	switch (queue) {
	case VSOCK_TRANSMIT:
		transmit(v);
		vsock_pump(v);
		break;
	case VSOCK_RECEIVE:
		waited = v->reset_count >= VSOCK_RESETS;
		v->starved = false;
		vsock_pump(v);
		if (waited && v->reset_count < VSOCK_RESETS)
			virtio_kick(d, VSOCK_TRANSMIT);
		break;
	default:
		tell_restored(v);
		return;
	}
	for (i = 0; i < VSOCK_CONNECTIONS; i++)
		vsock_conn_look(&v->conn[i]);
}

/* ---- its life -------------------------------------------------------------------------------- */

static void close_connections(struct vsock *v)
{
	unsigned int i;

	for (i = 0; i < VSOCK_CONNECTIONS; i++) {
		v->conn[i].known = false;
		vsock_conn_close(&v->conn[i]);
	}
	v->reset_count = 0;
	v->next = 0;
	v->next_port = FIRST_PORT;
}

static void stop(struct virtio_device *d)
{
	struct vsock *v = d->opaque;

	close_connections(v);
	v->restored = false;
	v->starved = true;
}

static void queue_stop(struct virtio_device *d, unsigned int queue)
{
	struct vsock *v = d->opaque;

	if (queue == VSOCK_RECEIVE)
		v->starved = true;
}

static int load(struct virtio_device *d, struct state_in *in, struct sentence *why)
{
	struct vsock *v = d->opaque;

	(void)in;
	(void)why;
	v->restored = true;
	return 0;
}

static void close_device(struct virtio_device *d)
{
	struct vsock *v = d->opaque;

	/* Without its thread, nothing happens meanwhile. */
	if (d->workers)
		worker_stop(&d->worker[0]);
	close_connections(v);
	if (v->listen.fd >= 0) {
		close(v->listen.fd);
		unlink(v->path);
	}
	virtio_device_release(d);
	free(v);
}

static const struct virtio_device_ops ops = {
	.id = VIRTIO_ID_VSOCK,
	.class = CLASS_OTHER,
	.stop = stop,
	.notify = notify,
	.queue_stop = queue_stop,
	.load = load,
	.close = close_device,
};

static void connected(void *opaque)
{
	vsock_conn_accept(opaque);
}

static int listen_at(struct vsock *v, struct sentence *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", v->path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		say(why, "The socket %s cannot be made: %s.", v->path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	v->listen.fd = fd;	/* from here on it is ours to remove */
	if (listen(fd, BACKLOG) || worker_watch(&v->device.worker[0], &v->listen, EPOLLIN))
		return say(why, "The socket %s cannot be listened at: %s.", v->path,
			   strerror(errno));
	return 0;
}

/**
 * vsock_open() - sockets between guest and host
 * @ram: the guest's memory
 * @path: the unix socket that is made, shorter than VSOCK_PATH_SIZE
 * @cid: the guest's address, from VSOCK_CID_MIN to VSOCK_CID_MAX
 * @why: receives the sentence on failure
 *
 * Return: the device, to be ended by its close(), which also removes @path; or NULL.
 */
struct virtio_device *vsock_open(const struct guest_ram *ram, const char *path, __u64 cid,
				 struct sentence *why)
{
	struct virtio_vsock_config config = { .guest_cid = cid };
	struct vsock *v = calloc(1, sizeof(*v));
	unsigned int i;

	if (!v) {
		say(why, "There is no memory.");
		return NULL;
	}
	v->cid = cid;
	v->next_port = FIRST_PORT;
	v->starved = true;	/* until the driver offers buffers */
	v->listen = (struct watch) { .fd = -1, .ready = connected, .opaque = v };
	snprintf(v->path, sizeof(v->path), "%s", path);
	for (i = 0; i < VSOCK_CONNECTIONS; i++)
		v->conn[i] = (struct vsock_conn) { .vsock = v, .watch.fd = -1 };
	if (virtio_device_init(&v->device, &ops, "vsock", v, ram, VSOCK_QUEUES, 1, why) ||
	    listen_at(v, why)) {
		close_device(&v->device);
		return NULL;
	}
	v->device.config_size = sizeof(config);
	memcpy(v->device.config, &config, sizeof(config));
	return &v->device;
}
