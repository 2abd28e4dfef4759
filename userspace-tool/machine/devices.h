/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's buses and the PCI devices on them: devices.c.
 */
#ifndef MINIKVM_TOOL_MACHINE_DEVICES_H
#define MINIKVM_TOOL_MACHINE_DEVICES_H

#include "machine/machine.h"

void devices_init(struct machine *m);
int devices_add(struct machine *m, struct virtio_device *device, struct sentence *why);
int devices_add_at(struct machine *m, struct virtio_device *device, unsigned int first,
		   struct sentence *why);
int devices_add_console(struct machine *m, struct sentence *why);
void devices_resize(struct machine *m);
int devices_remove(struct machine *m, struct virtio_device *device);
int devices_assign(struct machine *m, const char *address, struct sentence *why);
struct virtio_pci *devices_find(const struct machine *m, const char *name);
struct virtio_device *devices_in_slot(const struct machine *m, unsigned int slot);
void devices_conceal(struct machine *m);
void devices_list_states(struct machine *m);
void devices_close(struct machine *m);

#endif
