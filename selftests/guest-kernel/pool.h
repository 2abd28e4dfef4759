/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control blocks of processes and tasks: what they hold, and the pool that they come from (pool.c).
 */
#ifndef GUEST_POOL_H
#define GUEST_POOL_H

#include "list.h"
#include "state.h"

struct space;
struct mailbox;
struct frame;

/**
 * struct process - the unit of resource management: an address space, a place in the family, tasks
 * @list: in the free or the recycle list, while it is not in use
 * @children: its children, by @sibling
 * @sibling: in its parent's @children
 * @tasks: its tasks, by their sibling
 * @parent: whose child it is; NULL for the two roots
 * @id: its number, that of its control block
 * @state: set of enum state
 * @priority: of its user tasks
 * @policy: of its user tasks
 * @group: id of the process that the group was founded by
 * @killed: every task leaves at its next return to user mode
 * @trusted: Init, or a child of its own making: it may turn the power off, kill and raise others
 * @nr_ready: tasks in that state; likewise the next two
 * @status: how it ended, or will, once it is killed
 * @waiters: tasks of it that wait for a child
 * @name: for people
 * @space: its memory; NULL for KProcess
 * @mailbox: its messages
 * @cycles: CPU time of tasks that have ended
 */
struct process {
	struct list list;
	struct list children, sibling;
	struct list tasks;
	struct process *parent;
	u8 id, state, priority, policy, group;
	bool killed, trusted;
	u8 nr_ready, nr_running, nr_pend;
	int status;
	struct list waiters;
	char name[NAME_MAX_LEN];
	struct space *space;
	struct mailbox *mailbox;
	u64 cycles;
};

/**
 * struct task - the unit of scheduling
 * @queue: in a ready queue, in what it waits for, or in the list of free ones
 * @sibling: in its process's tasks
 * @process: whose it is
 * @id: its number, that of its control block
 * @state: enum state
 * @priority: its queue
 * @policy: enum policy
 * @slice: ticks that are left
 * @cpu: where it runs or ran last
 * @idle: a CPU's idle task: in no queue, runs when nothing else can
 * @slot: which of its process's stacks is its own
 * @interrupted: it was woken because its process is killed
 * @wake_at: TSC at which it wants to be woken
 * @cycles: CPU time in TSC ticks
 * @switches: how often it was dispatched
 * @stack: the kernel stack's lowest byte
 * @saved_rsp: the kernel stack's pointer while it does not run
 * @name: for people
 */
struct task {
	struct list queue, sibling;
	struct process *process;
	u8 id, state, priority, policy, slice, cpu;
	bool idle;
	u8 slot;
	bool interrupted;
	u64 wake_at, cycles, switches;
	u8 *stack;
	u64 saved_rsp;
	char name[NAME_MAX_LEN];
};

/**
 * struct pool - all control blocks
 * @process: by id
 * @task: by id
 * @free: processes that can be had
 * @recycle: processes that were collected, and whose resources are still to be freed
 * @free_tasks: tasks that can be had
 * @nr_free: how many processes can be had
 * @nr_recycle: how many are in @recycle
 * @nr_free_tasks: how many tasks can be had
 */
struct pool {
	struct process process[PROCESSES];
	struct task task[TASKS];
	struct list free, recycle, free_tasks;
	u32 nr_free, nr_recycle, nr_free_tasks;
};

extern struct pool pool;

void pool_init(void);
struct process *process_by_id(u64 id);
struct process *process_take(struct process *parent, const char *name);
void process_give_up(struct process *p);
struct task *task_take(struct process *p, const char *name);
void task_give_up(struct task *t);
void task_move(struct task *t, u8 to);
void process_orphan_children(struct process *p);
struct process *process_find_zombie(struct process *parent, u64 id, bool *any);
void process_collect(struct process *p);
struct process *process_next_recycled(void);
void process_free(struct process *p);
void set_name(char *name, const char *text);

#endif
