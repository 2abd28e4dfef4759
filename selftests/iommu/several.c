// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device with several MSI messages, given to a VFIO program without a guest. TAP.
 *
 * Usage: several DEVICE, QEMU's nec-usb-xhci with MSI and 16 messages, on a host with two
 * processors. VT-d specification, "Interrupt Requests in Remappable Format" (SHV, subhandle): one
 * message register, a block of entries. An interrupter of the controller (xHCI specification,
 * "Interrupter Register Set") sends its message when it is told that events are left in its ring,
 * so that no USB is needed. A device that was given fewer messages than it sends is blocked.
 */
#include "kernel_log.h"
#include "vfio.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define MSI_CAPABILITY	5
#define MESSAGES	16
#define ENTRIES		"/sys/kernel/debug/minikvm-iommu/interrupts"
#define IOVA		0x100000ul
#define PAGE		4096
#define SHV		8u
#define REMAPPABLE	0x10u

/* Registers of the controller. */
#define USBCMD		0x00
#define CMD_RUN_INTE	5u
#define RTSOFF		0x18
#define INTERRUPTER(n)	(0x20 + 32 * (n))
#define IMAN		0x00
#define IMAN_ENABLE	2u
#define ERSTSZ		0x08
#define ERSTBA		0x10
#define ERDP		0x18
#define ERDP_BUSY	8u

static int number, failures, config, events[MESSAGES];
static const char *device;
static unsigned int capability;

static struct {
	unsigned int count, of, first, irq[MESSAGES];
} entries;

static void result(bool good, const char *name)
{
	printf("%sok %d %s\n", good ? "" : "not ", ++number, name);
	fflush(stdout);
	failures += !good;
}

static uint32_t config_read(unsigned int at, unsigned int size)
{
	uint32_t value = 0;

	return pread(config, &value, size, at) == (ssize_t)size ? value : ~0u;
}

static void find_capability(void)
{
	for (capability = config_read(0x34, 1); capability && capability < 256;
	     capability = config_read(capability + 1, 1))
		if (config_read(capability, 1) == MSI_CAPABILITY)
			return;
	capability = 0;
}

/* What minikvm says of the device's entries; false if they are not one block in order. */
static bool read_entries(void)
{
	FILE *file = fopen(ENTRIES, "r");
	unsigned int index, irq, message, of;
	char line[256], from[32];
	bool good = true;

	memset(&entries, 0, sizeof(entries));
	snprintf(from, sizeof(from), " from %.16s ", device + 5);
	while (file && fgets(line, sizeof(line), file)) {
		if (!strstr(line, from))
			continue;
		if (!entries.count)
			printf("# %s", line);
		if (sscanf(line, "%*s index %u irq %u message %u of %u", &index, &irq, &message,
			   &of) != 4) {
			message = 0;
			of = 1;
		}
		if (!entries.count)
			entries.first = index;
		good &= entries.count < MESSAGES && message == entries.count &&
			index == entries.first + message;
		entries.of = of;
		entries.irq[entries.count++ % MESSAGES] = irq;
	}
	if (file)
		fclose(file);
	return good && file && !(entries.first % (entries.of ?: 1));
}

/* The message in the device leads to the block, and the device may send 2^@log of them. */
static bool message_is(unsigned int log)
{
	uint32_t address = config_read(capability + 4, 4), data = config_read(capability + 12, 2);
	uint32_t control = config_read(capability + 2, 2);
	uint32_t shv = log ? SHV : 0;

	printf("# control %#x, message %#x:%#x\n", control, address, data);
	return (control >> 4 & 7) == log && (!log || !data) &&
	       address == (0xfee00000 | REMAPPABLE | shv | entries.first << 5);
}

static uint32_t read32(struct vfio *v, unsigned int at)
{
	return *(volatile uint32_t *)(v->bar + at);
}

static void write32(struct vfio *v, unsigned int at, uint32_t value)
{
	*(volatile uint32_t *)(v->bar + at) = value;
}

/* All interrupters share a ring of 16 events, of which they have seen none. */
static bool start(struct vfio *v)
{
	uint64_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	unsigned int n, at;

	if (page == MAP_FAILED || vfio_map(v, page, IOVA, PAGE))
		return false;
	/* An entry of the segment table: address and size. */
	page[0] = IOVA + 1024;
	page[1] = 16;
	for (n = 0; n < MESSAGES; n++) {
		at = read32(v, RTSOFF) + INTERRUPTER(n);
		write32(v, at + ERSTSZ, 1);
		write32(v, at + ERSTBA, IOVA);
		write32(v, at + ERSTBA + 4, 0);
		write32(v, at + IMAN, IMAN_ENABLE);
	}
	write32(v, (read32(v, 0) & 0xff) + USBCMD, CMD_RUN_INTE);
	return true;
}

static void send(struct vfio *v, unsigned int n)
{
	unsigned int at = read32(v, RTSOFF) + INTERRUPTER(n);

	/* The handler is done, but the next event is not the one that comes next. */
	write32(v, at + ERDP, (IOVA + 1024 + 16) | ERDP_BUSY);
	write32(v, at + ERDP + 4, 0);
}

static uint64_t taken(unsigned int n)
{
	uint64_t count = 0;

	return read(events[n], &count, 8) == 8 ? count : 0;
}

static bool arrives(struct vfio *v, unsigned int n)
{
	struct pollfd p = { .fd = events[n], .events = POLLIN };

	send(v, n);
	return poll(&p, 1, 20000) == 1 && taken(n) == 1;
}

static bool nothing_else_arrived(void)
{
	bool good = true;
	unsigned int n;

	usleep(50000);
	for (n = 0; n < MESSAGES; n++)
		good &= !taken(n);
	return good;
}

static bool each_is_its_own(struct vfio *v, unsigned int count)
{
	unsigned int n;

	for (n = 0; n < count; n++)
		if (!arrives(v, n)) {
			printf("# message %u does not arrive as itself\n", n);
			return false;
		}
	return nothing_else_arrived();
}

/* How often a processor took an interrupt. */
static unsigned long count_on(unsigned int irq, unsigned int cpu)
{
	FILE *file = fopen("/proc/interrupts", "r");
	unsigned long counts[2] = { 0 };
	char line[1024];
	unsigned int of = ~0u;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " %u: %lu %lu", &of, &counts[0], &counts[1]) == 3 && of == irq)
			break;
	if (file)
		fclose(file);
	return of == irq ? counts[cpu] : 0;
}

static bool move(unsigned int irq, unsigned int cpu)
{
	char path[64];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity", irq);
	file = fopen(path, "w");
	good = file && fprintf(file, "%x\n", 1 << cpu) > 0;
	return file && !fclose(file) && good;
}

/*
 * Linux frees the vector of the last move by a timer on the processor that the interrupt left, and
 * until then puts the next move off to whichever interrupt comes after: as long as that takes.
 */
static bool arrives_on(struct vfio *v, unsigned int n, unsigned int cpu)
{
	unsigned int again;

	for (again = 0; again < 500; again++) {
		unsigned long before = count_on(entries.irq[n], cpu);

		if (!arrives(v, n))
			break;
		if (count_on(entries.irq[n], cpu) == before + 1)
			return true;
		usleep(10000);
	}
	printf("# message %u does not arrive on processor %u (%u on another)\n", n, cpu, again);
	return false;
}

/* Neighbours on different processors, then the other way round, faster than Linux likes it. */
static bool each_moves(struct vfio *v)
{
	unsigned int n, round;

	for (round = 0; round < 8; round++) {
		for (n = 0; n < MESSAGES; n++)
			if (!move(entries.irq[n], (n + round) % 2))
				return false;
		for (n = 0; n < MESSAGES; n++)
			if (!arrives_on(v, n, (n + round) % 2))
				return false;
	}
	return nothing_else_arrived();
}

static bool is_blocked(struct vfio *v, unsigned int n)
{
	char what[64];

	snprintf(what, sizeof(what), "interrupt with index %u blocked", entries.first + n);
	log_forget();
	send(v, n);
	return log_has(what, device, "") && nothing_else_arrived();
}

/* Five messages are a block of eight, of which the last three belong to no message. */
static void fewer(struct vfio *v)
{
	uint16_t control;
	bool good;

	result(!vfio_set_msi(v, NULL, 0) && read_entries() && !entries.count, "block_is_gone");
	result(!vfio_set_msi(v, events, 5) && read_entries() && entries.count == 5 &&
	       entries.of == 8 && message_is(3), "five_messages_have_a_block_of_eight");
	result(each_is_its_own(v, 5), "each_of_five_arrives");
	result(is_blocked(v, 5) && is_blocked(v, 7), "message_without_an_owner_is_blocked");
	/* Behind the kernel's back the device takes sixteen messages. */
	control = config_read(capability + 2, 2);
	control = (control & ~0x70) | 4 << 4;
	good = pwrite(config, &control, 2, capability + 2) == 2;
	result(good && is_blocked(v, 8) && is_blocked(v, 15), "message_beyond_the_block_is_blocked");
	result(arrives(v, 4), "own_message_still_arrives");
}

static bool again_and_again(struct vfio *v)
{
	unsigned int first = 0, i;
	bool good = true;

	for (i = 0; i < 20 && good; i++) {
		good = !vfio_set_msi(v, NULL, 0) && !vfio_set_msi(v, events, MESSAGES) &&
		       arrives(v, i % MESSAGES);
		if (i == 0) {
			good &= read_entries();
			first = entries.first;
		}
	}
	return good && read_entries() && entries.first == first && entries.count == MESSAGES;
}

int main(int argc, char **argv)
{
	char path[128];
	struct vfio v;
	unsigned int n;

	if (argc != 2)
		return 2;
	device = argv[1];
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", device);
	config = open(path, O_RDWR);
	find_capability();
	for (n = 0; n < MESSAGES; n++)
		events[n] = eventfd(0, EFD_NONBLOCK);
	if (!capability || !log_open() || !vfio_open(&v, device) || !start(&v)) {
		result(false, "several_start");
		return 1;
	}
	result(!vfio_set_msi(&v, events, MESSAGES) && read_entries() &&
	       entries.count == MESSAGES && entries.of == MESSAGES && message_is(4),
	       "sixteen_messages_are_one_block");
	result(each_is_its_own(&v, MESSAGES), "each_message_is_its_own_interrupt");
	result(each_moves(&v), "each_moves_by_itself");
	result(message_is(4), "the_message_stays");
	fewer(&v);
	result(again_and_again(&v), "blocks_come_and_go");
	result(!vfio_set_msi(&v, NULL, 0) && !vfio_set_msi(&v, events, 1) && read_entries() &&
	       entries.count == 1 && message_is(0) && arrives(&v, 0), "one_message_needs_no_block");
	vfio_close(&v);
	return failures != 0;
}
