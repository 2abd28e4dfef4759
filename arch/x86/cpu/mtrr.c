// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory type range registers and the PAT: stored and checked.
 *
 * SDM, "Memory Type Range Registers (MTRRs)", "Page Attribute Table (PAT)". Guest memory is the
 * host's and write-back, so the types only have to read back as written, unless a device does not
 * snoop the caches (mmu/memtype.h); a value that the processor would refuse is #GP. The functions
 * are those of the registers' rows in msr_table.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include "arch/x86/cpu/msr.h"
#include "arch/x86/cpu/mtrr.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/vmx/vmx.h"
#include "virt/vcpu.h"

#define MTRR_DEF_TYPE_BITS	0xcffull	/* E, FE and the type */
#define MTRR_MASK_VALID		BIT(11)

/* UC, WC, WT, WP, WB; the PAT also knows UC-. */
#define MTRR_TYPES	(BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6))
#define PAT_TYPES	(MTRR_TYPES | BIT(7))

static bool type_valid(u8 type, u32 types)
{
	return type < 8 && (types & BIT(type));
}

static bool bytes_valid(u64 val, u32 types)
{
	int i;

	for (i = 0; i < 8; i++, val >>= 8) {
		if (!type_valid(val, types))
			return false;
	}
	return true;
}

/* Store a value that has been checked; memory types in EPT follow the MTRRs. */
static int put(struct mkvm_vcpu *vcpu, u32 msr, u64 data)
{
	u64 *mtrr = msr_field(vcpu, msr);

	if (*mtrr != data) {
		*mtrr = data;
		ept_memtypes_changed(vcpu->vm);
	}
	return 0;
}

/**
 * mtrr_write_variable() - WRMSR of IA32_MTRR_PHYSBASEn or IA32_MTRR_PHYSMASKn
 * @vcpu: the vCPU
 * @msr: which, from MTRR_VAR_FIRST on; the odd ones are masks
 * @data: value
 * @host: userspace writes
 *
 * Return: 0, or 1 for #GP.
 */
int mtrr_write_variable(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	if (data & vcpu->arch.reserved_gpa_bits)
		return 1;
	if (msr & 1) {
		if (data & (MTRR_MASK_VALID - 1))
			return 1;
	} else if ((data & 0xf00) || !type_valid(data & 0xff, MTRR_TYPES)) {
		return 1;
	}
	return put(vcpu, msr, data);
}

/**
 * mtrr_write_fixed() - WRMSR of IA32_MTRR_FIX*
 * @vcpu: the vCPU
 * @msr: which
 * @data: eight memory types, a byte each
 * @host: userspace writes
 *
 * Return: 0, or 1 for #GP.
 */
int mtrr_write_fixed(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return bytes_valid(data, MTRR_TYPES) ? put(vcpu, msr, data) : 1;
}

/**
 * mtrr_write_default() - WRMSR of IA32_MTRR_DEF_TYPE
 * @vcpu: the vCPU
 * @msr: it
 * @data: value
 * @host: userspace writes
 *
 * Return: 0, or 1 for #GP.
 */
int mtrr_write_default(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	if ((data & ~MTRR_DEF_TYPE_BITS) || !type_valid(data & 0xff, MTRR_TYPES))
		return 1;
	return put(vcpu, msr, data);
}

/**
 * mtrr_write_pat() - WRMSR of IA32_PAT
 * @vcpu: the vCPU
 * @msr: it
 * @data: eight memory types, a byte each
 * @host: userspace writes
 *
 * Return: 0, or 1 for #GP.
 */
int mtrr_write_pat(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	return bytes_valid(data, PAT_TYPES) ? vmx_set_msr(vcpu, msr, data) : 1;
}
