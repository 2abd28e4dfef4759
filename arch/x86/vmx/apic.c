// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCS fields that virtualize the LAPIC: TPR shadow, APIC-access page, x2APIC mode, and APICv:
 * APIC-register virtualization, virtual-interrupt delivery, posted interrupts.
 *
 * SDM, "APIC Virtualization and Virtual Interrupts". Which of them a vCPU uses, exit/apic_page.c
 * decides; here the decision is written down.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <asm/irq_vectors.h>

#include "arch/x86/vmx/apic.h"
#include "arch/x86/vmx/vmx_vcpu.h"

/**
 * vmx_set_virtual_apic_page() - where the processor finds the LAPIC's registers
 * @vcpu: loaded vCPU
 * @page: the LAPIC's register page, which stays as long as the VMCS
 */
void vmx_set_virtual_apic_page(struct mkvm_vcpu *vcpu, void *page)
{
	if (!vmx_caps.tpr_shadow)
		return;
	to_vmx(vcpu)->virtual_apic_page = page;
	vmcs_write64(VIRTUAL_APIC_PAGE_ADDR, __pa(page));
	vmcs_write32(TPR_THRESHOLD, 0);
	to_vmx(vcpu)->tpr_threshold = 0;
}

/**
 * vmx_set_apic_access_page() - do accesses to a page go to the virtual APIC?
 * @vcpu: loaded vCPU
 * @page: what the EPT maps where the guest's LAPIC is, or NULL: they do not
 */
void vmx_set_apic_access_page(struct mkvm_vcpu *vcpu, struct page *page)
{
	if (!page) {
		vmx_secondary_clear(to_vmx(vcpu), SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES);
		return;
	}
	vmcs_write64(APIC_ACCESS_ADDR, page_to_phys(page));
	vmx_secondary_set(to_vmx(vcpu), SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES);
}

/**
 * vmx_set_x2apic_mode() - do RDMSR and WRMSR that pass through go to the virtual APIC?
 * @vcpu: loaded vCPU
 * @on: yes; the processor has the control
 */
void vmx_set_x2apic_mode(struct mkvm_vcpu *vcpu, bool on)
{
	if (on)
		vmx_secondary_set(to_vmx(vcpu), SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE);
	else
		vmx_secondary_clear(to_vmx(vcpu), SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE);
}

/**
 * vmx_x2apic_mode() - do they go there now?
 * @vcpu: the vCPU
 *
 * Return: what vmx_set_x2apic_mode() was told last.
 */
bool vmx_x2apic_mode(struct mkvm_vcpu *vcpu)
{
	return to_vmx(vcpu)->secondary & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE;
}

/**
 * vmx_set_apicv() - let the processor deliver and end this vCPU's interrupts, or stop that
 * @vcpu: loaded vCPU, which has a posted-interrupt descriptor
 * @on: let it
 */
void vmx_set_apicv(struct mkvm_vcpu *vcpu, bool on)
{
	const u32 controls = SECONDARY_EXEC_APIC_REGISTER_VIRT |
			     SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY;
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (on) {
		vmcs_write64(POSTED_INTR_DESC_ADDR, __pa(vcpu->arch.posted));
		vmcs_write16(POSTED_INTR_NV, POSTED_INTR_VECTOR);
		vmx_exit_set(vmx, VM_EXIT_ACK_INTR_ON_EXIT);
		vmx_pin_set(vmx, PIN_BASED_POSTED_INTR);
		vmx_secondary_set(vmx, controls);
		/* Not used by the processor from now on; for when it is again. */
		vmcs_write32(TPR_THRESHOLD, 0);
		vmx->tpr_threshold = 0;
	} else {
		vmx_secondary_clear(vmx, controls);
		vmx_pin_clear(vmx, PIN_BASED_POSTED_INTR);
		vmx_exit_clear(vmx, VM_EXIT_ACK_INTR_ON_EXIT);
	}
}

/**
 * vmx_write_interrupt_status() - software has changed IRR or ISR
 * @vcpu: loaded vCPU, APICv is on
 * @status: RVI in bits 7:0, SVI in bits 15:8
 */
void vmx_write_interrupt_status(struct mkvm_vcpu *vcpu, u16 status)
{
	if (vmcs_read16(GUEST_INTR_STATUS) != status)
		vmcs_write16(GUEST_INTR_STATUS, status);
}

/**
 * vmx_raise_requesting_vector() - a vector was put into IRR
 * @vcpu: loaded vCPU, APICv is on
 * @vector: the highest of those that were
 *
 * The processor keeps RVI at the highest vector in IRR: one more bit there can only raise it.
 */
void vmx_raise_requesting_vector(struct mkvm_vcpu *vcpu, u8 vector)
{
	u16 status = vmcs_read16(GUEST_INTR_STATUS);

	if (vector > (status & 0xff))
		vmcs_write16(GUEST_INTR_STATUS, (status & 0xff00) | vector);
}

/**
 * vmx_write_eoi_exits() - the EOI-exit bitmap
 * @vcpu: loaded vCPU, which has a posted-interrupt descriptor
 * @bitmap: 256 bits: vectors whose EOI exits
 */
void vmx_write_eoi_exits(struct mkvm_vcpu *vcpu, const unsigned long *bitmap)
{
	vmcs_write64(EOI_EXIT_BITMAP0, bitmap[0]);
	vmcs_write64(EOI_EXIT_BITMAP1, bitmap[1]);
	vmcs_write64(EOI_EXIT_BITMAP2, bitmap[2]);
	vmcs_write64(EOI_EXIT_BITMAP3, bitmap[3]);
}
