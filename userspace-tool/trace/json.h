/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text as a string of JSON: json.c.
 */
#ifndef MINIKVM_TOOL_JSON_H
#define MINIKVM_TOOL_JSON_H

#include <stdio.h>

void json_put_text(FILE *to, const char *s);

#endif
