// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory as iommu/hw's programs in userspace see it: physical is virtual, nothing needs flushing.
 *
 * Shared by the unit tests that own no memory model and by selftests/bench-iommu; the stores that
 * a test wants to look at, and the pages, are each program's own. Relies on iommu/hw/shim.h.
 */
#include "iommu/hw/shim.h"

u64 shim_phys(const void *p)
{
	return (u64)p;
}

void *shim_virt(u64 phys)
{
	return (void *)phys;
}

void *shim_alloc_tables(gfp_t gfp, unsigned int *count)
{
	*count = 1;
	return shim_alloc(0, gfp);
}

void shim_free_table(void *table)
{
	shim_free(table, 0);
}

void shim_flush(const void *p, size_t bytes)
{
}
