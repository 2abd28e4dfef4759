// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening a device through VFIO, with a sentence for everything that can stand in the way:
 * see vfio.h. Linux' uapi <linux/vfio.h>; sysfs says which group and driver a device has.
 *
 * Relies on vfio-pci for what makes a device safe to give away: its configuration space is
 * filtered there, and its DMA reaches what was mapped here and nothing else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler.h"
#include "vfio/vfio.h"

#define DEVICES		"/sys/bus/pci/devices/"
/* How vfio-pci gets a device; two times its address. */
#define GIVE		"load vfio-pci, write vfio-pci to " DEVICES "%s/driver_override and " \
			"%s to /sys/bus/pci/drivers_probe."

/* The last part of the path that a link in the device's directory points to. */
static bool link_name(const char *address, const char *link, char *name, size_t size)
{
	char path[128], target[256], *last;
	ssize_t n;

	snprintf(path, sizeof(path), DEVICES "%.16s/%s", address, link);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = 0;
	last = strrchr(target, '/');
	snprintf(name, size, "%.*s", (int)size - 1, last ? last + 1 : target);
	return true;
}

static int check_driver(const char *address, struct sentence *why)
{
	char driver[64];

	if (!link_name(address, "driver", driver, sizeof(driver)))
		return say(why,
			   "%s has no driver; vfio-pci must have it: " GIVE, address,
			   address, address);
	if (strcmp(driver, "vfio-pci") != 0)
		return say(why,
			   "%s belongs to the host's driver %s: write %s to " DEVICES
			   "%s/driver/unbind, " GIVE, address, driver, address, address, address,
			   address);
	return 0;
}

/* Which other device of the group has a driver of the host's? */
static int explain_group(const char *address, const char *group, struct sentence *why)
{
	char path[128], driver[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/devices", group);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.' ||
		    !link_name(entry->d_name, "driver", driver, sizeof(driver)) ||
		    !strncmp(driver, "vfio", 4))
			continue;
		say(why,
		    "%s cannot be given away alone: %s in the same IOMMU group %s belongs to the host's driver %s; unbind that, too.",
		    address, entry->d_name, group, driver);
		closedir(dir);
		return -1;
	}
	if (dir)
		closedir(dir);
	return say(why, "IOMMU group %s of %s is not viable: the host uses a device in it.", group,
		   address);
}

static int open_group(struct vfio *v, struct sentence *why)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char group[32], path[64];

	snprintf(path, sizeof(path), DEVICES "%s", v->address);
	if (access(path, F_OK))
		return say(why, "There is no PCI device %s; the host's are in " DEVICES ".",
			   v->address);
	if (!link_name(v->address, "iommu_group", group, sizeof(group)))
		return say(why,
			   "No IOMMU is in front of %s: switch VT-d on in the firmware, and load minikvm, or boot with intel_iommu=on (`minikvm doctor`, `minikvm iommu`).",
			   v->address);
	if (check_driver(v->address, why))
		return -1;
	snprintf(path, sizeof(path), "/dev/vfio/%s", group);
	v->group = open(path, O_RDWR | O_CLOEXEC);
	if (v->group < 0 && errno == EBUSY)
		return say(why, "%s, group %s, is in use: another program has %s open.",
			   v->address, group, path);
	if (v->group < 0)
		return say(why, "%s cannot be opened: %s.", path, strerror(errno));
	if (ioctl(v->group, VFIO_GROUP_GET_STATUS, &status))
		return say(why, "%s refuses VFIO_GROUP_GET_STATUS: %s.", path, strerror(errno));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return explain_group(v->address, group, why);
	return 0;
}

static int open_container(struct vfio *v, struct sentence *why)
{
	v->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (v->container < 0)
		return say(why, "/dev/vfio/vfio cannot be opened: %s (modprobe vfio).",
			   strerror(errno));
	if (ioctl(v->container, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
	    ioctl(v->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) <= 0)
		return say(why, "VFIO has no type 1 IOMMU: modprobe vfio_iommu_type1.");
	if (ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->container))
		return say(why, "The group of %s cannot join a container: %s.", v->address,
			   strerror(errno));
	if (ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) == 0)
		return 0;
	if (errno == EPERM)
		return say(why,
			   "The IOMMU does not remap interrupts, so %s could forge any (allow_unsafe_interrupts=1 of vfio_iommu_type1 accepts that).",
			   v->address);
	return say(why, "VFIO refuses the IOMMU of %s: %s.", v->address, strerror(errno));
}

static int map(struct vfio *v, __u8 *mem, __u64 gpa, __u64 size, struct sentence *why)
{
	struct vfio_iommu_type1_dma_map dma = {
		.argsz = sizeof(dma),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (__u64)(unsigned long)mem,
		.iova = gpa,
		.size = size,
	};

	if (!size || ioctl(v->container, VFIO_IOMMU_MAP_DMA, &dma) == 0)
		return 0;
	return say(why, "%llu MiB of guest memory cannot be mapped for %s: %s%s.", size / MIB,
		   v->address, strerror(errno),
		   errno == ENOMEM ? " (all of it is locked: ulimit -l, free memory)" : "");
}

static int describe(struct vfio *v, struct sentence *why)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	unsigned int i;

	if (ioctl(v->fd, VFIO_DEVICE_GET_INFO, &info))
		return say(why, "VFIO says nothing of %s: %s.", v->address, strerror(errno));
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) || info.num_regions < VFIO_REGIONS)
		return say(why, "%s is no PCI device for VFIO.", v->address);
	for (i = 0; i < VFIO_REGIONS; i++) {
		struct vfio_region_info region = { .argsz = sizeof(region), .index = i };

		if (ioctl(v->fd, VFIO_DEVICE_GET_REGION_INFO, &region))
			continue;
		v->region[i].offset = region.offset;
		v->region[i].size = region.size;
		v->region[i].mmap = region.flags & VFIO_REGION_INFO_FLAG_MMAP;
	}
	for (i = 0; i < VFIO_IRQS && i < info.num_irqs; i++) {
		struct vfio_irq_info irq = { .argsz = sizeof(irq), .index = i };

		if (ioctl(v->fd, VFIO_DEVICE_GET_IRQ_INFO, &irq) == 0)
			v->irqs[i] = irq.count;
	}
	/* Not every device can be reset: the guest may find it as the host's driver left it. */
	if (info.flags & VFIO_DEVICE_FLAGS_RESET)
		ioctl(v->fd, VFIO_DEVICE_RESET);
	return 0;
}

/**
 * vfio_open() - take a device from vfio-pci and map guest memory for its DMA
 * @v: receives it; vfio_close() must follow in any case
 * @address: as in /sys/bus/pci/devices
 * @ram: the guest's memory, all of which is pinned
 * @why: receives the sentence on failure, which also says what to do
 *
 * Return: 0, or -1.
 */
int vfio_open(struct vfio *v, const char *address, const struct guest_ram *ram,
	      struct sentence *why)
{
	memset(v, 0, sizeof(*v));
	v->container = -1;
	v->group = -1;
	v->fd = -1;
	snprintf(v->address, sizeof(v->address), "%s", address);
	if (open_group(v, why) || open_container(v, why) ||
	    map(v, ram->low, 0, ram->low_size, why) ||
	    map(v, ram->high, GUEST_HIGH_RAM_BASE, ram->high_size, why))
		return -1;
	v->fd = ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, v->address);
	if (v->fd < 0)
		return say(why, "VFIO does not give %s: %s.", v->address, strerror(errno));
	return describe(v, why);
}

void vfio_close(struct vfio *v)
{
	if (v->fd >= 0)
		close(v->fd);
	if (v->group >= 0)
		close(v->group);
	if (v->container >= 0)
		close(v->container);
}

/* Registers of a region; a read that fails gives ones, a write that fails is lost. */
void vfio_read(struct vfio *v, unsigned int region, __u64 offset, void *data, size_t len)
{
	if (pread(v->fd, data, len, v->region[region].offset + offset) != (ssize_t)len)
		memset(data, 0xff, len);
}

void vfio_write(struct vfio *v, unsigned int region, __u64 offset, const void *data, size_t len)
{
	ssize_t ignored = pwrite(v->fd, data, len, v->region[region].offset + offset);

	(void)ignored;	/* a write that fails is lost, as on a bus */
}

/* Part of a region, page-aligned, as memory; NULL where that is not possible. */
void *vfio_mmap(struct vfio *v, unsigned int region, __u64 offset, __u64 size)
{
	void *mem;

	if (!v->region[region].mmap || !size)
		return NULL;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd,
		   v->region[region].offset + offset);
	return mem == MAP_FAILED ? NULL : mem;
}

static int set_irqs(struct vfio *v, __u32 flags, unsigned int kind, unsigned int first,
		    unsigned int count, const int *fd)
{
	size_t size = fd ? count * sizeof(*fd) : 0;
	struct vfio_irq_set *set = calloc(1, sizeof(*set) + size);
	int ret;

	if (!set)
		return -1;
	set->argsz = sizeof(*set) + size;
	set->flags = flags;
	set->index = kind;
	set->start = first;
	set->count = count;
	if (size)
		memcpy(set->data, fd, size);
	ret = ioctl(v->fd, VFIO_DEVICE_SET_IRQS, set);
	free(set);
	return ret;
}

/**
 * vfio_trigger() - let interrupts write to eventfds
 * @v: the device
 * @kind: VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX or VFIO_PCI_MSIX_IRQ_INDEX
 * @first: the first interrupt of that kind
 * @count: how many; the first call says how many there will be
 * @fd: an eventfd for each, or -1 for none yet
 *
 * Return: 0, or -1 with errno.
 */
int vfio_trigger(struct vfio *v, unsigned int kind, unsigned int first, unsigned int count,
		 const int *fd)
{
	return set_irqs(v, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, kind, first,
			count, fd);
}

/* No interrupts of this kind any more. */
void vfio_no_triggers(struct vfio *v, unsigned int kind)
{
	set_irqs(v, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, kind, 0, 0, NULL);
}

/* The eventfd @fd says that INTx may come again. Return: 0, or -1 with errno. */
int vfio_unmask_by(struct vfio *v, int fd)
{
	return set_irqs(v, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK,
			VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &fd);
}
