// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtio device whose queues another process serves: see device.h. The driver sees the PCI device
 * of virtio_pci.c; when it is ready (DRIVER_OK), the back end gets the guest's memory, the places
 * of the queues, the eventfd of each queue's notifications, and the one of its interrupts. From
 * then on the kernel carries both between guest and back end (ioeventfd, irqfd), and no thread of
 * this process has a part in it.
 *
 * A back end may end at any time. The device then looks for another at the same path once a second,
 * and the queues go on where they were if that is known: when nothing was in flight, or when the
 * back end has noted what was (INFLIGHT_SHMFD). Otherwise the driver is told DEVICE_NEEDS_RESET.
 *
 * Relies on split queues: packed ones do not say how far a lost back end had come. Worker 0 looks
 * after the connection; vCPU threads use it only to start and stop queues and to write the
 * configuration, each under @lock.
 */
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler.h"
#include "terminal/message.h"
#include "vhost_user/device.h"
#include "virtio/virtio_pci.h"

#define WORKER		0
#define RETRY_SECONDS	1
#define END_MS		2000	/* for the process of a back end to end when it is asked */
#define WANTED		(BIT_ULL(VHOST_USER_PROTOCOL_F_MQ) | \
			 BIT_ULL(VHOST_USER_PROTOCOL_F_REPLY_ACK) | \
			 BIT_ULL(VHOST_USER_PROTOCOL_F_CONFIG) | \
			 BIT_ULL(VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD))
/* Of VIRTIO_COMMON_FEATURES; no packed queues, and no reset of a single one. */
#define RING_FEATURES	(BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | \
			 BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | BIT_ULL(VIRTIO_F_VERSION_1))

/* Up to write_zeroes_may_unmap; later kernels' headers have more behind it. */
#define BLK_CONFIG_SIZE	60
#define BLK_CONFIG_NUM_QUEUES 34

static int set_up_queue(struct vhost_user *v, unsigned int i, bool fresh, struct sentence *why)
{
	const struct virtio_queue *from = &v->device.queue[i];
	struct frontend_queue q = {
		.index = i,
		.size = from->ring.layout.size,
		.base = fresh ? 0 : __atomic_load_n(&from->ring.used->idx, __ATOMIC_ACQUIRE),
		.descriptors = from->ring.desc,
		.available = from->ring.avail,
		.used = from->ring.used,
		.kick = from->kick.fd,
		.call = virtio_pci_queue_fd(v->device.transport, i),
	};

	if (q.call < 0)
		q.call = v->call[i].watch.fd;
	return frontend_start_queue(&v->frontend, &q, why);
}

static int set_up_inflight(struct vhost_user *v, struct sentence *why)
{
	if (!frontend_has(&v->frontend, VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD))
		return 0;
	if (v->inflight_fd < 0) {
		v->inflight = (struct vhost_user_inflight) {
			.queues = v->device.queues,
			.queue_size = v->device.queue_size,
		};
		if (frontend_get_inflight(&v->frontend, &v->inflight, &v->inflight_fd, why))
			return -1;
	}
	return frontend_set_inflight(&v->frontend, &v->inflight, v->inflight_fd, why);
}

/* The whole of what a back end is told, from features to queues. */
static int set_up(struct vhost_user *v, struct sentence *why)
{
	struct virtio_device *d = &v->device;
	bool fresh = v->fresh;
	unsigned int i;

	if (frontend_set_features(&v->frontend, d->features, why) ||
	    frontend_set_memory(&v->frontend, v->memory.ram, v->memory.fd, why) ||
	    set_up_inflight(v, why))
		return -1;
	v->fresh = false;
	for (i = 0; i < d->queues; i++)
		if (d->queue[i].enabled && set_up_queue(v, i, fresh, why))
			return -1;
	return frontend_fence(&v->frontend, why);
}

/* Let go of a back end; its worker notices, and what follows is done there: lost(). */
static void leave(struct vhost_user *v, const struct sentence *why)
{
	message(MESSAGE_WARNING, "%s: %s", v->device.name, why->text);
	v->refused = true;
	shutdown(v->frontend.socket, SHUT_RDWR);
}

/* Give the queues to the back end, if there is one. The lock is held. */
static void serve(struct vhost_user *v)
{
	struct virtio_device *d = &v->device;
	bool successor = !v->fresh;
	struct sentence why;
	unsigned int i;

	if (v->frontend.socket < 0)
		return;
	v->frontend.left_ms = FRONTEND_TIMEOUT_MS;
	v->served = true;	/* from the first message on, the back end may have them */
	if (set_up(v, &why)) {
		leave(v, &why);
		return;
	}
	/* What the lost one may have taken and not obeyed, or done and not told, is made up for. */
	for (i = 0; i < d->queues && successor; i++) {
		virtio_kick(d, i);
		if (d->queue[i].enabled)
			d->interrupt(d->transport, i);
	}
}

/* ---- a connection's end and beginning -------------------------------------------------------- */

static void set_retry(struct vhost_user *v, bool on)
{
	time_t s = on ? RETRY_SECONDS : 0;
	struct itimerspec it = { .it_interval.tv_sec = s, .it_value.tv_sec = s };

	timerfd_settime(v->retry.fd, 0, &it, NULL);
}

/* Is it known where the queues stand, without the back end that had them? */
static bool can_go_on(const struct vhost_user *v)
{
	const struct virtio_device *d = &v->device;
	unsigned int i;

	if (!v->kind->survives || v->refused)
		return false;
	if (v->inflight_fd >= 0)
		return true;
	for (i = 0; i < d->queues; i++) {
		const struct virtqueue *q = &d->queue[i].ring;

		if (d->queue[i].enabled &&
		    __atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE) !=
		    __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE))
			return false;
	}
	return true;
}

/* The back end is gone. Locks of the worker and of the device are held. */
static void lost(struct vhost_user *v)
{
	struct virtio_device *d = &v->device;
	bool had = v->served;
	struct sentence what;

	worker_unwatch(&d->worker[WORKER], &v->connection);
	frontend_close(&v->frontend);
	v->connection.fd = -1;
	v->served = false;
	set_retry(v, true);
	if (!d->running || !had || d->needs_reset) {
		message(MESSAGE_WARNING, "%s: The back end at %s went away.", d->name, v->path);
		return;
	}
	if (can_go_on(v)) {
		message(MESSAGE_WARNING,
			"%s: The back end at %s went away; the device waits for another.", d->name,
			v->path);
		return;
	}
	say(&what,
	    "%s: The back end at %s went away, and what it was working on is not known: the device needs a reset.",
	    d->name, v->path);
	message(MESSAGE_WARNING, "%s", what.text);
	if (d->report)
		d->report(d->machine, &what);
	d->needs_reset = true;
	d->interrupt(d->transport, -1);
}

/* Nothing comes that was not asked for: the connection has ended, or the back end is confused. */
static void connection_ready(void *opaque)
{
	struct vhost_user *v = opaque;
	ssize_t n;
	char byte;

	pthread_mutex_lock(&v->lock);
	if (v->frontend.socket >= 0) {
		n = recv(v->frontend.socket, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
		if (n > 0)
			message(MESSAGE_WARNING, "%s: The back end says what was not asked for.",
				v->device.name);
		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			lost(v);
	}
	pthread_mutex_unlock(&v->lock);
}

static int watch_connection(struct vhost_user *v, struct sentence *why)
{
	v->connection.fd = v->frontend.socket;
	if (worker_watch(&v->device.worker[WORKER], &v->connection, EPOLLIN | EPOLLRDHUP))
		return say(why, "The connection to %s cannot be watched: %s.", v->path,
			   strerror(errno));
	return 0;
}

/* Another back end has to be able to do what the driver was promised of the first. */
static int check_successor(struct vhost_user *v, struct sentence *why)
{
	const struct virtio_device *d = &v->device;
	__u8 config[VHOST_USER_CONFIG_MAX];

	if (d->offered & ~v->frontend.features)
		return say(why, "The new back end at %s lacks features of the first.", v->path);
	if (frontend_has(&v->frontend, VHOST_USER_PROTOCOL_F_MQ) &&
	    v->frontend.queues < d->queues)
		return say(why, "The new back end at %s serves %u queues, not %u.", v->path,
			   v->frontend.queues, d->queues);
	if (!v->kind->config_by_back_end)
		return 0;
	if (!frontend_has(&v->frontend, VHOST_USER_PROTOCOL_F_CONFIG))
		return say(why, "The new back end at %s has no configuration.", v->path);
	return frontend_get_config(&v->frontend, config, d->config_size, why);
}

/* Is there a back end again? If none listens, the next tick looks again, in silence. */
static void retry_ready(void *opaque)
{
	struct vhost_user *v = opaque;
	struct virtio_device *d = &v->device;
	struct sentence why;
	__u64 ticks;

	if (read(v->retry.fd, &ticks, sizeof(ticks)) < 0)
		return;
	pthread_mutex_lock(&v->lock);
	if (v->frontend.socket < 0 && !frontend_connect(&v->frontend, v->path, &why)) {
		if (frontend_negotiate(&v->frontend, WANTED, &why) || check_successor(v, &why) ||
		    watch_connection(v, &why)) {
			message(MESSAGE_WARNING, "%s: %s", d->name, why.text);
			frontend_close(&v->frontend);
		} else {
			message(MESSAGE_WARNING, "%s: There is a back end at %s again.", d->name,
				v->path);
			set_retry(v, false);
			v->refused = false;
			if (d->running && !d->needs_reset)
				serve(v);
		}
	}
	pthread_mutex_unlock(&v->lock);
}

/* ---- what the driver does -------------------------------------------------------------------- */

/* The driver of a machine without messages: its interrupt is a line, which the worker drives. */
static void call_ready(void *opaque)
{
	struct vhost_user_call *c = opaque;
	struct virtio_device *d = &c->device->device;
	__u64 count;

	if (read(c->watch.fd, &count, sizeof(count)) > 0 && d->running)
		d->interrupt(d->transport, c->queue);
}

static void start(struct virtio_device *d)
{
	struct vhost_user *v = d->opaque;

	pthread_mutex_lock(&v->lock);
	v->fresh = true;
	if (!d->needs_reset)
		serve(v);
	pthread_mutex_unlock(&v->lock);
}

static void stop(struct virtio_device *d)
{
	struct vhost_user *v = d->opaque;
	struct sentence why;
	unsigned int i;

	pthread_mutex_lock(&v->lock);
	v->frontend.left_ms = FRONTEND_TIMEOUT_MS;
	for (i = 0; i < d->queues && v->served && v->frontend.socket >= 0; i++) {
		if (d->queue[i].enabled && frontend_stop_queue(&v->frontend, i, &why)) {
			leave(v, &why);
			break;
		}
	}
	v->served = false;
	if (v->inflight_fd >= 0)
		close(v->inflight_fd);
	v->inflight_fd = -1;
	pthread_mutex_unlock(&v->lock);
}

static void config_written(struct virtio_device *d, unsigned int offset, unsigned int len)
{
	struct vhost_user *v = d->opaque;
	__u8 data[VIRTIO_CONFIG_MAX];
	struct sentence why;
	unsigned int i;

	for (i = 0; i < len; i++)
		if (d->config_writable[offset + i])
			break;
	if (i == len)
		return;
	pthread_mutex_lock(&d->config_lock);
	memcpy(data, d->config + offset, len);
	pthread_mutex_unlock(&d->config_lock);
	pthread_mutex_lock(&v->lock);
	v->frontend.left_ms = FRONTEND_TIMEOUT_MS;
	if (v->frontend.socket >= 0 &&
	    frontend_set_config(&v->frontend, offset, data, len, &why))
		leave(v, &why);
	pthread_mutex_unlock(&v->lock);
}

/* Never called: the queues' notifications are the back end's to read. */
static void notify(struct virtio_device *d, unsigned int queue)
{
	(void)d;
	(void)queue;
}

/* By descriptor: the sandbox lets this process signal no other. */
static void end_child(pid_t child, int child_fd)
{
	struct pollfd p = { .fd = child_fd, .events = POLLIN };

	if (child <= 0)
		return;
	if (child_fd >= 0) {
		pidfd_send_signal(child_fd, SIGTERM, NULL, 0);
		/*
		 * A hostile guest may have taken it over, so that it ignores SIGTERM. A signal to
		 * this process ends the patience, too.
		 */
		if (poll(&p, 1, END_MS) != 1)
			pidfd_send_signal(child_fd, SIGKILL, NULL, 0);
	} else {
		kill(child, SIGTERM);
	}
	waitpid(child, NULL, 0);
	if (child_fd >= 0)
		close(child_fd);
}

static void close_device(struct virtio_device *d)
{
	struct vhost_user *v = d->opaque;
	unsigned int i;

	virtio_device_release(d);
	frontend_close(&v->frontend);
	for (i = 0; i < VIRTIO_QUEUES_MAX; i++)
		if (v->call[i].watch.fd >= 0)
			close(v->call[i].watch.fd);
	if (v->retry.fd >= 0)
		close(v->retry.fd);
	if (v->inflight_fd >= 0)
		close(v->inflight_fd);
	end_child(v->child, v->child_fd);
	free(v);
}

/* ---- its beginning --------------------------------------------------------------------------- */

static int prepare_watches(struct vhost_user *v)
{
	struct virtio_device *d = &v->device;
	unsigned int i;

	for (i = 0; i < d->queues; i++) {
		struct vhost_user_call *c = &v->call[i];

		/* Not by this process: the descriptor goes to the back end. */
		worker_unwatch(d->queue[i].worker, &d->queue[i].kick);
		c->device = v;
		c->queue = i;
		c->watch.ready = call_ready;
		c->watch.opaque = c;
		c->watch.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (c->watch.fd < 0 || worker_watch(&d->worker[WORKER], &c->watch, EPOLLIN))
			return -1;
	}
	v->retry.ready = retry_ready;
	v->retry.opaque = v;
	v->retry.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	v->connection.ready = connection_ready;
	v->connection.opaque = v;
	return v->retry.fd < 0 ? -1 : worker_watch(&d->worker[WORKER], &v->retry, EPOLLIN);
}

static unsigned int le16(const __u8 *from)
{
	return from[0] | from[1] << 8;
}

/* The configuration, and how many queues that means. Return: the queues, 0 on failure. */
static unsigned int configure(struct vhost_user *v, __u8 *config, const char *tag,
			      struct sentence *why)
{
	const struct vhost_user_kind *k = v->kind;
	unsigned int queues = k->queues;

	if (tag) {
		memcpy(config, tag, strlen(tag));
		config[offsetof(struct virtio_fs_config, num_request_queues)] = 1;
	}
	if (k->config_by_back_end) {
		if (!frontend_has(&v->frontend, VHOST_USER_PROTOCOL_F_CONFIG)) {
			say(why, "The back end at %s has no configuration (VHOST_USER_PROTOCOL_F_CONFIG): it is no disk.",
			    v->path);
			return 0;
		}
		if (frontend_get_config(&v->frontend, config, k->config_size, why))
			return 0;
	}
	if (k->ops.id == VIRTIO_ID_BLOCK && v->frontend.features & BIT_ULL(VIRTIO_BLK_F_MQ)) {
		queues = le16(config + BLK_CONFIG_NUM_QUEUES);
		queues = queues < v->frontend.queues ? queues : v->frontend.queues;
		queues = queues < VIRTIO_QUEUES_MAX ? queues : VIRTIO_QUEUES_MAX;
		queues = queues ? queues : 1;
		config[BLK_CONFIG_NUM_QUEUES] = queues;
		config[BLK_CONFIG_NUM_QUEUES + 1] = 0;
	}
	if (frontend_has(&v->frontend, VHOST_USER_PROTOCOL_F_MQ) && v->frontend.queues < queues) {
		say(why, "The back end at %s serves %u queues; the device %s has %u.", v->path,
		    v->frontend.queues, k->name, queues);
		return 0;
	}
	return queues;
}

static int begin(struct vhost_user *v, const char *path, const char *tag, struct sentence *why)
{
	const struct vhost_user_kind *k = v->kind;
	struct virtio_device *d = &v->device;
	__u8 config[VIRTIO_CONFIG_MAX] = { };
	unsigned int queues;

	if (frontend_connect(&v->frontend, path, why))
		return -1;
	snprintf(v->path, sizeof(v->path), "%s", path);
	if (frontend_negotiate(&v->frontend, WANTED, why))
		return -1;
	if (!(v->frontend.features & BIT_ULL(VIRTIO_F_VERSION_1)))
		return say(why, "The back end at %s knows no virtio 1.0 (VIRTIO_F_VERSION_1).",
			   path);
	queues = configure(v, config, tag, why);
	if (!queues)
		return -1;
	if (virtio_device_init(d, &k->ops, k->name, v, v->memory.ram, queues, 1, why))
		return -1;
	memcpy(d->config, config, k->config_size);
	d->config_size = k->config_size;
	d->offered = v->frontend.features & (RING_FEATURES | k->features);
	if (k->ops.id == VIRTIO_ID_BLOCK)
		d->config_writable[offsetof(struct virtio_blk_config, wce)] =
			d->offered & BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE) ? 1 : 0;
	if (prepare_watches(v))
		return say(why, "The descriptors of the device %s cannot be made: %s.", k->name,
			   strerror(errno));
	return watch_connection(v, why);
}

/**
 * vhost_user_open() - a device that a back end serves
 * @kind: which device
 * @path: of the back end's socket, which listens
 * @memory: the guest's memory, shared
 * @tag: of a file system, at most VHOST_USER_TAG_MAX bytes; else NULL
 * @child: the back end's process, which ends with the device, or 0
 * @why: receives the sentence on failure
 *
 * Return: the device, to be ended by its close(); or NULL, and @child has ended.
 */
struct virtio_device *vhost_user_open(const struct vhost_user_kind *kind, const char *path,
				      const struct vhost_user_memory_source *memory,
				      const char *tag, pid_t child, struct sentence *why)
{
	struct vhost_user *v = calloc(1, sizeof(*v));
	unsigned int i;

	if (!v) {
		say(why, "There is no memory.");
		end_child(child, -1);
		return NULL;
	}
	pthread_mutex_init(&v->lock, NULL);
	v->kind = kind;
	v->memory = *memory;
	v->child = child;
	v->child_fd = child > 0 ? pidfd_open(child, 0) : -1;
	v->frontend.socket = -1;
	v->inflight_fd = -1;
	v->retry.fd = -1;
	for (i = 0; i < VIRTIO_QUEUES_MAX; i++)
		v->call[i].watch.fd = -1;
	v->device.opaque = v;
	if (begin(v, path, tag, why)) {
		close_device(&v->device);
		return NULL;
	}
	return &v->device;
}

/* ---- the kinds ------------------------------------------------------------------------------- */

#define OPS(number, pci_class)			\
	.ops = {				\
		.id = (number),			\
		.class = (pci_class),		\
		.start = start,			\
		.stop = stop,			\
		.notify = notify,		\
		.config_written = config_written, \
		.close = close_device,		\
	}

const struct vhost_user_kind vhost_user_blk = {
	OPS(VIRTIO_ID_BLOCK, 0x010000),
	.name = "vhost-user-blk",
	.features = BIT_ULL(VIRTIO_BLK_F_SIZE_MAX) | BIT_ULL(VIRTIO_BLK_F_SEG_MAX) |
		    BIT_ULL(VIRTIO_BLK_F_GEOMETRY) | BIT_ULL(VIRTIO_BLK_F_RO) |
		    BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) | BIT_ULL(VIRTIO_BLK_F_FLUSH) |
		    BIT_ULL(VIRTIO_BLK_F_TOPOLOGY) | BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE) |
		    BIT_ULL(VIRTIO_BLK_F_MQ) | BIT_ULL(VIRTIO_BLK_F_DISCARD) |
		    BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES),
	.config_size = BLK_CONFIG_SIZE,
	.config_by_back_end = true,
	.queues = 1,
	.survives = true,
};

/* Its back end holds open files and what the guest knows of them: another one knows nothing. */
const struct vhost_user_kind vhost_user_fs = {
	OPS(VIRTIO_ID_FS, 0x018000),
	.name = "vhost-user-fs",
	.config_size = sizeof(struct virtio_fs_config),
	.queues = 2,
};

const struct vhost_user_kind vhost_user_rng = {
	OPS(VIRTIO_ID_RNG, 0xff0000),
	.name = "vhost-user-rng",
	.queues = 1,
	.survives = true,
};
