/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host page behind an address of the VM's owner.
 *
 * What a second-level fault needs to know about the page it is going to map. Relies on
 * get_user_pages() for memory with a struct page and on the page tables for device mappings
 * (VM_PFNMAP, VM_IO). See virt/mmu_notifier.h for how long the answer holds.
 */
#ifndef MINIKVM_VIRT_HOST_PAGE_H
#define MINIKVM_VIRT_HOST_PAGE_H

#include <linux/kvm_types.h>
#include <linux/mm.h>
#include <linux/types.h>

#include "virt/vm.h"

/**
 * struct mkvm_host_page - what is behind a user address
 * @pfn: its host frame
 * @page: the reference that was taken, or NULL where a device mapping has none
 * @writable: the owner's mapping allows writing, now and without a copy
 * @resident: it was in memory and writable when it was asked for
 */
struct mkvm_host_page {
	kvm_pfn_t pfn;
	struct page *page;
	bool writable, resident;
};

/* For what, and how, mkvm_host_page_get() looks for the page. */
#define MKVM_PAGE_WRITE		BIT(0)	/* the guest writes: copy-on-write is broken */
#define MKVM_PAGE_NOWAIT	BIT(1)	/* do not wait until it is read in */

/* Can no mapping of this page be larger than 4 KiB? Device memory (DAX) is not compound. */
static inline bool mkvm_page_is_small(struct page *page)
{
	return !PageCompound(page) && !is_zone_device_page(page);
}

int mkvm_host_page_get(struct mkvm_vm *vm, unsigned long hva, unsigned int how,
		       struct mkvm_host_page *hp);
void mkvm_host_page_mapped(const struct mkvm_host_page *hp);
void mkvm_host_page_put(struct mkvm_host_page *hp);
bool mkvm_pfn_is_mmio(kvm_pfn_t pfn);
unsigned int mkvm_host_mapping_order(struct mkvm_vm *vm, unsigned long hva);

#endif
