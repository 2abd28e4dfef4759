// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_EXIT_INTERNAL_ERROR: what the module cannot do for the guest.
 *
 * KVM's ABI: kvm_run.internal and kvm_run.emulation_failure. The reason is in the log before one
 * of these is called. Relies on event/inject.h for the #UD that a program gets instead.
 */
#include <linux/kvm.h>

#include "arch/x86/event/inject.h"
#include "arch/x86/insn/internal_error.h"
#include "arch/x86/vmx/vmx.h"

/**
 * internal_error() - an exit that ends in KVM_EXIT_INTERNAL_ERROR
 * @vcpu: the vCPU
 * @suberror: KVM_INTERNAL_ERROR_*
 * @ndata: words of @data, at most 16
 * @data: what userspace prints
 *
 * Return: 0, for the exit handler to return.
 */
int internal_error(struct mkvm_vcpu *vcpu, u32 suberror, int ndata, const u64 *data)
{
	int i;

	vcpu->run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	vcpu->run->internal.suberror = suberror;
	vcpu->run->internal.ndata = ndata;
	for (i = 0; i < ndata; i++)
		vcpu->run->internal.data[i] = data[i];
	return 0;
}

/**
 * internal_error_emulation() - the module cannot execute the guest's instruction for it
 * @vcpu: loaded vCPU
 * @insn: the instruction's bytes, or NULL when they were not fetched
 * @len: how many, at most 15
 *
 * In ring 0 that ends in KVM_INTERNAL_ERROR_EMULATION. A program of the guest's must not end the VM
 * that it runs in and gets #UD, unless userspace asked to see all of them by
 * KVM_CAP_EXIT_ON_EMULATION_FAILURE.
 *
 * Return: 1 or 0, for the exit handler to return.
 */
int internal_error_emulation(struct mkvm_vcpu *vcpu, const u8 *insn, unsigned int len)
{
	struct kvm_run *run = vcpu->run;

	if (vmx_get_code(vcpu).cpl && !READ_ONCE(vcpu->vm->arch.exit_on_emulation_failure)) {
		inject_ud(vcpu);
		return 1;
	}
	memset(&run->emulation_failure, 0, sizeof(run->emulation_failure));
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	if (!insn)
		return 0;
	len = min_t(unsigned int, len, sizeof(run->emulation_failure.insn_bytes));
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = len;
	memset(run->emulation_failure.insn_bytes, 0x90, sizeof(run->emulation_failure.insn_bytes));
	memcpy(run->emulation_failure.insn_bytes, insn, len);
	return 0;
}
