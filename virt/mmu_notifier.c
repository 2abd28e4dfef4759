// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owner's page tables change, and the guest's follow.
 *
 * Before the kernel takes a page out of the owner's address space (munmap, swap-out, KSM, THP split
 * and collapse, fork, mprotect), the MMU notifiers here take it out of the guest's. KVM's ABI:
 * KVM_CAP_SYNC_MMU; kernel documentation "When do you need to notify inside page table lock?".
 * Relies on arch_mmu_zap_range() to flush before it drops vm->mmu_lock: a second invalidation of
 * the same page finds nothing to zap, so it must also find nothing to flush.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mmu_notifier.h>
#include <linux/srcu.h>

#include "trace/kvm_events.h"
#include "virt/arch.h"
#include "virt/memslot.h"
#include "virt/mmu_notifier.h"
#include "virt/state.h"

static struct mkvm_vm *notifier_to_vm(struct mmu_notifier *mn)
{
	return container_of(mn, struct mkvm_vm, mmu_notifier);
}

/*
 * The part of a slot that user range [start, end) touches, as guest frames [*first, *last).
 * Also finds slots under deletion: their mappings exist until they are zapped.
 */
static bool slot_overlap(const struct mkvm_memslot *slot, unsigned long start, unsigned long end,
			 gfn_t *first, gfn_t *last)
{
	unsigned long base = slot->userspace_addr;
	unsigned long size = slot->npages << PAGE_SHIFT;
	unsigned long from = max(start, base), to = min(end, base + size);

	if (from >= to)
		return false;
	*first = slot->base_gfn + ((from - base) >> PAGE_SHIFT);
	*last = slot->base_gfn + ((to - base + PAGE_SIZE - 1) >> PAGE_SHIFT);
	return true;
}

static void zap_hva_range(struct mkvm_vm *vm, unsigned long start, unsigned long end,
			  bool may_block)
{
	struct mkvm_memslots *slots;
	gfn_t first, last;
	unsigned int i;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	slots = mkvm_memslots(vm);
	for (i = 0; i < slots->nr; i++)
		if (slot_overlap(slots->slot[i], start, end, &first, &last))
			arch_mmu_zap_range(vm, first, last, may_block);
	srcu_read_unlock(&vm->srcu, idx);
}

/*
 * The range is noted before the slots are looked at: a slot that appears meanwhile is not
 * zapped here, but faults on it see the note and wait for the end.
 */
static int invalidate_range_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mkvm_vm *vm = notifier_to_vm(mn);

	trace_kvm_unmap_hva_range(range->start, range->end);
	write_lock(&vm->mmu_lock);
	if (!vm->invalidate_in_progress++) {
		vm->invalidate_start = range->start;
		vm->invalidate_end = range->end;
	} else {
		/* Several at once: one hull of all is precise enough, because they are short. */
		vm->invalidate_start = min(vm->invalidate_start, range->start);
		vm->invalidate_end = max(vm->invalidate_end, range->end);
	}
	write_unlock(&vm->mmu_lock);

	zap_hva_range(vm, range->start, range->end, mmu_notifier_range_blockable(range));
	return 0;
}

static void invalidate_range_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mkvm_vm *vm = notifier_to_vm(mn);

	/*
	 * A fault that looked its page up before the kernel changed the page table, but takes
	 * the lock only after this section, sees the new number.
	 */
	write_lock(&vm->mmu_lock);
	vm->invalidate_seq++;
	if (!WARN_ON_ONCE(vm->invalidate_in_progress <= 0))
		vm->invalidate_in_progress--;
	write_unlock(&vm->mmu_lock);
	if (wq_has_sleeper(&vm->invalidate_wait))
		wake_up_all(&vm->invalidate_wait);
}

static int age_hva_range(struct mkvm_vm *vm, unsigned long start, unsigned long end, bool clear)
{
	struct mkvm_memslots *slots;
	gfn_t first, last;
	bool young = false;
	unsigned int i;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	slots = mkvm_memslots(vm);
	for (i = 0; i < slots->nr; i++)
		if (slot_overlap(slots->slot[i], start, end, &first, &last))
			young |= arch_mmu_age_range(vm, first, last, clear);
	srcu_read_unlock(&vm->srcu, idx);
	return young;
}

/*
 * No flush after clearing accessed bits, as the host does for its own on x86: a TLB that still
 * knows the page delays the next setting of the bit, and a page a little too old costs less
 * than an IPI to every CPU for each page that is looked at.
 */
static int clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
			     unsigned long end)
{
	trace_kvm_age_hva(start, end);
	return age_hva_range(notifier_to_vm(mn), start, end, true);
}

static int clear_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
		       unsigned long end)
{
	trace_kvm_age_hva(start, end);
	return age_hva_range(notifier_to_vm(mn), start, end, true);
}

static int test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long address)
{
	trace_kvm_test_age_hva(address);
	return age_hva_range(notifier_to_vm(mn), address, address + PAGE_SIZE, false);
}

/* The owner is gone: no thread can run a vCPU any more, but the descriptors may live on. */
static void release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct mkvm_vm *vm = notifier_to_vm(mn);

	mkvm_state_trace_zombie(vm);
	zap_hva_range(vm, 0, ULONG_MAX, true);
}

static const struct mmu_notifier_ops mkvm_mmu_notifier_ops = {
	.release		= release,
	.invalidate_range_start	= invalidate_range_start,
	.invalidate_range_end	= invalidate_range_end,
	.clear_flush_young	= clear_flush_young,
	.clear_young		= clear_young,
	.test_young		= test_young,
};

/**
 * mkvm_mmu_notifier_register() - follow the changes of vm->mm from now on
 * @vm: the VM, under creation
 *
 * Context: process, current->mm is vm->mm; may sleep.
 * Return: 0, -ENOMEM or -EINTR.
 */
int mkvm_mmu_notifier_register(struct mkvm_vm *vm)
{
	int r;

	init_waitqueue_head(&vm->invalidate_wait);
	vm->mmu_notifier.ops = &mkvm_mmu_notifier_ops;
	r = mmu_notifier_register(&vm->mmu_notifier, vm->mm);
	if (r)
		vm->mmu_notifier.ops = NULL;
	return r;
}

/**
 * mkvm_mmu_notifier_unregister() - do not follow them any more
 * @vm: the VM, which may never have been registered
 *
 * No callback runs when it returns.
 *
 * Context: process, may sleep.
 */
void mkvm_mmu_notifier_unregister(struct mkvm_vm *vm)
{
	if (!vm->mmu_notifier.ops)
		return;
	mmu_notifier_unregister(&vm->mmu_notifier, vm->mm);
	vm->mmu_notifier.ops = NULL;
	/*
	 * Unregistering may have cut an invalidation in two: its end never comes. No vCPU is
	 * left that could wait for it.
	 */
	vm->invalidate_in_progress = 0;
}
