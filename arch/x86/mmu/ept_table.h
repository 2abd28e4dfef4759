/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the EPT files share: tables, walks, and how tables are freed.
 *
 * Rules. A table is filled before it is linked. Entries are added under the read side of
 * vm->mmu_lock with cmpxchg; rights are taken away, and tables unlinked, under the write side
 * only, and TLBs are flushed before that is released. Hence under either side a table that was
 * reached stays a table; only the accessed and dirty flags, which are the processor's, change
 * meanwhile.
 */
#ifndef MINIKVM_ARCH_X86_MMU_EPT_TABLE_H
#define MINIKVM_ARCH_X86_MMU_EPT_TABLE_H

#include <linux/io.h>
#include <linux/list.h>

#include "arch/x86/mmu/ept.h"
#include "arch/x86/mmu/ept_pte.h"

static inline u64 *ept_table(u64 entry)
{
	return phys_to_virt(entry & EPT_ADDR_MASK);
}

/* The entry that links @table: all rights, the leaves decide. */
static inline u64 ept_link(u64 *table)
{
	return virt_to_phys(table) | EPT_RWX;
}

u64 *ept_table_alloc(struct mkvm_vm *vm, gfp_t gfp);
void ept_table_free(struct mkvm_vm *vm, u64 *table);

/**
 * struct ept_zap - entries taken away under one hold of the write lock
 * @tables: unlinked tables, each with all that hangs below it
 * @changed: something was present, so TLBs must be flushed before the lock is released
 */
struct ept_zap {
	struct list_head tables;
	bool changed;
};

#define EPT_ZAP_INIT(name)	{ .tables = LIST_HEAD_INIT((name).tables) }

void ept_zap_entry(struct ept_zap *zap, u64 *e, int level);
void ept_zap_flush(struct mkvm_vm *vm, struct ept_zap *zap);
void ept_zap_free(struct mkvm_vm *vm, struct ept_zap *zap, bool may_block);

/**
 * struct ept_iter - one entry on the way from the top of the tables to a guest frame
 * @e: the entry
 * @val: what was read there
 * @level: of its table
 * @shift: bits of the frame's number that tables below @level look at
 *
 * Every walk of one address uses it, under either side of vm->mmu_lock or as ept_guest_bytes().
 */
struct ept_iter {
	u64 *e, val;
	int level;
	unsigned int shift;
};

static __always_inline void ept_iter_read(struct ept_iter *it, u64 *table, gfn_t gfn)
{
	it->e = &table[gfn >> it->shift & (EPT_ENTRIES - 1)];
	it->val = READ_ONCE(*it->e);
}

/* The entry in the top table; false where the VM's tables are gone. */
static __always_inline bool ept_iter_top(struct ept_iter *it, struct mkvm_vm *vm, gfn_t gfn)
{
	u64 *top = vm->arch.ept.pml4;

	it->level = vm->arch.ept.levels;
	it->shift = 9 * (it->level - 1);
	if (unlikely(!top))
		return false;
	ept_iter_read(it, top, gfn);
	return true;
}

/* The table that @it->val links, if it links one, to the next entry. */
static __always_inline bool ept_iter_down(struct ept_iter *it, gfn_t gfn)
{
	if (!ept_present(it->val) || ept_is_leaf(it->val, it->level))
		return false;
	it->level--;
	it->shift -= 9;
	ept_iter_read(it, ept_table(it->val), gfn);
	return true;
}

/* To the entry at which the tables end for @gfn: a leaf, or one that is not present. */
static __always_inline bool ept_iter_to(struct ept_iter *it, struct mkvm_vm *vm, gfn_t gfn)
{
	if (!ept_iter_top(it, vm, gfn))
		return false;
	while (ept_iter_down(it, gfn))
		;
	return true;
}

/* To the leaf that maps @gfn; false where there is none. */
static inline bool ept_find_leaf(struct ept_iter *it, struct mkvm_vm *vm, gfn_t gfn)
{
	return ept_iter_to(it, vm, gfn) && ept_present(it->val);
}

/* What ept_walk_leaves() calls. */
typedef bool (*ept_leaf_fn)(u64 *e, int level);
bool ept_walk_leaves(struct mkvm_vm *vm, gfn_t start, gfn_t end, ept_leaf_fn fn);

#endif
