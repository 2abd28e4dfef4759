// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading all of a VMCS, and its dump into the log.
 *
 * SDM, "Field Encoding in VMCS". The dump shows only fields that this processor has, grouped
 * as the SDM groups them, so that a failed entry can be read without a manual at hand.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include "arch/x86/vmx/explain/vmcs_field.h"
#include "arch/x86/vmx/vmx_vcpu.h"

/**
 * vmcs_try_read() - VMREAD without a complaint
 * @encoding: a field, which this processor may not have
 * @value: what it holds
 *
 * Return: false without such a field.
 */
bool vmcs_try_read(u32 encoding, unsigned long *value)
{
	asm goto("1: vmread %[field], %[value]\n\t"
		 "jbe %l[missing]\n\t"
		 _ASM_EXTABLE(1b, %l[missing])
		 : [value] "=&r" (*value) : [field] "r" ((unsigned long)encoding)
		 : "cc" : missing);
	return true;
missing:
	return false;
}

/**
 * vmcs_dump() - print the current VMCS
 * @vcpu: loaded vCPU
 * @host: print the host-state fields, too: those are what VM entry has refused
 *
 * The caller limits the rate. Fields that are zero, which say little, are left out. Of a field
 * that holds an address of the host only the presence is told.
 *
 * Context: process, interrupts on.
 */
void vmcs_dump(struct mkvm_vcpu *vcpu, bool host)
{
	static const char * const groups[] = {
		"control", "exit information", "guest", "host"
	};
	unsigned int i, group;
	unsigned long value;

	pr_err("VMCS of vm %s vcpu %u, fields that are not 0:\n", vcpu->vm->name, vcpu->id);
	for (i = 0; i < ARRAY_SIZE(vmcs_fields); i++) {
		group = vmcs_field_group(vmcs_fields[i].encoding);
		if (group == VMCS_HOST && !host)
			continue;
		if (!vmcs_try_read(vmcs_fields[i].encoding, &value) || !value)
			continue;
		if (vmcs_field_is_host_address(vmcs_fields[i].encoding))
			pr_err("  %s: %s = (host address)\n", groups[group], vmcs_fields[i].name);
		else
			pr_err("  %s: %s = 0x%lx\n", groups[group], vmcs_fields[i].name, value);
	}
}
