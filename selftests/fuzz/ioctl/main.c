// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctl fuzzer's runner: a row of cases, each a process of its own, and what is asked after
 * each. Prints TAP, one test for each kind of case. Its number goes to the host's log before a case
 * begins: if the host dies, the last one there is the one. Documentation/fuzzing.rst.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "fuzz.h"

/* Seconds of a case, which takes less than one: only a hang takes as long. */
#define LIMIT 60
#define MAX_FAILURES 3

struct fz_options fz_opt = { .seed = 1, .first = 0, .last = 99 };

static const struct kind {
	const char *name;
	void (*fn)(struct fz_case *c);
	u32 weight;
} kinds[] = {
	{ "soup", fz_soup, 5 },
	{ "sane", fz_sane, 3 },
	{ "doorbell", fz_doorbell, 2 },
};

static u32 ran[KT_ARRAY_SIZE(kinds)], failed[KT_ARRAY_SIZE(kinds)];

bool fz_in_subset(const struct fz_subset *s, u32 x)
{
	for (u32 i = 0; i < s->n; i++)
		if (x >= s->range[i].first && x <= s->range[i].last)
			return true;
	return !s->n;
}

static u32 kind_of(u32 nr)
{
	struct fz_rng r;
	u32 at;

	for (u32 i = 0; fz_opt.kind && i < KT_ARRAY_SIZE(kinds); i++)
		if (!strcmp(fz_opt.kind, kinds[i].name))
			return i;
	fz_seed(&r, fz_opt.seed, nr, 99, 0);
	at = fz_below(&r, 10);
	for (u32 i = 0; i < KT_ARRAY_SIZE(kinds); i++) {
		if (at < kinds[i].weight)
			return i;
		at -= kinds[i].weight;
	}
	return 0;
}

static void __attribute__((noreturn)) child(u32 nr, u32 kind)
{
	struct fz_case *c = calloc(1, sizeof(*c));

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!c)
		_exit(KT_FAIL);
	c->nr = nr;
	fz_seed(&c->rng, fz_opt.seed, nr, 98, 0);
	kinds[kind].fn(c);
	_exit(KT_PASS);
}

static u64 seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Returns false if the process does not end in time. */
static bool wait_for(pid_t pid, int *status, u64 limit)
{
	u64 end = seconds() + limit;

	while (waitpid(pid, status, WNOHANG) != pid) {
		if (seconds() > end)
			return false;
		kt_msleep(5);
	}
	return true;
}

static bool run_child(u32 nr, u32 kind, char *why, size_t size)
{
	u32 limit = LIMIT * kt_slowness();
	int status = 0;
	pid_t pid;

	memset(fz_report, 0, offsetof(struct fz_report, ioctls));
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		snprintf(why, size, "fork: %s", strerror(errno));
		return false;
	}
	if (!pid)
		child(nr, kind);
	if (!wait_for(pid, &status, limit)) {
		fz_oracle_stacks(pid);
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		snprintf(why, size, "still running after %u s%s", limit,
			 wait_for(pid, &status, limit) ? "" : ", and cannot be killed");
		return false;
	}
	kill(-pid, SIGKILL);
	if (fz_report->failed) {
		snprintf(why, size, "%s", fz_report->why);
		return false;
	}
	if (WIFSIGNALED(status) && !(WTERMSIG(status) == SIGKILL && fz_report->will_kill_itself)) {
		snprintf(why, size, "the case's process got signal %d", WTERMSIG(status));
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) != KT_PASS) {
		snprintf(why, size, "the case could not be set up");
		return false;
	}
	return true;
}

static bool run_case(u32 nr)
{
	u32 kind = kind_of(nr);
	char why[600];
	bool good;

	fz_log("seed %llu case %u %s", (unsigned long long)fz_opt.seed, nr, kinds[kind].name);
	good = run_child(nr, kind, why, sizeof(why));
	if (fz_can_hotplug())
		fz_set_online(true);
	good = good ? fz_oracle_case(nr - fz_opt.first, why, sizeof(why)) : good;
	ran[kind]++;
	if (good)
		return true;
	failed[kind]++;
	kt_note("seed %llu case %u (%s): %s", (unsigned long long)fz_opt.seed, nr,
		kinds[kind].name, why);
	return false;
}

static void parse_ranges(struct fz_subset *s, const char *text)
{
	for (s->n = 0; *text && s->n < KT_ARRAY_SIZE(s->range); s->n++) {
		char *end;

		s->range[s->n].first = strtoul(text, &end, 0);
		s->range[s->n].last = *end == '-' ? strtoul(end + 1, &end, 0) :
				      s->range[s->n].first;
		text = *end == ',' ? end + 1 : end;
		if (end == text && *end) {
			fprintf(stderr, "ioctl_fuzz: ranges are N-M,N,...\n");
			exit(2);
		}
	}
}

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr,
		"usage: ioctl_fuzz [--dev PATH] [--seed N] [--cases N-M] [--kind soup|sane|doorbell]\n"
		"                  [--ops RANGES] [--threads RANGES] [--verbose]\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	struct fz_subset cases;

	for (int i = 1; i < argc; i++) {
		const char *o = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(o, "--verbose")) {
			fz_opt.verbose = true;
			continue;
		}
		if (!v)
			usage();
		i++;
		if (!strcmp(o, "--dev")) {
			kt_dev = v;
		} else if (!strcmp(o, "--seed")) {
			fz_opt.seed = strtoull(v, NULL, 0);
		} else if (!strcmp(o, "--cases")) {
			parse_ranges(&cases, v);
			fz_opt.first = cases.range[0].first;
			fz_opt.last = cases.range[0].last;
		} else if (!strcmp(o, "--kind")) {
			fz_opt.kind = v;
		} else if (!strcmp(o, "--ops")) {
			parse_ranges(&fz_opt.ops, v);
		} else if (!strcmp(o, "--threads")) {
			parse_ranges(&fz_opt.threads, v);
		} else {
			usage();
		}
	}
}

static int report(void)
{
	bool bad = false;

	printf("1..%u\n", (u32)KT_ARRAY_SIZE(kinds));
	for (u32 i = 0; i < KT_ARRAY_SIZE(kinds); i++) {
		bad |= failed[i];
		printf("%sok %u fuzz_ioctl_%s%s\n", failed[i] ? "not " : "", i + 1, kinds[i].name,
		       ran[i] ? "" : " # SKIP not among the cases");
		kt_note("%u cases, %u failed", ran[i], failed[i]);
	}
	return bad ? KT_FAIL : KT_PASS;
}

int main(int argc, char **argv)
{
	u32 failures = 0, nr;
	char why[600];
	u64 begin = seconds();

	if (getenv("MINIKVM_DEV"))
		kt_dev = getenv("MINIKVM_DEV");
	parse(argc, argv);
	printf("TAP version 13\n");
	if (access(kt_dev, R_OK | W_OK)) {
		printf("1..0 # SKIP cannot open %s: %s\n", kt_dev, strerror(errno));
		return KT_SKIP;
	}
	/* A debug kernel in an emulator is slow, which only the watchdog has to know. */
	if (!access("/sys/kernel/debug/kmemleak", F_OK))
		setenv("KT_SLOWNESS", "10", 0);
	fz_report = mmap(NULL, sizeof(*fz_report), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fz_report == MAP_FAILED)
		return KT_FAIL;
	fz_oracle_init();
	for (nr = fz_opt.first; nr <= fz_opt.last && failures < MAX_FAILURES; nr++)
		failures += !run_case(nr);
	if (!fz_oracle_end(why, sizeof(why))) {
		kt_note("%s", why);
		failed[0]++;
	}
	kt_note("%llu ioctls, %llu of them taken, %llu KVM_RUN, %llu s of the host's time",
		(unsigned long long)fz_report->ioctls, (unsigned long long)fz_report->accepted,
		(unsigned long long)fz_report->runs, (unsigned long long)(seconds() - begin));
	return report();
}
