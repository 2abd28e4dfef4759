/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Consoles and ports: console.c.
 */
#ifndef MINIKVM_TOOL_VIRTIO_CONSOLE_H
#define MINIKVM_TOOL_VIRTIO_CONSOLE_H

#include "virtio/device.h"

#define CONSOLE_PORTS_MAX	4
#define CONSOLE_RING		4096

/**
 * struct console_port - what a port is connected to
 * @name: what the guest finds it by (/dev/virtio-ports/NAME); NULL for a console (/dev/hvc0)
 * @transmit: the guest has sent @len bytes; the device's thread, may block
 * @space: bytes that did not fit by console_receive() would now; any thread
 * @opaque: their first argument
 */
struct console_port {
	const char *name;
	void (*transmit)(void *opaque, const __u8 *data, size_t len);
	void (*space)(void *opaque);
	void *opaque;
};

struct virtio_device *console_device_open(const struct guest_ram *ram,
					  const struct console_port *ports, unsigned int count,
					  struct sentence *why);
size_t console_receive(struct virtio_device *d, unsigned int port, const __u8 *data, size_t len);
size_t console_space(struct virtio_device *d, unsigned int port);
void console_resize(struct virtio_device *d, __u16 columns, __u16 rows);

#endif
