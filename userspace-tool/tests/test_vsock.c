// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the socket device: connections from both sides, data under flow control, ends, and what
 * neither a driver nor a program on the host may do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compiler.h"
#include "tests.h"
#include "virtio/vsock.h"
#include "virtio_model.h"

#define V1	BIT_ULL(32)
#define CID	42
#define BUFFER	0x2000
#define HDR	sizeof(struct virtio_vsock_hdr)

static char dir[32];
static char path[64];
static unsigned int slot;

static struct model *start(void)
{
	struct model *m = model_new();
	struct virtio_device *d;
	struct sentence why;

	strcpy(dir, "/tmp/minikvm-vsock-XXXXXX");
	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	d = vsock_open(&m->ram, path, CID, &why);
	CHECK(d);
	slot = 0;
	model_start(m, d, V1);
	return m;
}

static void end(struct model *m)
{
	model_free(m);
	CHECK(access(path, F_OK) && errno == ENOENT);
	CHECK(rmdir(dir) == 0);
}

/* A place in the guest's memory; they come round. */
static __u64 place(void)
{
	return MODEL_FREE + slot++ % 128 * BUFFER;
}

static void offer(struct model *m, unsigned int count)
{
	while (count--) {
		struct model_part part = { place(), BUFFER, true };

		model_add(m, VSOCK_RECEIVE, &part, 1);
	}
	model_turn(m);
}

/* The guest sends a packet; what is behind the header is at @data. */
static void packet(struct model *m, struct virtio_vsock_hdr h, const void *data)
{
	__u64 at = place();
	struct model_part part[] = { { at, HDR, false }, { at + HDR, h.len, false } };
	__u32 len;

	h.src_cid = h.src_cid ? h.src_cid : CID;
	h.dst_cid = VSOCK_CID_HOST;
	h.type = h.type ? h.type : VIRTIO_VSOCK_TYPE_STREAM;
	if (!h.buf_alloc)
		h.buf_alloc = 0x10000;
	memcpy(model_at(m, at), &h, HDR);
	if (h.len)
		memcpy(model_at(m, at + HDR), data, h.len);
	model_add(m, VSOCK_TRANSMIT, part, h.len ? 2 : 1);
	model_turn(m);
	while (model_used(m, VSOCK_TRANSMIT, &len) >= 0)
		CHECK(len == 0);
}

static struct virtio_vsock_hdr to(__u32 guest_port, __u32 host_port, __u16 op)
{
	return (struct virtio_vsock_hdr) {
		.src_port = guest_port, .dst_port = host_port, .op = op,
	};
}

/* The next packet for the guest. Return: its data, or NULL if there is none. */
static const char *received(struct model *m, struct virtio_vsock_hdr *h)
{
	const struct vring_desc *table = model_at(m, 0);
	__u32 len;
	int head;

	head = model_used(m, VSOCK_RECEIVE, &len);
	if (head < 0)
		return NULL;
	memcpy(h, model_at(m, table[head].addr), HDR);
	CHECK(len == HDR + h->len && h->src_cid == VSOCK_CID_HOST && h->dst_cid == CID);
	return model_at(m, table[head].addr + HDR);
}

static bool next_is(struct model *m, __u16 op, struct virtio_vsock_hdr *h)
{
	return received(m, h) && h->op == op;
}

static int host_connects(struct model *m, const char *greeting)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(send(fd, greeting, strlen(greeting), MSG_NOSIGNAL) == (ssize_t)strlen(greeting));
	model_turn(m);
	return fd;
}

static bool reads(int fd, const char *text)
{
	char got[64];
	ssize_t n = read(fd, got, sizeof(got));

	return n == (ssize_t)strlen(text) && !memcmp(got, text, n);
}

static void vsock_from_host(void)
{
	struct model *m = start();
	struct virtio_vsock_hdr h = {}, reply;
	const char *data;
	int fd;

	/* What follows the greeting at once is the guest's. */
	fd = host_connects(m, "CONNECT 1234\nhello");
	offer(m, 8);
	CHECK(next_is(m, VIRTIO_VSOCK_OP_REQUEST, &h) && h.dst_port == 1234);
	CHECK(h.buf_alloc == VSOCK_BUFFER && !received(m, &reply));
	packet(m, to(1234, h.src_port, VIRTIO_VSOCK_OP_RESPONSE), NULL);
	CHECK(reads(fd, "OK 1073741824\n"));
	data = received(m, &h);
	CHECK(data && h.op == VIRTIO_VSOCK_OP_RW && h.len == 5 && !memcmp(data, "hello", 5));
	reply = to(1234, h.src_port, VIRTIO_VSOCK_OP_RW);
	reply.len = 3;
	packet(m, reply, "abc");
	CHECK(reads(fd, "abc"));
	/* The host's end of data does not end the guest's. */
	shutdown(fd, SHUT_WR);
	model_turn(m);
	CHECK(next_is(m, VIRTIO_VSOCK_OP_CREDIT_UPDATE, &h) && h.fwd_cnt == 3);
	CHECK(next_is(m, VIRTIO_VSOCK_OP_SHUTDOWN, &h));
	CHECK(h.flags == VIRTIO_VSOCK_SHUTDOWN_SEND);
	packet(m, reply, "xyz");
	CHECK(reads(fd, "xyz"));
	reply = to(1234, h.src_port, VIRTIO_VSOCK_OP_SHUTDOWN);
	reply.flags = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND;
	packet(m, reply, NULL);
	CHECK(next_is(m, VIRTIO_VSOCK_OP_RST, &h) && h.dst_port == 1234);
	CHECK(read(fd, &h, 1) == 0);
	close(fd);
	end(m);
}

static void vsock_from_guest(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), fd;
	struct model *m = start();
	struct virtio_vsock_hdr h = {};

	offer(m, 8);
	packet(m, to(99, 80, VIRTIO_VSOCK_OP_REQUEST), NULL);
	CHECK(next_is(m, VIRTIO_VSOCK_OP_RST, &h) && h.src_port == 80 && h.dst_port == 99);
	CHECK(snprintf(address.sun_path, sizeof(address.sun_path), "%s_80", path) > 0);
	CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(listen(listener, 1) == 0);
	packet(m, to(99, 80, VIRTIO_VSOCK_OP_REQUEST), NULL);
	CHECK(next_is(m, VIRTIO_VSOCK_OP_RESPONSE, &h) && h.src_port == 80);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	CHECK(fd >= 0);
	h = to(99, 80, VIRTIO_VSOCK_OP_RW);
	h.len = 2;
	packet(m, h, "hi");
	CHECK(reads(fd, "hi"));
	CHECK(send(fd, "you", 3, MSG_NOSIGNAL) == 3);
	model_turn(m);
	CHECK(received(m, &h) && h.len == 3 && h.fwd_cnt == 2);
	packet(m, to(99, 80, VIRTIO_VSOCK_OP_CREDIT_REQUEST), NULL);
	CHECK(next_is(m, VIRTIO_VSOCK_OP_CREDIT_UPDATE, &h) && h.buf_alloc == VSOCK_BUFFER);
	/* A second request for the same ports, or an unknown operation, ends it. */
	packet(m, to(99, 80, 77), NULL);
	CHECK(next_is(m, VIRTIO_VSOCK_OP_RST, &h) && read(fd, &h, 1) == 0);
	close(fd);
	close(listener);
	unlink(address.sun_path);
	end(m);
}

/* The guest has room for little; the host's socket takes nothing. */
static void vsock_flow(void)
{
	struct model *m = start();
	struct virtio_vsock_hdr h = {}, reply;
	static char data[VSOCK_BUFFER], got[1 << 20];
	size_t sent = 0, arrived = 0;
	ssize_t n;
	int fd, i;

	memset(data, 'x', sizeof(data));
	fd = host_connects(m, "CONNECT 5\n");
	offer(m, 64);
	CHECK(next_is(m, VIRTIO_VSOCK_OP_REQUEST, &h));
	reply = to(5, h.src_port, VIRTIO_VSOCK_OP_RESPONSE);
	reply.buf_alloc = 10;
	packet(m, reply, NULL);
	CHECK(reads(fd, "OK 1073741824\n") && send(fd, data, 15, MSG_NOSIGNAL) == 15);
	model_turn(m);
	CHECK(received(m, &h) && h.op == VIRTIO_VSOCK_OP_RW && h.len == 10 && !received(m, &h));
	reply.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE;
	reply.fwd_cnt = 4;
	packet(m, reply, NULL);
	CHECK(received(m, &h) && h.len == 4 && !received(m, &h));
	/* A count that has run past what was sent is no room. */
	reply.fwd_cnt = 100;
	packet(m, reply, NULL);
	CHECK(!received(m, &h) && !m->device->needs_reset);
	reply.fwd_cnt = 14;
	packet(m, reply, NULL);
	CHECK(received(m, &h) && h.len == 1);
	/* The other way: as much as the socket and the buffer hold, and no more. */
	reply.op = VIRTIO_VSOCK_OP_RW;
	reply.len = 0x1000;
	for (i = 0; i < 1000 && !received(m, &h); i++) {
		packet(m, reply, data);
		sent += reply.len;
	}
	CHECK(i >= 8 && i < 1000);
	while (h.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE && i < 1000) {
		i++;
		packet(m, reply, data);
		sent += reply.len;
		if (!received(m, &h))
			h.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE;
	}
	CHECK(h.op == VIRTIO_VSOCK_OP_RST && i < 1000);
	while ((n = read(fd, got, sizeof(got))) > 0)
		arrived += n;
	CHECK(n == 0 && arrived + VSOCK_BUFFER + reply.len == sent);
	close(fd);
	end(m);
}

static void vsock_greetings(void)
{
	static const char * const wrong[] = {
		"CONNECT\n", "CONNECT x\n", "CONNECT 1 2\n", "connect 1\n", "\n",
		"CONNECT 00000000000000000000000000000001\n", "GET / HTTP/1.0\n",
	};
	struct model *m = start();
	struct virtio_vsock_hdr h = {};
	size_t i;
	int fd;

	offer(m, 8);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		fd = host_connects(m, wrong[i]);
		CHECK(read(fd, &h, 1) <= 0 && errno != EAGAIN);
		close(fd);
		errno = 0;
	}
	CHECK(!received(m, &h));
	/* Refused by the guest; an answer that nobody waits for. */
	fd = host_connects(m, "CONNECT 7\n");
	CHECK(next_is(m, VIRTIO_VSOCK_OP_REQUEST, &h));
	packet(m, to(7, h.src_port, VIRTIO_VSOCK_OP_RST), NULL);
	CHECK(read(fd, &h, 1) == 0 && !received(m, &h));
	close(fd);
	packet(m, to(7, 8, VIRTIO_VSOCK_OP_RESPONSE), NULL);
	CHECK(next_is(m, VIRTIO_VSOCK_OP_RST, &h) && h.src_port == 8);
	packet(m, to(7, 8, VIRTIO_VSOCK_OP_RST), NULL);
	CHECK(!received(m, &h));
	end(m);
}

static void vsock_hostile(void)
{
	struct model *m = start();
	struct virtio_vsock_hdr h = to(1, 2, VIRTIO_VSOCK_OP_RW);
	struct model_part small = { MODEL_FREE, HDR - 1, false };
	__u32 len;
	int i, given_back = 0;

	/* Somebody else's address; a type that there is not. */
	offer(m, 4);
	h.src_cid = CID + 1;
	packet(m, h, NULL);
	CHECK(!received(m, &h));
	h = to(1, 2, VIRTIO_VSOCK_OP_REQUEST);
	h.type = 9;
	packet(m, h, NULL);
	CHECK(next_is(m, VIRTIO_VSOCK_OP_RST, &h));
	/* A header that promises more than there is. */
	h = to(1, 2, VIRTIO_VSOCK_OP_RW);
	h.len = 10;
	memset(model_at(m, MODEL_FREE), 0, HDR);
	memcpy(model_at(m, MODEL_FREE), &h, HDR);
	small.len = HDR + 9;
	model_add(m, VSOCK_TRANSMIT, &small, 1);
	model_turn(m);
	CHECK(m->device->needs_reset);
	model_start(m, m->device, V1);
	small.len = HDR - 1;
	model_add(m, VSOCK_TRANSMIT, &small, 1);
	model_turn(m);
	CHECK(m->device->needs_reset);
	model_start(m, m->device, V1);
	small.write = true;
	model_add(m, VSOCK_RECEIVE, &small, 1);
	h = to(1, 2, VIRTIO_VSOCK_OP_RW);
	packet(m, h, NULL);
	CHECK(m->device->needs_reset);
	/* Without buffers answers wait; the guest's packets then do, too. */
	model_start(m, m->device, V1);
	for (i = 0; i < 200; i++) {
		__u64 at = MODEL_FREE + 128 * BUFFER + HDR * i;
		struct model_part part = { at, HDR, false };

		h = to(i, 2, VIRTIO_VSOCK_OP_RW);
		h.src_cid = CID;
		h.dst_cid = VSOCK_CID_HOST;
		h.type = VIRTIO_VSOCK_TYPE_STREAM;
		memcpy(model_at(m, at), &h, HDR);
		model_add(m, VSOCK_TRANSMIT, &part, 1);
	}
	model_turn(m);
	while (model_used(m, VSOCK_TRANSMIT, &len) >= 0)
		given_back++;
	CHECK(given_back == VSOCK_RESETS);
	slot = 32;
	for (i = 0; i < 200; i++) {
		offer(m, 1);
		CHECK(next_is(m, VIRTIO_VSOCK_OP_RST, &h) && h.dst_port == (__u32)i);
	}
	CHECK(!m->device->needs_reset);
	end(m);
}

/* More than there is room for, and a reset with all of them open. */
static void vsock_many(void)
{
	struct model *m = start();
	struct virtio_vsock_hdr h = {};
	int fd[VSOCK_CONNECTIONS + 1], i;

	for (i = 0; i < VSOCK_CONNECTIONS; i++)
		fd[i] = host_connects(m, "CONNECT 3\n");
	fd[i] = host_connects(m, "");
	CHECK(read(fd[i], &h, 1) == 0);
	offer(m, 128);
	for (i = 0; i < 127; i++)
		CHECK(next_is(m, VIRTIO_VSOCK_OP_REQUEST, &h));
	model_start(m, m->device, V1);
	for (i = 0; i <= VSOCK_CONNECTIONS; i++) {
		CHECK(read(fd[i], &h, 1) == 0);
		close(fd[i]);
	}
	slot = 0;
	offer(m, 8);
	CHECK(!received(m, &h));
	close(host_connects(m, "CONNECT 4\n"));
	CHECK(next_is(m, VIRTIO_VSOCK_OP_REQUEST, &h) && h.dst_port == 4);
	end(m);
}

const struct test vsock_tests[] = {
	{ "vsock: the host connects, talks, and both end", vsock_from_host },
	{ "vsock: the guest connects", vsock_from_guest },
	{ "vsock: neither side is sent more than it has room for", vsock_flow },
	{ "vsock: greetings and refusals", vsock_greetings },
	{ "vsock: hostile packets; answers without buffers", vsock_hostile },
	{ "vsock: as many connections as there can be, and a reset", vsock_many },
	{ }
};
