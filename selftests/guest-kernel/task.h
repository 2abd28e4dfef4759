/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks on this machine: stacks, switching, waiting, sleeping (task.c).
 */
#ifndef GUEST_TASK_H
#define GUEST_TASK_H

#include "cpu.h"
#include "sched.h"
#include "trap.h"

extern u8 kernel_stacks[TASKS][KERNEL_STACK_STRIDE];

static inline struct task *current(void)
{
	return sched.cpu[this_cpu()->number].running;
}

void task_init(void);
void task_prepare(struct task *t, void (*function)(void *), void *arg, const struct frame *f);
void task_schedule(void);
void task_wait(struct list *queue);
void task_wake(struct task *t);
void task_exit(void) __noreturn;
void task_sleep(u64 microseconds);
void task_timer(void);
void task_idle(void) __noreturn;
void task_mark_stack(struct task *t, bool in_use);
u32 task_stack_used(const struct task *t);
u64 task_cycles(const struct task *t);
u64 microseconds(u64 cycles);

#endif
