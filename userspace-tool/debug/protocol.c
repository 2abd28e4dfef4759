// SPDX-License-Identifier: GPL-2.0-only
/*
 * The requests and answers of the GDB remote serial protocol: "Packets", "Stop Reply Packets",
 * "General Query Packets" of the GDB manual, all-stop mode, without the multiprocess extension.
 * A thread is a vCPU, with its number plus 1 as its name, because 0 means any thread.
 *
 * An error is E and the decimal errno, as QEMU's are: E14 for memory that is not there, E22 for a
 * request that makes no sense, E28 when the debug registers are used up, E95 for what this target
 * does not do. An unknown packet is answered by an empty one, as the protocol wants it.
 *
 * Pure: linked into the tool, its unit tests and its fuzzer. The peer is not trusted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "debug/protocol.h"

/* The most memory that a hexadecimal answer, or request, has room for. */
#define MEMORY_MAX	(PACKET_MAX / 2 - 32)
#define MONITOR_MAX	4096

static void send_reply(struct gdb *g)
{
	if (g->reply.overflow) {
		text_clear(&g->reply);
		text_printf(&g->reply, "E%02d", EMSGSIZE);
	}
	g->frame_len = packet_encode(&g->reply, g->frame);
	g->send(g->target, g->frame, g->frame_len);
}

/* A negative errno, or 0 for OK. */
static void put_result(struct gdb *g, int ret)
{
	if (ret)
		text_printf(&g->reply, "E%02d", -ret);
	else
		text_printf(&g->reply, "OK");
}

static void put_stop(struct gdb *g)
{
	static const char * const watch[] = {
		[WATCHPOINT_WRITE] = "watch",
		[WATCHPOINT_READ] = "rwatch",
		[WATCHPOINT_ACCESS] = "awatch",
	};
	const struct thread_stop *s = &g->stop;

	text_printf(&g->reply, "T%02xthread:%x;", s->signal, s->thread + 1);
	if (s->reason == STOP_WATCH)
		text_printf(&g->reply, "%s:%llx;", watch[s->type], s->address);
	else if (s->reason == STOP_SOFTWARE && g->swbreak)
		text_printf(&g->reply, "swbreak:;");
	else if (s->reason == STOP_HARDWARE && g->swbreak)
		text_printf(&g->reply, "hwbreak:;");
}

/* A thread's name: -1 is ALL_THREADS, 0 any, here @any. False for one that does not exist. */
static bool read_thread(struct gdb *g, const char **s, unsigned int any, unsigned int *thread)
{
	__u64 n;

	if (!strncmp(*s, "-1", 2)) {
		*s += 2;
		*thread = ALL_THREADS;
		return true;
	}
	if (!hex_number(s, &n) || n > g->ops->threads(g->target))
		return false;
	*thread = n ? n - 1 : any;
	return true;
}

static bool read_char(const char **s, char c)
{
	if (**s != c)
		return false;
	++*s;
	return true;
}

/* ADDRESS,LENGTH */
static bool read_range(const char **s, __u64 *at, __u64 *len)
{
	return hex_number(s, at) && read_char(s, ',') && hex_number(s, len);
}

static void resume(struct gdb *g, const enum thread_action *action)
{
	g->running = true;
	g->ops->resume(g->target, action);
}

static void read_registers(struct gdb *g)
{
	struct debug_registers r;
	int ret = g->ops->get_registers(g->target, g->general, &r);

	if (ret)
		put_result(g, ret);
	else
		registers_all(&r, &g->reply);
}

static void write_registers(struct gdb *g, const char *s, size_t len)
{
	struct debug_registers r;
	int ret = g->ops->get_registers(g->target, g->general, &r);

	if (!ret)
		ret = registers_set_all(&r, s, len);
	if (!ret)
		ret = g->ops->set_registers(g->target, g->general, &r);
	put_result(g, ret);
}

static void read_register(struct gdb *g, const char *s)
{
	__u8 value[REGISTER_SIZE_MAX];
	struct debug_registers r;
	__u64 n;
	int ret;

	if (!hex_number(&s, &n) || *s || n >= registers_count()) {
		put_result(g, -EINVAL);
		return;
	}
	ret = g->ops->get_registers(g->target, g->general, &r);
	if (ret)
		put_result(g, ret);
	else
		text_hex(&g->reply, value, register_get(&r, n, value));
}

static void write_register(struct gdb *g, const char *s)
{
	__u8 value[REGISTER_SIZE_MAX];
	struct debug_registers r;
	__u64 n;
	int ret;

	if (!hex_number(&s, &n) || !read_char(&s, '=') || n >= registers_count() ||
	    strlen(s) != 2 * register_size(n) ||
	    hex_bytes(s, strlen(s), value, sizeof(value)) != register_size(n)) {
		put_result(g, -EINVAL);
		return;
	}
	ret = g->ops->get_registers(g->target, g->general, &r);
	if (!ret)
		ret = register_set(&r, n, value);
	if (!ret)
		ret = g->ops->set_registers(g->target, g->general, &r);
	put_result(g, ret);
}

static void read_memory(struct gdb *g, const char *s)
{
	__u8 data[MEMORY_MAX];
	__u64 at, len;
	size_t done;

	if (!read_range(&s, &at, &len) || *s) {
		put_result(g, -EINVAL);
		return;
	}
	/* Less than was asked for is allowed. */
	if (len > sizeof(data))
		len = sizeof(data);
	done = g->ops->read_memory(g->target, g->general, at, data, len);
	if (len && !done)
		put_result(g, -EFAULT);
	else
		text_hex(&g->reply, data, done);
}

/* M with digits, X with bytes; @end is the packet's. */
static void write_memory(struct gdb *g, const char *s, const char *end, bool binary)
{
	__u8 data[PACKET_MAX];
	size_t have;
	__u64 at, len;

	if (!read_range(&s, &at, &len) || !read_char(&s, ':')) {
		put_result(g, -EINVAL);
		return;
	}
	if (binary) {
		have = end - s;
		memcpy(data, s, have);
	} else {
		have = hex_bytes(s, end - s, data, sizeof(data));
	}
	if (have != len || (!binary && 2 * have != (size_t)(end - s)))
		put_result(g, -EINVAL);
	else
		put_result(g, len ? g->ops->write_memory(g->target, g->general, at, data, len) : 0);
}

static void breakpoint(struct gdb *g, const char *s, bool insert)
{
	__u64 type, at, len;
	int ret;

	/* Conditions and commands, which may follow, are not announced: gdb keeps them. */
	if (!hex_number(&s, &type) || !read_char(&s, ',') || !read_range(&s, &at, &len) ||
	    (*s && *s != ';')) {
		put_result(g, -EINVAL);
		return;
	}
	if (type > WATCHPOINT_ACCESS)
		return;
	ret = insert ? g->ops->insert(g->target, g->general, type, at, len) :
		       g->ops->remove(g->target, g->general, type, at, len);
	/* An empty answer: gdb makes a watchpoint for reads out of one for accesses. */
	if (ret != -EOPNOTSUPP)
		put_result(g, ret);
}

static void select_thread(struct gdb *g, const char *s)
{
	char what = *s;
	unsigned int thread;

	if (what)
		s++;
	if (!read_thread(g, &s, g->stop.thread, &thread) || *s) {
		put_result(g, -EINVAL);
		return;
	}
	if (what == 'c')
		g->control = thread;
	else if (what == 'g')
		g->general = thread == ALL_THREADS ? g->stop.thread : thread;
	else
		return;
	put_result(g, 0);
}

/* c, s and C, S with a signal, which means nothing to a processor; an address may follow. */
static void continue_or_step(struct gdb *g, const char *s, bool step)
{
	unsigned int thread = g->control == ALL_THREADS ? g->stop.thread : g->control;
	enum thread_action action[THREADS_MAX];
	struct debug_registers r;
	unsigned int i;
	__u64 at;

	if (hex_number(&s, &at)) {
		if (!g->ops->get_registers(g->target, thread, &r)) {
			r.regs.rip = at;
			g->ops->set_registers(g->target, thread, &r);
		}
	}
	for (i = 0; i < THREADS_MAX; i++)
		action[i] = step ? THREAD_STAY : THREAD_CONTINUE;
	if (step)
		action[thread] = THREAD_STEP;
	resume(g, action);
}

static void resume_each(struct gdb *g, const char *s)
{
	enum thread_action action[THREADS_MAX] = { THREAD_STAY }, what;
	bool chosen[THREADS_MAX] = { false };
	unsigned int thread, i, n = g->ops->threads(g->target);
	bool any = false;
	__u64 ignored;

	while (read_char(&s, ';')) {
		switch (*s++) {
		case 'C':
			if (!hex_number(&s, &ignored))
				goto wrong;
			what = THREAD_CONTINUE;
			break;
		case 'c':
			what = THREAD_CONTINUE;
			break;
		case 'S':
			if (!hex_number(&s, &ignored))
				goto wrong;
			what = THREAD_STEP;
			break;
		case 's':
			what = THREAD_STEP;
			break;
		default:
			goto wrong;
		}
		thread = ALL_THREADS;
		if (read_char(&s, ':') && !read_thread(g, &s, g->stop.thread, &thread))
			goto wrong;
		/* For each thread the first action that names it counts. */
		for (i = 0; i < n; i++) {
			if ((thread != ALL_THREADS && thread != i) || chosen[i])
				continue;
			chosen[i] = true;
			action[i] = what;
			any = true;
		}
	}
	if (*s || !any)
		goto wrong;
	resume(g, action);
	return;
wrong:
	put_result(g, -EINVAL);
}

static void list_threads(struct gdb *g, const char *s)
{
	unsigned int i;

	(void)s;
	text_printf(&g->reply, "m");
	for (i = 0; i < g->ops->threads(g->target); i++)
		text_printf(&g->reply, "%s%x", i ? "," : "", i + 1);
}

static void describe_thread(struct gdb *g, const char *s)
{
	unsigned int thread;
	char line[128] = "";

	if (!read_thread(g, &s, g->stop.thread, &thread) || thread == ALL_THREADS) {
		put_result(g, -EINVAL);
		return;
	}
	g->ops->describe(g->target, thread, line, sizeof(line));
	text_hex(&g->reply, line, strlen(line));
}

static void read_description(struct gdb *g, const char *s)
{
	static const char file[] = "target.xml:";
	const char *xml = registers_description();
	size_t size = strlen(xml);
	__u64 at, len;

	if (strncmp(s, file, strlen(file)) != 0) {
		text_printf(&g->reply, "E00");
		return;
	}
	s += strlen(file);
	if (!read_range(&s, &at, &len) || *s || at > size) {
		put_result(g, -EINVAL);
		return;
	}
	/* Each byte may need an escape, which PACKET_FRAME_MAX allows for. */
	if (len > PACKET_MAX - 1)
		len = PACKET_MAX - 1;
	if (len > size - at)
		len = size - at;
	text_printf(&g->reply, at + len < size ? "m" : "l");
	text_put(&g->reply, xml + at, len);
}

static void monitor(struct gdb *g, const char *s)
{
	char command[256], answer[MONITOR_MAX] = "";
	size_t len = strlen(s), n = hex_bytes(s, len, command, sizeof(command) - 1);

	if (2 * n != len) {
		put_result(g, -EINVAL);
		return;
	}
	command[n] = 0;
	g->ops->monitor(g->target, g->general, command, answer, sizeof(answer));
	if (*answer)
		text_hex(&g->reply, answer, strlen(answer));
	else
		put_result(g, 0);
}

/* What follows @prefix in @s, or NULL. */
static const char *after(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) ? NULL : s + len;
}

static void supported(struct gdb *g, const char *s)
{
	g->swbreak = strstr(s, "swbreak+");
	text_printf(&g->reply,
		    "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;swbreak+;hwbreak+;vContSupported+",
		    PACKET_MAX);
}

static void current_thread(struct gdb *g, const char *s)
{
	(void)s;
	text_printf(&g->reply, "QC%x", g->stop.thread + 1);
}

static void attached(struct gdb *g, const char *s)
{
	(void)s;
	text_printf(&g->reply, "1");	/* leaving gdb detaches, and does not kill */
}

static void no_more_threads(struct gdb *g, const char *s)
{
	(void)s;
	text_printf(&g->reply, "l");
}

/* packet() acts on it, once the answer is confirmed. */
static void start_no_ack(struct gdb *g, const char *s)
{
	(void)s;
	put_result(g, 0);
}

/* The queries, by how they begin; what follows is for the function. */
static const struct {
	const char *begin;
	void (*answer)(struct gdb *g, const char *rest);
} queries[] = {
	{ "qSupported", supported },
	{ "qAttached", attached },
	{ "qfThreadInfo", list_threads },
	{ "qsThreadInfo", no_more_threads },
	{ "qThreadExtraInfo,", describe_thread },
	{ "qXfer:features:read:", read_description },
	{ "qRcmd,", monitor },
	{ "QStartNoAckMode", start_no_ack },
};

static void query(struct gdb *g, const char *s)
{
	const char *rest;
	size_t i;

	/* By itself, because others begin like it. */
	if (!strcmp(s, "qC")) {
		current_thread(g, s);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(queries); i++) {
		rest = after(s, queries[i].begin);
		if (rest) {
			queries[i].answer(g, rest);
			return;
		}
	}
}

static void kill_target(struct gdb *g)
{
	g->ended = true;
	g->ops->kill(g->target);
}

/* Return: whether there is an answer. */
static bool verbose(struct gdb *g, const char *s)
{
	if (!strcmp(s, "vCont?")) {
		text_printf(&g->reply, "vCont;c;C;s;S");
	} else if (after(s, "vCont")) {
		resume_each(g, after(s, "vCont"));
		return !g->running;
	} else if (after(s, "vKill;")) {
		put_result(g, 0);
		send_reply(g);
		kill_target(g);
		return false;
	}
	return true;
}

static void alive(struct gdb *g, const char *s)
{
	unsigned int thread;

	put_result(g, read_thread(g, &s, 0, &thread) && thread != ALL_THREADS ? 0 : -ESRCH);
}

/* A packet has come while the target stands still. Return: whether there is an answer. */
static bool request(struct gdb *g, const char *s, const char *end)
{
	switch (*s) {
	case '?':
		put_stop(g);
		return true;
	case 'c':
	case 's':
		continue_or_step(g, s + 1, *s == 's');
		return false;
	case 'C':
	case 'S':
		continue_or_step(g, strchr(s, ';') ? strchr(s, ';') + 1 : "", *s == 'S');
		return false;
	case 'D':
		put_result(g, 0);
		send_reply(g);
		g->ended = true;
		g->ops->detach(g->target);
		return false;
	case 'g':
		read_registers(g);
		return true;
	case 'G':
		write_registers(g, s + 1, end - s - 1);
		return true;
	case 'H':
		select_thread(g, s + 1);
		return true;
	case 'k':
		kill_target(g);
		return false;
	case 'm':
		read_memory(g, s + 1);
		return true;
	case 'M':
	case 'X':
		write_memory(g, s + 1, end, *s == 'X');
		return true;
	case 'p':
		read_register(g, s + 1);
		return true;
	case 'P':
		write_register(g, s + 1);
		return true;
	case 'q':
	case 'Q':
		query(g, s);
		return true;
	case 'T':
		alive(g, s + 1);
		return true;
	case 'v':
		return verbose(g, s);
	case 'z':
	case 'Z':
		breakpoint(g, s + 1, *s == 'Z');
		return true;
	default:
		return true;
	}
}

static void packet(struct gdb *g)
{
	const char *s = g->decoder.data;
	bool answer;

	if (!g->no_ack)
		g->send(g->target, "+", 1);
	text_clear(&g->reply);
	if (g->running) {
		/* While the target runs, a debugger may send Ctrl-C and no packet. */
		put_result(g, -EBUSY);
		answer = true;
	} else {
		answer = request(g, s, s + g->decoder.len);
	}
	if (answer)
		send_reply(g);
	/* The answer itself is still confirmed. */
	if (!strcmp(s, "QStartNoAckMode"))
		g->no_ack = true;
}

/**
 * gdb_open() - a debugger has connected; the target stands still
 * @g: the connection, zeroed; @stop may have been set
 * @ops: the target
 * @target: for @ops
 * @send: takes bytes to the debugger
 */
void gdb_open(struct gdb *g, const struct target_ops *ops, void *target,
	      void (*send)(void *target, const void *data, size_t len))
{
	g->ops = ops;
	g->target = target;
	g->send = send;
	g->control = ALL_THREADS;
	g->stop.signal = GDB_SIGNAL_TRAP;
}

/**
 * gdb_receive() - a byte has come from the debugger
 * @g: the connection
 * @byte: the byte
 *
 * Return: whether the debugger wants the target to be stopped; gdb_stopped() follows then.
 */
bool gdb_receive(struct gdb *g, __u8 byte)
{
	switch (packet_decode(&g->decoder, byte)) {
	case PACKET_COMPLETE:
		packet(g);
		break;
	case PACKET_DAMAGED:
		if (!g->no_ack)
			g->send(g->target, "-", 1);
		break;
	case PACKET_NAK:
		if (!g->no_ack && g->frame_len)
			g->send(g->target, g->frame, g->frame_len);
		break;
	case PACKET_INTERRUPT:
		return g->running;
	case PACKET_ACK:
	case PACKET_NOTHING:
		break;
	}
	return false;
}

/* The target, which was running, has stopped. */
void gdb_stopped(struct gdb *g, const struct thread_stop *stop)
{
	g->running = false;
	g->stop = *stop;
	g->general = stop->thread;
	g->control = ALL_THREADS;
	text_clear(&g->reply);
	put_stop(g);
	send_reply(g);
}

/* The target is no more. */
void gdb_exited(struct gdb *g, int status)
{
	g->running = false;
	g->ended = true;
	text_clear(&g->reply);
	text_printf(&g->reply, "W%02x", status & 0xff);
	send_reply(g);
}
