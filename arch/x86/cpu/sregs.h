/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_GET/SET_SREGS and their successors: segments and control registers.
 */
#ifndef MINIKVM_ARCH_X86_SREGS_H
#define MINIKVM_ARCH_X86_SREGS_H

#include "virt/vcpu.h"

void sregs_get(struct mkvm_vcpu *vcpu, struct kvm_sregs *sregs);
int sregs_set(struct mkvm_vcpu *vcpu, const struct kvm_sregs *sregs);
void sregs2_get(struct mkvm_vcpu *vcpu, struct kvm_sregs2 *sregs2);
int sregs2_set(struct mkvm_vcpu *vcpu, const struct kvm_sregs2 *sregs2);

#endif
