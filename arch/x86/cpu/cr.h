/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control registers: the rules for writing them, and what follows.
 *
 * SDM, "Control Registers", "Mode Switching". Used by the CR-access exits, by KVM_SET_SREGS
 * and by task switches.
 */
#ifndef MINIKVM_ARCH_X86_CR_H
#define MINIKVM_ARCH_X86_CR_H

#include "virt/vcpu.h"

int cr0_set(struct mkvm_vcpu *vcpu, unsigned long cr0);
int cr0_load_msw(struct mkvm_vcpu *vcpu, u16 msw);
int cr3_set(struct mkvm_vcpu *vcpu, unsigned long cr3);
int cr4_set(struct mkvm_vcpu *vcpu, unsigned long cr4);
int cr8_set(struct mkvm_vcpu *vcpu, unsigned long cr8);
int xcr0_set(struct mkvm_vcpu *vcpu, u64 xcr0);
int efer_set(struct mkvm_vcpu *vcpu, u64 efer, bool host);
void cr0_write(struct mkvm_vcpu *vcpu, unsigned long cr0);
void cr4_changed(struct mkvm_vcpu *vcpu, unsigned long changed);
bool cr0_valid(struct mkvm_vcpu *vcpu, unsigned long cr0);
bool cr4_valid(struct mkvm_vcpu *vcpu, unsigned long cr4);
bool efer_valid(struct mkvm_vcpu *vcpu, u64 efer);
unsigned long cr4_reserved_bits(struct mkvm_vcpu *vcpu);
int cr3_load_pdptrs(struct mkvm_vcpu *vcpu, unsigned long cr3);

#endif
