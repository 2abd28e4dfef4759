/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Register sets of KVM's vCPU ioctls, for those who have no ioctl.
 *
 * The vCPU is loaded and its mutex held; vm->srcu may be read-held.
 */
#ifndef MINIKVM_ARCH_X86_VCPU_IOCTL_H
#define MINIKVM_ARCH_X86_VCPU_IOCTL_H

#include "virt/vcpu.h"

void vcpu_get_regs(struct mkvm_vcpu *vcpu, struct kvm_regs *regs);
void vcpu_set_regs(struct mkvm_vcpu *vcpu, const struct kvm_regs *regs);

/* sregs.c: 0, or -EINVAL and nothing changed. */
void vcpu_get_sregs(struct mkvm_vcpu *vcpu, struct kvm_sregs *sregs);
int vcpu_set_sregs(struct mkvm_vcpu *vcpu, const struct kvm_sregs *sregs);
void vcpu_get_sregs2(struct mkvm_vcpu *vcpu, struct kvm_sregs2 *sregs2);
int vcpu_set_sregs2(struct mkvm_vcpu *vcpu, const struct kvm_sregs2 *sregs2);

#endif
