/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which MSRs the guest accesses without an exit. See msr_pass.c.
 */
#ifndef MINIKVM_ARCH_X86_MSR_PASS_H
#define MINIKVM_ARCH_X86_MSR_PASS_H

struct mkvm_vcpu;

void msr_pass_update(struct mkvm_vcpu *vcpu);

#endif
