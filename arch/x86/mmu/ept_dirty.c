// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log's side of EPT: write protection and PML.
 *
 * SDM, "Page-Modification Logging", "Accessed and Dirty Flags for EPT". A logged slot is mapped
 * by 4K pages. To arm one is to clear its write permission (the next write faults) or, with
 * PML, its dirty flag (the processor logs the next write by itself). A large page from before
 * the log loses its write permission either way, and the first write splits it.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "arch/x86/mmu/ept.h"
#include "arch/x86/mmu/ept_table.h"
#include "virt/arch.h"

/* Pages between two points where the lock may be let go: 1 GiB. */
#define CHUNK_PAGES	BIT_ULL(18)

/* The processor writes flags into the same word: single bits only, atomically. */
static bool protect_leaf(u64 *e, int level)
{
	return test_and_clear_bit(ilog2(EPT_WRITE), (unsigned long *)e);
}

static bool rearm_pml_leaf(u64 *e, int level)
{
	if (level > 1)
		return protect_leaf(e, level);
	return test_and_clear_bit(ilog2(EPT_DIRTY), (unsigned long *)e);
}

/**
 * arch_mmu_write_protect_slot() - arm the dirty log for all pages of a slot
 * @vm: the VM; vm->mmu_lock is not held
 * @slot: the slot
 *
 * From the return on no write goes unnoticed.
 */
void arch_mmu_write_protect_slot(struct mkvm_vm *vm, struct mkvm_memslot *slot)
{
	ept_leaf_fn fn = vm->arch.pml ? rearm_pml_leaf : protect_leaf;
	gfn_t gfn = slot->base_gfn, end = gfn + slot->npages, next;
	bool flush = false;

	write_lock(&vm->mmu_lock);
	for (; gfn < end; gfn = next) {
		next = min(end, (gfn | (CHUNK_PAGES - 1)) + 1);
		flush |= ept_walk_leaves(vm, gfn, next, fn);
		/*
		 * Letting go before the flush is all right here: nothing is freed, and only
		 * who changes the log (and waits behind vm->slots_lock) counts on the flush.
		 */
		cond_resched_rwlock_write(&vm->mmu_lock);
	}
	if (flush)
		mkvm_flush_remote_tlbs(vm);
	write_unlock(&vm->mmu_lock);
}

/**
 * arch_mmu_write_protect_mask() - arm the dirty log for up to 64 pages
 * @vm: the VM; vm->mmu_lock held for writing
 * @slot: the slot
 * @offset: page of the slot that bit 0 of @mask stands for
 * @mask: which pages
 *
 * Return: true when the caller must flush the TLBs.
 */
bool arch_mmu_write_protect_mask(struct mkvm_vm *vm, struct mkvm_memslot *slot, gfn_t offset,
				 unsigned long mask)
{
	ept_leaf_fn fn = vm->arch.pml ? rearm_pml_leaf : protect_leaf;
	bool flush = false;
	unsigned int i;

	lockdep_assert_held_write(&vm->mmu_lock);
	for_each_set_bit(i, &mask, BITS_PER_LONG) {
		struct ept_iter it;

		if (offset + i >= slot->npages)
			break;
		if (ept_find_leaf(&it, vm, slot->base_gfn + offset + i))
			flush |= fn(it.e, it.level);
	}
	return flush;
}

/* Order of the host page that holds @pfn; its mapping is in EPT, so it cannot go away now. */
static unsigned int host_page_order(u64 pfn)
{
	struct page *page;

	if (!pfn_valid(pfn))
		return 0;
	page = pfn_to_page(pfn);
	return PageReserved(page) ? 0 : compound_order(compound_head(page));
}

/* Some frame that @table, of @level, maps; false if it maps none. */
static bool first_mapped_pfn(const u64 *table, int level, u64 *pfn)
{
	int i;

	for (i = 0; i < EPT_ENTRIES; i++) {
		u64 e = READ_ONCE(table[i]);

		if (!ept_present(e))
			continue;
		if (ept_is_leaf(e, level)) {
			*pfn = ept_pfn(e);
			return true;
		}
		if (first_mapped_pfn(ept_table(e), level - 1, pfn))
			return true;
	}
	return false;
}

/* Drop the tables below [start, end) in whose place a large page could be. */
static void recover_in_table(struct ept_zap *zap, u64 *table, int level, gfn_t start, gfn_t end)
{
	u64 span = ept_level_pages(level), pfn;
	gfn_t gfn, next;

	for (gfn = start; gfn < end; gfn = next) {
		u64 *e = &table[ept_index(gfn, level)];

		next = min(end, (gfn | (span - 1)) + 1);
		if (!ept_present(*e) || ept_is_leaf(*e, level))
			continue;
		if (level <= 3 && next - gfn == span &&
		    first_mapped_pfn(ept_table(*e), level - 1, &pfn) &&
		    host_page_order(pfn) >= ilog2(span))
			ept_zap_entry(zap, e, level);
		else if (level > 2)
			recover_in_table(zap, ept_table(*e), level - 1, gfn, next);
	}
}

/**
 * arch_mmu_recover_huge_pages() - the dirty log went off: make large pages possible again
 * @vm: the VM; vm->mmu_lock is not held
 * @slot: the slot
 *
 * Where the host has large pages the tables of small ones go, so that the next fault maps those.
 */
void arch_mmu_recover_huge_pages(struct mkvm_vm *vm, struct mkvm_memslot *slot)
{
	gfn_t gfn = slot->base_gfn, end = gfn + slot->npages, next;

	for (; gfn < end; gfn = next) {
		struct ept_zap zap = EPT_ZAP_INIT(zap);

		next = min(end, (gfn | (CHUNK_PAGES - 1)) + 1);
		write_lock(&vm->mmu_lock);
		if (vm->arch.ept.pml4)
			recover_in_table(&zap, vm->arch.ept.pml4, vm->arch.ept.levels, gfn, next);
		ept_zap_flush(vm, &zap);
		write_unlock(&vm->mmu_lock);
		ept_zap_free(vm, &zap, true);
		cond_resched();
	}
}

/**
 * arch_mmu_sync_dirty_log() - have every vCPU drain its page-modification log
 * @vm: the VM
 *
 * A page that is still in one afterwards appears in the next dirty log. A vCPU that left KVM_RUN
 * has drained its own on the way.
 */
void arch_mmu_sync_dirty_log(struct mkvm_vm *vm)
{
	if (vm->arch.pml)
		mkvm_make_all_request(vm, MKVM_REQ_PML_FLUSH);
}

/**
 * ept_log_dirty_gpa() - put one entry of a page-modification log into the dirty log
 * @vcpu: whose log it is
 * @gpa: guest-physical address of the page
 *
 * Takes vm->srcu itself. Context: any but NMI.
 */
void ept_log_dirty_gpa(struct mkvm_vcpu *vcpu, gpa_t gpa)
{
	struct mkvm_vm *vm = vcpu->vm;
	struct mkvm_memslot *slot;
	int idx = srcu_read_lock(&vm->srcu);

	slot = mkvm_gfn_to_slot(vm, gpa >> PAGE_SHIFT);
	if (slot)
		mkvm_mark_page_dirty(vm, slot, gpa >> PAGE_SHIFT);
	srcu_read_unlock(&vm->srcu, idx);
}
