// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the programs share. printf() collects a line and writes it with one system call.
 */
#include "lib.h"

void exit(int status)
{
	for (;;)
		system_call(SYS_EXIT, status, 0, 0);
}

/* Return: the child's id, IN_CHILD in the child, or a negative error. */
int fork(void)
{
	return system_call(SYS_FORK, 0, 0, 0);
}

int waitpid(int id, int *status, int flags)
{
	return system_call(SYS_WAITPID, id, (long)status, flags);
}

/* Collects one child. Return: how it ended, or a negative error. */
int wait_for(int id)
{
	int status, ret = waitpid(id, &status, 0);

	return ret < 0 ? ret : status;
}

int kill(int id)
{
	return system_call(SYS_KILL, id, 0, 0);
}

int kill_group(int group)
{
	return system_call(SYS_KILL, group, KILL_GROUP, 0);
}

int getpid(void)
{
	return system_call(SYS_GETPID, 0, 0, 0);
}

int getppid(void)
{
	return system_call(SYS_GETPPID, 0, 0, 0);
}

void give_way(void)
{
	system_call(SYS_YIELD, 0, 0, 0);
}

int sleep_ms(unsigned int ms)
{
	return system_call(SYS_SLEEP, ms, 0, 0);
}

int get_priority(int id)
{
	return system_call(SYS_GET_PRIORITY, id, 0, 0);
}

int set_priority(int id, int priority)
{
	return system_call(SYS_SET_PRIORITY, id, priority, 0);
}

int get_policy(int id)
{
	return system_call(SYS_GET_POLICY, id, 0, 0);
}

int set_policy(int id, int policy)
{
	return system_call(SYS_SET_POLICY, id, policy, 0);
}

int send(int id, const void *data, int size)
{
	return system_call(SYS_SEND, id, (long)data, size);
}

int receive(void *data, int room, int *from)
{
	return system_call(SYS_RECEIVE, (long)data, room, (long)from);
}

struct thread_start {
	void (*function)(void *arg);
	void *arg;
};

/* What a thread's stack begins with is this function's call, so that it ends where that returns. */
static void thread_main(struct thread_start *start)
{
	void (*function)(void *arg) = start->function;
	void *arg = start->arg;

	__atomic_store_n(&start->function, NULL, __ATOMIC_RELEASE);
	function(arg);
	system_call(SYS_THREAD_EXIT, 0, 0, 0);
}

/* Another thread of this process. Return: its task's id, or a negative error. */
int thread(void (*function)(void *arg), void *arg)
{
	struct thread_start start = { function, arg };
	int id = system_call(SYS_THREAD, (long)thread_main, (long)&start, 0);

	/* It reads what is on this stack. */
	while (id >= 0 && *(void *volatile *)&start.function)
		give_way();
	return id;
}

int set_name(const char *name)
{
	return system_call(SYS_SET_NAME, (long)name, strlen(name), 0);
}

int get_group(int id)
{
	return system_call(SYS_GET_GROUP, id, 0, 0);
}

int set_group(int id, int group)
{
	return system_call(SYS_SET_GROUP, id, group, 0);
}

u64 time_us(void)
{
	return system_call(SYS_TIME, 0, 0, 0);
}

/* Return: how many bytes came, or a negative error. */
int get_random(void *to, int n)
{
	return system_call(SYS_RANDOM, (long)to, n, 0);
}

void get_system(struct system_info *info)
{
	system_call(SYS_SYSTEM, (long)info, 0, 0);
}

void power_off(int status)
{
	system_call(SYS_POWER_OFF, status, 0, 0);
}

/* What the kernel knows about one process. Return: false if there is none. */
bool get_process(int id, struct process_info *info)
{
	static struct process_info all[PROCESSES];
	int n = system_call(SYS_PROCESSES, (long)all, PROCESSES, 0), i;

	for (i = 0; i < n; i++)
		if (all[i].id == id) {
			*info = all[i];
			return true;
		}
	return false;
}

void printf(const char *fmt, ...)
{
	char text[256], *at = text;
	va_list args;
	long n, left;

	va_start(args, fmt);
	left = format(text, sizeof(text), fmt, args);
	va_end(args);
	left = min(left, (long)sizeof(text) - 1);
	for (; left > 0; left -= n, at += n) {
		n = system_call(SYS_WRITE, (long)at, left, 0);
		if (n <= 0)
			return;
	}
}

/* A negative error in words. */
const char *error_name(int error)
{
	switch (-error) {
	case EPERM:
		return "not allowed";
	case ESRCH:
		return "no such process";
	case EINTR:
		return "interrupted";
	case EIO:
		return "the device failed";
	case ECHILD:
		return "no child to wait for";
	case EAGAIN:
		return "no control block is left";
	case ENOMEM:
		return "no memory is left";
	case EFAULT:
		return "bad address";
	case EINVAL:
		return "invalid argument";
	case ENOSYS:
		return "not there";
	}
	return "unknown error";
}

/* How a process ended, in words. */
const char *status_text(int status)
{
	static char text[32];

	if (status & STATUS_KILLED)
		return "killed";
	if (status & STATUS_FAULT) {
		memcpy(text, "exception 00", 13);
		text[10] += (status & 0xff) / 10;
		text[11] += (status & 0xff) % 10;
		return text;
	}
	memcpy(text, "exit status 000", 16);
	text[12] += status / 100;
	text[13] += status / 10 % 10;
	text[14] += status % 10;
	return text;
}

/* A decimal number, or -1. */
int number(const char *text)
{
	int n = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > 100000000)
			return -1;
		n = n * 10 + *text - '0';
	}
	return n;
}
