// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_USER_MEMORY_REGION: memory slots come, go, move and change their flags.
 *
 * A change builds a new set of slots (virt/memslot.h) and publishes it; readers hold vm->srcu and
 * see one set or the other. There are at most MKVM_USER_MEM_SLOTS, so a change costs one copy of
 * an array of pointers. Only a change that takes something away waits for the readers. Relies on
 * arch_mmu_zap_range() to take the guest's mappings away.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "virt/arch.h"
#include "virt/memory_region.h"
#include "virt/memslot.h"
#include "virt/vcpu.h"

/* Old sets that may wait for the next grace period. */
#define SLOTS_MAX_AGE	16

static struct mkvm_memslots *slots_alloc(unsigned int nr)
{
	struct mkvm_memslots *slots;

	return kvzalloc(struct_size(slots, slot, nr), GFP_KERNEL_ACCOUNT);
}

/**
 * mkvm_memslots_init() - give a VM an empty set of slots
 * @vm: the VM, under creation; vm->srcu is initialised
 *
 * Return: 0 or -ENOMEM.
 */
int mkvm_memslots_init(struct mkvm_vm *vm)
{
	struct mkvm_memslots *slots = slots_alloc(0);

	if (!slots)
		return -ENOMEM;
	/* A new vCPU remembers no slot, of generation 0: that must never match. */
	slots->generation = 1;
	rcu_assign_pointer(vm->memslots, slots);
	xa_init(&vm->slot_ids);
	return 0;
}

static void slot_free(struct mkvm_memslot *slot)
{
	kvfree(slot->dirty_bitmap);
	kfree(slot);
}

/* Free sets that no reader can see any more; the slots that live on are not touched. */
static void slots_free_chain(struct mkvm_memslots *slots)
{
	while (slots) {
		struct mkvm_memslots *older = slots->older;

		kfree(slots->retired);
		kvfree(slots);
		slots = older;
	}
}

/**
 * mkvm_memslots_destroy() - free all slots of a VM
 * @vm: the VM; its last reference is gone and its MMU notifier is unregistered
 */
void mkvm_memslots_destroy(struct mkvm_vm *vm)
{
	struct mkvm_memslots *slots;
	unsigned int i;

	slots = rcu_dereference_protected(vm->memslots, true);
	if (!slots)
		return;
	RCU_INIT_POINTER(vm->memslots, NULL);
	for (i = 0; i < slots->nr; i++)
		slot_free(slots->slot[i]);
	slots_free_chain(slots);
	xa_destroy(&vm->slot_ids);
}

/* Append to @room the slots [@from, @to) of @old; none if @from is not below @to. */
static void slots_append(struct mkvm_memslots *room, const struct mkvm_memslots *old,
			 unsigned int from, unsigned int to)
{
	if (from >= to)
		return;
	memcpy(&room->slot[room->nr], &old->slot[from], (to - from) * sizeof(old->slot[0]));
	room->nr += to - from;
}

/*
 * Make @room a copy of @old without the slot @out and with the slot @in; either may be NULL.
 * @room comes from slots_alloc() and has enough entries.
 */
static void slots_build(struct mkvm_memslots *room, const struct mkvm_memslots *old,
			const struct mkvm_memslot *out, struct mkvm_memslot *in)
{
	/* Places in @old: where @out is, and before which slot @in comes; the end for none. */
	unsigned int out_at = out ? mkvm_slots_search(old, out->base_gfn) : old->nr;
	unsigned int in_at = in ? mkvm_slots_search(old, in->base_gfn) : old->nr;

	room->generation = old->generation + 1;
	room->nr = 0;
	slots_append(room, old, 0, min(in_at, out_at));
	if (in_at > out_at)
		slots_append(room, old, out_at + 1, in_at);
	if (in)
		room->slot[room->nr++] = in;
	slots_append(room, old, in_at, out_at);
	slots_append(room, old, max(in_at, out_at + 1), old->nr);
}

/*
 * Make @new the current set. With @wait no reader of an older set is left on return. Without it
 * there may be some, so the older sets stay in a chain, until a later change has to wait anyway or
 * the chain is long.
 */
static void slots_publish(struct mkvm_vm *vm, struct mkvm_memslots *new, bool wait)
{
	new->older = mkvm_memslots(vm);
	new->age = new->older->age + 1;
	rcu_assign_pointer(vm->memslots, new);
	if (!wait && new->age <= SLOTS_MAX_AGE)
		return;

	/* VMMs stop a vCPU for this ioctl: an ordinary grace period would be too long. */
	synchronize_srcu_expedited(&vm->srcu);
	slots_free_chain(new->older);
	new->older = NULL;
	new->age = 0;
}

/* The checks that need no look at the other slots, in the order of KVM's. */
static int region_check(struct mkvm_vm *vm, const struct kvm_userspace_memory_region *mem)
{
	u64 npages = mem->memory_size >> PAGE_SHIFT;

	if (mem->flags & ~(u32)(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)) {
		mkvm_refuse(vm, "memory slot 0x%x: flags 0x%x, known are 0x%lx", mem->slot,
			    mem->flags, KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY);
		return -EINVAL;
	}
	if (!PAGE_ALIGNED(mem->memory_size) || !PAGE_ALIGNED(mem->guest_phys_addr) ||
	    !PAGE_ALIGNED(mem->userspace_addr)) {
		mkvm_refuse(vm, "memory slot 0x%x: size 0x%llx, guest address 0x%llx and user address 0x%llx must be multiples of 4096",
			    mem->slot, mem->memory_size, mem->guest_phys_addr, mem->userspace_addr);
		return -EINVAL;
	}
	if (mem->userspace_addr != untagged_addr(mem->userspace_addr) ||
	    !access_ok((void __user *)(unsigned long)mem->userspace_addr, mem->memory_size)) {
		mkvm_refuse(vm, "memory slot 0x%x: [0x%llx, +0x%llx) is no range of user addresses",
			    mem->slot, mem->userspace_addr, mem->memory_size);
		return -EINVAL;
	}
	/* Bits 31:16 name the address space: 1 is system-management mode, which does not exist. */
	if (mem->slot >= MKVM_USER_MEM_SLOTS) {
		mkvm_refuse(vm, "memory slot 0x%x: slots are 0 to %u, of address space 0",
			    mem->slot, MKVM_USER_MEM_SLOTS - 1);
		return -EINVAL;
	}
	if (mem->guest_phys_addr + mem->memory_size < mem->guest_phys_addr ||
	    npages > MKVM_SLOT_MAX_PAGES) {
		mkvm_refuse(vm, "memory slot 0x%x: %llu pages at 0x%llx: at most %lu, and they may not wrap round",
			    mem->slot, npages, mem->guest_phys_addr, MKVM_SLOT_MAX_PAGES);
		return -EINVAL;
	}
	return 0;
}

static int dirty_bitmap_alloc(struct mkvm_vm *vm, struct mkvm_memslot *slot)
{
	slot->dirty_bitmap = kvzalloc(mkvm_dirty_bitmap_bytes(slot->npages), GFP_KERNEL_ACCOUNT);
	if (!slot->dirty_bitmap)
		return -ENOMEM;
	if (vm->dirty_log_manual & KVM_DIRTY_LOG_INITIALLY_SET)
		bitmap_set(slot->dirty_bitmap, 0, slot->npages);
	return 0;
}

/*
 * Delete @old, or replace it by @new at another guest address. While its mappings are taken away
 * the slot stays in the set, marked invalid: faults make no new mapping of it, and MMU notifiers
 * find those that are left. vm->slots_lock held; on success no reader refers to @old any more.
 */
static int slot_replace(struct mkvm_vm *vm, struct mkvm_memslot *old, struct mkvm_memslot *new)
{
	struct mkvm_memslots *during, *after;
	struct mkvm_memslot *invalid;

	during = slots_alloc(mkvm_memslots(vm)->nr);
	after = slots_alloc(mkvm_memslots(vm)->nr);
	invalid = kzalloc(sizeof(*invalid), GFP_KERNEL_ACCOUNT);
	if (!during || !after || !invalid) {
		kvfree(during);
		kvfree(after);
		kfree(invalid);
		return -ENOMEM;
	}

	*invalid = *old;
	invalid->flags |= MKVM_SLOT_INVALID;
	/* A log that ends here is freed while readers may still see @invalid. */
	if (!new || new->dirty_bitmap != old->dirty_bitmap)
		invalid->dirty_bitmap = NULL;
	slots_build(during, mkvm_memslots(vm), old, invalid);
	during->retired = invalid;
	slots_publish(vm, during, true);
	arch_mmu_zap_range(vm, old->base_gfn, old->base_gfn + old->npages, true);

	slots_build(after, during, invalid, new);
	slots_publish(vm, after, false);
	return 0;
}

static int slot_delete(struct mkvm_vm *vm, struct mkvm_memslot *old)
{
	int r = slot_replace(vm, old, NULL);

	if (!r) {
		xa_erase(&vm->slot_ids, old->id);
		slot_free(old);
	}
	return r;
}

static int slot_create(struct mkvm_vm *vm, struct mkvm_memslot *new)
{
	struct mkvm_memslots *slots = mkvm_memslots(vm), *after;

	if (xa_reserve(&vm->slot_ids, new->id, GFP_KERNEL_ACCOUNT))
		return -ENOMEM;
	after = slots_alloc(slots->nr + 1);
	if (!after) {
		xa_release(&vm->slot_ids, new->id);
		return -ENOMEM;
	}
	slots_build(after, slots, NULL, new);
	/* A vCPU that does not see it yet takes an access for a device's, which it was before. */
	slots_publish(vm, after, false);
	return 0;
}

/* Start or stop the dirty log; no other flag can change. */
static int slot_change_flags(struct mkvm_vm *vm, struct mkvm_memslot *old,
			     struct mkvm_memslot *new)
{
	struct mkvm_memslots *slots = mkvm_memslots(vm), *after;

	after = slots_alloc(slots->nr);
	if (!after)
		return -ENOMEM;
	slots_build(after, slots, old, new);
	/* From here on every new mapping obeys the new flags: no fault still uses the old ones. */
	slots_publish(vm, after, true);

	if (!new->dirty_bitmap)
		arch_mmu_recover_huge_pages(vm, new);
	else if (!(vm->dirty_log_manual & KVM_DIRTY_LOG_INITIALLY_SET))
		arch_mmu_write_protect_slot(vm, new);
	return 0;
}

static int set_region_locked(struct mkvm_vm *vm, const struct kvm_userspace_memory_region *mem)
{
	struct mkvm_memslots *slots = mkvm_memslots(vm);
	struct mkvm_memslot *old = mkvm_slot_by_id(vm, mem->slot), *new;
	gfn_t base_gfn = mem->guest_phys_addr >> PAGE_SHIFT;
	u64 npages = mem->memory_size >> PAGE_SHIFT;
	const char *reserved;
	int r;

	if (!npages) {
		if (old)
			return slot_delete(vm, old);
		mkvm_refuse(vm, "memory slot %u: size 0 deletes a slot, and there is none",
			    mem->slot);
		return -EINVAL;
	}
	if (old && (old->npages != npages || old->userspace_addr != mem->userspace_addr ||
		    ((old->flags ^ mem->flags) & KVM_MEM_READONLY))) {
		mkvm_refuse(vm, "memory slot %u exists: its size, user address and KVM_MEM_READONLY cannot change",
			    mem->slot);
		return -EINVAL;
	}
	if (base_gfn + npages - 1 > arch_mmu_max_gfn()) {
		mkvm_refuse(vm, "memory slot %u ends at frame 0x%llx, the last that the processor maps is 0x%llx",
			    mem->slot, base_gfn + npages - 1, arch_mmu_max_gfn());
		return -EINVAL;
	}
	if (mkvm_slots_overlap(slots, old, base_gfn, npages)) {
		mkvm_refuse(vm, "memory slot %u: frames [0x%llx, +0x%llx) overlap another slot",
			    mem->slot, base_gfn, npages);
		return -EEXIST;
	}
	reserved = arch_gfns_reserved(vm, base_gfn, npages);
	if (reserved) {
		mkvm_refuse(vm, "memory slot %u covers %s", mem->slot, reserved);
		return -EEXIST;
	}
	if (old && old->base_gfn == base_gfn && old->flags == mem->flags)
		return 0;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->id = mem->slot;
	new->flags = mem->flags;
	new->base_gfn = base_gfn;
	new->npages = npages;
	new->userspace_addr = mem->userspace_addr;
	if (new->flags & KVM_MEM_LOG_DIRTY_PAGES) {
		if (old && old->dirty_bitmap)
			new->dirty_bitmap = old->dirty_bitmap;	/* a slot moves with its log */
		else if (dirty_bitmap_alloc(vm, new)) {
			kfree(new);
			return -ENOMEM;
		}
	}

	if (!old)
		r = slot_create(vm, new);
	else if (old->base_gfn != base_gfn)
		r = slot_replace(vm, old, new);
	else
		r = slot_change_flags(vm, old, new);

	/* The log belongs to one of the two slots: to @new if all went well. */
	if (r) {
		if (old && new->dirty_bitmap == old->dirty_bitmap)
			new->dirty_bitmap = NULL;
		slot_free(new);
		return r;
	}
	/* There is room: a new number was reserved, an old one only changes its slot. */
	xa_store(&vm->slot_ids, new->id, new, GFP_NOWAIT);
	if (old) {
		if (new->dirty_bitmap == old->dirty_bitmap)
			old->dirty_bitmap = NULL;
		slot_free(old);
	}
	return 0;
}

/**
 * mkvm_set_memory_region() - KVM_SET_USER_MEMORY_REGION
 * @vm: the VM; vm->slots_lock and vm->srcu are not held
 * @mem: the region, in kernel memory; a size of 0 deletes the slot
 *
 * Return: 0; -EINVAL for a bad number, flag, address or size, -EEXIST for an overlap, -ENOMEM. A
 * refused call changes nothing.
 */
int mkvm_set_memory_region(struct mkvm_vm *vm, const struct kvm_userspace_memory_region *mem)
{
	int r = region_check(vm, mem);

	if (r)
		return r;
	mutex_lock(&vm->slots_lock);
	r = set_region_locked(vm, mem);
	mutex_unlock(&vm->slots_lock);
	return r;
}
