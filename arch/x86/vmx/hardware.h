/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMX on and off, and which VMCS is active on which CPU.
 */
#ifndef MINIKVM_ARCH_X86_VMX_HARDWARE_H
#define MINIKVM_ARCH_X86_VMX_HARDWARE_H

#include <linux/types.h>

struct vmcs;
struct vmx_vcpu;

int vmx_hardware_init(void);
void vmx_hardware_exit(void);
bool vmx_vmcs_activate(struct vmx_vcpu *vmx, int cpu);
bool vmx_vmcs_deactivate(struct vmx_vcpu *vmx);
bool vmx_is_on(void);
struct vmcs *vmx_alloc_vmcs(int cpu);

#endif
