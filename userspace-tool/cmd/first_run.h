/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stages of `minikvm first-run`, and what they share.
 */
#ifndef MINIKVM_TOOL_FIRST_RUN_H
#define MINIKVM_TOOL_FIRST_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "compiler.h"
#include "terminal/sentence.h"

#define FIRST_RUN_CPUS_MAX	1024

/* What a stage returns beside -1, the surprise, of which it has written a sentence */
#define STAGE_PASSED	0
#define STAGE_NOTHING	1	/* there is nothing here to be tried; the stage has said so */

/**
 * struct first_run - one run
 * @directory: where progress and report lie
 * @module: a minikvm.ko, or NULL: modprobe's
 * @report: the report
 * @progress: descriptor of the file that says where it is
 * @loaded: minikvm is loaded by this run
 * @had_kvm: kvm_intel was loaded before, and was unloaded
 * @had_minikvm: minikvm was loaded before, and was unloaded
 * @nr_offline: how many processors this run took offline
 * @offline: they
 * @stage: what is running
 */
struct first_run {
	const char *directory, *module;
	FILE *report;
	int progress;
	bool loaded, had_kvm, had_minikvm;
	int nr_offline, offline[FIRST_RUN_CPUS_MAX];
	const char *stage;
};

/**
 * struct first_run_stage - a stage
 * @name: its name
 * @about: what it is going to do
 * @run: does it. Return: STAGE_PASSED, STAGE_NOTHING or -1
 * @asked_only: not without --vt-d
 */
struct first_run_stage {
	const char *name, *about;
	int (*run)(struct first_run *r, struct sentence *why);
	bool asked_only;
};

/* In their order; the last has no name. */
extern const struct first_run_stage first_run_stages[];

void __printf(2, 3) first_run_tell(struct first_run *r, const char *fmt, ...);
int __printf(3, 4) first_run_step(struct first_run *r, struct sentence *why, const char *fmt, ...);

void first_run_put_back(struct first_run *r);

/* first_run_guest.c: each returns 0 or -1 */
int guest_one_entry(struct sentence *why);
int guest_exits(struct first_run *r, struct sentence *why);
int guest_memory(struct first_run *r, struct sentence *why);
int guest_interrupts(struct first_run *r, struct sentence *why);

#endif
