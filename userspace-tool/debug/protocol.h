/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The requests and answers of the GDB remote serial protocol, over a target that is given by
 * functions: the VM (stub.c), or the model of the unit tests and of the fuzzer.
 */
#ifndef MINIKVM_TOOL_PROTOCOL_H
#define MINIKVM_TOOL_PROTOCOL_H

#include "debug/breakpoints.h"
#include "debug/packet.h"
#include "debug/registers.h"

#define THREADS_MAX		64
#define GDB_SIGNAL_INT		2
#define GDB_SIGNAL_TRAP		5
#define GDB_SIGNAL_ABRT		6

/* What a thread is to do when the target is resumed. */
enum thread_action { THREAD_STAY, THREAD_CONTINUE, THREAD_STEP };

/**
 * struct thread_stop - why the target stands still
 * @signal: gdb's number of a signal
 * @thread: index of the thread that it is about
 * @watch: a watchpoint was hit
 * @type: which kind of it, or of breakpoint
 * @address: the watchpoint's
 */
struct thread_stop {
	int signal;
	unsigned int thread;
	enum { STOP_OTHER, STOP_SOFTWARE, STOP_HARDWARE, STOP_WATCH } reason;
	enum breakpoint_type type;
	__u64 address;
};

/**
 * struct target_ops - the target; threads are counted from 0
 * @threads: how many there are, at most THREADS_MAX
 * @describe: one line about a thread
 * @get_registers: 0 or a negative errno
 * @set_registers: 0 or a negative errno
 * @read_memory: how many bytes could be read, from the first on
 * @write_memory: 0, or a negative errno; then nothing was written
 * @insert: 0, -EFAULT, -ENOSPC, or -EOPNOTSUPP for a type that the target does not have
 * @remove: 0 or a negative errno
 * @resume: one action for each thread; a stop is told by gdb_stopped()
 * @detach: forget breakpoints and run on
 * @kill: end the target
 * @monitor: a command for the target itself: its answer, in words
 *
 * Only resume, detach and kill let the target run; all others find it stopped.
 */
struct target_ops {
	unsigned int (*threads)(void *target);
	void (*describe)(void *target, unsigned int thread, char *line, size_t size);
	int (*get_registers)(void *target, unsigned int thread, struct debug_registers *r);
	int (*set_registers)(void *target, unsigned int thread, const struct debug_registers *r);
	size_t (*read_memory)(void *target, unsigned int thread, __u64 at, void *data, size_t len);
	int (*write_memory)(void *target, unsigned int thread, __u64 at, const void *data,
			    size_t len);
	int (*insert)(void *target, unsigned int thread, enum breakpoint_type type, __u64 at,
		      __u64 len);
	int (*remove)(void *target, unsigned int thread, enum breakpoint_type type, __u64 at,
		      __u64 len);
	void (*resume)(void *target, const enum thread_action action[THREADS_MAX]);
	void (*detach)(void *target);
	void (*kill)(void *target);
	void (*monitor)(void *target, unsigned int thread, const char *command, char *answer,
			size_t size);
};

/**
 * struct gdb - one connection
 * @ops: the target
 * @target: for @ops
 * @decoder: what is being received
 * @no_ack: neither side confirms packets any more
 * @swbreak: the debugger understands swbreak, and hwbreak
 * @running: the target was resumed and has not stopped since
 * @stop: why it stands still
 * @general: the thread of registers, memory and breakpoints (Hg)
 * @control: the thread of c and s (Hc), or ALL_THREADS
 * @ended: the debugger has detached, or killed the target
 * @reply: the contents of the answer that is being written
 * @frame: the last frame, in case that it is wanted again
 * @frame_len: bytes in @frame
 * @send: take bytes to the debugger
 */
struct gdb {
	const struct target_ops *ops;
	void *target;
	struct packet_decoder decoder;
	bool no_ack;
	bool swbreak;
	bool running;
	struct thread_stop stop;
	unsigned int general;
	unsigned int control;
	bool ended;
	struct packet_text reply;
	__u8 frame[PACKET_FRAME_MAX];
	size_t frame_len;
	void (*send)(void *target, const void *data, size_t len);
};

#define ALL_THREADS	(~0U)

void gdb_open(struct gdb *g, const struct target_ops *ops, void *target,
	      void (*send)(void *target, const void *data, size_t len));
bool gdb_receive(struct gdb *g, __u8 byte);
void gdb_stopped(struct gdb *g, const struct thread_stop *stop);
void gdb_exited(struct gdb *g, int status);

#endif
