// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capability MSRs of VMX without the module: see msr_caps.h.
 *
 * SDM, "VMX Capability Reporting Facility" and "Enabling and Entering VMX Operation". Decides by
 * control_decide(), as the module does, and prints the module's lines through caps_print.c, so
 * that a machine on which the module was never loaded shows the same. Pure: the registers come
 * from a function.
 */
#include <string.h>

#include "compiler.h"
#include "inspect/caps_print.h"
#include "inspect/msr_caps.h"

#define MSR_FEATURE_CONTROL	0x3a
#define FEATURE_LOCKED		BIT_ULL(0)
#define FEATURE_VMX_OUTSIDE_SMX	BIT_ULL(2)
#define MSR_VMX_BASIC		0x480
#define BASIC_TRUE_CONTROLS	BIT_ULL(55)
#define MSR_VMX_MISC		0x485
#define MSR_VMX_CR0_FIXED0	0x486
#define MSR_VMX_EPT_VPID_CAP	0x48c
#define MSR_VMX_VMFUNC		0x491

#define CPU_SECONDARY		31
#define CPU_TERTIARY		17
#define SECONDARY_EPT		1
#define SECONDARY_VPID		5
#define SECONDARY_VMFUNC	13

/* The MSR of each control word: the TRUE one, and the older one. */
static const struct { __u32 newer, older; } control_msrs[NR_ENTRY_WORDS] = {
	[WORD_PIN] = { 0x48d, 0x481 }, [WORD_CPU] = { 0x48e, 0x482 },
	[WORD_SECONDARY] = { 0x48b, 0x48b }, [WORD_TERTIARY] = { 0x492, 0x492 },
	[WORD_EXIT] = { 0x48f, 0x483 }, [WORD_ENTRY] = { 0x490, 0x484 },
};

static const char * const word_names[NR_ENTRY_WORDS] = {
	[WORD_PIN] = "pin", [WORD_CPU] = "primary", [WORD_SECONDARY] = "secondary",
	[WORD_TERTIARY] = "tertiary", [WORD_EXIT] = "exit", [WORD_ENTRY] = "entry",
};

static int read_word(struct msr_caps *caps, enum entry_word word, msr_read_fn read, void *context)
{
	__u64 value;

	if (read(context, caps->basic & BASIC_TRUE_CONTROLS ? control_msrs[word].newer :
		 control_msrs[word].older, &value))
		return -1;
	/* Tertiary controls are 64 bits that may be 1, and none that must. */
	caps->must[word] = word == WORD_TERTIARY ? 0 : value & 0xffffffff;
	caps->may[word] = word == WORD_TERTIARY ? value : value >> 32;
	return 0;
}

/**
 * msr_caps_read() - read the capability MSRs
 * @caps: receives them
 * @read: reads one
 * @context: for @read
 * @why: receives the sentence on failure
 *
 * Registers that the processor has only beside a control are read if the control may be 1.
 *
 * Return: 0, or -1: one that every processor with VMX has could not be read.
 */
int msr_caps_read(struct msr_caps *caps, msr_read_fn read, void *context, struct sentence *why)
{
	static const enum entry_word always[] = { WORD_PIN, WORD_CPU, WORD_EXIT, WORD_ENTRY };
	unsigned int i;

	memset(caps, 0, sizeof(*caps));
	if (read(context, MSR_FEATURE_CONTROL, &caps->feature_control))
		return say(why, "IA32_FEATURE_CONTROL cannot be read.");
	if (read(context, MSR_VMX_BASIC, &caps->basic))
		return say(why, "IA32_VMX_BASIC cannot be read.");
	for (i = 0; i < ARRAY_SIZE(always); i++)
		if (read_word(caps, always[i], read, context))
			return say(why, "The capability MSR of the %s controls cannot be read.",
				   control_words[always[i]].name);
	if (read(context, MSR_VMX_MISC, &caps->misc))
		return say(why, "IA32_VMX_MISC cannot be read.");
	for (i = 0; i < ARRAY_SIZE(caps->cr); i++)
		if (read(context, MSR_VMX_CR0_FIXED0 + i, &caps->cr[i]))
			return say(why, "IA32_VMX_CR%d_FIXED%d cannot be read.", i < 2 ? 0 : 4,
				   i & 1);
	if (caps->may[WORD_CPU] >> CPU_SECONDARY & 1 &&
	    read_word(caps, WORD_SECONDARY, read, context))
		return say(why, "IA32_VMX_PROCBASED_CTLS2 cannot be read.");
	if (caps->may[WORD_CPU] >> CPU_TERTIARY & 1 &&
	    read_word(caps, WORD_TERTIARY, read, context))
		return say(why, "IA32_VMX_PROCBASED_CTLS3 cannot be read.");
	if (caps->may[WORD_SECONDARY] & (BIT(SECONDARY_EPT) | BIT(SECONDARY_VPID)) &&
	    read(context, MSR_VMX_EPT_VPID_CAP, &caps->ept_vpid))
		return say(why, "IA32_VMX_EPT_VPID_CAP cannot be read.");
	if (caps->may[WORD_SECONDARY] >> SECONDARY_VMFUNC & 1 &&
	    read(context, MSR_VMX_VMFUNC, &caps->vmfunc))
		return say(why, "IA32_VMX_VMFUNC cannot be read.");
	return 0;
}

/* What the module will set of a word; no tertiary control is ever used. */
static __u32 used(const struct msr_caps *caps, enum entry_word word, u32 *missing)
{
	if (word == WORD_TERTIARY) {
		*missing = 0;
		return 0;
	}
	return control_decide(word, caps->must[word], caps->may[word], missing);
}

/**
 * msr_caps_print() - the capabilities, decoded, beside what minikvm wants and will use
 * @caps: they
 * @to: where they go
 *
 * Return: 0, or -1: there is no memory.
 */
int msr_caps_print(const struct msr_caps *caps, FILE *to)
{
	static const char * const cr[] = {
		"cr0_fixed0", "cr0_fixed1", "cr4_fixed0", "cr4_fixed1",
	};
	char lines[2048];
	FILE *file = fmemopen(lines, sizeof(lines), "w");
	u32 missing;
	size_t i;

	if (!file)
		return -1;
	fprintf(file, "msr basic 0x%llx\nmsr misc 0x%llx\nmsr ept_vpid 0x%llx\nmsr vmfunc 0x%llx\n",
		caps->basic, caps->misc, caps->ept_vpid, caps->vmfunc);
	for (i = 0; i < ARRAY_SIZE(cr); i++)
		fprintf(file, "msr %s 0x%llx\n", cr[i], caps->cr[i]);
	for (i = 0; i < NR_ENTRY_WORDS; i++)
		fprintf(file, "word %s must 0x%llx may 0x%llx used 0x%x\n", word_names[i],
			caps->must[i], caps->may[i], used(caps, i, &missing));
	fclose(file);
	fprintf(to, "IA32_FEATURE_CONTROL = 0x%llx: %slocked, VMX outside SMX %sallowed\n",
		caps->feature_control, caps->feature_control & FEATURE_LOCKED ? "" : "not ",
		caps->feature_control & FEATURE_VMX_OUTSIDE_SMX ? "" : "not ");
	file = fmemopen(lines, strlen(lines), "r");
	if (!file)
		return -1;
	caps_print_vmx(file, to);
	fclose(file);
	return 0;
}

/**
 * msr_caps_suffice() - can minikvm run guests on this processor?
 * @caps: its capabilities
 * @why: receives the sentence, with every control that is missing, by its name
 *
 * Return: 0, or -1 with the reason.
 */
int msr_caps_suffice(const struct msr_caps *caps, struct sentence *why)
{
	static const struct { unsigned char bit; const char *name; } ept[] = {
		{ 6, "EPT page walk of 4" }, { 14, "write-back EPT structures" },
		{ 20, "INVEPT" }, { 25, "INVEPT of a single context" },
	};
	char names[512] = "";
	u32 missing, bit;
	size_t i, n = 0;

	if (caps->feature_control & FEATURE_LOCKED &&
	    !(caps->feature_control & FEATURE_VMX_OUTSIDE_SMX))
		return say(why, "The firmware has locked VT-x off (IA32_FEATURE_CONTROL = 0x%llx): switch it on in the firmware's set-up, then power the machine off and on.",
			   caps->feature_control);
	for (i = 0; i < NR_ENTRY_WORDS; i++) {
		used(caps, i, &missing);
		for (bit = 0; bit < 32; bit++)
			if (missing >> bit & 1 && n < sizeof(names))
				n += snprintf(names + n, sizeof(names) - n, "%s\"%s\"",
					      n ? ", " : "", control_bit_name(i, bit));
	}
	/* Without EPT its register is not there, and says nothing more. */
	for (i = 0; i < ARRAY_SIZE(ept) && caps->may[WORD_SECONDARY] >> SECONDARY_EPT & 1; i++)
		if (!(caps->ept_vpid >> ept[i].bit & 1) && n < sizeof(names))
			n += snprintf(names + n, sizeof(names) - n, "%s\"%s\"", n ? ", " : "",
				      ept[i].name);
	if (n)
		return say(why, "This processor lacks what minikvm cannot do without: %s.", names);
	return 0;
}

/**
 * msr_caps_apicv() - has the processor what APICv and posted interrupts need?
 * @caps: its capabilities
 *
 * Return: whether every control of it may be 1.
 */
bool msr_caps_apicv(const struct msr_caps *caps)
{
	return caps->may[WORD_PIN] >> 7 & 1 && caps->may[WORD_CPU] >> 21 & 1 &&
	       caps->may[WORD_SECONDARY] >> 4 & 1 && caps->may[WORD_SECONDARY] >> 8 & 1 &&
	       caps->may[WORD_SECONDARY] >> 9 & 1 && caps->may[WORD_EXIT] >> 15 & 1;
}
