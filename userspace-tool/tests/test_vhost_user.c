// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of vhost-user: messages, a front end whose peer is scripted, and our front end with our
 * back end on the two ends of a socket pair.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "compiler.h"
#include "tests.h"
#include "vhost_user/backend.h"
#include "vhost_user/device.h"
#include "vhost_user/frontend.h"
#include "vhost_user/served.h"
#include "virtio/virtio_pci.h"

#define RAM_SIZE	(1 * MIB)
#define SOON_MS		100
#define TURN_MS		3000	/* three times what the device waits between two looks */

/* ---- messages -------------------------------------------------------------------------------- */

static int pair[2];
static struct sentence why;

static void connect_pair(void)
{
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	why.text[0] = '\0';
}

static void close_pair(void)
{
	close(pair[0]);
	close(pair[1]);
}

static bool said(const char *what)
{
	return strstr(why.text, what);
}

static unsigned int open_descriptors(void)
{
	unsigned int n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int receive(int from, struct vhost_user_message *m, int left_ms)
{
	return message_receive(from, m, &left_ms, &why);
}

static void whole_messages(void)
{
	struct vhost_user_message m = {
		.header = { VHOST_USER_SET_VRING_KICK, VHOST_USER_VERSION, 8 },
		.payload.number = 3,
	}, got;
	__u64 count = 0;

	connect_pair();
	m.fd[0] = eventfd(5, EFD_CLOEXEC);
	m.fds = 1;
	CHECK(!message_send(pair[0], &m, &(int){ SOON_MS }, &why));
	CHECK(receive(pair[1], &got, SOON_MS) == 1);
	CHECK(got.header.request == VHOST_USER_SET_VRING_KICK && got.payload.number == 3);
	CHECK(got.fds == 1 && got.fd[0] != m.fd[0]);
	CHECK(fcntl(got.fd[0], F_GETFD) == FD_CLOEXEC);
	CHECK(read(got.fd[0], &count, sizeof(count)) == sizeof(count) && count == 5);
	message_drop_fds(&got);
	message_drop_fds(&m);
	/* The other side has gone: that is no failure between two messages. */
	close(pair[0]);
	CHECK(!receive(pair[1], &got, SOON_MS));
	CHECK(message_send(pair[1], &got, &(int){ SOON_MS }, &why) && said("cannot be sent"));
	close(pair[1]);
}

static void broken_messages(void)
{
	struct vhost_user_header h = { VHOST_USER_GET_FEATURES, 2, 0 };
	struct vhost_user_message got;
	struct vhost_user_message many = { .header = { 1, 1, 0 } };
	unsigned int i, before;

	connect_pair();
	CHECK(write(pair[0], &h, sizeof(h)) == sizeof(h));
	CHECK(receive(pair[1], &got, SOON_MS) < 0 && said("version 2"));
	h = (struct vhost_user_header) { VHOST_USER_GET_CONFIG, 1, sizeof(got.payload) + 1 };
	CHECK(write(pair[0], &h, sizeof(h)) == sizeof(h));
	CHECK(receive(pair[1], &got, SOON_MS) < 0 && said("more than any has"));
	/* Half a header, half a payload, nothing at all. */
	CHECK(write(pair[0], &h, 5) == 5);
	CHECK(receive(pair[1], &got, 0) < 0 && said("does not answer"));
	close_pair();
	connect_pair();
	h.size = 8;
	CHECK(write(pair[0], &h, sizeof(h)) == sizeof(h));
	close(pair[0]);
	CHECK(receive(pair[1], &got, SOON_MS) < 0 && said("within a message"));
	close(pair[1]);
	/* More descriptors than any message has: none stays open. */
	connect_pair();
	before = open_descriptors();
	for (i = 0; i < 2; i++) {
		unsigned int n;

		many.fds = VHOST_USER_REGIONS_MAX;
		for (n = 0; n < many.fds; n++)
			many.fd[n] = pair[0];
		many.header.size = i ? 0 : 8;
		CHECK(!message_send(pair[0], &many, &(int){ SOON_MS }, &why));
	}
	CHECK(receive(pair[1], &got, SOON_MS) == 1);
	message_drop_fds(&got);
	CHECK(receive(pair[1], &got, SOON_MS) == 1);
	message_drop_fds(&got);
	CHECK(open_descriptors() == before);
	close_pair();
}

/* What is waited is taken off, in each part of a message; and a peer may not read at all. */
static void slow_peers(void)
{
	struct vhost_user_message m = { .header = { 1, 1, 8 } }, got;
	int left = SOON_MS, before = 0;

	connect_pair();
	CHECK(!message_send(pair[0], &m, &left, &why) && left == SOON_MS);
	CHECK(message_receive(pair[1], &got, &left, &why) == 1 && left <= SOON_MS - 2);
	CHECK(write(pair[0], &m, 5) == 5);
	CHECK(message_receive(pair[1], &got, &left, &why) < 0 && said("does not answer"));
	CHECK(!left);
	for (left = SOON_MS; left; before++)
		if (message_send(pair[0], &m, &left, &why))
			break;
	CHECK(!left && before && said("cannot be sent"));
	close_pair();
}

/* ---- the front end with a peer that says what it was told to say ----------------------------- */

static void script_fd(__u32 request, __u32 flags, __u64 number, __u32 size, int fd)
{
	struct vhost_user_message m = {
		.header = { request, flags | VHOST_USER_VERSION, size },
		.payload.number = number,
		.fd = { fd },
		.fds = fd >= 0,
	};
	struct sentence ignored;

	CHECK(!message_send(pair[1], &m, &(int){ SOON_MS }, &ignored));
}

static void script(__u32 request, __u64 number)
{
	script_fd(request, VHOST_USER_REPLY, number, sizeof(number), -1);
}

static struct frontend scripted(void)
{
	connect_pair();
	return (struct frontend) { .socket = pair[0], .left_ms = 0 };
}

#define OFFERED (BIT_ULL(VHOST_USER_F_PROTOCOL_FEATURES) | BIT_ULL(VIRTIO_F_VERSION_1))

static void peer_negotiates(void)
{
	struct frontend f = scripted();
	__u64 wanted = BIT_ULL(VHOST_USER_PROTOCOL_F_MQ);

	script(VHOST_USER_GET_FEATURES, OFFERED);
	script(VHOST_USER_GET_PROTOCOL_FEATURES, ~0ULL);
	script(VHOST_USER_GET_QUEUE_NUM, 7);
	CHECK(!frontend_negotiate(&f, wanted, &why));
	CHECK(f.queues == 7 && f.protocol == wanted && f.has_protocol);
	CHECK(f.features == BIT_ULL(VIRTIO_F_VERSION_1));
	close_pair();

	f = scripted();
	script(VHOST_USER_GET_FEATURES, OFFERED);
	script(VHOST_USER_GET_PROTOCOL_FEATURES, wanted);
	script(VHOST_USER_GET_QUEUE_NUM, 1ULL << 40);
	CHECK(frontend_negotiate(&f, wanted, &why) && said("1099511627776 queues"));
	close_pair();
}

static void peer_lies(void)
{
	static const struct {
		__u32 request, flags, size;
		bool fd;
		const char *says;
	} lies[] = {
		{ VHOST_USER_SET_OWNER, VHOST_USER_REPLY, 8, false, "with SET_OWNER" },
		{ 99, VHOST_USER_REPLY, 8, false, "with an unknown request" },
		{ VHOST_USER_GET_FEATURES, 0, 8, false, "answers GET_FEATURES with" },
		{ VHOST_USER_GET_FEATURES, VHOST_USER_REPLY, 4, false, "4 bytes, not 8" },
		{ VHOST_USER_GET_FEATURES, VHOST_USER_REPLY, 8, true, "1 descriptors, not 0" },
	};
	unsigned int i, before;
	struct frontend f;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		f = scripted();
		before = open_descriptors();
		script_fd(lies[i].request, lies[i].flags, 0, lies[i].size,
			  lies[i].fd ? pair[1] : -1);
		CHECK(frontend_fence(&f, &why) && said(lies[i].says));
		CHECK(open_descriptors() == before);
		close_pair();
	}
	f = scripted();
	CHECK(frontend_fence(&f, &why) && said("does not answer"));
	shutdown(pair[1], SHUT_WR);
	CHECK(frontend_fence(&f, &why) && said("went away instead of answering GET_FEATURES"));
	close_pair();
}

static void peer_refuses(void)
{
	struct vhost_user_inflight inflight = { .queues = 1, .queue_size = 8 };
	struct frontend f = scripted();
	__u8 config[8];
	int fd;

	f.protocol = BIT_ULL(VHOST_USER_PROTOCOL_F_REPLY_ACK);
	script(VHOST_USER_SET_FEATURES, 1);
	CHECK(frontend_set_features(&f, 0, &why) && said("refuses SET_FEATURES"));
	script(VHOST_USER_SET_FEATURES, 0);
	CHECK(!frontend_set_features(&f, 0, &why));
	script_fd(VHOST_USER_GET_CONFIG, VHOST_USER_REPLY, 0, 0, -1);
	CHECK(frontend_get_config(&f, config, sizeof(config), &why) && said("8 bytes"));
	script_fd(VHOST_USER_GET_INFLIGHT_FD, VHOST_USER_REPLY, 0, 24, -1);
	CHECK(frontend_get_inflight(&f, &inflight, &fd, &why) && said("0 descriptors, not 1"));
	script(VHOST_USER_GET_VRING_BASE, 1);
	CHECK(frontend_stop_queue(&f, 0, &why) && said("for queue 1, not 0"));
	close_pair();
}

/* ---- our front end and our back end ---------------------------------------------------------- */

/* What a guest has: memory, in it one split queue of 8 entries for buffers of 64 bytes. */
#define SIZE		8
#define DESCRIPTORS	0x1000
#define AVAILABLE	0x2000
#define USED		0x3000
#define BUFFERS		0x4000

struct guest {
	struct guest_ram ram;
	int fd;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	int kick, call;
};

static void guest_open(struct guest *g)
{
	unsigned int i;

	memset(g, 0, sizeof(*g));
	g->fd = memfd_create("guest", MFD_CLOEXEC);
	CHECK(!ftruncate(g->fd, RAM_SIZE));
	g->ram.low_size = RAM_SIZE;
	g->ram.low = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, g->fd, 0);
	CHECK(g->ram.low != MAP_FAILED);
	g->desc = (void *)(g->ram.low + DESCRIPTORS);
	g->avail = (void *)(g->ram.low + AVAILABLE);
	g->used = (void *)(g->ram.low + USED);
	for (i = 0; i < SIZE; i++)
		g->desc[i] = (struct vring_desc) { BUFFERS + 64 * i, 64, VRING_DESC_F_WRITE, 0 };
	g->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	g->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void guest_close(struct guest *g)
{
	munmap(g->ram.low, RAM_SIZE);
	close(g->fd);
	close(g->kick);
	close(g->call);
}

static void guest_adds(struct guest *g, unsigned int descriptor)
{
	g->avail->ring[g->avail->idx % SIZE] = descriptor;
	__atomic_store_n(&g->avail->idx, g->avail->idx + 1, __ATOMIC_RELEASE);
}

static void ring(int fd)
{
	const __u64 one = 1;

	CHECK(write(fd, &one, sizeof(one)) == sizeof(one));
}

static bool rang(int fd)
{
	__u64 count;

	return read(fd, &count, sizeof(count)) > 0;
}

/* The back end's thread: messages until the connection ends. */
static struct backend backend;
static struct backend_device rng;
static pthread_t thread;
static int ended;

static void *serve_messages(void *arg)
{
	struct sentence ignored;

	(void)arg;
	do {
		ended = backend_message(&backend, INT_MAX, &ignored);
	} while (ended > 0);
	return NULL;
}

static void backend_starts(int socket)
{
	served_rng(&rng);
	backend_open(&backend, &rng, socket);
	CHECK(!pthread_create(&thread, NULL, serve_messages, NULL));
}

static void backend_ends(void)
{
	shutdown(backend.socket, SHUT_RDWR);
	pthread_join(thread, NULL);
	backend_close(&backend);
}

static struct frontend to_backend(void)
{
	connect_pair();
	backend_starts(pair[1]);
	return (struct frontend) { .socket = pair[0], .left_ms = FRONTEND_TIMEOUT_MS };
}

static int give_queue(struct frontend *f, struct guest *g, __u16 base)
{
	struct frontend_queue q = {
		.size = SIZE,
		.base = base,
		.descriptors = g->desc,
		.available = g->avail,
		.used = g->used,
		.kick = g->kick,
		.call = g->call,
	};

	return frontend_set_features(f, BIT_ULL(VIRTIO_F_VERSION_1), &why) ||
	       frontend_set_memory(f, &g->ram, g->fd, &why) ||
	       frontend_start_queue(f, &q, &why) || frontend_fence(f, &why);
}

static void both_ends(void)
{
	struct frontend f = to_backend();
	static const __u8 zeros[64];
	struct guest g;

	guest_open(&g);
	CHECK(!frontend_negotiate(&f, ~0ULL, &why));
	CHECK(f.queues == 1 && frontend_has(&f, VHOST_USER_PROTOCOL_F_REPLY_ACK));
	CHECK(!give_queue(&f, &g, 0));
	guest_adds(&g, 3);
	guest_adds(&g, 1);
	ring(g.kick);
	backend_kicked(&backend, 0);
	CHECK(g.used->idx == 2 && g.used->ring[0].id == 3 && g.used->ring[0].len == 64);
	CHECK(rang(g.call));
	CHECK(memcmp(g.ram.low + BUFFERS + 3 * 64, zeros, 64) != 0);
	CHECK(memcmp(g.ram.low + BUFFERS + 2 * 64, zeros, 64) == 0);
	/* Given back, the queue is not served. */
	CHECK(!frontend_stop_queue(&f, 0, &why));
	CHECK(!backend.queue[0].running && backend.queue[0].kick < 0);
	/* Begun again in the middle, it goes on there. */
	guest_adds(&g, 5);
	CHECK(!give_queue(&f, &g, 2));
	backend_kicked(&backend, 0);
	CHECK(g.used->idx == 3 && g.used->ring[2].id == 5);
	/* A driver that breaks a rule ends its queue, and not the back end. */
	guest_adds(&g, SIZE);
	backend_kicked(&backend, 0);
	CHECK(!backend.queue[0].running && g.used->idx == 3);
	CHECK(!frontend_fence(&f, &why));
	backend_ends();
	guest_close(&g);
	close(pair[0]);
}

static void backend_refuses(void)
{
	struct frontend f = to_backend();
	struct guest g;

	guest_open(&g);
	CHECK(!frontend_negotiate(&f, ~0ULL, &why));
	CHECK(frontend_set_features(&f, BIT_ULL(63), &why) && said("refuses SET_FEATURES"));
	/* Memory that ends before it ends. */
	g.ram.low_size = 2 * RAM_SIZE;
	CHECK(frontend_set_memory(&f, &g.ram, g.fd, &why) && said("refuses SET_MEM_TABLE"));
	g.ram.low_size = RAM_SIZE;
	/* A queue elsewhere, one that is too long, one that there is not. */
	g.desc = (void *)(g.ram.low + RAM_SIZE);
	CHECK(give_queue(&f, &g, 0) && said("refuses"));
	CHECK(!frontend_fence(&f, &why));
	CHECK(frontend_start_queue(&f, &(struct frontend_queue) { .size = 512 }, &why) &&
	      said("refuses SET_VRING_NUM"));
	CHECK(frontend_start_queue(&f, &(struct frontend_queue) { .index = 9, .size = 8 }, &why));
	/* Who does not ask for answers is left. */
	f.protocol = 0;
	CHECK(!frontend_set_features(&f, BIT_ULL(63), &why));
	pthread_join(thread, NULL);
	CHECK(ended == -1);
	backend_close(&backend);
	CHECK(frontend_fence(&f, &why));
	guest_close(&g);
	close(pair[0]);
}

/* A back end dies between taking a buffer and giving it back; the next one finds its note. */
static void notes_of_the_dead(void)
{
	struct vhost_user_inflight inflight = { .queues = 1, .queue_size = SIZE };
	struct frontend f = to_backend();
	struct guest g;
	int fd = -1;

	guest_open(&g);
	CHECK(!frontend_negotiate(&f, ~0ULL, &why));
	CHECK(!frontend_get_inflight(&f, &inflight, &fd, &why));
	CHECK(!frontend_set_inflight(&f, &inflight, fd, &why));
	CHECK(!give_queue(&f, &g, 0));
	guest_adds(&g, 0);
	backend_kicked(&backend, 0);
	guest_adds(&g, 1);
	inflight_taken(&backend, 0, 1);
	backend_ends();
	close(pair[0]);

	f = to_backend();
	CHECK(!frontend_negotiate(&f, ~0ULL, &why));
	CHECK(!frontend_set_inflight(&f, &inflight, fd, &why));
	/* What the front end believes does not count, where there are notes. */
	CHECK(!give_queue(&f, &g, 2));
	backend_kicked(&backend, 0);
	CHECK(g.used->idx == 2 && g.used->ring[1].id == 1);
	/* Notes that are too short are none. */
	inflight.size = 16;
	CHECK(frontend_set_inflight(&f, &inflight, fd, &why) && said("refuses"));
	backend_ends();
	close(pair[0]);
	close(fd);
	guest_close(&g);
}

/* An image is one guest's, as that of --disk is. */
static void served_disks(void)
{
	char path[] = "/tmp/minikvm-unit-XXXXXX";
	struct backend_device device;
	struct served_disk one, two;
	int fd = mkstemp(path);

	CHECK(fd >= 0 && !ftruncate(fd, 4096));
	CHECK(!served_blk(&device, &one, path, false, &why) && one.config.capacity == 8);
	CHECK(served_blk(&device, &two, path, true, &why) && said("in use"));
	disk_close(&one.disk);
	CHECK(!served_blk(&device, &two, path, true, &why));
	CHECK(device.features & BIT_ULL(VIRTIO_BLK_F_RO));
	disk_close(&two.disk);
	close(fd);
	unlink(path);
}

/* ---- the device ------------------------------------------------------------------------------ */

static struct sockaddr_un at = { .sun_family = AF_UNIX };
static struct virtio_pci transport;
static unsigned int config_interrupts;

static void interrupt(void *opaque, int queue)
{
	(void)opaque;
	config_interrupts += queue < 0;
}

static int listen_somewhere(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/minikvm-unit-%d", getpid());
	unlink(at.sun_path);
	CHECK(!bind(fd, (struct sockaddr *)&at, sizeof(at)) && !listen(fd, 1));
	return fd;
}

static bool accepted;

/* The device connects before anybody accepts; the back end begins when it has. */
static void *accept_one(void *listener)
{
	int fd = accept(*(int *)listener, NULL, NULL);

	accepted = fd >= 0;
	if (accepted)
		backend_starts(fd);
	return NULL;
}

static struct virtio_device *open_device(struct guest *g, int listener)
{
	struct vhost_user_memory_source memory = { &g->ram, g->fd };
	struct virtio_device *d;
	pthread_t acceptor;

	CHECK(!pthread_create(&acceptor, NULL, accept_one, &listener));
	d = vhost_user_open(&vhost_user_rng, at.sun_path, &memory, NULL, 0, &why);
	pthread_join(acceptor, NULL);
	if (d) {
		d->interrupt = interrupt;
		d->transport = &transport;
	}
	return d;
}

static void driver_starts(struct virtio_device *d)
{
	struct virtqueue_layout layout = {
		.size = SIZE,
		.descriptors = DESCRIPTORS,
		.driver = AVAILABLE,
		.device = USED,
	};

	d->features = BIT_ULL(VIRTIO_F_VERSION_1);
	CHECK(!virtio_queue_enable(d, 0, &layout));
	virtio_start(d);
}

static void device_is_served(void)
{
	int listener = listen_somewhere();
	struct virtio_device *d;
	struct guest g;

	guest_open(&g);
	d = open_device(&g, listener);
	CHECK(d && d->queues == 1 && d->offered & BIT_ULL(VIRTIO_F_VERSION_1));
	CHECK(!(d->offered & BIT_ULL(VIRTIO_F_RING_PACKED)));
	guest_adds(&g, 0);
	driver_starts(d);
	/* The kick before DRIVER_OK is not lost. */
	backend_kicked(&backend, 0);
	CHECK(g.used->idx == 1);
	/* Reset and begun anew, it is served from the beginning. */
	virtio_reset(d);
	CHECK(!backend.queue[0].running);
	memset(g.avail, 0, 64);
	memset(g.used, 0, 128);
	guest_adds(&g, 2);
	driver_starts(d);
	backend_kicked(&backend, 0);
	CHECK(g.used->idx == 1 && g.used->ring[0].id == 2);
	d->ops->close(d);
	backend_ends();
	guest_close(&g);
	close(listener);
	unlink(at.sun_path);
}

/* Let the worker do what there is to do, until @what is so, or for long enough. */
static void turn_until(struct virtio_device *d, const bool *what, bool so)
{
	unsigned int turns;

	for (turns = 0; *what != so && turns < 20; turns++)
		worker_turn(&d->worker[0], TURN_MS);
	CHECK(*what == so);
}

/* A back end that leaves, and one that comes, as the device's worker sees them. */
static void device_survives(void)
{
	int listener = listen_somewhere();
	struct virtio_device *d;
	struct vhost_user *v;
	pthread_t acceptor;
	struct guest g;

	guest_open(&g);
	d = open_device(&g, listener);
	guest_adds(&g, 0);
	driver_starts(d);
	backend_kicked(&backend, 0);
	guest_adds(&g, 1);
	backend_ends();
	config_interrupts = 0;
	v = d->opaque;
	turn_until(d, &v->served, false);
	CHECK(!d->needs_reset && config_interrupts == 0);
	CHECK(!pthread_create(&acceptor, NULL, accept_one, &listener));
	turn_until(d, &v->served, true);
	if (!v->served)
		shutdown(listener, SHUT_RDWR);
	pthread_join(acceptor, NULL);
	if (v->served)
		backend_kicked(&backend, 0);
	CHECK(g.used->idx == 2 && g.used->ring[1].id == 1);
	d->ops->close(d);
	if (accepted)
		backend_ends();
	guest_close(&g);
	close(listener);
	unlink(at.sun_path);
}

/* Without notes, and with a buffer in flight, nobody knows how to go on. */
static void device_needs_reset(void)
{
	int listener = listen_somewhere(), idle;
	struct virtio_device *d;
	struct vhost_user *v;
	struct guest g;

	for (idle = 0; idle < 2; idle++) {
		guest_open(&g);
		d = open_device(&g, listener);
		v = d->opaque;
		v->frontend.protocol &= ~BIT_ULL(VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD);
		driver_starts(d);
		if (!idle)
			guest_adds(&g, 0);
		backend_ends();
		config_interrupts = 0;
		turn_until(d, &v->served, false);
		CHECK(d->needs_reset == !idle && config_interrupts == !idle);
		virtio_reset(d);
		CHECK(!d->needs_reset);
		d->ops->close(d);
		guest_close(&g);
	}
	close(listener);
	unlink(at.sun_path);
}

/* The process of a back end that does not end by SIGTERM does not keep the tool from its end. */
static void child_that_stays(void)
{
	struct vhost_user_memory_source memory = { };
	sigset_t term, before;
	pid_t child;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	child = fork();
	if (!child) {
		for (;;)
			pause();
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	CHECK(!vhost_user_open(&vhost_user_rng, "/tmp/minikvm-none", &memory, NULL, child, &why));
	CHECK(kill(child, 0) && errno == ESRCH);
}

const struct test vhost_user_tests[] = {
	{ "vhost_user_messages", whole_messages },
	{ "vhost_user_broken_messages", broken_messages },
	{ "vhost_user_slow_peers", slow_peers },
	{ "vhost_user_peer_negotiates", peer_negotiates },
	{ "vhost_user_peer_lies", peer_lies },
	{ "vhost_user_peer_refuses", peer_refuses },
	{ "vhost_user_both_ends", both_ends },
	{ "vhost_user_backend_refuses", backend_refuses },
	{ "vhost_user_notes_of_the_dead", notes_of_the_dead },
	{ "vhost_user_device_is_served", device_is_served },
	{ "vhost_user_device_survives", device_survives },
	{ "vhost_user_device_needs_reset", device_needs_reset },
	{ "vhost_user_served_disks", served_disks },
	{ "vhost_user_child_that_stays", child_that_stays },
	{ }
};
