// SPDX-License-Identifier: GPL-2.0-only
/*
 * MINIKVM_VCPU_SET_VMCS: break the next VM entry on purpose.
 *
 * The way in which entry failures are tested (uapi/linux/minikvm.h). Off unless the module was
 * loaded with inject=1, and then for CAP_SYS_ADMIN only. Fields that hold host state or
 * addresses of host memory are refused: a test may break a VM, not the host. Also the counters
 * of VMCS accesses.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/capability.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "arch/x86/vmx/vmx_vcpu.h"
#include "uapi/linux/minikvm.h"

static bool option_inject;
module_param_named(inject, option_inject, bool, 0444);
MODULE_PARM_DESC(inject, "allow CAP_SYS_ADMIN to break VM entries for tests (default off)");
static bool option_count;
module_param_named(count_vmcs, option_count, bool, 0444);
MODULE_PARM_DESC(count_vmcs, "count VMREAD and VMWRITE, shown in debugfs (default off)");

/* Controls whose bad value makes VM entry fail; a good one could only change this guest. */
static bool may_inject(u32 encoding)
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

/* May this process break things for a test? @what is refused otherwise. */
bool vmx_may_inject(struct mkvm_vm *vm, const char *what)
{
	if (option_inject && capable(CAP_SYS_ADMIN))
		return true;
	vm_refuse(vm, "%s: needs CAP_SYS_ADMIN and the module parameter inject=1", what);
	return false;
}

/**
 * vmx_set_vmcs_ioctl() - MINIKVM_VCPU_SET_VMCS
 * @vcpu: loaded vCPU
 * @user: struct minikvm_vmcs_field
 *
 * Return: 0, -EPERM, -EFAULT, -EINVAL.
 */
long vmx_set_vmcs_ioctl(struct mkvm_vcpu *vcpu, void __user *user)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct minikvm_vmcs_field field;

	if (!vmx_may_inject(vcpu->vm, "MINIKVM_VCPU_SET_VMCS"))
		return -EPERM;
	if (copy_from_user(&field, user, sizeof(field)))
		return -EFAULT;
	if (field.flags || !may_inject(field.encoding) ||
	    !value_is_bad(field.encoding, field.value)) {
		vm_refuse(vcpu->vm, "MINIKVM_VCPU_SET_VMCS: field %#x (%s) or value %#llx is not for tests",
			  field.encoding, vmcs_field_name(field.encoding), field.value);
		return -EINVAL;
	}
	vmx->inject.encoding = field.encoding;
	vmx->inject.value = field.value;
	vmx->inject.armed = true;
	return 0;
}

static int vmcs_accesses_show(struct seq_file *m, void *unused)
{
	u64 reads = 0, writes = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		reads += per_cpu(vmcs_access_count, cpu).reads;
		writes += per_cpu(vmcs_access_count, cpu).writes;
	}
	seq_printf(m, "vmread %llu\nvmwrite %llu\n", reads, writes);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vmcs_accesses);

/**
 * vmx_debugfs_init() - files of this directory's under debugfs
 * @root: /sys/kernel/debug/minikvm
 */
void vmx_debugfs_init(struct dentry *root)
{
	if (!option_count)
		return;
	static_branch_enable(&vmcs_count_key);
	debugfs_create_file("vmcs_accesses", 0400, root, NULL, &vmcs_accesses_fops);
}
