/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device of the host's through VFIO: <linux/vfio.h>, type 1 version 2, one container for one
 * group.
 */
#ifndef MINIKVM_TOOL_VFIO_H
#define MINIKVM_TOOL_VFIO_H

#include <linux/types.h>
#include <linux/vfio.h>
#include <stdbool.h>

#include "boot/guest_ram.h"
#include "terminal/sentence.h"

#define PCI_ADDRESS_SIZE	16	/* of "0000:00:04.0", NUL and all */
#define VFIO_REGIONS		(VFIO_PCI_CONFIG_REGION_INDEX + 1)
#define VFIO_IRQS		(VFIO_PCI_MSIX_IRQ_INDEX + 1)

/**
 * struct vfio - an open device
 * @address: its PCI address
 * @container: the IOMMU domain, as a descriptor
 * @group: the group, which is what is owned
 * @fd: the device
 * @region: BARs, ROM and configuration space: offset in @fd, size, what can be done with them
 * @irqs: how many interrupts of each kind
 */
struct vfio {
	char address[PCI_ADDRESS_SIZE];
	int container;
	int group;
	int fd;
	struct {
		__u64 offset;
		__u64 size;
		bool mmap;
	} region[VFIO_REGIONS];
	unsigned int irqs[VFIO_IRQS];
};

int vfio_open(struct vfio *v, const char *address, const struct guest_ram *ram,
	      struct sentence *why);
void vfio_close(struct vfio *v);
void vfio_read(struct vfio *v, unsigned int region, __u64 offset, void *data, size_t len);
void vfio_write(struct vfio *v, unsigned int region, __u64 offset, const void *data, size_t len);
void *vfio_mmap(struct vfio *v, unsigned int region, __u64 offset, __u64 size);
int vfio_trigger(struct vfio *v, unsigned int kind, unsigned int first, unsigned int count,
		 const int *fd);
void vfio_no_triggers(struct vfio *v, unsigned int kind);
int vfio_unmask_by(struct vfio *v, int fd);

#endif
