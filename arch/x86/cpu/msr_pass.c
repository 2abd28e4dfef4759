// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which MSRs the guest accesses without an exit.
 *
 * SDM, "MSR-Bitmap Address". A register passes when its value in the processor is the guest's
 * while the guest runs, every write that the processor takes is allowed, and userspace does not
 * filter it (KVM_X86_SET_MSR_FILTER); msr_table.c says which these are. x2APIC's registers are
 * never filtered and follow the LAPIC's mode: exit/apic_page.c. Relies on vmx_msr_passthrough().
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>

#include "arch/x86/cpu/msr_filter.h"
#include "arch/x86/cpu/msr_pass.h"
#include "arch/x86/cpu/msr_table.h"
#include "arch/x86/vmx/vmx.h"

static void pass(struct mkvm_vcpu *vcpu, u32 msr, enum vmx_msr_access access, bool on)
{
	u32 filter = access == VMX_MSR_READ ? KVM_MSR_FILTER_READ : KVM_MSR_FILTER_WRITE;

	vmx_msr_passthrough(vcpu, msr, access, on && msr_filter_allows(vcpu->vm, msr, filter));
}

/**
 * msr_pass_update() - let those registers pass that may, and no others
 * @vcpu: loaded vCPU
 *
 * After RESET and INIT, a change of the filter (MKVM_REQ_MSR_FILTER), and the first use of
 * IA32_SPEC_CTRL.
 */
void msr_pass_update(struct mkvm_vcpu *vcpu)
{
	bool used = vmx_spec_ctrl_switched(vcpu), on;
	const struct msr_row *row;
	u32 msr;

	for (row = msr_table; row < msr_table + msr_table_rows; row++) {
		if (!(row->flags & MSR_PASS))
			continue;
		on = used || !(row->flags & MSR_PASS_WHEN_USED);
		for (msr = row->first; msr <= row->last; msr++) {
			if (row->flags & MSR_PASS_READ)
				pass(vcpu, msr, VMX_MSR_READ, on);
			if (row->flags & MSR_PASS_WRITE)
				pass(vcpu, msr, VMX_MSR_WRITE, on);
		}
	}
}
