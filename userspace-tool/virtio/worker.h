/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread that serves queues: it sleeps until one of its file descriptors is ready.
 */
#ifndef MINIKVM_TOOL_WORKER_H
#define MINIKVM_TOOL_WORKER_H

#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>

/**
 * struct watch - a file descriptor that a worker looks at; lives as long as the worker
 * @fd: the descriptor
 * @ready: called by the worker's thread, with its lock held
 * @opaque: its argument
 * @on: it is looked at; under the worker's lock
 */
struct watch {
	int fd;
	void (*ready)(void *opaque);
	void *opaque;
	bool on;
};

/**
 * struct worker - the thread
 * @thread: itself
 * @started: it runs
 * @lock: held while something is served; who holds it finds the worker's queues at rest
 * @epoll: what it sleeps on
 * @stop: eventfd that ends it
 */
struct worker {
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	int epoll;
	int stop;
};

int worker_init(struct worker *w);
int worker_start(struct worker *w, const char *name);
void worker_stop(struct worker *w);
void worker_release(struct worker *w);
int worker_watch(struct worker *w, struct watch *watch, __u32 events);
void worker_unwatch(struct worker *w, struct watch *watch);
bool worker_turn(struct worker *w, int timeout_ms);

#endif
