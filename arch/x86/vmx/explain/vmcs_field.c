// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every VMCS field by name, and the dump of a VMCS.
 *
 * SDM, "Field Encoding in VMCS". The dump shows only fields that this processor has, grouped
 * as the SDM groups them, so that a failed entry can be read without a manual at hand.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include "arch/x86/vmx/explain/vmcs_field.h"
#include "arch/x86/vmx/vmx_vcpu.h"

/* Fields that older <asm/vmx.h> does not name. */
#define EXECUTIVE_VMCS_POINTER		0x200c
#define VE_INFORMATION_ADDRESS_FIELD	0x202a
#define SPPTP_FIELD			0x2030

struct vmcs_field_name {
	u32 encoding;
	const char *name;
};

#define FIELD(name)	{ name, #name }

static const struct vmcs_field_name fields[] = {
	/* Control fields */
	FIELD(VIRTUAL_PROCESSOR_ID), FIELD(POSTED_INTR_NV), FIELD(LAST_PID_POINTER_INDEX),
	FIELD(IO_BITMAP_A), FIELD(IO_BITMAP_B), FIELD(MSR_BITMAP),
	FIELD(VM_EXIT_MSR_STORE_ADDR), FIELD(VM_EXIT_MSR_LOAD_ADDR),
	FIELD(VM_ENTRY_MSR_LOAD_ADDR), FIELD(PML_ADDRESS), FIELD(TSC_OFFSET),
	FIELD(VIRTUAL_APIC_PAGE_ADDR), FIELD(APIC_ACCESS_ADDR), FIELD(POSTED_INTR_DESC_ADDR),
	FIELD(VM_FUNCTION_CONTROL), FIELD(EPT_POINTER), FIELD(EOI_EXIT_BITMAP0),
	FIELD(EOI_EXIT_BITMAP1), FIELD(EOI_EXIT_BITMAP2), FIELD(EOI_EXIT_BITMAP3),
	FIELD(EPTP_LIST_ADDRESS), FIELD(VMREAD_BITMAP), FIELD(VMWRITE_BITMAP),
	FIELD(XSS_EXIT_BITMAP), FIELD(ENCLS_EXITING_BITMAP), FIELD(TSC_MULTIPLIER),
	FIELD(TERTIARY_VM_EXEC_CONTROL), FIELD(PID_POINTER_TABLE),
	FIELD(PIN_BASED_VM_EXEC_CONTROL), FIELD(CPU_BASED_VM_EXEC_CONTROL),
	FIELD(EXCEPTION_BITMAP), FIELD(PAGE_FAULT_ERROR_CODE_MASK),
	FIELD(PAGE_FAULT_ERROR_CODE_MATCH), FIELD(CR3_TARGET_COUNT), FIELD(VM_EXIT_CONTROLS),
	FIELD(VM_EXIT_MSR_STORE_COUNT), FIELD(VM_EXIT_MSR_LOAD_COUNT),
	FIELD(VM_ENTRY_CONTROLS), FIELD(VM_ENTRY_MSR_LOAD_COUNT),
	FIELD(VM_ENTRY_INTR_INFO_FIELD), FIELD(VM_ENTRY_EXCEPTION_ERROR_CODE),
	FIELD(VM_ENTRY_INSTRUCTION_LEN), FIELD(TPR_THRESHOLD),
	FIELD(SECONDARY_VM_EXEC_CONTROL), FIELD(PLE_GAP), FIELD(PLE_WINDOW),
	FIELD(NOTIFY_WINDOW), FIELD(CR0_GUEST_HOST_MASK), FIELD(CR4_GUEST_HOST_MASK),
	FIELD(CR0_READ_SHADOW), FIELD(CR4_READ_SHADOW), FIELD(CR3_TARGET_VALUE0),
	FIELD(CR3_TARGET_VALUE1), FIELD(CR3_TARGET_VALUE2), FIELD(CR3_TARGET_VALUE3),
	/* VM-exit information */
	FIELD(GUEST_PHYSICAL_ADDRESS), FIELD(VM_INSTRUCTION_ERROR), FIELD(VM_EXIT_REASON),
	FIELD(VM_EXIT_INTR_INFO), FIELD(VM_EXIT_INTR_ERROR_CODE),
	FIELD(IDT_VECTORING_INFO_FIELD), FIELD(IDT_VECTORING_ERROR_CODE),
	FIELD(VM_EXIT_INSTRUCTION_LEN), FIELD(VMX_INSTRUCTION_INFO), FIELD(EXIT_QUALIFICATION),
	FIELD(GUEST_LINEAR_ADDRESS),
	/* Guest state */
	FIELD(GUEST_ES_SELECTOR), FIELD(GUEST_CS_SELECTOR), FIELD(GUEST_SS_SELECTOR),
	FIELD(GUEST_DS_SELECTOR), FIELD(GUEST_FS_SELECTOR), FIELD(GUEST_GS_SELECTOR),
	FIELD(GUEST_LDTR_SELECTOR), FIELD(GUEST_TR_SELECTOR), FIELD(GUEST_INTR_STATUS),
	FIELD(GUEST_PML_INDEX), FIELD(VMCS_LINK_POINTER), FIELD(GUEST_IA32_DEBUGCTL),
	FIELD(GUEST_IA32_PAT), FIELD(GUEST_IA32_EFER), FIELD(GUEST_IA32_PERF_GLOBAL_CTRL),
	FIELD(GUEST_PDPTR0), FIELD(GUEST_PDPTR1), FIELD(GUEST_PDPTR2), FIELD(GUEST_PDPTR3),
	FIELD(GUEST_BNDCFGS), FIELD(GUEST_IA32_RTIT_CTL), FIELD(GUEST_ES_LIMIT),
	FIELD(GUEST_CS_LIMIT), FIELD(GUEST_SS_LIMIT), FIELD(GUEST_DS_LIMIT),
	FIELD(GUEST_FS_LIMIT), FIELD(GUEST_GS_LIMIT), FIELD(GUEST_LDTR_LIMIT),
	FIELD(GUEST_TR_LIMIT), FIELD(GUEST_GDTR_LIMIT), FIELD(GUEST_IDTR_LIMIT),
	FIELD(GUEST_ES_AR_BYTES), FIELD(GUEST_CS_AR_BYTES), FIELD(GUEST_SS_AR_BYTES),
	FIELD(GUEST_DS_AR_BYTES), FIELD(GUEST_FS_AR_BYTES), FIELD(GUEST_GS_AR_BYTES),
	FIELD(GUEST_LDTR_AR_BYTES), FIELD(GUEST_TR_AR_BYTES),
	FIELD(GUEST_INTERRUPTIBILITY_INFO), FIELD(GUEST_ACTIVITY_STATE),
	FIELD(GUEST_SYSENTER_CS), FIELD(VMX_PREEMPTION_TIMER_VALUE), FIELD(GUEST_CR0),
	FIELD(GUEST_CR3), FIELD(GUEST_CR4), FIELD(GUEST_ES_BASE), FIELD(GUEST_CS_BASE),
	FIELD(GUEST_SS_BASE), FIELD(GUEST_DS_BASE), FIELD(GUEST_FS_BASE), FIELD(GUEST_GS_BASE),
	FIELD(GUEST_LDTR_BASE), FIELD(GUEST_TR_BASE), FIELD(GUEST_GDTR_BASE),
	FIELD(GUEST_IDTR_BASE), FIELD(GUEST_DR7), FIELD(GUEST_RSP), FIELD(GUEST_RIP),
	FIELD(GUEST_RFLAGS), FIELD(GUEST_PENDING_DBG_EXCEPTIONS), FIELD(GUEST_SYSENTER_ESP),
	FIELD(GUEST_SYSENTER_EIP),
	/* Host state */
	FIELD(HOST_ES_SELECTOR), FIELD(HOST_CS_SELECTOR), FIELD(HOST_SS_SELECTOR),
	FIELD(HOST_DS_SELECTOR), FIELD(HOST_FS_SELECTOR), FIELD(HOST_GS_SELECTOR),
	FIELD(HOST_TR_SELECTOR), FIELD(HOST_IA32_PAT), FIELD(HOST_IA32_EFER),
	FIELD(HOST_IA32_PERF_GLOBAL_CTRL), FIELD(HOST_IA32_SYSENTER_CS), FIELD(HOST_CR0),
	FIELD(HOST_CR3), FIELD(HOST_CR4), FIELD(HOST_FS_BASE), FIELD(HOST_GS_BASE),
	FIELD(HOST_TR_BASE), FIELD(HOST_GDTR_BASE), FIELD(HOST_IDTR_BASE),
	FIELD(HOST_IA32_SYSENTER_ESP), FIELD(HOST_IA32_SYSENTER_EIP), FIELD(HOST_RSP),
	FIELD(HOST_RIP),
};

/**
 * vmcs_field_name() - a field's name, as <asm/vmx.h> has it
 * @encoding: the encoding; the "high" bit is ignored
 *
 * Return: static string.
 */
const char *vmcs_field_name(u32 encoding)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].encoding == (encoding & ~1u))
			return fields[i].name;
	return "unknown field";
}

/**
 * vmcs_field_is_host_address() - does a field tell where something lies in the host's memory?
 * @encoding: the encoding
 *
 * The owner of a VM can cause a dump, and must not learn from it where the kernel is.
 *
 * Return: true for physical addresses of what the module allocates, and for the kernel's own.
 */
bool vmcs_field_is_host_address(u32 encoding)
{
	switch (encoding & ~1u) {
	case IO_BITMAP_A:
	case IO_BITMAP_B:
	case MSR_BITMAP:
	case VM_EXIT_MSR_STORE_ADDR:
	case VM_EXIT_MSR_LOAD_ADDR:
	case VM_ENTRY_MSR_LOAD_ADDR:
	case EXECUTIVE_VMCS_POINTER:
	case PML_ADDRESS:
	case VIRTUAL_APIC_PAGE_ADDR:
	case APIC_ACCESS_ADDR:
	case POSTED_INTR_DESC_ADDR:
	case EPT_POINTER:
	case EPTP_LIST_ADDRESS:
	case VMREAD_BITMAP:
	case VMWRITE_BITMAP:
	case VE_INFORMATION_ADDRESS_FIELD:
	case SPPTP_FIELD:
	case PID_POINTER_TABLE:
	case VMCS_LINK_POINTER:
	case HOST_CR3:
	case HOST_FS_BASE:
	case HOST_GS_BASE:
	case HOST_TR_BASE:
	case HOST_GDTR_BASE:
	case HOST_IDTR_BASE:
	case HOST_IA32_SYSENTER_ESP:
	case HOST_IA32_SYSENTER_EIP:
	case HOST_RSP:
	case HOST_RIP:
		return true;
	}
	return false;
}

/* VMREAD without a complaint: a field may not exist on this processor. */
static bool try_read(u32 encoding, unsigned long *value)
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
 * vmx_dump_vmcs() - print the current VMCS
 * @vcpu: loaded vCPU
 * @host: print the host-state fields, too: those are what VM entry has refused
 *
 * The caller limits the rate. Fields that are zero, which say little, are left out. Of a field
 * that holds an address of the host only the presence is told.
 *
 * Context: process, interrupts on.
 */
void vmx_dump_vmcs(struct mkvm_vcpu *vcpu, bool host)
{
	static const char * const groups[] = {
		"control", "exit information", "guest", "host"
	};
	unsigned int i, group;
	unsigned long value;

	pr_err("VMCS of vm %s vcpu %u, fields that are not 0:\n", vcpu->vm->name, vcpu->id);
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		group = (fields[i].encoding >> 10) & 3;
		if (group == 3 && !host)
			continue;
		if (!try_read(fields[i].encoding, &value) || !value)
			continue;
		if (vmcs_field_is_host_address(fields[i].encoding))
			pr_err("  %s: %s = (host address)\n", groups[group], fields[i].name);
		else
			pr_err("  %s: %s = 0x%lx\n", groups[group], fields[i].name, value);
	}
}
