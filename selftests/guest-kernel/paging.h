/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address spaces: paging.c.
 */
#ifndef GUEST_PAGING_H
#define GUEST_PAGING_H

#include "types.h"

#define PAGE_PRESENT		BIT(0)
#define PAGE_WRITABLE		BIT(1)
#define PAGE_USER		BIT(2)
#define PAGE_UNCACHED		(BIT(3) | BIT(4))
#define PAGE_LARGE		BIT(7)
#define PAGE_COPY		BIT(9)	/* for software: a private copy is due at the first write */
#define PAGE_NO_EXECUTE		BIT(63)
#define PAGE_ADDRESS		0x000ffffffffff000ull

/* The error code of a page fault. */
#define FAULT_PRESENT		BIT(0)
#define FAULT_WRITE		BIT(1)
#define FAULT_EXECUTE		BIT(4)

/**
 * struct space - the memory of a process
 * @root: physical address of its PML4
 * @pages: how many pages it has, those of the tables left out
 */
struct space {
	u64 root;
	u32 pages;
};

void paging_init(void);
void paging_use(const struct space *s);
volatile void *paging_map_device(u64 address, u64 size);
bool space_create(struct space *s);
bool space_add(struct space *s, u64 address, u64 page, u64 flags);
bool space_fork(struct space *child, struct space *parent);
void space_destroy(struct space *s);
bool space_fault(struct space *s, u64 address, u64 error);
u32 space_shared(const struct space *s);
bool copy_from_user(struct space *s, void *to, u64 from, u64 n);
bool copy_to_user(struct space *s, u64 to, const void *from, u64 n);

#endif
