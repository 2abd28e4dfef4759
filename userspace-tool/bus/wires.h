/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The wires between a device and the hypervisor: interrupt lines and messages, and doorbells. A
 * device knows this interface and not KVM, so that it runs in unit tests and fuzzers, too.
 */
#ifndef MINIKVM_TOOL_WIRES_H
#define MINIKVM_TOOL_WIRES_H

#include <linux/types.h>
#include <stdbool.h>

/**
 * struct msi_message - a message-signalled interrupt ("Message Signalled Interrupts" of the SDM)
 * @address: where the device would write
 * @data: what
 */
struct msi_message {
	__u64 address;
	__u32 data;
};

/**
 * struct wires_ops - what the machine offers
 * @gsi_take: reserve @count interrupt numbers for messages. Return: the first, or -1
 * @gsi_give: give back what gsi_take() returned
 * @route: let number @gsi be this message
 * @irqfd: let the eventfd @fd be number @gsi (@on), or no longer
 * @line: drive the line @gsi
 * @doorbell: let a write of @len bytes to the guest-physical @gpa signal @fd (@on) without
 *	leaving the kernel, or no longer
 *
 * All are called from any thread. Those that return int return 0, or -1.
 */
struct wires_ops {
	int (*gsi_take)(void *opaque, unsigned int count);
	void (*gsi_give)(void *opaque, unsigned int first);
	int (*route)(void *opaque, unsigned int gsi, const struct msi_message *message);
	int (*irqfd)(void *opaque, unsigned int gsi, int fd, bool on);
	void (*line)(void *opaque, unsigned int gsi, bool level);
	int (*doorbell)(void *opaque, __u64 gpa, unsigned int len, int fd, bool on);
};

struct wires {
	const struct wires_ops *ops;
	void *opaque;
};

#endif
