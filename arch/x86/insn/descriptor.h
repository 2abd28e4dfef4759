/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segment descriptors in the guest's GDT and LDT.
 *
 * SDM, "Segment Descriptors", "System Descriptor Types", "Logical Address". For what the module
 * does in the guest's place: task switches, loads of segment registers, memory operands of exits.
 */
#ifndef MINIKVM_ARCH_X86_DESCRIPTOR_H
#define MINIKVM_ARCH_X86_DESCRIPTOR_H

#include "arch/x86/mmu/guest_walk.h"
#include "virt/vcpu.h"

/* A selector: index into the table, table indicator, requested privilege level. */
#define SELECTOR_RPL(sel)	((sel) & 3)
#define SELECTOR_IN_LDT		4
#define SELECTOR_NULL(sel)	(!((sel) & ~3))
/* What a selector looks like in an error code: without RPL. */
#define SELECTOR_ERROR(sel)	((sel) & ~3)

/* Types of code and data (S = 1), as bits, and of system descriptors (S = 0). */
#define DESC_ACCESSED		BIT(0)
#define DESC_WRITABLE		BIT(1)	/* data */
#define DESC_READABLE		BIT(1)	/* code */
#define DESC_EXPAND_DOWN	BIT(2)	/* data */
#define DESC_CONFORMING		BIT(2)	/* code */
#define DESC_CODE		BIT(3)
#define DESC_TSS_BUSY		BIT(1)	/* any TSS */
#define DESC_TYPE_TSS16		1
#define DESC_TYPE_LDT		2
#define DESC_TYPE_TSS32		9	/* the 64-bit TSS in IA-32e mode */

/* Bits of byte 5 of a descriptor that the processor itself changes. */
#define DESC_BYTE5		40

/* Make @fault and return 1, as guest_walk.h's functions do. */
static inline int descriptor_fault(struct walk_fault *fault, u8 vector, u32 error_code)
{
	*fault = (struct walk_fault){ .vector = vector, .error_code = error_code };
	return 1;
}

int descriptor_read(struct mkvm_vcpu *vcpu, u16 selector, u8 vector, u64 *desc,
		    struct walk_fault *fault);
int descriptor_read_upper(struct mkvm_vcpu *vcpu, u16 selector, u8 vector, u64 *upper,
			  struct walk_fault *fault);
int descriptor_change_type(struct mkvm_vcpu *vcpu, u16 selector, u64 *desc, u8 set, u8 clear,
			   struct walk_fault *fault);
void descriptor_unpack(u64 desc, u16 selector, struct kvm_segment *seg);
u8 descriptor_check(int reg, const struct kvm_segment *seg, u8 cpl, u8 vector);
bool segment_offset_valid(const struct kvm_segment *seg, u32 offset, unsigned int len);
bool segment_allows(struct mkvm_vcpu *vcpu, int reg, u32 offset, unsigned int len, bool write);
bool segment_linear(struct mkvm_vcpu *vcpu, int reg, u64 offset, unsigned int len, bool write,
		    u64 *linear);
void descriptor_inject_fault(struct mkvm_vcpu *vcpu, const struct walk_fault *fault);

#endif
