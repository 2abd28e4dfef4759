// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls: one function each, and the table. Arguments are whatever a program likes to pass:
 * each function checks its own, and reaches the program's memory through copy_from_user() and
 * copy_to_user() alone.
 */
#include "acpi.h"
#include "announce.h"
#include "console.h"
#include "format.h"
#include "machine.h"
#include "mailbox.h"
#include "memory.h"
#include "paging.h"
#include "process.h"
#include "random.h"
#include "start.h"
#include "task.h"

#define CHUNK		128	/* bytes of text that are copied at once */
#define SLEEP_MAX_MS	1000000

/* uapi/linux/minikvm.h */
#define MINIKVM_HC_EXITS	0x6d6b7678

/* First, second and third argument. */
#define ARG1(f)		((f)->rdi)
#define ARG2(f)		((f)->rsi)
#define ARG3(f)		((f)->rdx)

static struct process *me(void)
{
	return current()->process;
}

static bool from_user(void *to, u64 from, u64 n)
{
	return copy_from_user(me()->space, to, from, n);
}

static bool to_user(u64 to, const void *from, u64 n)
{
	return copy_to_user(me()->space, to, from, n);
}

/* May the running process do something to @p? To itself, to what descends from it, or to all. */
static bool may_change(const struct process *p)
{
	if (p->id == PROCESS_KERNEL)
		return false;
	if (me()->trusted)
		return true;
	while (p && p != me())
		p = p->parent;
	return p;
}

static long sys_exit(struct frame *f)
{
	process_kill(me(), STATUS_EXIT(ARG1(f)));
	return 0;
}

static long sys_fork(struct frame *f)
{
	return process_fork(f);
}

static long sys_waitpid(struct frame *f)
{
	int status, none = 0;
	long id;

	/* Look first: a child that cannot be told of is not to be lost. */
	if (ARG2(f) && !to_user(ARG2(f), &none, sizeof(none)))
		return -EFAULT;
	id = process_wait(ARG1(f), ARG3(f), &status);
	if (id >= 0 && ARG2(f))
		to_user(ARG2(f), &status, sizeof(status));
	return id;
}

static long kill_group(u64 group)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < PROCESSES; i++) {
		struct process *p = process_by_id(i);

		if (!p || p->group != group || p->state == STATE_ZOMBIE ||
		    p->id == PROCESS_INIT || !may_change(p))
			continue;
		found = true;
		process_kill(p, STATUS_KILLED);
	}
	return found ? 0 : -ESRCH;
}

static long sys_kill(struct frame *f)
{
	struct process *p;

	if (ARG2(f) & KILL_GROUP)
		return kill_group(ARG1(f));
	p = process_by_id(ARG1(f));
	if (!p)
		return -ESRCH;
	if (p->id == PROCESS_INIT || !may_change(p))
		return -EPERM;
	process_kill(p, STATUS_KILLED);
	return 0;
}

static long sys_getpid(struct frame *f)
{
	(void)f;
	return me()->id;
}

static long sys_getppid(struct frame *f)
{
	(void)f;
	return me()->parent ? me()->parent->id : PROCESS_KERNEL;
}

static long sys_yield(struct frame *f)
{
	(void)f;
	sched_give_way(this_cpu()->number);
	return 0;
}

static long sys_sleep(struct frame *f)
{
	if (ARG1(f) > SLEEP_MAX_MS)
		return -EINVAL;
	task_sleep(ARG1(f) * 1000);
	return current()->interrupted ? -EINTR : 0;
}

static long sys_get_priority(struct frame *f)
{
	struct process *p = process_by_id(ARG1(f));

	return p ? p->priority : -ESRCH;
}

static long sys_get_policy(struct frame *f)
{
	struct process *p = process_by_id(ARG1(f));

	return p ? p->policy : -ESRCH;
}

static void set_tasks(struct process *p)
{
	struct list *at;

	list_for_each(at, &p->tasks) {
		struct task *t = container_of(at, struct task, sibling);

		if (t->state != STATE_ZOMBIE)
			sched_set(t, p->priority, p->policy);
	}
}

static long sys_set_priority(struct frame *f)
{
	struct process *p = process_by_id(ARG1(f));

	if (!p)
		return -ESRCH;
	if (!may_change(p))
		return -EPERM;
	if (ARG2(f) < PRIORITY_USER || ARG2(f) >= PRIORITIES)
		return -EINVAL;
	if (ARG2(f) < p->priority && !me()->trusted)
		return -EPERM;
	p->priority = ARG2(f);
	set_tasks(p);
	return 0;
}

static long sys_set_policy(struct frame *f)
{
	struct process *p = process_by_id(ARG1(f));

	if (!p)
		return -ESRCH;
	/* Who never gives the processor away could keep it from all its equals. */
	if (!may_change(p) || (ARG2(f) == SCHED_FIFO && !me()->trusted))
		return -EPERM;
	if (ARG2(f) != SCHED_FIFO && ARG2(f) != SCHED_RR)
		return -EINVAL;
	p->policy = ARG2(f);
	set_tasks(p);
	return 0;
}

static long sys_write(struct frame *f)
{
	char text[CHUNK];
	u64 n = min_t(u64, ARG2(f), CHUNK);

	if (!from_user(text, ARG1(f), n))
		return -EFAULT;
	console_write(text, n);
	return n;
}

static long sys_read(struct frame *f)
{
	char text[CHUNK];
	u64 n = min_t(u64, ARG2(f), CHUNK);

	/* Look first: what was typed is not to be lost. */
	memset(text, 0, n);
	if (!n)
		return -EINVAL;
	if (!to_user(ARG1(f), text, n))
		return -EFAULT;
	while (!(n = console_take(text, min_t(u64, ARG2(f), CHUNK)))) {
		task_wait(&console_readers);
		if (current()->interrupted)
			return -EINTR;
	}
	to_user(ARG1(f), text, n);
	return n;
}

static long sys_send(struct frame *f)
{
	struct process *p = process_by_id(ARG1(f));
	u8 data[MESSAGE_MAX];

	if (!p || !p->mailbox || p->state == STATE_ZOMBIE)
		return -ESRCH;
	if (ARG3(f) > MESSAGE_MAX)
		return -EINVAL;
	if (!from_user(data, ARG2(f), ARG3(f)))
		return -EFAULT;
	return mailbox_send(p, me()->id, data, ARG3(f));
}

static long sys_receive(struct frame *f)
{
	u8 data[MESSAGE_MAX] = {};
	u32 room = min_t(u64, ARG2(f), MESSAGE_MAX);
	int from = 0;
	long size;

	/* Look first: a message that cannot be delivered is not to be lost. */
	if (!to_user(ARG1(f), data, room) ||
	    (ARG3(f) && !to_user(ARG3(f), &from, sizeof(from))))
		return -EFAULT;
	size = mailbox_receive(data, room, &from);
	if (size < 0)
		return size;
	to_user(ARG1(f), data, size);
	if (ARG3(f))
		to_user(ARG3(f), &from, sizeof(from));
	return size;
}

static u64 process_cycles(const struct process *p)
{
	u64 cycles = p->cycles;
	struct list *at;

	list_for_each(at, &p->tasks) {
		struct task *t = container_of(at, struct task, sibling);

		if (t->state != STATE_ZOMBIE)
			cycles += task_cycles(t);
	}
	return cycles;
}

static u8 count_tasks(const struct process *p)
{
	return p->nr_ready + p->nr_running + p->nr_pend;
}

static long sys_processes(struct frame *f)
{
	struct process_info info;
	unsigned int i, n = 0;
	struct process *p;

	for (i = 0; i < PROCESSES; i++) {
		p = process_by_id(i);
		if (!p || n++ >= ARG2(f))
			continue;
		memset(&info, 0, sizeof(info));
		info.id = p->id;
		info.parent = p->parent ? p->parent->id : p->id;
		info.group = p->group;
		info.state = p->state;
		info.policy = p->policy;
		info.priority = p->priority;
		info.tasks = count_tasks(p);
		info.pages = process_pages(p);
		info.pages_shared = p->space ? space_shared(p->space) : 0;
		info.status = p->status;
		info.microseconds = microseconds(process_cycles(p));
		memcpy(info.name, p->name, NAME_MAX_LEN);
		if (!to_user(ARG1(f) + (n - 1) * sizeof(info), &info, sizeof(info)))
			return -EFAULT;
	}
	return n;
}

static long sys_tasks(struct frame *f)
{
	struct task_info info;
	unsigned int i, n = 0;
	struct task *t;

	for (i = 0; i < TASKS; i++) {
		t = &pool.task[i];
		if (t->state == STATE_NONE || n++ >= ARG2(f))
			continue;
		memset(&info, 0, sizeof(info));
		info.id = t->id;
		info.process = t->process->id;
		info.state = t->state;
		info.policy = t->policy;
		info.priority = t->priority;
		info.slice = t->slice;
		info.cpu = t->cpu;
		info.stack_used = task_stack_used(t);
		info.stack_size = KERNEL_STACK_STRIDE - PAGE_SIZE;
		info.microseconds = microseconds(task_cycles(t));
		info.switches = t->switches;
		memcpy(info.name, t->name, NAME_MAX_LEN);
		if (!to_user(ARG1(f) + (n - 1) * sizeof(info), &info, sizeof(info)))
			return -EFAULT;
	}
	return n;
}

static long sys_thread(struct frame *f)
{
	if (ARG1(f) >= USER_END)
		return -EFAULT;
	return process_thread(f, ARG1(f), ARG2(f));
}

static long sys_thread_exit(struct frame *f)
{
	(void)f;
	/* The last one takes the process with it. */
	if (count_tasks(me()) == 1)
		process_kill(me(), 0);
	else
		task_exit();
	return 0;
}

static long sys_get_group(struct frame *f)
{
	struct process *p = process_by_id(ARG1(f));

	return p ? p->group : -ESRCH;
}

static long sys_set_group(struct frame *f)
{
	struct process *p = process_by_id(ARG1(f));

	if (!p)
		return -ESRCH;
	if (!may_change(p))
		return -EPERM;
	/* A group of its own, or one that is there. */
	if (ARG2(f) != p->id && (!process_by_id(ARG2(f)) ||
				 process_by_id(ARG2(f))->group != ARG2(f)))
		return -EINVAL;
	p->group = ARG2(f);
	return 0;
}

static long sys_set_name(struct frame *f)
{
	char name[NAME_MAX_LEN] = {};
	unsigned int i;

	if (ARG2(f) >= NAME_MAX_LEN)
		return -EINVAL;
	if (!from_user(name, ARG1(f), ARG2(f)))
		return -EFAULT;
	for (i = 0; i < ARG2(f); i++)
		if (name[i] <= ' ' || name[i] > '~')
			return -EINVAL;
	set_name(me()->name, name);
	set_name(current()->name, name);
	return 0;
}

static long sys_time(struct frame *f)
{
	(void)f;
	return microseconds(rdtsc() - start_time);
}

static long sys_random(struct frame *f)
{
	u8 data[RANDOM_MAX] = {};
	u32 room = min_t(u64, ARG2(f), RANDOM_MAX);
	int n;

	if (!room)
		return -EINVAL;
	/* Look first: random bytes may be rare. */
	if (!to_user(ARG1(f), data, room))
		return -EFAULT;
	n = random_get(data, room);
	if (n > 0)
		to_user(ARG1(f), data, n);
	return n;
}

static long sys_command_line(struct frame *f)
{
	u64 n = min(ARG2(f), strlen(command_line) + 1);

	return to_user(ARG1(f), command_line, n) ? (long)n : -EFAULT;
}

static long sys_system(struct frame *f)
{
	struct system_info info = {
		.cpus = sched.nr_cpus,
		.processes_free = pool.nr_free,
		.processes_recycled = pool.nr_recycle,
		.tasks_free = pool.nr_free_tasks,
		.pages_free = pages_free,
		.x2apic = features.x2apic,
		.tsc_deadline = features.tsc_deadline,
		.hypervisor_tells = features.kvm,
		.random_interrupts = random_interrupts,
		.tsc_khz = features.tsc_khz,
	};

	return to_user(ARG1(f), &info, sizeof(info)) ? 0 : -EFAULT;
}

static long sys_power_off(struct frame *f)
{
	if (!me()->trusted)
		return -EPERM;
	power_off(ARG1(f) != 0);
}

static long sys_announce(struct frame *f)
{
	if (!me()->trusted)
		return -EPERM;
	if (!features.kvm)
		return -ENOSYS;
	announce_turn(ARG1(f));
	return 0;
}

static long sys_exits(struct frame *f)
{
	long exits = -ENOSYS;

	(void)f;
	/* minikvm's own; another hypervisor answers with KVM's "no such call". */
	if (features.kvm)
		exits = vmcall(MINIKVM_HC_EXITS, 0, 0, 0, 0);
	return exits < 0 ? -ENOSYS : exits;
}

static long (*const table[SYSTEM_CALLS])(struct frame *f) = {
	[SYS_EXIT] = sys_exit,
	[SYS_FORK] = sys_fork,
	[SYS_WAITPID] = sys_waitpid,
	[SYS_KILL] = sys_kill,
	[SYS_GETPID] = sys_getpid,
	[SYS_GETPPID] = sys_getppid,
	[SYS_YIELD] = sys_yield,
	[SYS_SLEEP] = sys_sleep,
	[SYS_GET_PRIORITY] = sys_get_priority,
	[SYS_SET_PRIORITY] = sys_set_priority,
	[SYS_GET_POLICY] = sys_get_policy,
	[SYS_SET_POLICY] = sys_set_policy,
	[SYS_WRITE] = sys_write,
	[SYS_READ] = sys_read,
	[SYS_SEND] = sys_send,
	[SYS_RECEIVE] = sys_receive,
	[SYS_PROCESSES] = sys_processes,
	[SYS_TASKS] = sys_tasks,
	[SYS_THREAD] = sys_thread,
	[SYS_THREAD_EXIT] = sys_thread_exit,
	[SYS_GET_GROUP] = sys_get_group,
	[SYS_SET_GROUP] = sys_set_group,
	[SYS_SET_NAME] = sys_set_name,
	[SYS_TIME] = sys_time,
	[SYS_RANDOM] = sys_random,
	[SYS_COMMAND_LINE] = sys_command_line,
	[SYS_SYSTEM] = sys_system,
	[SYS_POWER_OFF] = sys_power_off,
	[SYS_ANNOUNCE] = sys_announce,
	[SYS_EXITS] = sys_exits,
};

/* A program asks for something: the number is in RAX, the answer goes there. */
void system_call(struct frame *f)
{
	u64 nr = f->rax;

	f->rax = nr < SYSTEM_CALLS ? table[nr](f) : -ENOSYS;
}
