/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of every VM and vCPU under /sys/kernel/debug/minikvm. Nothing depends on debugfs.
 */
#ifndef MINIKVM_VIRT_DEBUGFS_H
#define MINIKVM_VIRT_DEBUGFS_H

struct dentry;
struct mkvm_vcpu;
struct mkvm_vm;

void mkvm_debugfs_init(void);
void mkvm_debugfs_exit(void);
void mkvm_debugfs_add_vm(struct mkvm_vm *vm);
void mkvm_debugfs_remove_vm(struct mkvm_vm *vm);
void mkvm_debugfs_add_vcpu(struct mkvm_vcpu *vcpu);

#endif
