/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking out of a line what tells whose machine it is.
 */
#ifndef MINIKVM_TOOL_SCRUB_H
#define MINIKVM_TOOL_SCRUB_H

#include <stddef.h>

void scrub_line(const char *line, const char *const *names, char *out, size_t size);

#endif
