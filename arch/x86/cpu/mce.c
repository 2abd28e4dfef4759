// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machine-check banks of a guest.
 *
 * SDM, "Machine-Check Architecture"; KVM_X86_SETUP_MCE, KVM_X86_SET_MCE. The banks are memory:
 * userspace decides how many there are and puts errors into them, the guest reads and clears them.
 * An error that needs no action raises the LAPIC's CMCI, if the guest has enabled it ("Corrected
 * Machine Check Interrupt"); others raise #MC. The functions on registers are those of their rows
 * in msr_table.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/nospec.h>
#include <linux/slab.h>
#include <asm/mce.h>
#include <asm/msr-index.h>

#include "arch/x86/cpu/mce.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/regs.h"

enum { MCI_CTL, MCI_STATUS, MCI_ADDR, MCI_MISC, MCI_REGS };

/* The banks' CTL2 registers lie behind all others, as their MSRs do. */
#define CTL2_FIRST	(MCE_BANKS * MCI_REGS)
#define CTL2_VALID	(MCI_CTL2_CMCI_EN | MCI_CTL2_CMCI_THRESHOLD_MASK)

/**
 * mce_supported_cap() - KVM_X86_GET_MCE_CAP_SUPPORTED
 *
 * Return: the greatest number of banks and all features, as in IA32_MCG_CAP.
 */
u64 mce_supported_cap(void)
{
	return MCE_BANKS | MCG_CTL_P | MCG_SER_P | MCG_CMCI_P | MCG_LMCE_P;
}

static unsigned int nr_banks(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.mcg_cap & MCG_BANKCNT_MASK;
}

/**
 * mce_vcpu_init() - allocate the banks of a new vCPU
 * @vcpu: the vCPU
 *
 * Return: 0 or -ENOMEM.
 */
int mce_vcpu_init(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.mce_banks = kcalloc(CTL2_FIRST + MCE_BANKS, sizeof(u64),
				       GFP_KERNEL_ACCOUNT);
	if (!vcpu->arch.mce_banks)
		return -ENOMEM;
	return 0;
}

/**
 * mce_vcpu_free() - undo mce_vcpu_init()
 * @vcpu: the vCPU
 */
void mce_vcpu_free(struct mkvm_vcpu *vcpu)
{
	kfree(vcpu->arch.mce_banks);
	vcpu->arch.mce_banks = NULL;
}

/**
 * mce_setup_banks() - KVM_X86_SETUP_MCE
 * @vcpu: the vCPU
 * @mcg_cap: its IA32_MCG_CAP: number of banks, features
 *
 * Return: 0 or -EINVAL.
 */
int mce_setup_banks(struct mkvm_vcpu *vcpu, u64 mcg_cap)
{
	u64 known = mce_supported_cap() | MCG_BANKCNT_MASK | MCG_EXT_CNT_MASK;
	unsigned int banks = mcg_cap & MCG_BANKCNT_MASK, i;

	if (!banks || banks > MCE_BANKS || (mcg_cap & ~known)) {
		mkvm_refuse(vcpu->vm, "KVM_X86_SETUP_MCE: 0x%llx: 1 to %u banks, bits of 0x%llx",
			    mcg_cap, MCE_BANKS, known);
		return -EINVAL;
	}
	vcpu->arch.mcg_cap = mcg_cap;
	if (mcg_cap & MCG_CTL_P)
		vcpu->arch.mcg_ctl = ~0ull;
	for (i = 0; i < banks; i++)
		vcpu->arch.mce_banks[i * MCI_REGS + MCI_CTL] = ~0ull;
	memset(vcpu->arch.mce_banks + CTL2_FIRST, 0, MCE_BANKS * sizeof(u64));
	return 0;
}

/* SDM, "UCR Error Classification": uncorrected, but the data have not been used so far. */
static bool needs_no_action(const struct kvm_x86_mce *mce)
{
	return !mce->mcg_status && (mce->status & MCI_STATUS_UC) &&
	       !(mce->status & (MCI_STATUS_PCC | MCI_STATUS_S | MCI_STATUS_AR));
}

/* @status as the bank gets it: with "overflow" where it holds an error already. */
static u64 status_over(const u64 *bank, u64 status)
{
	return status | (bank[MCI_STATUS] & MCI_STATUS_VAL ? MCI_STATUS_OVER : 0);
}

/**
 * mce_inject() - KVM_X86_SET_MCE: the guest has a machine check
 * @vcpu: loaded vCPU
 * @mce: bank, and what its registers get
 *
 * Return: 0 or -EINVAL.
 */
int mce_inject(struct mkvm_vcpu *vcpu, const struct kvm_x86_mce *mce)
{
	unsigned int nr;
	u64 *bank;

	if (mce->bank >= nr_banks(vcpu)) {
		mkvm_refuse(vcpu->vm, "KVM_X86_SET_MCE: bank %u: there are %u", mce->bank,
			    nr_banks(vcpu));
		return -EINVAL;
	}
	if (!(mce->status & MCI_STATUS_VAL)) {
		mkvm_refuse(vcpu->vm, "KVM_X86_SET_MCE: status 0x%llx: bit 63 (valid) is clear",
			    mce->status);
		return -EINVAL;
	}
	nr = array_index_nospec(mce->bank, MCE_BANKS);
	bank = vcpu->arch.mce_banks + nr * MCI_REGS;

	if (needs_no_action(mce)) {
		bank[MCI_STATUS] = status_over(bank, mce->status);
		bank[MCI_ADDR] = mce->addr;
		bank[MCI_MISC] = mce->misc;
		if ((vcpu->arch.mcg_cap & MCG_CMCI_P) &&
		    (vcpu->arch.mce_banks[CTL2_FIRST + nr] & MCI_CTL2_CMCI_EN))
			lapic_deliver_lvt(vcpu, APIC_LVTCMCI);
		return 0;
	}
	if (mce->status & MCI_STATUS_UC) {
		/* The guest has switched reporting off, as a whole or for this bank. */
		if ((vcpu->arch.mcg_cap & MCG_CTL_P) && vcpu->arch.mcg_ctl != ~0ull)
			return 0;
		if (bank[MCI_CTL] != ~0ull)
			return 0;
		/* SDM: a machine check that cannot be taken shuts the processor down. */
		if ((vcpu->arch.mcg_status & MCG_STATUS_MCIP) ||
		    !(cr4_read(vcpu) & X86_CR4_MCE)) {
			mkvm_make_request(MKVM_REQ_TRIPLE_FAULT, vcpu);
			return 0;
		}
		bank[MCI_STATUS] = status_over(bank, mce->status);
		vcpu->arch.mcg_status = mce->mcg_status;
		inject_exception(vcpu, MC_VECTOR);
	} else if (!(bank[MCI_STATUS] & MCI_STATUS_VAL) ||
		   !(bank[MCI_STATUS] & MCI_STATUS_UC)) {
		bank[MCI_STATUS] = status_over(bank, mce->status);
	} else {
		/* An uncorrected error is not overwritten by a corrected one. */
		bank[MCI_STATUS] |= MCI_STATUS_OVER;
		return 0;
	}
	bank[MCI_ADDR] = mce->addr;
	bank[MCI_MISC] = mce->misc;
	return 0;
}

/* The register of a bank that @msr names, or NULL. */
static u64 *bank_reg(struct mkvm_vcpu *vcpu, u32 msr)
{
	u32 index = msr - MSR_IA32_MC0_CTL;

	if (msr < MSR_IA32_MC0_CTL || index >= nr_banks(vcpu) * MCI_REGS)
		return NULL;
	return &vcpu->arch.mce_banks[array_index_nospec(index, MCE_BANKS * MCI_REGS)];
}

/* The IA32_MCi_CTL2 that @msr names, or NULL. */
static u64 *ctl2_reg(struct mkvm_vcpu *vcpu, u32 msr)
{
	u32 index = msr - MSR_IA32_MC0_CTL2;

	if (msr < MSR_IA32_MC0_CTL2 || index >= nr_banks(vcpu))
		return NULL;
	return &vcpu->arch.mce_banks[CTL2_FIRST + array_index_nospec(index, MCE_BANKS)];
}

/* SDM, "Local Machine Check Exception": firmware opts in by IA32_FEATURE_CONTROL. */
static bool lmce_enabled(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.feat_ctl & FEAT_CTL_LMCE_ENABLED;
}

/**
 * mce_write_cap() - WRMSR of IA32_MCG_CAP, which is read-only
 * @vcpu: the vCPU
 * @msr: it
 * @data: value
 * @host: userspace writes; only it comes here
 *
 * Return: 0 for what it holds already, which userspace may write back; else 1 for #GP.
 */
int mce_write_cap(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return data == vcpu->arch.mcg_cap ? 0 : 1;
}

/**
 * mce_read_ctl() - RDMSR of IA32_MCG_CTL
 * @vcpu: the vCPU
 * @msr: it
 * @data: gets the value
 * @host: userspace reads
 *
 * Return: 0, or 1 for #GP.
 */
int mce_read_ctl(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	if (!(vcpu->arch.mcg_cap & MCG_CTL_P) && !host)
		return 1;
	*data = vcpu->arch.mcg_ctl;
	return 0;
}

/**
 * mce_write_ctl() - WRMSR of IA32_MCG_CTL: all or nothing
 * @vcpu: the vCPU
 * @msr: it
 * @data: value
 * @host: userspace writes
 *
 * Return: 0, or 1 for #GP.
 */
int mce_write_ctl(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	if (!(vcpu->arch.mcg_cap & MCG_CTL_P) && (data || !host))
		return 1;
	if (data && data != ~0ull)
		return 1;
	vcpu->arch.mcg_ctl = data;
	return 0;
}

/**
 * mce_read_ext_ctl() - RDMSR of IA32_MCG_EXT_CTL
 * @vcpu: the vCPU
 * @msr: it
 * @data: gets the value
 * @host: userspace reads
 *
 * Return: 0, or 1 for #GP.
 */
int mce_read_ext_ctl(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	if (!host && !lmce_enabled(vcpu))
		return 1;
	*data = vcpu->arch.mcg_ext_ctl;
	return 0;
}

/**
 * mce_write_ext_ctl() - WRMSR of IA32_MCG_EXT_CTL
 * @vcpu: the vCPU
 * @msr: it
 * @data: value
 * @host: userspace writes
 *
 * Return: 0, or 1 for #GP.
 */
int mce_write_ext_ctl(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	if (!host && !lmce_enabled(vcpu))
		return 1;
	vcpu->arch.mcg_ext_ctl = data;
	return 0;
}

/**
 * mce_read_ctl2() - RDMSR of IA32_MCi_CTL2
 * @vcpu: the vCPU
 * @msr: which
 * @data: gets the value
 * @host: userspace reads
 *
 * Return: 0, 1 for #GP, or MSR_UNKNOWN: there is no such bank.
 */
int mce_read_ctl2(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	u64 *reg = ctl2_reg(vcpu, msr);

	if (!reg)
		return MSR_UNKNOWN;
	if (!host && !(vcpu->arch.mcg_cap & MCG_CMCI_P))
		return 1;
	*data = *reg;
	return 0;
}

/**
 * mce_write_ctl2() - WRMSR of IA32_MCi_CTL2
 * @vcpu: the vCPU
 * @msr: which
 * @data: value
 * @host: userspace writes
 *
 * Return: 0, 1 for #GP, or MSR_UNKNOWN: there is no such bank.
 */
int mce_write_ctl2(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	u64 *reg = ctl2_reg(vcpu, msr);

	if (!reg)
		return MSR_UNKNOWN;
	if (data & ~CTL2_VALID || (!(vcpu->arch.mcg_cap & MCG_CMCI_P) && (data || !host)))
		return 1;
	*reg = data;
	return 0;
}

/**
 * mce_read_bank() - RDMSR of IA32_MCi_CTL, _STATUS, _ADDR or _MISC
 * @vcpu: the vCPU
 * @msr: which
 * @data: gets the value
 * @host: userspace reads
 *
 * Return: 0, or MSR_UNKNOWN: there is no such bank.
 */
int mce_read_bank(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	u64 *reg = bank_reg(vcpu, msr);

	if (!reg)
		return MSR_UNKNOWN;
	*data = *reg;
	return 0;
}

/**
 * mce_write_bank() - WRMSR of IA32_MCi_CTL, _STATUS, _ADDR or _MISC
 * @vcpu: the vCPU
 * @msr: which
 * @data: value
 * @host: userspace writes
 *
 * Return: 0, 1 for #GP, or MSR_UNKNOWN: there is no such bank.
 */
int mce_write_bank(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	u64 *reg = bank_reg(vcpu, msr);

	if (!reg)
		return MSR_UNKNOWN;
	switch ((msr - MSR_IA32_MC0_CTL) % MCI_REGS) {
	case MCI_CTL:
		/* All or nothing; Linux clears single bits on some models. */
		if (data && (data | BIT_ULL(10) | 1) != ~0ull)
			return 1;
		break;
	case MCI_STATUS:
		/* Software may only clear it, userspace restores it. */
		if (data && !host)
			return 1;
		break;
	default:
		/* ADDR and MISC: the SDM has #GP for what is not 0; KVM takes all. */
		break;
	}
	*reg = data;
	return 0;
}
