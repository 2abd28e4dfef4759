// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model-specific registers: RDMSR and WRMSR, KVM_GET_MSRS and KVM_SET_MSRS, power-up and INIT.
 *
 * SDM volume 4, "Model-Specific Registers". What is known about a register is in its row of
 * msr_table.c; here is what all rows have in common.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/cpu/msr_fast.h"
#include "arch/x86/cpu/msr_feature.h"
#include "arch/x86/cpu/msr_table.h"
#include "arch/x86/vmx/vmx.h"

/* Is the row's register not there for the guest, or, with @host, for userspace? */
static bool absent(const struct mkvm_vcpu *vcpu, const struct msr_row *row, bool host)
{
	if ((row->flags & MSR_MUST_BE_OFFERED) && !supported_cpuid_has(row->feature))
		return true;
	if (host)
		return false;
	/* KVM_CAP_ENFORCE_PV_FEATURE_CPUID: only what CPUID shows is there. */
	if (row->pv && vcpu->arch.pv_enforce_cpuid && !(vcpu->arch.pv_features & row->pv))
		return true;
	return msr_lacks_feature(vcpu, row);
}

static __always_inline u64 *field(struct mkvm_vcpu *vcpu, const struct msr_row *row)
{
	return (u64 *)((char *)&vcpu->arch + row->field);
}

static u64 *field_of(struct mkvm_vcpu *vcpu, const struct msr_row *row, u32 msr)
{
	return field(vcpu, row) +
	       array_index_nospec(msr - row->first, row->last - row->first + 1);
}

/**
 * msr_field() - where a register is kept
 * @vcpu: the vCPU
 * @msr: a register whose row says MSR_FIELD or MSR_FIELDS
 *
 * Return: its place.
 */
u64 *msr_field(struct mkvm_vcpu *vcpu, u32 msr)
{
	return field_of(vcpu, msr_find(msr), msr);
}

static __always_inline int read_row(struct mkvm_vcpu *vcpu, const struct msr_row *row, u32 msr,
				    u64 *data, bool host)
{
	if (row->read)
		return row->read(vcpu, msr, data, host);
	if (row->kept == MSR_VMX)
		return vmx_get_msr(vcpu, msr, data);
	if (row->kept == MSR_FIELD)
		*data = *field(vcpu, row);
	else
		*data = row->kept == MSR_FIELDS ? *field_of(vcpu, row, msr) : row->reset;
	return 0;
}

/**
 * msr_get() - RDMSR
 * @vcpu: loaded vCPU
 * @msr: number
 * @data: gets the value
 * @host: userspace asks, not the guest
 *
 * Return: 0, 1 for #GP, MSR_UNKNOWN for #GP because there is no such register, -errno for KVM_RUN.
 * Context: process context, vm->srcu read-held.
 */
int msr_get(struct mkvm_vcpu *vcpu, u32 msr, u64 *data, bool host)
{
	const struct msr_row *row = msr_find(msr);

	if ((!host && !(row->guest & MSR_READ)) || absent(vcpu, row, host))
		return 1;
	return read_row(vcpu, row, msr, data, host);
}

static int write_row(struct mkvm_vcpu *vcpu, const struct msr_row *row, u32 msr, u64 data,
		     bool host)
{
	if (data & row->reserved)
		return 1;
	data &= ~row->ignored;
	if (row->write)
		return row->write(vcpu, msr, data, host);
	if (row->kept == MSR_VMX)
		return vmx_set_msr(vcpu, msr, data);
	if (row->kept == MSR_CONSTANT)
		return data ? 1 : 0;
	*field_of(vcpu, row, msr) = data;
	return 0;
}

/**
 * msr_set() - WRMSR
 * @vcpu: loaded vCPU
 * @msr: number
 * @data: value
 * @host: userspace asks, not the guest
 *
 * Return: as msr_get(). Context: process context, vm->srcu read-held.
 */
int msr_set(struct mkvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	const struct msr_row *row = msr_find(msr);
	u64 now;

	if (absent(vcpu, row, host))
		return 1;
	if (host || (row->guest & MSR_WRITE))
		return write_row(vcpu, row, msr, data, host);
	if (row->guest & MSR_WRITE_IGNORED)
		return 0;
	if (row->guest & MSR_WRITE_SAME)
		return read_row(vcpu, row, msr, &now, false) || now != data;
	return 1;
}

static __always_inline int fast_read_row(struct mkvm_vcpu *vcpu, const struct msr_row *row,
					 u32 msr, u64 *data)
{
	if (!(row->flags & MSR_FAST_READ) || unlikely(msr_lacks_feature(vcpu, row)))
		return MSR_SLOW;
	return read_row(vcpu, row, msr, data, false);
}

static noinline int fast_read_high(struct mkvm_vcpu *vcpu, u32 msr, u64 *data)
{
	return fast_read_row(vcpu, msr_find_high(msr), msr, data);
}

/**
 * msr_fast_read() - the guest's RDMSR right after the exit
 * @vcpu: loaded vCPU
 * @msr: number
 * @data: gets the value
 *
 * Return: 0, 1 for #GP, or MSR_SLOW. Context: interrupts may be off.
 */
int msr_fast_read(struct mkvm_vcpu *vcpu, u32 msr, u64 *data)
{
	if (unlikely(msr >= MSR_INDEXED))
		return fast_read_high(vcpu, msr, data);
	return fast_read_row(vcpu, msr_find_low(msr), msr, data);
}

/**
 * msr_fast_write_other() - msr_fast_write() of all but the most frequent registers
 * @vcpu: loaded vCPU
 * @msr: number
 * @data: value
 *
 * Return: 0, 1 for #GP, or MSR_SLOW. Context: interrupts may be off.
 */
int msr_fast_write_other(struct mkvm_vcpu *vcpu, u32 msr, u64 data)
{
	/* None of those past the index can be written fast. */
	if (unlikely(msr >= MSR_INDEXED))
		return MSR_SLOW;
	return msr_fast_write_row(vcpu, msr_find_low(msr), msr, data);
}

/* Rows whose registers get a value at power-up, and at INIT: few of the table, found once. */
static struct msr_resets {
	unsigned int nr;
	u8 row[MSR_MAX_ROWS];
} power_up_resets __ro_after_init, init_resets __ro_after_init;

static void find_resets(void)
{
	unsigned int i;

	power_up_resets.nr = 0;
	init_resets.nr = 0;
	for (i = 1; i < msr_table_rows; i++) {
		const struct msr_row *row = &msr_table[i];

		if (row->flags & MSR_RESET_ELSEWHERE ||
		    (row->kept != MSR_FIELD && row->kept != MSR_FIELDS && row->kept != MSR_VMX))
			continue;
		power_up_resets.row[power_up_resets.nr++] = i;
		if (row->flags & MSR_INIT_RESETS)
			init_resets.row[init_resets.nr++] = i;
	}
}

static void reset_row(struct mkvm_vcpu *vcpu, const struct msr_row *row)
{
	u64 value = row->flags & MSR_RESET_OFFERED ? *row->offered : row->reset;
	u32 msr;

	for (msr = row->first; msr <= row->last; msr++) {
		if (row->kept == MSR_VMX)
			vmx_set_msr(vcpu, msr, value);
		else
			field(vcpu, row)[msr - row->first] = value;
	}
}

/**
 * msr_vcpu_reset() - the registers after power-up or INIT
 * @vcpu: loaded vCPU
 * @init_event: INIT, which leaves most of them as they were
 *
 * Those that another part of the processor resets are MSR_RESET_ELSEWHERE.
 */
void msr_vcpu_reset(struct mkvm_vcpu *vcpu, bool init_event)
{
	const struct msr_resets *resets = init_event ? &init_resets : &power_up_resets;
	unsigned int i;

	for (i = 0; i < resets->nr; i++)
		reset_row(vcpu, &msr_table[resets->row[i]]);
}

/**
 * msr_module_init() - make the table's index, find out what this host offers
 */
void msr_module_init(void)
{
	msr_table_init();
	find_resets();
	msr_feature_init();
}
