/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSI-X: a table of messages with mask bits, and the pending bits, as a device has them.
 */
#ifndef MINIKVM_TOOL_MSIX_H
#define MINIKVM_TOOL_MSIX_H

#include <linux/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bus/wires.h"

#define MSIX_VECTORS_MAX	64
#define MSIX_ENTRY_SIZE		16

/**
 * struct msix_vector - one message
 * @entry: address (low, high), data, vector control, as in the table
 * @routed: the message that the machine knows
 * @fd: eventfd; a write of it is the interrupt, with nothing of this process in between
 * @open: the machine listens to @fd; while masked, @fd keeps what comes, which is the pending bit
 */
struct msix_vector {
	__u32 entry[4];
	struct msi_message routed;
	int fd;
	bool open;
};

/**
 * struct msix - the messages of a device
 * @lock: of all below
 * @wires: the machine's interrupts
 * @count: messages, at most MSIX_VECTORS_MAX
 * @first_gsi: their numbers, in a row
 * @control: enable and function mask, as in Message Control; may be read without the lock
 * @vector: the messages
 */
struct msix {
	pthread_mutex_t lock;
	struct wires wires;
	unsigned int count;
	unsigned int first_gsi;
	atomic_ushort control;
	struct msix_vector vector[MSIX_VECTORS_MAX];
};

int msix_init(struct msix *m, const struct wires *wires, unsigned int count);
void msix_release(struct msix *m);
void msix_reset(struct msix *m);
void msix_set_control(struct msix *m, __u16 control);
bool msix_enabled(const struct msix *m);
void msix_table_read(struct msix *m, __u64 offset, void *data, unsigned int len);
void msix_table_write(struct msix *m, __u64 offset, const void *data, unsigned int len);
void msix_pending_read(struct msix *m, __u64 offset, void *data, unsigned int len);
void msix_signal(struct msix *m, unsigned int vector);
int msix_fd(struct msix *m, unsigned int vector);

#endif
