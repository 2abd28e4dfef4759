/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMX on and off, and which VMCS is active on which CPU.
 */
#ifndef MINIKVM_ARCH_X86_VMX_HARDWARE_H
#define MINIKVM_ARCH_X86_VMX_HARDWARE_H

#include <linux/percpu.h>

#include "arch/x86/vmx/vmx_vcpu.h"

struct vmcs;

int vmx_hardware_init(void);
void vmx_hardware_exit(void);
bool vmx_vmcs_activate(struct vmx_vcpu *vmx, int cpu);

/* Physical address of the current VMCS, or 0. Only hardware.c writes it. */
DECLARE_PER_CPU(u64, vmx_current_vmcs);

/* Is it the current one on @cpu, this CPU? Preemption is off. */
static __always_inline bool vmx_vmcs_is_here(const struct vmx_vcpu *vmx, int cpu)
{
	return vmx->loaded_cpu == cpu && __this_cpu_read(vmx_current_vmcs) == vmx->vmcs_pa;
}

bool vmx_vmcs_deactivate(struct vmx_vcpu *vmx);
bool vmx_is_on(void);
struct vmcs *vmx_alloc_vmcs(int cpu);

#endif
