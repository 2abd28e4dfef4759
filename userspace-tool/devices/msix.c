// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI-X: see msix.h. PCI Local Bus Specification 3.0, section "MSI-X Capability and Table
 * Structures".
 *
 * Each message has an eventfd. While the guest has the message enabled and unmasked, the machine
 * listens to it (irqfd), so that an interrupt goes from the device's thread to the guest without
 * any lock or system call but the write. While it is masked, the machine does not, and the
 * eventfd's counter is the pending bit; the machine sees it when it listens again.
 */
#include <linux/pci_regs.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "devices/msix.h"

#define MSIX_WRITABLE	(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)
#define ENTRY_CONTROL	3	/* index of the vector control word */

/**
 * msix_init() - messages as after a reset: disabled, each one masked
 * @m: receives them
 * @wires: the machine's interrupts
 * @count: how many, 1 to MSIX_VECTORS_MAX
 *
 * Return: 0, or -1 where the host has no eventfds or the machine no numbers left.
 */
int msix_init(struct msix *m, const struct wires *wires, unsigned int count)
{
	unsigned int i;
	int first;

	memset(m, 0, sizeof(*m));
	pthread_mutex_init(&m->lock, NULL);
	m->wires = *wires;
	first = wires->ops->gsi_take(wires->opaque, count);
	if (first < 0)
		return -1;
	m->first_gsi = first;
	for (i = 0; i < count; i++) {
		m->vector[i].entry[ENTRY_CONTROL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
		m->vector[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (m->vector[i].fd < 0) {
			msix_release(m);
			return -1;
		}
		m->count++;
	}
	return 0;
}

/* Called with the lock held. A failure loses interrupts, and cannot be reported from here. */
static void update(struct msix *m, unsigned int i)
{
	struct msix_vector *v = &m->vector[i];
	struct msi_message message = {
		.address = v->entry[0] | (__u64)v->entry[1] << 32,
		.data = v->entry[2],
	};
	bool open = (m->control & PCI_MSIX_FLAGS_ENABLE) &&
		    !(m->control & PCI_MSIX_FLAGS_MASKALL) &&
		    !(v->entry[ENTRY_CONTROL] & PCI_MSIX_ENTRY_CTRL_MASKBIT);

	if (open && (message.address != v->routed.address || message.data != v->routed.data)) {
		v->routed = message;
		m->wires.ops->route(m->wires.opaque, m->first_gsi + i, &message);
	}
	if (open == v->open)
		return;
	if (m->wires.ops->irqfd(m->wires.opaque, m->first_gsi + i, v->fd, open) == 0)
		v->open = open;
}

/* Give everything back; nothing of @m is used any more. */
void msix_release(struct msix *m)
{
	unsigned int i;

	if (!m->count)
		return;
	msix_reset(m);
	for (i = 0; i < m->count; i++)
		close(m->vector[i].fd);
	m->wires.ops->gsi_give(m->wires.opaque, m->first_gsi);
	m->count = 0;
}

/* As after a reset of the device: disabled, masked, nothing pending. */
void msix_reset(struct msix *m)
{
	__u64 count;
	unsigned int i;

	pthread_mutex_lock(&m->lock);
	m->control = 0;
	for (i = 0; i < m->count; i++) {
		update(m, i);
		memset(m->vector[i].entry, 0, sizeof(m->vector[i].entry));
		m->vector[i].entry[ENTRY_CONTROL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
		while (read(m->vector[i].fd, &count, sizeof(count)) > 0)
			;
	}
	pthread_mutex_unlock(&m->lock);
}

/* The guest has written Message Control; bits other than enable and function mask are ignored. */
void msix_set_control(struct msix *m, __u16 control)
{
	unsigned int i;

	pthread_mutex_lock(&m->lock);
	m->control = control & MSIX_WRITABLE;
	for (i = 0; i < m->count; i++)
		update(m, i);
	pthread_mutex_unlock(&m->lock);
}

bool msix_enabled(const struct msix *m)
{
	return m->control & PCI_MSIX_FLAGS_ENABLE;
}

/* An access is 4 or 8 bytes, aligned; the specification leaves others undefined: they are lost. */
static bool is_entry(const struct msix *m, __u64 offset, unsigned int len)
{
	return (len == 4 || len == 8) && offset % len == 0 &&
	       offset < (__u64)m->count * MSIX_ENTRY_SIZE;
}

void msix_table_read(struct msix *m, __u64 offset, void *data, unsigned int len)
{
	memset(data, 0, len);
	if (!is_entry(m, offset, len))
		return;
	pthread_mutex_lock(&m->lock);
	memcpy(data, &m->vector[offset / MSIX_ENTRY_SIZE].entry[offset % MSIX_ENTRY_SIZE / 4], len);
	pthread_mutex_unlock(&m->lock);
}

void msix_table_write(struct msix *m, __u64 offset, const void *data, unsigned int len)
{
	unsigned int i = offset / MSIX_ENTRY_SIZE;

	if (!is_entry(m, offset, len))
		return;
	pthread_mutex_lock(&m->lock);
	memcpy(&m->vector[i].entry[offset % MSIX_ENTRY_SIZE / 4], data, len);
	m->vector[i].entry[ENTRY_CONTROL] &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
	update(m, i);
	pthread_mutex_unlock(&m->lock);
}

static bool is_pending(const struct msix_vector *v)
{
	struct pollfd p = { .fd = v->fd, .events = POLLIN };

	return !v->open && poll(&p, 1, 0) > 0;
}

void msix_pending_read(struct msix *m, __u64 offset, void *data, unsigned int len)
{
	unsigned int i;

	memset(data, 0, len);
	pthread_mutex_lock(&m->lock);
	for (i = 0; i < m->count; i++)
		if (i / 8 >= offset && i / 8 - offset < len && is_pending(&m->vector[i]))
			((__u8 *)data)[i / 8 - offset] |= 1 << i % 8;
	pthread_mutex_unlock(&m->lock);
}

/* The device's interrupt @vector; a number that does not exist is ignored. Any thread. */
void msix_signal(struct msix *m, unsigned int vector)
{
	const __u64 one = 1;
	ssize_t ignored;

	if (vector >= m->count)
		return;
	ignored = write(m->vector[vector].fd, &one, sizeof(one));
	(void)ignored;	/* it fails only when the counter is full, which is an interrupt as well */
}

/* The eventfd of a message, for those who signal it by themselves (vhost); or -1. */
int msix_fd(struct msix *m, unsigned int vector)
{
	return vector < m->count ? m->vector[vector].fd : -1;
}
