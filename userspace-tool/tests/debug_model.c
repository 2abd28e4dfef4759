// SPDX-License-Identifier: GPL-2.0-only
/*
 * A target for the protocol of gdb that is no VM: see debug_model.h. It checks that the protocol
 * calls it as protocol.h says, and that what is sent is made of whole frames.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "debug_model.h"

static unsigned int threads(void *target)
{
	(void)target;
	return MODEL_THREADS;
}

/* Every call but those that end a stop finds the target stopped, and a thread that exists. */
static void check(struct model *m, unsigned int thread)
{
	if (thread >= MODEL_THREADS || m->gdb.running || m->gdb.ended)
		m->bad = true;
}

static void describe(void *target, unsigned int thread, char *line, size_t size)
{
	check(target, thread);
	snprintf(line, size, "thread %u", thread);
}

static int get_registers(void *target, unsigned int thread, struct debug_registers *r)
{
	struct model *m = target;

	check(m, thread);
	*r = m->registers[thread % MODEL_THREADS];
	return 0;
}

static int set_registers(void *target, unsigned int thread, const struct debug_registers *r)
{
	struct model *m = target;

	check(m, thread);
	m->registers[thread % MODEL_THREADS] = *r;
	return 0;
}

static size_t read_memory(void *target, unsigned int thread, __u64 at, void *data, size_t len)
{
	struct model *m = target;

	check(m, thread);
	if (len > PACKET_MAX)
		m->bad = true;
	if (at - MODEL_MEMORY >= MODEL_SIZE)
		return 0;
	if (len > MODEL_SIZE - (at - MODEL_MEMORY))
		len = MODEL_SIZE - (at - MODEL_MEMORY);
	memcpy(data, m->memory + (at - MODEL_MEMORY), len);
	software_hide(&m->breakpoints, at, data, len);
	return len;
}

static int write_memory(void *target, unsigned int thread, __u64 at, const void *data, size_t len)
{
	struct model *m = target;

	check(m, thread);
	if (at - MODEL_MEMORY >= MODEL_SIZE || len > MODEL_SIZE - (at - MODEL_MEMORY))
		return -EFAULT;
	memcpy(m->memory + (at - MODEL_MEMORY), data, len);
	software_keep(&m->breakpoints, at, m->memory + (at - MODEL_MEMORY), len);
	return 0;
}

static int insert(void *target, unsigned int thread, enum breakpoint_type type, __u64 at, __u64 len)
{
	struct model *m = target;

	check(m, thread);
	if (type == WATCHPOINT_READ)
		return -EOPNOTSUPP;
	if (type != BREAKPOINT_SOFTWARE)
		return hardware_insert(&m->breakpoints, type, at, len);
	if (at - MODEL_MEMORY >= MODEL_SIZE)
		return -EFAULT;
	return software_insert(&m->breakpoints, at, at, m->memory + (at - MODEL_MEMORY));
}

static int remove_one(void *target, unsigned int thread, enum breakpoint_type type, __u64 at,
		      __u64 len)
{
	struct model *m = target;
	struct software_breakpoint *s;

	check(m, thread);
	if (type != BREAKPOINT_SOFTWARE)
		return hardware_remove(&m->breakpoints, type, at, len);
	s = software_find(&m->breakpoints, at);
	if (!s)
		return -ENOENT;
	software_remove(&m->breakpoints, s, m->memory + (s->gpa - MODEL_MEMORY));
	return 0;
}

static void resume(void *target, const enum thread_action action[THREADS_MAX])
{
	struct model *m = target;
	unsigned int i;

	memcpy(m->action, action, sizeof(m->action));
	m->resumed++;
	for (i = 0; i < MODEL_THREADS && action[i] == THREAD_STAY; i++)
		;
	if (i == MODEL_THREADS)
		m->bad = true;	/* it would never stop */
}

static void detach(void *target)
{
	struct model *m = target;

	m->detached = true;
}

static void kill_it(void *target)
{
	struct model *m = target;

	m->killed = true;
}

static void monitor(void *target, unsigned int thread, const char *command, char *answer,
		    size_t size)
{
	check(target, thread);
	snprintf(answer, size, "%s!", command);
}

static const struct target_ops ops = {
	.threads = threads,
	.describe = describe,
	.get_registers = get_registers,
	.set_registers = set_registers,
	.read_memory = read_memory,
	.write_memory = write_memory,
	.insert = insert,
	.remove = remove_one,
	.resume = resume,
	.detach = detach,
	.kill = kill_it,
	.monitor = monitor,
};

/* One frame, or + or -. */
static void send_bytes(void *target, const void *data, size_t len)
{
	static struct packet_decoder d;
	struct model *m = target;
	const __u8 *p = data;
	size_t i;

	if (m->sent_len + len <= sizeof(m->sent)) {
		memcpy(m->sent + m->sent_len, data, len);
		m->sent_len += len;
	}
	if (len == 1 && (*p == '+' || *p == '-'))
		return;
	d.state = PACKET_OUTSIDE;
	for (i = 0; i + 1 < len; i++)
		if (packet_decode(&d, p[i]) != PACKET_NOTHING)
			m->bad = true;
	if (packet_decode(&d, p[i]) != PACKET_COMPLETE)
		m->bad = true;
	memcpy(m->answer, d.data, d.len);
	m->answer[d.len] = 0;
}

void model_open(struct model *m)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < MODEL_SIZE; i++)
		m->memory[i] = i * 7;
	gdb_open(&m->gdb, &ops, m, send_bytes);
}

/* Bytes from the debugger; the target stops when it is to. */
void model_bytes(struct model *m, const void *data, size_t len)
{
	struct thread_stop stop = { .signal = GDB_SIGNAL_INT, .thread = 1 };
	const __u8 *p = data;
	size_t i;

	for (i = 0; i < len && !m->gdb.ended; i++)
		if (gdb_receive(&m->gdb, p[i]))
			gdb_stopped(&m->gdb, &stop);
}

/* One packet. Return: the answer's contents, or "" without one, or with an empty one. */
const char *model_ask(struct model *m, const char *contents, size_t len)
{
	static __u8 frame[PACKET_FRAME_MAX];
	static struct packet_text t;

	text_clear(&t);
	text_put(&t, contents, len);
	m->answer[0] = 0;
	m->sent_len = 0;
	model_bytes(m, frame, packet_encode(&t, frame));
	return m->answer;
}
