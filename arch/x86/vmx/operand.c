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

#include "arch/x86/descriptor.h"
#include "arch/x86/inject.h"
#include "arch/x86/vmx/vmx_vcpu.h"

#define INFO_SCALING(i)		((i) & 3)
#define INFO_ADDRESS_SIZE(i)	(((i) >> 7) & 7)	/* 0: 16 bits, 1: 32 bits, 2: 64 bits */
#define INFO_SEGMENT(i)		(((i) >> 15) & 7)
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

static bool canonical(struct mkvm_vcpu *vcpu, u64 linear)
{
	unsigned int shift = is_la57(vcpu) ? 64 - 57 : 64 - 48;

	return (u64)((s64)(linear << shift) >> shift) == linear;
}

/* SDM, "Type Checking", "Limit Checking": outside 64-bit mode. */
static bool segment_allows(struct mkvm_vcpu *vcpu, const struct kvm_segment *seg, u64 offset,
			   unsigned int len, bool write)
{
	bool code = seg->type & DESC_CODE;

	if (seg->unusable)
		return false;
	if (is_protmode(vcpu)) {
		if (write && (code || !(seg->type & DESC_WRITABLE)))
			return false;
		if (!write && code && !(seg->type & DESC_READABLE))
			return false;
	}
	return segment_offset_valid(seg, offset, len);
}

/**
 * vmx_memory_operand() - linear address of the memory operand that the exit describes
 * @vcpu: loaded vCPU; the exit filled the instruction-information field and the qualification
 * @info: the instruction-information field; it says that the operand is in memory
 * @write: the instruction writes it
 * @len: its bytes, at least 1
 * @linear: the result
 *
 * Return: 0; 1 = #GP(0) or #SS(0) is queued.
 */
int vmx_memory_operand(struct mkvm_vcpu *vcpu, u32 info, bool write, unsigned int len,
		       u64 *linear)
{
	u64 offset = effective_address(vcpu, info);
	int reg = INFO_SEGMENT(info);
	struct kvm_segment seg;
	bool cs_db, cs_l, ok;

	/* The field has three bits for six segment registers. */
	if (reg > SEG_GS)
		reg = SEG_DS;
	vmx_get_cs_db_l(vcpu, &cs_db, &cs_l);
	if (cs_l) {
		if (reg == SEG_FS || reg == SEG_GS)
			offset += vmx_get_segment_base(vcpu, reg);
		*linear = offset;
		ok = canonical(vcpu, offset) && canonical(vcpu, offset + len - 1);
	} else {
		vmx_get_segment(vcpu, &seg, reg);
		*linear = (u32)(seg.base + offset);
		ok = segment_allows(vcpu, &seg, offset, len, write);
	}
	if (ok)
		return 0;
	queue_exception_e(vcpu, reg == SEG_SS ? X86_TRAP_SS : X86_TRAP_GP, 0);
	return 1;
}
