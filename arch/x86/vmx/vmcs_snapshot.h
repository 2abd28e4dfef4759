/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A copy of a vCPU's VMCS, and the entry checks on it.
 */
#ifndef MINIKVM_ARCH_X86_VMX_VMCS_SNAPSHOT_H
#define MINIKVM_ARCH_X86_VMX_VMCS_SNAPSHOT_H

#include <linux/types.h>

#include "arch/x86/vmx/explain/vmcs_field_table.h"

struct mkvm_vcpu;
struct task_struct;
struct entry_check;

/**
 * struct vmcs_snapshot - a VMCS as the next VM entry would see it
 * @reader: the thread that asked; another one that looks is the vCPU's, in KVM_RUN
 * @pa: its physical address
 * @vtpr: byte 80H of the virtual-APIC page, or -1
 * @running: it was taken from a vCPU in KVM_RUN
 * @valid: it was taken at all: VMX was on
 * @has: the processor has the field
 * @value: what it holds
 */
struct vmcs_snapshot {
	const struct task_struct *reader;
	u64 pa;
	int vtpr;
	bool running, valid;
	bool has[NR_VMCS_FIELDS];
	u64 value[NR_VMCS_FIELDS];
};

void vmcs_snapshot_take(struct mkvm_vcpu *vcpu, void *snapshot);

typedef void (*vmcs_rule_fn)(void *arg, const char *section, u32 field, u64 value,
			     const char *rule, bool holds);
int vmcs_snapshot_check(const struct vmcs_snapshot *s, vmcs_rule_fn tell, void *arg);

#endif
