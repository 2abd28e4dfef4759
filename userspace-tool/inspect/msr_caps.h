/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The capability MSRs of VMX, read without the module, and what the module will make of them.
 */
#ifndef MINIKVM_TOOL_MSR_CAPS_H
#define MINIKVM_TOOL_MSR_CAPS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>

#include "arch/x86/vmx/explain/control_table.h"
#include "terminal/sentence.h"

/* Reads an MSR. Return: 0, or -1: this processor has no such register. */
typedef int (*msr_read_fn)(void *context, __u32 index, __u64 *value);

/**
 * struct msr_caps - what a processor's VMX can do (SDM, "VMX Capability Reporting Facility")
 * @feature_control: IA32_FEATURE_CONTROL
 * @basic: IA32_VMX_BASIC
 * @misc: IA32_VMX_MISC
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP, or 0
 * @vmfunc: IA32_VMX_VMFUNC, or 0
 * @cr: IA32_VMX_CR0_FIXED0, CR0_FIXED1, CR4_FIXED0, CR4_FIXED1
 * @must: bits of each control word that must be 1
 * @may: bits of each control word that may be 1
 */
struct msr_caps {
	__u64 feature_control, basic, misc, ept_vpid, vmfunc, cr[4];
	__u64 must[NR_ENTRY_WORDS], may[NR_ENTRY_WORDS];
};

int msr_caps_read(struct msr_caps *caps, msr_read_fn read, void *context, struct sentence *why);
int msr_caps_print(const struct msr_caps *caps, FILE *to);
int msr_caps_suffice(const struct msr_caps *caps, struct sentence *why);
bool msr_caps_apicv(const struct msr_caps *caps);

#endif
