// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two processes that share memory because one has passed the other a descriptor over a Unix socket:
 * unix(7), SCM_RIGHTS; cmsg(3); memfd_create(2). Documentation/vhost-user.rst tells it.
 *
 * The child stands for a VMM, which has the guest's memory; the parent for a back end. Relies on
 * nothing but Linux.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 4096

/* A message of one byte, and beside it a descriptor: to send (@fd), or received (the result). */
static int pass(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec part = { &byte, 1 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	*c = (struct cmsghdr) { CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if ((fd >= 0 ? sendmsg(socket, &m, 0) : recvmsg(socket, &m, MSG_CMSG_CLOEXEC)) != 1)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static char *map(int fd)
{
	void *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* Make memory, write to it, give it away. Return: the exit status. */
static int give(int socket)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	char *memory;

	if (fd < 0 || ftruncate(fd, SIZE))
		return 1;
	memory = map(fd);
	if (!memory)
		return 1;
	snprintf(memory, SIZE, "written by the one process");
	return pass(socket, fd) < 0;
}

int main(void)
{
	int pair[2], fd, status = 1;
	char *memory;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) {
		perror("socketpair");
		return 1;
	}
	if (!fork())
		_exit(give(pair[0]));
	close(pair[0]);
	fd = pass(pair[1], -1);
	memory = fd < 0 ? NULL : map(fd);
	wait(&status);
	if (!memory || status) {
		fprintf(stderr, "pass_fd: no memory came\n");
		return 1;
	}
	printf("%s, read by the other\n", memory);
	return 0;
}
