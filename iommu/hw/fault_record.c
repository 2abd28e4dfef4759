// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fault records of a remapping unit.
 *
 * VT-d specification, "Fault Logging", "Fault Recording Registers", "Fault Conditions". One reader
 * at a time; the lock of the unit is not needed.
 */
#include "fault_record.h"

/**
 * fault_record_next() - take the oldest fault record out of the unit
 * @unit: enabled
 * @fault: receives it
 *
 * Return: false when no record is left.
 */
bool fault_record_next(struct remap_unit *unit, struct fault_record *fault)
{
	u32 fsts = shim_read32(unit->regs, DMAR_FSTS);
	unsigned int nr = CAP_NFR(unit->cap), i;
	u32 reg;
	u64 hi;

	for (i = 0; i < nr; i++) {
		reg = CAP_FRO(unit->cap) + (FSTS_FRI(fsts) + i) % nr * 16;
		hi = shim_read64(unit->regs, reg + 8);
		if (!(hi & FRCD_F))
			continue;
		fault->address = shim_read64(unit->regs, reg);
		fault->index = FRCD_INDEX(fault->address);
		fault->address &= ~0xfffULL;
		fault->source = FRCD_SID(hi);
		fault->reason = FRCD_REASON(hi);
		fault->read = hi & FRCD_READ;
		/* Written as one, so that a full record is free again for the next fault. */
		shim_write32(unit->regs, reg + 12, (u32)(FRCD_F >> 32));
		return true;
	}
	if (fsts & FSTS_PFO)
		shim_write32(unit->regs, DMAR_FSTS, FSTS_PFO);
	return false;
}
