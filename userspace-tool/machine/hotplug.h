/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI devices that come and go while the guest runs: hotplug.c.
 */
#ifndef MINIKVM_TOOL_HOTPLUG_H
#define MINIKVM_TOOL_HOTPLUG_H

#include <stdbool.h>

#include "virtio/device.h"

struct machine;

/**
 * struct hotplug - the slots from PCI_FIRST_HOTPLUG on, a bit for each; all under power_lock
 * @occupied: devices that came while the guest ran
 * @fresh: of these, those that the guest has not been told of
 * @to_go: those that the guest has to be told to eject
 * @ejected: those that the guest has let go, and that are still to be closed
 */
struct hotplug {
	__u32 occupied, fresh, to_go, ejected;
};

int hotplug_add(struct machine *m, struct virtio_device *device, struct sentence *why);
int hotplug_remove(struct machine *m, const char *name, struct sentence *why);
bool hotplug_has_ejected(struct machine *m);
void hotplug_close_ejected(struct machine *m);

/* The registers, for the thread of a vCPU. */
__u32 hotplug_read(struct machine *m, unsigned int reg);
void hotplug_write(struct machine *m, unsigned int reg, __u32 value);

#endif
