// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module reads and writes guest memory.
 *
 * Guest-physical addresses become user addresses of the VM's owner by way of the slots, and the
 * ordinary user-access functions do the rest: a page that is swapped out comes back, a page that
 * is gone gives -EFAULT. Only threads of the owner can do this; vm->srcu is read-held.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "virt/guest_memory.h"
#include "virt/memslot.h"
#include "virt/vcpu.h"

/*
 * User address of @len bytes at @gpa, or NULL: more than one page, no slot, a slot under deletion,
 * or not for writing.
 */
static void __user *slot_ptr(struct mkvm_vm *vm, const struct mkvm_memslot *slot, gpa_t gpa,
			     unsigned long len, bool write)
{
	if (!mkvm_in_one_page(gpa, len) || !slot || (slot->flags & MKVM_SLOT_INVALID) ||
	    (write && (slot->flags & KVM_MEM_READONLY)))
		return NULL;
	/* In another address space this would be the memory of another process. */
	if (current->mm != vm->mm)
		return NULL;
	return (void __user *)(mkvm_slot_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa));
}

static void __user *guest_ptr(struct mkvm_vm *vm, gpa_t gpa, unsigned long len, bool write,
			      struct mkvm_memslot **slotp)
{
	*slotp = mkvm_gfn_to_slot(vm, gpa >> PAGE_SHIFT);
	return slot_ptr(vm, *slotp, gpa, len, write);
}

/*
 * Page-table entries and ring indices are read while other vCPUs write them: what is naturally
 * aligned is read by one instruction and never torn.
 */
static int read_in_page(void *data, const void __user *from, unsigned long len)
{
	if (IS_ALIGNED((unsigned long)from, len)) {
		if (len == 8)
			return get_user(*(u64 *)data, (const u64 __user *)from);
		if (len == 4)
			return get_user(*(u32 *)data, (const u32 __user *)from);
	}
	/* An instruction's bytes, whatever their alignment: two loads instead of a loop. */
	if (len == 16) {
		const u64 __user *words = from;
		u64 *to = data;

		return get_user(to[0], words) ?: get_user(to[1], words + 1);
	}
	return copy_from_user(data, from, len) ? -EFAULT : 0;
}

static int write_in_page(void __user *to, const void *data, unsigned long len)
{
	if (IS_ALIGNED((unsigned long)to, len)) {
		if (len == 8)
			return put_user(*(const u64 *)data, (u64 __user *)to);
		if (len == 4)
			return put_user(*(const u32 *)data, (u32 __user *)to);
	}
	return copy_to_user(to, data, len) ? -EFAULT : 0;
}

/**
 * mkvm_read_guest() - read guest memory
 * @vm: the VM, whose address space is the caller's; vm->srcu read-held
 * @gpa: guest-physical address
 * @data: where the bytes go
 * @len: how many
 *
 * Context: process, may sleep.
 * Return: 0, or -EFAULT if a part has no slot, or userspace unmapped it.
 */
int mkvm_read_guest(struct mkvm_vm *vm, gpa_t gpa, void *data, unsigned long len)
{
	while (len) {
		unsigned long chunk = min(len, PAGE_SIZE - offset_in_page(gpa));
		struct mkvm_memslot *slot;
		const void __user *from = guest_ptr(vm, gpa, chunk, false, &slot);

		if (!from || read_in_page(data, from, chunk))
			return -EFAULT;
		gpa += chunk;
		data += chunk;
		len -= chunk;
	}
	return 0;
}

/**
 * mkvm_vcpu_read_guest() - mkvm_read_guest() in one page, where the vCPU's last slot is tried first
 * @vcpu: the vCPU, whose thread this is; vm->srcu read-held
 * @gpa: guest-physical address
 * @data: where the bytes go
 * @len: how many
 *
 * Context: process, may sleep.
 * Return: 0, or -EFAULT as for mkvm_read_guest(), or if the bytes do not lie in one page.
 */
int mkvm_vcpu_read_guest(struct mkvm_vcpu *vcpu, gpa_t gpa, void *data, unsigned int len)
{
	const struct mkvm_memslot *slot = mkvm_vcpu_gfn_to_slot(vcpu, gpa >> PAGE_SHIFT);
	const void __user *from = slot_ptr(vcpu->vm, slot, gpa, len, false);

	return from ? read_in_page(data, from, len) : -EFAULT;
}

/**
 * mkvm_write_guest() - write guest memory, and mark its pages dirty
 * @vm: the VM, whose address space is the caller's; vm->srcu read-held
 * @gpa: guest-physical address
 * @data: the bytes
 * @len: how many
 *
 * Context: process, may sleep.
 * Return: 0, or -EFAULT if a part has no slot or a read-only one, or userspace unmapped it; what
 * comes before that part is written.
 */
int mkvm_write_guest(struct mkvm_vm *vm, gpa_t gpa, const void *data, unsigned long len)
{
	while (len) {
		unsigned long chunk = min(len, PAGE_SIZE - offset_in_page(gpa));
		struct mkvm_memslot *slot;
		void __user *to = guest_ptr(vm, gpa, chunk, true, &slot);

		if (!to || write_in_page(to, data, chunk))
			return -EFAULT;
		mkvm_mark_page_dirty(vm, slot, gpa >> PAGE_SHIFT);
		gpa += chunk;
		data += chunk;
		len -= chunk;
	}
	return 0;
}

/**
 * mkvm_guest_writable() - would mkvm_write_guest() write all of it, as things stand?
 * @vm: the VM, whose address space is the caller's; vm->srcu read-held
 * @gpa: guest-physical address
 * @len: how many bytes
 *
 * Changes nothing, and marks nothing dirty.
 *
 * Context: process, may sleep.
 * Return: true if it would.
 */
bool mkvm_guest_writable(struct mkvm_vm *vm, gpa_t gpa, unsigned long len)
{
	while (len) {
		unsigned long chunk = min(len, PAGE_SIZE - offset_in_page(gpa));
		struct mkvm_memslot *slot;
		void __user *to = guest_ptr(vm, gpa, chunk, true, &slot);

		if (!to || fault_in_safe_writeable(to, chunk))
			return false;
		gpa += chunk;
		len -= chunk;
	}
	return true;
}

/* < 0 = -EFAULT, 0 = exchanged, 1 = *@old did not match and was updated. */
#define DEFINE_CMPXCHG_USER(type)							\
static int cmpxchg_user_##type(void __user *ptr, u64 *old, u64 new)			\
{											\
	type expected = *old;								\
	int r = __try_cmpxchg_user((type __user *)ptr, &expected, (type)new, fault);	\
											\
	*old = expected;								\
	return r;									\
}

DEFINE_CMPXCHG_USER(u8)
DEFINE_CMPXCHG_USER(u16)
DEFINE_CMPXCHG_USER(u32)
DEFINE_CMPXCHG_USER(u64)

/* The same for 16 bytes, for which the kernel has no function. */
static int cmpxchg_user_pair(void __user *ptr, const u64 old[2], const u64 new[2])
{
	u64 low = old[0], high = old[1], new_low = new[0], new_high = new[1];
	bool exchanged;

	if (!user_access_begin(ptr, 16))
		return -EFAULT;
	/* GCC before 13 forgets that an asm goto is volatile when it has outputs. */
	asm volatile goto("1: lock cmpxchg16b %[memory]\n\t"
			  _ASM_EXTABLE_UA(1b, %l[fault])
			  : [memory] "+m" (*(u8 (__force *)[16])ptr), "=@ccz" (exchanged),
			    "+a" (low), "+d" (high)
			  : "b" (new_low), "c" (new_high)
			  : "memory" : fault);
	user_access_end();
	return !exchanged;
fault:
	user_access_end();
	return -EFAULT;
}

/**
 * mkvm_cmpxchg_guest() - compare and exchange in guest memory, atomically
 * @vm: the VM, whose address space is the caller's; vm->srcu read-held
 * @gpa: guest-physical address; with @len it must be mkvm_lockable()
 * @old: the expected value; on a mismatch it becomes what is there
 * @new: the new value
 * @len: 1, 2, 4 or 8 bytes
 *
 * Context: process, may sleep.
 * Return: 0; -EAGAIN on a mismatch; -EFAULT as for mkvm_write_guest().
 */
int mkvm_cmpxchg_guest(struct mkvm_vm *vm, gpa_t gpa, u64 *old, u64 new, unsigned int len)
{
	struct mkvm_memslot *slot;
	void __user *ptr;
	int r;

	if (!mkvm_lockable(gpa, len))
		return -EFAULT;
	ptr = guest_ptr(vm, gpa, len, true, &slot);
	if (!ptr || !access_ok(ptr, len))
		return -EFAULT;

	switch (len) {
	case 1:
		r = cmpxchg_user_u8(ptr, old, new);
		break;
	case 2:
		r = cmpxchg_user_u16(ptr, old, new);
		break;
	case 4:
		r = cmpxchg_user_u32(ptr, old, new);
		break;
	case 8:
		r = cmpxchg_user_u64(ptr, old, new);
		break;
	default:
		r = -EFAULT;
	}
	if (r < 0)
		return r;
	/* As on the processor: even a failed LOCK CMPXCHG writes the old value back. */
	mkvm_mark_page_dirty(vm, slot, gpa >> PAGE_SHIFT);
	return r ? -EAGAIN : 0;
}

/**
 * mkvm_cmpxchg16_guest() - mkvm_cmpxchg_guest() of 16 bytes
 * @vm: the VM, whose address space is the caller's; vm->srcu read-held
 * @gpa: guest-physical address, a multiple of 16
 * @old: the expected value, lower half first; not changed on a mismatch
 * @new: the new value
 *
 * Context: process, may sleep.
 * Return: as mkvm_cmpxchg_guest().
 */
int mkvm_cmpxchg16_guest(struct mkvm_vm *vm, gpa_t gpa, const u64 old[2], const u64 new[2])
{
	struct mkvm_memslot *slot;
	void __user *ptr;
	int r;

	if (!IS_ALIGNED(gpa, 16))
		return -EFAULT;
	ptr = guest_ptr(vm, gpa, 16, true, &slot);
	if (!ptr)
		return -EFAULT;
	r = cmpxchg_user_pair(ptr, old, new);
	if (r < 0)
		return r;
	mkvm_mark_page_dirty(vm, slot, gpa >> PAGE_SHIFT);
	return r ? -EAGAIN : 0;
}
