/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers of the hypervisor's: random.c.
 */
#ifndef GUEST_RANDOM_H
#define GUEST_RANDOM_H

#include "types.h"

/* How many have come from the device. */
extern u32 random_interrupts;

void random_init(void);
void random_interrupt(void);
int random_get(u8 *to, u32 n);

#endif
