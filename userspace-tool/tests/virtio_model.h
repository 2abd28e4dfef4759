/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's side of a virtio device, for unit tests: virtio_model.c. It does what it is told,
 * also what no driver may do.
 */
#ifndef MINIKVM_TOOL_VIRTIO_MODEL_H
#define MINIKVM_TOOL_VIRTIO_MODEL_H

#include "virtio/device.h"

#define MODEL_RAM	0x400000	/* bytes */
#define MODEL_FREE	0x100000	/* from here on the tests' own */
#define MODEL_ENTRIES	256

/* A descriptor, as it goes into the table. */
struct model_part {
	__u64 at;
	__u32 len;
	bool write;
};

/**
 * struct model - a driver, and the machine around it
 * @ram: the guest's memory
 * @device: what it drives
 * @interrupts: how many came, for each queue
 * @changes: how many came for the configuration
 * @next_desc: for each queue, the descriptor that is used next
 * @next_used: the used entry that is looked at next
 */
struct model {
	struct guest_ram ram;
	struct virtio_device *device;
	unsigned int interrupts[VIRTIO_QUEUES_MAX];
	unsigned int changes;
	__u16 next_desc[VIRTIO_QUEUES_MAX];
	__u16 next_used[VIRTIO_QUEUES_MAX];
};

struct model *model_new(void);
void model_free(struct model *m);
void model_start(struct model *m, struct virtio_device *d, __u64 features);
void model_start_sized(struct model *m, struct virtio_device *d, __u64 features, __u16 entries);
void model_turn(struct model *m);
void *model_at(struct model *m, __u64 at);
__u16 model_add(struct model *m, unsigned int queue, const struct model_part *part,
		unsigned int parts);
int model_used(struct model *m, unsigned int queue, __u32 *len);

#endif
