/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel and its programs agree on: numbers of system calls and errors, the records that
 * a program can ask for, limits. A system call has its number in RAX, arguments in RDI, RSI, RDX,
 * and the result in RAX: 0 or more, or one of the errors.
 */
#ifndef GUEST_ABI_H
#define GUEST_ABI_H

#include "types.h"

#define PROCESSES		64	/* control blocks, ids 0 to 63 */
#define PROCESS_INIT		1	/* the root of all user processes */
#define PROCESS_KERNEL		2	/* KProcess: the root of the kernel's tasks */
#define TASKS			128
#define CPUS_MAX		4

#define PRIORITIES		32	/* 0 is the most urgent */
#define PRIORITY_USER		10	/* 0 to 9 are the kernel's, 10 to 31 are the user's */
#define PRIORITY_INIT		28
#define PRIORITY_KERNEL		0
#define PRIORITY_FREE		5	/* the task that empties the recycle list */
#define PRIORITY_SHELL		10

#define SLICE_TICKS		2	/* of a task with SCHED_RR */
#define TICKS_PER_SECOND	100

#define NAME_MAX_LEN		16	/* with the final NUL */
#define MESSAGE_MAX		64	/* bytes */
#define RANDOM_MAX		64	/* bytes of one call */
#define MESSAGES		8	/* that wait in a process's mailbox */
#define THREADS_MAX		16	/* tasks of one process */

enum policy { SCHED_FIFO = 1, SCHED_RR = 2 };

/* The states of a task; a process has a set of them (state.c). */
enum state {
	STATE_NONE = 0,		/* a control block that is free */
	STATE_INIT = 1,
	STATE_READY = 2,
	STATE_RUNNING = 4,
	STATE_PEND = 8,
	STATE_ZOMBIE = 16,
};

enum system_call {
	SYS_EXIT,		/* status */
	SYS_FORK,		/* the child's id; IN_CHILD in the child */
	SYS_WAITPID,		/* id or ANY_CHILD, address for the status or 0, WAIT_* */
	SYS_KILL,		/* id, 0 or KILL_GROUP */
	SYS_GETPID,
	SYS_GETPPID,
	SYS_YIELD,
	SYS_SLEEP,		/* milliseconds */
	SYS_GET_PRIORITY,	/* id */
	SYS_SET_PRIORITY,	/* id, priority */
	SYS_GET_POLICY,		/* id */
	SYS_SET_POLICY,		/* id, policy */
	SYS_WRITE,		/* text, bytes: how many were written */
	SYS_READ,		/* room, bytes: how many were read, at least 1 */
	SYS_SEND,		/* id, message, bytes */
	SYS_RECEIVE,		/* room, bytes, address for the sender's id or 0 */
	SYS_PROCESSES,		/* struct process_info [], how many fit: how many there are */
	SYS_TASKS,		/* struct task_info [], how many fit: how many there are */
	SYS_THREAD,		/* function, argument: the task's id */
	SYS_THREAD_EXIT,
	SYS_GET_GROUP,		/* id */
	SYS_SET_GROUP,		/* id, group */
	SYS_SET_NAME,		/* text, bytes */
	SYS_TIME,		/* microseconds since the start */
	SYS_RANDOM,		/* room, bytes: how many random ones were read, at least 1 */
	SYS_COMMAND_LINE,	/* room, bytes */
	SYS_SYSTEM,		/* struct system_info */
	SYS_POWER_OFF,		/* status; Init and its children alone */
	SYS_ANNOUNCE,		/* 1 or 0: tell the hypervisor of changes of state, or not */
	SYS_EXITS,		/* VM exits so far, where the hypervisor tells */
	SYSTEM_CALLS,
};

#define ANY_CHILD		0xffff
#define WAIT_NO_HANG		1
#define KILL_GROUP		1
/* 0 is an id like the others: what fork() returns in the child is none. */
#define IN_CHILD		0x10000

enum error {
	EPERM = 1,	/* not this process's to do */
	ESRCH = 3,	/* no such process */
	EINTR = 4,	/* the process is being killed */
	EIO = 5,	/* a device does not do what it should */
	ECHILD = 10,	/* no child to wait for */
	EAGAIN = 11,	/* no control block is left, or a mailbox is full */
	ENOMEM = 12,
	EFAULT = 14,	/* an address that is not the process's */
	EINVAL = 22,
	ENOSYS = 38,
};

/* How a process ended: exit's argument, or one of these with a number. */
#define STATUS_EXIT(s)		((s) & 0xff)
#define STATUS_FAULT		0x100	/* + the exception's vector */
#define STATUS_KILLED		0x200

struct process_info {
	u8 id, parent, group, state, policy, priority, tasks, unused;
	u32 pages, pages_shared;	/* of memory; how many of them are other processes', too */
	int status;
	u64 microseconds;	/* CPU time */
	char name[NAME_MAX_LEN];
};

struct task_info {
	u8 id, process, state, policy, priority, slice, cpu, unused;
	u32 stack_used, stack_size;	/* of the kernel stack, bytes: the most that was used */
	u64 microseconds;
	u64 switches;
	char name[NAME_MAX_LEN];
};

struct system_info {
	u32 cpus, processes_free, processes_recycled, tasks_free;
	u32 pages_free, x2apic, tsc_deadline, hypervisor_tells;
	u32 random_interrupts, unused;
	u64 tsc_khz;
};

#endif
