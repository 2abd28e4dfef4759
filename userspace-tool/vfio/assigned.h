/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI device of the host's in the guest: device 1 of its bus (pci.h), behind it VFIO (vfio.h).
 */
#ifndef MINIKVM_TOOL_ASSIGNED_H
#define MINIKVM_TOOL_ASSIGNED_H

#include <linux/types.h>
#include <stdbool.h>

#include "devices/pci.h"
#include "kvm/vm.h"

struct assigned;

/* Its configuration space, for struct pci_bus; the argument is the struct assigned. */
extern const struct pci_device_ops assigned_config_ops;

struct assigned *assigned_open(const char *address, struct vm *vm, struct sentence *why);
void assigned_close(struct assigned *d);
bool assigned_mmio(struct assigned *d, __u64 gpa, unsigned int len, __u8 *data, bool write);
bool assigned_port(struct assigned *d, __u16 port, unsigned int len, __u8 *data, bool write);

#endif
