/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A time line as one page for a browser: html.c.
 */
#ifndef MINIKVM_TOOL_HTML_H
#define MINIKVM_TOOL_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include "trace/timeline.h"

#define HTML_SLICES_MAX	200000

/* Text that is being gathered in memory. */
struct html_list {
	FILE *stream;
	char *text;
	size_t size;
	unsigned long long rows;
};

/**
 * struct html - the page that is being written
 * @tracks: rows of the page's data
 * @slices: the same
 * @flows: the same
 * @cut: more than HTML_SLICES_MAX slices came
 */
struct html {
	struct html_list tracks, slices, flows;
	bool cut;
};

extern const struct timeline_ops html_ops;

bool html_begin(struct html *h);
bool html_end(struct html *h, FILE *to, unsigned long long lost,
	      const char *(*words)(unsigned int reason, const char **name), unsigned int reasons);

#endif
