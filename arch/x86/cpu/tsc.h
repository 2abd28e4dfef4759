/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's time-stamp counter.
 *
 * SDM, "Time-Stamp Counter", and "TSC Offsetting" and "TSC Scaling" of VMX: guest TSC =
 * (host TSC * ratio >> 48) + offset, which the processor computes itself in guest mode.
 */
#ifndef MINIKVM_ARCH_X86_TSC_H
#define MINIKVM_ARCH_X86_TSC_H

#include <linux/math64.h>
#include <asm/msr.h>

#include "virt/vcpu.h"

#define TSC_RATIO_FRAC_BITS	48
#define TSC_RATIO_ONE		BIT_ULL(TSC_RATIO_FRAC_BITS)

static inline u64 tsc_scale(const struct mkvm_vcpu *vcpu, u64 host_tsc)
{
	if (likely(vcpu->arch.tsc_scaling_ratio == TSC_RATIO_ONE))
		return host_tsc;
	return mul_u64_u64_shr(host_tsc, vcpu->arch.tsc_scaling_ratio, TSC_RATIO_FRAC_BITS);
}

/* What the guest's RDTSC gives when the host's gives @host_tsc. */
static inline u64 tsc_guest_at(const struct mkvm_vcpu *vcpu, u64 host_tsc)
{
	return tsc_scale(vcpu, host_tsc) + vcpu->arch.tsc_offset;
}

static inline u64 tsc_guest_now(const struct mkvm_vcpu *vcpu)
{
	return tsc_guest_at(vcpu, rdtsc());
}

void tsc_vm_init(struct mkvm_vm *vm);
void tsc_vcpu_init(struct mkvm_vcpu *vcpu);
void tsc_vcpu_load(struct mkvm_vcpu *vcpu);

static inline void tsc_vcpu_put(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.last_host_tsc = rdtsc();
}

void tsc_write(struct mkvm_vcpu *vcpu, u64 value, bool host);
void tsc_write_adjust(struct mkvm_vcpu *vcpu, u64 value, bool host);
void tsc_set_offset(struct mkvm_vcpu *vcpu, u64 offset);
int tsc_set_khz(struct mkvm_vcpu *vcpu, unsigned long khz);
int tsc_vm_set_khz(struct mkvm_vm *vm, unsigned long khz);

#endif
