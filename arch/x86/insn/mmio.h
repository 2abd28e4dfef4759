/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory accesses that reach a device instead of memory.
 */
#ifndef MINIKVM_ARCH_X86_MMIO_H
#define MINIKVM_ARCH_X86_MMIO_H

#include "virt/vcpu.h"

int mmio_emulate(struct mkvm_vcpu *vcpu, bool hint, bool write, unsigned long linear, gpa_t gpa);
int mmio_emulate_apic(struct mkvm_vcpu *vcpu, bool write, gpa_t page, unsigned int offset);
bool mmio_loads_segment(struct mkvm_vcpu *vcpu);
int mmio_emulate_movbe(struct mkvm_vcpu *vcpu);
int mmio_vcpu_init(struct mkvm_vcpu *vcpu);
void mmio_vcpu_free(struct mkvm_vcpu *vcpu);

#endif
