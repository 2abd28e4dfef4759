// SPDX-License-Identifier: GPL-2.0-only
/*
 * terminal.c - somebody at a terminal, for the tests of lab shell.
 *
 *	terminal ROWS COLUMNS COMMAND [ARG...] < SCRIPT
 *
 * Runs COMMAND on a pseudo-terminal (pty(7)) of that size, does what the lines of SCRIPT say,
 * and copies what appears on the screen to standard output:
 *
 *	expect TEXT	wait until TEXT has appeared since the last line that waited
 *	send TEXT	type it; \r, \\ and \xHH are what they are in C
 *	size R C	change the window's size
 *	do COMMAND	run a command of the shell on this machine; $PID is COMMAND's process
 *
 * In the end it waits for COMMAND, says on a line of its own whether the terminal has its settings
 * back, and ends with COMMAND's status. A text that does not come within five minutes
 * (a net: a busy machine needs one of them) ends COMMAND, and the status is 99.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#define LIMIT	300

static char screen[1 << 20];
static struct termios before, after;	/* static, so that what pads them is alike */
static size_t seen, waited;
static int master;
static pid_t child;

/* Copies what there is within so many milliseconds; returns -1 once there can be no more. */
static int copy(int milliseconds)
{
	struct pollfd p = { .fd = master, .events = POLLIN };
	ssize_t got;

	if (poll(&p, 1, milliseconds) <= 0)
		return 0;
	got = read(master, screen + seen, sizeof(screen) - 1 - seen);
	if (got <= 0)
		return -1;
	if (write(STDOUT_FILENO, screen + seen, got) != got)
		return -1;
	seen += got;
	screen[seen] = 0;
	return 0;
}

static void expect(const char *text)
{
	time_t end = time(NULL) + LIMIT;
	char *found;

	for (;;) {
		found = memmem(screen + waited, seen - waited, text, strlen(text));
		if (found) {
			waited = found - screen + strlen(text);
			return;
		}
		if (copy(500) || time(NULL) > end)
			break;
	}
	printf("\nnever seen: %s\n", text);
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	exit(99);
}

static void type(const char *text)
{
	unsigned int byte;
	char c;

	for (; *text; text++) {
		c = *text;
		if (c == '\\' && text[1] == 'x' && sscanf(text + 2, "%2x", &byte) == 1) {
			c = byte;
			text += 3;
		} else if (c == '\\' && text[1]) {
			c = *++text == 'r' ? '\r' : *text;
		}
		if (write(master, &c, 1) != 1)
			return;
	}
}

static void line(char *text)
{
	struct winsize size = { 0 };
	char pid[16];

	text[strcspn(text, "\n")] = 0;
	if (!strncmp(text, "expect ", 7)) {
		expect(text + 7);
	} else if (!strncmp(text, "send ", 5)) {
		type(text + 5);
	} else if (sscanf(text, "size %hu %hu", &size.ws_row, &size.ws_col) == 2) {
		ioctl(master, TIOCSWINSZ, &size);
	} else if (!strncmp(text, "do ", 3)) {
		snprintf(pid, sizeof(pid), "%d", child);
		setenv("PID", pid, 1);
		if (system(text + 3))
			printf("\nfailed: %s\n", text + 3);
	} else if (*text) {
		printf("\nnot understood: %s\n", text);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct winsize size = { 0 };
	char text[4096];
	int slave, status;

	if (argc < 4)
		return 2;
	size.ws_row = atoi(argv[1]);
	size.ws_col = atoi(argv[2]);
	if (openpty(&master, &slave, NULL, NULL, &size)) {
		perror("terminal");
		return 2;
	}
	fcntl(master, F_SETFD, FD_CLOEXEC);
	tcgetattr(slave, &before);
	child = fork();
	if (!child) {
		login_tty(slave);
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	/* This side stays open, so that the settings can be read when COMMAND is gone. */
	fcntl(slave, F_SETFD, FD_CLOEXEC);
	while (fgets(text, sizeof(text), stdin))
		line(text);
	while (waitpid(child, &status, WNOHANG) == 0)
		copy(200);
	while (poll(&(struct pollfd){ .fd = master, .events = POLLIN }, 1, 0) > 0 && !copy(0))
		;
	tcgetattr(slave, &after);
	printf("\nthe terminal's settings are %s\n",
	       memcmp(&before, &after, sizeof(before)) ? "changed" : "restored");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
