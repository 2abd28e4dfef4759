/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virt/vcpu.h of the interrupt controllers' unit tests: a vCPU that counts what happens to it.
 */
#ifndef IRQCHIP_TEST_VCPU_H
#define IRQCHIP_TEST_VCPU_H

#include "virt/vm.h"

enum mkvm_request { MKVM_REQ_EVENT };

struct mkvm_vcpu {
	struct mkvm_vm *vm;
	struct { void *apic; } arch;
	struct { u64 generation, key; } io_miss;
	struct { u64 generation; gpa_t addr; unsigned int pos; } io_found;
	int kicks, nmis;
};

#define mkvm_for_each_vcpu(i, vcpu, vm) \
	for ((i) = 0; (i) < (vm)->online_vcpus && ((vcpu) = (vm)->vcpus[i], true); (i)++)
#define mkvm_make_request(req, vcpu)	((void)(vcpu))

static inline void mkvm_vcpu_kick(struct mkvm_vcpu *vcpu)
{
	vcpu->kicks++;
}

#endif
