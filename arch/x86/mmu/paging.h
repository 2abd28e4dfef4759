/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of x86 paging, without memory to apply them to.
 *
 * SDM, "Paging": formats of the entries of 32-bit, PAE, 4-level and 5-level paging, "Access
 * Rights", "Protection Keys", "Page-Fault Exceptions". Pure: used by guest_walk.c and by
 * selftests/unit/mmu. Levels count from the page table, which is 1.
 */
#ifndef MINIKVM_ARCH_X86_MMU_PAGING_H
#define MINIKVM_ARCH_X86_MMU_PAGING_H

#include "arch/x86/mmu/shim.h"

#define PTE_P		BIT_ULL(0)
#define PTE_RW		BIT_ULL(1)
#define PTE_US		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)
#define PTE_XD		BIT_ULL(63)
#define PTE_PKEY_SHIFT	59

/* Bits of a page-fault error code; WALK_* of guest_walk.h are the same. */
#define PF_P		BIT(0)
#define PF_WRITE	BIT(1)
#define PF_USER		BIT(2)
#define PF_RSVD		BIT(3)
#define PF_FETCH	BIT(4)
#define PF_PK		BIT(5)

/**
 * struct paging_mode - what control registers and CPUID say about paging
 * @levels: 2 = 32-bit, 3 = PAE, 4, 5
 * @pse: CR4.PSE, of interest to 32-bit paging only
 * @nxe: EFER.NXE; false with 32-bit paging
 * @wp: CR0.WP
 * @smep: CR4.SMEP
 * @smap: CR4.SMAP
 * @pke: CR4.PKE and 4- or 5-level paging
 * @ac: EFLAGS.AC, which lifts SMAP for explicit accesses
 * @gbpages: 1G pages exist
 * @maxphyaddr: bits of a physical address
 * @pkru: the protection-key rights register
 */
struct paging_mode {
	u8 levels;
	bool pse, nxe, wp, smep, smap, pke, ac, gbpages;
	u8 maxphyaddr;
	u32 pkru;
};

/* Bytes of an entry. */
static inline unsigned int paging_entry_size(const struct paging_mode *m)
{
	return m->levels == 2 ? 4 : 8;
}

/* Index of @linear into a table of @level. */
static inline unsigned int paging_index(const struct paging_mode *m, int level, u64 linear)
{
	if (m->levels == 2)
		return linear >> (12 + 10 * (level - 1)) & 1023;
	return linear >> (12 + 9 * (level - 1)) & 511;
}

bool paging_is_leaf(const struct paging_mode *m, int level, u64 entry);
u64 paging_reserved(const struct paging_mode *m, int level, u64 entry);
u64 paging_suspect(const struct paging_mode *m);
u64 paging_table(const struct paging_mode *m, u64 entry);
u64 paging_address(const struct paging_mode *m, int level, u64 entry, u64 linear);
bool paging_canonical(const struct paging_mode *m, u64 linear);

/**
 * struct paging_rights - what all entries of a walk together allow
 * @write: RW set in all
 * @user: U/S set in all
 * @nx: XD set in one
 * @pkey: protection key of the leaf
 */
struct paging_rights {
	bool write, user, nx;
	u8 pkey;
};

u32 paging_check(const struct paging_mode *m, const struct paging_rights *r, u32 access,
		 bool implicit);

u32 paging_error(const struct paging_mode *m, u32 access, bool rsvd);

#endif
