// SPDX-License-Identifier: GPL-2.0-only
/*
 * init-terminal.c - COMMAND's terminal, where the lab's caller sits at one (lab shell).
 *
 * A pseudo-terminal of the host's (pty(7)): its line discipline turns Ctrl-C into a signal for
 * COMMAND and edits lines, while the caller's own terminal is raw and passes every byte on.
 * The keys come in through the input page (init-input.c), which also holds the window's size.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int master = -1;

/**
 * terminal_wanted - whether COMMAND is to have a terminal
 *
 * Return: 1 or 0.
 */
int terminal_wanted(void)
{
	char text[16];

	return !!config("terminal", 0, text, sizeof(text));
}

/**
 * terminal_size - tell COMMAND how large the caller's window is
 * @rows: lines, 0 where they are not known
 * @columns: characters of a line, likewise
 */
void terminal_size(unsigned int rows, unsigned int columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	if (rows && columns)
		ioctl(master, TIOCSWINSZ, &size);
}

/**
 * terminal_open - make COMMAND's terminal, and begin to pass the caller's keys on to it
 * @slave: receives COMMAND's side
 *
 * Does not return where there can be none.
 *
 * Return: init's side.
 */
int terminal_open(int *slave)
{
	if (input_find())
		problem("the shell gets no keys: the emulator's memory cannot be written here");
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		problem("init has no pseudo-terminal: %s", strerror(errno));
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0)
		problem("init cannot open a pseudo-terminal: %s", strerror(errno));
	fcntl(master, F_SETFL, O_NONBLOCK);
	input_to_terminal(master);
	return master;
}
