// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm bpf`: five eBPF programs that watch VMs, from the simplest on. Their sources and
 * loaders are in userspace-tool/bpf/, the chapter about them is Documentation/bpf.rst. This file is
 * the command line.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/watch.h"
#include "cmd/command.h"
#include "compiler.h"

#define BUFFER_DEFAULT	(1 * MIB)
#define BUFFER_MAX_KIB	(64 * KIB)
#define SECONDS_MAX	1000000.0

static const struct {
	const char *name;
	int (*run)(struct watch *w, struct sentence *why);
	const char *what;
} programs[] = {
	{ "hello", bpf_hello, "one line for each VM entry, through trace_pipe" },
	{ "exits", bpf_exits, "exit counts by VM, vCPU and reason, in a hash map" },
	{ "latency", bpf_latency, "times from exit to next entry, in log2 histograms" },
	{ "stream", bpf_stream, "each entry and exit, through a ring or perf buffer" },
	{ "dispatch", bpf_dispatch, "a decoder for each exit reason, by tail calls" },
};

static void usage(void)
{
	size_t i;

	puts("Usage: minikvm bpf PROGRAM [OPTION]... [-- COMMAND [ARG]...]\n\n"
	     "Watches VMs with an eBPF program, while COMMAND runs or until Ctrl-C; needs root.\n\n"
	     "Programs, in reading order:");
	for (i = 0; i < ARRAY_SIZE(programs); i++)
		printf("  %-9s %s\n", programs[i].name, programs[i].what);
	puts("\nOptions:\n"
	     "  -p, --pid PID      only the VMs of this process, and until it ends\n"
	     "  -o, --output FILE  write the result there, not to standard output\n"
	     "  -v, --verbose      tell what libbpf does, and all that the verifier says\n"
	     "      --duration S   end after S seconds\n"
	     "      --events SYS   the trace system of the events, kvm or minikvm (found)\n"
	     "      --perf         stream: a perf buffer, even where the kernel has ring buffers\n"
	     "      --buffer KIB   stream: size of the buffer (1024)\n"
	     "      --refused      hello: show how the verifier refuses a program\n\n"
	     "Documentation/bpf.rst goes through the programs.");
}

static int usage_error(const char *fmt, const char *value)
{
	fputs("minikvm bpf: ", stderr);
	fprintf(stderr, fmt, value);
	fputs(" Try 'minikvm bpf --help'.\n", stderr);
	return STATUS_USAGE;
}

static bool parse_number(const char *text, double least, double most, double *value)
{
	char *end;

	errno = 0;
	*value = strtod(text, &end);
	return end != text && !*end && !errno && *value >= least && *value <= most;
}

static int open_output(struct watch *w, const char *path)
{
	w->out = path ? fopen(path, "we") : stdout;
	if (w->out)
		return STATUS_OK;
	fprintf(stderr, "minikvm: %s cannot be written: %s.\n", path, strerror(errno));
	return STATUS_FAILED;
}

static int close_output(struct watch *w, const char *path)
{
	if (!path || !fclose(w->out))
		return STATUS_OK;
	fprintf(stderr, "minikvm: %s cannot be written: %s.\n", path, strerror(errno));
	return STATUS_FAILED;
}

static int parse(struct watch *w, const char **output, int argc, char **argv)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "output", required_argument, NULL, 'o' },
		{ "duration", required_argument, NULL, 'd' },
		{ "events", required_argument, NULL, 'e' },
		{ "perf", no_argument, NULL, 'P' },
		{ "buffer", required_argument, NULL, 'b' },
		{ "refused", no_argument, NULL, 'R' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	double number;
	int option;

	/* "+": what follows COMMAND is its own. */
	while ((option = getopt_long(argc, argv, "+p:o:vh", options, NULL)) >= 0) {
		switch (option) {
		case 'p':
			if (!parse_number(optarg, 1, 1 << 22, &number) || number != (__u32)number)
				return usage_error("'%s' is not the number of a process.", optarg);
			w->vm = number;
			break;
		case 'o':
			*output = optarg;
			break;
		case 'd':
			if (!parse_number(optarg, 0.001, SECONDS_MAX, &number))
				return usage_error("'%s' is not a number of seconds.", optarg);
			w->duration_ms = number * 1000;
			break;
		case 'e':
			if (!*optarg || strchr(optarg, '/') || *optarg == '.')
				return usage_error("'%s' is not a trace system.", optarg);
			w->system = optarg;
			break;
		case 'P':
			w->perf = true;
			break;
		case 'b':
			if (!parse_number(optarg, 1, BUFFER_MAX_KIB, &number))
				return usage_error("'%s' is not a number of KiB up to 65536.",
						   optarg);
			w->buffer = number * KIB;
			break;
		case 'R':
			w->refused = true;
			break;
		case 'v':
			w->verbose = true;
			break;
		case 'h':
			usage();
			return -1;
		default:
			fputs("Try 'minikvm bpf --help'.\n", stderr);
			return STATUS_USAGE;
		}
	}
	if (optind < argc)
		w->command = argv + optind;
	if (w->command && (w->vm || w->duration_ms))
		return usage_error("'%s' is a COMMAND, and its end ends the watch: no --pid and no --duration.",
				   *w->command);
	if (w->vm && kill(w->vm, 0) && errno == ESRCH)
		return usage_error("There is no process %s.", "with the number that --pid names");
	return STATUS_OK;
}

int command_bpf(int argc, char **argv)
{
	struct watch w = { .buffer = BUFFER_DEFAULT };
	const char *output = NULL;
	struct sentence why;
	size_t i;
	int status;

	if (argc < 2)
		return usage_error("which program%s?", "");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage();
		return STATUS_OK;
	}
	for (i = 0; i < ARRAY_SIZE(programs); i++)
		if (!strcmp(argv[1], programs[i].name))
			break;
	if (i == ARRAY_SIZE(programs))
		return usage_error("'%s' is not one of the programs.", argv[1]);
	argv[1] = (char *)"minikvm bpf";
	status = parse(&w, &output, argc - 1, argv + 1);
	if (status)
		return status < 0 ? STATUS_OK : status;
	status = open_output(&w, output);
	if (status)
		return status;
	if (watch_prepare(&w, &why) || programs[i].run(&w, &why)) {
		fprintf(stderr, "minikvm: %s\n", why.text);
		status = STATUS_FAILED;
	}
	if (close_output(&w, output))
		status = STATUS_FAILED;
	return status ? status : w.status;
}
