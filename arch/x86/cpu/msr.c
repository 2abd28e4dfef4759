// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model-specific registers: one place that knows each one's rules.
 *
 * SDM volume 4, "Model-Specific Registers"; KVM_GET/SET_MSRS. Registers that are mere storage
 * are rows of a table, those that always read as zero rows of another; the switch holds the
 * ones with a rule of their own. Registers in the VMCS are reached through vmx_get/set_msr().
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm_para.h>
#include <asm/mce.h>
#include <asm/msr.h>

#include "arch/x86/pv/async_pf.h"
#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/cr.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/cpu/msr_pass.h"
#include "arch/x86/pv/pvclock.h"
#include "arch/x86/regs.h"
#include "arch/x86/cpu/tsc.h"
#include "arch/x86/vmx/vmx.h"

#define X2APIC_FIRST	0x800u
#define X2APIC_LAST	0x8ffu
/* A new vCPU's microcode has KVM's number; the host's own is a feature MSR. */
#define UCODE_REV_RESET		BIT_ULL(32)
/* HWCR (an AMD register that QEMU saves): bits that exist, bits that are ignored. */
#define HWCR_VALID	(BIT_ULL(18) | BIT_ULL(24))
#define HWCR_IGNORED	(BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8))

enum {
	GUEST_NONE = 0,
	GUEST_READ = 1,
	GUEST_WRITE_IGNORED = 2,
	GUEST_WRITE_SAME = 4,
	GUEST_WRITE = 8,
};

/**
 * struct msr_storage - a register that only remembers; userspace may read and write it
 * @msr: its number
 * @offset: of its u64 in struct mkvm_arch_vcpu
 * @guest: what the guest may do; anything else is #GP
 * @feature: CPUID feature without which it is not there for the guest, or 0
 */
struct msr_storage {
	u32 msr;
	u16 offset;
	u8 guest;
	u16 feature;
};

#define STORAGE(_msr, member, _guest, _feature) \
	{ _msr, offsetof(struct mkvm_arch_vcpu, member), _guest, _feature }

static const struct msr_storage storage[] = {
	STORAGE(MSR_SMI_COUNT, smi_count, GUEST_READ, 0),
	STORAGE(MSR_IA32_UCODE_REV, ucode_rev, GUEST_READ | GUEST_WRITE_IGNORED, 0),
	STORAGE(MSR_IA32_SMBASE, smbase, GUEST_NONE, 0),
	STORAGE(MSR_IA32_ARCH_CAPABILITIES, arch_capabilities, GUEST_READ,
		X86_FEATURE_ARCH_CAPABILITIES),
	/* CPUID faulting, the only feature there, is not offered: Linux writes back the 0. */
	STORAGE(MSR_MISC_FEATURES_ENABLES, misc_features, GUEST_READ | GUEST_WRITE_SAME, 0),
	/* Each processor has its own and Linux writes it; what is in it has no effect here. */
	STORAGE(MSR_IA32_POWER_CTL, power_ctl, GUEST_READ | GUEST_WRITE, 0),
	STORAGE(MSR_IA32_PERF_CAPABILITIES, perf_capabilities, GUEST_READ, X86_FEATURE_PDCM),
	/* Features that no CPUID bit offers: kept for userspace. */
	STORAGE(MSR_KVM_PV_EOI_EN, pv_eoi_msr, GUEST_NONE, 0),
	STORAGE(MSR_KVM_MIGRATION_CONTROL, migration_msr, GUEST_NONE, 0),
};

/*
 * Registers that guests touch and that do nothing: they read as a constant, which is 0 unless KVM
 * has another (clocks of processors of long ago, from which guests compute), and take a write of 0.
 */
static const struct { u32 first, last; u64 value; } constants[] = {
	{ MSR_IA32_P5_MC_ADDR, MSR_IA32_P5_MC_TYPE },
	{ MSR_IA32_PLATFORM_ID, MSR_IA32_PLATFORM_ID },
	{ MSR_IA32_EBL_CR_POWERON, MSR_IA32_EBL_CR_POWERON },
	{ MSR_EBC_FREQUENCY_ID, MSR_EBC_FREQUENCY_ID, 1 << 24 },
	{ MSR_IA32_PERFCTR0, MSR_IA32_PERFCTR1 },
	{ MSR_FSB_FREQ, MSR_FSB_FREQ, 3 },
	{ MSR_P6_EVNTSEL0, MSR_P6_EVNTSEL1 },
	{ MSR_IA32_PERF_STATUS, MSR_IA32_PERF_STATUS, 4ull << 40 | 1000 },
	{ MSR_IA32_PERF_CTL, MSR_IA32_PERF_CTL },
	{ MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP },
	{ MSR_RAPL_POWER_UNIT, MSR_RAPL_POWER_UNIT },
	{ MSR_PKG_ENERGY_STATUS, MSR_PKG_ENERGY_STATUS },
	{ MSR_DRAM_ENERGY_STATUS, MSR_DRAM_ENERGY_STATUS },
	{ MSR_PP0_ENERGY_STATUS, MSR_PP0_ENERGY_STATUS },
	{ MSR_PP1_ENERGY_STATUS, MSR_PP1_ENERGY_STATUS },
};

static bool is_constant(u32 msr, u64 *value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(constants); i++) {
		if (msr >= constants[i].first && msr <= constants[i].last) {
			*value = constants[i].value;
			return true;
		}
	}
	return false;
}

static const struct msr_storage *find_storage(u32 msr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(storage); i++) {
		if (storage[i].msr == msr)
			return &storage[i];
	}
	return NULL;
}

static u64 *storage_slot(struct mkvm_vcpu *vcpu, const struct msr_storage *s)
{
	return (u64 *)((char *)&vcpu->arch + s->offset);
}

static bool storage_hidden(struct mkvm_vcpu *vcpu, const struct msr_storage *s)
{
	return s->feature && !guest_cpuid_has(vcpu, s->feature);
}

/* What the host lacks is not there, whatever userspace put into CPUID. */
static bool has(struct mkvm_vcpu *vcpu, bool host, unsigned int feature)
{
	return supported_cpuid_has(feature) && (host || guest_cpuid_has(vcpu, feature));
}

/*
 * Bits of IA32_SPEC_CTRL that exist: for the guest what CPUID says, for userspace the host's. The
 * processor gets them with WRMSR on the way into the guest, and must know them.
 */
static u64 spec_ctrl_bits(struct mkvm_vcpu *vcpu, bool host)
{
	/* CPUID.7.2:EDX bit to the bits it stands for. */
	static const struct { u8 cpuid_bit; u16 mask; } more[] = {
		{ 0, BIT(7) },			/* PSFD */
		{ 1, BIT(3) | BIT(4) },		/* IPRED_DIS_U, _S */
		{ 2, BIT(5) | BIT(6) },		/* RRSBA_DIS_U, _S */
		{ 4, BIT(10) },			/* BHI_DIS_S */
	};
	unsigned int i;
	u64 bits = 0;

	if (has(vcpu, host, X86_FEATURE_SPEC_CTRL))
		bits |= SPEC_CTRL_IBRS;
	if (has(vcpu, host, X86_FEATURE_INTEL_STIBP))
		bits |= SPEC_CTRL_STIBP;
	if (has(vcpu, host, X86_FEATURE_SPEC_CTRL_SSBD))
		bits |= SPEC_CTRL_SSBD;
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		if (vcpu->arch.guest_cap_7_2_edx & BIT(more[i].cpuid_bit))
			bits |= more[i].mask;
	}
	return bits;
}

/* IA32_PRED_CMD and IA32_FLUSH_CMD: bit 0 makes the processor do something once. */
static int write_command(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host, int feature)
{
	if (!host && !guest_cpuid_has(vcpu, feature))
		return 1;
	if (data & ~1ull)
		return 1;
	if (data && !supported_cpuid_has(feature))
		return host ? 0 : 1;
	if (data)
		wrmsrl(msr, data);
	return 0;
}

/* KVM_CAP_ENFORCE_PV_FEATURE_CPUID: only what CPUID shows is there. 1 = #GP. */
static int pv_hidden(struct mkvm_vcpu *vcpu, u32 msr, bool host)
{
	u32 bit;

	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_SYSTEM_TIME:
		bit = BIT(KVM_FEATURE_CLOCKSOURCE);
		break;
	case MSR_KVM_WALL_CLOCK_NEW:
	case MSR_KVM_SYSTEM_TIME_NEW:
		bit = BIT(KVM_FEATURE_CLOCKSOURCE2);
		break;
	case MSR_KVM_POLL_CONTROL:
		bit = BIT(KVM_FEATURE_POLL_CONTROL);
		break;
	case MSR_KVM_ASYNC_PF_EN:
		bit = BIT(KVM_FEATURE_ASYNC_PF);
		break;
	case MSR_KVM_ASYNC_PF_INT:
	case MSR_KVM_ASYNC_PF_ACK:
		bit = BIT(KVM_FEATURE_ASYNC_PF_INT);
		break;
	default:
		bit = BIT(KVM_FEATURE_STEAL_TIME);
	}
	return !host && vcpu->arch.pv_enforce_cpuid && !(vcpu->arch.pv_features & bit);
}

static int get_special(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	switch (msr) {
	case MSR_IA32_TSC:
		*data = mkvm_read_guest_tsc(vcpu);
		return 0;
	case MSR_IA32_TSC_ADJUST:
		if (!host && !guest_cpuid_has(vcpu, X86_FEATURE_TSC_ADJUST))
			return 1;
		*data = vcpu->arch.ia32_tsc_adjust;
		return 0;
	case MSR_IA32_TSC_DEADLINE:
		if (!host && !guest_cpuid_has(vcpu, X86_FEATURE_TSC_DEADLINE_TIMER))
			return 1;
		*data = vcpu->arch.apic ? lapic_get_tsc_deadline(vcpu) : 0;
		return 0;
	case MSR_IA32_APICBASE:
		*data = vcpu->arch.apic_base;
		return 0;
	case X2APIC_FIRST ... X2APIC_LAST:
		return vcpu->arch.apic ? lapic_x2apic_msr_read(vcpu, msr, data) : 1;
	case MSR_EFER:
		*data = vcpu->arch.efer;
		return 0;
	case MSR_IA32_MISC_ENABLE:
		*data = vcpu->arch.misc_enable;
		return 0;
	case MSR_IA32_FEAT_CTL:
		*data = vcpu->arch.feat_ctl;
		return 0;
	case MSR_PLATFORM_INFO:
		if (!host && !vcpu->vm->arch.guest_can_read_platform_info)
			return 1;
		*data = vcpu->arch.platform_info;
		return 0;
	case MSR_IA32_SPEC_CTRL:
		if (!has(vcpu, host, X86_FEATURE_SPEC_CTRL))
			return 1;
		return vmx_get_msr(vcpu, msr, data);
	case MSR_TSC_AUX:
		if (!host && !guest_cpuid_has(vcpu, X86_FEATURE_RDTSCP) &&
		    !guest_cpuid_has(vcpu, X86_FEATURE_RDPID))
			return 1;
		return vmx_get_msr(vcpu, msr, data);
	case MSR_IA32_XSS:
		if (!host && !guest_cpuid_has(vcpu, X86_FEATURE_XSAVES))
			return 1;
		*data = vcpu->arch.ia32_xss;
		return 0;
	case MSR_K7_HWCR:
		*data = vcpu->arch.hwcr;
		return 0;
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*data = vcpu->arch.wall_clock_msr;
		return pv_hidden(vcpu, msr, host);
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		*data = vcpu->arch.system_time_msr;
		return pv_hidden(vcpu, msr, host);
	case MSR_KVM_STEAL_TIME:
		*data = vcpu->arch.steal_time_msr;
		return pv_hidden(vcpu, msr, host);
	case MSR_KVM_POLL_CONTROL:
		*data = !vcpu->no_halt_poll;
		return pv_hidden(vcpu, msr, host);
	case MSR_KVM_ASYNC_PF_EN:
		*data = vcpu->arch.async_pf_enable;
		return pv_hidden(vcpu, msr, host);
	case MSR_KVM_ASYNC_PF_INT:
		*data = vcpu->arch.async_pf_vector;
		return pv_hidden(vcpu, msr, host);
	case MSR_KVM_ASYNC_PF_ACK:
		*data = 0;
		return pv_hidden(vcpu, msr, host);
	case MSR_IA32_PRED_CMD:		/* write-only */
	case MSR_IA32_FLUSH_CMD:
		return 1;
	}
	return -ENOENT;
}

int mkvm_get_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	const struct msr_storage *s;
	int ret;

	ret = get_special(vcpu, msr, data, host);
	if (ret != -ENOENT)
		return ret;
	ret = vmx_get_msr(vcpu, msr, data);
	if (ret != -ENOENT)
		return ret;
	s = find_storage(msr);
	if (s) {
		if (!host && (!(s->guest & GUEST_READ) || storage_hidden(vcpu, s)))
			return 1;
		*data = *storage_slot(vcpu, s);
		return 0;
	}
	ret = mtrr_get(vcpu, msr, data);
	if (ret != -ENOENT)
		return ret;
	ret = mce_get_msr(vcpu, msr, data, host);
	if (ret != -ENOENT)
		return ret;
	*data = 0;
	return is_constant(msr, data) || msr == MSR_IA32_UCODE_WRITE ? 0 : MSR_UNKNOWN;
}

static int set_misc_enable(struct mkvm_vcpu *vcpu, u64 data, bool host)
{
	u64 changed = data ^ vcpu->arch.misc_enable;

	if (!host && (changed & MISC_ENABLE_PMU))
		return 1;
	/* "Performance monitoring available" is read-only, a write of it ignored. */
	if (!host)
		data ^= changed & MSR_IA32_MISC_ENABLE_EMON;
	vcpu->arch.misc_enable = data;
	/* CPUID's MONITOR bit follows the one that switches MWAIT on. */
	if (changed & MSR_IA32_MISC_ENABLE_MWAIT)
		cpuid_update_runtime(vcpu);
	return 0;
}

/* Bits of IA32_FEATURE_CONTROL that some processor has: userspace may restore them. */
#define FEAT_CTL_KNOWN \
	(FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_INSIDE_SMX | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX | \
	 FEAT_CTL_SGX_LC_ENABLED | FEAT_CTL_SGX_ENABLED | FEAT_CTL_LMCE_ENABLED)

/* IA32_FEATURE_CONTROL: firmware sets what the processor has, and locks it until RESET. */
static int set_feat_ctl(struct mkvm_vcpu *vcpu, u64 data, bool host)
{
	u64 valid = FEAT_CTL_LOCKED;

	if (vcpu->arch.mcg_cap & MCG_LMCE_P)
		valid |= FEAT_CTL_LMCE_ENABLED;
	if (host)
		valid = FEAT_CTL_KNOWN;
	else if (vcpu->arch.feat_ctl & FEAT_CTL_LOCKED)
		return 1;
	if (data & ~valid)
		return 1;
	vcpu->arch.feat_ctl = data;
	return 0;
}

/* Rules for registers that vmx/ keeps: what the guest may put into them. */
static int check_vmx_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
	case MSR_LSTAR:
	case MSR_CSTAR:
		/* A non-canonical one would make the VM entry fail. */
		return __is_canonical_address(*data, guest_vaddr_bits(vcpu)) ? 0 : 1;
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		/* As in KVM, so that what AMD's processors hold in them can be restored here. */
		*data = __canonical_address(*data, guest_vaddr_bits(vcpu));
		return 0;
	case MSR_IA32_SYSENTER_CS:
		*data = (u32)*data;
		return 0;
	case MSR_SYSCALL_MASK:
		return *data >> 32 ? 1 : 0;
	case MSR_TSC_AUX:
		if (!host && !guest_cpuid_has(vcpu, X86_FEATURE_RDTSCP) &&
		    !guest_cpuid_has(vcpu, X86_FEATURE_RDPID))
			return 1;
		return *data >> 32 ? 1 : 0;
	case MSR_IA32_CR_PAT:
		return pat_valid(*data) ? 0 : 1;
	case MSR_IA32_SPEC_CTRL:
		if (!has(vcpu, host, X86_FEATURE_SPEC_CTRL))
			return 1;
		return *data & ~spec_ctrl_bits(vcpu, host) ? 1 : 0;
	case MSR_IA32_DEBUGCTLMSR:
		/* Last-branch records and branch single-stepping are not offered: ignored. */
		*data &= ~(u64)(DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF);
		return *data ? 1 : 0;
	}
	return 0;
}

static int set_special(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	switch (msr) {
	case MSR_IA32_TSC:
		tsc_write(vcpu, data, host);
		return 0;
	case MSR_IA32_TSC_ADJUST:
		if (!host && !guest_cpuid_has(vcpu, X86_FEATURE_TSC_ADJUST))
			return 1;
		tsc_write_adjust(vcpu, data, host);
		return 0;
	case MSR_IA32_TSC_DEADLINE:
		if (!host && !guest_cpuid_has(vcpu, X86_FEATURE_TSC_DEADLINE_TIMER))
			return 1;
		if (vcpu->arch.apic)
			lapic_set_tsc_deadline(vcpu, data);
		return 0;
	case MSR_IA32_APICBASE:
		return lapic_set_base(vcpu, data, host);
	case X2APIC_FIRST ... X2APIC_LAST:
		return vcpu->arch.apic ? lapic_x2apic_msr_write(vcpu, msr, data) : 1;
	case MSR_EFER:
		return mkvm_set_efer(vcpu, data, host);
	case MSR_IA32_MISC_ENABLE:
		return set_misc_enable(vcpu, data, host);
	case MSR_IA32_FEAT_CTL:
		return set_feat_ctl(vcpu, data, host);
	case MSR_PLATFORM_INFO:
		if (!host)
			return 1;
		vcpu->arch.platform_info = data;
		return 0;
	case MSR_IA32_PRED_CMD:
		return write_command(vcpu, msr, data, host, X86_FEATURE_SPEC_CTRL);
	case MSR_IA32_FLUSH_CMD:
		return write_command(vcpu, msr, data, host, X86_FEATURE_FLUSH_L1D);
	case MSR_IA32_XSS:
		if (!host && !guest_cpuid_has(vcpu, X86_FEATURE_XSAVES))
			return 1;
		if (data & ~FPU_SUPPORTED_XSS)
			return 1;
		vcpu->arch.ia32_xss = data;
		fpu_update_switch(vcpu);
		cpuid_update_runtime(vcpu);
		return 0;
	case MSR_K7_HWCR:
		if (data & ~(HWCR_VALID | HWCR_IGNORED))
			return 1;
		vcpu->arch.hwcr = data & HWCR_VALID;
		return 0;
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		if (pv_hidden(vcpu, msr, host))
			return 1;
		pvclock_write_wall_clock(vcpu, data);
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		if (pv_hidden(vcpu, msr, host))
			return 1;
		pvclock_write_system_time(vcpu, data);
		return 0;
	case MSR_KVM_STEAL_TIME:
		return pv_hidden(vcpu, msr, host) || steal_time_write(vcpu, data);
	case MSR_KVM_POLL_CONTROL:
		if (pv_hidden(vcpu, msr, host) || (data & ~1ull))
			return 1;
		/* A guest that looks for work itself before HLT spares the host doing it again. */
		vcpu->no_halt_poll = !data;
		return 0;
	case MSR_KVM_ASYNC_PF_EN:
		return pv_hidden(vcpu, msr, host) || async_pf_write_enable(vcpu, data);
	case MSR_KVM_ASYNC_PF_INT:
		return pv_hidden(vcpu, msr, host) || async_pf_write_vector(vcpu, data);
	case MSR_KVM_ASYNC_PF_ACK:
		if (pv_hidden(vcpu, msr, host))
			return 1;
		async_pf_ack(vcpu, data);
		return 0;
	case MSR_IA32_UCODE_WRITE:	/* a microcode update that does nothing */
		return 0;
	}
	return -ENOENT;
}

int mkvm_set_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	const struct msr_storage *s;
	u64 *slot, value;
	int ret;

	ret = set_special(vcpu, msr, data, host);
	if (ret != -ENOENT)
		return ret;
	ret = check_vmx_msr(vcpu, msr, &data, host);
	if (ret)
		return ret;
	ret = vmx_set_msr(vcpu, msr, data);
	/* A guest that uses it once will use it often: no more exits from here on. */
	if (msr == MSR_IA32_SPEC_CTRL && data)
		msr_pass_update(vcpu);
	if (ret != -ENOENT)
		return ret;
	s = find_storage(msr);
	if (s) {
		slot = storage_slot(vcpu, s);
		if (host || (s->guest & GUEST_WRITE))
			*slot = data;
		else if (!(s->guest & GUEST_WRITE_IGNORED) &&
			 !((s->guest & GUEST_WRITE_SAME) && *slot == data))
			return 1;
		return 0;
	}
	ret = mtrr_set(vcpu, msr, data);
	if (ret != -ENOENT)
		return ret;
	ret = mce_set_msr(vcpu, msr, data, host);
	if (ret != -ENOENT)
		return ret;
	if (is_constant(msr, &value))
		return data ? 1 : 0;
	return MSR_UNKNOWN;
}

void msr_vcpu_init(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.misc_enable = MISC_ENABLE_RESET;
	vcpu->arch.smbase = 0x30000;
	msr_feature_value(MSR_IA32_ARCH_CAPABILITIES, &vcpu->arch.arch_capabilities);
	vcpu->arch.ucode_rev = UCODE_REV_RESET;
}
