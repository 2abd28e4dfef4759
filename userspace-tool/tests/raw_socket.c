// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers of the tests of the control socket that a lab host's shell does not have:
 *
 *	raw_socket PATH		standard input to a Unix socket, its answers to standard output
 *	raw_socket --user UID GID COMMAND...	a command as another user, in that group alone
 *	raw_socket --call PID NUMBER	a process makes that system call instead of its next one
 *
 * The connection ends when the other side ends it, or half a second after the last answer.
 */
#include <err.h>
#include <grp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUIET_MS	500

static int as_user(char **argv)
{
	gid_t group = atoi(argv[1]);

	if (setgroups(1, &group) || setgid(group) || setuid(atoi(argv[0])))
		err(126, "user");
	execvp(argv[2], argv + 2);
	err(126, "%s", argv[2]);
}

/* The filter of system calls sees what a tracer has made of the number. */
static int change_call(pid_t pid, long number)
{
	int status;

	if (ptrace(PTRACE_ATTACH, pid, 0, 0) || waitpid(pid, &status, __WALL) != pid ||
	    ptrace(PTRACE_SYSCALL, pid, 0, 0) || waitpid(pid, &status, __WALL) != pid ||
	    ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), number) ||
	    ptrace(PTRACE_DETACH, pid, 0, 0))
		err(126, "ptrace");
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct pollfd p = { .events = POLLIN };
	char data[4096];
	ssize_t n;

	if (argc > 4 && !strcmp(argv[1], "--user"))
		return as_user(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "--call"))
		return change_call(atoi(argv[2]), atol(argv[3]));
	if (argc != 2 || strlen(argv[1]) >= sizeof(sa.sun_path))
		errx(126, "usage: raw_socket PATH");
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", argv[1]);
	p.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(p.fd, (struct sockaddr *)&sa, sizeof(sa)))
		err(1, "%s", argv[1]);
	while ((n = read(0, data, sizeof(data))) > 0)
		if (send(p.fd, data, n, MSG_NOSIGNAL) != n)
			break;
	while (poll(&p, 1, QUIET_MS) > 0) {
		n = read(p.fd, data, sizeof(data));
		if (n <= 0) {
			puts("[closed]");
			break;
		}
		fwrite(data, 1, n, stdout);
		fflush(stdout);
	}
	return 0;
}
