// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs that wait: for each other, and for an interrupt.
 *
 * A vCPU that spins (PAUSE-loop exiting) waits for one that holds a lock or owes an answer and
 * was scheduled out: the CPU goes to such a one. A vCPU that halts may get its interrupt within
 * microseconds: before its thread sleeps it looks for a while, unless another thread of the
 * host could use the CPU. Relies on the scheduler's yield_to() and single_task_running().
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>

#include "virt/spin.h"

static unsigned int halt_poll_ns = 200000;
module_param(halt_poll_ns, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns,
		 "longest time in ns that a halted vCPU looks for an interrupt before it sleeps (0 = off)");

/* The longest look of a VM's vCPUs: what KVM_CAP_HALT_POLL said, else the parameter. */
static unsigned int halt_poll_limit(const struct mkvm_vm *vm)
{
	s64 own = READ_ONCE(vm->halt_poll_limit);

	return own < 0 ? READ_ONCE(halt_poll_ns) : own;
}

/* The first step of a vCPU's own limit, which doubles from there and falls back to 0. */
#define HALT_POLL_FIRST_NS	10000u

/**
 * mkvm_vcpu_yield_to() - give this CPU to a vCPU's thread
 * @vcpu: the vCPU
 *
 * Return: true if its thread runs now, or ran meanwhile. Context: process, may sleep.
 */
bool mkvm_vcpu_yield_to(struct mkvm_vcpu *vcpu)
{
	struct task_struct *task;
	struct pid *pid;
	int ret = 0;

	rcu_read_lock();
	pid = rcu_dereference(vcpu->pid);
	task = pid ? get_pid_task(pid, PIDTYPE_PID) : NULL;
	rcu_read_unlock();
	if (task) {
		ret = yield_to(task, true);
		put_task_struct(task);
	}
	return ret > 0;
}

/**
 * mkvm_vcpu_on_spin() - a vCPU spins: let one run that it may be waiting for
 * @me: the vCPU, whose thread this is
 *
 * Goes round: each call begins behind the vCPU that was helped last. Context: process, may sleep.
 */
void mkvm_vcpu_on_spin(struct mkvm_vcpu *me)
{
	struct mkvm_vm *vm = me->vm;
	int n = mkvm_online_vcpus(vm), first = READ_ONCE(vm->last_boosted), k, i;

	for (k = 1; k <= n; k++) {
		struct mkvm_vcpu *vcpu;

		i = (first + k) % n;
		vcpu = vm->vcpus[i];
		if (vcpu != me && READ_ONCE(vcpu->ready) && mkvm_vcpu_yield_to(vcpu)) {
			WRITE_ONCE(vm->last_boosted, i);
			me->stats.directed_yields++;
			return;
		}
	}
	/* Nobody of ours waits for a CPU; others of the host may. */
	cond_resched();
}

/**
 * mkvm_halt_poll() - look for a reason to go on before the thread sleeps
 * @vcpu: the vCPU, whose thread this is
 * @ends: says whether there is one
 *
 * Return: true if there is one.
 */
bool mkvm_halt_poll(struct mkvm_vcpu *vcpu, bool (*ends)(struct mkvm_vcpu *vcpu))
{
	unsigned int limit = min(vcpu->halt_poll_ns, halt_poll_limit(vcpu->vm));
	u64 start;

	if (!limit || vcpu->no_halt_poll)
		return false;
	start = ktime_get_ns();
	do {
		if (ends(vcpu)) {
			vcpu->stats.halt_polls++;
			return true;
		}
		cpu_relax();
	} while (single_task_running() && !need_resched() && ktime_get_ns() - start < limit);
	return false;
}

/**
 * mkvm_halt_poll_adapt() - learn from how long a vCPU halted
 * @vcpu: the vCPU
 * @ns: how long after its halt the event came that ended it, nanoseconds
 *
 * A halt that a longer look would have ended makes the next look longer; a long sleep makes it
 * pointless.
 */
void mkvm_halt_poll_adapt(struct mkvm_vcpu *vcpu, u64 ns)
{
	unsigned int max = halt_poll_limit(vcpu->vm);

	if (ns > max)
		vcpu->halt_poll_ns = 0;
	else if (ns > vcpu->halt_poll_ns)
		vcpu->halt_poll_ns = min(max, max(vcpu->halt_poll_ns * 2, HALT_POLL_FIRST_NS));
}
