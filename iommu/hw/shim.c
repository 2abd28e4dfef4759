// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's side of the shim, as far as it is more than a line: pages for page tables.
 *
 * The pages come in blocks of eight. A guest's memory in pages of 4 KiB takes thousands of tables,
 * and most of what it costs to give them back is the kernel's page allocator, page by page. A block
 * goes back as one when the last of its tables is free; shim_free_table() is called for each table
 * after its own invalidation. Blocks are not compound pages, so that lists can link each of their
 * pages. Relies on the private word of struct page, which belongs to the page's owner. A userspace
 * program that links iommu/hw leaves this file out.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#include "shim.h"

/* The largest order that the allocator does not treat as costly; it caches such blocks per CPU. */
#define BLOCK_ORDER	PAGE_ALLOC_COSTLY_ORDER

/* In the private word of a block's first page: how many of its tables are in use, its order. */
#define IN_USE		0xffUL
#define ORDER_SHIFT	8
#define NOT_A_POINTER	BIT(16)

static atomic_long_t *state_of(struct page *first)
{
	return (atomic_long_t *)&first->private;
}

/**
 * shim_alloc_tables() - a block of zeroed table pages
 * @gfp: allocation flags
 * @count: receives how many there are: eight, or one if memory is fragmented
 *
 * Return: the first one, or NULL. Each goes back by shim_free_table().
 */
void *shim_alloc_tables(gfp_t gfp, unsigned int *count)
{
	unsigned int order = BLOCK_ORDER, i;
	struct page *first;

	first = alloc_pages(gfp | __GFP_ZERO | __GFP_NOWARN | __GFP_NORETRY, order);
	if (!first) {
		order = 0;
		first = alloc_pages(gfp | __GFP_ZERO, order);
	}
	if (!first)
		return NULL;
	*count = 1U << order;
	atomic_long_set(state_of(first), (long)order << ORDER_SHIFT | *count);
	/* The private words of the others lead to the first. */
	for (i = 1; i < *count; i++)
		set_page_private(first + i, (unsigned long)first);
	return page_address(first);
}

/**
 * shim_free_table() - a table of a block is free
 * @table: no unit can reach it any more
 */
void shim_free_table(void *table)
{
	struct page *page = virt_to_page(table), *first = page;
	unsigned long state;

	if (page_private(page) >= NOT_A_POINTER) {
		first = (struct page *)page_private(page);
		set_page_private(page, 0);
	}
	state = atomic_long_dec_return(state_of(first));
	if (state & IN_USE)
		return;
	set_page_private(first, 0);
	__free_pages(first, state >> ORDER_SHIFT);
}
