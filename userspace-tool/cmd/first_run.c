// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm first-run`: the first contact of minikvm with a processor, where a hang costs.
 *
 * Documentation/operations.rst, "first-run". The stages are in first_run_stages.c. Before a stage
 * or a step of it begins, its name is on the disk (fsync): what stands there without an end when
 * the machine is up again is what it hung in. The first surprise ends the run. Relies on root.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "cmd/first_run.h"
#include "inspect/machine_facts.h"

#define DIRECTORY	"/var/lib/minikvm/first-run"
#define BOOT_ID_LENGTH	36

/* What the progress file of an earlier run ends with. */
struct unfinished {
	char stage[32], step[128], boot[BOOT_ID_LENGTH + 1];
};

/**
 * first_run_tell() - a line for the terminal and the report
 * @r: the run
 * @fmt: printf format, without a newline
 */
void first_run_tell(struct first_run *r, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	puts(line);
	fflush(stdout);
	if (r->report)
		facts_put_line(r->report, line);
}

/* What was written is on the disk when this returns. */
static int on_disk(FILE *f)
{
	return fflush(f) || fsync(fileno(f)) ? -1 : 0;
}

static int __printf(3, 4)
note(struct first_run *r, struct sentence *why, const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(r->progress, line, n) == n && !fsync(r->progress))
		return 0;
	return say(why, "%s/progress cannot be written: %s. Without it a hang would leave no trace.",
		   r->directory, strerror(errno));
}

/**
 * first_run_step() - say on the disk what a stage is about to do
 * @r: the run
 * @why: receives the sentence on failure
 * @fmt: printf format, without a newline
 *
 * Return: 0, or -1: the disk did not take it, and it must not be done.
 */
int first_run_step(struct first_run *r, struct sentence *why, const char *fmt, ...)
{
	char step[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(step, sizeof(step), fmt, ap);
	va_end(ap);
	return note(r, why, "step %s %s", r->stage, step);
}

static void read_boot_id(char *id)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || !fgets(id, BOOT_ID_LENGTH + 1, f))
		snprintf(id, BOOT_ID_LENGTH + 1, "unknown");
	if (f)
		fclose(f);
	id[strcspn(id, "\n")] = 0;
}

static void path_of(const struct first_run *r, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", r->directory, name);
}

/* Return: did an earlier run end in the middle of a stage? */
static bool find_unfinished(const struct first_run *r, struct unfinished *u)
{
	char path[512], line[256], stage[32], word[8];
	bool open = false;
	FILE *f;
	int at;

	path_of(r, "progress", path, sizeof(path));
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		at = 0;
		if (sscanf(line, "%7s %31s %n", word, stage, &at) != 2)
			continue;
		if (!strcmp(word, "begin")) {
			open = true;
			snprintf(u->stage, sizeof(u->stage), "%s", stage);
			snprintf(u->boot, sizeof(u->boot), "%.36s", line + at);
			u->step[0] = 0;
		} else if (!strcmp(word, "step")) {
			snprintf(u->step, sizeof(u->step), "%.127s", line + at);
		} else if (!strcmp(word, "end")) {
			open = false;
		}
	}
	if (f)
		fclose(f);
	return open;
}

static int make_directories(const char *directory, struct sentence *why)
{
	char path[256];
	char *slash;

	snprintf(path, sizeof(path), "%s", directory);
	for (slash = strchr(path + 1, '/'); ; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return say(why, "%s cannot be made: %s.", path, strerror(errno));
		if (!slash)
			return 0;
		*slash = '/';
	}
}

static int open_files(struct first_run *r, bool keep_progress, struct sentence *why)
{
	char path[512];
	int directory;

	if (make_directories(r->directory, why))
		return -1;
	path_of(r, "report.txt", path, sizeof(path));
	r->report = fopen(path, "we");
	if (!r->report)
		return say(why, "%s cannot be written: %s.", path, strerror(errno));
	path_of(r, "progress", path, sizeof(path));
	r->progress = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
			   (keep_progress ? 0 : O_TRUNC), 0644);
	if (r->progress < 0)
		return say(why, "%s cannot be written: %s.", path, strerror(errno));
	/* The name, too, has to outlast a hang. */
	directory = open(r->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory >= 0) {
		fsync(directory);
		close(directory);
	}
	return 0;
}

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	interrupted = signal;
}

/* A stage is ended by itself, and what it changed is put back. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* For its test: a stage of this name never returns, as one in which the machine hangs. */
static void hang_if_told(const char *stage)
{
	const char *told = getenv("MINIKVM_FIRST_RUN_HANG");

	while (told && !strcmp(told, stage))
		pause();
}

/* Return: STAGE_PASSED, STAGE_NOTHING or -1. */
static int run_stage(struct first_run *r, const struct first_run_stage *s, struct sentence *why)
{
	char boot[BOOT_ID_LENGTH + 1];
	int ret;

	read_boot_id(boot);
	r->stage = s->name;
	first_run_tell(r, "\n== %s: %s", s->name, s->about);
	if (on_disk(r->report))
		return say(why, "The report cannot be written: %s.", strerror(errno));
	if (note(r, why, "begin %s %s", s->name, boot))
		return -1;
	hang_if_told(s->name);
	ret = s->run(r, why);
	if (ret >= 0 && note(r, why, "end %s", s->name))
		ret = -1;
	if (ret < 0) {
		struct sentence unused;

		first_run_tell(r, "%s: SURPRISE: %s", s->name, why->text);
		note(r, &unused, "end %s with a surprise", s->name);
		return -1;
	}
	first_run_tell(r, "%s: %s", s->name, ret == STAGE_PASSED ? "passed" : "nothing to try");
	on_disk(r->report);
	return ret;
}

/* What the last run hung in: told, written down, and not tried again. */
static void tell_unfinished(struct first_run *r, const struct unfinished *u)
{
	char boot[BOOT_ID_LENGTH + 1];

	read_boot_id(boot);
	first_run_tell(r, "The last run did not come back from stage \"%s\"%s%s%s: %s.",
		       u->stage, u->step[0] ? ", at \"" : "", u->step, u->step[0] ? "\"" : "",
		       strcmp(boot, u->boot) != 0 ?
		       "the machine was booted again since, so that it hung there" :
		       "this is the same boot, so that the program was ended there");
}

static const struct first_run_stage *find_stage(const char *name)
{
	const struct first_run_stage *s;

	for (s = first_run_stages; s->name; s++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

static int finish(struct first_run *r, const char *words)
{
	char path[512];

	first_run_tell(r, "\n%s", words);
	fputs("\n== modules\n", r->report);
	facts_print_module(r->report);
	fputs("\n== lines of the kernel's log\n", r->report);
	facts_print_log(r->report);
	path_of(r, "report.txt", path, sizeof(path));
	if (on_disk(r->report)) {
		fprintf(stderr, "minikvm: %s cannot be written: %s.\n", path, strerror(errno));
		return -1;
	}
	printf("The report is %s: read it, and attach it to an issue.\n", path);
	return 0;
}

static int run_all(struct first_run *r, const struct first_run_stage *only,
		   const struct unfinished *hung, bool vtd)
{
	const struct first_run_stage *s;
	struct sentence why;
	char words[160];
	int passed = 0;

	fprintf(r->report, "minikvm first-run, tool %s\n", minikvm_version);
	if (hung)
		tell_unfinished(r, hung);
	for (s = first_run_stages; s->name && !interrupted; s++) {
		if (only ? s != only : s->asked_only && !vtd)
			continue;
		/* After a hang only what reads is done again: the report wants it. */
		if (hung && passed == 2)
			break;
		if (run_stage(r, s, &why) < 0) {
			first_run_put_back(r);
			snprintf(words, sizeof(words), "Stopped at the first surprise, in stage \"%s\".",
				 s->name);
			finish(r, words);
			return STATUS_FAILED;
		}
		passed++;
	}
	first_run_put_back(r);
	if (hung) {
		finish(r, "Nothing more is tried after a hang; first-run --again begins anew.");
		return STATUS_FAILED;
	}
	if (interrupted) {
		finish(r, "Ended by a signal.");
		return STATUS_SIGNAL + interrupted;
	}
	if (only)
		snprintf(words, sizeof(words), "Stage \"%s\" passed; no other was asked for.",
			 only->name);
	else
		snprintf(words, sizeof(words), "All stages passed.");
	return finish(r, words) ? STATUS_FAILED : STATUS_OK;
}

#define OPT_AGAIN	257
#define OPT_DIRECTORY	258
#define OPT_MODULE	259
#define OPT_ONLY	260
#define OPT_VTD		261

static const struct described_option options[] = {
	{
		.name = "again", .value = OPT_AGAIN,
		.help = "Begin anew although the last run hung.",
	},
	{
		.name = "vt-d", .value = OPT_VTD,
		.help = "At the end let the module drive VT-d as well (the kernel's driver must be off).",
	},
	{
		.name = "only", .value = OPT_ONLY, .argument = "STAGE", .kind = TAKES_WORD,
		.words = "cpu capabilities vmx entry cpus exits ept apicv vt-d vt-d-on",
		.help = "This stage alone.",
	},
	{
		.name = "module", .value = OPT_MODULE, .argument = "FILE", .kind = TAKES_FILE,
		.help = "This minikvm.ko instead of the installed module.",
	},
	{
		.name = "directory", .value = OPT_DIRECTORY, .argument = "DIR", .kind = TAKES_FILE,
		.help = "Where progress and report.txt go (default: " DIRECTORY "), on a disk.",
	},
	{ }
};

static int command_first_run(int argc, char **argv)
{
	struct first_run r = { .directory = DIRECTORY, .progress = -1 };
	const struct first_run_stage *only = NULL;
	bool again = false, vtd = false, hung;
	struct unfinished u = { };
	struct sentence why;
	int opt, status;

	while ((opt = describe_next(&first_run_description, argc, argv)) != OPTION_END) {
		switch (opt) {
		case OPT_AGAIN:
			again = true;
			break;
		case OPT_VTD:
			vtd = true;
			break;
		case OPT_ONLY:
			only = find_stage(optarg);
			if (only)
				break;
			fprintf(stderr, "minikvm: first-run has no stage '%s'.\n", optarg);
			return STATUS_USAGE;
		case OPT_MODULE:
			r.module = optarg;
			break;
		case OPT_DIRECTORY:
			r.directory = optarg;
			break;
		default:
			return opt == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
		}
	}
	if (argc != optind) {
		describe_help(&first_run_description, stderr);
		return STATUS_USAGE;
	}
	if (geteuid()) {
		fputs("minikvm: first-run loads modules and reads MSRs: become root.\n", stderr);
		return STATUS_FAILED;
	}
	hung = !again && find_unfinished(&r, &u);
	if (open_files(&r, hung, &why)) {
		fprintf(stderr, "minikvm: %s\n", why.text);
		return STATUS_FAILED;
	}
	catch_signals();
	status = run_all(&r, only, hung ? &u : NULL, vtd);
	fclose(r.report);
	/* A hang is remembered until --again. */
	if (hung) {
		note(&r, &why, "begin %s %s", u.stage, u.boot);
		if (u.step[0])
			note(&r, &why, "step %s %s", u.stage, u.step);
	}
	close(r.progress);
	return status;
}

const struct described_command first_run_description = {
	.name = "first-run",
	.run = command_first_run,
	.summary = "try a new machine stage by stage; a hang leaves its name on the disk",
	.synopsis = "[--vt-d] [--again] [--only STAGE] [--module FILE] [--directory DIR]",
	.about =
	"Tries minikvm on a machine for the first time, in stages from what only reads to what\n"
	"runs guests. Each says what it is going to do, and writes that to the disk before it does\n"
	"it; the first surprise ends the run, and so does a hang: the next first-run says where it\n"
	"was. VT-x is taken from kvm_intel for the duration. Ends with report.txt, which has no\n"
	"serial numbers, names or addresses. Root only.",
	.options = options,
	.more = "Exit status: 0 all stages passed, 1 a surprise, or the last run hung.",
};
