// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm bpf hello`: loads hello.bpf.c and copies its lines from the kernel's trace_pipe.
 *
 * A skeleton is a header that bpftool makes of a compiled program: functions that open, load and
 * destroy it, and a struct with its programs, maps and variables. Relies on nobody else reading
 * trace_pipe, which gives each line to one reader.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/event_format.h"
#include "bpf/watch.h"
#include "hello.skel.h"

/* Bytes of one read. It ends with a line: the kernel puts no part of one into the pipe. */
#define CHUNK	8192

struct hello {
	FILE *out;	/* NULL while what others have left in the pipe is thrown away */
	int pipe;
	__u64 lines, lost;
};

/* The kernel's mark of bpf_printk(), and this program's words. */
static bool is_ours(const char *line)
{
	const char *mark = strstr(line, "bpf_trace_printk: VM ");

	return mark && strstr(mark, " enters the guest at ");
}

static void take_lines(struct hello *h, char *text)
{
	char *line, *rest;

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (trace_line_lost(line, &h->lost)) {
			fprintf(h->out, "%s\n", line);
		} else if (is_ours(line)) {
			h->lines++;
			/* The line begins with the name of the process. */
			make_printable(line);
			fprintf(h->out, "%s\n", line);
		}
	}
}

/* The pipe's poll() waits until half of the buffer is full: read what is there, then sleep. */
static int read_pipe(void *opaque)
{
	struct hello *h = opaque;
	char text[CHUNK + 1];
	ssize_t n;

	while ((n = read(h->pipe, text, CHUNK)) > 0) {
		text[n] = 0;
		if (h->out)
			take_lines(h, text);
	}
	if (h->out) {
		fflush(h->out);
		usleep(TICK_MS * 1000);
	}
	return 0;
}

static int open_pipe(struct watch *w, struct hello *h, struct sentence *why)
{
	char path[128], on[8] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/tracing_on", w->tracefs);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, on, sizeof(on) - 1) > 0 && *on == '0')
			fprintf(stderr, "minikvm: Tracing is switched off: echo 1 > %s\n", path);
		close(fd);
	}
	snprintf(path, sizeof(path), "%s/trace_pipe", w->tracefs);
	h->pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (h->pipe < 0)
		return say(why, "%s cannot be read: %s.", path, strerror(errno));
	read_pipe(h);
	h->out = w->out;
	return 0;
}

static int watch_entries(struct watch *w, struct hello_bpf *skeleton, struct sentence *why)
{
	struct hello h = { .pipe = -1 };
	int ret;

	if (open_pipe(w, &h, why))
		return -1;
	ret = watch_attach(w, skeleton->progs.hello, "kvm_entry", why) ||
	      watch_run(w, read_pipe, &h, why);
	close(h.pipe);
	if (ret)
		return -1;
	fprintf(w->out, "entries %llu, lines %llu, lost %llu\n", skeleton->bss->entries, h.lines,
		h.lost);
	return 0;
}

/* Nothing comes of this program but the verifier's log. */
static int show_refusal(struct watch *w, struct hello_bpf *skeleton, struct sentence *why)
{
	static char log[16384];
	int error;

	bpf_program__set_autoload(skeleton->progs.hello, false);
	bpf_program__set_autoload(skeleton->progs.hello_refused, true);
	bpf_program__set_log_level(skeleton->progs.hello_refused, 1);
	bpf_program__set_log_buf(skeleton->progs.hello_refused, log, sizeof(log));
	error = hello_bpf__load(skeleton);
	if (!error)
		return say(why, "The verifier has accepted the program that it should refuse.");
	if (!*log)
		return watch_failed_load(error, why);
	fprintf(w->out, "%sload: %s\n", log, strerror(-error));
	return 0;
}

/**
 * bpf_hello() - print a line for each VM entry
 * @w: the watch, prepared
 * @why: the reason of a failure
 *
 * Return: 0 or -1.
 */
int bpf_hello(struct watch *w, struct sentence *why)
{
	struct hello_bpf *skeleton = hello_bpf__open();
	int ret;

	if (!skeleton)
		return watch_failed_load(-errno, why);
	WATCH_CONFIGURE(w, skeleton);
	if (w->refused) {
		ret = show_refusal(w, skeleton, why);
	} else {
		ret = hello_bpf__load(skeleton);
		ret = ret ? watch_failed_load(ret, why) : watch_entries(w, skeleton, why);
	}
	hello_bpf__destroy(skeleton);
	return ret;
}
