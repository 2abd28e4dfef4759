// SPDX-License-Identifier: GPL-2.0-only
/*
 * An assigned device that sends other messages than the host told it to. TAP.
 *
 * Usage: forge DEVICE VICTIM. The edu device DEVICE belongs to vfio-pci, VICTIM is a device of the
 * host with interrupts. VFIO does not let a user write the message registers; a device that is not
 * what it seems needs no permission, so this writes them behind the kernel's back (sysfs). VT-d
 * specification, "Interrupt Remapping": each forged message must be blocked, named in the log, and
 * leave the victim's interrupt count as it was. Compatibility format is not tried: no QEMU up to
 * 10.0 blocks it (the model of the hardware in selftests/unit/iommu does).
 */
#include "kernel_log.h"
#include "vfio.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MSI_CAPABILITY	5
#define ENTRIES		"/sys/kernel/debug/minikvm-iommu/interrupts"

static int number, failures, config, event;
static unsigned int capability;
static const char *device, *victim;

static void result(bool good, const char *name)
{
	printf("%sok %d %s\n", good ? "" : "not ", ++number, name);
	failures += !good;
}

/* The first entry that is for @who: "dmar0 index 3 irq 24 from 00:02.0 to APIC ...". */
static bool entry_of(const char *who, unsigned int *index, unsigned int *irq)
{
	FILE *file = fopen(ENTRIES, "r");
	char line[256], from[32];
	bool found = false;

	snprintf(from, sizeof(from), " from %.16s ", who + 5);
	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, from) &&
			sscanf(line, "%*s index %u irq %u", index, irq) == 2;
	if (file)
		fclose(file);
	return found;
}

/* All processors' counts of an interrupt. */
static unsigned long count_of(unsigned int irq)
{
	FILE *file = fopen("/proc/interrupts", "r");
	char line[1024], name[16], *at;
	unsigned long sum = 0;

	snprintf(name, sizeof(name), "%u:", irq);
	while (file && fgets(line, sizeof(line), file)) {
		at = line + strspn(line, " ");
		if (strncmp(at, name, strlen(name)))
			continue;
		for (at += strlen(name); at[strspn(at, " ")] >= '0' && at[strspn(at, " ")] <= '9';)
			sum += strtoul(at, &at, 10);
	}
	if (file)
		fclose(file);
	return sum;
}

static void find_capability(void)
{
	uint8_t at = 0, id = 0;

	if (pread(config, &at, 1, 0x34) != 1)
		at = 0;
	while (at && pread(config, &id, 1, at) == 1 && id != MSI_CAPABILITY)
		if (pread(config, &at, 1, at + 1) != 1)
			at = 0;
	capability = at;
}

static bool message(uint32_t *address, uint16_t *data, bool write)
{
	if (write)
		return pwrite(config, address, 4, capability + 4) == 4 &&
		       pwrite(config, data, 2, capability + 12) == 2;
	return pread(config, address, 4, capability + 4) == 4 &&
	       pread(config, data, 2, capability + 12) == 2;
}

static bool reported(const char *what)
{
	return log_has(what, device, "");
}

/* How many came, at most @ms milliseconds from now. */
static unsigned int arrived(int ms)
{
	struct pollfd p = { .fd = event, .events = POLLIN };
	uint64_t count = 0;

	return poll(&p, 1, ms) == 1 && read(event, &count, 8) == 8 ? count : 0;
}

/* Sends one message; it must not come out as the device's own interrupt. */
static bool forge(struct vfio *v, uint32_t address, uint16_t data)
{
	log_forget();
	if (!message(&address, &data, true))
		return false;
	edu_raise(v, 1);
	return !arrived(300);
}

int main(int argc, char **argv)
{
	unsigned int index, own, irq, own_irq;
	unsigned long before;
	uint32_t address;
	uint16_t data;
	char path[128];
	struct vfio v;

	if (argc != 3)
		return 2;
	device = argv[1];
	victim = argv[2];
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", device);
	config = open(path, O_RDWR);
	event = eventfd(0, EFD_NONBLOCK);
	find_capability();
	if (!capability || !log_open() || !vfio_open(&v, device) || vfio_set_msi(&v, &event, 1) ||
	    !message(&address, &data, false) || !entry_of(device, &own, &own_irq) ||
	    !entry_of(victim, &index, &irq)) {
		result(false, "forge_start");
		return 1;
	}
	printf("# own message %#x:%#x, entry %u; the victim's entry %u\n", address, data, own,
	       index);
	edu_raise(&v, 1);
	result((address & 0x10) && arrived(20000) == 1, "own_msi_is_remapped_and_arrives");

	before = count_of(irq);
	result(forge(&v, 0xfee00010 | index << 5, data) &&
	       reported("interrupt from a wrong source"),
	       "entry_of_another_device_is_blocked");
	result(forge(&v, 0xfee00010 | 999 << 5, data) && reported("interrupt entry not present"),
	       "absent_entry_is_blocked");
	result(forge(&v, 0xfee00014 | 0x7fff << 5, data) && reported("not present"),
	       "last_entry_is_blocked");
	result(before && count_of(irq) == before, "the_victim_got_nothing");

	message(&address, &data, true);
	edu_raise(&v, 1);
	result(arrived(20000) == 1, "own_msi_still_arrives");
	vfio_close(&v);
	return failures != 0;
}
