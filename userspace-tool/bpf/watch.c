// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the five loaders share: finding the trace events, attaching programs to them, and waiting
 * until the watch is over.
 *
 * A program is attached to an event of one trace system, by the number that tracefs gives it. A raw
 * tracepoint is attached by its name alone, which both kvm and minikvm may have, and its arguments
 * are pointers to structs that only a module's BTF describes, which modules built outside of the
 * kernel often lack. Relies on tracefs and libbpf.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf/event_format.h"
#include "bpf/watch.h"
#include "clock.h"
#include "compiler.h"

extern char **environ;

/* The last words of libbpf: they go into the sentence about a failure. */
static char last_words[256];
static bool verbose;

static int keep_last_words(enum libbpf_print_level level, const char *format, va_list ap)
{
	va_list again;

	if (verbose) {
		va_copy(again, ap);
		vfprintf(stderr, format, again);
		va_end(again);
	}
	if (level == LIBBPF_WARN) {
		vsnprintf(last_words, sizeof(last_words), format, ap);
		last_words[strcspn(last_words, "\n")] = 0;
	}
	return 0;
}

/* Return: 0, or -1 with errno. */
static int read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;
	size_t used = 0;
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && used < size - 1) {
		n = read(fd, text + used, size - 1 - used);
		if (n > 0)
			used += n;
	}
	error = errno;
	if (fd >= 0)
		close(fd);
	text[used] = 0;
	errno = error;
	return n < 0 ? -1 : 0;
}

static bool is_locked_down(char *level, unsigned int size)
{
	char text[128];

	return !read_file("/sys/kernel/security/lockdown", text, sizeof(text)) &&
	       lockdown_level(text, level, size);
}

static int say_refused(struct sentence *why, const char *what)
{
	char level[32];

	if (geteuid())
		return say(why, "%s: only root may do that (or CAP_BPF and CAP_PERFMON, with tracefs readable).",
			   what);
	if (is_locked_down(level, sizeof(level)))
		return say(why, "%s: the kernel is locked down (%s, /sys/kernel/security/lockdown), so eBPF programs may not read its memory.",
			   what, level);
	return say(why, "%s: the kernel does not permit it.", what);
}

static int find_tracefs(struct watch *w, struct sentence *why)
{
	static const char * const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	char path[128];
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s/events", places[i]);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			close(fd);
			w->tracefs = places[i];
			return 0;
		}
		if (errno == EACCES || errno == EPERM)
			return say_refused(why, "The trace events cannot be read");
	}
	return say(why, "tracefs is not mounted: mount -t tracefs nodev /sys/kernel/tracing. (If that fails, this kernel has no tracing.)");
}

static bool system_has_event(const struct watch *w, const char *system, const char *event)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/events/%s/%s/format", w->tracefs, system, event);
	return !access(path, F_OK);
}

/**
 * watch_has_event() - does the trace system have this event?
 * @w: the watch, prepared
 * @event: the event's name
 */
bool watch_has_event(const struct watch *w, const char *event)
{
	return system_has_event(w, w->system, event);
}

/* minikvm has its events in "kvm", unless kvm itself is loaded: then they are in "minikvm". */
static int find_system(struct watch *w, struct sentence *why)
{
	static const char * const systems[] = { "minikvm", "kvm" };
	size_t i;

	if (w->system && watch_has_event(w, "kvm_exit"))
		return 0;
	if (w->system)
		return say(why, "There is no event %s:kvm_exit in %s/events.", w->system,
			   w->tracefs);
	for (i = 0; i < ARRAY_SIZE(systems); i++) {
		if (!system_has_event(w, systems[i], "kvm_exit"))
			continue;
		w->system = systems[i];
		return 0;
	}
	return say(why, "There is no event kvm_exit in %s/events: no hypervisor is loaded (insmod minikvm.ko, or modprobe minikvm), or the kernel does not take trace events from it.",
		   w->tracefs);
}

static const struct {
	const char *event, *field;
	size_t place;
	__u32 size;
	bool optional;
} wanted[] = {
#define PLACE(name)	offsetof(struct record_fields, name)
	{ "kvm_entry", "vcpu_id", PLACE(entry_vcpu_id), 4, false },
	{ "kvm_entry", "rip", PLACE(entry_rip), 8, false },
	{ "kvm_exit", "exit_reason", PLACE(exit_reason), 4, false },
	{ "kvm_exit", "guest_rip", PLACE(exit_rip), 8, false },
	{ "kvm_exit", "vcpu_id", PLACE(exit_vcpu_id), 4, false },
	{ "kvm_exit", "info1", PLACE(exit_info1), 8, false },
	{ "kvm_msr", "ecx", PLACE(msr_ecx), 4, true },
	{ "kvm_msr", "write", PLACE(msr_write), 4, true },
	{ "kvm_mmio", "type", PLACE(mmio_type), 4, true },
	{ "kvm_mmio", "len", PLACE(mmio_len), 4, true },
	{ "kvm_mmio", "gpa", PLACE(mmio_gpa), 8, true },
	{ "kvm_hypercall", "nr", PLACE(hypercall_nr), 8, true },
};

static int find_fields(struct watch *w, struct sentence *why)
{
	char path[256], format[8192];
	__u32 offset, size;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (wanted[i].optional && !watch_has_event(w, wanted[i].event))
			continue;
		snprintf(path, sizeof(path), "%s/events/%s/%s/format", w->tracefs, w->system,
			 wanted[i].event);
		if (read_file(path, format, sizeof(format)))
			return say(why, "%s cannot be read: %s.", path, strerror(errno));
		if (!format_find_field(format, wanted[i].field, &offset, &size) ||
		    size != wanted[i].size)
			return say(why, "The event %s:%s has no field '%s' of %u bytes; see %s.",
				   w->system, wanted[i].event, wanted[i].field, wanted[i].size,
				   path);
		memcpy((char *)&w->fields + wanted[i].place, &offset, sizeof(offset));
	}
	return 0;
}

/**
 * watch_prepare() - find the trace events and their fields
 * @w: the watch
 * @why: the reason of a failure
 *
 * Return: 0 or -1.
 */
int watch_prepare(struct watch *w, struct sentence *why)
{
	verbose = w->verbose;
	libbpf_set_print(keep_last_words);
	if (find_tracefs(w, why) || find_system(w, why))
		return -1;
	return find_fields(w, why);
}

/**
 * watch_needs_btf() - can libbpf find the kernel's types?
 * @why: the reason why not
 *
 * Return: 0 or -1.
 */
int watch_needs_btf(struct sentence *why)
{
	if (!access("/sys/kernel/btf/vmlinux", R_OK))
		return 0;
	return say(why, "This kernel does not describe its types (no /sys/kernel/btf/vmlinux: CONFIG_DEBUG_INFO_BTF is off), which this program needs; hello, stream and dispatch do without.");
}

/**
 * watch_failed_load() - why a program was not loaded
 * @error: what libbpf returned, negative
 * @why: the reason is written here
 *
 * Return: -1.
 */
int watch_failed_load(int error, struct sentence *why)
{
	if (error == -EPERM || error == -EACCES) {
		/* EACCES is also what the verifier says. */
		if (error == -EPERM || geteuid())
			return say_refused(why, "The eBPF program cannot be loaded");
	}
	return say(why, "The eBPF program cannot be loaded: %s. (%s)", strerror(-error),
		   last_words);
}

/**
 * watch_attach() - have a program run at an event
 * @w: the watch; watch_run() detaches the program in the end, a failure here those before it
 * @program: the program, loaded
 * @event: the event, in the watch's trace system
 * @why: the reason of a failure
 *
 * Return: 0 or -1.
 */
int watch_attach(struct watch *w, struct bpf_program *program, const char *event,
		 struct sentence *why)
{
	struct bpf_link *link;

	if (w->nr_links == WATCH_LINKS) {
		say(why, "More than %d programs cannot be attached.", WATCH_LINKS);
		goto failed;
	}
	link = bpf_program__attach_tracepoint(program, w->system, event);
	if (link) {
		w->links[w->nr_links++] = link;
		return 0;
	}
	if (errno == EPERM || errno == EACCES)
		say_refused(why, "The eBPF program cannot be attached");
	else
		say(why, "The eBPF program cannot be attached to %s:%s: %s. (%s)", w->system,
		    event, strerror(errno), last_words);
failed:
	watch_detach(w);
	return -1;
}

/**
 * watch_read_keys() - the keys of a hash map that no program changes any more
 * @map: the map
 * @rows: array of structures that begin with a key; what is behind stays as it is
 * @row_size: bytes of a row
 * @key_size: bytes of a key
 * @most: rows at most
 *
 * Return: the number of rows that have a key now.
 */
unsigned int watch_read_keys(const struct bpf_map *map, void *rows, size_t row_size,
			     size_t key_size, unsigned int most)
{
	const void *last = NULL;
	char *row = rows;
	unsigned int n;

	for (n = 0; n < most; n++, row += row_size) {
		if (bpf_map__get_next_key(map, last, row, key_size))
			break;
		last = row;
	}
	return n;
}

/**
 * watch_detach() - no program runs any more when this returns
 * @w: the watch
 */
void watch_detach(struct watch *w)
{
	while (w->nr_links)
		bpf_link__destroy(w->links[--w->nr_links]);
}

static volatile sig_atomic_t caught;

static void catch(int number)
{
	caught = number;
}

static int start_command(struct watch *w, pid_t *child, struct sentence *why)
{
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int error;

	*child = 0;
	if (!w->command)
		return 0;
	posix_spawnattr_init(&attributes);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGINT);
	sigaddset(&defaults, SIGTERM);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	error = posix_spawnp(child, w->command[0], NULL, &attributes, w->command, environ);
	posix_spawnattr_destroy(&attributes);
	if (error)
		return say(why, "'%s' cannot be run: %s.", w->command[0], strerror(error));
	return 0;
}

/* Has the command ended, or the process that is watched? */
static bool is_over(struct watch *w, pid_t child)
{
	int status;

	if (child && waitpid(child, &status, WNOHANG) == child) {
		w->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		return true;
	}
	return !child && w->vm && kill(w->vm, 0) && errno == ESRCH;
}

/**
 * watch_run() - run the command, if there is one, until the watch is over; then detach all programs
 * @w: the watch, with its programs attached
 * @tick: what to do meanwhile, for at most TICK_MS; NULL for nothing. Called once more at the end
 * @opaque: passed to @tick
 * @why: the reason of a failure
 *
 * The watch is over when the command or the watched process ends, after the duration, or, without
 * a command, with Ctrl-C. A command gets Ctrl-C and SIGTERM itself, and its end is waited for.
 *
 * Maps are read only after this: while a system call of this process is in a map, the kernel runs
 * no program on that CPU, and events of a guest that interrupts it would be missed.
 *
 * Return: 0, or -1 if the command cannot be run.
 */
int watch_run(struct watch *w, int (*tick)(void *opaque), void *opaque, struct sentence *why)
{
	const struct sigaction action = { .sa_handler = catch };
	const struct timespec pause = { .tv_nsec = TICK_MS * NS_PER_MS };
	long long end = now_ns() + w->duration_ms * NS_PER_MS;
	pid_t child;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (start_command(w, &child, why)) {
		watch_detach(w);
		return -1;
	}
	while (!is_over(w, child)) {
		if (caught && !child)
			break;
		if (caught) {
			kill(child, caught);
			caught = 0;
		}
		if (w->duration_ms && now_ns() >= end)
			break;
		if (!tick)
			nanosleep(&pause, NULL);
		else if (tick(opaque) < 0)
			break;
	}
	watch_detach(w);
	if (tick)
		tick(opaque);
	return 0;
}
