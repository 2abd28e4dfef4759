// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_virtio.c - libFuzzer target: a guest that does to a virtio device whatever it likes.
 *
 * The input's first byte chooses device, format of queues and features; the device is then set up
 * as a driver does it, so that what lies behind the registers is reached, and the rest of the input
 * is steps: memory is written, descriptors are made in the queue's format, the device is notified,
 * any register of BAR 0 or of configuration space is read and written, it is reset. The machine
 * and the device's threads are played by this file, one step after the other, so that an input
 * always does the same.
 *
 * ASan and UBSan watch; the guest's memory is an allocation of exactly its size. This file adds
 * that a device which needs a reset gives nothing back, that a disk keeps its size, and that a
 * device which was reset works again.
 */
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler.h"
#include "virtio/balloon.h"
#include "virtio/blk.h"
#include "virtio/console.h"
#include "virtio/net.h"
#include "virtio/rng.h"
#include "virtio/virtio_pci.h"
#include "virtio/vsock.h"

#define RAM_SIZE	(128 * KIB)
#define QUEUE_SPACE	(8 * KIB)	/* for each queue's parts, from 0 on */
#define QUEUES		8
#define ENTRIES		16
#define BAR		PCI_WINDOW_BASE
#define DISK_SIZE	(64 * KIB)

#define SOCKETS		8		/* the host's ends that are open at once */

enum kind { RNG, DISK, DISK_READONLY, CONSOLE, NET, VSOCK, BALLOON, KINDS };

/* A machine for each kind of device, which lives on from input to input. */
static struct machine {
	struct guest_ram ram;
	struct bus memory, ports;
	struct pci_root root;
	struct virtio_pci pci;
	struct virtio_device *device;
	int disk;
	int other_end;			/* of the network card's cable */
	int listener;			/* of vsock's port 1 of the host */
	int socket[SOCKETS];
	unsigned int next_socket;
	bool packed;
	__u16 next[QUEUES];
	bool wrap[QUEUES];
	unsigned int high;		/* lines */
} machines[KINDS], *vm;

static const __u8 *input;
static size_t left;

static void require(bool promise, const char *what)
{
	if (promise)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* The next bytes of the input; zeroes behind its end. */
static __u64 take(unsigned int bytes)
{
	__u64 value = 0;

	if (bytes > left)
		bytes = left;
	memcpy(&value, input, bytes);
	input += bytes;
	left -= bytes;
	return value;
}

/* ---- the machine ----------------------------------------------------------------------------- */

static int gsi_take(void *opaque, unsigned int count)
{
	(void)opaque;
	(void)count;
	return 24;
}

static void gsi_give(void *opaque, unsigned int first)
{
	(void)opaque;
	(void)first;
}

static int route(void *opaque, unsigned int gsi, const struct msi_message *message)
{
	(void)opaque;
	(void)gsi;
	(void)message;
	return 0;
}

static int irqfd(void *opaque, unsigned int gsi, int fd, bool on)
{
	(void)opaque;
	(void)gsi;
	(void)fd;
	(void)on;
	return 0;
}

static void line(void *opaque, unsigned int gsi, bool level)
{
	(void)opaque;
	require(gsi >= PCI_FIRST_GSI && gsi < PCI_FIRST_GSI + PCI_GSIS, "a line exists");
	require(!!(vm->high & BIT(gsi)) != level, "a line is told changes");
	vm->high ^= BIT(gsi);
}

static int doorbell(void *opaque, __u64 gpa, unsigned int len, int fd, bool on)
{
	(void)opaque;
	(void)len;
	(void)fd;
	(void)on;
	require(gpa >= PCI_WINDOW_BASE, "a doorbell is in a window");
	return 0;
}

static const struct wires_ops wires_ops = { gsi_take, gsi_give, route, irqfd, line, doorbell };

static void transmit(void *opaque, const __u8 *data, size_t len)
{
	static __u8 seen[RAM_SIZE];

	(void)opaque;
	memcpy(seen, data, len);	/* reads every byte */
}

static void space(void *opaque)
{
	(void)opaque;
}

static struct virtio_device *open_net(void)
{
	const struct net_settings settings = { .mac = { 2 }, .mtu = 1500 };
	struct net_cable cable = { .fd = -1 };
	struct sentence why;
	int fd[2];

	require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd) == 0, "sockets");
	cable.fd = fd[0];
	vm->other_end = fd[1];
	return net_open(&vm->ram, &settings, &cable, &why);
}

static struct sockaddr_un socket_name(const char *suffix)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof(at.sun_path), "fuzz-%d.sock%s", getpid(), suffix);
	return at;
}

static void remove_sockets(void)
{
	unlink(socket_name("").sun_path);
	unlink(socket_name("_1").sun_path);
}

/* In the current directory, which the run makes. */
static struct virtio_device *open_vsock(void)
{
	struct sockaddr_un at = socket_name("_1");
	struct sentence why;
	unsigned int i;

	remove_sockets();
	atexit(remove_sockets);
	for (i = 0; i < SOCKETS; i++)
		vm->socket[i] = -1;
	vm->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	require(bind(vm->listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		listen(vm->listener, SOCKETS) == 0, "a socket");
	return vsock_open(&vm->ram, socket_name("").sun_path, VSOCK_CID_MIN, &why);
}

static struct virtio_device *open_device(unsigned int kind)
{
	static const struct console_port ports[] = {
		{ .transmit = transmit, .space = space },
		{ .name = "agent", .transmit = transmit, .space = space },
	};
	struct blk_options options = { .threads = true, .readonly = kind == DISK_READONLY };
	struct sentence why;
	char path[64];

	vm->disk = -1;
	switch (kind) {
	case RNG:
		return rng_open(&vm->ram, 0, &why);
	case DISK:
	case DISK_READONLY:
		vm->disk = memfd_create("disk", MFD_CLOEXEC);
		require(ftruncate(vm->disk, DISK_SIZE) == 0, "there is memory for a disk");
		snprintf(path, sizeof(path), "/proc/self/fd/%d", vm->disk);
		options.path = path;
		return blk_open(&vm->ram, &options, 0, 2, &why);
	case NET:
		return open_net();
	case VSOCK:
		return open_vsock();
	case BALLOON:
		return balloon_open(&vm->ram, 4096, &why);
	default:
		return console_device_open(&vm->ram, ports, 2, &why);
	}
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void set(unsigned int at, unsigned int size, __u64 value)
{
	bus_write(&vm->memory, BAR + at, &value, size);
}

/* Descriptors, then the driver's part, then the device's. */
static __u64 part(unsigned int queue, unsigned int which)
{
	return queue * QUEUE_SPACE + which * 2 * KIB;
}

static void set_up(__u64 drop)
{
	__u64 features = vm->device->offered & ~drop;
	unsigned int i, queues = vm->device->queues < QUEUES ? vm->device->queues : QUEUES;

	if (!vm->packed)
		features &= ~BIT_ULL(VIRTIO_F_RING_PACKED);
	set(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	set(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	for (i = 0; i < 2; i++) {
		set(VIRTIO_PCI_COMMON_GFSELECT, 4, i);
		set(VIRTIO_PCI_COMMON_GF, 4, features >> 32 * i);
	}
	set(VIRTIO_PCI_COMMON_STATUS, 1, 11);
	for (i = 0; i < queues; i++) {
		set(VIRTIO_PCI_COMMON_Q_SELECT, 2, i);
		set(VIRTIO_PCI_COMMON_Q_SIZE, 2, ENTRIES);
		set(VIRTIO_PCI_COMMON_Q_DESCLO, 8, part(i, 0));
		set(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, part(i, 1));
		set(VIRTIO_PCI_COMMON_Q_USEDLO, 8, part(i, 2));
		set(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
		memset(vm->ram.low + part(i, 0), 0, QUEUE_SPACE);
		vm->next[i] = 0;
		vm->wrap[i] = true;
	}
	set(VIRTIO_PCI_COMMON_STATUS, 1, 15);
}

/* A descriptor where the queue's next one is; mostly one that could be right. */
static void add_descriptor(unsigned int q)
{
	__u8 how = take(1);
	__u64 at = how & 0x80 ? take(8) : 96 * KIB + take(2) % (32 * KIB);
	__u32 len = how & 0x40 ? take(4) : take(1);
	__u16 flags = how & 7;

	if (vm->packed) {
		struct vring_packed_desc *d = (void *)(vm->ram.low + part(q, 0));

		d += vm->next[q];
		d->addr = at;
		d->len = len;
		d->id = how & 0x20 ? take(2) : vm->next[q];
		d->flags = flags | (vm->wrap[q] ? 0x80 : 0x8000);
		vm->next[q] = (vm->next[q] + 1) % ENTRIES;
		if (!vm->next[q])
			vm->wrap[q] = !vm->wrap[q];
	} else {
		struct vring_desc *d = (void *)(vm->ram.low + part(q, 0));
		struct vring_avail *a = (void *)(vm->ram.low + part(q, 1));
		__u16 slot = vm->next[q] % ENTRIES;

		d[slot].addr = at;
		d[slot].len = len;
		d[slot].flags = flags;
		d[slot].next = how & 0x20 ? take(2) : (slot + 1) % ENTRIES;
		if (!(flags & VRING_DESC_F_NEXT) || how & 0x10) {
			a->ring[a->idx % ENTRIES] = how & 8 ? take(2) : slot;
			a->idx++;
		}
		vm->next[q]++;
	}
}

/* The device's threads, each once. */
static void turn(void)
{
	unsigned int i;

	for (i = 0; i < vm->device->workers; i++)
		worker_turn(&vm->device->worker[i], 0);
}

static void access_config(void)
{
	static const unsigned int sizes[] = { 1, 2, 4, 4 };
	__u8 how = take(1);
	unsigned int size = sizes[how & 3];
	__u32 offset = (take(2) & (PCI_CONFIG_SIZE - 1) & ~(size - 1)) | 1 << 15;
	__u64 value = 0;

	if (how & 4) {
		value = take(size);
		bus_write(&vm->memory, PCI_ECAM_BASE + offset, &value, size);
	} else {
		bus_read(&vm->memory, PCI_ECAM_BASE + offset, &value, size);
	}
}

static void access_bar(void)
{
	static const unsigned int sizes[] = { 1, 2, 4, 8 };
	__u8 how = take(1);
	unsigned int size = sizes[how & 3];
	/* Half of the time the common configuration, which has the most behind it. */
	__u32 offset = how & 8 ? take(1) % 64 : take(2) % VIRTIO_BAR_SIZE;
	__u64 at = vm->pci.endpoint.bar[0].at, value = 0;

	if (!at)
		return;
	if (how & 4) {
		value = take(size);
		bus_write(&vm->memory, at + offset, &value, size);
	} else {
		bus_read(&vm->memory, at + offset, &value, size);
	}
}

static void write_memory(void)
{
	__u32 at = take(3) % RAM_SIZE, len = take(1) % 64;

	while (len-- && at < RAM_SIZE)
		vm->ram.low[at++] = take(1);
}

/* A frame arrives, if there is room; what the guest has sent is taken, or not. */
static void net_from_host(void)
{
	static __u8 frame[70000];
	unsigned int len = take(1) << (take(1) & 8);

	memset(frame, len, len);
	len = write(vm->other_end, frame, len);
	while (!(take(1) & 1) && left && read(vm->other_end, frame, sizeof(frame)) > 0)
		;
}

static void keep_socket(int fd)
{
	int *kept = &vm->socket[vm->next_socket++ % SOCKETS];

	if (*kept >= 0)
		close(*kept);
	*kept = fd;
}

static void vsock_from_host(void)
{
	static __u8 bytes[4096];
	struct sockaddr_un at = socket_name("");
	struct virtio_vsock_hdr h = { };
	__u8 how = take(1);
	int fd = vm->socket[how >> 4 & (SOCKETS - 1)];
	ssize_t ignored = 0;

	switch (how & 7) {
	case 0:
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
			dprintf(fd, "CONNECT %u\n", (unsigned int)take(1) & 3);
		keep_socket(fd);
		break;
	case 1:
		keep_socket(accept(vm->listener, NULL, NULL));
		break;
	case 2:
		ignored = send(fd, bytes, take(2) & 0xfff, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 3:
		ignored = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		break;
	case 4:
		shutdown(fd, take(1) & 1 ? SHUT_WR : SHUT_RD);
		break;
	default:
		/* A header that could be right, where descriptors like to point. */
		h.src_cid = VSOCK_CID_MIN;
		h.dst_cid = VSOCK_CID_HOST;
		h.src_port = how >> 4 & 3;
		h.dst_port = how & 8 ? 1 : 0x40000000 + (take(1) & 7);
		h.type = VIRTIO_VSOCK_TYPE_STREAM;
		h.op = take(1) & 7;
		h.len = take(1);
		h.flags = take(1) & 3;
		h.buf_alloc = take(2);
		h.fwd_cnt = take(2);
		memcpy(vm->ram.low + 96 * KIB, &h, sizeof(h));
	}
	(void)ignored;
	turn();
}

static void from_host(unsigned int kind)
{
	__u8 bytes[32];
	unsigned int i;

	if (kind == NET)
		net_from_host();
	if (kind == VSOCK)
		vsock_from_host();
	if (kind == BALLOON)
		balloon_get(vm->device, &(struct balloon_numbers) { });
	if (kind != CONSOLE)
		return;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	console_receive(vm->device, take(1) & 1, bytes, sizeof(bytes));
	console_resize(vm->device, take(1), 25);
}

static void step(unsigned int kind)
{
	__u8 what = take(1);
	unsigned int queue = what >> 3 & (QUEUES - 1);

	switch (what & 7) {
	case 0:
		write_memory();
		break;
	case 1:
	case 2:
		add_descriptor(queue);
		break;
	case 3:
	case 4:
		if (vm->pci.endpoint.bar[0].at)
			bus_write(&vm->memory, vm->pci.endpoint.bar[0].at + VIRTIO_BAR_NOTIFY +
				  4 * queue, &(__u16) { queue }, 2);
		turn();
		break;
	case 5:
		access_bar();
		break;
	case 6:
		access_config();
		break;
	case 7:
		from_host(kind);
		if (queue == 7)
			set_up(take(1) << 28);
		break;
	}
}

/* A device that needs a reset does nothing. */
static void check_needs_reset(void)
{
	__u8 *before = malloc(RAM_SIZE);
	unsigned int i;

	memcpy(before, vm->ram.low, RAM_SIZE);
	for (i = 0; i < vm->device->queues; i++)
		virtio_kick(vm->device, i);
	turn();
	require(!memcmp(before, vm->ram.low, RAM_SIZE), "a device that needs a reset does nothing");
	free(before);
}

/* Open a device and put it on its machine's bus. */
static void start(unsigned int kind)
{
	static const struct wires wires = { .ops = &wires_ops };
	struct sentence why;

	vm->ram.low = aligned_alloc(4096, RAM_SIZE);
	vm->ram.low_size = RAM_SIZE;
	bus_init(&vm->memory);
	bus_init(&vm->ports);
	pci_root_init(&vm->root, &vm->memory, &vm->ports, &wires, 4 * GIB, GIB);
	vm->device = open_device(kind);
	require(vm->device, "the device can be opened");
	vm->device->told = true;		/* no line for each input */
	require(virtio_pci_plug(&vm->pci, vm->device, &vm->root, 1, &why) == 0, "it can be plugged");
}

/* All registers as after the start. */
static void restore(void)
{
	const __u32 command = 7, base = BAR, off = 0;
	unsigned int reg;

	/* Decoded nowhere, all writable bits 0, MSI-X off; then as firmware leaves it. */
	for (reg = 4; reg < 256; reg += 4)
		bus_write(&vm->memory, PCI_ECAM_BASE + (1 << 15) + reg, &off, 4);
	msix_reset(&vm->pci.endpoint.msix);
	bus_write(&vm->memory, PCI_ECAM_BASE + (1 << 15) + 0x10, &base, 4);
	bus_write(&vm->memory, PCI_ECAM_BASE + (1 << 15) + 4, &command, 2);
	require(vm->pci.endpoint.bar[0].at == BAR, "BAR 0 can be put back");
	memset(vm->ram.low, 0, RAM_SIZE);
}

/* The first source of random numbers again: it has to work after whatever came before. */
static void check_rng(void)
{
	unsigned int i;

	restore();
	set_up(0);
	input = (const __u8 *)"\2\0\0\100";	/* 64 bytes, to write */
	left = 4;
	add_descriptor(0);
	virtio_kick(vm->device, 0);
	turn();
	for (i = 0; i < 64 && !vm->ram.low[96 * KIB + i]; i++)
		;
	require(i < 64, "a device that was reset works");
}

int fuzz_one_input(const __u8 *data, size_t size);

int fuzz_one_input(const __u8 *data, size_t size)
{
	unsigned int kind;
	struct stat st;
	__u8 how;

	input = data;
	left = size;
	how = take(1);
	kind = (how & 7) % KINDS;
	vm = &machines[kind];
	if (!vm->device)
		start(kind);
	vm->packed = how & 8;
	restore();
	set_up((__u64)(how >> 4 & 3) << 28);	/* without indirect descriptors, event index */
	while (left)
		step(kind);
	turn();
	if (vm->device->needs_reset)
		check_needs_reset();
	if (vm->disk >= 0)
		require(fstat(vm->disk, &st) == 0 && st.st_size == (off_t)DISK_SIZE,
			"the disk keeps its size");
	if (kind == RNG)
		check_rng();
	restore();
	set(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	require(!vm->high, "no line stays up after a reset");
	return 0;
}
