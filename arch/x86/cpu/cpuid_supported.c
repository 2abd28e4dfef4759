// SPDX-License-Identifier: GPL-2.0-only
/*
 * What CPUID the module offers on this host.
 *
 * SDM, "CPUID - CPU Identification"; KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID. What is
 * offered = (what Linux enabled on this host) & (the list below), one fill function per leaf.
 * Relies on vmx_caps and on fpu.c for XSAVE sizes.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/sched/stat.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/kvm_para.h>
#include <asm/processor.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/cpuid_supported.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/vmx/vmx.h"

/* Features that reach the guest when Linux found (and did not disable) them on the host. */
static const u16 passed_features[] = {
	/* leaf 1, EDX */
	X86_FEATURE_FPU, X86_FEATURE_VME, X86_FEATURE_DE, X86_FEATURE_PSE, X86_FEATURE_TSC,
	X86_FEATURE_MSR, X86_FEATURE_PAE, X86_FEATURE_MCE, X86_FEATURE_CX8, X86_FEATURE_APIC,
	X86_FEATURE_SEP, X86_FEATURE_MTRR, X86_FEATURE_PGE, X86_FEATURE_MCA, X86_FEATURE_CMOV,
	X86_FEATURE_PAT, X86_FEATURE_PSE36, X86_FEATURE_CLFLUSH, X86_FEATURE_MMX,
	X86_FEATURE_FXSR, X86_FEATURE_XMM, X86_FEATURE_XMM2, X86_FEATURE_SELFSNOOP,
	/* leaf 1, ECX */
	X86_FEATURE_XMM3, X86_FEATURE_PCLMULQDQ, X86_FEATURE_SSSE3, X86_FEATURE_FMA,
	X86_FEATURE_CX16, X86_FEATURE_PCID, X86_FEATURE_XMM4_1, X86_FEATURE_XMM4_2,
	X86_FEATURE_MOVBE, X86_FEATURE_POPCNT, X86_FEATURE_AES, X86_FEATURE_XSAVE,
	X86_FEATURE_AVX, X86_FEATURE_F16C, X86_FEATURE_RDRAND,
	/* leaf 7.0, EBX */
	X86_FEATURE_FSGSBASE, X86_FEATURE_BMI1, X86_FEATURE_HLE, X86_FEATURE_AVX2,
	X86_FEATURE_SMEP, X86_FEATURE_BMI2, X86_FEATURE_ERMS, X86_FEATURE_INVPCID,
	X86_FEATURE_RTM, X86_FEATURE_AVX512F, X86_FEATURE_AVX512DQ, X86_FEATURE_RDSEED,
	X86_FEATURE_ADX, X86_FEATURE_SMAP, X86_FEATURE_AVX512IFMA, X86_FEATURE_CLFLUSHOPT,
	X86_FEATURE_CLWB, X86_FEATURE_AVX512CD, X86_FEATURE_SHA_NI, X86_FEATURE_AVX512BW,
	X86_FEATURE_AVX512VL,
	/* leaf 7.0, ECX */
	X86_FEATURE_AVX512VBMI, X86_FEATURE_UMIP, X86_FEATURE_PKU, X86_FEATURE_AVX512_VBMI2,
	X86_FEATURE_GFNI, X86_FEATURE_VAES, X86_FEATURE_VPCLMULQDQ, X86_FEATURE_AVX512_VNNI,
	X86_FEATURE_AVX512_BITALG, X86_FEATURE_AVX512_VPOPCNTDQ, X86_FEATURE_RDPID,
	X86_FEATURE_CLDEMOTE, X86_FEATURE_MOVDIRI, X86_FEATURE_MOVDIR64B,
	/* leaf 7.0, EDX */
	X86_FEATURE_FSRM, X86_FEATURE_AVX512_VP2INTERSECT, X86_FEATURE_MD_CLEAR,
	X86_FEATURE_SERIALIZE, X86_FEATURE_TSXLDTRK, X86_FEATURE_AVX512_FP16,
	X86_FEATURE_SPEC_CTRL, X86_FEATURE_INTEL_STIBP, X86_FEATURE_FLUSH_L1D,
	X86_FEATURE_SPEC_CTRL_SSBD,
	/* leaf 7.1, EAX */
	X86_FEATURE_AVX_VNNI, X86_FEATURE_AVX512_BF16,
	/* leaf 0xd.1, EAX */
	X86_FEATURE_XSAVEOPT, X86_FEATURE_XSAVEC, X86_FEATURE_XGETBV1, X86_FEATURE_XSAVES,
	/* leaf 0x80000001 */
	X86_FEATURE_SYSCALL, X86_FEATURE_NX, X86_FEATURE_GBPAGES, X86_FEATURE_RDTSCP,
	X86_FEATURE_LM, X86_FEATURE_LAHF_LM, X86_FEATURE_ABM, X86_FEATURE_3DNOWPREFETCH,
};

/* Features that the module makes, whatever the host has. */
static const u16 made_features[] = {
	X86_FEATURE_X2APIC, X86_FEATURE_TSC_DEADLINE_TIMER, X86_FEATURE_TSC_ADJUST,
	X86_FEATURE_HYPERVISOR,
	/* Says what the host is immune to, also where the host's processor has no such MSR. */
	X86_FEATURE_ARCH_CAPABILITIES,
};

/* CPUID.7.2:EDX bits that stand for bits of IA32_SPEC_CTRL, and MCDT_NO. */
#define LEAF_7_2_EDX_MASK	0x3fu
#define LEAF_8000_0007_EDX_MASK	BIT(8)	/* invariant TSC */
#define LEAF_6_EAX_ARAT		BIT(2)
#define HIGHEST_BASIC		0x1fu
#define HIGHEST_EXTENDED	0x80000008u
/* Entries of one KVM_GET_SUPPORTED_CPUID: kvmtool brings room for so many. */
#define MAX_ENTRIES		100

/* X86_FEATURE_*, a bit each, and CPUID.7.2:EDX, which Linux keeps elsewhere. */
u32 supported_caps[NCAPINTS] __ro_after_init;
u32 supported_7_2_edx __ro_after_init;

/**
 * supported_cpuid_has() - is a feature among what KVM_GET_SUPPORTED_CPUID offers?
 * @feature: X86_FEATURE_*
 *
 * Return: whether.
 */
bool supported_cpuid_has(unsigned int feature)
{
	return supported_caps[feature / 32] & BIT(feature & 31);
}

static void caps_set(unsigned int feature, bool on)
{
	if (on)
		supported_caps[feature / 32] |= BIT(feature & 31);
	else
		supported_caps[feature / 32] &= ~BIT(feature & 31);
}

/**
 * cpuid_module_init() - decide what the module offers on this host
 *
 * Relies on vmx_caps and fpu_module_init().
 */
void cpuid_module_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(passed_features); i++)
		caps_set(passed_features[i], boot_cpu_has(passed_features[i]));
	for (i = 0; i < ARRAY_SIZE(made_features); i++)
		caps_set(made_features[i], true);
	/* Linux clears LA57 when it does not use it; a guest under EPT still can. */
	caps_set(X86_FEATURE_LA57, cpuid_eax(0) >= 7 && (cpuid_ecx(7) & BIT(16)) &&
		 (vmx_caps.cr4_possible & X86_CR4_LA57));

	if (vmx_caps.umip_emulation)
		caps_set(X86_FEATURE_UMIP, true);

	/* Instructions that #UD in guest mode without a VM-execution control. */
	if (!vmx_caps.rdtscp) {
		caps_set(X86_FEATURE_RDTSCP, false);
		caps_set(X86_FEATURE_RDPID, false);
	}
	if (!vmx_caps.invpcid)
		caps_set(X86_FEATURE_INVPCID, false);
	if (!vmx_caps.xsaves)
		caps_set(X86_FEATURE_XSAVES, false);
	/* PKRU is switched only where the host uses protection keys itself. */
	if (!boot_cpu_has(X86_FEATURE_OSPKE))
		caps_set(X86_FEATURE_PKU, false);

	if (supported_cpuid_has(X86_FEATURE_SPEC_CTRL) && cpuid_eax(0) >= 7 &&
	    cpuid_eax(7) >= 2) {
		u32 eax, ebx, ecx, edx;

		cpuid_count(7, 2, &eax, &ebx, &ecx, &edx);
		supported_7_2_edx = edx & LEAF_7_2_EDX_MASK;
	}
}

/*
 * What KVM_GET_SUPPORTED_CPUID answers. A fill function gets the host's values in the entry
 * and leaves what the guest may see; it returns whether there is another subleaf.
 */
static bool leaf_zero(struct kvm_cpuid_entry2 *e)
{
	e->eax = 0;
	e->ebx = 0;
	e->ecx = 0;
	e->edx = 0;
	return false;
}

static bool leaf_host(struct kvm_cpuid_entry2 *e)
{
	return false;
}

static bool leaf_0(struct kvm_cpuid_entry2 *e)
{
	e->eax = min(e->eax, HIGHEST_BASIC);
	return false;
}

static bool leaf_1(struct kvm_cpuid_entry2 *e)
{
	/* Brand index and CLFLUSH size stay; APIC ID and logical CPUs are userspace's. */
	e->ebx &= 0xffff;
	e->ecx = supported_caps[CPUID_1_ECX];
	e->edx = supported_caps[CPUID_1_EDX];
	return false;
}

/* Deterministic cache parameters: the subleaf with cache type 0 ends the list. */
static bool leaf_4(struct kvm_cpuid_entry2 *e)
{
	if (!(e->eax & 0x1f))
		return false;
	/* How many share it follows from the topology, which userspace decides. */
	e->eax &= ~0xffffc000u;
	return e->index < 7;
}

static bool leaf_6(struct kvm_cpuid_entry2 *e)
{
	leaf_zero(e);
	e->eax = LEAF_6_EAX_ARAT;	/* the emulated APIC timer never stops */
	return false;
}

static bool leaf_7(struct kvm_cpuid_entry2 *e)
{
	u32 last = supported_7_2_edx ? 2 : 1;

	switch (e->index) {
	case 0:
		last = min(e->eax, last);
		e->eax = last;
		e->ebx = supported_caps[CPUID_7_0_EBX];
		e->ecx = supported_caps[CPUID_7_ECX];
		e->edx = supported_caps[CPUID_7_EDX];
		return last > 0;
	case 1:
		leaf_zero(e);
		e->eax = supported_caps[CPUID_7_1_EAX];
		return last > 1;
	default:
		leaf_zero(e);
		e->edx = supported_7_2_edx;
		return false;
	}
}

static bool leaf_xsave(struct kvm_cpuid_entry2 *e)
{
	if (!supported_cpuid_has(X86_FEATURE_XSAVE))
		return leaf_zero(e);
	if (e->index == 0) {
		e->eax = (u32)fpu_supported_xcr0;
		e->edx = fpu_supported_xcr0 >> 32;
		e->ebx = fpu_xstate_size(XFEATURE_MASK_FPSSE, false);
		e->ecx = fpu_xstate_size(fpu_supported_xcr0, false);
	} else if (e->index == 1) {
		e->eax = supported_caps[CPUID_D_1_EAX];
		e->ebx = 0;
		e->ecx = (u32)FPU_SUPPORTED_XSS;
		e->edx = FPU_SUPPORTED_XSS >> 32;
	} else {
		/* Bit 0 says "XSS component", bit 2 XFD support: both are hidden. */
		e->ecx &= BIT(1);
		e->edx = 0;
	}
	return e->index < 63;
}

static bool leaf_80000000(struct kvm_cpuid_entry2 *e)
{
	e->eax = clamp(e->eax, 0x80000000u, HIGHEST_EXTENDED);
	return false;
}

static bool leaf_80000001(struct kvm_cpuid_entry2 *e)
{
	e->ecx = supported_caps[CPUID_8000_0001_ECX];
	e->edx = supported_caps[CPUID_8000_0001_EDX];
	return false;
}

static bool leaf_80000007(struct kvm_cpuid_entry2 *e)
{
	u32 edx = e->edx & LEAF_8000_0007_EDX_MASK;

	leaf_zero(e);
	e->edx = edx;
	return false;
}

static bool leaf_80000008(struct kvm_cpuid_entry2 *e)
{
	u32 linear = supported_cpuid_has(X86_FEATURE_LA57) ? 57 : 48;

	leaf_zero(e);
	e->eax = boot_cpu_data.x86_phys_bits | linear << 8;
	return false;
}

static bool leaf_hypervisor(struct kvm_cpuid_entry2 *e)
{
	u32 signature[3];

	memcpy(signature, KVM_SIGNATURE, sizeof(signature));
	e->eax = KVM_CPUID_FEATURES;
	e->ebx = signature[0];
	e->ecx = signature[1];
	e->edx = signature[2];
	return false;
}

static bool leaf_pv_features(struct kvm_cpuid_entry2 *e)
{
	leaf_zero(e);
	e->eax = BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_CLOCKSOURCE2) |
		 BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT) | BIT(KVM_FEATURE_NOP_IO_DELAY) |
		 BIT(KVM_FEATURE_PV_UNHALT) | BIT(KVM_FEATURE_PV_SEND_IPI) |
		 BIT(KVM_FEATURE_PV_SCHED_YIELD) | BIT(KVM_FEATURE_POLL_CONTROL) |
		 BIT(KVM_FEATURE_ASYNC_PF) | BIT(KVM_FEATURE_ASYNC_PF_INT);
	if (sched_info_on())
		e->eax |= BIT(KVM_FEATURE_STEAL_TIME) | BIT(KVM_FEATURE_PV_TLB_FLUSH);
	return false;
}

struct cpuid_leaf {
	u32 function;
	bool indexed;
	bool (*fill)(struct kvm_cpuid_entry2 *e);
};

/* Leaves that are not named read as zeros: MONITOR (5), PMU (0xa), topology, PT, SGX, AMX... */
static const struct cpuid_leaf leaves[] = {
	{ 0x00, false, leaf_0 },
	{ 0x01, false, leaf_1 },
	{ 0x02, false, leaf_host },
	{ 0x04, true, leaf_4 },
	{ 0x06, false, leaf_6 },
	{ 0x07, true, leaf_7 },
	{ 0x0b, true, leaf_zero },
	{ 0x0d, true, leaf_xsave },
	{ 0x1f, true, leaf_zero },
	{ 0x40000000, false, leaf_hypervisor },
	{ KVM_CPUID_FEATURES, false, leaf_pv_features },
	{ 0x80000000, false, leaf_80000000 },
	{ 0x80000001, false, leaf_80000001 },
	{ 0x80000002, false, leaf_host },
	{ 0x80000003, false, leaf_host },
	{ 0x80000004, false, leaf_host },
	{ 0x80000006, false, leaf_host },
	{ 0x80000007, false, leaf_80000007 },
	{ 0x80000008, false, leaf_80000008 },
};

struct cpuid_list {
	struct kvm_cpuid_entry2 *entries;
	u32 nent;
};

static const struct cpuid_leaf *find_leaf(u32 function)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		if (leaves[i].function == function)
			return &leaves[i];
	}
	return NULL;
}

static int add_leaf(struct cpuid_list *list, u32 function)
{
	const struct cpuid_leaf *leaf = find_leaf(function);
	struct kvm_cpuid_entry2 *e;
	bool more = true;
	u32 index;

	for (index = 0; more; index++) {
		/* Of XSAVE's 64 subleaves only those of supported components say anything. */
		if (function == 0xd && index > 1) {
			if (index > 63)
				break;
			if (!(fpu_supported_xcr0 & BIT_ULL(index)))
				continue;
		}
		if (list->nent == MAX_ENTRIES)
			return -E2BIG;
		e = &list->entries[list->nent++];
		e->function = function;
		e->index = index;
		if (!leaf) {
			more = leaf_zero(e);
			continue;
		}
		if (leaf->indexed)
			e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		cpuid_count(function, index, &e->eax, &e->ebx, &e->ecx, &e->edx);
		more = leaf->fill(e);
	}
	return 0;
}

static int fill_supported(struct cpuid_list *list)
{
	u32 basic = min(cpuid_eax(0), HIGHEST_BASIC);
	u32 extended = min(cpuid_eax(0x80000000), HIGHEST_EXTENDED);
	u32 function;
	int ret = 0;

	for (function = 0; function <= basic && !ret; function++)
		ret = add_leaf(list, function);
	for (function = 0x40000000; function <= KVM_CPUID_FEATURES && !ret; function++)
		ret = add_leaf(list, function);
	for (function = 0x80000000; function <= extended && !ret; function++)
		ret = add_leaf(list, function);
	return ret;
}

/* What a guest may have on any host: exit_exception.c executes it where the processor cannot. */
static void fill_emulated(struct cpuid_list *list)
{
	const struct kvm_cpuid_entry2 entries[] = {
		{ .function = 0, .eax = 7 },
		{ .function = 1, .ecx = BIT(X86_FEATURE_MOVBE & 31) },
		{
			.function = 7,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			/* It reads IA32_TSC_AUX, which is there with RDTSCP. */
			.ecx = supported_cpuid_has(X86_FEATURE_RDTSCP) ?
			       BIT(X86_FEATURE_RDPID & 31) : 0,
		},
	};

	memcpy(list->entries, entries, sizeof(entries));
	list->nent = ARRAY_SIZE(entries);
}

/**
 * cpuid_supported_ioctl() - KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID
 * @user: nent says how much room there is
 * @emulated: features that exist by emulation, whatever the host has
 *
 * Return: 0 with entries and nent written; -E2BIG when the room is too small; -EFAULT, -ENOMEM.
 */
int cpuid_supported_ioctl(struct kvm_cpuid2 __user *user, bool emulated)
{
	struct cpuid_list list = {};
	u32 room;
	int ret = 0;

	if (get_user(room, &user->nent))
		return -EFAULT;
	if (!room) {
		mkvm_refuse(NULL, "KVM_GET_%s_CPUID: room for no entry",
			    emulated ? "EMULATED" : "SUPPORTED");
		return -E2BIG;
	}
	list.entries = kcalloc(MAX_ENTRIES, sizeof(*list.entries), GFP_KERNEL);
	if (!list.entries)
		return -ENOMEM;
	if (emulated)
		fill_emulated(&list);
	else
		ret = fill_supported(&list);
	if (!ret && list.nent > room) {
		mkvm_refuse(NULL, "KVM_GET_%s_CPUID: room for %u entries, there are %u",
			    emulated ? "EMULATED" : "SUPPORTED", room, list.nent);
		ret = -E2BIG;
	}
	if (!ret && (copy_to_user(user->entries, list.entries,
				  list.nent * sizeof(*list.entries)) ||
		     put_user(list.nent, &user->nent)))
		ret = -EFAULT;
	kfree(list.entries);
	return ret;
}
