// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest takes now: the shadow of STI and MOV SS, the blocking of NMIs, RFLAGS.IF.
 *
 * SDM, "Guest Non-Register State" (interruptibility state), "Masking Maskable Hardware Interrupts",
 * "Masking Exceptions and Interrupts When Switching Stacks", "Handling Multiple NMIs".
 */
#include <linux/kvm.h>
#include <asm/processor-flags.h>

#include "arch/x86/event/interruptibility.h"
#include "arch/x86/vmx/vmx_vcpu.h"

#define SHADOWS		(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

/**
 * event_get_shadow() - is the next instruction covered by STI or MOV SS?
 * @vcpu: loaded vCPU
 *
 * Return: KVM_X86_SHADOW_INT_*.
 */
u32 event_get_shadow(struct mkvm_vcpu *vcpu)
{
	u32 state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	return (state & GUEST_INTR_STATE_STI ? KVM_X86_SHADOW_INT_STI : 0) |
	       (state & GUEST_INTR_STATE_MOV_SS ? KVM_X86_SHADOW_INT_MOV_SS : 0);
}

/**
 * event_set_shadow() - cover the next instruction, or cover it no longer
 * @vcpu: loaded vCPU
 * @mask: KVM_X86_SHADOW_INT_*; VM entry refuses both at once, so MOV SS goes before STI
 */
void event_set_shadow(struct mkvm_vcpu *vcpu, u32 mask)
{
	u32 old = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	u32 new = old & ~SHADOWS;

	if (mask & KVM_X86_SHADOW_INT_MOV_SS)
		new |= GUEST_INTR_STATE_MOV_SS;
	else if (mask & KVM_X86_SHADOW_INT_STI)
		new |= GUEST_INTR_STATE_STI;
	if (new != old)
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, new);
}

/**
 * event_get_nmi_mask() - are NMIs blocked?
 * @vcpu: loaded vCPU
 *
 * Return: whether the guest is between an NMI and the next IRET.
 */
bool event_get_nmi_mask(struct mkvm_vcpu *vcpu)
{
	return vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & GUEST_INTR_STATE_NMI;
}

/**
 * event_set_nmi_mask() - block NMIs until the next IRET, or no longer
 * @vcpu: loaded vCPU
 * @masked: whether
 */
void event_set_nmi_mask(struct mkvm_vcpu *vcpu, bool masked)
{
	u32 old = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	u32 new = masked ? old | GUEST_INTR_STATE_NMI : old & ~GUEST_INTR_STATE_NMI;

	if (new != old)
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, new);
}

/**
 * event_interrupt_allowed() - would the guest take an external interrupt now?
 * @vcpu: loaded vCPU
 *
 * Return: RFLAGS.IF is set and no shadow of STI or MOV SS covers the next instruction.
 */
bool event_interrupt_allowed(struct mkvm_vcpu *vcpu)
{
	return (rflags_read(vcpu) & X86_EFLAGS_IF) &&
	       !(vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & SHADOWS);
}

/**
 * event_nmi_allowed() - would the guest take an NMI now?
 * @vcpu: loaded vCPU
 *
 * Return: NMIs are not blocked and no shadow of STI or MOV SS covers the next instruction.
 */
bool event_nmi_allowed(struct mkvm_vcpu *vcpu)
{
	return !(vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & (SHADOWS | GUEST_INTR_STATE_NMI));
}
