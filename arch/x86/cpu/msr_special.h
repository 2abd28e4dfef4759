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

#define MSR_READ_FUNCTION(name) \
	int msr_read_##name(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
#define MSR_WRITE_FUNCTION(name) \
	int msr_write_##name(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)

MSR_READ_FUNCTION(platform_info);
MSR_READ_FUNCTION(poll_control);
MSR_READ_FUNCTION(refused);
MSR_READ_FUNCTION(tsc);
MSR_READ_FUNCTION(tsc_deadline);
MSR_READ_FUNCTION(unknown);
MSR_READ_FUNCTION(x2apic);

MSR_WRITE_FUNCTION(apic_base);
MSR_WRITE_FUNCTION(async_pf_ack);
MSR_WRITE_FUNCTION(async_pf_enable);
MSR_WRITE_FUNCTION(async_pf_vector);
MSR_WRITE_FUNCTION(canonical);
MSR_WRITE_FUNCTION(command);
MSR_WRITE_FUNCTION(efer);
MSR_WRITE_FUNCTION(feat_ctl);
MSR_WRITE_FUNCTION(ignored);
MSR_WRITE_FUNCTION(misc_enable);
MSR_WRITE_FUNCTION(pat);
MSR_WRITE_FUNCTION(poll_control);
MSR_WRITE_FUNCTION(refused);
MSR_WRITE_FUNCTION(spec_ctrl);
MSR_WRITE_FUNCTION(steal_time);
MSR_WRITE_FUNCTION(sysenter);
MSR_WRITE_FUNCTION(system_time);
MSR_WRITE_FUNCTION(tsc);
MSR_WRITE_FUNCTION(tsc_adjust);
MSR_WRITE_FUNCTION(unknown);
MSR_WRITE_FUNCTION(wall_clock);
MSR_WRITE_FUNCTION(x2apic);
MSR_WRITE_FUNCTION(xss);

#endif
