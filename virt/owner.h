/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has VMs, how many, and how many they may have. See owner.c.
 */
#ifndef MINIKVM_VIRT_OWNER_H
#define MINIKVM_VIRT_OWNER_H

#include "virt/vm.h"

struct seq_file;

int mkvm_owner_charge_vm(struct mkvm_vm *vm);
void mkvm_owner_uncharge_vm(struct mkvm_vm *vm);
int mkvm_owner_charge_vcpu(struct mkvm_vm *vm);
void mkvm_owner_uncharge_vcpu(struct mkvm_vm *vm);

unsigned int mkvm_vm_uid(struct mkvm_vm *vm);
void mkvm_owner_list_vm(struct mkvm_vm *vm);
void mkvm_owner_unlist_vm(struct mkvm_vm *vm);
void mkvm_owner_each_vm(void (*fn)(struct mkvm_vm *vm));

void mkvm_owners_show(struct seq_file *m);

#endif
