// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest was not entered: say why, and go on.
 *
 * SDM, "VM-Instruction Error Numbers", "VM-Entry Failures During or After Loading Guest State".
 * A failure is the VM's business and never the host's: it becomes KVM_EXIT_FAIL_ENTRY, and the
 * log gets each rule that the VMCS breaks. Also the accessors' own failures.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/ratelimit.h>
#include <asm/vmx.h>

#include "arch/x86/vmx/vmx_vcpu.h"

DEFINE_PER_CPU(struct vmcs_access_count, vmcs_access_count);
DEFINE_STATIC_KEY_FALSE(vmcs_count_key);

static const char * const error_names[] = {
	[1] = "VMCALL executed in VMX root operation",
	[2] = "VMCLEAR with invalid physical address",
	[3] = "VMCLEAR with VMXON pointer",
	[4] = "VMLAUNCH with non-clear VMCS",
	[5] = "VMRESUME with non-launched VMCS",
	[6] = "VMRESUME after VMXOFF",
	[7] = "VM entry with invalid control field(s)",
	[8] = "VM entry with invalid host-state field(s)",
	[9] = "VMPTRLD with invalid physical address",
	[10] = "VMPTRLD with VMXON pointer",
	[11] = "VMPTRLD with incorrect VMCS revision identifier",
	[12] = "VMREAD/VMWRITE from/to unsupported VMCS component",
	[13] = "VMWRITE to read-only VMCS component",
	[15] = "VMXON executed in VMX root operation",
	[16] = "VM entry with invalid executive-VMCS pointer",
	[17] = "VM entry with non-launched executive VMCS",
	[18] = "VM entry with executive-VMCS pointer not VMXON pointer",
	[19] = "VMCALL with non-clear VMCS",
	[20] = "VMCALL with invalid VM-exit control fields",
	[22] = "VMCALL with incorrect MSEG revision identifier",
	[23] = "VMXOFF under dual-monitor treatment of SMIs and SMM",
	[24] = "VMCALL with invalid SMM-monitor features",
	[25] = "VM entry with invalid VM-execution control fields in executive VMCS",
	[26] = "VM entry with events blocked by MOV SS",
	[28] = "invalid operand to INVEPT/INVVPID",
};

/**
 * vmx_instruction_error_name() - the SDM's words for a VM-instruction error number
 * @error: the number
 *
 * Return: static string.
 */
const char *vmx_instruction_error_name(u32 error)
{
	if (error >= ARRAY_SIZE(error_names) || !error_names[error])
		return "unknown VM-instruction error";
	return error_names[error];
}

void vmcs_read_failed(unsigned long field, bool fault)
{
	pr_err_ratelimited("VMREAD of field %#lx (%s) %s\n", field, vmcs_field_name(field),
			   fault ? "faulted: VMX is off on this CPU" : "failed");
}

void vmcs_write_failed(unsigned long field, unsigned long value, bool fault)
{
	pr_err_ratelimited("VMWRITE of field %#lx (%s), value %#lx, %s\n", field,
			   vmcs_field_name(field), value,
			   fault ? "faulted: VMX is off on this CPU" : "failed");
}

/* The selftests' bad field must not stay: put the old value back. */
void vmx_undo_injection(struct vmx_vcpu *vmx)
{
	if (!vmx->inject.armed)
		return;
	vmx->inject.armed = false;
	vmcs_write_any(vmx->inject.encoding, vmx->inject.saved);
}

static void explain(struct mkvm_vcpu *vcpu, bool host)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 20);
	int broken;

	if (!__ratelimit(&limit))
		return;
	broken = vmx_check_vmcs(vcpu);
	if (!broken)
		pr_err("vm %d vcpu %u: the VMCS breaks no rule that is checked in software\n",
		       vcpu->vm->owner_pid, vcpu->id);
	vmx_dump_vmcs(vcpu, host);
}

static int fail_entry(struct mkvm_vcpu *vcpu, u64 reason)
{
	vcpu->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	vcpu->run->fail_entry.hardware_entry_failure_reason = reason;
	vcpu->run->fail_entry.cpu = vcpu->cpu;
	return 0;
}

/**
 * vmx_entry_vmfail() - VMLAUNCH or VMRESUME failed or faulted
 * @vcpu: loaded vCPU; interrupts are off
 * @result: VMX_ENTRY_VMFAIL or VMX_ENTRY_FAULT
 *
 * Return: 0 with KVM_EXIT_FAIL_ENTRY, whose reason is the VM-instruction error; -EIO when VMX
 * is off, and the VM is dead then.
 */
int vmx_entry_vmfail(struct mkvm_vcpu *vcpu, int result)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 error;

	if (result == VMX_ENTRY_FAULT) {
		pr_err_ratelimited("vm %d vcpu %u: VM entry faulted: VMX is off on CPU %d\n",
				   vcpu->vm->owner_pid, vcpu->id, vcpu->cpu);
		mkvm_vm_kill(vcpu->vm, "VM entry faulted: VMX is off");
		return -EIO;
	}
	error = vmcs_read32(VM_INSTRUCTION_ERROR);
	pr_err_ratelimited("vm %d vcpu %u: VM entry failed: VM-instruction error %u: %s\n",
			   vcpu->vm->owner_pid, vcpu->id, error,
			   vmx_instruction_error_name(error));
	explain(vcpu, error == VMXERR_ENTRY_INVALID_HOST_STATE_FIELD);
	vmx_undo_injection(vmx);
	/* Nothing was delivered: the event that the entry carried is still to be injected. */
	vmx->event_injected = false;
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return fail_entry(vcpu, error);
}

/**
 * vmx_exit_entry_failure() - the guest state was refused while it was loaded
 * @vcpu: loaded vCPU
 *
 * Return: 0 with KVM_EXIT_FAIL_ENTRY; the reason is the exit reason, bit 31 included.
 */
int vmx_exit_entry_failure(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 reason = vmx->exit_reason;

	pr_err_ratelimited("vm %d vcpu %u: VM entry failed: exit reason %#x: %s, qualification %#llx\n",
			   vcpu->vm->owner_pid, vcpu->id, reason, vmx_exit_reason_name(reason),
			   vmcs_read64(EXIT_QUALIFICATION));
	explain(vcpu, false);
	vmx_undo_injection(vmx);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return fail_entry(vcpu, reason);
}
