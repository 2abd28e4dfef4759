// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes both sides of vhost-user. An input is a list of steps: messages of a hostile front end
 * to our back end, with the guest's memory made from the input's end and every queue kicked after
 * each; or answers of a hostile back end to our front end's requests.
 *
 * Relies on libFuzzer with ASan and UBSan: memory that is not the guest's, and descriptors that
 * stay open, are what it is to find.
 */
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compiler.h"
#include "vhost_user/backend.h"
#include "vhost_user/frontend.h"
#include "vhost_user/served.h"

#define MEMORY	0x8000
#define SECTORS	16

static const __u8 *input;
static size_t left;

static void take(void *to, size_t len)
{
	size_t n = len < left ? len : left;

	memset(to, 0, len);
	memcpy(to, input, n);
	input += n;
	left -= n;
}

static __u8 byte(void)
{
	__u8 b;

	take(&b, 1);
	return b;
}

/* What a descriptor may stand for. */
static int some_fd(__u8 kind, int memory)
{
	int fd;

	switch (kind % 4) {
	case 0:
		return dup(memory);
	case 1:
		return eventfd(0, EFD_NONBLOCK);
	case 2:
		fd = memfd_create("short", 0);
		if (ftruncate(fd, 100))
			abort();
		return fd;
	default:
		return open("/dev/null", O_RDWR);
	}
}

static void send_and_handle(struct backend *b, int peer, struct vhost_user_message *m)
{
	struct vhost_user_message answer;
	struct sentence why;
	unsigned int i;

	if (message_send(peer, m, &(int){ 0 }, &why))
		return;
	backend_message(b, 0, &why);
	for (i = 0; i < b->device->queues; i++)
		if (b->queue[i].running)
			backend_kicked(b, i);
	while (message_receive(peer, &answer, &(int){ 0 }, &why) > 0)
		message_drop_fds(&answer);
}

static void tell(struct backend *b, int peer, __u32 request, const void *payload, __u32 size,
		 int fd)
{
	struct vhost_user_message m = {
		.header = { request, VHOST_USER_VERSION, size },
		.fd = { fd },
		.fds = fd >= 0,
	};

	memcpy(&m.payload, payload, size);
	send_and_handle(b, peer, &m);
	if (fd >= 0)
		close(fd);
}

/* A front end that does what it should, so that the queues' contents are reached, too. */
static void set_up(struct backend *b, int peer, int memory, __u8 how)
{
	struct vhost_user_memory table = { .count = 1, .region[0] = { 0, MEMORY, 0x10000, 0 } };
	struct vhost_user_vring_state size = { 0, 1 << how % 5 };
	struct vhost_user_vring_addr addr = { 0, 0, 0x10000, 0x12000, 0x11000, 0 };
	__u64 features = BIT_ULL(VIRTIO_F_VERSION_1) | (__u64)(how >> 5 & 3) << 28;
	__u64 queue = 0;

	tell(b, peer, VHOST_USER_SET_FEATURES, &features, sizeof(features), -1);
	tell(b, peer, VHOST_USER_SET_MEM_TABLE, &table,
	     VHOST_USER_MEMORY_HEADER + sizeof(table.region[0]), dup(memory));
	tell(b, peer, VHOST_USER_SET_VRING_NUM, &size, sizeof(size), -1);
	tell(b, peer, VHOST_USER_SET_VRING_ADDR, &addr, sizeof(addr), -1);
	tell(b, peer, VHOST_USER_SET_VRING_KICK, &queue, sizeof(queue), eventfd(0, EFD_NONBLOCK));
}

static void hostile_message(struct backend *b, int peer, int memory)
{
	struct vhost_user_message m = { };
	__u8 size = byte(), fds = byte();
	unsigned int i;

	m.header.request = byte() % 48;
	m.header.flags = byte() & 0xf;
	m.header.size = size < 0xf0 ? size : sizeof(m.payload);
	take(&m.payload, size < 64 ? size : 64);
	m.fds = fds % 4 ? 0 : fds / 4 % (VHOST_USER_REGIONS_MAX + 1);
	for (i = 0; i < m.fds; i++)
		m.fd[i] = some_fd(fds / 32 + i, memory);
	send_and_handle(b, peer, &m);
	message_drop_fds(&m);
}

static int make_memory(void)
{
	size_t len = left > MEMORY / 4 ? MEMORY / 4 : left / 2;
	int fd = memfd_create("guest", 0);
	const __u8 *from = input + left - len;
	size_t i;

	if (ftruncate(fd, MEMORY))
		abort();
	/* Thirds of it are the descriptors, the available ring and the used ring. */
	for (i = 0; i < 3; i++)
		if (pwrite(fd, from + i * (len / 3), len / 3, i * 0x1000) < 0)
			abort();
	left -= len;
	return fd;
}

static void fuzz_backend(__u8 how)
{
	struct backend_device device;
	struct served_disk disk = { .disk.fd = -1 };
	struct sentence why;
	struct backend b;
	int pair[2], memory;

	if (how & 2) {
		if (served_blk(&device, &disk, "disk", how & 4, &why))
			abort();
	} else {
		served_rng(&device);
	}
	memory = make_memory();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
		abort();
	backend_open(&b, &device, pair[1]);
	if (how & 8)
		set_up(&b, pair[0], memory, byte());
	while (left)
		hostile_message(&b, pair[0], memory);
	backend_close(&b);
	close(pair[0]);
	close(memory);
	if (disk.disk.fd >= 0)
		close(disk.disk.fd);
}

/* Answers are written before they are asked for. */
static void fuzz_frontend(void)
{
	struct vhost_user_inflight inflight = { .queues = 1, .queue_size = 8 };
	struct vhost_user_message m;
	struct frontend f = { .left_ms = 0 };
	struct sentence why;
	__u8 config[60];
	int pair[2], fd = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
		abort();
	f.socket = pair[0];
	while (left) {
		__u8 size = byte();

		memset(&m, 0, sizeof(m));
		m.header.request = byte();
		m.header.flags = VHOST_USER_VERSION | (byte() & 0xf);
		m.header.size = size;
		m.fds = size % 5 ? 0 : 1;
		m.fd[0] = 1;
		take(&m.payload, size < 64 ? size : 64);
		if (message_send(pair[1], &m, &(int){ 0 }, &why))
			break;
	}
	shutdown(pair[1], SHUT_WR);
	if (!frontend_negotiate(&f, ~0ULL, &why)) {
		frontend_get_config(&f, config, sizeof(config), &why);
		if (!frontend_get_inflight(&f, &inflight, &fd, &why))
			close(fd);
		frontend_stop_queue(&f, 0, &why);
		frontend_fence(&f, &why);
	}
	close(pair[0]);
	close(pair[1]);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	static bool ready;
	int before, after;
	__u8 how;

	if (!ready) {
		int fd = open("disk", O_RDWR | O_CREAT, 0600);

		if (fd < 0 || ftruncate(fd, SECTORS * 512))
			abort();
		close(fd);
		signal(SIGPIPE, SIG_IGN);
		ready = true;
	}
	input = data;
	left = size;
	before = dup(0);
	close(before);
	how = byte();
	if (how & 1)
		fuzz_frontend();
	else
		fuzz_backend(how);
	after = dup(0);
	close(after);
	/* The lowest free number is the same again: no descriptor was left open. */
	if (before != after)
		abort();
	return 0;
}
