/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_SET_GSI_ROUTING and KVM_SIGNAL_MSI.
 */
#ifndef MINIKVM_VIRT_GSI_ROUTING_H
#define MINIKVM_VIRT_GSI_ROUTING_H

#include <linux/kvm.h>

struct mkvm_vm;

int mkvm_set_gsi_routing_ioctl(struct mkvm_vm *vm, const struct kvm_irq_routing *head,
			       struct kvm_irq_routing __user *user);
int mkvm_signal_msi(struct mkvm_vm *vm, const struct kvm_msi *msi);

#endif
