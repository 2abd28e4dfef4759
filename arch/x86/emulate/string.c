// SPDX-License-Identifier: GPL-2.0-only
/*
 * MOVS, CMPS, STOS, LODS, SCAS, alone and under REP.
 *
 * SDM volume 2, "REP/REPE/REPZ/REPNE/REPNZ". A repeated string instruction is interruptible: each
 * iteration commits its registers before the next begins, so a fault or a wait for userspace in the
 * middle resumes where it stopped. One call does a bounded batch, so that interrupts get in, and
 * ends the batch after an iteration that touched a device, so that the caller can complete it.
 */
#include "insn.h"

static u64 addr_reg(const struct emul_ctxt *c, unsigned int reg)
{
	return c->gpr[reg] & emul_mask(c->d.addr_size);
}

/* Move an index register one element on, by RFLAGS.DF; it wraps at the address size. */
static void step(struct emul_ctxt *c, unsigned int reg)
{
	u64 delta = c->rflags & FLAG_DF ? -(u64)c->d.size : c->d.size;

	emul_gpr_write(c, reg, c->d.addr_size, c->gpr[reg] + delta);
}

/* The source is DS:rSI, or another segment by prefix. */
static enum emul_rc read_source(struct emul_ctxt *c, u64 *value)
{
	enum emul_seg seg = c->d.seg_override >= 0 ? c->d.seg_override : EMUL_DS;

	*value = 0;
	return emul_mem_read(c, seg, addr_reg(c, REG_SI), value, c->d.size, false);
}

/* The destination is always ES:rDI. */
static enum emul_rc read_destination(struct emul_ctxt *c, u64 *value)
{
	*value = 0;
	return emul_mem_read(c, EMUL_ES, addr_reg(c, REG_DI), value, c->d.size, false);
}

static enum emul_rc write_destination(struct emul_ctxt *c, u64 value)
{
	return emul_mem_write(c, EMUL_ES, addr_reg(c, REG_DI), &value, c->d.size);
}

/* One iteration: memory, then the registers; nothing if memory fails. */
static enum emul_rc iterate(struct emul_ctxt *c)
{
	unsigned int size = c->d.size;
	enum emul_rc rc;
	u64 a, b;

	switch (c->d.op) {
	case OP_MOVS:
		rc = read_source(c, &a);
		if (rc == EMUL_OK)
			rc = write_destination(c, a);
		break;
	case OP_CMPS:
		rc = read_source(c, &a);
		if (rc == EMUL_OK)
			rc = read_destination(c, &b);
		if (rc == EMUL_OK)
			emul_alu(OP_CMP, size, a, b, &c->rflags);
		break;
	case OP_STOS:
		rc = write_destination(c, c->gpr[REG_AX]);
		break;
	case OP_LODS:
		rc = read_source(c, &a);
		if (rc == EMUL_OK)
			emul_gpr_write(c, REG_AX, size, a);
		break;
	default:	/* SCAS */
		rc = read_destination(c, &b);
		if (rc == EMUL_OK)
			emul_alu(OP_CMP, size, c->gpr[REG_AX], b, &c->rflags);
		break;
	}
	if (rc != EMUL_OK)
		return rc;

	if (c->d.op == OP_MOVS || c->d.op == OP_CMPS || c->d.op == OP_LODS)
		step(c, REG_SI);
	if (c->d.op != OP_LODS)
		step(c, REG_DI);
	return EMUL_OK;
}

/* REPE ends at the first difference, REPNE at the first match; the others only by count. */
static bool condition_ends(const struct emul_ctxt *c)
{
	if (c->d.op != OP_CMPS && c->d.op != OP_SCAS)
		return false;
	return !(c->rflags & FLAG_ZF) == (c->d.rep == 0xf3);
}

/**
 * emul_string() - execute a string instruction
 * @c: decoded context; registers are committed iteration by iteration
 *
 * Sets rep_more if the batch ended and iterations are left.
 *
 * Return: EMUL_OK, or what stopped an iteration; those before it have been done.
 */
enum emul_rc emul_string(struct emul_ctxt *c)
{
	unsigned int batch;

	if (!c->d.rep)
		return iterate(c);

	for (batch = 0; batch < EMUL_REP_BATCH; batch++) {
		enum emul_rc rc;

		if (!addr_reg(c, REG_CX))
			return EMUL_OK;
		rc = iterate(c);
		if (rc != EMUL_OK) {
			c->rep_more = batch != 0;
			return rc;
		}
		emul_gpr_write(c, REG_CX, c->d.addr_size, c->gpr[REG_CX] - 1);
		if (condition_ends(c))
			return EMUL_OK;
		/* With RFLAGS.TF set, the single-step trap comes after each iteration. */
		if (c->mmio_touched || c->rflags & FLAG_TF)
			break;
	}
	c->rep_more = addr_reg(c, REG_CX) != 0;
	return EMUL_OK;
}
