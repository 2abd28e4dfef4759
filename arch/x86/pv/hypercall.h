/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMCALL as KVM's paravirtual ABI defines it.
 */
#ifndef MINIKVM_ARCH_X86_HYPERCALL_H
#define MINIKVM_ARCH_X86_HYPERCALL_H

#include "virt/vcpu.h"

/* What hypercall_execute() returns when it must not sleep and has to. */
#define HYPERCALL_MUST_SLEEP	3
int hypercall_execute(struct mkvm_vcpu *vcpu);

#endif
