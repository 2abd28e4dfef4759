/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_IOEVENTFD: guest writes that end in an eventfd.
 */
#ifndef MINIKVM_VIRT_IOEVENTFD_H
#define MINIKVM_VIRT_IOEVENTFD_H

#include <linux/kvm.h>

struct mkvm_vm;

int mkvm_ioeventfd_ioctl(struct mkvm_vm *vm, const struct kvm_ioeventfd *args);

#endif
