/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The SDM's VM-entry checks, done again in software.
 *
 * SDM, "VM Entries": "Checks on VMX Controls and Host-State Area" and "Checking and Loading Guest
 * State". The processor says that a VM entry failed, not why; these rules say why. They read the
 * VMCS through a function, so that selftests/unit/entry_check can feed them an array.
 * entry_check_control.c, entry_check_host.c and entry_check_guest.c are pure; entry_check.c is
 * the module's side.
 */
#ifndef MINIKVM_ARCH_X86_VMX_ENTRY_CHECK_H
#define MINIKVM_ARCH_X86_VMX_ENTRY_CHECK_H

#include <linux/bitops.h>
#include <linux/types.h>
#include <asm/vmx.h>

#include "arch/x86/vmx/explain/control_table.h"

struct mkvm_vcpu;

/**
 * struct entry_check_caps - what the processor can do (SDM, "VMX Capability Reporting Facility")
 * @must_be_1: bits of each control word that must be 1
 * @may_be_1: bits of each control word that may be 1
 * @basic: IA32_VMX_BASIC
 * @misc: IA32_VMX_MISC
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP
 * @vmfunc: IA32_VMX_VMFUNC, or 0
 * @cr0_fixed0: IA32_VMX_CR0_FIXED0
 * @cr0_fixed1: IA32_VMX_CR0_FIXED1
 * @cr4_fixed0: IA32_VMX_CR4_FIXED0
 * @cr4_fixed1: IA32_VMX_CR4_FIXED1
 * @perf_global_ctrl: bits that exist in IA32_PERF_GLOBAL_CTRL
 * @physical_bits: MAXPHYADDR
 * @linear_bits: width of a linear address, 48 or 57
 * @rtm: the processor has restricted transactional memory
 * @sgx: the processor has enclaves
 * @bus_lock_debug: the processor has bus-lock debug exceptions
 * @cet: the processor has shadow stacks or indirect-branch tracking
 */
struct entry_check_caps {
	u64 must_be_1[NR_ENTRY_WORDS], may_be_1[NR_ENTRY_WORDS];
	u64 basic, misc, ept_vpid, vmfunc;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u64 perf_global_ctrl;
	u8 physical_bits, linear_bits;
	bool rtm, sgx, bus_lock_debug, cet;
};

/**
 * struct entry_check - one pass over a VMCS
 * @read: the value of a field; only fields that @caps promises are asked for
 * @report: takes one broken rule; @value is what @field holds
 * @holds: the same of a rule that holds; NULL: these are of no interest
 * @caps: the processor
 * @vmcs_pa: physical address of the VMCS, which its own link pointer must not be
 * @vtpr: byte 80H of the virtual-APIC page, or -1 if it cannot be told
 * @link_revision: first 32 bits of the region that the VMCS link pointer means, or ~0 if they
 *	cannot be told
 * @section: title of the SDM's section whose rules are being checked
 * @words: control words, without the bits that this processor cannot have
 * @broken: rules that were broken so far
 */
struct entry_check {
	u64 (*read)(struct entry_check *c, u32 field);
	void (*report)(struct entry_check *c, u32 field, u64 value, const char *rule);
	void (*holds)(struct entry_check *c, u32 field, u64 value, const char *rule);
	const struct entry_check_caps *caps;
	u64 vmcs_pa;
	int vtpr;
	u32 link_revision;
	const char *section;
	u64 words[NR_ENTRY_WORDS];
	int broken;
};

int entry_check_all(struct entry_check *c);
/* entry_check.c: the same on this processor, which fills @caps for the time. */
void entry_check_caps_read(struct entry_check_caps *caps);
int entry_check_here(struct entry_check *c);
int entry_check_vtpr(struct mkvm_vcpu *vcpu);

/* entry_check.c: the rules that the current VMCS of a vCPU breaks. */
int entry_check_vmcs(struct mkvm_vcpu *vcpu, u32 *cause);
void entry_check_print(struct mkvm_vcpu *vcpu);

/* The parts, in the processor's order; entry_check_controls() also fills c->words. */
void entry_check_controls(struct entry_check *c);
void entry_check_host(struct entry_check *c);
void entry_check_guest(struct entry_check *c);
void entry_check_segments(struct entry_check *c);
void entry_check_non_register(struct entry_check *c);

/* Bytes of a rule in words. */
#define ENTRY_RULE_SIZE	160

/* Say that a rule is broken, or that it holds; @fmt is the rule in words. */
__printf(3, 4) void entry_broken(struct entry_check *c, u32 field, const char *fmt, ...);
__printf(3, 4) void entry_holds(struct entry_check *c, u32 field, const char *fmt, ...);

#define entry_must(c, condition, field, ...)					\
do {										\
	if (!(condition))							\
		entry_broken(c, field, __VA_ARGS__);				\
	else if (c->holds)							\
		entry_holds(c, field, __VA_ARGS__);				\
} while (0)

static inline u64 entry_read(struct entry_check *c, u32 field)
{
	return c->read(c, field);
}

/* Is a control on? @bits has one bit. */
static inline bool entry_on(const struct entry_check *c, enum entry_word word, u64 bits)
{
	return c->words[word] & bits;
}

/* Bits from @n up, which may be 64 or more. */
static inline u64 entry_bits_from(unsigned int n)
{
	return n < 64 ? ~0ull << n : 0;
}

static inline bool entry_canonical(const struct entry_check *c, u64 address)
{
	unsigned int shift = 64 - c->caps->linear_bits;

	return (u64)((s64)(address << shift) >> shift) == address;
}

/* Rules that several areas share. */
void entry_check_canonical(struct entry_check *c, u32 field);
void entry_check_pat(struct entry_check *c, u32 field);
void entry_check_cr(struct entry_check *c, u32 cr0_field, u32 cr4_field, u64 cr0_free);
void entry_check_physical(struct entry_check *c, u32 field, u64 align_mask);

#endif
