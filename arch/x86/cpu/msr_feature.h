/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "Feature" MSRs: what this host offers. See msr_feature.c.
 */
#ifndef MINIKVM_ARCH_X86_MSR_FEATURE_H
#define MINIKVM_ARCH_X86_MSR_FEATURE_H

#include <linux/types.h>

extern u64 msr_offered_ucode_rev, msr_offered_arch_capabilities;
extern const u64 msr_offered_perf_capabilities;

void msr_feature_init(void);
int msr_feature_value(u32 msr, u64 *data);

#endif
