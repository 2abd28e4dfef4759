// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm run --gdb`: the socket at which a debugger connects, and the thread that serves it.
 *
 * As with QEMU's -s -S, the guest stands still before its first instruction until a debugger lets
 * it run, and a debugger that connects later stops it. One debugger at a time is served; another
 * one's connection is closed. If the debugger goes away without detaching, its breakpoints go
 * with it, and the guest stays as it is: it runs on, or waits for the next debugger.
 *
 * A TCP port is bound to the loopback address alone: the protocol has no authentication, and who
 * speaks it can write to all of the guest's memory.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "compiler.h"
#include "debug/stub.h"
#include "debug/target.h"
#include "machine/pause.h"
#include "terminal/message.h"

#define UNIX_PREFIX	"unix:"
#define LOCALHOST	"localhost"
#define PORT_MAX	65535
#define RECEIVE_CHUNK	4096
#define SEND_POLL_MS	100	/* how often a blocked send looks for the end of the run */

enum { FD_EVENT, FD_LISTEN, FD_DEBUGGER, FDS };

/**
 * struct stub - the debugger's side of a machine
 * @target: the machine; the first member, because the protocol's functions are given it
 * @gdb: the connection
 * @thread: serves @fd
 * @started: @thread is there
 * @ending: the run is over, @status is valid
 * @status: the exit status that the debugger is told
 * @fd: eventfd of reports and of the end; listening socket; connection or -1
 * @path: of a Unix socket, to be removed at the end, or empty
 */
struct stub {
	struct vm_target target;
	struct gdb gdb;
	pthread_t thread;
	bool started;
	atomic_bool ending;
	int status;
	struct pollfd fd[FDS];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* Port and path of an address. Return: whether it is well-formed. */
static bool parse_address(const char *address, unsigned int *port, const char **path)
{
	const char *s = address;
	unsigned long n;
	char *end;

	*path = NULL;
	if (!strncmp(s, UNIX_PREFIX, strlen(UNIX_PREFIX))) {
		*path = s + strlen(UNIX_PREFIX);
		return **path;
	}
	if (!strncmp(s, LOCALHOST ":", strlen(LOCALHOST ":")))
		s += strlen(LOCALHOST);
	if (*s == ':')
		s++;
	if (*s < '0' || *s > '9' || strlen(s) > 5)
		return false;
	n = strtoul(s, &end, 10);
	*port = n;
	return !*end && n <= PORT_MAX;
}

/* Is it ":PORT", "PORT", "localhost:PORT" or "unix:PATH"? */
bool stub_address_ok(const char *address)
{
	unsigned int port;
	const char *path;

	return parse_address(address, &port, &path);
}

/* A socket whose owner is gone stays in the file system. Anything else at its place is not ours. */
static int clear_path(const struct sockaddr_un *sa, struct sentence *why)
{
	struct stat st;
	bool alive;
	int fd;

	if (lstat(sa->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return say(why, "--gdb cannot make a socket at %s: a file is there that is no socket.",
			   sa->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return say(why, "A socket cannot be created: %s.", strerror(errno));
	/* EAGAIN: a program listens, and has not accepted earlier connections yet. */
	alive = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN ||
		errno == EACCES;
	close(fd);
	if (alive)
		return say(why, "--gdb cannot make a socket at %s: another program listens there.",
			   sa->sun_path);
	unlink(sa->sun_path);
	return 0;
}

static int listen_unix(struct stub *s, const char *path, struct sentence *why)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return say(why, "The path of --gdb unix:PATH has more than %zu bytes.",
			   sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (clear_path(&sa, why))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return say(why, "A socket cannot be created: %s.", strerror(errno));
	s->fd[FD_LISTEN].fd = fd;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return say(why, "--gdb cannot make a socket at %s: %s.", path, strerror(errno));
	memcpy(s->path, path, strlen(path) + 1);
	/* Only the owner may debug. A connection is refused until listen(), so none is older. */
	if (chmod(path, 0600) < 0)
		return say(why, "The mode of the socket %s cannot be set: %s.", path,
			   strerror(errno));
	if (listen(fd, 1) < 0)
		return say(why, "--gdb cannot listen at %s: %s.", path, strerror(errno));
	message(MESSAGE_WARNING,
		"The guest waits for gdb before its first instruction: target remote %s", path);
	return 0;
}

static int listen_port(struct stub *s, unsigned int port, struct sentence *why)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(sa);
	const int on = 1;
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return say(why, "A TCP socket cannot be created: %s.", strerror(errno));
	s->fd[FD_LISTEN].fd = fd;
	/* A port whose last connection is not forgotten yet is free; one with a listener is not. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 1) < 0) {
		if (errno == EADDRINUSE)
			return say(why,
				   "--gdb cannot listen at port %u: another program has it. Take another one by --gdb :PORT.",
				   port);
		return say(why, "--gdb cannot listen at port %u of 127.0.0.1: %s.", port,
			   strerror(errno));
	}
	getsockname(fd, (struct sockaddr *)&sa, &size);
	message(MESSAGE_WARNING,
		"The guest waits for gdb before its first instruction: target remote :%u",
		ntohs(sa.sin_port));
	return 0;
}

/* Bytes to the debugger; one that does not read them does not keep the run from its end. */
static void send_bytes(void *opaque, const void *data, size_t len)
{
	struct stub *s = opaque;
	struct pollfd wait = { .fd = s->fd[FD_DEBUGGER].fd, .events = POLLOUT };
	const char *from = data;
	ssize_t n;

	while (len) {
		n = send(wait.fd, from, len, MSG_NOSIGNAL);
		if (n >= 0) {
			from += n;
			len -= n;
			continue;
		}
		if (errno == EINTR)
			continue;
		/* A broken connection shows by the next recv(). */
		if (errno != EAGAIN || s->target.m->outcome != OUTCOME_NONE)
			return;
		poll(&wait, 1, SEND_POLL_MS);
	}
}

static void hang_up(struct stub *s)
{
	close(s->fd[FD_DEBUGGER].fd);
	s->fd[FD_DEBUGGER].fd = -1;
	s->target.m->pause.attached = false;
}

/* The connection is broken. */
static void lost(struct stub *s)
{
	bool ran = s->gdb.running;

	if (ran)
		target_stop(&s->target);
	target_forget(&s->target);
	hang_up(s);
	if (ran)
		vm_target_ops.detach(&s->target);
}

static void accept_debugger(struct stub *s)
{
	int fd = accept4(s->fd[FD_LISTEN].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	const int on = 1;

	if (fd < 0)
		return;
	if (s->fd[FD_DEBUGGER].fd >= 0) {
		close(fd);
		return;
	}
	/* Answers are short, and the debugger waits for each; a Unix socket refuses this. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	s->fd[FD_DEBUGGER].fd = fd;
	s->target.m->pause.attached = true;
	if (!s->target.stopped)
		target_stop(&s->target);
	memset(&s->gdb, 0, sizeof(s->gdb));
	gdb_open(&s->gdb, &vm_target_ops, &s->target, send_bytes);
}

static void serve_debugger(struct stub *s)
{
	struct thread_stop stop = { .signal = GDB_SIGNAL_INT };
	__u8 data[RECEIVE_CHUNK];
	ssize_t n, i;

	n = recv(s->fd[FD_DEBUGGER].fd, data, sizeof(data), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lost(s);
		return;
	}
	for (i = 0; i < n && !s->gdb.ended; i++) {
		if (!gdb_receive(&s->gdb, data[i]))
			continue;
		stop.thread = s->gdb.general;
		target_stop(&s->target);
		gdb_stopped(&s->gdb, &stop);
	}
	if (s->gdb.ended)
		hang_up(s);
}

static void serve_event(struct stub *s)
{
	struct thread_stop stop;
	__u64 count;

	if (read(s->fd[FD_EVENT].fd, &count, sizeof(count)) < 0)
		return;
	if (target_reports(&s->target, &stop) && s->fd[FD_DEBUGGER].fd >= 0)
		gdb_stopped(&s->gdb, &stop);
}

static void *serve(void *arg)
{
	struct stub *s = arg;
	bool over;

	while (!s->ending) {
		/* After the end of the run, only stub_close() is waited for. */
		over = s->target.m->outcome != OUTCOME_NONE;
		poll(s->fd, over ? FD_EVENT + 1 : FDS, -1);
		if (s->fd[FD_EVENT].revents)
			serve_event(s);
		if (over)
			continue;
		if (s->fd[FD_DEBUGGER].fd >= 0 && s->fd[FD_DEBUGGER].revents)
			serve_debugger(s);
		if (s->fd[FD_LISTEN].revents)
			accept_debugger(s);
	}
	if (s->fd[FD_DEBUGGER].fd >= 0)
		gdb_exited(&s->gdb, s->status);
	return NULL;
}

static void release(struct stub *s)
{
	int i;

	if (*s->path)
		unlink(s->path);
	for (i = 0; i < FDS; i++)
		if (s->fd[i].fd >= 0)
			close(s->fd[i].fd);
	free(s);
}

/**
 * stub_open() - listen, and hold the vCPUs before their first instruction
 * @m: the machine, whose threads have not started yet
 * @address: where to listen; stub_address_ok() has approved of it
 * @why: receives the sentence on failure
 *
 * Return: the stub, or NULL.
 */
struct stub *stub_open(struct machine *m, const char *address, struct sentence *why)
{
	struct stub *s = calloc(1, sizeof(*s));
	unsigned int port = 0;
	const char *path = NULL;
	int i;

	if (!s) {
		say(why, "There is no memory for --gdb.");
		return NULL;
	}
	for (i = 0; i < FDS; i++)
		s->fd[i] = (struct pollfd) { .fd = -1, .events = POLLIN };
	s->fd[FD_EVENT].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->fd[FD_EVENT].fd < 0) {
		say(why, "An eventfd cannot be created: %s.", strerror(errno));
		release(s);
		return NULL;
	}
	parse_address(address, &port, &path);
	if (path ? listen_unix(s, path, why) : listen_port(s, port, why)) {
		release(s);
		return NULL;
	}
	target_init(&s->target, m);
	m->pause.event_fd = s->fd[FD_EVENT].fd;
	pause_hold_all(m);
	return s;
}

/* Serve debuggers, after the vCPUs' threads have started. Return: 0, or -1 with @why. */
int stub_start(struct stub *s, struct sentence *why)
{
	int err = pthread_create(&s->thread, NULL, serve, s);

	if (err)
		return say(why, "The thread for --gdb cannot be started: %s.", strerror(err));
	s->started = true;
	return 0;
}

/**
 * stub_close() - the run is over: tell the debugger, if there is one
 * @s: the stub, or NULL
 * @status: the tool's exit status
 *
 * Every vCPU's thread has ended.
 */
void stub_close(struct stub *s, int status)
{
	if (!s)
		return;
	s->status = status;
	s->ending = true;
	pause_wake(s->target.m);
	if (s->started)
		pthread_join(s->thread, NULL);
	s->target.m->pause.event_fd = -1;
	release(s);
}
