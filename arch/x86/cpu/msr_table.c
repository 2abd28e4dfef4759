// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of MSRs: everything that the module knows about one stands in its row.
 *
 * SDM volume 4, "Model-Specific Registers"; KVM's ABI for the paravirtual ones. Derived from it are
 * what RDMSR, WRMSR, KVM_GET_MSRS and KVM_SET_MSRS do (msr.c), the values after power-up and INIT
 * (msr.c), the lists for userspace (msr_list.c), what a filter slows down (msr_filter.c) and what
 * needs no exit (msr_pass.c). What rows with a rule of their own call is in msr_special.c, mtrr.c
 * and mce.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm_para.h>
#include <asm/mce.h>
#include <asm/msr-index.h>

#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/mce.h"
#include "arch/x86/cpu/msr_fast.h"
#include "arch/x86/cpu/msr_feature.h"
#include "arch/x86/cpu/msr_special.h"
#include "arch/x86/cpu/msr_table.h"
#include "arch/x86/cpu/mtrr.h"

#define HIGH_HALF	GENMASK_ULL(63, 32)
/* HWCR (an AMD register that QEMU saves): bits that exist, bits that are ignored. */
#define HWCR_KEPT	(BIT_ULL(18) | BIT_ULL(24))
#define HWCR_IGNORED	(BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8))
/* Last-branch records and branch single-stepping are not offered: a guest may ask in vain. */
#define DEBUGCTL_IGNORED (DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF)

#define ONE(msr, title)		.first = msr, .last = msr, .name = title
#define RANGE(from, to, title)	.first = from, .last = to, .name = title
#define OFFSET(member)		.field = offsetof(struct mkvm_arch_vcpu, member)
#define FIELD(member)		.kept = MSR_FIELD, OFFSET(member)
#define FIELDS(member)		.kept = MSR_FIELDS, OFFSET(member)
/* Guests touch it, and it does nothing. */
#define CONSTANT(value)		.kept = MSR_CONSTANT, .guest = MSR_RW, .reset = value

/* In the order of their numbers. */
const struct msr_row msr_table[] = {
	{ RANGE(1, 0, "no such register"), .guest = MSR_RW,
	  .read = msr_read_unknown, .write = msr_write_unknown },

	{ RANGE(MSR_IA32_P5_MC_ADDR, MSR_IA32_P5_MC_TYPE, "IA32_P5_MC"), CONSTANT(0) },
	{ ONE(MSR_IA32_TSC, "IA32_TIME_STAMP_COUNTER"), .guest = MSR_RW,
	  .flags = MSR_LISTED | MSR_PASS_READ | MSR_RESET_ELSEWHERE,
	  .read = msr_read_tsc, .write = msr_write_tsc },
	{ ONE(MSR_KVM_WALL_CLOCK, "MSR_KVM_WALL_CLOCK"), FIELD(wall_clock_msr), .guest = MSR_RW,
	  .pv = BIT(KVM_FEATURE_CLOCKSOURCE), .flags = MSR_LISTED,
	  .write = msr_write_wall_clock },
	/*
	 * INIT ends what the module writes into guest memory, as in KVM: the kernel that runs next
	 * knows nothing of it. The wall clock is written once, when its MSR is.
	 */
	{ ONE(MSR_KVM_SYSTEM_TIME, "MSR_KVM_SYSTEM_TIME"), FIELD(system_time_msr),
	  .guest = MSR_RW, .pv = BIT(KVM_FEATURE_CLOCKSOURCE),
	  .flags = MSR_LISTED | MSR_INIT_RESETS, .write = msr_write_system_time },
	{ ONE(MSR_IA32_PLATFORM_ID, "IA32_PLATFORM_ID"), CONSTANT(0) },
	{ ONE(MSR_IA32_APICBASE, "IA32_APIC_BASE"), FIELD(apic_base), .guest = MSR_RW,
	  .flags = MSR_FAST_READ | MSR_RESET_ELSEWHERE, .write = msr_write_apic_base },
	{ ONE(MSR_IA32_EBL_CR_POWERON, "MSR_EBL_CR_POWERON"), CONSTANT(0) },
	/* From these constants guests compute clocks of processors of long ago: KVM's values. */
	{ ONE(MSR_EBC_FREQUENCY_ID, "MSR_EBC_FREQUENCY_ID"), CONSTANT(1 << 24) },
	{ ONE(MSR_SMI_COUNT, "MSR_SMI_COUNT"), FIELD(smi_count), .guest = MSR_READ,
	  .flags = MSR_LISTED },
	{ ONE(MSR_IA32_FEAT_CTL, "IA32_FEATURE_CONTROL"), FIELD(feat_ctl), .guest = MSR_RW,
	  .flags = MSR_LISTED, .write = msr_write_feat_ctl },
	{ ONE(MSR_IA32_TSC_ADJUST, "IA32_TSC_ADJUST"), FIELD(ia32_tsc_adjust), .guest = MSR_RW,
	  .feature = X86_FEATURE_TSC_ADJUST, .flags = MSR_LISTED | MSR_FAST_READ,
	  .write = msr_write_tsc_adjust, .fast_write = msr_write_tsc_adjust },
	{ ONE(MSR_IA32_SPEC_CTRL, "IA32_SPEC_CTRL"), .kept = MSR_VMX, .guest = MSR_RW,
	  .feature = X86_FEATURE_SPEC_CTRL,
	  .flags = MSR_LISTED_IF_OFFERED | MSR_MUST_BE_OFFERED | MSR_PASS,
	  .pass_when = MSR_PASS_SPEC_CTRL,
	  .write = msr_write_spec_ctrl },
	{ ONE(MSR_IA32_PRED_CMD, "IA32_PRED_CMD"), .guest = MSR_WRITE,
	  .feature = X86_FEATURE_SPEC_CTRL, .reserved = ~1ull,
	  .read = msr_read_refused, .write = msr_write_command },
	/* A microcode update that does nothing. */
	{ ONE(MSR_IA32_UCODE_WRITE, "IA32_BIOS_UPDT_TRIG"), CONSTANT(0),
	  .write = msr_write_ignored },
	/* A new vCPU's microcode has KVM's number; the host's own is what is offered. */
	{ ONE(MSR_IA32_UCODE_REV, "IA32_BIOS_SIGN_ID"), FIELD(ucode_rev),
	  .guest = MSR_READ | MSR_WRITE_IGNORED, .reset = BIT_ULL(32),
	  .offered = &msr_offered_ucode_rev },
	{ ONE(MSR_IA32_SMBASE, "IA32_SMBASE"), FIELD(smbase), .reset = 0x30000 },
	{ RANGE(MSR_IA32_PERFCTR0, MSR_IA32_PERFCTR1, "IA32_PMC"), CONSTANT(0) },
	{ ONE(MSR_FSB_FREQ, "MSR_FSB_FREQ"), CONSTANT(3) },
	{ ONE(MSR_PLATFORM_INFO, "MSR_PLATFORM_INFO"), FIELD(platform_info), .guest = MSR_READ,
	  .flags = MSR_LISTED, .read = msr_read_platform_info },
	{ ONE(MSR_MTRRcap, "IA32_MTRRCAP"), .kept = MSR_CONSTANT, .guest = MSR_READ,
	  .reset = MTRR_CAP, .write = msr_write_refused },
	{ ONE(MSR_IA32_ARCH_CAPABILITIES, "IA32_ARCH_CAPABILITIES"), FIELD(arch_capabilities),
	  .guest = MSR_READ, .feature = X86_FEATURE_ARCH_CAPABILITIES,
	  .flags = MSR_LISTED_IF_OFFERED | MSR_RESET_OFFERED,
	  .offered = &msr_offered_arch_capabilities },
	{ ONE(MSR_IA32_FLUSH_CMD, "IA32_FLUSH_CMD"), .guest = MSR_WRITE,
	  .feature = X86_FEATURE_FLUSH_L1D, .reserved = ~1ull,
	  .read = msr_read_refused, .write = msr_write_command },
	/* CPUID faulting, the only feature there, is not offered: Linux writes back the 0. */
	{ ONE(MSR_MISC_FEATURES_ENABLES, "MSR_MISC_FEATURES_ENABLES"), FIELD(misc_features),
	  .guest = MSR_READ | MSR_WRITE_SAME, .flags = MSR_LISTED },
	{ ONE(MSR_IA32_SYSENTER_CS, "IA32_SYSENTER_CS"), .kept = MSR_VMX, .guest = MSR_RW,
	  .flags = MSR_LISTED | MSR_PASS, .ignored = HIGH_HALF },
	{ RANGE(MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP, "IA32_SYSENTER_ESP and _EIP"),
	  .kept = MSR_VMX, .guest = MSR_RW, .flags = MSR_LISTED | MSR_PASS,
	  .write = msr_write_sysenter },
	{ ONE(MSR_IA32_MCG_CAP, "IA32_MCG_CAP"), FIELD(mcg_cap), .guest = MSR_READ,
	  .reset = MCE_BANKS, .write = mce_write_cap },
	{ ONE(MSR_IA32_MCG_STATUS, "IA32_MCG_STATUS"), FIELD(mcg_status), .guest = MSR_RW,
	  .flags = MSR_LISTED },
	{ ONE(MSR_IA32_MCG_CTL, "IA32_MCG_CTL"), FIELD(mcg_ctl), .guest = MSR_RW,
	  .flags = MSR_LISTED, .read = mce_read_ctl, .write = mce_write_ctl },
	{ RANGE(MSR_P6_EVNTSEL0, MSR_P6_EVNTSEL1, "IA32_PERFEVTSEL"), CONSTANT(0) },
	{ ONE(MSR_IA32_PERF_STATUS, "IA32_PERF_STATUS"), CONSTANT(4ull << 40 | 1000) },
	{ ONE(MSR_IA32_PERF_CTL, "IA32_PERF_CTL"), CONSTANT(0) },
	{ ONE(MSR_IA32_MISC_ENABLE, "IA32_MISC_ENABLE"), FIELD(misc_enable), .guest = MSR_RW,
	  .flags = MSR_LISTED | MSR_FAST_READ, .reset = MISC_ENABLE_NO_PMU,
	  .write = msr_write_misc_enable, .fast_write = msr_write_misc_enable },
	{ ONE(MSR_IA32_DEBUGCTLMSR, "IA32_DEBUGCTL"), .kept = MSR_VMX, .guest = MSR_RW,
	  .reserved = ~(u64)DEBUGCTL_IGNORED, .ignored = DEBUGCTL_IGNORED },
	{ RANGE(MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP, "MSR_LASTBRANCH"), CONSTANT(0) },
	/* Each processor has its own and Linux writes it; what is in it has no effect here. */
	{ ONE(MSR_IA32_POWER_CTL, "MSR_POWER_CTL"), FIELD(power_ctl), .guest = MSR_RW,
	  .flags = MSR_LISTED },
	{ RANGE(MTRR_VAR_FIRST, MTRR_VAR_LAST, "IA32_MTRR_PHYSBASE and _PHYSMASK"),
	  FIELDS(mtrr_var), .guest = MSR_RW, .flags = MSR_LISTED, .write = mtrr_write_variable },
	{ ONE(MSR_MTRRfix64K_00000, "IA32_MTRR_FIX64K"), FIELD(mtrr_fixed[0]), .guest = MSR_RW,
	  .flags = MSR_LISTED, .write = mtrr_write_fixed },
	{ RANGE(MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000, "IA32_MTRR_FIX16K"),
	  FIELDS(mtrr_fixed[1]), .guest = MSR_RW, .flags = MSR_LISTED, .write = mtrr_write_fixed },
	{ RANGE(MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_F8000, "IA32_MTRR_FIX4K"),
	  FIELDS(mtrr_fixed[3]), .guest = MSR_RW, .flags = MSR_LISTED, .write = mtrr_write_fixed },
	{ ONE(MSR_IA32_CR_PAT, "IA32_PAT"), .kept = MSR_VMX, .guest = MSR_RW,
	  .flags = MSR_LISTED | MSR_FAST_READ, .reset = 0x0007040600070406ull,
	  .write = mtrr_write_pat },
	{ RANGE(MSR_IA32_MC0_CTL2, MSR_IA32_MC0_CTL2 + MCE_BANKS - 1, "IA32_MCi_CTL2"),
	  .guest = MSR_RW, .flags = MSR_RESET_ELSEWHERE,
	  .read = mce_read_ctl2, .write = mce_write_ctl2 },
	{ ONE(MSR_MTRRdefType, "IA32_MTRR_DEF_TYPE"), FIELD(mtrr_def_type), .guest = MSR_RW,
	  .flags = MSR_LISTED | MSR_FAST_READ, .write = mtrr_write_default },
	{ ONE(MSR_IA32_PERF_CAPABILITIES, "IA32_PERF_CAPABILITIES"), FIELD(perf_capabilities),
	  .guest = MSR_READ, .feature = X86_FEATURE_PDCM,
	  .offered = &msr_offered_perf_capabilities },
	/* Machine-check banks keep their errors over RESET, too. */
	{ RANGE(MSR_IA32_MC0_CTL, MSR_IA32_MC0_CTL + 4 * MCE_BANKS - 1, "IA32_MCi_CTL to _MISC"),
	  .guest = MSR_RW, .flags = MSR_RESET_ELSEWHERE,
	  .read = mce_read_bank, .write = mce_write_bank },
	{ ONE(MSR_IA32_MCG_EXT_CTL, "IA32_MCG_EXT_CTL"), FIELD(mcg_ext_ctl), .guest = MSR_RW,
	  .flags = MSR_LISTED, .reserved = ~(u64)MCG_EXT_CTL_LMCE_EN,
	  .read = mce_read_ext_ctl, .write = mce_write_ext_ctl },
	{ ONE(MSR_RAPL_POWER_UNIT, "MSR_RAPL_POWER_UNIT"), CONSTANT(0) },
	{ ONE(MSR_PKG_ENERGY_STATUS, "MSR_PKG_ENERGY_STATUS"), CONSTANT(0) },
	{ ONE(MSR_DRAM_ENERGY_STATUS, "MSR_DRAM_ENERGY_STATUS"), CONSTANT(0) },
	{ ONE(MSR_PP0_ENERGY_STATUS, "MSR_PP0_ENERGY_STATUS"), CONSTANT(0) },
	{ ONE(MSR_PP1_ENERGY_STATUS, "MSR_PP1_ENERGY_STATUS"), CONSTANT(0) },
	MSR_ROW_TSC_DEADLINE,
	MSR_ROW_X2APIC(0, APIC_TASKPRI - 0x10, "x2APIC", MSR_PASS_READ, MSR_PASS_APICV,
		       msr_write_x2apic),
	MSR_ROW_X2APIC(APIC_TASKPRI, APIC_TASKPRI, "x2APIC TPR", MSR_PASS, MSR_PASS_X2APIC,
		       msr_write_x2apic),
	MSR_ROW_X2APIC(APIC_TASKPRI + 0x10, APIC_EOI - 0x10, "x2APIC", MSR_PASS_READ,
		       MSR_PASS_APICV, msr_write_x2apic),
	MSR_ROW_X2APIC_EOI,
	MSR_ROW_X2APIC(APIC_EOI + 0x10, APIC_ICR - 0x10, "x2APIC", MSR_PASS_READ,
		       MSR_PASS_APICV, msr_write_x2apic),
	MSR_ROW_X2APIC_ICR,
	MSR_ROW_X2APIC(APIC_ICR + 0x10, APIC_SELF_IPI - 0x10, "x2APIC", MSR_PASS_READ,
		       MSR_PASS_APICV, msr_write_x2apic),
	MSR_ROW_X2APIC(APIC_SELF_IPI, APIC_SELF_IPI, "x2APIC SELF IPI", MSR_PASS_WRITE,
		       MSR_PASS_APICV, msr_write_x2apic),
	MSR_ROW_X2APIC(APIC_SELF_IPI + 0x10, 0xff0, "x2APIC", 0, MSR_PASS_ALWAYS,
		       msr_write_x2apic),
	{ ONE(MSR_IA32_XSS, "IA32_XSS"), FIELD(ia32_xss), .guest = MSR_RW,
	  .feature = X86_FEATURE_XSAVES, .flags = MSR_LISTED_IF_OFFERED,
	  .reserved = ~FPU_SUPPORTED_XSS, .write = msr_write_xss },

	{ ONE(MSR_KVM_WALL_CLOCK_NEW, "MSR_KVM_WALL_CLOCK_NEW"), FIELD(wall_clock_msr),
	  .guest = MSR_RW, .pv = BIT(KVM_FEATURE_CLOCKSOURCE2), .flags = MSR_LISTED,
	  .write = msr_write_wall_clock },
	{ ONE(MSR_KVM_SYSTEM_TIME_NEW, "MSR_KVM_SYSTEM_TIME_NEW"), FIELD(system_time_msr),
	  .guest = MSR_RW, .pv = BIT(KVM_FEATURE_CLOCKSOURCE2),
	  .flags = MSR_LISTED | MSR_INIT_RESETS, .write = msr_write_system_time },
	/* async_pf_forget() drops the faults that are under way at RESET and INIT. */
	{ ONE(MSR_KVM_ASYNC_PF_EN, "MSR_KVM_ASYNC_PF_EN"), FIELD(async_pf_enable),
	  .guest = MSR_RW, .pv = BIT(KVM_FEATURE_ASYNC_PF),
	  .flags = MSR_LISTED | MSR_INIT_RESETS, .write = msr_write_async_pf_enable },
	{ ONE(MSR_KVM_STEAL_TIME, "MSR_KVM_STEAL_TIME"), FIELD(steal_time_msr), .guest = MSR_RW,
	  .pv = BIT(KVM_FEATURE_STEAL_TIME), .flags = MSR_LISTED | MSR_INIT_RESETS,
	  .write = msr_write_steal_time },
	/* Features that no CPUID bit offers: kept for userspace. */
	{ ONE(MSR_KVM_PV_EOI_EN, "MSR_KVM_PV_EOI_EN"), FIELD(pv_eoi_msr),
	  .flags = MSR_INIT_RESETS },
	{ ONE(MSR_KVM_POLL_CONTROL, "MSR_KVM_POLL_CONTROL"), .guest = MSR_RW,
	  .pv = BIT(KVM_FEATURE_POLL_CONTROL), .flags = MSR_LISTED | MSR_RESET_ELSEWHERE,
	  .reserved = ~1ull, .reset = 1,
	  .read = msr_read_poll_control, .write = msr_write_poll_control },
	{ ONE(MSR_KVM_ASYNC_PF_INT, "MSR_KVM_ASYNC_PF_INT"), FIELD(async_pf_vector),
	  .guest = MSR_RW, .pv = BIT(KVM_FEATURE_ASYNC_PF_INT),
	  .flags = MSR_LISTED | MSR_INIT_RESETS, .write = msr_write_async_pf_vector },
	{ ONE(MSR_KVM_ASYNC_PF_ACK, "MSR_KVM_ASYNC_PF_ACK"), CONSTANT(0),
	  .pv = BIT(KVM_FEATURE_ASYNC_PF_INT), .flags = MSR_LISTED,
	  .write = msr_write_async_pf_ack },
	{ ONE(MSR_KVM_MIGRATION_CONTROL, "MSR_KVM_MIGRATION_CONTROL"), FIELD(migration_msr) },

	{ ONE(MSR_EFER, "IA32_EFER"), FIELD(efer), .guest = MSR_RW,
	  .flags = MSR_FAST_READ | MSR_RESET_ELSEWHERE | MSR_INIT_RESETS,
	  .write = msr_write_efer },
	{ ONE(MSR_STAR, "IA32_STAR"), .kept = MSR_VMX, .guest = MSR_RW,
	  .flags = MSR_LISTED | MSR_FAST_READ },
	{ RANGE(MSR_LSTAR, MSR_CSTAR, "IA32_LSTAR and IA32_CSTAR"), .kept = MSR_VMX,
	  .guest = MSR_RW, .flags = MSR_LISTED | MSR_FAST_READ, .write = msr_write_canonical },
	{ ONE(MSR_SYSCALL_MASK, "IA32_FMASK"), .kept = MSR_VMX, .guest = MSR_RW,
	  .flags = MSR_LISTED | MSR_FAST_READ, .reserved = HIGH_HALF },
	{ RANGE(MSR_FS_BASE, MSR_GS_BASE, "IA32_FS_BASE and IA32_GS_BASE"), .kept = MSR_VMX,
	  .guest = MSR_RW, .flags = MSR_PASS | MSR_RESET_ELSEWHERE | MSR_INIT_RESETS,
	  .write = msr_write_canonical },
	{ ONE(MSR_KERNEL_GS_BASE, "IA32_KERNEL_GS_BASE"), .kept = MSR_VMX, .guest = MSR_RW,
	  .flags = MSR_LISTED | MSR_PASS, .write = msr_write_canonical },
	{ ONE(MSR_TSC_AUX, "IA32_TSC_AUX"), .kept = MSR_VMX, .guest = MSR_RW,
	  .feature = X86_FEATURE_RDTSCP, .or_feature = X86_FEATURE_RDPID,
	  .flags = MSR_LISTED_IF_OFFERED, .reserved = HIGH_HALF },
	{ ONE(MSR_K7_HWCR, "HWCR"), FIELD(hwcr), .guest = MSR_RW,
	  .reserved = ~(HWCR_KEPT | HWCR_IGNORED), .ignored = HWCR_IGNORED },
};

const unsigned int msr_table_rows = ARRAY_SIZE(msr_table);
static_assert(ARRAY_SIZE(msr_table) <= MSR_MAX_ROWS);

/* Number of an MSR below MSR_INDEXED to its row. */
u8 msr_index[MSR_INDEXED] __ro_after_init;

/* The first row past msr_index. */
static unsigned int first_high __ro_after_init;

/**
 * msr_table_init() - make the index
 */
void msr_table_init(void)
{
	unsigned int row;
	u32 msr;

	BUILD_BUG_ON(ARRAY_SIZE(msr_table) > U8_MAX);
	for (row = 1; row < ARRAY_SIZE(msr_table) && msr_table[row].first < MSR_INDEXED; row++)
		for (msr = msr_table[row].first; msr <= msr_table[row].last; msr++)
			msr_index[msr] = row;
	first_high = row;
}

/**
 * msr_find_high() - the row of an MSR that is not in the index
 * @msr: its number, maybe the guest's
 *
 * Return: as msr_find(). Context: any.
 */
const struct msr_row *msr_find_high(u32 msr)
{
	unsigned int low = first_high, high = ARRAY_SIZE(msr_table), middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (msr < msr_table[middle].first)
			high = middle;
		else if (msr > msr_table[middle].last)
			low = middle + 1;
		else
			return &msr_table[middle];
	}
	return &msr_table[0];
}
