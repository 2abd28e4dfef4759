// SPDX-License-Identifier: GPL-2.0-only
/*
 * Polling for the end of a halt.
 *
 * A vCPU that halts may get its interrupt within microseconds. So its thread polls for a while
 * before it sleeps, unless another thread of the host could use the CPU. How long it polls follows
 * from how long its last halts were. The loop itself, which knows what ends a halt, is x86's
 * (arch/x86/run/halt.c). Relies on the scheduler's single_task_running().
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>

#include "trace/kvm_events.h"
#include "trace/minikvm_events.h"
#include "virt/halt.h"
#include "virt/latency.h"
#include "virt/state.h"
#include "virt/vcpu.h"

static unsigned int halt_poll_ns = 200000;
module_param(halt_poll_ns, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns,
		 "longest time in ns that a halted vCPU looks for an interrupt before it sleeps (0 = off)");

/* The first step of a vCPU's own limit, which doubles from there and falls back to 0. */
#define HALT_POLL_FIRST_NS	10000u

/* How long vCPUs of a VM may poll: what KVM_CAP_HALT_POLL said, else the module's parameter. */
static unsigned int halt_poll_limit(const struct mkvm_vm *vm)
{
	s64 own = READ_ONCE(vm->halt_poll_limit);

	return own < 0 ? READ_ONCE(halt_poll_ns) : own;
}

/**
 * mkvm_halt_begin() - a vCPU halts
 * @vcpu: the vCPU, whose thread this is
 * @halt: filled in
 */
void mkvm_halt_begin(struct mkvm_vcpu *vcpu, struct mkvm_halt *halt)
{
	mkvm_phase(vcpu, MKVM_PHASE_HALTED);
	trace_minikvm_vcpu_state(vcpu->vm->number, vcpu->id, MKVM_STATE_RUNNING,
				 MKVM_STATE_PENDING, MKVM_WHY_HALT);
	halt->start = ktime_get_ns();
	halt->polled_ns = 0;
	halt->poll_ns = vcpu->no_halt_poll ? 0 :
			min(vcpu->halt_poll_ns, halt_poll_limit(vcpu->vm));
	if (halt->poll_ns)
		vcpu->stats.halt_attempts++;
}

/**
 * mkvm_halt_polls_on() - may the thread of a halted vCPU look once more before it sleeps?
 * @halt: what mkvm_halt_begin() filled in, with a poll_ns other than 0
 *
 * Return: false if the time is over, or another thread could use this CPU.
 */
bool mkvm_halt_polls_on(struct mkvm_halt *halt)
{
	cpu_relax();
	halt->polled_ns = ktime_get_ns() - halt->start;
	return single_task_running() && !need_resched() && halt->polled_ns < halt->poll_ns;
}

/**
 * mkvm_halt_end() - a halt is over: learn from how long it was
 * @vcpu: the vCPU, whose thread this is
 * @halt: what mkvm_halt_begin() filled in
 * @slept: the thread did not find the event while it polled
 *
 * A halt that longer polling would have ended makes the next polling longer; after a long sleep
 * there is none. What counts is the time until the event, not until the thread ran.
 */
void mkvm_halt_end(struct mkvm_vcpu *vcpu, const struct mkvm_halt *halt, bool slept)
{
	unsigned int max = halt_poll_limit(vcpu->vm), old = vcpu->halt_poll_ns;
	u64 woken = slept ? READ_ONCE(vcpu->woken_ns) : 0;
	u64 ns = (woken > halt->start ? woken : ktime_get_ns()) - halt->start;
	u64 polled = slept ? min(halt->polled_ns, ns) : ns;

	if (slept) {
		vcpu->stats.halt_poll_fail_ns += polled;
		vcpu->stats.halt_wait_ns += ns - polled;
	} else {
		vcpu->stats.halt_polls++;
		vcpu->stats.halt_poll_success_ns += polled;
	}
	trace_minikvm_vcpu_state(vcpu->vm->number, vcpu->id, MKVM_STATE_PENDING,
				 MKVM_STATE_RUNNING, MKVM_WHY_HALT);
	if (mkvm_latency_on()) {
		mkvm_latency_halt(vcpu, slept, polled, ns - polled);
		mkvm_latency_phase(vcpu, MKVM_PHASE_SLOW_PATH);
	}
	if (ns > max)
		vcpu->halt_poll_ns = 0;
	else if (ns > vcpu->halt_poll_ns)
		vcpu->halt_poll_ns = min(max, max(vcpu->halt_poll_ns * 2, HALT_POLL_FIRST_NS));
	if (vcpu->halt_poll_ns != old)
		trace_kvm_halt_poll_ns(vcpu->halt_poll_ns > old, vcpu->id, vcpu->halt_poll_ns, old);
}
