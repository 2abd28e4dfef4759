// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APIC timer on a clock that the test moves.
 *
 * SDM, "APIC Timer" and "TSC-Deadline Mode". Times are in ns; the bus clock ticks each ns and
 * the host's TSC runs at 1 GHz.
 */
#include "bench.h"

#define ONESHOT		0x000ec
#define PERIODIC	0x200ec
#define DEADLINE	0x400ec
#define MASKED		0x10000
#define US		1000
#define MS		1000000

/* A vCPU, its timer divided by 1, at a time that is a round number. */
static struct mkvm_vm *start(struct mkvm_vcpu **v, u32 lvtt)
{
	struct mkvm_vm *vm = vm_new(1, 0, 1);

	advance_to((now_ns / MS + 10) * MS);
	*v = vm->vcpus[0];
	reg_w(*v, APIC_TDCR, 0xb);
	reg_w(*v, APIC_LVTT, lvtt);
	(*v)->kicks = 0;
	callbacks = 0;
	return vm;
}

/* Take the timer's interrupt and end it. */
static bool tick(struct mkvm_vcpu *v)
{
	int vector = take(v);

	lapic_eoi(v);
	return vector == 0xec;
}

static void test_oneshot(void)
{
	struct mkvm_vcpu *v;
	struct mkvm_vm *vm = start(&v, ONESHOT);
	s64 t0 = now_ns;

	reg_w(v, APIC_TMICT, 1000000);
	advance_to(t0 + 250000);
	tap_ok(reg_r(v, APIC_TMCCT) == 750000, "one-shot counts down");
	advance_to(t0 + 999999);
	tap_ok(!tick(v), "one-shot: not early");
	advance_to(t0 + 1000000);
	tap_ok(v->kicks == 1 && tick(v) && reg_r(v, APIC_TMCCT) == 0, "one-shot fires and wakes");
	advance_to(t0 + 5 * MS);
	tap_ok(!tick(v) && reg_r(v, APIC_TMICT) == 1000000, "one-shot fires once");
	reg_w(v, APIC_TMICT, 1000000);
	reg_w(v, APIC_TMICT, 0);
	advance_to(now_ns + 5 * MS);
	tap_ok(!tick(v), "an initial count of 0 stops it");

	t0 = now_ns;
	reg_w(v, APIC_TMICT, 1000000);
	reg_w(v, APIC_LVTT, ONESHOT | MASKED);
	advance_to(t0 + 2 * MS);
	reg_w(v, APIC_LVTT, ONESHOT);
	tap_ok(!tick(v), "masked while it fires: lost");

	t0 = now_ns;
	reg_w(v, APIC_TDCR, 0xa);	/* by 128 */
	reg_w(v, APIC_TMICT, 10000);
	advance_to(t0 + 640000);
	tap_ok(reg_r(v, APIC_TMCCT) == 5000, "divided by 128");
	reg_w(v, APIC_TDCR, 0x0);	/* by 2 */
	tap_ok(reg_r(v, APIC_TMCCT) == 5000, "a new divisor keeps the count");
	advance_to(t0 + 640000 + 9999);
	tap_ok(!tick(v), "and changes the pace: not yet");
	advance_to(t0 + 640000 + 10000);
	tap_ok(tick(v), "and changes the pace: now");
	vm_free(vm);
}

static void test_divisors(void)
{
	static const u8 code[8] = { 0xb, 0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xa };
	struct mkvm_vcpu *v;
	struct mkvm_vm *vm = start(&v, ONESHOT);
	int i, wrong = 0;
	s64 t0;

	for (i = 0; i < 8; i++) {
		t0 = now_ns;
		reg_w(v, APIC_TDCR, code[i]);
		reg_w(v, APIC_TMICT, 1000);
		advance_to(t0 + (1000 << i) - 1);
		wrong += tick(v);
		advance_to(t0 + (1000 << i));
		wrong += !tick(v);
	}
	tap_ok(!wrong, "divide configuration: 1, 2, 4 ... 128");
	vm_free(vm);
}

static void test_periodic(void)
{
	struct mkvm_vcpu *v;
	struct mkvm_vm *vm = start(&v, PERIODIC);
	s64 t0 = now_ns;
	int i, got = 0;

	reg_w(v, APIC_TMICT, 1000000);
	for (i = 1; i <= 10; i++) {
		advance_to(t0 + i * MS - 1);
		got -= tick(v);
		advance_to(t0 + i * MS);
		got += tick(v);
	}
	tap_ok(got == 10, "periodic: each ms, ten times");
	advance_to(t0 + 10 * MS + 300 * US);
	tap_ok(reg_r(v, APIC_TMCCT) == 700000, "periodic: current count");

	callbacks = 0;
	advance_to(t0 + 1010 * MS + 500 * US);
	tap_ok(callbacks <= 2, "a vCPU that takes no ticks costs nothing (%d)", callbacks);
	tap_ok(reg_r(v, APIC_TMCCT) == 500000, "but its count goes on");
	tap_ok(tick(v) && !tick(v), "it finds one tick");
	advance_to(t0 + 1011 * MS);
	tap_ok(tick(v), "and then the next, in step");
	advance_to(t0 + 1012 * MS);
	tap_ok(tick(v), "and the next");

	reg_w(v, APIC_LVTT, PERIODIC | MASKED);
	callbacks = 0;
	advance_to(t0 + 2012 * MS);
	tap_ok(!tick(v) && callbacks <= 2, "masked: silent, and no load (%d callbacks)", callbacks);
	advance_to(t0 + 2012 * MS + 100);
	reg_w(v, APIC_LVTT, PERIODIC);
	tap_ok(!tick(v), "unmasked: nothing at once");
	advance_to(t0 + 2013 * MS);
	tap_ok(tick(v), "unmasked: the next tick, in step");

	reg_w(v, APIC_LVTT, ONESHOT);
	advance_to(t0 + 2014 * MS);
	tap_ok(tick(v), "to one-shot: ends with this period");
	advance_to(t0 + 2020 * MS);
	tap_ok(!tick(v), "and no more");

	reg_w(v, APIC_LVTT, PERIODIC);
	callbacks = 0;
	reg_w(v, APIC_TMICT, 10);
	for (i = 0, got = 0; i < 1000; i++) {
		advance_to(now_ns + 10 * US);
		got += tick(v);
	}
	tap_ok(callbacks >= 49 && callbacks <= 51 && got == callbacks,
	       "a period of 10 ns becomes 200 us (%d callbacks in 10 ms)", callbacks);
	reg_w(v, APIC_SPIV, 0xff);
	callbacks = 0;
	advance_to(now_ns + 100 * MS);
	reg_w(v, APIC_SPIV, 0x1ff);
	tap_ok(callbacks <= 2 && !tick(v), "software-disabled: silent, no load");
	vm_free(vm);
}

static u64 tsc(const struct mkvm_vcpu *v)
{
	return now_ns + v->arch.tsc_offset;
}

static void test_deadline(void)
{
	struct mkvm_vcpu *v;
	struct mkvm_vm *vm = start(&v, DEADLINE);
	u64 d;

	v->arch.tsc_offset = -(u64)now_ns + 5000;
	d = tsc(v) + 300000;
	lapic_set_tsc_deadline(v, d);
	tap_ok(lapic_get_tsc_deadline(v) == d, "deadline: the MSR reads back");
	advance_to(now_ns + 299990);
	tap_ok(!tick(v), "deadline: not early");
	advance_to(now_ns + 20);
	tap_ok(tick(v) && lapic_get_tsc_deadline(v) == 0, "deadline: fires and disarms");
	callbacks = 0;
	v->kicks = 0;
	lapic_set_tsc_deadline(v, tsc(v) - 1);
	tap_ok(tick(v) && !callbacks && !v->kicks && !lapic_get_tsc_deadline(v),
	       "deadline in the past: at once, without a timer");
	lapic_set_tsc_deadline(v, tsc(v) + 1000);
	lapic_set_tsc_deadline(v, 0);
	advance_to(now_ns + MS);
	tap_ok(!tick(v), "deadline 0 disarms");
	lapic_set_tsc_deadline(v, ~0ull);
	advance_to(now_ns + 1000 * (s64)MS);
	tap_ok(!tick(v) && lapic_get_tsc_deadline(v) == ~0ull, "the last deadline does not fire");

	lapic_set_tsc_deadline(v, tsc(v) + 100000);
	reg_w(v, APIC_TMICT, 50);
	tap_ok(reg_r(v, APIC_TMICT) == 0 && reg_r(v, APIC_TMCCT) == 0,
	       "the counts do not exist in deadline mode");
	v->arch.tsc_offset -= 60000;	/* the guest's TSC goes back: the hrtimer is early now */
	advance_to(now_ns + 100010);
	tap_ok(!tick(v), "an hrtimer that is early waits on");
	advance_to(now_ns + 60010);
	tap_ok(tick(v), "until the guest's TSC is there");
	lapic_set_tsc_deadline(v, tsc(v) + 100000);
	v->arch.tsc_offset += 200000;
	lapic_tsc_changed(v);
	tap_ok(tick(v), "a TSC that jumps over the deadline fires it");

	lapic_set_tsc_deadline(v, tsc(v) + 100000);
	reg_w(v, APIC_LVTT, ONESHOT);
	advance_to(now_ns + MS);
	tap_ok(!tick(v) && lapic_get_tsc_deadline(v) == 0, "leaving the mode disarms");
	lapic_set_tsc_deadline(v, tsc(v) + 100000);
	advance_to(now_ns + MS);
	tap_ok(!tick(v), "the MSR is ignored in other modes");
	reg_w(v, APIC_TMICT, 100000);
	reg_w(v, APIC_LVTT, DEADLINE);
	advance_to(now_ns + MS);
	tap_ok(!tick(v) && reg_r(v, APIC_TMICT) == 0, "entering the mode stops the count");
	v->arch.virtual_tsc_khz = 500000;
	lapic_set_tsc_deadline(v, tsc(v) + 100000);
	tap_ok(v->arch.apic->timer.hrtimer.expires - now_ns >= 200000 &&
	       v->arch.apic->timer.hrtimer.expires - now_ns <= 200001,
	       "a slower guest TSC takes longer");
	vm_free(vm);
}

/* The exit of the VMX-preemption timer, when its time has come. */
static bool hv_exit(struct mkvm_vcpu *v)
{
	if (!v->arch.hv_timer_tsc || rdtsc() < v->arch.hv_timer_tsc)
		return false;
	lapic_inject_timer(v);
	return true;
}

static void test_hv(void)
{
	struct mkvm_vcpu *v;
	struct mkvm_vm *vm = start(&v, DEADLINE);
	s64 t0;
	int i, got = 0;

	lapic_use_hv_timer(v);
	t0 = now_ns;
	lapic_set_tsc_deadline(v, tsc(v) + 1000);
	tap_ok(v->arch.hv_timer_tsc == (u64)t0 + 1000 && !v->arch.apic->timer.hrtimer.queued,
	       "preemption timer: set, no hrtimer");
	advance_to(t0 + 999);
	tap_ok(!hv_exit(v) && !lapic_timer_pending(v), "preemption timer: not early");
	advance_to(t0 + 1000);
	tap_ok(lapic_timer_pending(v) && hv_exit(v) && tick(v) &&
	       v->arch.hv_timer_tsc == LAPIC_NO_HV_TIMER, "preemption timer: fires once");

	t0 = now_ns;
	lapic_set_tsc_deadline(v, tsc(v) + 1000);
	lapic_timer_block(v);
	tap_ok(v->arch.hv_timer_tsc == LAPIC_NO_HV_TIMER, "blocked: an hrtimer takes over");
	advance_to(t0 + 1001);
	lapic_timer_unblock(v);
	tap_ok(v->kicks == 1 && tick(v), "and wakes");
	t0 = now_ns;
	lapic_set_tsc_deadline(v, tsc(v) + 1000);
	lapic_timer_block(v);
	advance_to(t0 + 500);
	lapic_timer_unblock(v);
	tap_ok(v->arch.hv_timer_tsc == (u64)t0 + 1000 && !v->arch.apic->timer.hrtimer.queued,
	       "woken by another: back to the preemption timer");
	lapic_timer_migrate(v);
	tap_ok(v->arch.hv_timer_tsc == (u64)t0 + 1000, "another CPU: the same time");

	reg_w(v, APIC_LVTT, PERIODIC);
	t0 = now_ns;
	reg_w(v, APIC_TMICT, 1000000);
	callbacks = 0;
	for (i = 0; i < 10000; i++) {
		advance_to(now_ns + US);
		hv_exit(v);
		got += tick(v);
		if (i == 5000)
			lapic_timer_block(v);
		if (i == 6500)
			lapic_timer_unblock(v);
	}
	tap_ok(got == 10 && callbacks == 1, "periodic through block and unblock: %d ticks", got);
	vm_free(vm);
}

static void test_state(void)
{
	struct mkvm_vcpu *v;
	struct mkvm_vm *vm = start(&v, PERIODIC);
	struct kvm_lapic_state s;
	s64 t0 = now_ns;
	u32 count;

	reg_w(v, APIC_TMICT, 1000000);
	advance_to(t0 + 400000);
	lapic_get_state(v, &s);
	memcpy(&count, s.regs + APIC_TMCCT, 4);
	tap_ok(count == 600000, "GET_LAPIC: current count");
	advance_to(t0 + 500 * MS);
	t0 = now_ns;
	lapic_set_state(v, &s);
	tap_ok(reg_r(v, APIC_TMCCT) == 600000 && !tick(v), "SET_LAPIC: the count goes on");
	advance_to(t0 + 600000);
	tap_ok(tick(v), "and fires");
	advance_to(t0 + 1600000);
	tap_ok(tick(v), "and has its period again");

	reg_w(v, APIC_LVTT, ONESHOT);
	reg_w(v, APIC_TMICT, 1000);
	advance_to(now_ns + US);
	tick(v);
	lapic_get_state(v, &s);
	lapic_set_state(v, &s);
	advance_to(now_ns + MS);
	tap_ok(!tick(v), "an expired one-shot does not fire again by GET and SET");
	reg_w(v, APIC_TMICT, 1000);
	now_ns += US;	/* due, but the hrtimer has not run */
	lapic_get_state(v, &s);
	tap_ok(s.regs[APIC_IRR + 0x71] == 0x10, "GET_LAPIC does not lose an expiry on its way");

	reg_w(v, APIC_LVTT, DEADLINE);
	tick(v);
	lapic_set_tsc_deadline(v, tsc(v) + MS);
	lapic_get_state(v, &s);
	lapic_set_state(v, &s);
	advance_to(now_ns + MS + 1);
	tap_ok(tick(v), "GET and SET keep an armed deadline");
	lapic_set_tsc_deadline(v, tsc(v) + MS);
	lapic_reset(v, true);
	advance_to(now_ns + 2 * MS);
	tap_ok(!tick(v) && !v->arch.apic->timer.hrtimer.queued, "INIT stops the timer");
	vm_free(vm);
}

int main(void)
{
	test_oneshot();
	test_divisors();
	test_periodic();
	test_deadline();
	test_hv();
	test_state();
	tap_ok(!preempt_count, "preemption is as it was");
	return tap_done();
}
