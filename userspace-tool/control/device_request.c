// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the control socket asks of a running guest's devices: the list of them, the balloon, a disk
 * that comes while it runs.
 * Documentation/control.rst. Called by the event loop's thread, which alone adds and removes
 * devices. Relies on json-c.
 */
#include <linux/virtio_ids.h>
#include <stdio.h>

#include "compiler.h"
#include "control/device_request.h"
#include "machine/devices.h"
#include "machine/hotplug.h"
#include "virtio/balloon.h"
#include "virtio/blk.h"

/* Names of the statistics (section "Memory Statistics Tags" of virtio 1.2); sizes are in bytes. */
static const char * const statistic[VIRTIO_BALLOON_S_NR] = {
	[VIRTIO_BALLOON_S_SWAP_IN] = "swapped-in",
	[VIRTIO_BALLOON_S_SWAP_OUT] = "swapped-out",
	[VIRTIO_BALLOON_S_MAJFLT] = "major-faults",
	[VIRTIO_BALLOON_S_MINFLT] = "minor-faults",
	[VIRTIO_BALLOON_S_MEMFREE] = "free",
	[VIRTIO_BALLOON_S_MEMTOT] = "total",
	[VIRTIO_BALLOON_S_AVAIL] = "available",
	[VIRTIO_BALLOON_S_CACHES] = "caches",
	[VIRTIO_BALLOON_S_HTLB_PGALLOC] = "huge-pages",
	[VIRTIO_BALLOON_S_HTLB_PGFAIL] = "huge-pages-failed",
};

static struct virtio_device *find_balloon(const struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->virtio_count; i++)
		if (m->virtio[i]->device->ops->id == VIRTIO_ID_BALLOON)
			return m->virtio[i]->device;
	return NULL;
}

static struct json_object *describe_balloon(struct virtio_device *d)
{
	struct json_object *o = json_object_new_object();
	struct balloon_numbers n;
	unsigned int i;

	balloon_get(d, &n);
	json_object_object_add(o, "wanted", json_object_new_int64(n.wanted));
	json_object_object_add(o, "size", json_object_new_int64(n.lent));
	json_object_object_add(o, "reported", json_object_new_int64(n.reported));
	for (i = 0; i < ARRAY_SIZE(statistic); i++)
		if (statistic[i] && (n.said >> i & 1))
			json_object_object_add(o, statistic[i],
					       json_object_new_int64(n.statistics[i]));
	return o;
}

static struct json_object *describe_device(const struct virtio_pci *p)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(p->device->name));
	json_object_object_add(o, "slot", json_object_new_int(p->endpoint.number));
	return o;
}

/**
 * device_request_describe() - tell of the devices
 * @m: the machine
 * @o: the result of "info", which receives members
 *
 * The balloon's statistics are those of the call before, since the guest is asked for new ones now.
 */
void device_request_describe(struct machine *m, struct json_object *o)
{
	struct virtio_device *balloon = find_balloon(m);
	struct json_object *list = json_object_new_array();
	unsigned int i;

	for (i = 0; i < m->virtio_count; i++)
		json_object_array_add(list, describe_device(m->virtio[i]));
	json_object_object_add(o, "devices", list);
	if (balloon)
		json_object_object_add(o, "balloon", describe_balloon(balloon));
}

/* Return: the lowest number that no disk has in its name. */
static unsigned int free_disk_number(const struct machine *m)
{
	char name[VIRTIO_NAME_MAX];
	unsigned int i = 0;

	do {
		snprintf(name, sizeof(name), "disk%u", i);
	} while (devices_find(m, name) && i++ < PCI_SLOTS);
	return i;
}

/**
 * device_request_add_disk() - give the running guest a disk
 * @m: the machine
 * @fd: the image, which the client has opened; stays the caller's
 * @threads: without io_uring, which the sandbox may forbid
 * @why: receives the sentence on failure
 *
 * Return: the result, or NULL.
 */
struct json_object *device_request_add_disk(struct machine *m, int fd, bool threads,
					    struct sentence *why)
{
	unsigned int number = free_disk_number(m), cpus = m->vm.nr_vcpus;
	struct blk_options options = { .opened = true, .fd = fd, .threads = threads };
	char name[VIRTIO_NAME_MAX];
	struct virtio_device *d;
	struct json_object *o;
	int slot;

	snprintf(name, sizeof(name), "disk%u", number);
	options.path = name;
	d = blk_open(&m->vm.ram, &options, number, cpus < BLK_QUEUES_MAX ? cpus : BLK_QUEUES_MAX,
		     why);
	slot = d ? hotplug_add(m, d, why) : -1;
	if (slot < 0)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "device", json_object_new_string(name));
	json_object_object_add(o, "slot", json_object_new_int(slot));
	return o;
}

/**
 * device_request_balloon() - say how much memory the guest is to lend
 * @m: the machine
 * @size: bytes
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int device_request_balloon(struct machine *m, __u64 size, struct sentence *why)
{
	struct virtio_device *d = find_balloon(m);
	__u64 all = m->vm.ram.low_size + m->vm.ram.high_size;

	if (!d)
		return say(why, "The guest has no balloon: 'minikvm run --balloon' gives it one.");
	if (size > all)
		return say(why, "The guest has %llu MiB of memory and cannot lend %llu.", all / MIB,
			   size / MIB);
	balloon_set(d, size);
	return 0;
}
