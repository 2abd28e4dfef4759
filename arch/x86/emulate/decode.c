// SPDX-License-Identifier: GPL-2.0-only
/*
 * From instruction bytes to struct emul_decoded.
 *
 * Follows the SDM's volume 2 chapters "Instruction Format" and, for the meaning of 66, 67 and
 * REX.W, volume 3 "Mixing 16-Bit and 32-Bit Code". In order: legacy prefixes, REX or VEX, opcode,
 * ModRM, SIB, displacement, immediate. Bytes are fetched only as they are needed, so a page that
 * follows the instruction is never touched. The instruction may have been rewritten by another CPU
 * since it caused the exit: nothing here trusts it to be what the processor saw.
 */
#include "insn.h"

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1
#define REX 0x40

static enum emul_rc fetch_more(struct emul_ctxt *c)
{
	unsigned int room = EMUL_MAX_INSN - c->fetched;
	u64 linear = c->rip + c->fetched;
	unsigned int in_page;
	enum emul_rc rc;

	if (c->mode != EMUL_LONG64)
		linear = (u32)(c->ops->segment_base(c, EMUL_CS) + (u32)linear);
	else if (!emul_canonical(c, linear))
		return emul_raise(c, EMUL_GP);

	in_page = 4096 - (linear & 4095);
	if (room > in_page)
		room = in_page;
	rc = c->ops->fetch(c, linear, c->insn + c->fetched, room);
	if (rc == EMUL_OK)
		c->fetched += room;
	return rc;
}

/* Fetch until @count bytes of the instruction follow those that were decoded. */
static enum emul_rc need_bytes(struct emul_ctxt *c, unsigned int count)
{
	while (unlikely(c->insn_len + count > c->fetched)) {
		enum emul_rc rc;

		if (c->fetched == EMUL_MAX_INSN)
			return emul_raise(c, EMUL_GP);
		rc = fetch_more(c);
		if (rc != EMUL_OK)
			return rc;
	}
	return EMUL_OK;
}

static enum emul_rc next_byte(struct emul_ctxt *c, u8 *byte)
{
	enum emul_rc rc = need_bytes(c, 1);

	if (rc == EMUL_OK)
		*byte = c->insn[c->insn_len++];
	return rc;
}

/* Fetch a little-endian number of 1, 2, 4 or 8 bytes and sign-extend it. */
static enum emul_rc next_signed(struct emul_ctxt *c, unsigned int size, u64 *value)
{
	enum emul_rc rc = need_bytes(c, size);
	unsigned int i = size;
	u64 v = 0;

	if (rc != EMUL_OK)
		return rc;
	while (i--)
		v = v << 8 | c->insn[c->insn_len + i];
	c->insn_len += size;
	*value = emul_sign_extend(v, size);
	return EMUL_OK;
}

/* Segment overrides other than FS and GS have no effect in 64-bit mode. */
static void seg_override(struct emul_ctxt *c, enum emul_seg seg)
{
	if (c->mode != EMUL_LONG64 || seg >= EMUL_FS)
		c->d.seg_override = seg;
}

/*
 * Decode prefixes up to the first byte that is not one, which goes to *opcode. A REX byte counts
 * only if it is the last before the opcode; of F2 and F3, and of segment overrides, the last one
 * wins.
 */
static enum emul_rc decode_prefixes(struct emul_ctxt *c, u8 *opcode, bool *addr_prefix)
{
	struct emul_decoded *d = &c->d;
	enum emul_rc rc;
	u8 byte;

	for (;;) {
		rc = next_byte(c, &byte);
		if (rc != EMUL_OK)
			return rc;

		if (c->mode == EMUL_LONG64 && (byte & 0xf0) == REX) {
			d->rex = byte;
			continue;
		}
		switch (byte) {
		case 0x26:
			seg_override(c, EMUL_ES);
			break;
		case 0x2e:
			seg_override(c, EMUL_CS);
			break;
		case 0x36:
			seg_override(c, EMUL_SS);
			break;
		case 0x3e:
			seg_override(c, EMUL_DS);
			break;
		case 0x64:
			seg_override(c, EMUL_FS);
			break;
		case 0x65:
			seg_override(c, EMUL_GS);
			break;
		case 0x66:
			d->opsize_prefix = true;
			break;
		case 0x67:
			*addr_prefix = true;
			break;
		case 0xf0:
			d->lock = true;
			break;
		case 0xf2:
		case 0xf3:
			d->rep = byte;
			break;
		default:
			*opcode = byte;
			return EMUL_OK;
		}
		d->rex = 0;	/* a REX before another prefix has no effect */
	}
}

/* C4 and C5: translate the VEX payload to the prefixes that it replaces. */
static enum emul_rc decode_vex(struct emul_ctxt *c, u8 first)
{
	static const u8 pp_rep[4] = { 0, 0, 0xf3, 0xf2 };
	struct emul_decoded *d = &c->d;
	enum emul_rc rc;
	u8 p0, p1;

	/* Outside 64-bit mode, and always in real mode, these are LES and LDS. */
	rc = next_byte(c, &p0);
	if (rc != EMUL_OK)
		return rc;
	if (c->mode == EMUL_REAL16 || (c->mode != EMUL_LONG64 && p0 < 0xc0)) {
		c->insn_len--;
		d->map = MAP_1B;
		d->opcode = first;
		return EMUL_OK;
	}
	if (d->lock || d->opsize_prefix || d->rep || d->rex)
		return emul_raise(c, EMUL_UD);

	p1 = p0;
	d->vex = true;
	d->map = MAP_0F;
	d->rex = REX | (p0 & 0x80 ? 0 : REX_R);
	if (first == 0xc4) {
		rc = next_byte(c, &p1);
		if (rc != EMUL_OK)
			return rc;
		d->map = p0 & 0x1f;
		d->rex |= (p0 & 0x40 ? 0 : REX_X) | (p0 & 0x20 ? 0 : REX_B) |
			  (p1 & 0x80 ? REX_W : 0);
	}
	if (c->mode != EMUL_LONG64)	/* there are only eight registers */
		d->rex = 0;
	d->vex_reg = ~p1 >> 3 & 15;
	d->vex_l = p1 >> 2 & 1;
	d->opsize_prefix = (p1 & 3) == 1;
	d->rep = pp_rep[p1 & 3];

	if (d->map < MAP_0F || d->map > MAP_0F3A)
		return emul_raise(c, EMUL_UD);
	return next_byte(c, &d->opcode);
}

static enum emul_rc decode_opcode(struct emul_ctxt *c, u8 byte)
{
	struct emul_decoded *d = &c->d;
	enum emul_rc rc;

	if (byte == 0xc4 || byte == 0xc5)
		return decode_vex(c, byte);
	if (byte == 0x62)
		return emul_unhandled(c, c->mode == EMUL_LONG64 ?
					 "EVEX-encoded instruction" :
					 "EVEX-encoded instruction or BOUND");

	d->map = MAP_1B;
	d->opcode = byte;
	if (byte != 0x0f)
		return EMUL_OK;

	d->map = MAP_0F;
	rc = next_byte(c, &d->opcode);
	if (rc != EMUL_OK)
		return rc;
	if (d->opcode == 0x38 || d->opcode == 0x3a) {
		d->map = d->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
		rc = next_byte(c, &d->opcode);
	}
	return rc;
}

static struct emul_opcode lookup(const struct emul_decoded *d)
{
	static const struct emul_opcode none = { .op = OP_NONE };
	struct emul_opcode row = none;

	if (d->map == MAP_1B)
		row = emul_map_1b[d->opcode];
	else if (d->map == MAP_0F)
		row = emul_map_0f[d->opcode];
	else if (d->map == MAP_0F38)
		row = emul_map_0f38[d->opcode];
	/* Only moves have VEX forms here: the other rows would be wrong operations with VEX. */
	return d->vex && row.op != OP_SSE ? none : row;
}

static bool has_modrm(const struct emul_opcode *row)
{
	return (row->dst >= ARG_RM && row->dst <= ARG_REG) || row->dst == ARG_SREG;
}

/* Operand and address size, SDM volume 1, "Operand-Size and Address-Size Attributes". */
static void decode_sizes(struct emul_ctxt *c, u8 flags, u8 trait, bool addr_prefix)
{
	struct emul_decoded *d = &c->d;
	bool wide = c->mode == EMUL_PROT32;	/* 32 bits by default */

	if (c->mode == EMUL_LONG64) {
		d->addr_size = addr_prefix ? 4 : 8;
		if (d->rex & REX_W)
			d->size = 8;
		else
			d->size = d->opsize_prefix ? 2 : 4;
		if (trait & T_BRANCH || (trait & T_STACK && d->size == 4))
			d->size = 8;
	} else {
		d->addr_size = wide != addr_prefix ? 4 : 2;
		d->size = wide != d->opsize_prefix ? 4 : 2;
	}
	if (flags & F_BYTE)
		d->size = 1;
}

/* The eight 16-bit addressing forms of ModRM.rm. */
static enum emul_rc decode_mem16(struct emul_ctxt *c, u8 mod, u8 rm)
{
	static const s8 base[8] = {
		REG_BX, REG_BX, REG_BP, REG_BP, REG_SI, REG_DI, REG_BP, REG_BX,
	};
	static const s8 index[8] = { REG_SI, REG_DI, REG_SI, REG_DI, -1, -1, -1, -1 };
	struct emul_mem *m = &c->d.mem;

	if (mod == 0 && rm == 6)
		return next_signed(c, 2, &m->disp);
	m->base = base[rm & 7];
	m->index = index[rm & 7];
	if (mod == 1)
		return next_signed(c, 1, &m->disp);
	if (mod == 2)
		return next_signed(c, 2, &m->disp);
	return EMUL_OK;
}

/* 32- and 64-bit addressing forms, with or without SIB. */
static enum emul_rc decode_mem32(struct emul_ctxt *c, u8 mod, u8 rm)
{
	struct emul_decoded *d = &c->d;
	struct emul_mem *m = &d->mem;
	u8 base = rm;

	if (rm == 4) {
		enum emul_rc rc;
		u8 sib, index;

		rc = next_byte(c, &sib);
		if (rc != EMUL_OK)
			return rc;
		base = sib & 7;
		index = (sib >> 3 & 7) | (d->rex & REX_X ? 8 : 0);
		m->scale = sib >> 6;
		m->index = index == 4 ? -1 : index;
	}
	if (mod == 0 && base == 5) {
		m->rip_relative = rm == 5 && c->mode == EMUL_LONG64;
		return next_signed(c, 4, &m->disp);
	}
	m->base = base | (d->rex & REX_B ? 8 : 0);
	if (mod == 1)
		return next_signed(c, 1, &m->disp);
	if (mod == 2)
		return next_signed(c, 4, &m->disp);
	return EMUL_OK;
}

static enum emul_rc decode_mem(struct emul_ctxt *c)
{
	struct emul_decoded *d = &c->d;
	u8 mod = d->modrm >> 6;
	u8 rm = d->modrm & 7;
	enum emul_rc rc;

	d->has_mem = true;
	rc = d->addr_size == 2 ? decode_mem16(c, mod, rm) : decode_mem32(c, mod, rm);
	if (rc != EMUL_OK)
		return rc;

	d->mem.seg = EMUL_DS;
	if (d->mem.base == REG_SP || d->mem.base == REG_BP)
		d->mem.seg = EMUL_SS;
	if (d->seg_override >= 0)
		d->mem.seg = d->seg_override;
	return EMUL_OK;
}

/* moffs (A0 to A3) and XLAT address memory without a ModRM byte. */
static enum emul_rc decode_mem_implicit(struct emul_ctxt *c, u8 flags)
{
	struct emul_decoded *d = &c->d;

	d->has_mem = true;
	d->mem.seg = d->seg_override >= 0 ? d->seg_override : EMUL_DS;
	if (flags & F_MOFFS)
		return next_signed(c, d->addr_size, &d->mem.disp);
	d->mem.base = REG_BX;
	return EMUL_OK;
}

static enum emul_rc decode_immediate(struct emul_ctxt *c, u8 flags)
{
	struct emul_decoded *d = &c->d;
	enum emul_rc rc;

	if (flags & F_IMM)
		d->imm_size = d->size < 4 ? d->size : 4;
	else if (flags & F_IMM8)
		d->imm_size = 1;
	else if (flags & F_IMM16)
		d->imm_size = 2;
	else
		return EMUL_OK;
	rc = next_signed(c, d->imm_size, &d->imm);
	if (rc != EMUL_OK)
		return rc;
	/* A second immediate: the nesting level of ENTER, the selector of a far branch. */
	if (d->op == OP_ENTER)
		return next_signed(c, 1, &d->imm2);
	if (d->dst == ARG_IMM && (d->op == OP_CALL_FAR || d->op == OP_JMP_FAR))
		return next_signed(c, 2, &d->imm2);
	return EMUL_OK;
}

/* Instructions whose meaning, or existence, depends on a prefix or on ModRM.mod. */
static enum emul_rc refine(struct emul_ctxt *c)
{
	struct emul_decoded *d = &c->d;
	u8 reg = d->modrm >> 3 & 7;

	switch (d->op) {
	case OP_BSF:
		if (d->rep == 0xf3)
			d->op = OP_TZCNT;
		break;
	case OP_BSR:
		if (d->rep == 0xf3)
			d->op = OP_LZCNT;
		break;
	case OP_POPCNT:
		if (d->rep != 0xf3)
			return emul_raise(c, EMUL_UD);
		break;
	case OP_MOVBE:
		if (d->rep)
			return emul_unhandled(c, "CRC32 instruction");
		break;
	case OP_MOVNTI:
		if (d->opsize_prefix || d->rep)
			return emul_unhandled(c, "0F opcode with a prefix it does not have here");
		d->size = d->rex & REX_W ? 8 : 4;
		break;
	case OP_MOVDIR64B:
		if (!d->opsize_prefix || d->rep)
			return emul_unhandled(c, "ENQCMD or an invalid form of MOVDIR64B");
		break;
	case OP_CMPXCHG8B:
		d->size = d->rex & REX_W ? 16 : 8;
		break;
	case OP_MOV:
		if (d->src == ARG_SREG || d->dst == ARG_SREG) {
			if (reg >= EMUL_NR_SEGS || (d->dst == ARG_SREG && reg == EMUL_CS))
				return emul_raise(c, EMUL_UD);
			if (d->has_mem)
				d->size = 2;
		}
		break;
	case OP_NOP:
		/* Of group 15: CLFLUSH (no prefix), CLWB and CLFLUSHOPT (66), nothing else. */
		if (d->opcode == 0xae && (!d->has_mem || d->rep || (reg == 6 && !d->opsize_prefix)))
			return emul_unhandled(c, emul_why_unknown(c));
		break;
	case OP_FXSAVE:
	case OP_FXRSTOR:
		if (!d->has_mem || d->rep || d->opsize_prefix)
			return emul_unhandled(c, emul_why_unknown(c));
		break;
	case OP_INS:
	case OP_OUTS:
		if (d->size == 8)	/* REX.W leaves them at 32 bits */
			d->size = 4;
		break;
	case OP_SSE:
		return emul_sse_decode(c);
	}
	return EMUL_OK;
}

static enum emul_rc decode_operands(struct emul_ctxt *c, struct emul_opcode row, bool addr_prefix)
{
	struct emul_decoded *d = &c->d;
	enum emul_rc rc = EMUL_OK;

	if (has_modrm(&row)) {
		d->has_modrm = true;
		rc = next_byte(c, &d->modrm);
		if (rc != EMUL_OK)
			return rc;
	}
	if (row.op >= OP_GROUP_FIRST) {
		row.op = emul_groups[row.op - OP_GROUP_FIRST][d->modrm >> 3 & 7];
		if (row.op == OP_NONE)
			return emul_unhandled(c, emul_why_unknown(c));
		if (row.op == OP_TEST) {	/* in group 3, only TEST has an immediate */
			row.src = ARG_IMM;
			row.flags |= F_IMM;
		}
	}
	d->op = row.op;
	d->dst = row.dst;
	d->src = row.src;
	decode_sizes(c, row.flags, emul_traits[d->op].flags, addr_prefix);

	if (d->has_modrm && d->modrm < 0xc0)
		rc = decode_mem(c);
	else if (row.dst == ARG_MEM || row.src == ARG_MEM)
		rc = decode_mem_implicit(c, row.flags);
	else if (row.flags & F_MEM)
		rc = emul_unhandled(c, "register form of an instruction known with memory only");
	if (rc == EMUL_OK)
		rc = decode_immediate(c, row.flags);
	if (rc == EMUL_OK)
		rc = refine(c);
	if (rc != EMUL_OK)
		return rc;

	if (d->lock && (!(emul_traits[d->op].flags & T_LOCK) || !d->has_mem || d->dst != ARG_RM))
		return emul_raise(c, EMUL_UD);
	return EMUL_OK;
}

/**
 * emul_decode() - fetch and decode one instruction
 * @c: context; ops, mode, gpr and rip are read, d, insn, insn_len and fetched are filled
 *
 * Registers and guest memory are not changed.
 *
 * Return: EMUL_OK; EMUL_FAULT for #UD, for #GP of more than 15 bytes, or from the fetch callback;
 * EMUL_UNHANDLED with emul_ctxt.why; or another result of the fetch callback.
 */
enum emul_rc emul_decode(struct emul_ctxt *c)
{
	bool addr_prefix = false;
	struct emul_opcode row;
	enum emul_rc rc;
	u8 byte;

	c->d = (struct emul_decoded){
		.seg_override = -1,
		.mem = { .base = -1, .index = -1 },
	};
	c->insn_len = 0;
	c->fetched = 0;
	c->why = NULL;

	rc = decode_prefixes(c, &byte, &addr_prefix);
	if (rc == EMUL_OK)
		rc = decode_opcode(c, byte);
	if (rc != EMUL_OK)
		return rc;

	row = lookup(&c->d);
	if (row.op == OP_NONE || (row.flags & F_ONLY64 && c->mode != EMUL_LONG64))
		return emul_unhandled(c, emul_why_unknown(c));
	if (row.flags & F_NO64 && c->mode == EMUL_LONG64)
		return emul_raise(c, EMUL_UD);
	return decode_operands(c, row, addr_prefix);
}
