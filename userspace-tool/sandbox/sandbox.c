// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sandbox of a running guest: no capabilities (capabilities(7)), no new privileges, and a
 * filter of system calls (seccomp(2)). All that a guest needs was opened before; what remains is
 * reading, writing, the ioctls of its devices, memory, threads, time and the end.
 *
 * Whoever takes over this process by a fault in a device finds no file to open, no program to start
 * and no network. A call that is not in the table ends the run with a sentence that names it: it
 * is either an attack or a row that is missing. Relies on libseccomp.
 */
#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "compiler.h"
#include "sandbox/sandbox.h"
#include "terminal/console.h"
#include "terminal/message.h"

#define SYSCALLS_MAX	512
#define NAME_MAX_BYTES	24
#define STATUS_FAILED	1
#define IOCTL_TYPE	0xff00UL	/* the bits of a request that say whose it is */
#define IOCTL_OF(type)	((unsigned long)(type) << 8)

/* What is compared with the argument of a call; a call may have several rows. */
enum condition {
	ALWAYS,
	EQUAL,		/* the argument's lower 32 bits are the value */
	MASKED,		/* the bits of the mask in the argument are the value */
	OWN_PROCESS,	/* the argument is this process */
};

struct rule {
	int call;
	unsigned int needs;
	enum condition condition;
	unsigned int argument;
	unsigned long mask;
	unsigned long value;
};

#define CALL(name)		{ SCMP_SYS(name), 0, ALWAYS, 0, 0, 0 }
#define CALL_FOR(bit, name)	{ SCMP_SYS(name), bit, ALWAYS, 0, 0, 0 }
#define IOCTLS(type)		{ SCMP_SYS(ioctl), 0, MASKED, 1, IOCTL_TYPE, IOCTL_OF(type) }

/* The most frequent first. */
static const struct rule rules[] = {
	IOCTLS(0xae),		/* KVM's: KVM_RUN and all others */
	IOCTLS(0xb5),		/* minikvm's own: why something was refused */
	IOCTLS(';'),		/* VFIO's and iommufd's */
	IOCTLS(0xaf),		/* vhost's */
	IOCTLS('T'),		/* the terminal's, and tap devices' */
	CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(pread64), CALL(pwrite64),
	CALL(preadv), CALL(pwritev), CALL(preadv2), CALL(pwritev2), CALL(lseek), CALL(close),
	CALL(fdatasync), CALL(fsync), CALL(fallocate), CALL(ftruncate), CALL(fcntl), CALL(fstat),
	CALL(newfstatat), CALL(eventfd2),
	CALL(poll), CALL(ppoll), CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_ctl),
	CALL(select), CALL(pselect6),
	CALL(futex), CALL(rseq), CALL(set_robust_list), CALL(sched_yield), CALL(membarrier),
	CALL(sched_getaffinity),
	CALL(clone), CALL(clone3), CALL(exit), CALL(exit_group), CALL(restart_syscall),
	{ SCMP_SYS(mmap), 0, MASKED, 2, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect), 0, MASKED, 2, PROT_EXEC, 0 },
	CALL(munmap), CALL(mremap), CALL(madvise), CALL(mincore), CALL(brk),
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(sigaltstack),
	{ SCMP_SYS(tgkill), 0, OWN_PROCESS, 0, 0, 0 },
	{ SCMP_SYS(kill), 0, OWN_PROCESS, 0, 0, 0 },	/* it stops itself: SIGTSTP */
	{ SCMP_SYS(prctl), 0, EQUAL, 0, 0, PR_SET_NAME },
	{ SCMP_SYS(prctl), 0, EQUAL, 0, 0, PR_GET_NAME },
	CALL(getpid), CALL(gettid), CALL(getrandom), CALL(getrusage), CALL(clock_gettime),
	CALL(clock_nanosleep), CALL(nanosleep), CALL(gettimeofday), CALL(time),
	CALL(timerfd_settime), CALL(timerfd_gettime),
	/* Sockets that are there already. */
	CALL(recvmsg), CALL(recvfrom), CALL(sendmsg), CALL(sendto), CALL(shutdown),
	CALL_FOR(SANDBOX_SOCKETS, accept4), CALL_FOR(SANDBOX_SOCKETS, setsockopt),
	CALL_FOR(SANDBOX_UNLINK, unlink),
	CALL_FOR(SANDBOX_CHILD, wait4),
	{ SCMP_SYS(socket), SANDBOX_CONNECT, EQUAL, 0, 0, AF_UNIX },
	CALL_FOR(SANDBOX_CONNECT, connect),
	CALL_FOR(SANDBOX_REOPEN, openat), CALL_FOR(SANDBOX_REOPEN, readlink),
	CALL_FOR(SANDBOX_REOPEN, flock),
	CALL_FOR(SANDBOX_REOPEN, epoll_create1), CALL_FOR(SANDBOX_REOPEN, timerfd_create),
	CALL_FOR(SANDBOX_DISK, io_uring_setup), CALL_FOR(SANDBOX_DISK, io_uring_enter),
	CALL_FOR(SANDBOX_DISK, io_uring_register),
	/* A back end's successor, memory to share after a reset, the end of a virtiofsd. */
	{ SCMP_SYS(socket), SANDBOX_VHOST_USER, EQUAL, 0, 0, AF_UNIX },
	CALL_FOR(SANDBOX_VHOST_USER, connect), CALL_FOR(SANDBOX_VHOST_USER, memfd_create),
	CALL_FOR(SANDBOX_VHOST_USER, timerfd_create), CALL_FOR(SANDBOX_VHOST_USER, wait4),
	CALL_FOR(SANDBOX_VHOST_USER, waitid), CALL_FOR(SANDBOX_VHOST_USER, pidfd_send_signal),
	/* Those of block devices. */
	{ SCMP_SYS(ioctl), SANDBOX_DISK, MASKED, 1, IOCTL_TYPE, IOCTL_OF(0x12) },
	{ SCMP_SYS(ioctl), SANDBOX_HOTPLUG, MASKED, 1, IOCTL_TYPE, IOCTL_OF(0x12) },
	CALL_FOR(SANDBOX_HOTPLUG, epoll_create1), CALL_FOR(SANDBOX_HOTPLUG, flock),
};

/* Names for the handler, which may not ask libseccomp: it allocates memory. */
static char call_name[SYSCALLS_MAX][NAME_MAX_BYTES];

static void add_text(char *line, size_t size, size_t *len, const char *text)
{
	while (*text && *len < size)
		line[(*len)++] = *text++;
}

/* SIGSYS: a call was made that is not in the table. Async-signal-safe. */
static void forbidden(int sig, siginfo_t *info, void *context)
{
	unsigned int nr = info->si_syscall;
	char line[192] = "", digits[8];
	size_t len = 0, i = sizeof(digits) - 1;

	(void)sig;
	(void)context;
	console_restore();
	add_text(line, sizeof(line) - 1, &len, "The sandbox does not allow the system call ");
	if (nr < SYSCALLS_MAX && *call_name[nr]) {
		add_text(line, sizeof(line) - 1, &len, call_name[nr]);
	} else {
		digits[i] = 0;
		do {
			digits[--i] = '0' + nr % 10;
			nr /= 10;
		} while (nr && i);
		add_text(line, sizeof(line) - 1, &len, digits + i);
	}
	add_text(line, sizeof(line) - 1, &len, ": the guest is ended (--no-sandbox allows it).");
	message_fatal(line);
	_exit(STATUS_FAILED);
}

static int catch_forbidden(struct sentence *why)
{
	struct sigaction sa = { .sa_sigaction = forbidden, .sa_flags = SA_SIGINFO };
	unsigned int nr;
	char *name;

	for (nr = 0; nr < SYSCALLS_MAX; nr++) {
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
		if (name)
			strncpy(call_name[nr], name, NAME_MAX_BYTES - 1);
		free(name);
	}
	if (sigaction(SIGSYS, &sa, NULL) < 0)
		return say(why, "SIGSYS cannot be caught: %s.", strerror(errno));
	return 0;
}

/* Those of this thread, which all threads of the guest's come from. */
static int drop_capabilities(struct sentence *why)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	int cap;

	/* An ordinary user may not, and has none to lose. */
	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) < 0)
		return say(why, "Capabilities cannot be dropped: %s.", strerror(errno));
	return 0;
}

static int add_rule(scmp_filter_ctx filter, const struct rule *r)
{
	struct scmp_arg_cmp compare = { .arg = r->argument };

	switch (r->condition) {
	case ALWAYS:
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, r->call, 0);
	case EQUAL:
		compare.op = SCMP_CMP_MASKED_EQ;
		compare.datum_a = 0xffffffff;
		compare.datum_b = r->value;
		break;
	case MASKED:
		compare.op = SCMP_CMP_MASKED_EQ;
		compare.datum_a = r->mask;
		compare.datum_b = r->value;
		break;
	case OWN_PROCESS:
		compare.op = SCMP_CMP_MASKED_EQ;
		compare.datum_a = 0xffffffff;
		compare.datum_b = getpid();
		break;
	}
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, r->call, 1, &compare);
}

static int load_filter(unsigned int needs, struct sentence *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int err = filter ? 0 : -ENOMEM;
	size_t i;

	if (filter) {
		/* All threads; and no brake on speculation, which the host decides. */
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	}
	for (i = 0; i < ARRAY_SIZE(rules) && !err; i++)
		if ((rules[i].needs & needs) == rules[i].needs)
			err = add_rule(filter, &rules[i]);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	if (err)
		return say(why, "The filter of system calls cannot be set: %s.", strerror(-err));
	return 0;
}

/**
 * sandbox_enter() - give up all that a running guest does not need
 * @needs: what this run does need: SANDBOX_...
 * @why: receives the sentence on failure
 *
 * The filter is that of every thread that there is and will be; capabilities are those of the
 * calling thread and of threads that come from it. There is no way back. Return: 0, or -1.
 */
int sandbox_enter(unsigned int needs, struct sentence *why)
{
	/* It reads a file, once, and devices ask for the time. */
	tzset();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return say(why, "New privileges cannot be refused: %s.", strerror(errno));
	if (catch_forbidden(why) || drop_capabilities(why))
		return -1;
	return load_filter(needs, why);
}
