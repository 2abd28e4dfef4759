// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the table code of iommu/hw costs, in instructions, natively under callgrind.
 *
 * Each row is a number of operations between two of callgrind's client requests; selftests/
 * bench-iommu/run divides. The unit answers at once and costs next to nothing, pages come from a
 * row of zeroed ones: it is the driver that is counted. Prints "row operations descriptors".
 */
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/callgrind.h>

#include "iommu/hw/context.h"
#include "iommu/hw/iopt.h"
#include "iommu/hw/irte.h"
#include "iommu/hw/qi.h"

#define PAGE_4K	4096UL
#define PAGE_2M	(1UL << 21)
#define PAGE_1G	(1UL << 30)
#define DOMAIN	DOMAIN_ID_FIRST
#define POOL	4096

static struct remap_unit unit;
static struct iopt table;
static u64 registers[512];
static unsigned long descriptors;
/* Pages, all of them zero; those that come back are zeroed outside of the count. */
static u8 *pool;
static void *free_pages[POOL], *dirty_pages[POOL];
static unsigned int nr_free, nr_dirty;

void *shim_alloc(unsigned int order, gfp_t gfp)
{
	if (order) {
		void *p = aligned_alloc(4096UL << order, 4096UL << order);

		return p ? memset(p, 0, 4096UL << order) : NULL;
	}
	return nr_free ? free_pages[--nr_free] : NULL;
}

void shim_free(void *p, unsigned int order)
{
	if (!order)
		dirty_pages[nr_dirty++] = p;
}

void shim_store64(u64 *to, u64 value)
{
	__atomic_store_n(to, value, __ATOMIC_RELAXED);
}

bool shim_replace64(u64 *to, u64 old, u64 new)
{
	return __sync_bool_compare_and_swap(to, old, new);
}

bool shim_store128(u64 *to, const u64 *old, const u64 *new)
{
	to[0] = new[0];
	to[1] = new[1];
	return true;
}

void shim_delay(void)
{
}

void shim_pause(struct shim_lock *lock)
{
}

u32 shim_read32(void *regs, u32 reg)
{
	return registers[reg / 8] >> (reg % 8 * 8);
}

u64 shim_read64(void *regs, u32 reg)
{
	return registers[reg / 8];
}

void shim_write32(void *regs, u32 reg, u32 value)
{
	/* What is commanded is at once so. */
	if (reg == DMAR_GCMD)
		registers[DMAR_GCMD / 8] = (u64)value << 32;
}

void shim_write64(void *regs, u32 reg, u64 value)
{
	registers[reg / 8] = value;
	if (reg == DMAR_IQT && value) {
		descriptors += (value - registers[DMAR_IQH / 8]) / 16 % QI_ENTRIES;
		registers[DMAR_IQH / 8] = value;
	}
	/* The last one is a wait. */
	if (unit.status)
		*unit.status = unit.sequence;
}

static void begin(void)
{
	while (nr_dirty)
		free_pages[nr_free++] = memset(dirty_pages[--nr_dirty], 0, 4096);
	descriptors = 0;
	CALLGRIND_ZERO_STATS;
}

#define end(row, operations) do { \
	CALLGRIND_DUMP_STATS_AT(row); \
	printf("%s %lu %lu\n", row, (unsigned long)(operations), descriptors); \
} while (0)

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "tables: %s\n", what);
	exit(1);
}

static void map(u64 iova, u64 size, u64 page)
{
	u64 mapped;

	must(!iopt_map_run(&table, iova, iova, page, size / page, SLPTE_READ | SLPTE_WRITE,
			   GFP_KERNEL, &mapped), "map");
}

static void release(void *page, void *arg)
{
	shim_free_table(page);
}

static void unmap(u64 iova, u64 size)
{
	must(iopt_unmap(&table, iova, size, release, NULL) == size, "unmap");
	must(!qi_flush_pages(&unit, DOMAIN, iova, iova + size - 1), "flush");
}

/* Page by page, each with its own invalidation, as a driver's buffers come and go. */
static void pages(const char *map_row, const char *unmap_row, u64 page, unsigned int count)
{
	u64 base = (page == PAGE_4K ? 16 : 32) * PAGE_1G, i;

	/* The tables above are there already. */
	map(base + count * page, page, page);
	begin();
	for (i = 0; i < count; i++)
		map(base + i * page, page, page);
	end(map_row, count);
	begin();
	for (i = 0; i < count; i++)
		unmap(base + i * page, page);
	end(unmap_row, count);
	unmap(base + count * page, page);
}

/* At once, as VFIO does it with a guest's memory. */
static void range(const char *map_row, const char *unmap_row, u64 size, u64 page)
{
	begin();
	map(8 * PAGE_1G, size, page);
	end(map_row, 1);
	begin();
	unmap(8 * PAGE_1G, size);
	end(unmap_row, 1);
}

static void attach(void)
{
	struct context_target target = {
		.path = PATH_SECOND_STAGE, .second = { shim_phys(table.root), 4 },
	};
	unsigned int i;

	must(!context_attach(&unit, 8, 0, &target), "attach");
	begin();
	for (i = 0; i < 100; i++) {
		target.domain = DOMAIN + i % 2;
		must(!context_attach(&unit, 8, 0, &target), "attach");
	}
	end("attach", 100);
}

static void interrupt(void)
{
	struct irte_source source = { IRTE_REQUESTER, 8, 0 };
	int index = irte_alloc(&unit, 1);
	unsigned int i;

	begin();
	for (i = 0; i < 100; i++)
		must(irte_set(&unit, index, irte_remapped(&unit, 0xfee00000, 0x40 + i, i, false,
							  source)) == 0, "irte");
	end("irte_set", 100);
}

int main(void)
{
	const char *why;
	unsigned int i;

	pool = aligned_alloc(4096, POOL * 4096UL);
	must(pool, "no memory");
	memset(pool, 0, POOL * 4096UL);
	for (i = 0; i < POOL; i++)
		free_pages[nr_free++] = pool + i * 4096UL;
	registers[DMAR_CAP / 8] = BIT(1) << 8 | BIT(2) << 8 | CAP_PSI | 18UL << 48 | 6;
	registers[DMAR_ECAP / 8] = ECAP_C | ECAP_QI | ECAP_IR | 15UL << 20;
	must(!remap_probe(&unit, NULL, &why) && !remap_init(&unit) && !remap_enable(&unit) &&
	     !irt_init(&unit) && !irt_enable(&unit, false) &&
	     !iopt_init(&table, (struct iopt_format){ .levels = 4, .coherent = true },
			GFP_KERNEL), "start");
	pages("map_4k", "unmap_4k", PAGE_4K, 256);
	pages("map_2m", "unmap_2m", PAGE_2M, 256);
	range("map_1g_page", "unmap_1g_page", PAGE_1G, PAGE_1G);
	range("map_1g", "unmap_1g", PAGE_1G, PAGE_2M);
	range("map_4g_guest", "unmap_4g_guest", 4 * PAGE_1G, PAGE_2M);
	range("map_4g_guest_4k", "unmap_4g_guest_4k", 4 * PAGE_1G, PAGE_4K);
	attach();
	interrupt();
	return 0;
}
