/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VM generation ID: generation.c.
 */
#ifndef MINIKVM_TOOL_GENERATION_H
#define MINIKVM_TOOL_GENERATION_H

#include <stdbool.h>

#include "terminal/sentence.h"

struct machine;

int generation_renew(struct machine *m, bool tell, struct sentence *why);

#endif
