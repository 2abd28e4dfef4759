// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state machine: every state, every transition by name, and one function through which each
 * change goes. An illegal one is a fault of the kernel, which stops with both states printed.
 *
 * A task has one state. A process has the set of its tasks': it is Ready and Running at once while
 * one of its tasks runs and another waits for a processor, and Pend only when none of them does
 * either. pool.c works that set out; here stands which sets may follow which.
 *
 * Pure: no machine, no allocation. Callers hold the kernel's lock.
 */
#include "state.h"

#define BOTH	(STATE_READY | STATE_RUNNING)

struct transition {
	u8 from, to;
	const char *name;
};

static const struct transition task_transitions[] = {
	{ STATE_NONE, STATE_INIT, "create" },
	{ STATE_INIT, STATE_READY, "start" },
	{ STATE_INIT, STATE_NONE, "give up" },
	{ STATE_READY, STATE_RUNNING, "dispatch" },
	{ STATE_RUNNING, STATE_READY, "preempt" },
	{ STATE_RUNNING, STATE_PEND, "block" },
	{ STATE_PEND, STATE_READY, "wake" },
	{ STATE_RUNNING, STATE_ZOMBIE, "exit" },
	{ STATE_ZOMBIE, STATE_NONE, "free" },
};

static const struct transition process_transitions[] = {
	{ STATE_NONE, STATE_INIT, "create" },
	{ STATE_INIT, STATE_READY, "start" },
	{ STATE_INIT, STATE_NONE, "give up" },
	{ STATE_READY, STATE_RUNNING, "dispatch the only task" },
	{ STATE_READY, BOTH, "dispatch one of the tasks" },
	{ BOTH, STATE_RUNNING, "dispatch the last task" },
	{ STATE_RUNNING, BOTH, "another task becomes ready" },
	{ STATE_RUNNING, STATE_READY, "preempt" },
	{ BOTH, STATE_READY, "the running task leaves its processor" },
	{ STATE_RUNNING, STATE_PEND, "the last task blocks" },
	{ STATE_PEND, STATE_READY, "wake" },
	{ STATE_RUNNING, STATE_ZOMBIE, "the last task exits" },
	{ STATE_ZOMBIE, STATE_NONE, "collect" },
};

static const struct transition *find(enum subject subject, u8 from, u8 to)
{
	const struct transition *t = task_transitions;
	unsigned int n = ARRAY_SIZE(task_transitions);

	if (subject == SUBJECT_PROCESS) {
		t = process_transitions;
		n = ARRAY_SIZE(process_transitions);
	}
	for (; n; n--, t++)
		if (t->from == from && t->to == to)
			return t;
	return NULL;
}

/**
 * state_name() - a state, or a set of states of a process, in words
 * @state: enum state
 *
 * Return: "?" for what is none.
 */
const char *state_name(u8 state)
{
	switch (state) {
	case STATE_NONE:
		return "Free";
	case STATE_INIT:
		return "Init";
	case STATE_READY:
		return "Ready";
	case STATE_RUNNING:
		return "Running";
	case BOTH:
		return "Ready+Running";
	case STATE_PEND:
		return "Pend";
	case STATE_ZOMBIE:
		return "Zombie";
	}
	return "?";
}

/**
 * state_move() - the one way to change a state
 * @subject: a task's or a process's
 * @id: which, for the message
 * @state: the state that changes
 * @to: what it becomes
 *
 * Return: the transition's name. Does not return where there is no such transition.
 */
const char *state_move(enum subject subject, unsigned int id, u8 *state, u8 to)
{
	const struct transition *t = find(subject, *state, to);

	if (!t)
		state_stop(subject == SUBJECT_TASK ? "task" : "process", id, state_name(*state),
			   state_name(to));
	*state = to;
	state_changed(subject, id, to, t->name);
	return t->name;
}
