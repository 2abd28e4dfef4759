/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists of MSRs, KVM_GET_MSRS and KVM_SET_MSRS. See msr_list.c.
 */
#ifndef MINIKVM_ARCH_X86_MSR_LIST_H
#define MINIKVM_ARCH_X86_MSR_LIST_H

#include <linux/kvm.h>

struct mkvm_vcpu;

int msr_index_list_ioctl(struct kvm_msr_list __user *user, bool features);
long msr_get_ioctl(struct mkvm_vcpu *vcpu, struct kvm_msrs __user *user);
long msr_set_ioctl(struct mkvm_vcpu *vcpu, struct kvm_msrs __user *user);

#endif
