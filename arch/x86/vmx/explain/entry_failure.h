/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VM entries that failed.
 */
#ifndef MINIKVM_ARCH_X86_VMX_EXPLAIN_ENTRY_FAILURE_H
#define MINIKVM_ARCH_X86_VMX_EXPLAIN_ENTRY_FAILURE_H

#include "arch/x86/vmx/vmx_vcpu.h"

void vmx_entry_vmfail(struct mkvm_vcpu *vcpu, enum vmx_enter_result result);
int vmx_exit_entry_failure(struct mkvm_vcpu *vcpu);

#endif
