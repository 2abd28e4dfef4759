// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing a remapping unit up and down.
 *
 * VT-d specification, "Software Setup", "Setting Up the Root Table". The steps are commands
 * (command.c) and invalidations (qi.c); context.c fills the tables.
 */
#include "command.h"
#include "context.h"
#include "qi.h"

/**
 * remap_probe() - read a unit's capabilities and say whether minikvm can drive it
 * @unit: to be filled
 * @regs: the unit's mapped registers
 * @why: receives a reason in words on failure
 *
 * Changes nothing in the hardware.
 *
 * Return: 0, -EBUSY when another driver uses the unit, -ENODEV when it lacks what minikvm needs.
 */
int remap_probe(struct remap_unit *unit, void __iomem *regs, const char **why)
{
	*unit = (struct remap_unit){ .regs = regs };
	shim_lock_init(&unit->lock);
	unit->cap = shim_read64(regs, DMAR_CAP);
	unit->ecap = shim_read64(regs, DMAR_ECAP);
	unit->initial_gsts = shim_read32(regs, DMAR_GSTS);
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
 * remap_init() - allocate root table, invalidation queue and status word
 * @unit: probed
 *
 * Return: 0 or -ENOMEM; remap_free() undoes it in both cases.
 */
int remap_init(struct remap_unit *unit)
{
	unit->root = shim_alloc(0, GFP_KERNEL);
	unit->queue = shim_alloc(0, GFP_KERNEL);
	unit->status = shim_alloc(0, GFP_KERNEL);
	if (!unit->root || !unit->queue || !unit->status)
		return -ENOMEM;
	remap_publish(unit, unit->root, 4096);
	return 0;
}

/**
 * remap_free() - free the tables
 * @unit: disabled; if it is broken nothing is freed, as it may still read and write there
 */
void remap_free(struct remap_unit *unit)
{
	if (unit->broken)
		return;
	if (unit->root)
		context_free(unit);
	if (unit->queue)
		shim_free(unit->queue, 0);
	if (unit->status)
		shim_free(unit->status, 0);
	unit->root = NULL;
	unit->queue = NULL;
	unit->status = NULL;
}

/**
 * remap_enable() - queue on, root table set, caches emptied, translation on
 * @unit: initialised, its context entries filled; off, or reset since it was on
 *
 * A unit for interrupts alone gets the queue and nothing else.
 *
 * Return: 0, or -EIO with the unit switched off as far as it obeys.
 */
int remap_enable(struct remap_unit *unit)
{
	int ret;

	/* It did not go off, and was not reset: the memory that it reads must not change. */
	if (shim_read32(unit->regs, DMAR_GSTS) & (GCMD_TE | GCMD_QIE)) {
		remap_give_up(unit);
		return -EIO;
	}
	/* A reset (the machine slept) makes a unit that was given up usable again. */
	unit->broken = false;
	shim_write32(unit->regs, DMAR_FECTL, FECTL_IM);
	unit->tail = 0;
	unit->fence = 0;
	shim_write64(unit->regs, DMAR_IQT, 0);
	shim_write64(unit->regs, DMAR_IQA,
		     shim_phys(unit->queue) | (unit->scalable ? IQA_256_BITS : 0));
	ret = remap_command(unit, GCMD_QIE, true, true);
	if (ret || unit->interrupts_only)
		return ret;
	/* From here on, a change of an entry invalidates the caches, too. */
	unit->on = true;
	shim_write64(unit->regs, DMAR_RTADDR,
		     shim_phys(unit->root) | (unit->scalable ? RTADDR_SCALABLE : 0));
	ret = remap_command(unit, GCMD_SRTP, true, true);
	if (!ret)
		ret = qi_flush_all(unit);
	if (!ret)
		ret = remap_command(unit, GCMD_TE, true, true);
	if (ret) {
		remap_disable(unit);
		return ret;
	}
	/* Firmware protects memory until the kernel has translation on. */
	if (unit->cap & (CAP_PLMR | CAP_PHMR)) {
		unit->initial_pmen = shim_read32(unit->regs, DMAR_PMEN);
		if (unit->initial_pmen & PMEN_EPM)
			shim_write32(unit->regs, DMAR_PMEN, unit->initial_pmen & ~PMEN_EPM);
	}
	return 0;
}

/**
 * remap_disable() - translation off, queue off: as the unit was found
 * @unit: enabled, wholly or in part
 *
 * Return: 0, or -EIO when the unit does not answer.
 */
int remap_disable(struct remap_unit *unit)
{
	int ret;

	shim_write32(unit->regs, DMAR_FECTL, FECTL_IM);
	if (unit->initial_pmen & PMEN_EPM)
		shim_write32(unit->regs, DMAR_PMEN, unit->initial_pmen);
	ret = remap_command(unit, GCMD_TE, false, false);
	if (!ret)
		unit->on = false;
	/*
	 * Not after a failure: the command would contain GCMD.TE, as Global Status still shows it.
	 */
	return ret ?: remap_command(unit, GCMD_QIE, false, false);
}
