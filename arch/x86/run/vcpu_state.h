/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Life of the processor state that is not VMX's.
 *
 * CPUID, MSRs, FPU, TSC, control and debug registers: allocation, values after power-up, RESET
 * and INIT (SDM, "Processor State After Reset").
 */
#ifndef MINIKVM_ARCH_X86_VCPU_STATE_H
#define MINIKVM_ARCH_X86_VCPU_STATE_H

#include "virt/vcpu.h"

/* Once at load, when vmx_caps is known and before the first VM: what can this host offer? */
void state_module_init(void);

/* Members of arch_vm that belong here. Cannot fail; nothing to free. */
void state_vm_init(struct mkvm_vm *vm);

/* Allocate and fill; before the VMCS exists. 0 or -ENOMEM with nothing left behind. */
int state_vcpu_init(struct mkvm_vcpu *vcpu);
void state_vcpu_free(struct mkvm_vcpu *vcpu);

/* Values after RESET (@init_event false) or INIT; vCPU loaded, its VMCS exists. */
void state_vcpu_reset(struct mkvm_vcpu *vcpu, bool init_event);

#endif
