/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI device of the host's in the guest: a device of its bus (pci.h), behind it VFIO (vfio.h).
 */
#ifndef MINIKVM_TOOL_ASSIGNED_H
#define MINIKVM_TOOL_ASSIGNED_H

#include <linux/types.h>

#include "devices/pci.h"
#include "kvm/vm.h"

struct assigned;

struct assigned *assigned_open(const char *address, struct vm *vm, struct pci_root *root,
			       struct sentence *why);
void assigned_close(struct assigned *d);

#endif
