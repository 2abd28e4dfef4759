/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_entry and kvm_exit, as the hot loop reports them.
 */
#ifndef MINIKVM_ARCH_X86_VMX_TRACE_H
#define MINIKVM_ARCH_X86_VMX_TRACE_H

struct mkvm_vcpu;

void vmx_trace_entry(struct mkvm_vcpu *vcpu);
void vmx_trace_exit(struct mkvm_vcpu *vcpu);

#endif
