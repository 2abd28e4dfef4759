/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_SET_USER_MEMORY_REGION: changes of a VM's memory slots, and the life of their set.
 */
#ifndef MINIKVM_VIRT_MEMORY_REGION_H
#define MINIKVM_VIRT_MEMORY_REGION_H

#include <linux/kvm.h>

struct mkvm_vm;

int mkvm_memslots_init(struct mkvm_vm *vm);
void mkvm_memslots_destroy(struct mkvm_vm *vm);
int mkvm_set_memory_region(struct mkvm_vm *vm, const struct kvm_userspace_memory_region *mem);

#endif
