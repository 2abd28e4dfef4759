// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks on this machine: what sched.c decides is done here. A task that does not run is a kernel
 * stack with what it needs to go on: first the registers that switch_stack() saved, at the top the
 * frame of the system call or interrupt by which it came in.
 *
 * Everything but task_idle()'s HLT runs with the kernel's lock held and interrupts off.
 */
#include "task.h"
#include "announce.h"
#include "apic.h"
#include "console.h"
#include "format.h"
#include "machine.h"
#include "paging.h"
#include "process.h"

#define STACK_PATTERN	0x5a	/* what has never been used still holds it */
#define TICK		(features.tsc_khz * 1000 / TICKS_PER_SECOND)

u8 kernel_stacks[TASKS][KERNEL_STACK_STRIDE] __aligned(PAGE_SIZE);

/* Tasks that sleep, by the processor whose timer wakes them. */
static struct list sleepers[CPUS_MAX];

void task_init(void)
{
	unsigned int i;

	for (i = 0; i < CPUS_MAX; i++)
		list_init(&sleepers[i]);
	for (i = 0; i < TASKS; i++)
		pool.task[i].stack = kernel_stacks[i] + PAGE_SIZE;
}

static u8 *stack_top(const struct task *t)
{
	return t->stack + KERNEL_STACK_STRIDE - PAGE_SIZE;
}

/* A stack that has not been used; of one that is in use, the lower half, which has not. */
void task_mark_stack(struct task *t, bool in_use)
{
	u64 size = KERNEL_STACK_STRIDE - PAGE_SIZE;

	memset(t->stack, STACK_PATTERN, in_use ? size / 2 : size);
}

/**
 * task_prepare() - what a new task will do when it first runs
 * @t: the task
 * @function: called first, with the kernel's lock held
 * @arg: its argument
 * @f: where it goes when @function returns; NULL if that does not
 */
void task_prepare(struct task *t, void (*function)(void *), void *arg, const struct frame *f)
{
	u64 *sp;

	task_mark_stack(t, false);
	sp = (u64 *)(stack_top(t) - sizeof(struct frame));
	if (f)
		memcpy(sp, f, sizeof(*f));
	*--sp = (u64)task_begin;
	*--sp = 0;			/* RBX */
	*--sp = 0;			/* RBP */
	*--sp = (u64)function;		/* R12 */
	*--sp = (u64)arg;		/* R13 */
	*--sp = 0;			/* R14 */
	*--sp = 0;			/* R15 */
	t->saved_rsp = (u64)sp;
}

/* The most of its kernel stack that a task has used, in bytes. */
u32 task_stack_used(const struct task *t)
{
	u32 n = KERNEL_STACK_STRIDE - PAGE_SIZE, i = 0;

	while (i < n && t->stack[i] == STACK_PATTERN)
		i++;
	return n - i;
}

u64 microseconds(u64 cycles)
{
	return cycles * 1000 / features.tsc_khz;
}

/* CPU time until now. */
u64 task_cycles(const struct task *t)
{
	if (t->state != STATE_RUNNING)
		return t->cycles;
	return t->cycles + rdtsc() - cpus[t->cpu].switched_at;
}

/* The timer is for the next tick, if a program runs, and for the first sleeper. */
static void set_timer(void)
{
	struct cpu *c = this_cpu();
	u64 first = current()->idle ? 0 : c->next_tick;
	struct list *at;

	list_for_each(at, &sleepers[c->number]) {
		struct task *t = container_of(at, struct task, queue);

		if (!first || t->wake_at < first)
			first = t->wake_at;
	}
	apic_set_timer(first);
}

/*
 * Gives the processor to the task that sched_next() chooses. Returns when that is this one again,
 * perhaps on another processor.
 */
void task_schedule(void)
{
	struct cpu *c = this_cpu();
	struct task *prev = current(), *next;
	u64 now;

	c->poked = false;
	next = sched_next(c->number);
	if (next == prev)
		return;
	now = rdtsc();
	prev->cycles += now - c->switched_at;
	c->switched_at = now;
	/* An idle processor had no ticks. */
	if (prev->idle)
		c->next_tick = now + TICK;
	announce_switch(next);
	cpu_set_kernel_stack((u64)stack_top(next));
	paging_use(next->process->space);
	set_timer();
	switch_stack(&prev->saved_rsp, next->saved_rsp);
}

/* The running task waits in a queue until task_wake(). Check for what it waits for again then. */
void task_wait(struct list *queue)
{
	struct task *t = current();

	t->interrupted = t->process->killed;
	if (t->interrupted)
		return;
	list_add_tail(queue, &t->queue);
	sched_block(this_cpu()->number);
	task_schedule();
}

/* A task that waits, in whatever queue, is ready again. */
void task_wake(struct task *t)
{
	sched_wake(t);
}

/* The running task ends, and with the last one its process. */
void task_exit(void)
{
	struct task *t = current();

	process_leave(t);
	sched_exit(this_cpu()->number);
	process_left(t->process);
	task_schedule();
	stop("task %u goes on after its end", t->id);
}

void task_sleep(u64 microseconds)
{
	struct task *t = current();

	t->wake_at = rdtsc() + microseconds * features.tsc_khz / 1000;
	t->interrupted = t->process->killed;
	if (t->interrupted)
		return;
	list_add_tail(&sleepers[this_cpu()->number], &t->queue);
	sched_block(this_cpu()->number);
	set_timer();
	task_schedule();
}

/* The timer's interrupt: a tick, or a sleeper's time. */
void task_timer(void)
{
	struct cpu *c = this_cpu();
	struct list *at, *next;
	u64 now = rdtsc();

	for (at = sleepers[c->number].next; at != &sleepers[c->number]; at = next) {
		next = at->next;
		if (container_of(at, struct task, queue)->wake_at <= now)
			task_wake(container_of(at, struct task, queue));
	}
	/* A timer of another clock may be a little early: then it is set again. */
	if (!current()->idle && now >= c->next_tick) {
		c->next_tick += TICK;
		/* Ticks that were slept through, under a hypervisor that was busy, do not count. */
		if (c->next_tick <= now)
			c->next_tick = now + TICK;
		sched_tick(c->number);
	}
	set_timer();
}

/* state.c found a transition that there is none of. */
void state_stop(const char *subject, unsigned int id, const char *from, const char *to)
{
	stop("%s %u: there is no way from state %s to state %s", subject, id, from, to);
}

/* What a processor does when it has nothing to do. The lock is held at the start. */
void task_idle(void)
{
	for (;;) {
		task_schedule();
		unlock_kernel();
		/*
		 * A processor sets @resched with the lock held, and sends an interrupt afterwards,
		 * which STI lets through only when HLT has begun: none is missed.
		 */
		asm volatile("sti; hlt; cli");
		lock_kernel();
	}
}
