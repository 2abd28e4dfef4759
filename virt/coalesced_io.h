/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_REGISTER_COALESCED_MMIO, KVM_UNREGISTER_COALESCED_MMIO.
 */
#ifndef MINIKVM_VIRT_COALESCED_IO_H
#define MINIKVM_VIRT_COALESCED_IO_H

#include <linux/kvm.h>

struct mkvm_vm;

struct kvm_coalesced_mmio_ring *mkvm_coalesced_ring(struct mkvm_vm *vm);
void mkvm_coalesced_destroy(struct mkvm_vm *vm);
int mkvm_coalesced_ioctl(struct mkvm_vm *vm, const struct kvm_coalesced_mmio_zone *args,
			 bool add);

#endif
