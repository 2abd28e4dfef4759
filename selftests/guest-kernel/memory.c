// SPDX-License-Identifier: GPL-2.0-only
/*
 * Physical pages, each with a count of its users: fork makes two of one, and the last one to leave
 * frees it. Behind the kernel's image lies the array of counts, behind that the pages.
 *
 * A page is touched when it is first given out and not before, so that a hypervisor sees an EPT
 * violation for each page that is used, and none for the others.
 */
#include "memory.h"
#include "console.h"
#include "format.h"
#include "machine.h"

extern char kernel_end[];

u32 pages_free;

static u16 *users;
static u64 first, untouched, end;
/* Pages that were given back: the first word of each leads to the next. */
static u64 returned;

static u16 *users_of(u64 page)
{
	if (page < first || page >= untouched || page % PAGE_SIZE)
		stop("page %lx is none of memory's", page);
	return &users[(page - first) / PAGE_SIZE];
}

/**
 * memory_init() - the pages between the kernel and an address are there
 * @limit: the end of memory
 */
void memory_init(u64 limit)
{
	u64 start = to_physical(kernel_end), n;

	end = min_t(u64, limit, PHYSICAL_LIMIT) & -PAGE_SIZE;
	if (end < start + BIT(20))
		stop("no memory: the kernel ends at %lx, and memory at %lx", start, end);
	n = (end - start) / PAGE_SIZE;
	users = (u16 *)kernel_end;
	first = (start + n * sizeof(*users) + PAGE_SIZE - 1) & -PAGE_SIZE;
	untouched = first;
	pages_free = (end - first) / PAGE_SIZE;
}

u64 memory_end(void)
{
	return end;
}

/* Return: a page of zeroes with one user, or 0 if there is none left. */
u64 page_get(void)
{
	u64 page = returned;

	if (page) {
		returned = *(u64 *)physical(page);
	} else if (untouched < end) {
		page = untouched;
		untouched += PAGE_SIZE;
	} else {
		return 0;
	}
	pages_free--;
	*users_of(page) = 1;
	memset(physical(page), 0, PAGE_SIZE);
	return page;
}

/* One more user. */
void page_share(u64 page)
{
	(*users_of(page))++;
}

bool page_is_shared(u64 page)
{
	return *users_of(page) > 1;
}

/* One user less; the last one frees it. */
void page_put(u64 page)
{
	u16 *n = users_of(page);

	if (!*n)
		stop("page %lx is freed twice", page);
	if (--*n)
		return;
	*(u64 *)physical(page) = returned;
	returned = page;
	pages_free++;
}
