// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shell: reads a line from the serial port, and does one thing. It runs at priority 10, before
 * all that it starts, so that it answers also while programs spin.
 */
#include "lib.h"

#define LINE_MAX	80
#define WORDS_MAX	4

struct command {
	const char *name, *arguments, *help;
	void (*run)(int argc, char **argv);
};

static void task(int argc, char **argv);
static void run(int argc, char **argv);
static void nice(int argc, char **argv);
static void policy(int argc, char **argv);
static void kill_command(int argc, char **argv);
static void spin(int argc, char **argv);
static void fork_command(int argc, char **argv);
static void crash_command(int argc, char **argv);
static void random_command(int argc, char **argv);
static void exits(int argc, char **argv);
static void announce(int argc, char **argv);
static void system_command(int argc, char **argv);
static void help(int argc, char **argv);
static void off(int argc, char **argv);

static const struct command commands[] = {
	{ "task", "", "the processes and their tasks", task },
	{ "run", "NAME [N]", "a program; without NAME, which there are", run },
	{ "nice", "ID PRIORITY", "a process's priority: 10 to 31", nice },
	{ "policy", "ID rr|fifo", "a process's scheduling policy", policy },
	{ "kill", "ID", "end a process", kill_command },
	{ "spin", "[N]", "N processes that compute in the background", spin },
	{ "fork", "N", "N processes at once, and their end", fork_command },
	{ "crash", "WAY", "a program that breaks a rule; without WAY, the rules", crash_command },
	{ "random", "", "random bytes of the hypervisor's device", random_command },
	{ "exits", "", "what the last command cost in exits", exits },
	{ "announce", "on|off", "tell the hypervisor of each change of state", announce },
	{ "system", "", "processors, memory, control blocks", system_command },
	{ "help", "", "this list", help },
	{ "exit", "", "turn the power off", off },
	{ "poweroff", "", "the same", off },
};

static long exits_before, exits_after;

static const char *state_text(u8 state)
{
	switch (state) {
	case STATE_INIT:
		return "Init";
	case STATE_READY:
		return "Ready";
	case STATE_RUNNING:
		return "Running";
	case STATE_READY | STATE_RUNNING:
		return "Ready+Running";
	case STATE_PEND:
		return "Pend";
	case STATE_ZOMBIE:
		return "Zombie";
	}
	return "?";
}

static const char *policy_text(u8 policy)
{
	return policy == SCHED_FIFO ? "SCHED_FIFO" : "SCHED_RR";
}

static void task(int argc, char **argv)
{
	static struct process_info p[PROCESSES];
	static struct task_info t[TASKS];
	int n, i;

	(void)argc;
	(void)argv;
	n = system_call(SYS_PROCESSES, (long)p, PROCESSES, 0);
	printf("PID PPID PGID STATE         POLICY     PRIO TASKS PAGES SHARED  TIME(us) NAME\n");
	for (i = 0; i < n; i++)
		printf("%3u %4u %4u %-13s %-10s %4u %5u %5u %6u %9lu %s\n", p[i].id, p[i].parent,
		       p[i].group, state_text(p[i].state), policy_text(p[i].policy),
		       p[i].priority, p[i].tasks, p[i].pages, p[i].pages_shared,
		       p[i].microseconds, p[i].name);
	n = system_call(SYS_TASKS, (long)t, TASKS, 0);
	printf("TID  PID CPU  STATE         POLICY     PRIO SLICE STACK      SWITCHES  TIME(us) NAME\n");
	for (i = 0; i < n; i++)
		printf("%3u %4u %3u  %-13s %-10s %4u %5u %5u/%u %8lu %9lu %s\n", t[i].id,
		       t[i].process, t[i].cpu, state_text(t[i].state), policy_text(t[i].policy),
		       t[i].priority, t[i].slice, t[i].stack_used, t[i].stack_size,
		       t[i].switches, t[i].microseconds, t[i].name);
}

/* Collects what has ended in the background. */
static void collect(void)
{
	int status, id;

	while ((id = waitpid(ANY_CHILD, &status, WAIT_NO_HANG)) >= 0)
		printf("process %d: %s\n", id, status_text(status));
}

static void run(int argc, char **argv)
{
	int child;

	if (argc < 2) {
		list_programs();
		return;
	}
	child = fork();
	if (child == IN_CHILD) {
		set_priority(getpid(), PRIORITY_PROGRAM);
		exit(start_program(argv[1], argc > 2 ? number(argv[2]) : -1));
	}
	if (child < 0)
		printf("run: %s\n", error_name(child));
	else
		printf("process %d: %s\n", child, status_text(wait_for(child)));
}

static void nice(int argc, char **argv)
{
	int ret;

	if (argc < 3 || number(argv[1]) < 0 || number(argv[2]) < 0) {
		printf("nice: ID PRIORITY\n");
		return;
	}
	ret = set_priority(number(argv[1]), number(argv[2]));
	if (ret)
		printf("nice: process %s, priority %s: %s\n", argv[1], argv[2], error_name(ret));
	else
		printf("process %s has priority %d\n", argv[1], get_priority(number(argv[1])));
}

static void policy(int argc, char **argv)
{
	int ret;

	if (argc < 3 || number(argv[1]) < 0 || (strcmp(argv[2], "rr") && strcmp(argv[2], "fifo"))) {
		printf("policy: ID rr|fifo\n");
		return;
	}
	ret = set_policy(number(argv[1]), strcmp(argv[2], "rr") ? SCHED_FIFO : SCHED_RR);
	if (ret)
		printf("policy: process %s: %s\n", argv[1], error_name(ret));
	else
		printf("process %s has %s\n", argv[1], policy_text(get_policy(number(argv[1]))));
}

static void kill_command(int argc, char **argv)
{
	int ret;

	if (argc < 2 || number(argv[1]) < 0) {
		printf("kill: ID\n");
		return;
	}
	if (number(argv[1]) == getpid()) {
		printf("kill: %s is the shell, which would come back\n", argv[1]);
		return;
	}
	ret = kill(number(argv[1]));
	if (ret)
		printf("kill: process %s: %s\n", argv[1], error_name(ret));
	else
		/* Its end is told before the next prompt, as soon as it has left. */
		sleep_ms(20);
}

static void spin(int argc, char **argv)
{
	int n = argc > 1 ? number(argv[1]) : 1, child;
	struct process_info info;

	for (; n > 0; n--) {
		child = fork();
		if (child == IN_CHILD) {
			set_priority(getpid(), PRIORITY_PROGRAM);
			exit(start_program("spin", -1));
		}
		if (child < 0) {
			printf("spin: %s\n", error_name(child));
			return;
		}
		/* From the shell's priority it has to come down by itself. */
		while (get_process(child, &info) && strcmp(info.name, "spin"))
			sleep_ms(1);
		printf("process %d spins; kill %d ends it\n", child, child);
	}
}

static void fork_command(int argc, char **argv)
{
	int wanted = argc > 1 ? number(argv[1]) : -1, made, child = 0, ids[PROCESSES], i;
	struct system_info before, after;
	u64 start = time_us();

	if (wanted < 0) {
		printf("fork: N\n");
		return;
	}
	get_system(&before);
	for (made = 0; made < wanted; made++) {
		child = fork();
		if (child == IN_CHILD)
			for (;;)
				sleep_ms(1000);
		if (child < 0)
			break;
		ids[made] = child;
	}
	if (made < wanted)
		printf("fork: the %d. process cannot be created: %s\n", made + 1,
		       error_name(child));
	for (i = 0; i < made; i++)
		kill(ids[i]);
	for (i = 0; i < made; i++)
		wait_for(ids[i]);
	get_system(&after);
	printf("%d processes created and collected in %lu us; %u control blocks are left, %u before\n",
	       made, time_us() - start, after.processes_free + after.processes_recycled,
	       before.processes_free + before.processes_recycled);
}

static void crash_command(int argc, char **argv)
{
	unsigned int i;
	int child;

	if (argc < 2) {
		for (i = 0; crash_way(i); i++)
			printf("%s%s", i ? " " : "", crash_way(i));
		printf("\n");
		return;
	}
	child = fork();
	if (child == IN_CHILD) {
		set_name("crash");
		set_priority(getpid(), PRIORITY_PROGRAM);
		exit(crash(argv[1]));
	}
	if (child < 0)
		printf("crash: %s\n", error_name(child));
	else
		printf("process %d: %s\n", child, status_text(wait_for(child)));
}

static void random_command(int argc, char **argv)
{
	u8 bytes[16];
	int n = get_random(bytes, sizeof(bytes)), i;

	(void)argc;
	(void)argv;
	if (n < 0) {
		printf("random: a virtio-rng device is needed: %s\n", error_name(n));
		return;
	}
	printf("%d random bytes:", n);
	for (i = 0; i < n; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
}

static void exits(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (exits_before < 0)
		printf("exits: this hypervisor does not tell\n");
	else
		printf("the last command cost %ld exits\n", exits_after - exits_before);
}

static void announce(int argc, char **argv)
{
	int ret;

	if (argc < 2 || (strcmp(argv[1], "on") && strcmp(argv[1], "off"))) {
		printf("announce: on|off\n");
		return;
	}
	ret = system_call(SYS_ANNOUNCE, !strcmp(argv[1], "on"), 0, 0);
	if (ret)
		printf("announce: KVM's hypercalls are %s here\n", error_name(ret));
}

static void system_command(int argc, char **argv)
{
	struct system_info s;

	(void)argc;
	(void)argv;
	get_system(&s);
	printf("%u CPUs, TSC %lu kHz, %s, %s\n", s.cpus, s.tsc_khz,
	       s.x2apic ? "x2APIC" : "xAPIC", s.tsc_deadline ? "TSC deadline" : "one-shot timer");
	printf("%u control blocks of processes are free, %u in the recycle list; %u of tasks, %u pages\n",
	       s.processes_free, s.processes_recycled, s.tasks_free, s.pages_free);
}

static void help(int argc, char **argv)
{
	unsigned int i;

	(void)argc;
	(void)argv;
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("%-9s%-13s%s\n", commands[i].name, commands[i].arguments, commands[i].help);
}

static void off(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	power_off(0);
}

/* One line, echoed as it is typed. */
static void read_line(char *line)
{
	int n = 0;
	char c;

	for (;;) {
		if (system_call(SYS_READ, (long)&c, 1, 0) != 1)
			exit(1);
		if (c == '\r' || c == '\n')
			break;
		if ((c == '\b' || c == 0x7f) && n) {
			n--;
			printf("\b \b");
		} else if (c >= ' ' && c <= '~' && n < LINE_MAX - 1) {
			line[n++] = c;
			printf("%c", c);
		}
	}
	line[n] = 0;
	printf("\n");
}

static int split(char *line, char **words)
{
	int n = 0;

	while (n < WORDS_MAX) {
		while (*line == ' ')
			*line++ = 0;
		if (!*line)
			break;
		words[n++] = line;
		while (*line && *line != ' ')
			line++;
	}
	if (*line)
		*line = 0;
	return n;
}

static void execute(int argc, char **argv)
{
	unsigned int i;
	long before, after;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[0], commands[i].name))
			continue;
		before = system_call(SYS_EXITS, 0, 0, 0);
		commands[i].run(argc, argv);
		after = system_call(SYS_EXITS, 0, 0, 0);
		if (commands[i].run != exits) {
			exits_before = before;
			exits_after = after;
		}
		return;
	}
	printf("%s: no such command; help lists them\n", argv[0]);
}

int shell(void)
{
	char line[LINE_MAX], *words[WORDS_MAX];
	int n;

	exits_before = system_call(SYS_EXITS, 0, 0, 0);
	exits_after = exits_before;
	printf("The shell of the teaching kernel; help lists the commands.\n");
	for (;;) {
		collect();
		printf("> ");
		read_line(line);
		n = split(line, words);
		if (n)
			execute(n, words);
	}
}
