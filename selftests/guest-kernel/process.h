/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of processes: process.c.
 */
#ifndef GUEST_PROCESS_H
#define GUEST_PROCESS_H

#include "pool.h"

void process_start_kernel(void);
void process_start_init(void);
int process_fork(const struct frame *f);
int process_thread(const struct frame *f, u64 function, u64 arg);
int process_wait(u64 id, u64 flags, int *status);
void process_kill(struct process *p, int status);
void process_leave(struct task *t);
void process_left(struct process *p);
u32 process_pages(const struct process *p);

#endif
