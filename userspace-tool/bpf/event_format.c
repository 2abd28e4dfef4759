// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tracefs and securityfs say in text: the format of an event's record, lines of trace_pipe,
 * the kernel's lockdown. Pure: the callers read the files. Relies on the forms that the kernel's
 * Documentation/trace/events.rst ("Event formats") and ftrace.rst describe.
 */
#include <stdio.h>
#include <string.h>

#include "bpf/event_format.h"

/* Is @name the last word of the declaration in [@from, @to), as in "unsigned int vcpu_id"? */
static bool declares(const char *from, const char *to, const char *name)
{
	size_t length = strlen(name);

	if ((size_t)(to - from) <= length || memcmp(to - length, name, length) != 0)
		return false;
	return to[-(long)length - 1] == ' ' || to[-(long)length - 1] == '*';
}

/**
 * format_find_field() - where in an event's record a field is
 * @format: the event's file "format" in tracefs
 * @name: the field
 * @offset: set to its first byte
 * @size: set to the number of its bytes
 *
 * Return: whether the event has this field.
 */
bool format_find_field(const char *format, const char *name, __u32 *offset, __u32 *size)
{
	const char *line, *end;

	for (line = strstr(format, "field:"); line; line = strstr(end, "field:")) {
		line += strlen("field:");
		end = strchr(line, ';');
		if (!end)
			return false;
		if (declares(line, end, name))
			return sscanf(end, "; offset:%u; size:%u;", offset, size) == 2;
	}
	return false;
}

/**
 * trace_line_lost() - does a line of trace_pipe tell of lost events?
 * @line: the line
 * @lost: how many is added; the kernel may not know, then nothing is
 */
bool trace_line_lost(const char *line, __u64 *lost)
{
	const char *mark = strstr(line, " [LOST ");
	unsigned long long n;

	if (strncmp(line, "CPU:", 4) != 0 || !mark)
		return false;
	if (sscanf(mark, " [LOST %llu EVENTS]", &n) == 1)
		*lost += n;
	return true;
}

/**
 * lockdown_level() - which level of the kernel's lockdown is in force
 * @text: /sys/kernel/security/lockdown, where the level has brackets around it
 * @level: set to its name
 * @size: of @level
 *
 * Return: whether the kernel is locked down at all.
 */
bool lockdown_level(const char *text, char *level, unsigned int size)
{
	const char *from = strchr(text, '['), *to = from ? strchr(from, ']') : NULL;

	if (!to)
		return false;
	snprintf(level, size, "%.*s", (int)(to - from - 1), from + 1);
	return strcmp(level, "none") != 0;
}
