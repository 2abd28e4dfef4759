/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests: break the next VM entry on purpose (MINIKVM_VCPU_SET_VMCS).
 */
#ifndef MINIKVM_ARCH_X86_VMX_BREAK_FIELD_H
#define MINIKVM_ARCH_X86_VMX_BREAK_FIELD_H

#include "arch/x86/test_hooks.h"
#include "arch/x86/vmx/vmx_vcpu.h"

#ifdef MINIKVM_TESTHOOKS
bool break_field_allowed(struct mkvm_vm *vm, const char *what);
long break_field_ioctl(struct mkvm_vcpu *vcpu, void __user *user);
#else
static inline long break_field_ioctl(struct mkvm_vcpu *vcpu, void __user *user)
{
	return test_hooks_refuse(vcpu->vm, "MINIKVM_VCPU_SET_VMCS");
}
#endif

/* Is a field to be broken, or broken already? */
static inline bool break_field_armed(const struct vmx_vcpu *vmx)
{
	return TEST_HOOKS && vmx->broken_field.armed;
}

/* The entry follows. */
static inline void break_field_enter(struct vmx_vcpu *vmx)
{
	if (!break_field_armed(vmx))
		return;
	vmx->broken_field.saved = vmcs_read_any(vmx->broken_field.encoding);
	vmcs_write_any(vmx->broken_field.encoding, vmx->broken_field.value);
}

/* The entry is over: the old value comes back. */
static inline void break_field_mend(struct vmx_vcpu *vmx)
{
	if (!break_field_armed(vmx))
		return;
	vmx->broken_field.armed = false;
	vmcs_write_any(vmx->broken_field.encoding, vmx->broken_field.saved);
}

#endif
