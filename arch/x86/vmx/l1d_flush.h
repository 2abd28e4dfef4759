/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L1 terminal fault: nothing of the host's in the L1 data cache.
 */
#ifndef MINIKVM_ARCH_X86_VMX_L1D_FLUSH_H
#define MINIKVM_ARCH_X86_VMX_L1D_FLUSH_H

#include <linux/jump_label.h>

struct mkvm_vcpu;

DECLARE_STATIC_KEY_FALSE(vmx_l1d_flush_key);

int vmx_l1d_flush_init(void);
void vmx_l1d_flush_exit(void);
void vmx_l1d_flush(struct mkvm_vcpu *vcpu);

#endif
