// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool of control blocks. Each process is in exactly one place: the free list; the family,
 * as somebody's child, alive or Zombie; or, collected by its parent, the recycle list, until the
 * resource-free task has given its memory back (process.c) and process_free() returns it.
 *
 * The roots Init (1) and KProcess (2) are made by hand and never end, so that 62 are left.
 *
 * Pure: the property test compiles this file. Callers hold the kernel's lock.
 */
#include "pool.h"

struct pool pool;

void set_name(char *name, const char *text)
{
	unsigned int i;

	for (i = 0; i < NAME_MAX_LEN - 1 && text[i]; i++)
		name[i] = text[i];
	for (; i < NAME_MAX_LEN; i++)
		name[i] = 0;
}

static void reset(struct process *p)
{
	p->parent = NULL;
	p->priority = PRIORITY_INIT;
	p->policy = SCHED_RR;
	p->group = p->id;
	p->killed = false;
	p->trusted = p->id == PROCESS_INIT;
	p->nr_ready = 0;
	p->nr_running = 0;
	p->nr_pend = 0;
	p->status = 0;
	p->space = NULL;
	p->mailbox = NULL;
	p->cycles = 0;
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->tasks);
	list_init(&p->waiters);
}

static struct process *make_root(unsigned int id, const char *name, u8 priority)
{
	struct process *p = &pool.process[id];

	list_remove(&p->list);
	pool.nr_free--;
	set_name(p->name, name);
	p->priority = priority;
	state_move(SUBJECT_PROCESS, id, &p->state, STATE_INIT);
	return p;
}

/* All control blocks become free, but the two roots, which are then in state Init. */
void pool_init(void)
{
	unsigned int i;

	list_init(&pool.free);
	list_init(&pool.recycle);
	list_init(&pool.free_tasks);
	/* The user's ids begin at 3; 0 is given out when all others are. */
	for (i = 0; i < PROCESSES; i++) {
		struct process *p = &pool.process[(i + 1) % PROCESSES];

		p->id = (i + 1) % PROCESSES;
		p->state = STATE_NONE;
		reset(p);
		list_add_tail(&pool.free, &p->list);
	}
	for (i = 0; i < TASKS; i++) {
		pool.task[i].id = i;
		pool.task[i].state = STATE_NONE;
		list_init(&pool.task[i].sibling);
		list_add_tail(&pool.free_tasks, &pool.task[i].queue);
	}
	pool.nr_free = PROCESSES;
	pool.nr_recycle = 0;
	pool.nr_free_tasks = TASKS;
	make_root(PROCESS_KERNEL, "KProcess", PRIORITY_KERNEL);
	make_root(PROCESS_INIT, "Init", PRIORITY_INIT);
}

/* A process that is there, alive or Zombie, or NULL. */
struct process *process_by_id(u64 id)
{
	if (id >= PROCESSES || pool.process[id].state == STATE_NONE)
		return NULL;
	return &pool.process[id];
}

/**
 * process_take() - a new process in state Init
 * @parent: whose child it becomes; it inherits group, priority and policy
 * @name: its name
 *
 * Return: the process, or NULL if all control blocks are in use.
 */
struct process *process_take(struct process *parent, const char *name)
{
	struct process *p;

	if (list_empty(&pool.free))
		return NULL;
	p = container_of(pool.free.next, struct process, list);
	list_remove(&p->list);
	pool.nr_free--;
	reset(p);
	set_name(p->name, name);
	p->parent = parent;
	p->trusted = parent->id == PROCESS_INIT;
	p->group = parent->group;
	p->priority = parent->priority;
	p->policy = parent->policy;
	list_add_tail(&parent->children, &p->sibling);
	state_move(SUBJECT_PROCESS, p->id, &p->state, STATE_INIT);
	return p;
}

/* The creation of a process failed before it had a task. */
void process_give_up(struct process *p)
{
	state_move(SUBJECT_PROCESS, p->id, &p->state, STATE_NONE);
	list_remove(&p->sibling);
	/* To the head: the failure leaves the list as it was. */
	list_add_head(&pool.free, &p->list);
	pool.nr_free++;
}

/**
 * task_take() - a new task in state Init
 * @p: its process
 * @name: its name
 *
 * Return: the task, or NULL if all control blocks are in use.
 */
struct task *task_take(struct process *p, const char *name)
{
	struct task *t;

	if (list_empty(&pool.free_tasks))
		return NULL;
	t = container_of(pool.free_tasks.next, struct task, queue);
	list_remove(&t->queue);
	pool.nr_free_tasks--;
	t->process = p;
	t->priority = p->priority;
	t->policy = p->policy;
	t->slice = SLICE_TICKS;
	t->cpu = 0;
	t->idle = false;
	t->slot = 0;
	t->interrupted = false;
	t->cycles = 0;
	t->switches = 0;
	set_name(t->name, name);
	list_add_tail(&p->tasks, &t->sibling);
	state_move(SUBJECT_TASK, t->id, &t->state, STATE_INIT);
	return t;
}

/* A task that was never started, or that is Zombie, is free again. */
void task_give_up(struct task *t)
{
	state_move(SUBJECT_TASK, t->id, &t->state, STATE_NONE);
	list_remove(&t->sibling);
	list_add_head(&pool.free_tasks, &t->queue);
	pool.nr_free_tasks++;
}

static void count(struct process *p, u8 state, int by)
{
	if (state == STATE_READY)
		p->nr_ready += by;
	else if (state == STATE_RUNNING)
		p->nr_running += by;
	else if (state == STATE_PEND)
		p->nr_pend += by;
}

/* What its tasks make of a process that has been started. */
static u8 set_of_states(const struct process *p)
{
	u8 set = (p->nr_ready ? STATE_READY : 0) | (p->nr_running ? STATE_RUNNING : 0);

	if (set)
		return set;
	return p->nr_pend ? STATE_PEND : STATE_ZOMBIE;
}

/**
 * task_move() - change a task's state, and with it its process's
 * @t: the task
 * @to: its new state
 */
void task_move(struct task *t, u8 to)
{
	struct process *p = t->process;
	u8 set;

	count(p, t->state, -1);
	state_move(SUBJECT_TASK, t->id, &t->state, to);
	count(p, to, 1);
	set = set_of_states(p);
	if (set != p->state)
		state_move(SUBJECT_PROCESS, p->id, &p->state, set);
}

/* The children of a process that ends become Init's. */
void process_orphan_children(struct process *p)
{
	struct process *init = &pool.process[PROCESS_INIT], *child;

	while (!list_empty(&p->children)) {
		child = container_of(p->children.next, struct process, sibling);
		list_remove(&child->sibling);
		child->parent = init;
		list_add_tail(&init->children, &child->sibling);
	}
}

/**
 * process_find_zombie() - a child that waitpid() can collect
 * @parent: who waits
 * @id: the child's id, or ANY_CHILD
 * @any: set if there is a child to wait for at all
 *
 * Return: the child, or NULL.
 */
struct process *process_find_zombie(struct process *parent, u64 id, bool *any)
{
	struct process *child;
	struct list *at;

	*any = false;
	list_for_each(at, &parent->children) {
		child = container_of(at, struct process, sibling);
		if (id != ANY_CHILD && id != child->id)
			continue;
		*any = true;
		if (child->state == STATE_ZOMBIE)
			return child;
	}
	return NULL;
}

/* A zombie leaves the family for the recycle list. */
void process_collect(struct process *p)
{
	state_move(SUBJECT_PROCESS, p->id, &p->state, STATE_NONE);
	list_remove(&p->sibling);
	p->parent = NULL;
	list_add_tail(&pool.recycle, &p->list);
	pool.nr_recycle++;
}

/* The process that has been in the recycle list for longest, or NULL. */
struct process *process_next_recycled(void)
{
	if (list_empty(&pool.recycle))
		return NULL;
	return container_of(pool.recycle.next, struct process, list);
}

/* Its resources are freed: it can be had again. */
void process_free(struct process *p)
{
	list_remove(&p->list);
	pool.nr_recycle--;
	list_add_tail(&pool.free, &p->list);
	pool.nr_free++;
}
