/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a VM or a vCPU as a file: KVM_GET_STATS_FD of KVM's ABI. See stats_fd.c; the same
 * counters are in debugfs (debugfs.c) for people.
 */
#ifndef MINIKVM_VIRT_STATS_FD_H
#define MINIKVM_VIRT_STATS_FD_H

#include "virt/vcpu.h"

int mkvm_vm_stats_fd(struct mkvm_vm *vm);
int mkvm_vcpu_stats_fd(struct mkvm_vcpu *vcpu);

#endif
