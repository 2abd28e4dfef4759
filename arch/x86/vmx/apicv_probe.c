// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does VM entry take the controls of APICv as the SDM says?
 *
 * SDM, "VM-Execution Control Fields", "VM-Instruction Error Numbers". A VMLAUNCH with nothing but
 * those controls and a host state that is all zeros: it must fail, and the error says of what: 7 of
 * the controls, 8 of the host state, so that the controls were good. No guest runs.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <asm/irq_vectors.h>
#include <asm/msr.h>

#include "arch/x86/vmx/apicv_probe.h"
#include "arch/x86/vmx/hardware.h"
#include "arch/x86/vmx/vmx_vcpu.h"

#define ERROR_HOST_STATE	8

/* The bits that the processor demands, and @bits. */
static u32 least(u32 true_msr, u32 msr, u32 bits)
{
	u64 value;

	/* Bits 31:0: what must be 1. */
	rdmsrl(vmx_caps.basic & BIT_ULL(55) ? true_msr : msr, value);
	return lower_32_bits(value) | bits;
}

static void write_fields(u64 page, unsigned int offset)
{
	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL,
		     least(MSR_IA32_VMX_TRUE_PINBASED_CTLS, MSR_IA32_VMX_PINBASED_CTLS,
			   PIN_BASED_EXT_INTR_MASK | PIN_BASED_POSTED_INTR));
	vmcs_write32(CPU_BASED_VM_EXEC_CONTROL,
		     least(MSR_IA32_VMX_TRUE_PROCBASED_CTLS, MSR_IA32_VMX_PROCBASED_CTLS,
			   CPU_BASED_TPR_SHADOW | CPU_BASED_ACTIVATE_SECONDARY_CONTROLS));
	vmcs_write32(SECONDARY_VM_EXEC_CONTROL,
		     least(MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_PROCBASED_CTLS2,
			   SECONDARY_EXEC_APIC_REGISTER_VIRT |
			   SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY));
	vmcs_write32(VM_EXIT_CONTROLS,
		     least(MSR_IA32_VMX_TRUE_EXIT_CTLS, MSR_IA32_VMX_EXIT_CTLS,
			   VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_ACK_INTR_ON_EXIT));
	vmcs_write32(VM_ENTRY_CONTROLS,
		     least(MSR_IA32_VMX_TRUE_ENTRY_CTLS, MSR_IA32_VMX_ENTRY_CTLS, 0));
	vmcs_write32(CR3_TARGET_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmcs_write32(TPR_THRESHOLD, 0);
	vmcs_write64(VIRTUAL_APIC_PAGE_ADDR, page);
	vmcs_write16(POSTED_INTR_NV, POSTED_INTR_VECTOR);
	vmcs_write64(POSTED_INTR_DESC_ADDR, page + offset);
	vmcs_write64(HOST_CR0, 0);
}

static u32 failed_launch(void)
{
	asm goto("1: vmlaunch\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[fault])
		 : : : "cc", "memory" : failed, fault);
fault:
	return 0;
failed:
	return vmcs_read32(VM_INSTRUCTION_ERROR);
}

/**
 * vmx_posted_desc_accepted() - would VM entry take a posted-interrupt descriptor?
 * @offset: of the descriptor in its page; 64 bytes are what it must be aligned to
 *
 * Context: process, from module init; VMX is on, no VMCS is current on this CPU.
 * Return: false also where the test cannot be made.
 */
bool vmx_posted_desc_accepted(unsigned int offset)
{
	struct vmcs *vmcs = vmx_alloc_vmcs(-1);
	unsigned long page = get_zeroed_page(GFP_KERNEL), flags;
	u32 error = 0;

	if (vmcs && page) {
		local_irq_save(flags);
		if (vmx_is_on() && !vmcs_clear(__pa(vmcs)) && !vmcs_load(__pa(vmcs))) {
			write_fields(__pa(page), offset);
			error = failed_launch();
			vmcs_clear(__pa(vmcs));
		}
		local_irq_restore(flags);
	}
	free_page(page);
	kfree(vmcs);
	return error == ERROR_HOST_STATE;
}
