/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VFIO client without a guest: opens a container and an edu device, maps memory, does DMA.
 *
 * Linux' uapi <linux/vfio.h>, type1 version 2. The device is QEMU's edu (1234:11e8): it copies
 * between its own 4 KiB buffer and memory, and raises an interrupt on request.
 */
#ifndef MINIKVM_SELFTESTS_IOMMU_VFIO_H
#define MINIKVM_SELFTESTS_IOMMU_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfio {
	int container;
	int group;
	int device;
	volatile uint8_t *bar;
	size_t bar_size;
	uint64_t config_offset;
};

/* Opens device "0000:00:01.0", which vfio-pci has. Returns false and says why. */
bool vfio_open(struct vfio *v, const char *address);
void vfio_close(struct vfio *v);
int vfio_map(struct vfio *v, void *memory, uint64_t iova, size_t size);
/* Returns how many bytes fell out, or a negative errno. */
long vfio_unmap(struct vfio *v, uint64_t iova, size_t size);
void vfio_config_write16(struct vfio *v, unsigned int offset, uint16_t value);
uint16_t vfio_config_read16(struct vfio *v, unsigned int offset);
/* A device's MSI with this many messages, each with its eventfd; without any, off. */
#define MSI_MAX	32
int vfio_set_msi(struct vfio *v, const int *eventfds, unsigned int count);

/* The edu device: DMA from memory to its buffer and back, waiting for the end. */
void edu_from_memory(struct vfio *v, uint64_t iova, size_t size);
void edu_to_memory(struct vfio *v, uint64_t iova, size_t size);
/* Starts a transfer and does not wait: the device does it 100 ms later. */
void edu_start_to_memory(struct vfio *v, uint64_t iova, size_t size);
void edu_raise(struct vfio *v, uint32_t value);

#endif
