// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shortest virtio driver, in a guest: a kernel that asks the random number device for sixteen
 * bytes and prints them. Virtio 1.2: "Virtio Over PCI Bus", "Split Virtqueues", "Entropy Device".
 *
 *	minikvm run --rng --kernel build/tool/examples/rng
 *
 * Explained in Documentation/first-vm.rst. Relies on being entered in long mode with the first
 * 4 GiB identity-mapped, as minikvm enters an ELF kernel, and uses no interrupts: it waits.
 */
#include <stddef.h>
#include <stdint.h>

#define CONFIG(slot, reg)	(0x80000000u | (slot) << 11 | ((reg) & 0xfc))
#define BAR			0xd0000000UL	/* we say where the registers are */
#define RANDOM_DEVICE		0x10441af4	/* device 0x1040 + 4, vendor 0x1af4 */
#define BYTES			16

/* The common configuration of a virtio PCI device. */
struct common {
	uint32_t device_feature_select, device_feature, driver_feature_select, driver_feature;
	uint16_t config_msix_vector, num_queues;
	uint8_t device_status, config_generation;
	uint16_t queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	uint64_t queue_desc, queue_driver, queue_device;
};

/* A queue with room for two buffers; the device needs these in memory, at aligned addresses. */
static struct descriptor {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
} __attribute((aligned(16))) desc[2];

static volatile struct {
	uint16_t flags, idx, ring[2];
} avail;

static volatile struct {
	uint16_t flags, idx;
	struct {
		uint32_t id, len;
	} ring[2];
} __attribute((aligned(4))) used;

static uint8_t buffer[BYTES];

static void outl(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a" (value), "Nd" (port));
}

static uint32_t config_read(uint32_t slot, uint32_t reg)
{
	uint32_t value;

	outl(0xcf8, CONFIG(slot, reg));
	__asm__ volatile("inl %1, %0" : "=a" (value) : "Nd" ((uint16_t)0xcfc));
	return value >> (reg & 3) * 8;
}

static void config_write(uint32_t slot, uint32_t reg, uint32_t value)
{
	outl(0xcf8, CONFIG(slot, reg));
	outl(0xcfc, value);
}

static void print(char c)
{
	__asm__ volatile("outb %0, %1" : : "a" (c), "Nd" ((uint16_t)0xe9));
}

/* Where a structure of the device is, by its vendor-specific capability: 1 common, 2 notify. */
static uint32_t find_structure(uint32_t slot, uint32_t type)
{
	uint32_t cap = config_read(slot, 0x34) & 0xff;

	while (cap && (config_read(slot, cap) & 0xff) != 9)
		cap = config_read(slot, cap + 1) & 0xff;
	while (cap && (config_read(slot, cap + 3) & 0xff) != type)
		cap = config_read(slot, cap + 1) & 0xff;
	return cap;
}

static void ask(uint32_t slot)
{
	uint32_t notify = find_structure(slot, 2);
	volatile struct common *c;
	volatile uint16_t *doorbell;

	config_write(slot, 0x10, BAR);
	config_write(slot, 0x14, 0);
	config_write(slot, 0x04, 0x6);	/* it may be reached, and may reach memory */
	c = (void *)(BAR + config_read(slot, find_structure(slot, 1) + 8));

	c->device_status = 0;		/* reset */
	c->device_status = 1;		/* we have seen it */
	c->device_status = 3;		/* and have a driver for it, */
	c->driver_feature_select = 1;
	c->driver_feature = 1;		/* which knows VIRTIO_F_VERSION_1 and no more */
	c->device_status = 11;
	c->queue_select = 0;
	c->queue_size = 2;
	c->queue_desc = (uint64_t)desc;
	c->queue_driver = (uint64_t)&avail;
	c->queue_device = (uint64_t)&used;
	c->queue_enable = 1;
	c->device_status = 15;		/* go */

	desc[0].addr = (uint64_t)buffer;
	desc[0].len = BYTES;
	desc[0].flags = 2;		/* for the device to write */
	avail.flags = 1;		/* no interrupt, please */
	avail.ring[0] = 0;
	__asm__ volatile("" : : : "memory");
	avail.idx = 1;			/* now the device owns it */
	doorbell = (void *)(BAR + config_read(slot, notify + 8) +
			    c->queue_notify_off * config_read(slot, notify + 16));
	__asm__ volatile("mfence; sti" : : : "memory");
	*doorbell = 0;
	while (used.idx != 1)
		__asm__ volatile("pause" : : : "memory");
}

void start(void)
{
	uint32_t slot, i;

	for (slot = 1; slot < 32 && config_read(slot, 0) != RANDOM_DEVICE; slot++)
		;
	if (slot < 32)
		ask(slot);
	for (i = 0; i < used.ring[0].len; i++) {
		print("0123456789abcdef"[buffer[i] >> 4]);
		print("0123456789abcdef"[buffer[i] & 15]);
	}
	print('\n');
	__asm__ volatile("outw %0, %1" : : "a" ((uint16_t)0x2000), "d" ((uint16_t)0x604));
}
