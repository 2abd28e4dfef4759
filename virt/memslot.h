/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest-physical memory as slots of the owner's address space.
 *
 * KVM_SET_USER_MEMORY_REGION, the lookup from guest frame to host address, access to guest
 * memory from the kernel, and the dirty log's bitmap. Readers hold vm->srcu (or
 * vm->slots_lock); the set of slots is replaced as a whole.
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

/* A VM under creation has no memory; vm->srcu is initialised. 0 or -ENOMEM. */
int mkvm_memslots_init(struct mkvm_vm *vm);
/* Free all slots. Nobody has a reference to the VM, and its MMU notifier is unregistered. */
void mkvm_memslots_destroy(struct mkvm_vm *vm);

/* The current set. vm->srcu read-held, or vm->slots_lock. */
static inline struct mkvm_memslots *mkvm_memslots(struct mkvm_vm *vm)
{
	return srcu_dereference_check(vm->memslots, &vm->srcu,
				      lockdep_is_held(&vm->slots_lock));
}

/* Does a slot have one of these frames? vm->slots_lock held. */
bool mkvm_slot_in_range(struct mkvm_vm *vm, gfn_t base, u64 npages);
/* The slot with this number, or NULL. vm->slots_lock held. */
struct mkvm_memslot *mkvm_slot_by_id(struct mkvm_vm *vm, u32 id);

static inline bool mkvm_slot_logs_dirty(const struct mkvm_memslot *slot)
{
	return slot->dirty_bitmap;
}

/* Bytes of the bitmap of a slot of @npages pages, as GET_DIRTY_LOG copies it. */
static inline unsigned long mkvm_dirty_bitmap_bytes(u64 npages)
{
	return ALIGN(npages, BITS_PER_LONG) / 8;
}

/*
 * KVM_SET_USER_MEMORY_REGION: takes vm->slots_lock itself. 0; -EINVAL or -EEXIST with the check
 * that failed in the log; -ENOMEM. A refused call changes nothing.
 */
int mkvm_set_memory_region(struct mkvm_vm *vm, const struct kvm_userspace_memory_region *mem);
/*
 * KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG: take vm->slots_lock themselves. 0; -EINVAL for a bad
 * number or range, -ENOENT without a slot or a log, -EFAULT for a bad user pointer: then no
 * page is forgotten.
 */
int mkvm_get_dirty_log(struct mkvm_vm *vm, const struct kvm_dirty_log *log);
int mkvm_clear_dirty_log(struct mkvm_vm *vm, const struct kvm_clear_dirty_log *log);

/* The slot that holds @gfn, or NULL. vm->srcu read-held. */
struct mkvm_memslot *mkvm_gfn_to_slot(struct mkvm_vm *vm, gfn_t gfn);
/* The same with the vCPU's last hit tried first. */
struct mkvm_memslot *mkvm_vcpu_gfn_to_slot(struct mkvm_vcpu *vcpu, gfn_t gfn);

static inline unsigned long mkvm_slot_hva(const struct mkvm_memslot *slot, gfn_t gfn)
{
	return slot->userspace_addr + ((gfn - slot->base_gfn) << PAGE_SHIFT);
}

/*
 * Do @len bytes from @gpa lie in one page? Whatever a frame was looked up for ends with the frame:
 * every function that turns an address of the guest's into a pointer asks this first.
 */
static inline bool mkvm_in_one_page(gpa_t gpa, unsigned long len)
{
	return len <= PAGE_SIZE - (gpa & ~PAGE_MASK);
}

/*
 * Access to guest memory through the owner's mapping: 0, or -EFAULT when a part has no slot
 * (or, for writes, is read-only) or userspace unmapped it. May sleep; vm->srcu read-held;
 * current->mm must be vm->mm. Written pages are marked dirty.
 */
int mkvm_read_guest(struct mkvm_vm *vm, gpa_t gpa, void *data, unsigned long len);
int mkvm_write_guest(struct mkvm_vm *vm, gpa_t gpa, const void *data, unsigned long len);
/* Would all of it be written, as things stand? Nothing changes, nothing is marked dirty. */
bool mkvm_guest_writable(struct mkvm_vm *vm, gpa_t gpa, unsigned long len);
/*
 * As mkvm_read_guest() in the vCPU's thread: tries its last slot first. Also -EFAULT when the bytes
 * do not lie in one page.
 */
int mkvm_vcpu_read_guest(struct mkvm_vcpu *vcpu, gpa_t gpa, void *data, unsigned int len);
/*
 * Atomic compare-and-exchange of 1, 2, 4, 8 bytes that are mkvm_lockable(): 0, -EAGAIN on mismatch
 * (@old is then updated), -EFAULT as above.
 */
int mkvm_cmpxchg_guest(struct mkvm_vm *vm, gpa_t gpa, u64 *old, u64 new, unsigned int len);
/* The same for 16 aligned bytes; @old stays what it was. */
int mkvm_cmpxchg16_guest(struct mkvm_vm *vm, gpa_t gpa, const u64 old[2], const u64 new[2]);

/*
 * Inside a cache line every alignment is atomic. Across two it would be a split lock, which not
 * every host lets its kernel take.
 */
static inline bool mkvm_lockable(gpa_t gpa, unsigned int len)
{
	return !((gpa ^ (gpa + len - 1)) & ~63ull);
}

/* Log a write to @gfn of @slot. Any context. */
void mkvm_mark_page_dirty(struct mkvm_vm *vm, struct mkvm_memslot *slot, gfn_t gfn);

#endif
