// SPDX-License-Identifier: GPL-2.0-only
/*
 * init-input.c - COMMAND's standard input, which is the lab's caller's.
 *
 * There is no wire into the host: the supervisor writes into a page of the
 * host's memory (window.h), and a thread here waits for it to change and passes
 * what it finds on through a pipe.  It sleeps between two looks, so that the
 * host's CPU is COMMAND's; each look costs a few thousand instructions, which is
 * why there is neither thread nor page where the caller's input is /dev/null.
 */
#include "frame.h"
#include "init.h"
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define FIRST_SLEEP	500000		/* nanoseconds between two looks, growing */
#define LONGEST_SLEEP	20000000

static struct input *page;
static int destination = -1;		/* the end of a pipe, or a terminal's master side */
static int to_terminal;

static unsigned int given(void)
{
	return __atomic_load_n(&page->given, __ATOMIC_ACQUIRE);
}

static void ask(unsigned int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	channel_send(FRAME_INPUT, text, strlen(text));
}

static int write_all(const void *data, size_t len)
{
	while (len) {
		ssize_t put = write(destination, data, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN) {
			struct pollfd full = { .fd = destination, .events = POLLOUT };

			poll(&full, 1, -1);
			continue;
		}
		if (put <= 0)
			return -1;
		data = (const char *)data + put;
		len -= put;
	}
	return 0;
}

/* The window of the caller's terminal has another size: the host's gets the same. */
static void follow_size(void)
{
	static uint16_t rows, columns;

	if (!to_terminal || (page->rows == rows && page->columns == columns))
		return;
	rows = page->rows;
	columns = page->columns;
	terminal_size(rows, columns);
}

static void *pass_input(void *unused)
{
	unsigned int number;

	(void)unused;
	for (number = 2;; number++) {
		struct timespec pause = { .tv_nsec = FIRST_SLEEP };
		size_t len;

		ask(number);
		while (given() != number) {
			nanosleep(&pause, NULL);
			follow_size();
			if (pause.tv_nsec < LONGEST_SLEEP)
				pause.tv_nsec *= 2;
		}
		len = page->len;
		if (!len || len > sizeof(page->data) || write_all(page->data, len))
			break;		/* the end, or COMMAND reads no more */
	}
	if (!to_terminal)
		close(destination);
	return NULL;
}

/**
 * input_find - find out whether the supervisor writes into this host's memory
 *
 * Return: 0, or -1 where it does not.
 */
int input_find(void)
{
	uint8_t magic[WINDOW_MAGIC];

	if (window_magic(INPUT_MASK, magic))
		return -1;
	page = mmap(NULL, INPUT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || mlock(page, INPUT_SIZE))
		return -1;
	memcpy(page->magic, magic, sizeof(magic));
	memcpy(page->magic_again, magic, sizeof(magic));
	ask(1);
	return window_await(&page->given);
}

static void start_passing(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);	/* a COMMAND that does not read is no error */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	if (pthread_create(&thread, &attr, pass_input, NULL))
		problem("init cannot start a thread");
}

/**
 * input_open - begin to pass the caller's standard input on
 *
 * Return: what COMMAND is to read from, or -1 where it has no input.
 */
int input_open(void)
{
	char text[16];
	int ends[2];

	if (!config("input", 0, text, sizeof(text)) || input_find())
		return -1;
	if (pipe2(ends, O_CLOEXEC))
		problem("init cannot create a pipe: %s", strerror(errno));
	destination = ends[1];
	start_passing();
	return ends[0];
}

/**
 * input_to_terminal - begin to pass the caller's keys on, after input_find() returned 0
 * @terminal: the master side of COMMAND's terminal
 */
void input_to_terminal(int terminal)
{
	destination = terminal;
	to_terminal = 1;
	follow_size();
	start_passing();
}
