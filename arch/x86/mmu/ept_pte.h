/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bits of an EPT entry and the arithmetic of its levels.
 *
 * SDM, "The Extended Page Table Mechanism (EPT)", tables "Format of an EPT ... Entry". Pure:
 * used by ept*.c and by selftests/unit/mmu. Level 1 is a page table (leaves of 4K), level 2 a
 * page directory (2M), level 3 a page-directory-pointer table (1G), 4 and 5 the top.
 */
#ifndef MINIKVM_ARCH_X86_MMU_EPT_PTE_H
#define MINIKVM_ARCH_X86_MMU_EPT_PTE_H

#include "arch/x86/mmu/shim.h"

#define EPT_READ		BIT_ULL(0)
#define EPT_WRITE		BIT_ULL(1)
#define EPT_EXEC		BIT_ULL(2)
#define EPT_RWX			(EPT_READ | EPT_WRITE | EPT_EXEC)
#define EPT_MEMTYPE_SHIFT	3		/* leaf: 5:3 type, 6 ignore PAT */
#define EPT_LEAF		BIT_ULL(7)	/* levels 2 and 3: maps a page */
#define EPT_ACCESSED		BIT_ULL(8)
#define EPT_DIRTY		BIT_ULL(9)	/* leaf */
#define EPT_ADDR_MASK		GENMASK_ULL(51, 12)

/* Ours; the processor ignores bits 56:52. The owner's mapping allows writing this page. */
#define EPT_HOST_WRITABLE	BIT_ULL(52)

/* What a leaf may gain while it stays mapped. */
#define EPT_GROWS		(EPT_RWX | EPT_ACCESSED | EPT_DIRTY | EPT_HOST_WRITABLE)

#define EPT_MAX_LEVELS		5
#define EPT_ENTRIES		512

/* 4K pages that one entry of a table of @level spans. */
static inline u64 ept_level_pages(int level)
{
	return BIT_ULL(9 * (level - 1));
}

static inline unsigned int ept_index(u64 gfn, int level)
{
	return (gfn >> (9 * (level - 1))) & (EPT_ENTRIES - 1);
}

/* Entries without any permission are not present, whatever their other bits. */
static inline bool ept_present(u64 e)
{
	return e & EPT_RWX;
}

/* Does this present entry of a table of @level map a page? */
static inline bool ept_is_leaf(u64 e, int level)
{
	return level == 1 || (e & EPT_LEAF);
}

static inline u64 ept_pfn(u64 e)
{
	return (e & EPT_ADDR_MASK) >> 12;
}

/**
 * ept_split_child() - what entry @i under a split leaf must be
 * @leaf: the leaf, of a table of @level (2 or 3)
 * @level: its level
 * @i: index in the new table of @level - 1
 *
 * All of them together map what the leaf mapped, with its rights. Only the right to execute may
 * come back: large pages lose it on processors where it is dangerous (see ept_fault.c), 4K
 * pages need not.
 *
 * Return: the entry.
 */
static inline u64 ept_split_child(u64 leaf, int level, unsigned int i)
{
	u64 child = leaf + ((u64)i * ept_level_pages(level - 1) << 12);

	if (level == 2) {
		child &= ~EPT_LEAF;
		child |= EPT_EXEC;
	}
	return child;
}

#endif
