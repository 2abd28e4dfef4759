// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands to a remapping unit, taking turns, and giving a unit up.
 *
 * VT-d specification, "Global Command Register": one bit changes at a time, and Global Status says
 * when it is done. Every wait is bounded, and gives the lock of the unit up meanwhile.
 */
#include "command.h"

static bool wait_status(struct remap_unit *unit, u32 bit, bool set)
{
	unsigned int i;

	for (i = 0; i < REMAP_TIMEOUT_US; i++) {
		if (!!(shim_read32(unit->regs, DMAR_GSTS) & bit) == set)
			return true;
		shim_pause(&unit->lock);
	}
	remap_give_up(unit);
	return false;
}

/**
 * remap_give_up() - no longer use a unit, as it does not answer
 * @unit: the unit
 *
 * What failed returns -EIO. The holder of the lock sees by @unit->times_given_up, before giving the
 * lock back, that the unit's devices must be stopped in another way.
 */
void remap_give_up(struct remap_unit *unit)
{
	if (unit->broken)
		return;
	unit->broken = true;
	unit->times_given_up++;
}

/**
 * remap_take_turn() - wait for the right to do what one processor at a time may do
 * @unit: the unit, with its lock held
 * @taken: @commanding, @attaching or @asking of @unit; the caller clears it at the end
 *
 * The timeouts of the hardware bound how long another processor keeps the turn.
 *
 * Return: false when the turn did not come in four times that; the unit is given up then.
 */
bool remap_take_turn(struct remap_unit *unit, bool *taken)
{
	unsigned int i;

	for (i = 0; *taken && i < 4 * REMAP_TIMEOUT_US; i++)
		shim_pause(&unit->lock);
	if (*taken) {
		remap_give_up(unit);
		return false;
	}
	*taken = true;
	return true;
}

/**
 * remap_command() - give one command through the Global Command register, and wait for it
 * @unit: the unit, with its lock held
 * @bit: the command, a GCMD bit
 * @on: whether to set the bit or to clear it
 * @expect: what Global Status shows in this bit when the command is done
 *
 * The register wants the state bits as they are and exactly one change.
 *
 * Return: 0, or -EIO when the unit does not answer (it is given up then).
 */
int remap_command(struct remap_unit *unit, u32 bit, bool on, bool expect)
{
	u32 state;
	bool done;

	if (!remap_take_turn(unit, &unit->commanding))
		return -EIO;
	state = shim_read32(unit->regs, DMAR_GSTS) & GCMD_STATE;
	shim_write32(unit->regs, DMAR_GCMD, on ? state | bit : state & ~bit);
	done = wait_status(unit, bit, expect);
	unit->commanding = false;
	return done ? 0 : -EIO;
}
