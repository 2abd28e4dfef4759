/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM's VFIO pseudo device (KVM_DEV_TYPE_VFIO).
 *
 * KVM's ABI: KVM_CREATE_DEVICE. The only device type that the module has.
 */
#ifndef MINIKVM_VIRT_VFIO_DEVICE_H
#define MINIKVM_VIRT_VFIO_DEVICE_H

#include "virt/vm.h"

struct mkvm_ioctl_set;

extern const struct mkvm_ioctl_set mkvm_device_ioctls;

int mkvm_create_device(struct mkvm_vm *vm, const struct kvm_create_device *args,
		       struct kvm_create_device __user *user);

#endif
