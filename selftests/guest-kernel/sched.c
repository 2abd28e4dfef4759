// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preemptive scheduling by priority: 32 queues of ready tasks, a bitmap that says which of them are
 * not empty, and an array of what runs on each processor. The processors always run the most urgent
 * tasks: what makes a task ready sets @resched of the processor that has to choose again, and an
 * interrupt tells that one (apic.c: apic_poke()).
 *
 * Among equals, SCHED_RR tasks take turns of SLICE_TICKS ticks; a SCHED_FIFO task runs until it
 * blocks, yields, or a more urgent one comes. A task that was preempted goes to the head of its
 * queue and keeps the rest of its slice; one that has used its slice up goes to the tail.
 *
 * Pure: the property test compiles this file. Callers hold the kernel's lock.
 */
#include "sched.h"

struct sched sched;

void sched_init(void)
{
	unsigned int i;

	for (i = 0; i < PRIORITIES; i++)
		list_init(&sched.queue[i]);
	for (i = 0; i < CPUS_MAX; i++)
		sched.cpu[i] = (struct sched_cpu){};
	sched.nr_cpus = 0;
	sched.bitmap = 0;
	sched.nr_ready = 0;
}

static void enqueue(struct task *t, bool head)
{
	struct list *queue = &sched.queue[t->priority];

	if (t->idle)
		return;
	if (head)
		list_add_head(queue, &t->queue);
	else
		list_add_tail(queue, &t->queue);
	sched.bitmap |= BIT(t->priority);
	sched.nr_ready++;
}

static void dequeue(struct task *t)
{
	list_remove(&t->queue);
	if (list_empty(&sched.queue[t->priority]))
		sched.bitmap &= ~BIT(t->priority);
	sched.nr_ready--;
}

static struct task *most_urgent(void)
{
	if (!sched.bitmap)
		return NULL;
	return container_of(sched.queue[__builtin_ctz(sched.bitmap)].next, struct task, queue);
}

/* Idle is less urgent than everything else, also than priority 31. */
static unsigned int urgency(const struct task *t)
{
	return t->idle ? PRIORITIES : t->priority;
}

/* The processor with the least urgent task thinks again, if that is less urgent than @t. */
static void find_processor(const struct task *t)
{
	unsigned int worst = urgency(t), cpu;
	int found = -1;

	/* Its last one first: where it finds what it left in the caches. */
	if (t->cpu < sched.nr_cpus && urgency(sched.cpu[t->cpu].running) > worst) {
		worst = urgency(sched.cpu[t->cpu].running);
		found = t->cpu;
	}
	for (cpu = 0; cpu < sched.nr_cpus; cpu++) {
		if (urgency(sched.cpu[cpu].running) <= worst)
			continue;
		worst = urgency(sched.cpu[cpu].running);
		found = cpu;
	}
	if (found >= 0)
		sched.cpu[found].resched = true;
}

/**
 * sched_add_cpu() - a processor takes part
 * @cpu: its number, the next one
 * @idle: its idle task, in state Init, which runs there now
 */
void sched_add_cpu(unsigned int cpu, struct task *idle)
{
	idle->idle = true;
	idle->cpu = cpu;
	task_move(idle, STATE_READY);
	task_move(idle, STATE_RUNNING);
	sched.cpu[cpu] = (struct sched_cpu){ .running = idle, .idle = idle, .resched = true };
	sched.nr_cpus = cpu + 1;
}

/* A new task is ready. */
void sched_start(struct task *t)
{
	task_move(t, STATE_READY);
	enqueue(t, false);
	find_processor(t);
}

/* What a task waited for has happened. */
void sched_wake(struct task *t)
{
	list_remove(&t->queue);
	t->slice = SLICE_TICKS;
	sched_start(t);
}

/* The task that runs on @cpu waits for something; sched_next() is to follow. */
void sched_block(unsigned int cpu)
{
	task_move(sched.cpu[cpu].running, STATE_PEND);
}

/* The task that runs on @cpu ends; sched_next() is to follow. */
void sched_exit(unsigned int cpu)
{
	task_move(sched.cpu[cpu].running, STATE_ZOMBIE);
}

/* The task that runs on @cpu lets its equals go first. */
void sched_give_way(unsigned int cpu)
{
	sched.cpu[cpu].expired = true;
	sched.cpu[cpu].resched = true;
}

/* A tick of the clock on @cpu. */
void sched_tick(unsigned int cpu)
{
	struct task *t = sched.cpu[cpu].running;

	if (t->idle || t->state != STATE_RUNNING || t->policy != SCHED_RR)
		return;
	if (t->slice)
		t->slice--;
	if (!t->slice)
		sched_give_way(cpu);
}

/**
 * sched_set() - change a task's priority and policy
 * @t: the task; not an idle one
 * @priority: 0 to 31
 * @policy: enum policy
 */
void sched_set(struct task *t, u8 priority, u8 policy)
{
	if (t->policy != policy)
		t->slice = SLICE_TICKS;
	t->policy = policy;
	if (t->priority == priority)
		return;
	if (t->state == STATE_READY) {
		dequeue(t);
		t->priority = priority;
		enqueue(t, false);
		find_processor(t);
		return;
	}
	t->priority = priority;
	/* It may no longer be among the most urgent. */
	if (t->state == STATE_RUNNING)
		sched.cpu[t->cpu].resched = true;
}

/**
 * sched_next() - choose what runs on a processor from now on
 * @cpu: the processor
 *
 * Return: the task, in state Running; the same one if nothing is more urgent.
 */
struct task *sched_next(unsigned int cpu)
{
	struct sched_cpu *c = &sched.cpu[cpu];
	struct task *prev = c->running, *best = most_urgent();
	bool expired = c->expired;

	c->resched = false;
	c->expired = false;
	if (expired)
		prev->slice = SLICE_TICKS;
	if (prev->state == STATE_RUNNING) {
		unsigned int needed = urgency(prev) + expired;

		if (!best || urgency(best) >= needed) {
			best = prev;
			goto done;
		}

		task_move(prev, STATE_READY);
		enqueue(prev, !expired);
	}
	if (best)
		dequeue(best);
	else
		best = c->idle;
	task_move(best, STATE_RUNNING);
	best->cpu = cpu;
	best->switches++;
	c->running = best;
done:
	/* What this processor was to take, and did not, may be for another one. */
	if (sched.bitmap)
		find_processor(most_urgent());
	return best;
}
