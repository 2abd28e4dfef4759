// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-entry checks of the host-state area, and what all areas share.
 *
 * SDM, "Checks on Host Control Registers, MSRs, and SSP", "Checks on Host Segment and
 * Descriptor-Table Registers", "Checks Related to Address-Space Size". The module is 64-bit: the
 * processor is in IA-32e mode whenever it enters a guest. Pure: see entry_check.h.
 */
#include <linux/kernel.h>
#include <asm/processor-flags.h>

#include "arch/x86/vmx/explain/entry_check.h"

#define EFER_RESERVED	(~0xd01ull)		/* all but SCE, LME, LMA, NXE */
#define EFER_LME_BIT	BIT_ULL(8)
#define EFER_LMA_BIT	BIT_ULL(10)
#define CR4_CET		BIT_ULL(23)

/* Bits of CR0 that VM exits do not change and that are never checked. */
#define CR0_UNCHECKED	((u64)(X86_CR0_NW | X86_CR0_CD))

/**
 * entry_broken() - report a broken rule
 * @c: the pass
 * @field: whose value breaks it
 * @fmt: the rule in words
 */
void entry_broken(struct entry_check *c, u32 field, const char *fmt, ...)
{
	char rule[ENTRY_RULE_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(rule, sizeof(rule), fmt, args);
	va_end(args);
	c->broken++;
	c->report(c, field, entry_read(c, field), rule);
}

/**
 * entry_holds() - report a rule that holds, where that is asked for
 * @c: the pass
 * @field: whose value it is about
 * @fmt: the rule in words
 */
void entry_holds(struct entry_check *c, u32 field, const char *fmt, ...)
{
	char rule[ENTRY_RULE_SIZE];
	va_list args;

	if (!c->holds)
		return;
	va_start(args, fmt);
	vsnprintf(rule, sizeof(rule), fmt, args);
	va_end(args);
	c->holds(c, field, entry_read(c, field), rule);
}

void entry_check_canonical(struct entry_check *c, u32 field)
{
	entry_must(c, entry_canonical(c, entry_read(c, field)), field,
		   "the address must be canonical");
}

/* SDM, "IA32_PAT MSR": eight bytes, each UC, WC, WT, WP, WB or UC-. */
void entry_check_pat(struct entry_check *c, u32 field)
{
	u64 pat = entry_read(c, field);
	unsigned int i;
	u8 type;

	for (i = 0; i < 8; i++) {
		type = pat >> (8 * i);
		entry_must(c, type <= 7 && type != 2 && type != 3, field,
			   "byte %u must be a memory type: 0, 1, 4, 5, 6 or 7", i);
	}
}

/* A bit that is 1 in FIXED0 must be 1; one that is 0 in FIXED1 must be 0. */
static void check_fixed(struct entry_check *c, u32 field, u64 fixed0, u64 fixed1, u64 unchecked)
{
	u64 value = entry_read(c, field);
	u64 wrong = ((fixed0 & ~value) | (value & ~fixed1)) & ~unchecked;
	u64 bit;

	if (!wrong)
		entry_holds(c, field, "each bit must be as VMX operation demands");
	for (; wrong; wrong &= wrong - 1) {
		bit = wrong & -wrong;
		entry_broken(c, field, "bit %lu must be %d in VMX operation",
			     (unsigned long)__ffs64(bit), !(value & bit));
	}
}

/**
 * entry_check_cr() - CR0 and CR4 of guest or host
 * @c: the pass
 * @cr0_field: GUEST_CR0 or HOST_CR0
 * @cr4_field: the same for CR4
 * @cr0_free: bits of CR0 that IA32_VMX_CR0_FIXED0 does not apply to
 */
void entry_check_cr(struct entry_check *c, u32 cr0_field, u32 cr4_field, u64 cr0_free)
{
	check_fixed(c, cr0_field, c->caps->cr0_fixed0 & ~cr0_free, c->caps->cr0_fixed1,
		    CR0_UNCHECKED);
	check_fixed(c, cr4_field, c->caps->cr4_fixed0, c->caps->cr4_fixed1, 0);
	if (entry_read(c, cr4_field) & CR4_CET)
		entry_must(c, entry_read(c, cr0_field) & X86_CR0_WP, cr0_field,
			   "bit 16 (WP) must be 1, because CR4.CET is 1");
}

static void check_registers(struct entry_check *c)
{
	bool wide = entry_on(c, WORD_EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE);
	u64 efer, reserved;

	c->section = "Checks on Host Control Registers, MSRs, and SSP";
	entry_check_cr(c, HOST_CR0, HOST_CR4, 0);
	entry_must(c, !(entry_read(c, HOST_CR3) & entry_bits_from(c->caps->physical_bits)),
		   HOST_CR3, "bits beyond the processor's physical-address width must be 0");
	entry_check_canonical(c, HOST_IA32_SYSENTER_ESP);
	entry_check_canonical(c, HOST_IA32_SYSENTER_EIP);
	if (entry_on(c, WORD_EXIT, VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL)) {
		reserved = ~c->caps->perf_global_ctrl;
		entry_must(c, !(entry_read(c, HOST_IA32_PERF_GLOBAL_CTRL) & reserved),
			   HOST_IA32_PERF_GLOBAL_CTRL, "reserved bits must be 0");
	}
	if (entry_on(c, WORD_EXIT, VM_EXIT_LOAD_IA32_PAT))
		entry_check_pat(c, HOST_IA32_PAT);
	if (!entry_on(c, WORD_EXIT, VM_EXIT_LOAD_IA32_EFER))
		return;
	efer = entry_read(c, HOST_IA32_EFER);
	entry_must(c, !(efer & EFER_RESERVED), HOST_IA32_EFER, "reserved bits must be 0");
	entry_must(c, !!(efer & EFER_LMA_BIT) == wide, HOST_IA32_EFER,
		   "bit 10 (LMA) must equal \"host address-space size\", which is %d", wide);
	entry_must(c, !!(efer & EFER_LME_BIT) == wide, HOST_IA32_EFER,
		   "bit 8 (LME) must equal \"host address-space size\", which is %d", wide);
}

static void check_segments(struct entry_check *c)
{
	static const u16 selectors[] = {
		HOST_CS_SELECTOR, HOST_SS_SELECTOR, HOST_DS_SELECTOR, HOST_ES_SELECTOR,
		HOST_FS_SELECTOR, HOST_GS_SELECTOR, HOST_TR_SELECTOR,
	};
	static const u16 bases[] = {
		HOST_FS_BASE, HOST_GS_BASE, HOST_GDTR_BASE, HOST_IDTR_BASE, HOST_TR_BASE,
	};
	unsigned int i;

	c->section = "Checks on Host Segment and Descriptor-Table Registers";
	for (i = 0; i < ARRAY_SIZE(selectors); i++)
		entry_must(c, !(entry_read(c, selectors[i]) & 7), selectors[i],
			   "RPL (bits 1:0) and TI (bit 2) must be 0");
	entry_must(c, entry_read(c, HOST_CS_SELECTOR), HOST_CS_SELECTOR, "must not be 0");
	entry_must(c, entry_read(c, HOST_TR_SELECTOR), HOST_TR_SELECTOR, "must not be 0");
	if (!entry_on(c, WORD_EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE))
		entry_must(c, entry_read(c, HOST_SS_SELECTOR), HOST_SS_SELECTOR,
			   "must not be 0 without \"host address-space size\"");
	for (i = 0; i < ARRAY_SIZE(bases); i++)
		entry_check_canonical(c, bases[i]);
}

static void check_address_space(struct entry_check *c)
{
	c->section = "Checks Related to Address-Space Size";
	entry_must(c, entry_on(c, WORD_EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE), VM_EXIT_CONTROLS,
		   "\"host address-space size\" must be 1, because the host is in IA-32e mode");
	if (!entry_on(c, WORD_EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE))
		return;
	entry_must(c, entry_read(c, HOST_CR4) & X86_CR4_PAE, HOST_CR4,
		   "bit 5 (PAE) must be 1 with \"host address-space size\"");
	entry_check_canonical(c, HOST_RIP);
}

/**
 * entry_check_host() - the host-state area
 * @c: the pass
 */
void entry_check_host(struct entry_check *c)
{
	check_registers(c);
	check_segments(c);
	check_address_space(c);
}
