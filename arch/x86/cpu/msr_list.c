// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which MSRs userspace should save, and the ioctls that do it.
 *
 * KVM_GET_MSR_INDEX_LIST, KVM_GET_MSR_FEATURE_INDEX_LIST, KVM_GET_MSRS, KVM_SET_MSRS. Clients
 * take a short count for a fatal error, so whatever is listed here must be readable and
 * writable with any value that was ever reported. Relies on msr.c for the registers themselves.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm_para.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/msr.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/msr.h"
#include "compat/compat.h"

/* Entries of one KVM_GET_MSRS or KVM_SET_MSRS. */
#define MAX_MSR_ENTRIES		256

/* @feature: the MSR is listed only when the module offers this feature; 0 = always. */
struct listed_msr {
	u32 msr;
	u16 feature;
};

static const struct listed_msr saved_msrs[] = {
	{ MSR_IA32_TSC }, { MSR_IA32_TSC_ADJUST }, { MSR_IA32_TSC_DEADLINE },
	{ MSR_IA32_SYSENTER_CS }, { MSR_IA32_SYSENTER_ESP }, { MSR_IA32_SYSENTER_EIP },
	{ MSR_STAR }, { MSR_LSTAR }, { MSR_CSTAR }, { MSR_SYSCALL_MASK },
	{ MSR_KERNEL_GS_BASE }, { MSR_IA32_CR_PAT }, { MSR_IA32_MISC_ENABLE },
	{ MSR_TSC_AUX, X86_FEATURE_RDTSCP },
	{ MSR_IA32_SPEC_CTRL, X86_FEATURE_SPEC_CTRL },
	{ MSR_IA32_XSS, X86_FEATURE_XSAVES },
	{ MSR_IA32_ARCH_CAPABILITIES, X86_FEATURE_ARCH_CAPABILITIES },
	{ MSR_IA32_FEAT_CTL }, { MSR_SMI_COUNT }, { MSR_PLATFORM_INFO }, { MSR_IA32_POWER_CTL },
	{ MSR_MISC_FEATURES_ENABLES }, { MSR_IA32_MCG_STATUS }, { MSR_IA32_MCG_CTL },
	{ MSR_IA32_MCG_EXT_CTL },
	{ MSR_MTRRdefType },
	{ MSR_KVM_WALL_CLOCK }, { MSR_KVM_SYSTEM_TIME },
	{ MSR_KVM_WALL_CLOCK_NEW }, { MSR_KVM_SYSTEM_TIME_NEW }, { MSR_KVM_STEAL_TIME },
	{ MSR_KVM_POLL_CONTROL },
	{ MSR_KVM_ASYNC_PF_EN }, { MSR_KVM_ASYNC_PF_INT }, { MSR_KVM_ASYNC_PF_ACK },
	{ MSR_MTRRfix64K_00000 }, { MSR_MTRRfix16K_80000 }, { MSR_MTRRfix16K_A0000 },
	{ MSR_MTRRfix4K_C0000 }, { MSR_MTRRfix4K_C8000 }, { MSR_MTRRfix4K_D0000 },
	{ MSR_MTRRfix4K_D8000 }, { MSR_MTRRfix4K_E0000 }, { MSR_MTRRfix4K_E8000 },
	{ MSR_MTRRfix4K_F0000 }, { MSR_MTRRfix4K_F8000 },
	{ 0x200 }, { 0x201 }, { 0x202 }, { 0x203 }, { 0x204 }, { 0x205 }, { 0x206 }, { 0x207 },
	{ 0x208 }, { 0x209 }, { 0x20a }, { 0x20b }, { 0x20c }, { 0x20d }, { 0x20e }, { 0x20f },
};

static const struct listed_msr feature_msrs[] = {
	{ MSR_IA32_UCODE_REV }, { MSR_IA32_ARCH_CAPABILITIES }, { MSR_IA32_PERF_CAPABILITIES },
};

/* What the host says about its own immunity holds for its guests; controls are not passed on. */
#define ARCH_CAP_OFFERED \
	(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_RSBA | ARCH_CAP_SKIP_VMENTRY_L1DFLUSH | \
	 ARCH_CAP_SSB_NO | ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO | \
	 ARCH_CAP_SBDR_SSDP_NO | ARCH_CAP_FBSDP_NO | ARCH_CAP_PSDP_NO | ARCH_CAP_FB_CLEAR | \
	 ARCH_CAP_RRSBA | ARCH_CAP_BHI_NO | ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO | \
	 ARCH_CAP_RFDS_NO | ARCH_CAP_RFDS_CLEAR | COMPAT_ARCH_CAP_ITS_NO)

static u64 offered_arch_capabilities __ro_after_init;
static u64 host_ucode_rev __ro_after_init;

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

void msr_module_init(void)
{
	unsigned int i;

	host_ucode_rev = (u64)boot_cpu_data.microcode << 32;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, offered_arch_capabilities);
	offered_arch_capabilities &= ARCH_CAP_OFFERED;
	for (i = 0; i < ARRAY_SIZE(immunities); i++)
		if (!boot_cpu_has_bug(immunities[i].bug))
			offered_arch_capabilities |= immunities[i].no;
	/* The page sizes that matter to the machine are EPT's, and mmu/ept_fault.c sees to them. */
	offered_arch_capabilities |= ARCH_CAP_PSCHANGE_MC_NO;
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
	switch (msr) {
	case MSR_IA32_UCODE_REV:
		*data = host_ucode_rev;
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*data = offered_arch_capabilities;
		return 0;
	case MSR_IA32_PERF_CAPABILITIES:
		*data = 0;
		return 0;
	}
	return 1;
}

/* -E2BIG writes the needed number back, so that the client can ask again. */
int msr_index_list_ioctl(struct kvm_msr_list __user *user, bool features)
{
	const struct listed_msr *list = features ? feature_msrs : saved_msrs;
	u32 len = features ? ARRAY_SIZE(feature_msrs) : ARRAY_SIZE(saved_msrs);
	u32 indices[ARRAY_SIZE(saved_msrs)], room, n = 0, i;

	for (i = 0; i < len; i++) {
		if (!list[i].feature || supported_cpuid_has(list[i].feature))
			indices[n++] = list[i].msr;
	}
	if (get_user(room, &user->nmsrs) || put_user(n, &user->nmsrs))
		return -EFAULT;
	if (room < n) {
		mkvm_refuse(NULL, "KVM_GET_MSR_%sINDEX_LIST: room for %u, there are %u",
			    features ? "FEATURE_" : "", room, n);
		return -E2BIG;
	}
	return copy_to_user(user->indices, indices, n * sizeof(*indices)) ? -EFAULT : 0;
}

static int read_header(struct mkvm_vcpu *vcpu, bool set, struct kvm_msrs __user *user, u32 *n,
		       struct kvm_msr_entry **entries)
{
	if (get_user(*n, &user->nmsrs))
		return -EFAULT;
	if (*n >= MAX_MSR_ENTRIES) {
		mkvm_refuse(vcpu ? vcpu->vm : NULL, "KVM_%s_MSRS: %u entries, at most %u",
			    set ? "SET" : "GET", *n, MAX_MSR_ENTRIES - 1);
		return -E2BIG;
	}
	*entries = memdup_user(user->entries, array_size(*n, sizeof(**entries)));
	return PTR_ERR_OR_ZERO(*entries);
}

static u32 get_vcpu_msrs(struct mkvm_vcpu *vcpu, struct kvm_msr_entry *entries, u32 n)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);
	u32 i;

	for (i = 0; i < n; i++) {
		if (mkvm_get_msr(vcpu, entries[i].index, &entries[i].data, true))
			break;
	}
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return i;
}

static u32 get_feature_msrs(struct kvm_msr_entry *entries, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (msr_feature_value(entries[i].index, &entries[i].data))
			break;
	}
	return i;
}

static u32 set_vcpu_msrs(struct mkvm_vcpu *vcpu, const struct kvm_msr_entry *entries, u32 n)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);
	u32 i;

	for (i = 0; i < n; i++) {
		if (mkvm_set_msr(vcpu, entries[i].index, entries[i].data, true))
			break;
	}
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return i;
}

long msr_get_ioctl(struct mkvm_vcpu *vcpu, struct kvm_msrs __user *user)
{
	struct kvm_msr_entry *entries;
	u32 n, done;
	long ret;

	ret = read_header(vcpu, false, user, &n, &entries);
	if (ret)
		return ret;
	done = vcpu ? get_vcpu_msrs(vcpu, entries, n) : get_feature_msrs(entries, n);
	if (done < n)
		mkvm_refuse(vcpu ? vcpu->vm : NULL, "KVM_GET_MSRS: MSR 0x%x cannot be read",
			    entries[done].index);
	ret = copy_to_user(user->entries, entries, done * sizeof(*entries)) ? -EFAULT : done;
	kfree(entries);
	return ret;
}

long msr_set_ioctl(struct mkvm_vcpu *vcpu, struct kvm_msrs __user *user)
{
	struct kvm_msr_entry *entries;
	u32 n, done;
	int ret;

	ret = read_header(vcpu, true, user, &n, &entries);
	if (ret)
		return ret;
	done = set_vcpu_msrs(vcpu, entries, n);
	if (done < n)
		vm_refuse(vcpu->vm, "KVM_SET_MSRS: MSR 0x%x does not take 0x%llx",
			  entries[done].index, entries[done].data);
	kfree(entries);
	return done;
}
