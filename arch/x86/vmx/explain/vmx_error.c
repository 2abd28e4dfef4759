// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-instruction error numbers in words.
 *
 * SDM, "VM-Instruction Error Numbers". Pure: the minikvm tool has the same table.
 */
#include "arch/x86/vmx/explain/vmx_error.h"

const struct vmx_error vmx_errors[NR_VMX_ERRORS] = {
	[1] = { "VMCALL executed in VMX root operation",
		"The hypervisor itself executed VMCALL where no SMM monitor listens." },
	[2] = { "VMCLEAR with invalid physical address",
		"The operand is not 4-KiB aligned, or beyond the physical-address width." },
	[3] = { "VMCLEAR with VMXON pointer",
		"The operand is the VMXON region, which is no VMCS." },
	[4] = { "VMLAUNCH with non-clear VMCS",
		"The VMCS was launched before: VMRESUME enters it, or VMCLEAR must come first." },
	[5] = { "VMRESUME with non-launched VMCS",
		"The VMCS was never launched since its VMCLEAR: VMLAUNCH comes first." },
	[6] = { "VMRESUME after VMXOFF",
		"VMXOFF and VMXON came between VMLAUNCH and VMRESUME." },
	[7] = { "VM entry with invalid control field(s)",
		"A field breaks a rule of \"Checks on VMX Controls\"; nothing was loaded." },
	[8] = { "VM entry with invalid host-state field(s)",
		"A host-state field breaks a rule of \"Checks on Host ...\"; nothing was loaded." },
	[9] = { "VMPTRLD with invalid physical address",
		"The operand is not 4-KiB aligned, or beyond the physical-address width." },
	[10] = { "VMPTRLD with VMXON pointer",
		"The operand is the VMXON region, which is no VMCS." },
	[11] = { "VMPTRLD with incorrect VMCS revision identifier",
		"The region does not begin with the identifier of IA32_VMX_BASIC." },
	[12] = { "VMREAD/VMWRITE from/to unsupported VMCS component",
		"This processor has no field of that encoding." },
	[13] = { "VMWRITE to read-only VMCS component",
		"VM-exit information can be written only where IA32_VMX_MISC bit 29 says so." },
	[15] = { "VMXON executed in VMX root operation",
		"VMX was on already." },
	[16] = { "VM entry with invalid executive-VMCS pointer",
		"An entry that returns from SMM named a VMCS that cannot be one." },
	[17] = { "VM entry with non-launched executive VMCS",
		"An entry that returns from SMM named a VMCS that was never launched." },
	[18] = { "VM entry with executive-VMCS pointer not VMXON pointer",
		"An SMM monitor that ends dual-monitor treatment must name the VMXON region." },
	[19] = { "VMCALL with non-clear VMCS",
		"Dual-monitor treatment is activated with a VMCS that is clear." },
	[20] = { "VMCALL with invalid VM-exit control fields",
		"Dual-monitor treatment was to be activated with exit controls that cannot be." },
	[22] = { "VMCALL with incorrect MSEG revision identifier",
		"The monitor segment does not begin with the identifier of IA32_VMX_MISC." },
	[23] = { "VMXOFF under dual-monitor treatment of SMIs and SMM",
		"The SMM monitor must end its treatment first." },
	[24] = { "VMCALL with invalid SMM-monitor features",
		"The monitor segment asks for what the processor has not." },
	[25] = { "VM entry with invalid VM-execution control fields in executive VMCS",
		"An entry that returns from SMM found bad controls in the executive VMCS." },
	[26] = { "VM entry with events blocked by MOV SS",
		"VMLAUNCH or VMRESUME stood directly behind MOV SS or POP SS." },
	[28] = { "invalid operand to INVEPT/INVVPID",
		"IA32_VMX_EPT_VPID_CAP lacks the type, or a reserved bit is set." },
};

/**
 * vmx_error_name() - the SDM's words for a VM-instruction error number
 * @error: the number
 *
 * Return: static string.
 */
const char *vmx_error_name(u32 error)
{
	const char *name = NULL;

	if (error < NR_VMX_ERRORS)
		name = vmx_errors[array_index_nospec(error, NR_VMX_ERRORS)].name;
	return name ?: "unknown VM-instruction error";
}
