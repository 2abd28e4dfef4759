// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VMX does for the LAPIC: TPR shadow, APIC-access page, x2APIC MSRs, and APICv: APIC-register
 * virtualization, virtual-interrupt delivery, posted interrupts.
 *
 * SDM, "APIC Virtualization and Virtual Interrupts". With the TPR shadow a guest reads and
 * writes its task priority without an exit; with the APIC-access page an xAPIC guest's other
 * accesses exit with their offset, and those to the TPR do not exit at all.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/io.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <asm/apicdef.h>
#include <asm/irq_vectors.h>

#include "arch/x86/insn/doorbell.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/posted.h"
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

/*
 * Can the processor take this vCPU's interrupts over? Not while a debugger holds them back, nor
 * while the LAPIC is software-disabled: the processor would let a self-IPI in all the same.
 */
static bool use_apicv(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.posted && lapic_enabled(vcpu) && lapic_sw_enabled(vcpu) &&
	       !(vcpu->arch.guest_debug & KVM_GUESTDBG_BLOCKIRQ);
}

/* RVI and SVI after software has changed IRR or ISR. */
void vmx_write_interrupt_status(struct mkvm_vcpu *vcpu)
{
	u16 status = lapic_interrupt_status(vcpu);

	if (vmcs_read16(GUEST_INTR_STATUS) != status)
		vmcs_write16(GUEST_INTR_STATUS, status);
}

/* The processor keeps RVI at the highest vector in IRR: one more bit there can only raise it. */
void vmx_raise_requesting_vector(struct mkvm_vcpu *vcpu, u8 vector)
{
	u16 status = vmcs_read16(GUEST_INTR_STATUS);

	if (vector > (status & 0xff))
		vmcs_write16(GUEST_INTR_STATUS, (status & 0xff00) | vector);
}

void vmx_write_eoi_exits(struct mkvm_vcpu *vcpu)
{
	const unsigned long *bitmap;

	if (!vcpu->arch.posted)
		return;
	bitmap = lapic_eoi_exits(vcpu);
	vmcs_write64(EOI_EXIT_BITMAP0, bitmap[0]);
	vmcs_write64(EOI_EXIT_BITMAP1, bitmap[1]);
	vmcs_write64(EOI_EXIT_BITMAP2, bitmap[2]);
	vmcs_write64(EOI_EXIT_BITMAP3, bitmap[3]);
	lapic_post_held(vcpu);
}

static void set_apicv(struct mkvm_vcpu *vcpu, bool on)
{
	const u32 controls = SECONDARY_EXEC_APIC_REGISTER_VIRT |
			     SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY;
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (on) {
		vmcs_write64(POSTED_INTR_DESC_ADDR, __pa(vcpu->arch.posted));
		vmcs_write16(POSTED_INTR_NV, POSTED_INTR_VECTOR);
		vmx_write_eoi_exits(vcpu);
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
	lapic_set_virtualized(vcpu, on);
}

/*
 * x2APIC registers that need no exit: what the page holds, and three that the processor writes. In
 * x2APIC mode the TPR is an MSR, virtualized where the processor can.
 */
static void pass_x2apic_registers(struct mkvm_vcpu *vcpu, bool x2apic)
{
	bool virtual = x2apic && lapic_virtualized(vcpu);
	u32 msr;

	if (!(vmx_caps.secondary & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE) || !vmx_caps.tpr_shadow)
		return;
	if (x2apic)
		vmx_secondary_set(to_vmx(vcpu), SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE);
	else
		vmx_secondary_clear(to_vmx(vcpu), SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE);
	for (msr = APIC_BASE_MSR; vcpu->arch.posted && msr < APIC_BASE_MSR + 0x40; msr++)
		if (lapic_x2apic_readable(vcpu, msr))
			vmx_msr_passthrough(vcpu, msr, VMX_MSR_READ, virtual);
	vmx_msr_passthrough(vcpu, APIC_BASE_MSR + (APIC_EOI >> 4), VMX_MSR_WRITE, virtual);
	vmx_msr_passthrough(vcpu, APIC_BASE_MSR + (APIC_SELF_IPI >> 4), VMX_MSR_WRITE, virtual);
	vmx_msr_passthrough(vcpu, APIC_BASE_MSR + (APIC_TASKPRI >> 4), VMX_MSR_RW, x2apic);
}

static bool in_x2apic_mode(struct mkvm_vcpu *vcpu)
{
	return lapic_enabled(vcpu) && lapic_x2apic_mode(vcpu);
}

void vmx_apicv_update(struct mkvm_vcpu *vcpu)
{
	bool on = use_apicv(vcpu);

	if (lapic_virtualized(vcpu) == on)
		return;
	set_apicv(vcpu, on);
	pass_x2apic_registers(vcpu, in_x2apic_mode(vcpu));
}

void vmx_apic_mode_changed(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!vcpu->arch.apic)
		return;
	doorbell_forget(vcpu);

	if (use_apic_access_page(vcpu)) {
		vmcs_write64(APIC_ACCESS_ADDR, page_to_phys(vcpu->vm->arch.apic_access_page));
		vmx_secondary_set(vmx, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES);
	} else {
		vmx_secondary_clear(vmx, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES);
		inhibit_apic_access_page(vcpu->vm);
	}
	if (lapic_virtualized(vcpu) != use_apicv(vcpu))
		set_apicv(vcpu, !lapic_virtualized(vcpu));
	pass_x2apic_registers(vcpu, in_x2apic_mode(vcpu));
	lapic_cpuid_changed(vcpu);
}
