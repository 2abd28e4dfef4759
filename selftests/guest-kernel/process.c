// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of processes: how they begin, by hand or by fork(); how they end, and who collects them;
 * and the task that gives their resources back. pool.c has the control blocks and the family.
 */
#include "process.h"
#include "console.h"
#include "format.h"
#include "image.h"
#include "mailbox.h"
#include "paging.h"
#include "task.h"

static struct space spaces[PROCESSES];
/* Tasks that have ended, by their queue; and the resource-free task while it has nothing to do. */
static struct list dead_tasks, free_waits;

/* Makes everything that ended available again. Zombies have left their stacks: the lock is held. */
static void free_resources(void)
{
	struct process *p;
	struct task *t;

	while (!list_empty(&dead_tasks)) {
		t = container_of(dead_tasks.next, struct task, queue);
		list_remove(&t->queue);
		task_give_up(t);
	}
	while ((p = process_next_recycled())) {
		space_destroy(p->space);
		mailbox_clear(p->mailbox);
		process_free(p);
	}
}

static void free_task(void *unused)
{
	(void)unused;
	for (;;) {
		free_resources();
		task_wait(&free_waits);
	}
}

static void want_free_task(void)
{
	if (!list_empty(&free_waits))
		task_wake(container_of(free_waits.next, struct task, queue));
}

/* KProcess's resource-free task; its idle tasks come with the processors (smp.c). */
void process_start_kernel(void)
{
	struct task *t = task_take(&pool.process[PROCESS_KERNEL], "resource-free");

	list_init(&dead_tasks);
	list_init(&free_waits);
	t->priority = PRIORITY_FREE;
	t->policy = SCHED_FIFO;
	task_prepare(t, free_task, NULL, NULL);
	sched_start(t);
}

static void give_memory(struct process *p)
{
	p->space = &spaces[p->id];
	p->mailbox = mailbox_of(p->id);
}

/* Init: its memory is the programs' image, and it begins where that says. */
void process_start_init(void)
{
	struct process *p = &pool.process[PROCESS_INIT];
	struct task *t = task_take(p, "Init");
	struct frame f = {
		.cs = SELECTOR_USER_CODE,
		.ss = SELECTOR_USER_DATA,
		.rflags = 0x202,
		.rsp = USER_STACKS - 8,		/* as if it had been called */
	};

	give_memory(p);
	if (!space_create(p->space) || !image_load(p->space, &f.rip))
		stop("no memory for Init");
	task_prepare(t, task_enter_user, NULL, &f);
	sched_start(t);
}

/**
 * process_fork() - the running process becomes two
 * @f: where its running task is; the child's only task begins there, too
 *
 * Return: the child's id, or a negative error, with nothing changed.
 */
int process_fork(const struct frame *f)
{
	struct process *parent = current()->process, *child;
	struct frame child_frame = *f;
	struct task *t;

	if (!pool.nr_free || !pool.nr_free_tasks)
		free_resources();
	child = process_take(parent, parent->name);
	if (!child)
		return -EAGAIN;
	t = task_take(child, current()->name);
	if (!t) {
		process_give_up(child);
		return -EAGAIN;
	}
	give_memory(child);
	if (!space_fork(child->space, parent->space)) {
		task_give_up(t);
		process_give_up(child);
		return -ENOMEM;
	}
	t->slot = current()->slot;
	t->priority = current()->priority;
	t->policy = current()->policy;
	child_frame.rax = IN_CHILD;
	task_prepare(t, task_enter_user, NULL, &child_frame);
	sched_start(t);
	return child->id;
}

/* The lowest of the process's stacks that no task has, or THREADS_MAX. */
static u8 free_slot(const struct process *p)
{
	u32 used = 0;
	struct list *at;

	list_for_each(at, &p->tasks)
		used |= BIT(container_of(at, struct task, sibling)->slot);
	return min(__builtin_ctz(~used), THREADS_MAX);
}

/**
 * process_thread() - one more task for the running process
 * @f: the caller's frame
 * @function: where it begins
 * @arg: in RDI there
 *
 * Return: the task's id, or a negative error.
 */
int process_thread(const struct frame *f, u64 function, u64 arg)
{
	struct process *p = current()->process;
	struct frame new_frame = *f;
	struct task *t;
	u8 slot;

	free_resources();
	slot = free_slot(p);
	if (slot == THREADS_MAX)
		return -EAGAIN;
	t = task_take(p, current()->name);
	if (!t)
		return -EAGAIN;
	t->slot = slot;
	new_frame.rip = function;
	new_frame.rdi = arg;
	new_frame.rsp = USER_STACKS - (u64)slot * USER_STACK_STRIDE - 8;
	task_prepare(t, task_enter_user, NULL, &new_frame);
	sched_start(t);
	return t->id;
}

/**
 * process_kill() - a process is to end
 * @p: the process; not a root
 * @status: what its parent is told, unless it is ending already
 *
 * Its tasks leave on their own: those that wait are woken to do so, those that run in a program on
 * another processor are interrupted by the reschedule that a kill asks for.
 */
void process_kill(struct process *p, int status)
{
	struct list *at;
	struct task *t;

	if (p->killed || p->state == STATE_ZOMBIE)
		return;
	p->killed = true;
	p->status = status;
	list_for_each(at, &p->tasks) {
		t = container_of(at, struct task, sibling);
		if (t->state == STATE_PEND) {
			t->interrupted = true;
			task_wake(t);
		} else if (t->state == STATE_RUNNING) {
			sched.cpu[t->cpu].resched = true;
		}
	}
}

/* A task is about to end: what has to be done while its process still lives. */
void process_leave(struct task *t)
{
	struct process *p = t->process;

	if (p->id == PROCESS_INIT && p->nr_ready + p->nr_running + p->nr_pend == 1)
		stop("Init ended with status %x", p->status);
	p->cycles += task_cycles(t);
}

/* It has ended. With the last one the process is a zombie, and its parent may be waiting. */
void process_left(struct process *p)
{
	struct task *t = current();
	struct list *waiters;

	list_add_tail(&dead_tasks, &t->queue);
	if (p->state == STATE_ZOMBIE) {
		/* Orphans that are zombies already are Init's to collect as well. */
		if (!list_empty(&p->children)) {
			process_orphan_children(p);
			waiters = &pool.process[PROCESS_INIT].waiters;
			while (!list_empty(waiters))
				task_wake(container_of(waiters->next, struct task, queue));
		}
		waiters = &p->parent->waiters;
		while (!list_empty(waiters))
			task_wake(container_of(waiters->next, struct task, queue));
	}
	want_free_task();
}

/**
 * process_wait() - collect a child that has ended
 * @id: which, or ANY_CHILD
 * @flags: WAIT_NO_HANG: do not wait until one does
 * @status: how it ended
 *
 * Return: its id; 0 with WAIT_NO_HANG becomes -EAGAIN, as 0 is an id; or another negative error.
 */
int process_wait(u64 id, u64 flags, int *status)
{
	struct process *p = current()->process, *child;
	bool any;

	for (;;) {
		child = process_find_zombie(p, id, &any);
		if (child) {
			*status = child->status;
			process_collect(child);
			want_free_task();
			return child->id;
		}
		if (!any)
			return -ECHILD;
		if (flags & WAIT_NO_HANG)
			return -EAGAIN;
		task_wait(&p->waiters);
		if (current()->interrupted)
			return -EINTR;
	}
}

/* How many pages of memory it has. */
u32 process_pages(const struct process *p)
{
	return p->space ? p->space->pages : 0;
}
