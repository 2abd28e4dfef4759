// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every row of the table of MSRs, asked for what it says: that it is found, its value after
 * power-up and INIT, the lists, features and rights, reserved bits, the fast paths, filter and MSR
 * bitmap.
 *
 * Each test goes over all rows, so that a new row is tested without a line here; what single
 * registers take is in test_rules.c. Relies on bench.h.
 */
#include "bench.h"

/* What a field that nothing has written holds. */
#define GARBAGE 0x5a5a5a5a5a5a5a5aull

static const struct msr_row *search(u32 msr)
{
	const struct msr_row *row;

	for_each_row(row) {
		if (msr >= row->first && msr <= row->last)
			return row;
	}
	return msr_table;
}

static void test_find(void)
{
	const struct msr_row *row;
	unsigned int bad = 0;
	u32 msr;

	for_each_row(row)
		bad += row->first > row->last ||
		       (row > msr_table + 1 && row[-1].last >= row->first);
	tap_ok(!bad, "rows are in the order of their numbers and do not overlap");
	msr_table_init();
	for (bad = 0, msr = 0; msr < 0x4000; msr++)
		bad += msr_find(msr) != search(msr);
	for (msr = 0xc0000000; msr < 0xc0020000; msr++)
		bad += msr_find(msr) != search(msr);
	for (msr = 0x4b564cf0; msr < 0x4b564e00; msr++)
		bad += msr_find(msr) != search(msr);
	for_each_row(row)
		bad += msr_find(row->first) != row || msr_find(row->last) != row ||
		       msr_find(row->last + 1) != search(row->last + 1) ||
		       msr_find(row->first - 1) != search(row->first - 1);
	bad += msr_find(~0u) != msr_table || msr_find(0x80000000) != msr_table;
	tap_ok(!bad, "msr_find() finds what a search through the table finds");
}

static bool in_field(const struct msr_row *row)
{
	return row->kept == MSR_FIELD || row->kept == MSR_FIELDS;
}

/* What a row may not say. */
static const char *contradiction(const struct msr_row *row)
{
	bool fast = row->fast_write || (row->flags & MSR_FAST_READ);
	size_t registers = offsetof(struct mkvm_arch_vcpu, registers);
	size_t end = offsetof(struct mkvm_arch_vcpu, registers_end);

	if (!row->name)
		return "no name";
	if (row->kept == MSR_FUNCTION && (!row->read || !row->write))
		return "kept by functions that it does not name";
	if (row->kept == MSR_FIELD && row->first != row->last)
		return "one field, and several registers";
	if (in_field(row) &&
	    (row->field < registers || row->field + 8 * (row->last - row->first + 1) > end))
		return "a field that is none";
	if (!in_field(row) && row->field)
		return "a field, kept elsewhere";
	if ((row->flags & MSR_LISTED) && (row->flags & MSR_LISTED_IF_OFFERED))
		return "listed twice";
	if ((row->flags & (MSR_LISTED_IF_OFFERED | MSR_MUST_BE_OFFERED)) && !row->feature)
		return "listed by a feature that it does not name";
	if (row->or_feature && !row->feature)
		return "another feature and not the first";
	if ((row->flags & MSR_RESET_OFFERED) && (!row->offered || row->reset))
		return "reset to what is not offered";
	if ((row->guest & MSR_WRITE) && (row->guest & (MSR_WRITE_IGNORED | MSR_WRITE_SAME)))
		return "a write is done and it is not";
	if (row->fast_write && (!(row->guest & MSR_WRITE) || row->reserved || row->ignored))
		return "a fast write that checks less than the slow one";
	if ((row->flags & MSR_FAST_READ) && !(row->guest & MSR_READ))
		return "a fast read of what the guest may not read";
	if (row->fast_write && row->last >= MSR_INDEXED)
		return "a fast write that the fast path does not find";
	if (fast && (row->pv || (row->flags & MSR_MUST_BE_OFFERED)))
		return "fast, with a condition that the fast path does not check";
	if (row->pass_when && !(row->flags & MSR_PASS))
		return "a time to pass, and does not pass";
	if ((row->flags & MSR_PASS) && row->last >= 0x2000 && row->first - 0xc0000000 >= 0x2000)
		return "passes, and the bitmap has no bit for it";
	if ((row->flags & MSR_PASS_READ) && !(row->guest & MSR_READ))
		return "read without an exit by a guest that may not";
	if ((row->flags & MSR_PASS_WRITE) && !(row->guest & MSR_WRITE))
		return "written without an exit by a guest that may not";
	/* The value is in the processor, so nothing may forbid or change it there. */
	if ((row->flags & MSR_PASS) && !row->pass_when && (row->pv || row->feature))
		return "passes, and is not always there";
	return NULL;
}

static void test_rows(void)
{
	const struct msr_row *row;

	for_each_row(row) {
		const char *why = contradiction(row);

		tap_ok(!why, "row of %s (0x%x): %s", row->name, row->first, why ?: "sound");
	}
}

static u64 reset_value(const struct msr_row *row)
{
	return row->flags & MSR_RESET_OFFERED ? *row->offered : row->reset;
}

/* Registers of this row that hold @value, counted through the ioctls' eyes. */
static bool all_hold(struct mkvm_vcpu *vcpu, const struct msr_row *row, u64 value)
{
	u64 data;
	u32 msr;

	for (msr = row->first; msr <= row->last; msr++)
		if (msr_get(vcpu, msr, &data, HOST) || data != value)
			return false;
	return true;
}

static void scribble(struct mkvm_vcpu *vcpu)
{
	struct mkvm_arch_vcpu *a = &vcpu->arch;

	memset(a->registers, 0x5a, (char *)a->registers_end - (char *)a->registers);
	memset(vcpu->vmx_msr, 0x5a, sizeof(vcpu->vmx_msr));
}

/* The row is reset by this table, and its value is where the test can scribble. */
static bool stored(const struct msr_row *row)
{
	return in_field(row) || row->kept == MSR_VMX;
}

static void test_reset(void)
{
	struct mkvm_vcpu *vcpu = vcpu_new();
	const struct msr_row *row;

	scribble(vcpu);
	msr_vcpu_reset(vcpu, false);
	for_each_row(row) {
		if (row->flags & MSR_RESET_ELSEWHERE)
			tap_ok(!stored(row) || all_hold(vcpu, row, GARBAGE),
			       "power-up: %s is left to others", row->name);
		else if (row->kept != MSR_FUNCTION)
			tap_ok(all_hold(vcpu, row, reset_value(row)), "power-up: %s is 0x%llx",
			       row->name, reset_value(row));
	}
	scribble(vcpu);
	msr_vcpu_reset(vcpu, true);
	for_each_row(row) {
		bool resets = row->flags & MSR_INIT_RESETS &&
			      !(row->flags & MSR_RESET_ELSEWHERE);

		if (stored(row))
			tap_ok(all_hold(vcpu, row, resets ? row->reset : GARBAGE),
			       "INIT: %s is %s", row->name, resets ? "reset" : "as it was");
	}
	vcpu_free(vcpu);
}

/* How often @msr is in a list. */
static unsigned int times_listed(bool features, u32 msr)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + 1000 * sizeof(u32));
	unsigned int i, n = 0;

	list->nmsrs = 1000;
	assert(!msr_index_list_ioctl(list, features));
	for (i = 0; i < list->nmsrs; i++)
		n += list->indices[i] == msr;
	free(list);
	return n;
}

static void test_lists(void)
{
	const struct msr_row *row;
	struct kvm_msr_list small = { .nmsrs = 1 };
	bool ok;
	u64 data;
	u32 msr;

	for_each_row(row) {
		bool always = row->flags & MSR_LISTED;
		bool offered = always || (row->flags & MSR_LISTED_IF_OFFERED);

		for (ok = true, msr = row->first; msr <= row->last; msr++) {
			offered_by_module = true;
			ok &= times_listed(false, msr) == offered;
			ok &= times_listed(true, msr) == !!row->offered;
			ok &= msr_feature_value(msr, &data) == !row->offered;
			ok &= !row->offered || data == *row->offered;
			offered_by_module = false;
			ok &= times_listed(false, msr) == always;
			ok &= times_listed(true, msr) == !!row->offered;
		}
		offered_by_module = true;
		tap_ok(ok, "lists: %s", row->name);
	}
	tap_ok(msr_index_list_ioctl(&small, false) == -E2BIG && small.nmsrs > 1,
	       "lists: without room the number");
}

/* Without features, PV bits and rights it is #GP for the guest; userspace has it all the same. */
static void test_rights(void)
{
	struct mkvm_vcpu *vcpu = vcpu_new();
	const struct msr_row *row;
	u64 data, now;

	assert(!msr_set(vcpu, MSR_IA32_FEAT_CTL, FEAT_CTL_LMCE_ENABLED, HOST));
	for_each_row(row) {
		u32 msr = row->first;
		bool readable = !msr_get(vcpu, msr, &now, HOST), ok = true;

		if (!readable)
			now = 0;

		if (!(row->guest & MSR_READ))
			ok &= msr_get(vcpu, msr, &data, GUEST) == 1;
		else
			ok &= !msr_get(vcpu, msr, &data, GUEST);
		if (!(row->guest & (MSR_WRITE | MSR_WRITE_IGNORED | MSR_WRITE_SAME)))
			ok &= msr_set(vcpu, msr, now, GUEST) == 1;
		if (row->guest & MSR_WRITE_IGNORED)
			ok &= !msr_set(vcpu, msr, ~now, GUEST) && all_hold(vcpu, row, now);
		if (row->guest & MSR_WRITE_SAME)
			ok &= !msr_set(vcpu, msr, now, GUEST) &&
			      msr_set(vcpu, msr, now + 1, GUEST);
		/* Who may write may write back what is there, except to constants, which take 0. */
		if (row->guest & MSR_WRITE)
			ok &= !msr_set(vcpu, msr, row->kept == MSR_CONSTANT ? 0 : now, GUEST);
		tap_ok(ok, "rights: %s", row->name);
		if (!row->feature)
			continue;
		memset(vcpu->arch.guest_caps, 0, sizeof(vcpu->arch.guest_caps));
		ok = msr_get(vcpu, msr, &data, GUEST) == 1 && msr_set(vcpu, msr, 0, GUEST) == 1;
		ok &= readable == !msr_get(vcpu, msr, &data, HOST);
		ok &= !msr_set(vcpu, msr, now, HOST);
		ok &= msr_fast_read(vcpu, msr, &data) == MSR_SLOW;
		ok &= msr_fast_write(vcpu, msr, 0) == MSR_SLOW;
		if (row->or_feature) {
			vcpu->arch.guest_caps[row->or_feature / 32] = BIT(row->or_feature & 31);
			ok &= !msr_get(vcpu, msr, &data, GUEST);
		}
		memset(vcpu->arch.guest_caps, 0xff, sizeof(vcpu->arch.guest_caps));
		offered_by_module = false;
		if (row->flags & MSR_MUST_BE_OFFERED)
			ok &= msr_get(vcpu, msr, &data, HOST) == 1 && msr_set(vcpu, msr, 0, HOST);
		offered_by_module = true;
		tap_ok(ok, "without its feature: %s", row->name);
	}
	for_each_row(row) {
		bool ok = true;

		if (!row->pv)
			continue;
		vcpu->arch.pv_features = ~row->pv;
		vcpu->arch.pv_enforce_cpuid = false;
		ok &= !msr_get(vcpu, row->first, &data, GUEST);
		vcpu->arch.pv_enforce_cpuid = true;
		ok &= msr_get(vcpu, row->first, &data, GUEST) == 1;
		ok &= msr_set(vcpu, row->first, 0, GUEST) == 1;
		ok &= !msr_get(vcpu, row->first, &data, HOST);
		vcpu->arch.pv_features = row->pv;
		ok &= !msr_get(vcpu, row->first, &data, GUEST);
		ok &= !msr_set(vcpu, row->first, data, GUEST);
		tap_ok(ok, "without its paravirtual feature: %s", row->name);
	}
	vcpu_free(vcpu);
}

static void test_bits(void)
{
	struct mkvm_vcpu *vcpu = vcpu_new();
	const struct msr_row *row;
	u64 before, data;
	int bit;

	for_each_row(row) {
		bool ok = true;

		if (!row->reserved && !row->ignored)
			continue;
		for (bit = 0; bit < 64; bit++) {
			u64 value = BIT_ULL(bit);

			before = 0;
			data = 0;
			msr_get(vcpu, row->first, &before, HOST);
			if (row->reserved & value) {
				ok &= msr_set(vcpu, row->first, value, GUEST) == 1;
				ok &= msr_set(vcpu, row->first, value, HOST) == 1;
				msr_get(vcpu, row->first, &data, HOST);
				ok &= data == before;
			} else if (row->ignored & value) {
				ok &= !msr_set(vcpu, row->first, value, HOST);
				msr_get(vcpu, row->first, &data, HOST);
				ok &= !data;
			}
		}
		tap_ok(ok, "reserved and ignored bits: %s", row->name);
	}
	vcpu_free(vcpu);
}

/* The fast paths answer as the slow ones, or not at all. */
static void test_fast(void)
{
	struct mkvm_vcpu *vcpu = vcpu_new();
	const struct msr_row *row;
	u64 slow, fast;
	u32 msr;

	for_each_row(row) {
		bool reads = row->flags & MSR_FAST_READ, ok = true;

		for (msr = row->first; msr <= row->last; msr++) {
			if (reads)
				ok &= msr_fast_read(vcpu, msr, &fast) ==
				      msr_get(vcpu, msr, &slow, GUEST) && fast == slow;
			else
				ok &= msr_fast_read(vcpu, msr, &fast) == MSR_SLOW;
			if (!row->fast_write) {
				ok &= msr_fast_write(vcpu, msr, 0) == MSR_SLOW;
				continue;
			}
			msr_get(vcpu, msr, &slow, GUEST);
			ok &= msr_fast_write(vcpu, msr, slow) == msr_set(vcpu, msr, slow, GUEST);
			ok &= msr_fast_write(vcpu, msr, ~slow) == msr_set(vcpu, msr, ~slow, GUEST);
		}
		tap_ok(ok, "fast: %s: read %s, write %s", row->name, reads ? "yes" : "no",
		       row->fast_write ? "yes" : "no");
	}
	vcpu->arch.apic->awaited = true;
	tap_ok(msr_fast_write(vcpu, 0x80b, 0) == MSR_SLOW, "fast: not an EOI that is awaited");
	vcpu->arch.apic->x2apic = false;
	tap_ok(msr_fast_write(vcpu, 0x80b, 0) == 1 && msr_fast_write(vcpu, 0x830, 0) == 1 &&
	       msr_fast_write(vcpu, 0x808, 0) == 1 && msr_fast_read(vcpu, 0x808, &fast) == 1,
	       "fast: #GP where x2APIC mode is off");
	free(vcpu->arch.apic);
	vcpu->arch.apic = NULL;
	tap_ok(msr_fast_write(vcpu, 0x80b, 0) == 1 && msr_fast_write(vcpu, 0x830, 0) == 1 &&
	       !msr_fast_write(vcpu, 0x6e0, 5) && !msr_fast_read(vcpu, 0x6e0, &fast) && !fast,
	       "fast: without a LAPIC");
	vcpu_free(vcpu);
}

static bool exits(struct mkvm_vcpu *vcpu, u32 msr, u32 access)
{
	return test_bit(bitmap_bit(msr) + (access == KVM_MSR_FILTER_WRITE ? 0x4000 : 0),
			vcpu->msr_bitmap);
}

static void deny(struct mkvm_vcpu *vcpu, u32 access, u32 msr)
{
	static u8 nothing[8];
	struct kvm_msr_filter f = { .flags = KVM_MSR_FILTER_DEFAULT_ALLOW };

	if (access)
		f.ranges[0] = (struct kvm_msr_filter_range){
			.flags = access, .nmsrs = 1, .base = msr, .bitmap = nothing,
		};
	assert(!msr_filter_set_ioctl(vcpu->vm, &f));
}

/* Does @msr of @row need no exit, as the vCPU is now? */
static bool passes(struct mkvm_vcpu *vcpu, const struct msr_row *row, u32 msr, u32 access)
{
	bool reads = access == KVM_MSR_FILTER_READ;

	if (!(row->flags & (reads ? MSR_PASS_READ : MSR_PASS_WRITE)))
		return false;
	switch (row->pass_when) {
	case MSR_PASS_SPEC_CTRL:
		return vcpu->spec_ctrl_used;
	case MSR_PASS_X2APIC:
		return vcpu->x2apic_control;
	case MSR_PASS_APICV:
		return vcpu->x2apic_control && vcpu->arch.apic->virtualized &&
		       (!reads || lapic_x2apic_readable(vcpu, msr));
	}
	return true;
}

/* The bitmap says exactly what the rows say. */
static bool bitmap_as_rows(struct mkvm_vcpu *vcpu)
{
	u32 access, i;

	for (access = KVM_MSR_FILTER_READ; access <= KVM_MSR_FILTER_WRITE; access++) {
		for (i = 0; i < 0x4000; i++) {
			u32 msr = i < 0x2000 ? i : 0xc0000000 + (i & 0x1fff);

			if (exits(vcpu, msr, access) == passes(vcpu, msr_find(msr), msr, access))
				return false;
		}
	}
	return true;
}

static void test_pass(void)
{
	struct mkvm_vcpu *vcpu = vcpu_new();

	msr_pass_update(vcpu);
	tap_ok(bitmap_as_rows(vcpu), "the bitmap is as the rows say");
	tap_ok(!msr_set(vcpu, MSR_IA32_SPEC_CTRL, 0, GUEST) && bitmap_as_rows(vcpu),
	       "IA32_SPEC_CTRL exits while it is 0");
	tap_ok(!msr_set(vcpu, MSR_IA32_SPEC_CTRL, 1, GUEST) && bitmap_as_rows(vcpu) &&
	       !exits(vcpu, MSR_IA32_SPEC_CTRL, KVM_MSR_FILTER_WRITE),
	       "and passes from the first use on");
	vcpu->spec_ctrl_used = false;
	vcpu->x2apic_control = true;
	msr_pass_update(vcpu);
	tap_ok(bitmap_as_rows(vcpu) && !exits(vcpu, 0x808, KVM_MSR_FILTER_WRITE) &&
	       exits(vcpu, 0x80b, KVM_MSR_FILTER_WRITE), "x2APIC: the TPR passes");
	vcpu->arch.apic->virtualized = true;
	msr_pass_update(vcpu);
	tap_ok(bitmap_as_rows(vcpu) && !exits(vcpu, 0x80b, KVM_MSR_FILTER_WRITE) &&
	       !exits(vcpu, 0x83f, KVM_MSR_FILTER_WRITE) &&
	       !exits(vcpu, 0x802, KVM_MSR_FILTER_READ) &&
	       exits(vcpu, 0x830, KVM_MSR_FILTER_WRITE) && exits(vcpu, 0x80b, KVM_MSR_FILTER_READ),
	       "APICv: EOI, SELF IPI and what is in the page, too");
	vcpu->x2apic_control = false;
	msr_pass_update(vcpu);
	tap_ok(bitmap_as_rows(vcpu) && exits(vcpu, 0x808, KVM_MSR_FILTER_READ),
	       "xAPIC: none of them");
	vcpu_free(vcpu);
}

static void test_filter(void)
{
	struct mkvm_vcpu *vcpu = vcpu_new();
	const struct msr_row *row;
	u32 msr, access;

	vcpu->spec_ctrl_used = true;
	vcpu->x2apic_control = true;
	vcpu->arch.apic->virtualized = true;
	for_each_row(row) {
		bool x2apic = row->first >= 0x800 && row->last <= 0x8ff, ok = true;

		for (msr = row->first; msr <= row->last; msr++) {
			for (access = 1; access <= 2; access++) {
				bool fast = access == KVM_MSR_FILTER_READ ?
					    row->flags & MSR_FAST_READ : !!row->fast_write;

				deny(vcpu, access, msr);
				msr_pass_update(vcpu);
				ok &= msr_filter_allows(vcpu->vm, msr, access) == x2apic;
				ok &= msr_filter_allows(vcpu->vm, msr, 3 - access);
				ok &= vcpu->vm->arch.msr_slow == (fast && !x2apic);
				if (row->flags & MSR_PASS && !x2apic)
					ok &= exits(vcpu, msr, access) &&
					      exits(vcpu, msr, 3 - access) !=
					      passes(vcpu, row, msr, 3 - access);
				else if (row->flags & MSR_PASS)
					ok &= bitmap_as_rows(vcpu);
			}
		}
		deny(vcpu, 0, 0);
		msr_pass_update(vcpu);
		ok &= !vcpu->vm->arch.msr_slow && bitmap_as_rows(vcpu);
		tap_ok(ok, "filter: %s", row->name);
	}
	assert(!msr_exits_enable(vcpu->vm, KVM_MSR_EXIT_REASON_FILTER));
	tap_ok(!vcpu->vm->arch.msr_slow, "exits of filtered accesses leave the fast path");
	assert(!msr_exits_enable(vcpu->vm, KVM_MSR_EXIT_REASON_INVAL));
	tap_ok(vcpu->vm->arch.msr_slow, "exits of refused ones need the slow path");
	vcpu_free(vcpu);
}

int main(void)
{
	test_find();
	test_rows();
	test_reset();
	test_lists();
	test_rights();
	test_bits();
	test_fast();
	test_pass();
	test_filter();
	return tap_done();
}
