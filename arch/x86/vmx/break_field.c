// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests: break the next VM entry on purpose (MINIKVM_VCPU_SET_VMCS).
 *
 * This is how entry failures are tested (uapi/linux/minikvm.h). It is allowed to CAP_SYS_ADMIN
 * alone, and only when the module was loaded with inject=1. Fields that hold host state or
 * addresses of host memory are refused: a test may break a VM, not the host.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/capability.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "arch/x86/vmx/break_field.h"
#include "arch/x86/vmx/explain/vmcs_field.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "uapi/linux/minikvm.h"
#include "virt/request.h"

static bool option_inject;
module_param_named(inject, option_inject, bool, 0444);
MODULE_PARM_DESC(inject, "allow CAP_SYS_ADMIN to break VM entries for tests (default off)");

/* Controls whose bad value makes VM entry fail; a good one could only change this guest. */
static bool may_break(u32 encoding)
{
	switch (encoding) {
	case EPT_POINTER:
	case PIN_BASED_VM_EXEC_CONTROL:
	case CPU_BASED_VM_EXEC_CONTROL:
	case SECONDARY_VM_EXEC_CONTROL:
	case VM_EXIT_CONTROLS:
	case VM_ENTRY_CONTROLS:
	case VM_ENTRY_INTR_INFO_FIELD:
	case VM_ENTRY_EXCEPTION_ERROR_CODE:
	case VM_ENTRY_INSTRUCTION_LEN:
	case CR3_TARGET_COUNT:
	case TPR_THRESHOLD:
	case VIRTUAL_PROCESSOR_ID:
		return true;
	}
	/* Guest state, SDM "Guest-State Area": type 2 of the encoding's bits 11:10. */
	return ((encoding >> 10) & 3) == 2 && !(encoding & 1) && encoding < 0x8000 &&
	       encoding != VMCS_LINK_POINTER;
}

/*
 * A bad control must not become a good one that lets the guest run wild. Only values that the
 * capability MSRs forbid, or reserved ones, are let through for these.
 */
static bool value_is_bad(u32 encoding, u64 value)
{
	switch (encoding) {
	case EPT_POINTER:
		/* UC is a legal type where the processor has it: that EPTP would be used. */
		return ((value & 7) != VMX_EPTP_MT_WB && (value & 7) != VMX_EPTP_MT_UC) ||
		       (value & 0xf00) || ((value >> 3) & 7) < 3 || ((value >> 3) & 7) > 4;
	case PIN_BASED_VM_EXEC_CONTROL:
		return !(value & PIN_BASED_EXT_INTR_MASK) ? value == 0 : value == U32_MAX;
	case CPU_BASED_VM_EXEC_CONTROL:
	case VM_EXIT_CONTROLS:
	case VM_ENTRY_CONTROLS:
		return !value || value == U32_MAX;
	case SECONDARY_VM_EXEC_CONTROL:
		/* Without EPT and without "unrestricted guest" it would run on host memory. */
		return value == U32_MAX || ((value & SECONDARY_EXEC_UNRESTRICTED_GUEST) &&
					    !(value & SECONDARY_EXEC_ENABLE_EPT));
	case VIRTUAL_PROCESSOR_ID:
		return !value;
	default:
		return true;
	}
}

/**
 * break_field_allowed() - may this process break things for a test?
 * @vm: the VM whose ioctl asks
 * @what: the ioctl's name; a refusal names it
 *
 * Return: it has CAP_SYS_ADMIN, and the module was loaded with inject=1.
 */
bool break_field_allowed(struct mkvm_vm *vm, const char *what)
{
	if (option_inject && capable(CAP_SYS_ADMIN))
		return true;
	mkvm_refuse(vm, "%s: needs CAP_SYS_ADMIN and the module parameter inject=1", what);
	return false;
}

/**
 * break_field_ioctl() - MINIKVM_VCPU_SET_VMCS: give a field a bad value for one entry
 * @vcpu: loaded vCPU
 * @user: struct minikvm_vmcs_field
 *
 * Return: 0, -EPERM, -EFAULT, -EINVAL.
 */
long break_field_ioctl(struct mkvm_vcpu *vcpu, void __user *user)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct minikvm_vmcs_field field;

	if (!break_field_allowed(vcpu->vm, "MINIKVM_VCPU_SET_VMCS"))
		return -EPERM;
	if (copy_from_user(&field, user, sizeof(field)))
		return -EFAULT;
	/* As a bug would. */
	if (field.flags == MINIKVM_VMCS_KILL_VM && !field.encoding && !field.value) {
		mkvm_vm_kill(vcpu->vm, "a test asked for it");
		return 0;
	}
	if (field.flags || !may_break(field.encoding) ||
	    !value_is_bad(field.encoding, field.value)) {
		mkvm_refuse(vcpu->vm, "MINIKVM_VCPU_SET_VMCS: field 0x%x (%s) or value 0x%llx is not for tests",
			    field.encoding, vmcs_field_name(field.encoding), field.value);
		return -EINVAL;
	}
	vmx->broken_field.encoding = field.encoding;
	vmx->broken_field.value = field.value;
	vmx->broken_field.armed = true;
	return 0;
}
