// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segment descriptors in the guest's GDT and LDT.
 *
 * SDM, "Segment Descriptors", "System Descriptor Types", "Limit Checking". Tables are read with
 * implicit supervisor access, each descriptor once; the accessed and busy bits are set by
 * compare-and-exchange of their byte, as the processor's locked access does.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <asm/trapnr.h>

#include "arch/x86/insn/descriptor.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/regs.h"
#include "arch/x86/vmx/vmx.h"
#include "virt/guest_memory.h"

/* Where the descriptor is: linear address, or 1 = @fault. */
static int descriptor_address(struct mkvm_vcpu *vcpu, u16 selector, unsigned int len, u8 vector,
			      u64 *linear, struct walk_fault *fault)
{
	unsigned int index = selector & ~7u;
	struct kvm_segment ldt;
	struct kvm_dtable gdt;
	u64 base;
	u32 limit;

	if (selector & SELECTOR_IN_LDT) {
		vmx_get_segment(vcpu, &ldt, SEG_LDTR);
		if (ldt.unusable)
			return descriptor_fault(fault, vector, SELECTOR_ERROR(selector));
		base = ldt.base;
		limit = ldt.limit;
	} else {
		vmx_get_table(vcpu, VMX_GDTR, &gdt);
		base = gdt.base;
		limit = gdt.limit;
	}
	if (index + len - 1 > limit)
		return descriptor_fault(fault, vector, SELECTOR_ERROR(selector));
	*linear = base + index;
	return 0;
}

/**
 * descriptor_read() - the descriptor that a selector means
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @selector: not null
 * @vector: exception to raise when the table does not reach that far
 * @desc: the first 8 bytes
 * @fault: filled when 1 is returned
 *
 * Return: 0; 1 = the guest must get @fault; -EFAULT = the table is no ordinary memory.
 */
int descriptor_read(struct mkvm_vcpu *vcpu, u16 selector, u8 vector, u64 *desc,
		    struct walk_fault *fault)
{
	u64 linear;

	if (descriptor_address(vcpu, selector, 8, vector, &linear, fault))
		return 1;
	return guest_read_linear(vcpu, linear, desc, 8, WALK_IMPLICIT, fault);
}

/**
 * descriptor_read_upper() - bytes 15:8 of a system descriptor in IA-32e mode
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @selector: not null
 * @vector: exception to raise when the table does not reach that far
 * @upper: the second 8 bytes
 * @fault: filled when 1 is returned
 *
 * Return: as descriptor_read().
 */
int descriptor_read_upper(struct mkvm_vcpu *vcpu, u16 selector, u8 vector, u64 *upper,
			  struct walk_fault *fault)
{
	u64 linear;

	if (descriptor_address(vcpu, selector, 16, vector, &linear, fault))
		return 1;
	return guest_read_linear(vcpu, linear + 8, upper, 8, WALK_IMPLICIT, fault);
}

/* A table in ROM keeps its bits: the processor's write has no effect there, and is no error. */
static bool in_rom(struct mkvm_vcpu *vcpu, gpa_t gpa)
{
	struct mkvm_memslot *slot = mkvm_vcpu_gfn_to_slot(vcpu, gpa >> PAGE_SHIFT);

	return slot && (slot->flags & KVM_MEM_READONLY);
}

/**
 * descriptor_change_type() - set or clear a bit of a descriptor's type, in memory too
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @selector: not null
 * @desc: the descriptor as descriptor_read() gave it; updated
 * @set: bits of the type to set
 * @clear: bits of the type to clear
 * @fault: filled when 1 is returned
 *
 * Return: 0; 1 = the guest must get @fault; -EAGAIN = another vCPU changed the descriptor since it
 * was read; -EFAULT.
 */
int descriptor_change_type(struct mkvm_vcpu *vcpu, u16 selector, u64 *desc, u8 set, u8 clear,
			   struct walk_fault *fault)
{
	u64 old = *desc >> DESC_BYTE5 & 0xff, new = (old | set) & ~(u64)clear, linear;
	gpa_t gpa;
	int ret;

	if (new == old)
		return 0;
	if (descriptor_address(vcpu, selector, 8, X86_TRAP_GP, &linear, fault))
		return 1;
	ret = guest_translate(vcpu, linear + 5, WALK_IMPLICIT | WALK_WRITE, &gpa, fault);
	if (ret)
		return ret;
	ret = mkvm_cmpxchg_guest(vcpu->vm, gpa, &old, new, 1);
	if (ret == -EFAULT && in_rom(vcpu, gpa))
		ret = 0;
	if (!ret)
		*desc = (*desc & ~(0xffull << DESC_BYTE5)) | new << DESC_BYTE5;
	return ret;
}

/**
 * descriptor_unpack() - a descriptor as the segment register that holds it
 * @desc: the descriptor
 * @selector: what it was loaded with
 * @seg: the result; the base of a 16-byte descriptor lacks its upper half
 */
void descriptor_unpack(u64 desc, u16 selector, struct kvm_segment *seg)
{
	u32 limit = (desc & 0xffff) | (desc >> 32 & 0xf0000);

	*seg = (struct kvm_segment) {
		.base = (desc >> 16 & 0xffffff) | (desc >> 32 & 0xff000000),
		.selector = selector,
		.type = desc >> 40 & 15,
		.s = desc >> 44 & 1,
		.dpl = desc >> 45 & 3,
		.present = desc >> 47 & 1,
		.avl = desc >> 52 & 1,
		.l = desc >> 53 & 1,
		.db = desc >> 54 & 1,
		.g = desc >> 55 & 1,
	};
	seg->limit = seg->g ? limit << 12 | 0xfff : limit;
	seg->unusable = !seg->present;
}

/**
 * descriptor_check() - SDM, "Privilege Level Checking": may a segment register hold this?
 * @reg: SEG_ES to SEG_GS; SEG_CS as a task switch loads it
 * @seg: the descriptor, with the selector
 * @cpl: current privilege level, or the new task's
 * @vector: exception for a segment that does not fit: #GP, in a task switch #TS
 *
 * Return: 0, or the vector that the guest must get with the selector as error code.
 */
u8 descriptor_check(int reg, const struct kvm_segment *seg, u8 cpl, u8 vector)
{
	bool code = seg->type & DESC_CODE, conforming = code && (seg->type & DESC_CONFORMING);
	u8 rpl = SELECTOR_RPL(seg->selector);

	if (!seg->s)
		return vector;
	switch (reg) {
	case SEG_CS:
		if (!code || (conforming ? seg->dpl > rpl : seg->dpl != rpl))
			return vector;
		return seg->present ? 0 : X86_TRAP_NP;
	case SEG_SS:
		if (code || !(seg->type & DESC_WRITABLE) || rpl != cpl || seg->dpl != cpl)
			return vector;
		return seg->present ? 0 : X86_TRAP_SS;
	default:
		if (code && !(seg->type & DESC_READABLE))
			return vector;
		if (!conforming && (rpl > seg->dpl || cpl > seg->dpl))
			return vector;
		return seg->present ? 0 : X86_TRAP_NP;
	}
}

/**
 * segment_offset_valid() - SDM, "Limit Checking"
 * @seg: a usable segment
 * @offset: of the first byte
 * @len: bytes, at least 1
 *
 * Return: whether all bytes are within the segment.
 */
bool segment_offset_valid(const struct kvm_segment *seg, u32 offset, unsigned int len)
{
	u64 last = (u64)offset + len - 1;

	if (seg->s && !(seg->type & DESC_CODE) && (seg->type & DESC_EXPAND_DOWN))
		return offset > seg->limit && last <= (seg->db ? U32_MAX : U16_MAX);
	return last <= seg->limit;
}

/**
 * segment_allows() - SDM, "Type Checking" and "Limit Checking", outside 64-bit mode
 * @vcpu: loaded vCPU
 * @reg: segment register, SEG_ES to SEG_GS
 * @offset: of the first byte in the segment
 * @len: bytes, at least 1
 * @write: they are written
 *
 * Return: whether the processor would have made the access; otherwise it is #SS(0) for SS and
 * #GP(0) for the others.
 */
bool segment_allows(struct mkvm_vcpu *vcpu, int reg, u32 offset, unsigned int len, bool write)
{
	struct kvm_segment seg;
	bool code;

	vmx_get_segment(vcpu, &seg, reg);
	if (seg.unusable)
		return false;
	code = seg.type & DESC_CODE;
	if (is_protmode(vcpu)) {
		if (write && (code || !(seg.type & DESC_WRITABLE)))
			return false;
		if (!write && code && !(seg.type & DESC_READABLE))
			return false;
	}
	return segment_offset_valid(&seg, offset, len);
}

/**
 * segment_linear() - segment and offset as a linear address, with the processor's checks
 * @vcpu: loaded vCPU
 * @reg: segment register, SEG_ES to SEG_GS
 * @offset: of the first byte, truncated to the instruction's address size
 * @len: bytes, at least 1
 * @write: they are written
 * @linear: the result
 *
 * Return: whether the access is allowed; otherwise it is #SS(0) for SS and #GP(0) for the others.
 */
bool segment_linear(struct mkvm_vcpu *vcpu, int reg, u64 offset, unsigned int len, bool write,
		    u64 *linear)
{
	if (!vmx_get_code(vcpu).l) {
		*linear = (u32)(vmx_get_segment_base(vcpu, reg) + offset);
		return segment_allows(vcpu, reg, offset, len, write);
	}
	*linear = offset;
	if (reg == SEG_FS || reg == SEG_GS)
		*linear += vmx_get_segment_base(vcpu, reg);
	return is_canonical(vcpu, *linear) && is_canonical(vcpu, *linear + len - 1);
}

/**
 * descriptor_inject_fault() - give the guest the exception that a walk or a check found
 * @vcpu: loaded vCPU
 * @fault: it
 */
void descriptor_inject_fault(struct mkvm_vcpu *vcpu, const struct walk_fault *fault)
{
	if (fault->vector == X86_TRAP_PF)
		inject_page_fault(vcpu, fault->address, fault->error_code);
	else
		inject_exception_code(vcpu, fault->vector, fault->error_code);
}
