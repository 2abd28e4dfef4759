/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the processor virtualizes a vCPU's LAPIC.
 */
#ifndef MINIKVM_ARCH_X86_EXIT_APIC_PAGE_H
#define MINIKVM_ARCH_X86_EXIT_APIC_PAGE_H

#include "virt/vcpu.h"

void apic_page_update(struct mkvm_vcpu *vcpu);
int apic_page_map(struct mkvm_vcpu *vcpu, gpa_t gpa);

#endif
