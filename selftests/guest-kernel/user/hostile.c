// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that try to leave their process: each way must end in that process's death, or in an
 * error, and in nothing else. `crash` of the shell runs one, the tests run all.
 */
#include "lib.h"
#include "layout.h"

#define STORM_CALLS	20000

struct way {
	const char *name;
	void (*go)(void);
	int vector;	/* of the exception that it dies of */
};

/* An address that the compiler knows nothing about. */
static volatile int *at(u64 address)
{
	asm("" : "+r"(address));
	return (volatile int *)address;
}

static void read_null(void)
{
	*at(0x10);
}

static void read_kernel(void)
{
	*at(KERNEL_BASE + KERNEL_LOAD);
}

static void write_kernel(void)
{
	*at(KERNEL_BASE + KERNEL_LOAD) = 0;
}

static void jump_kernel(void)
{
	((void (*)(void))(KERNEL_BASE + KERNEL_LOAD + PAGE_SIZE))();
}

static void read_apic(void)
{
	*at(DEVICE_BASE + 0xfee00020);
}

static void not_canonical(void)
{
	*at(USER_END);
}

static void write_code(void)
{
	*at((u64)write_code) = 0;
}

static void write_constant(void)
{
	static const int constant = 1;

	*at((u64)&constant) = 2;
}

static void execute_stack(void)
{
	volatile u8 code[] = { 0xc3 };

	((void (*)(void))code)();
}

static void execute_data(void)
{
	static u8 code[] = { 0xc3 };

	((void (*)(void))code)();
}

/* Each call goes deeper, so that the stack reaches its guard page. */
static int __attribute__((noinline)) deeper(volatile int *above)
{
	volatile int here[256];

	here[0] = *above + 1;
	return here[0] ? deeper(here) + here[1] : 0;
}

static void stack_overflow(void)
{
	volatile int bottom = 0;

	deeper(&bottom);
}

static void bad_stack(void)
{
	asm volatile("xor %%esp, %%esp; push %%rax" : : : "memory");
}

/* The kernel must not use the program's stack pointer, whatever it is. */
static void kernel_stack_pointer(void)
{
	asm volatile("mov %0, %%rsp; mov %1, %%eax; syscall; push %%rax"
		     : : "r"(KERNEL_BASE + KERNEL_LOAD + 0x8000), "i"(SYS_GETPID)
		     : "rax", "rcx", "r11", "memory");
}

#define INSTRUCTION(name, text)			\
	static void name(void)			\
	{					\
		asm volatile(text : : : "memory", "rax", "rcx", "rdx", "rdi");	\
	}

INSTRUCTION(instruction_hlt, "hlt")
INSTRUCTION(instruction_cli, "cli")
INSTRUCTION(instruction_in, "inb $0x71, %%al")
INSTRUCTION(instruction_out, "mov $0x604, %%edx; mov $0x2000, %%eax; outw %%ax, %%dx")
INSTRUCTION(instruction_rdmsr, "mov $0xc0000080, %%ecx; rdmsr")
INSTRUCTION(instruction_wrmsr, "mov $0xc0000082, %%ecx; xor %%eax, %%eax; wrmsr")
INSTRUCTION(instruction_cr3, "mov %%cr3, %%rax")
INSTRUCTION(instruction_cr0, "mov %%rax, %%cr0")
INSTRUCTION(instruction_lidt, "lidt (%%rsp)")
INSTRUCTION(instruction_lgdt, "lgdt (%%rsp)")
INSTRUCTION(instruction_invlpg, "invlpg (%%rsp)")
INSTRUCTION(instruction_swapgs, "swapgs")
INSTRUCTION(instruction_iret, "push $0x10; push $0; push $0x2; push $0x8; push $0; iretq")
INSTRUCTION(instruction_int, "int $0x40")
INSTRUCTION(instruction_ud, "ud2")
INSTRUCTION(instruction_int3, "int3")
INSTRUCTION(instruction_divide, "xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx")
INSTRUCTION(instruction_x87, "fld1")
INSTRUCTION(instruction_sse, "movaps %%xmm0, %%xmm1")
INSTRUCTION(instruction_step, "pushfq; orl $0x100, (%%rsp); popfq; nop; nop")
INSTRUCTION(load_selector, "mov $0x28, %%eax; mov %%eax, %%ds")

static const struct way ways[] = {
	{ "null", read_null, 14 },
	{ "read-kernel", read_kernel, 14 },
	{ "write-kernel", write_kernel, 14 },
	{ "jump-kernel", jump_kernel, 14 },
	{ "read-apic", read_apic, 14 },
	{ "not-canonical", not_canonical, 13 },
	{ "write-code", write_code, 14 },
	{ "write-constant", write_constant, 14 },
	{ "execute-stack", execute_stack, 14 },
	{ "execute-data", execute_data, 14 },
	{ "stack-overflow", stack_overflow, 14 },
	{ "bad-stack", bad_stack, -1 },
	{ "kernel-stack", kernel_stack_pointer, 14 },
	{ "hlt", instruction_hlt, 13 },
	{ "cli", instruction_cli, 13 },
	{ "in", instruction_in, 13 },
	{ "out", instruction_out, 13 },
	{ "rdmsr", instruction_rdmsr, 13 },
	{ "wrmsr", instruction_wrmsr, 13 },
	{ "cr3", instruction_cr3, 13 },
	{ "cr0", instruction_cr0, 13 },
	{ "lidt", instruction_lidt, 13 },
	{ "lgdt", instruction_lgdt, 13 },
	{ "invlpg", instruction_invlpg, 13 },
	{ "swapgs", instruction_swapgs, 13 },
	/* TCG with SMAP takes the pops for the kernel's: a page fault. */
	{ "iret", instruction_iret, -1 },
	{ "int", instruction_int, 13 },
	{ "ud", instruction_ud, 6 },
	{ "int3", instruction_int3, 3 },
	{ "divide", instruction_divide, 0 },
	{ "x87", instruction_x87, 7 },
	{ "sse", instruction_sse, 6 },
	{ "step", instruction_step, 1 },
	{ "selector", load_selector, 13 },
};

const char *crash_way(unsigned int i)
{
	return i < ARRAY_SIZE(ways) ? ways[i].name : NULL;
}

/* Goes one way, from which there is no return. */
int crash(const char *way)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strcmp(way, ways[i].name)) {
			ways[i].go();
			printf("crash: %s had no consequence\n", way);
			return 1;
		}
	printf("crash: %s: there is no such way\n", way);
	return 127;
}

static void crash_test(const struct way *w)
{
	int child = fork(), status;
	bool right;

	if (child == IN_CHILD) {
		w->go();
		exit(99);
	}
	status = wait_for(child);
	right = w->vector < 0 ? (status & STATUS_FAULT) : status == STATUS_FAULT + w->vector;
	if (!right)
		printf("# %s: %s\n", w->name, status_text(status));
	check(right, w->name);
}

/* Every system call with addresses that are not the program's. */
static void bad_pointers(void)
{
	static const u64 addresses[] = {
		0, 1, 0xfff, USER_IMAGE - 1, USER_STACKS, USER_END - 1, USER_END,
		0x8000000000000000, KERNEL_BASE, KERNEL_BASE + KERNEL_LOAD, ~0ull, ~0ull - 4095,
	};
	unsigned int i, wrong = 0;
	int child;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		long a = addresses[i];

		wrong += system_call(SYS_WRITE, a, 16, 0) != -EFAULT;
		wrong += system_call(SYS_READ, a, 16, 0) != -EFAULT;
		wrong += system_call(SYS_SEND, getpid(), a, 16) != -EFAULT;
		wrong += system_call(SYS_RECEIVE, a, 16, 0) != -EFAULT;
		/* 0 is allowed there: the sender is not asked for. */
		wrong += a && system_call(SYS_RECEIVE, (long)&child, 0, a) != -EFAULT;
		wrong += system_call(SYS_PROCESSES, a, 1, 0) != -EFAULT;
		wrong += system_call(SYS_TASKS, a, 1, 0) != -EFAULT;
		wrong += system_call(SYS_SET_NAME, a, 8, 0) != -EFAULT;
		wrong += system_call(SYS_COMMAND_LINE, a, 8, 0) != -EFAULT;
		wrong += system_call(SYS_SYSTEM, a, 0, 0) != -EFAULT;
		wrong += system_call(SYS_RANDOM, a, 16, 0) != -EFAULT;
	}
	check(!wrong, "addresses that are not the program's are refused");
	/* The end of the image, and more than there is. */
	check(system_call(SYS_SEND, getpid(), (long)ways, 65) == -EINVAL &&
	      system_call(SYS_WRITE, USER_STACKS - 8, 16, 0) == -EFAULT,
	      "a range that ends outside is refused");
	/* Constants can be read, and not be written by the kernel in the program's name. */
	check(system_call(SYS_SYSTEM, (long)ways, 0, 0) == -EFAULT,
	      "the kernel does not write to what the program may not write to");
	child = fork();
	if (child == IN_CHILD)
		exit(system_call(SYS_WAITPID, ANY_CHILD, KERNEL_BASE, 0) == -EFAULT ? 7 : 1);
	check(wait_for(child) == 7, "waitpid with a bad address is refused");
	check(system_call(SYSTEM_CALLS, 0, 0, 0) == -ENOSYS &&
	      system_call(-1, 0, 0, 0) == -ENOSYS &&
	      system_call(1l << 32, 0, 0, 0) == -ENOSYS, "calls that do not exist are refused");
}

static u64 seed = 88172645463325252;

static u64 random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static long random_argument(void)
{
	static u8 room[64];

	switch (random() % 6) {
	case 0:
		return random() % PROCESSES;
	case 1:
		return (long)room;
	case 2:
		return KERNEL_BASE + random() % 0x200000;
	case 3:
		return random() % 5;
	case 4:
		return -(long)(random() % 5000);
	}
	return random();
}

/* Random calls with random arguments: all but those that would wait or write to the console. */
static void storm(void)
{
	unsigned int i;

	for (i = 0; i < STORM_CALLS; i++) {
		long nr = random() % (SYSTEM_CALLS + 2);

		switch (nr) {
		case SYS_EXIT:
		case SYS_KILL:
		case SYS_READ:
		case SYS_WRITE:
		case SYS_SLEEP:
		case SYS_RECEIVE:
		case SYS_THREAD:
		case SYS_THREAD_EXIT:
			continue;
		case SYS_FORK:
			if (i % 50 || fork() != IN_CHILD)
				continue;
			exit(0);
		case SYS_WAITPID:
			system_call(nr, random_argument(), random_argument(), WAIT_NO_HANG);
			continue;
		}
		system_call(nr, random_argument(), random_argument(), random_argument());
	}
}

/* A process that is not trusted: it may not disturb the others. */
static void untrusted(void)
{
	int wrong = 0, id = getpid();

	wrong += set_priority(id, PRIORITY_USER) != -EPERM;
	wrong += set_priority(PROCESS_INIT, PRIORITIES - 1) != -EPERM;
	wrong += set_priority(PROCESS_KERNEL, PRIORITIES - 1) != -EPERM;
	wrong += set_policy(id, SCHED_FIFO) != -EPERM;
	wrong += kill(PROCESS_INIT) != -EPERM;
	wrong += kill(PROCESS_KERNEL) != -EPERM;
	wrong += kill(getppid()) != -EPERM;
	wrong += kill(PROCESSES) != -ESRCH;
	wrong += kill(-1) != -ESRCH;
	wrong += kill_group(PROCESS_INIT) != 0;	/* itself alone: it is of that group */
	exit(wrong);
}

static void two_generations(void (*go)(void), bool killed, const char *name)
{
	int child = fork(), grandchild, status;

	if (child == IN_CHILD) {
		grandchild = fork();
		if (grandchild == IN_CHILD) {
			go();
			exit(0);
		}
		status = wait_for(grandchild);
		if (status && !(killed && status == STATUS_KILLED))
			printf("# %s: %s\n", name, status_text(status));
		exit(status == (killed ? STATUS_KILLED : 0) ? 5 : 6);
	}
	check(wait_for(child) == 5, name);
}

static void try_power_off(void)
{
	power_off(1);
	exit(system_call(SYS_POWER_OFF, 0, 0, 0) == -EPERM ? 0 : 1);
}

/* Forks until there is no more, and all of them go on trying; their ancestor can end them. */
static void fork_bomb(void)
{
	int child = fork(), status;

	if (child == IN_CHILD) {
		set_group(getpid(), getpid());
		for (;;)
			fork();
	}
	/* Here, too: the child may not have run yet when it is to be killed. */
	set_group(child, child);
	sleep_ms(100);
	kill_group(child);
	status = wait_for(child);
	exit(status == STATUS_KILLED ? 0 : 1);
}

void run_hostile_tests(void)
{
	struct system_info before, after;
	unsigned int i;

	get_system(&before);
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		crash_test(&ways[i]);
	bad_pointers();
	two_generations(untrusted, true, "a process that is not trusted cannot disturb others");
	two_generations(try_power_off, false, "a process that is not trusted cannot turn the power off");
	two_generations(storm, false, "a storm of random system calls");
	two_generations(fork_bomb, false, "a fork bomb ends with its group");
	/* Orphans of the storm and the bomb are this process's now. */
	while (waitpid(ANY_CHILD, NULL, 0) >= 0)
		;
	get_system(&after);
	check(after.processes_free + after.processes_recycled ==
	      before.processes_free + before.processes_recycled, "no control block is lost");
}
