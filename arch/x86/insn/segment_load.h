/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading a segment register, LDTR or TR, as an instruction of the guest's does.
 */
#ifndef MINIKVM_ARCH_X86_SEGMENT_LOAD_H
#define MINIKVM_ARCH_X86_SEGMENT_LOAD_H

#include "arch/x86/emulate/emulate.h"
#include "arch/x86/mmu/guest_walk.h"
#include "virt/vcpu.h"

int segment_load(struct mkvm_vcpu *vcpu, int reg, u16 selector, struct walk_fault *fault);
int segment_load_cs(struct mkvm_vcpu *vcpu, u16 selector, u64 offset, enum emul_far why,
		    struct walk_fault *fault);
int segment_load_system(struct mkvm_vcpu *vcpu, u16 selector, bool tr, struct walk_fault *fault);

#endif
