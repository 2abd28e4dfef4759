/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields of the VMCS: encodings, names, and which tell of the host's memory.
 */
#ifndef MINIKVM_ARCH_X86_VMX_EXPLAIN_VMCS_FIELD_TABLE_H
#define MINIKVM_ARCH_X86_VMX_EXPLAIN_VMCS_FIELD_TABLE_H

#include "arch/x86/vmx/explain/shim.h"

/* SDM, "Structure of VMCS Component Encoding", bits 11:10: the four groups of fields. */
enum vmcs_group { VMCS_CONTROL, VMCS_EXIT_INFORMATION, VMCS_GUEST, VMCS_HOST };

struct vmcs_field_name {
	u32 encoding;
	const char *name;
};

#define NR_VMCS_FIELDS	172

extern const struct vmcs_field_name vmcs_fields[NR_VMCS_FIELDS];

static inline enum vmcs_group vmcs_field_group(u32 encoding)
{
	return (enum vmcs_group)(encoding >> 10 & 3);
}

const char *vmcs_field_name(u32 encoding);
bool vmcs_field_is_host_address(u32 encoding);

#endif
