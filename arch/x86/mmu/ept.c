// SPDX-License-Identifier: GPL-2.0-only
/*
 * One VM's EPT: its life, walks, and taking entries away.
 *
 * SDM, "The Extended Page Table Mechanism (EPT)", "EPT Pointer", "Invalidating Cached Translation
 * Information". Zapping unlinks whole tables where the range covers them, so the lock is held
 * for at most two partial tables per level whatever the size of the range; the tables are taken
 * apart and freed after the flush, without the lock.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <asm/processor.h>

#include "arch/x86/mmu/ept.h"
#include "arch/x86/mmu/ept_table.h"
#include "arch/x86/mmu/memtype.h"
#include "arch/x86/vmx/vmx.h"
#include "trace/minikvm_events.h"
#include "virt/arch.h"
#include "virt/host_page.h"
#include "virt/guest_memory.h"

/* EPTP: bits 2:0 memory type of the tables, 5:3 levels - 1, 6 accessed and dirty flags on. */
#define EPTP_LEVELS_SHIFT	3
#define EPTP_AD			BIT_ULL(6)

static int ept_levels(void)
{
	return vmx_caps.ept_5level && boot_cpu_data.x86_phys_bits > 48 ? 5 : 4;
}

/**
 * arch_mmu_max_gfn() - the last guest frame that EPT can map on this processor
 *
 * Return: its number.
 */
gfn_t arch_mmu_max_gfn(void)
{
	int bits = min_t(int, boot_cpu_data.x86_phys_bits, PAGE_SHIFT + 9 * ept_levels());

	return (1ULL << (bits - PAGE_SHIFT)) - 1;
}

/**
 * ept_table_alloc() - a zeroed table, charged to the VM's owner
 * @vm: the VM
 * @gfp: GFP_KERNEL, or GFP_NOWAIT under the lock
 *
 * Return: the table, or NULL without memory.
 */
u64 *ept_table_alloc(struct mkvm_vm *vm, gfp_t gfp)
{
	u64 *table = (u64 *)__get_free_page(gfp | __GFP_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);

	if (table)
		atomic_long_inc(&vm->arch.ept.pages);
	return table;
}

/**
 * ept_table_free() - free a table that nothing links, and not those below it
 * @vm: the VM
 * @table: the table
 */
void ept_table_free(struct mkvm_vm *vm, u64 *table)
{
	free_page((unsigned long)table);
	atomic_long_dec(&vm->arch.ept.pages);
}

/* Free a table that nothing links any more, with all below it. At most five deep. */
static void ept_free_subtree(struct mkvm_vm *vm, u64 *table, int level, bool may_block)
{
	int i;

	for (i = 0; level > 1 && i < EPT_ENTRIES; i++)
		if (ept_present(table[i]) && !ept_is_leaf(table[i], level))
			ept_free_subtree(vm, ept_table(table[i]), level - 1, may_block);
	ept_table_free(vm, table);
	if (may_block)
		cond_resched();
}

/**
 * ept_init_vm() - give a new VM its top table and its EPTP
 * @vm: the VM, which no vCPU has entered
 *
 * Return: 0 or -ENOMEM.
 */
int ept_init_vm(struct mkvm_vm *vm)
{
	struct ept_root *root = &vm->arch.ept;
	u64 *top = ept_table_alloc(vm, GFP_KERNEL);

	if (!top)
		return -ENOMEM;
	root->levels = ept_levels();
	root->eptp = virt_to_phys(top) | (u64)(root->levels - 1) << EPTP_LEVELS_SHIFT |
		     (vmx_caps.ept_wb ? MEMTYPE_WB : MEMTYPE_UC) |
		     (vmx_caps.ept_ad ? EPTP_AD : 0);
	/* The MMU notifier may be on already: levels before the table. */
	write_lock(&vm->mmu_lock);
	root->pml4 = top;
	write_unlock(&vm->mmu_lock);
	return 0;
}

/**
 * ept_destroy_vm() - free a VM's tables
 * @vm: the VM; no vCPU of it exists any more, and its MMU notifier is unregistered
 */
void ept_destroy_vm(struct mkvm_vm *vm)
{
	struct ept_root *root = &vm->arch.ept;
	u64 *top;

	write_lock(&vm->mmu_lock);
	top = root->pml4;
	root->pml4 = NULL;
	root->eptp = 0;
	write_unlock(&vm->mmu_lock);
	if (top)
		ept_free_subtree(vm, top, root->levels, true);
	WARN_ON_ONCE(atomic_long_read(&root->pages));
}

/**
 * ept_zap_entry() - take one entry away
 * @zap: collects what is to be flushed and freed
 * @e: the entry
 * @level: of its table
 *
 * Context: vm->mmu_lock held for writing.
 */
void ept_zap_entry(struct ept_zap *zap, u64 *e, int level)
{
	/* The processor may be setting its flags: the old value must be all of it. */
	u64 old = xchg(e, 0);

	zap->changed = true;
	if (!ept_is_leaf(old, level)) {
		struct page *page = virt_to_page(ept_table(old));

		set_page_private(page, level - 1);
		list_add(&page->lru, &zap->tables);
	}
}

/**
 * ept_zap_flush() - make it final: flush the vCPUs' TLBs if anything was taken away
 * @vm: the VM
 * @zap: of ept_zap_entry()
 *
 * Context: before the write side of vm->mmu_lock is released.
 */
void ept_zap_flush(struct mkvm_vm *vm, struct ept_zap *zap)
{
	lockdep_assert_held_write(&vm->mmu_lock);
	/* The next thread to zap the same range finds it empty and does not flush: flush now. */
	if (zap->changed)
		mkvm_flush_remote_tlbs(vm);
}

/**
 * ept_zap_free() - free the tables that were taken away
 * @vm: the VM
 * @zap: after ept_zap_flush()
 * @may_block: cond_resched() is allowed; the lock is not held then
 */
void ept_zap_free(struct mkvm_vm *vm, struct ept_zap *zap, bool may_block)
{
	struct page *page, *next;

	/* No walk, by processor or by module, can reach these any more. */
	list_for_each_entry_safe(page, next, &zap->tables, lru) {
		int level = page_private(page);

		list_del(&page->lru);
		set_page_private(page, 0);
		ept_free_subtree(vm, page_address(page), level, may_block);
	}
}

/* [start, end) lies inside what @table, of @level, maps. */
static void zap_in_table(struct ept_zap *zap, u64 *table, int level, gfn_t start, gfn_t end)
{
	u64 span = ept_level_pages(level);
	gfn_t gfn, next;

	for (gfn = start; gfn < end; gfn = next) {
		u64 *e = &table[ept_index(gfn, level)];

		next = min(end, (gfn | (span - 1)) + 1);
		if (!ept_present(*e))
			continue;
		if (ept_is_leaf(*e, level) || next - gfn == span)
			ept_zap_entry(zap, e, level);
		else
			zap_in_table(zap, ept_table(*e), level - 1, gfn, next);
	}
}

/**
 * arch_mmu_zap_range() - take guest frames away
 * @vm: the VM; vm->mmu_lock is not held
 * @start: first frame
 * @end: the frame behind the last one
 * @may_block: cond_resched() is allowed
 *
 * On return no entry maps any frame of the range, no vCPU can use a stale translation of it, and
 * the tables that were needed for it alone are free. A large page that is partly in the range goes
 * as a whole.
 *
 * Return: true if a frame was mapped.
 */
bool arch_mmu_zap_range(struct mkvm_vm *vm, gfn_t start, gfn_t end, bool may_block)
{
	struct ept_zap zap = EPT_ZAP_INIT(zap);

	end = min(end, arch_mmu_max_gfn() + 1);
	if (start >= end)
		return false;

	write_lock(&vm->mmu_lock);
	if (vm->arch.ept.pml4)
		zap_in_table(&zap, vm->arch.ept.pml4, vm->arch.ept.levels, start, end);
	ept_zap_flush(vm, &zap);
	write_unlock(&vm->mmu_lock);
	ept_zap_free(vm, &zap, may_block);
	trace_minikvm_ept_zap(vm->number, start, end, zap.changed);
	return zap.changed;
}

/**
 * arch_vm_set_noncoherent_dma() - the first device that does not snoop came, or the last one went
 * @vm: the VM; vm->mmu_lock is not held
 * @noncoherent: there is one now
 *
 * Memory types are the guest's then, else write-back: every leaf is made anew.
 */
void arch_vm_set_noncoherent_dma(struct mkvm_vm *vm, bool noncoherent)
{
	bool changed;

	/* Faults read it under the lock: after the zap, all that is there is of the new kind. */
	write_lock(&vm->mmu_lock);
	changed = vm->arch.noncoherent_dma != noncoherent;
	WRITE_ONCE(vm->arch.noncoherent_dma, noncoherent);
	write_unlock(&vm->mmu_lock);
	if (!changed)
		return;
	arch_mmu_zap_range(vm, 0, arch_mmu_max_gfn() + 1, true);
	pr_info_ratelimited("vm %s: memory types are %s\n", vm->name, noncoherent ?
			    "the guest's: a device does not snoop the caches" :
			    "write-back: every device snoops the caches");
}

/**
 * ept_memtypes_changed() - the guest changed MTRRs or CR0.CD
 * @vm: the VM; process context, no lock held
 *
 * Where they count (a device does not snoop the caches), every leaf is made anew.
 */
void ept_memtypes_changed(struct mkvm_vm *vm)
{
	if (READ_ONCE(vm->arch.noncoherent_dma))
		arch_mmu_zap_range(vm, 0, arch_mmu_max_gfn() + 1, true);
}

/**
 * ept_guest_bytes() - guest memory where the kernel has it
 * @vm: the VM
 * @gpa: guest-physical address of the first byte
 * @len: how many bytes the caller may read through the pointer
 *
 * The page behind this one in the host's memory may belong to another owner: what does not lie in
 * one page of the guest is refused here, so that no caller has to think of it.
 *
 * Context: the vCPU's thread in hot_loop_run()'s loop, interrupts off: a thread that takes the
 * page away waits for this CPU, as it does for the CPU's TLB. The pointer is good until the loop
 * ends, and longer only where MKVM_REQ_TLB_FLUSH forgets it.
 * Return: the bytes, or NULL when they cross a page's end, EPT does not map the page, or it is no
 * memory.
 */
const void *ept_guest_bytes(struct mkvm_vm *vm, gpa_t gpa, unsigned int len)
{
	gfn_t gfn = gpa >> PAGE_SHIFT;
	struct ept_iter it;
	kvm_pfn_t pfn;

	if (!mkvm_in_one_page(gpa, len) || gfn > arch_mmu_max_gfn())
		return NULL;
	if (!ept_find_leaf(&it, vm, gfn) || !(it.val & EPT_READ))
		return NULL;
	pfn = ept_pfn(it.val) | (gfn & (ept_level_pages(it.level) - 1));
	if (!pfn_valid(pfn) || mkvm_pfn_is_mmio(pfn))
		return NULL;
	return pfn_to_kaddr(pfn) + offset_in_page(gpa);
}

static bool leaves_in_table(u64 *table, int level, gfn_t start, gfn_t end, ept_leaf_fn fn)
{
	u64 span = ept_level_pages(level);
	gfn_t gfn, next;
	bool ret = false;

	for (gfn = start; gfn < end; gfn = next) {
		u64 *e = &table[ept_index(gfn, level)];
		u64 val = READ_ONCE(*e);

		next = min(end, (gfn | (span - 1)) + 1);
		if (!ept_present(val))
			continue;
		if (ept_is_leaf(val, level))
			ret |= fn(e, level);
		else
			ret |= leaves_in_table(ept_table(val), level - 1, gfn, next, fn);
	}
	return ret;
}

/**
 * ept_walk_leaves() - call a function for each leaf of a range
 * @vm: the VM; vm->mmu_lock held, as @fn needs it
 * @start: first frame
 * @end: the frame behind the last one
 * @fn: gets the entry, which is present, and the level of its table
 *
 * Return: true if one of the calls returned true.
 */
bool ept_walk_leaves(struct mkvm_vm *vm, gfn_t start, gfn_t end, ept_leaf_fn fn)
{
	end = min(end, arch_mmu_max_gfn() + 1);
	if (!vm->arch.ept.pml4 || start >= end)
		return false;
	return leaves_in_table(vm->arch.ept.pml4, vm->arch.ept.levels, start, end, fn);
}

static bool leaf_test_young(u64 *e, int level)
{
	return READ_ONCE(*e) & EPT_ACCESSED;
}

static bool leaf_clear_young(u64 *e, int level)
{
	return test_and_clear_bit(ilog2(EPT_ACCESSED), (unsigned long *)e);
}

static bool leaf_mapped(u64 *e, int level)
{
	return true;
}

/**
 * arch_mmu_age_range() - was a frame accessed since its accessed flag was cleared last?
 * @vm: the VM; vm->mmu_lock is not held
 * @start: first frame
 * @end: the frame behind the last one
 * @clear: clear the flags now, without a flush of TLBs
 *
 * Without accessed flags in EPT every mapped page counts as accessed, and to clear is to unmap.
 *
 * Context: may not sleep.
 * Return: true if one was.
 */
bool arch_mmu_age_range(struct mkvm_vm *vm, gfn_t start, gfn_t end, bool clear)
{
	ept_leaf_fn fn = leaf_mapped;
	bool young;

	/* Called with the host's page table locked: nothing here may sleep. */
	if (vmx_caps.ept_ad)
		fn = clear ? leaf_clear_young : leaf_test_young;
	else if (clear)
		return arch_mmu_zap_range(vm, start, end, false);

	read_lock(&vm->mmu_lock);
	young = ept_walk_leaves(vm, start, end, fn);
	read_unlock(&vm->mmu_lock);
	return young;
}

/**
 * ept_dump_walk() - print the walk of one address, for diagnostics
 * @vm: the VM
 * @gpa: guest-physical address
 *
 * Rate limited, and without addresses of the host's.
 */
void ept_dump_walk(struct mkvm_vm *vm, gpa_t gpa)
{
	static const char * const memtype[8] = {
		"UC", "WC", "reserved type 2", "reserved type 3", "WT", "WP", "WB",
		"reserved type 7",
	};
	static const char * const size[] = { "", "4K", "2M", "1G" };
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 2);
	u64 entry[EPT_MAX_LEVELS] = {};
	gfn_t gfn = gpa >> PAGE_SHIFT;
	int level, first = 0;
	struct ept_iter it;

	if (!__ratelimit(&limit))
		return;
	read_lock(&vm->mmu_lock);
	if (ept_iter_top(&it, vm, gfn)) {
		first = it.level;
		do {
			entry[it.level - 1] = it.val;
		} while (ept_iter_down(&it, gfn));
	}
	read_unlock(&vm->mmu_lock);

	/* Where tables and pages lie in the host's memory is not for the log. */
	pr_notice("EPT walk of gpa %#llx (%d levels), addresses left out\n", gpa, first);
	for (level = first; level; level--) {
		u64 e = entry[level - 1], bits = e & ~EPT_ADDR_MASK;
		unsigned int i = ept_index(gfn, level);

		if (!ept_present(e)) {
			pr_notice("  level %d, entry %u: not present\n", level, i);
			break;
		}
		if (!ept_is_leaf(e, level)) {
			pr_notice("  level %d, entry %u: table, bits %#llx\n", level, i, bits);
			continue;
		}
		pr_notice("  level %d, entry %u: %s page, bits %#llx, %c%c%c, %s%s%s%s\n", level, i,
			  level < 4 ? size[level] : "impossible", bits,
			  e & EPT_READ ? 'r' : '-', e & EPT_WRITE ? 'w' : '-',
			  e & EPT_EXEC ? 'x' : '-', memtype[e >> EPT_MEMTYPE_SHIFT & 7],
			  e & BIT_ULL(6) ? ", ignores PAT" : "",
			  e & EPT_ACCESSED ? ", accessed" : "", e & EPT_DIRTY ? ", dirty" : "");
		break;
	}
}
