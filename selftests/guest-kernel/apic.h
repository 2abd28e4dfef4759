/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt controllers and the timer: apic.c.
 */
#ifndef GUEST_APIC_H
#define GUEST_APIC_H

#include "types.h"

void apic_init_boot(void);
void apic_init(void);
u32 apic_id(void);
void apic_send(u32 apic_id, u32 command);
void apic_end_of_interrupt(void);
void apic_set_timer(u64 tsc);
void apic_poke(void);
void flush_serve(void);
void flush_others(void);

#define IPI_FIXED	0x4000
#define IPI_INIT	0x4500
#define IPI_STARTUP	0x4600

#endif
