/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the EPT files share: tables, walks, and how tables are freed.
 *
 * Rules. A table is filled before it is linked. Entries are added under the read side of
 * vm->mmu_lock with cmpxchg; rights are taken away, and tables unlinked, under the write side
 * only, and TLBs are flushed before that is released. Hence under either side a table that was
 * reached stays a table; only the processor's accessed and dirty flags change under the feet.
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

/* A zeroed table, charged to the VM's owner; NULL without memory. May sleep. */
u64 *ept_table_alloc(struct mkvm_vm *vm);
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

/* Take entry @e of a table of @level away; write lock held. */
void ept_zap_entry(struct ept_zap *zap, u64 *e, int level);
/* Make it final: flush if needed. To be called before the write lock is released. */
void ept_zap_flush(struct mkvm_vm *vm, struct ept_zap *zap);
/* Free the tables; after ept_zap_flush(), better without the lock. */
void ept_zap_free(struct mkvm_vm *vm, struct ept_zap *zap, bool may_block);

/* Entry that maps @gfn and its level, or NULL; mmu_lock held, or as ept_guest_bytes(). */
u64 *ept_find_leaf(struct mkvm_vm *vm, gfn_t gfn, int *level);

/* Call @fn for each present leaf in [start, end); true if one of the calls was. Lock held. */
typedef bool (*ept_leaf_fn)(u64 *e, int level);
bool ept_walk_leaves(struct mkvm_vm *vm, gfn_t start, gfn_t end, ept_leaf_fn fn);

#endif
