// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm stat`: which VMs there are, what they do, and where their time goes.
 *
 * From minikvm's directory in debugfs, so it sees the VMs of every VMM. See inspect/stat_data.h and
 * Documentation/statistics.rst.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "inspect/stat_data.h"
#include "inspect/stat_print.h"
#include "inspect/vm_files.h"

enum { OPT_ONCE = 257, OPT_JSON, OPT_CSV, OPT_INTERVAL, OPT_SORT, OPT_VM, OPT_VCPU, OPT_ROOT };

#define ROW(n, v, ...)	{ .name = n, .value = v, __VA_ARGS__ }

static const struct described_option options[] = {
	ROW("once", OPT_ONCE,
	    .help = "print one table and end, as it does where input or output is no terminal"),
	ROW("json", OPT_JSON, .help = "print one JSON object and end"),
	ROW("csv", OPT_CSV, .help = "print a line for each vCPU and exit reason and end"),
	ROW("interval", OPT_INTERVAL, .argument = "S",
	    .help = "seconds between two looks, 1 by default, live not below 0.1; 0: print the\n"
		    "sums since each VM began and end"),
	ROW("sort", OPT_SORT, .argument = "BY", .kind = TAKES_WORD, .words = "exits time name",
	    .help = "the order of VMs and exit reasons, exits by default"),
	ROW("vm", OPT_VM, .argument = "ID",
	    .help = "this VM alone: its process and number, as in 1234-1"),
	ROW("vcpu", OPT_VCPU, .argument = "N", .help = "of it this vCPU alone"),
	ROW("root", OPT_ROOT, .argument = "DIR", .kind = TAKES_FILE,
	    .help = "read this directory instead of " VM_FILES_ROOT),
	{ }
};

static void print_line(void *ctx, bool bold, const char *line)
{
	(void)ctx;
	(void)bold;
	puts(line);
}

static int complain(const char *what, const char *value)
{
	fprintf(stderr, "minikvm stat: %s '%s'. Try 'minikvm stat --help'.\n", what, value);
	return STATUS_USAGE;
}

static int parse_sort(const char *word, enum stat_sort *sort)
{
	int i;

	for (i = 0; i < STAT_SORTS; i++) {
		if (!strcmp(stat_sort_names[i], word)) {
			*sort = i;
			return 0;
		}
	}
	return -1;
}

static int print_once(const char *directory, double interval, const struct stat_view *view, int how)
{
	struct timespec t = { interval, (interval - (long)interval) * 1e9 };
	struct stat_snapshot before = { 0 }, now;
	struct sentence why;
	int ret = STATUS_OK;

	if (interval > 0) {
		if (stat_read(&before, directory, &why))
			goto failed;
		nanosleep(&t, NULL);
	}
	if (stat_read(&now, directory, &why)) {
		stat_free(&before);
		goto failed;
	}
	if (view->vm && !stat_find_vm(&now, view->vm)) {
		fprintf(stderr, "minikvm: There is no VM %s.\n", view->vm);
		ret = STATUS_FAILED;
	} else if (how == OPT_JSON) {
		if (stat_json(interval > 0 ? &before : NULL, &now, view, stdout))
			ret = STATUS_FAILED;
	} else if (how == OPT_CSV) {
		stat_csv(interval > 0 ? &before : NULL, &now, view, stdout);
	} else {
		stat_lines(interval > 0 ? &before : NULL, &now, view, print_line, NULL);
	}
	stat_free(&before);
	stat_free(&now);
	return ret;

failed:
	fprintf(stderr, "minikvm: %s\n", why.text);
	return STATUS_FAILED;
}

static int command_stat(int argc, char **argv)
{
	struct stat_view view = { .vcpu = -1 };
	const char *directory = VM_FILES_ROOT;
	struct sentence why;
	double interval = 1;
	int opt, how = 0;
	char *end;

	while ((opt = describe_next(&stat_description, argc, argv)) != OPTION_END) {
		switch (opt) {
		case OPT_ONCE:
		case OPT_JSON:
		case OPT_CSV:
			how = opt;
			break;
		case OPT_INTERVAL:
			interval = strtod(optarg, &end);
			if (end == optarg || *end || !(interval >= 0 && interval <= 3600))
				return complain("--interval wants seconds from 0 to 3600, not",
						optarg);
			break;
		case OPT_SORT:
			if (parse_sort(optarg, &view.sort))
				return complain("--sort wants exits, time or name, not", optarg);
			break;
		case OPT_VM:
			view.vm = optarg;
			break;
		case OPT_VCPU:
			view.vcpu = strtol(optarg, &end, 10);
			if (end == optarg || *end || view.vcpu < 0)
				return complain("--vcpu wants a number, not", optarg);
			break;
		case OPT_ROOT:
			directory = optarg;
			break;
		default:
			return opt == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
		}
	}
	if (optind < argc)
		return complain("There is nothing to do with", argv[optind]);
	if (how || interval == 0 || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return print_once(directory, interval, &view, how);
	if (interval < 0.1)
		interval = 0.1;
	if (!stat_live(directory, interval, &view, &why))
		return STATUS_OK;
	fprintf(stderr, "minikvm: %s\n", why.text);
	return STATUS_FAILED;
}

const struct described_command stat_description = {
	.name = "stat",
	.run = command_stat,
	.summary = STAT_SUMMARY,
	.synopsis = "[OPTION]...",
	.about =
	"Shows VMs with their vCPUs, states, exits by reason, and where the time goes, live. It reads\n"
	VM_FILES_ROOT ", for which it needs root. Times need latency_stats, a parameter of the\n"
	"module: echo 1 > /sys/module/minikvm/parameters/latency_stats.",
	.options = options,
};
