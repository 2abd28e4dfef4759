// SPDX-License-Identifier: GPL-2.0-only
/*
 * How other threads and interrupts get the attention of a vCPU.
 *
 * They set a request bit and kick. The kick wakes the vCPU's thread if it sleeps in HLT, and sends
 * an IPI if the vCPU runs guest code; it does nothing if the thread is on its way to look at its
 * requests anyway. Relies on the vCPU to write vcpu->mode, with a full barrier, before it looks at
 * vcpu->requests for the last time with interrupts off: either it sees the request, or the kick
 * sees MKVM_IN_GUEST.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/smp.h>
#include <trace/events/ipi.h>

#include "trace/minikvm_events.h"
#include "virt/request.h"
#include "virt/state.h"

/**
 * mkvm_vcpu_wake_up() - wake a vCPU's thread if it sleeps in HLT
 * @vcpu: the vCPU
 *
 * Context: any.
 * Return: true if it slept.
 */
bool mkvm_vcpu_wake_up(struct mkvm_vcpu *vcpu)
{
	/* Written before the wake-up, so that the thread reads the time of this sleep's end. */
	if (rcuwait_active(&vcpu->wait))
		WRITE_ONCE(vcpu->woken_ns, ktime_get_ns());
	if (!rcuwait_wake_up(&vcpu->wait))
		return false;
	WRITE_ONCE(vcpu->ready, true);
	return true;
}

/**
 * mkvm_vcpu_kick() - make a vCPU look at its requests
 * @vcpu: the vCPU
 *
 * Does not wait until it has looked.
 *
 * Context: any, including hard interrupt.
 */
void mkvm_vcpu_kick(struct mkvm_vcpu *vcpu)
{
	int cpu, me;

	if (mkvm_vcpu_wake_up(vcpu))
		return;
	me = get_cpu();
	/*
	 * In guest mode on another CPU, any interrupt makes it exit, and it looks at its requests
	 * before it enters again. Only the first of many kicks needs to send one. On this CPU
	 * the caller is an interrupt that made it exit, or is the vCPU's thread itself.
	 */
	if (cmpxchg(&vcpu->mode, MKVM_IN_GUEST, MKVM_EXITING_GUEST) == MKVM_IN_GUEST) {
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu != me && cpu >= 0 && cpu < nr_cpu_ids && cpu_online(cpu))
			smp_send_reschedule(cpu);
	}
	put_cpu();
}

/**
 * mkvm_request_all_async() - put a request to every vCPU of a VM and do not wait
 * @vm: the VM
 * @req: the request
 *
 * Context: any.
 */
void mkvm_request_all_async(struct mkvm_vm *vm, enum mkvm_request req)
{
	struct mkvm_vcpu *vcpu;
	int i;

	mkvm_for_each_vcpu(i, vcpu, vm) {
		mkvm_make_request(req, vcpu);
		mkvm_vcpu_kick(vcpu);
	}
}

static void acknowledge(void *unused)
{
}

/**
 * mkvm_make_all_request() - put a request to every vCPU of a VM and get all out of the guest
 * @vm: the VM
 * @req: the request
 *
 * On return no vCPU runs guest code that was entered before the call, so memory that only
 * stale TLB entries could reach may be freed after a MKVM_REQ_TLB_FLUSH.
 *
 * Context: process or softirq with interrupts on; may hold vm->mmu_lock.
 */
void mkvm_make_all_request(struct mkvm_vm *vm, enum mkvm_request req)
{
	struct mkvm_vcpu *vcpu;
	cpumask_var_t mask;
	int i, cpu, me;
	bool in_guest = false, have_mask = false;

	me = get_cpu();
	mkvm_for_each_vcpu(i, vcpu, vm) {
		mkvm_make_request(req, vcpu);
		/* Pairs with smp_store_mb() of vcpu->mode: it sees the request or we the mode. */
		smp_mb__after_atomic();
		if (READ_ONCE(vcpu->mode) == MKVM_OUTSIDE_GUEST)
			continue;
		/* Without memory for a mask every CPU is interrupted, which is slow and right. */
		if (!in_guest)
			have_mask = zalloc_cpumask_var(&mask, GFP_ATOMIC);
		in_guest = true;
		cpu = READ_ONCE(vcpu->cpu);
		if (have_mask && cpu >= 0 && cpu != me)
			__cpumask_set_cpu(cpu, mask);
	}
	if (in_guest && !have_mask)
		smp_call_function_many(cpu_online_mask, acknowledge, NULL, true);
	else if (in_guest && !cpumask_empty(mask))
		smp_call_function_many(mask, acknowledge, NULL, true);
	put_cpu();
	if (have_mask)
		free_cpumask_var(mask);
}

/**
 * mkvm_vm_kill() - end a VM after a bug: the host goes on, the VM does not
 * @vm: the VM
 * @why: static string, shown in the log and in debugfs
 *
 * Every vCPU leaves guest mode; every later ioctl returns -EIO.
 *
 * Context: interrupts on, for it prints a line; preemption may be off.
 */
void mkvm_vm_kill(struct mkvm_vm *vm, const char *why)
{
	if (xchg(&vm->dead, true))
		return;
	WRITE_ONCE(vm->dead_reason, why);
	trace_minikvm_vm_state(vm->number, vm->owner_pid, MKVM_STATE_RUNNING, MKVM_STATE_DEAD);
	pr_err_ratelimited("vm %s is dead: %s\n", vm->name, why);
	mkvm_request_all_async(vm, MKVM_REQ_VM_DEAD);
}
