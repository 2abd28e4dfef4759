/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs with a rule of their own: what their rows of the table call. See msr_special.c.
 */
#ifndef MINIKVM_ARCH_X86_MSR_SPECIAL_H
#define MINIKVM_ARCH_X86_MSR_SPECIAL_H

#include <linux/types.h>

struct mkvm_vcpu;

/* Performance monitoring is absent: these bits of IA32_MISC_ENABLE say so. */
#define MISC_ENABLE_NO_PMU \
	(MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)

int msr_read_platform_info(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int msr_read_poll_control(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int msr_read_refused(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int msr_read_tsc(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int msr_read_tsc_deadline(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int msr_read_unknown(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
int msr_read_x2apic(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);

int msr_write_apic_base(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_async_pf_ack(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_async_pf_enable(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_async_pf_vector(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_canonical(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_command(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_efer(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_feat_ctl(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_ignored(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_misc_enable(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_poll_control(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_refused(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_spec_ctrl(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_steal_time(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_sysenter(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_system_time(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_tsc(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_tsc_adjust(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_unknown(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_wall_clock(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_x2apic(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);
int msr_write_xss(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);

#endif
