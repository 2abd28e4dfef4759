/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steal time: how long a vCPU's thread wanted a CPU and had none, told to the guest.
 */
#ifndef MINIKVM_ARCH_X86_STEAL_TIME_H
#define MINIKVM_ARCH_X86_STEAL_TIME_H

#include "virt/vcpu.h"

int steal_time_write(struct mkvm_vcpu *vcpu, u64 data);
void steal_time_load(struct mkvm_vcpu *vcpu);
void steal_time_update(struct mkvm_vcpu *vcpu);
void steal_time_preempted(struct mkvm_vcpu *vcpu);

#endif
