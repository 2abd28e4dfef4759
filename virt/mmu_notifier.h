/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner's address space changes, the guest's view follows.
 *
 * KVM_CAP_SYNC_MMU. The guest uses the owner's pages without holding references to them;
 * what makes that safe is this protocol between the kernel's MMU notifiers and the faults that
 * fill second-level entries (arch/x86/mmu/ept_fault.c):
 *
 *   fault:      mkvm_invalidate_wait(vm, hva);
 *               seq = mkvm_invalidate_begin(vm); find the page;
 *               lock mmu_lock (read); mkvm_invalidate_retry(vm, seq, hva) -> start again;
 *               enter the page; unlock; drop the reference
 *   notifier:   lock mmu_lock (write); note the range; zap it; flush; unlock;
 *               ... the kernel changes the page table ...
 *               lock mmu_lock (write); ++seq; forget the range; unlock
 */
#ifndef MINIKVM_VIRT_MMU_NOTIFIER_H
#define MINIKVM_VIRT_MMU_NOTIFIER_H

#include <linux/lockdep.h>

#include "virt/vm.h"

int mkvm_mmu_notifier_register(struct mkvm_vm *vm);
void mkvm_mmu_notifier_unregister(struct mkvm_vm *vm);

/* Is @hva, as it seems without the lock, in a range that is just being invalidated? */
static inline bool mkvm_invalidating(struct mkvm_vm *vm, unsigned long hva)
{
	return READ_ONCE(vm->invalidate_in_progress) &&
	       hva >= READ_ONCE(vm->invalidate_start) && hva < READ_ONCE(vm->invalidate_end);
}

/**
 * mkvm_invalidate_wait() - let an invalidation of a user address come to its end
 * @vm: the VM; vm->srcu may be read-held, no lock is
 * @hva: the address that the guest waits for
 *
 * The thread that invalidates may have to wait for a CPU: a vCPU that faulted again and again
 * meanwhile could be what keeps it from one. A signal ends the wait.
 */
static inline void mkvm_invalidate_wait(struct mkvm_vm *vm, unsigned long hva)
{
	if (unlikely(mkvm_invalidating(vm, hva)))
		wait_event_interruptible(vm->invalidate_wait, !mkvm_invalidating(vm, hva));
}

/**
 * mkvm_invalidate_begin() - open a window in which no invalidation may pass unnoticed
 * @vm: the VM
 *
 * Return: the sequence number to give to mkvm_invalidate_retry().
 */
static inline unsigned long mkvm_invalidate_begin(struct mkvm_vm *vm)
{
	unsigned long seq = READ_ONCE(vm->invalidate_seq);

	/* The page is looked up after the number is read; pairs with the lock in the notifier. */
	smp_rmb();
	return seq;
}

/**
 * mkvm_invalidate_retry() - may a page found since mkvm_invalidate_begin() be stale?
 * @vm: the VM; vm->mmu_lock held, read or write side, until the page is entered
 * @seq: what mkvm_invalidate_begin() returned
 * @hva: user address at which the page was found
 *
 * Return: true when it may be, so the lookup must be done again.
 */
static inline bool mkvm_invalidate_retry(struct mkvm_vm *vm, unsigned long seq,
					 unsigned long hva)
{
	lockdep_assert_held(&vm->mmu_lock);

	if (vm->invalidate_in_progress &&
	    hva >= vm->invalidate_start && hva < vm->invalidate_end)
		return true;
	return vm->invalidate_seq != seq;
}

#endif
