// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a user address of the VM's owner to the host frame behind it.
 *
 * Kernel documentation "pin_user_pages() and related calls", case 4 (MMU notifier registered:
 * a short-term reference, none kept). A page that the guest may write is marked dirty when it
 * is mapped, not when it is unmapped, and under vm->mmu_lock: what cleans a page afterwards
 * (write-back, MADV_FREE) notifies first, so the mapping is gone and the next write comes through
 * here again. Without the lock the page could be cleaned, or freed and used again, in between.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <asm/e820/api.h>

#include "virt/host_page.h"

/* VM_IO or VM_PFNMAP: no struct page to hold, the page table is all there is. */
static int host_pfnmap_get(struct mkvm_vm *vm, unsigned long hva, bool write,
			   struct mkvm_host_page *hp)
{
	struct vm_area_struct *vma;
	bool unlocked = false;
	int r;

	hp->page = NULL;
	mmap_read_lock(vm->mm);
	vma = vma_lookup(vm->mm, hva);
	if (!vma || !(vma->vm_flags & (VM_IO | VM_PFNMAP)) ||
	    !(vma->vm_flags & (write ? VM_WRITE : VM_READ))) {
		r = -EFAULT;
		goto out;
	}

	r = compat_follow_pfn(vma, hva, &hp->pfn, &hp->writable);
	if (!r && write && !hp->writable)
		r = -EFAULT;
	if (r) {
		/* Not mapped yet (or not for writing): let the driver's fault handler do it. */
		r = fixup_user_fault(vm->mm, hva, write ? FAULT_FLAG_WRITE : 0, &unlocked);
		if (r)
			goto out;
		if (unlocked) {
			/* The lock was dropped, @vma may be gone. */
			r = -EAGAIN;
			goto out;
		}
		/* Large device pages are beyond follow_pte() of 6.1: refused, not guessed. */
		if (compat_follow_pfn(vma, hva, &hp->pfn, &hp->writable) ||
		    (write && !hp->writable))
			r = -EFAULT;
	}
out:
	mmap_read_unlock(vm->mm);
	return r;
}

/**
 * mkvm_host_page_get() - find the page behind a user address, and fault it in
 * @vm: the VM; current->mm is vm->mm
 * @hva: user address
 * @how: MKVM_PAGE_* bits
 * @hp: the result, for mkvm_host_page_put()
 *
 * A read also says whether writing would be allowed, so that the guest's first write need not
 * fault again.
 *
 * Context: process, may sleep.
 * Return: 0; -EFAULT: the address is not mapped, or not for this access; -EHWPOISON (SIGBUS was
 * sent); -EINTR; -ENOMEM; -EAGAIN: the mapping changed meanwhile, try again; -EBUSY: the page must
 * be waited for, with MKVM_PAGE_NOWAIT only.
 */
int mkvm_host_page_get(struct mkvm_vm *vm, unsigned long hva, unsigned int how,
		       struct mkvm_host_page *hp)
{
	bool write = how & MKVM_PAGE_WRITE, nowait = how & MKVM_PAGE_NOWAIT;
	unsigned int flags = FOLL_HWPOISON | COMPAT_FOLL_INTERRUPTIBLE |
			     (write ? FOLL_WRITE : 0) | (nowait ? FOLL_NOWAIT : 0);
	struct page *page;
	long r;

	/* Usually the page is there and writable: no lock, no fault. */
	hp->resident = get_user_page_fast_only(hva, FOLL_WRITE, &page);
	if (hp->resident) {
		hp->writable = true;
		goto found;
	}

	r = get_user_pages_unlocked(hva, 1, &page, flags);
	if (r == -EHWPOISON) {
		send_sig_mceerr(BUS_MCEERR_AR, (void __user *)hva, PAGE_SHIFT, current);
		return -EHWPOISON;
	}
	if (r == -EINTR || r == -EAGAIN || r == -ENOMEM)
		return r;
	if (!r && nowait)
		return -EBUSY;
	if (r != 1)
		return host_pfnmap_get(vm, hva, write, hp);

	hp->writable = write;
	if (!write) {
		struct page *again;

		/* Shared mappings are often writable at once; the zero page never is. */
		if (get_user_page_fast_only(hva, FOLL_WRITE, &again)) {
			put_page(page);
			page = again;
			hp->writable = true;
		}
	}
found:
	hp->page = page;
	hp->pfn = page_to_pfn(page);
	return 0;
}

/**
 * mkvm_host_page_mapped() - a page was just mapped for the guest
 * @hp: the page
 *
 * If the guest may write it, it counts as dirty from now on.
 *
 * Context: vm->mmu_lock is still held, and nothing invalidated the page since it was found.
 */
void mkvm_host_page_mapped(const struct mkvm_host_page *hp)
{
	/*
	 * The zero page and firmware ranges are reserved, and never reclaimed. Every form of
	 * get_user_pages() has noted already that the page was referenced.
	 */
	if (hp->page && hp->writable && !PageDirty(hp->page) && !PageReserved(hp->page))
		SetPageDirty(hp->page);
}

/**
 * mkvm_host_page_put() - drop the reference to a page
 * @hp: what mkvm_host_page_get() found
 */
void mkvm_host_page_put(struct mkvm_host_page *hp)
{
	if (hp->page)
		put_page(hp->page);
	hp->page = NULL;
}

/**
 * mkvm_pfn_is_mmio() - is a host frame device memory, which the guest must not access by caches?
 * @pfn: the frame
 *
 * Return: true if it is.
 */
bool mkvm_pfn_is_mmio(kvm_pfn_t pfn)
{
	if (pfn_valid(pfn))
		return PageReserved(pfn_to_page(pfn)) && !is_zero_pfn(pfn);
	/* RAM hidden from the kernel by mem= has no struct page but is RAM. */
	return !e820__mapped_raw_any(PFN_PHYS(pfn), PFN_PHYS(pfn + 1) - 1, E820_TYPE_RAM);
}

/**
 * mkvm_host_mapping_order() - size of the page by which the owner's page table maps an address
 * @vm: the VM
 * @hva: user address
 *
 * Return: the size as an order of 4K pages; 0 also if nothing is mapped.
 */
unsigned int mkvm_host_mapping_order(struct mkvm_vm *vm, unsigned long hva)
{
	unsigned int order = 0;
	unsigned long flags;
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	/* The kernel frees page tables only after it waited for every CPU with interrupts off. */
	local_irq_save(flags);
	/* Each entry is read once: it may change under the walk. */
	pgd = READ_ONCE(*pgd_offset(vm->mm, hva));
	if (pgd_none(pgd))
		goto out;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		order = PUD_SHIFT - PAGE_SHIFT;
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (pmd_none(pmd) || !pmd_present(pmd))
		goto out;
	if (pmd_leaf(pmd))
		order = PMD_SHIFT - PAGE_SHIFT;
out:
	local_irq_restore(flags);
	return order;
}
