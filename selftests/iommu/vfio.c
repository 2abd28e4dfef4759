// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO without a guest, and the edu device behind it.
 *
 * Linux' uapi <linux/vfio.h>; QEMU's docs/specs/edu: DMA source, destination, count and command at
 * 0x80, 0x88, 0x90, 0x98 of BAR 0, buffer at device address 0x40000, interrupt raise at 0x60.
 */
#include "vfio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define EDU_RAISE	0x60
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_BUFFER	0x40000
#define EDU_RUN		1
#define EDU_TO_MEMORY	2

static bool broken(const char *what)
{
	printf("# %s: %s\n", what, strerror(errno));
	return false;
}

static int open_group(const char *address)
{
	char link[64], path[128], name[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/iommu_group", address);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return -1;
	path[n] = 0;
	snprintf(name, sizeof(name), "/dev/vfio/%.16s", strrchr(path, '/') + 1);
	return open(name, O_RDWR);
}

bool vfio_open(struct vfio *v, const char *address)
{
	struct vfio_region_info info = { .argsz = sizeof(info) };

	memset(v, 0, sizeof(*v));
	v->device = -1;
	v->container = open("/dev/vfio/vfio", O_RDWR);
	v->group = open_group(address);
	if (v->container < 0 || v->group < 0)
		return broken("open of container or group");
	if (ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->container))
		return broken("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return broken("VFIO_SET_IOMMU");
	v->device = ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, address);
	if (v->device < 0)
		return broken("VFIO_GROUP_GET_DEVICE_FD");
	info.index = VFIO_PCI_BAR0_REGION_INDEX;
	if (ioctl(v->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		return broken("VFIO_DEVICE_GET_REGION_INFO");
	/* Not every device has this one. */
	if (info.size)
		v->bar = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, v->device,
			      info.offset);
	if (v->bar == MAP_FAILED) {
		v->bar = NULL;
		return broken("mmap of BAR 0");
	}
	v->bar_size = info.size;
	info.index = VFIO_PCI_CONFIG_REGION_INDEX;
	if (ioctl(v->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		return broken("VFIO_DEVICE_GET_REGION_INFO");
	v->config_offset = info.offset;
	/* Memory space and bus master. */
	vfio_config_write16(v, 4, vfio_config_read16(v, 4) | 6);
	return true;
}

void vfio_close(struct vfio *v)
{
	/* A mapping keeps the device open, too. */
	if (v->bar)
		munmap((void *)v->bar, v->bar_size);
	if (v->device >= 0)
		close(v->device);
	if (v->group >= 0)
		close(v->group);
	if (v->container >= 0)
		close(v->container);
}

int vfio_map(struct vfio *v, void *memory, uint64_t iova, size_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};

	return ioctl(v->container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

long vfio_unmap(struct vfio *v, uint64_t iova, size_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};

	return ioctl(v->container, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -errno : (long)unmap.size;
}

void vfio_config_write16(struct vfio *v, unsigned int offset, uint16_t value)
{
	if (pwrite(v->device, &value, 2, v->config_offset + offset) != 2)
		broken("write to configuration space");
}

uint16_t vfio_config_read16(struct vfio *v, unsigned int offset)
{
	uint16_t value = 0xffff;

	if (pread(v->device, &value, 2, v->config_offset + offset) != 2)
		broken("read of configuration space");
	return value;
}

int vfio_set_msi(struct vfio *v, const int *eventfds, unsigned int count)
{
	uint64_t buffer[(sizeof(struct vfio_irq_set) + MSI_MAX * sizeof(int)) / 8 + 1];
	struct vfio_irq_set *set = (struct vfio_irq_set *)buffer;

	if (count > MSI_MAX)
		return -EINVAL;
	set->argsz = sizeof(*set) + count * sizeof(int);
	set->flags = (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE) |
		     VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = VFIO_PCI_MSI_IRQ_INDEX;
	set->start = 0;
	set->count = count;
	memcpy(set->data, eventfds, count * sizeof(int));
	/* Fewer than asked for are an error, too: their number. */
	return ioctl(v->device, VFIO_DEVICE_SET_IRQS, set) < 0 ? -errno : 0;
}

static void write64(struct vfio *v, unsigned int reg, uint64_t value)
{
	*(volatile uint64_t *)(v->bar + reg) = value;
}

static void transfer(struct vfio *v, uint64_t from, uint64_t to, size_t size, uint64_t command)
{
	write64(v, EDU_SOURCE, from);
	write64(v, EDU_TARGET, to);
	write64(v, EDU_COUNT, size);
	write64(v, EDU_COMMAND, command | EDU_RUN);
}

/* At most half a minute; it takes a tenth of one. */
static void finish(struct vfio *v)
{
	int i;

	for (i = 0; i < 3000 && *(volatile uint64_t *)(v->bar + EDU_COMMAND) & EDU_RUN; i++)
		usleep(10000);
	if (i == 3000)
		printf("# the device does not finish its DMA\n");
}

void edu_from_memory(struct vfio *v, uint64_t iova, size_t size)
{
	transfer(v, iova, EDU_BUFFER, size, 0);
	finish(v);
}

void edu_start_to_memory(struct vfio *v, uint64_t iova, size_t size)
{
	transfer(v, EDU_BUFFER, iova, size, EDU_TO_MEMORY);
}

void edu_to_memory(struct vfio *v, uint64_t iova, size_t size)
{
	edu_start_to_memory(v, iova, size);
	finish(v);
}

void edu_raise(struct vfio *v, uint32_t value)
{
	*(volatile uint32_t *)(v->bar + EDU_RAISE) = value;
}
