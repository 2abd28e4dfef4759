// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs with a rule of their own: what their rows of the table (msr_table.c) call.
 *
 * SDM volume 4, "Model-Specific Registers"; KVM's ABI for the paravirtual ones. Each function gets
 * the MSR's number, the value, and whether userspace asks (@host), and returns as msr_get() and
 * msr_set() do. The caller has checked what the row says: the guest's rights, the feature, reserved
 * bits. A function that is a row's fast_write may run with interrupts off.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <asm/mce.h>
#include <asm/msr.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/cr.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/cpu/msr_pass.h"
#include "arch/x86/cpu/msr_special.h"
#include "arch/x86/cpu/msr_table.h"
#include "arch/x86/cpu/tsc.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/pv/async_pf.h"
#include "arch/x86/pv/pvclock.h"
#include "arch/x86/pv/steal_time.h"
#include "arch/x86/vmx/vmx.h"

/* No such register, and registers that are write-only, read-only, or do nothing. */

int msr_read_unknown(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	*data = 0;
	return MSR_UNKNOWN;
}

int msr_write_unknown(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return MSR_UNKNOWN;
}

int msr_read_refused(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	return 1;
}

int msr_write_refused(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return 1;
}

int msr_write_ignored(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return 0;
}

/* Time. */

int msr_read_tsc(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	*data = tsc_guest_now(vcpu);
	return 0;
}

int msr_write_tsc(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	tsc_write(vcpu, data, host);
	return 0;
}

int msr_write_tsc_adjust(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	tsc_write_adjust(vcpu, data, host);
	return 0;
}

int msr_read_platform_info(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	if (!host && !vcpu->vm->arch.guest_can_read_platform_info)
		return 1;
	*data = vcpu->arch.platform_info;
	return 0;
}

/* The local APIC; without one TSC_DEADLINE is 0 and takes everything. */

int msr_read_tsc_deadline(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	*data = vcpu->arch.apic ? lapic_get_tsc_deadline(vcpu) : 0;
	return 0;
}

int msr_write_apic_base(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	if (lapic_set_base(vcpu, data, host))
		return 1;
	/* CPUID shows whether the LAPIC is enabled. */
	cpuid_update_runtime(vcpu);
	return 0;
}

int msr_read_x2apic(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	return lapic_x2apic_msr_read(vcpu, msr, data);
}

int msr_write_x2apic(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return lapic_x2apic_msr_write(vcpu, msr, data);
}

/* Features of the processor. */

int msr_write_efer(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return efer_set(vcpu, data, host);
}

int msr_write_misc_enable(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	u64 changed = data ^ vcpu->arch.misc_enable;

	if (!host && (changed & MISC_ENABLE_NO_PMU))
		return 1;
	/* "Performance monitoring available" is read-only, a write of it ignored. */
	if (!host)
		data ^= changed & MSR_IA32_MISC_ENABLE_EMON;
	vcpu->arch.misc_enable = data;
	/* CPUID's MONITOR bit follows the one that switches MWAIT on. */
	if (changed & MSR_IA32_MISC_ENABLE_MWAIT)
		cpuid_update_runtime(vcpu);
	return 0;
}

/* Bits of IA32_FEATURE_CONTROL that some processor has: userspace may restore them. */
#define FEAT_CTL_KNOWN \
	(FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_INSIDE_SMX | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX | \
	 FEAT_CTL_SGX_LC_ENABLED | FEAT_CTL_SGX_ENABLED | FEAT_CTL_LMCE_ENABLED)

/* IA32_FEATURE_CONTROL: firmware sets what the processor has, and locks it until RESET. */
int msr_write_feat_ctl(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	u64 valid = FEAT_CTL_LOCKED;

	if (vcpu->arch.mcg_cap & MCG_LMCE_P)
		valid |= FEAT_CTL_LMCE_ENABLED;
	if (host)
		valid = FEAT_CTL_KNOWN;
	else if (vcpu->arch.feat_ctl & FEAT_CTL_LOCKED)
		return 1;
	if (data & ~valid)
		return 1;
	vcpu->arch.feat_ctl = data;
	return 0;
}

int msr_write_xss(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	vcpu->arch.ia32_xss = data;
	fpu_update_switch(vcpu);
	cpuid_update_runtime(vcpu);
	return 0;
}

/* Speculation. */

/* What the host lacks is not there, whatever userspace put into CPUID. */
static bool has(struct mkvm_vcpu *vcpu, bool host, unsigned int feature)
{
	return supported_cpuid_has(feature) && (host || guest_cpuid_has(vcpu, feature));
}

/*
 * Bits of IA32_SPEC_CTRL that exist: for the guest what CPUID says, for userspace the host's. The
 * processor gets them with WRMSR on the way into the guest, and must know them.
 */
static u64 spec_ctrl_bits(struct mkvm_vcpu *vcpu, bool host)
{
	/* CPUID.7.2:EDX bit to the bits it stands for. */
	static const struct { u8 cpuid_bit; u16 mask; } more[] = {
		{ 0, BIT(7) },			/* PSFD */
		{ 1, BIT(3) | BIT(4) },		/* IPRED_DIS_U, _S */
		{ 2, BIT(5) | BIT(6) },		/* RRSBA_DIS_U, _S */
		{ 4, BIT(10) },			/* BHI_DIS_S */
	};
	unsigned int i;
	u64 bits = 0;

	if (has(vcpu, host, X86_FEATURE_SPEC_CTRL))
		bits |= SPEC_CTRL_IBRS;
	if (has(vcpu, host, X86_FEATURE_INTEL_STIBP))
		bits |= SPEC_CTRL_STIBP;
	if (has(vcpu, host, X86_FEATURE_SPEC_CTRL_SSBD))
		bits |= SPEC_CTRL_SSBD;
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		if (vcpu->arch.guest_cap_7_2_edx & BIT(more[i].cpuid_bit))
			bits |= more[i].mask;
	}
	return bits;
}

int msr_write_spec_ctrl(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	int ret;

	if (data & ~spec_ctrl_bits(vcpu, host))
		return 1;
	ret = vmx_set_msr(vcpu, msr, data);
	/* A guest that uses it once will use it often: no more exits from here on. */
	if (data)
		msr_pass_update(vcpu);
	return ret;
}

/* IA32_PRED_CMD and IA32_FLUSH_CMD: bit 0 makes the processor do something once. */
int msr_write_command(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	if (data && !supported_cpuid_has(msr_find(msr)->feature))
		return host ? 0 : 1;
	if (data)
		wrmsrl(msr, data);
	return 0;
}

/* Addresses. */

/* A non-canonical one would make the VM entry fail. */
int msr_write_canonical(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	if (!__is_canonical_address(data, guest_vaddr_bits(vcpu)))
		return 1;
	return vmx_set_msr(vcpu, msr, data);
}

/* As in KVM, so that what AMD's processors hold in them can be restored here. */
int msr_write_sysenter(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return vmx_set_msr(vcpu, msr, __canonical_address(data, guest_vaddr_bits(vcpu)));
}

/* What KVM adds. */

int msr_write_wall_clock(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	pvclock_write_wall_clock(vcpu, data);
	return 0;
}

int msr_write_system_time(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	pvclock_write_system_time(vcpu, data);
	return 0;
}

int msr_write_steal_time(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return steal_time_write(vcpu, data);
}

int msr_read_poll_control(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	*data = !vcpu->no_halt_poll;
	return 0;
}

/* A guest that looks for work itself before HLT spares the host doing it again. */
int msr_write_poll_control(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	vcpu->no_halt_poll = !data;
	return 0;
}

int msr_write_async_pf_enable(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return async_pf_write_enable(vcpu, data);
}

int msr_write_async_pf_vector(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return async_pf_write_vector(vcpu, data);
}

int msr_write_async_pf_ack(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	async_pf_ack(vcpu, data);
	return 0;
}
