/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of MSRs: what a row says, and how a row is found. See msr_table.c.
 */
#ifndef MINIKVM_ARCH_X86_MSR_TABLE_H
#define MINIKVM_ARCH_X86_MSR_TABLE_H

#include <linux/nospec.h>

#include "virt/vcpu.h"

/* Where a register's value is. */
enum msr_kept {
	MSR_FUNCTION,		/* the row's functions know */
	MSR_CONSTANT,		/* it always reads as the row's @reset and takes a write of 0 */
	MSR_FIELD,		/* u64 at @field of struct mkvm_arch_vcpu */
	MSR_FIELDS,		/* those of a range, one after another from @field on */
	MSR_VMX,		/* vmx_get_msr(), vmx_set_msr() */
};

/* What the guest may do; whatever else it does is #GP. Userspace may do both always. */
#define MSR_READ		BIT(0)
#define MSR_WRITE		BIT(1)
#define MSR_RW			(MSR_READ | MSR_WRITE)
#define MSR_WRITE_IGNORED	BIT(2)	/* it may write, and nothing happens */
#define MSR_WRITE_SAME		BIT(3)	/* it may write what it reads */

/* More about a row: @flags of struct msr_row. */
#define MSR_LISTED		BIT(0)	/* KVM_GET_MSR_INDEX_LIST has it */
#define MSR_LISTED_IF_OFFERED	BIT(1)	/* the same, if the module offers one of its features */
#define MSR_MUST_BE_OFFERED	BIT(2)	/* without the feature it is not there for userspace, too */
#define MSR_INIT_RESETS		BIT(3)	/* INIT does what power-up does; else it changes nothing */
#define MSR_RESET_OFFERED	BIT(4)	/* the value after power-up is that of @offered */
#define MSR_RESET_ELSEWHERE	BIT(5)	/* whose register it is puts it there, not this table */
#define MSR_FAST_READ		BIT(6)	/* RDMSR may be done with interrupts off */
#define MSR_PASS_READ		BIT(7)	/* RDMSR needs no exit */
#define MSR_PASS_WRITE		BIT(8)	/* WRMSR needs none */
#define MSR_PASS		(MSR_PASS_READ | MSR_PASS_WRITE)

/* When a row with MSR_PASS_* needs no exit. */
enum msr_pass_when {
	MSR_PASS_ALWAYS,
	MSR_PASS_SPEC_CTRL,	/* while vmx_spec_ctrl_switched() */
	MSR_PASS_X2APIC,	/* while vmx_x2apic_mode() */
	MSR_PASS_APICV,		/* while APICv serves that mode; reads of what is in its page */
};

typedef int (*msr_read_t)(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host);
typedef int (*msr_write_t)(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host);

/**
 * struct msr_row - an MSR, or several numbers in sequence that follow one rule
 * @first: number of the first
 * @last: of the last
 * @name: as the SDM or KVM's ABI has it
 * @kept: enum msr_kept
 * @guest: what the guest may do: MSR_READ, MSR_WRITE, ...
 * @pass_when: enum msr_pass_when
 * @field: MSR_FIELD, MSR_FIELDS: offset of the first in struct mkvm_arch_vcpu
 * @flags: MSR_LISTED, ...
 * @feature: CPUID feature without which the guest has it not (#GP), or 0
 * @or_feature: another that also makes it appear, or 0
 * @pv: bit of KVM_CPUID_FEATURES without which the guest has it not once userspace has asked for
 *	KVM_CAP_ENFORCE_PV_FEATURE_CPUID, or 0
 * @reserved: a write that sets one of these bits is #GP, userspace's, too
 * @ignored: bits that a write may set and that stay 0
 * @reset: value after power-up
 * @offered: value that this host offers: it is a "feature MSR"; or NULL
 * @read: instead of taking the value from where it is kept; only the guest's rights are checked
 * @write: instead of storing the value; rights and @reserved are checked, @ignored taken off
 * @fast_write: as @write, for the guest only and with interrupts off; may return MSR_SLOW. NULL: no
 *	such write
 */
struct msr_row {
	u32 first, last;
	const char *name;
	u8 kept, guest, pass_when;
	u16 field, flags;
	u16 feature, or_feature;
	u32 pv;
	u64 reserved, ignored;
	u64 reset;
	const u64 *offered;
	msr_read_t read;
	msr_write_t write, fast_write;
};

/* Row 0 stands for every number that is in no other. */
extern const struct msr_row msr_table[];
extern const unsigned int msr_table_rows;

#define MSR_MAX_ROWS	256	/* an index of bytes */
#define MSR_INDEXED	0x1000u
extern u8 msr_index[MSR_INDEXED];
const struct msr_row *msr_find_high(u32 msr);
void msr_table_init(void);

/* The same as msr_find(), of an @msr below MSR_INDEXED. */
static __always_inline const struct msr_row *msr_find_low(u32 msr)
{
	return &msr_table[msr_index[array_index_nospec(msr, MSR_INDEXED)]];
}

/**
 * msr_find() - the row of an MSR
 * @msr: its number, maybe the guest's
 *
 * Return: the row; row 0 where there is no such register. Context: any.
 */
static __always_inline const struct msr_row *msr_find(u32 msr)
{
	return likely(msr < MSR_INDEXED) ? msr_find_low(msr) : msr_find_high(msr);
}

#endif
