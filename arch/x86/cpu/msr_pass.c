// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which MSRs the guest accesses without an exit.
 *
 * SDM, "MSR-Bitmap Address". A register passes when its value in the processor is the guest's
 * while the guest runs, every write that the processor takes is allowed, and userspace does not
 * filter it (KVM_X86_SET_MSR_FILTER). x2APIC's registers, which are never filtered, follow the
 * LAPIC's mode: vmx/apic.c. Relies on vmx_msr_passthrough().
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <asm/msr-index.h>

#include "arch/x86/cpu/msr_filter.h"
#include "arch/x86/cpu/msr_pass.h"
#include "arch/x86/vmx/vmx.h"

static void pass(struct mkvm_vcpu *vcpu, u32 msr, enum vmx_msr_access access, bool on)
{
	if (access & VMX_MSR_READ)
		vmx_msr_passthrough(vcpu, msr, VMX_MSR_READ,
				    on && msr_filter_allows(vcpu->vm, msr, KVM_MSR_FILTER_READ));
	if (access & VMX_MSR_WRITE)
		vmx_msr_passthrough(vcpu, msr, VMX_MSR_WRITE,
				    on && msr_filter_allows(vcpu->vm, msr, KVM_MSR_FILTER_WRITE));
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
	static const u32 always[] = {
		MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_IA32_SYSENTER_CS,
		MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(always); i++)
		pass(vcpu, always[i], VMX_MSR_RW, true);
	pass(vcpu, MSR_IA32_TSC, VMX_MSR_READ, true);
	pass(vcpu, MSR_IA32_SPEC_CTRL, VMX_MSR_RW, vmx_spec_ctrl_switched(vcpu));
}
