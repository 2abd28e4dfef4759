/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tracefs and securityfs say in text: the format of an event's record, lines of trace_pipe,
 * the kernel's lockdown. Pure.
 */
#ifndef MINIKVM_TOOL_BPF_EVENT_FORMAT_H
#define MINIKVM_TOOL_BPF_EVENT_FORMAT_H

#include <linux/types.h>
#include <stdbool.h>

bool format_find_field(const char *format, const char *name, __u32 *offset, __u32 *size);
bool trace_line_lost(const char *line, __u64 *lost);
bool lockdown_level(const char *text, char *level, unsigned int size);

#endif
