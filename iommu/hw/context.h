/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the requests of a device go: context entries, and PASID-table entries in scalable mode.
 *
 * VT-d specification, "DMA Remapping", "Translation Structure Formats". The same call serves both
 * modes. The caller serialises all calls for one unit, as for unit.h.
 */
#ifndef MINIKVM_IOMMU_HW_CONTEXT_H
#define MINIKVM_IOMMU_HW_CONTEXT_H

#include "unit.h"

/* As many as one page of a PASID directory leads to. */
#define HW_NR_PASIDS	32768U
#define HW_PASID_WORDS	8

/** enum hw_path - what a request goes through; the numbers are those of a PASID-table entry */
enum hw_path {
	HW_BLOCKED = 0,
	HW_FIRST_STAGE = 1,
	HW_SECOND_STAGE = 2,
	/* The first stage leads to addresses that go through the second, its own tables' too. */
	HW_NESTED = 3,
	HW_PASS_THROUGH = 4,
};

/** struct hw_stage - a page table: physical address of its root page, and its depth */
struct hw_stage {
	u64 table;
	unsigned int levels;
};

/**
 * struct hw_target - where the requests of a device go
 * @path: through what
 * @domain: domain identifier
 * @ats: the device may ask for translations and keep them
 * @first: HW_FIRST_STAGE, HW_NESTED: format as a processor's page tables
 * @second: HW_SECOND_STAGE, HW_NESTED
 */
struct hw_target {
	enum hw_path path;
	u16 domain;
	bool ats;
	struct hw_stage first;
	struct hw_stage second;
};

int hw_attach(struct hw_unit *unit, u16 source, u32 pasid, const struct hw_target *target);
struct dmar_entry hw_context_get(struct hw_unit *unit, u16 source);
bool hw_pasid_get(struct hw_unit *unit, u16 source, u32 pasid, u64 *words);
void hw_context_free(struct hw_unit *unit);

#endif
