// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the processor's VMX can do and what minikvm makes of it, in debugfs.
 *
 * SDM, "VMX Capability Reporting Facility". The file caps has the words of the capability MSRs as
 * numbers, for each control word what must be 1, what may be 1 and what is used, and for features
 * that more than one control makes up whether they are on; `minikvm caps` names the bits from the
 * same tables as the module (control_table.c).
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "arch/x86/vmx/caps_show.h"
#include "arch/x86/vmx/explain/entry_check.h"
#include "arch/x86/vmx/vmx.h"

static int caps_show(struct seq_file *m, void *unused)
{
	static const char * const words[NR_ENTRY_WORDS] = {
		[WORD_PIN] = "pin", [WORD_CPU] = "primary", [WORD_SECONDARY] = "secondary",
		[WORD_TERTIARY] = "tertiary", [WORD_EXIT] = "exit", [WORD_ENTRY] = "entry",
	};
	const u64 used[NR_ENTRY_WORDS] = {
		[WORD_PIN] = vmx_caps.pin_based, [WORD_CPU] = vmx_caps.cpu_based,
		[WORD_SECONDARY] = vmx_caps.secondary, [WORD_EXIT] = vmx_caps.exit,
		[WORD_ENTRY] = vmx_caps.entry,
	};
	const struct { const char *name; bool on; } features[] = {
		{ "vpid", vmx_caps.vpid }, { "apicv", vmx_caps.apicv },
		{ "flexpriority", vmx_caps.flexpriority },
		{ "tpr-shadow", vmx_caps.tpr_shadow }, { "pml", vmx_caps.pml },
		{ "ept-accessed-dirty", vmx_caps.ept_ad },
		{ "preemption-timer", vmx_caps.preemption_timer },
		{ "tsc-scaling", vmx_caps.tsc_scaling },
		{ "umip-emulation", vmx_caps.umip_emulation },
	};
	struct entry_check_caps caps;
	unsigned int i;

	entry_check_caps_read(&caps);
	seq_printf(m, "msr basic 0x%llx\nmsr misc 0x%llx\nmsr ept_vpid 0x%llx\nmsr vmfunc 0x%llx\n",
		   caps.basic, caps.misc, caps.ept_vpid, caps.vmfunc);
	seq_printf(m, "msr cr0_fixed0 0x%llx\nmsr cr0_fixed1 0x%llx\nmsr cr4_fixed0 0x%llx\nmsr cr4_fixed1 0x%llx\n",
		   caps.cr0_fixed0, caps.cr0_fixed1, caps.cr4_fixed0, caps.cr4_fixed1);
	for (i = 0; i < NR_ENTRY_WORDS; i++)
		seq_printf(m, "word %s must 0x%llx may 0x%llx used 0x%llx\n", words[i],
			   caps.must_be_1[i], caps.may_be_1[i], used[i]);
	for (i = 0; i < ARRAY_SIZE(features); i++)
		seq_printf(m, "feature %s %d\n", features[i].name, features[i].on);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(caps);

/**
 * caps_debugfs_init() - make the file
 * @root: /sys/kernel/debug/minikvm
 */
void caps_debugfs_init(struct dentry *root)
{
	debugfs_create_file("caps", 0444, root, NULL, &caps_fops);
}
