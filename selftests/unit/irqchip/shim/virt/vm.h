/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virt/vm.h of the interrupt controllers' unit tests: the members of a VM that they use.
 */
#ifndef IRQCHIP_TEST_VM_H
#define IRQCHIP_TEST_VM_H

#include "kernel.h"

enum mkvm_bus_idx { MKVM_MMIO_BUS, MKVM_PIO_BUS, MKVM_NR_BUSES };

struct mkvm_io_bus;
struct mkvm_ioapic;
struct mkvm_pic;
struct mkvm_pit;
struct mkvm_vcpu;

struct mkvm_vm {
	struct mkvm_vcpu *vcpus[2];
	int online_vcpus;
	refcount_t users;
	struct mutex slots_lock, irq_lock;
	struct srcu_struct srcu;
	struct mkvm_io_bus *buses[MKVM_NR_BUSES];
	u64 io_generation;
	struct {
		struct mkvm_ioapic *ioapic;
		struct mkvm_pic *pic;
		struct mkvm_pit *pit;
	} arch;
};

#define mkvm_refuse(vm, ...)	((void)(vm))

#endif
