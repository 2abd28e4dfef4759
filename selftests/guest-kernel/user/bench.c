// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's operations cost, in ticks of the TSC, with "bench" on the command line: a
 * line "row NAME TICKS" for each. In the lab a tick is an instruction, the hypervisor's included.
 */
#include "lib.h"

#define SYSCALLS	2000
#define FORKS		40
#define YIELDS		500
#define GAPS		20
#define WAKES		40

static u64 now(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

static void row(const char *name, u64 ticks)
{
	printf("row %s %lu\n", name, ticks);
}

static void null_system_call(void)
{
	u64 start = now();
	int i;

	for (i = 0; i < SYSCALLS; i++)
		getpid();
	row("guest_syscall", (now() - start) / SYSCALLS);
}

/* The first rounds are not counted: they bring the memory in. */
static void fork_exit_wait(void)
{
	u64 start = 0;
	int i, child;

	for (i = -5; i < FORKS; i++) {
		if (!i)
			start = now();
		child = fork();
		if (child == IN_CHILD)
			exit(0);
		wait_for(child);
	}
	row("guest_fork", (now() - start) / FORKS);
}

/* Two equals that yield to each other, on one CPU: there and back are two switches. */
static void context_switch(void)
{
	int child = fork(), i;
	u64 start;

	if (child == IN_CHILD)
		for (;;)
			give_way();
	give_way();
	start = now();
	for (i = 0; i < YIELDS; i++)
		give_way();
	row("guest_switch", (now() - start) / YIELDS / 2);
	kill(child);
	wait_for(child);
}

/* What a tick takes from a program that computes: the gap in its own clock. */
static void timer_tick(void)
{
	u64 last = now(), t, shortest = ~0ull, sum = 0;
	int i, gaps = 0;

	for (i = 0; i < 1000; i++, last = t) {
		t = now();
		shortest = min(shortest, t - last);
	}
	while (gaps < GAPS) {
		t = now();
		/* A tick is an exit and an interrupt at least. */
		if (t - last > shortest * 100) {
			sum += t - last - shortest;
			gaps++;
		}
		last = t;
	}
	row("guest_tick", sum / GAPS);
}

static volatile u64 woken_at;

static void sleeper(void *unused)
{
	char c;

	(void)unused;
	for (;;) {
		receive(&c, 1, NULL);
		woken_at = now();
	}
}

/* From a message to the first instruction of the thread that it wakes on another, idle CPU. */
static void wake_up(void)
{
	u64 start, sum = 0, settle;
	int i;

	thread(sleeper, NULL);
	for (i = 0; i < WAKES; i++) {
		/* The other CPU has to be idle again. */
		settle = time_us() + 2000;
		while (time_us() < settle)
			;
		woken_at = 0;
		start = now();
		send(getpid(), "x", 1);
		while (!woken_at)
			asm volatile("pause");
		sum += woken_at - start;
	}
	row("guest_wake", sum / WAKES);
}

void run_bench(void)
{
	struct system_info s;

	get_system(&s);
	if (s.cpus > 1) {
		wake_up();
		return;
	}
	null_system_call();
	fork_exit_wait();
	context_switch();
	timer_tick();
}
