/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How `minikvm stat` shows two snapshots: lines for a terminal, JSON, CSV, a live view.
 */
#ifndef MINIKVM_TOOL_STAT_PRINT_H
#define MINIKVM_TOOL_STAT_PRINT_H

#include <stdio.h>

#include "inspect/stat_data.h"

/* By what VMs, and in detail exit reasons, are sorted. */
enum stat_sort { STAT_BY_EXITS, STAT_BY_TIME, STAT_BY_NAME, STAT_SORTS };

extern const char *const stat_sort_names[STAT_SORTS];

/**
 * struct stat_view - what is shown
 * @sort: the order
 * @vm: this VM alone, or NULL
 * @vcpu: of it this vCPU alone, or -1
 */
struct stat_view {
	enum stat_sort sort;
	const char *vm;
	int vcpu;
};

/* Gets the lines one after the other; @bold: a heading. */
typedef void (*stat_line_fn)(void *ctx, bool bold, const char *line);

double stat_seconds(const struct stat_snapshot *before, const struct stat_snapshot *now);
void stat_lines(const struct stat_snapshot *before, const struct stat_snapshot *now,
		const struct stat_view *view, stat_line_fn line, void *ctx);
int stat_json(const struct stat_snapshot *before, const struct stat_snapshot *now,
	      const struct stat_view *view, FILE *to);
void stat_csv(const struct stat_snapshot *before, const struct stat_snapshot *now,
	      const struct stat_view *view, FILE *to);
int stat_live(const char *directory, double interval, struct stat_view *view,
	      struct sentence *why);

#endif
