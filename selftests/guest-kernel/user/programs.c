// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs for the shell's `run`: each shows one thing.
 */
#include "lib.h"

struct program {
	const char *name, *help;
	int (*run)(int arg);
};

static int hello(int arg)
{
	(void)arg;
	printf("I am process %d, child of %d, at priority %d\n", getpid(), getppid(),
	       get_priority(getpid()));
	return 0;
}

static int spin(int arg)
{
	volatile u64 n = 0;

	for (; arg; arg -= arg > 0)
		for (n = 0; n < 1000000; n++)
			;
	return 0;
}

static int sleeper(int arg)
{
	return sleep_ms(arg < 0 ? 1000 : arg) ? 1 : 0;
}

/* Two processes that wait for each other's messages: as many context switches. */
static int ping(int arg)
{
	int turns = arg < 0 ? 1000 : arg, parent = getpid(), child = fork(), i, value = 0, from;
	u64 start = time_us();

	if (child == IN_CHILD) {
		for (;;) {
			receive(&value, sizeof(value), &from);
			value++;
			send(parent, &value, sizeof(value));
		}
	}
	if (child < 0)
		return 1;
	for (i = 0; i < turns; i++) {
		send(child, &value, sizeof(value));
		receive(&value, sizeof(value), &from);
	}
	printf("%d messages there and back in %lu us\n", value, time_us() - start);
	kill(child);
	wait_for(child);
	return value != turns;
}

static volatile int shared_count;

static void count_up(void *arg)
{
	int i;

	for (i = 0; i < *(int *)arg; i++)
		__atomic_fetch_add(&shared_count, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&shared_count, 1, __ATOMIC_RELEASE);
}

/* Threads that share their memory. */
static int threads(int arg)
{
	int n = arg < 0 || arg > THREADS_MAX - 1 ? 4 : arg, each = 100000, i;

	for (i = 0; i < n; i++)
		if (thread(count_up, &each) < 0)
			return 1;
	while (shared_count < n * (each + 1))
		give_way();
	printf("%d threads counted to %d\n", n, shared_count);
	return 0;
}

/* Two processes that no longer share what one of them has written to. */
static int copy(int arg)
{
	static volatile int value = 1;
	struct process_info info;
	int child = fork();

	(void)arg;
	if (child == IN_CHILD) {
		value = 2;
		exit(value);
	}
	if (child < 0)
		return 1;
	get_process(getpid(), &info);
	printf("the child wrote %d, here it is %d; %u of %u pages were shared\n", wait_for(child),
	       value, info.pages_shared, info.pages);
	return value != 1;
}

static const struct program programs[] = {
	{ "hello", "says who it is", hello },
	{ "spin", "computes, N million turns or endlessly", spin },
	{ "sleep", "sleeps N milliseconds", sleeper },
	{ "ping", "N messages between two processes", ping },
	{ "threads", "N threads count together", threads },
	{ "copy", "copy on write after a fork", copy },
};

void list_programs(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(programs); i++)
		printf("%-9s%s\n", programs[i].name, programs[i].help);
}

/* Becomes a program. Return: its exit status. */
int start_program(const char *name, int arg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		if (strcmp(name, programs[i].name))
			continue;
		set_name(name);
		return programs[i].run(arg);
	}
	printf("%s: no such program\n", name);
	return 127;
}
