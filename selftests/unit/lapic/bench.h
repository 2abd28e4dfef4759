/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The work bench of the LAPIC's unit tests: a VM with vCPUs.
 */
#ifndef LAPIC_TEST_BENCH_H
#define LAPIC_TEST_BENCH_H

#include "arch/x86/irq/lapic_internal.h"
#include "arch/x86/run/init_sipi.h"
#include "tap.h"

/* A VM with @n vCPUs whose IDs are @first, @first + @step...; software-enabled, xAPIC mode. */
struct mkvm_vm *vm_new(int n, u32 first, u32 step);
void vm_free(struct mkvm_vm *vm);

static inline u32 reg_r(struct mkvm_vcpu *vcpu, u32 reg)
{
	u32 val = 0xdeadbeef;
	u64 wide = 0xdeadbeef;

	if (lapic_x2apic_mode(vcpu))
		return lapic_x2apic_msr_read(vcpu, 0x800 + (reg >> 4), &wide) ? 0xdeadbeef : wide;
	lapic_mmio_read(vcpu, reg, 4, &val);
	return val;
}

static inline int reg_w(struct mkvm_vcpu *vcpu, u32 reg, u64 val)
{
	u32 val32 = val;

	if (lapic_x2apic_mode(vcpu))
		return lapic_x2apic_msr_write(vcpu, 0x800 + (reg >> 4), val);
	return lapic_mmio_write(vcpu, reg, 4, &val32);
}

/* Take the highest interrupt as an injection does: its vector or -1. */
static inline int take(struct mkvm_vcpu *vcpu)
{
	int vector = lapic_pending_vector(vcpu);

	if (vector >= 0)
		lapic_ack(vcpu, vector);
	return vector;
}

static inline int send_fixed(struct mkvm_vm *vm, u32 dest, u8 vector)
{
	struct lapic_irq irq = { .dest_id = dest, .vector = vector, .level = true };

	return lapic_deliver(vm, NULL, &irq);
}

#endif
