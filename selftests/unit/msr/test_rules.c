// SPDX-License-Identifier: GPL-2.0-only
/*
 * What single MSRs take, and what is in the lists, written down here once more by hand.
 *
 * Expectations are from SDM volume 4 and KVM's ABI, not from the table under test. Relies on
 * bench.h.
 */
#include "bench.h"

#define UNKNOWN MSR_UNKNOWN
#define GP 1
#define SIGNED_HIGH 0xffff800000000000ull
#define HOLE 0x0000800000000000ull	/* the first address that is not canonical */

/* One write: what the guest gets, what userspace gets, what is there after userspace's. */
static const struct rule {
	u32 msr;
	u64 data;
	int guest, host;
	u64 after;
} rules[] = {
	{ 0x0, 0, 0, 0, 0 }, { 0x0, 1, GP, GP, 0 }, { 0x1, 0, 0, 0, 0 },
	{ 0x2, 0, UNKNOWN, UNKNOWN, 0 },
	{ 0x10, 77, 0, 0, 77 },
	{ 0x17, 0, 0, 0, 0 }, { 0x17, 1, GP, GP, 0 },
	{ 0x2a, 1, GP, GP, 0 }, { 0x2c, 0, 0, 0, 1 << 24 },
	{ 0x34, 5, GP, 0, 5 },
	{ 0x3a, 1, 0, 0, 1 }, { 0x3a, 0x20001, GP, 0, 0x20001 }, { 0x3a, 2, GP, 0, 2 },
	{ 0x3a, BIT(20) | 1, 0, 0, BIT(20) | 1 }, { 0x3a, BIT_ULL(40), GP, GP, 0 },
	{ 0x3b, 99, 0, 0, 99 },
	{ 0x48, 7, 0, 0, 7 }, { 0x48, BIT(8), GP, GP, 0 }, { 0x48, BIT(7), GP, GP, 0 },
	{ 0x49, 1, 0, 0, 0 }, { 0x49, 2, GP, GP, 0 },
	{ 0x10b, 1, 0, 0, 0 }, { 0x10b, 3, GP, GP, 0 },
	{ 0x79, 0x1234, 0, 0, 0 },
	{ 0x8b, 1, 0, 0, 1 },
	{ 0x9e, 0x40000, GP, 0, 0x40000 },
	{ 0xc1, 0, 0, 0, 0 }, { 0xc2, 1, GP, GP, 0 }, { 0xcd, 0, 0, 0, 3 },
	{ 0xce, 9, GP, 0, 9 },
	{ 0xfe, 0x508, GP, GP, 0x508 },
	{ 0x10a, 1, GP, 0, 1 },
	{ 0x140, 0, 0, 0, 0 }, { 0x140, 1, GP, 0, 1 },
	{ 0x174, 0x1234567890, 0, 0, 0x34567890 },
	{ 0x175, HOLE, 0, 0, SIGNED_HIGH }, { 0x176, 5, 0, 0, 5 },
	{ 0x179, 0, GP, GP, 0x9000520 }, { 0x179, 0x9000520, GP, 0, 0x9000520 },
	{ 0x17a, 7, 0, 0, 7 },
	{ 0x17b, 0, 0, 0, 0 }, { 0x17b, ~0ull, 0, 0, ~0ull }, { 0x17b, 1, GP, GP, 0 },
	{ 0x186, 1, GP, GP, 0 }, { 0x198, 0, 0, 0, 4ull << 40 | 1000 }, { 0x199, 1, GP, GP, 0 },
	{ 0x1a0, 0x1800, 0, 0, 0x1800 }, { 0x1a0, 0x1801, 0, 0, 0x1801 }, { 0x1a0, 0, GP, 0, 0 },
	{ 0x1d9, 3, 0, 0, 0 }, { 0x1d9, 4, GP, GP, 0 },
	{ 0x1db, 0, 0, 0, 0 }, { 0x1de, 1, GP, GP, 0 }, { 0x1df, 0, UNKNOWN, UNKNOWN, 0 },
	{ 0x1fc, 2, 0, 0, 2 },
	{ 0x200, 0x80000006, 0, 0, 0x80000006 }, { 0x200, 2, GP, GP, 0 },
	{ 0x200, 0x106, GP, GP, 0 }, { 0x201, 0xf80000800, 0, 0, 0xf80000800 },
	{ 0x201, 1, GP, GP, 0 }, { 0x20f, BIT_ULL(46), GP, GP, 0 },
	{ 0x210, 0, UNKNOWN, UNKNOWN, 0 },
	{ 0x250, 0x0606060606060606, 0, 0, 0x0606060606060606 }, { 0x250, 7, GP, GP, 0 },
	{ 0x259, 1, 0, 0, 1 }, { 0x26f, 3, GP, GP, 0 }, { 0x251, 0, UNKNOWN, UNKNOWN, 0 },
	{ 0x277, 0x0606060606060607, 0, 0, 0x0606060606060607 },
	{ 0x277, 2, GP, GP, 0x0007040600070406 }, { 0x277, 8, GP, GP, 0x0007040600070406 },
	{ 0x280, BIT(30) | 1, 0, 0, BIT(30) | 1 }, { 0x280, BIT(15), GP, GP, 0 },
	{ 0x2a0, 0, UNKNOWN, UNKNOWN, 0 },
	{ 0x2ff, 0xc06, 0, 0, 0xc06 }, { 0x2ff, 0xc02, GP, GP, 0 }, { 0x2ff, 0x1000, GP, GP, 0 },
	{ 0x345, 1, GP, 0, 1 },
	{ 0x400, ~0ull, 0, 0, ~0ull }, { 0x400, 2, GP, GP, 0 }, { 0x401, 0, 0, 0, 0 },
	{ 0x401, 1, GP, 0, 1 }, { 0x402, 1, 0, 0, 1 }, { 0x47f, 1, 0, 0, 1 },
	{ 0x480, 0, UNKNOWN, UNKNOWN, 0 },
	{ 0x4d0, 1, GP, 0, 1 }, { 0x4d0, 2, GP, GP, 0 },
	{ 0x606, 0, 0, 0, 0 }, { 0x641, 1, GP, GP, 0 },
	{ 0x6e0, 1234, 0, 0, 1234 },
	{ 0x7ff, 0, UNKNOWN, UNKNOWN, 0 }, { 0x900, 0, UNKNOWN, UNKNOWN, 0 },
	{ 0xda0, 0, 0, 0, 0 }, { 0xda0, 0x100, GP, GP, 0 },
	{ 0xc0000081, ~0ull, 0, 0, ~0ull },
	{ 0xc0000082, HOLE, GP, GP, 0 }, { 0xc0000082, SIGNED_HIGH, 0, 0, SIGNED_HIGH },
	{ 0xc0000083, HOLE, GP, GP, 0 },
	{ 0xc0000084, 0x47700, 0, 0, 0x47700 }, { 0xc0000084, BIT_ULL(32), GP, GP, 0 },
	{ 0xc0000085, 0, UNKNOWN, UNKNOWN, 0 },
	{ 0xc0000100, HOLE, GP, GP, 0 }, { 0xc0000101, 5, 0, 0, 5 },
	{ 0xc0000102, HOLE, GP, GP, 0 },
	{ 0xc0000103, ~0u, 0, 0, ~0u }, { 0xc0000103, BIT_ULL(32), GP, GP, 0 },
	{ 0xc0010015, BIT(18) | BIT(3), 0, 0, BIT(18) }, { 0xc0010015, 1, GP, GP, 0 },
	{ 0x4b564d04, 5, GP, 0, 5 }, { 0x4b564d05, 0, 0, 0, 0 }, { 0x4b564d05, 2, GP, GP, 1 },
	{ 0x4b564d08, 1, GP, 0, 1 }, { 0x4b564d09, 0, UNKNOWN, UNKNOWN, 0 },
};

static void test_writes(void)
{
	const struct rule *r;

	for (r = rules; r < rules + ARRAY_SIZE(rules); r++) {
		struct mkvm_vcpu *vcpu = vcpu_new();
		u64 data = ~r->after;
		int guest, host, read;

		guest = msr_set(vcpu, r->msr, r->data, GUEST);
		vcpu_free(vcpu);
		vcpu = vcpu_new();
		host = msr_set(vcpu, r->msr, r->data, HOST);
		read = msr_get(vcpu, r->msr, &data, HOST);
		/* Commands and what does not exist cannot be read. */
		tap_ok(guest == r->guest && host == r->host &&
		       (read ? !r->after : data == r->after),
		       "WRMSR 0x%x of 0x%llx: guest %d, userspace %d, then 0x%llx",
		       r->msr, r->data, guest, host, data);
		vcpu_free(vcpu);
	}
}

static const u32 saved[] = {
	0x10, 0x11, 0x12, 0x34, 0x3a, 0x3b, 0x48, 0xce, 0x10a, 0x140, 0x174, 0x175, 0x176,
	0x17a, 0x17b, 0x1a0, 0x1fc, 0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x208,
	0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20e, 0x20f, 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
	0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x277, 0x2ff, 0x4d0, 0x6e0, 0xda0, 0x4b564d00,
	0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d05, 0x4b564d06, 0x4b564d07, 0xc0000081,
	0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102, 0xc0000103,
};

static const u32 by_feature[] = { 0x48, 0x10a, 0xda0, 0xc0000103 };
static const u32 features[] = { 0x8b, 0x10a, 0x345 };

static bool list_is(bool feature, const u32 *want, unsigned int n)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + 200 * sizeof(u32));
	bool same;

	list->nmsrs = 200;
	same = !msr_index_list_ioctl(list, feature) && list->nmsrs == n &&
	       !memcmp(list->indices, want, n * sizeof(u32));
	free(list);
	return same;
}

static void test_lists(void)
{
	u32 always[ARRAY_SIZE(saved)];
	unsigned int i, j, n = 0;

	tap_ok(list_is(false, saved, ARRAY_SIZE(saved)), "KVM_GET_MSR_INDEX_LIST");
	for (i = 0; i < ARRAY_SIZE(saved); i++) {
		for (j = 0; j < ARRAY_SIZE(by_feature) && by_feature[j] != saved[i]; j++)
			;
		if (j == ARRAY_SIZE(by_feature))
			always[n++] = saved[i];
	}
	offered_by_module = false;
	tap_ok(list_is(false, always, n), "without any feature");
	offered_by_module = true;
	tap_ok(list_is(true, features, ARRAY_SIZE(features)), "KVM_GET_MSR_FEATURE_INDEX_LIST");
}

/* RDMSR and WRMSR of the guest, with userspace's part in them. */
static void test_exits(void)
{
	struct mkvm_vcpu *vcpu = vcpu_new();

	vcpu->rcx = 0xdeadbeef;
	tap_ok(msr_emulate_read(vcpu) == 1 && vcpu->gps == 1 && !vcpu->skipped,
	       "no such register: #GP");
	assert(!msr_exits_enable(vcpu->vm, KVM_MSR_EXIT_REASON_UNKNOWN));
	vcpu->edx_eax = 77;
	tap_ok(msr_emulate_write(vcpu) == 0 && vcpu->run->exit_reason == KVM_EXIT_X86_WRMSR &&
	       vcpu->run->msr.reason == KVM_MSR_EXIT_REASON_UNKNOWN && vcpu->run->msr.data == 77 &&
	       vcpu->run->msr.index == 0xdeadbeef, "or userspace is asked");
	vcpu->rcx = 0xc0000082;
	vcpu->edx_eax = HOLE;
	tap_ok(msr_emulate_write(vcpu) == 1 && vcpu->gps == 2, "a bad value: #GP");
	assert(!msr_exits_enable(vcpu->vm, KVM_MSR_EXIT_REASON_INVAL));
	tap_ok(msr_emulate_write(vcpu) == 0 &&
	       vcpu->run->msr.reason == KVM_MSR_EXIT_REASON_INVAL, "or userspace is asked");
	vcpu->edx_eax = 5;
	tap_ok(msr_emulate_write(vcpu) == 1 && vcpu->gps == 2 && vcpu->skipped == 1,
	       "a good one is done");
	vcpu_free(vcpu);
}

/* Banks that userspace did not set up are no registers; CTL and CMCI are there by MCG_CAP. */
static void test_banks(void)
{
	struct mkvm_vcpu *vcpu = vcpu_new();
	u64 data;

	tap_ok(mce_setup_banks(vcpu, 33) == -EINVAL && mce_setup_banks(vcpu, 0) == -EINVAL,
	       "KVM_X86_SETUP_MCE: 1 to 32 banks");
	assert(!mce_setup_banks(vcpu, 2));
	tap_ok(!msr_get(vcpu, 0x407, &data, GUEST) &&
	       msr_get(vcpu, 0x408, &data, GUEST) == UNKNOWN &&
	       msr_set(vcpu, 0x408, 0, HOST) == UNKNOWN &&
	       msr_get(vcpu, 0x282, &data, HOST) == UNKNOWN, "two banks");
	tap_ok(msr_get(vcpu, 0x17b, &data, GUEST) == GP && !msr_get(vcpu, 0x17b, &data, HOST) &&
	       msr_set(vcpu, 0x17b, 0, GUEST) == GP && !msr_set(vcpu, 0x17b, 0, HOST) &&
	       msr_set(vcpu, 0x17b, ~0ull, HOST) == GP, "no IA32_MCG_CTL");
	tap_ok(msr_get(vcpu, 0x281, &data, GUEST) == GP && !msr_get(vcpu, 0x281, &data, HOST) &&
	       msr_set(vcpu, 0x281, 0, GUEST) == GP && msr_set(vcpu, 0x281, 1, HOST) == GP,
	       "no CMCI");
	vcpu_free(vcpu);
}

int main(void)
{
	test_writes();
	test_lists();
	test_exits();
	test_banks();
	return tap_done();
}
