/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_GET/SET_REGS: the general registers, RIP and RFLAGS.
 */
#ifndef MINIKVM_ARCH_X86_GPR_H
#define MINIKVM_ARCH_X86_GPR_H

#include "virt/vcpu.h"

void gpr_get(struct mkvm_vcpu *vcpu, struct kvm_regs *regs);
void gpr_set(struct mkvm_vcpu *vcpu, const struct kvm_regs *regs);

#endif
