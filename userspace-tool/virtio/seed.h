/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's first instructions for cloud-init, as a disk: seed.c.
 */
#ifndef MINIKVM_TOOL_SEED_H
#define MINIKVM_TOOL_SEED_H

#include <stddef.h>

#include "terminal/sentence.h"

#define SEED_USER_DATA_MAX	(8 * 1024 * 1024)

int seed_open(const void *user_data, size_t size, const char *hostname, struct sentence *why);

#endif
