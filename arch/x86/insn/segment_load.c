// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading a segment register, LDTR or TR, as an instruction of the guest's does.
 *
 * SDM volume 2, MOV, LDS, LLDT, LTR, JMP, CALL, RET, IRET; volume 3, "Privilege Level Checking".
 * The instruction's operand was device memory, or the instruction exited for UMIP: otherwise the
 * processor does this. Relies on descriptor.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <asm/trapnr.h>

#include "arch/x86/event/interruptibility.h"
#include "arch/x86/insn/descriptor.h"
#include "arch/x86/insn/segment_load.h"
#include "arch/x86/regs.h"
#include "arch/x86/vmx/vmx.h"

static bool has_descriptors(struct mkvm_vcpu *vcpu)
{
	return is_protmode(vcpu) && !(rflags_read(vcpu) & X86_EFLAGS_VM);
}

/* Real-address and virtual-8086 mode: the selector is the base; the limit stays what it was. */
static void load_by_shift(struct mkvm_vcpu *vcpu, int reg, u16 selector)
{
	struct kvm_segment seg;

	vmx_get_segment(vcpu, &seg, reg);
	if (seg.unusable)
		seg = (struct kvm_segment) {
			.limit = 0xffff, .present = 1, .s = 1,
			.type = DESC_ACCESSED | DESC_WRITABLE,
		};
	seg.selector = selector;
	seg.base = selector << 4;
	vmx_set_segment(vcpu, &seg, reg);
}

/* A null selector: only in 64-bit mode, and not in ring 3, may SS hold one. */
static int load_null(struct mkvm_vcpu *vcpu, int reg, u16 selector, struct walk_fault *fault)
{
	struct kvm_segment seg = { .selector = selector, .unusable = 1 };
	struct vmx_code code = vmx_get_code(vcpu);

	if (reg == SEG_SS) {
		if (!code.l || code.cpl == 3 || SELECTOR_RPL(selector) != code.cpl)
			return descriptor_fault(fault, X86_TRAP_GP, 0);
		seg.dpl = code.cpl;
	}
	vmx_set_segment(vcpu, &seg, reg);
	return 0;
}

/* Set the accessed bit, in memory too, and load the register. */
static int load_accessed(struct mkvm_vcpu *vcpu, int reg, struct kvm_segment *seg, u16 selector,
			 u64 desc, struct walk_fault *fault)
{
	int ret;

	ret = descriptor_change_type(vcpu, selector, &desc, DESC_ACCESSED, 0, fault);
	/* What changes the descriptor from here on changes one that is loaded already. */
	if (ret && ret != -EAGAIN)
		return ret;
	seg->type |= DESC_ACCESSED;
	vmx_set_segment(vcpu, seg, reg);
	return 0;
}

/**
 * segment_load() - load ES, SS, DS, FS or GS, in any mode
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @reg: enum mkvm_seg
 * @selector: the selector
 * @fault: what the guest must get, if 1 is returned
 *
 * Return: 0; 1 = @fault and nothing has changed; -EAGAIN = execute the instruction again; -EFAULT =
 * a descriptor table is no ordinary memory.
 */
int segment_load(struct mkvm_vcpu *vcpu, int reg, u16 selector, struct walk_fault *fault)
{
	struct kvm_segment seg;
	u64 desc;
	u8 vector;
	int ret;

	if (!has_descriptors(vcpu)) {
		load_by_shift(vcpu, reg, selector);
		return 0;
	}
	if (SELECTOR_NULL(selector))
		return load_null(vcpu, reg, selector, fault);
	ret = descriptor_read(vcpu, selector, X86_TRAP_GP, &desc, fault);
	if (ret)
		return ret;
	descriptor_unpack(desc, selector, &seg);
	vector = descriptor_check(reg, &seg, vmx_get_code(vcpu).cpl, X86_TRAP_GP);
	if (vector)
		return descriptor_fault(fault, vector, SELECTOR_ERROR(selector));
	return load_accessed(vcpu, reg, &seg, selector, desc, fault);
}

/* May a far branch of that kind go there? 0, 1 = #GP, -EOPNOTSUPP. */
static int code_rule(const struct kvm_segment *seg, u8 cpl, enum emul_far why)
{
	bool conforming = seg->type & DESC_CONFORMING;
	u8 rpl = SELECTOR_RPL(seg->selector);

	if (!seg->s)
		return -EOPNOTSUPP;
	if (!(seg->type & DESC_CODE))
		return 1;
	if (why == EMUL_FAR_JMP || why == EMUL_FAR_CALL)
		return conforming ? seg->dpl > cpl : rpl > cpl || seg->dpl != cpl;
	if (rpl < cpl)
		return 1;
	if (rpl > cpl)
		return -EOPNOTSUPP;
	return conforming ? seg->dpl > rpl : seg->dpl != rpl;
}

static bool target_valid(struct mkvm_vcpu *vcpu, const struct kvm_segment *cs, u64 offset)
{
	if (is_long_mode(vcpu) && cs->l)
		return is_canonical(vcpu, offset);
	return offset <= cs->limit;
}

/**
 * segment_load_cs() - load CS, by a far branch
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @selector: the selector
 * @offset: where the branch goes
 * @why: which branch
 * @fault: what the guest must get, if 1 is returned
 *
 * Return: as segment_load(), or -EOPNOTSUPP: through a gate, to a task or to an outer ring.
 */
int segment_load_cs(struct mkvm_vcpu *vcpu, u16 selector, u64 offset, enum emul_far why,
		    struct walk_fault *fault)
{
	u8 cpl = vmx_get_code(vcpu).cpl;
	struct kvm_segment seg;
	u64 desc;
	int ret;

	if (!has_descriptors(vcpu)) {
		vmx_get_segment(vcpu, &seg, SEG_CS);
		if (offset > seg.limit)
			return descriptor_fault(fault, X86_TRAP_GP, 0);
		load_by_shift(vcpu, SEG_CS, selector);
		goto out;
	}
	if (SELECTOR_NULL(selector))
		return descriptor_fault(fault, X86_TRAP_GP, 0);
	ret = descriptor_read(vcpu, selector, X86_TRAP_GP, &desc, fault);
	if (ret)
		return ret;
	descriptor_unpack(desc, selector, &seg);
	ret = code_rule(&seg, cpl, why);
	if (ret < 0)
		return ret;
	if (ret || (is_long_mode(vcpu) && seg.l && seg.db))
		return descriptor_fault(fault, X86_TRAP_GP, SELECTOR_ERROR(selector));
	if (!seg.present)
		return descriptor_fault(fault, X86_TRAP_NP, SELECTOR_ERROR(selector));
	if (!target_valid(vcpu, &seg, offset))
		return descriptor_fault(fault, X86_TRAP_GP, 0);
	seg.selector = SELECTOR_ERROR(selector) | cpl;
	ret = load_accessed(vcpu, SEG_CS, &seg, selector, desc, fault);
	if (ret)
		return ret;
out:
	if (why == EMUL_FAR_IRET)
		event_set_nmi_mask(vcpu, false);
	return 0;
}

/* The descriptor that LLDT or LTR loads, and its checks: 0 with @seg and @desc filled. */
static int system_descriptor(struct mkvm_vcpu *vcpu, u16 selector, u8 type, u8 type16, u64 *desc,
			     struct kvm_segment *seg, struct walk_fault *fault)
{
	u64 upper;
	int ret;

	if (selector & SELECTOR_IN_LDT)
		return descriptor_fault(fault, X86_TRAP_GP, SELECTOR_ERROR(selector));
	ret = descriptor_read(vcpu, selector, X86_TRAP_GP, desc, fault);
	if (ret)
		return ret;
	descriptor_unpack(*desc, selector, seg);
	if (seg->s || (seg->type != type && (seg->type != type16 || is_long_mode(vcpu))))
		return descriptor_fault(fault, X86_TRAP_GP, SELECTOR_ERROR(selector));
	if (!seg->present)
		return descriptor_fault(fault, X86_TRAP_NP, SELECTOR_ERROR(selector));
	if (!is_long_mode(vcpu))
		return 0;
	ret = descriptor_read_upper(vcpu, selector, X86_TRAP_GP, &upper, fault);
	if (ret)
		return ret;
	seg->base |= upper << 32;
	/* Where a type would be if this were a descriptor of its own, there must be 0. */
	if ((upper >> 40 & 0x1f) || !is_canonical(vcpu, seg->base))
		return descriptor_fault(fault, X86_TRAP_GP, SELECTOR_ERROR(selector));
	return 0;
}

/**
 * segment_load_system() - LTR or LLDT, in protected mode
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @selector: the selector
 * @tr: LTR
 * @fault: what the guest must get, if 1 is returned
 *
 * Return: as segment_load().
 */
int segment_load_system(struct mkvm_vcpu *vcpu, u16 selector, bool tr, struct walk_fault *fault)
{
	struct kvm_segment seg = { .unusable = 1, .selector = selector };
	u64 desc;
	int ret;

	if (SELECTOR_NULL(selector)) {
		/* LDTR may be empty, TR may not. */
		if (tr)
			return descriptor_fault(fault, X86_TRAP_GP, 0);
		vmx_set_segment(vcpu, &seg, SEG_LDTR);
		return 0;
	}
	if (tr)
		ret = system_descriptor(vcpu, selector, DESC_TYPE_TSS32, DESC_TYPE_TSS16, &desc,
					&seg, fault);
	else
		ret = system_descriptor(vcpu, selector, DESC_TYPE_LDT, DESC_TYPE_LDT, &desc,
					&seg, fault);
	if (!ret && tr) {
		ret = descriptor_change_type(vcpu, selector, &desc, DESC_TSS_BUSY, 0, fault);
		seg.type |= DESC_TSS_BUSY;
	}
	if (!ret)
		vmx_set_segment(vcpu, &seg, tr ? SEG_TR : SEG_LDTR);
	return ret;
}
