/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_IRQFD: eventfds that drive a GSI.
 */
#ifndef MINIKVM_VIRT_IRQFD_H
#define MINIKVM_VIRT_IRQFD_H

#include <linux/kvm.h>

struct mkvm_vm;

int mkvm_irqfd_ioctl(struct mkvm_vm *vm, const struct kvm_irqfd *args);
void mkvm_irqfds_rerouted(struct mkvm_vm *vm);
void mkvm_irqfds_release(struct mkvm_vm *vm);
int mkvm_irqfd_module_init(void);
void mkvm_irqfd_module_exit(void);

#endif
