// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm bpf`: five eBPF programs that watch VMs, from the simplest on. Their sources and
 * loaders are in userspace-tool/bpf/, the chapter about them is Documentation/bpf.rst. This file is
 * the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/watch.h"
#include "cmd/command.h"
#include "cmd/describe.h"
#include "compiler.h"

#define BUFFER_DEFAULT	(1 * MIB)
#define BUFFER_MAX_KIB	(64 * KIB)
#define SECONDS_MAX	1000000.0

static int (*const programs[])(struct watch *w, struct sentence *why) = {
	bpf_hello, bpf_exits, bpf_latency, bpf_stream, bpf_dispatch,
};

/* In the order of programs[], which is the reading order */
static const struct described_word names[] = {
	{ "hello", "one line for each VM entry, through trace_pipe" },
	{ "exits", "exit counts by VM, vCPU and reason, in a hash map" },
	{ "latency", "times from exit to next entry, in log2 histograms" },
	{ "stream", "each entry and exit, through a ring or perf buffer" },
	{ "dispatch", "a decoder for each exit reason, by tail calls" },
	{ }
};

enum {
	OPT_DURATION = OPT_DEV + 1,
	OPT_EVENTS,
	OPT_PERF,
	OPT_BUFFER,
	OPT_REFUSED,
};

static const struct described_option options[] = {
	{ .name = "pid", .value = 'p', .argument = "PID",
	  .help = "Only the VMs of this process, and until it ends." },
	{ .name = "output", .value = 'o', .argument = "FILE", .kind = TAKES_FILE,
	  .help = "Write the result there, not to standard output." },
	{ .name = "verbose", .value = 'v',
	  .help = "Tell what libbpf does, and all that the verifier says." },
	{ .name = "duration", .value = OPT_DURATION, .argument = "S",
	  .help = "End after S seconds." },
	{ .name = "events", .value = OPT_EVENTS, .argument = "SYSTEM", .kind = TAKES_WORD,
	  .words = "kvm minikvm",
	  .help = "The trace system of the events, kvm or minikvm (found)." },
	{ .name = "perf", .value = OPT_PERF,
	  .help = "stream: a perf buffer, even where the kernel has ring buffers." },
	{ .name = "buffer", .value = OPT_BUFFER, .argument = "KIB",
	  .help = "stream: size of the buffer (1024)." },
	{ .name = "refused", .value = OPT_REFUSED,
	  .help = "hello: show how the verifier refuses a program." },
	{ }
};

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
	bool failed;

	if (!path)
		return STATUS_OK;
	failed = ferror(w->out);
	errno = 0;
	if (!fclose(w->out) && !failed)
		return STATUS_OK;
	fprintf(stderr, "minikvm: %s cannot be written whole: %s.\n", path,
		strerror(errno ? errno : EIO));
	return STATUS_FAILED;
}

static int parse(struct watch *w, const char **output, int argc, char **argv)
{
	double number;
	int option;

	while ((option = describe_next(&bpf_description, argc, argv)) >= 0) {
		switch (option) {
		case 'p':
			if (!parse_number(optarg, 1, 1 << 22, &number) || number != (__u32)number)
				return usage_error("'%s' is not the number of a process.", optarg);
			w->vm = number;
			break;
		case 'o':
			*output = optarg;
			break;
		case OPT_DURATION:
			if (!parse_number(optarg, 0.001, SECONDS_MAX, &number))
				return usage_error("'%s' is not a number of seconds.", optarg);
			w->duration_ms = number * 1000;
			break;
		case OPT_EVENTS:
			if (!*optarg || strchr(optarg, '/') || *optarg == '.')
				return usage_error("'%s' is not a trace system.", optarg);
			w->system = optarg;
			break;
		case OPT_PERF:
			w->perf = true;
			break;
		case OPT_BUFFER:
			if (!parse_number(optarg, 1, BUFFER_MAX_KIB, &number))
				return usage_error("'%s' is not a number of KiB up to 65536.",
						   optarg);
			w->buffer = number * KIB;
			break;
		case OPT_REFUSED:
			w->refused = true;
			break;
		case 'v':
			w->verbose = true;
			break;
		}
	}
	if (option != OPTION_END)
		return option == OPTION_HELP ? -1 : STATUS_USAGE;
	if (optind < argc)
		w->command = argv + optind;
	if (w->command && (w->vm || w->duration_ms))
		return usage_error("'%s' is a COMMAND, and its end ends the watch: no --pid and no --duration.",
				   *w->command);
	if (w->vm && kill(w->vm, 0) && errno == ESRCH)
		return usage_error("There is no process %s.", "with the number that --pid names");
	return STATUS_OK;
}

static int command_bpf(int argc, char **argv)
{
	struct watch w = { .buffer = BUFFER_DEFAULT };
	const char *output = NULL;
	struct sentence why;
	size_t i;
	int status;

	if (argc < 2)
		return usage_error("which program%s?", "");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		describe_help(&bpf_description, stdout);
		return STATUS_OK;
	}
	for (i = 0; i < ARRAY_SIZE(programs); i++)
		if (!strcmp(argv[1], names[i].name))
			break;
	if (i == ARRAY_SIZE(programs))
		return usage_error("'%s' is not one of the programs.", argv[1]);
	status = parse(&w, &output, argc - 1, argv + 1);
	if (status)
		return status < 0 ? STATUS_OK : status;
	status = open_output(&w, output);
	if (status)
		return status;
	if (watch_prepare(&w, &why) || programs[i](&w, &why)) {
		fprintf(stderr, "minikvm: %s\n", why.text);
		status = STATUS_FAILED;
	}
	if (close_output(&w, output))
		status = STATUS_FAILED;
	return status ? status : w.status;
}

const struct described_command bpf_description = {
	.name = "bpf",
	.run = command_bpf,
	.summary = BPF_SUMMARY,
	.synopsis = "PROGRAM [OPTION]... [-- COMMAND [ARG]...]",
	.about = "Watches VMs with an eBPF program, while COMMAND runs or until Ctrl-C; needs root.",
	.operands_title = "Programs, in reading order",
	.operands = names,
	.options = options,
	.more = "Documentation/bpf.rst goes through the programs.",
	.command_follows = true,
};
