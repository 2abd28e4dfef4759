// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user mode network: see net_user.h. A program of its own, minikvm-slirp (slirp/main.c), takes
 * the guest's packets apart and makes connections of them, as any program of this user does. It is
 * joined to the card by a pair of sockets that keep frames apart (SOCK_SEQPACKET).
 *
 * It is a process of its own since it parses what a hostile guest sends, with a library of sixty
 * files: a fault there is not in the process that holds the guest's memory and the VM.
 *
 * Relies on the program telling by one byte that it is there, and otherwise ending with a sentence
 * on standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compiler.h"
#include "virtio/net_user.h"

#define SOCKET_BYTES	(4 * 1024 * 1024)	/* wanted; the kernel may give less */
#define ARGUMENT	64

/* Beside this program, or where a package puts it. */
static int find_program(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		snprintf(slash + 1, size - (slash + 1 - path), "%s", NET_USER_PROGRAM);
		if (!access(path, X_OK))
			return 0;
	}
	snprintf(path, size, "/usr/libexec/minikvm/%s", NET_USER_PROGRAM);
	return access(path, X_OK);
}

/* In the child; only what is allowed between fork() and exec(). */
static void become(const char *path, char **argv, int fd)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Its standard input is the cable; a Ctrl-C at the terminal is not for it. */
	if (setpgid(0, 0) == 0 && dup2(fd, STDIN_FILENO) >= 0)
		execv(path, argv);
	_exit(127);
}

static int start(struct net_cable *cable, const char *path, const struct net_user *user, int fd,
		 struct sentence *why)
{
	char mtu[ARGUMENT], *argv[NET_FORWARDS_MAX + 3];
	unsigned int i;

	snprintf(mtu, sizeof(mtu), "%u", user->mtu);
	argv[0] = NET_USER_PROGRAM;
	argv[1] = mtu;
	for (i = 0; i < user->forwards; i++)
		argv[2 + i] = (char *)user->forward[i];
	argv[2 + i] = NULL;
	cable->child = fork();
	if (cable->child == 0)
		become(path, argv, fd);
	if (cable->child < 0)
		return say(why, "The program %s cannot be started: %s.", path, strerror(errno));
	return 0;
}

/* Wait for the byte; the end of the file comes with the end of the program. */
static int wait_for(int fd, struct sentence *why)
{
	ssize_t n;
	char byte;

	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		return say(why, "The user mode network did not start: %s has said why.",
			   NET_USER_PROGRAM);
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		return say(why, "A socket cannot be set up: %s.", strerror(errno));
	return 0;
}

/**
 * net_user_open() - start the user mode network
 * @cable: receives it, to be closed by net_cable_close()
 * @user: what it is to do
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int net_user_open(struct net_cable *cable, const struct net_user *user, struct sentence *why)
{
	const int size = SOCKET_BYTES;
	char path[4096];
	int fd[2];
	size_t i;

	if (find_program(path, sizeof(path)))
		return say(why, "There is no %s beside this program nor in /usr/libexec/minikvm: install libslirp-dev and build minikvm again (apt-get install libslirp-dev).",
			   NET_USER_PROGRAM);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd))
		return say(why, "A pair of sockets cannot be had: %s.", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*cable = (struct net_cable) { .fd = fd[0] };
	if (start(cable, path, user, fd[1], why)) {
		close(fd[1]);
		net_cable_close(cable);
		return -1;
	}
	close(fd[1]);
	if (wait_for(fd[0], why)) {
		net_cable_close(cable);
		return -1;
	}
	return 0;
}
