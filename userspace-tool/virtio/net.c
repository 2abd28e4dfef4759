// SPDX-License-Identifier: GPL-2.0-only
/*
 * A network card: section "Network Device" of virtio 1.2. It has a queue with empty buffers for
 * what it receives, one with frames to transmit, and one for commands.
 *
 * The other end of the cable is a file descriptor (struct net_cable): a frame that the driver
 * transmits is written to it as it lies in the guest's memory, in one system call and without a
 * copy. A frame that arrives may be larger than a buffer of the driver's; it is spread over as many
 * as it takes (VIRTIO_NET_F_MRG_RXBUF), and the driver then sees all of them at once. Where one
 * side cannot go on, nothing is lost and the worker sleeps: without empty buffers the
 * descriptor is not looked at, until the driver notifies; with a full cable the frame waits until
 * the descriptor takes it.
 *
 * Relies on one worker, whose lock is held in each function here.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler.h"
#include "virtio/net.h"

#define CLASS_ETHERNET	0x020000
#define FRAME_MAX	(NET_HEADER + 65536 + 64)	/* as large as any */
#define RECEIVE_TURN	64	/* frames before others have their turn */
#define MULTICAST	1	/* bits of an address's first byte */
#define LOCAL		2

#define COMMON_FEATURES	(BIT_ULL(VIRTIO_NET_F_MAC) | BIT_ULL(VIRTIO_NET_F_STATUS) |	\
			 BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) | BIT_ULL(VIRTIO_NET_F_CTRL_VQ) |	\
			 BIT_ULL(VIRTIO_NET_F_CTRL_MAC_ADDR) | BIT_ULL(VIRTIO_NET_F_GUEST_CSUM))

/* What the driver may leave to the kernel where the cable is a tap device, and the reverse. */
#define TAP_FEATURES	(BIT_ULL(VIRTIO_NET_F_CSUM) | BIT_ULL(VIRTIO_NET_F_HOST_TSO4) |	\
			 BIT_ULL(VIRTIO_NET_F_HOST_TSO6) | BIT_ULL(VIRTIO_NET_F_HOST_ECN) |	\
			 RECEIVE_OFFLOADS | BIT_ULL(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
#define RECEIVE_OFFLOADS (BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) | BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) | \
			  BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) | BIT_ULL(VIRTIO_NET_F_GUEST_ECN))

/**
 * struct net - the card
 * @device: what all devices have
 * @cable: the other end
 * @watch: its descriptor
 * @events: what is looked for there
 * @empty: an empty buffer, if @held
 * @held: it was taken from the queue, and nothing is in it yet
 * @starved: a frame waits in @frame, or in the cable, for an empty buffer
 * @frame: the frame that has arrived, with its header
 * @frame_size: bytes, 0 where there is none
 * @frame_done: bytes of it that are in buffers
 * @buffers: of the header, where the number of buffers is to go
 * @filled: buffers that hold the part of the frame that is done
 * @filled_count: how many
 * @waiting: a frame that the cable does not take yet, if @blocked
 * @blocked: it is there
 */
struct net {
	struct virtio_device device;
	struct net_cable cable;
	struct watch watch;
	__u32 events;
	struct virtqueue_chain empty;
	bool held;
	bool starved;
	__u8 frame[FRAME_MAX];
	size_t frame_size, frame_done;
	__u8 *buffers[2];
	struct virtqueue_done filled[VIRTQUEUE_SIZE_MAX];
	unsigned int filled_count;
	struct virtqueue_chain waiting;
	bool blocked;
};

/* Look for frames unless no buffer is there for them, and for room if a frame waits for it. */
static void look(struct net *n)
{
	__u32 events = (n->starved ? 0 : EPOLLIN) | (n->blocked ? EPOLLOUT : 0);

	if (n->cable.fd < 0 || events == n->events)
		return;
	n->events = events;
	if (!events)
		worker_unwatch(&n->device.worker[0], &n->watch);
	else
		worker_watch(&n->device.worker[0], &n->watch, events);
}

/* The other end is gone: the driver sees a card without a link. */
static void cut(struct net *n)
{
	const __u16 status = 0;

	worker_unwatch(&n->device.worker[0], &n->watch);
	close(n->cable.fd);
	n->cable.fd = -1;
	virtio_config_set(&n->device, offsetof(struct virtio_net_config, status), &status,
			  sizeof(status));
}

/* ---- what is received ------------------------------------------------------------------------ */

/* The byte at @offset of the parts that the device fills; there is one. */
static __u8 *byte_at(const struct virtqueue_chain *chain, size_t offset)
{
	const struct iovec *part = chain->part + chain->readable;

	while (offset >= part->iov_len) {
		offset -= part->iov_len;
		part++;
	}
	return (__u8 *)part->iov_base + offset;
}

/* Have an empty buffer. Return: false if there is none, or none that a driver may offer. */
static bool take_empty(struct net *n)
{
	__u32 least = n->filled_count ? 1 : NET_HEADER;

	if (!n->held && virtio_pop(&n->device, NET_RECEIVE, &n->empty) <= 0)
		return false;
	n->held = true;
	if (n->empty.writable_bytes >= least)
		return true;
	virtio_broken(&n->device, "a buffer to receive has no room for the header");
	return false;
}

/* Put the next part of the frame into the empty buffer. */
static void fill(struct net *n)
{
	const size_t at = offsetof(struct virtio_net_hdr_v1, num_buffers);
	size_t len = n->frame_size - n->frame_done;

	if (len > n->empty.writable_bytes)
		len = n->empty.writable_bytes;
	if (!n->filled_count) {
		n->buffers[0] = byte_at(&n->empty, at);
		n->buffers[1] = byte_at(&n->empty, at + 1);
	}
	virtqueue_write(&n->empty, 0, n->frame + n->frame_done, len);
	n->filled[n->filled_count++] = (struct virtqueue_done) {
		.id = n->empty.id,
		.entries = n->empty.entries,
		.written = len,
	};
	n->frame_done += len;
	n->held = false;
}

static void forget_frame(struct net *n)
{
	n->frame_size = 0;
	n->frame_done = 0;
	n->filled_count = 0;
}

/* Hand the frame to the driver, or drop it. Return: false if more empty buffers are needed. */
static bool deliver(struct net *n)
{
	struct virtqueue *q = &n->device.queue[NET_RECEIVE].ring;
	bool merge = virtio_has(&n->device, VIRTIO_NET_F_MRG_RXBUF);

	while (n->frame_done < n->frame_size) {
		if (!take_empty(n))
			return false;
		if (!merge && n->frame_size > n->empty.writable_bytes) {
			forget_frame(n);	/* the buffer waits for a smaller one */
			return true;
		}
		fill(n);
		if (n->frame_done < n->frame_size && q->in_flight >= q->layout.size) {
			virtio_broken(&n->device, "all buffers to receive do not hold one frame");
			return false;
		}
	}
	*n->buffers[0] = n->filled_count & 0xff;
	*n->buffers[1] = n->filled_count >> 8;
	virtqueue_push_many(q, n->filled, n->filled_count);
	forget_frame(n);
	return true;
}

/* Return: a frame is in @n->frame. */
static bool read_frame(struct net *n)
{
	ssize_t ret;

	if (n->cable.fd < 0)
		return false;
	do {
		ret = read(n->cable.fd, n->frame, sizeof(n->frame));
	} while (ret < 0 && errno == EINTR);
	if (ret == 0 || (ret < 0 && errno != EAGAIN && errno != EIO))
		cut(n);
	if (ret <= NET_HEADER)
		return false;
	/* What comes by the user mode network was computed on this machine. */
	if (!n->cable.tap) {
		memset(n->frame, 0, NET_HEADER);
		if (virtio_has(&n->device, VIRTIO_NET_F_GUEST_CSUM))
			n->frame[0] = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	n->frame_size = ret;
	return true;
}

static void receive(struct net *n)
{
	unsigned int turn;

	n->starved = false;
	for (turn = 0; turn < RECEIVE_TURN && !n->starved; turn++) {
		if (!n->frame_size && !read_frame(n))
			break;
		n->starved = !deliver(n);
	}
	virtio_flush(&n->device, NET_RECEIVE);
}

/* ---- what is transmitted --------------------------------------------------------------------- */

/* Return: false if the cable is full; else the frame is gone, or dropped. */
static bool send_frame(struct net *n, const struct virtqueue_chain *chain)
{
	ssize_t ret;

	if (chain->readable_bytes > FRAME_MAX || n->cable.fd < 0)
		return true;
	do {
		ret = writev(n->cable.fd, chain->part, chain->readable);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0 && errno == EAGAIN)
		return false;
	if (ret < 0 && (errno == EPIPE || errno == ECONNRESET || errno == EBADFD))
		cut(n);
	return true;
}

static void transmit(struct net *n)
{
	struct virtio_device *d = &n->device;

	while (n->blocked || virtio_pop(d, NET_TRANSMIT, &n->waiting) > 0) {
		if (n->waiting.readable_bytes < NET_HEADER) {
			virtio_broken(d, "a frame to transmit is shorter than its header");
			break;
		}
		n->blocked = !send_frame(n, &n->waiting);
		if (n->blocked)
			break;
		virtio_push(d, NET_TRANSMIT, &n->waiting, 0);
	}
	virtio_flush(d, NET_TRANSMIT);
}

/* ---- commands -------------------------------------------------------------------------------- */

/* Let the tap device hand out only what the driver understands. */
static int set_offloads(struct net *n, __u64 features)
{
	static const struct {
		unsigned int feature;
		unsigned int flag;
	} offloads[] = {
		{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 },
		{ VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN },
	};
	unsigned long flags = 0;
	size_t i;

	if (!n->cable.tap || n->cable.fd < 0)
		return 0;
	/* Each of the others needs the first. */
	if (features >> VIRTIO_NET_F_GUEST_CSUM & 1) {
		flags = TUN_F_CSUM;
		for (i = 0; i < ARRAY_SIZE(offloads); i++)
			if (features >> offloads[i].feature & 1)
				flags |= offloads[i].flag;
	}
	return ioctl(n->cable.fd, TUNSETOFFLOAD, flags);
}

static bool set_mac(struct net *n, const struct virtqueue_chain *chain)
{
	struct virtio_device *d = &n->device;
	__u8 mac[NET_MAC_SIZE];

	if (virtqueue_read(chain, sizeof(struct virtio_net_ctrl_hdr), mac, sizeof(mac)) !=
	    sizeof(mac) || (mac[0] & MULTICAST))
		return false;
	/* Frames for all addresses come in: who sends them is told by the configuration alone. */
	pthread_mutex_lock(&d->config_lock);
	memcpy(d->config, mac, sizeof(mac));
	d->generation++;
	pthread_mutex_unlock(&d->config_lock);
	return true;
}

static bool set_guest_offloads(struct net *n, const struct virtqueue_chain *chain)
{
	__u64 wanted;

	if (virtqueue_read(chain, sizeof(struct virtio_net_ctrl_hdr), &wanted, sizeof(wanted)) !=
	    sizeof(wanted) || (wanted & ~(n->device.features & RECEIVE_OFFLOADS)))
		return false;
	return set_offloads(n, wanted) == 0;
}

static bool command(struct net *n, const struct virtqueue_chain *chain)
{
	struct virtio_net_ctrl_hdr h;

	if (virtqueue_read(chain, 0, &h, sizeof(h)) != sizeof(h))
		return false;
	if (h.class == VIRTIO_NET_CTRL_MAC && h.cmd == VIRTIO_NET_CTRL_MAC_ADDR_SET)
		return virtio_has(&n->device, VIRTIO_NET_F_CTRL_MAC_ADDR) && set_mac(n, chain);
	if (h.class == VIRTIO_NET_CTRL_GUEST_OFFLOADS &&
	    h.cmd == VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET)
		return virtio_has(&n->device, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) &&
		       set_guest_offloads(n, chain);
	return false;
}

static void control(struct net *n)
{
	struct virtqueue_chain chain;
	__u8 ack;

	while (virtio_pop(&n->device, NET_CONTROL, &chain) > 0) {
		ack = command(n, &chain) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
		virtio_push(&n->device, NET_CONTROL, &chain,
			    virtqueue_write(&chain, 0, &ack, sizeof(ack)));
	}
	virtio_flush(&n->device, NET_CONTROL);
}

/* ---- its life -------------------------------------------------------------------------------- */

static void notify(struct virtio_device *d, unsigned int queue)
{
	struct net *n = d->opaque;

	switch (queue) {
	case NET_RECEIVE:
		receive(n);
		break;
	case NET_TRANSMIT:
		transmit(n);
		break;
	case NET_CONTROL:
		control(n);
		break;
	}
	look(n);
}

/* A frame has arrived, or there is room for one, or the other end is gone. */
static void ready(void *opaque)
{
	struct net *n = opaque;

	if (n->device.needs_reset) {
		n->starved = true;
		n->blocked = false;
	}
	if (n->blocked)
		transmit(n);
	if (!n->starved)
		receive(n);
	look(n);
}

static void start(struct virtio_device *d)
{
	struct net *n = d->opaque;

	/* A kernel that does not know one of them hands out plain frames. */
	if (set_offloads(n, d->features & RECEIVE_OFFLOADS))
		set_offloads(n, 0);
}

static void queue_stop(struct virtio_device *d, unsigned int queue)
{
	struct net *n = d->opaque;

	if (queue == NET_RECEIVE) {
		n->held = false;
		n->frame_done = 0;
		n->filled_count = 0;
		n->starved = true;
	} else if (queue == NET_TRANSMIT) {
		n->blocked = false;
	}
	look(n);
}

static void stop(struct virtio_device *d)
{
	queue_stop(d, NET_TRANSMIT);
	queue_stop(d, NET_RECEIVE);
	forget_frame(d->opaque);
}

/* For a snapshot: buffers go back without a frame; what was in them is lost, as on a wire. */
static void drain(struct virtio_device *d)
{
	struct net *n = d->opaque;
	unsigned int i;

	for (i = 0; i < n->filled_count; i++)
		n->filled[i].written = 0;
	if (n->filled_count)
		virtqueue_push_many(&d->queue[NET_RECEIVE].ring, n->filled, n->filled_count);
	if (n->held)
		virtio_push(d, NET_RECEIVE, &n->empty, 0);
	if (n->blocked)
		virtio_push(d, NET_TRANSMIT, &n->waiting, 0);
	if (d->queue[NET_RECEIVE].enabled)
		virtio_flush(d, NET_RECEIVE);
	if (d->queue[NET_TRANSMIT].enabled)
		virtio_flush(d, NET_TRANSMIT);
	n->held = false;
	n->blocked = false;
	forget_frame(n);
}

/**
 * net_cable_close() - cut the cable: the process at the other end is gone afterwards
 * @cable: the cable; its descriptor may be -1
 */
void net_cable_close(struct net_cable *cable)
{
	if (cable->fd >= 0)
		close(cable->fd);
	if (cable->child > 0)
		while (waitpid(cable->child, NULL, 0) < 0 && errno == EINTR)
			;
	cable->fd = -1;
	cable->child = 0;
}

static void close_device(struct virtio_device *d)
{
	struct net *n = d->opaque;

	virtio_device_release(d);
	net_cable_close(&n->cable);
	free(n);
}

static const struct virtio_device_ops ops = {
	.id = VIRTIO_ID_NET,
	.class = CLASS_ETHERNET,
	.start = start,
	.stop = stop,
	.notify = notify,
	.queue_stop = queue_stop,
	.drain = drain,
	.close = close_device,
};

static void configure(struct virtio_device *d, const struct net_settings *settings, bool tap)
{
	struct virtio_net_config c = {
		.status = VIRTIO_NET_S_LINK_UP,
		.max_virtqueue_pairs = 1,
		.mtu = settings->mtu,
	};
	static const __u8 none[NET_MAC_SIZE];

	memcpy(c.mac, settings->mac, sizeof(c.mac));
	if (!memcmp(c.mac, none, sizeof(none))) {
		if (getrandom(c.mac, sizeof(c.mac), 0) < 0)
			c.mac[NET_MAC_SIZE - 1] = 1;
		c.mac[0] = (c.mac[0] & ~MULTICAST) | LOCAL;
	}
	d->offered |= COMMON_FEATURES | (tap ? TAP_FEATURES : 0) |
		      (settings->mtu ? BIT_ULL(VIRTIO_NET_F_MTU) : 0);
	d->config_size = offsetof(struct virtio_net_config, mtu) + sizeof(c.mtu);
	memcpy(d->config, &c, d->config_size);
}

/**
 * net_open() - a network card
 * @ram: the guest's memory
 * @settings: the card
 * @cable: the other end; it is the card's from now on, whether it succeeds or not
 * @why: receives the sentence on failure
 *
 * Return: the device, to be ended by its close(); or NULL.
 */
struct virtio_device *net_open(const struct guest_ram *ram, const struct net_settings *settings,
			       const struct net_cable *cable, struct sentence *why)
{
	struct net_cable given = *cable;
	struct net *n = calloc(1, sizeof(*n));

	if (!n) {
		net_cable_close(&given);
		say(why, "There is no memory.");
		return NULL;
	}
	n->cable = given;
	n->watch.fd = given.fd;
	n->watch.ready = ready;
	n->watch.opaque = n;
	n->starved = true;	/* until the driver offers buffers */
	if (virtio_device_init(&n->device, &ops, "net", n, ram, NET_QUEUES, 1, why)) {
		close_device(&n->device);
		return NULL;
	}
	configure(&n->device, settings, given.tap);
	return &n->device;
}
