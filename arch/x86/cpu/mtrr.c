// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory type range registers and the PAT: stored and checked.
 *
 * SDM, "Memory Type Range Registers (MTRRs)", "Page Attribute Table (PAT)". Guest memory is the
 * host's and write-back, so the types only have to read back as written, unless a device does not
 * snoop the caches (mmu/memtype.h); a value that the processor would refuse is #GP.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/nospec.h>
#include <asm/msr-index.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/cpu/msr.h"

#define MTRR_VARIABLE		8
#define MTRR_VAR_FIRST		0x200u
#define MTRR_CAP		(MTRR_VARIABLE | BIT(8) | BIT(10))	/* fixed, write combining */
#define MTRR_DEF_TYPE_BITS	0xcffull	/* E, FE and the type */
#define MTRR_MASK_VALID		BIT(11)

static const u32 fixed_msrs[] = {
	MSR_MTRRfix64K_00000, MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000, MSR_MTRRfix4K_C0000,
	MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000, MSR_MTRRfix4K_D8000, MSR_MTRRfix4K_E0000,
	MSR_MTRRfix4K_E8000, MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
};

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

bool pat_valid(u64 pat)
{
	return bytes_valid(pat, PAT_TYPES);
}

/* Where an MTRR is kept, or NULL. */
static u64 *mtrr_slot(struct mkvm_vcpu *vcpu, u32 msr)
{
	unsigned int i;

	if (msr == MSR_MTRRdefType)
		return &vcpu->arch.mtrr_def_type;
	if (msr >= MTRR_VAR_FIRST && msr < MTRR_VAR_FIRST + 2 * MTRR_VARIABLE)
		return &vcpu->arch.mtrr_var[array_index_nospec(msr - MTRR_VAR_FIRST,
							       2 * MTRR_VARIABLE)];
	for (i = 0; i < ARRAY_SIZE(fixed_msrs); i++) {
		if (fixed_msrs[i] == msr)
			return &vcpu->arch.mtrr_fixed[i];
	}
	return NULL;
}

static bool mtrr_valid(struct mkvm_vcpu *vcpu, u32 msr, u64 data)
{
	if (msr == MSR_MTRRdefType)
		return !(data & ~MTRR_DEF_TYPE_BITS) && type_valid(data & 0xff, MTRR_TYPES);
	if (msr >= MTRR_VAR_FIRST + 2 * MTRR_VARIABLE)
		return bytes_valid(data, MTRR_TYPES);
	if (data & vcpu->arch.reserved_gpa_bits)
		return false;
	if (msr & 1)		/* PHYSMASK: bits 10:0 are reserved */
		return !(data & (MTRR_MASK_VALID - 1));
	return !(data & 0xf00) && type_valid(data & 0xff, MTRR_TYPES);
}

int mtrr_get(struct mkvm_vcpu *vcpu, u32 msr, u64 *data)
{
	u64 *slot = mtrr_slot(vcpu, msr);

	if (msr == MSR_MTRRcap)
		*data = MTRR_CAP;
	else if (slot)
		*data = *slot;
	else
		return -ENOENT;
	return 0;
}

int mtrr_set(struct mkvm_vcpu *vcpu, u32 msr, u64 data)
{
	u64 *slot = mtrr_slot(vcpu, msr);

	if (!slot)
		return msr == MSR_MTRRcap ? 1 : -ENOENT;
	if (!mtrr_valid(vcpu, msr, data))
		return 1;
	if (*slot != data) {
		*slot = data;
		ept_memtypes_changed(vcpu->vm);
	}
	return 0;
}
