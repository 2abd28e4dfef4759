/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VM entries that failed.
 */
#ifndef MINIKVM_ARCH_X86_VMX_EXPLAIN_ENTRY_FAILURE_H
#define MINIKVM_ARCH_X86_VMX_EXPLAIN_ENTRY_FAILURE_H

#include "arch/x86/vmx/vmx_vcpu.h"

void entry_failure_note(struct mkvm_vcpu *vcpu, enum vmx_enter_result result);
int entry_failure_exit(struct mkvm_vcpu *vcpu);

#endif
