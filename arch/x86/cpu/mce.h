/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine-check banks of a guest. See mce.c.
 */
#ifndef MINIKVM_ARCH_X86_MCE_H
#define MINIKVM_ARCH_X86_MCE_H

#include <linux/kvm.h>
#include <linux/types.h>

struct mkvm_vcpu;

#define MCE_BANKS	32

u64 mce_supported_cap(void);
int mce_vcpu_init(struct mkvm_vcpu *vcpu);
void mce_vcpu_free(struct mkvm_vcpu *vcpu);
int mce_setup_banks(struct mkvm_vcpu *vcpu, u64 mcg_cap);
int mce_inject(struct mkvm_vcpu *vcpu, const struct kvm_x86_mce *mce);

/* Of the rows of msr_table.c. */
int mce_write_cap(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int mce_read_ctl(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int mce_write_ctl(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int mce_read_ext_ctl(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int mce_write_ext_ctl(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int mce_read_ctl2(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int mce_write_ctl2(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int mce_read_bank(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int mce_write_bank(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);

#endif
