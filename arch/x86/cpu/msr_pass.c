// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which MSRs the guest accesses without an exit.
 *
 * SDM, "MSR-Bitmap Address", "Virtualizing MSR-Based APIC Accesses". A register passes when its
 * value in the processor is the guest's while the guest runs, every write that the processor takes
 * is allowed, and userspace does not filter it (KVM_X86_SET_MSR_FILTER); msr_table.c says which
 * these are, and when. Relies on vmx_msr_passthrough().
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>

#include "arch/x86/cpu/msr_filter.h"
#include "arch/x86/cpu/msr_pass.h"
#include "arch/x86/cpu/msr_table.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/posted.h"
#include "arch/x86/vmx/apic.h"
#include "arch/x86/vmx/vmx.h"

static void pass(struct mkvm_vcpu *vcpu, u32 msr, enum vmx_msr_access access, bool on)
{
	u32 filter = access == VMX_MSR_READ ? KVM_MSR_FILTER_READ : KVM_MSR_FILTER_WRITE;

	vmx_msr_passthrough(vcpu, msr, access, on && msr_filter_allows(vcpu->vm, msr, filter));
}

static bool passes_now(struct mkvm_vcpu *vcpu, const struct msr_row *row)
{
	switch ((enum msr_pass_when)row->pass_when) {
	case MSR_PASS_ALWAYS:
		break;
	case MSR_PASS_SPEC_CTRL:
		return vmx_spec_ctrl_switched(vcpu);
	case MSR_PASS_X2APIC:
		return vmx_x2apic_mode(vcpu);
	case MSR_PASS_APICV:
		return vmx_x2apic_mode(vcpu) && lapic_virtualized(vcpu);
	}
	return true;
}

/* With APICv the processor reads from the LAPIC's page, which does not hold all that it has. */
static bool in_page(struct mkvm_vcpu *vcpu, const struct msr_row *row, u32 msr)
{
	return row->pass_when != MSR_PASS_APICV || lapic_x2apic_readable(vcpu, msr);
}

/**
 * msr_pass_update() - let those registers pass that may, and no others
 * @vcpu: loaded vCPU
 *
 * MKVM_REQ_MSR_PASS: after RESET and INIT, a change of the filter or of the LAPIC's mode. Also at
 * the first use of IA32_SPEC_CTRL.
 */
void msr_pass_update(struct mkvm_vcpu *vcpu)
{
	const struct msr_row *row;
	u8 passed = vcpu->arch.msr_passed;
	bool on;
	u32 msr;

	for (row = msr_table; row < msr_table + msr_table_rows; row++) {
		if (!(row->flags & MSR_PASS))
			continue;
		on = passes_now(vcpu, row);
		/* Those of a mode that the LAPIC is not in, and was not: they exit already. */
		if (!on && !(passed & BIT(row->pass_when)))
			continue;
		if (on)
			vcpu->arch.msr_passed |= BIT(row->pass_when);
		else
			vcpu->arch.msr_passed &= ~BIT(row->pass_when);
		for (msr = row->first; msr <= row->last; msr++) {
			if (row->flags & MSR_PASS_READ)
				pass(vcpu, msr, VMX_MSR_READ, on && in_page(vcpu, row, msr));
			if (row->flags & MSR_PASS_WRITE)
				pass(vcpu, msr, VMX_MSR_WRITE, on);
		}
	}
}
