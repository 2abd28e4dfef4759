/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processor's own writes to descriptor tables in read-only memory.
 */
#ifndef MINIKVM_ARCH_X86_ROM_WRITE_H
#define MINIKVM_ARCH_X86_ROM_WRITE_H

#include "virt/vcpu.h"

int rom_write_step(struct mkvm_vcpu *vcpu, u64 linear, gpa_t gpa);
void rom_write_forget(struct mkvm_vcpu *vcpu);

#endif
