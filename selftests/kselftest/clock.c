// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time as the guest sees it: kvmclock (both pairs of MSRs, stable flag, wall clock),
 * KVM_GET/SET_CLOCK with their flags, KVM_KVMCLOCK_CTRL, steal time, TSC frequency, offset and
 * IA32_TSC_ADJUST; and that no clock runs backwards: across vCPUs, saving and restoring. KVM's
 * ABI and SDM volume 3, "Time-Stamp Counter". Relies on lib/ and the host's clocks.
 */
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "apic.h"

#define MSR_TSC 0x10
#define MSR_TSC_ADJUST 0x3b
#define MSR_STEAL 0x4b564d03
#define CLOCK_PAGE KT_TEST_AREA
#define STEAL_PAGE (KT_TEST_AREA + 0x1000)
#define WALL_PAGE (KT_TEST_AREA + 0x2000)

struct time_info {
	u32 version, pad0;
	u64 tsc_timestamp, system_time;
	u32 mul;
	int8_t shift;
	u8 flags, pad[2];
};

struct wall_clock {
	u32 version, sec, nsec;
};

struct steal_time {
	u64 steal;
	u32 version, flags;
	u8 preempted;
};

static const u32 clock_msr[2] = { 0x12, 0x4b564d01 }, wall_msr[2] = { 0x11, 0x4b564d00 };
static volatile u32 which;

/* What a guest does to read its clock. */
static u64 guest_clock(u64 page)
{
	volatile struct time_info *t = (void *)page;
	u64 delta, ns;
	u32 version;

	do {
		version = t->version & ~1U;
		asm volatile("lfence" : : : "memory");
		delta = rdtsc() - t->tsc_timestamp;
		delta = t->shift >= 0 ? delta << t->shift : delta >> -t->shift;
		ns = (u64)((unsigned __int128)delta * t->mul >> 32) + t->system_time;
		asm volatile("lfence" : : : "memory");
	} while (version != t->version);
	return ns;
}

static u64 now_ns(int clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000UL + t.tv_nsec;
}

static struct kvm_clock_data get_clock(struct kt_vm *vm)
{
	struct kvm_clock_data c = { };

	KT_IOCTL(vm->fd, KVM_GET_CLOCK, &c);
	return c;
}

/* ---- kvmclock ----------------------------------------------------------------------------- */

static void kvmclock_guest(void)
{
	volatile struct wall_clock *w = (void *)WALL_PAGE;

	wrmsr(clock_msr[which], CLOCK_PAGE | 1);
	GUEST_EQ(rdmsr(clock_msr[which]), CLOCK_PAGE | 1);
	wrmsr(wall_msr[which], WALL_PAGE);
	GUEST_EQ(w->version & 1, 0);
	for (u64 i = 1; i <= 20; i++)
		GUEST_SYNC_VAL(i, guest_clock(CLOCK_PAGE));
	GUEST_SYNC_VAL(100, w->sec);
	/* Off: nothing is written there any more. */
	wrmsr(clock_msr[which], 0);
	*(volatile u32 *)CLOCK_PAGE = 0x1234;
	GUEST_SYNC(101);
	GUEST_EQ(*(volatile u32 *)CLOCK_PAGE, 0x1234);
	guest_done();
}

static void kvmclock(unsigned int msrs)
{
	struct kvm_clock_data before, after;
	struct kt_vcpu *vcpu;
	u64 seen, wall;

	which = msrs;
	vcpu = kt_long(0, 0, kvmclock_guest);
	for (u64 i = 1; i <= 20; i++) {
		before = get_clock(vcpu->vm);
		seen = KT_RUN_SYNC(vcpu, i);
		after = get_clock(vcpu->vm);
		KT_TRUE(before.clock <= seen && seen <= after.clock,
			"%llu, %llu, %llu", before.clock, (unsigned long long)seen, after.clock);
	}
	wall = now_ns(CLOCK_REALTIME) / 1000000000 - after.clock / 1000000000;
	seen = KT_RUN_SYNC(vcpu, 100);
	KT_TRUE(seen - wall + 2 <= 4, "%llu, %llu", (unsigned long long)seen,
		(unsigned long long)wall);
	KT_RUN_SYNC(vcpu, 101);
	after.flags = 0;
	KT_IOCTL(vcpu->vm->fd, KVM_SET_CLOCK, &after);
	KT_RUN_DONE(vcpu);
}

static void kvmclock_old(void)
{
	kvmclock(0);
}

static void kvmclock_new(void)
{
	kvmclock(1);
}

static void cpuid_leaf(void)
{
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_cpuid_entry2 *e = kt_cpuid_entry(c, 0x40000000, 0);

	KT_TRUE(e && !memcmp(&e->ebx, "KVMKVMKVM\0\0", 12));
	KT_EQ(e->eax, 0x40000001);
	e = kt_cpuid_entry(c, 0x40000001, 0);
	/* Both clocks, the stable flag, steal time. */
	KT_EQ(e->eax & 0x1000029, 0x1000029);
}

static void set_clock_guest(void)
{
	wrmsr(clock_msr[1], CLOCK_PAGE | 1);
	for (u64 i = 1;; i++)
		GUEST_SYNC_VAL(i, guest_clock(CLOCK_PAGE));
}

static void set_and_get(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, set_clock_guest);
	struct kvm_clock_data c = { .flags = 0x100 }, got;
	u64 seen;

	KT_EQ(kt_cap(KVM_CAP_ADJUST_CLOCK), 14);
	KT_IOCTL_ERR(vcpu->vm->fd, KVM_SET_CLOCK, &c, EINVAL);
	KT_RUN_SYNC(vcpu, 1);
	c = (struct kvm_clock_data){ .clock = 1000000000000000 };
	KT_IOCTL(vcpu->vm->fd, KVM_SET_CLOCK, &c);
	seen = KT_RUN_SYNC(vcpu, 2);
	got = get_clock(vcpu->vm);
	KT_TRUE(seen >= c.clock && seen <= got.clock, "%llu", (unsigned long long)seen);
	KT_TRUE(got.clock - c.clock < 10000000000, "%llu", got.clock);
	KT_EQ(got.flags, KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC);
	KT_TRUE(now_ns(CLOCK_REALTIME) - got.realtime < 10000000000);
	KT_TRUE(got.host_tsc && got.host_tsc <= rdtsc());
	/* Saved 100 s ago: the clock went on meanwhile. */
	got.realtime -= 100000000000;
	KT_IOCTL(vcpu->vm->fd, KVM_SET_CLOCK, &got);
	seen = KT_RUN_SYNC(vcpu, 3);
	KT_TRUE(seen - got.clock >= 100000000000 && seen - got.clock < 110000000000, "%llu",
		(unsigned long long)(seen - got.clock));
	/* Backwards is allowed, if userspace wants it so. */
	c.clock = 5;
	KT_IOCTL(vcpu->vm->fd, KVM_SET_CLOCK, &c);
	KT_TRUE(KT_RUN_SYNC(vcpu, 4) < 10000000000);
}

static void guest_was_stopped(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, set_clock_guest);
	struct time_info *t = kt_g2h(vcpu->vm, CLOCK_PAGE);

	KT_IOCTL_ERR(vcpu->fd, KVM_KVMCLOCK_CTRL, 0, EINVAL);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(t->flags & 2, 0);
	KT_IOCTL(vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(t->flags & 2, 2);
	/* Only the guest clears it. */
	kt_try_set_msr(vcpu, MSR_TSC, 12345);
	KT_RUN_SYNC(vcpu, 3);
	KT_EQ(t->flags & 2, 2);
	t->flags &= ~2;
	kt_try_set_msr(vcpu, MSR_TSC, 1234567);
	KT_RUN_SYNC(vcpu, 4);
	KT_EQ(t->flags & 2, 0);
}

/* ---- never backwards ---------------------------------------------------------------------- */

#define VCPUS 3
#define ROUNDS 200

static volatile u64 latest, backwards, worst, turn, ready;

/* Each vCPU reads its clock after it has seen what the one before read. */
static void relay_guest(void)
{
	u64 id = (KT_STACKS - GUEST_READ_REG("rsp")) / KT_STACK_SIZE, mine;

	wrmsr(clock_msr[1], (CLOCK_PAGE + id * 64) | 1);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (ready < VCPUS)
		cpu_relax();
	for (u64 i = 0; i < ROUNDS; i++) {
		while (turn % VCPUS != id)
			cpu_relax();
		mine = guest_clock(CLOCK_PAGE + id * 64);
		if (mine < latest) {
			backwards++;
			worst = latest - mine;
		}
		latest = mine;
		__atomic_add_fetch(&turn, 1, __ATOMIC_SEQ_CST);
	}
	guest_done();
}

static void across_vcpus(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	struct time_info *t = kt_g2h(vm, CLOCK_PAGE);
	pthread_t thread[VCPUS];

	for (int i = 0; i < VCPUS; i++)
		kt_vcpu_long(kt_vcpu_new(vm, i), relay_guest);
	/* One with a TSC of its own. */
	kt_try_set_msr(vm->vcpu[1], MSR_TSC, 1UL << 50);
	for (int i = 0; i < VCPUS; i++)
		KT_TRUE(!pthread_create(&thread[i], NULL, kt_thread_run_done, vm->vcpu[i]));
	for (int i = 0; i < VCPUS; i++)
		pthread_join(thread[i], NULL);
	KT_EQ(GV(vm, turn), VCPUS * ROUNDS);
	KT_TRUE(!GV(vm, backwards), "%llu times, by %llu ns", (unsigned long long)GV(vm, backwards),
		(unsigned long long)GV(vm, worst));
	KT_EQ(t->flags & 1, 1);
}

static void watch_guest(void)
{
	u64 last = 0, last_tsc = 0, now;

	wrmsr(clock_msr[1], CLOCK_PAGE | 1);
	for (;;) {
		for (u32 i = 0; i < 100; i++) {
			now = guest_clock(CLOCK_PAGE);
			GUEST_TRUE(now >= last);
			last = now;
			now = rdtsc();
			GUEST_TRUE(now >= last_tsc);
			last_tsc = now;
		}
		GUEST_SYNC(1);
	}
}

/* Save everything, restore it in another VM, as a migration does. */
static void across_migration(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, watch_guest), *next;
	struct kvm_clock_data c;
	struct kvm_sregs s;
	struct kvm_regs r;
	u64 tsc;

	for (int i = 0; i < 10; i++) {
		KT_RUN_SYNC(vcpu, 1);
		vcpu->run->immediate_exit = 1;
		KT_TRUE(kt_run_raw(vcpu) && errno == EINTR);
		tsc = kt_get_msr(vcpu, MSR_TSC);
		c = get_clock(vcpu->vm);
		kt_get_regs(vcpu, &r);
		kt_get_sregs(vcpu, &s);
		next = kt_long(0, 0, watch_guest);
		memcpy(next->vm->mem, vcpu->vm->mem, KT_MEM);
		kt_set_sregs(next, &s);
		kt_set_regs(next, &r);
		KT_IOCTL(next->vm->fd, KVM_SET_CLOCK, &c);
		KT_EQ(kt_try_set_msr(next, MSR_TSC, tsc), 1);
		KT_EQ(kt_try_set_msr(next, clock_msr[1], CLOCK_PAGE | 1), 1);
		kt_vm_free(vcpu->vm);
		vcpu = next;
	}
	KT_RUN_SYNC(vcpu, 1);
}

/* ---- TSC ---------------------------------------------------------------------------------- */

static void khz_guest(void)
{
	u64 clock, tsc;

	wrmsr(clock_msr[1], CLOCK_PAGE | 1);
	for (u64 i = 1;; i++) {
		clock = guest_clock(CLOCK_PAGE);
		tsc = rdtsc();
		do {
			cpu_relax();
		} while (guest_clock(CLOCK_PAGE) - clock < 2000000);
		/* Ticks of two milliseconds. */
		GUEST_SYNC_VAL(i, rdtsc() - tsc);
	}
}

static void want_khz(u64 ticks, u32 khz)
{
	KT_TRUE(ticks >= khz * 2 - khz / 50, "%llu ticks at %u kHz", (unsigned long long)ticks,
		khz);
	/* More when the host took the CPU away. */
	KT_TRUE(ticks < khz * 200UL, "%llu ticks at %u kHz", (unsigned long long)ticks, khz);
}

static void tsc_khz(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, khz_guest);
	u32 khz = KT_IOCTL(vcpu->fd, KVM_GET_TSC_KHZ, 0);

	KT_EQ(KT_IOCTL(vcpu->vm->fd, KVM_GET_TSC_KHZ, 0), khz);
	want_khz(KT_RUN_SYNC(vcpu, 1), khz);
	if (kt_cap(KVM_CAP_TSC_CONTROL) <= 0)
		kt_skip("no TSC scaling on this host");
	KT_IOCTL(vcpu->fd, KVM_SET_TSC_KHZ, khz * 2);
	KT_EQ(KT_IOCTL(vcpu->fd, KVM_GET_TSC_KHZ, 0), khz * 2);
	want_khz(KT_RUN_SYNC(vcpu, 2), khz * 2);
	KT_IOCTL(vcpu->fd, KVM_SET_TSC_KHZ, khz / 2);
	want_khz(KT_RUN_SYNC(vcpu, 3), khz / 2);
	/* A new vCPU gets the VM's. */
	KT_IOCTL(vcpu->vm->fd, KVM_SET_TSC_KHZ, khz / 3);
	KT_EQ(KT_IOCTL(vcpu->vm->fd, KVM_GET_TSC_KHZ, 0), khz / 3);
	KT_EQ(KT_IOCTL(kt_vcpu_new(vcpu->vm, 1)->fd, KVM_GET_TSC_KHZ, 0), khz / 3);
	KT_EQ(KT_IOCTL(vcpu->fd, KVM_GET_TSC_KHZ, 0), khz / 2);
}

static void adjust_guest(void)
{
	u64 tsc;

	GUEST_EQ(rdmsr(MSR_TSC_ADJUST), 0);
	tsc = rdtsc();
	wrmsr(MSR_TSC_ADJUST, 1UL << 40);
	GUEST_TRUE(rdtsc() - tsc >= 1UL << 40 && rdtsc() - tsc < 3UL << 39);
	/* A write of the TSC shows in the other register. */
	wrmsr(MSR_TSC, 0);
	GUEST_TRUE(rdtsc() < 1UL << 39);
	GUEST_TRUE((long)rdmsr(MSR_TSC_ADJUST) < (1L << 40));
	GUEST_SYNC_VAL(1, rdtsc());
	GUEST_SYNC_VAL(2, rdtsc());
	guest_done();
}

static void tsc_adjust(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, adjust_guest);
	struct kvm_device_attr attr = { .group = 0, .attr = 0 };
	u64 seen, offset, old;

	seen = KT_RUN_SYNC(vcpu, 1);
	/* By userspace: each alone. */
	old = kt_get_msr(vcpu, MSR_TSC_ADJUST);
	KT_EQ(kt_try_set_msr(vcpu, MSR_TSC_ADJUST, 77), 1);
	KT_TRUE(kt_get_msr(vcpu, MSR_TSC) - seen < 1UL << 39);
	KT_EQ(kt_try_set_msr(vcpu, MSR_TSC, 1UL << 45), 1);
	KT_EQ(kt_get_msr(vcpu, MSR_TSC_ADJUST), 77);
	KT_EQ(kt_try_set_msr(vcpu, MSR_TSC_ADJUST, old), 1);

	kt_require_cap(KVM_CAP_VCPU_ATTRIBUTES, "KVM_CAP_VCPU_ATTRIBUTES");
	attr.addr = (u64)(unsigned long)&offset;
	KT_IOCTL(vcpu->fd, KVM_HAS_DEVICE_ATTR, &attr);
	KT_IOCTL(vcpu->fd, KVM_GET_DEVICE_ATTR, &attr);
	offset += 1UL << 41;
	KT_IOCTL(vcpu->fd, KVM_SET_DEVICE_ATTR, &attr);
	seen = KT_RUN_SYNC(vcpu, 2);
	KT_TRUE(seen - (1UL << 45) >= 1UL << 41 && seen - (1UL << 45) < 3UL << 40);
	attr.attr = 1;
	KT_IOCTL_ERR(vcpu->fd, KVM_HAS_DEVICE_ATTR, &attr, ENXIO);
	KT_RUN_DONE(vcpu);
}

/* ---- steal time --------------------------------------------------------------------------- */

static void steal_guest(void)
{
	volatile struct steal_time *st = (void *)STEAL_PAGE;

	GUEST_EQ(try_wrmsr(MSR_STEAL, STEAL_PAGE | 3), 13);
	wrmsr(MSR_STEAL, STEAL_PAGE | 1);
	GUEST_EQ(rdmsr(MSR_STEAL), STEAL_PAGE | 1);
	for (u64 i = 1;; i++) {
		GUEST_SYNC_VAL(i, st->steal);
		/* Preempted vCPUs are so for others only. */
		GUEST_EQ(st->preempted, 0);
		for (u64 end = rdtsc() + 20000000; rdtsc() < end;)
			cpu_relax();
		GUEST_EQ(st->version & 1, 0);
	}
}

static volatile bool hog_over;

static void *hog(void *arg)
{
	while (!hog_over)
		;
	return arg;
}

static u64 run_delay(void)
{
	unsigned long long ran, waited = 0;
	FILE *f = fopen("/proc/thread-self/schedstat", "r");

	if (f) {
		if (fscanf(f, "%llu %llu", &ran, &waited) != 2)
			waited = 0;
		fclose(f);
	}
	return waited;
}

static void steal(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, steal_guest);
	u64 first, second, before, after;
	pthread_t thread;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	before = run_delay();
	first = KT_RUN_SYNC(vcpu, 1);
	KT_TRUE(!pthread_create(&thread, NULL, hog, NULL));
	second = KT_RUN_SYNC(vcpu, 2);
	for (u64 i = 3; i < 8; i++)
		second = KT_RUN_SYNC(vcpu, i);
	after = run_delay();
	hog_over = true;
	pthread_join(thread, NULL);
	KT_TRUE(after > before, "the host does not count waiting");
	KT_TRUE(second > first, "%llu", (unsigned long long)second);
	KT_TRUE(second - first <= after - before, "%llu of %llu",
		(unsigned long long)(second - first), (unsigned long long)(after - before));
	/* Most of it was told already. */
	KT_TRUE(second - first >= (after - before) / 4, "%llu of %llu",
		(unsigned long long)(second - first), (unsigned long long)(after - before));
}

static void steal_outside_guest(void)
{
	volatile struct steal_time *st = (void *)STEAL_PAGE;

	wrmsr(MSR_STEAL, STEAL_PAGE | 1);
	for (u64 i = 1;; i++)
		GUEST_SYNC_VAL(i, st->steal);
}

/* What the thread waits between two KVM_RUNs is stolen as well. */
static void steal_outside(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, steal_outside_guest);
	u64 first, second, before;
	pthread_t thread;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	hog_over = false;
	KT_RUN_SYNC(vcpu, 1);
	first = KT_RUN_SYNC(vcpu, 2);
	before = run_delay();
	KT_TRUE(!pthread_create(&thread, NULL, hog, NULL));
	while (run_delay() - before < 1000000)
		sched_yield();
	hog_over = true;
	pthread_join(thread, NULL);
	second = KT_RUN_SYNC(vcpu, 3);
	KT_TRUE(second - first >= 1000000, "%llu", (unsigned long long)(second - first));
}

static void enforced_guest(void)
{
	u64 v;

	GUEST_EQ(try_wrmsr(clock_msr[0], CLOCK_PAGE | 1), 13);
	GUEST_EQ(try_wrmsr(clock_msr[1], CLOCK_PAGE | 1), 13);
	GUEST_EQ(try_rdmsr(wall_msr[0], &v), 13);
	GUEST_EQ(try_rdmsr(MSR_STEAL, &v), 13);
	guest_done();
}

/* KVM_CAP_ENFORCE_PV_FEATURE_CPUID: what CPUID does not show is not there. */
static void enforced(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args[0] = 1 };
	struct kt_vcpu *vcpu = kt_long(0, 0, enforced_guest);
	struct kvm_cpuid2 *c = kt_supported_cpuid();

	kt_cpuid_entry(c, 0x40000001, 0)->eax = 0;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	KT_IOCTL(vcpu->fd, KVM_ENABLE_CAP, &cap);
	KT_RUN_DONE(vcpu);
}

/* ---- structures of which not every byte can be written ------------------------------------ */

static void idle_guest(void)
{
	for (;;)
		GUEST_SYNC(1);
}

#define EDGE 0x20001000UL	/* RAM up to here, then something else */

static bool untouched(const u8 *at, u32 len)
{
	for (u32 i = 0; i < len; i++) {
		if (at[i] != 0x5a)
			return false;
	}
	return true;
}

/* @behind: flags of the slot behind the edge, or -1 for none. @ahead: the same in front of it. */
static void structure_across(int ahead, int behind)
{
	static const u32 before[] = { 2, 4, 8, 16, 24, 30 };
	struct kt_vcpu *vcpu = kt_long(0, 0, idle_guest);
	u8 *host = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool whole = !ahead && !behind;

	if (ahead >= 0)
		KT_EQ(kt_slot(vcpu->vm, 1, ahead, EDGE - 4096, 4096, host), 0);
	if (behind >= 0)
		KT_EQ(kt_slot(vcpu->vm, 2, behind, EDGE, 4096, host + 4096), 0);
	for (u32 i = 0; i < KT_ARRAY_SIZE(before); i++) {
		u8 *at = host + 4096 - before[i];

		kt_note("slots %d and %d, %u bytes in front", ahead, behind, before[i]);
		memset(host, 0x5a, 8192);
		KT_EQ(kt_try_set_msr(vcpu, clock_msr[1], (EDGE - before[i]) | 1), 1);
		KT_RUN_SYNC(vcpu, 1);
		KT_EQ(untouched(at, sizeof(struct time_info)), !whole);
		KT_EQ(kt_try_set_msr(vcpu, clock_msr[1], 0), 1);
		if (before[i] >= sizeof(struct wall_clock))
			continue;
		memset(host, 0x5a, 8192);
		KT_EQ(kt_try_set_msr(vcpu, wall_msr[1], EDGE - before[i]), 1);
		KT_RUN_SYNC(vcpu, 1);
		KT_EQ(untouched(at, sizeof(struct wall_clock)), !whole);
		if (whole)
			KT_TRUE(!untouched(at + sizeof(struct wall_clock) - 4, 4));
	}
	kt_vm_free(vcpu->vm);
}

static void all_or_nothing(void)
{
	structure_across(0, 0);
	structure_across(0, KVM_MEM_READONLY);
	structure_across(0, -1);
	structure_across(KVM_MEM_READONLY, 0);
	structure_across(-1, 0);
}

/* "You were stopped" waits for a structure that can be written. */
static void stopped_is_not_lost(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, idle_guest);
	volatile struct time_info *t = kt_g2h(vcpu->vm, CLOCK_PAGE);
	u8 *host = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	KT_EQ(kt_slot(vcpu->vm, 1, KVM_MEM_READONLY, EDGE, 4096, host), 0);
	KT_EQ(kt_try_set_msr(vcpu, clock_msr[1], EDGE | 1), 1);
	KT_IOCTL(vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(kt_try_set_msr(vcpu, clock_msr[1], CLOCK_PAGE | 1), 1);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(t->version & 1, 0);
	KT_EQ(t->flags & 2, 2);
}

static const struct kt_test tests[] = {
	{ "kvmclock_old", kvmclock_old },
	{ "kvmclock_new", kvmclock_new },
	{ "cpuid_leaf", cpuid_leaf },
	{ "set_and_get", set_and_get },
	{ "guest_was_stopped", guest_was_stopped },
	{ "across_vcpus", across_vcpus },
	{ "across_migration", across_migration },
	{ "tsc_khz", tsc_khz },
	{ "tsc_adjust", tsc_adjust },
	{ "steal", steal },
	{ "steal_outside", steal_outside },
	{ "enforced", enforced },
	{ "all_or_nothing", all_or_nothing },
	{ "stopped_is_not_lost", stopped_is_not_lost },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
