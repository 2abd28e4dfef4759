// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the emulator of a lab host and judges how it went.
 *
 * Starts the emulator, takes apart what leaves through port 0xE9 (frame.h),
 * gives COMMAND's output to stdout and the kernel's log to stderr, keeps /out's
 * archive in a file, and ends the emulator when the host has said its last word,
 * when the time is over, when the host hangs, or when the lab is interrupted.
 *
 *	supervise [--timeout=S] [--boot-limit=S] [--beat-limit=S] [--cpus=N]
 *		[--archive=FILE] [--log=FILE] [--emulator-log=FILE] [--quiet]
 *		[--window=HEX] [--terminal] [--files=NAME=DIR]... [--net=NUMBER=DIR]
 *		-- EMULATOR [ARG...]
 *
 * The time-out is in seconds of wall-clock time.  Both limits are in seconds of
 * CPU time that the emulator uses, so that a busy machine does not look like a
 * hung host.  Exit status: COMMAND's, 124, 125, or 128 + signal.
 */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_TIMEOUT	124
#define EXIT_HOST	125

/* A host that uses next to no CPU time is hung after this wall-clock time. */
#define SILENCE_LIMIT	300
#define NO_CPU_TIME	10

static struct {
	double timeout, boot_limit, beat_limit;
	int cpus, quiet;
	const char *log, *archive, *emulator_log;
} option = {
	.timeout = 600, .boot_limit = 60, .beat_limit = 30, .cpus = 1,
};

static volatile sig_atomic_t caught;
static pid_t emulator;
static struct host host;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* CPU seconds that the emulator has used, all threads together. */
static double cpu_time(void)
{
	char path[64], text[1024], *p;
	unsigned long long user, system;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", emulator);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return 0;
	text[len] = 0;
	p = strrchr(text, ')');
	if (!p || sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			 &user, &system) != 2)
		return 0;
	return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

static void on_signal(int number)
{
	caught = number;
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = on_signal };
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	/* In the background of a terminal there is no input, which is no reason to stop. */
	sigaction(SIGTTIN, &action, NULL);
	action.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &action, NULL);
	/* Should the lab itself be killed, nothing of it stays behind. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static int start_emulator(char **argv)
{
	int ends[2], fd;

	if (pipe2(ends, O_CLOEXEC)) {
		complain("no pipe: %s", strerror(errno));
		exit(EXIT_HOST);
	}
	fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	emulator = fork();
	if (emulator < 0) {
		complain("cannot start another process: %s", strerror(errno));
		exit(EXIT_HOST);
	}
	if (emulator) {
		close(ends[1]);
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		return ends[0];
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);		/* Ctrl-C is for the lab, which then ends this */
	fd = open("/dev/null", O_RDWR);
	dup2(fd, 0);
	dup2(ends[1], 1);
	if (option.emulator_log)
		fd = open(option.emulator_log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 2);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTTIN, SIG_DFL);
	execvp(argv[0], argv);
	_exit(127);
}

static void end_emulator(void)
{
	kill(emulator, SIGKILL);
	while (waitpid(emulator, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The last lines that the emulator itself wrote: why it stopped, perhaps. */
static void print_emulator_log(void)
{
	char text[2048];
	FILE *f = option.emulator_log ? fopen(option.emulator_log, "re") : NULL;
	size_t len;
	long size;

	if (!f)
		return;
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	fseek(f, size > (long)sizeof(text) ? size - (long)sizeof(text) : 0, SEEK_SET);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (len) {
		complain("the emulator's own last words:");
		fwrite(text, 1, len, stderr);
	}
}

/* Gives the host the piece of input that it wants, if the caller has one by now. */
static void pass_input(void)
{
	static unsigned char piece[4096];	/* a page, and input_room() is a part of one */
	ssize_t got = read(STDIN_FILENO, piece, input_room());

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	input_give(&host, emulator, piece, got > 0 ? got : 0);
}

/* The same at a terminal: the keys that there are, when they are wanted. */
static void pass_keys(void)
{
	unsigned char keys[256];
	size_t n;

	if (terminal_resized())
		input_size(&host, emulator);
	if (!host.input_wanted)
		return;
	n = terminal_take(keys, sizeof(keys));
	if (n)
		input_give(&host, emulator, keys, n);
}

/* Whether to look for something to read from the caller */
static int input_is_welcome(void)
{
	return host.terminal ? host.started && terminal_room() : host.input_wanted != 0;
}

/*
 * Reads until the host is done or has failed.  Returns 0 at the end frame, a
 * signal's number + 128, or one of the two codes, having said why.
 */
static int follow(int fd)
{
	static unsigned char buffer[1 << 20];
	double start = now(), cpu_mark = 0, wall_mark = start, next_check = start + 1, used, limit;
	unsigned long beats_seen = 0;
	int crowded = 0;

	for (;;) {
		struct pollfd p[3] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = input_is_welcome() ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = crowded ? -1 : net_port(), .events = POLLIN },
		};
		ssize_t got;
		double t;

		if (caught)
			return 128 + caught;
		/* A full ring of frames becomes empty without a word. */
		poll(p, 3, crowded ? 1 : 500);
		if (crowded || p[2].revents)
			crowded = net_pass(&host, emulator);
		if (p[1].revents && host.terminal) {
			if (terminal_read())
				return 128 + SIGHUP;
		} else if (p[1].revents) {
			pass_input();
		}
		if (host.terminal)
			pass_keys();
		if (p[0].revents) {
			got = read(fd, buffer, sizeof(buffer));
			if (!got) {
				if (host.ended)
					return 0;
				complain("the emulator stopped before the host had ended.");
				print_emulator_log();
				return EXIT_HOST;
			}
			if (got > 0)
				host_feed(&host, buffer, got);
			if (host.damaged) {
				complain("the channel from the host is damaged: %s.", host.damaged);
				return EXIT_HOST;
			}
			if (host.was_reset) {
				complain("the host was reset.");
				return EXIT_HOST;
			}
			if (host.ended)
				return 0;
		}
		t = now();
		if (t - start > option.timeout) {
			complain("time-out after %g seconds.", option.timeout);
			return EXIT_TIMEOUT;
		}
		if (t < next_check)
			continue;
		next_check = t + 1;
		used = cpu_time() - cpu_mark;
		limit = (host.hello ? option.beat_limit : option.boot_limit) * option.cpus;
		if (host.beats != beats_seen) {
			beats_seen = host.beats;
			cpu_mark += used;
			wall_mark = t;
		} else if (used > limit || (t - wall_mark > SILENCE_LIMIT && used < NO_CPU_TIME)) {
			complain(host.hello ? "the host hangs: a CPU gives no sign of life."
				 : "the host did not boot.");
			return EXIT_HOST;
		}
	}
}

static int judge(int result)
{
	if (result > 128)
		return result;
	if (!result && host.problem) {
		complain("%s.", host.problem);
		host_print_tail(&host);
		result = EXIT_HOST;
	} else if (host.report_len) {
		complain("the host's kernel reported:");
		fwrite(host.report, 1, host.report_len, stderr);
		result = EXIT_HOST;
	} else if (result) {
		/* The log tells whether it was the kernel that failed. */
		if (host_print_report(&host))
			result = EXIT_HOST;
		else if (result == EXIT_HOST)
			host_print_tail(&host);
	} else if (!host.have_status) {
		complain("the host sent no exit status.");
		result = EXIT_HOST;
	} else {
		result = host.status;
	}
	return result;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "timeout", 1, NULL, 't' }, { "boot-limit", 1, NULL, 'b' },
		{ "beat-limit", 1, NULL, 'l' }, { "cpus", 1, NULL, 'c' },
		{ "archive", 1, NULL, 'a' }, { "log", 1, NULL, 'o' },
		{ "emulator-log", 1, NULL, 'e' }, { "quiet", 0, NULL, 'q' },
		{ "window", 1, NULL, 'w' }, { "terminal", 0, NULL, 'T' },
		{ "files", 1, NULL, 'f' }, { "net", 1, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 't': option.timeout = atof(optarg); break;
		case 'b': option.boot_limit = atof(optarg); break;
		case 'l': option.beat_limit = atof(optarg); break;
		case 'c': option.cpus = atoi(optarg); break;
		case 'a': option.archive = optarg; break;
		case 'o': option.log = optarg; break;
		case 'e': option.emulator_log = optarg; break;
		case 'q': option.quiet = 1; break;
		case 'T': host.terminal = 1; break;
		case 'f':
			if (files_add(optarg)) {
				fprintf(stderr, "lab: the directory %s cannot be shown to the host: %s.\n",
					optarg, strerror(errno));
				exit(EXIT_HOST);
			}
			break;
		case 'n':
			if (net_join(optarg)) {
				fprintf(stderr, "lab: the host cannot be put on the net %s: %s.\n",
					optarg, strerror(errno));
				exit(EXIT_HOST);
			}
			break;
		case 'w':
			if (window_set_magic(optarg)) {
				fprintf(stderr, "supervise: --window wants 32 digits\n");
				exit(2);
			}
			break;
		default: exit(2);
		}
	}
	if (optind >= argc) {
		fprintf(stderr, "usage: see the head of supervise.c\n");
		exit(2);
	}
}

static FILE *create(const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f) {
		complain("cannot create %s: %s.", path, strerror(errno));
		exit(EXIT_HOST);
	}
	return f;
}

int main(int argc, char **argv)
{
	int fd, result;

	parse(argc, argv);
	catch_signals();
	host.cpus = option.cpus;
	host.stream_output = 1;
	host.stream_console = !option.quiet;
	if (option.archive)
		host.archive = create(option.archive);
	if (option.log)
		host.log = create(option.log);

	fd = start_emulator(argv + optind);
	host.emulator = emulator;
	result = follow(fd);
	end_emulator();
	terminal_restore(!result);
	if (host.archive && fclose(host.archive) && !result) {
		complain("cannot write %s: %s.", option.archive, strerror(errno));
		result = EXIT_HOST;
	}
	if (host.archive_error) {
		complain("cannot write %s: %s.", option.archive, strerror(host.archive_error));
		return EXIT_HOST;
	}
	if (host.log)
		fclose(host.log);
	return judge(result);
}
