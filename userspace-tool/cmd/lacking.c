// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subcommands that this build of the tool does not have, because the machine that built it
 * lacked libraries or programs for them. Each says so. Relies on the Makefile, which defines
 * X_LACKS to the names of the Debian packages for each such subcommand X, and leaves out its files.
 */
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/describe.h"

#if defined(BPF_LACKS) || defined(STAT_LACKS) || defined(TRACE_LACKS) || defined(CONTROL_LACKS)
static int say_what_lacks(const char *command, const char *packages)
{
	fprintf(stderr,
		"minikvm: This minikvm was built without '%s': install these packages and build it again: apt-get install %s\n",
		command, packages);
	return STATUS_FAILED;
}
#endif

#ifdef BPF_LACKS
static int command_bpf(int argc __attribute((unused)), char **argv __attribute((unused)))
{
	return say_what_lacks("bpf", BPF_LACKS);
}

const struct described_command bpf_description = {
	.name = "bpf",
	.run = command_bpf,
	.summary = BPF_SUMMARY,
	.synopsis = "PROGRAM",
	.about = "This build of minikvm is without this command.",
};
#endif

#ifdef STAT_LACKS
static int command_stat(int argc __attribute((unused)), char **argv __attribute((unused)))
{
	return say_what_lacks("stat", STAT_LACKS);
}

const struct described_command stat_description = {
	.name = "stat",
	.run = command_stat,
	.summary = STAT_SUMMARY,
	.synopsis = "[OPTION]...",
	.about = "This build of minikvm is without this command.",
};
#endif

#ifdef TRACE_LACKS
static int command_trace(int argc __attribute((unused)), char **argv __attribute((unused)))
{
	return say_what_lacks("trace", TRACE_LACKS);
}

const struct described_command trace_description = {
	.name = "trace",
	.run = command_trace,
	.summary = TRACE_SUMMARY,
	.synopsis = "COMMAND",
	.about = "This build of minikvm is without this command.",
};
#endif

#ifdef CONTROL_LACKS
static int command_ls(int argc __attribute((unused)), char **argv __attribute((unused)))
{
	return say_what_lacks("ls", CONTROL_LACKS);
}

const struct described_command ls_description = {
	.name = "ls",
	.run = command_ls,
	.summary = "the guests that run with a name",
	.synopsis = "[--json]",
	.about = "This build of minikvm is without this command.",
};

static int command_ctl(int argc __attribute((unused)), char **argv __attribute((unused)))
{
	return say_what_lacks("ctl", CONTROL_LACKS);
}

const struct described_command ctl_description = {
	.name = "ctl",
	.run = command_ctl,
	.summary = "steer a running guest: pause, snapshot, reset, ...",
	.synopsis = "NAME REQUEST",
	.about = "This build of minikvm is without this command.",
};
#endif
