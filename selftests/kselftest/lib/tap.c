// SPDX-License-Identifier: GPL-2.0-only
/*
 * TAP producer of the minikvm kselftests, as Documentation/dev-tools/ktap.rst wants it.
 * Every subtest runs in a child of its own, in its own process group: a subtest that crashes,
 * leaks descriptors or hangs costs one "not ok" line and nothing else. The time limit is a
 * net under a hung test, no result depends on it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "kt.h"

const char *kt_dev = "/dev/minikvm";

static volatile sig_atomic_t timed_out;
static pid_t child;
static char *skip_reason;	/* shared with the child */

#define REASON_MAX 256

/**
 * kt_note() - print one diagnostic line
 * @fmt: printf format, no newline
 */
void kt_note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

/**
 * kt_skip() - end the running subtest as skipped
 * @fmt: the missing feature, printf format
 */
void kt_skip(const char *fmt, ...)
{
	va_list ap;

	if (!skip_reason)		/* a program without kt_main() */
		_exit(KT_SKIP);
	va_start(ap, fmt);
	vsnprintf(skip_reason, REASON_MAX, fmt, ap);
	va_end(ap);
	_exit(KT_SKIP);
}

/**
 * kt_fail_at() - end the running subtest as failed
 * @file: source file, by kt_fail()
 * @line: source line, by kt_fail()
 * @fmt: why, printf format
 */
void kt_fail_at(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list ap;

	printf("# %s:%d: ", base ? base + 1 : file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(KT_FAIL);
}

/**
 * kt_msleep() - sleep, also across signals
 * @ms: milliseconds
 */
void kt_msleep(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/**
 * kt_write_file() - write a short text to a file that is there, of the kernel's
 * @path: its path
 * @text: the text
 * Return: whether the kernel took it.
 */
bool kt_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/**
 * kt_slowness() - how much slower than an ordinary host is this one?
 * Return: the factor that the runner found (KT_SLOWNESS), 1 without.
 */
unsigned int kt_slowness(void)
{
	const char *env = getenv("KT_SLOWNESS");
	int n = env ? atoi(env) : 1;

	return n > 0 ? n : 1;
}

static void on_alarm(int sig)
{
	(void)sig;
	if (timed_out++) {
		static const char msg[] = "Bail out! a killed subtest does not die\n";

		if (write(1, msg, sizeof(msg) - 1) < 0)
			_exit(KT_FAIL);
		_exit(KT_FAIL);
	}
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
	alarm(30);
}

/* Returns KT_PASS, KT_FAIL or KT_SKIP; says why on failure. */
static int run_one(const struct kt_test *t)
{
	unsigned int limit = (t->timeout ? t->timeout : KT_TIMEOUT) * kt_slowness();
	int status;

	fflush(stdout);
	child = fork();
	if (child < 0) {
		kt_note("fork: %s", strerror(errno));
		return KT_FAIL;
	}
	if (!child) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGALRM, SIG_DFL);
		t->fn();
		_exit(KT_PASS);
	}
	timed_out = 0;
	alarm(limit);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	alarm(0);
	kill(-child, SIGKILL);	/* what the subtest may have left behind */
	if (timed_out) {
		kt_note("%s: still running after %u s, killed", t->name, limit);
		return KT_FAIL;
	}
	if (WIFSIGNALED(status)) {
		kt_note("%s: killed by signal %d", t->name, WTERMSIG(status));
		return KT_FAIL;
	}
	return WEXITSTATUS(status);
}

static bool wanted(const char *name, int argc, char **argv, int first)
{
	if (first >= argc)
		return true;
	for (int i = first; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return false;
}

static void result(unsigned int nr, const char *name, int rc)
{
	if (rc == KT_PASS)
		printf("ok %u %s\n", nr, name);
	else if (rc == KT_SKIP)
		printf("ok %u %s # SKIP %s\n", nr, name, skip_reason);
	else
		printf("not ok %u %s\n", nr, name);
	fflush(stdout);
}

int kt_main(int argc, char **argv, const struct kt_test *tests, unsigned int n)
{
	unsigned int pass = 0, fail = 0, skip = 0, plan = 0, nr = 0;
	struct sigaction sa = { .sa_handler = on_alarm };
	int first = 1, fd;

	if (getenv("MINIKVM_DEV"))
		kt_dev = getenv("MINIKVM_DEV");
	while (first + 1 < argc && !strcmp(argv[first], "--dev")) {
		kt_dev = argv[first + 1];
		first += 2;
	}
	if (first < argc && !strcmp(argv[first], "--list")) {
		for (unsigned int i = 0; i < n; i++)
			printf("%s\n", tests[i].name);
		return 0;
	}
	if (first < argc && argv[first][0] == '-') {
		fprintf(stderr, "usage: %s [--dev PATH] [--list] [SUBTEST...]\n", argv[0]);
		return KT_FAIL;
	}
	printf("TAP version 13\n");
	fd = open(kt_dev, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		printf("1..0 # SKIP cannot open %s: %s\n", kt_dev, strerror(errno));
		return KT_SKIP;
	}
	close(fd);
	for (unsigned int i = 0; i < n; i++)
		plan += wanted(tests[i].name, argc, argv, first);
	if (!plan) {
		printf("1..0 # SKIP no subtest of that name\n");
		return KT_FAIL;
	}
	skip_reason = mmap(NULL, REASON_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			   -1, 0);
	if (skip_reason == MAP_FAILED) {
		printf("Bail out! mmap: %s\n", strerror(errno));
		return KT_FAIL;
	}
	sigaction(SIGALRM, &sa, NULL);
	printf("1..%u\n", plan);
	for (unsigned int i = 0; i < n; i++) {
		int rc;

		if (!wanted(tests[i].name, argc, argv, first))
			continue;
		rc = run_one(&tests[i]);
		result(++nr, tests[i].name, rc);
		if (rc == KT_PASS)
			pass++;
		else if (rc == KT_SKIP)
			skip++;
		else
			fail++;
	}
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:%u error:0\n", pass, fail, skip);
	fflush(stdout);
	if (fail)
		return KT_FAIL;
	return pass ? KT_PASS : KT_SKIP;
}
