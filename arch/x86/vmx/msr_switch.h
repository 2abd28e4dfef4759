/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Host and guest state that the VMCS does not switch.
 */
#ifndef MINIKVM_ARCH_X86_VMX_MSR_SWITCH_H
#define MINIKVM_ARCH_X86_VMX_MSR_SWITCH_H

struct mkvm_vcpu;

void vmx_host_cpu_changed(struct mkvm_vcpu *vcpu);
void vmx_msr_switch_init(void);
void vmx_msr_switch_cpu_off(void);
void vmx_prepare_guest(struct mkvm_vcpu *vcpu);
void vmx_load_host_state(struct mkvm_vcpu *vcpu);

#endif
