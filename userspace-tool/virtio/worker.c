// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event loop of a device's thread: see worker.h.
 *
 * Relies on a struct watch living as long as its worker: epoll may have reported one that was
 * taken away meanwhile, and its flag then says so.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "virtio/worker.h"

#define EVENTS	16

/**
 * worker_init() - a worker that does not run yet
 * @w: receives it; worker_release() must follow in any case
 *
 * Return: 0, or -1 with errno.
 */
int worker_init(struct worker *w)
{
	struct epoll_event event = { .events = EPOLLIN };

	memset(w, 0, sizeof(*w));
	pthread_mutex_init(&w->lock, NULL);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll < 0 || w->stop < 0)
		return -1;
	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->stop, &event);
}

/**
 * worker_turn() - wait for descriptors, and serve those that are ready
 * @w: the worker
 * @timeout_ms: how long, in milliseconds; -1: without end
 *
 * Return: false when the worker is to end.
 */
bool worker_turn(struct worker *w, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	bool go_on = true;
	int i, n;

	n = epoll_wait(w->epoll, events, EVENTS, timeout_ms);
	if (n < 0)
		return errno == EINTR;
	pthread_mutex_lock(&w->lock);
	for (i = 0; i < n; i++) {
		struct watch *watch = events[i].data.ptr;

		if (!watch)
			go_on = false;
		else if (watch->on)
			watch->ready(watch->opaque);
	}
	pthread_mutex_unlock(&w->lock);
	return go_on;
}

static void *run(void *arg)
{
	while (worker_turn(arg, -1))
		;
	return NULL;
}

/**
 * worker_start() - start the thread
 * @w: the worker
 * @name: what it is called in lists of threads, at most 15 characters
 *
 * The thread takes no signals: they are the main thread's. SIGSYS is its own, by which the sandbox
 * speaks. It is born with its name, since to name another thread takes a file of /proc.
 *
 * Return: 0, or -1 with errno.
 */
int worker_start(struct worker *w, const char *name)
{
	char own[16] = "";
	sigset_t all, before;
	int err;

	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	prctl(PR_GET_NAME, own);
	prctl(PR_SET_NAME, name);
	err = pthread_create(&w->thread, NULL, run, w);
	prctl(PR_SET_NAME, own);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		errno = err;
		return -1;
	}
	w->started = true;
	return 0;
}

/* End the thread and wait for it, if it was started. */
void worker_stop(struct worker *w)
{
	const __u64 one = 1;
	ssize_t ignored;

	if (!w->started)
		return;
	ignored = write(w->stop, &one, sizeof(one));
	(void)ignored;	/* it fails only when the counter is full, which ends it as well */
	pthread_join(w->thread, NULL);
	w->started = false;
}

void worker_release(struct worker *w)
{
	worker_stop(w);
	if (w->epoll >= 0)
		close(w->epoll);
	if (w->stop >= 0)
		close(w->stop);
	w->epoll = -1;
	w->stop = -1;
}

/**
 * worker_watch() - look at a descriptor from now on
 * @w: the worker, locked, or not yet started
 * @watch: the descriptor, with what to call
 * @events: EPOLLIN, EPOLLOUT, EPOLLET
 *
 * Called again, it changes @events.
 *
 * Return: 0, or -1 with errno.
 */
int worker_watch(struct worker *w, struct watch *watch, __u32 events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };
	int op = watch->on ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (epoll_ctl(w->epoll, op, watch->fd, &event))
		return -1;
	watch->on = true;
	return 0;
}

/* Look at a descriptor no more; the worker is locked, or does not run. */
void worker_unwatch(struct worker *w, struct watch *watch)
{
	if (watch->on)
		epoll_ctl(w->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->on = false;
}
