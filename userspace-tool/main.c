// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command `minikvm`: subcommands, help and version. See Documentation/tool.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "terminal/message.h"

#ifndef MINIKVM_VERSION
#define MINIKVM_VERSION "unknown"
#endif

const char minikvm_version[] = MINIKVM_VERSION;

static void usage(FILE *to)
{
	fputs("Usage: minikvm COMMAND [OPTION]...\n\nCommands:\n", to);
	describe_list(to);
	fputs("\n'minikvm COMMAND --help' explains one. --version prints the version.\n", to);
}

/*
 * Open standard descriptors that the caller has closed, so that no other file gets their numbers.
 * Writing to a closed standard output must fail: it is opened for reading. If all three are closed,
 * as daemons have them, only the exit status is wanted, and output is discarded.
 */
static void open_missing_descriptors(void)
{
	bool closed[STDERR_FILENO + 1];
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++)
		closed[fd] = fcntl(fd, F_GETFD) < 0;
	for (fd = 0; fd <= STDERR_FILENO; fd++)
		if (closed[fd] && open("/dev/null", fd == STDOUT_FILENO &&
				       !(closed[STDIN_FILENO] && closed[STDERR_FILENO]) ?
				       O_RDONLY : O_RDWR) < 0)
			break;
}

/* Standard output is buffered: a full disk shows only when the buffer is written. */
static int close_output(int status)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (!fclose(stdout) && !failed)
		return status;
	message(MESSAGE_ERROR, "Standard output cannot be written%s%s.", errno ? ": " : "",
		errno ? strerror(errno) : "");
	return status == STATUS_OK ? STATUS_FAILED : status;
}

static int run_command(int argc, char **argv)
{
	const struct described_command *const *c;

	if (argc < 2) {
		usage(stderr);
		return STATUS_USAGE;
	}
	for (c = described_commands; *c; c++)
		if (!strcmp(argv[1], (*c)->name))
			return (*c)->run(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return STATUS_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("minikvm %s\n", minikvm_version);
		return STATUS_OK;
	}
	/* Man pages and completion, for the Makefile */
	if (!strcmp(argv[1], "--describe") && argc > 2)
		return describe_main(argc - 2, argv + 2);
	fprintf(stderr, "minikvm: '%s' is not a command. Try 'minikvm --help'.\n", argv[1]);
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	open_missing_descriptors();
	return close_output(run_command(argc, argv));
}
