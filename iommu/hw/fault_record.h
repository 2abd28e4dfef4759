/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fault records of a remapping unit: fault_record.c.
 */
#ifndef MINIKVM_IOMMU_HW_FAULT_RECORD_H
#define MINIKVM_IOMMU_HW_FAULT_RECORD_H

#include "fault_reason.h"
#include "unit.h"

#define FAULT_INTERRUPT_FIRST	0x20
#define FAULT_INTERRUPT_LAST	0x2f
#define FAULT_COMPATIBILITY	0x25

/** struct fault_record - a decoded fault record; @index is valid if it is of an interrupt */
struct fault_record {
	u64 address;
	u16 index;
	u16 source;
	u8 reason;
	bool read;
};

bool fault_record_next(struct remap_unit *unit, struct fault_record *fault);

static inline bool fault_is_interrupt(const struct fault_record *fault)
{
	return fault->reason >= FAULT_INTERRUPT_FIRST && fault->reason <= FAULT_INTERRUPT_LAST;
}

#endif
