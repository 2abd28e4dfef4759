/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads that run the vCPUs: vcpu_loop.c.
 */
#ifndef MINIKVM_TOOL_VCPU_LOOP_H
#define MINIKVM_TOOL_VCPU_LOOP_H

#include "machine/machine.h"

/**
 * machine_start() - start one thread for every vCPU
 * @m: the machine
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int machine_start(struct machine *m, struct sentence *why);

/* Bring every vCPU thread out of the guest and wait for its end. Needs machine_stop() before. */
void machine_join(struct machine *m);

#endif
