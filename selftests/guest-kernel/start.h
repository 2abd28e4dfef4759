/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's start, and what it was told: start.c.
 */
#ifndef GUEST_START_H
#define GUEST_START_H

#include "types.h"

#define COMMAND_LINE_MAX	256

extern char command_line[COMMAND_LINE_MAX];
/* TSC at the start. */
extern u64 start_time;

void start(u32 magic, u32 info);

#endif
