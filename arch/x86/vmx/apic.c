// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VMX does for the LAPIC: TPR shadow, APIC-access page, x2APIC MSRs.
 *
 * SDM, "APIC Virtualization and Virtual Interrupts". With the TPR shadow a guest reads and
 * writes its task priority without an exit; with the APIC-access page an xAPIC guest's other
 * accesses exit with their offset, and those to the TPR do not exit at all.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <asm/apicdef.h>

#include "arch/x86/doorbell.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "virt/arch.h"

void vmx_set_virtual_apic_page(struct mkvm_vcpu *vcpu, void *page)
{
	if (page && vmx_caps.tpr_shadow) {
		vmcs_write64(VIRTUAL_APIC_PAGE_ADDR, __pa(page));
		vmcs_write32(TPR_THRESHOLD, 0);
		to_vmx(vcpu)->tpr_threshold = 0;
	}
}

/* May this VM's xAPIC page be the hardware's? Its address is fixed, the guest's base is not. */
static bool use_apic_access_page(struct mkvm_vcpu *vcpu)
{
	return vmx_caps.flexpriority && vcpu->vm->arch.apic_access_page &&
	       lapic_enabled(vcpu) && !lapic_x2apic_mode(vcpu) &&
	       lapic_owns_gpa(vcpu, LAPIC_DEFAULT_BASE);
}

/*
 * All vCPUs share one EPT. To one that does not virtualize its accesses the page would be memory,
 * so from the first such vCPU on nobody has it mapped: then an access is a violation again, and is
 * emulated.
 */
static void inhibit_apic_access_page(struct mkvm_vm *vm)
{
	gfn_t gfn = LAPIC_DEFAULT_BASE >> PAGE_SHIFT;

	if (!vm->arch.apic_access_page || READ_ONCE(vm->arch.apic_access_inhibited))
		return;
	write_lock(&vm->mmu_lock);
	WRITE_ONCE(vm->arch.apic_access_inhibited, true);
	write_unlock(&vm->mmu_lock);
	arch_mmu_zap_range(vm, gfn, gfn + 1, true);
}

/**
 * vmx_map_apic_access_page() - an access to the xAPIC page was an EPT violation
 * @vcpu: the vCPU, process context
 * @gpa: guest-physical address, which has no slot
 *
 * Return: 1 = it is mapped now, the guest shall try again; 0 = it is to be emulated; -ENOMEM.
 */
int vmx_map_apic_access_page(struct mkvm_vcpu *vcpu, gpa_t gpa)
{
	struct mkvm_vm *vm = vcpu->vm;
	int ret;

	if ((gpa & PAGE_MASK) != LAPIC_DEFAULT_BASE ||
	    !(to_vmx(vcpu)->secondary & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES) ||
	    READ_ONCE(vm->arch.apic_access_inhibited))
		return 0;
	ret = ept_map_apic_access_page(vm, gpa >> PAGE_SHIFT, vm->arch.apic_access_page);
	if (ret)
		return ret;
	/* It may just have been inhibited: then emulate, or the guest would come back for ever. */
	return !READ_ONCE(vm->arch.apic_access_inhibited);
}

void vmx_apic_mode_changed(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool x2apic;

	if (!vcpu->arch.apic)
		return;
	doorbell_forget(vcpu);
	x2apic = lapic_enabled(vcpu) && lapic_x2apic_mode(vcpu);

	if (use_apic_access_page(vcpu)) {
		vmcs_write64(APIC_ACCESS_ADDR, page_to_phys(vcpu->vm->arch.apic_access_page));
		vmx_secondary_set(vmx, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES);
	} else {
		vmx_secondary_clear(vmx, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES);
		inhibit_apic_access_page(vcpu->vm);
	}
	/* In x2APIC mode the TPR is an MSR: virtualized where the processor can. */
	if (vmx_caps.secondary & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE && vmx_caps.tpr_shadow) {
		if (x2apic)
			vmx_secondary_set(vmx, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE);
		else
			vmx_secondary_clear(vmx, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE);
		vmx_msr_passthrough(vcpu, APIC_BASE_MSR + (APIC_TASKPRI >> 4), VMX_MSR_RW, x2apic);
	}
}
