// SPDX-License-Identifier: GPL-2.0-only
/*
 * follow_pfnmap_start() (6.12) against follow_pte() (6.1): the frame behind a VM_PFNMAP or VM_IO
 * mapping. Used by virt/host_page.c through compat_follow_pfn().
 */
#include <linux/mm.h>

int probe(struct vm_area_struct *vma);
int probe(struct vm_area_struct *vma)
{
	struct follow_pfnmap_args args = { .vma = vma };
	int r = follow_pfnmap_start(&args);

	if (!r)
		follow_pfnmap_end(&args);
	return r;
}
