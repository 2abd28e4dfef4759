// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector and x87 state of guest and host must not mix: across exits to userspace, under
 * preemption by other vCPUs and by host threads that use the same registers, and when a vCPU
 * thread moves between CPUs. SDM volume 1, "Managing State Using the XSAVE Feature Set". The
 * program is compiled without vector registers, so what the asm below puts there stays.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "guest.h"

#define XCR0_AVX 7
#define XCR0_AVX512 0xe7

static u64 guest_xcr0;			/* what the guest shall switch on */

static u64 supported_xcr0(void)
{
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_cpuid_entry2 *e = kt_cpuid_entry(c, 0xd, 0);

	if (!(kt_cpuid_entry(c, 1, 0)->ecx & 1 << 26) || !e)
		return 0;
	return (u64)e->edx << 32 | e->eax;
}

/* ---- patterns in all registers ------------------------------------------------------------ */

#define ALL16(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13)	\
	X(14) X(15)
#define HIGH16(X) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27)	\
	X(28) X(29) X(30) X(31)

#define LOAD_X(n) "movups " #n "*16(%0), %%xmm" #n "\n\t"
#define SAVE_X(n) "movups %%xmm" #n ", " #n "*16(%0)\n\t"
#define LOAD_Y(n) "vmovups " #n "*32(%0), %%ymm" #n "\n\t"
#define SAVE_Y(n) "vmovups %%ymm" #n ", " #n "*32(%0)\n\t"
#define LOAD_Z(n) "vmovups " #n "*64(%0), %%zmm" #n "\n\t"
#define SAVE_Z(n) "vmovups %%zmm" #n ", " #n "*64(%0)\n\t"

struct state {
	u64 v[32 * 8];			/* vector registers, densely for the width in use */
	u64 k[8];
	u64 x87[8];
	u32 mxcsr;
	u16 fcw;
} __attribute__((aligned(64)));

static inline u32 words(u64 xcr0)
{
	if ((xcr0 & XCR0_AVX512) == XCR0_AVX512)
		return 32 * 8;
	return (xcr0 & XCR0_AVX) == XCR0_AVX ? 16 * 4 : 16 * 2;
}

static inline void load_state(struct state *s, u64 xcr0)
{
	if ((xcr0 & XCR0_AVX512) == XCR0_AVX512) {
		asm volatile(ALL16(LOAD_Z) HIGH16(LOAD_Z) : : "r"(s->v) : "memory");
		asm volatile("kmovw (%0), %%k1; kmovw 8(%0), %%k7" : : "r"(s->k) : "memory");
	} else if ((xcr0 & XCR0_AVX) == XCR0_AVX) {
		asm volatile(ALL16(LOAD_Y) : : "r"(s->v) : "memory");
	} else {
		asm volatile(ALL16(LOAD_X) : : "r"(s->v) : "memory");
	}
	asm volatile("fninit; fldcw %0; ldmxcsr %1" : : "m"(s->fcw), "m"(s->mxcsr));
	for (int i = 0; i < 8; i++)
		asm volatile("fildll (%0)" : : "r"(&s->x87[i]) : "memory");
}

static inline void save_state(struct state *s, u64 xcr0)
{
	if ((xcr0 & XCR0_AVX512) == XCR0_AVX512) {
		asm volatile(ALL16(SAVE_Z) HIGH16(SAVE_Z) : : "r"(s->v) : "memory");
		asm volatile("kmovw %%k1, (%0); kmovw %%k7, 8(%0)" : : "r"(s->k) : "memory");
	} else if ((xcr0 & XCR0_AVX) == XCR0_AVX) {
		asm volatile(ALL16(SAVE_Y) : : "r"(s->v) : "memory");
	} else {
		asm volatile(ALL16(SAVE_X) : : "r"(s->v) : "memory");
	}
	asm volatile("fnstcw %0; stmxcsr %1" : "=m"(s->fcw), "=m"(s->mxcsr));
	for (int i = 7; i >= 0; i--)
		asm volatile("fistpll (%0)" : : "r"(&s->x87[i]) : "memory");
}

static inline void pattern(struct state *s, u64 seed)
{
	for (u32 i = 0; i < 32 * 8; i++)
		s->v[i] = seed * 0x9e3779b97f4a7c15UL + i * 0x0101010101010101UL;
	for (u32 i = 0; i < 8; i++) {
		s->k[i] = (seed * 77 + i) & 0xffff;
		s->x87[i] = seed * 1000 + i;
	}
	s->mxcsr = 0x1f80 | (seed & 3) << 13;
	s->fcw = 0x37f & ~((seed & 1) << 8);
}

/* Returns 0 or a number that says what differs. */
static inline u64 compare(const struct state *a, const struct state *b, u64 xcr0)
{
	for (u32 i = 0; i < words(xcr0); i++)
		if (a->v[i] != b->v[i])
			return 1 + i;
	if ((xcr0 & XCR0_AVX512) == XCR0_AVX512 && (a->k[0] != b->k[0] || a->k[1] != b->k[1]))
		return 1000;
	for (u32 i = 0; i < 8; i++)
		if (a->x87[i] != b->x87[i])
			return 1001 + i;
	if (a->mxcsr != b->mxcsr)
		return 1010;
	return a->fcw != b->fcw ? 1011 : 0;
}

static struct state want_state, have_state;
static u64 guest_seed, guest_rounds;

static void enable_xcr0(void)
{
	if (!guest_xcr0)
		return;
	GUEST_WRITE_REG("cr4", GUEST_READ_REG("cr4") | 1UL << 18);
	asm volatile("xsetbv" : : "a"((u32)guest_xcr0), "d"((u32)(guest_xcr0 >> 32)), "c"(0));
}

/* Registers are loaded once per round; exits, preemption or moves come while they are live. */
static void keep_guest(void)
{
	u32 r[4];

	enable_xcr0();
	for (u64 i = 0; i < guest_rounds; i++) {
		pattern(&want_state, guest_seed + i);
		load_state(&want_state, guest_xcr0);
		guest_cpuid(0, 0, r);
		GUEST_SYNC(i);
		for (u32 k = 0; k < 200; k++)
			cpu_relax();
		guest_cpuid(1, 0, r);
		save_state(&have_state, guest_xcr0);
		GUEST_EQ(compare(&want_state, &have_state, guest_xcr0), 0);
	}
	guest_done();
}

static struct kt_vcpu *keeper(u64 xcr0, u64 seed, u64 rounds)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, keep_guest);

	GV(vcpu->vm, guest_xcr0) = xcr0;
	GV(vcpu->vm, guest_seed) = seed;
	GV(vcpu->vm, guest_rounds) = rounds;
	return vcpu;
}

/* KVM_RUN with the host's registers full: they must come back, whatever the guest does. */
static u64 run_with_host_state(struct kt_vcpu *vcpu, u64 xcr0, u64 seed)
{
	static struct state in, out;
	long ret;

	pattern(&in, seed);
	load_state(&in, xcr0);
	asm volatile("syscall"
		     : "=a"(ret)
		     : "a"(SYS_ioctl), "D"((long)vcpu->fd), "S"((long)KVM_RUN), "d"(0L)
		     : "rcx", "r11", "memory");
	save_state(&out, xcr0);
	asm volatile("fninit");
	in.mxcsr = 0x1f80;
	asm volatile("ldmxcsr %0" : : "m"(in.mxcsr));
	pattern(&in, seed);
	if (ret)
		kt_fail("KVM_RUN: %ld", ret);
	return compare(&in, &out, xcr0);
}

static void across_exits(u64 xcr0)
{
	struct kt_vcpu *vcpu = keeper(xcr0, 1, 20);
	struct kt_ucall uc;

	for (u64 i = 0; i <= 20; i++) {
		u64 diff = run_with_host_state(vcpu, xcr0, 7777 + i);

		if (diff)
			kt_fail("the host's registers changed (%llu) over KVM_RUN",
				(unsigned long long)diff);
		KT_TRUE(kt_ucall(vcpu, &uc));
		KT_CHECK_GUEST(vcpu, &uc);
		KT_EQ(uc.cmd, i < 20 ? UC_SYNC : UC_DONE);
	}
}

static void sse_across_exits(void)
{
	across_exits(0);
}

static void avx_across_exits(void)
{
	if ((supported_xcr0() & XCR0_AVX) != XCR0_AVX)
		kt_skip("no AVX");
	across_exits(XCR0_AVX);
}

static void avx512_across_exits(void)
{
	if ((supported_xcr0() & XCR0_AVX512) != XCR0_AVX512)
		kt_skip("no AVX-512");
	across_exits(XCR0_AVX512);
}

/* The guest has less than the host, and the other way round: XCR0 switches as well. */
static void mixed_xcr0(void)
{
	u64 all = supported_xcr0() & XCR0_AVX512;
	struct kt_vcpu *less, *more;
	u32 lo, hi, lo2;

	if ((all & XCR0_AVX) != XCR0_AVX)
		kt_skip("no AVX");
	if (all != XCR0_AVX512)
		all = XCR0_AVX;
	less = keeper(0, 5, 10);
	more = keeper(all, 6, 10);
	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	for (u64 i = 0; i < 10; i++) {
		KT_EQ(run_with_host_state(less, all, 100 + i), 0);
		KT_EQ(run_with_host_state(more, all, 200 + i), 0);
		asm volatile("xgetbv" : "=a"(lo2), "=d"(hi) : "c"(0));
		KT_EQ(lo2, lo);
	}
	KT_RUN_DONE(less);
	KT_RUN_DONE(more);
}

/* ---- preemption --------------------------------------------------------------------------- */

/* Long stretches without an exit, so that the host's timer preempts with registers live. */
static void busy_guest(void)
{
	enable_xcr0();
	for (u64 i = 0; i < guest_rounds; i++) {
		pattern(&want_state, guest_seed + i);
		load_state(&want_state, guest_xcr0);
		for (u32 k = 0; k < 300000; k++)
			asm volatile("nop");
		save_state(&have_state, guest_xcr0);
		GUEST_EQ(compare(&want_state, &have_state, guest_xcr0), 0);
	}
	guest_done();
}

static volatile int threads_done;

static void *vcpu_thread(void *arg)
{
	struct kt_vcpu *vcpu = arg;
	struct kt_ucall uc;

	while (kt_run_raw(vcpu))
		if (errno != EINTR)
			kt_fail("KVM_RUN: %s", kt_errno_name(errno));
	KT_TRUE(kt_ucall(vcpu, &uc));
	KT_CHECK_GUEST(vcpu, &uc);
	KT_EQ(uc.cmd, UC_DONE);
	__atomic_fetch_add(&threads_done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* A host thread with its own patterns, checked as hard as the guests are. */
static void *host_thread(void *arg)
{
	static struct state in, out;
	u64 xcr0 = *(u64 *)arg;

	for (u64 i = 0; threads_done < 2 && i < 1000000; i++) {
		pattern(&in, 50 + i);
		load_state(&in, xcr0);
		for (u32 k = 0; k < 100000; k++)
			asm volatile("nop");
		save_state(&out, xcr0);
		pattern(&in, 50 + i);
		if (compare(&in, &out, xcr0))
			kt_fail("a host thread's registers changed (%llu)",
				(unsigned long long)compare(&in, &out, xcr0));
		sched_yield();
	}
	return NULL;
}

static void two_vms_and_host(void (*each)(pthread_t *t, int n))
{
	u64 xcr0 = supported_xcr0() & XCR0_AVX512;
	struct kt_vcpu *v[2];
	pthread_t t[3];

	if (xcr0 != XCR0_AVX512)
		xcr0 = (xcr0 & XCR0_AVX) == XCR0_AVX ? XCR0_AVX : 0;
	for (int i = 0; i < 2; i++) {
		v[i] = keeper(i ? xcr0 : 0, 1000 * i, 60);
		kt_vcpu_long(v[i], busy_guest);
		pthread_create(&t[i], NULL, vcpu_thread, v[i]);
	}
	pthread_create(&t[2], NULL, host_thread, &xcr0);
	each(t, 3);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

static void only_wait(pthread_t *t, int n)
{
	(void)t;
	(void)n;
}

static void preemption(void)
{
	two_vms_and_host(only_wait);
}

static void hop(pthread_t *t, int n)
{
	for (int i = 0; threads_done < 2 && i < 2000; i++) {
		cpu_set_t set;

		for (int k = 0; k < n; k++) {
			CPU_ZERO(&set);
			CPU_SET((i + k) & 1, &set);
			pthread_setaffinity_np(t[k], sizeof(set), &set);
		}
		kt_msleep(1);
	}
}

static void migration(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		kt_skip("one CPU only");
	two_vms_and_host(hop);
}

/* GET_FPU sees what the guest left; SET_FPU of one vCPU touches no other. */
static void two_vcpus_apart(void)
{
	struct kt_vcpu *a = keeper(0, 11, 5), *b = keeper(0, 22, 5);
	struct kvm_fpu f;
	struct state s;

	for (u64 i = 0; i < 5; i++) {
		KT_RUN_SYNC(a, i);
		KT_RUN_SYNC(b, i);
		KT_IOCTL(a->fd, KVM_GET_FPU, &f);
		pattern(&s, 11 + i);
		KT_EQ(memcmp(f.xmm, s.v, 256), 0);
		KT_EQ(f.fcw, s.fcw);
		KT_IOCTL(a->fd, KVM_SET_FPU, &f);
		KT_IOCTL(b->fd, KVM_GET_FPU, &f);
		pattern(&s, 22 + i);
		KT_EQ(memcmp(f.xmm, s.v, 256), 0);
	}
	KT_RUN_DONE(a);
	KT_RUN_DONE(b);
}

static const struct kt_test tests[] = {
	{ "sse_across_exits", sse_across_exits },
	{ "avx_across_exits", avx_across_exits },
	{ "avx512_across_exits", avx512_across_exits },
	{ "mixed_xcr0", mixed_xcr0 },
	{ "two_vcpus_apart", two_vcpus_apart },
	{ "preemption", preemption },
	{ "migration", migration },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
