// SPDX-License-Identifier: GPL-2.0-only
/*
 * Posted interrupts: how an interrupt reaches a vCPU that runs, waits for a CPU, or halts.
 *
 * SDM, "Posted-Interrupt Processing"; VT-d specification, "Interrupt Posting". A sender sets a bit
 * of PIR, then ON, and if ON was clear sends the notification vector NV to the CPU NDST. What that
 * does depends on where the vCPU is, so NV, NDST and SN change as its thread is scheduled:
 *
 *              posted_put()
 *    RUNNING ---------------> PREEMPTED     RUNNING    NV = POSTED_INTR_VECTOR, NDST = its CPU,
 *     |   ^  <---------------               SN = 0: the processor takes PIR over and delivers it,
 *     |   |    posted_load()                without an exit; if it is in the host just then, the
 *     |   |                                 vector's handler does nothing and the next entry looks
 *     |   | posted_unblock()                PREEMPTED  SN = 1: no notification; posted_load()
 *     |   |                                 finds what came
 *     v   |                                 HALTED     NV = POSTED_INTR_WAKEUP_VECTOR, SN = 0, and
 *    HALTED    posted_block()               the vCPU is in the list of the CPU NDST, whose handler
 *                                           wakes those that have ON
 *
 * The module's own senders follow PIR and ON, but notify as vcpu->mode tells, which is always up to
 * date. Both vectors belong to the kernel, which has them for KVM and exports their use.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/bitmap.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <asm/apic.h>
#include <asm/irq.h>
#include <asm/irq_vectors.h>

#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/posted.h"
#include "arch/x86/vmx/vmx.h"
#include "compat/compat.h"
#include "trace/minikvm_events.h"

/* vCPUs that halt and have this CPU as their NDST. */
struct halted_list {
	raw_spinlock_t lock;
	struct list_head vcpus;
};

static DEFINE_PER_CPU(struct halted_list, halted_list);

/* NDST for a CPU: x2APIC IDs whole; in xAPIC mode the ID stands in its bits 15:8. */
u64 posted_destination(int cpu)
{
	u32 id = per_cpu(x86_cpu_to_apicid, cpu);

	return (u64)(x2apic_mode ? id : id << 8 & 0xff00) << POSTED_NDST_SHIFT;
}

/* Change all of @control but ON, which others may be setting. */
static void set_control(struct posted_desc *desc, u64 control)
{
	unsigned long old = READ_ONCE(desc->control);

	while (!try_cmpxchg(&desc->control, &old, control | (old & BIT(POSTED_ON))))
		;
}

/* Devices did not set ON while SN was set: set it if PIR has a bit. */
static void look_at_requests(struct posted_desc *desc)
{
	/* SN is clear before PIR is read: a device that posts after this sets ON itself. */
	smp_mb__after_atomic();
	if (!bitmap_empty(desc->pir, 256))
		set_bit(POSTED_ON, &desc->control);
}

/**
 * posted_create() - a vCPU's descriptor, if APICv is used
 * @vcpu: the vCPU; it has a LAPIC
 *
 * A page of its own: 64-byte alignment would do, but there are processors that want more (the
 * Bochs of the lab), and remapping hardware is given pages.
 *
 * Return: 0 or -ENOMEM.
 */
int posted_create(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.posted_cpu = -1;
	if (!vmx_caps.apicv)
		return 0;
	vcpu->arch.posted = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->arch.posted)
		return -ENOMEM;
	vcpu->arch.posted->control = BIT(POSTED_SN);
	return 0;
}

/**
 * posted_destroy() - undo posted_create()
 * @vcpu: the vCPU, which no sender can reach any more
 */
void posted_destroy(struct mkvm_vcpu *vcpu)
{
	free_page((unsigned long)vcpu->arch.posted);
	vcpu->arch.posted = NULL;
}

static void notify(struct mkvm_vcpu *vcpu)
{
	int cpu, me;

	/* Pairs with the store of vcpu->mode in enter_guest(), after which ON is read. */
	smp_mb__after_atomic();
	if (READ_ONCE(vcpu->mode) != MKVM_IN_GUEST) {
		mkvm_vcpu_wake_up(vcpu);
		return;
	}
	me = get_cpu();
	cpu = READ_ONCE(vcpu->cpu);
	if (cpu != me && cpu >= 0 && cpu < nr_cpu_ids && cpu_online(cpu))
		apic->send_IPI_mask(cpumask_of(cpu), POSTED_INTR_VECTOR);
	put_cpu();
}

/**
 * posted_accept() - an interrupt for a vCPU
 * @vcpu: the vCPU, which has a descriptor
 * @source: the vCPU whose thread this is, or NULL
 * @vector: 16 to 255
 *
 * Context: any.
 * Return: 1, or 0 if it was merged with one that waits.
 */
int posted_accept(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, u8 vector)
{
	struct posted_desc *desc = vcpu->arch.posted;

	/* The sender who set the bit first, or ON, also notifies. */
	if (test_and_set_bit(vector, desc->pir))
		return 0;
	if (!test_and_set_bit(POSTED_ON, &desc->control) && vcpu != source)
		notify(vcpu);
	return 1;
}

/**
 * posted_load() - the vCPU comes to this CPU: to RUNNING, unless it halts
 * @vcpu: the vCPU
 * @cpu: this CPU
 *
 * Context: preemption off.
 */
void posted_load(struct mkvm_vcpu *vcpu, int cpu)
{
	struct posted_desc *desc = vcpu->arch.posted;

	if (vcpu->arch.posted_cpu >= 0)
		return;
	set_control(desc, (u64)POSTED_INTR_VECTOR << POSTED_NV_SHIFT | posted_destination(cpu));
	look_at_requests(desc);
	trace_minikvm_posted(vcpu->vm->number, vcpu->id, MKVM_POSTED_RUNNING, cpu);
}

/**
 * posted_put() - the vCPU leaves its CPU: to PREEMPTED, unless it halts
 * @vcpu: the vCPU
 *
 * Context: preemption off, the run queue's lock may be held.
 */
void posted_put(struct mkvm_vcpu *vcpu)
{
	if (vcpu->arch.posted_cpu >= 0)
		return;
	set_bit(POSTED_SN, &vcpu->arch.posted->control);
	trace_minikvm_posted(vcpu->vm->number, vcpu->id, MKVM_POSTED_PREEMPTED, vcpu->cpu);
}

/**
 * posted_block() - the vCPU's thread is about to sleep in HLT: to HALTED
 * @vcpu: the vCPU, loaded
 *
 * ON may be set already: the caller looks for interrupts before it sleeps.
 *
 * Context: process.
 */
void posted_block(struct mkvm_vcpu *vcpu)
{
	struct halted_list *halted;
	unsigned long flags;
	int cpu;

	cpu = get_cpu();
	halted = this_cpu_ptr(&halted_list);
	raw_spin_lock_irqsave(&halted->lock, flags);
	list_add_tail(&vcpu->arch.posted_link, &halted->vcpus);
	raw_spin_unlock_irqrestore(&halted->lock, flags);
	vcpu->arch.posted_cpu = cpu;
	set_control(vcpu->arch.posted,
		    (u64)POSTED_INTR_WAKEUP_VECTOR << POSTED_NV_SHIFT | posted_destination(cpu));
	trace_minikvm_posted(vcpu->vm->number, vcpu->id, MKVM_POSTED_HALTED, cpu);
	put_cpu();
}

/**
 * posted_unblock() - the vCPU's thread is awake: to RUNNING
 * @vcpu: the vCPU, loaded, maybe on another CPU
 *
 * Context: process.
 */
void posted_unblock(struct mkvm_vcpu *vcpu)
{
	struct halted_list *halted;
	unsigned long flags;

	halted = per_cpu_ptr(&halted_list, vcpu->arch.posted_cpu);
	raw_spin_lock_irqsave(&halted->lock, flags);
	list_del(&vcpu->arch.posted_link);
	raw_spin_unlock_irqrestore(&halted->lock, flags);
	preempt_disable();
	vcpu->arch.posted_cpu = -1;
	posted_load(vcpu, smp_processor_id());
	preempt_enable();
}

/* POSTED_INTR_WAKEUP_VECTOR: hard interrupt. */
static void wake_halted(void)
{
	struct halted_list *halted = this_cpu_ptr(&halted_list);
	struct mkvm_vcpu *vcpu;

	raw_spin_lock(&halted->lock);
	list_for_each_entry(vcpu, &halted->vcpus, arch.posted_link)
		if (posted_outstanding(vcpu))
			mkvm_vcpu_wake_up(vcpu);
	raw_spin_unlock(&halted->lock);
}

/*
 * A CPU has gone, and its notifications with it: its vCPUs go once round the run loop and halt
 * again elsewhere. No task runs on it any more, so no vCPU can come to its list.
 */
static int cpu_dead(unsigned int cpu)
{
	struct halted_list *halted = per_cpu_ptr(&halted_list, cpu);
	struct mkvm_vcpu *vcpu;
	unsigned long flags;

	raw_spin_lock_irqsave(&halted->lock, flags);
	list_for_each_entry(vcpu, &halted->vcpus, arch.posted_link) {
		mkvm_make_request(MKVM_REQ_TLB_FLUSH, vcpu);
		mkvm_vcpu_wake_up(vcpu);
	}
	raw_spin_unlock_irqrestore(&halted->lock, flags);
	return 0;
}

/* The state of cpu_dead(): the kernel chooses its number. */
static int dead_state;

/**
 * posted_module_init() - take the wake-up vector, if APICv is used
 *
 * Return: 0, or -ENOSPC: all states of CPU hotplug for modules are taken.
 */
int posted_module_init(void)
{
	int cpu, ret;

	if (!vmx_caps.apicv)
		return 0;
	for_each_possible_cpu(cpu) {
		raw_spin_lock_init(&per_cpu(halted_list, cpu).lock);
		INIT_LIST_HEAD(&per_cpu(halted_list, cpu).vcpus);
	}
	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "minikvm:posted", NULL, cpu_dead);
	if (ret < 0)
		return ret;
	dead_state = ret;
	compat_set_wakeup_handler(wake_halted);
	static_branch_enable(&posted_key);
	return 0;
}

/**
 * posted_module_exit() - give the wake-up vector back; no VM exists
 */
void posted_module_exit(void)
{
	if (!vmx_caps.apicv)
		return;
	compat_set_wakeup_handler(NULL);
	cpuhp_remove_state_nocalls(dead_state);
}
