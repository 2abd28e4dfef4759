// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both ends of a connection between guest and host, for the suite net: standard input goes to the
 * other side, what that sends to standard output, until both have ended.
 *
 * usage: vsock listen PORT | connect PORT		in the guest (AF_VSOCK)
 *	  vsock join PATH PORT | serve PATH		on the host (unix sockets, as the book says)
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/vm_sockets.h>
#include <unistd.h>

static int accepted(int listener)
{
	if (listen(listener, 1))
		return -1;
	fprintf(stderr, "guest: vsock: waits\n");
	return accept(listener, NULL, NULL);
}

static int in_guest(bool wait, unsigned int port)
{
	struct sockaddr_vm at = {
		.svm_family = AF_VSOCK,
		.svm_port = port,
		.svm_cid = wait ? VMADDR_CID_ANY : VMADDR_CID_HOST,
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (!wait)
		return connect(fd, (struct sockaddr *)&at, sizeof(at)) ? -1 : fd;
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) ? -1 : accepted(fd);
}

static int on_host(const char *path, const char *port)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char line[32];
	size_t n = 0;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (!port)
		return bind(fd, (struct sockaddr *)&at, sizeof(at)) ? -1 : accepted(fd);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return -1;
	dprintf(fd, "CONNECT %s\n", port);
	while (n < sizeof(line) - 1 && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	return strncmp(line, "OK ", 3) ? -1 : fd;
}

static bool put(int fd, const char *data, ssize_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, data, len);
		if (n < 0)
			return false;
		data += n;
		len -= n;
	}
	return true;
}

/* To the other side in a process of its own, so that neither direction waits for the other. */
static int relay(int fd)
{
	static char data[100000];
	pid_t child = fork();
	bool sender = child == 0;
	int from = sender ? STDIN_FILENO : fd, to = sender ? fd : STDOUT_FILENO;
	ssize_t n;

	while ((n = read(from, data, sizeof(data))) > 0)
		if (!put(to, data, n))
			return 1;
	if (sender)
		shutdown(fd, SHUT_WR);
	else
		waitpid(child, NULL, 0);
	return n < 0;
}

int main(int argc, char **argv)
{
	int fd = -1;

	if (argc == 3 && (!strcmp(argv[1], "listen") || !strcmp(argv[1], "connect")))
		fd = in_guest(*argv[1] == 'l', atoi(argv[2]));
	else if (argc > 2)
		fd = on_host(argv[2], argv[3]);
	if (fd < 0) {
		perror("vsock");
		return 1;
	}
	return relay(fd);
}
