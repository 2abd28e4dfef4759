// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCALL: number in RAX, arguments in RBX, RCX, RDX, RSI.
 *
 * KVM's ABI, "Linux KVM Hypercall". The calls that the guest may use are those that CPUID leaf
 * 40000001H announces; everything else gets -KVM_ENOSYS, and user mode gets -KVM_EPERM.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm_para.h>

#include "arch/x86/hypercall.h"
#include "arch/x86/vmx/vmx.h"

int hypercall_execute(struct mkvm_vcpu *vcpu)
{
	unsigned long nr = reg_read(vcpu, GREG_RAX);
	bool cs_db, cs_l;
	long ret;

	vmx_get_cs_db_l(vcpu, &cs_db, &cs_l);
	if (!cs_l)
		nr = (u32)nr;

	if (vmx_get_cpl(vcpu) != 0) {
		ret = -KVM_EPERM;
	} else {
		switch (nr) {
		case KVM_HC_VAPIC_POLL_IRQ:
			/* Its whole effect is the exit: interrupts are looked at on the way. */
			ret = 0;
			break;
		default:
			ret = -KVM_ENOSYS;
		}
	}
	reg_write(vcpu, GREG_RAX, cs_l ? ret : (u32)ret);
	return 1;
}
