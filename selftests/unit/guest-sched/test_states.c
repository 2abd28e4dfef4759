// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every pair of states, for tasks and for processes: state_move() takes those that are transitions,
 * under a name of their own, and stops at all others with both states and without a change.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "state.h"
#include "tap.h"

#define N	STATE_NONE
#define I	STATE_INIT
#define R	STATE_READY
#define X	STATE_RUNNING
#define P	STATE_PEND
#define Z	STATE_ZOMBIE

static const u8 states[] = { N, I, R, X, R | X, P, Z };

/* Row: from; column: to, in the order of states[]. */
static const char *const task_allowed[] = {
	/*	NIRX+PZ */
	/* N */ ".x.....",
	/* I */ "x.x....",
	/* R */ "...x...",
	/* X */ "..x..xx",
	/* + */ ".......",
	/* P */ "..x....",
	/* Z */ "x......",
};

static const char *const process_allowed[] = {
	/*	NIRX+PZ */
	/* N */ ".x.....",
	/* I */ "x.x....",
	/* R */ "...xx..",
	/* X */ "..x.xxx",
	/* + */ "..xx...",
	/* P */ "..x....",
	/* Z */ "x......",
};

static jmp_buf stopped;
static char told[2][16];
static int changes;

void state_stop(const char *subject, unsigned int id, const char *from, const char *to)
{
	snprintf(told[0], sizeof(told[0]), "%s", from);
	snprintf(told[1], sizeof(told[1]), "%s", to);
	longjmp(stopped, 1);
}

void state_changed(enum subject subject, unsigned int id, u8 to, const char *transition)
{
	changes += *transition != 0;
}

static bool try_pair(enum subject subject, u8 from, u8 to, bool allowed)
{
	volatile u8 state = from;

	changes = 0;
	if (setjmp(stopped))
		return !allowed && state == from && !changes &&
		       !strcmp(told[0], state_name(from)) && !strcmp(told[1], state_name(to));
	state_move(subject, 7, (u8 *)&state, to);
	return allowed && state == to && changes == 1;
}

static bool try_all(enum subject subject, const char *const *allowed)
{
	bool right = true;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		for (j = 0; j < ARRAY_SIZE(states); j++)
			if (!try_pair(subject, states[i], states[j], allowed[i][j] == 'x')) {
				printf("# from %s to %s\n", state_name(states[i]),
				       state_name(states[j]));
				right = false;
			}
	return right;
}

int main(void)
{
	tap_ok(try_all(SUBJECT_TASK, task_allowed), "transitions of tasks, and no others");
	tap_ok(try_all(SUBJECT_PROCESS, process_allowed), "transitions of processes, and no others");
	tap_ok(!strcmp(state_name(R | X), "Ready+Running") && !strcmp(state_name(99), "?"),
	       "sets of states have names");
	return tap_done();
}
