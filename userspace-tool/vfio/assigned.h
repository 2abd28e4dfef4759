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

/**
 * assigned_open() - take a device of the host's for the guest
 * @address: PCI address, as in /sys/bus/pci/devices; vfio-pci must have it
 * @vm: the VM, with its memory, all of which is pinned
 * @why: receives the sentence on failure
 *
 * Return: the device, to be given to assigned_close(); or NULL.
 */
struct assigned *assigned_open(const char *address, struct vm *vm, struct sentence *why);

/* Stops the device and gives it back; NULL is allowed. No vCPU runs any more. */
void assigned_close(struct assigned *d);

/**
 * assigned_mmio() - the guest accesses memory that is not RAM
 * @d: the device
 * @gpa: guest-physical address
 * @len: bytes, 1 to 8
 * @data: what is written, or receives what is read
 * @write: it is a write
 *
 * Return: whether it was the device's.
 */
bool assigned_mmio(struct assigned *d, __u64 gpa, unsigned int len, __u8 *data, bool write);

/* The guest accesses a port; arguments and return as assigned_mmio(). */
bool assigned_port(struct assigned *d, __u16 port, unsigned int len, __u8 *data, bool write);

#endif
