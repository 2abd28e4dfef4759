// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much of a vCPU's LAPIC the processor virtualizes: the APIC-access page, the x2APIC MSRs,
 * APICv.
 *
 * SDM, "APIC Virtualization and Virtual Interrupts". With the TPR shadow a guest reads and writes
 * its task priority without an exit; with the APIC-access page an xAPIC guest's other accesses
 * exit with their offset, and those to the TPR do not exit at all; with APICv the processor
 * delivers and ends interrupts. All of it depends on the LAPIC's mode: a change of
 * that requests MKVM_REQ_APIC_MODE, and before the next entry the choice is made anew here.
 * vmx/apic.c writes it into the VMCS.
 */
#include <linux/kvm.h>

#include "arch/x86/exit/apic_page.h"
#include "arch/x86/insn/doorbell.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/posted.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/vmx/apic.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "virt/arch.h"

/* May this VM's xAPIC page be the hardware's? Its address is fixed, the guest's base is not. */
static bool use_access_page(struct mkvm_vcpu *vcpu)
{
	return vmx_caps.flexpriority && vcpu->vm->arch.apic_access_page &&
	       lapic_enabled(vcpu) && !lapic_x2apic_mode(vcpu) &&
	       lapic_owns_gpa(vcpu, LAPIC_DEFAULT_BASE);
}

/*
 * All vCPUs share one EPT. To a vCPU that does not virtualize its accesses the page would be
 * memory. So from the first such vCPU on the page is not mapped for any of them: an access is an
 * EPT violation again, and is emulated.
 */
static void inhibit_access_page(struct mkvm_vm *vm)
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
 * apic_page_map() - an access to the xAPIC page was an EPT violation
 * @vcpu: the vCPU, process context
 * @gpa: guest-physical address, which has no slot
 *
 * Return: 1 = it is mapped now, the guest shall try again; 0 = it is to be emulated; -ENOMEM.
 */
int apic_page_map(struct mkvm_vcpu *vcpu, gpa_t gpa)
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
	/* It may just have been inhibited: without emulation the guest would loop here. */
	return !READ_ONCE(vm->arch.apic_access_inhibited);
}

/*
 * Can the processor take this vCPU's interrupts over? Not while a debugger holds them back, nor
 * while the LAPIC is software-disabled: the processor would let a self-IPI in all the same.
 */
static bool use_apicv(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.posted && lapic_enabled(vcpu) && lapic_sw_enabled(vcpu) &&
	       !(vcpu->arch.guest_debug & KVM_GUESTDBG_BLOCKIRQ);
}

static void set_apicv(struct mkvm_vcpu *vcpu, bool on)
{
	if (on)
		lapic_update_eoi_exits(vcpu);
	vmx_set_apicv(vcpu, on);
	lapic_set_virtualized(vcpu, on);
}

/* In x2APIC mode the TPR is an MSR, virtualized where the processor can. */
static void update_x2apic_mode(struct mkvm_vcpu *vcpu)
{
	if (!(vmx_caps.secondary & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE) || !vmx_caps.tpr_shadow)
		return;
	vmx_set_x2apic_mode(vcpu, lapic_enabled(vcpu) && lapic_x2apic_mode(vcpu));
	mkvm_make_request(MKVM_REQ_MSR_PASS, vcpu);
}

/**
 * apic_page_update() - MKVM_REQ_APIC_MODE: choose what fits the LAPIC's mode
 * @vcpu: loaded vCPU
 *
 * Context: vCPU thread, process.
 */
void apic_page_update(struct mkvm_vcpu *vcpu)
{
	bool access_page, apicv;

	if (!vcpu->arch.apic)
		return;
	access_page = use_access_page(vcpu);
	apicv = use_apicv(vcpu);
	doorbell_forget(vcpu);
	vmx_set_apic_access_page(vcpu, access_page ? vcpu->vm->arch.apic_access_page : NULL);
	if (!access_page)
		inhibit_access_page(vcpu->vm);
	if (lapic_virtualized(vcpu) != apicv)
		set_apicv(vcpu, apicv);
	update_x2apic_mode(vcpu);
}
