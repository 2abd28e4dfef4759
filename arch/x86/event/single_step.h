/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The single-step exception behind an instruction that the module executed for the guest.
 */
#ifndef MINIKVM_ARCH_X86_SINGLE_STEP_H
#define MINIKVM_ARCH_X86_SINGLE_STEP_H

struct mkvm_vcpu;

void single_step_pend(void);
void single_step_drop(void);
void single_step_take(struct mkvm_vcpu *vcpu);

#endif
