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

int guest_translate(struct mkvm_vcpu *vcpu, u64 linear, u32 access, gpa_t *gpa,
		    struct walk_fault *fault);

int guest_read_linear(struct mkvm_vcpu *vcpu, u64 linear, void *data, unsigned int len,
		      u32 access, struct walk_fault *fault);
int guest_write_linear(struct mkvm_vcpu *vcpu, u64 linear, const void *data, unsigned int len,
		       u32 access, struct walk_fault *fault);

#endif
