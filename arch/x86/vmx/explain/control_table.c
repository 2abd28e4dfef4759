// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control words of the VMCS: names of their bits, and what minikvm needs of them.
 *
 * SDM, "VM-Execution Control Fields", "VM-Exit Control Fields", "VM-Entry Control Fields". The one
 * table of control names: capabilities.c decides by it what is used, the entry checks and the
 * minikvm tool name bits from it. Pure.
 */
#include "arch/x86/vmx/explain/control_table.h"

#define NEED(bit, name)	{ bit, CONTROL_REQUIRED, name }
#define LIKE(bit, name)	{ bit, CONTROL_WANTED, name }
#define KNOW(bit, name)	{ bit, CONTROL_KNOWN, name }

static const struct control_bit pin_bits[] = {
	NEED(0, "external-interrupt exiting"), NEED(3, "NMI exiting"), NEED(5, "virtual NMIs"),
	LIKE(6, "activate VMX-preemption timer"), LIKE(7, "process posted interrupts"),
};

static const struct control_bit cpu_bits[] = {
	NEED(2, "interrupt-window exiting"), NEED(3, "use TSC offsetting"),
	NEED(7, "HLT exiting"), KNOW(9, "INVLPG exiting"), NEED(10, "MWAIT exiting"),
	NEED(11, "RDPMC exiting"), KNOW(12, "RDTSC exiting"), KNOW(15, "CR3-load exiting"),
	KNOW(16, "CR3-store exiting"), KNOW(17, "activate tertiary controls"),
	NEED(19, "CR8-load exiting"), NEED(20, "CR8-store exiting"), LIKE(21, "use TPR shadow"),
	NEED(22, "NMI-window exiting"), NEED(23, "MOV-DR exiting"),
	NEED(24, "unconditional I/O exiting"), KNOW(25, "use I/O bitmaps"),
	LIKE(27, "monitor trap flag"), NEED(28, "use MSR bitmaps"), NEED(29, "MONITOR exiting"),
	LIKE(30, "PAUSE exiting"), NEED(31, "activate secondary controls"),
};

static const struct control_bit secondary_bits[] = {
	LIKE(0, "virtualize APIC accesses"), NEED(1, "enable EPT"),
	LIKE(2, "descriptor-table exiting"), LIKE(3, "enable RDTSCP"),
	LIKE(4, "virtualize x2APIC mode"), LIKE(5, "enable VPID"), LIKE(6, "WBINVD exiting"),
	NEED(7, "unrestricted guest"), LIKE(8, "APIC-register virtualization"),
	LIKE(9, "virtual-interrupt delivery"), LIKE(10, "PAUSE-loop exiting"),
	LIKE(11, "RDRAND exiting"), LIKE(12, "enable INVPCID"), KNOW(13, "enable VM functions"),
	KNOW(14, "VMCS shadowing"), LIKE(15, "enable ENCLS exiting"), LIKE(16, "RDSEED exiting"),
	LIKE(17, "enable PML"), KNOW(18, "EPT-violation #VE"), KNOW(19, "conceal VMX from PT"),
	LIKE(20, "enable XSAVES/XRSTORS"), KNOW(21, "PASID translation"),
	KNOW(22, "mode-based execute control for EPT"),
	KNOW(23, "sub-page write permissions for EPT"),
	KNOW(24, "Intel PT uses guest physical addresses"), LIKE(25, "use TSC scaling"),
	LIKE(26, "enable user wait and pause"), KNOW(27, "enable PCONFIG"),
	LIKE(28, "enable ENCLV exiting"), KNOW(30, "VMM bus-lock detection"),
	KNOW(31, "instruction timeout"),
};

static const struct control_bit tertiary_bits[] = {
	KNOW(0, "LOADIWKEY exiting"), KNOW(1, "enable HLAT"), KNOW(2, "EPT paging-write control"),
	KNOW(3, "guest-paging verification"), KNOW(4, "IPI virtualization"),
	KNOW(7, "virtualize IA32_SPEC_CTRL"),
};

static const struct control_bit exit_bits[] = {
	NEED(2, "save debug controls"), NEED(9, "host address-space size"),
	KNOW(12, "load IA32_PERF_GLOBAL_CTRL"), LIKE(15, "acknowledge interrupt on exit"),
	KNOW(18, "save IA32_PAT"), NEED(19, "load IA32_PAT"), KNOW(20, "save IA32_EFER"),
	NEED(21, "load IA32_EFER"), KNOW(22, "save VMX-preemption timer value"),
	KNOW(23, "clear IA32_BNDCFGS"), KNOW(24, "conceal VMX from PT"),
	KNOW(25, "clear IA32_RTIT_CTL"), KNOW(26, "clear IA32_LBR_CTL"), KNOW(27, "clear UINV"),
	KNOW(28, "load CET state"), KNOW(29, "load PKRS"), KNOW(30, "save IA32_PERF_GLOBAL_CTRL"),
	KNOW(31, "activate secondary controls"),
};

static const struct control_bit entry_bits[] = {
	NEED(2, "load debug controls"), NEED(9, "IA-32e mode guest"), KNOW(10, "entry to SMM"),
	KNOW(11, "deactivate dual-monitor treatment"), KNOW(13, "load IA32_PERF_GLOBAL_CTRL"),
	NEED(14, "load IA32_PAT"), NEED(15, "load IA32_EFER"), KNOW(16, "load IA32_BNDCFGS"),
	KNOW(17, "conceal VMX from PT"), KNOW(18, "load IA32_RTIT_CTL"), KNOW(19, "load UINV"),
	KNOW(20, "load CET state"), KNOW(21, "load guest IA32_LBR_CTL"), KNOW(22, "load PKRS"),
};

#define WORD(field, name, bits)	{ field, name, bits, ARRAY_SIZE(bits) }

const struct control_word control_words[NR_ENTRY_WORDS] = {
	[WORD_PIN] = WORD(0x4000, "pin-based VM-execution", pin_bits),
	[WORD_CPU] = WORD(0x4002, "primary processor-based VM-execution", cpu_bits),
	[WORD_SECONDARY] = WORD(0x401e, "secondary processor-based VM-execution", secondary_bits),
	[WORD_TERTIARY] = WORD(0x2034, "tertiary processor-based VM-execution", tertiary_bits),
	[WORD_EXIT] = WORD(0x400c, "VM-exit", exit_bits),
	[WORD_ENTRY] = WORD(0x4012, "VM-entry", entry_bits),
};

/**
 * control_decide() - the value of a control word
 * @word: which
 * @must_be_1: bits that the processor demands, the low half of the capability MSR
 * @may_be_1: bits that it allows, the high half
 * @missing: receives the bits that are required and not allowed
 *
 * A bit that this table does not want is set only where the processor demands it: what a newer
 * processor offers beyond the table stays off.
 *
 * Return: the bits that will be used, with those that the processor demands.
 */
u32 control_decide(enum entry_word word, u32 must_be_1, u32 may_be_1, u32 *missing)
{
	const struct control_word *w = &control_words[word];
	u32 wanted = 0, required = 0;
	unsigned int i;

	for (i = 0; i < w->nr_bits; i++) {
		if (w->bits[i].use != CONTROL_KNOWN)
			wanted |= 1U << w->bits[i].bit;
		if (w->bits[i].use == CONTROL_REQUIRED)
			required |= 1U << w->bits[i].bit;
	}
	*missing = required & ~may_be_1;
	return (wanted & may_be_1) | must_be_1;
}

/**
 * control_bit_name() - the SDM's name of a control
 * @word: its word
 * @bit: its number
 *
 * Return: static string, or NULL: the bit is reserved.
 */
const char *control_bit_name(enum entry_word word, unsigned int bit)
{
	const struct control_word *w = &control_words[word];
	unsigned int i;

	for (i = 0; i < w->nr_bits; i++)
		if (w->bits[i].bit == bit)
			return w->bits[i].name;
	return NULL;
}
