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

/* As MOV to CRn does: 0, or 1 when the guest must get #GP(0) and nothing changed. */
int cr0_set(struct mkvm_vcpu *vcpu, unsigned long cr0);
/* LMSW: PE, MP, EM, TS; it can set but not clear PE. */
int cr0_load_msw(struct mkvm_vcpu *vcpu, u16 msw);
int cr3_set(struct mkvm_vcpu *vcpu, unsigned long cr3);
int cr4_set(struct mkvm_vcpu *vcpu, unsigned long cr4);
int cr8_set(struct mkvm_vcpu *vcpu, unsigned long cr8);
unsigned long cr8_get(struct mkvm_vcpu *vcpu);
int xcr0_set(struct mkvm_vcpu *vcpu, u64 xcr0);
/* WRMSR of IA32_EFER; LMA follows CR0.PG and cannot be written. */
int efer_set(struct mkvm_vcpu *vcpu, u64 efer, bool host);

/* Store CR0, which the caller has validated, and what follows from it. */
void cr0_write(struct mkvm_vcpu *vcpu, unsigned long cr0);
/* After CR4 changed by whatever way: CPUID bits and entry-time switches that mirror it. */
void cr4_changed(struct mkvm_vcpu *vcpu, unsigned long changed);

/* Pure checks, for KVM_SET_SREGS. */
bool cr0_valid(struct mkvm_vcpu *vcpu, unsigned long cr0);
bool cr4_valid(struct mkvm_vcpu *vcpu, unsigned long cr4);
bool efer_valid(struct mkvm_vcpu *vcpu, u64 efer);
/* Bits that CPUID does not give the guest: vcpu->arch.cr4_guest_rsvd. */
unsigned long cr4_reserved_bits(struct mkvm_vcpu *vcpu);
/* Load the four PDPTEs at @cr3 (PAE paging): 0, or 1 when a reserved bit is set. */
int cr3_load_pdptrs(struct mkvm_vcpu *vcpu, unsigned long cr3);

#endif
