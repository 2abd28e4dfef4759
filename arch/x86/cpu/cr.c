// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control registers: the rules for writing them, and what follows.
 *
 * SDM, "Control Registers", "Mode Switching", "Paging", "Invalidation of TLBs and
 * Paging-Structure Caches", XSETBV. Each function checks everything first and changes nothing
 * when the guest must get #GP. Relies on vmx_set_*() to store the values.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <asm/processor-flags.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/cr.h"
#include "arch/x86/insn/descriptor.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/vmx/vmx.h"
#include "virt/guest_memory.h"

#define CR0_KNOWN \
	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | X86_CR0_NE | \
	 X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)
/* There since before CPUID could tell. */
#define CR4_ALWAYS \
	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | X86_CR4_PAE | \
	 X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)
/* A change of one of these invalidates all translations. */
#define CR4_TLB_FLUSH \
	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_LA57)
/* With PAE paging, changes of these load the PDPTEs. */
#define CR4_PDPTR_BITS	(X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE | X86_CR4_SMEP)
#define CR0_PDPTR_BITS	(X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)

#define CR3_PCID_NOFLUSH	BIT_ULL(63)
#define CR3_PAE_BASE		0xffffffe0ull
#define PDPTE_RESERVED		0x1e6ull	/* bits 8:5 and 2:1 */
#define EFER_KNOWN		(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX)

/**
 * cr0_valid() - could a processor hold this CR0?
 * @vcpu: the vCPU
 * @cr0: the value
 *
 * Return: whether.
 */
bool cr0_valid(struct mkvm_vcpu *vcpu, unsigned long cr0)
{
	if (cr0 >> 32)
		return false;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return false;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return false;
	return !(cr0 & ~vmx_caps.cr0_fixed1);
}

/**
 * cr4_reserved_bits() - bits of CR4 that CPUID does not give the guest
 * @vcpu: the vCPU
 *
 * Return: the bits, for vcpu->arch.cr4_guest_rsvd.
 */
unsigned long cr4_reserved_bits(struct mkvm_vcpu *vcpu)
{
	static const struct { unsigned long bit; u16 feature; } optional[] = {
		{ X86_CR4_OSXSAVE, X86_FEATURE_XSAVE },
		{ X86_CR4_SMEP, X86_FEATURE_SMEP },
		{ X86_CR4_SMAP, X86_FEATURE_SMAP },
		{ X86_CR4_FSGSBASE, X86_FEATURE_FSGSBASE },
		{ X86_CR4_PCIDE, X86_FEATURE_PCID },
		{ X86_CR4_PKE, X86_FEATURE_PKU },
		{ X86_CR4_LA57, X86_FEATURE_LA57 },
		{ X86_CR4_UMIP, X86_FEATURE_UMIP },
	};
	unsigned long allowed = CR4_ALWAYS;
	unsigned int i;

	/* Userspace may claim in CPUID what the module cannot do: the bit stays reserved. */
	for (i = 0; i < ARRAY_SIZE(optional); i++) {
		if (guest_cpuid_has(vcpu, optional[i].feature) &&
		    supported_cpuid_has(optional[i].feature))
			allowed |= optional[i].bit;
	}
	return ~allowed;
}

/**
 * cr4_valid() - could a processor with this CPUID hold this CR4?
 * @vcpu: the vCPU
 * @cr4: the value
 *
 * Return: whether.
 */
bool cr4_valid(struct mkvm_vcpu *vcpu, unsigned long cr4)
{
	return !(cr4 & (vcpu->arch.cr4_guest_rsvd | ~vmx_caps.cr4_possible));
}

/**
 * efer_valid() - could a processor with this CPUID hold this EFER?
 * @vcpu: the vCPU
 * @efer: the value
 *
 * Return: whether.
 */
bool efer_valid(struct mkvm_vcpu *vcpu, u64 efer)
{
	if (efer & ~(u64)EFER_KNOWN)
		return false;
	if ((efer & EFER_NX) && !guest_cpuid_has(vcpu, X86_FEATURE_NX))
		return false;
	if ((efer & (EFER_LME | EFER_LMA)) && !guest_cpuid_has(vcpu, X86_FEATURE_LM))
		return false;
	/* SCE: SYSCALL's CPUID bit shows in 64-bit mode only, userspace may well leave it out. */
	return true;
}

/**
 * cr3_load_pdptrs() - load the four PDPTEs of PAE paging
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @cr3: where they are
 *
 * Return: 0, or 1 when a reserved bit is set.
 */
int cr3_load_pdptrs(struct mkvm_vcpu *vcpu, unsigned long cr3)
{
	u64 pdpte[4];
	int i;

	if (mkvm_read_guest(vcpu->vm, cr3 & CR3_PAE_BASE, pdpte, sizeof(pdpte)))
		return 1;
	for (i = 0; i < 4; i++) {
		if ((pdpte[i] & 1) && (pdpte[i] & (vcpu->arch.reserved_gpa_bits | PDPTE_RESERVED)))
			return 1;
	}
	memcpy(vcpu->arch.pdptr, pdpte, sizeof(pdpte));
	/* vmx_set_cr0(), _cr3() and _cr4() put them into the VMCS. */
	reg_mark_available(vcpu, GREG_PDPTR);
	return 0;
}

/* IA-32e mode knows no such task, and VM entry refuses it. */
static bool tss_is_16_bit(struct mkvm_vcpu *vcpu)
{
	struct kvm_segment tr;

	vmx_get_segment(vcpu, &tr, SEG_TR);
	return tr.type == (DESC_TYPE_TSS16 | DESC_TSS_BUSY);
}

/**
 * cr0_write() - CR0 changes
 * @vcpu: loaded vCPU
 * @cr0: a valid value
 */
void cr0_write(struct mkvm_vcpu *vcpu, unsigned long cr0)
{
	bool cache = (vcpu->arch.cr0 ^ cr0) & X86_CR0_CD;

	vmx_set_cr0(vcpu, cr0);
	if (cache)
		ept_memtypes_changed(vcpu->vm);
}

/**
 * cr0_set() - as MOV to CR0 does
 * @vcpu: loaded vCPU
 * @cr0: the new value
 *
 * Return: 0, or 1 when the guest must get #GP(0) and nothing changed.
 */
int cr0_set(struct mkvm_vcpu *vcpu, unsigned long cr0)
{
	unsigned long old = cr0_read(vcpu), changed;
	u64 efer = vcpu->arch.efer;
	bool l;

	/* ET is hardwired to 1; other reserved bits of the low half are ignored. */
	cr0 |= X86_CR0_ET;
	if (!cr0_valid(vcpu, cr0))
		return 1;
	cr0 &= CR0_KNOWN;
	changed = cr0 ^ old;

	if (changed & X86_CR0_PG) {
		l = vmx_get_code(vcpu).l;
		if (cr0 & X86_CR0_PG) {
			if (efer & EFER_LME) {
				if (!is_pae(vcpu) || l || tss_is_16_bit(vcpu))
					return 1;
				efer |= EFER_LMA;
			}
		} else {
			/* 64-bit mode is left through compatibility mode, and not with PCIDs. */
			if ((cr4_read(vcpu) & X86_CR4_PCIDE) || (is_long_mode(vcpu) && l))
				return 1;
			efer &= ~(u64)EFER_LMA;
		}
	}
	if ((cr0 & X86_CR0_PG) && (changed & CR0_PDPTR_BITS) && is_pae(vcpu) &&
	    !(efer & EFER_LMA) && cr3_load_pdptrs(vcpu, cr3_read(vcpu)))
		return 1;

	/* On the way up LMA comes first, on the way down paging goes first. */
	if (efer & ~vcpu->arch.efer)
		vmx_set_efer(vcpu, efer);
	cr0_write(vcpu, cr0);
	if (efer != vcpu->arch.efer)
		vmx_set_efer(vcpu, efer);
	if (changed & X86_CR0_PG)
		vmx_flush_tlb_guest(vcpu);
	return 0;
}

/**
 * cr0_load_msw() - LMSW: PE, MP, EM, TS
 * @vcpu: loaded vCPU
 * @msw: the operand; it can set PE but not clear it
 *
 * Return: as cr0_set().
 */
int cr0_load_msw(struct mkvm_vcpu *vcpu, u16 msw)
{
	return cr0_set(vcpu, (cr0_read(vcpu) & ~0xeul) | (msw & 0xf));
}

/**
 * cr3_set() - as MOV to CR3 does
 * @vcpu: loaded vCPU
 * @cr3: the new value
 *
 * Return: as cr0_set().
 */
int cr3_set(struct mkvm_vcpu *vcpu, unsigned long cr3)
{
	bool flush = true;

	if (cr4_read(vcpu) & X86_CR4_PCIDE) {
		flush = !(cr3 & CR3_PCID_NOFLUSH);
		cr3 &= ~CR3_PCID_NOFLUSH;
	}
	if (is_long_mode(vcpu)) {
		if (cr3 & vcpu->arch.reserved_gpa_bits)
			return 1;
	} else if (is_paging(vcpu) && is_pae(vcpu) && cr3_load_pdptrs(vcpu, cr3)) {
		return 1;
	}
	vmx_set_cr3(vcpu, cr3);
	if (flush)
		vmx_flush_tlb_guest(vcpu);
	return 0;
}

/**
 * cr4_changed() - after a change of CR4: the CPUID bits and switches that mirror it
 * @vcpu: loaded vCPU
 * @changed: the bits that are different now
 */
void cr4_changed(struct mkvm_vcpu *vcpu, unsigned long changed)
{
	if (changed & (X86_CR4_OSXSAVE | X86_CR4_PKE)) {
		fpu_update_switch(vcpu);
		cpuid_update_runtime(vcpu);
	}
}

/**
 * cr4_set() - as MOV to CR4 does
 * @vcpu: loaded vCPU
 * @cr4: the new value
 *
 * Return: as cr0_set().
 */
int cr4_set(struct mkvm_vcpu *vcpu, unsigned long cr4)
{
	unsigned long old = cr4_read(vcpu), changed = cr4 ^ old;

	if (!cr4_valid(vcpu, cr4))
		return 1;
	if (is_long_mode(vcpu)) {
		if (!(cr4 & X86_CR4_PAE) || (changed & X86_CR4_LA57))
			return 1;
	} else if (is_paging(vcpu) && (cr4 & X86_CR4_PAE) && (changed & CR4_PDPTR_BITS) &&
		   cr3_load_pdptrs(vcpu, cr3_read(vcpu))) {
		return 1;
	}
	if (changed & cr4 & X86_CR4_PCIDE) {
		/* Only in IA-32e mode, and from PCID 0. */
		if (!is_long_mode(vcpu) || (cr3_read(vcpu) & 0xfff))
			return 1;
	}

	vmx_set_cr4(vcpu, cr4);
	if ((changed & CR4_TLB_FLUSH) || (changed & old & X86_CR4_PCIDE) ||
	    (changed & cr4 & X86_CR4_SMEP))
		vmx_flush_tlb_guest(vcpu);
	cr4_changed(vcpu, changed);
	return 0;
}

/**
 * cr8_set() - as MOV to CR8 does
 * @vcpu: loaded vCPU
 * @cr8: the new priority, 0 to 15
 *
 * Return: 0, or 1 = #GP(0).
 */
int cr8_set(struct mkvm_vcpu *vcpu, unsigned long cr8)
{
	if (cr8 & ~0xful)
		return 1;
	if (vcpu->arch.apic)
		lapic_set_cr8(vcpu, cr8);
	else
		vcpu->arch.cr8 = cr8;
	return 0;
}

/**
 * xcr0_set() - as XSETBV of XCR0 does
 * @vcpu: loaded vCPU
 * @xcr0: the new value
 *
 * Return: 0, or 1 = #GP(0).
 */
int xcr0_set(struct mkvm_vcpu *vcpu, u64 xcr0)
{
	if (fpu_check_xcr0(vcpu, xcr0))
		return 1;
	vcpu->arch.xcr0 = xcr0;
	fpu_update_switch(vcpu);
	cpuid_update_runtime(vcpu);
	return 0;
}

/**
 * efer_set() - WRMSR of IA32_EFER
 * @vcpu: loaded vCPU
 * @efer: the new value; LMA follows CR0.PG and cannot be written
 * @host: userspace writes it, which may do more than a guest
 *
 * Return: 0, or 1 = #GP(0).
 */
int efer_set(struct mkvm_vcpu *vcpu, u64 efer, bool host)
{
	u64 old = vcpu->arch.efer;

	if (host ? efer & ~(u64)EFER_KNOWN : !efer_valid(vcpu, efer))
		return 1;
	/* SDM: LME cannot change while paging is on. */
	if (!host && is_paging(vcpu) && ((efer ^ old) & EFER_LME))
		return 1;
	/* LMA is read-only to WRMSR, for userspace too: it follows paging. */
	efer = (efer & ~(u64)EFER_LMA) | (old & EFER_LMA);
	if (efer == old)
		return 0;
	vmx_set_efer(vcpu, efer);
	if ((efer ^ old) & EFER_NX)
		vmx_flush_tlb_guest(vcpu);
	return 0;
}
