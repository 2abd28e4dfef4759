// SPDX-License-Identifier: GPL-2.0-only
/*
 * Structure offsets for vmenter.S, made by the compiler.
 *
 * Compiled to assembly only; kbuild's "offsets" rule turns the markers into asm-offsets.h.
 */
#define COMPILE_OFFSETS

#include <linux/kbuild.h>

#include "arch/x86/vmx/vmx_vcpu.h"

static void __used offsets(void)
{
	OFFSET(VMX_HOST_RSP_OFFSET, vmx_vcpu, host_rsp);
	OFFSET(VMX_ENTER_FLAGS_OFFSET, vmx_vcpu, enter_flags);
	OFFSET(VMX_SPEC_CTRL_OFFSET, vmx_vcpu, spec_ctrl);
	OFFSET(VMX_SPEC_CTRL_HOST_OFFSET, vmx_vcpu, spec_ctrl_host);
	DEFINE(VMX_ENTERED_CODE, VMX_ENTERED);
	DEFINE(VMX_ENTRY_VMFAIL_CODE, VMX_ENTRY_VMFAIL);
	DEFINE(VMX_ENTRY_FAULT_CODE, VMX_ENTRY_FAULT);
	DEFINE(VMX_ENTER_LAUNCHED_BIT, ilog2(VMX_ENTER_LAUNCHED));
	DEFINE(VMX_ENTER_SPEC_CTRL_BIT, ilog2(VMX_ENTER_SPEC_CTRL));
	DEFINE(VMX_HOST_RSP_FIELD, HOST_RSP);
}
