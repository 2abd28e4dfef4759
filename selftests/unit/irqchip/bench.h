/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench.h - the work bench of the interrupt controllers' unit tests: a VM with one vCPU, whose
 * LAPIC is a list of the messages it got, and a clock.
 *
 * GSIs lead to the 8259s and to the IOAPIC as KVM's default table says. The clock stands still
 * unless a test calls advance(), which runs what falls due on the way.
 */
#ifndef IRQCHIP_TEST_BENCH_H
#define IRQCHIP_TEST_BENCH_H

#include "arch/x86/irq/ioapic.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/pic.h"
#include "arch/x86/irq/pit.h"
#include "tap.h"

extern struct mkvm_vm vm;
extern struct mkvm_vcpu vcpu;

/* Messages that reached the LAPIC, the last of them, and what it answers to the next. */
extern int messages, deliver_result;
extern struct lapic_irq last_message;
/* Rising edges that PIT and others put on each GSI; acknowledgments by GSI. */
extern int edges[24], acks[24];
extern bool accepts_pic;

void bench_new(u32 pit_flags);
void bench_free(void);

static inline void advance(s64 ns)
{
	advance_to(now_ns + ns);
}

static inline u8 in8(u16 port)
{
	u8 val = 0xcc;

	return mkvm_io_bus_read(&vcpu, MKVM_PIO_BUS, port, 1, &val) ? 0xee : val;
}

static inline void out8(u16 port, u8 val)
{
	if (mkvm_io_bus_write(&vcpu, MKVM_PIO_BUS, port, 1, &val))
		printf("# no device took the write to port %#x\n", port);
}

#endif
