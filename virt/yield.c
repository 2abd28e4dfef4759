// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directed yield.
 *
 * A vCPU that spins (PAUSE-loop exiting) waits for one that holds a lock or owes an answer and
 * was scheduled out: its CPU goes to such a one. Relies on the scheduler's yield_to(), and on
 * vcpu->ready and vcpu->pid, which virt/vcpu.c keeps.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "virt/vcpu.h"
#include "virt/yield.h"

/**
 * mkvm_vcpu_yield_to() - give this CPU to a vCPU's thread
 * @vcpu: the vCPU
 *
 * Context: process, may sleep.
 * Return: true if its thread runs now, or ran meanwhile.
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
 * Goes round: each call begins behind the vCPU that was helped last.
 *
 * Context: process, may sleep.
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
	/* No vCPU of this VM waits for a CPU; other threads of the host may. */
	cond_resched();
}
