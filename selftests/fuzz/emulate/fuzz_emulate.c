// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_emulate.c - libFuzzer target: hostile bytes, registers and callbacks for the emulator.
 *
 * Everything that a guest controls comes from the input: mode, registers, segments, instruction and
 * memory; so does what may go wrong outside: pages that are missing, lost compare-exchange races,
 * optional callbacks that are not there.  ASan and UBSan watch the emulator; the machine of the
 * unit tests watches the promises of emulate.h, and this file adds those about the final result.
 */
#include <stdlib.h>

#include "insn.h"
#include "machine.h"

#define RAM_SIZE 0x4000
#define RAM_BASE 0x10000
#define CODE_AT 0x10000

/* The input starts with this; whatever follows is instruction bytes. */
struct input {
	u8 mode;
	u8 options;
	u8 code_room;		/* bytes to the end of the code's page, 0: all */
	u8 anchored;		/* registers whose high bits are replaced, to hit memory */
	u8 anchored_high;
	u8 stack_size;
	u8 memory_seed;
	u8 segments;
	u64 rflags;
	u64 gpr[16];
};

enum {
	OPT_DEVICE = 1 << 0,
	OPT_RETRY = 1 << 1,
	OPT_NO_XMM = 1 << 2,
	OPT_NO_SYSTEM = 1 << 3,
	OPT_NO_CMPXCHG = 1 << 4,
	OPT_LA57 = 1 << 5,
	OPT_NO_SEGMENTS = 1 << 6,
	OPT_HALF_DEVICE = 1 << 7,
};

static u8 ram[RAM_SIZE];
static u8 code[4096];
static struct machine machine;

static void require(bool promise, const char *what)
{
	unsigned int i;

	if (promise)
		return;
	fprintf(stderr, "broken promise: %s\n%s,", what, emul_mnemonic(&machine.c));
	for (i = 0; i < machine.c.insn_len; i++)
		fprintf(stderr, " %02x", machine.c.insn[i]);
	fprintf(stderr, "\n");
	abort();
}

/* Map what the input says to something that often enough reaches memory. */
static void set_registers(struct machine *m, const struct input *in)
{
	unsigned int anchored = in->anchored | in->anchored_high << 8;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		m->c.gpr[i] = in->gpr[i];
		if (anchored & 1 << i)
			m->c.gpr[i] = RAM_BASE + m->c.gpr[i] % (RAM_SIZE + 64) - 32;
	}
	m->c.rflags = (in->rflags & (FLAGS_STATUS | FLAG_DF | FLAG_RF)) | 2;
	for (i = 0; i < EMUL_NR_SEGS; i++) {
		m->seg_base[i] = in->segments & 1 << i ? RAM_BASE : 0;
		m->seg_limit[i] = in->segments & 0x40 ? 0xfff : 0xffffffff;
	}
}

static void set_options(struct machine *m, struct emul_ops *ops, u8 options)
{
	*ops = machine_ops;
	if (options & OPT_NO_XMM)
		ops->read_xmm = NULL;
	if (options & OPT_NO_SYSTEM) {
		ops->load_cs = NULL;
		ops->read_table = NULL;
		ops->read_cr0 = NULL;
		ops->x87_word = NULL;
		ops->fxsave = NULL;
		ops->read_mm = NULL;
		ops->umip = NULL;
	}
	if (options & OPT_NO_CMPXCHG)
		ops->cmpxchg = NULL;
	if (options & OPT_NO_SEGMENTS) {
		ops->segment_check = NULL;
		ops->segment_selector = NULL;
		ops->load_segment = NULL;
	}
	m->c.ops = ops;
	m->c.cpl = options & OPT_HALF_DEVICE ? 3 : 0;
	m->c.la57 = options & OPT_LA57;
	m->retry = options & OPT_RETRY;
	if (options & (OPT_DEVICE | OPT_HALF_DEVICE)) {
		m->mmio_start = RAM_BASE;
		m->mmio_end = RAM_BASE + (options & OPT_DEVICE ? RAM_SIZE : RAM_SIZE / 2);
	}
}

static void check_result(const struct machine *m, const struct emul_ctxt *before,
			 enum emul_rc rc)
{
	const struct emul_ctxt *c = &m->c;
	u8 op = c->d.op;
	bool branch = op == OP_CALL || op == OP_JMP || op == OP_RET ||
		      (op >= OP_CALL_FAR && op <= OP_IRET);
	bool several = op == OP_PUSHA || op == OP_ENTER || op == OP_CALL_FAR || op == OP_FXSAVE;
	bool string = op >= OP_MOVS && op <= OP_OUTS;
	u64 flags = FLAGS_STATUS | FLAG_RF;
	u64 next = before->rip + c->insn_len;

	if (c->mode != EMUL_LONG64)
		next = (u32)next;
	require(!m->broken, m->broken);
	require(c->insn_len <= EMUL_MAX_INSN && c->insn_len <= c->fetched, "length within bytes");
	if (rc == EMUL_OK) {
		require(c->rep_more ? c->rip == before->rip : branch || c->rip == next,
			"rip moves by the length, or stays for REP");
		require(!(c->rflags & FLAG_RF) || c->rep_more || op == OP_IRET,
			"the end of it clears RF");
	} else {
		require(c->rip == before->rip, "rip stays without EMUL_OK");
		require(string || m->nr_writes == 0, "no write without EMUL_OK");
	}
	require(string || m->nr_writes <= (several ? 33 : 1), "one write per instruction");
	require(!c->rep_more || string, "only string instructions repeat");
	if (op == OP_POPF || op == OP_IRET)
		flags |= FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_AC | FLAG_ID;
	require((c->rflags & 2) && !((c->rflags ^ before->rflags) & ~flags),
		"only status flags change, but for POPF and IRET");
}

/* The Makefile gives this the name that libFuzzer calls. */
int fuzz_one_input(const u8 *data, size_t size);

int fuzz_one_input(const u8 *data, size_t size)
{
	struct machine *m = &machine;
	struct emul_ctxt before;
	struct emul_ops ops;
	unsigned int steps;
	struct input in;
	enum emul_rc rc;
	size_t room;

	if (size < sizeof(in) + 1)
		return 0;
	memcpy(&in, data, sizeof(in));
	data += sizeof(in);
	size -= sizeof(in);
	if (size > 32)
		size = 32;

	machine_init(m, in.mode & 3);
	memset(ram, in.memory_seed, sizeof(ram));
	m->ram = ram;
	m->ram_base = RAM_BASE;
	m->ram_size = RAM_SIZE;
	set_registers(m, &in);
	set_options(m, &ops, in.options);
	m->c.stack_size = in.stack_size & 6 ? in.stack_size & 6 : 0;
	if (m->c.stack_size == 6)
		m->c.stack_size = 4;

	/* The code may end with its page, and nothing comes behind that. */
	room = in.code_room && in.code_room < size ? in.code_room : size;
	memset(code, 0x90, sizeof(code));
	memcpy(code + sizeof(code) - room, data, room);
	m->code = code;
	m->code_size = sizeof(code);
	m->code_base = CODE_AT;
	m->seg_base[EMUL_CS] = m->c.mode == EMUL_LONG64 ? 0 : CODE_AT;
	m->c.rip = (m->c.mode == EMUL_LONG64 ? CODE_AT : 0) + sizeof(code) - room;

	/* A few batches of REP are enough; a guest may ask for any number. */
	for (steps = 0; steps < 3; steps++) {
		before = m->c;
		m->nr_writes = 0;
		rc = machine_step(m);
		check_result(m, &before, rc);
		if (rc != EMUL_OK || !m->c.rep_more)
			break;
	}
	return 0;
}
