// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APIC timer: one-shot, periodic, TSC-deadline.
 *
 * SDM, "APIC Timer" and "TSC-Deadline Mode". The bus clock runs at 1 GHz as KVM's does, so a
 * count is a time in ns and the current count is computed, never kept. Expiry sets IRR right in
 * the hrtimer's callback. While the vCPU runs, the VMX-preemption timer can take the hrtimer's
 * place, see lapic_use_hv_timer(): it costs no host interrupt.
 *
 * Only the vCPU's thread changes the timer, and it cancels the hrtimer first: until it starts it
 * again no callback runs, so what the callback writes needs no lock. Preemption is off meanwhile,
 * because being scheduled in on another CPU changes the timer, too.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <asm/tsc.h>

#include "arch/x86/irq/lapic_internal.h"
#include "arch/x86/cpu/tsc.h"

/* A guest whose periodic timer ticks all the time would cost the host an interrupt each. */
static unsigned int min_timer_period_us = 200;
module_param(min_timer_period_us, uint, 0644);
MODULE_PARM_DESC(min_timer_period_us, "shortest period of a guest's periodic APIC timer (us)");

/* Longer than any guest waits; adding it to the current time does not overflow. */
#define MAX_TIMER_NS	(KTIME_MAX / 2)

/* The hrtimer was early by the guest's TSC: wait at least so long before looking again. */
#define MIN_RETRY_NS	1000

static u32 timer_mode(const struct mkvm_lapic *apic)
{
	return READ_ONCE(apic->timer.mode);
}

static u64 periodic_ns(const struct mkvm_lapic *apic)
{
	u64 shortest = (u64)READ_ONCE(min_timer_period_us) * NSEC_PER_USEC;

	return max3(apic->timer.period, shortest, 1ull);
}

static u32 guest_khz(const struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.virtual_tsc_khz ?: tsc_khz ?: 1;
}

/* Time that the guest's TSC takes for @ticks, rounded up. */
static s64 guest_ticks_to_ns(const struct mkvm_vcpu *vcpu, u64 ticks)
{
	u32 khz = guest_khz(vcpu);

	if (unlikely(ticks > U64_MAX / (2 * NSEC_PER_MSEC)))
		return div_u64(ticks, khz) >= MAX_TIMER_NS / NSEC_PER_MSEC ?
		       MAX_TIMER_NS : (s64)(div_u64(ticks, khz) * NSEC_PER_MSEC);
	return min_t(u64, div_u64(ticks * NSEC_PER_MSEC, khz) + 1, MAX_TIMER_NS);
}

/* May the timer's interrupt be accepted, and has the last one been taken? */
static bool tick_is_due(const struct mkvm_lapic *apic)
{
	u32 lvtt = lapic_get(apic, APIC_LVTT);

	return READ_ONCE(apic->mode) != LAPIC_DISABLED && READ_ONCE(apic->sw_enabled) &&
	       !(lvtt & APIC_LVT_MASKED) && (lvtt & APIC_VECTOR_MASK) >= 16 &&
	       (!lapic_vec_test(apic, APIC_IRR, lvtt & APIC_VECTOR_MASK) ||
		/* With APICv software does not learn when the processor takes the interrupt. */
		lapic_virtualized(apic->vcpu));
}

static enum hrtimer_restart deadline_reached(struct mkvm_lapic *apic)
{
	u64 deadline = READ_ONCE(apic->timer.tsc_deadline);
	u64 now = tsc_guest_now(apic->vcpu);

	if (!deadline)
		return HRTIMER_NORESTART;
	/* A clock that NTP slews runs ahead of the TSC: an interrupt before its time confuses. */
	if (unlikely(now < deadline)) {
		s64 ns = max_t(s64, guest_ticks_to_ns(apic->vcpu, deadline - now), MIN_RETRY_NS);

		hrtimer_set_expires(&apic->timer.hrtimer, ktime_add_ns(ktime_get(), ns));
		return HRTIMER_RESTART;
	}
	WRITE_ONCE(apic->timer.tsc_deadline, 0);
	lapic_local_irq(apic->vcpu, NULL, APIC_LVTT);
	return HRTIMER_NORESTART;
}

/* Hard interrupt context, any CPU. */
static enum hrtimer_restart lapic_timer_fn(struct hrtimer *hrtimer)
{
	struct lapic_timer *t = container_of(hrtimer, struct lapic_timer, hrtimer);
	struct mkvm_lapic *apic = container_of(t, struct mkvm_lapic, timer);
	u32 mode = timer_mode(apic);

	if (mode == LVTT_TSC_DEADLINE)
		return deadline_reached(apic);
	if (mode != LVTT_PERIODIC) {
		WRITE_ONCE(t->target, 0);
		lapic_local_irq(apic->vcpu, NULL, APIC_LVTT);
		return HRTIMER_NORESTART;
	}
	if (!lapic_local_irq(apic->vcpu, NULL, APIC_LVTT)) {
		/*
		 * The ticks are not taken: the vCPU is stopped, or has the entry masked. The timer
		 * rests until they are; the count goes on, because it is computed.
		 */
		WRITE_ONCE(t->parked, true);
		/* Pairs with the barriers before the calls of lapic_timer_unpark(). */
		smp_mb();
		if (!tick_is_due(apic))
			return HRTIMER_NORESTART;
		WRITE_ONCE(t->parked, false);
	}
	hrtimer_forward_now(hrtimer, ns_to_ktime(periodic_ns(apic)));
	WRITE_ONCE(t->target, ktime_to_ns(hrtimer_get_expires(hrtimer)));
	return HRTIMER_RESTART;
}

/* Cancel the hrtimer if it was started: true if it was still to fire. */
static bool cancel_hrtimer(struct lapic_timer *t)
{
	if (!t->started)
		return false;
	t->started = false;
	return hrtimer_cancel(&t->hrtimer);
}

static void disarm(struct mkvm_lapic *apic)
{
	cancel_hrtimer(&apic->timer);
	if (trace_kvm_hv_timer_state_enabled() &&
	    apic->vcpu->arch.hv_timer_tsc != LAPIC_NO_HV_TIMER)
		trace_kvm_hv_timer_state(apic->vcpu->id, 0);
	apic->vcpu->arch.hv_timer_tsc = LAPIC_NO_HV_TIMER;
	apic->timer.parked = false;
}

static void start_hrtimer(struct lapic_timer *t, s64 target)
{
	hrtimer_start(&t->hrtimer, ns_to_ktime(target), HRTIMER_MODE_ABS_PINNED_HARD);
	t->started = true;
}

/* Host TSC ticks in @ns, never more: an exit before its time looks again and waits on. */
static u64 ns_to_host_ticks(s64 ns)
{
	return mul_u64_u32_div(min_t(u64, ns, BIT_ULL(50)), tsc_khz, NSEC_PER_MSEC);
}

static void expire_now(struct mkvm_lapic *apic)
{
	if (timer_mode(apic) == LVTT_TSC_DEADLINE)
		WRITE_ONCE(apic->timer.tsc_deadline, 0);
	else if (timer_mode(apic) != LVTT_PERIODIC)
		WRITE_ONCE(apic->timer.target, 0);
	lapic_local_irq(apic->vcpu, apic->vcpu, APIC_LVTT);
}

static void arm_deadline(struct mkvm_lapic *apic)
{
	struct mkvm_vcpu *vcpu = apic->vcpu;
	struct lapic_timer *t = &apic->timer;
	u64 host, now, ticks;
	unsigned long flags;

	if (!t->tsc_deadline)
		return;
	/* Both clocks are read at one time. */
	local_irq_save(flags);
	host = rdtsc();
	now = tsc_guest_at(vcpu, host);
	if (t->tsc_deadline <= now) {
		expire_now(apic);
	} else {
		ticks = t->tsc_deadline - now;
		if (!t->hv || t->blocked) {
			start_hrtimer(t, ktime_get() + guest_ticks_to_ns(vcpu, ticks));
		} else {
			if (unlikely(vcpu->arch.tsc_scaling_ratio != TSC_RATIO_ONE))
				ticks = ns_to_host_ticks(guest_ticks_to_ns(vcpu, ticks));
			vcpu->arch.hv_timer_tsc = host + min_t(u64, ticks, S64_MAX);
		}
	}
	local_irq_restore(flags);
}

static void arm_target(struct mkvm_lapic *apic)
{
	struct lapic_timer *t = &apic->timer;
	unsigned long flags;
	s64 now;

	if (!t->target)
		return;
	if (!t->hv || t->blocked) {
		start_hrtimer(t, t->target);
		return;
	}
	local_irq_save(flags);
	now = ktime_get();
	apic->vcpu->arch.hv_timer_tsc = rdtsc() +
		(t->target > now ? ns_to_host_ticks(t->target - now) : 0);
	trace_kvm_hv_timer_state(apic->vcpu->id, 1);
	local_irq_restore(flags);
}

/* Start what is set up; nothing runs yet. May expire at once. */
static void arm(struct mkvm_lapic *apic)
{
	if (timer_mode(apic) == LVTT_TSC_DEADLINE)
		arm_deadline(apic);
	else
		arm_target(apic);
}

/* Bring the target of a periodic timer past @now: what was missed is one tick. */
static void skip_missed(struct mkvm_lapic *apic, s64 now)
{
	struct lapic_timer *t = &apic->timer;
	u64 period = periodic_ns(apic);

	if (t->target && t->target <= now)
		t->target += (div64_u64(now - t->target, period) + 1) * period;
}

/* Let a parked timer tick again. vCPU thread, interrupts may be off. */
void lapic_timer_unpark(struct mkvm_lapic *apic)
{
	preempt_disable();
	disarm(apic);
	if (timer_mode(apic) == LVTT_PERIODIC)
		skip_missed(apic, ktime_get());
	arm(apic);
	preempt_enable();
}

/* No callback runs from now on; lapic_timer_restore() starts anew. */
void lapic_timer_halt(struct mkvm_lapic *apic)
{
	preempt_disable();
	disarm(apic);
	preempt_enable();
}

void lapic_timer_stop(struct mkvm_lapic *apic)
{
	preempt_disable();
	disarm(apic);
	apic->timer.target = 0;
	apic->timer.tsc_deadline = 0;
	preempt_enable();
}

void lapic_timer_init(struct mkvm_lapic *apic)
{
	hrtimer_init(&apic->timer.hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
	apic->timer.hrtimer.function = lapic_timer_fn;
	apic->timer.divide = 2;
	apic->vcpu->arch.hv_timer_tsc = LAPIC_NO_HV_TIMER;
}

static bool time_has_come(const struct mkvm_lapic *apic)
{
	const struct lapic_timer *t = &apic->timer;
	u64 deadline;
	s64 target;

	if (timer_mode(apic) == LVTT_TSC_DEADLINE) {
		deadline = READ_ONCE(t->tsc_deadline);
		return deadline && tsc_guest_now(apic->vcpu) >= deadline;
	}
	target = READ_ONCE(t->target);
	return target && !READ_ONCE(t->parked) && ktime_get() >= target;
}

/**
 * lapic_timer_pending() - would lapic_inject_timer() find an interrupt that no hrtimer will bring?
 * @vcpu: the vCPU
 *
 * Context: vCPU thread.
 * Return: whether it would.
 */
bool lapic_timer_pending(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	/* While the vCPU blocks the hrtimer serves, and its callback tells of the expiry. */
	return apic && apic->timer.hv && !apic->timer.blocked && time_has_come(apic) &&
	       tick_is_due(apic);
}

/* The clocks of hv_timer_tsc and of the timer disagree a little: set the former anew. */
static void hv_timer_early(struct mkvm_lapic *apic)
{
	u64 due = apic->vcpu->arch.hv_timer_tsc;

	if (due == LAPIC_NO_HV_TIMER || due > rdtsc())
		return;
	apic->vcpu->arch.hv_timer_tsc = LAPIC_NO_HV_TIMER;
	arm(apic);
}

/**
 * lapic_inject_timer() - if the armed timer's time has come, turn it into an interrupt
 * @vcpu: the vCPU; without a LAPIC nothing is done
 *
 * For the exit of the VMX-preemption timer and for MKVM_REQ_LAPIC_TIMER. An hrtimer needs neither:
 * its callback sets IRR itself and requests MKVM_REQ_EVENT.
 *
 * Context: vCPU thread, interrupts may be off.
 */
void lapic_inject_timer(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (!apic)
		return;
	preempt_disable();
	if (likely(time_has_come(apic))) {
		disarm(apic);
		/* The callback may have run before disarm(). */
		if (time_has_come(apic)) {
			expire_now(apic);
			if (timer_mode(apic) == LVTT_PERIODIC)
				skip_missed(apic, ktime_get());
		}
		arm(apic);
	} else {
		hv_timer_early(apic);
	}
	preempt_enable();
}

/* The LVT timer register; @val has only valid bits. */
void lapic_timer_write_lvtt(struct mkvm_lapic *apic, u32 val)
{
	u32 old = timer_mode(apic);
	u32 new = val & LVTT_MODE_MASK;

	preempt_disable();
	/* An expiry that was due before goes by the old entry. */
	lapic_inject_timer(apic->vcpu);
	/* SDM, "TSC-Deadline Mode": a switch to or from it disarms the timer. */
	if (old != new && (old == LVTT_TSC_DEADLINE || new == LVTT_TSC_DEADLINE)) {
		lapic_timer_stop(apic);
		lapic_put(apic, APIC_TMICT, 0);
		apic->timer.period = 0;
	}
	WRITE_ONCE(apic->timer.mode, new);
	lapic_put(apic, APIC_LVTT, val);
	/* Pairs with lapic_timer_fn(), which parks, then looks at the entry. */
	smp_mb();
	if (READ_ONCE(apic->timer.parked))
		lapic_timer_unpark(apic);
	preempt_enable();
}

/* periodic_ns() raises a period that is too short, silently: interrupts may be off here. */
static void set_period(struct mkvm_lapic *apic)
{
	apic->timer.period = (u64)lapic_get(apic, APIC_TMICT) * apic->timer.divide;
}

/* The initial-count register: starts the count; 0 stops it. */
void lapic_timer_write_initial(struct mkvm_lapic *apic, u32 val)
{
	struct lapic_timer *t = &apic->timer;

	if (timer_mode(apic) == LVTT_TSC_DEADLINE) {
		/* SDM, "TSC-Deadline Mode": writes are ignored. */
		lapic_put(apic, APIC_TMICT, 0);
		return;
	}
	preempt_disable();
	lapic_inject_timer(apic->vcpu);
	disarm(apic);
	lapic_put(apic, APIC_TMICT, val);
	set_period(apic);
	t->target = !val ? 0 : ktime_get() +
		    (timer_mode(apic) == LVTT_PERIODIC ? periodic_ns(apic) : t->period);
	arm(apic);
	preempt_enable();
}

/* Current count: SDM, "APIC Timer". vCPU thread. */
u32 lapic_timer_current(struct mkvm_lapic *apic)
{
	struct lapic_timer *t = &apic->timer;
	s64 target = READ_ONCE(t->target);
	u64 remaining, rest;
	s64 now;

	if (!target || timer_mode(apic) == LVTT_TSC_DEADLINE)
		return 0;
	now = ktime_get();
	if (now < target) {
		remaining = target - now;
	} else if (timer_mode(apic) == LVTT_PERIODIC) {
		div64_u64_rem(now - target, periodic_ns(apic), &rest);
		remaining = periodic_ns(apic) - rest;
	} else {
		return 0;
	}
	return min_t(u64, div_u64(remaining, t->divide), lapic_get(apic, APIC_TMICT));
}

/* The timer runs: its count keeps its value and changes its pace. */
static void change_pace(struct mkvm_lapic *apic, u32 divide)
{
	struct lapic_timer *t = &apic->timer;
	u32 count;

	lapic_inject_timer(apic->vcpu);
	count = lapic_timer_current(apic);
	disarm(apic);
	t->divide = divide;
	set_period(apic);
	/* The callback may have ended a one-shot just before disarm(). */
	if (t->target)
		t->target = ktime_get() + (u64)count * divide;
	arm(apic);
}

/* The divide-configuration register. */
void lapic_timer_write_divide(struct mkvm_lapic *apic, u32 val)
{
	struct lapic_timer *t = &apic->timer;
	u32 code = (val & 3) | (val & 8) >> 1;
	u32 divide = 1u << ((code + 1) & 7);

	lapic_put(apic, APIC_TDCR, val);
	if (divide == t->divide)
		return;
	preempt_disable();
	if (timer_mode(apic) == LVTT_TSC_DEADLINE || !READ_ONCE(t->target)) {
		t->divide = divide;
		set_period(apic);
	} else {
		change_pace(apic, divide);
	}
	preempt_enable();
}

static void restore(struct mkvm_lapic *apic, u32 current_count)
{
	struct lapic_timer *t = &apic->timer;
	u32 initial = lapic_get(apic, APIC_TMICT);
	u64 rest;

	disarm(apic);
	WRITE_ONCE(t->mode, lapic_get(apic, APIC_LVTT) & LVTT_MODE_MASK);
	t->divide = 0;		/* whatever it was, compute it anew */
	t->target = 0;
	lapic_timer_write_divide(apic, lapic_get(apic, APIC_TDCR));
	if (timer_mode(apic) == LVTT_TSC_DEADLINE) {
		arm_deadline(apic);
		return;
	}
	t->tsc_deadline = 0;
	rest = (u64)min(current_count, initial) * t->divide;
	if (!rest && initial && timer_mode(apic) == LVTT_PERIODIC)
		rest = periodic_ns(apic);
	if (rest)
		t->target = ktime_get() + rest;
	arm(apic);
}

/*
 * KVM_SET_LAPIC: the registers are in place, the count stands at @current_count. As in KVM an
 * armed IA32_TSC_DEADLINE stays armed; userspace writes that MSR by itself.
 */
void lapic_timer_restore(struct mkvm_lapic *apic, u32 current_count)
{
	preempt_disable();
	restore(apic, current_count);
	preempt_enable();
}

/**
 * lapic_get_tsc_deadline() - RDMSR of IA32_TSC_DEADLINE
 * @vcpu: the vCPU
 *
 * Return: in ticks of the guest's TSC; 0 unless the timer is in TSC-deadline mode.
 */
u64 lapic_get_tsc_deadline(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (!apic || timer_mode(apic) != LVTT_TSC_DEADLINE)
		return 0;
	/*
	 * Past its time it is 0 only when the interrupt is in IRR: userspace that saves the one
	 * and then the other must find the expiry in one of them.
	 */
	return READ_ONCE(apic->timer.tsc_deadline);
}

/**
 * lapic_set_tsc_deadline() - WRMSR of IA32_TSC_DEADLINE
 * @vcpu: the vCPU
 * @deadline: guest TSC at which the interrupt comes; at once if it is past; 0 disarms
 *
 * Ignored unless LVT timer says TSC-deadline mode. Context: vCPU thread, interrupts may be off.
 */
void lapic_set_tsc_deadline(struct mkvm_vcpu *vcpu, u64 deadline)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (!apic || timer_mode(apic) != LVTT_TSC_DEADLINE)
		return;
	preempt_disable();
	disarm(apic);
	/* What fell due before this write is not lost by it. */
	if (unlikely(time_has_come(apic)))
		expire_now(apic);
	apic->timer.tsc_deadline = deadline;
	arm_deadline(apic);
	preempt_enable();
}

/**
 * lapic_tsc_changed() - the guest's TSC jumped (KVM_SET_MSRS, WRMSR)
 * @vcpu: the vCPU
 *
 * In TSC-deadline mode the timer looks again when its time comes.
 */
void lapic_tsc_changed(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (!apic || timer_mode(apic) != LVTT_TSC_DEADLINE)
		return;
	preempt_disable();
	disarm(apic);
	arm_deadline(apic);
	preempt_enable();
}

/**
 * lapic_timer_migrate() - the vCPU is loaded on another CPU than before
 * @vcpu: the vCPU; without a LAPIC nothing is done
 *
 * The hrtimer comes along.
 *
 * Context: preemption off.
 */
void lapic_timer_migrate(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (!apic)
		return;
	preempt_disable();
	if (cancel_hrtimer(&apic->timer)) {
		hrtimer_start_expires(&apic->timer.hrtimer, HRTIMER_MODE_ABS_PINNED_HARD);
		apic->timer.started = true;
	} else if (vcpu->arch.hv_timer_tsc != LAPIC_NO_HV_TIMER) {
		/* The other CPU's TSC may differ. */
		vcpu->arch.hv_timer_tsc = LAPIC_NO_HV_TIMER;
		arm(apic);
	}
	preempt_enable();
}

/**
 * lapic_use_hv_timer() - let the VMX-preemption timer serve while the vCPU runs
 * @vcpu: the vCPU, before it first runs; without a LAPIC nothing is done
 *
 * From then on vcpu->arch.hv_timer_tsc is the host TSC at which the guest must exit, or
 * LAPIC_NO_HV_TIMER. The exit calls lapic_inject_timer(). While the vCPU blocks in HLT, between
 * lapic_timer_block() and lapic_timer_unblock(), an hrtimer wakes it.
 */
void lapic_use_hv_timer(struct mkvm_vcpu *vcpu)
{
	if (vcpu->arch.apic)
		vcpu->arch.apic->timer.hv = true;
}

/**
 * lapic_timer_block() - the vCPU's thread is about to sleep in HLT
 * @vcpu: the vCPU, loaded
 *
 * Context: vCPU thread, process.
 */
void lapic_timer_block(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (!apic || !apic->timer.hv)
		return;
	preempt_disable();
	apic->timer.blocked = true;
	if (vcpu->arch.hv_timer_tsc != LAPIC_NO_HV_TIMER) {
		disarm(apic);
		arm(apic);
	}
	preempt_enable();
}

/**
 * lapic_timer_unblock() - the vCPU's thread has slept, or did not need to
 * @vcpu: the vCPU, loaded
 *
 * Context: vCPU thread, process.
 */
void lapic_timer_unblock(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (!apic || !apic->timer.hv)
		return;
	preempt_disable();
	apic->timer.blocked = false;
	if (cancel_hrtimer(&apic->timer))
		arm(apic);
	else if (unlikely(READ_ONCE(apic->timer.parked)))
		lapic_timer_unpark(apic);
	preempt_enable();
}
