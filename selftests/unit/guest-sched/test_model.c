// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on processes and tasks, each also done to a model: arrays that are searched
 * from end to end, without lists, bitmaps or counts. After each operation what it touched is
 * compared, and now and then everything: states, sets of states, families, queues in their order,
 * free blocks.
 *
 * usage: test_model OPERATIONS [SEED]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched.h"
#include "tap.h"

#define NONE		(-1)
#define WHOLE_EVERY	16

enum place { FREE, FAMILY, RECYCLED };

static struct {
	enum place place;
	int parent;
	bool zombie;
	long since;		/* order in the recycle list */
} processes[PROCESSES];

static struct {
	int process;		/* NONE: the block is free */
	u8 state, priority, policy, slice;
	bool idle;
	long order;		/* among ready ones of the same priority */
} tasks[TASKS];

static struct {
	int running, idle;
	bool expired;
} cpus[CPUS_MAX];

static unsigned int nr_cpus;
static long first_order, last_order, clock_now;
static unsigned long long random_state;
static bool wrong;
static const char *operation = "begin";
static unsigned long counts[16];
static struct list waiting;

void state_stop(const char *subject, unsigned int id, const char *from, const char *to)
{
	printf("# after %s: %s %u from %s to %s\n", operation, subject, id, from, to);
	tap_ok(false, "no illegal transition");
	exit(1);
}

void state_changed(enum subject subject, unsigned int id, u8 to, const char *transition)
{
}

static unsigned int pick(unsigned int n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 33) % n;
}

static void complain(const char *what, int id)
{
	if (!wrong)
		printf("# after %s: %s %d differs\n", operation, what, id);
	wrong = true;
}

/* What the model says of a process, from its tasks alone. */
static u8 model_set(int p)
{
	bool ready = false, running = false, pend = false;
	int t;

	if (processes[p].place != FAMILY)
		return STATE_NONE;
	for (t = 0; t < TASKS; t++) {
		if (tasks[t].process != p)
			continue;
		ready |= tasks[t].state == STATE_READY;
		running |= tasks[t].state == STATE_RUNNING;
		pend |= tasks[t].state == STATE_PEND;
	}
	if (ready || running)
		return (ready ? STATE_READY : 0) | (running ? STATE_RUNNING : 0);
	return pend ? STATE_PEND : STATE_ZOMBIE;
}

static void compare_task(int t)
{
	const struct task *real = &pool.task[t];

	if (tasks[t].process == NONE) {
		if (real->state != STATE_NONE)
			complain("free task", t);
		return;
	}
	if (real->state != tasks[t].state || real->process->id != tasks[t].process ||
	    real->priority != tasks[t].priority || real->policy != tasks[t].policy ||
	    real->slice != tasks[t].slice)
		complain("task", t);
}

static void compare_process(int p)
{
	const struct process *real = &pool.process[p];

	if (real->state != model_set(p))
		complain("state of process", p);
	if (processes[p].place == FAMILY &&
	    (real->parent ? real->parent->id : NONE) != processes[p].parent)
		complain("parent of process", p);
}

/* The ready task that the model would run: the most urgent, and of those the first. */
static int model_best(void)
{
	int best = NONE, t;

	for (t = 0; t < TASKS; t++) {
		if (tasks[t].process == NONE || tasks[t].state != STATE_READY || tasks[t].idle)
			continue;
		if (best == NONE || tasks[t].priority < tasks[best].priority ||
		    (tasks[t].priority == tasks[best].priority &&
		     tasks[t].order < tasks[best].order))
			best = t;
	}
	return best;
}

static void compare_queue(unsigned int priority)
{
	int ready = 0, listed = 0, t;
	long before = first_order;
	struct list *at;

	for (t = 0; t < TASKS; t++)
		ready += tasks[t].process != NONE && tasks[t].state == STATE_READY &&
			 !tasks[t].idle && tasks[t].priority == priority;
	list_for_each(at, &sched.queue[priority]) {
		t = container_of(at, struct task, queue)->id;
		if (tasks[t].state != STATE_READY || tasks[t].priority != priority ||
		    (listed && tasks[t].order <= before))
			complain("queue", priority);
		before = tasks[t].order;
		listed++;
	}
	if (ready != listed || !(sched.bitmap & BIT(priority)) != !ready)
		complain("length of queue", priority);
}

static int list_length(const struct list *list)
{
	struct list *at;
	int n = 0;

	list_for_each(at, list)
		n++;
	return n;
}

static void compare_all(void)
{
	int free = 0, recycled = 0, children = 0, family = 0, free_tasks = 0, i;

	for (i = 0; i < TASKS; i++) {
		compare_task(i);
		free_tasks += tasks[i].process == NONE;
	}
	for (i = 0; i < PROCESSES; i++) {
		compare_process(i);
		free += processes[i].place == FREE;
		recycled += processes[i].place == RECYCLED;
		family += processes[i].place == FAMILY;
		if (processes[i].place == FAMILY)
			children += list_length(&pool.process[i].children);
	}
	for (i = 0; i < PRIORITIES; i++)
		compare_queue(i);
	for (i = 0; i < (int)nr_cpus; i++)
		if (sched.cpu[i].running->id != cpus[i].running)
			complain("what runs on CPU", i);
	/* Each block is in one place: its list is as long as the model has members for it. */
	if (list_length(&pool.free) != free || pool.nr_free != (u32)free)
		complain("free list", free);
	if (list_length(&pool.recycle) != recycled || pool.nr_recycle != (u32)recycled)
		complain("recycle list", recycled);
	if (list_length(&pool.free_tasks) != free_tasks || pool.nr_free_tasks != (u32)free_tasks)
		complain("list of free tasks", free_tasks);
	/* All but the two roots are somebody's children. */
	if (children != family - 2)
		complain("family", children);
}

static int urgency_of(int t)
{
	return tasks[t].idle ? PRIORITIES : tasks[t].priority;
}

static void next(unsigned int cpu)
{
	int prev = cpus[cpu].running, best = model_best(), chosen = prev;
	bool expired = cpus[cpu].expired;

	if (expired)
		tasks[prev].slice = SLICE_TICKS;
	cpus[cpu].expired = false;
	if (tasks[prev].state == STATE_RUNNING) {
		bool leaves = best != NONE && (urgency_of(best) < urgency_of(prev) ||
					       (expired && urgency_of(best) == urgency_of(prev)));

		if (leaves) {
			tasks[prev].state = STATE_READY;
			tasks[prev].order = expired ? ++last_order : --first_order;
			chosen = best;
		}
	} else {
		chosen = best == NONE ? cpus[cpu].idle : best;
	}
	tasks[chosen].state = STATE_RUNNING;
	cpus[cpu].running = chosen;
	if (sched_next(cpu)->id != chosen)
		complain("choice on CPU", cpu);
	compare_task(prev);
	compare_task(chosen);
}

/* Every processor thinks again that is to. Then none runs what is less urgent than what waits. */
static void settle(void)
{
	bool again = true;
	unsigned int cpu;
	int best, turns = 0;

	while (again && turns++ < 100)
		for (again = false, cpu = 0; cpu < nr_cpus; cpu++)
			if (sched.cpu[cpu].resched) {
				again = true;
				next(cpu);
			}
	best = model_best();
	for (cpu = 0; cpu < nr_cpus && best != NONE; cpu++)
		if (urgency_of(best) < urgency_of(cpus[cpu].running))
			complain("urgency on CPU", cpu);
	if (again)
		complain("CPUs that choose again without an end: of", nr_cpus);
}

static int find_free_task(void)
{
	int t;

	for (t = 0; t < TASKS; t++)
		if (tasks[t].process == NONE)
			return t;
	return NONE;
}

static void model_task(int t, int p, u8 priority, u8 policy)
{
	tasks[t].process = p;
	tasks[t].state = STATE_READY;
	tasks[t].priority = priority;
	tasks[t].policy = policy;
	tasks[t].slice = SLICE_TICKS;
	tasks[t].idle = false;
	tasks[t].order = ++last_order;
}

static void do_fork(int parent)
{
	struct process *p = process_take(&pool.process[parent], "child");
	struct task *t;
	int i;

	operation = "fork";
	if (!p) {
		for (i = 0; i < PROCESSES; i++)
			if (processes[i].place == FREE)
				complain("refused though free: process", i);
		return;
	}
	if (processes[p->id].place != FREE)
		complain("given out twice: process", p->id);
	processes[p->id].place = FAMILY;
	processes[p->id].parent = parent;
	t = task_take(p, "child");
	if (!t || !pick(50)) {
		/* A creation that fails half-way leaves nothing. */
		if (!t && find_free_task() != NONE)
			complain("refused though free: task", find_free_task());
		if (t)
			task_give_up(t);
		process_give_up(p);
		processes[p->id].place = FREE;
		return;
	}
	model_task(t->id, p->id, p->priority, p->policy);
	sched_start(t);
	compare_process(p->id);
	compare_task(t->id);
}

static void do_thread(int p)
{
	struct task *t = task_take(&pool.process[p], "thread");

	operation = "thread";
	if (!t) {
		if (find_free_task() != NONE)
			complain("refused though free: task", find_free_task());
		return;
	}
	model_task(t->id, p, pool.process[p].priority, pool.process[p].policy);
	sched_start(t);
	compare_process(p);
}

static void do_block(unsigned int cpu)
{
	int t = cpus[cpu].running;

	operation = "block";
	list_add_tail(&waiting, &pool.task[t].queue);
	sched_block(cpu);
	tasks[t].state = STATE_PEND;
	compare_process(tasks[t].process);
	next(cpu);
}

static int random_task(u8 state)
{
	int start = pick(TASKS), i, t;

	for (i = 0; i < TASKS; i++) {
		t = (start + i) % TASKS;
		if (tasks[t].process != NONE && tasks[t].state == state && !tasks[t].idle)
			return t;
	}
	return NONE;
}

static void do_wake(void)
{
	int t = random_task(STATE_PEND);

	operation = "wake";
	if (t == NONE)
		return;
	sched_wake(&pool.task[t]);
	tasks[t].state = STATE_READY;
	tasks[t].slice = SLICE_TICKS;
	tasks[t].order = ++last_order;
	compare_process(tasks[t].process);
}

static void do_exit(unsigned int cpu)
{
	int t = cpus[cpu].running, p = tasks[t].process, i, alive = 0;

	operation = "exit";
	for (i = 0; i < TASKS; i++)
		alive += tasks[i].process == p && tasks[i].state != STATE_ZOMBIE;
	if (p == PROCESS_INIT && alive == 1)
		return;
	sched_exit(cpu);
	tasks[t].state = STATE_ZOMBIE;
	if (alive == 1) {
		processes[p].zombie = true;
		process_orphan_children(&pool.process[p]);
		for (i = 0; i < PROCESSES; i++)
			if (processes[i].place == FAMILY && processes[i].parent == p)
				processes[i].parent = PROCESS_INIT;
	}
	compare_process(p);
	next(cpu);
}

static void do_collect(int parent)
{
	struct process *zombie;
	bool any, model_any = false, model_zombie = false;
	u64 id = pick(2) ? ANY_CHILD : pick(PROCESSES);
	int i;

	operation = "collect";
	for (i = 0; i < PROCESSES; i++) {
		if (processes[i].place != FAMILY || processes[i].parent != parent ||
		    (id != ANY_CHILD && id != (u64)i))
			continue;
		model_any = true;
		model_zombie |= processes[i].zombie;
	}
	zombie = process_find_zombie(&pool.process[parent], id, &any);
	if (any != model_any || !zombie != !model_zombie)
		complain("children of process", parent);
	if (!zombie)
		return;
	if (!processes[zombie->id].zombie || processes[zombie->id].parent != parent)
		complain("collected process", zombie->id);
	process_collect(zombie);
	processes[zombie->id].place = RECYCLED;
	processes[zombie->id].zombie = false;
	processes[zombie->id].since = ++clock_now;
	compare_process(zombie->id);
}

/* What the resource-free task does, a part of it. */
static void do_free(void)
{
	struct process *p;
	int t, i, oldest = NONE;

	operation = "free";
	for (t = 0; t < TASKS; t++) {
		if (tasks[t].process == NONE || tasks[t].state != STATE_ZOMBIE)
			continue;
		task_give_up(&pool.task[t]);
		tasks[t].process = NONE;
	}
	p = process_next_recycled();
	for (i = 0; i < PROCESSES; i++)
		if (processes[i].place == RECYCLED &&
		    (oldest == NONE || processes[i].since < processes[oldest].since))
			oldest = i;
	if ((p ? p->id : NONE) != oldest)
		complain("oldest in the recycle list: process", oldest);
	if (!p)
		return;
	process_free(p);
	processes[p->id].place = FREE;
}

static void do_set(void)
{
	int t = random_task(1 << (1 + pick(3)));
	u8 priority = pick(PRIORITIES), policy = pick(2) ? SCHED_RR : SCHED_FIFO;

	operation = "set priority";
	if (t == NONE)
		return;
	sched_set(&pool.task[t], priority, policy);
	if (tasks[t].policy != policy)
		tasks[t].slice = SLICE_TICKS;
	tasks[t].policy = policy;
	if (tasks[t].priority != priority && tasks[t].state == STATE_READY)
		tasks[t].order = ++last_order;
	tasks[t].priority = priority;
	compare_task(t);
}

static void do_tick(unsigned int cpu)
{
	int t = cpus[cpu].running;

	operation = "tick";
	sched_tick(cpu);
	if (tasks[t].idle || tasks[t].policy != SCHED_RR)
		return;
	if (tasks[t].slice)
		tasks[t].slice--;
	if (!tasks[t].slice)
		cpus[cpu].expired = true;
	compare_task(t);
}

static void do_yield(unsigned int cpu)
{
	operation = "yield";
	sched_give_way(cpu);
	cpus[cpu].expired = true;
}

static void step(void)
{
	unsigned int cpu = pick(nr_cpus), what = pick(12);
	int t = cpus[cpu].running, p = tasks[t].process;

	/* An idle task does nothing; while all are idle, only a wake-up helps. */
	if (tasks[t].idle && (what < 6 || what == 9))
		what = 6;
	counts[what]++;
	switch (what) {
	case 0:
	case 1:
		do_fork(p);
		break;
	case 2:
		do_thread(p);
		break;
	case 3:
		do_block(cpu);
		break;
	case 4:
		do_exit(cpu);
		break;
	case 5:
		do_collect(p);
		break;
	case 6:
	case 7:
		do_wake();
		break;
	case 8:
		do_set();
		break;
	case 9:
		do_yield(cpu);
		break;
	case 10:
		do_tick(cpu);
		break;
	case 11:
		do_free();
		break;
	}
	if (pick(3))
		settle();
}

static void begin(unsigned int n)
{
	unsigned int i;
	struct task *t;

	pool_init();
	sched_init();
	list_init(&waiting);
	memset(processes, 0, sizeof(processes));
	memset(cpus, 0, sizeof(cpus));
	for (i = 0; i < TASKS; i++)
		tasks[i].process = NONE;
	for (i = 0; i < PROCESSES; i++)
		processes[i].parent = NONE;
	processes[PROCESS_INIT].place = FAMILY;
	processes[PROCESS_KERNEL].place = FAMILY;
	nr_cpus = n;
	for (i = 0; i < n; i++) {
		t = task_take(&pool.process[PROCESS_KERNEL], "idle");
		t->priority = PRIORITIES - 1;
		sched_add_cpu(i, t);
		model_task(t->id, PROCESS_KERNEL, PRIORITIES - 1, t->policy);
		tasks[t->id].idle = true;
		tasks[t->id].state = STATE_RUNNING;
		cpus[i].idle = t->id;
		cpus[i].running = t->id;
	}
	t = task_take(&pool.process[PROCESS_INIT], "init");
	model_task(t->id, PROCESS_INIT, PRIORITY_INIT, SCHED_RR);
	sched_start(t);
	settle();
}

int main(int argc, char **argv)
{
	long operations = argc > 1 ? atol(argv[1]) : 100000, i;
	unsigned int n, least = 0;
	char name[80];

	random_state = argc > 2 ? strtoull(argv[2], NULL, 0) : 20261201;
	printf("# seed %llu\n", random_state);
	for (n = 1; n <= CPUS_MAX; n++) {
		begin(n);
		for (i = 0; i < operations / CPUS_MAX && !wrong; i++) {
			step();
			if (i % WHOLE_EVERY == 0)
				compare_all();
		}
		compare_all();
		snprintf(name, sizeof(name), "%ld random operations on %u CPUs", i, n);
		tap_ok(!wrong, name);
	}
	for (i = 0; i < 12; i++)
		least += counts[i] < (unsigned long)operations / 100;
	tap_ok(!least, "each kind of operation was done often");
	return tap_done();
}
