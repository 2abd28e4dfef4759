/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options of a command from a JSON file: config.c.
 */
#ifndef MINIKVM_TOOL_CONFIG_H
#define MINIKVM_TOOL_CONFIG_H

#include "cmd/describe.h"
#include "terminal/sentence.h"

struct config;

/* Takes an option as from the command line. Return: -1 to go on, else the exit status. */
typedef int (*config_option)(void *opaque, int option, const char *argument);

int config_read(struct config **config, const char *file, const struct described_option *options,
		int except, config_option take, void *opaque, struct sentence *why);
void config_free(struct config *config);

#endif
