/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_EXIT_INTERNAL_ERROR: what the module cannot do for the guest.
 */
#ifndef MINIKVM_ARCH_X86_INTERNAL_ERROR_H
#define MINIKVM_ARCH_X86_INTERNAL_ERROR_H

#include "virt/vcpu.h"

int internal_error(struct mkvm_vcpu *vcpu, u32 suberror, int ndata, const u64 *data);
int internal_error_emulation(struct mkvm_vcpu *vcpu, const u8 *insn, unsigned int len);

#endif
