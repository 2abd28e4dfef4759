// SPDX-License-Identifier: GPL-2.0-only
/*
 * In which state a VM or a vCPU is.
 *
 * No state is kept: it follows from what exists anyway (the thread that ran the vCPU last, its
 * mutex, what the preempt notifier wrote, the address space, the mark of a dead VM), and is
 * computed when somebody asks. So it costs a running guest nothing. A vCPU that changes its state
 * meanwhile is shown in the old or the new one. Documentation/statistics.rst has the diagram.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/rcuwait.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>

#include "trace/minikvm_events.h"
#include "virt/arch.h"
#include "virt/state.h"

/* The address space is gone with its last thread: no ioctl can be issued any more. */
static bool owner_is_gone(const struct mkvm_vm *vm)
{
	return !atomic_read(&vm->mm->mm_users);
}

/* Is there the thread that ran the vCPU last? @ran: there was one. */
static bool runner_lives(struct mkvm_vcpu *vcpu, bool *ran)
{
	struct task_struct *task;
	struct pid *pid;
	bool lives;

	rcu_read_lock();
	pid = rcu_dereference(vcpu->pid);
	task = pid ? pid_task(pid, PIDTYPE_PID) : NULL;
	lives = task && !READ_ONCE(task->exit_state);
	rcu_read_unlock();
	*ran = pid;
	return lives;
}

static enum mkvm_state pending(enum mkvm_why *why, enum mkvm_why reason)
{
	*why = reason;
	return MKVM_STATE_PENDING;
}

/* A thread is in an ioctl of the vCPU's: in KVM_RUN, for all others are short. */
static enum mkvm_state state_in_run(struct mkvm_vcpu *vcpu, enum mkvm_why *why)
{
	if (rcuwait_active(&vcpu->wait))
		return pending(why, MKVM_WHY_HALT);
	if (READ_ONCE(vcpu->preempted))
		return READ_ONCE(vcpu->ready) ? MKVM_STATE_READY : pending(why, MKVM_WHY_FAULT);
	if (READ_ONCE(vcpu->mode) == MKVM_OUTSIDE_GUEST &&
	    READ_ONCE(vcpu->requests) & ~BIT(MKVM_REQ_EVENT))
		return pending(why, MKVM_WHY_REQUEST);
	return MKVM_STATE_RUNNING;
}

/**
 * mkvm_vcpu_state() - the state of a vCPU
 * @vcpu: the vCPU
 * @why: of MKVM_STATE_PENDING: for what it waits
 *
 * Context: any that may sleep or not; no lock.
 * Return: the state.
 */
enum mkvm_state mkvm_vcpu_state(struct mkvm_vcpu *vcpu, enum mkvm_why *why)
{
	bool ran, lives = runner_lives(vcpu, &ran);

	*why = MKVM_WHY_NONE;
	if (READ_ONCE(vcpu->vm->dead))
		return MKVM_STATE_DEAD;
	if (owner_is_gone(vcpu->vm))
		return MKVM_STATE_ZOMBIE;
	if (arch_vcpu_waits_for_start(vcpu))
		return MKVM_STATE_INIT;
	if (mutex_is_locked(&vcpu->mutex))
		return state_in_run(vcpu, why);
	if (!ran)
		return MKVM_STATE_READY;
	return lives ? pending(why, MKVM_WHY_USERSPACE) : MKVM_STATE_ZOMBIE;
}

/* What a VM is in, when its vCPUs are in several states: the first of these. */
static const enum mkvm_state by_weight[] = {
	MKVM_STATE_RUNNING, MKVM_STATE_READY, MKVM_STATE_PENDING, MKVM_STATE_ZOMBIE,
	MKVM_STATE_INIT,
};

/**
 * mkvm_vm_state() - the state of a VM
 * @vm: the VM
 * @why: of MKVM_STATE_PENDING: for what the first such vCPU waits
 *
 * It runs if a vCPU runs, is ready if one is ready, and so on.
 *
 * Context: as mkvm_vcpu_state().
 * Return: the state.
 */
enum mkvm_state mkvm_vm_state(struct mkvm_vm *vm, enum mkvm_why *why)
{
	enum mkvm_why first = MKVM_WHY_NONE;
	struct mkvm_vcpu *vcpu;
	unsigned long seen = 0;
	unsigned int k;
	int i;

	*why = MKVM_WHY_NONE;
	if (READ_ONCE(vm->dead))
		return MKVM_STATE_DEAD;
	if (owner_is_gone(vm))
		return MKVM_STATE_ZOMBIE;
	mkvm_for_each_vcpu(i, vcpu, vm) {
		enum mkvm_why reason;

		seen |= BIT(mkvm_vcpu_state(vcpu, &reason));
		first = first ?: reason;
	}
	for (k = 0; k < ARRAY_SIZE(by_weight); k++)
		if (seen & BIT(by_weight[k]))
			break;
	if (k == ARRAY_SIZE(by_weight))
		return MKVM_STATE_INIT;
	if (by_weight[k] == MKVM_STATE_PENDING)
		*why = first;
	return by_weight[k];
}

/**
 * mkvm_state_trace_zombie() - trace that a VM and its vCPUs are zombies from now on
 * @vm: the VM, whose address space goes or whose notifier does
 *
 * Says nothing where the owner lives. What they come from is the state that was traced last: no
 * thread is in KVM_RUN any more.
 *
 * Context: process, once in the life of a VM.
 */
void mkvm_state_trace_zombie(struct mkvm_vm *vm)
{
	struct mkvm_vcpu *vcpu;
	int i;

	if (!owner_is_gone(vm) || READ_ONCE(vm->dead))
		return;
	trace_minikvm_vm_state(vm->number, vm->owner_pid, MKVM_STATE_READY, MKVM_STATE_ZOMBIE);
	mkvm_for_each_vcpu(i, vcpu, vm) {
		enum mkvm_state from = arch_vcpu_waits_for_start(vcpu) ? MKVM_STATE_INIT :
				       rcu_access_pointer(vcpu->pid) ? MKVM_STATE_PENDING :
								       MKVM_STATE_READY;

		trace_minikvm_vcpu_state(vm->number, vcpu->id, from, MKVM_STATE_ZOMBIE,
					 MKVM_WHY_NONE);
	}
}

/**
 * mkvm_state_show() - print the line "state NAME [WHY]"
 * @m: where to
 * @state: the state
 * @why: for what it waits
 */
void mkvm_state_show(struct seq_file *m, enum mkvm_state state, enum mkvm_why why)
{
	static const char *const states[] = {
		"init", "ready", "running", "pending", "zombie", "dead"
	};
	static const char *const whys[] = { "", " halt", " fault", " userspace", " request" };

	seq_printf(m, "state %s%s\n", states[state], whys[why]);
}

#define MAX_HOLDERS	16

static int is_of_vm(const void *ctx, struct file *file, unsigned int fd)
{
	const struct mkvm_vm *vm = ctx;
	int i;

	if (!file->f_op || file->f_op->owner != THIS_MODULE)
		return 0;
	if (file->private_data == vm)
		return 1;
	for (i = 0; i < READ_ONCE(vm->online_vcpus); i++)
		if (file->private_data == vm->vcpus[i])
			return 1;
	return 0;
}

/**
 * mkvm_vm_holders_show() - print the processes that have a descriptor of a VM: "holder PID NAME"
 * @m: where to
 * @vm: the VM
 *
 * Names at most MAX_HOLDERS. Not found are descriptors that are on their way through a socket, and
 * mappings of kvm_run whose descriptor is closed.
 *
 * Context: process; looks at every process.
 */
void mkvm_vm_holders_show(struct seq_file *m, struct mkvm_vm *vm)
{
	char name[TASK_COMM_LEN];
	struct task_struct *task;
	int found = 0;

	rcu_read_lock();
	for_each_process(task) {
		bool holds;

		task_lock(task);
		holds = task->files && iterate_fd(task->files, 0, is_of_vm, vm);
		task_unlock(task);
		if (!holds)
			continue;
		if (found++ == MAX_HOLDERS) {
			seq_puts(m, "holder and others\n");
			break;
		}
		get_task_comm(name, task);
		seq_printf(m, "holder %d ", task_tgid_nr(task));
		seq_escape(m, name, "\n\\");
		seq_putc(m, '\n');
	}
	rcu_read_unlock();
}
