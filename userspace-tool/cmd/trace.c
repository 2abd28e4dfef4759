// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm trace`: record the module's trace events while a command runs, or of a process that
 * runs already, and show them: as text, as a file for ui.perfetto.dev, as a page for a browser.
 *
 * The events have KVM's names and fields, so that KVM's own can be recorded as well. Relies on
 * record.c for tracefs, and on timeline.c for what follows from the events.
 */
#include <asm/vmx.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arch/x86/vmx/explain/exit_reason.h"
#include "bpf/reason.h"
#include "cmd/command.h"
#include "cmd/describe.h"
#include "compiler.h"
#include "kvm/exits.h"
#include "trace/guest.h"
#include "trace/html.h"
#include "trace/perfetto.h"
#include "trace/record.h"

#define BUFFER_KIB	8192
#define BUFFER_KIB_MAX	(4 * 1024 * 1024UL)
#define READ_EVERY_NS	100000000L
#define PROGRESS_EVERY	10	/* readings */
#define ANNOUNCEMENT_MAX	128

enum { OPT_OUTPUT = 257, OPT_PERFETTO, OPT_HTML, OPT_BUFFER, OPT_OWN };

struct trace {
	struct recording recording;
	FILE *text, *perfetto_file, *html_file;
	struct trace_seq seq;
	struct timeline to_perfetto, to_html;
	struct perfetto perfetto;
	struct html html;
	bool stopped;
};

static const struct {
	const char *event, *field;
	enum timeline_event_kind kind;
} shown[] = {
	{ "kvm_entry", "vcpu_id", EVENT_ENTRY },
	{ "kvm_exit", "vcpu_id", EVENT_EXIT },
	{ "kvm_userspace_exit", "reason", EVENT_USERSPACE },
	{ "kvm_vcpu_wakeup", "ns", EVENT_WAKEUP },
	{ "kvm_inj_virq", "vector", EVENT_INJECT },
	{ "kvm_apic_ipi", "icr_low", EVENT_IPI },
	{ "kvm_msi_set_irq", "data", EVENT_DEVICE },
	{ "kvm_ioapic_set_irq", "e", EVENT_DEVICE },
	{ "kvm_hypercall", "nr", EVENT_PROCESS },
};

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	stopped = sig;
}

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP };

/* Without a handler they would leave the kernel with an instance of tracefs that still records. */
static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = stop }, old;
	size_t i;

	/* What is ignored (nohup) stays so. */
	for (i = 0; i < ARRAY_SIZE(stop_signals); i++)
		if (!sigaction(stop_signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(stop_signals[i], &sa, NULL);
	/* A reader of standard output that goes away shows by ferror(). */
	signal(SIGPIPE, SIG_IGN);
}

/* In the child, for the command. */
static void release_signals(void)
{
	struct sigaction old;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(stop_signals); i++)
		if (!sigaction(stop_signals[i], NULL, &old) && old.sa_handler == stop)
			signal(stop_signals[i], SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
}

/* The registers of a hypercall. Return: whether it is one. */
static bool read_call(struct tep_event *event, struct tep_record *record, __u64 call[5])
{
	static const char * const fields[] = { "nr", "a0", "a1", "a2", "a3" };
	unsigned long long value;
	int i;

	if (strcmp(event->name, "kvm_hypercall") != 0)
		return false;
	for (i = 0; i < 5; i++) {
		if (tep_get_field_val(NULL, event, fields[i], record, &value, 0))
			return false;
		call[i] = value;
	}
	return true;
}

static void to_timelines(struct trace *t, struct tep_event *event, struct tep_record *record)
{
	char name[REASON_NAME_SIZE];
	struct timeline_event e = { .ns = record->ts, .name = name };
	unsigned long long value, waited;
	struct guest_switch process = { 0 };
	__u64 call[5];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shown) && strcmp(event->name, shown[i].event) != 0; i++)
		;
	if (i == ARRAY_SIZE(shown) ||
	    tep_get_field_val(NULL, event, shown[i].field, record, &value, 0))
		return;
	e.kind = shown[i].kind;
	e.number = value;
	e.thread = tep_data_pid(t->recording.tep, record);
	if (e.kind == EVENT_EXIT &&
	    !tep_get_field_val(NULL, event, "exit_reason", record, &value, 0)) {
		reason_name(value, name);
	} else if (e.kind == EVENT_PROCESS) {
		if (!read_call(event, record, call))
			return;
		if (guest_is_end(call))
			e.kind = EVENT_PROCESS_END;
		else if (!guest_read_switch(call, &process))
			return;
		e.number = process.process;
		e.name = process.name;
	} else if (e.kind == EVENT_USERSPACE) {
		snprintf(name, sizeof(name), "KVM_EXIT_%s", exit_name(value));
	}
	/* While the module polls, the thread is busy: it waits only if the poll was in vain. */
	if (e.kind == EVENT_WAKEUP &&
	    !tep_get_field_val(NULL, event, "waited", record, &waited, 0) && !waited)
		return;
	if (t->perfetto_file)
		timeline_event(&t->to_perfetto, &e);
	if (t->html_file)
		timeline_event(&t->to_html, &e);
}

/* Return: nonzero when no further event is wanted. */
static int take(struct tep_event *event, struct tep_record *record, int cpu, void *opaque)
{
	struct trace *t = opaque;
	char said[ANNOUNCEMENT_MAX];
	__u64 call[5];

	(void)cpu;
	/* A guest may fill the buffers as fast as they are read: this reading alone never ends. */
	if (stopped && !t->stopped) {
		t->stopped = true;
		record_stop(&t->recording);
	}
	if (t->text == stdout && ferror(stdout))
		return 1;
	if (t->text) {
		trace_seq_reset(&t->seq);
		tep_print_event(t->recording.tep, &t->seq, record, "%d [%03d] %6.1000d: %s: %s",
				TEP_PRINT_PID, TEP_PRINT_CPU, TEP_PRINT_TIME, TEP_PRINT_NAME,
				TEP_PRINT_INFO);
		if (read_call(event, record, call) && guest_describe(call, said, sizeof(said)))
			trace_seq_printf(&t->seq, ": %s", said);
		trace_seq_terminate(&t->seq);
		fprintf(t->text, "%s\n", t->seq.buffer);
	}
	to_timelines(t, event, record);
	return 0;
}

static const char *words(unsigned int reason, const char **name)
{
	static char buffer[REASON_NAME_SIZE];

	*name = reason_name(reason, buffer);
	return exit_sentences[reason];
}

static int open_output(FILE **f, const char *path, struct sentence *why)
{
	if (!path)
		return 0;
	*f = fopen(path, "we");
	return *f ? 0 : say(why, "%s cannot be written: %s.", path, strerror(errno));
}

static int close_output(FILE *f, const char *path, struct sentence *why)
{
	bool failed;

	if (!f || f == stdout)
		return 0;
	failed = ferror(f);
	errno = 0;
	if (fclose(f) || failed)
		return say(why, "%s cannot be written whole: %s.", path,
			   strerror(errno ? errno : EIO));
	return 0;
}

/*
 * The command starts when a byte is written to @go, after its process is in the filter; if @go is
 * closed without one, the process ends. Return: its number, or -1.
 */
static pid_t start_command(char **argv, int *go)
{
	int wait[2];
	pid_t pid;
	char byte;

	if (pipe(wait))
		return -1;
	pid = fork();
	if (pid == 0) {
		close(wait[1]);
		release_signals();
		if (read(wait[0], &byte, 1) != 1)
			_exit(STATUS_FAILED);
		close(wait[0]);
		execvp(argv[0], argv);
		fprintf(stderr, "minikvm trace: %s cannot be run: %s.\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(wait[0]);
	*go = wait[1];
	return pid;
}

/* Has it ended? For a command its status is taken. */
static bool has_ended(pid_t pid, bool command, int *status)
{
	if (command)
		return waitpid(pid, status, WNOHANG) != 0;
	return kill(pid, 0) < 0 && errno == ESRCH;
}

static void progress(const struct trace *t, bool last)
{
	if (!isatty(STDERR_FILENO) && !last)
		return;
	fprintf(stderr, "%sminikvm trace: %llu events, %llu lost%s", last ? "" : "\r",
		t->recording.events, t->recording.lost, last ? ".\n" : "");
}

static void record_until_the_end(struct trace *t, pid_t pid, bool command, int *status)
{
	const struct timespec pause = { .tv_nsec = READ_EVERY_NS };
	unsigned int n = 0;
	bool ended = false, gone = false;

	while (!ended) {
		/* What it did before its end has to be read after that was seen. */
		gone = has_ended(pid, command, status);
		ended = gone || stopped || (t->text == stdout && ferror(stdout));
		if (ended)
			record_stop(&t->recording);
		else
			nanosleep(&pause, NULL);
		record_read(&t->recording, take, t);
		if (++n % PROGRESS_EVERY == 0)
			progress(t, false);
	}
	if (command && !gone) {
		/* Ctrl-C has reached the command as well, another signal perhaps only minikvm. */
		if (stopped && stopped != SIGINT)
			kill(pid, stopped);
		/* A second signal ends the waiting. */
		if (waitpid(pid, status, 0) < 0)
			*status = W_EXITCODE(0, stopped);
	}
	progress(t, true);
}

static int finish(struct trace *t, const char *perfetto, const char *html, const char *output,
		  struct sentence *why)
{
	unsigned long long unknown;
	int ret = 0;

	unknown = t->perfetto_file ? t->to_perfetto.unknown : t->to_html.unknown;
	if (unknown)
		fprintf(stderr, "minikvm trace: %llu events of more than %d vCPUs are left out.\n",
			unknown, TIMELINE_VCPUS_MAX);
	if (t->perfetto_file) {
		timeline_end(&t->to_perfetto);
		perfetto_end(&t->perfetto, t->recording.lost);
	}
	if (t->html_file) {
		timeline_end(&t->to_html);
		if (!html_end(&t->html, t->html_file, t->recording.lost, words, NR_EXIT_REASONS))
			ret = say(why, "There is no memory for the page.");
	}
	ret |= close_output(t->perfetto_file, perfetto, why);
	ret |= close_output(t->html_file, html, why);
	ret |= close_output(t->text, output, why);
	return ret;
}

static const struct described_option options[] = {
	{ .name = "pid", .value = 'p', .argument = "PID",
	  .help = "Record a process that runs already, with its threads, until it ends or\n"
		  "Ctrl-C." },
	{ .name = "event", .value = 'e', .argument = "EVENTS",
	  .help = "Only these events, with commas between: kvm_exit,kvm_pio (default: all)." },
	{ .name = "output", .value = OPT_OUTPUT, .argument = "FILE", .kind = TAKES_FILE,
	  .help = "Write the events as text to FILE (default: standard output, if neither of the\n"
		  "next two is wanted)." },
	{ .name = "perfetto", .value = OPT_PERFETTO, .argument = "FILE", .kind = TAKES_FILE,
	  .help = "Write a file for ui.perfetto.dev: a track for each vCPU, arrows for\n"
		  "interrupts, a track for each process that a guest announces." },
	{ .name = "html", .value = OPT_HTML, .argument = "FILE", .kind = TAKES_FILE,
	  .help = "Write a page for a browser, which needs no network." },
	{ .name = "buffer", .value = OPT_BUFFER, .argument = "KIB",
	  .help = "Buffer of each CPU (default 8192); a larger one loses less." },
	{ .name = "own", .value = OPT_OWN,
	  .help = "Where kvm is loaded beside minikvm: minikvm's events, not KVM's." },
	{ }
};

static int complain(const char *what)
{
	fprintf(stderr, "minikvm trace: %s\nTry 'minikvm trace --help'.\n", what);
	return STATUS_USAGE;
}

static int trace(struct trace *t, pid_t pid, char **command, int *status, struct sentence *why)
{
	bool started = *command;
	int go = -1, ret;

	if (started)
		pid = start_command(command, &go);
	if (pid < 0)
		return say(why, "A process for the command cannot be made: %s.", strerror(errno));
	ret = record_only(&t->recording, pid, why);
	if (!ret && started && write(go, "", 1) != 1)
		ret = say(why, "The command cannot be started: %s.", strerror(errno));
	if (go >= 0)
		close(go);
	if (ret) {
		if (started)
			waitpid(pid, status, 0);
		return ret;
	}
	record_until_the_end(t, pid, started, status);
	return 0;
}

static int command_trace(int argc, char **argv)
{
	const char *events = NULL, *output = NULL, *perfetto = NULL, *html = NULL;
	unsigned long buffer = BUFFER_KIB, pid = 0;
	int option, status = 0, ret;
	struct sentence why;
	bool own = false;
	struct trace *t;
	char *end;

	while ((option = describe_next(&trace_description, argc, argv)) != OPTION_END) {
		switch (option) {
		case 'p':
			pid = strtoul(optarg, &end, 10);
			if (*end || !pid || pid > 1UL << 30)
				return complain("-p takes the number of a process.");
			break;
		case 'e':
			events = optarg;
			break;
		case OPT_OUTPUT:
			output = optarg;
			break;
		case OPT_PERFETTO:
			perfetto = optarg;
			break;
		case OPT_HTML:
			html = optarg;
			break;
		case OPT_BUFFER:
			buffer = strtoul(optarg, &end, 10);
			if (*end || buffer < 4 || buffer > BUFFER_KIB_MAX)
				return complain("--buffer takes a number of KiB from 4 to 4194304.");
			break;
		case OPT_OWN:
			own = true;
			break;
		default:
			return option == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
		}
	}
	if (!pid == !argv[optind])
		return complain("Say what to record: -p PID, or a command behind --.");
	t = calloc(1, sizeof(*t));
	if (!t)
		return STATUS_FAILED;
	catch_signals();
	trace_seq_init(&t->seq);
	t->text = output || perfetto || html ? NULL : stdout;
	ret = open_output(&t->text, output, &why) ||
	      open_output(&t->perfetto_file, perfetto, &why) ||
	      open_output(&t->html_file, html, &why) ||
	      record_open(&t->recording, events, buffer, own, &why);
	if (!ret && t->perfetto_file) {
		t->to_perfetto.ops = &perfetto_ops;
		t->to_perfetto.to = &t->perfetto;
		perfetto_begin(&t->perfetto, t->perfetto_file);
	}
	if (!ret && t->html_file) {
		t->to_html.ops = &html_ops;
		t->to_html.to = &t->html;
		if (!html_begin(&t->html))
			ret = say(&why, "There is no memory for the page.");
	}
	if (!ret)
		ret = trace(t, pid, argv + optind, &status, &why);
	if (!ret)
		ret = finish(t, perfetto, html, output, &why);
	record_close(&t->recording);
	trace_seq_destroy(&t->seq);
	free(t);
	if (ret) {
		fprintf(stderr, "minikvm: %s\n", why.text);
		return STATUS_FAILED;
	}
	return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

const struct described_command trace_description = {
	.name = "trace",
	.run = command_trace,
	.summary = TRACE_SUMMARY,
	.synopsis = "[OPTION]... -- COMMAND [ARGUMENT]...\n-p PID [OPTION]...",
	.about =
	"Records the module's trace events while COMMAND runs, with all that it starts, or those of a\n"
	"process. How many events there were, and how many were lost, is said at the end.",
	.options = options,
	.more = "Exit status: COMMAND's; 1 failure, 2 wrong usage.",
	.command_follows = true,
};
