// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm run --config` where the machine that built the tool lacked json-c. Compiled instead of
 * config.c (Makefile).
 */
#include <stddef.h>

#include "cmd/config.h"

int config_read(struct config **config, const char *file, const struct described_option *options,
		int except, config_option take, void *opaque, struct sentence *why)
{
	(void)config;
	(void)file;
	(void)options;
	(void)except;
	(void)take;
	(void)opaque;
	return say(why,
		   "This minikvm was built without --config: install these packages and build it again: apt-get install %s",
		   CONTROL_LACKS);
}

void config_free(struct config *config)
{
	(void)config;
}
