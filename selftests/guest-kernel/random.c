// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver of virtio's source of random numbers (virtio 1.2, sections 3.1 "Device
 * Initialization", 4.1 "Virtio Over PCI Bus", 5.4 "Entropy Device"). It is the guest's half of
 * Documentation/virtio.rst: the sections there are numbered, and the numbers stand here.
 *
 * The device is not trusted: it may be silent, or write nonsense into its registers and the queue.
 * All that is waited for has an end, and a device that broke a rule is never used again. Its page
 * is never freed, since such a device may write there at any time.
 */
#include "random.h"
#include "console.h"
#include "format.h"
#include "machine.h"
#include "memory.h"
#include "pci.h"
#include "task.h"
#include "virtqueue.h"

#define VIRTIO_RNG		0x10441af4	/* device and vendor */
#define VIRTIO_RNG_TRANSITIONAL	0x10051af4

/* Capabilities of virtio's: what they lead to, and the fields (section 4.1.4). */
#define VIRTIO_COMMON		1
#define VIRTIO_NOTIFY		2
#define CAP_TYPE(header)	((header) >> 24)
#define CAP_BAR			4
#define CAP_OFFSET		8
#define CAP_LENGTH		12
#define CAP_MULTIPLIER		16

#define STATUS_ACKNOWLEDGE	1
#define STATUS_DRIVER		2
#define STATUS_DRIVER_OK	4
#define STATUS_FEATURES_OK	8
#define STATUS_NEEDS_RESET	64
#define FEATURE_VERSION_1	BIT(0)		/* bit 32: of the second word */

#define BUFFER_SIZE		64
#define DEVICE_PATIENCE_S	10
#define LOOK_AGAIN_US		10000

/* The common configuration (section 4.1.4.3). */
struct common {
	u32 device_feature_select, device_feature, driver_feature_select, driver_feature;
	u16 config_vector, queues;
	u8 status, generation;
	u16 queue_select, queue_size, queue_vector, queue_enable, queue_notify_off;
	u32 queue_descriptor[2], queue_available[2], queue_used[2];
};

/* The page that the device reads and writes. */
struct shared {
	struct virtqueue_memory queue;
	u8 buffer[BUFFER_SIZE];
};

enum { NO_DEVICE, WORKS, GIVEN_UP };

static int state;
static volatile struct common *common;
static volatile u16 *doorbell;
static struct shared *shared;
static struct virtqueue queue;
/* The task that waits for the device; the others wait for their turn. */
static struct task *waiter;
static struct list turn = { &turn, &turn };

u32 random_interrupts;

static u64 patience(void)
{
	return rdtsc() + DEVICE_PATIENCE_S * 1000 * features.tsc_khz;
}

/* Return: NULL if the device has no such registers, or not as many. */
static volatile void *find_registers(u8 device, u8 type, u32 size, u8 *capability)
{
	unsigned int i;
	u8 at;

	for (i = 0; (at = pci_capability(device, CAPABILITY_VENDOR, i)); i++) {
		if (CAP_TYPE(pci_read(device, at)) != type)
			continue;
		*capability = at;
		if (pci_read(device, at + CAP_LENGTH) < size)
			return NULL;
		return pci_map(device, pci_read(device, at + CAP_BAR),
			       pci_read(device, at + CAP_OFFSET), size);
	}
	return NULL;
}

/* The registers of queue 0, and its doorbell: "1. A buffer becomes available". */
static const char *set_up_queue(u8 device, u8 notify)
{
	u32 spread = pci_read(device, notify + CAP_MULTIPLIER), room, offset;
	u64 at = page_get(), parts[3];
	unsigned int i;

	if (!at)
		return "there is no memory for its queue";
	shared = physical(at);
	virtqueue_init(&queue, &shared->queue);
	common->queue_select = 0;
	if (common->queue_size < VIRTQUEUE_SIZE)
		return "its queue is too small";
	common->queue_size = VIRTQUEUE_SIZE;
	if (common->queue_size != VIRTQUEUE_SIZE)
		return "its queue does not take a size";
	parts[0] = at + offsetof(struct shared, queue.descriptor);
	parts[1] = at + offsetof(struct shared, queue.available);
	parts[2] = at + offsetof(struct shared, queue.used);
	for (i = 0; i < 2; i++) {
		common->queue_descriptor[i] = parts[0] >> (32 * i);
		common->queue_available[i] = parts[1] >> (32 * i);
		common->queue_used[i] = parts[2] >> (32 * i);
	}
	/* "8. The interrupt". Without it the driver looks again now and then. */
	if (pci_message(device, cpus[0].apic_id, VECTOR_RANDOM))
		common->queue_vector = 0;
	/* "2. The doorbell" */
	offset = common->queue_notify_off;
	room = pci_read(device, notify + CAP_LENGTH);
	if ((u64)offset * spread + sizeof(*doorbell) > room)
		return "its doorbell lies outside";
	doorbell = pci_map(device, pci_read(device, notify + CAP_BAR),
			   pci_read(device, notify + CAP_OFFSET) + offset * spread,
			   sizeof(*doorbell));
	if (!doorbell)
		return "its doorbell is out of reach";
	common->queue_enable = 1;
	return NULL;
}

/* "The registers": from the reset to DRIVER_OK. Return: NULL, or why it does not work. */
static const char *set_up(u8 device)
{
	u64 until = patience();
	const char *why;
	u8 at, notify;

	pci_write(device, PCI_COMMAND, COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_PIN);
	common = find_registers(device, VIRTIO_COMMON, sizeof(*common), &at);
	if (!common || !find_registers(device, VIRTIO_NOTIFY, sizeof(*doorbell), &notify))
		return "its registers are out of reach";
	common->status = 0;
	while (common->status)
		if (rdtsc() > until)
			return "it does not reset";
	common->status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
	common->device_feature_select = 1;
	if (!(common->device_feature & FEATURE_VERSION_1))
		return "it is not of virtio 1";
	common->driver_feature_select = 0;
	common->driver_feature = 0;
	common->driver_feature_select = 1;
	common->driver_feature = FEATURE_VERSION_1;
	common->status = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
	if (!(common->status & STATUS_FEATURES_OK))
		return "it does not accept what it offers";
	why = set_up_queue(device, notify);
	if (!why)
		common->status = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK |
				 STATUS_DRIVER_OK;
	return why;
}

/* Called once, with the kernel's lock held: is there a device, and does it work? */
void random_init(void)
{
	int device = pci_find(VIRTIO_RNG);
	const char *why;

	if (device < 0)
		device = pci_find(VIRTIO_RNG_TRANSITIONAL);
	if (device < 0)
		return;
	why = set_up(device);
	state = why ? GIVEN_UP : WORKS;
	print("virtio-rng: PCI device %u%s%s\n", device, why ? " is not used: " : "",
	      why ? why : "");
}

static int give_up(const char *why)
{
	state = GIVEN_UP;
	common->status = 0;
	print("virtio-rng: the device is given up: %s\n", why);
	return -EIO;
}

/* "8. The interrupt": who waits may look. */
void random_interrupt(void)
{
	random_interrupts++;
	if (waiter && waiter->state == STATE_PEND)
		task_wake(waiter);
}

/* Waits until the buffer is back. Return: bytes in it, -EINTR, or -EIO. */
static int wait_for_device(void)
{
	u64 until = patience();
	int n;

	for (;;) {
		n = virtqueue_take(&queue);
		if (n > 0)
			return n;
		if (n < 0 || (common->status & STATUS_NEEDS_RESET))
			return give_up("it broke a rule");
		if (rdtsc() > until)
			return give_up("it did not answer for ten seconds");
		waiter = current();
		/* An interrupt that never comes costs this time, and nothing else. */
		task_sleep(LOOK_AGAIN_US);
		waiter = NULL;
		if (current()->interrupted)
			return -EINTR;
	}
}

static int ask(u8 *to, u32 n)
{
	int ret;

	if (state != WORKS)
		return state == NO_DEVICE ? -ENOSYS : -EIO;
	/* One that was killed while it waited has left its buffer: it serves this one. */
	if (!virtqueue_is_waiting(&queue)) {
		virtqueue_offer(&queue, to_physical(shared->buffer), BUFFER_SIZE);
		*doorbell = 0;
	}
	ret = wait_for_device();
	if (ret <= 0)
		return ret;
	ret = min_t(u32, ret, n);
	memcpy(to, shared->buffer, ret);
	return ret;
}

/**
 * random_get() - random bytes for the running task, which may have to wait
 * @to: where they go
 * @n: how many, at least 1
 *
 * Return: how many came, -ENOSYS without a device, -EIO if it was given up, or -EINTR.
 */
int random_get(u8 *to, u32 n)
{
	int ret = 0;

	while (waiter && !ret) {
		task_wait(&turn);
		if (current()->interrupted)
			ret = -EINTR;
	}
	if (!ret)
		ret = ask(to, n);
	/* The next one's turn; it looks for itself whether it is. */
	if (!list_empty(&turn))
		task_wake(container_of(turn.next, struct task, queue));
	return ret;
}
