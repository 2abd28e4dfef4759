/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands to a remapping unit, the turns of those who give them, and giving a unit up: command.c.
 */
#ifndef MINIKVM_IOMMU_HW_COMMAND_H
#define MINIKVM_IOMMU_HW_COMMAND_H

#include "unit.h"

void hw_give_up(struct hw_unit *unit);
bool hw_take_turn(struct hw_unit *unit, bool *taken);
int hw_command(struct hw_unit *unit, u32 bit, bool on, bool expect);

#endif
