// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET/SET_SREGS and their successors: segments and control registers.
 *
 * KVM's ABI: a set either happens as a whole or, with -EINVAL, not at all. What a processor
 * could not hold is refused (SDM, "Control Registers", "Paging"); segments are not checked
 * here, since a VM entry judges them with everything else and says what was wrong.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/bitmap.h>
#include <linux/srcu.h>
#include <asm/processor-flags.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/cr.h"
#include "arch/x86/cpu/sregs.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/mp_state.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/regs.h"
#include "arch/x86/vmx/vmx.h"

/* Both structures begin alike; the part up to apic_base is handled as struct kvm_sregs. */
static_assert(offsetof(struct kvm_sregs, apic_base) == offsetof(struct kvm_sregs2, apic_base));
#define COMMON_SIZE	offsetofend(struct kvm_sregs, apic_base)

static const struct { u16 offset; u8 seg; } segments[] = {
	{ offsetof(struct kvm_sregs, cs), SEG_CS }, { offsetof(struct kvm_sregs, ds), SEG_DS },
	{ offsetof(struct kvm_sregs, es), SEG_ES }, { offsetof(struct kvm_sregs, fs), SEG_FS },
	{ offsetof(struct kvm_sregs, gs), SEG_GS }, { offsetof(struct kvm_sregs, ss), SEG_SS },
	{ offsetof(struct kvm_sregs, tr), SEG_TR }, { offsetof(struct kvm_sregs, ldt), SEG_LDTR },
};

static void get_common(struct mkvm_vcpu *vcpu, struct kvm_sregs *sregs)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(segments); i++)
		vmx_get_segment(vcpu, (void *)sregs + segments[i].offset, segments[i].seg);
	vmx_get_table(vcpu, VMX_IDTR, &sregs->idt);
	vmx_get_table(vcpu, VMX_GDTR, &sregs->gdt);
	sregs->cr0 = cr0_read(vcpu);
	sregs->cr2 = vcpu->arch.cr2;
	sregs->cr3 = cr3_read(vcpu);
	sregs->cr4 = cr4_read(vcpu);
	sregs->cr8 = lapic_get_cr8(vcpu);
	sregs->efer = vcpu->arch.efer;
	sregs->apic_base = vcpu->arch.apic_base;
}

/* Names the rule that @sregs breaks, or NULL. */
static const char *broken_rule(struct mkvm_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	u64 reserved = vcpu->arch.reserved_gpa_bits;

	if (!cr0_valid(vcpu, sregs->cr0))
		return "CR0 has reserved bits, PG without PE or NW without CD";
	if (!cr4_valid(vcpu, sregs->cr4))
		return "CR4 has bits that this CPUID does not offer";
	if (!efer_valid(vcpu, sregs->efer))
		return "EFER has bits that this CPUID does not offer";
	if (!lapic_base_valid(vcpu, sregs->apic_base, true))
		return "the APIC base has reserved bits, or x2APIC without being enabled";
	if ((sregs->efer & EFER_LME) && (sregs->cr0 & X86_CR0_PG)) {
		if (!(sregs->cr4 & X86_CR4_PAE))
			return "EFER.LME with CR0.PG needs CR4.PAE";
		if (!(sregs->efer & EFER_LMA))
			return "EFER.LME with CR0.PG needs EFER.LMA";
		if (sregs->cr3 & reserved)
			return "CR3 has bits beyond the guest's physical addresses";
	} else {
		if (sregs->efer & EFER_LMA)
			return "EFER.LMA needs EFER.LME and CR0.PG";
		if (sregs->cs.l)
			return "CS.L needs EFER.LMA";
	}
	return NULL;
}

/* 0 or -EINVAL with nothing changed; CR4's PAE paging is finished by the caller. */
static int set_common(struct mkvm_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	const char *broken = broken_rule(vcpu, sregs);
	unsigned long old_cr4;
	unsigned int i;

	if (broken) {
		mkvm_refuse(vcpu->vm,
			    "KVM_SET_SREGS: %s (CR0 0x%llx CR3 0x%llx CR4 0x%llx EFER 0x%llx APIC 0x%llx)",
			    broken, sregs->cr0, sregs->cr3, sregs->cr4, sregs->efer,
			    sregs->apic_base);
		return -EINVAL;
	}
	lapic_set_base(vcpu, sregs->apic_base, true);
	/* CPUID shows whether the LAPIC is enabled. */
	cpuid_update_runtime(vcpu);
	vmx_set_table(vcpu, VMX_IDTR, &sregs->idt);
	vmx_set_table(vcpu, VMX_GDTR, &sregs->gdt);
	cr2_write(vcpu, sregs->cr2);
	vmx_set_cr3(vcpu, sregs->cr3);
	cr8_set(vcpu, sregs->cr8 & 0xf);
	old_cr4 = cr4_read(vcpu);
	vmx_set_efer(vcpu, sregs->efer);
	cr0_write(vcpu, sregs->cr0 | X86_CR0_ET);
	vmx_set_cr4(vcpu, sregs->cr4);
	cr4_changed(vcpu, sregs->cr4 ^ old_cr4);
	for (i = 0; i < ARRAY_SIZE(segments); i++)
		vmx_set_segment(vcpu, (void *)sregs + segments[i].offset, segments[i].seg);

	/* Old clients put the boot processor to its reset vector and expect that it runs then. */
	if (vcpu->vm->arch.bsp_vcpu_id == vcpu->id && rip_read(vcpu) == 0xfff0 &&
	    sregs->cs.selector == 0xf000 && sregs->cs.base == 0xffff0000 &&
	    !(sregs->cr0 & X86_CR0_PE))
		mp_state_set(vcpu, KVM_MP_STATE_RUNNABLE);
	vmx_flush_tlb_guest(vcpu);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return 0;
}

static bool pae_paging(const struct kvm_sregs *sregs)
{
	return (sregs->cr0 & X86_CR0_PG) && (sregs->cr4 & X86_CR4_PAE) &&
	       !(sregs->efer & EFER_LMA);
}

static void refresh_pdptrs(struct mkvm_vcpu *vcpu, u64 cr3)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);

	/* Memory may come later: bad PDPTEs show when the guest uses them. */
	if (!cr3_load_pdptrs(vcpu, cr3))
		vmx_set_cr3(vcpu, cr3);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
}

/**
 * sregs_get() - KVM_GET_SREGS
 * @vcpu: loaded vCPU
 * @sregs: the result
 */
void sregs_get(struct mkvm_vcpu *vcpu, struct kvm_sregs *sregs)
{
	get_common(vcpu, sregs);
	memset(sregs->interrupt_bitmap, 0, sizeof(sregs->interrupt_bitmap));
	if (vcpu->arch.interrupt.injected && !vcpu->arch.interrupt.soft)
		sregs->interrupt_bitmap[vcpu->arch.interrupt.nr / 64] |=
			BIT_ULL(vcpu->arch.interrupt.nr % 64);
}

/**
 * sregs_set() - KVM_SET_SREGS
 * @vcpu: loaded vCPU
 * @sregs: the new state
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
int sregs_set(struct mkvm_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	unsigned int nr;
	int ret;

	ret = set_common(vcpu, sregs);
	if (ret)
		return ret;
	if (pae_paging(sregs))
		refresh_pdptrs(vcpu, sregs->cr3);
	nr = find_first_bit((const unsigned long *)sregs->interrupt_bitmap, KVM_NR_INTERRUPTS);
	if (nr < KVM_NR_INTERRUPTS)
		inject_interrupt(vcpu, nr, false);
	return 0;
}

/**
 * sregs2_get() - KVM_GET_SREGS2
 * @vcpu: loaded vCPU
 * @sregs2: the result
 */
void sregs2_get(struct mkvm_vcpu *vcpu, struct kvm_sregs2 *sregs2)
{
	struct kvm_sregs sregs = {};

	get_common(vcpu, &sregs);
	memcpy(sregs2, &sregs, COMMON_SIZE);
	sregs2->flags = 0;
	memset(sregs2->pdptrs, 0, sizeof(sregs2->pdptrs));
	if (pae_paging(&sregs)) {
		reg_make_available(vcpu, GREG_PDPTR);
		memcpy(sregs2->pdptrs, vcpu->arch.pdptr, sizeof(sregs2->pdptrs));
		sregs2->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	}
}

/**
 * sregs2_set() - KVM_SET_SREGS2
 * @vcpu: loaded vCPU
 * @sregs2: the new state
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
int sregs2_set(struct mkvm_vcpu *vcpu, const struct kvm_sregs2 *sregs2)
{
	bool pdptrs = sregs2->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	struct kvm_sregs sregs = {};
	int ret;

	memcpy(&sregs, sregs2, COMMON_SIZE);
	if ((sregs2->flags & ~(u64)KVM_SREGS2_FLAGS_PDPTRS_VALID) ||
	    (pdptrs && !pae_paging(&sregs))) {
		mkvm_refuse(vcpu->vm, "KVM_SET_SREGS2: flags 0x%llx do not fit the paging mode",
			    sregs2->flags);
		return -EINVAL;
	}
	ret = set_common(vcpu, &sregs);
	if (ret)
		return ret;
	if (pdptrs) {
		memcpy(vcpu->arch.pdptr, sregs2->pdptrs, sizeof(vcpu->arch.pdptr));
		vmx_set_cr3(vcpu, sregs.cr3);
	} else if (pae_paging(&sregs)) {
		refresh_pdptrs(vcpu, sregs.cr3);
	}
	return 0;
}
