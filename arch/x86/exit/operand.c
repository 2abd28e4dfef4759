// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory operand of an instruction that exited.
 *
 * SDM, "VM-Exit Instruction-Information Field" and "Instruction-Specific Information in the VM-Exit
 * Instruction-Information Field": the exit tells displacement, scaling, base, index, segment and
 * address size; the checks that the instruction itself would have made are made here.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <asm/trapnr.h>

#include "arch/x86/event/inject.h"
#include "arch/x86/exit/operand.h"
#include "arch/x86/insn/descriptor.h"
#include "arch/x86/vmx/vmx_vcpu.h"

#define INFO_SCALING(i)		((i) & 3)
#define INFO_INDEX(i)		(((i) >> 18) & 15)
#define INFO_NO_INDEX		BIT(22)
#define INFO_BASE(i)		(((i) >> 23) & 15)
#define INFO_NO_BASE		BIT(27)

static u64 effective_address(struct mkvm_vcpu *vcpu, u32 info)
{
	/* For RIP-relative addressing the qualification has RIP added already. */
	u64 offset = vmcs_read64(EXIT_QUALIFICATION);

	if (!(info & INFO_NO_BASE))
		offset += reg_read(vcpu, INFO_BASE(info));
	if (!(info & INFO_NO_INDEX))
		offset += (u64)reg_read(vcpu, INFO_INDEX(info)) << INFO_SCALING(info);
	switch (INFO_ADDRESS_SIZE(info)) {
	case 0:
		return (u16)offset;
	case 1:
		return (u32)offset;
	default:
		return offset;
	}
}

/**
 * operand_linear() - linear address of the memory operand that the exit describes
 * @vcpu: loaded vCPU; the exit filled the instruction-information field and the qualification
 * @info: the instruction-information field; it says that the operand is in memory
 * @write: the instruction writes it
 * @len: its bytes, at least 1
 * @linear: the result
 *
 * Return: 0; 1 = #GP(0) or #SS(0) is raised.
 */
int operand_linear(struct mkvm_vcpu *vcpu, u32 info, bool write, unsigned int len, u64 *linear)
{
	int reg = INFO_SEGMENT(info);

	/* The field has three bits for six segment registers. */
	if (reg > SEG_GS)
		reg = SEG_DS;
	if (segment_linear(vcpu, reg, effective_address(vcpu, info), len, write, linear))
		return 0;
	inject_exception_code(vcpu, reg == SEG_SS ? X86_TRAP_SS : X86_TRAP_GP, 0);
	return 1;
}
