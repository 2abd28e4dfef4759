/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads that run the vCPUs: vcpu_loop.c.
 */
#ifndef MINIKVM_TOOL_VCPU_LOOP_H
#define MINIKVM_TOOL_VCPU_LOOP_H

#include "machine/machine.h"

int machine_start(struct machine *m, struct sentence *why);
void machine_join(struct machine *m);
void vcpu_kick(struct machine *m, unsigned int vcpu);

#endif
