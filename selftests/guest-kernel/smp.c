// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other processors, up to four in all: INIT, then STARTUP with the page of the trampoline (SDM
 * volume 3, "Multiple-Processor Initialization"), one after the other.
 */
#include "smp.h"
#include "acpi.h"
#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "format.h"
#include "machine.h"
#include "paging.h"
#include "task.h"

#define INIT_WAIT_US	10000
#define START_WAIT_US	1000000

extern const void *const trampoline_code;
extern const u64 trampoline_size;

/* For the trampoline: which processor starts, and its stack. */
u32 ap_number, ap_stack;

static u32 started;

/* An idle task for a processor, which makes it one of the scheduler's. */
void smp_add_this(unsigned int number)
{
	char name[] = "Idle0";
	struct task *t;

	name[4] += number;
	t = task_take(&pool.process[PROCESS_KERNEL], name);
	t->priority = PRIORITIES - 1;
	t->policy = SCHED_FIFO;
	sched_add_cpu(number, t);
	cpus[number].switched_at = rdtsc();
	task_mark_stack(t, number == 0);
}

/* Another processor's first C. It was given the stack of its idle task. */
void start_other(u64 number)
{
	paging_use(NULL);
	cpu_init(&cpus[number], number);
	apic_init();
	__atomic_store_n(&started, number, __ATOMIC_RELEASE);
	lock_kernel();
	cpu_set_kernel_stack((u64)current()->stack + KERNEL_STACK_STRIDE - PAGE_SIZE);
	task_idle();
}

/* Interrupts stay on: a hypervisor may have one physical processor for all. */
static bool wait_for(u32 number, u64 us)
{
	u64 until = rdtsc() + us * features.tsc_khz / 1000;
	u32 tries = 0;

	while (rdtsc() < until) {
		if (__atomic_load_n(&started, __ATOMIC_ACQUIRE) == number)
			return true;
		relax(tries++);
	}
	return false;
}

static bool start(unsigned int number, u32 apic_id)
{
	struct task *idle;
	unsigned int i;

	/* Those that have started schedule already. */
	asm volatile("cli");
	lock_kernel();
	smp_add_this(number);
	unlock_kernel();
	asm volatile("sti");
	idle = sched.cpu[number].idle;
	ap_number = number;
	ap_stack = to_physical(idle->stack + KERNEL_STACK_STRIDE - PAGE_SIZE);
	cpus[number].apic_id = apic_id;
	apic_send(apic_id, IPI_INIT);
	wait_for(number, INIT_WAIT_US);
	for (i = 0; i < 2; i++) {
		apic_send(apic_id, IPI_STARTUP | TRAMPOLINE >> 12);
		if (wait_for(number, i ? START_WAIT_US : START_WAIT_US / 10))
			return true;
	}
	return false;
}

/* Starts those of ACPI's list that are not this one. Interrupts are on, the lock is not held. */
void smp_start_others(void)
{
	unsigned int i;

	memcpy(physical(TRAMPOLINE), trampoline_code, trampoline_size);
	for (i = 0; i < acpi.nr_cpus; i++)
		if (acpi.apic_id[i] != cpus[0].apic_id &&
		    !start(sched.nr_cpus, acpi.apic_id[i]))
			stop("processor %u does not start", acpi.apic_id[i]);
}
