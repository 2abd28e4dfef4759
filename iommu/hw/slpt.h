/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-level page tables: map, unmap, look up.
 *
 * VT-d specification, "Second-Stage Paging Entries". Tables of 3 to 5 levels with pages of 4 KiB,
 * 2 MiB and 1 GiB. Different ranges may be changed at the same time, the same range may not.
 */
#ifndef MINIKVM_IOMMU_HW_SLPT_H
#define MINIKVM_IOMMU_HW_SLPT_H

#include "regs.h"

#define SLPT_MAX_LEVELS 5

/**
 * struct slpt - one table
 * @root: its root page
 * @levels: 3, 4 or 5
 * @coherent: every unit that walks it snoops the caches
 * @snoop: entries force snooping (ECAP.SC)
 */
struct slpt {
	u64 *root;
	unsigned int levels;
	bool coherent;
	bool snoop;
};

/** struct slpt_walk - what stands at each level on the way to an address, the root's level first */
struct slpt_walk {
	u64 entry[SLPT_MAX_LEVELS];
	unsigned int depth;
};

/* Called with each table page that was unlinked; it may be freed once the caches forgot it. */
typedef void (*slpt_release_t)(void *page, void *arg);

int slpt_init(struct slpt *table, unsigned int levels, bool coherent, bool snoop, gfp_t gfp);
void slpt_destroy(struct slpt *table);
int slpt_map_run(struct slpt *table, u64 iova, u64 phys, u64 size, u64 count, u64 rights,
		 gfp_t gfp, u64 *mapped);
u64 slpt_unmap(struct slpt *table, u64 iova, u64 size, slpt_release_t release, void *arg);
bool slpt_translate(const struct slpt *table, u64 iova, u64 *phys);
void slpt_look(const struct slpt *table, u64 iova, struct slpt_walk *walk);

/** slpt_map() - map one page: slpt_map_run() of one, which maps nothing on error */
static inline int slpt_map(struct slpt *table, u64 iova, u64 phys, u64 size, u64 rights, gfp_t gfp)
{
	u64 mapped;

	return slpt_map_run(table, iova, phys, size, 1, rights, gfp, &mapped);
}

#endif
