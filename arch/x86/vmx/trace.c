// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_entry and kvm_exit: what the VMCS tells of an entry and of an exit.
 *
 * SDM, "VM-Exit Information Fields", "VM-Entry Controls for Event Injection". Called only while
 * KVM_RUN is watched (trace/keys.h): a VMREAD costs more than a field that is not wanted is worth.
 */
#include <asm/msr.h>
#include <asm/vmx.h>

#include "arch/x86/regs.h"
#include "arch/x86/vmx/trace.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "trace/kvm_x86_events.h"

/* Since the other of the two events, or 0. */
static u64 ticks_since(u64 *last)
{
	u64 now = rdtsc(), ticks = *last ? now - *last : 0;

	*last = now;
	return ticks;
}

/**
 * vmx_trace_entry() - the guest is about to be entered
 * @vcpu: loaded vCPU
 *
 * Context: interrupts off, all VM-entry fields are written.
 */
void vmx_trace_entry(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct mkvm_trace_entry info = {
		.vcpu_id = vcpu->id,
		.rip = rip_read(vcpu),
		.ticks = ticks_since(&vmx->traced_tsc),
	};

	if (vmx->event_injected) {
		info.intr_info = vmcs_read32(VM_ENTRY_INTR_INFO_FIELD);
		if (info.intr_info & INTR_INFO_DELIVER_CODE_MASK)
			info.error_code = vmcs_read32(VM_ENTRY_EXCEPTION_ERROR_CODE);
	}
	trace_kvm_entry(vcpu, false, &info);
}

/**
 * vmx_trace_exit() - the guest has exited, or the entry failed with an exit reason
 * @vcpu: loaded vCPU; vmx->exit_reason holds the reason
 *
 * Context: interrupts off.
 */
void vmx_trace_exit(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct mkvm_trace_exit info = {
		.ticks = ticks_since(&vmx->traced_tsc),
		.vcpu_id = vcpu->id,
		.rip = rip_read(vcpu),
		.info1 = vmcs_read64(EXIT_QUALIFICATION),
		.requests = READ_ONCE(vcpu->requests),
	};

	/* A failed entry leaves the other fields as they were. */
	if (!(vmx->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY)) {
		info.info2 = vmcs_read32(IDT_VECTORING_INFO_FIELD);
		info.intr_info = vmcs_read32(VM_EXIT_INTR_INFO);
		if ((info.intr_info & INTR_INFO_VALID_MASK) &&
		    (info.intr_info & INTR_INFO_DELIVER_CODE_MASK))
			info.error_code = vmcs_read32(VM_EXIT_INTR_ERROR_CODE);
	}
	trace_kvm_exit(vmx->exit_reason, vcpu, KVM_ISA_VMX, &info);
}
