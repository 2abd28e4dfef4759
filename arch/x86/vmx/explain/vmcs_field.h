/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields of the VMCS by name.
 */
#ifndef MINIKVM_ARCH_X86_VMX_EXPLAIN_VMCS_FIELD_H
#define MINIKVM_ARCH_X86_VMX_EXPLAIN_VMCS_FIELD_H

#include <linux/types.h>

struct mkvm_vcpu;

void vmx_dump_vmcs(struct mkvm_vcpu *vcpu, bool host);
const char *vmcs_field_name(u32 encoding);
bool vmcs_field_is_host_address(u32 encoding);

#endif
