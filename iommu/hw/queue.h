/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The invalidation queue of a remapping unit: queue.c.
 *
 * Invalidations may overlap: a caller that waits gives up the lock of the unit meanwhile.
 */
#ifndef MINIKVM_IOMMU_HW_QUEUE_H
#define MINIKVM_IOMMU_HW_QUEUE_H

#include "unit.h"

/* Of 128 bits; in scalable mode a descriptor takes two. */
#define HW_QUEUE_ENTRIES	256

/**
 * struct hw_device_tlb - a device that keeps translations (ATS)
 * @source: bus, device and function
 * @pf: those of its physical function, which answers for it
 * @depth: how many invalidations it can queue, as its ATS capability says
 * @pasid: whose translations; 0 of requests without
 */
struct hw_device_tlb {
	u16 source;
	u16 pf;
	u8 depth;
	u32 pasid;
};

void hw_queue_add(struct hw_unit *unit, u64 lo, u64 hi);
int hw_queue(struct hw_unit *unit, u64 lo, u64 hi);
int hw_flush_all(struct hw_unit *unit);
int hw_flush_domain(struct hw_unit *unit, u16 domain);
int hw_flush_pages(struct hw_unit *unit, u16 domain, u64 first, u64 last);
int hw_flush_pasid(struct hw_unit *unit, u16 domain, u32 pasid);
int hw_flush_pasid_pages(struct hw_unit *unit, u16 domain, u32 pasid, u64 first, u64 last);
int hw_flush_device(struct hw_unit *unit, const struct hw_device_tlb *tlb, u64 first, u64 last);

#endif
