/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler: which task runs where. sched.c decides, task.c switches.
 */
#ifndef GUEST_SCHED_H
#define GUEST_SCHED_H

#include "pool.h"

/**
 * struct sched_cpu - a processor, as the scheduler sees it
 * @running: the task that runs there
 * @idle: the task that runs when no other can
 * @resched: @running is to be reconsidered at the next chance
 * @expired: it has used up its slice, or yields: it goes behind its equals
 */
struct sched_cpu {
	struct task *running, *idle;
	bool resched, expired;
};

/**
 * struct sched - the scheduler's state
 * @cpu: the processors
 * @nr_cpus: how many take part
 * @bitmap: bit P: queue[P] is not empty
 * @queue: ready tasks, by priority
 * @nr_ready: how many tasks are in the queues
 */
struct sched {
	struct sched_cpu cpu[CPUS_MAX];
	unsigned int nr_cpus;
	u32 bitmap;
	struct list queue[PRIORITIES];
	u32 nr_ready;
};

extern struct sched sched;

void sched_init(void);
void sched_add_cpu(unsigned int cpu, struct task *idle);
void sched_start(struct task *t);
void sched_wake(struct task *t);
void sched_block(unsigned int cpu);
void sched_exit(unsigned int cpu);
void sched_give_way(unsigned int cpu);
void sched_tick(unsigned int cpu);
void sched_set(struct task *t, u8 priority, u8 policy);
struct task *sched_next(unsigned int cpu);

#endif
