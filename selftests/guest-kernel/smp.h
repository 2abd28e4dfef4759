/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other processors: smp.c.
 */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "types.h"

void smp_add_this(unsigned int number);
void smp_start_others(void);
void start_other(u64 number);

#endif
