/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables of devices: map, unmap, look up.
 *
 * VT-d specification, "Second-Stage Paging Entries" (3 to 5 levels) and "First-Stage Paging
 * Entries" (4 or 5), with pages of 4 KiB, 2 MiB and 1 GiB. Different ranges may be changed at the
 * same time, the same range may not.
 */
#ifndef MINIKVM_IOMMU_HW_IOPT_H
#define MINIKVM_IOMMU_HW_IOPT_H

#include "regs.h"

#define IOPT_MAX_LEVELS 5

/**
 * struct iopt_format - what the units that walk a table expect
 * @levels: 3, 4 or 5
 * @first_stage: entries have the format of a processor's
 * @coherent: walks snoop the caches
 * @snoop: second-stage entries force snooping (ECAP.SC)
 */
struct iopt_format {
	unsigned int levels;
	bool first_stage;
	bool coherent;
	bool snoop;
};

/**
 * struct iopt - one table
 * @root: its root page
 * @rest: zeroed pages for more tables: the address of the first, and in its low bits how many
 * @format: of its entries
 */
struct iopt {
	u64 *root;
	u64 rest;
	struct iopt_format format;
};

/** struct iopt_walk - the @depth entries on the way to an address, the root's first */
struct iopt_walk {
	u64 entry[IOPT_MAX_LEVELS];
	unsigned int depth;
};

/* Called with each table page that was unlinked; shim_free_table() frees it after the flush. */
typedef void (*iopt_release_t)(void *page, void *arg);

int iopt_init(struct iopt *table, struct iopt_format format, gfp_t gfp);
void iopt_destroy(struct iopt *table);
int iopt_map_run(struct iopt *table, u64 iova, u64 phys, u64 size, u64 count, u64 rights,
		 gfp_t gfp, u64 *mapped);
u64 iopt_unmap(struct iopt *table, u64 iova, u64 size, iopt_release_t release, void *arg);
bool iopt_translate(const struct iopt *table, u64 iova, u64 *phys);
void iopt_look(const struct iopt *table, u64 iova, struct iopt_walk *walk);

/**
 * iopt_width() - bits of the addresses that a table translates
 * @format: its format
 *
 * Of a first-stage address, the upper bits are copies of the highest translated one; minikvm uses
 * the lower half, where that is 0.
 *
 * Return: the number of bits.
 */
static inline unsigned int iopt_width(struct iopt_format format)
{
	return 12 + 9 * format.levels - format.first_stage;
}

/** iopt_map() - map one page: iopt_map_run() of one, which maps nothing on error */
static inline int iopt_map(struct iopt *table, u64 iova, u64 phys, u64 size, u64 rights, gfp_t gfp)
{
	u64 mapped;

	return iopt_map_run(table, iova, phys, size, 1, rights, gfp, &mapped);
}

#endif
