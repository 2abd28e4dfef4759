/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of an instruction that the module executed for the guest.
 */
#ifndef MINIKVM_ARCH_X86_SKIP_H
#define MINIKVM_ARCH_X86_SKIP_H

struct mkvm_vcpu;

int skip_instruction(struct mkvm_vcpu *vcpu);
int skip_bytes(struct mkvm_vcpu *vcpu, unsigned int len);
void skip_untrapped(struct mkvm_vcpu *vcpu, unsigned int len);

#endif
