/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's RDMSR and WRMSR right after the exit, with interrupts off.
 *
 * Three registers are written again and again. Their rows of the table are here, as macros that
 * msr_table.c puts in their places, and what they call is inline: the compiler knows the row, and
 * neither the look-up nor an indirect call is left, which would cost more than all the rest.
 */
#ifndef MINIKVM_ARCH_X86_MSR_FAST_H
#define MINIKVM_ARCH_X86_MSR_FAST_H

#include <asm/apicdef.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/cpu/msr_special.h"
#include "arch/x86/cpu/msr_table.h"
#include "arch/x86/irq/lapic.h"

static inline int msr_write_tsc_deadline(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	/* Without a LAPIC it takes everything. */
	if (likely(vcpu->arch.apic))
		lapic_set_tsc_deadline(vcpu, data);
	return 0;
}

/* Only as fast_write: an EOI that an IOAPIC or a device waits for is done in process context. */
static inline int msr_write_x2apic_eoi(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	int ret = likely(vcpu->arch.apic) ? lapic_x2apic_eoi_write_fast(vcpu, data) : 1;

	return ret < 0 ? MSR_SLOW : ret;
}

static inline int msr_write_x2apic_icr(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return likely(vcpu->arch.apic) ? lapic_x2apic_icr_write_fast(vcpu, data) : 1;
}

#define MSR_ROW_TSC_DEADLINE {							\
	.first = MSR_IA32_TSC_DEADLINE, .last = MSR_IA32_TSC_DEADLINE,		\
	.name = "IA32_TSC_DEADLINE",						\
	.guest = MSR_RW, .feature = X86_FEATURE_TSC_DEADLINE_TIMER,		\
	.flags = MSR_LISTED | MSR_FAST_READ | MSR_RESET_ELSEWHERE,		\
	.read = msr_read_tsc_deadline, .write = msr_write_tsc_deadline,		\
	.fast_write = msr_write_tsc_deadline }

/* irq/lapic_access.c says which of them exist. @from and @to are offsets in the xAPIC page. */
#define MSR_X2APIC(reg)	(APIC_BASE_MSR + ((reg) >> 4))
#define MSR_ROW_X2APIC(from, to, title, pass, when, fast) {			\
	.first = MSR_X2APIC(from), .last = MSR_X2APIC(to), .name = title,	\
	.guest = MSR_RW, .pass_when = when,					\
	.flags = MSR_FAST_READ | MSR_RESET_ELSEWHERE | (pass),			\
	.read = msr_read_x2apic, .write = msr_write_x2apic, .fast_write = fast }
#define MSR_ROW_X2APIC_EOI MSR_ROW_X2APIC(APIC_EOI, APIC_EOI, "x2APIC EOI",	\
	MSR_PASS_WRITE, MSR_PASS_APICV, msr_write_x2apic_eoi)
#define MSR_ROW_X2APIC_ICR MSR_ROW_X2APIC(APIC_ICR, APIC_ICR, "x2APIC ICR",	\
	MSR_PASS_READ, MSR_PASS_APICV, msr_write_x2apic_icr)

/* Does the guest's CPUID show none of the features by which the row's register is there? */
static __always_inline bool msr_lacks_feature(const struct mkvm_vcpu *vcpu,
					      const struct msr_row *row)
{
	return row->feature && !guest_cpuid_has(vcpu, row->feature) &&
	       !(row->or_feature && guest_cpuid_has(vcpu, row->or_feature));
}

static __always_inline int msr_fast_write_row(struct mkvm_vcpu *vcpu, const struct msr_row *row,
					      u32 msr, u64 data)
{
	if (!row->fast_write || unlikely(msr_lacks_feature(vcpu, row)))
		return MSR_SLOW;
	return row->fast_write(vcpu, msr, data, false);
}

int msr_fast_read(struct mkvm_vcpu *vcpu, u32 msr, u64 *data);
int msr_fast_write_other(struct mkvm_vcpu *vcpu, u32 msr, u64 data);

/* WRMSR: 0, 1 for #GP, or MSR_SLOW. Interrupts may be off. */
static __always_inline int msr_fast_write(struct mkvm_vcpu *vcpu, u32 msr, u64 data)
{
	static const struct msr_row tsc_deadline = MSR_ROW_TSC_DEADLINE;
	static const struct msr_row x2apic_eoi = MSR_ROW_X2APIC_EOI;
	static const struct msr_row x2apic_icr = MSR_ROW_X2APIC_ICR;

	/* In the order of how often. */
	if (msr == MSR_IA32_TSC_DEADLINE)
		return msr_fast_write_row(vcpu, &tsc_deadline, msr, data);
	if (msr == MSR_X2APIC(APIC_EOI))
		return msr_fast_write_row(vcpu, &x2apic_eoi, msr, data);
	if (msr == MSR_X2APIC(APIC_ICR))
		return msr_fast_write_row(vcpu, &x2apic_icr, msr, data);
	return msr_fast_write_other(vcpu, msr, data);
}

#endif
