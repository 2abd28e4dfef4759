// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 64-bit kernel that is a hostile driver of every virtio device: split queues whose chains break
 * each rule of "The Virtqueue Descriptor Table" (virtio 1.2), queues that are reset while requests
 * are on their way, and registers and configuration space that are written at random.
 *
 * For each rule the device has to ask for a reset (DEVICE_NEEDS_RESET), and in the end to serve a
 * request. But for the rule, what is asked for is right for rng, net, console and balloon. Prints
 * what it does, "NAME: ok" for each device, "all: ok" and powers off; where a device does not
 * notice or does not serve, it goes on waiting. Relies on 16 MiB of memory, and on disk 0 beginning
 * with "hostile".
 */
#define MEMORY		(16UL << 20)
#define WINDOW		0xd0000000UL	/* where we put the devices' registers */
#define WINDOW_SIZE	0x10000UL
#define BAR_SIZE	0x8000UL
#define ENTRIES		8
#define NEXT		1
#define WRITE		2
#define INDIRECT	4
#define NEEDS_RESET	0x40
#define VSOCK_HEADER	44
#define QUEUE_RESET	58	/* in the common configuration, with VIRTIO_F_RING_RESET */
#define LOW_FEATURES	(1U << 28)	/* indirect descriptors */
#define HIGH_FEATURES	(1U << 0 | 1U << 8)	/* VERSION_1, RING_RESET */
#define RESETS		50
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

static const struct kind {
	u32 id;
	u16 queue;		/* one that the driver fills with requests */
	const char *name;
} kinds[] = {
	{ 0x10441af4, 0, "rng" }, { 0x10421af4, 0, "blk" }, { 0x10411af4, 1, "net" },
	{ 0x10431af4, 1, "console" }, { 0x10451af4, 0, "balloon" }, { 0x10531af4, 1, "vsock" },
};

struct common {
	u32 device_feature_select, device_feature, driver_feature_select, driver_feature;
	u16 config_msix_vector, num_queues;
	u8 device_status, config_generation;
	u16 queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	u64 queue_desc, queue_driver, queue_device;
};

struct descriptor {
	u64 addr;
	u32 len;
	u16 flags, next;
};

static struct descriptor desc[ENTRIES] __attribute((aligned(16)));
static struct descriptor table[2 * ENTRIES] __attribute((aligned(16)));
static volatile struct {
	u16 flags, idx, ring[ENTRIES + 1];
} avail __attribute((aligned(4)));
static volatile struct {
	u16 flags, idx;
	struct {
		u32 id, len;
	} ring[ENTRIES];
	u16 event;
} used __attribute((aligned(4)));
static struct {
	u32 type, reserved;
	u64 sector;
} request;
static u8 data[512], status;

static u32 slot;
static u64 window;
static const struct kind *kind;
static volatile struct common *common;
static volatile u16 *doorbell;
static u64 seed = 88172645463325252UL;

static void outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a" (value), "Nd" (port));
}

static void outl(u16 port, u32 value)
{
	__asm__ volatile("outl %0, %1" : : "a" (value), "Nd" (port));
}

static void print(const char *s)
{
	while (*s)
		outb(0xe9, *s++);
}

static void say(const char *what)
{
	print(kind->name);
	print(": ");
	print(what);
	print("\n");
}

static u64 random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static u32 config_read(u32 reg)
{
	u32 value;

	outl(0xcf8, 0x80000000u | slot << 11 | (reg & 0xfc));
	__asm__ volatile("inl %1, %0" : "=a" (value) : "Nd" ((u16)0xcfc));
	return value >> (reg & 3) * 8;
}

static void config_write(u32 reg, u32 value)
{
	outl(0xcf8, 0x80000000u | slot << 11 | reg);
	outl(0xcfc, value);
}

/* Where a structure of the device is, by its vendor-specific capability: 1 common, 2 notify. */
static u32 find_structure(u32 type)
{
	u32 cap = config_read(0x34) & 0xff;

	while (cap && !((config_read(cap) & 0xff) == 9 && (config_read(cap + 3) & 0xff) == type))
		cap = config_read(cap + 1) & 0xff;
	return cap;
}

static void place_registers(void)
{
	window = WINDOW + slot * WINDOW_SIZE;
	config_write(0x10, window);
	config_write(0x14, 0);
	config_write(0x04, 0x6);
	common = (void *)(window + config_read(find_structure(1) + 8));
}

static void reset(void)
{
	common->device_status = 0;
	while (common->device_status)
		;
}

static void enable(u64 ring)
{
	u32 notify = find_structure(2);

	common->queue_select = kind->queue;
	common->queue_size = ENTRIES;
	common->queue_desc = ring;
	common->queue_driver = (u64)&avail;
	common->queue_device = (u64)&used;
	common->queue_enable = 1;
	doorbell = (void *)(window + config_read(notify + 8) +
			    common->queue_notify_off * config_read(notify + 16));
}

static void clear(void)
{
	u32 i;

	avail.flags = 1;	/* no interrupts */
	avail.idx = 0;
	used.idx = 0;
	for (i = 0; i < ENTRIES; i++) {
		desc[i] = (struct descriptor) { (u64)data, 16, 0, 0 };
		avail.ring[i] = 0;
	}
	for (i = 0; i < 2 * ENTRIES; i++)
		table[i] = (struct descriptor) { (u64)data, 16, 0, 0 };
}

static void start_device(u64 ring)
{
	reset();
	clear();
	common->device_status = 1;
	common->device_status = 3;
	common->driver_feature_select = 0;
	common->driver_feature = LOW_FEATURES;
	common->driver_feature_select = 1;
	common->driver_feature = HIGH_FEATURES;
	common->device_status = 11;
	enable(ring);
	common->device_status = 15;
}

static void kick(void)
{
	__asm__ volatile("mfence" : : : "memory");
	*doorbell = kind->queue;
}

/* ---- rules, and how each is broken ----------------------------------------------------------- */

static void loop(void)
{
	desc[0].flags = NEXT;
}

static void outside(void)
{
	desc[0].addr = 1UL << 40;
}

static void across_the_end(void)
{
	desc[0].addr = MEMORY - 8;
}

static void wraps(void)
{
	desc[0].addr = ~0UL - 3;
}

static void huge(void)
{
	desc[0].len = ~0U;
}

static void next_beyond(void)
{
	desc[0].flags = NEXT;
	desc[0].next = ENTRIES;
}

static void head_beyond(void)
{
	avail.ring[0] = 0xffff;
}

static void runs_away(void)
{
	avail.idx = 0x4000;
}

static void wrong_order(void)
{
	desc[0].flags = WRITE | NEXT;
	desc[0].next = 1;
}

static void indirect(u64 at, u32 len, u16 flags)
{
	desc[0] = (struct descriptor) { at, len, flags | INDIRECT, 1 };
}

static void table_odd(void)
{
	indirect((u64)table, 17, 0);
}

static void table_long(void)
{
	indirect((u64)table, sizeof(table), 0);
}

static void table_outside(void)
{
	indirect(MEMORY, 32, 0);
}

static void table_in_table(void)
{
	indirect((u64)table, 32, 0);
	table[0] = (struct descriptor) { (u64)table, 32, INDIRECT, 0 };
}

static void table_and_next(void)
{
	indirect((u64)table, 32, NEXT);
}

static void table_loops(void)
{
	indirect((u64)table, 32, 0);
	table[0] = (struct descriptor) { (u64)data, 16, NEXT, 1 };
	table[1] = (struct descriptor) { (u64)data, 16, NEXT, 0 };
}

static const struct {
	const char *name;
	void (*break_it)(void);
} rules[] = {
	{ "a chain loops", loop },
	{ "a buffer lies outside memory", outside },
	{ "a buffer goes on behind memory", across_the_end },
	{ "a buffer wraps around", wraps },
	{ "a buffer has 4 GiB", huge },
	{ "a chain goes on beyond the table", next_beyond },
	{ "a chain begins beyond the table", head_beyond },
	{ "the available index runs away", runs_away },
	{ "a buffer to write comes before one to read", wrong_order },
	{ "an indirect table has an odd length", table_odd },
	{ "an indirect table is longer than the queue", table_long },
	{ "an indirect table lies outside memory", table_outside },
	{ "an indirect table is in an indirect table", table_in_table },
	{ "an indirect descriptor has a next one", table_and_next },
	{ "an indirect table loops", table_loops },
};

static void await_needs_reset(void)
{
	while (!(common->device_status & NEEDS_RESET))
		;
	/* Nothing is served until then: this must not be looked at. */
	avail.idx++;
	kick();
}

static void break_rules(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		say(rules[i].name);
		start_device((u64)desc);
		avail.idx = 1;
		rules[i].break_it();
		kick();
		await_needs_reset();
	}
	say("a queue is not aligned");
	start_device((u64)desc + 8);
	await_needs_reset();
	say("a queue lies outside memory");
	start_device(MEMORY);
	await_needs_reset();
}

/* ---- requests that are none, and one that is ------------------------------------------------- */

/*
 * Random numbers, a sector, empty lines for the console, a frame, a page for the balloon, or a
 * packet that is for no connection.
 */
static void make_request(void)
{
	u32 i;

	clear();
	for (i = 0; i < sizeof(data); i++)
		data[i] = kind == &kinds[3] ? '\n' : 0;
	status = 0xff;
	if (kind == &kinds[0]) {
		desc[0].flags = WRITE;
	} else if (kind == &kinds[5]) {
		desc[0].len = VSOCK_HEADER;
	} else if (kind == &kinds[1]) {
		desc[0] = (struct descriptor) { (u64)&request, 16, NEXT, 1 };
		desc[1] = (struct descriptor) { (u64)data, 512, NEXT | WRITE, 2 };
		desc[2] = (struct descriptor) { (u64)&status, 1, WRITE, 0 };
	}
	avail.idx = 1;
}

/* What is on its way when its queue is reset may be answered or not; then the queue begins anew. */
static void reset_queues(void)
{
	u32 i;

	say("the queue is reset in the middle");
	start_device((u64)desc);
	for (i = 0; i < RESETS; i++) {
		make_request();
		kick();
		common->queue_select = kind->queue;
		*(volatile u16 *)((u64)common + QUEUE_RESET) = 1;
		while (*(volatile u16 *)((u64)common + QUEUE_RESET) || common->queue_enable)
			;
		enable((u64)desc);
	}
}

static void poke(void)
{
	u32 i, saved;
	u64 at;

	say("registers are written at random");
	start_device((u64)desc);
	for (i = 0; i < 2000; i++) {
		at = window + (i & 1 ? random() % 0x80 : random() % BAR_SIZE);
		switch (random() % 4) {
		case 0:
			*(volatile u8 *)at = random();
			break;
		case 1:
			*(volatile u16 *)(at & ~1UL) = random();
			break;
		case 2:
			*(volatile u32 *)(at & ~3UL) = random();
			break;
		default:
			(void)*(volatile u64 *)(at & ~7UL);
		}
	}
	say("configuration space is written at random");
	for (i = 0; i < 1000; i++) {
		saved = random() % 64 * 4;
		config_write(saved, random());
		(void)config_read(saved);
	}
	/* Over memory, over the local APIC, and half outside. */
	config_write(0x04, 0x6);
	for (i = 0; i < 3; i++) {
		config_write(0x10, i == 0 ? 0x200000 : i == 1 ? 0xfee00000 : 0xfffff000);
		config_write(0x14, i == 2 ? 0xffffffff : 0);
	}
	for (i = 0x10; i < 0x28; i += 4)
		config_write(i, 0);
	place_registers();
}

/* After all that it serves a driver that keeps the rules. */
static void serve(void)
{
	start_device((u64)desc);
	make_request();
	kick();
	/* With an exit in the loop: a host with one CPU, on Bochs, has no other way out of it. */
	while (used.idx != 1)
		(void)common->device_status;
	if (common->device_status != 15)
		say("lost");
	if (kind == &kinds[1] &&
	    (status || data[0] != 'h' || data[6] != 'e' || used.ring[0].len != 513))
		say("lost");
	if (kind == &kinds[0] && used.ring[0].len != 16)
		say("lost");
}

static void attack(void)
{
	place_registers();
	break_rules();
	reset_queues();
	poke();
	break_rules();
	serve();
	say("ok");
}

void start(void)
{
	u32 i;

	for (slot = 1; slot < 32; slot++) {
		for (i = 0; i < ARRAY_SIZE(kinds); i++) {
			if (config_read(0) == kinds[i].id) {
				kind = &kinds[i];
				attack();
			}
		}
	}
	print("all: ok\n");
	for (;;)
		__asm__ volatile("outw %0, %1" : : "a" ((u16)0x2000), "d" ((u16)0x604));
}
