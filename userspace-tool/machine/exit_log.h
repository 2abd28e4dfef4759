/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `minikvm run --log exits=...`: a line for each exit to userspace.
 */
#ifndef MINIKVM_TOOL_EXIT_LOG_H
#define MINIKVM_TOOL_EXIT_LOG_H

#include <stdio.h>

#include "kvm/exit_sentence.h"
#include "kvm/vm.h"

/**
 * struct exit_log - where exits are told, and which
 * @on: exits are told
 * @to: the stream, or NULL: where messages go (message.h)
 * @start: nanoseconds of CLOCK_MONOTONIC at the run's beginning
 * @flat: a machine without interrupt controllers, whose ports are others
 * @set: which exits
 */
struct exit_log {
	bool on;
	FILE *to;
	long long start;
	bool flat;
	struct exit_set set;
};

int exit_log_open(struct exit_log *log, const struct exit_set *set, const char *file, bool flat,
		  struct sentence *why);
void exit_log_exit(const struct exit_log *log, const struct vcpu *vcpu);
void exit_log_interrupted(const struct exit_log *log, const struct vcpu *vcpu);
int exit_log_close(struct exit_log *log);

#endif
