/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What CPUID tells the guest.
 *
 * SDM, "CPUID - CPU Identification". The module offers what it virtualizes
 * (KVM_GET_SUPPORTED_CPUID), userspace decides what the guest sees (KVM_SET_CPUID2), and the
 * CPUID exit reads that through a small index.
 */
#ifndef MINIKVM_ARCH_X86_CPUID_H
#define MINIKVM_ARCH_X86_CPUID_H

#include "arch/x86/cpu/cpuid_supported.h"
#include "virt/vcpu.h"

/* Entries in one KVM_SET_CPUID2. */
#define MKVM_MAX_CPUID_ENTRIES		256

/**
 * guest_cpuid_has() - does the guest's CPUID show a feature?
 * @vcpu: the vCPU
 * @feature: X86_FEATURE_* that stands for a bit of CPUID (not one of Linux's own)
 *
 * Before KVM_SET_CPUID2 the answer is what the module supports, so that a client that never
 * calls it can still use every control register and MSR.
 *
 * Return: whether it does.
 */
static inline bool guest_cpuid_has(const struct mkvm_vcpu *vcpu, unsigned int feature)
{
	return vcpu->arch.guest_caps[feature / 32] & BIT(feature & 31);
}

/* Linear-address bits that this CPU model can have: 48 or 57. */
static inline unsigned int guest_vaddr_bits(const struct mkvm_vcpu *vcpu)
{
	/* The host loads such addresses into MSRs: what it lacks is not there. */
	return guest_cpuid_has(vcpu, X86_FEATURE_LA57) && supported_cpuid_has(X86_FEATURE_LA57) ?
	       57 : 48;
}

void cpuid_execute(struct mkvm_vcpu *vcpu);
void cpuid_update_runtime(struct mkvm_vcpu *vcpu);
void cpuid_vcpu_init(struct mkvm_vcpu *vcpu);
void cpuid_vcpu_free(struct mkvm_vcpu *vcpu);
int cpuid_set_legacy_ioctl(struct mkvm_vcpu *vcpu, struct kvm_cpuid __user *user);
int cpuid_set_ioctl(struct mkvm_vcpu *vcpu, struct kvm_cpuid2 __user *user);
int cpuid_get_ioctl(struct mkvm_vcpu *vcpu, struct kvm_cpuid2 __user *user);

#endif
