/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coalesced MMIO and PIO: guest writes that userspace is told of later, many at a time. KVM's
 * ABI, KVM_CAP_COALESCED_MMIO and KVM_CAP_COALESCED_PIO. See coalesced_io.c.
 */
#ifndef MINIKVM_VIRT_COALESCED_IO_H
#define MINIKVM_VIRT_COALESCED_IO_H

#include <linux/kvm.h>

struct mkvm_vm;

int mkvm_coalesced_init(struct mkvm_vm *vm);
void mkvm_coalesced_destroy(struct mkvm_vm *vm);
int mkvm_coalesced_ioctl(struct mkvm_vm *vm, const struct kvm_coalesced_mmio_zone *args,
			 bool add);

#endif
