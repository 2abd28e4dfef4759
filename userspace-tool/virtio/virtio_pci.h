/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio device as a PCI device (modern, not transitional).
 */
#ifndef MINIKVM_TOOL_VIRTIO_PCI_H
#define MINIKVM_TOOL_VIRTIO_PCI_H

#include <stdatomic.h>

#include "devices/pci_endpoint.h"
#include "virtio/device.h"

/* What is where in BAR 0. */
#define VIRTIO_BAR_COMMON	0x0000
#define VIRTIO_BAR_ISR		0x1000
#define VIRTIO_BAR_DEVICE	0x2000
#define VIRTIO_BAR_NOTIFY	0x3000
#define VIRTIO_BAR_MSIX		0x4000
#define VIRTIO_BAR_PENDING	0x5000
#define VIRTIO_BAR_SIZE		0x8000
#define VIRTIO_NOTIFY_MULTIPLIER 4

/* What the driver writes to a queue's registers before it enables it. */
struct virtio_pci_queue {
	struct virtqueue_layout layout;
	atomic_ushort vector;
};

/**
 * struct virtio_pci - the transport of one device
 * @device: the device
 * @endpoint: the PCI function
 * @lock: of what follows, up to @queue
 * @device_select: which half of the offered features is read
 * @driver_select: which half of the accepted ones is written
 * @accepted: what the driver accepts, before FEATURES_OK
 * @queue_select: which queue's registers are seen
 * @status: device status, without DEVICE_NEEDS_RESET
 * @config_vector: message of configuration changes
 * @queue: the queues' registers
 * @isr_lock: of @isr and the interrupt pin together
 * @isr: ISR status
 * @cfg_cap: offset of the capability that gives access through configuration space
 * @doorbell_at: where the notification registers' doorbells are, 0 while nowhere
 */
struct virtio_pci {
	struct virtio_device *device;
	struct pci_endpoint endpoint;
	pthread_mutex_t lock;
	__u32 device_select, driver_select;
	__u64 accepted;
	__u16 queue_select;
	__u8 status;
	atomic_ushort config_vector;
	struct virtio_pci_queue queue[VIRTIO_QUEUES_MAX];
	pthread_mutex_t isr_lock;
	__u8 isr;
	unsigned int cfg_cap;
	__u64 doorbell_at;
};

int virtio_pci_plug(struct virtio_pci *p, struct virtio_device *device, struct pci_root *root,
		    unsigned int first, struct sentence *why);
void virtio_pci_unplug(struct virtio_pci *p);
int virtio_pci_queue_fd(struct virtio_pci *p, unsigned int queue);

#endif
