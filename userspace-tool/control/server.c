// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm run --name`: the control socket. One thread, that of the event loop, has all of it, so
 * that a request and the end of a run never meet; nothing here waits.
 *
 * A request that needs the vCPUs to stand still is answered when the last of them does (pause.c
 * wakes the event loop). A device that the guest has ejected is closed in the same way. A client
 * that does not read its answers loses its connection, not the guest its time. Descriptors
 * (snapshot, add-disk) come by SCM_RIGHTS, unix(7).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "compiler.h"
#include "control/device_request.h"
#include "control/line.h"
#include "control/path.h"
#include "control/request.h"
#include "control/server.h"
#include "kvm/machine_state.h"
#include "machine/hotplug.h"
#include "machine/pause.h"
#include "machine/power.h"
#include "snapshot/snapshot.h"
#include "terminal/message.h"

#define CLIENTS_MAX	16
#define UNSENT_MAX	(256 * 1024)	/* bytes that wait for a client */
#define RECEIVE_CHUNK	4096

enum { FILE_STATE, FILE_MEMORY, FILES };

/**
 * struct client - a connection
 * @fd: its socket, or -1
 * @lines: what it has sent
 * @unsent: what it has not read yet
 * @wants_events: it is told of them
 * @waits: its next requests wait for the answer to one that the vCPUs hold up
 * @file: descriptors that came with a request, or -1
 * @files: how many
 */
struct client {
	int fd;
	struct line_reader lines;
	struct state_out unsent;
	bool wants_events;
	bool waits;
	int file[FILES];
	unsigned int files;
};

enum motion {
	RUNNING,
	PAUSING,	/* the vCPUs are on their way */
	PAUSED,
};

/**
 * struct control - the control socket
 * @guest: what is steered
 * @sa: its address
 * @epoll_fd: of the listening socket and the connections
 * @listen_fd: the listening socket
 * @bound: the socket is in the file system
 * @client: the connections
 * @motion: what the vCPUs do
 * @pending: the request that waits for them, while PAUSING; VERBS where it is no request
 * @pending_client: whose it is; NULL where that is gone
 * @reset: a reset was requested
 */
struct control {
	struct control_guest guest;
	struct sockaddr_un sa;
	int epoll_fd;
	int listen_fd;
	bool bound;
	struct client client[CLIENTS_MAX];
	enum motion motion;
	struct request pending;
	struct client *pending_client;
	bool reset;
};

static void watch(struct control *c, int op, int fd, uint32_t events, void *what)
{
	struct epoll_event e = { .events = events, .data.ptr = what };

	epoll_ctl(c->epoll_fd, op, fd, &e);
}

static void drop_files(struct client *l)
{
	while (l->files)
		close(l->file[--l->files]);
}

static void drop(struct control *c, struct client *l)
{
	if (l->fd < 0)
		return;
	close(l->fd);
	l->fd = -1;
	drop_files(l);
	line_free(&l->lines);
	state_free(&l->unsent);
	l->wants_events = false;
	l->waits = false;
	if (c->pending_client == l)
		c->pending_client = NULL;
}

/* One that waits is read no further, so that its lines cannot pile up. */
static void rewatch(struct control *c, struct client *l)
{
	watch(c, EPOLL_CTL_MOD, l->fd, (l->waits ? 0 : EPOLLIN) | (l->unsent.len ? EPOLLOUT : 0),
	      l);
}

/* Send what there is; the rest goes when the client has read some. */
static void flush(struct control *c, struct client *l)
{
	ssize_t n;

	if (l->fd < 0)
		return;
	n = send(l->fd, l->unsent.data, l->unsent.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		drop(c, l);
		return;
	}
	if (n > 0) {
		memmove(l->unsent.data, l->unsent.data + n, l->unsent.len - n);
		l->unsent.len -= n;
	}
	if (l->unsent.len > UNSENT_MAX || l->unsent.failed)
		drop(c, l);
	else
		rewatch(c, l);
}

/* Takes the object over. */
static void send_object(struct control *c, struct client *l, struct json_object *o)
{
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE);

	if (l && l->fd >= 0) {
		state_put(&l->unsent, text, strlen(text));
		state_put(&l->unsent, "\n", 1);
		flush(c, l);
	}
	json_object_put(o);
}

/* The vCPUs are stopped for a moment, so that a device can be closed. */
static bool is_closing(const struct control *c)
{
	return c->motion == PAUSING && c->pending.verb == VERBS;
}

static struct json_object *describe(const struct control *c)
{
	static const char * const states[] = {
		[RUNNING] = "running",
		[PAUSING] = "pausing",
		[PAUSED] = "paused",
	};
	const struct control_guest *g = &c->guest;
	const struct vm *vm = &g->m->vm;
	struct json_object *o = json_object_new_object();
	unsigned long long exits = 0;
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		exits += g->m->counts[i].runs;
	json_object_object_add(o, "name", json_object_new_string(g->name));
	json_object_object_add(o, "pid", json_object_new_int(getpid()));
	json_object_object_add(o, "version", json_object_new_string(g->version));
	json_object_object_add(o, "state",
			       json_object_new_string(states[is_closing(c) ? RUNNING : c->motion]));
	json_object_object_add(o, "runs", json_object_new_string(g->what));
	json_object_object_add(o, "cpus", json_object_new_int(vm->nr_vcpus));
	json_object_object_add(o, "memory", json_object_new_int64(vm->ram.low_size +
								 vm->ram.high_size));
	json_object_object_add(o, "node", json_object_new_string(vm->device));
	json_object_object_add(o, "uptime",
			       json_object_new_int64((now_ns() - g->started) / NS_PER_S));
	json_object_object_add(o, "resets", json_object_new_int(g->resets));
	json_object_object_add(o, "exits", json_object_new_int64(exits));
	device_request_describe(g->m, o);
	return o;
}

static void release(struct control *c)
{
	struct machine *m = c->guest.m;
	unsigned int i;

	for (i = 0; i < m->vm.nr_vcpus; i++) {
		vcpu_has_paused(&m->vm.vcpu[i]);
		pause_release(m, i);
	}
	c->motion = RUNNING;
}

/* The files of a snapshot: both, regular, and open for writing. */
static int check_files(const struct client *l, struct sentence *why)
{
	struct stat st;
	unsigned int i;

	if (l->files != FILES)
		return say(why,
			   "A snapshot needs two descriptors beside the request, for state and memory, not %u.",
			   l->files);
	for (i = 0; i < FILES; i++)
		if (fstat(l->file[i], &st) < 0 || !S_ISREG(st.st_mode) ||
		    (fcntl(l->file[i], F_GETFL) & O_ACCMODE) == O_RDONLY)
			return say(why,
				   "The descriptors of a snapshot are of regular files that can be written.");
	return 0;
}

static struct json_object *take_snapshot(struct control *c, struct client *l, struct sentence *why)
{
	struct json_object *o;
	struct stat st;

	if (snapshot_save(c->guest.m, l->file[FILE_STATE], l->file[FILE_MEMORY], why))
		return NULL;
	o = json_object_new_object();
	if (fstat(l->file[FILE_STATE], &st) == 0)
		json_object_object_add(o, "state-bytes", json_object_new_int64(st.st_size));
	if (fstat(l->file[FILE_MEMORY], &st) == 0)
		json_object_object_add(o, "memory-bytes",
				       json_object_new_int64(st.st_blocks * 512LL));
	return o;
}

/* Every vCPU stands still: do what they were wanted to stand still for. */
static void complete(struct control *c)
{
	struct client *l = c->pending_client;
	struct json_object *result = NULL;
	struct sentence why;
	bool failed = false;

	c->motion = PAUSED;
	c->pending_client = NULL;
	hotplug_close_ejected(c->guest.m);
	/* A client that is gone wants none, and the guest goes on. */
	if (c->pending.verb == VERB_SNAPSHOT && l) {
		result = take_snapshot(c, l, &why);
		failed = !result;
		drop_files(l);
	}
	if (c->pending.verb != VERB_PAUSE)
		release(c);
	if (l)
		l->waits = false;
	send_object(c, l, answer_make(c->pending.id, result, failed ? why.text : NULL));
	c->pending.id = NULL;
}

/* Stop the vCPUs; the answer follows. */
static void begin_pause(struct control *c, struct client *l, struct request *r)
{
	c->pending = *r;
	r->id = NULL;
	c->pending_client = l;
	l->waits = true;
	rewatch(c, l);
	c->motion = PAUSING;
	pause_hold_all(c->guest.m);
}

static int check_request(const struct control *c, const struct client *l, const struct request *r,
			 struct sentence *why)
{
	bool holds = r->verb == VERB_PAUSE || r->verb == VERB_RESUME || r->verb == VERB_SNAPSHOT;
	bool hot = r->verb == VERB_ADD_DISK || r->verb == VERB_REMOVE;

	if (holds && c->guest.debugger)
		return say(why, "A debugger stops and resumes this guest (--gdb).");
	if (hot && c->guest.debugger)
		return say(why, "Devices cannot come and go while a debugger has the guest (--gdb).");
	if (holds && c->motion == PAUSING && !is_closing(c))
		return say(why, "Another request is waiting for the vCPUs to stand still.");
	if (r->verb == VERB_RESET && !c->guest.can_reset)
		return say(why,
			   "This guest cannot be started anew: it was restored, a debugger has it, or has what its sandbox does not let it open again (--net, --vsock, --share).");
	if (r->verb == VERB_SNAPSHOT)
		return check_files(l, why);
	if (r->verb == VERB_ADD_DISK && l->files != 1)
		return say(why, "A disk needs one descriptor beside the request, not %u.",
			   l->files);
	if (l->files && r->verb != VERB_ADD_DISK)
		return say(why, "The request '%s' takes no descriptors.", verb_name(r->verb));
	return 0;
}

/* Return: whether the answer is due. */
static bool carry_out(struct control *c, struct client *l, struct request *r,
		      struct json_object **result, bool *failed, struct sentence *why)
{
	struct machine *m = c->guest.m;

	switch (r->verb) {
	case VERB_INFO:
		*result = describe(c);
		break;
	case VERB_PAUSE:
		if (c->motion == PAUSED)
			break;
		begin_pause(c, l, r);
		return false;
	case VERB_SNAPSHOT:
		if (c->motion != PAUSED) {
			begin_pause(c, l, r);
			return false;
		}
		*result = take_snapshot(c, l, why);
		*failed = !*result;
		break;
	case VERB_RESUME:
		if (c->motion == PAUSED)
			release(c);
		break;
	case VERB_STOP:
		power_button(m);
		break;
	case VERB_RESET:
		c->reset = true;
		machine_stop(m, OUTCOME_RESET, NULL, 0);
		break;
	case VERB_QUIT:
		machine_stop(m, OUTCOME_QUIT, NULL, 0);
		break;
	case VERB_EVENTS:
		l->wants_events = true;
		break;
	case VERB_ADD_DISK:
		*result = device_request_add_disk(m, l->file[0], !c->guest.io_uring, why);
		*failed = !*result;
		break;
	case VERB_REMOVE:
		*failed = hotplug_remove(m, r->text, why);
		break;
	case VERB_BALLOON:
		*failed = device_request_balloon(m, r->number, why);
		break;
	case VERBS:
		break;
	}
	return true;
}

static void serve_line(struct control *c, struct client *l, const char *line)
{
	struct json_object *result = NULL;
	struct sentence why;
	struct request r;
	bool failed = request_parse(line, &r, &why) || check_request(c, l, &r, &why);

	if (!failed && !carry_out(c, l, &r, &result, &failed, &why))
		return;
	drop_files(l);
	send_object(c, l, answer_make(r.id, result, failed ? why.text : NULL));
}

static void serve_lines(struct control *c, struct client *l)
{
	const char *line;

	while (l->fd >= 0 && !l->waits) {
		line = line_take(&l->lines);
		if (!line)
			break;
		serve_line(c, l, line);
	}
}

/* Descriptors that came with the bytes; more than are wanted are closed. */
static void take_files(struct client *l, struct msghdr *msg)
{
	struct cmsghdr *h;
	size_t i, n;
	int fd;

	for (h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(fd), sizeof(fd));
			if (l->files < FILES)
				l->file[l->files++] = fd;
			else
				close(fd);
		}
	}
}

static void receive(struct control *c, struct client *l)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE((FILES + 1) * sizeof(int))];
	} space;
	char data[RECEIVE_CHUNK];
	struct iovec iov = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &space,
		.msg_controllen = sizeof(space),
	};
	struct sentence why;
	ssize_t n;

	n = recvmsg(l->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c, l);
		return;
	}
	take_files(l, &msg);
	if (!line_put(&l->lines, data, n)) {
		say(&why, "A request has at most %d bytes.", LINE_MAX_BYTES);
		send_object(c, l, answer_make(NULL, NULL, why.text));
		drop(c, l);
	}
}

static void accept_client(struct control *c)
{
	int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	unsigned int i;

	if (fd < 0)
		return;
	for (i = 0; i < CLIENTS_MAX; i++)
		if (c->client[i].fd < 0)
			break;
	if (i == CLIENTS_MAX) {
		close(fd);
		return;
	}
	c->client[i].fd = fd;
	watch(c, EPOLL_CTL_ADD, fd, EPOLLIN, &c->client[i]);
}

/* A device is closed when no vCPU can be in its registers. */
static void close_ejected(struct control *c)
{
	if (c->motion != RUNNING || c->guest.debugger || !hotplug_has_ejected(c->guest.m))
		return;
	c->pending.verb = VERBS;
	c->motion = PAUSING;
	pause_hold_all(c->guest.m);
}

/**
 * control_serve() - do what is to be done
 * @c: the control socket, or NULL
 *
 * Called by the event loop when control_fd() is readable, and when the machine has woken it.
 */
void control_serve(struct control *c)
{
	struct epoll_event e[CLIENTS_MAX + 1];
	int i, n;

	if (!c)
		return;
	close_ejected(c);
	if (c->motion == PAUSING && pause_all_parked(c->guest.m))
		complete(c);
	n = epoll_wait(c->epoll_fd, e, ARRAY_SIZE(e), 0);
	for (i = 0; i < n; i++) {
		struct client *l = e[i].data.ptr;

		if (!l) {
			accept_client(c);
			continue;
		}
		if (l->fd >= 0 && (e[i].events & EPOLLOUT))
			flush(c, l);
		if (l->fd >= 0 && (e[i].events & (EPOLLIN | EPOLLHUP)) && !l->waits)
			receive(c, l);
		else if (l->fd >= 0 && (e[i].events & (EPOLLHUP | EPOLLERR)))
			drop(c, l);
	}
	for (i = 0; i < CLIENTS_MAX; i++)
		serve_lines(c, &c->client[i]);
}

/* A reset was requested since the last call. */
bool control_wants_reset(struct control *c)
{
	bool reset = c && c->reset;

	if (reset)
		c->reset = false;
	return reset;
}

/**
 * control_event() - tell those who want to know
 * @c: the control socket, or NULL
 * @event: the event's name
 * @detail: a sentence, or NULL
 */
void control_event(struct control *c, const char *event, const char *detail)
{
	struct timespec ts;
	unsigned int i;

	clock_gettime(CLOCK_REALTIME, &ts);
	for (i = 0; c && i < CLIENTS_MAX; i++) {
		struct json_object *o;

		if (c->client[i].fd < 0 || !c->client[i].wants_events)
			continue;
		o = json_object_new_object();
		json_object_object_add(o, "event", json_object_new_string(event));
		if (detail)
			json_object_object_add(o, "detail", json_object_new_string(detail));
		json_object_object_add(o, "time", json_object_new_int64(ts.tv_sec));
		send_object(c, &c->client[i], o);
	}
}

/* The machine was built anew: nothing of it stands still. */
void control_restarted(struct control *c)
{
	struct client *l;

	if (!c)
		return;
	l = c->pending_client;
	if (l) {
		drop_files(l);
		l->waits = false;
		c->pending_client = NULL;
	}
	if (c->motion == PAUSING) {
		send_object(c, l, answer_make(c->pending.id, NULL,
					      "The guest was reset meanwhile."));
		c->pending.id = NULL;
	}
	c->motion = RUNNING;
	c->guest.resets++;
}

/* What a client would find, so that it can be kept up to date. */
struct control_guest *control_guest(struct control *c)
{
	return &c->guest;
}

/* Readable when control_serve() has something to do. */
int control_fd(const struct control *c)
{
	return c ? c->epoll_fd : -1;
}

/* A socket whose owner is gone stays in the file system. Anything else at its place is not ours. */
static int clear_path(const struct sockaddr_un *sa, const char *name, struct sentence *why)
{
	struct stat st;
	int fd;

	if (lstat(sa->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return say(why, "--name %s: %s is there and is no socket.", name, sa->sun_path);
	fd = control_connect(sa);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || errno != ECONNREFUSED)
		return say(why, "--name %s: a guest of this name runs already.", name);
	message(MESSAGE_WARNING,
		"An earlier guest '%s' has ended without removing its socket, which is done now.",
		name);
	unlink(sa->sun_path);
	return 0;
}

static int listen_at(struct control *c, struct sentence *why)
{
	const char *path = c->sa.sun_path;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return say(why, "A socket cannot be created: %s.", strerror(errno));
	c->listen_fd = fd;
	if (bind(fd, (struct sockaddr *)&c->sa, sizeof(c->sa)) < 0)
		return say(why, "The control socket %s cannot be made: %s.", path,
			   strerror(errno));
	c->bound = true;
	/* A connection is refused until listen(), so none is older than the mode. */
	if (chmod(path, 0600) < 0 || listen(fd, CLIENTS_MAX) < 0)
		return say(why, "The control socket %s cannot be used: %s.", path,
			   strerror(errno));
	watch(c, EPOLL_CTL_ADD, fd, EPOLLIN, NULL);
	return 0;
}

/**
 * control_open() - listen
 * @guest: what is steered; copied
 * @why: receives the sentence on failure
 *
 * Return: the control socket, or NULL.
 */
struct control *control_open(const struct control_guest *guest, struct sentence *why)
{
	struct control *c = calloc(1, sizeof(*c));
	unsigned int i;

	if (!c) {
		say(why, "There is no memory for the control socket.");
		return NULL;
	}
	c->guest = *guest;
	c->listen_fd = -1;
	for (i = 0; i < CLIENTS_MAX; i++)
		c->client[i].fd = -1;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0) {
		say(why, "Connections cannot be waited for by epoll: %s.", strerror(errno));
	} else if (control_address(guest->name, true, &c->sa, why) == 0 &&
		   clear_path(&c->sa, guest->name, why) == 0 && listen_at(c, why) == 0) {
		return c;
	}
	control_close(c);
	return NULL;
}

/* The run is over. */
void control_close(struct control *c)
{
	unsigned int i;

	if (!c)
		return;
	for (i = 0; i < CLIENTS_MAX; i++)
		drop(c, &c->client[i]);
	json_object_put(c->pending.id);
	if (c->bound)
		unlink(c->sa.sun_path);
	if (c->listen_fd >= 0)
		close(c->listen_fd);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	free(c);
}
