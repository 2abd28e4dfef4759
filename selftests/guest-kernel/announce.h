/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Telling the hypervisor what the guest does: announce.c.
 */
#ifndef GUEST_ANNOUNCE_H
#define GUEST_ANNOUNCE_H

#include "types.h"

struct task;

/* RAX of the hypercall (MINIKVM_HC_ANNOUNCE), and what RBX then says, as `minikvm trace` knows. */
#define ANNOUNCE_HYPERCALL	0x6d6b7670	/* "mkvp" */
#define ANNOUNCE_SWITCH		1	/* RCX = process | task << 8, RDX and RSI = name */
#define ANNOUNCE_STATE		2	/* RCX = subject << 16 | id << 8 | state */
#define ANNOUNCE_FAULT		3	/* RCX = process, RDX = address, RSI = error code */
#define ANNOUNCE_END		4	/* from now on, nothing is announced */

extern bool announcing;

void announce_turn(bool on);
void announce_switch(const struct task *to);
void announce_fault(u64 address, u64 error);

#endif
