/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Physical pages: memory.c.
 */
#ifndef GUEST_MEMORY_H
#define GUEST_MEMORY_H

#include "layout.h"
#include "types.h"

extern u32 pages_free;

void memory_init(u64 end);
u64 memory_end(void);
u64 page_get(void);
void page_share(u64 page);
bool page_is_shared(u64 page);
void page_put(u64 page);

#endif
