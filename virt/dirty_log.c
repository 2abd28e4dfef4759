// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG: which pages the guest wrote.
 *
 * A page's bit is set no later than the page can be written; it is taken out, the page is armed
 * again (write-protected, or its EPT dirty flag cleared for PML), and all TLBs are flushed before
 * userspace gets the result. So a write is either in the page that userspace copies next, or in
 * the next log. Nothing is lost in between, also not when userspace's buffer turns out bad.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "virt/arch.h"
#include "virt/dirty_log.h"
#include "virt/memslot.h"
#include "virt/request.h"

/*
 * Words handled between two looks at the scheduler and at userspace's buffer: one page of
 * bitmap, so at most 32,768 pages are armed under one hold of vm->mmu_lock.
 */
#define CHUNK_WORDS	(PAGE_SIZE / sizeof(long))

/* The slot of an ioctl; vm->slots_lock held. */
static struct mkvm_memslot *log_slot(struct mkvm_vm *vm, u32 id)
{
	struct mkvm_memslot *slot;

	if (id >= MKVM_USER_MEM_SLOTS) {
		mkvm_refuse(vm, "dirty log of slot 0x%x: slots are 0 to %u", id,
			    MKVM_USER_MEM_SLOTS - 1);
		return ERR_PTR(-EINVAL);
	}
	slot = mkvm_slot_by_id(vm, id);
	if (!slot || !slot->dirty_bitmap) {
		mkvm_refuse(vm, "dirty log of slot %u: %s", id,
			    slot ? "its log is not on" : "no such slot");
		return ERR_PTR(-ENOENT);
	}
	return slot;
}

/*
 * Words [first, first + n) of the log: take the bits in @mask (of all pages if NULL) out of the
 * bitmap into @taken and arm their pages. Returns whether TLBs must be flushed.
 */
static bool log_take(struct mkvm_vm *vm, struct mkvm_memslot *slot, unsigned long first,
		     unsigned long n, const unsigned long *mask, unsigned long *taken)
{
	unsigned long i;
	bool flush = false;

	write_lock(&vm->mmu_lock);
	for (i = 0; i < n; i++) {
		unsigned long *word = &slot->dirty_bitmap[first + i];

		taken[i] = 0;
		if (!READ_ONCE(*word) || (mask && !mask[i]))
			continue;
		if (mask)
			taken[i] = mask[i] & atomic_long_fetch_andnot(mask[i],
								      (atomic_long_t *)word);
		else
			taken[i] = xchg(word, 0);
		if (taken[i])
			flush |= arch_mmu_write_protect_mask(vm, slot,
							     (first + i) * BITS_PER_LONG, taken[i]);
	}
	write_unlock(&vm->mmu_lock);
	return flush;
}

/* Userspace did not get what was taken: the pages stay dirty. */
static void log_give_back(struct mkvm_memslot *slot, unsigned long first, unsigned long n,
			  const unsigned long *taken)
{
	unsigned long i;

	for (i = 0; i < n; i++)
		if (taken[i])
			atomic_long_or(taken[i], (atomic_long_t *)&slot->dirty_bitmap[first + i]);
}

static int get_dirty_log_locked(struct mkvm_vm *vm, const struct kvm_dirty_log *log)
{
	struct mkvm_memslot *slot = log_slot(vm, log->slot);
	unsigned long words, i, n, *chunk;
	bool flush = false;
	int r = 0;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	arch_mmu_sync_dirty_log(vm);

	words = mkvm_dirty_bitmap_bytes(slot->npages) / sizeof(long);
	/* With manual protection this only reads: KVM_CLEAR_DIRTY_LOG arms the pages again. */
	if (vm->dirty_log_manual)
		return copy_to_user(log->dirty_bitmap, slot->dirty_bitmap,
				    words * sizeof(long)) ? -EFAULT : 0;

	chunk = (unsigned long *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return -ENOMEM;
	for (i = 0; i < words && !r; i += n) {
		n = min(words - i, CHUNK_WORDS);
		flush |= log_take(vm, slot, i, n, NULL, chunk);
		if (copy_to_user((unsigned long __user *)log->dirty_bitmap + i, chunk,
				 n * sizeof(long))) {
			/* It will not use what it got before either: all that counts as dirty. */
			log_give_back(slot, i, n, chunk);
			memset(slot->dirty_bitmap, 0xff, i * sizeof(long));
			r = -EFAULT;
		}
		cond_resched();
	}
	if (flush)
		mkvm_flush_remote_tlbs(vm);
	free_page((unsigned long)chunk);
	return r;
}

/**
 * mkvm_get_dirty_log() - KVM_GET_DIRTY_LOG
 * @vm: the VM; vm->slots_lock is not held
 * @log: the slot, and the address of the caller's bitmap
 *
 * Return: 0; -EINVAL for a number that no slot can have, -ENOENT without a slot or a log, -ENOMEM;
 * -EFAULT for a bad user address, and then no page is forgotten.
 */
int mkvm_get_dirty_log(struct mkvm_vm *vm, const struct kvm_dirty_log *log)
{
	int r;

	mutex_lock(&vm->slots_lock);
	r = get_dirty_log_locked(vm, log);
	mutex_unlock(&vm->slots_lock);
	return r;
}

static int clear_dirty_log_locked(struct mkvm_vm *vm, const struct kvm_clear_dirty_log *log,
				  unsigned long *mask, unsigned long *taken)
{
	struct mkvm_memslot *slot = log_slot(vm, log->slot);
	unsigned long first, words, i, n;
	bool flush = false;
	int r = 0;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (log->first_page % BITS_PER_LONG || log->first_page > slot->npages ||
	    log->num_pages > slot->npages - log->first_page ||
	    (log->num_pages % BITS_PER_LONG &&
	     log->num_pages != slot->npages - log->first_page)) {
		mkvm_refuse(vm, "KVM_CLEAR_DIRTY_LOG: pages [%llu, +%u) of slot %u with %llu pages: both ends must be multiples of %d, or the slot's end",
			    log->first_page, log->num_pages, log->slot, slot->npages,
			    BITS_PER_LONG);
		return -EINVAL;
	}
	arch_mmu_sync_dirty_log(vm);

	first = log->first_page / BITS_PER_LONG;
	words = DIV_ROUND_UP(log->num_pages, BITS_PER_LONG);
	for (i = 0; i < words && !r; i += n) {
		n = min(words - i, CHUNK_WORDS);
		if (copy_from_user(mask, (unsigned long __user *)log->dirty_bitmap + i,
				   n * sizeof(long)))
			r = -EFAULT;
		else
			flush |= log_take(vm, slot, first + i, n, mask, taken);
		cond_resched();
	}
	if (flush)
		mkvm_flush_remote_tlbs(vm);
	return r;
}

/**
 * mkvm_clear_dirty_log() - KVM_CLEAR_DIRTY_LOG
 * @vm: the VM; vm->slots_lock is not held
 * @log: the slot, a range of its pages, and the address of the bitmap that says which of them
 *
 * Return: as mkvm_get_dirty_log(); -EINVAL also for a range that is not one of whole words.
 */
int mkvm_clear_dirty_log(struct mkvm_vm *vm, const struct kvm_clear_dirty_log *log)
{
	unsigned long *mask = (unsigned long *)__get_free_page(GFP_KERNEL_ACCOUNT);
	unsigned long *taken = (unsigned long *)__get_free_page(GFP_KERNEL_ACCOUNT);
	int r = -ENOMEM;

	if (mask && taken) {
		mutex_lock(&vm->slots_lock);
		r = clear_dirty_log_locked(vm, log, mask, taken);
		mutex_unlock(&vm->slots_lock);
	}
	free_page((unsigned long)mask);
	free_page((unsigned long)taken);
	return r;
}
