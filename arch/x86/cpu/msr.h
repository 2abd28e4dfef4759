/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model-specific registers: one place that knows each one's rules.
 *
 * SDM volume 4, "Model-Specific Registers". Guests come through RDMSR and WRMSR exits,
 * userspace through KVM_GET_MSRS and KVM_SET_MSRS, which may do what a guest may not.
 */
#ifndef MINIKVM_ARCH_X86_MSR_H
#define MINIKVM_ARCH_X86_MSR_H

#include "virt/vcpu.h"

/*
 * As RDMSR and WRMSR do: 0, 1 = #GP, MSR_UNKNOWN = #GP: there is no such register,
 * < 0 = errno for KVM_RUN. vCPU loaded, vm->srcu held.
 */
#define MSR_UNKNOWN	2
int mkvm_get_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int mkvm_set_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);

void msr_module_init(void);
void msr_vcpu_init(struct mkvm_vcpu *vcpu);

/* After power-up and RESET (reset.c). */
#define PAT_RESET	0x0007040600070406ull
/* Performance monitoring is absent: these say so and cannot be changed by the guest. */
#define MISC_ENABLE_PMU \
	(MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)
#define MISC_ENABLE_RESET	MISC_ENABLE_PMU

/* msr_list.c: lists, "feature" MSRs (what this host can offer), the two ioctls. */
int msr_feature_value(u32 msr, u64 *data);
int msr_index_list_ioctl(struct kvm_msr_list __user *user, bool features);
/* @vcpu NULL: the device descriptor, feature MSRs only. Number done, or -errno. */
long msr_get_ioctl(struct mkvm_vcpu *vcpu, struct kvm_msrs __user *user);
long msr_set_ioctl(struct mkvm_vcpu *vcpu, struct kvm_msrs __user *user);

/* mtrr.c: 0, 1 = #GP, -ENOENT = not an MTRR. */
int mtrr_get(struct mkvm_vcpu *vcpu, u32 msr, u64 *data);
int mtrr_set(struct mkvm_vcpu *vcpu, u32 msr, u64 data);
bool pat_valid(u64 pat);

/* mce.c: machine-check banks; results as for MTRRs. */
#define MKVM_MCE_BANKS		32
u64 mce_supported_cap(void);
int mce_vcpu_init(struct mkvm_vcpu *vcpu);
void mce_vcpu_free(struct mkvm_vcpu *vcpu);
int mce_get_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int mce_set_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
/* KVM_X86_SETUP_MCE, KVM_X86_SET_MCE: 0 or -EINVAL. */
int mce_setup_banks(struct mkvm_vcpu *vcpu, u64 mcg_cap);
int mce_inject(struct mkvm_vcpu *vcpu, const struct kvm_x86_mce *mce);

#endif
