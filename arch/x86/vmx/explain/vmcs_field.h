/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading all of a VMCS, and its dump into the log.
 */
#ifndef MINIKVM_ARCH_X86_VMX_EXPLAIN_VMCS_FIELD_H
#define MINIKVM_ARCH_X86_VMX_EXPLAIN_VMCS_FIELD_H

#include "arch/x86/vmx/explain/vmcs_field_table.h"

struct mkvm_vcpu;

void vmcs_dump(struct mkvm_vcpu *vcpu, bool host);
bool vmcs_try_read(u32 encoding, unsigned long *value);

#endif
