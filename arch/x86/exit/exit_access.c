// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT violations and misconfigurations, the page-modification
 * log, APIC accesses, INVLPG and INVPCID.
 *
 * SDM, "Exit Qualification for EPT Violations", "Page-Modification Logging", "Exit
 * Qualification for APIC-Access VM Exits". A violation where there is no slot is device access.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/mm.h>
#include <asm/apicdef.h>

#include "arch/x86/cpu/cr.h"
#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/insn/doorbell.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/skip.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/insn/mmio.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/mmu/guest_walk.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "virt/memslot.h"

#define EPT_QUAL_ACCESS(q)		((q) & GENMASK(5, 0))
#define EPT_QUAL_LINEAR_VALID		BIT(7)
#define EPT_QUAL_TRANSLATED		BIT(8)	/* the final access, not a walk */
#define EPT_QUAL_NMI_UNBLOCKED		BIT(12)

/* A write of the instruction's own, to where nothing is mapped. */
#define DOORBELL_QUAL		(EPT_FAULT_WRITE | EPT_QUAL_LINEAR_VALID | EPT_QUAL_TRANSLATED)
#define DOORBELL_QUAL_MASK	(DOORBELL_QUAL | EPT_FAULT_READ | EPT_FAULT_FETCH | \
				 EPT_FAULT_ALLOWED | EPT_QUAL_NMI_UNBLOCKED)

/* A store that doorbell.c knows: no emulator, no memory slot. */
static __always_inline int ring_doorbell(struct mkvm_vcpu *vcpu, struct mkvm_doorbell *bell,
					 gpa_t gpa)
{
	unsigned int len;
	int idx;

	/* With breakpoints armed RF must be cleared behind the store, which the emulator does. */
	if (to_vmx(vcpu)->idt_vectoring_valid || !is_long_mode(vcpu) ||
	    unlikely(vcpu->arch.switch_db_regs) ||
	    !(vmcs_read32(GUEST_CS_AR_BYTES) & VMX_AR_L_MASK))
		return VMX_FAST_NO;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	len = doorbell_ring(vcpu, bell, gpa, vmx_rip(vcpu), vmcs_read64(GUEST_CR3));
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	if (!len)
		return VMX_FAST_NO;
	skip_bytes(vcpu, len);
	vcpu->stats.mmio_emulated++;
	return 1;
}

int vmx_fast_ept_violation(struct mkvm_vcpu *vcpu)
{
	gpa_t gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
	struct mkvm_doorbell *bell = doorbell_find(vcpu, gpa);

	if (!bell || (vmcs_read64(EXIT_QUALIFICATION) & DOORBELL_QUAL_MASK) != DOORBELL_QUAL)
		return VMX_FAST_NO;
	return ring_doorbell(vcpu, bell, gpa);
}

int vmx_exit_ept_violation(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	gpa_t gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
	bool hint, rom;
	int ret;

	/* An IRET that faulted had unblocked NMIs already. */
	if ((qualification & EPT_QUAL_NMI_UNBLOCKED) && !to_vmx(vcpu)->idt_vectoring_valid)
		vmx_set_nmi_mask(vcpu, true);

	vcpu->stats.ept_faults++;
	ret = ept_handle_fault(vcpu, gpa, EPT_QUAL_ACCESS(qualification));
	if (likely(ret == EPT_FAULT_FIXED))
		return 1;
	if (ret < 0)
		return ret;
	rom = ret == EPT_FAULT_ROM;
	ret = vmx_map_apic_access_page(vcpu, gpa);
	if (ret)
		return ret;
	hint = (qualification & EPT_QUAL_LINEAR_VALID) && (qualification & EPT_QUAL_TRANSLATED);
	if (unlikely(rom) && hint) {
		ret = vmx_rom_write(vcpu, vmcs_read64(GUEST_LINEAR_ADDRESS), gpa);
		if (ret)
			return ret;
	}
	/* An event cannot be delivered through a device. */
	if (to_vmx(vcpu)->idt_vectoring_valid)
		return vmx_exit_delivery_failed(vcpu);
	return mmio_emulate(vcpu, hint, qualification & EPT_FAULT_WRITE,
			    hint ? vmcs_read64(GUEST_LINEAR_ADDRESS) : 0, gpa);
}

int vmx_exit_ept_misconfig(struct mkvm_vcpu *vcpu)
{
	gpa_t gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);

	/* The module writes no such entry: this is memory corruption or a bug. */
	pr_err_ratelimited("vm %d vcpu %u: EPT misconfiguration at guest-physical %#llx\n",
			   vcpu->vm->owner_pid, vcpu->id, gpa);
	ept_dump_walk(vcpu->vm, gpa);
	return vmx_exit_unexpected(vcpu, "EPT entry that the SDM forbids");
}

/**
 * vmx_flush_pml() - copy the page-modification log to the dirty bitmaps
 * @vcpu: loaded vCPU, vm->srcu read-held
 */
void vmx_flush_pml(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	const u64 *log;
	u16 index;
	int i;

	if (!vmx->pml_page)
		return;
	index = vmcs_read16(GUEST_PML_INDEX);
	if (index == VMX_PML_ENTRIES - 1)
		return;
	/* The index counts down and wraps to FFFFh when the log is full. */
	log = page_address(vmx->pml_page);
	for (i = index >= VMX_PML_ENTRIES ? 0 : index + 1; i < VMX_PML_ENTRIES; i++)
		ept_log_dirty_gpa(vcpu, log[i]);
	vmcs_write16(GUEST_PML_INDEX, VMX_PML_ENTRIES - 1);
}

int vmx_exit_pml_full(struct mkvm_vcpu *vcpu)
{
	if ((vmcs_read64(EXIT_QUALIFICATION) & EPT_QUAL_NMI_UNBLOCKED) &&
	    !to_vmx(vcpu)->idt_vectoring_valid)
		vmx_set_nmi_mask(vcpu, true);
	vmx_flush_pml(vcpu);
	return 1;
}

#define APIC_QUAL_OFFSET(q)	((q) & 0xfff)
#define APIC_QUAL_TYPE(q)	(((q) >> 12) & 15)
#define APIC_TYPE_LINEAR_WRITE	1	/* 0 is a read */

static bool is_write(unsigned long qualification)
{
	return APIC_QUAL_TYPE(qualification) == APIC_TYPE_LINEAR_WRITE;
}

/* EOI is most of what an xAPIC guest does here, and its value does not matter; ICR comes next. */
int vmx_fast_apic_access(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	struct mkvm_doorbell *bell;
	gpa_t gpa;

	if (!is_write(qualification) || !vcpu->arch.apic)
		return VMX_FAST_NO;
	if (APIC_QUAL_OFFSET(qualification) == APIC_EOI) {
		if (to_vmx(vcpu)->idt_vectoring_valid || !lapic_eoi_fast(vcpu))
			return VMX_FAST_NO;
		skip_instruction(vcpu);
		return 1;
	}
	gpa = (vcpu->arch.apic_base & PAGE_MASK) | APIC_QUAL_OFFSET(qualification);
	bell = doorbell_find(vcpu, gpa);
	return bell ? ring_doorbell(vcpu, bell, gpa) : VMX_FAST_NO;
}

int vmx_exit_apic_access(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	u32 offset = APIC_QUAL_OFFSET(qualification);

	if (to_vmx(vcpu)->idt_vectoring_valid)
		return vmx_exit_delivery_failed(vcpu);
	if (is_write(qualification) && offset == APIC_EOI && vcpu->arch.apic) {
		lapic_eoi(vcpu);
		skip_instruction(vcpu);
		return 1;
	}
	/* A fetch, or a page walk through the APIC: let the emulator find out. */
	if (APIC_QUAL_TYPE(qualification) > APIC_TYPE_LINEAR_WRITE)
		return mmio_emulate(vcpu, false, false, 0, 0);
	return mmio_emulate_apic(vcpu, is_write(qualification), vcpu->arch.apic_base & PAGE_MASK,
				 offset);
}

/* INVLPG exiting is off; the row exists so that a control that forces it on works. */
int vmx_exit_invlpg(struct mkvm_vcpu *vcpu)
{
	vmx_flush_tlb_guest(vcpu);
	skip_instruction(vcpu);
	return 1;
}

/* Exits with "INVLPG exiting" alone, which is off; without "enable INVPCID" it is undefined. */
int vmx_exit_invpcid(struct mkvm_vcpu *vcpu)
{
	if (!guest_cpuid_has(vcpu, X86_FEATURE_INVPCID)) {
		queue_ud(vcpu);
		return 1;
	}
	/* Flushing everything is always allowed. */
	vmx_flush_tlb_guest(vcpu);
	skip_instruction(vcpu);
	return 1;
}
