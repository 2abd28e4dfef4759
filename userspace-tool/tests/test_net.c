// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the network card: frames in both directions, spread over buffers, held back and dropped;
 * commands; what a driver may not do; and the argument of --net.
 */
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compiler.h"
#include "tests.h"
#include "virtio/net.h"
#include "virtio/net_option.h"
#include "virtio_model.h"

#define V1	BIT_ULL(32)
#define MERGE	BIT_ULL(VIRTIO_NET_F_MRG_RXBUF)
#define COMMANDS (BIT_ULL(VIRTIO_NET_F_CTRL_VQ) | BIT_ULL(VIRTIO_NET_F_CTRL_MAC_ADDR))
#define BUFFER	0x1000

static int other_end;

/* A card whose other end is @other_end. */
static struct model *card(__u64 features, __u16 entries)
{
	struct net_settings settings = { .mac = { 2, 1, 2, 3, 4, 5 }, .mtu = 9000 };
	struct net_cable cable = { .fd = -1 };
	struct model *m = model_new();
	struct virtio_device *d;
	struct sentence why;
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd) == 0);
	cable.fd = fd[0];
	other_end = fd[1];
	d = net_open(&m->ram, &settings, &cable, &why);
	CHECK(d);
	model_start_sized(m, d, V1 | features, entries);
	return m;
}

static void end(struct model *m)
{
	model_free(m);
	close(other_end);
}

static __u64 place(unsigned int number)
{
	return MODEL_FREE + number * BUFFER;
}

static void offer(struct model *m, unsigned int number, __u32 len)
{
	struct model_part part = { place(number), len, true };

	model_add(m, NET_RECEIVE, &part, 1);
}

/* A frame arrives: a header that means nothing, and @len bytes behind it. */
static void arrive(struct model *m, size_t len)
{
	static __u8 frame[70000];
	size_t i;

	memset(frame, 0xee, NET_HEADER);
	for (i = 0; i < len; i++)
		frame[NET_HEADER + i] = i * 7;
	CHECK(write(other_end, frame, NET_HEADER + len) == (ssize_t)(NET_HEADER + len));
	model_turn(m);
}

static bool holds(struct model *m, __u64 at, size_t first, size_t len)
{
	const __u8 *data = model_at(m, at);
	size_t i;

	for (i = 0; i < len; i++)
		if (data[i] != (__u8)((first + i) * 7))
			return false;
	return true;
}

static void net_transmits(void)
{
	struct model *m = card(0, MODEL_ENTRIES);
	struct model_part part[] = {
		{ place(0), 5, false }, { place(1), NET_HEADER - 5 + 3, false },
		{ place(2), 100, false },
	};
	__u8 got[256];
	__u32 len;
	int i;

	for (i = 0; i < 100; i++)
		((__u8 *)model_at(m, place(2)))[i] = i;
	memcpy(model_at(m, place(1) + NET_HEADER - 5), "abc", 3);
	CHECK(model_add(m, NET_TRANSMIT, part, 3) == 0);
	model_turn(m);
	CHECK(read(other_end, got, sizeof(got)) == NET_HEADER + 103);
	CHECK(!memcmp(got + NET_HEADER, "abc", 3) && got[NET_HEADER + 3 + 99] == 99);
	CHECK(model_used(m, NET_TRANSMIT, &len) == 0 && len == 0);
	CHECK(m->interrupts[NET_TRANSMIT] == 1);
	/* A header alone is no frame, but no fault either. */
	part[1].len = NET_HEADER - 5;
	model_add(m, NET_TRANSMIT, part, 2);
	model_turn(m);
	CHECK(model_used(m, NET_TRANSMIT, &len) == 3 && !m->device->needs_reset);
	end(m);
}

static void net_short_header(void)
{
	struct model *m = card(0, MODEL_ENTRIES);
	struct model_part part = { place(0), NET_HEADER - 1, false };
	__u8 got[64];

	model_add(m, NET_TRANSMIT, &part, 1);
	model_turn(m);
	CHECK(m->device->needs_reset && m->changes == 1);
	CHECK(read(other_end, got, sizeof(got)) < 0);
	/* After the reset all is well. */
	model_start(m, m->device, V1);
	part.len = 60;
	model_add(m, NET_TRANSMIT, &part, 1);
	model_turn(m);
	CHECK(read(other_end, got, sizeof(got)) == 60);
	end(m);
}

static void net_receives(void)
{
	struct model *m = card(BIT_ULL(VIRTIO_NET_F_GUEST_CSUM), MODEL_ENTRIES);
	struct virtio_net_hdr_v1 *h;
	__u32 len;

	/* Without a buffer it stays where it is. */
	arrive(m, 100);
	CHECK(model_used(m, NET_RECEIVE, &len) == -1);
	offer(m, 0, 1000);
	model_turn(m);
	CHECK(model_used(m, NET_RECEIVE, &len) == 0 && len == NET_HEADER + 100);
	h = model_at(m, place(0));
	CHECK(h->num_buffers == 1 && h->flags == VIRTIO_NET_HDR_F_DATA_VALID);
	CHECK(h->gso_type == 0 && h->gso_size == 0 && h->csum_start == 0);
	CHECK(holds(m, place(0) + NET_HEADER, 0, 100));
	/* One that the buffer cannot hold is lost, and the buffer is not. */
	offer(m, 1, 1000);
	arrive(m, 2000);
	CHECK(model_used(m, NET_RECEIVE, &len) == -1 && !m->device->needs_reset);
	arrive(m, 300);
	CHECK(model_used(m, NET_RECEIVE, &len) == 1 && len == NET_HEADER + 300);
	CHECK(m->interrupts[NET_RECEIVE] == 2);
	end(m);
}

static void net_merges(void)
{
	struct model *m = card(MERGE, MODEL_ENTRIES);
	struct model_part parts[] = {
		{ place(9), NET_HEADER - 1, true }, { place(10), 1001, true },
	};
	struct vring_used *used = m->device->queue[NET_RECEIVE].ring.used;
	__u32 len;

	/* The number of buffers lies in two parts of the first. */
	model_add(m, NET_RECEIVE, parts, 2);
	offer(m, 0, 1000);
	model_turn(m);
	arrive(m, 2500);
	CHECK(used->idx == 0);
	offer(m, 1, 1000);
	model_turn(m);
	/* All at once, and in order. */
	CHECK(used->idx == 3 && m->interrupts[NET_RECEIVE] == 1);
	CHECK(*(__u8 *)model_at(m, place(9) + NET_HEADER - 2) == 3);
	CHECK(*(__u8 *)model_at(m, place(10)) == 0);
	CHECK(model_used(m, NET_RECEIVE, &len) == 0 && len == NET_HEADER + 1000);
	CHECK(model_used(m, NET_RECEIVE, &len) == 2 && len == 1000);
	CHECK(model_used(m, NET_RECEIVE, &len) == 3 && len == 500);
	CHECK(holds(m, place(10) + 1, 0, 1000) && holds(m, place(0), 1000, 1000));
	CHECK(holds(m, place(1), 2000, 500));
	end(m);
}

/* Four small buffers are all that there are: the frame can never be whole. */
static void net_too_few(void)
{
	struct model *m = card(MERGE, 4);
	__u32 len;
	int i;

	for (i = 0; i < 4; i++)
		offer(m, i, 100);
	arrive(m, 1000);
	CHECK(m->device->needs_reset && model_used(m, NET_RECEIVE, &len) == -1);
	/* After a reset the frame is gone, with the buffers. */
	model_start_sized(m, m->device, V1 | MERGE, 4);
	offer(m, 0, 100);
	arrive(m, 20);
	CHECK(model_used(m, NET_RECEIVE, &len) == 0 && len == NET_HEADER + 20);
	end(m);
}

static void net_no_room(void)
{
	struct model *m = card(MERGE, MODEL_ENTRIES);
	struct model_part read_only = { place(0), 100, false };

	offer(m, 0, NET_HEADER - 1);
	arrive(m, 100);
	CHECK(m->device->needs_reset);
	model_start(m, m->device, V1 | MERGE);
	model_add(m, NET_RECEIVE, &read_only, 1);
	arrive(m, 100);
	CHECK(m->device->needs_reset);
	end(m);
}

/* A cable that is full: nothing is lost, and the order stays. */
static void net_full_cable(void)
{
	struct model *m = card(0, MODEL_ENTRIES);
	struct model_part part = { place(0), 60000, false };
	static __u8 got[70000];
	unsigned int sent = 0, arrived = 0, used = 0;
	__u32 len;

	for (sent = 0; sent < 100; sent++)
		model_add(m, NET_TRANSMIT, &part, 1);
	model_turn(m);
	while (model_used(m, NET_TRANSMIT, &len) >= 0)
		used++;
	CHECK(used > 0 && used < 100);
	while (arrived < 100 && read(other_end, got, sizeof(got)) == 60000) {
		arrived++;
		model_turn(m);
	}
	CHECK(arrived == 100);
	/* Reset in the middle: what waited is forgotten. */
	for (sent = 0; sent < 100; sent++)
		model_add(m, NET_TRANSMIT, &part, 1);
	model_turn(m);
	virtio_queue_reset(m->device, NET_TRANSMIT);
	while (read(other_end, got, sizeof(got)) > 0)
		model_turn(m);
	model_start(m, m->device, V1);
	part.len = 77;
	model_add(m, NET_TRANSMIT, &part, 1);
	model_turn(m);
	CHECK(read(other_end, got, sizeof(got)) == 77);
	end(m);
}

/* The receive queue is reset while a part of a frame is in it. */
static void net_queue_reset(void)
{
	struct model *m = card(MERGE, MODEL_ENTRIES);
	struct virtqueue_layout layout = m->device->queue[NET_RECEIVE].ring.layout;
	__u32 len;

	offer(m, 0, 500);
	arrive(m, 900);
	virtio_queue_reset(m->device, NET_RECEIVE);
	memset(model_at(m, layout.descriptors), 0, 0x4000);
	m->next_desc[NET_RECEIVE] = 0;
	CHECK(virtio_queue_enable(m->device, NET_RECEIVE, &layout) == 0);
	offer(m, 1, 1000);
	model_turn(m);
	CHECK(model_used(m, NET_RECEIVE, &len) == 0 && len == NET_HEADER + 900);
	CHECK(holds(m, place(1) + NET_HEADER, 0, 900) && holds(m, place(0) + NET_HEADER, 0, 488));
	end(m);
}

/* Everything that is in flight comes back, so that a snapshot has nothing to keep. */
static void net_drains(void)
{
	struct model *m = card(MERGE, MODEL_ENTRIES);
	struct model_part part = { place(0), 60000, false };
	__u32 len, i;

	offer(m, 0, 500);
	arrive(m, 900);
	for (i = 0; i < 100; i++)
		model_add(m, NET_TRANSMIT, &part, 1);
	model_turn(m);
	CHECK(m->device->queue[NET_RECEIVE].ring.in_flight == 1);
	CHECK(m->device->queue[NET_TRANSMIT].ring.in_flight == 1);
	m->device->ops->drain(m->device);
	CHECK(m->device->queue[NET_RECEIVE].ring.in_flight == 0);
	CHECK(m->device->queue[NET_TRANSMIT].ring.in_flight == 0);
	CHECK(model_used(m, NET_RECEIVE, &len) == 0 && len == 0);
	offer(m, 1, 1000);
	arrive(m, 100);
	CHECK(model_used(m, NET_RECEIVE, &len) == 1 && len == NET_HEADER + 100);
	end(m);
}

static void net_cut(void)
{
	struct model *m = card(0, MODEL_ENTRIES);
	struct model_part part = { place(0), 60, false };
	__u16 status;
	__u32 len;

	memcpy(&status, m->device->config + 6, 2);
	CHECK(status == VIRTIO_NET_S_LINK_UP);
	offer(m, 1, 1000);
	model_turn(m);
	close(other_end);
	other_end = -1;
	model_turn(m);
	memcpy(&status, m->device->config + 6, 2);
	CHECK(status == 0 && m->changes == 1 && m->device->generation == 1);
	model_add(m, NET_TRANSMIT, &part, 1);
	model_turn(m);
	CHECK(model_used(m, NET_TRANSMIT, &len) == 0);
	model_start(m, m->device, V1);
	end(m);
}

/* Return: the answer's byte, or -1 if the buffer did not come back. */
static int send_command(struct model *m, const void *bytes, __u32 size)
{
	struct model_part part[] = { { place(0), size, false }, { place(1), 1, true } };
	__u8 *ack = model_at(m, place(1));
	__u32 len;

	memcpy(model_at(m, place(0)), bytes, size);
	*ack = 0x55;
	model_add(m, NET_CONTROL, part, 2);
	model_turn(m);
	return model_used(m, NET_CONTROL, &len) >= 0 && len == 1 ? *ack : -1;
}

static void net_commands(void)
{
	static const __u8 set[] = { VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET,
				    2, 9, 8, 7, 6, 5 };
	static const __u8 all[] = { VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET,
				    0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const __u8 offloads[] = { VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0, 0, 0, 0, 0, 0, 0, 0,
					 0 };
	struct model *m = card(COMMANDS, MODEL_ENTRIES);
	struct model_part no_answer = { place(0), 8, false };
	__u32 len;

	CHECK(!memcmp(m->device->config, "\x02\x01\x02\x03\x04\x05", 6));
	CHECK(send_command(m, set, sizeof(set)) == VIRTIO_NET_OK);
	CHECK(!memcmp(m->device->config, set + 2, 6));
	CHECK(send_command(m, all, sizeof(all)) == VIRTIO_NET_ERR);
	CHECK(send_command(m, set, sizeof(set) - 1) == VIRTIO_NET_ERR);
	CHECK(send_command(m, set, 1) == VIRTIO_NET_ERR);
	CHECK(!memcmp(m->device->config, set + 2, 6));
	/* Not offered without a tap device. */
	CHECK(send_command(m, offloads, sizeof(offloads)) == VIRTIO_NET_ERR);
	CHECK(send_command(m, "\x77\x00", 2) == VIRTIO_NET_ERR);
	/* Nowhere to put the answer: nothing is written. */
	model_add(m, NET_CONTROL, &no_answer, 1);
	model_turn(m);
	CHECK(model_used(m, NET_CONTROL, &len) >= 0 && len == 0 && !m->device->needs_reset);
	end(m);
}

/* Buffers that belong together, in a packed queue: each has its place, the lap included. */
static void net_packed_many(void)
{
	enum { SIZE = 4, AVAIL = 1 << 7, USED = 1 << 15 };
	struct virtqueue_layout layout = {
		.size = SIZE, .descriptors = 0, .driver = 0x1000, .device = 0x2000, .packed = true,
	};
	struct virtqueue_done done[3] = { };
	struct model *m = model_new();
	struct vring_packed_desc *ring = model_at(m, 0);
	struct virtqueue_chain chain;
	struct virtqueue q;
	int lap, i;

	CHECK(virtqueue_enable(&q, &layout, &m->ram) == 0);
	for (lap = 0; lap < 2; lap++) {
		for (i = 0; i < 3; i++) {
			__u16 at = (lap * 3 + i) % SIZE, wrapped = (lap * 3 + i) / SIZE;

			ring[at].addr = MODEL_FREE;
			ring[at].len = 100;
			ring[at].id = 10 + i;
			ring[at].flags = VRING_DESC_F_WRITE | (wrapped ? USED : AVAIL);
		}
		for (i = 0; i < 3; i++) {
			CHECK(virtqueue_pop(&q, &chain) == 1);
			done[i] = (struct virtqueue_done) {
				.id = chain.id, .entries = chain.entries, .written = 20 + i,
			};
		}
		virtqueue_push_many(&q, done, 3);
		for (i = 0; i < 3; i++) {
			__u16 at = (lap * 3 + i) % SIZE, wrapped = (lap * 3 + i) / SIZE;

			CHECK(ring[at].id == 10 + i && ring[at].len == 20u + i);
			CHECK(ring[at].flags ==
			      (VRING_DESC_F_WRITE | (wrapped ? 0 : AVAIL | USED)));
		}
		CHECK(virtqueue_wants_interrupt(&q) && q.in_flight == 0);
	}
	model_free(m);
}

static bool wrong(const char *text, const char *words)
{
	struct net_option o;
	struct sentence why;

	return net_option_parse(&o, text, 0, &why) == -1 && strstr(why.text, words);
}

static void net_arguments(void)
{
	struct net_option o;
	struct sentence why;
	char text[2048];

	CHECK(net_option_parse(&o, "user", 3, &why) == 0 && !o.tap && !o.forwards);
	CHECK(o.settings.mtu == 65520 && !memcmp(o.settings.mac, "\x52\x54\0\x6d\x6b\x03", 6));
	CHECK(net_option_parse(&o, "user,hostfwd=tcp::80-:8080,hostfwd=udp:1.2.3.4:5-10.0.2.9:6,mtu=1500",
			       0, &why) == 0);
	CHECK(o.forwards == 2 && !strcmp(o.forward[0], "tcp:127.0.0.1:80-10.0.2.15:8080"));
	CHECK(!strcmp(o.forward[1], "udp:1.2.3.4:5-10.0.2.9:6") && o.settings.mtu == 1500);
	CHECK(net_option_parse(&o, "tap", 0, &why) == 0 && o.tap && !strcmp(o.name, "minikvm%d"));
	CHECK(o.settings.mtu == 0 && o.settings.mac[0] == 0);
	CHECK(net_option_parse(&o, "tap,ifname=vm0,mac=52:54:00:AB:cd:ef", 0, &why) == 0);
	CHECK(!strcmp(o.name, "vm0") && !memcmp(o.settings.mac, "\x52\x54\0\xab\xcd\xef", 6));

	CHECK(wrong("", "is user or tap") && wrong("bridge", "is user or tap"));
	CHECK(wrong("user,", "has the settings hostfwd, mac and mtu"));
	CHECK(wrong("user,ifname=tap0", "not 'ifname'") && wrong("tap,hostfwd=x", "not 'hostfwd'"));
	CHECK(wrong("tap,ifname", "ifname=VALUE") && wrong("tap,ifname=", "name of an interface"));
	CHECK(wrong("tap,ifname=0123456789abcdef", "at most 15"));
	CHECK(wrong("tap,ifname=a/b", "name"));
	CHECK(wrong("tap,ifname=a%s", "name") && wrong("tap,ifname=%d%d", "name"));
	CHECK(wrong("tap,mac=1:2:3:4:5", "mac takes") && wrong("tap,mac=1:2:3:4:5:6:7", "mac"));
	CHECK(wrong("tap,mac=01:00:00:00:00:00", "is none"));
	CHECK(wrong("tap,mac=0:0:0:0:0:0", "none"));
	CHECK(wrong("user,mtu=67", "68 to 65520") && wrong("user,mtu=65521", "65520"));
	CHECK(wrong("user,mtu=1500x", "mtu") && wrong("user,mtu=-1", "mtu"));
	CHECK(wrong("user,hostfwd=80-80", "hostfwd takes") && wrong("user,hostfwd=", "hostfwd"));
	CHECK(wrong("user,hostfwd=tcp::0-:80", "hostfwd"));
	CHECK(wrong("user,hostfwd=tcp::1", "hostfwd"));
	CHECK(wrong("user,hostfwd=tcp:300.1.1.1:1-:2", "hostfwd"));
	CHECK(wrong("user,hostfwd=sctp::1-:2", "hostfwd"));
	CHECK(wrong("user,hostfwd=tcp::1-:65536", "hostfwd"));
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	CHECK(wrong(text, "characters or more"));
}

const struct test net_tests[] = {
	{ "net: transmits a frame of several parts", net_transmits },
	{ "net: a frame without a whole header needs a reset", net_short_header },
	{ "net: receives, waits for buffers, drops what none can hold", net_receives },
	{ "net: a frame in several buffers is seen at once", net_merges },
	{ "net: a frame that all buffers do not hold needs a reset", net_too_few },
	{ "net: a buffer without room for the header needs a reset", net_no_room },
	{ "net: waits for a full cable", net_full_cable },
	{ "net: a reset of the queue gives buffers up, and keeps the frame", net_queue_reset },
	{ "net: gives everything back for a snapshot", net_drains },
	{ "net: the other end goes, and the link is down", net_cut },
	{ "net: commands", net_commands },
	{ "virtqueue: packed buffers that belong together", net_packed_many },
	{ "--net: settings, and what is wrong with them", net_arguments },
	{ }
};
