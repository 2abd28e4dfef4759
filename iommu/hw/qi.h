/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The invalidation queue of a remapping unit: qi.c.
 *
 * Invalidations may overlap: a caller that waits gives up the lock of the unit meanwhile.
 */
#ifndef MINIKVM_IOMMU_HW_QUEUE_H
#define MINIKVM_IOMMU_HW_QUEUE_H

#include "unit.h"

/* Entries have 128 bits; in scalable mode a descriptor takes two. */
#define QI_ENTRIES	256

/**
 * struct qi_device - a device that keeps translations (ATS)
 * @source: bus, device and function
 * @pf: the same of its physical function, which answers for it
 * @depth: how many invalidations it can queue, by its ATS capability
 * @pasid: whose translations are asked back; 0 for those of requests without a PASID
 */
struct qi_device {
	u16 source;
	u16 pf;
	u8 depth;
	u32 pasid;
};

void qi_add(struct remap_unit *unit, u64 lo, u64 hi);
int qi_submit(struct remap_unit *unit, u64 lo, u64 hi);
int qi_flush_all(struct remap_unit *unit);
int qi_flush_domain(struct remap_unit *unit, u16 domain);
int qi_flush_pages(struct remap_unit *unit, u16 domain, u64 first, u64 last);
int qi_flush_pasid(struct remap_unit *unit, u16 domain, u32 pasid);
int qi_flush_pasid_pages(struct remap_unit *unit, u16 domain, u32 pasid, u64 first, u64 last);
int qi_flush_device(struct remap_unit *unit, const struct qi_device *tlb, u64 first, u64 last);

#endif
