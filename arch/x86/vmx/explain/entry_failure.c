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
#include "arch/x86/vmx/explain/vmx_error.h"
#include "arch/x86/vmx/vmx_vcpu.h"

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

	entry_check_vmcs(vcpu, &hash);
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
	entry_check_print(vcpu);
	if (__ratelimit(&dump_limit))
		vmcs_dump(vcpu, host);
}

static int fail_entry(struct mkvm_vcpu *vcpu, u64 reason)
{
	vcpu->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	vcpu->run->fail_entry.hardware_entry_failure_reason = reason;
	vcpu->run->fail_entry.cpu = to_vmx(vcpu)->failed_on_cpu;
	return 0;
}

/**
 * entry_failure_note() - remember that VMLAUNCH or VMRESUME failed or faulted
 * @vcpu: loaded vCPU
 * @result: VMX_ENTRY_VMFAIL or VMX_ENTRY_FAULT
 *
 * Context: hot_loop_run()'s loop, interrupts off: entry_failure_exit() does the rest. The
 * VM-instruction error is read here, before another instruction that fails replaces it.
 */
void entry_failure_note(struct mkvm_vcpu *vcpu, enum vmx_enter_result result)
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
 * entry_failure_exit() - the guest was not entered
 * @vcpu: loaded vCPU
 *
 * Context: process, interrupts on.
 * Return: 0 with KVM_EXIT_FAIL_ENTRY, whose reason is the VM-instruction error, or the exit reason
 * with bit 31 when the guest state was refused while it was loaded; -EIO when VMX is off, and the
 * VM is dead then.
 */
int entry_failure_exit(struct mkvm_vcpu *vcpu)
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
			 vmx_error_name(reason));
	}
	tell(vcpu, heading, host);
	break_field_mend(vmx);
	/* Nothing was delivered: the event that the entry carried is still to be injected. */
	vmx->event_injected = false;
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return fail_entry(vcpu, reason);
}
