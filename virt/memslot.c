// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a guest frame to its memory slot, and the mark that a page of it was written.
 *
 * A VM's set of slots is an array of pointers sorted by guest frame, so that a lookup is a binary
 * search. A reader holds vm->srcu and sees one set for all the time; virt/memory_region.c, which
 * carries out KVM_SET_USER_MEMORY_REGION, replaces the set as a whole.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <linux/nospec.h>

#include "virt/memslot.h"
#include "virt/vcpu.h"

/**
 * mkvm_slots_search() - find the place of a guest frame in a set of slots
 * @slots: the set
 * @gfn: the guest frame
 *
 * Return: index of the first slot that ends above @gfn, @slots->nr if there is none.
 */
unsigned int mkvm_slots_search(const struct mkvm_memslots *slots, gfn_t gfn)
{
	unsigned int lo = 0, hi = slots->nr;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;
		const struct mkvm_memslot *slot = slots->slot[mid];

		if (gfn < slot->base_gfn + slot->npages)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static struct mkvm_memslot *slots_find(const struct mkvm_memslots *slots, gfn_t gfn)
{
	unsigned int i = mkvm_slots_search(slots, gfn);

	if (i >= slots->nr)
		return NULL;
	/* The guest chooses @gfn: no speculation past the array. */
	i = array_index_nospec(i, slots->nr);
	return gfn >= slots->slot[i]->base_gfn ? slots->slot[i] : NULL;
}

/**
 * mkvm_gfn_to_slot() - find the slot of a guest frame
 * @vm: the VM; vm->srcu read-held, which keeps the slot alive
 * @gfn: the guest frame
 *
 * Return: the slot, possibly one that is being deleted (MKVM_SLOT_INVALID); NULL if no slot has
 * the frame.
 */
struct mkvm_memslot *mkvm_gfn_to_slot(struct mkvm_vm *vm, gfn_t gfn)
{
	return slots_find(mkvm_memslots(vm), gfn);
}

/**
 * mkvm_vcpu_gfn_to_slot() - find the slot of a guest frame, where the vCPU's last hit was first
 * @vcpu: the vCPU, whose thread this is; vm->srcu read-held
 * @gfn: the guest frame
 *
 * Return: as mkvm_gfn_to_slot().
 */
struct mkvm_memslot *mkvm_vcpu_gfn_to_slot(struct mkvm_vcpu *vcpu, gfn_t gfn)
{
	struct mkvm_memslots *slots = mkvm_memslots(vcpu->vm);
	struct mkvm_memslot *slot;

	/* With the set's own generation the slot is one of this set, so it is not freed yet. */
	if (vcpu->last_slot_generation == slots->generation) {
		slot = vcpu->last_slot;
		if (gfn >= slot->base_gfn && gfn - slot->base_gfn < slot->npages)
			return slot;
	}
	slot = slots_find(slots, gfn);
	if (slot) {
		vcpu->last_slot = slot;
		vcpu->last_slot_generation = slots->generation;
	}
	return slot;
}

/**
 * mkvm_slot_by_id() - find the slot that userspace gave a number
 * @vm: the VM; vm->slots_lock held
 * @id: the number
 *
 * Return: the slot or NULL.
 */
struct mkvm_memslot *mkvm_slot_by_id(struct mkvm_vm *vm, u32 id)
{
	lockdep_assert_held(&vm->slots_lock);
	return xa_load(&vm->slot_ids, id);
}

/**
 * mkvm_slots_overlap() - is there memory in a range of guest frames?
 * @slots: the set of slots to look in
 * @but: a slot that does not count, or NULL
 * @base: first frame
 * @npages: number of frames
 *
 * Return: true if a slot other than @but has one of the frames.
 */
bool mkvm_slots_overlap(const struct mkvm_memslots *slots, const struct mkvm_memslot *but,
			gfn_t base, u64 npages)
{
	unsigned int i;

	for (i = mkvm_slots_search(slots, base); i < slots->nr; i++) {
		if (slots->slot[i]->base_gfn >= base + npages)
			return false;
		if (slots->slot[i] != but)
			return true;
	}
	return false;
}

/**
 * mkvm_mark_page_dirty() - note in the dirty log that a page was written
 * @vm: the VM
 * @slot: the slot of the page; vm->srcu read-held, or a lock that keeps the slot alive
 * @gfn: its guest frame
 *
 * Context: any. Nothing happens if the slot has no log.
 */
void mkvm_mark_page_dirty(struct mkvm_vm *vm, struct mkvm_memslot *slot, gfn_t gfn)
{
	u64 rel = gfn - slot->base_gfn;

	if (!slot->dirty_bitmap || rel >= slot->npages)
		return;
	/* The page's new content comes first: whatever takes the bit after this must see it. */
	smp_mb();
	/* The bitmap is shared by all vCPUs: the line is fetched for writing only if it must be. */
	if (!test_bit(rel, slot->dirty_bitmap))
		set_bit(rel, slot->dirty_bitmap);
}
