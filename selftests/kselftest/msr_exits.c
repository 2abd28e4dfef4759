// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_X86_SET_MSR_FILTER and KVM_CAP_X86_USER_SPACE_MSR: which MSR accesses are refused, which
 * of the refused ones become KVM_EXIT_X86_RDMSR and KVM_EXIT_X86_WRMSR, what userspace's answer
 * does; registers that otherwise pass without an exit or are served by a fast path included.
 * KVM's ABI is the reference. Relies on lib/.
 */
#include "apic.h"

#define GP 13
#define FS_BASE 0xc0000100
#define LSTAR 0xc0000082
#define TSC_DEADLINE 0x6e0
#define NONE 0xdeadbeef
#define ALL (KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER)

static int enable_cap(struct kt_vm *vm, u32 cap, u64 arg)
{
	struct kvm_enable_cap args = { .cap = cap, .args[0] = arg };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &args) ? -errno : 0;
}

static u8 nothing[0x600], everything[0x600];

/* Deny @access to @msr, allow all else; 0 takes the filter away. */
static void deny(struct kt_vm *vm, u32 access, u32 msr)
{
	struct kvm_msr_filter f = { .flags = KVM_MSR_FILTER_DEFAULT_ALLOW };

	if (access)
		f.ranges[0] = (struct kvm_msr_filter_range){
			.flags = access, .nmsrs = 1, .base = msr, .bitmap = nothing,
		};
	KT_IOCTL(vm->fd, KVM_X86_SET_MSR_FILTER, &f);
}

static void filter_guest(void)
{
	u64 v;

	wrmsr(FS_BASE, 0x1000);
	wrmsr(LSTAR, 0x2000);
	GUEST_SYNC(1);
	GUEST_EQ(try_rdmsr(FS_BASE, &v), GP);
	GUEST_EQ(try_wrmsr(FS_BASE, 0x3000), GUEST_NO_EXC);
	GUEST_SYNC(2);
	GUEST_EQ(try_rdmsr(FS_BASE, &v), GUEST_NO_EXC);
	GUEST_EQ(v, 0x3000);
	GUEST_EQ(try_wrmsr(FS_BASE, 0x4000), GP);
	GUEST_SYNC(3);
	/* Served by fast paths where there is no filter. */
	GUEST_EQ(try_rdmsr(LSTAR, &v), GP);
	GUEST_SYNC(4);
	GUEST_EQ(try_wrmsr(TSC_DEADLINE, 0), GP);
	GUEST_SYNC(5);
	/* All is denied but one, and x2APIC's registers. */
	GUEST_EQ(try_rdmsr(LSTAR, &v), GUEST_NO_EXC);
	GUEST_EQ(v, 0x2000);
	GUEST_EQ(try_rdmsr(0x1b, &v), GP);
	GUEST_EQ(try_rdmsr(0x802, &v), GUEST_NO_EXC);
	GUEST_SYNC(6);
	GUEST_EQ(try_rdmsr(0x1b, &v), GUEST_NO_EXC);
	GUEST_EQ(rdmsr(FS_BASE), 0x3000);
	guest_done();
}

static struct kt_vcpu *x2_guest(void (*fn)(void))
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, fn);
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_sregs s;

	kt_cpuid_entry(c, 1, 0)->ecx |= 1 << 24 | 1 << 21;
	kt_cpuid_entry(c, 1, 0)->ebx &= 0xffffff;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	free(c);
	kt_get_sregs(vcpu, &s);
	s.apic_base |= 0xc00;
	kt_set_sregs(vcpu, &s);
	return vcpu;
}

static void filter(void)
{
	struct kvm_msr_filter f = { .flags = KVM_MSR_FILTER_DEFAULT_DENY };
	struct kt_vcpu *vcpu;

	kt_require_cap(KVM_CAP_X86_MSR_FILTER, "KVM_CAP_X86_MSR_FILTER");
	vcpu = x2_guest(filter_guest);
	KT_RUN_SYNC(vcpu, 1);
	deny(vcpu->vm, KVM_MSR_FILTER_READ, FS_BASE);
	KT_RUN_SYNC(vcpu, 2);
	deny(vcpu->vm, KVM_MSR_FILTER_WRITE, FS_BASE);
	KT_RUN_SYNC(vcpu, 3);
	deny(vcpu->vm, KVM_MSR_FILTER_READ, LSTAR);
	KT_RUN_SYNC(vcpu, 4);
	deny(vcpu->vm, KVM_MSR_FILTER_WRITE, TSC_DEADLINE);
	KT_RUN_SYNC(vcpu, 5);
	memset(everything, 0xff, sizeof(everything));
	f.ranges[3] = (struct kvm_msr_filter_range){
		.flags = KVM_MSR_FILTER_READ, .nmsrs = 4, .base = LSTAR - 1,
		.bitmap = everything,
	};
	KT_IOCTL(vcpu->vm->fd, KVM_X86_SET_MSR_FILTER, &f);
	KT_RUN_SYNC(vcpu, 6);
	deny(vcpu->vm, 0, 0);
	KT_RUN_DONE(vcpu);
	/* Userspace itself is never filtered. */
	deny(vcpu->vm, KVM_MSR_FILTER_READ, LSTAR);
	KT_EQ(kt_get_msr(vcpu, LSTAR), 0x2000);
}

static void refused(void)
{
	struct kt_vm *vm = kt_vm_new(0, 0);
	struct kvm_msr_filter f = { .flags = 2 };

	kt_require_cap(KVM_CAP_X86_MSR_FILTER, "KVM_CAP_X86_MSR_FILTER");
	KT_IOCTL_ERR(vm->fd, KVM_X86_SET_MSR_FILTER, &f, EINVAL);
	f.flags = KVM_MSR_FILTER_DEFAULT_DENY;		/* everything, always: no */
	KT_IOCTL_ERR(vm->fd, KVM_X86_SET_MSR_FILTER, &f, EINVAL);
	f.ranges[0] = (struct kvm_msr_filter_range){
		.flags = 4, .nmsrs = 1, .bitmap = nothing,
	};
	KT_IOCTL_ERR(vm->fd, KVM_X86_SET_MSR_FILTER, &f, EINVAL);
	f.ranges[0].flags = KVM_MSR_FILTER_READ;
	f.ranges[0].nmsrs = 0x600 * 8 + 1;
	KT_IOCTL_ERR(vm->fd, KVM_X86_SET_MSR_FILTER, &f, EINVAL);
	f.ranges[0].nmsrs = -1;
	KT_IOCTL_ERR(vm->fd, KVM_X86_SET_MSR_FILTER, &f, EINVAL);
	f.ranges[0].nmsrs = 64;
	f.ranges[0].bitmap = (void *)8;
	KT_IOCTL_ERR(vm->fd, KVM_X86_SET_MSR_FILTER, &f, EFAULT);
	KT_EQ(enable_cap(vm, KVM_CAP_X86_USER_SPACE_MSR, 0x100), -EINVAL);
	KT_EQ(kt_cap(KVM_CAP_X86_USER_SPACE_MSR) & ALL, ALL);
}

static void exits_guest(void)
{
	u64 v;

	GUEST_EQ(try_rdmsr(NONE, &v), GUEST_NO_EXC);
	GUEST_EQ(v, 0x1122334455667788);
	GUEST_EQ(try_wrmsr(NONE, 0x99aabbccddeeff00), GUEST_NO_EXC);
	GUEST_EQ(try_rdmsr(NONE, &v), GP);
	GUEST_EQ(try_wrmsr(NONE, 1), GP);
	/* A value that the register does not take. */
	GUEST_EQ(try_wrmsr(LSTAR, 1UL << 62), GUEST_NO_EXC);
	GUEST_EQ(try_rdmsr(FS_BASE, &v), GUEST_NO_EXC);
	GUEST_EQ(v, 0xf5);
	GUEST_SYNC(1);
	/* Only filtered ones from here on. */
	GUEST_EQ(try_rdmsr(NONE, &v), GP);
	GUEST_EQ(try_wrmsr(LSTAR, 1UL << 62), GP);
	GUEST_EQ(try_rdmsr(FS_BASE, &v), GUEST_NO_EXC);
	GUEST_EQ(v, 0xf6);
	guest_done();
}

static void want_msr(struct kt_vcpu *vcpu, u32 exit, u32 reason, u32 index, u64 data, u8 error)
{
	KT_RUN_EXIT(vcpu, exit);
	KT_EQ(vcpu->run->msr.reason, reason);
	KT_EQ(vcpu->run->msr.index, index);
	KT_EQ(vcpu->run->msr.error, 0);
	if (exit == KVM_EXIT_X86_WRMSR)
		KT_EQ(vcpu->run->msr.data, data);
	else
		vcpu->run->msr.data = data;
	vcpu->run->msr.error = error;
}

static void exits(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, exits_guest);
	const u32 rd = KVM_EXIT_X86_RDMSR, wr = KVM_EXIT_X86_WRMSR;

	kt_require_cap(KVM_CAP_X86_USER_SPACE_MSR, "KVM_CAP_X86_USER_SPACE_MSR");
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_X86_USER_SPACE_MSR, ALL), 0);
	deny(vcpu->vm, KVM_MSR_FILTER_READ, FS_BASE);
	want_msr(vcpu, rd, KVM_MSR_EXIT_REASON_UNKNOWN, NONE, 0x1122334455667788, 0);
	want_msr(vcpu, wr, KVM_MSR_EXIT_REASON_UNKNOWN, NONE, 0x99aabbccddeeff00, 0);
	want_msr(vcpu, rd, KVM_MSR_EXIT_REASON_UNKNOWN, NONE, 0, 1);
	want_msr(vcpu, wr, KVM_MSR_EXIT_REASON_UNKNOWN, NONE, 1, 1);
	want_msr(vcpu, wr, KVM_MSR_EXIT_REASON_INVAL, LSTAR, 1UL << 62, 0);
	want_msr(vcpu, rd, KVM_MSR_EXIT_REASON_FILTER, FS_BASE, 0xf5, 0);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_FILTER), 0);
	want_msr(vcpu, rd, KVM_MSR_EXIT_REASON_FILTER, FS_BASE, 0xf6, 0);
	KT_RUN_DONE(vcpu);
}

static void platform_guest(void)
{
	u64 v;

	GUEST_EQ(try_rdmsr(0xce, &v), GUEST_NO_EXC);
	GUEST_EQ(v, 0xabc00);
	GUEST_EQ(try_wrmsr(0xce, v), GP);
	GUEST_SYNC(1);
	GUEST_EQ(try_rdmsr(0xce, &v), GP);
	guest_done();
}

/* KVM_CAP_MSR_PLATFORM_INFO. */
static void platform_info(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, platform_guest);

	KT_EQ(kt_try_set_msr(vcpu, 0xce, 0xabc00), 1);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_MSR_PLATFORM_INFO, 0), 0);
	KT_RUN_DONE(vcpu);
}

/* How many of the MSRs that the bitmap has bits for can be read. */
static u64 sweep(void)
{
	u64 v, n = 0;
	u32 i;

	for (i = 0; i < 0x4000; i++)
		n += try_rdmsr(i < 0x2000 ? i : 0xc0000000 + (i & 0x1fff), &v) == GUEST_NO_EXC;
	return n;
}

static void sweep_guest(void)
{
	GUEST_SYNC(1);
	GUEST_EQ(sweep() > 100, 1);
	GUEST_SYNC(2);
	GUEST_EQ(sweep(), 0);
	GUEST_SYNC(3);
	GUEST_EQ(sweep() > 100, 1);
	guest_done();
}

static u64 msr_read_exits(struct kt_vcpu *vcpu)
{
	u64 counts[KT_EXIT_REASONS];

	if (!kt_exit_counts(vcpu, counts))
		kt_skip("no counts of exits in debugfs");
	return counts[31];
}

/* Each MSR of the bitmap: all exit but seven, and with a filter on all of them those, too. */
static void passes(void)
{
	static const u32 free_reads[] = {
		0x10, 0x174, 0x175, 0x176, 0xc0000100, 0xc0000101, 0xc0000102,
	};
	struct kvm_msr_filter f = { .flags = KVM_MSR_FILTER_DEFAULT_DENY };
	struct kt_vcpu *vcpu = kt_long(0, 0, sweep_guest);
	const u64 some = 0x4000 - KT_ARRAY_SIZE(free_reads);
	u64 before;

	kt_require_cap(KVM_CAP_X86_MSR_FILTER, "KVM_CAP_X86_MSR_FILTER");
	KT_RUN_SYNC(vcpu, 1);
	before = msr_read_exits(vcpu);
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(msr_read_exits(vcpu) - before, some);
	f.ranges[0] = (struct kvm_msr_filter_range){
		.flags = KVM_MSR_FILTER_READ, .nmsrs = 1, .base = NONE, .bitmap = nothing,
	};
	KT_IOCTL(vcpu->vm->fd, KVM_X86_SET_MSR_FILTER, &f);
	before = msr_read_exits(vcpu);
	KT_RUN_SYNC(vcpu, 3);
	/* x2APIC's are never filtered, but exit: there is no LAPIC. */
	KT_EQ(msr_read_exits(vcpu) - before, 0x4000);
	deny(vcpu->vm, 0, 0);
	before = msr_read_exits(vcpu);
	KT_RUN_DONE(vcpu);
	KT_EQ(msr_read_exits(vcpu) - before, some);
}

static const struct kt_test tests[] = {
	{ "filter", filter },
	{ "refused", refused },
	{ "exits", exits },
	{ "platform_info", platform_info },
	{ "passes", passes },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
