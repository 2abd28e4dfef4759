// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this processor's VMX can do, and what is made of it.
 *
 * SDM, "VMX Capability Reporting Facility". Each control word is decided in one function from
 * what the module needs, what it uses if it is there, and what the capability MSR allows and
 * demands. Every needed bit that is missing is reported by the name that the SDM gives it.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/vmx.h>

#include "arch/x86/vmx/apicv_probe.h"
#include "arch/x86/vmx/capabilities.h"
#include "arch/x86/vmx/explain/control_table.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "compat/compat.h"

struct vmx_caps vmx_caps __ro_after_init;

static bool option_flexpriority = true;
module_param_named(flexpriority, option_flexpriority, bool, 0444);
MODULE_PARM_DESC(flexpriority, "use the APIC-access page for xAPIC guests (default on)");
static bool option_vpid = true;
module_param_named(vpid, option_vpid, bool, 0444);
MODULE_PARM_DESC(vpid, "tag guest translations with a VPID (default on)");
static bool option_pml = true;
module_param_named(pml, option_pml, bool, 0444);
MODULE_PARM_DESC(pml, "log dirty pages by page-modification logging (default on)");
static bool option_ept_ad = true;
module_param_named(ept_ad, option_ept_ad, bool, 0444);
MODULE_PARM_DESC(ept_ad, "use accessed and dirty bits of EPT (default on)");

static int option_apicv = -1;
module_param_named(apicv, option_apicv, int, 0444);
MODULE_PARM_DESC(apicv,
		 "let the processor deliver and end interrupts: 1 = where it has the controls, 0 = never, -1 = where it also passes a test of them (default)");

/**
 * decide_controls() - choose a control word
 * @word: which
 * @msr: its capability MSR
 * @result: the bits that will be used, with those that the processor demands
 *
 * What is required and what is wanted stands in explain/control_table.c. Low half of the MSR: bits
 * that must be 1. High half: bits that may be 1.
 *
 * Return: 0, or -EOPNOTSUPP after each missing bit was named.
 */
static int decide_controls(enum entry_word word, u32 msr, u32 *result)
{
	u32 must_be_1, may_be_1, missing;
	unsigned int bit;

	rdmsr(msr, must_be_1, may_be_1);
	*result = control_decide(word, must_be_1, may_be_1, &missing);
	for (bit = 0; bit < 32; bit++)
		if (missing & BIT(bit))
			pr_err("this processor lacks the %s control \"%s\"\n",
			       control_words[word].name, control_bit_name(word, bit));
	return missing ? -EOPNOTSUPP : 0;
}

static int check_ept(void)
{
	u64 cap;

	rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, cap);
	vmx_caps.ept_vpid = cap;
	if (!(cap & VMX_EPT_PAGE_WALK_4_BIT)) {
		pr_err("this processor's EPT has no page-walk length of 4\n");
		return -EOPNOTSUPP;
	}
	if (!(cap & VMX_EPTP_WB_BIT)) {
		pr_err("this processor's EPT has no write-back paging structures\n");
		return -EOPNOTSUPP;
	}
	if (!(cap & VMX_EPT_INVEPT_BIT) || !(cap & VMX_EPT_EXTENT_CONTEXT_BIT)) {
		pr_err("this processor has no single-context INVEPT\n");
		return -EOPNOTSUPP;
	}
	vmx_caps.ept_wb = true;
	vmx_caps.ept_2m = cap & VMX_EPT_2MB_PAGE_BIT;
	vmx_caps.ept_1g = cap & VMX_EPT_1GB_PAGE_BIT;
	vmx_caps.ept_ad = (cap & VMX_EPT_AD_BIT) && option_ept_ad;
	vmx_caps.ept_5level = cap & VMX_EPT_PAGE_WALK_5_BIT;
	/* <asm/vmx.h> counts the VPID bits from bit 32. */
	vmx_caps.invvpid_single = (cap >> 32 & VMX_VPID_INVVPID_BIT) &&
				  (cap >> 32 & VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT);
	return 0;
}

/* The first control that the SDM wants for posted interrupts and this processor lacks, or NULL. */
static const char *apicv_lacks(void)
{
	const struct {
		u32 have, bit;
		const char *name;
	} wanted[] = {
		{ vmx_caps.cpu_based, CPU_BASED_TPR_SHADOW,
		  "no control \"use TPR shadow\"" },
		{ vmx_caps.secondary, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE,
		  "no control \"virtualize x2APIC mode\"" },
		{ vmx_caps.secondary, SECONDARY_EXEC_APIC_REGISTER_VIRT,
		  "no control \"APIC-register virtualization\"" },
		{ vmx_caps.secondary, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY,
		  "no control \"virtual-interrupt delivery\"" },
		{ vmx_caps.exit, VM_EXIT_ACK_INTR_ON_EXIT,
		  "no control \"acknowledge interrupt on exit\"" },
		{ vmx_caps.pin_based, PIN_BASED_POSTED_INTR,
		  "no control \"process posted interrupts\"" },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!(wanted[i].have & wanted[i].bit))
			return wanted[i].name;
	return NULL;
}

/* Why APICv cannot be used, or is not used unless apicv=1 insists; NULL if it is used. */
static const char *apicv_obstacle(void)
{
	const char *lacks = apicv_lacks();

	if (lacks)
		return lacks;
	if (!COMPAT_POSTED_INTR)
		return "kernel has no vectors for posted interrupts (CONFIG_KVM)";
	if (!vmx_posted_desc_accepted(0))
		return "VM entry refuses the controls that the capability MSRs offer";
	/* A processor that departs from the SDM in this may do so elsewhere: Bochs, lab.rst. */
	if (option_apicv < 0 && !vmx_posted_desc_accepted(64))
		return "VM entry refuses a descriptor in the middle of a page; apicv=1 insists";
	return NULL;
}

/**
 * vmx_caps_decide_apicv() - will APICv be used?
 *
 * Sets vmx_caps.apicv and says it in the log. Context: process, once; VMX is on.
 */
void vmx_caps_decide_apicv(void)
{
	const char *obstacle = option_apicv ? apicv_obstacle() : "apicv=0";

	vmx_caps.apicv = !obstacle;
	if (obstacle)
		pr_info("APICv is off: %s\n", obstacle);
	else
		pr_info("APICv is on: APIC-register virtualization, virtual-interrupt delivery, posted interrupts\n");
}

/**
 * vmx_caps_init() - read the capability MSRs and decide every control word
 *
 * Fills vmx_caps. Called once, before VMX is turned on; the CPU has VMX.
 *
 * Return: 0, or -EOPNOTSUPP after every missing control was named in the log.
 */
int vmx_caps_init(void)
{
	bool true_controls;
	struct x86_pmu_capability pmu;
	u32 secondary;
	u64 misc;
	int ret = 0;

	rdmsrl(MSR_IA32_VMX_BASIC, vmx_caps.basic);
	true_controls = vmx_caps.basic & BIT_ULL(55);

	ret |= decide_controls(WORD_PIN, true_controls ? MSR_IA32_VMX_TRUE_PINBASED_CTLS :
			       MSR_IA32_VMX_PINBASED_CTLS, &vmx_caps.pin_based);
	ret |= decide_controls(WORD_CPU, true_controls ? MSR_IA32_VMX_TRUE_PROCBASED_CTLS :
			       MSR_IA32_VMX_PROCBASED_CTLS, &vmx_caps.cpu_based);
	ret |= decide_controls(WORD_EXIT, true_controls ? MSR_IA32_VMX_TRUE_EXIT_CTLS :
			       MSR_IA32_VMX_EXIT_CTLS, &vmx_caps.exit);
	ret |= decide_controls(WORD_ENTRY, true_controls ? MSR_IA32_VMX_TRUE_ENTRY_CTLS :
			       MSR_IA32_VMX_ENTRY_CTLS, &vmx_caps.entry);
	if (!(vmx_caps.cpu_based & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS)) {
		pr_err("no secondary controls: no EPT, no unrestricted guest\n");
		return -EOPNOTSUPP;
	}
	ret |= decide_controls(WORD_SECONDARY, MSR_IA32_VMX_PROCBASED_CTLS2,
			       &vmx_caps.secondary);
	secondary = vmx_caps.secondary;
	if (secondary & SECONDARY_EXEC_ENABLE_EPT)
		ret |= check_ept();
	if (ret)
		return -EOPNOTSUPP;

	if (!(vmx_caps.cpu_based & CPU_BASED_TPR_SHADOW))
		option_flexpriority = false;
	vmx_caps.tpr_shadow = vmx_caps.cpu_based & CPU_BASED_TPR_SHADOW;
	vmx_caps.flexpriority = option_flexpriority &&
				(secondary & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES);
	vmx_caps.vpid = option_vpid && vmx_caps.invvpid_single &&
			(secondary & SECONDARY_EXEC_ENABLE_VPID);
	vmx_caps.pml = option_pml && vmx_caps.ept_ad && (secondary & SECONDARY_EXEC_ENABLE_PML);
	vmx_caps.tsc_scaling = secondary & SECONDARY_EXEC_TSC_SCALING;
	vmx_caps.invpcid = secondary & SECONDARY_EXEC_ENABLE_INVPCID;
	vmx_caps.rdtscp = secondary & SECONDARY_EXEC_ENABLE_RDTSCP;
	vmx_caps.xsaves = secondary & MINIKVM_EXEC_XSAVES;
	vmx_caps.preemption_timer = vmx_caps.pin_based & PIN_BASED_VMX_PREEMPTION_TIMER;

	rdmsrl(MSR_IA32_VMX_MISC, misc);
	vmx_caps.preemption_timer_shift = misc & 0x1f;
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, vmx_caps.cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, vmx_caps.cr0_fixed1);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, vmx_caps.cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, vmx_caps.cr4_fixed1);
	/* A guest can have UMIP on a processor without: exit_descriptor.c refuses for it. */
	vmx_caps.umip_emulation = (secondary & SECONDARY_EXEC_DESC) &&
				  !(vmx_caps.cr4_fixed1 & X86_CR4_UMIP);
	vmx_caps.cr4_possible = vmx_caps.cr4_fixed1 |
				(vmx_caps.umip_emulation ? X86_CR4_UMIP : 0);
	vmx_caps.tsc_scaling_max = U64_MAX;
	perf_get_x86_pmu_capability(&pmu);
	vmx_caps.host_counters = pmu.num_counters_gp;
	return 0;
}
