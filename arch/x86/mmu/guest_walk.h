/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's own page tables, walked by the module.
 *
 * SDM, "Paging": 32-bit, PAE, 4-level and 5-level. Needed where the module acts for the guest:
 * the instruction emulator, string I/O, task switch, KVM_TRANSLATE.
 */
#ifndef MINIKVM_ARCH_X86_MMU_GUEST_WALK_H
#define MINIKVM_ARCH_X86_MMU_GUEST_WALK_H

#include "virt/memslot.h"
#include "virt/vcpu.h"

/* Access, in the bits of a #PF error code. */
#define WALK_WRITE	BIT(1)
#define WALK_USER	BIT(2)
#define WALK_FETCH	BIT(4)
#define WALK_IMPLICIT	BIT(31)	/* implicit supervisor access: descriptor tables, TSS */
#define WALK_STACK	BIT(30)	/* through SS: a non-canonical address is #SS, not #GP */

/* Longest guest_read_linear() and guest_write_linear(). */
#define WALK_MAX_LEN	4096

struct walk_fault {
	u8 vector;		/* 14 (#PF), or 13/12 for a non-canonical address */
	u32 error_code;
	u64 address;
};

/**
 * guest_translate() - linear to guest-physical address
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @linear: linear address
 * @access: WALK_* bits; user mode is the caller's to say
 * @gpa: the result
 * @fault: filled when 1 is returned
 *
 * Sets accessed and dirty bits in the guest's tables as the processor would.
 * Return: 0; 1 = the guest must get @fault; -EFAULT = a table is not in memory.
 */
int guest_translate(struct mkvm_vcpu *vcpu, u64 linear, u32 access, gpa_t *gpa,
		    struct walk_fault *fault);

/*
 * Copy between the kernel and guest-linear memory, crossing pages: 0; 1 = @fault;
 * -EFAULT = some page is no ordinary memory (MMIO); -EINVAL = more than WALK_MAX_LEN bytes.
 * A write that faults has written nothing.
 */
int guest_read_linear(struct mkvm_vcpu *vcpu, u64 linear, void *data, unsigned int len,
		      u32 access, struct walk_fault *fault);
int guest_write_linear(struct mkvm_vcpu *vcpu, u64 linear, const void *data, unsigned int len,
		       u32 access, struct walk_fault *fault);

#endif
