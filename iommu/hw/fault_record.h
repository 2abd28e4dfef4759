/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fault records of a remapping unit, and their reasons in words: fault_record.c.
 */
#ifndef MINIKVM_IOMMU_HW_FAULT_RECORD_H
#define MINIKVM_IOMMU_HW_FAULT_RECORD_H

#include "unit.h"

#define HW_FAULT_INTERRUPT	0x20
#define HW_FAULT_INTERRUPT_LAST	0x2f
#define HW_FAULT_COMPATIBILITY	0x25

/** struct hw_fault - one decoded fault record; @index is there if it is of an interrupt */
struct hw_fault {
	u64 address;
	u16 index;
	u16 source;
	u8 reason;
	bool read;
};

bool hw_fault_next(struct hw_unit *unit, struct hw_fault *fault);
const char *hw_fault_name(u8 reason);

static inline bool hw_fault_is_interrupt(const struct hw_fault *fault)
{
	return fault->reason >= HW_FAULT_INTERRUPT && fault->reason <= HW_FAULT_INTERRUPT_LAST;
}

#endif
