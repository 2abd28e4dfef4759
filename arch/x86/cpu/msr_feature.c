// SPDX-License-Identifier: GPL-2.0-only
/*
 * "Feature" MSRs: what this host offers, which userspace asks the device for.
 *
 * KVM_GET_MSRS of /dev/minikvm; SDM, IA32_ARCH_CAPABILITIES. msr_table.c says which MSRs these are.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <asm/msr.h>
#include <asm/processor.h>

#include "arch/x86/cpu/msr_feature.h"
#include "arch/x86/cpu/msr_table.h"
#include "compat/compat.h"

/* What the host says about its own immunity holds for its guests; controls are not passed on. */
#define ARCH_CAP_OFFERED \
	(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_RSBA | ARCH_CAP_SKIP_VMENTRY_L1DFLUSH | \
	 ARCH_CAP_SSB_NO | ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO | \
	 ARCH_CAP_SBDR_SSDP_NO | ARCH_CAP_FBSDP_NO | ARCH_CAP_PSDP_NO | ARCH_CAP_FB_CLEAR | \
	 ARCH_CAP_RRSBA | ARCH_CAP_BHI_NO | ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO | \
	 ARCH_CAP_RFDS_NO | ARCH_CAP_RFDS_CLEAR | COMPAT_ARCH_CAP_ITS_NO)

u64 msr_offered_ucode_rev __ro_after_init;
u64 msr_offered_arch_capabilities __ro_after_init;
/* There is no performance monitoring. */
const u64 msr_offered_perf_capabilities;

/* What Linux knows about processors too old to say so themselves. */
static const struct {
	unsigned int bug;
	u64 no;
} immunities[] = {
	{ X86_BUG_CPU_MELTDOWN, ARCH_CAP_RDCL_NO },
	{ X86_BUG_SPEC_STORE_BYPASS, ARCH_CAP_SSB_NO },
	{ X86_BUG_MDS, ARCH_CAP_MDS_NO },
	{ X86_BUG_GDS, ARCH_CAP_GDS_NO },
	{ X86_BUG_RFDS, ARCH_CAP_RFDS_NO },
	/* A guest takes it for granted wherever it is not told otherwise. */
	{ COMPAT_BUG_ITS, COMPAT_ARCH_CAP_ITS_NO },
};

/**
 * msr_feature_init() - find out what this host offers
 */
void msr_feature_init(void)
{
	unsigned int i;

	msr_offered_ucode_rev = (u64)boot_cpu_data.microcode << 32;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, msr_offered_arch_capabilities);
	msr_offered_arch_capabilities &= ARCH_CAP_OFFERED;
	for (i = 0; i < ARRAY_SIZE(immunities); i++)
		if (!boot_cpu_has_bug(immunities[i].bug))
			msr_offered_arch_capabilities |= immunities[i].no;
	/* The page sizes that matter to the machine are EPT's, and mmu/ept_fault.c sees to them. */
	msr_offered_arch_capabilities |= ARCH_CAP_PSCHANGE_MC_NO;
}

/**
 * msr_feature_value() - what this host offers in a feature MSR
 * @msr: its number
 * @data: its value
 *
 * Return: 0, or 1 when it is none of the feature MSRs.
 */
int msr_feature_value(u32 msr, u64 *data)
{
	const struct msr_row *row = msr_find(msr);

	if (!row->offered)
		return 1;
	*data = *row->offered;
	return 0;
}
