// SPDX-License-Identifier: GPL-2.0-only
/*
 * The differential guest fuzzer's programs: random instructions on random operands, of which most
 * lie on or beside the border of a page. SDM volume 2, "Instruction Format" and the opcode maps.
 * What is compared must be defined: behind an instruction that leaves flags undefined comes a CMP,
 * and where a trap or an interrupt could come between the two there is no such instruction.
 */
#include "fuzz.h"

#include <string.h>

/* Operands of a row. */
#define M BIT(0)	/* ModRM */
#define MEM BIT(1)	/* ... of memory alone */
#define IB BIT(2)
#define IW BIT(3)
#define IZ BIT(4)	/* two or four bytes, as the operand is */
#define MOFFS BIT(5)
#define DIGIT BIT(6)	/* ModRM.reg is the row's @digit */
#define SREG BIT(7)	/* a selector is in AX first */
#define UNDEF BIT(8)	/* flags are undefined behind it */
#define NO64 BIT(9)
#define ONLY64 BIT(10)
#define REP BIT(11)	/* with REP now and then, and a small count always */
#define LOCK BIT(12)
#define PORT BIT(13)	/* port in DX first */
#define RING0 BIT(14)	/* a program in ring 3 has it seldom: it ends there */
#define CODE_PTR BIT(15)	/* the operand is to be the address of what follows */
#define SELECTOR BIT(17)	/* a selector goes to AX, and the operand is AX or [m] as it is */
#define WAKES BIT(18)	/* HLT: with an interrupt controller only where something wakes it */
#define NO_OVERRIDE BIT(19)	/* the operand size is left alone */

struct row {
	u8 prefix, n, op[3], digit;
	u32 flags;
	u8 weight;
};

#define R1(w, a, f) { 0, 1, { a }, 0, f, w }
#define R2(w, a, f) { 0, 2, { 0x0f, a }, 0, f, w }
#define R3(w, a, b, f) { 0, 3, { 0x0f, a, b }, 0, f, w }
#define P2(w, p, a, f) { p, 2, { 0x0f, a }, 0, f, w }
#define G1(w, a, d, f) { 0, 1, { a }, d, M | DIGIT | (f), w }
#define G2(w, a, d, f) { 0, 2, { 0x0f, a }, d, M | DIGIT | (f), w }

/* Opcode rows of arithmetic: r/m,r and r,r/m, bytes and words. */
#define ALU(a) R1(2, (a), M | LOCK), R1(2, (a) + 1, M | LOCK), R1(2, (a) + 2, M), R1(2, (a) + 3, M)
#define ALU_GROUP(d) G1(1, 0x80, d, IB | LOCK), G1(1, 0x81, d, IZ | LOCK), G1(1, 0x83, d, IB | LOCK)
#define SHIFT_GROUP(d) G1(1, 0xc0, d, IB | UNDEF), G1(1, 0xc1, d, IB | UNDEF), \
	G1(1, 0xd0, d, UNDEF), G1(1, 0xd1, d, UNDEF), G1(1, 0xd2, d, UNDEF), G1(1, 0xd3, d, UNDEF)

static const struct row rows[] = {
	ALU(0x00), ALU(0x10), ALU(0x18), ALU(0x28), ALU(0x38),
	R1(1, 0x08, M | LOCK | UNDEF), R1(1, 0x09, M | LOCK | UNDEF), R1(1, 0x23, M | UNDEF),
	R1(1, 0x31, M | LOCK | UNDEF), R1(1, 0x0b, M | UNDEF),
	R1(1, 0x84, M | UNDEF), R1(1, 0x85, M | UNDEF),
	ALU_GROUP(0), ALU_GROUP(2), ALU_GROUP(3), ALU_GROUP(5), ALU_GROUP(7),
	SHIFT_GROUP(0), SHIFT_GROUP(2), SHIFT_GROUP(4), SHIFT_GROUP(5), SHIFT_GROUP(7),
	/* MOV and its relatives */
	R1(6, 0x88, M), R1(8, 0x89, M), R1(6, 0x8a, M), R1(8, 0x8b, M), G1(3, 0xc6, 0, IB),
	G1(3, 0xc7, 0, IZ), R1(2, 0xa0, MOFFS), R1(2, 0xa1, MOFFS), R1(2, 0xa2, MOFFS),
	R1(2, 0xa3, MOFFS), R1(2, 0x86, M | LOCK), R1(2, 0x87, M | LOCK), R2(2, 0xb6, M),
	R2(2, 0xb7, M), R2(2, 0xbe, M), R2(2, 0xbf, M), R1(2, 0x63, M | ONLY64), R2(1, 0x44, M),
	R2(1, 0x4c, M), R2(1, 0x92, M), R2(1, 0x9f, M), R1(1, 0xd7, 0), R1(2, 0x8d, MEM | M),
	R3(1, 0x38, 0xf0, MEM | M), R3(1, 0x38, 0xf1, MEM | M), R2(1, 0xc3, MEM | M | NO_OVERRIDE),
	/* unary, multiplication, division */
	G1(1, 0xf6, 0, IB | UNDEF), G1(1, 0xf7, 0, IZ | UNDEF), G1(1, 0xf6, 2, LOCK),
	G1(1, 0xf7, 2, LOCK), G1(1, 0xf6, 3, LOCK), G1(1, 0xf7, 3, LOCK), G1(1, 0xf6, 4, UNDEF),
	G1(1, 0xf7, 4, UNDEF), G1(1, 0xf6, 5, UNDEF), G1(1, 0xf7, 5, UNDEF),
	G1(1, 0xf6, 6, UNDEF), G1(1, 0xf7, 6, UNDEF), G1(1, 0xf7, 7, UNDEF), G1(1, 0xfe, 0, LOCK),
	G1(1, 0xff, 0, LOCK), G1(1, 0xfe, 1, LOCK), G1(1, 0xff, 1, LOCK), R2(1, 0xaf, M | UNDEF),
	R1(1, 0x69, M | IZ | UNDEF), R1(1, 0x6b, M | IB | UNDEF),
	/* bits */
	R2(1, 0xa3, M | UNDEF), R2(1, 0xab, M | LOCK | UNDEF), R2(1, 0xb3, M | LOCK | UNDEF),
	R2(1, 0xbb, M | LOCK | UNDEF), G2(1, 0xba, 4, IB | UNDEF),
	G2(1, 0xba, 5, IB | LOCK | UNDEF),
	G2(1, 0xba, 6, IB | LOCK | UNDEF), G2(1, 0xba, 7, IB | LOCK | UNDEF),
	R2(1, 0xbc, M | UNDEF), R2(1, 0xbd, M | UNDEF), P2(1, 0xf3, 0xb8, M | UNDEF),
	R2(1, 0xa4, M | IB | UNDEF), R2(1, 0xa5, M | UNDEF), R2(1, 0xac, M | IB | UNDEF),
	/* atomic */
	R2(2, 0xb0, M | LOCK), R2(2, 0xb1, M | LOCK), R2(2, 0xc0, M | LOCK), R2(2, 0xc1, M | LOCK),
	G2(2, 0xc7, 1, MEM | LOCK),
	/* stack */
	R1(2, 0x50, 0), R1(2, 0x5b, 0), R1(1, 0x68, IZ), R1(1, 0x6a, IB), G1(3, 0xff, 6, 0),
	G1(3, 0x8f, 0, 0), R1(1, 0x60, NO64), R1(1, 0x61, NO64), R1(2, 0x9c, 0), R1(2, 0x9d, 0),
	R1(1, 0xc9, 0), { 0, 1, { 0xc8 }, 0, IW | IB, 1 },
	/* segments */
	R1(2, 0x8c, M), R1(6, 0x8e, M | SREG), R1(1, 0x06, NO64), R1(1, 0x0e, NO64),
	R1(1, 0x16, NO64), R1(1, 0x1e, NO64), R2(1, 0xa0, 0), R2(1, 0xa8, 0),
	R1(1, 0x1f, NO64 | SELECTOR), R1(1, 0x07, NO64 | SELECTOR), R1(1, 0x17, NO64 | SELECTOR),
	R2(1, 0xa1, SELECTOR), R2(1, 0xa9, SELECTOR), R1(1, 0xc4, MEM | M | NO64),
	R1(1, 0xc5, MEM | M | NO64), R2(1, 0xb2, MEM | M), R2(1, 0xb4, MEM | M),
	G2(1, 0x00, 0, 0), G2(1, 0x00, 1, 0), G2(1, 0x00, 2, RING0 | SELECTOR),
	G2(1, 0x00, 3, RING0 | SELECTOR), G2(1, 0x00, 4, SELECTOR), G2(1, 0x00, 5, SELECTOR),
	R2(1, 0x02, M | SELECTOR), R2(1, 0x03, M | SELECTOR), R1(1, 0x63, M | NO64),
	/* strings */
	R1(3, 0xa4, REP), R1(3, 0xa5, REP), R1(1, 0xa6, REP), R1(1, 0xa7, REP), R1(2, 0xaa, REP),
	R1(2, 0xab, REP), R1(2, 0xac, REP), R1(2, 0xad, REP), R1(1, 0xae, REP), R1(1, 0xaf, REP),
	R1(4, 0x6c, REP | PORT), R1(4, 0x6d, REP | PORT), R1(4, 0x6e, REP | PORT),
	R1(4, 0x6f, REP | PORT),
	/* ports */
	R1(1, 0xe4, IB), R1(1, 0xe5, IB), R1(1, 0xe6, IB), R1(1, 0xe7, IB), R1(2, 0xec, PORT),
	R1(2, 0xed, PORT), R1(2, 0xee, PORT), R1(2, 0xef, PORT),
	/* flags */
	R1(1, 0xf8, 0), R1(1, 0xf9, 0), R1(1, 0xfc, 0), R1(1, 0xfd, 0), R1(1, 0x9e, 0),
	R1(1, 0x9f, 0), R1(4, 0xfa, 0), R1(6, 0xfb, 0), R1(1, 0x90, 0),
	/* the processor's state */
	R1(4, 0xf4, WAKES | RING0), G2(1, 0x01, 0, MEM), G2(1, 0x01, 1, MEM),
	G2(1, 0x01, 4, 0), G2(2, 0x01, 6, RING0), G2(1, 0x01, 7, MEM | RING0), R2(1, 0x06, RING0),
	R2(1, 0x08, RING0), R2(1, 0x09, RING0), { 0, 3, { 0x0f, 0x20, 0xc0 }, 0, RING0, 1 },
	{ 0, 3, { 0x0f, 0x20, 0xd0 }, 0, RING0, 1 }, { 0, 3, { 0x0f, 0x20, 0xe0 }, 0, RING0, 1 },
	{ 0, 3, { 0x0f, 0x21, 0xf0 }, 0, RING0, 1 }, { 0, 3, { 0x0f, 0x21, 0xf8 }, 0, RING0, 1 },
	/* exceptions and interrupts on purpose */
	R1(2, 0xcc, 0), R1(1, 0xf1, 0), R1(1, 0xce, NO64), R2(1, 0x0b, 0),
	R1(1, 0x62, MEM | M | NO64),
	{ 0, 2, { 0xcd, 0x40 }, 0, 0, 2 }, { 0, 2, { 0xcd, 0x0d }, 0, 0, 1 },
	{ 0, 2, { 0xcd, 0x03 }, 0, 0, 1 }, { 0, 2, { 0xcd, 0x04 }, 0, 0, 1 },
	/* branches to what follows */
	R1(1, 0xeb, CODE_PTR), R1(2, 0xe8, CODE_PTR), G1(2, 0xff, 2, CODE_PTR),
	G1(2, 0xff, 4, CODE_PTR), R1(1, 0xe3, CODE_PTR), R1(1, 0xe2, CODE_PTR),
	/* MMX, SSE, x87 */
	R2(2, 0x6e, M), R2(2, 0x7e, M), R2(2, 0x6f, M), R2(2, 0x7f, M), P2(1, 0x66, 0x6f, M),
	P2(1, 0x66, 0x7f, M), P2(1, 0xf3, 0x6f, M), P2(1, 0xf3, 0x7f, M), P2(1, 0x66, 0x6e, M),
	P2(1, 0x66, 0xd6, M), P2(1, 0xf3, 0x7e, M), R2(2, 0x10, M), R2(2, 0x11, M), R2(1, 0x28, M),
	R2(1, 0x29, M), P2(1, 0xf2, 0x10, M), P2(1, 0xf3, 0x11, M), R2(1, 0x2b, MEM | M),
	P2(1, 0x66, 0xe7, MEM | M), R2(1, 0xe7, MEM | M), G1(2, 0xd9, 7, MEM), G1(2, 0xdd, 7, MEM),
	G1(1, 0xd9, 5, MEM), R2(1, 0x77, 0), G2(1, 0xae, 0, MEM), G2(1, 0xae, 3, MEM),
	G2(1, 0xae, 7, MEM),
};

static const char * const mode_names[MODES] = {
	"real", "prot16", "prot32", "paged32", "v86", "long64", "compat32",
};

const char *fuzz_mode_name(enum mode mode)
{
	return mode_names[mode];
}

/* MurmurHash3's finalizer: every bit of the result depends on all of @x. */
u64 fuzz_mix(u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdUL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53UL;
	return x ^ x >> 33;
}

static u64 next(struct fuzz_case *c)
{
	c->random += 0x9e3779b97f4a7c15UL;
	return fuzz_mix(c->random);
}

static u64 below(struct fuzz_case *c, u64 n)
{
	return (next(c) >> 16) % n;
}

static bool one_in(struct fuzz_case *c, u64 n)
{
	return below(c, n) == 0;
}

static void emit(struct fuzz_case *c, u64 value, int bytes)
{
	memcpy(c->code + c->len, &value, bytes);
	c->len += bytes;
}

static bool is_16(const struct fuzz_case *c)
{
	return c->mode == REAL || c->mode == V86 || c->mode == PROT16;
}

/* An address among the data, mostly around a border of pages, as the program's segments see it. */
static u64 interesting(struct fuzz_case *c)
{
	u64 page = DATA + below(c, 10) * 0x1000;
	int64_t offset = one_in(c, 3) ? (int64_t)below(c, 0x1000) : (int64_t)below(c, 24) - 16;
	u64 address = page + offset;

	if (one_in(c, 3))
		address &= ~7UL;
	return is_16(c) ? (address - DATA) & 0xffff : address;
}

static u64 selector(struct fuzz_case *c)
{
	static const u16 selectors[] = {
		0, 3, KDATA, KCODE32, UDATA, UDATA & ~3, KDATA16, ABSENT_SEL | 3, CONFORMING,
		EXPAND_DOWN | 3, READ_ONLY_SEL | 3, READ_ONLY_SEL, TSS2_SEL, LDT_SEL, TSS_SEL,
		GDT_LIMIT + 1, KDATA | 4, KCODE64, UCODE64,
	};

	return selectors[below(c, ARRAY_SIZE(selectors))];
}

/* Registers that hold interesting addresses. */
static int base_register(struct fuzz_case *c)
{
	static const u8 bases[] = { 3, 5, 6, 7, 12, 13 };

	return bases[below(c, c->mode == LONG64 ? 6 : 4)];
}

struct encoding {
	int rex_b, rex_r;
	u8 modrm, sib, displacement_bytes;
	u64 displacement;
	bool has_sib;
};

static void encode_memory16(struct fuzz_case *c, struct encoding *e)
{
	int mod = below(c, 3);

	e->modrm = mod << 6 | below(c, 8);
	if (mod == 0 && (e->modrm & 7) == 6) {
		e->displacement = interesting(c);
		e->displacement_bytes = 2;
	} else if (mod) {
		e->displacement = below(c, 16) - 8;
		e->displacement_bytes = mod;
	} else {
		/* One register alone: two of them lead anywhere. */
		e->modrm = 4 + below(c, 2);
	}
	if ((e->modrm & 0xc0) && (e->modrm & 7) < 4)
		e->modrm |= 4;
}

static void encode_memory(struct fuzz_case *c, struct encoding *e)
{
	int base = base_register(c), mod = below(c, 3);

	if (one_in(c, 6)) {
		/* Absolute: in 64-bit mode by a SIB byte. */
		e->displacement = interesting(c);
		e->displacement_bytes = 4;
		e->modrm = c->mode == LONG64 ? 4 : 5;
		e->has_sib = c->mode == LONG64;
		e->sib = 0x25;
		return;
	}
	e->rex_b = base >> 3;
	/* RBP and R13 want a displacement, RSP and R12 a SIB byte. */
	if ((base & 7) == 5 && mod == 0)
		mod = 1;
	e->displacement_bytes = mod == 0 ? 0 : mod == 1 ? 1 : 4;
	e->displacement = below(c, 16) - 8;
	e->modrm = mod << 6 | (base & 7);
	if ((base & 7) == 4 || one_in(c, 5)) {
		e->modrm = mod << 6 | 4;
		e->has_sib = true;
		/* RCX is small where a program has just said so; else the address is anywhere. */
		e->sib = (one_in(c, 8) ? (below(c, 4) << 6 | 1 << 3) : 4 << 3) | (base & 7);
	}
}

static void encode_operand(struct fuzz_case *c, const struct row *r, struct encoding *e)
{
	static const u8 loadable[] = { 0, 2, 3, 4, 5 };
	int reg = r->flags & DIGIT ? r->digit : (int)below(c, 8);

	memset(e, 0, sizeof(*e));
	if ((r->flags & MEM) || !one_in(c, 4)) {
		if (is_16(c))
			encode_memory16(c, e);
		else
			encode_memory(c, e);
	} else {
		e->modrm = 0xc0 | below(c, 8);
		if (c->mode == LONG64)
			e->rex_b = below(c, 2);
	}
	/* CS cannot be loaded; the numbers behind GS are not there. */
	if (r->flags & SREG)
		reg = one_in(c, 16) ? reg : loadable[below(c, ARRAY_SIZE(loadable))];
	if (!(r->flags & (DIGIT | SREG)) && c->mode == LONG64)
		e->rex_r = below(c, 2);
	e->modrm |= reg << 3;
}

static void emit_operand(struct fuzz_case *c, const struct encoding *e)
{
	emit(c, e->modrm, 1);
	if (e->has_sib)
		emit(c, e->sib, 1);
	emit(c, e->displacement, e->displacement_bytes);
}

static void move_to_register(struct fuzz_case *c, int reg, u64 value)
{
	emit(c, 0xb8 | reg, 1);
	emit(c, value, is_16(c) ? 2 : 4);
}

/* What must be true before an instruction of this row. */
static void prepare(struct fuzz_case *c, const struct row *r)
{
	if (r->flags & PORT)
		move_to_register(c, 2, one_in(c, 8) ? next(c) & 0xffff : below(c, 256));
	if (r->flags & REP) {
		move_to_register(c, 1, below(c, 20));
		if (!one_in(c, 4))
			move_to_register(c, 6, interesting(c));
		if (!one_in(c, 4))
			move_to_register(c, 7, interesting(c));
	}
	if (r->flags & (SREG | SELECTOR))
		move_to_register(c, 0, selector(c));
	/* A selector for POP, one in memory for MOV and its kind. */
	if ((r->flags & SELECTOR) && !(r->flags & M))
		emit(c, 0x50, 1);
	if ((r->flags & SREG) && one_in(c, 2)) {
		emit(c, 0x89, 1);	/* MOV [rDI], rAX */
		emit(c, is_16(c) ? 0x05 : 0x07, 1);
	}
	if (r->flags & WAKES) {
		if (one_in(c, 2))
			emit(c, 0xfb, 1);
	}
}

/* Near branches lead to the next instruction, wherever their target comes from. */
static void emit_branch(struct fuzz_case *c, const struct row *r)
{
	u64 here;
	unsigned int at;

	switch (r->op[0]) {
	case 0xeb:
	case 0xe2:
	case 0xe3:
		emit(c, r->op[0], 1);
		emit(c, 1, 1);
		emit(c, 0x90, 1);
		return;
	case 0xe8:
		emit(c, 0xe8, 1);
		emit(c, 0, is_16(c) ? 2 : 4);
		return;
	}
	/* MOV rAX, target; MOV [rDI], rAX; CALL or JMP [rDI] */
	emit(c, 0xb8, 1);
	at = c->len;
	emit(c, 0, is_16(c) ? 2 : 4);
	if (c->mode == LONG64)
		emit(c, 0x48, 1);
	emit(c, 0x89, 1);
	emit(c, is_16(c) ? 0x05 : 0x07, 1);
	emit(c, 0xff, 1);
	emit(c, r->digit << 3 | (is_16(c) ? 5 : 7), 1);
	here = c->start + c->len;
	if (c->mode == REAL || c->mode == V86)
		here -= CODE;
	memcpy(c->code + at, &here, is_16(c) ? 2 : 4);
}

static void emit_prefixes(struct fuzz_case *c, const struct row *r)
{
	static const u8 overrides[] = { 0x26, 0x36, 0x3e, 0x64, 0x65 };

	if ((r->flags & (M | MOFFS)) && one_in(c, 12))
		emit(c, overrides[below(c, ARRAY_SIZE(overrides))], 1);
	if ((r->flags & LOCK) && one_in(c, 6))
		emit(c, 0xf0, 1);
	/* How many iterations go at once, with no event in between, is each hypervisor's own. */
	if ((r->flags & REP) && !c->irqs && c->nmi != 2 && !one_in(c, 3) &&
	    !((r->flags & PORT) && (c->tf || c->debug)))
		emit(c, one_in(c, 4) ? 0xf2 : 0xf3, 1);
	if (r->prefix)
		emit(c, r->prefix, 1);
}

static void emit_instruction(struct fuzz_case *c, const struct row *r)
{
	bool size_override = false, wide = false;
	struct encoding e = {};
	int reg;

	prepare(c, r);
	if (r->flags & CODE_PTR) {
		emit_branch(c, r);
		return;
	}
	emit_prefixes(c, r);
	if (!r->prefix && !(r->flags & NO_OVERRIDE) && one_in(c, 6)) {
		emit(c, 0x66, 1);
		size_override = true;
	}
	if (r->flags & M)
		encode_operand(c, r, &e);
	if (c->mode == LONG64) {
		wide = !size_override && one_in(c, 2);
		reg = 0x40 | wide << 3 | e.rex_r << 2 | e.rex_b;
		if (reg != 0x40 || one_in(c, 6))
			emit(c, reg, 1);
	}
	for (int i = 0; i < r->n; i++)
		emit(c, r->op[i], 1);
	if (r->flags & M)
		emit_operand(c, &e);
	if (r->flags & MOFFS)
		emit(c, interesting(c), c->mode == LONG64 ? 8 : is_16(c) ? 2 : 4);
	if (r->flags & IW)
		emit(c, below(c, 64), 2);
	if (r->flags & IB)
		emit(c, r->op[0] == 0xc8 ? below(c, 3) : next(c), 1);
	if (r->flags & IZ)
		emit(c, next(c), is_16(c) != size_override ? 2 : 4);
	if (r->flags & UNDEF) {
		emit(c, 0x3c, 1);
		emit(c, next(c), 1);
	}
}

static bool fits(struct fuzz_case *c, const struct row *r)
{
	if ((r->flags & NO64) && c->mode == LONG64)
		return false;
	if ((r->flags & ONLY64) && c->mode != LONG64)
		return false;
	if ((r->flags & UNDEF) && c->strict)
		return false;
	if ((r->flags & RING0) && c->user && !one_in(c, 10))
		return false;
	/* kvm_intel leaves out a word of a POPA that reads from a device. */
	if (r->n == 1 && r->op[0] == 0x61 && c->stack)
		return false;
	/* With an interrupt controller the vCPU sleeps in the kernel: the trap of TF wakes it. */
	if ((r->flags & WAKES) && c->irqchip && (!c->tf || c->user))
		return false;
	return true;
}

static const struct row *choose(struct fuzz_case *c)
{
	static unsigned int total;
	const struct row *r;
	u64 at;

	if (!total)
		for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
			total += rows[i].weight;
	for (;;) {
		at = below(c, total);
		for (r = rows; at >= r->weight; r++)
			at -= r->weight;
		if (fits(c, r))
			return r;
	}
}

static void make_registers(struct fuzz_case *c)
{
	static const u64 values[] = { 0, 1, ~0UL, 0x80, 0x7fffffff, 0x80000000, 1UL << 63 };
	__u64 *all[] = {
		&c->regs.rax, &c->regs.rbx, &c->regs.rcx, &c->regs.rdx, &c->regs.rsi, &c->regs.rdi,
		&c->regs.rbp, &c->regs.r8, &c->regs.r9, &c->regs.r10, &c->regs.r11, &c->regs.r12,
		&c->regs.r13, &c->regs.r14, &c->regs.r15,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		*all[i] = one_in(c, 2) ? values[below(c, ARRAY_SIZE(values))] : next(c);
	c->regs.rbx = interesting(c);
	c->regs.rsi = interesting(c);
	c->regs.rdi = interesting(c);
	c->regs.rbp = interesting(c);
	c->regs.r12 = interesting(c);
	c->regs.r13 = interesting(c);
	c->regs.rcx = below(c, 20);
	c->regs.rsp = c->stack ? interesting(c) : STACK - below(c, 32);
	if (c->mode != LONG64)
		for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
			*all[i] = i < 7 ? *all[i] & 0xffffffff : 0;
	c->regs.rflags = 2 | c->iopl << 12 | (next(c) & 0x8d5) | (one_in(c, 8) ? 0x400 : 0);
	if (c->tf)
		c->regs.rflags |= 0x100;
	/* On Bochs a guest that is entered with IF clear cannot be stopped while it computes. */
	if (!one_in(c, 4))
		c->regs.rflags |= 0x200;
	if (c->mode == V86)
		c->regs.rflags |= 0x20000;
}

/**
 * fuzz_make() - the case of a number
 * @c: the result
 * @seed: of the run
 * @number: of the case
 */
void fuzz_make(struct fuzz_case *c, u64 seed, u64 number)
{
	unsigned int instructions, limit;

	memset(c, 0, sizeof(*c));
	c->number = number;
	c->random = fuzz_mix(fuzz_mix(seed) + number);
	c->mode = one_in(c, 3) ? LONG64 : (enum mode)below(c, MODES);
	c->user = c->mode == V86 || (c->mode != REAL && one_in(c, 3));
	c->iopl = one_in(c, 2) ? 3 : 0;
	c->irqchip = one_in(c, 6);
	c->tf = one_in(c, 4);
	c->debug = !c->irqchip && one_in(c, 16);
	c->irqs = !c->irqchip && one_in(c, 5) ? 1 + below(c, 3) : 0;
	c->gdt_in_rom = c->mode != REAL && one_in(c, 12);
	c->stack = one_in(c, 8);
	c->shadow = one_in(c, 12) ? 1 + below(c, 2) : 0;
	/* kvm_intel's order of an NMI and what else waits is not always the SDM's. */
	if (!c->shadow && !c->tf)
		c->nmi = one_in(c, 6) ? 1 + below(c, 2) : 0;
	if (one_in(c, 10)) {
		u64 types[] = { 1, 3, 0 };	/* write, access, execution */
		u64 type = types[below(c, 3)];

		c->dr[0] = type ? DATA + below(c, 10) * 0x1000 : CODE + 0xff0 + below(c, 32);
		c->dr7 = 2 | type << 16 | (type ? below(c, 2) * 3 << 18 : 0);
	}
	c->strict = c->tf || c->irqs || c->nmi || c->debug || c->dr7;
	/* The program starts anywhere in its page, mostly so that it runs over the page's end. */
	c->start = CODE + (one_in(c, 3) ? below(c, 0x800) : 0xfff - below(c, 48));
	make_registers(c);
	c->regs.rip = c->mode == REAL || c->mode == V86 ? c->start - CODE : c->start;

	instructions = 1 + below(c, 8);
	limit = MAX_CODE - 64;
	for (unsigned int i = 0; i < instructions && c->len < limit; i++)
		emit_instruction(c, choose(c));
	emit(c, 0xcd, 1);
	emit(c, END_VECTOR, 1);
}
