/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The states of tasks and processes, and the one function that changes them: state.c.
 */
#ifndef GUEST_STATE_H
#define GUEST_STATE_H

#include "abi.h"

enum subject { SUBJECT_TASK, SUBJECT_PROCESS };

const char *state_move(enum subject subject, unsigned int id, u8 *state, u8 to);
const char *state_name(u8 state);

/* What the pure files need of their surroundings: the kernel, or the test. */
void state_stop(const char *subject, unsigned int id, const char *from, const char *to) __noreturn;
void state_changed(enum subject subject, unsigned int id, u8 to, const char *transition);

#endif
