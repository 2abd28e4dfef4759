/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A target for the protocol of gdb that is no VM: two threads and a little memory. For the unit
 * tests and the fuzzer (selftests/fuzz/gdb).
 */
#ifndef MINIKVM_TOOL_DEBUG_MODEL_H
#define MINIKVM_TOOL_DEBUG_MODEL_H

#include "debug/protocol.h"

#define MODEL_THREADS	2
#define MODEL_MEMORY	0x1000ULL	/* where it begins */
#define MODEL_SIZE	0x1800U

/**
 * struct model - the target and what was done to it
 * @gdb: the connection
 * @registers: of each thread
 * @memory: at MODEL_MEMORY
 * @breakpoints: what is set
 * @action: of the last resumption
 * @resumed: how often
 * @detached: a detach was asked for
 * @killed: so was the end
 * @bad: a promise of protocol.h was broken
 * @sent: all bytes to the debugger
 * @sent_len: how many
 * @answer: the contents of the last frame
 */
struct model {
	struct gdb gdb;
	struct debug_registers registers[MODEL_THREADS];
	__u8 memory[MODEL_SIZE];
	struct breakpoints breakpoints;
	enum thread_action action[THREADS_MAX];
	unsigned int resumed;
	bool detached, killed, bad;
	char sent[2 * PACKET_FRAME_MAX];
	size_t sent_len;
	char answer[PACKET_MAX + 1];
};

void model_open(struct model *m);
void model_bytes(struct model *m, const void *data, size_t len);
const char *model_ask(struct model *m, const char *contents, size_t len);

#endif
