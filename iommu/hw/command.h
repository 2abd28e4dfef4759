/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands to a remapping unit, taking turns, and giving a unit up: command.c.
 */
#ifndef MINIKVM_IOMMU_HW_COMMAND_H
#define MINIKVM_IOMMU_HW_COMMAND_H

#include "unit.h"

void remap_give_up(struct remap_unit *unit);
bool remap_take_turn(struct remap_unit *unit, bool *taken);
int remap_command(struct remap_unit *unit, u32 bit, bool on, bool expect);

#endif
