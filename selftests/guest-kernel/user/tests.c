// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's tests, as Init runs them with "test" on the command line: TAP on the console, and
 * the power off with the result. No test depends on how fast the machine is: what they compare is
 * order, states and counts.
 */
#include "lib.h"

#define LEFT	(PROCESSES - 2)

static int tests, failed;

void check(bool ok, const char *name)
{
	tests++;
	failed += !ok;
	printf("%s %d - %s\n", ok ? "ok" : "not ok", tests, name);
}

static void sleep_endlessly(void)
{
	for (;;)
		sleep_ms(1000);
}

static int child_that(void (*what)(void))
{
	int child = fork();

	if (child == IN_CHILD) {
		if (what)
			what();
		exit(0);
	}
	return child;
}

static u8 state_of(int id)
{
	struct process_info info;

	return get_process(id, &info) ? info.state : STATE_NONE;
}

/* Lets others run until a process is in a state; gives up after ten seconds. */
static bool becomes(int id, u8 state)
{
	u64 until = time_us() + 10000000;

	while (state_of(id) != state && time_us() < until)
		sleep_ms(1);
	return state_of(id) == state;
}

/* Lets the resource-free task do its work; gives up after ten seconds. */
static void all_freed(struct system_info *s)
{
	u64 until = time_us() + 10000000;

	for (get_system(s); s->processes_free != LEFT && time_us() < until; get_system(s))
		sleep_ms(1);
}

static void test_roots(void)
{
	struct process_info init = {}, kernel = {};
	static struct task_info t[TASKS];
	struct system_info s;
	unsigned int idle = 0, free = 0;
	int n, i;

	get_system(&s);
	check(getpid() == PROCESS_INIT && get_process(PROCESS_INIT, &init) &&
	      !strcmp(init.name, "Init") && init.priority == PRIORITY_INIT,
	      "process 1 is Init, with priority 28");
	check(get_process(PROCESS_KERNEL, &kernel) && !strcmp(kernel.name, "KProcess") &&
	      kernel.priority == PRIORITY_KERNEL, "process 2 is KProcess, with priority 0");
	check(s.processes_free == LEFT, "62 control blocks are left");
	n = system_call(SYS_TASKS, (long)t, TASKS, 0);
	for (i = 0; i < n; i++) {
		idle += t[i].process == PROCESS_KERNEL && !memcmp(t[i].name, "Idle", 4);
		free += t[i].process == PROCESS_KERNEL && t[i].priority == PRIORITY_FREE &&
			!strcmp(t[i].name, "resource-free");
	}
	check(idle == s.cpus && free == 1,
	      "each CPU has an Idle, and the resource-free task has priority 5");
}

static void test_fork(void)
{
	int child = fork(), status;

	if (child == IN_CHILD)
		exit(getppid() == PROCESS_INIT && getpid() != PROCESS_INIT ? 42 : 1);
	check(child >= 0 && waitpid(child, &status, 0) == child && status == 42,
	      "fork, exit and waitpid");
	check(waitpid(ANY_CHILD, NULL, 0) == -ECHILD, "waitpid without a child is refused");
	child = child_that(sleep_endlessly);
	check(waitpid(child, NULL, WAIT_NO_HANG) == -EAGAIN, "waitpid that does not wait");
	check(waitpid(PROCESS_KERNEL, NULL, 0) == -ECHILD, "waitpid for another's child is refused");
	kill(child);
	check(wait_for(child) == STATUS_KILLED, "kill");
	check(kill(child) == -ESRCH, "a process that was collected cannot be killed");
}

static void test_pool(void)
{
	struct system_info before, after;
	int ids[PROCESSES], n, i, wrong = 0;
	u64 seen = 0;

	/* One round, so that Init's own pages are copied, and what ended has been freed. */
	wait_for(child_that(NULL));
	all_freed(&before);
	for (n = 0; n < PROCESSES; n++) {
		ids[n] = child_that(sleep_endlessly);
		if (ids[n] < 0)
			break;
		seen |= BIT(ids[n]);
	}
	check(n == LEFT, "62 processes can be created");
	check(n < PROCESSES && ids[n] == -EAGAIN, "creating the 63rd fails with a clear error");
	check(seen == ~(BIT(PROCESS_INIT) | BIT(PROCESS_KERNEL)),
	      "their ids are 0 to 63, but for the two roots");
	get_system(&after);
	check(!after.processes_free && !after.processes_recycled, "no control block is left");
	for (i = 0; i < n; i++)
		wrong += kill(ids[i]) != 0;
	for (i = 0; i < n; i++)
		wrong += wait_for(ids[i]) != STATUS_KILLED;
	check(!wrong, "all of them end and are collected");
	/* The resource-free task is more urgent than Init; on another CPU it may need a moment. */
	all_freed(&after);
	check(after.processes_free == LEFT && !after.processes_recycled,
	      "the resource-free task empties the recycle list");
	check(after.pages_free == before.pages_free && after.tasks_free == before.tasks_free,
	      "no page and no task is lost");
	n = fork();
	if (n == IN_CHILD)
		exit(0);
	check(n >= 0 && wait_for(n) == 0, "then a process can be created again");
}

static void leave_an_orphan(void)
{
	child_that(sleep_endlessly);
	exit(0);
}

static void test_family(void)
{
	static struct process_info all[PROCESSES];
	int child = child_that(leave_an_orphan), orphan = -1, n, i, two, group;

	wait_for(child);
	n = system_call(SYS_PROCESSES, (long)all, PROCESSES, 0);
	for (i = 0; i < n; i++)
		if (all[i].parent == PROCESS_INIT && all[i].id != PROCESS_INIT)
			orphan = all[i].id;
	check(orphan >= 0, "an orphan becomes Init's child");
	kill(orphan);
	check(wait_for(orphan) == STATUS_KILLED, "Init collects it");

	group = child_that(sleep_endlessly);
	two = child_that(sleep_endlessly);
	child = child_that(sleep_endlessly);
	check(!set_group(group, group) && !set_group(two, group) && get_group(two) == group &&
	      get_group(child) == get_group(PROCESS_INIT), "process groups");
	check(set_group(child, PROCESS_KERNEL + 60) == -EINVAL, "a group that is none is refused");
	check(!kill_group(group) && wait_for(group) == STATUS_KILLED &&
	      wait_for(two) == STATUS_KILLED && waitpid(child, NULL, WAIT_NO_HANG) == -EAGAIN,
	      "killing a group ends its members and no other process");
	kill(child);
	wait_for(child);
}

static void wait_for_message(void)
{
	char c;

	receive(&c, 1, NULL);
}

static void spin_endlessly(void)
{
	for (;;)
		asm volatile("pause");
}

static volatile int go_on, running;

static void spin_thread(void *unused)
{
	(void)unused;
	__atomic_fetch_add(&running, 1, __ATOMIC_RELAXED);
	while (!go_on)
		asm volatile("pause");
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELAXED);
}

static void come_thread(void *unused)
{
	(void)unused;
	__atomic_fetch_add(&running, 1, __ATOMIC_RELAXED);
	for (;;)
		sleep_ms(1000);
}

static void sleep_thread(void *unused)
{
	(void)unused;
	while (!go_on)
		sleep_ms(1);
}

/* Sees itself Ready and Running at once: more threads than processors. */
static void many_threads(void)
{
	struct process_info info;
	struct system_info s;
	unsigned int i, j;

	get_system(&s);
	for (i = 0; i < s.cpus; i++)
		thread(spin_thread, NULL);
	for (j = 0; j < 100000; j++)
		if (get_process(getpid(), &info) &&
		    info.state == (STATE_READY | STATE_RUNNING))
			break;
	exit(j < 100000 ? 11 : 1);
}

static void threads_that_sleep(void)
{
	thread(come_thread, NULL);
	thread(come_thread, NULL);
	sleep_endlessly();
}

static void test_states(void)
{
	int child = child_that(wait_for_message);

	check(becomes(child, STATE_PEND), "a process that waits for a message is Pend");
	send(child, "x", 1);
	check(becomes(child, STATE_ZOMBIE), "one that has ended is Zombie");
	wait_for(child);
	check(state_of(child) == STATE_NONE, "one that was collected is gone");
	child = child_that(spin_endlessly);
	sleep_ms(1);
	kill(child);
	check(wait_for(child) == STATUS_KILLED, "a process that computes is killed");
	child = child_that(many_threads);
	check(wait_for(child) == 11, "a process is Ready and Running at once");
	child = child_that(threads_that_sleep);
	check(becomes(child, STATE_PEND), "a process is Pend when all its threads are");
	kill(child);
	check(wait_for(child) == STATUS_KILLED, "a kill ends all threads");
}

static void take_turns(void)
{
	struct system_info s;
	unsigned int i;

	get_system(&s);
	/* None of them gives the processor away: the end of a slice lets the next one begin. */
	for (i = 0; i < s.cpus + 2; i++)
		if (system_call(SYS_THREAD, (long)spin_thread, 0, 0) < 0)
			exit(1);
	while (running < (int)s.cpus + 2)
		asm volatile("pause");
	exit(12);
}

/* On all processors, tasks that are not preempted by their equals. */
static void first_in(void)
{
	struct system_info s;
	unsigned int i;
	u64 until;

	get_system(&s);
	for (i = 0; i + 1 < s.cpus; i++)
		system_call(SYS_THREAD, (long)spin_thread, 0, 0);
	while (running + 1 < (int)s.cpus)
		asm volatile("pause");
	system_call(SYS_THREAD, (long)come_thread, 0, 0);
	until = time_us() + 10 * SLICE_TICKS * 1000000 / TICKS_PER_SECOND;
	while (time_us() < until)
		if (running >= (int)s.cpus)
			exit(1);
	/* Now it may. */
	while (running < (int)s.cpus)
		give_way();
	exit(13);
}

static int first_message(void)
{
	int from = -1;
	char c;

	receive(&c, 1, &from);
	return from;
}

static void tell_parent(void)
{
	wait_for_message();
	send(getppid(), "x", 1);
}

/* With the processors taken, the more urgent of two that wake up runs first. */
static void test_urgency(void)
{
	int low = child_that(tell_parent), high = child_that(tell_parent), spin[CPUS_MAX], first, i;
	struct system_info s;

	get_system(&s);
	becomes(low, STATE_PEND);
	becomes(high, STATE_PEND);
	/* Init outranks all of these: both messages are there before either wakes. */
	set_priority(PROCESS_INIT, PRIORITY_USER);
	set_priority(low, 30);
	set_priority(high, 15);
	for (i = 0; i < (int)s.cpus; i++) {
		spin[i] = child_that(spin_endlessly);
		set_priority(spin[i], 20);
	}
	send(low, "x", 1);
	send(high, "x", 1);
	first = first_message();
	check(first == high, "the more urgent process runs first, before one that computes");
	for (i = 0; i < (int)s.cpus; i++) {
		kill(spin[i]);
		wait_for(spin[i]);
	}
	check(first_message() == low, "the less urgent one runs when the others have ended");
	set_priority(PROCESS_INIT, PRIORITY_INIT);
	wait_for(low);
	wait_for(high);
}

static void test_scheduler(void)
{
	int child = child_that(take_turns);

	check(get_policy(child) == SCHED_RR, "SCHED_RR is what processes begin with");
	check(wait_for(child) == 12, "SCHED_RR: equals take turns by time slices");
	child = fork();
	if (child == IN_CHILD) {
		set_policy(getpid(), SCHED_FIFO);
		first_in();
	}
	check(wait_for(child) == 13, "SCHED_FIFO: equals wait until one yields");
	test_urgency();
	child = child_that(sleep_endlessly);
	check(!set_priority(child, 10) && get_priority(child) == 10 && !set_priority(child, 31) &&
	      get_priority(child) == 31, "priorities 10 to 31 are the user's");
	check(set_priority(child, 9) == -EINVAL && set_priority(child, 32) == -EINVAL &&
	      set_priority(child, -1) == -EINVAL && get_priority(child) == 31,
	      "others are refused");
	check(!set_policy(child, SCHED_FIFO) && get_policy(child) == SCHED_FIFO &&
	      set_policy(child, 0) == -EINVAL && set_policy(child, 3) == -EINVAL,
	      "policies are set and read");
	check(set_priority(PROCESS_KERNEL, 10) == -EPERM && get_priority(PROCESSES) == -ESRCH,
	      "no process may change KProcess");
	kill(child);
	wait_for(child);
}

static volatile u32 cpus_seen;

static void see_cpus(void)
{
	static struct task_info t[TASKS];
	struct system_info s;
	unsigned int i;
	u64 until = time_us() + 10000000;
	int n, j;

	get_system(&s);
	for (i = 0; i < s.cpus; i++)
		thread(spin_thread, NULL);
	while (cpus_seen != BIT(s.cpus) - 1 && time_us() < until) {
		n = system_call(SYS_TASKS, (long)t, TASKS, 0);
		for (j = 0; j < n; j++)
			if (t[j].process == getpid() && t[j].state == STATE_RUNNING)
				cpus_seen |= BIT(t[j].cpu);
	}
	exit(cpus_seen == BIT(s.cpus) - 1 ? 14 : 1);
}

static void exhaust_threads(void)
{
	int n;

	for (n = 1; n <= THREADS_MAX; n++)
		if (thread(sleep_thread, NULL) < 0)
			break;
	exit(n);
}

static void end_threads(void)
{
	int i;

	/* Many more than there can be at once: each makes room for the next. */
	for (i = 0; i < 3 * TASKS; i++) {
		running = 0;
		go_on = 1;
		while (thread(spin_thread, NULL) < 0)
			give_way();
	}
	exit(15);
}

static void test_threads(void)
{
	int child = child_that(see_cpus);

	check(wait_for(child) == 14, "threads of one process run on every CPU");
	child = child_that(exhaust_threads);
	check(wait_for(child) == THREADS_MAX, "a process has at most 16 threads");
	child = child_that(end_threads);
	check(wait_for(child) == 15, "threads that have ended make room for others");
}

static volatile int value = 1;
static u8 big[64 * 4096];

static void write_to_it(void)
{
	unsigned int i;

	value = 2;
	for (i = 0; i < sizeof(big); i += 4096)
		big[i]++;
	exit(value);
}

static int depth(int n)
{
	volatile char page[2048];

	page[0] = n;
	return n ? depth(n - 1) + page[0] - n : 0;
}

static void test_memory(void)
{
	struct process_info info = {};
	struct system_info before, after;
	int child, i, wrong = 0;

	for (i = 0; i < (int)sizeof(big); i += 4096)
		big[i] = i / 4096;
	child = child_that(sleep_endlessly);
	becomes(child, STATE_PEND);
	get_process(child, &info);
	check(info.pages >= 64 && info.pages_shared + 4u >= info.pages,
	      "fork shares the pages and copies none");
	kill(child);
	wait_for(child);
	child = child_that(write_to_it);
	check(wait_for(child) == 2 && value == 1, "what a child writes is not seen by its parent");
	for (i = 0; i < (int)sizeof(big); i += 4096)
		wrong += big[i] != i / 4096;
	check(!wrong, "nor in any of 64 pages");
	child = fork();
	if (child == IN_CHILD)
		exit(depth(24) == 0 ? 16 : 1);
	check(wait_for(child) == 16, "a stack grows page by page");
	all_freed(&before);
	for (i = 0; i < 50; i++)
		wait_for(child_that(write_to_it));
	all_freed(&after);
	check(before.pages_free == after.pages_free, "fifty forks lose no page");
}

static volatile int shared;

static void increment(void *to)
{
	*(volatile int *)to += 1;
	while (!go_on)
		sleep_ms(1);
}

/* A fork while threads of the parent write: none of their writes may reach the child. */
static void fork_beside_threads(void)
{
	int child, i, seen;

	for (i = 0; i < 20; i++) {
		child = fork();
		if (child == IN_CHILD) {
			seen = shared;
			for (i = 0; i < 20000; i++)
				if (shared != seen)
					exit(1);
			exit(0);
		}
		if (wait_for(child))
			exit(2);
	}
	exit(17);
}

static void count_endlessly(void *unused)
{
	(void)unused;
	for (;;)
		shared++;
}

static void test_copy_on_write(void)
{
	int child = fork();

	if (child == IN_CHILD) {
		struct system_info s;
		unsigned int i;

		get_system(&s);
		for (i = 0; i < s.cpus; i++)
			thread(count_endlessly, NULL);
		fork_beside_threads();
	}
	check(wait_for(child) == 17, "threads that write during a fork do not write to the child");
	child = fork();
	if (child == IN_CHILD) {
		static volatile int sum;

		thread(increment, (void *)&sum);
		thread(increment, (void *)&sum);
		while (sum != 2)
			give_way();
		exit(18);
	}
	check(wait_for(child) == 18, "threads share what they write");
}

static void echo(void)
{
	char data[MESSAGE_MAX];
	int from, n;

	for (;;) {
		n = receive(data, sizeof(data), &from);
		if (n < 0 || send(from, data, n))
			exit(1);
	}
}

static void test_messages(void)
{
	char text[MESSAGE_MAX], data[MESSAGE_MAX];
	int child = child_that(echo), from = -1, i, wrong = 0;

	for (i = 0; i < 200; i++) {
		memset(text, i, sizeof(text));
		wrong += send(child, text, 1 + i % MESSAGE_MAX) != 0;
		wrong += receive(data, sizeof(data), &from) != 1 + i % MESSAGE_MAX;
		wrong += from != child || memcmp(text, data, 1 + i % MESSAGE_MAX);
	}
	check(!wrong, "messages go there and back with their sender");
	kill(child);
	wait_for(child);
	check(send(child, text, 1) == -ESRCH, "there is no message to a process that is gone");
	child = child_that(sleep_endlessly);
	for (i = 0; i < MESSAGES; i++)
		wrong += send(child, text, 1) != 0;
	check(!wrong && send(child, text, 1) == -EAGAIN, "a full mailbox takes no more");
	check(send(child, text, MESSAGE_MAX + 1) == -EINVAL, "a message has at most 64 bytes");
	kill(child);
	wait_for(child);
}

static void sleep_long(void)
{
	exit(sleep_ms(200) ? 1 : 0);
}

static void sleep_short(void)
{
	exit(sleep_ms(20) ? 1 : 0);
}

static void test_time(void)
{
	int later = child_that(sleep_long), sooner = child_that(sleep_short), status, id, i;
	u64 then, now = 0;
	bool back = false;

	id = waitpid(ANY_CHILD, &status, 0);
	check(id == sooner && !status, "who sleeps less wakes first");
	check(waitpid(ANY_CHILD, &status, 0) == later && !status, "who sleeps more wakes later");
	then = time_us();
	sleep_ms(30);
	check(time_us() >= then + 30000, "a sleep is not too short");
	for (i = 0; i < 1000; i++, now = then) {
		then = time_us();
		back |= then < now;
	}
	check(!back, "time does not go back");
	check(sleep_ms(-1) == -EINVAL, "a sleep without an end is refused");
}

static bool all_zero(const u8 *bytes, int n)
{
	while (n && !bytes[n - 1])
		n--;
	return !n;
}

/* All of it, in as many calls as the device likes. */
static bool fill(u8 *bytes)
{
	int n, have = 0;

	while (have < RANDOM_MAX) {
		n = get_random(bytes + have, RANDOM_MAX - have);
		if (n <= 0)
			return false;
		have += n;
	}
	return true;
}

static void ask_for_random(void)
{
	u8 bytes[RANDOM_MAX];
	int i;

	for (i = 0; i < 50; i++)
		if (get_random(bytes, sizeof(bytes)) <= 0)
			exit(1);
	exit(19);
}

static void ask_endlessly(void)
{
	u8 byte;

	for (;;)
		get_random(&byte, 1);
}

/* The driver's device is there if the launcher offers it. */
static void test_random(void)
{
	u8 one[RANDOM_MAX] = {}, two[RANDOM_MAX];
	struct system_info before, after;
	int n, child[4], i, wrong = 0;
	u64 until;

	get_system(&before);
	n = get_random(one, sizeof(one));
	if (n == -ENOSYS) {
		check(true, "random bytes # SKIP no virtio-rng device");
		return;
	}
	check(fill(one) && fill(two) && memcmp(one, two, sizeof(one)) &&
	      !all_zero(one, sizeof(one)) && !all_zero(two, sizeof(two)),
	      "a virtio-rng device gives random bytes");
	memset(one, 0, sizeof(one));
	n = get_random(one, 8);
	check(n > 0 && n <= 8 && all_zero(one + 8, sizeof(one) - 8),
	      "they are not more than there is room for");
	n = get_random(one, 1000);
	check(get_random(one, 0) == -EINVAL && n > 0 && n <= RANDOM_MAX,
	      "one call brings 1 to 64 of them");
	until = time_us() + 10000000;
	do
		get_system(&after);
	while (after.random_interrupts == before.random_interrupts && time_us() < until);
	check(after.random_interrupts != before.random_interrupts, "the device interrupts");
	for (i = 0; i < 4; i++)
		child[i] = child_that(ask_for_random);
	for (i = 0; i < 4; i++)
		wrong += wait_for(child[i]) != 19;
	check(!wrong, "four processes share the device");
	for (i = 0; i < 4; i++) {
		child[0] = child_that(ask_endlessly);
		sleep_ms(i * 7);
		kill(child[0]);
		wrong += wait_for(child[0]) != STATUS_KILLED;
		wrong += get_random(two, sizeof(two)) <= 0;
	}
	check(!wrong, "who is killed while it waits for the device leaves it to the next");
}

/**
 * run_tests() - all of them
 * @fail: begin with one that fails, so that others can test how that is told
 *
 * Return: 0, or 1 if a test failed.
 */
int run_tests(bool fail)
{
	printf("TAP version 13\n");
	if (fail)
		check(false, "the command line asks for a failure");
	test_roots();
	test_fork();
	test_pool();
	test_family();
	test_states();
	test_scheduler();
	test_threads();
	test_memory();
	test_copy_on_write();
	test_messages();
	test_time();
	test_random();
	run_hostile_tests();
	printf("1..%d\n", tests);
	printf("# %d passed, %d failed\n", tests - failed, failed);
	return failed != 0;
}
