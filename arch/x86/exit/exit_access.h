/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses that exit: EPT violations, the page-modification log, the APIC's page, I/O instructions,
 * INVLPG and INVPCID. exit_fast_*() run with interrupts off.
 */
#ifndef MINIKVM_ARCH_X86_EXIT_ACCESS_H
#define MINIKVM_ARCH_X86_EXIT_ACCESS_H

#include "virt/vcpu.h"

int exit_fast_ept_violation(struct mkvm_vcpu *vcpu);
int exit_ept_violation(struct mkvm_vcpu *vcpu);
int exit_ept_misconfig(struct mkvm_vcpu *vcpu);
int exit_pml_full(struct mkvm_vcpu *vcpu);
void exit_flush_pml(struct mkvm_vcpu *vcpu);
int exit_fast_apic_access(struct mkvm_vcpu *vcpu);
int exit_apic_access(struct mkvm_vcpu *vcpu);
int exit_fast_io(struct mkvm_vcpu *vcpu);
int exit_io(struct mkvm_vcpu *vcpu);
int exit_invlpg(struct mkvm_vcpu *vcpu);
int exit_invpcid(struct mkvm_vcpu *vcpu);

#endif
