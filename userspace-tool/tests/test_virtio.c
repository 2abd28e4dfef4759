// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtqueues against the driver's side of them (virtio_driver.h), split and packed; what a hostile
 * driver may put there; and devices behind their PCI registers.
 */
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_pci.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler.h"
#include "images.h"
#include "tests.h"
#include "virtio/blk.h"
#include "virtio/console.h"
#include "virtio/disk.h"
#include "virtio/rng.h"
#include "virtio/virtio_pci.h"
#include "virtio/virtio_state.h"
#include "virtio_driver.h"

#define RAM_SIZE	(8 * MIB)
#define DATA		(4 * MIB)	/* where buffers are; queues are below */
#define PARTS_MAX	8

static unsigned int seed;

static unsigned int pick(unsigned int n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

/* ---- rings ----------------------------------------------------------------------------------- */

struct buffer {
	struct driver_part part[PARTS_MAX];
	unsigned int readable, writable;
	__u32 in, out;		/* bytes the device writes, reads */
	__u8 mark;
};

static bool add_one(struct driver *d, struct buffer *b, unsigned int *added)
{
	struct buffer n = { .readable = pick(PARTS_MAX / 2), .writable = pick(PARTS_MAX / 2) };
	bool indirect = d->layout.indirect && pick(2);
	unsigned int i, places;
	int id;

	if (!n.readable && !n.writable)
		n.writable = 1;
	n.mark = pick(256);
	for (i = 0; i < n.readable + n.writable; i++) {
		n.part[i].at = DATA + pick(1000) * 1024;
		n.part[i].len = 1 + pick(100);
		*(i < n.readable ? &n.out : &n.in) += n.part[i].len;
	}
	places = indirect ? 1 : n.readable + n.writable;
	id = driver_add(d, n.part, n.readable, n.writable, indirect);
	if (id < 0)
		return false;
	CHECK(!b[id].mark || !d->layout.size || b[id].in + b[id].out == 0);
	b[id] = n;
	*added += d->layout.packed ? places : 1;
	return true;
}

static void compare(const struct driver *d, const struct buffer *b,
		    const struct virtqueue_chain *c)
{
	unsigned int i;

	CHECK(c->readable == b->readable && c->writable == b->writable);
	CHECK(c->readable_bytes == b->out && c->writable_bytes == b->in);
	for (i = 0; i < c->readable + c->writable; i++) {
		CHECK(c->part[i].iov_base == d->ram->low + b->part[i].at);
		CHECK(c->part[i].iov_len == b->part[i].len);
	}
}

/*
 * Driver and device take turns at random. Neither looks at the queue again before the other has
 * told it, so that a notification or an interrupt that is missing stops everything.
 */
static void take_turns(__u16 size, bool packed, bool indirect, bool event_index)
{
	static struct virtqueue_chain held[DRIVER_ENTRIES_MAX];
	struct guest_ram ram = test_ram(RAM_SIZE);
	struct buffer *b = calloc(DRIVER_ENTRIES_MAX, sizeof(*b));
	bool device_awake = true, driver_awake = true;
	unsigned int round, n, holds = 0, moved = 0, done = 0, i, added;
	struct virtqueue q;
	struct driver d;
	__u32 len;
	int id;

	driver_init(&d, &ram, MIB, size, packed, indirect, event_index);
	CHECK(virtqueue_enable(&q, &d.layout, &ram) == 0);
	for (round = 0; round < 3000; round++) {
		if (driver_awake) {
			driver_interrupts_off(&d);
			do {
				while ((id = driver_take(&d, &len)) >= 0) {
					CHECK(len == b[id].in);
					memset(&b[id], 0, sizeof(b[id]));
					done++;
				}
				CHECK(id == -1);
			} while (driver_interrupts_on(&d));
			driver_awake = false;
		}
		for (n = pick(4), added = 0; n && add_one(&d, b, &added); n--)
			moved++;
		if (added && driver_wants_notify(&d, added))
			device_awake = true;
		if (device_awake && pick(2)) {
			virtqueue_notify_off(&q);
			do {
				while (virtqueue_pop(&q, &held[holds]) == 1) {
					compare(&d, &b[held[holds].id], &held[holds]);
					holds++;
				}
			} while (virtqueue_notify_on(&q));
			device_awake = false;
		}
		/* What it holds goes back in any order. */
		for (n = pick(holds + 1); n; n--) {
			i = pick(holds);
			virtqueue_push(&q, &held[i], held[i].writable_bytes);
			held[i] = held[--holds];
		}
		if (virtqueue_wants_interrupt(&q))
			driver_awake = true;
	}
	CHECK(!q.broken && moved > 1000 && moved - done <= size);
	CHECK(q.in_flight <= size);
	free(b);
	test_ram_free(&ram);
}

static void rings(void)
{
	static const __u16 sizes[] = { 1, 2, 8, 256 };
	unsigned int features, i;

	for (features = 0; features < 8; features++)
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			if (sizes[i] >= PARTS_MAX)
				take_turns(sizes[i], features & 1, features & 2, features & 4);
	/* A packed queue may have any size. */
	take_turns(13, true, true, true);
	take_turns(9, true, false, false);
}

/* ---- hostile rings --------------------------------------------------------------------------- */

#define QUEUE_AT	MIB
#define QUEUE_SIZE	8

struct hostile {
	struct guest_ram ram;
	struct virtqueue_layout layout;
	struct virtqueue q;
};

static void set_desc(struct hostile *h, unsigned int i, __u64 addr, __u32 len, __u16 flags,
		     __u16 next)
{
	struct vring_desc *d = (struct vring_desc *)(h->ram.low + QUEUE_AT) + i;

	*d = (struct vring_desc) { .addr = addr, .len = len, .flags = flags, .next = next };
}

static void set_packed(struct hostile *h, unsigned int i, __u64 addr, __u32 len, __u16 flags)
{
	struct vring_packed_desc *d = (struct vring_packed_desc *)(h->ram.low + QUEUE_AT) + i;

	*d = (struct vring_packed_desc) { .addr = addr, .len = len, .flags = flags | 0x80 };
}

static void start(struct hostile *h, bool packed)
{
	h->ram = test_ram(2 * MIB);
	h->layout = (struct virtqueue_layout) {
		.size = QUEUE_SIZE, .descriptors = QUEUE_AT, .driver = QUEUE_AT + 4096,
		.device = QUEUE_AT + 8192, .packed = packed, .indirect = true,
	};
	CHECK(virtqueue_enable(&h->q, &h->layout, &h->ram) == 0);
}

/* Head 0 is available: it has to break the queue by this rule, once and for all. */
static void refused(struct hostile *h, __u16 index, const char *rule)
{
	static struct virtqueue_chain c;
	struct vring_avail *a = (void *)(h->ram.low + QUEUE_AT + 4096);

	if (!h->layout.packed)
		a->idx = index;
	CHECK(virtqueue_pop(&h->q, &c) == -1);
	CHECK(h->q.broken && strstr(h->q.broken, rule));
	CHECK(virtqueue_pop(&h->q, &c) == -1 && !virtqueue_notify_on(&h->q));
	test_ram_free(&h->ram);
}

static void hostile_split(void)
{
	struct hostile h;

	start(&h, false);
	set_desc(&h, 0, 0, 16, VRING_DESC_F_NEXT, 1);
	set_desc(&h, 1, 0, 16, VRING_DESC_F_NEXT, 0);
	refused(&h, 1, "loops");
	start(&h, false);
	set_desc(&h, 0, 0, 16, VRING_DESC_F_NEXT, QUEUE_SIZE);
	refused(&h, 1, "beyond the table");
	start(&h, false);
	((struct vring_avail *)(h.ram.low + QUEUE_AT + 4096))->ring[0] = 0xffff;
	refused(&h, 1, "beyond the table");
	start(&h, false);
	refused(&h, QUEUE_SIZE + 1, "runs away");
	start(&h, false);
	set_desc(&h, 0, 2 * MIB - 8, 16, 0, 0);
	refused(&h, 1, "outside memory");
	start(&h, false);
	set_desc(&h, 0, ~0ULL - 7, 16, 0, 0);
	refused(&h, 1, "outside memory");
	start(&h, false);
	set_desc(&h, 0, 0, 0xffffffff, VRING_DESC_F_NEXT, 1);
	refused(&h, 1, "outside memory");
	start(&h, false);
	set_desc(&h, 0, 0, 16, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
	set_desc(&h, 1, 0, 16, 0, 0);
	refused(&h, 1, "follows one to write");
	start(&h, false);
	set_desc(&h, 0, 0, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
	refused(&h, 1, "with a next one");
	start(&h, false);
	set_desc(&h, 0, 0, 24, VRING_DESC_F_INDIRECT, 0);
	refused(&h, 1, "no multiple of 16");
	start(&h, false);
	set_desc(&h, 0, 0, 0, VRING_DESC_F_INDIRECT, 0);
	refused(&h, 1, "no multiple of 16");
	start(&h, false);
	set_desc(&h, 0, 0, 16 * (QUEUE_SIZE + 1), VRING_DESC_F_INDIRECT, 0);
	refused(&h, 1, "longer than the queue");
	start(&h, false);
	set_desc(&h, 0, 2 * MIB, 16, VRING_DESC_F_INDIRECT, 0);
	refused(&h, 1, "lies outside memory");
	/* An indirect table that is the descriptor table itself: an indirect one within. */
	start(&h, false);
	set_desc(&h, 0, QUEUE_AT, 16, VRING_DESC_F_INDIRECT, 0);
	refused(&h, 1, "in an indirect table");
	start(&h, false);
	h.q.layout.indirect = false;
	set_desc(&h, 0, 0, 16, VRING_DESC_F_INDIRECT, 0);
	refused(&h, 1, "without VIRTIO_F_INDIRECT_DESC");
}

/* The same buffer again and again, although none was given back. */
static void hostile_in_flight(void)
{
	static struct virtqueue_chain c;
	struct vring_avail *a;
	struct hostile h;
	int i;

	start(&h, false);
	set_desc(&h, 0, 0, 16, VRING_DESC_F_WRITE, 0);
	a = (void *)(h.ram.low + QUEUE_AT + 4096);
	for (i = 1; i <= QUEUE_SIZE; i++) {
		a->idx = i;
		CHECK(virtqueue_pop(&h.q, &c) == 1 && c.writable_bytes == 16);
	}
	refused(&h, QUEUE_SIZE + 1, "in flight");
}

static void hostile_packed(void)
{
	struct hostile h;
	int i;

	start(&h, true);
	for (i = 0; i < QUEUE_SIZE; i++)
		set_packed(&h, i, 0, 16, VRING_DESC_F_NEXT);
	refused(&h, 0, "loops");
	start(&h, true);
	set_packed(&h, 0, 2 * MIB, 1, 0);
	refused(&h, 0, "outside memory");
	start(&h, true);
	set_packed(&h, 0, 0, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT);
	refused(&h, 0, "with a next one");
	start(&h, true);
	set_packed(&h, 0, 0, 16, VRING_DESC_F_NEXT);
	set_packed(&h, 1, 0, 16, VRING_DESC_F_INDIRECT);
	refused(&h, 0, "within a chain");
	start(&h, true);
	set_packed(&h, 0, 0, 16 * (QUEUE_SIZE + 1), VRING_DESC_F_INDIRECT);
	refused(&h, 0, "longer than the queue");
	start(&h, true);
	set_packed(&h, 0, 0, 16, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT);
	set_packed(&h, 1, 0, 16, 0);
	refused(&h, 0, "follows one to write");
}

static void hostile_places(void)
{
	static const struct virtqueue_layout good = {
		.size = 8, .descriptors = 4096, .driver = 8192, .device = 12288,
	};
	struct guest_ram ram = test_ram(MIB);
	struct virtqueue_layout l;
	struct virtqueue q;
	int packed;

	for (packed = 0; packed < 2; packed++) {
		l = good;
		l.packed = packed;
		CHECK(virtqueue_enable(&q, &l, &ram) == 0);
		l.size = 0;
		CHECK(virtqueue_enable(&q, &l, &ram) == -1 && q.broken);
		l.size = 257;
		CHECK(virtqueue_enable(&q, &l, &ram) == -1);
		l.size = 12;
		CHECK(virtqueue_enable(&q, &l, &ram) == (packed ? 0 : -1));
		l.size = 8;
		l.descriptors = 4104;
		CHECK(virtqueue_enable(&q, &l, &ram) == -1 && strstr(q.broken, "aligned"));
		l.descriptors = MIB - 16;
		CHECK(virtqueue_enable(&q, &l, &ram) == -1 && strstr(q.broken, "outside"));
		l.descriptors = good.descriptors;
		l.device = ~0ULL - 15;
		CHECK(virtqueue_enable(&q, &l, &ram) == -1);
	}
	test_ram_free(&ram);
}

/* ---- devices behind their registers ---------------------------------------------------------- */

static int take_gsis(void *opaque, unsigned int count)
{
	(void)opaque;
	return count < 1000 ? 0 : -1;
}

static void give_gsis(void *opaque, unsigned int first)
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

static bool line_level;

static void line(void *opaque, unsigned int gsi, bool level)
{
	(void)opaque;
	CHECK(gsi == pci_gsi(1, 0));
	line_level = level;
}

static int doorbell(void *opaque, __u64 gpa, unsigned int len, int fd, bool on)
{
	(void)opaque;
	(void)gpa;
	(void)len;
	(void)fd;
	(void)on;
	return 0;
}

static const struct wires_ops wires_ops = { take_gsis, give_gsis, route, irqfd, line, doorbell };

#define BAR	PCI_WINDOW_BASE

/* A machine with one device, and its driver with one queue. */
static struct {
	struct guest_ram ram;
	struct bus memory, ports;
	struct pci_root root;
	struct virtio_pci pci;
	struct virtio_device *device;
	struct driver queue;
} vm;

static __u64 get(unsigned int at, unsigned int size)
{
	__u64 value = 0;

	CHECK(bus_read(&vm.memory, BAR + at, &value, size));
	return value;
}

static void set(unsigned int at, unsigned int size, __u64 value)
{
	CHECK(bus_write(&vm.memory, BAR + at, &value, size));
}

static void plug(struct virtio_device *d)
{
	const struct wires wires = { .ops = &wires_ops };
	struct sentence why;

	bus_init(&vm.memory);
	bus_init(&vm.ports);
	pci_root_init(&vm.root, &vm.memory, &vm.ports, &wires, 4 * GIB, GIB);
	vm.device = d;
	line_level = false;
	CHECK(virtio_pci_plug(&vm.pci, d, &vm.root, 1, &why) == 0);
}

static void unplug(void)
{
	virtio_pci_unplug(&vm.pci);
	vm.device->ops->close(vm.device);
	test_ram_free(&vm.ram);
}

/* "Device Initialization": all features that it has, queue @queue at QUEUE_AT. */
static void set_up(unsigned int queue, bool packed)
{
	__u64 features = vm.device->offered;

	if (!packed)
		features &= ~BIT_ULL(VIRTIO_F_RING_PACKED);
	set(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	set(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	set(VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	set(VIRTIO_PCI_COMMON_GF, 4, features);
	set(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	set(VIRTIO_PCI_COMMON_GF, 4, features >> 32);
	set(VIRTIO_PCI_COMMON_STATUS, 1, 11);
	CHECK(get(VIRTIO_PCI_COMMON_STATUS, 1) == 11);
	driver_init(&vm.queue, &vm.ram, QUEUE_AT, 64, packed, true, true);
	set(VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 2, 64);
	set(VIRTIO_PCI_COMMON_Q_DESCLO, 4, vm.queue.layout.descriptors);
	set(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, vm.queue.layout.driver);
	set(VIRTIO_PCI_COMMON_Q_USEDLO, 4, vm.queue.layout.device);
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	CHECK(get(VIRTIO_PCI_COMMON_Q_ENABLE, 2) == 1);
	set(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	CHECK(get(VIRTIO_PCI_COMMON_STATUS, 1) == 15);
	driver_interrupts_on(&vm.queue);
}

#define TURN_MS	20	/* for what a ring of io_uring does by itself */

/* One buffer there and back. Return: bytes that the device has written, or -1. */
static long there_and_back(unsigned int queue, const struct driver_part *part,
			   unsigned int readable, unsigned int writable)
{
	unsigned int turn;
	__u32 len;

	CHECK(driver_add(&vm.queue, part, readable, writable, false) >= 0);
	set(VIRTIO_BAR_NOTIFY + 4 * queue, 2, queue);
	for (turn = 0; turn < 3; turn++) {
		worker_turn(vm.device->queue[queue].worker, turn ? TURN_MS : 0);
		if (driver_take(&vm.queue, &len) >= 0) {
			driver_interrupts_on(&vm.queue);
			return len;
		}
	}
	return -1;
}

static void registers(void)
{
	struct sentence why;
	__u32 value, word;

	vm.ram = test_ram(RAM_SIZE);
	plug(rng_open(&vm.ram, 0, &why));
	CHECK(get(VIRTIO_PCI_COMMON_NUMQ, 2) == 1 && get(VIRTIO_PCI_COMMON_MSIX, 2) == 0xffff);
	set(VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	CHECK(get(VIRTIO_PCI_COMMON_DF, 4) & 1);
	set(VIRTIO_PCI_COMMON_DFSELECT, 4, 7);
	CHECK(get(VIRTIO_PCI_COMMON_DF, 4) == 0);
	/* No features: FEATURES_OK is refused, and DRIVER_OK without it. */
	set(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	CHECK(get(VIRTIO_PCI_COMMON_STATUS, 1) == 3);
	/* Features that it has not. */
	set(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	set(VIRTIO_PCI_COMMON_GF, 4, 0xffffffff);
	set(VIRTIO_PCI_COMMON_STATUS, 1, 11);
	CHECK(get(VIRTIO_PCI_COMMON_STATUS, 1) == 3);
	/* A queue before FEATURES_OK, queues that do not exist, vectors that do not exist. */
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	CHECK(get(VIRTIO_PCI_COMMON_Q_ENABLE, 2) == 0);
	set(VIRTIO_PCI_COMMON_Q_MSIX, 2, 5);
	CHECK(get(VIRTIO_PCI_COMMON_Q_MSIX, 2) == 0xffff);
	set(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	CHECK(get(VIRTIO_PCI_COMMON_Q_MSIX, 2) == 1);
	set(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	CHECK(get(VIRTIO_PCI_COMMON_Q_SIZE, 2) == 0);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 2, 3);
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	set_up(0, true);
	/* Queue reset: it can be set up anew. */
	set(VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
	CHECK(get(VIRTIO_PCI_COMMON_Q_RESET, 2) == 0 && get(VIRTIO_PCI_COMMON_Q_ENABLE, 2) == 0);
	CHECK(get(VIRTIO_PCI_COMMON_Q_SIZE, 2) == 256);
	/* The window in configuration space: the same status. */
	value = vm.pci.cfg_cap;
	pci_write_address(&vm.root, 0x80000800 | (value + 8));
	pci_write_data(&vm.root, 0, 4, VIRTIO_PCI_COMMON_STATUS);
	pci_write_address(&vm.root, 0x80000800 | (value + 12));
	pci_write_data(&vm.root, 0, 4, 1);
	pci_write_address(&vm.root, 0x80000800 | (value + 16));
	word = pci_read_data(&vm.root, 0, 4);
	CHECK((word & 0xff) == 15);
	pci_write_data(&vm.root, 0, 4, 0);
	CHECK(get(VIRTIO_PCI_COMMON_STATUS, 1) == 0);
	unplug();
}

static void random_numbers(void)
{
	const struct driver_part part[] = { { DATA, 100 }, { DATA + 4096, 50 } };
	struct sentence why;
	int packed;

	for (packed = 0; packed < 2; packed++) {
		static const __u8 none[50];

		vm.ram = test_ram(RAM_SIZE);
		plug(rng_open(&vm.ram, 0, &why));
		set_up(0, packed);
		CHECK(there_and_back(0, part, 0, 2) == 150);
		CHECK(memcmp(vm.ram.low + DATA, none, 50) != 0);
		CHECK(memcmp(vm.ram.low + DATA + 4096, none, 50) != 0);
		/* The line is up until the ISR status is read. */
		CHECK(line_level && get(VIRTIO_BAR_ISR, 1) == 1 && !line_level);
		/* To read and not to write: nothing to do. */
		CHECK(there_and_back(0, part, 2, 0) == 0);
		/* A rule is broken: nothing more until the reset; then all is well again. */
		get(VIRTIO_BAR_ISR, 1);
		CHECK(there_and_back(0, &(struct driver_part) { RAM_SIZE - 1, 2 }, 0, 1) == -1);
		CHECK(get(VIRTIO_PCI_COMMON_STATUS, 1) == (15 | VIRTIO_CONFIG_S_NEEDS_RESET));
		CHECK(line_level && get(VIRTIO_BAR_ISR, 1) & 2);
		CHECK(there_and_back(0, part, 0, 2) == -1);
		set_up(0, packed);
		CHECK(there_and_back(0, part, 0, 2) == 150);
		unplug();
	}
}

static void random_rate(void)
{
	const struct driver_part part[] = { { DATA, 1000 } };
	struct sentence why;

	vm.ram = test_ram(RAM_SIZE);
	plug(rng_open(&vm.ram, 3000, &why));
	set_up(0, true);
	/* A tenth of a second's share; the rest when the timer ticks. */
	CHECK(there_and_back(0, part, 0, 1) == 300);
	CHECK(there_and_back(0, part, 0, 1) == -1);
	CHECK(worker_turn(&vm.device->worker[0], -1));
	CHECK(driver_take(&vm.queue, &(__u32) { 0 }) >= 0);
	unplug();
}

/* Save the device, and load it into another one on the same memory. Return: what load() says. */
static int move(struct virtio_device *to, unsigned int damage)
{
	struct state_out out = { 0 };
	struct state_in in = { 0 };
	struct sentence why;
	unsigned int i;
	int ret;

	virtio_state.drain(&vm.pci);
	virtio_state.save(&vm.pci, &out);
	virtio_state.resume(&vm.pci);
	CHECK(!out.failed && out.len);
	virtio_pci_unplug(&vm.pci);
	vm.device->ops->close(vm.device);
	plug(to);
	for (i = 0; i < damage; i++)
		out.data[pick(out.len)] = pick(256);
	in.data = out.data;
	in.len = out.len;
	ret = virtio_state.load(&vm.pci, &in, virtio_state.version, &why);
	CHECK(damage || (!in.failed && in.at == in.len));
	state_free(&out);
	return ret;
}

static void moves(void)
{
	const struct driver_part part[] = { { DATA, 100 } };
	struct sentence why;
	unsigned int i;
	int packed;

	for (packed = 0; packed < 2; packed++) {
		vm.ram = test_ram(RAM_SIZE);
		plug(rng_open(&vm.ram, 0, &why));
		set_up(0, packed);
		set(VIRTIO_BAR_MSIX + 16, 4, 0xfee01000);
		for (i = 0; i < 100; i++)
			CHECK(there_and_back(0, part, 0, 1) == 100);
		/* In a slot for hot plug, whose line is that of slot 1. */
		CHECK(pci_endpoint_move(&vm.pci.endpoint, PCI_FIRST_HOTPLUG + 1) == 0);
		CHECK(move(rng_open(&vm.ram, 0, &why), 0) == 0);
		CHECK(vm.pci.endpoint.number == PCI_FIRST_HOTPLUG + 1);
		CHECK(get(VIRTIO_PCI_COMMON_STATUS, 1) == 15);
		CHECK(get(VIRTIO_BAR_MSIX + 16, 4) == 0xfee01000 && line_level);
		for (i = 0; i < 100; i++)
			CHECK(there_and_back(0, part, 0, 1) == 100);
		/* From anywhere: refused, or a device that a reset brings back. */
		for (i = 0; i < 200; i++) {
			move(rng_open(&vm.ram, 0, &why), 1 + i % 8);
			vm.device->told = true;
			worker_turn(&vm.device->worker[0], 0);
		}
		unplug();
	}
}

#define DISK_SECTORS	64

static void make_disk(char *path, size_t size)
{
	static const char content[] = "the first sector of the disk";
	int fd;

	snprintf(path, size, "/tmp/minikvm-disk-XXXXXX");
	fd = mkstemp(path);
	CHECK(fd >= 0 && ftruncate(fd, DISK_SECTORS * 512 + 100) == 0);
	CHECK(write(fd, content, sizeof(content)) == sizeof(content));
	close(fd);
}

/* A request. Return: its status, or 0xff. */
static __u8 request(__u32 type, __u64 sector, __u32 bytes, bool in)
{
	struct virtio_blk_outhdr header = { .type = type, .sector = sector };
	struct driver_part part[] = {
		{ DATA, 7 }, { DATA + 7, 9 }, { DATA + 4096, bytes / 2 },
		{ DATA + 65536, bytes - bytes / 2 }, { DATA + 100, 1 },
	};
	unsigned int readable = in ? 2 : 4;

	memcpy(vm.ram.low + DATA, &header, sizeof(header));
	vm.ram.low[DATA + 100] = 0xff;
	if (!bytes)
		part[2] = part[4];
	if (!bytes)
		there_and_back(0, part, 2, 1);
	else
		there_and_back(0, part, readable, 5 - readable);
	return vm.ram.low[DATA + 100];
}

static void disk_requests(bool packed, bool threads)
{
	struct virtio_blk_discard_write_zeroes range = { .sector = 4, .num_sectors = 2 };
	struct blk_options options = { .threads = threads };
	__u8 *data, other[512];
	struct sentence why;
	char path[64];

	make_disk(path, sizeof(path));
	options.path = path;
	vm.ram = test_ram(RAM_SIZE);
	data = vm.ram.low + DATA + 4096;
	plug(blk_open(&vm.ram, &options, 0, 1, &why));
	CHECK(get(VIRTIO_BAR_DEVICE, 8) == DISK_SECTORS);
	set_up(0, packed);
	CHECK(request(VIRTIO_BLK_T_IN, 0, 1024, true) == VIRTIO_BLK_S_OK);
	CHECK(!strcmp((char *)data, "the first sector of the disk"));
	memset(data, 0x5a, 512);
	memset(vm.ram.low + DATA + 65536, 0xa5, 512);
	CHECK(request(VIRTIO_BLK_T_OUT, 4, 1024, false) == VIRTIO_BLK_S_OK);
	CHECK(request(VIRTIO_BLK_T_FLUSH, 0, 0, false) == VIRTIO_BLK_S_OK);
	memset(data, 0, 512);
	CHECK(request(VIRTIO_BLK_T_IN, 4, 512, true) == VIRTIO_BLK_S_OK);
	memset(other, 0x5a, 256);
	CHECK(!memcmp(data, other, 256) && !memcmp(vm.ram.low + DATA + 65536, other, 256));
	/* Beyond the end, not whole sectors, unknown. */
	CHECK(request(VIRTIO_BLK_T_IN, DISK_SECTORS - 1, 1024, true) == VIRTIO_BLK_S_IOERR);
	CHECK(request(VIRTIO_BLK_T_IN, ~0ULL / 512, 512, true) == VIRTIO_BLK_S_IOERR);
	CHECK(request(VIRTIO_BLK_T_OUT, ~0ULL, 512, false) == VIRTIO_BLK_S_IOERR);
	CHECK(request(VIRTIO_BLK_T_IN, 0, 513, true) == VIRTIO_BLK_S_IOERR);
	CHECK(request(99, 0, 512, true) == VIRTIO_BLK_S_UNSUPP);
	CHECK(request(VIRTIO_BLK_T_GET_ID, 0, 20, true) == VIRTIO_BLK_S_OK);
	CHECK(!memcmp(data, "minikvm-di", 10));
	/* Ranges: the second is half in the first part of the data, half in the second. */
	memcpy(data, &range, 8);
	memcpy(vm.ram.low + DATA + 65536, (char *)&range + 8, 8);
	CHECK(request(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, false) == VIRTIO_BLK_S_OK);
	CHECK(request(VIRTIO_BLK_T_IN, 4, 1024, true) == VIRTIO_BLK_S_OK);
	memset(other, 0, 512);
	CHECK(!memcmp(data, other, 512));
	memcpy(data, &range, 8);
	memcpy(vm.ram.low + DATA + 65536, (char *)&range + 8, 8);
	CHECK(request(VIRTIO_BLK_T_DISCARD, 0, 16, false) == VIRTIO_BLK_S_OK);
	CHECK(request(VIRTIO_BLK_T_DISCARD, 0, 17, false) == VIRTIO_BLK_S_IOERR);
	range.sector = DISK_SECTORS - 1;
	memcpy(data, &range, 8);
	CHECK(request(VIRTIO_BLK_T_DISCARD, 0, 16, false) == VIRTIO_BLK_S_IOERR);
	/* No room for the status. */
	CHECK(there_and_back(0, &(struct driver_part) { DATA, 528 }, 1, 0) == -1);
	CHECK(get(VIRTIO_PCI_COMMON_STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET);
	unplug();
	unlink(path);
}

static void disks(void)
{
	disk_requests(false, true);
	disk_requests(true, true);
	disk_requests(false, false);
	disk_requests(true, false);
}

static void disk_readonly(void)
{
	struct blk_options options = { .readonly = true, .threads = true };
	struct sentence why;
	char path[64];

	make_disk(path, sizeof(path));
	options.path = path;
	vm.ram = test_ram(RAM_SIZE);
	plug(blk_open(&vm.ram, &options, 0, 1, &why));
	CHECK(vm.device->offered & BIT_ULL(VIRTIO_BLK_F_RO));
	CHECK(!(vm.device->offered & BIT_ULL(VIRTIO_BLK_F_DISCARD)));
	set_up(0, true);
	CHECK(request(VIRTIO_BLK_T_IN, 0, 512, true) == VIRTIO_BLK_S_OK);
	CHECK(request(VIRTIO_BLK_T_OUT, 0, 512, false) == VIRTIO_BLK_S_IOERR);
	CHECK(request(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, false) == VIRTIO_BLK_S_IOERR);
	unplug();
	unlink(path);
}

/* Memory that direct access does not take goes through some that it does. */
static void disk_alignment(void)
{
	struct disk d = { .direct = true, .align = 512, .size = DISK_SECTORS * 512 };
	__u8 *memory = aligned_alloc(4096, 8192);
	struct iovec part[] = { { memory, 512 }, { memory + 1024, 512 } };
	struct disk_transfer t = { .part = part, .parts = 2, .bytes = 1024, .offset = 512 };
	char path[64];

	CHECK(disk_is_aligned(&d, &t));
	part[1].iov_base = memory + 1025;
	CHECK(!disk_is_aligned(&d, &t));
	make_disk(path, sizeof(path));
	d.fd = open(path, O_RDWR);
	memset(memory, 0x77, 8192);
	t.write = true;
	CHECK(disk_transfer(&d, &t) == 0);
	memset(memory, 0, 8192);
	t.write = false;
	CHECK(disk_transfer(&d, &t) == 0);
	CHECK(memory[0] == 0x77 && memory[1025] == 0x77 && memory[1536] == 0x77 && !memory[1537]);
	/* The image has become shorter: an error, and no endless loop. */
	CHECK(ftruncate(d.fd, 600) == 0);
	part[0] = (struct iovec) { memory, 1024 };
	t.parts = 1;
	CHECK(disk_transfer(&d, &t) == -1);
	close(d.fd);
	unlink(path);
	free(memory);
}

static char heard[64];
static size_t heard_len;

static void hear(void *opaque, const __u8 *data, size_t len)
{
	(void)opaque;
	if (heard_len + len < sizeof(heard))
		memcpy(heard + heard_len, data, len);
	heard_len += len;
}

static bool has_space;

static void space(void *opaque)
{
	(void)opaque;
	has_space = true;
}

static void console_ports(void)
{
	const struct console_port ports[] = {
		{ .transmit = hear, .space = space },
		{ .name = "agent", .transmit = hear, .space = space },
	};
	struct virtio_console_control control = {
		.event = VIRTIO_CONSOLE_DEVICE_READY, .value = 1,
	};
	const struct driver_part part[] = { { DATA, 8 } };
	static __u8 many[CONSOLE_RING + 1];
	struct sentence why;

	vm.ram = test_ram(RAM_SIZE);
	plug(console_device_open(&vm.ram, ports, 2, &why));
	CHECK(vm.device->queues == 6 && get(VIRTIO_BAR_DEVICE + 4, 4) == 2);
	heard_len = 0;
	set(VIRTIO_BAR_DEVICE + 8, 4, '!');
	set_up(1, true);
	memcpy(vm.ram.low + DATA, "says it\n", 8);
	CHECK(there_and_back(1, part, 1, 0) == 0);
	CHECK(heard_len == 9 && !memcmp(heard, "!says it\n", 9));
	/* What arrives waits until the driver has opened the port; the ring has an end. */
	CHECK(console_receive(vm.device, 0, many, sizeof(many)) == CONSOLE_RING);
	CHECK(console_space(vm.device, 0) == 0 && console_space(vm.device, 1) == CONSOLE_RING);
	set_up(3, true);
	memcpy(vm.ram.low + DATA, &control, sizeof(control));
	CHECK(there_and_back(3, part, 1, 0) == 0);
	console_resize(vm.device, 132, 43);
	CHECK(get(VIRTIO_BAR_DEVICE, 4) == (43 << 16 | 132));
	unplug();
}

static unsigned int served;

/* The second processor of a guest, which has the next buffer ready while one is served. */
static void ask_again(void *opaque, const __u8 *data, size_t len)
{
	const struct driver_part part[] = { { DATA, 8 } };

	while (driver_take(&vm.queue, &(__u32) { 0 }) >= 0)
		;
	if (++served < 3 * VIRTIO_TURN)
		CHECK(driver_add(&vm.queue, part, 1, 0, false) >= 0);
}

/* A driver that never lets the queue run empty does not keep the worker's lock. */
static void turns_end(void)
{
	const struct console_port port = { .transmit = ask_again, .space = space };
	const struct driver_part part[] = { { DATA, 8 } };
	unsigned int turn, packed;
	struct sentence why;

	for (packed = 0; packed < 2; packed++) {
		vm.ram = test_ram(RAM_SIZE);
		plug(console_device_open(&vm.ram, &port, 1, &why));
		set_up(1, packed);
		served = 0;
		CHECK(driver_add(&vm.queue, part, 1, 0, false) >= 0);
		set(VIRTIO_BAR_NOTIFY + 4, 2, 1);
		for (turn = 1; turn <= 3; turn++) {
			worker_turn(&vm.device->worker[0], 0);
			CHECK(served == turn * VIRTIO_TURN);
		}
		unplug();
	}
}

const struct test virtio_tests[] = {
	{ "virtqueues: driver and device take turns", rings },
	{ "virtqueues: hostile chains of a split queue", hostile_split },
	{ "virtqueues: hostile chains of a packed queue", hostile_packed },
	{ "virtqueues: more in flight than there can be", hostile_in_flight },
	{ "virtqueues: hostile places", hostile_places },
	{ "virtio: the registers, and what they refuse", registers },
	{ "virtio: random numbers", random_numbers },
	{ "virtio: random numbers by a rate", random_rate },
	{ "virtio: a device is saved and goes on elsewhere", moves },
	{ "virtio: a disk's requests", disks },
	{ "virtio: a disk for reading only", disk_readonly },
	{ "virtio: a disk's memory that is not aligned", disk_alignment },
	{ "virtio: a console with two ports", console_ports },
	{ "virtio: a driver that never ends does not keep the worker", turns_end },
	{ }
};
