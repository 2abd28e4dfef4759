/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines out of a stream of bytes, for the control socket: line.c.
 */
#ifndef MINIKVM_TOOL_LINE_H
#define MINIKVM_TOOL_LINE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define LINE_MAX_BYTES	65536

/**
 * struct line_reader - lines of one connection
 * @data: what was received and not taken
 * @len: bytes of it
 * @taken: how many of these a line was made of, which the next call forgets
 * @room: bytes that @data has
 */
struct line_reader {
	char *data;
	size_t len;
	size_t taken;
	size_t room;
};

bool line_put(struct line_reader *r, const char *data, size_t len);
char *line_take(struct line_reader *r);
void line_free(struct line_reader *r);

#endif
