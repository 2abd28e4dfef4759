/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this processor's VMX can do: fills struct vmx_caps.
 */
#ifndef MINIKVM_ARCH_X86_VMX_CAPABILITIES_H
#define MINIKVM_ARCH_X86_VMX_CAPABILITIES_H

int vmx_caps_init(void);
void vmx_caps_decide_apicv(void);

#endif
