/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's power button and power switch, as ACPI sees them: power.c.
 */
#ifndef MINIKVM_TOOL_POWER_H
#define MINIKVM_TOOL_POWER_H

#include "machine/machine.h"

void power_init(struct machine *m);
void power_button(struct machine *m);
void power_event(struct machine *m, unsigned int number);
void power_write(struct machine *m, unsigned int reg, __u8 value);
__u8 power_read(struct machine *m, unsigned int reg);

#endif
