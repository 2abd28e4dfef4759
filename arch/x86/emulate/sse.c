// SPDX-License-Identifier: GPL-2.0-only
/*
 * MMX, SSE and AVX moves between memory and MM, XMM and YMM registers.
 *
 * Compilers and drivers use these to copy to and from device memory 16 or 32 bytes at a time. Only
 * moves are known: a table says for each opcode and mandatory prefix how much is moved, to which
 * part of the register, and what becomes of the rest (SDM volume 2, the instructions' pages).
 * The processor has checked whether the guest has SSE enabled (CR0, CR4, XCR0), as #UD and #NM take
 * precedence over the access to memory that caused the exit. If another processor has replaced the
 * instruction since, fpu_enabled() says no, and the guest executes the new one itself.
 */
#include "insn.h"

#define PFX_NONE 0
#define PFX_66 1
#define PFX_F3 2
#define PFX_F2 3

enum {
	S_STORE = 1 << 0,	/* register to memory */
	S_FULL = 1 << 1,	/* whole register: 16 bytes, or 32 with VEX.L */
	S_ALIGNED = 1 << 2,	/* #GP if the address is not a multiple of the size */
	S_MERGE = 1 << 3,	/* load keeps the other half (VEX: takes it from VEX.vvvv) */
	S_HIGH = 1 << 4,	/* the half is the upper one */
	S_REXW = 1 << 5,	/* 8 bytes instead of 4 with REX.W */
	S_LIG = 1 << 6,		/* VEX.L does not matter */
	S_MMX = 1 << 7,		/* an MMX register; there is no VEX form */
};

struct sse_move {
	u8 map;
	u8 opcode;
	u8 prefix;
	u8 len;			/* bytes, for what is not S_FULL */
	u8 flags;
};

#define MOVE(opcode_, prefix_, len_, flags_) \
	{ MAP_0F, opcode_, PFX_##prefix_, len_, flags_ }

static const struct sse_move sse_moves[] = {
	MOVE(0x10, NONE, 0, S_FULL),				/* MOVUPS */
	MOVE(0x10, 66, 0, S_FULL),				/* MOVUPD */
	MOVE(0x10, F3, 4, S_LIG),				/* MOVSS */
	MOVE(0x10, F2, 8, S_LIG),				/* MOVSD */
	MOVE(0x11, NONE, 0, S_FULL | S_STORE),
	MOVE(0x11, 66, 0, S_FULL | S_STORE),
	MOVE(0x11, F3, 4, S_LIG | S_STORE),
	MOVE(0x11, F2, 8, S_LIG | S_STORE),
	MOVE(0x12, NONE, 8, S_MERGE),				/* MOVLPS */
	MOVE(0x12, 66, 8, S_MERGE),				/* MOVLPD */
	MOVE(0x13, NONE, 8, S_STORE),
	MOVE(0x13, 66, 8, S_STORE),
	MOVE(0x16, NONE, 8, S_MERGE | S_HIGH),			/* MOVHPS */
	MOVE(0x16, 66, 8, S_MERGE | S_HIGH),			/* MOVHPD */
	MOVE(0x17, NONE, 8, S_STORE | S_HIGH),
	MOVE(0x17, 66, 8, S_STORE | S_HIGH),
	MOVE(0x28, NONE, 0, S_FULL | S_ALIGNED),		/* MOVAPS */
	MOVE(0x28, 66, 0, S_FULL | S_ALIGNED),			/* MOVAPD */
	MOVE(0x29, NONE, 0, S_FULL | S_ALIGNED | S_STORE),
	MOVE(0x29, 66, 0, S_FULL | S_ALIGNED | S_STORE),
	MOVE(0x2b, NONE, 0, S_FULL | S_ALIGNED | S_STORE),	/* MOVNTPS */
	MOVE(0x2b, 66, 0, S_FULL | S_ALIGNED | S_STORE),	/* MOVNTPD */
	MOVE(0x6e, NONE, 4, S_MMX | S_REXW),			/* MOVD, MOVQ */
	MOVE(0x6e, 66, 4, S_REXW),				/* MOVD, MOVQ */
	MOVE(0x6f, NONE, 8, S_MMX),				/* MOVQ */
	MOVE(0x6f, 66, 0, S_FULL | S_ALIGNED),			/* MOVDQA */
	MOVE(0x6f, F3, 0, S_FULL),				/* MOVDQU */
	MOVE(0x7e, NONE, 4, S_MMX | S_REXW | S_STORE),		/* MOVD, MOVQ */
	MOVE(0x7e, 66, 4, S_REXW | S_STORE),			/* MOVD, MOVQ */
	MOVE(0x7e, F3, 8, 0),					/* MOVQ */
	MOVE(0x7f, NONE, 8, S_MMX | S_STORE),			/* MOVQ */
	MOVE(0x7f, 66, 0, S_FULL | S_ALIGNED | S_STORE),
	MOVE(0x7f, F3, 0, S_FULL | S_STORE),
	MOVE(0xd6, 66, 8, S_STORE),				/* MOVQ */
	MOVE(0xe7, NONE, 8, S_MMX | S_STORE),			/* MOVNTQ */
	MOVE(0xe7, 66, 0, S_FULL | S_ALIGNED | S_STORE),	/* MOVNTDQ */
	MOVE(0xf0, F2, 0, S_FULL),				/* LDDQU */
	{ MAP_0F38, 0x2a, PFX_66, 0, S_FULL | S_ALIGNED },	/* MOVNTDQA */
};

/* F2 and F3 take precedence over 66. */
static u8 mandatory_prefix(const struct emul_decoded *d)
{
	if (d->rep)
		return d->rep == 0xf3 ? PFX_F3 : PFX_F2;
	return d->opsize_prefix ? PFX_66 : PFX_NONE;
}

/**
 * emul_sse_decode() - find the row of an MMX, SSE or AVX move and check its encoding
 * @c: context, decoded as far as ModRM; sse_row and size (bytes moved) are filled
 *
 * Return: EMUL_OK, EMUL_UNHANDLED, or EMUL_FAULT (#UD) for reserved values of the VEX prefix.
 */
enum emul_rc emul_sse_decode(struct emul_ctxt *c)
{
	struct emul_decoded *d = &c->d;
	u8 prefix = mandatory_prefix(d);
	const struct sse_move *m;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sse_moves); i++) {
		m = &sse_moves[i];
		if (m->map == d->map && m->opcode == d->opcode && m->prefix == prefix)
			break;
	}
	if (i == ARRAY_SIZE(sse_moves))
		return emul_unhandled(c, emul_why_unknown(c));

	d->sse_row = i;
	if (m->flags & S_FULL)
		d->size = d->vex_l ? 32 : 16;
	else
		d->size = m->flags & S_REXW && d->rex & 8 ? 8 : m->len;

	if (d->vex) {
		bool uses_reg = m->flags & S_MERGE;

		if (m->flags & S_MMX)
			return emul_raise(c, EMUL_UD);
		if (!uses_reg && d->vex_reg)
			return emul_raise(c, EMUL_UD);
		if (d->vex_l && !(m->flags & (S_FULL | S_LIG)))
			return emul_raise(c, EMUL_UD);
	}
	return EMUL_OK;
}

/* REX does not extend the number of an MMX register. MOVD clears the upper half. */
static enum emul_rc exec_mmx(struct emul_ctxt *c, bool store)
{
	unsigned int reg = c->d.modrm >> 3 & 7;
	enum emul_rc rc;
	u64 value = 0;

	if (c->ops->fpu_enabled && !c->ops->fpu_enabled(c, EMUL_MMX))
		return EMUL_RETRY;
	if (!c->ops->read_mm || !c->ops->write_mm)
		return emul_unhandled(c, "MMX move");
	if (store) {
		c->ops->read_mm(c, reg, &value);
		return emul_mem_write(c, c->d.mem.seg, c->d.ea, &value, c->d.size);
	}
	rc = emul_mem_read(c, c->d.mem.seg, c->d.ea, &value, c->d.size, false);
	if (rc == EMUL_OK)
		c->ops->write_mm(c, reg, &value);
	return rc;
}

/**
 * emul_sse() - execute an MMX, SSE or AVX move
 * @c: decoded context with the effective address computed
 *
 * Return: EMUL_OK, or how it failed; the register is written last, when nothing can fail any more.
 */
enum emul_rc emul_sse(struct emul_ctxt *c)
{
	struct emul_decoded *d = &c->d;
	const struct sse_move *m = &sse_moves[array_index_nospec(d->sse_row,
								 ARRAY_SIZE(sse_moves))];
	unsigned int at = m->flags & S_HIGH ? 8 : 0;
	unsigned int reg = emul_modrm_reg(c);
	enum emul_rc rc;
	u8 buf[32] = { 0 };
	u64 linear;

	if (m->flags & S_MMX)
		return exec_mmx(c, m->flags & S_STORE);
	if (c->ops->fpu_enabled && !c->ops->fpu_enabled(c, d->vex ? EMUL_AVX : EMUL_SSE))
		return EMUL_RETRY;
	if (!c->ops->read_xmm || !c->ops->write_xmm)
		return emul_unhandled(c, "SSE or AVX move");

	rc = emul_linear(c, d->mem.seg, d->ea, d->size, m->flags & S_STORE, &linear);
	if (rc != EMUL_OK)
		return rc;
	if (m->flags & S_ALIGNED && linear & (d->size - 1))
		return emul_raise(c, EMUL_GP);

	if (m->flags & S_STORE) {
		c->ops->read_xmm(c, reg, buf, d->size == 32 ? 32 : 16);
		return emul_mem_write(c, d->mem.seg, d->ea, buf + at, d->size);
	}

	if (m->flags & S_MERGE) {
		/* Outside 64-bit mode the highest bit of VEX.vvvv is ignored. */
		unsigned int other = c->mode == EMUL_LONG64 ? d->vex_reg : d->vex_reg & 7;

		c->ops->read_xmm(c, d->vex ? other : reg, buf, 16);
	}
	rc = emul_mem_read(c, d->mem.seg, d->ea, buf + at, d->size, false);
	if (rc == EMUL_OK)
		c->ops->write_xmm(c, reg, buf, d->vex ? 32 : 16);
	return rc;
}
