/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest-physical memory as slots of the owner's address space, and the lookup of a guest frame.
 *
 * Readers hold vm->srcu (or vm->slots_lock); the set of slots is replaced as a whole.
 */
#ifndef MINIKVM_VIRT_MEMSLOT_H
#define MINIKVM_VIRT_MEMSLOT_H

#include <linux/kvm_types.h>

#include "virt/vm.h"

struct mkvm_vcpu;

/**
 * struct mkvm_memslot - guest frames [base_gfn, base_gfn + npages) backed by user memory
 * @id: the number userspace gave it
 * @base_gfn: first guest frame
 * @npages: length in 4K pages, never 0
 * @userspace_addr: host virtual address of the first byte
 * @flags: KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY
 * @dirty_bitmap: one bit per page, or NULL when the log is off
 */
struct mkvm_memslot {
	u32 id;
	u32 flags;
	gfn_t base_gfn;
	u64 npages;
	unsigned long userspace_addr;
	unsigned long *dirty_bitmap;
};

/*
 * In @flags, beside userspace's: the slot is being deleted or moved. No new mapping of it may
 * be made, but MMU notifiers must still find those that exist.
 */
#define MKVM_SLOT_INVALID	BIT(16)

/* Pages in one slot, as in KVM: a dirty bitmap of 256 MiB. */
#define MKVM_SLOT_MAX_PAGES	((1UL << 31) - 1)

/**
 * struct mkvm_memslots - the slots of a VM at one moment; never changed once published
 * @generation: never the same for two sets of one VM
 * @nr: number of slots
 * @age: length of the chain of @older
 * @older: sets that a reader may still look at; freed at the next grace period, or with the VM
 * @retired: a slot that dies with this set
 * @slot: the slots by ascending base_gfn; they do not overlap
 */
struct mkvm_memslots {
	u64 generation;
	unsigned int nr;
	unsigned int age;
	struct mkvm_memslots *older;
	struct mkvm_memslot *retired;
	struct mkvm_memslot *slot[];
};

/* The current set. vm->srcu read-held, or vm->slots_lock. */
static inline struct mkvm_memslots *mkvm_memslots(struct mkvm_vm *vm)
{
	return srcu_dereference_check(vm->memslots, &vm->srcu,
				      lockdep_is_held(&vm->slots_lock));
}

static inline bool mkvm_slot_logs_dirty(const struct mkvm_memslot *slot)
{
	return slot->dirty_bitmap;
}

/* Bytes of the bitmap of a slot of @npages pages, as GET_DIRTY_LOG copies it. */
static inline unsigned long mkvm_dirty_bitmap_bytes(u64 npages)
{
	return ALIGN(npages, BITS_PER_LONG) / 8;
}

static inline unsigned long mkvm_slot_hva(const struct mkvm_memslot *slot, gfn_t gfn)
{
	return slot->userspace_addr + ((gfn - slot->base_gfn) << PAGE_SHIFT);
}

unsigned int mkvm_slots_search(const struct mkvm_memslots *slots, gfn_t gfn);
bool mkvm_slots_overlap(const struct mkvm_memslots *slots, const struct mkvm_memslot *but,
			gfn_t base, u64 npages);
struct mkvm_memslot *mkvm_gfn_to_slot(struct mkvm_vm *vm, gfn_t gfn);
struct mkvm_memslot *mkvm_vcpu_gfn_to_slot(struct mkvm_vcpu *vcpu, gfn_t gfn);
struct mkvm_memslot *mkvm_slot_by_id(struct mkvm_vm *vm, u32 id);
void mkvm_mark_page_dirty(struct mkvm_vm *vm, struct mkvm_memslot *slot, gfn_t gfn);

#endif
