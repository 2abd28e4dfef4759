// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces: 4-level paging (SDM volume 3, "4-Level Paging"). The upper half is the kernel's
 * and the same in all; the lower half is a process's own. fork() shares the pages of the lower
 * half, takes the right to write away from both sides, and leaves the copying to the page
 * fault of the first write (copy on write). Stacks come page by page, when they are touched.
 *
 * The kernel never follows a program's pointer: it walks the program's tables in software and
 * reaches the pages by their physical addresses. So a bad pointer is an error that is returned, not
 * a fault in the kernel, and SMAP may forbid the kernel all user pages.
 */
#include "paging.h"
#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "format.h"
#include "machine.h"
#include "memory.h"
#include "sched.h"
#include "task.h"

#define ENTRIES		512
#define USER_ENTRIES	256	/* of a PML4 */
#define LARGE		BIT(21)
#define DEVICES_FIRST	0xc0000000
#define DEVICES_END	0xfec00000	/* IOAPIC and local APIC are mapped by boot.S */

extern char load_start[], text_start[], rodata_start[], data_start[], kernel_end[];
extern char boot_pd_devices[];

static u64 kernel_root, kernel_pdpt;

/* What the kernel may do with a page of its own image, by what the linker put there. */
static u64 kernel_flags(u64 address)
{
	u64 v = address + KERNEL_BASE;

	if (v >= (u64)text_start && v < (u64)rodata_start)
		return PAGE_PRESENT;
	if (v >= (u64)rodata_start && v < (u64)data_start)
		return PAGE_PRESENT | PAGE_NO_EXECUTE;
	if (v >= (u64)kernel_stacks && v < (u64)kernel_stacks + sizeof(kernel_stacks) &&
	    (v - (u64)kernel_stacks) % KERNEL_STACK_STRIDE < PAGE_SIZE)
		return 0;	/* a guard page */
	return PAGE_PRESENT | PAGE_WRITABLE | PAGE_NO_EXECUTE;
}

static u64 kernel_table(void)
{
	u64 page = page_get();

	if (!page)
		stop("no memory for the kernel's page tables");
	return page;
}

/* The kernel's tables: pages of 4 KiB for its image, of 2 MiB for the rest of memory. */
void paging_init(void)
{
	u64 *pd, *pt, address, page;
	unsigned int i;

	kernel_root = kernel_table();
	kernel_pdpt = kernel_table();
	((u64 *)physical(kernel_root))[511] = kernel_pdpt | PAGE_PRESENT | PAGE_WRITABLE;
	page = kernel_table();
	pd = physical(page);
	((u64 *)physical(kernel_pdpt))[510] = page | PAGE_PRESENT | PAGE_WRITABLE;
	((u64 *)physical(kernel_pdpt))[511] = to_physical(boot_pd_devices) | PAGE_PRESENT |
					      PAGE_WRITABLE;
	for (address = 0; address < memory_end(); address += LARGE) {
		if (address >= to_physical(kernel_end)) {
			pd[address / LARGE] = address | PAGE_PRESENT | PAGE_WRITABLE | PAGE_LARGE |
					      PAGE_NO_EXECUTE;
			continue;
		}
		page = kernel_table();
		pd[address / LARGE] = page | PAGE_PRESENT | PAGE_WRITABLE;
		pt = physical(page);
		for (i = 0; i < ENTRIES; i++)
			pt[i] = (address + i * PAGE_SIZE) | kernel_flags(address + i * PAGE_SIZE);
	}
	write_cr3(kernel_root);
}

/* From now on, this processor's address space; NULL for the kernel's alone. */
void paging_use(const struct space *s)
{
	u64 root = s ? s->root : kernel_root;

	if (read_cr3() != root)
		write_cr3(root);
}

/**
 * paging_map_device() - registers of a device, for the kernel
 * @address: where they are, physical
 * @size: bytes
 *
 * Only in the last GiB below 4 GiB, which has a place in the kernel's half, and below the interrupt
 * controllers.
 *
 * Return: where the kernel sees them, or NULL.
 */
volatile void *paging_map_device(u64 address, u64 size)
{
	u64 *pd = (u64 *)boot_pd_devices, at;

	if (address < DEVICES_FIRST || address >= DEVICES_END || size > DEVICES_END - address)
		return NULL;
	for (at = address & -LARGE; at < address + size; at += LARGE)
		pd[at / LARGE % ENTRIES] = at | PAGE_PRESENT | PAGE_WRITABLE | PAGE_UNCACHED |
					   PAGE_LARGE | PAGE_NO_EXECUTE;
	return (volatile void *)(DEVICE_BASE + address);
}

/* An address space with nothing of the user's in it. Return: false without memory. */
bool space_create(struct space *s)
{
	s->pages = 0;
	s->root = page_get();
	if (!s->root)
		return false;
	((u64 *)physical(s->root))[511] = kernel_pdpt | PAGE_PRESENT | PAGE_WRITABLE;
	return true;
}

/* The entry of the page at @address in the last level, or NULL: none, or no memory to make it. */
static u64 *find_entry(const struct space *s, u64 address, bool make)
{
	u64 *table = physical(s->root), *entry, page;
	int shift;

	if (address >= USER_END)
		return NULL;
	for (shift = 39; shift > 12; shift -= 9) {
		entry = &table[(address >> shift) % ENTRIES];
		if (!(*entry & PAGE_PRESENT)) {
			page = make ? page_get() : 0;
			if (!page)
				return NULL;
			/* What may be done is said in the last level alone. */
			*entry = page | PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER;
		}
		table = physical(*entry & PAGE_ADDRESS);
	}
	return &table[(address >> 12) % ENTRIES];
}

/**
 * space_add() - a page of memory at an address
 * @s: the address space
 * @address: where
 * @page: which; it is the address space's from now on
 * @flags: PAGE_WRITABLE, PAGE_NO_EXECUTE; a page that has neither can be executed
 *
 * Return: false without memory for the tables.
 */
bool space_add(struct space *s, u64 address, u64 page, u64 flags)
{
	u64 *entry = find_entry(s, address, true);

	if (!entry)
		return false;
	if ((flags & PAGE_WRITABLE) && !(flags & PAGE_NO_EXECUTE))
		stop("a page that can be written and executed at %lx", address);
	*entry = page | flags | PAGE_PRESENT | PAGE_USER;
	s->pages++;
	return true;
}

/* Calls @visit for each user page, and @leave for each table after what is below it. */
static bool each_page(u64 table, int shift, u64 base,
		      bool (*visit)(u64 *entry, u64 address, void *arg),
		      void (*leave)(u64 table), void *arg)
{
	u64 *t = physical(table), address;
	int n = shift == 39 ? USER_ENTRIES : ENTRIES, i;

	for (i = 0; i < n; i++) {
		address = base + ((u64)i << shift);
		if (!(t[i] & PAGE_PRESENT))
			continue;
		if (shift > 12 && !each_page(t[i] & PAGE_ADDRESS, shift - 9, address, visit, leave,
					     arg))
			return false;
		if (shift == 12 && !visit(&t[i], address, arg))
			return false;
	}
	if (leave)
		leave(table);
	return true;
}

static bool share(u64 *entry, u64 address, void *arg)
{
	struct space *child = arg;
	u64 *copy = find_entry(child, address, true);

	if (!copy)
		return false;
	if (*entry & PAGE_WRITABLE)
		*entry = (*entry & ~PAGE_WRITABLE) | PAGE_COPY;
	*copy = *entry;
	page_share(*entry & PAGE_ADDRESS);
	child->pages++;
	return true;
}

/**
 * space_fork() - a copy of an address space, that of the running process
 * @child: what becomes the copy
 * @parent: the address space
 *
 * Return: false without memory; @child is gone then.
 */
bool space_fork(struct space *child, struct space *parent)
{
	bool done;

	if (!space_create(child))
		return false;
	done = each_page(parent->root, 39, 0, share, NULL, child);
	/* No processor may go on writing by what its TLB remembers. */
	flush_others();
	if (!done)
		space_destroy(child);
	return done;
}

static bool put(u64 *entry, u64 address, void *arg)
{
	(void)address;
	(void)arg;
	page_put(*entry & PAGE_ADDRESS);
	return true;
}

/* All of it is freed. No processor uses it. */
void space_destroy(struct space *s)
{
	each_page(s->root, 39, 0, put, page_put, NULL);
	s->root = 0;
	s->pages = 0;
}

static bool count_shared(u64 *entry, u64 address, void *arg)
{
	(void)address;
	*(u32 *)arg += page_is_shared(*entry & PAGE_ADDRESS);
	return true;
}

/* How many of its pages are others', too. */
u32 space_shared(const struct space *s)
{
	u32 n = 0;

	each_page(s->root, 39, 0, count_shared, NULL, &n);
	return n;
}

/* A write to a page that fork() shared: a copy, or the right to write if it is shared no more. */
static bool copy_page(u64 *entry, u64 address)
{
	u64 old = *entry & PAGE_ADDRESS, page;

	if (!page_is_shared(old)) {
		*entry = (*entry & ~PAGE_COPY) | PAGE_WRITABLE;
		invlpg(address);
		return true;
	}
	page = page_get();
	if (!page)
		return false;
	memcpy(physical(page), physical(old), PAGE_SIZE);
	*entry = (*entry & ~(PAGE_COPY | PAGE_ADDRESS)) | page | PAGE_WRITABLE;
	page_put(old);
	/* The process's other threads must not go on reading the old one. */
	flush_others();
	return true;
}

static bool in_stack(u64 address)
{
	u64 below = USER_STACKS - 1 - address;

	return address < USER_STACKS && below / USER_STACK_STRIDE < THREADS_MAX &&
	       below % USER_STACK_STRIDE < USER_STACK_SIZE;
}

/**
 * space_fault() - what can be done about a page fault of the running process
 * @s: its memory
 * @address: what it wanted
 * @error: how: FAULT_*
 *
 * Return: true if the program can try again.
 */
bool space_fault(struct space *s, u64 address, u64 error)
{
	u64 *entry = find_entry(s, address, false), page;

	if (entry && (*entry & PAGE_PRESENT)) {
		if (!(error & FAULT_WRITE))
			/* It is there since another thread touched it; but code has rights. */
			return !(error & FAULT_PRESENT);
		if (*entry & PAGE_COPY)
			return copy_page(entry, address);
		/* Another thread may have copied it already. */
		if (!(*entry & PAGE_WRITABLE))
			return false;
		invlpg(address);
		return true;
	}
	if (!in_stack(address) || (error & FAULT_EXECUTE))
		return false;
	page = page_get();
	if (!page)
		return false;
	if (space_add(s, address & -PAGE_SIZE, page, PAGE_WRITABLE | PAGE_NO_EXECUTE))
		return true;
	page_put(page);
	return false;
}

/* Where the kernel finds a byte of a program's, to read or write; NULL if there is none. */
static u8 *user_byte(struct space *s, u64 address, bool write)
{
	u64 *entry = find_entry(s, address, false);
	u64 error = write ? FAULT_WRITE : 0;

	if (!entry || !(*entry & PAGE_PRESENT) || (write && !(*entry & PAGE_WRITABLE))) {
		if (address >= USER_END || !space_fault(s, address, error))
			return NULL;
		entry = find_entry(s, address, false);
	}
	return (u8 *)physical(*entry & PAGE_ADDRESS) + address % PAGE_SIZE;
}

static bool copy(struct space *s, u8 *kernel, u64 user, u64 n, bool write)
{
	u64 part;
	u8 *at;

	if (user >= USER_END || n > USER_END - user)
		return false;
	for (; n; n -= part, kernel += part, user += part) {
		part = min(n, PAGE_SIZE - user % PAGE_SIZE);
		at = user_byte(s, user, write);
		if (!at)
			return false;
		if (write)
			memcpy(at, kernel, part);
		else
			memcpy(kernel, at, part);
	}
	return true;
}

/* Return: false if not all of it is the process's. */
bool copy_from_user(struct space *s, void *to, u64 from, u64 n)
{
	return copy(s, to, from, n, false);
}

/* Return: false if not all of it is the process's to write; a part may have been written. */
bool copy_to_user(struct space *s, u64 to, const void *from, u64 n)
{
	return copy(s, (u8 *)from, to, n, true);
}
