/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket of a running guest: server.c has the connections, request.c what they ask for.
 * Documentation/control.rst has the protocol.
 */
#ifndef MINIKVM_TOOL_SERVER_H
#define MINIKVM_TOOL_SERVER_H

#include "machine/machine.h"

struct control;

/**
 * struct control_guest - what the control socket tells and steers
 * @m: the machine
 * @name: the guest's name
 * @what: what it runs: the kernel, the image or the snapshot
 * @version: this program's version
 * @started: nanoseconds of CLOCK_MONOTONIC at the run's beginning
 * @resets: how often it was started anew
 * @can_reset: it can be started anew
 * @io_uring: a disk that is added may use it
 * @debugger: a debugger holds and releases the vCPUs
 */
struct control_guest {
	struct machine *m;
	const char *name;
	const char *what;
	const char *version;
	long long started;
	unsigned int resets;
	bool can_reset;
	bool io_uring;
	bool debugger;
};

struct control *control_open(const struct control_guest *guest, struct sentence *why);
struct control_guest *control_guest(struct control *c);
int control_fd(const struct control *c);
void control_serve(struct control *c);
bool control_wants_reset(struct control *c);
void control_event(struct control *c, const char *event, const char *detail);
void control_restarted(struct control *c);
void control_close(struct control *c);

#endif
