// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest was not entered: say why, and go on.
 *
 * SDM, "VM-Instruction Error Numbers", "VM-Entry Failures During or After Loading Guest State".
 * A failure is the VM's business and never the host's: it becomes KVM_EXIT_FAIL_ENTRY, and the
 * log gets each rule that the VMCS breaks, once.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/jhash.h>
#include <linux/kvm.h>
#include <linux/ratelimit.h>
#include <linux/string.h>
#include <asm/vmx.h>

#include "arch/x86/vmx/break_field.h"
#include "arch/x86/vmx/explain/entry_check.h"
#include "arch/x86/vmx/explain/entry_failure.h"
#include "arch/x86/vmx/explain/exit_reason.h"
#include "arch/x86/vmx/explain/vmcs_field.h"
#include "arch/x86/vmx/vmx_vcpu.h"

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

/* The SDM's words for a VM-instruction error number. */
static const char *error_name(u32 error)
{
	if (error >= ARRAY_SIZE(error_names) || !error_names[error])
		return "unknown VM-instruction error";
	return error_names[error];
}

/* The row of this cause in the VM's table. */
static struct mkvm_entry_cause *find_cause(struct mkvm_vm *vm, u32 hash)
{
	struct mkvm_entry_cause *c = vm->arch.entry_causes;
	u32 old;
	int i;

	for (i = 0; i < MKVM_ENTRY_CAUSES - 1; i++) {
		old = cmpxchg(&c[i].hash, 0, hash);
		if (!old || old == hash)
			break;
	}
	return &c[i];
}

static bool is_power_of_10(u64 n)
{
	while (n >= 10 && !(n % 10))
		n /= 10;
	return n == 1;
}

/*
 * A VM may fail as often as its owner likes. Each cause is explained once, in full; then it is
 * counted, and a line tells when there were 10, 100 and so on. One limit for all VMs decides over
 * an explanation as a whole, so that no heading stands without its rules; dumps, which are long,
 * have a second one.
 */
static void tell(struct mkvm_vcpu *vcpu, const char *heading, bool host)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 20);
	static DEFINE_RATELIMIT_STATE(dump_limit, 5 * HZ, 4);
	struct mkvm_entry_cause *cause;
	u32 hash;
	u64 n;

	vmx_check_vmcs(vcpu, &hash);
	cause = find_cause(vcpu->vm, jhash(heading, strlen(heading), hash) ?: 1);
	n = atomic64_inc_return(&cause->count);
	if (READ_ONCE(cause->explained)) {
		if (is_power_of_10(n) && __ratelimit(&limit))
			pr_err("vm %s vcpu %u: %llu VM entries failed like one that was explained: %s\n",
			       vcpu->vm->name, vcpu->id, n, heading);
		return;
	}
	if (!__ratelimit(&limit))
		return;
	WRITE_ONCE(cause->explained, true);
	pr_err("vm %s vcpu %u: VM entry failed: %s\n", vcpu->vm->name, vcpu->id, heading);
	vmx_print_broken_rules(vcpu);
	if (__ratelimit(&dump_limit))
		vmx_dump_vmcs(vcpu, host);
}

static int fail_entry(struct mkvm_vcpu *vcpu, u64 reason)
{
	vcpu->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	vcpu->run->fail_entry.hardware_entry_failure_reason = reason;
	vcpu->run->fail_entry.cpu = to_vmx(vcpu)->failed_on_cpu;
	return 0;
}

/**
 * vmx_entry_vmfail() - remember that VMLAUNCH or VMRESUME failed or faulted
 * @vcpu: loaded vCPU
 * @result: VMX_ENTRY_VMFAIL or VMX_ENTRY_FAULT
 *
 * Context: hot_loop_run()'s loop, interrupts off: vmx_exit_entry_failure() does the rest. The
 * VM-instruction error is read here, before another instruction that fails replaces it.
 */
void vmx_entry_vmfail(struct mkvm_vcpu *vcpu, enum vmx_enter_result result)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	/* No exit: the last one's reason is over. */
	vmx->exit_reason = VMX_EXIT_REASONS_FAILED_VMENTRY;
	vmx->entry_result = result;
	vmx->failed_on_cpu = vcpu->cpu;
	if (result == VMX_ENTRY_VMFAIL)
		vmx->instruction_error = vmcs_read32(VM_INSTRUCTION_ERROR);
}

/**
 * vmx_exit_entry_failure() - the guest was not entered
 * @vcpu: loaded vCPU
 *
 * Context: process, interrupts on.
 * Return: 0 with KVM_EXIT_FAIL_ENTRY, whose reason is the VM-instruction error, or the exit reason
 * with bit 31 when the guest state was refused while it was loaded; -EIO when VMX is off, and the
 * VM is dead then.
 */
int vmx_exit_entry_failure(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 reason = vmx->exit_reason;
	bool host = false;
	char heading[128];

	if (reason == VMX_EXIT_REASONS_FAILED_VMENTRY && vmx->entry_result == VMX_ENTRY_FAULT) {
		mkvm_vm_kill(vcpu->vm, "VM entry faulted: VMX is off");
		return -EIO;
	}
	if (reason != VMX_EXIT_REASONS_FAILED_VMENTRY) {
		snprintf(heading, sizeof(heading), "exit reason 0x%x: %s, qualification 0x%llx",
			 reason, exit_reason_name(reason), vmcs_read64(EXIT_QUALIFICATION));
	} else {
		reason = vmx->instruction_error;
		host = reason == VMXERR_ENTRY_INVALID_HOST_STATE_FIELD;
		snprintf(heading, sizeof(heading), "VM-instruction error %u: %s", reason,
			 error_name(reason));
	}
	tell(vcpu, heading, host);
	break_field_mend(vmx);
	/* Nothing was delivered: the event that the entry carried is still to be injected. */
	vmx->event_injected = false;
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return fail_entry(vcpu, reason);
}
