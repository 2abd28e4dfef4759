// SPDX-License-Identifier: GPL-2.0-only
/*
 * qmp.c - drives a QEMU over its machine protocol, from a shell script.
 *
 * QMP is one JSON object per line on a unix socket: a greeting, then a reply to each command, and
 * events in between. This program knows no JSON beyond that: a step that begins with a brace is
 * sent and its reply awaited, any other step is a text that a line must contain before the next one
 * begins. All lines go to standard output. Relies on QEMU's -qmp unix:SOCKET,server=on,wait=off.
 *
 * usage: qmp SOCKET STEP...
 * exit status: 0, 1 = a command was refused, 2 = no connection or the other end went away
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), tries;

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	/* QEMU makes the socket some time after it was started. */
	for (tries = 0; tries < 600; tries++) {
		if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
			return fd;
		usleep(100 * 1000);
	}
	return -1;
}

/* Reads lines until one contains @a or, if there is one, @b. Returns 0, 1 for @b, -1 at the end. */
static int await(FILE *in, const char *a, const char *b)
{
	static char line[1 << 16];

	while (fgets(line, sizeof(line), in)) {
		fputs(line, stdout);
		fflush(stdout);
		if (strstr(line, a))
			return 0;
		if (b && strstr(line, b))
			return 1;
	}
	return -1;
}

int main(int argc, char **argv)
{
	char *steps[64] = { "{\"execute\": \"qmp_capabilities\"}" };
	int fd, i, n = 1, status;
	FILE *in;

	if (argc < 2 || argc > 60)
		return 2;
	for (i = 2; i < argc; i++)
		steps[n++] = argv[i];
	fd = connect_to(argv[1]);
	in = fd < 0 ? NULL : fdopen(fd, "r");
	if (!in || await(in, "\"QMP\"", NULL)) {
		fprintf(stderr, "qmp: no answer at %s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	for (i = 0; i < n; i++) {
		if (steps[i][0] != '{') {
			status = await(in, steps[i], NULL);
		} else {
			printf("> %s\n", steps[i]);
			if (dprintf(fd, "%s\n", steps[i]) < 0)
				return 2;
			/* An event's line begins with its timestamp. */
			status = await(in, "{\"return\"", "{\"error\"");
		}
		if (status) {
			fprintf(stderr, "qmp: '%s' %s\n", steps[i],
				status == 1 ? "was refused" : "ended the connection");
			return status == 1 ? 1 : 2;
		}
	}
	return 0;
}
