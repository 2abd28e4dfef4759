/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers and sizes in command lines: number.c.
 */
#ifndef MINIKVM_TOOL_NUMBER_H
#define MINIKVM_TOOL_NUMBER_H

#include <linux/types.h>
#include <stdbool.h>

#define SIZE_MIB_MAX	(1024 * 1024)	/* the largest that parse_size() takes */

bool parse_number(const char *s, __u64 min, __u64 max, __u64 *value);
bool parse_size(const char *s, __u64 *bytes);

#endif
