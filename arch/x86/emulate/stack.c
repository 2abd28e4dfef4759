// SPDX-License-Identifier: GPL-2.0-only
/*
 * PUSHA, POPA, PUSHF, POPF, ENTER.
 *
 * SDM volume 2, the instructions' pages. One that pushes more than once asks first whether all of
 * it can be written (emul_push_probe()), so that it happens as a whole or not at all.
 */
#include "insn.h"

static enum emul_rc exec_pusha(struct emul_ctxt *c)
{
	enum emul_rc rc;

	/* In the order of their numbers; SP as it is before the instruction. */
	rc = emul_push_probe(c, 8, c->d.size);
	return rc == EMUL_OK ? emul_push_all(c, c->gpr, 8, c->d.size) : rc;
}

static enum emul_rc exec_popa(struct emul_ctxt *c)
{
	u64 value[8] = { 0 };
	unsigned int i;

	for (i = 0; i < 8; i++) {
		unsigned int reg = 7 - i;
		enum emul_rc rc;

		if (reg == REG_SP)	/* its slot is skipped, not read */
			continue;
		rc = emul_stack_read(c, c->gpr[REG_SP] + (u64)i * c->d.size, &value[reg],
				     c->d.size);
		if (rc != EMUL_OK)
			return rc;
	}
	for (i = 0; i < 8; i++) {
		if (i != REG_SP)
			emul_gpr_write(c, i, c->d.size, value[i]);
	}
	emul_stack_add(c, 8 * c->d.size);
	return EMUL_OK;
}

/* In virtual-8086 mode with IOPL below 3, PUSHF and POPF raise #GP: the monitor emulates them. */
static bool iopl_forbids(const struct emul_ctxt *c)
{
	return c->rflags & FLAG_VM && (c->rflags & FLAG_IOPL) != FLAG_IOPL;
}

/**
 * emul_flags_loaded() - RFLAGS after POPF
 * @c: context
 * @value: what was popped
 * @size: bytes popped; with 2, the upper half of EFLAGS is kept
 *
 * Return: RFLAGS, with those bits of @value that the privilege level allows to change.
 */
u64 emul_flags_loaded(const struct emul_ctxt *c, u64 value, unsigned int size)
{
	u64 changes = FLAGS_STATUS | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | FLAG_ID;
	unsigned int iopl = (c->rflags & FLAG_IOPL) >> 12;

	if (c->cpl == 0)
		changes |= FLAG_IOPL;
	if (c->cpl <= iopl)
		changes |= FLAG_IF;
	changes &= emul_mask(size);
	return (c->rflags & ~changes) | (value & changes);
}

static enum emul_rc exec_pushf(struct emul_ctxt *c)
{
	if (iopl_forbids(c))
		return emul_raise(c, EMUL_GP);
	return emul_push(c, c->rflags & ~(FLAG_VM | FLAG_RF), c->d.size);
}

static enum emul_rc exec_popf(struct emul_ctxt *c)
{
	enum emul_rc rc;
	u64 value;

	if (iopl_forbids(c))
		return emul_raise(c, EMUL_GP);
	rc = emul_stack_peek(c, &value, c->d.size);
	if (rc != EMUL_OK)
		return rc;
	emul_stack_add(c, c->d.size);
	c->rflags = emul_flags_loaded(c, value, c->d.size);
	return EMUL_OK;
}

/* A new stack frame, which begins with the frame pointers of the enclosing procedures. */
static enum emul_rc exec_enter(struct emul_ctxt *c)
{
	unsigned int level = c->d.imm2 & 31, size = c->d.size, count = 1, i;
	u64 frame = c->gpr[REG_SP] - size;
	u64 value[33];
	enum emul_rc rc;

	value[0] = c->gpr[REG_BP];
	for (i = 1; i < level; i++) {
		rc = emul_stack_read(c, c->gpr[REG_BP] - (u64)i * size, &value[count++], size);
		if (rc != EMUL_OK)
			return rc;
	}
	if (level)
		value[count++] = frame;
	rc = emul_push_probe(c, count, size);
	if (rc == EMUL_OK)
		rc = emul_push_all(c, value, count, size);
	if (rc != EMUL_OK)
		return rc;
	emul_gpr_write(c, REG_BP, size, frame);
	emul_stack_add(c, -(c->d.imm & 0xffff));
	return EMUL_OK;
}

/**
 * emul_stack() - execute PUSHA, POPA, PUSHF, POPF or ENTER
 * @c: decoded context
 *
 * Return: see enum emul_rc.
 */
enum emul_rc emul_stack(struct emul_ctxt *c)
{
	switch (c->d.op) {
	case OP_PUSHA:
		return exec_pusha(c);
	case OP_POPA:
		return exec_popa(c);
	case OP_PUSHF:
		return exec_pushf(c);
	case OP_POPF:
		return exec_popf(c);
	default:
		return exec_enter(c);
	}
}
