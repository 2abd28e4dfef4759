/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMCALL as KVM's paravirtual ABI defines it.
 */
#ifndef MINIKVM_ARCH_X86_HYPERCALL_H
#define MINIKVM_ARCH_X86_HYPERCALL_H

#include "virt/vcpu.h"

/*
 * Execute the hypercall in the guest's registers; RAX gets the result: 1. With interrupts off it
 * may be HYPERCALL_MUST_SLEEP, with nothing done.
 */
#define HYPERCALL_MUST_SLEEP	3
int hypercall_execute(struct mkvm_vcpu *vcpu);

#endif
