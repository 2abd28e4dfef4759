// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing a remapping unit up and down, and its fault records.
 *
 * VT-d specification, "Global Command Register" (one bit at a time), "Setting Up the Root Table",
 * "Fault Logging". Every wait is bounded: a unit that does not answer is marked broken.
 */
#include "context.h"

static bool wait_status(struct hw_unit *unit, u32 bit, bool set)
{
	unsigned int i;

	for (i = 0; i < HW_TIMEOUT_US; i++) {
		if (!!(hw_read32(unit->regs, DMAR_GSTS) & bit) == set)
			return true;
		hw_wait(unit);
	}
	hw_break(unit);
	return false;
}

/**
 * hw_break() - give a unit up
 * @unit: it does not answer
 *
 * It is not used from here on. hw_broken() takes from its devices what it cannot take any more,
 * before any caller learns of the error.
 */
void hw_break(struct hw_unit *unit)
{
	if (unit->broken)
		return;
	unit->broken = true;
	hw_broken(unit);
}

/**
 * hw_take_turn() - wait until nobody else is at something that one does at a time
 * @unit: its unit
 * @taken: what it is: one of the unit's; the caller clears it at the end
 *
 * Whoever is at it is bounded by the timeouts of the hardware. Return: false when even that did not
 * help; the unit is broken then.
 */
bool hw_take_turn(struct hw_unit *unit, bool *taken)
{
	unsigned int i;

	for (i = 0; *taken && i < 4 * HW_TIMEOUT_US; i++)
		hw_wait(unit);
	if (*taken) {
		hw_break(unit);
		return false;
	}
	*taken = true;
	return true;
}

/**
 * hw_command() - give one command through the Global Command register, and wait for it
 * @unit: its unit
 * @bit: the command
 * @on: set or clear it
 * @expect: what Global Status shows when it is done
 *
 * The register wants the state bits as they are and exactly one change. Return: 0, or -EIO when
 * the unit does not answer (it is broken from then on).
 */
int hw_command(struct hw_unit *unit, u32 bit, bool on, bool expect)
{
	u32 state;
	bool done;

	if (!hw_take_turn(unit, &unit->commanding))
		return -EIO;
	state = hw_read32(unit->regs, DMAR_GSTS) & GCMD_STATE;
	hw_write32(unit->regs, DMAR_GCMD, on ? state | bit : state & ~bit);
	done = wait_status(unit, bit, expect);
	unit->commanding = false;
	return done ? 0 : -EIO;
}

/**
 * hw_unit_probe() - read a unit's capabilities and say whether minikvm can drive it
 * @unit: to be filled
 * @regs: the unit's mapped registers
 * @why: receives a reason in words on failure
 *
 * Changes nothing in the hardware. Return: 0, -EBUSY when somebody drives the unit, -ENODEV when
 * it lacks what minikvm needs.
 */
int hw_unit_probe(struct hw_unit *unit, void __iomem *regs, const char **why)
{
	*unit = (struct hw_unit){ .regs = regs };
	unit->cap = hw_read64(regs, DMAR_CAP);
	unit->ecap = hw_read64(regs, DMAR_ECAP);
	unit->initial_gsts = hw_read32(regs, DMAR_GSTS);
	if (unit->cap == ~0ULL && unit->ecap == ~0ULL) {
		*why = "no unit answers at its register address";
		return -ENODEV;
	}
	if (!unit->cap && !unit->ecap) {
		*why = "its registers read as zeros (switched off, or at another address)";
		return -ENODEV;
	}
	if (unit->initial_gsts & (GCMD_TE | GCMD_QIE | GCMD_IRE)) {
		*why = "the unit is in use";
		return -EBUSY;
	}
	if (!(unit->ecap & ECAP_QI)) {
		*why = "the unit has no invalidation queue (ECAP.QI is 0)";
		return -ENODEV;
	}
	if (!(CAP_SAGAW(unit->cap) & (BIT(1) | BIT(2) | BIT(3)))) {
		*why = "the unit walks no table of 3, 4 or 5 levels (CAP.SAGAW)";
		return -ENODEV;
	}
	if (CAP_FRO(unit->cap) + 16 * CAP_NFR(unit->cap) > 4096) {
		*why = "the fault records lie outside the register page (CAP.FRO)";
		return -ENODEV;
	}
	return 0;
}

/**
 * hw_unit_init() - allocate root table, invalidation queue and status word
 * @unit: probed
 *
 * Return: 0 or -ENOMEM; hw_unit_free() undoes it in both cases.
 */
int hw_unit_init(struct hw_unit *unit)
{
	unit->root = hw_alloc(0, GFP_KERNEL);
	unit->queue = hw_alloc(0, GFP_KERNEL);
	unit->status = hw_alloc(0, GFP_KERNEL);
	if (!unit->root || !unit->queue || !unit->status)
		return -ENOMEM;
	hw_publish(unit, unit->root, 4096);
	return 0;
}

/**
 * hw_unit_free() - free the tables
 * @unit: disabled; of a broken unit nothing is freed, it may still read and write there
 */
void hw_unit_free(struct hw_unit *unit)
{
	if (unit->broken)
		return;
	if (unit->root)
		hw_context_free(unit);
	if (unit->queue)
		hw_free(unit->queue, 0);
	if (unit->status)
		hw_free(unit->status, 0);
	unit->root = NULL;
	unit->queue = NULL;
	unit->status = NULL;
}

/**
 * hw_unit_enable() - queue on, root table set, caches emptied, translation on
 * @unit: initialised, its context entries filled; off, or reset since it was on
 *
 * Of a unit for interrupts alone, the queue.
 *
 * Return: 0, or -EIO with the unit as far back as it lets itself be brought.
 */
int hw_unit_enable(struct hw_unit *unit)
{
	int ret;

	/* It did not go off, and no reset came: nothing that it reads from may change. */
	if (hw_read32(unit->regs, DMAR_GSTS) & (GCMD_TE | GCMD_QIE)) {
		hw_break(unit);
		return -EIO;
	}
	/* A unit that slept has forgotten what it did not answer. */
	unit->broken = false;
	hw_write32(unit->regs, DMAR_FECTL, FECTL_IM);
	unit->tail = 0;
	unit->fence = 0;
	hw_write64(unit->regs, DMAR_IQT, 0);
	hw_write64(unit->regs, DMAR_IQA,
		   hw_phys(unit->queue) | (unit->scalable ? IQA_256_BITS : 0));
	ret = hw_command(unit, GCMD_QIE, true, true);
	if (ret || unit->interrupts_only)
		return ret;
	/* A change of an entry from here on invalidates the caches, too. */
	unit->on = true;
	hw_write64(unit->regs, DMAR_RTADDR,
		   hw_phys(unit->root) | (unit->scalable ? RTADDR_SCALABLE : 0));
	ret = hw_command(unit, GCMD_SRTP, true, true);
	if (!ret)
		ret = hw_flush_all(unit);
	if (!ret)
		ret = hw_command(unit, GCMD_TE, true, true);
	if (ret) {
		hw_unit_disable(unit);
		return ret;
	}
	/* Firmware's protection of memory before the kernel ran; translation takes its place. */
	if (unit->cap & (CAP_PLMR | CAP_PHMR)) {
		unit->initial_pmen = hw_read32(unit->regs, DMAR_PMEN);
		if (unit->initial_pmen & PMEN_EPM)
			hw_write32(unit->regs, DMAR_PMEN, unit->initial_pmen & ~PMEN_EPM);
	}
	return 0;
}

/**
 * hw_unit_disable() - translation off, queue off, as the unit was found
 * @unit: enabled, wholly or in part
 *
 * Return: 0, or -EIO when the unit does not answer.
 */
int hw_unit_disable(struct hw_unit *unit)
{
	int ret;

	hw_write32(unit->regs, DMAR_FECTL, FECTL_IM);
	if (unit->initial_pmen & PMEN_EPM)
		hw_write32(unit->regs, DMAR_PMEN, unit->initial_pmen);
	ret = hw_command(unit, GCMD_TE, false, false);
	if (!ret)
		unit->on = false;
	/* While that is pending, the next command would ask for translation again. */
	return ret ?: hw_command(unit, GCMD_QIE, false, false);
}

/**
 * hw_fault_next() - take the oldest fault record out of the unit
 * @unit: enabled
 * @fault: receives it
 *
 * Return: false when no record is left.
 */
bool hw_fault_next(struct hw_unit *unit, struct hw_fault *fault)
{
	u32 fsts = hw_read32(unit->regs, DMAR_FSTS);
	unsigned int nr = CAP_NFR(unit->cap), i;
	u32 reg;
	u64 hi;

	for (i = 0; i < nr; i++) {
		reg = CAP_FRO(unit->cap) + (FSTS_FRI(fsts) + i) % nr * 16;
		hi = hw_read64(unit->regs, reg + 8);
		if (!(hi & FRCD_F))
			continue;
		fault->address = hw_read64(unit->regs, reg);
		fault->index = FRCD_INDEX(fault->address);
		fault->address &= ~0xfffULL;
		fault->source = FRCD_SID(hi);
		fault->reason = FRCD_REASON(hi);
		fault->read = hi & FRCD_READ;
		/* Written as one, so that a full record is free again for the next fault. */
		hw_write32(unit->regs, reg + 12, (u32)(FRCD_F >> 32));
		return true;
	}
	if (fsts & FSTS_PFO)
		hw_write32(unit->regs, DMAR_FSTS, FSTS_PFO);
	return false;
}

/**
 * hw_fault_name() - a fault reason in words
 * @reason: the code of the fault record
 *
 * VT-d specification, "Fault Conditions". Return: a string.
 */
const char *hw_fault_name(u8 reason)
{
	static const char * const names[] = {
		[0x01] = "root entry not present",
		[0x02] = "context entry not present",
		[0x03] = "context entry invalid",
		[0x04] = "address beyond the width of the table",
		[0x05] = "write without permission",
		[0x06] = "read without permission",
		[0x07] = "page table not readable",
		[0x08] = "root table not readable",
		[0x09] = "context table not readable",
		[0x0a] = "reserved bit in a root entry",
		[0x0b] = "reserved bit in a context entry",
		[0x0c] = "reserved bit in a page-table entry",
		[0x0d] = "translation request blocked",
		[0x20] = "reserved bit in the interrupt request",
		[0x21] = "interrupt index beyond the table",
		[0x22] = "interrupt entry not present",
		[0x23] = "interrupt table not readable",
		[0x24] = "reserved bit in an interrupt entry",
		[0x25] = "compatibility-format interrupt blocked",
		[0x26] = "interrupt from a wrong source",
		[0x27] = "posted-interrupt descriptor not accessible",
		[0x28] = "reserved bit in a posted-interrupt descriptor",
		[0x30] = "root table address invalid",
		[0x31] = "request with PASID in legacy mode",
		[0x38] = "root table not readable",
		[0x39] = "root entry not present",
		[0x3a] = "reserved bit in a root entry",
		[0x40] = "context table not readable",
		[0x41] = "context entry not present",
		[0x42] = "reserved bit in a context entry",
		[0x43] = "context entry invalid",
		[0x44] = "device may not ask for translations",
		[0x45] = "device may not use PASIDs",
		[0x46] = "PASID beyond the directory",
		[0x50] = "PASID directory not readable",
		[0x51] = "PASID directory entry not present",
		[0x52] = "reserved bit in a PASID directory entry",
		[0x58] = "PASID table not readable",
		[0x59] = "PASID entry not present",
		[0x5a] = "reserved bit in a PASID entry",
		[0x5b] = "PASID entry invalid",
		[0x70] = "first-stage table not readable",
		[0x71] = "nothing mapped in the first stage",
		[0x72] = "reserved bit in a first-stage entry",
		[0x73] = "first-stage root not readable",
		[0x78] = "second-stage table not readable",
		[0x79] = "second stage without permission",
		[0x7a] = "reserved bit in a second-stage entry",
		[0x80] = "address not canonical",
		[0x81] = "first-stage entry for the supervisor only",
		[0x83] = "address beyond the width of the machine",
		[0x84] = "address beyond the width of the table",
		[0x85] = "write without permission",
		[0x86] = "read without permission",
		[0x87] = "address of interrupts",
		[0x90] = "accessed bit in memory that is not coherent",
		[0x91] = "accessed bit not writable",
	};

	return reason < ARRAY_SIZE(names) && names[reason] ? names[reason] : "unknown reason";
}
