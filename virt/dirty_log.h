/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG.
 */
#ifndef MINIKVM_VIRT_DIRTY_LOG_H
#define MINIKVM_VIRT_DIRTY_LOG_H

#include <linux/kvm.h>

struct mkvm_vm;

int mkvm_get_dirty_log(struct mkvm_vm *vm, const struct kvm_dirty_log *log);
int mkvm_clear_dirty_log(struct mkvm_vm *vm, const struct kvm_clear_dirty_log *log);

#endif
