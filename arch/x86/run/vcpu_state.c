// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of the processor state that is not VMX's: allocation and release.
 *
 * Calls each part in the order that their dependencies ask for. The values after power-up, RESET
 * and INIT are in reset.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include "arch/x86/pv/async_pf.h"
#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/mce.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/pv/pvclock.h"
#include "arch/x86/cpu/tsc.h"
#include "arch/x86/run/vcpu_state.h"

void state_module_init(void)
{
	fpu_module_init();
	cpuid_module_init();
	msr_module_init();
}

void state_vm_init(struct mkvm_vm *vm)
{
	tsc_vm_init(vm);
	vm->arch.guest_can_read_platform_info = true;
	pvclock_vm_init(vm);
}

int state_vcpu_init(struct mkvm_vcpu *vcpu)
{
	int ret;

	ret = fpu_vcpu_init(vcpu);
	if (ret)
		return ret;
	ret = mce_vcpu_init(vcpu);
	if (ret) {
		fpu_vcpu_free(vcpu);
		return ret;
	}
	cpuid_vcpu_init(vcpu);
	tsc_vcpu_init(vcpu);
	async_pf_vcpu_init(vcpu);
	return 0;
}

void state_vcpu_free(struct mkvm_vcpu *vcpu)
{
	cpuid_vcpu_free(vcpu);
	mce_vcpu_free(vcpu);
	fpu_vcpu_free(vcpu);
}
