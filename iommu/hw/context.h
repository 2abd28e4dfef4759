/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the requests of a device go: context entries, and PASID-table entries in scalable mode.
 *
 * VT-d specification, "DMA Remapping", "Translation Structure Formats". The same calls serve both
 * modes. The caller holds the lock of the unit.
 */
#ifndef MINIKVM_IOMMU_HW_CONTEXT_H
#define MINIKVM_IOMMU_HW_CONTEXT_H

#include "unit.h"

/* What one page of a PASID directory leads to. */
#define CONTEXT_NR_PASIDS	32768U
#define PASID_WORDS	8

/** enum context_path - what a request goes through; the numbers are those of PGTT */
enum context_path {
	PATH_BLOCKED = 0,
	PATH_FIRST_STAGE = 1,
	PATH_SECOND_STAGE = 2,
	/* Through both: the second stage translates the first one's addresses and tables. */
	PATH_NESTED = 3,
	PATH_PASS_THROUGH = 4,
};

/** struct context_stage - a page table: physical address of its root page, and its depth */
struct context_stage {
	u64 table;
	unsigned int levels;
};

/**
 * struct context_target - where the requests of a device go
 * @path: what they go through
 * @domain: domain identifier
 * @ats: the device may ask for translations and keep them
 * @first: PATH_FIRST_STAGE, PATH_NESTED: format as a processor's page tables
 * @second: PATH_SECOND_STAGE, PATH_NESTED
 */
struct context_target {
	enum context_path path;
	u16 domain;
	bool ats;
	struct context_stage first;
	struct context_stage second;
};

int context_attach(struct remap_unit *unit, u16 source, u32 pasid,
		   const struct context_target *target);
struct entry128 context_get(struct remap_unit *unit, u16 source);
bool context_get_pasid(struct remap_unit *unit, u16 source, u32 pasid, u64 *words);
void context_free(struct remap_unit *unit);

#endif
