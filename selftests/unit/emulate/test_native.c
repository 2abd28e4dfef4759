// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_native.c - does the emulator do what this machine's processor does?
 *
 * Random instructions on random registers and memory run three times: on the processor (native.S),
 * in the emulator with the memory as RAM, and in the emulator with it as a device.  Registers,
 * defined flags, vectors, memory and exceptions must be the same.  Flags that the SDM leaves
 * undefined are masked out.  Usage: test_native [CASES [SEED [bochs]]]; the same seed makes the
 * same cases.  With "bochs", for Bochs 3.0 as the processor, what it does wrong is left out:
 * bochs_errs().
 *
 * The loop runs in a child process, so that an instruction that breaks out of its page is reported
 * with its bytes, too.
 */
#define _GNU_SOURCE

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "insn.h"
#include "native.h"
#include "tap.h"

#define MAX_FAILURES 8
#define WINDOW 96		/* bytes of fresh data around every address used */

enum {
	G_MODRM = 1 << 0,
	G_MEM = 1 << 1,		/* memory form only */
	G_MOFFS = 1 << 2,
	G_REP = 1 << 3,		/* string: may have F2 or F3 */
	G_BRANCH = 1 << 4,	/* no 66 in 64-bit mode, where AMD and Intel differ */
	G_VECTOR = 1 << 5,	/* SSE or VEX, any mandatory prefix */
	G_SCAN = 1 << 6,	/* may have F3 */
	G_ONLY64 = 1 << 7,
	G_NOT64 = 1 << 8,
};

struct gen {
	u8 map, first, last;
	s8 reg;			/* ModRM.reg, -1: any */
	u16 flags;
};

static const struct gen gens[] = {
	{ 0, 0x00, 0x03, -1, G_MODRM }, { 0, 0x08, 0x0b, -1, G_MODRM },
	{ 0, 0x10, 0x13, -1, G_MODRM }, { 0, 0x18, 0x1b, -1, G_MODRM },
	{ 0, 0x20, 0x23, -1, G_MODRM }, { 0, 0x28, 0x2b, -1, G_MODRM },
	{ 0, 0x30, 0x33, -1, G_MODRM }, { 0, 0x38, 0x3b, -1, G_MODRM },
	{ 0, 0x50, 0x5f, -1, 0 },
	{ 0, 0x63, 0x63, -1, G_MODRM | G_ONLY64 | G_BRANCH },
	{ 0, 0x68, 0x68, -1, 0 }, { 0, 0x6a, 0x6a, -1, 0 },
	{ 0, 0x69, 0x69, -1, G_MODRM }, { 0, 0x6b, 0x6b, -1, G_MODRM },
	{ 0, 0x80, 0x81, -1, G_MODRM }, { 0, 0x83, 0x83, -1, G_MODRM },
	{ 0, 0x82, 0x82, -1, G_MODRM },
	{ 0, 0x84, 0x8b, -1, G_MODRM }, { 0, 0x8c, 0x8c, -1, G_MODRM },
	{ 0, 0x8f, 0x8f, 0, G_MODRM },
	{ 0, 0xa0, 0xa3, -1, G_MOFFS },
	{ 0, 0xa4, 0xa7, -1, G_REP }, { 0, 0xaa, 0xaf, -1, G_REP },
	{ 0, 0xc0, 0xc1, -1, G_MODRM }, { 0, 0xd0, 0xd3, -1, G_MODRM },
	{ 0, 0xc2, 0xc3, -1, G_BRANCH }, { 0, 0xe8, 0xe8, -1, G_BRANCH },
	{ 0, 0xc6, 0xc7, 0, G_MODRM },
	{ 0, 0xc9, 0xc9, -1, 0 }, { 0, 0xd7, 0xd7, -1, 0 },
	{ 0, 0xf6, 0xf7, -1, G_MODRM }, { 0, 0xf6, 0xf7, -1, G_MODRM },
	{ 0, 0xfe, 0xff, 0, G_MODRM }, { 0, 0xfe, 0xff, 1, G_MODRM },
	{ 0, 0xff, 0xff, 2, G_MODRM | G_MEM | G_BRANCH },
	{ 0, 0xff, 0xff, 4, G_MODRM | G_MEM | G_BRANCH },
	{ 0, 0xff, 0xff, 6, G_MODRM },
	{ 1, 0x10, 0x13, -1, G_MODRM | G_MEM | G_VECTOR },
	{ 1, 0x16, 0x17, -1, G_MODRM | G_MEM | G_VECTOR },
	{ 1, 0x28, 0x29, -1, G_MODRM | G_MEM | G_VECTOR },
	{ 1, 0x2b, 0x2b, -1, G_MODRM | G_MEM | G_VECTOR },
	{ 1, 0x6e, 0x6f, -1, G_MODRM | G_MEM | G_VECTOR },
	{ 1, 0x7e, 0x7f, -1, G_MODRM | G_MEM | G_VECTOR },
	{ 1, 0xd6, 0xd6, -1, G_MODRM | G_MEM | G_VECTOR },
	{ 1, 0xe7, 0xe7, -1, G_MODRM | G_MEM | G_VECTOR },
	{ 1, 0xf0, 0xf0, -1, G_MODRM | G_MEM | G_VECTOR },
	{ 2, 0x2a, 0x2a, -1, G_MODRM | G_MEM | G_VECTOR },
	{ 1, 0x0d, 0x0d, 1, G_MODRM | G_MEM }, { 1, 0x18, 0x18, 0, G_MODRM | G_MEM },
	{ 1, 0x1f, 0x1f, 0, G_MODRM },
	{ 1, 0x40, 0x4f, -1, G_MODRM }, { 1, 0x90, 0x9f, -1, G_MODRM },
	{ 1, 0xa3, 0xa5, -1, G_MODRM }, { 1, 0xab, 0xad, -1, G_MODRM },
	{ 1, 0xaf, 0xaf, -1, G_MODRM }, { 1, 0xb0, 0xb1, -1, G_MODRM },
	{ 1, 0xb3, 0xb3, -1, G_MODRM }, { 1, 0xb6, 0xb7, -1, G_MODRM },
	{ 1, 0xb8, 0xb8, -1, G_MODRM | G_SCAN }, { 1, 0xba, 0xba, -1, G_MODRM },
	{ 1, 0xbb, 0xbb, -1, G_MODRM }, { 1, 0xbc, 0xbd, -1, G_MODRM | G_SCAN },
	{ 1, 0xbe, 0xbf, -1, G_MODRM }, { 1, 0xc0, 0xc1, -1, G_MODRM },
	{ 1, 0xc3, 0xc3, -1, G_MODRM | G_MEM }, { 1, 0xc7, 0xc7, 1, G_MODRM | G_MEM },
	{ 2, 0xf0, 0xf1, -1, G_MODRM | G_MEM },
};

/* One case, in memory that survives the child. */
struct test_case {
	enum emul_mode mode;
	u8 bytes[32];
	unsigned int len;
	unsigned int disp_at;	/* where a displacement or moffs would be */
	u64 number;
	u64 seed;
};

/* Cases and failures by mode and operation, likewise. */
struct stats {
	struct test_case current;
	unsigned int cases[4][OP_GROUP_FIRST];
	unsigned int failures[4][OP_GROUP_FIRST];
	unsigned int faults[32];
	unsigned int total_failures;
	bool finished;
};

static struct stats *stats;
static struct machine before, native, in_ram, in_device;
static u8 ram_copy[DATA_SIZE], device_copy[DATA_SIZE];
static u64 random_state;
static bool on_bochs;

/* splitmix64: small, and the same everywhere. */
static u64 rnd(void)
{
	u64 z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static bool chance(unsigned int percent)
{
	return rnd() % 100 < percent;
}

/* Numbers of the kind that break arithmetic. */
static u64 interesting(void)
{
	u64 bit = 1ULL << (rnd() & 63);

	switch (rnd() % 8) {
	case 0:
		return rnd() % 4;
	case 1:
		return -(rnd() % 4);
	case 2:
		return bit;
	case 3:
		return bit - 1;
	case 4:
		return -bit;
	case 5:
		return rnd() & 0xff;
	default:
		return rnd();
	}
}

static void put(struct test_case *t, u8 byte)
{
	t->bytes[t->len++] = byte;
}

static void gen_prefixes(struct test_case *t, const struct gen *g)
{
	static const u8 overrides[] = { 0x26, 0x36, 0x3e, 0x65 };
	bool long64 = t->mode == EMUL_LONG64;

	if (chance(long64 ? 15 : 30))
		put(t, 0x67);
	if (chance(20))
		put(t, overrides[rnd() % 4]);
	if (g->flags & G_REP && chance(60))
		put(t, chance(50) ? 0xf3 : 0xf2);
	if (g->flags & G_SCAN && chance(60))
		put(t, 0xf3);
	if (g->flags & G_MODRM && !(g->flags & G_VECTOR) && chance(8))
		put(t, 0xf0);
}

/* The same opcode in its SSE form with a mandatory prefix, or in a VEX form. */
static void gen_vector(struct test_case *t, const struct gen *g, u8 opcode)
{
	u8 vvvv = chance(80) ? 15 : rnd() & 15;
	u8 pp = rnd() & 3;
	u8 l = chance(40) ? 4 : 0;
	u8 low = t->mode == EMUL_LONG64 ? 0 : 0xc0;

	/* Without a prefix these are MMX, whose registers the harness has not. */
	if (!pp && g->map == 1 && (opcode == 0xe7 || (opcode & 0xee) == 0x6e))
		pp = 1;
	if (chance(45)) {
		static const u8 prefix[4] = { 0, 0x66, 0xf3, 0xf2 };

		if (pp)
			put(t, prefix[pp]);
		if (t->mode == EMUL_LONG64 && chance(50))
			put(t, 0x40 | (rnd() & 15));
		put(t, 0x0f);
		if (g->map == 2)
			put(t, 0x38);
	} else if (g->map == 1 && chance(50)) {
		put(t, 0xc5);
		put(t, low | (rnd() & 0x80) | vvvv << 3 | l | pp);
	} else {
		put(t, 0xc4);
		put(t, low | (rnd() & 0xe0) | g->map);
		put(t, (chance(30) ? 0x80 : 0) | vvvv << 3 | l | pp);
	}
	put(t, opcode);
}

static void gen_plain(struct test_case *t, const struct gen *g, u8 opcode)
{
	bool long64 = t->mode == EMUL_LONG64;

	if (chance(25) && !(g->flags & G_BRANCH && long64))
		put(t, 0x66);
	if (long64 && chance(55))
		put(t, 0x40 | (rnd() & 15));
	if (g->map)
		put(t, 0x0f);
	if (g->map == 2)
		put(t, 0x38);
	put(t, opcode);
}

static void gen_case(struct test_case *t, const struct gen *g)
{
	u8 opcode = g->first + rnd() % (g->last - g->first + 1);
	unsigned int i;

	t->len = 0;
	gen_prefixes(t, g);
	if (g->flags & G_VECTOR)
		gen_vector(t, g, opcode);
	else
		gen_plain(t, g, opcode);

	t->disp_at = t->len;
	if (g->flags & G_MODRM) {
		u8 mod = rnd() % 3;
		u8 modrm;

		if (!(g->flags & G_MEM) && chance(15))
			mod = 3;
		modrm = mod << 6 | (rnd() & 63);
		if (g->reg >= 0)
			modrm = (modrm & 0xc7) | g->reg << 3;
		put(t, modrm);
		t->disp_at = t->len + 1;	/* with a SIB; corrected in patch_displacement() */
	}
	for (i = 0; i < 12; i++)
		put(t, interesting());
}

static u64 segment_base(enum emul_seg seg)
{
	if (before.c.mode == EMUL_LONG64 && seg != EMUL_GS)
		return 0;
	return before.seg_base[seg];
}

/* A linear address inside the sandbox, whichever segment it is reached through. */
static u64 pick_target(bool aligned)
{
	u64 target = DATA_BASE + 0x4000 + rnd() % 0x8000;

	if (aligned)
		return target & ~63ULL;
	if (chance(50))
		return target & ~15ULL;
	if (chance(3))			/* the end of memory, or of the segment */
		return DATA_BASE + DATA_SIZE - rnd() % 16;
	if (chance(20))
		return (target & ~4095ULL) - rnd() % 16;
	return target;
}

/* Write the displacement so that the operand without a base is at @offset. */
static void patch_displacement(struct test_case *t, u64 offset)
{
	const struct emul_decoded *d = &before.c.d;
	unsigned int size = d->addr_size == 2 ? 2 : 4;
	unsigned int end = before.c.insn_len - d->imm_size;

	if (!d->has_modrm)		/* moffs: as wide as the address */
		size = d->addr_size;
	if (d->mem.rip_relative)
		offset -= before.c.rip + before.c.insn_len;
	memcpy(t->bytes + end - size, &offset, size);
}

/* Choose base and index, or the displacement, so that the operand is at linear address @target. */
static bool aim(struct test_case *t, u64 target)
{
	const struct emul_decoded *d = &before.c.d;
	const struct emul_mem *m = &d->mem;
	u64 offset = target - segment_base(m->seg);
	u64 garbage = d->addr_size == 8 ? 0 : interesting() & ~emul_mask(d->addr_size);
	u64 *gpr = before.c.gpr;

	if (offset & ~emul_mask(d->addr_size))
		return false;	/* would wrap to somewhere else */
	if (d->map == MAP_1B && d->opcode == 0xd7) {
		gpr[REG_BX] = (offset - (gpr[REG_AX] & 0xff)) & emul_mask(d->addr_size);
		return true;
	}
	if (m->base < 0) {
		if (m->index >= 0) {
			gpr[m->index] = rnd() & 0xff;
			offset -= gpr[m->index] << m->scale;
		}
		patch_displacement(t, offset);
		return true;
	}
	offset -= m->disp;
	if (m->base == m->index) {
		offset &= emul_mask(d->addr_size);
		gpr[m->base] = offset / (1 + (1 << m->scale));
		return !(offset % (1 + (1 << m->scale)));
	}
	if (m->index >= 0)
		offset -= gpr[m->index] << m->scale;
	gpr[m->base] = (offset & emul_mask(d->addr_size)) | garbage;
	return true;
}

/* Fresh data around an address, the same in all three memories. */
static void fill_window(u64 target, bool small)
{
	u64 start = target - WINDOW;
	u64 end = target + WINDOW;
	u64 at;

	if (start < DATA_BASE)
		start = DATA_BASE;
	if (end > DATA_BASE + DATA_SIZE)
		end = DATA_BASE + DATA_SIZE;
	for (at = start; at + 8 <= end; at += 8) {
		u64 value = small ? 0x0101010101010101ULL * (rnd() % 64 == 0) : interesting();

		memcpy((void *)at, &value, 8);
	}
	memcpy(ram_copy + (start - DATA_BASE), (void *)start, end - start);
	memcpy(device_copy + (start - DATA_BASE), (void *)start, end - start);
}

static void poke(u64 linear, u64 value, unsigned int len)
{
	if (linear < DATA_BASE || linear + len > DATA_BASE + DATA_SIZE)
		return;
	memcpy((void *)linear, &value, len);
	memcpy(ram_copy + (linear - DATA_BASE), &value, len);
	memcpy(device_copy + (linear - DATA_BASE), &value, len);
}

/* Operands that make the instruction do something worth comparing. */
static bool prepare_operands(struct test_case *t, u64 target, u64 stack)
{
	const struct emul_decoded *d = &before.c.d;
	u64 branch = native_branch_target(t->mode);
	u64 *gpr = before.c.gpr;
	unsigned int size = d->size > 8 ? 8 : d->size;
	unsigned int i;
	u64 offset;

	switch (d->op) {
	case OP_BT ... OP_BTC:
		if (d->src == ARG_REG && d->has_mem) {
			unsigned int reg = emul_modrm_reg(&before.c);

			if ((int)reg == d->mem.base || (int)reg == d->mem.index)
				return false;
			offset = rnd() % 2048 - 1024;
			gpr[reg] = (offset & emul_mask(size)) | (rnd() & ~emul_mask(size));
		}
		break;
	case OP_DIV:
	case OP_IDIV:
		/* Mostly a dividend that fits, so that not all are #DE. */
		if (chance(60))
			gpr[REG_DX] = 0;
		if (chance(60) && d->op == OP_IDIV && gpr[REG_AX] & emul_sign_bit(size))
			gpr[REG_DX] = ~0ULL;
		break;
	case OP_CMPXCHG:
		if (chance(50))
			poke(target, gpr[REG_AX], size);
		break;
	case OP_CMPXCHG8B:
		if (chance(50)) {
			poke(target, gpr[REG_AX], d->size / 2);
			poke(target + d->size / 2, gpr[REG_DX], d->size / 2);
		}
		break;
	case OP_CALL:
	case OP_JMP:
		if (d->imm_size) {
			offset = branch - (before.c.rip + before.c.insn_len);
			memcpy(t->bytes + before.c.insn_len - d->imm_size, &offset, d->imm_size);
		} else {
			poke(target, branch, size);
		}
		break;
	case OP_RET:
		poke(stack, branch, size);
		break;
	}

	if (d->op >= OP_MOVS && d->op <= OP_SCAS) {
		u64 mask = emul_mask(d->addr_size);
		enum emul_seg seg = d->seg_override >= 0 ? d->seg_override : EMUL_DS;

		gpr[REG_SI] = ((target - segment_base(seg)) & mask) | (gpr[REG_SI] & ~mask);
		gpr[REG_DI] = ((stack - segment_base(EMUL_ES)) & mask) | (gpr[REG_DI] & ~mask);
		if (d->rep)
			gpr[REG_CX] = rnd() % 12 | (gpr[REG_CX] & ~mask);
		/* What CX = 0 under 67 does to upper halves is not the SDM's. */
		if (d->rep && d->addr_size == 4 && !(gpr[REG_CX] & mask))
			return false;
		if (chance(70))
			gpr[REG_AX] = 0;
	}
	for (i = 0; t->mode != EMUL_LONG64 && i < 16; i++)
		gpr[i] = i < 8 ? (u32)gpr[i] : 0;
	return true;
}

/* Older processors run TZCNT and LZCNT as BSF and BSR, and know nothing of VEX. */
static bool processor_has(u8 op, bool vex)
{
	if (vex)
		return __builtin_cpu_supports("avx2");
	if (op == OP_TZCNT)
		return __builtin_cpu_supports("bmi");
	if (op == OP_LZCNT)
		return __builtin_cpu_supports("lzcnt");
	if (op == OP_POPCNT)
		return __builtin_cpu_supports("popcnt");
	if (op == OP_MOVBE)
		return __builtin_cpu_supports("movbe");
	return true;
}

/*
 * Bochs 3.0 in 64-bit mode: MOV from a segment register counts REX.R, which the SDM ignores;
 * LEAVE takes no notice of an operand size of 16 bits; a repeated string instruction with 32-bit
 * addresses stops the emulator on an assertion of its own (faststring.cc).  In 32-bit mode it heeds
 * VEX.W of VMOVD and the high bit of VEX.vvvv, which the SDM says are ignored there.
 */
static bool bochs_errs(void)
{
	const struct emul_decoded *d = &before.c.d;

	if (before.c.mode != EMUL_LONG64)
		return d->vex;
	return (d->map == MAP_1B && d->opcode == 0x8c) || (d->op == OP_LEAVE && d->size == 2) ||
	       (d->rep && d->op >= OP_MOVS && d->op <= OP_SCAS && d->addr_size == 4);
}

/* The result itself is undefined: SHLD and SHRD by more than the operand's bits. */
static bool undefined_result(void)
{
	const struct emul_decoded *d = &before.c.d;
	u64 count = d->imm_size ? d->imm : before.c.gpr[REG_CX];

	return (d->op == OP_SHLD || d->op == OP_SHRD) && d->size == 2 && (count & 31) > 16;
}

/* Make one case complete: mode, instruction, registers, memory.  False: not a usable one. */
static bool make_case(struct test_case *t)
{
	const struct gen *g = &gens[rnd() % ARRAY_SIZE(gens)];
	u64 target, stack, mask;
	bool locked, stack32;
	unsigned int i;

	t->mode = EMUL_LONG64;
	if (chance(35) && native_has_mode(EMUL_PROT32))
		t->mode = chance(50) && native_has_mode(EMUL_PROT16) ? EMUL_PROT16 : EMUL_PROT32;
	gen_case(t, g);

	machine_init(&before, t->mode);
	stack32 = chance(50) || !native_has_mode(EMUL_PROT16);
	native_fill_segments(&before, stack32);
	before.code = t->bytes;
	before.code_base = t->mode == EMUL_LONG64 ? native_rip(t->mode) : CODE_PAGE +
			   native_rip(t->mode);
	before.code_size = t->len;
	before.c.rip = native_rip(t->mode);
	before.ram_base = DATA_BASE;
	before.ram_size = DATA_SIZE;
	for (i = 0; i < 16; i++)
		before.c.gpr[i] = interesting();
	for (i = 0; i < sizeof(before.ymm) / 8; i++) {
		u64 value = interesting();

		memcpy((u8 *)before.ymm + 8 * i, &value, 8);
	}
	before.c.rflags = 2 | (interesting() & (FLAGS_STATUS | FLAG_DF));

	switch (emul_decode(&before.c)) {
	case EMUL_OK:
		break;
	case EMUL_FAULT:	/* #UD: the processor must think so, too */
		return processor_has(before.c.d.op, before.c.d.vex);
	default:
		return false;
	}
	if (!processor_has(before.c.d.op, before.c.d.vex) || (on_bochs && bochs_errs()))
		return false;
	t->len = before.c.insn_len;

	/* Locked accesses across cache lines may be trapped by the host's kernel. */
	locked = before.c.d.lock || before.c.d.op == OP_XCHG || before.c.d.op == OP_CMPXCHG8B;
	target = pick_target(locked);
	stack = pick_target(false);
	mask = t->mode == EMUL_LONG64 ? ~0ULL : stack32 ? 0xffffffff : 0xffff;
	before.c.gpr[REG_SP] = ((stack - segment_base(EMUL_SS)) & mask) |
			       (before.c.gpr[REG_SP] & ~mask);
	if (before.c.d.op == OP_LEAVE)
		before.c.gpr[REG_BP] = before.c.gpr[REG_SP];
	fill_window(target, before.c.d.op >= OP_MOVS && before.c.d.op <= OP_SCAS);
	fill_window(stack, before.c.d.op >= OP_MOVS && before.c.d.op <= OP_SCAS);
	if (!prepare_operands(t, target, stack))
		return false;
	if (before.c.d.has_mem && !aim(t, target))
		return false;
	/* Where the operand is addressed by rSP, the stack may now be anywhere in the process. */
	stack = before.c.gpr[REG_SP] & mask;
	if (emul_traits[before.c.d.op].flags & (T_STACK | T_BRANCH) &&
	    stack + segment_base(EMUL_SS) - DATA_BASE > DATA_SIZE)
		return false;
	if (t->mode == EMUL_LONG64 && before.c.d.has_mem && before.c.d.mem.base >= 0 && chance(2))
		before.c.gpr[before.c.d.mem.base & 15] ^= 1ULL << 50;	/* not canonical */
	for (i = 0; t->mode != EMUL_LONG64 && i < 16; i++)
		before.c.gpr[i] = i < 8 ? (u32)before.c.gpr[i] : 0;
	return !undefined_result();
}

/* Flags that the SDM leaves undefined after the instruction. */
static u64 undefined_flags(void)
{
	const struct emul_decoded *d = &in_ram.c.d;
	unsigned int count = d->src == ARG_ONE ? 1 : d->imm_size ? d->imm : before.c.gpr[REG_CX];

	count &= d->size == 8 ? 63 : 31;
	switch (d->op) {
	case OP_AND:
	case OP_OR:
	case OP_XOR:
	case OP_TEST:
		return FLAG_AF;
	case OP_ROL ... OP_RCR:
		return count == 1 ? 0 : FLAG_OF;
	case OP_SHL ... OP_SAL:
		if (!count)
			return 0;
		return FLAG_AF | (count == 1 ? 0 : FLAG_OF) |
		       (count >= 8 * d->size ? FLAG_CF : 0);
	case OP_SAR:
	case OP_SHLD:
	case OP_SHRD:
		if (!count)
			return 0;
		return FLAG_AF | (count == 1 ? 0 : FLAG_OF);
	case OP_BT ... OP_BTC:
		return FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF;
	case OP_MUL:
	case OP_IMUL:
	case OP_IMUL2:
	case OP_IMUL3:
		return FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF;
	case OP_DIV:
	case OP_IDIV:
		return FLAGS_STATUS;
	case OP_BSF:
	case OP_BSR:
		return FLAGS_STATUS & ~FLAG_ZF;
	case OP_TZCNT:
	case OP_LZCNT:
		return FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF;
	default:
		return 0;
	}
}

/*
 * Count and index registers of a string instruction with 32-bit addresses in 64-bit mode: when the
 * first iteration faults some processors have cleared their upper halves already.
 */
static bool upper_half_is_open(const struct machine *m, unsigned int reg, bool fault)
{
	return fault && m->c.d.addr_size == 4 &&
	       (reg == REG_CX || reg == REG_SI || reg == REG_DI);
}

/* @b has decoded the instruction, @a may be the processor. */
static const char *compare_registers(const struct machine *a, const struct machine *b, bool fault)
{
	u64 mask = a->c.mode == EMUL_LONG64 ? ~0ULL : 0xffffffff;
	bool string = b->c.d.op >= OP_MOVS && b->c.d.op <= OP_SCAS;
	unsigned int i;

	for (i = 0; i < 16; i++)
		if ((a->c.gpr[i] ^ b->c.gpr[i]) & mask &
		    (string && upper_half_is_open(b, i, fault) ? 0xffffffff : ~0ULL))
			return "general registers";
	/* A fault in the middle of REPE CMPS: the SDM does not say whose the flags are. */
	if (!(fault && string) && (a->c.rflags ^ b->c.rflags) & ~(fault ? 0 : undefined_flags()))
		return "flags";
	if (!fault && memcmp(a->ymm, b->ymm, sizeof(a->ymm)))
		return "vector registers";
	return NULL;
}

static const char *compare_memory(u64 number)
{
	unsigned int i;

	for (i = 0; i < in_ram.nr_writes && i < MACHINE_WRITES; i++) {
		const struct machine_write *w = &in_ram.writes[i];

		if (memcmp((void *)w->addr, ram_copy + (w->addr - DATA_BASE), w->len))
			return "memory that was written";
	}
	if (number % 64)
		return NULL;
	if (memcmp((void *)DATA_BASE, ram_copy, DATA_SIZE))
		return "memory somewhere, in this case or the 63 before it";
	if (memcmp(device_copy, ram_copy, DATA_SIZE))
		return "device memory somewhere, in this case or the 63 before it";
	return NULL;
}

/* Run a complete case all three ways. */
static const char *run_case(struct test_case *t)
{
	struct native_result hw;
	enum emul_rc rc, device_rc;
	const char *what;

	native = before;
	in_ram = before;
	in_ram.c.opaque = &in_ram;
	in_ram.ram = ram_copy;
	in_device = before;
	in_device.c.opaque = &in_device;
	in_device.ram = device_copy;
	in_device.mmio_end = ~0ULL;

	rc = machine_run(&in_ram);
	device_rc = machine_run(&in_device);
	native.c.insn_len = in_ram.c.insn_len;
	native_set_code(t->mode, t->bytes, in_ram.c.insn_len);
	hw = native_execute(&native);
	native.c.fault.vector = hw.vector;

	if (in_ram.broken || in_device.broken)
		return in_ram.broken ? in_ram.broken : in_device.broken;
	if (rc != device_rc)
		return "RAM and device give different results";
	if (rc != (hw.vector < 0 ? EMUL_OK : EMUL_FAULT))
		return hw.vector < 0 ? "only the emulator faults" : "only the processor faults";
	if (rc == EMUL_FAULT) {
		stats->faults[hw.vector & 31]++;
		/* Which of two violations of a vector move is first, the processor may choose. */
		if (in_ram.c.fault.vector != hw.vector &&
		    !(in_ram.c.d.op == OP_SSE && hw.vector == EMUL_GP &&
		      in_ram.c.fault.vector == EMUL_SS_FAULT))
			return "another exception";
	} else if (in_ram.c.rip != hw.rip) {
		return "next instruction";
	}
	what = compare_registers(&native, &in_ram, rc == EMUL_FAULT);
	if (!what)
		what = compare_registers(&in_device, &in_ram, false);
	return what ? what : compare_memory(t->number);
}

static void print_state(const char *name, const struct machine *m)
{
	unsigned int i;

	printf("# %-9s", name);
	for (i = 0; i < 16; i++)
		printf(" %llx", m->c.gpr[i]);
	printf(" rip %llx fl %llx", m->c.rip, m->c.rflags);
	printf(" vector %d\n", m->c.fault.vector);
}

static void print_case(const struct test_case *t, const char *what)
{
	static const char *const modes[] = { "real", "16-bit", "32-bit", "64-bit" };
	unsigned int i;

	printf("# case %llu of seed %llu, %s:", t->number,
	       t->seed, modes[t->mode]);
	for (i = 0; i < t->len && i < sizeof(t->bytes); i++)
		printf(" %02x", t->bytes[i]);
	printf(": %s\n", what);
}

static void loop(u64 cases, u64 seed)
{
	struct test_case *t = &stats->current;
	u64 made = 0;

	t->seed = seed;
	random_state = seed;
	while (made < cases && stats->total_failures < MAX_FAILURES) {
		const char *what;

		if (!make_case(t))
			continue;
		t->number = made++;
		what = run_case(t);
		stats->cases[t->mode][in_ram.c.d.op]++;
		if (!what)
			continue;
		stats->failures[t->mode][in_ram.c.d.op]++;
		stats->total_failures++;
		print_case(t, what);
		print_state("before", &before);
		print_state("processor", &native);
		print_state("emulator", &in_ram);
		print_state("device", &in_device);
		/* Start the next case from equal memories again. */
		memcpy(ram_copy, (void *)DATA_BASE, DATA_SIZE);
		memcpy(device_copy, (void *)DATA_BASE, DATA_SIZE);
	}
	stats->finished = true;
}

static void report(u64 cases)
{
	static const char *const modes[] = { "real", "16-bit", "32-bit", "64-bit" };
	unsigned int mode, op, total = 0;

	if (native_why_not(EMUL_PROT32))
		tap_ok(true, "a segment that is refused is noticed # SKIP %s",
		       native_why_not(EMUL_PROT32));
	else
		tap_ok(native_notices_refusal(), "a segment that is refused is noticed");
	for (mode = EMUL_PROT16; mode <= EMUL_LONG64; mode++) {
		/* Skipped here, it runs in the lab: the names there must be the same. */
		if (!native_has_mode(mode)) {
			tap_ok(true, "%s code runs # SKIP %s", modes[mode],
			       native_why_not(mode));
			continue;
		}
		tap_ok(true, "%s code runs", modes[mode]);
		for (op = OP_NONE + 1; op < OP_GROUP_FIRST; op++) {
			struct emul_ctxt name = { .d.op = op };
			unsigned int n = stats->cases[mode][op];

			/* Not generated: ports, and an instruction of few processors. */
			if (op == OP_MOVDIR64B || op == OP_INS || op == OP_OUTS)
				continue;
			/* Nor stacks, segments and system registers: kselftest decoder_diff. */
			if (op >= OP_PUSHA && op <= OP_FXRSTOR)
				continue;
			if (!processor_has(op, false)) {
				tap_ok(true, "%s %s # SKIP not in this processor", modes[mode],
				       emul_mnemonic(&name));
				continue;
			}
			tap_ok(!stats->failures[mode][op] && (n || cases < 10000), "%s %s",
			       modes[mode], emul_mnemonic(&name));
			total += n;
		}
	}
	tap_ok(stats->finished && !stats->total_failures, "all cases ran");
	printf("# %u cases like the processor\n", total);
	printf("# exceptions: #DE %u, #UD %u, #SS %u, #GP %u, #PF %u\n", stats->faults[0],
	       stats->faults[6], stats->faults[12], stats->faults[13], stats->faults[14]);
}

int main(int argc, char **argv)
{
	const char *why = native_init();
	u64 seed = time(NULL);
	u64 cases = 400000;
	int status;
	pid_t pid;

	if (argc > 1)
		cases = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0);
	on_bochs = argc > 3 && !strcmp(argv[3], "bochs");

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	printf("# seed %llu, %llu cases\n", seed, cases);
	fflush(stdout);
	stats = mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (stats == MAP_FAILED) {
		printf("Bail out! no memory\n");
		return 1;
	}

	pid = fork();
	if (!pid) {
		alarm(300);
		loop(cases, seed);
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		print_case(&stats->current, "the test process died in this case");
	report(cases);
	return tap_done();
}
