// SPDX-License-Identifier: GPL-2.0-only
/*
 * Far pointers: LDS, LES, LSS, LFS, LGS, far JMP, CALL and RET, IRET.
 *
 * SDM volume 2, the instructions' pages. The caller knows what a selector means and whether it
 * may be loaded: load_segment and load_cs are the last steps that can fail. load_cs also refuses
 * gates, tasks and returns to an outer ring.
 */
#include "insn.h"

/* A far pointer in memory: the offset first. */
static enum emul_rc read_pointer(struct emul_ctxt *c, u64 *offset, u16 *selector)
{
	unsigned int size = c->d.size;
	enum emul_rc rc;
	u8 buf[10];

	rc = emul_mem_read(c, c->d.mem.seg, c->d.ea, buf, size + 2, false);
	if (rc != EMUL_OK)
		return rc;
	*offset = 0;
	memcpy(offset, buf, size);
	memcpy(selector, buf + size, sizeof(*selector));
	return EMUL_OK;
}

static enum emul_rc exec_load_far(struct emul_ctxt *c)
{
	enum emul_rc rc;
	u16 selector;
	u64 offset;

	rc = read_pointer(c, &offset, &selector);
	if (rc != EMUL_OK)
		return rc;
	rc = emul_operand_write(c, c->d.src, selector, NULL);
	if (rc == EMUL_OK)
		emul_gpr_write(c, emul_modrm_reg(c), c->d.size, offset);
	return rc;
}

static enum emul_rc load_cs(struct emul_ctxt *c, u16 selector, u64 offset, enum emul_far why)
{
	if (!c->ops->load_cs)
		return emul_unhandled(c, "far branch");
	return c->ops->load_cs(c, selector, offset, why);
}

static enum emul_rc exec_branch_far(struct emul_ctxt *c, u64 *next)
{
	bool call = c->d.op == OP_CALL_FAR;
	u16 selector = c->d.imm2;
	u64 offset = c->d.imm & emul_mask(c->d.size);
	enum emul_rc rc = EMUL_OK;
	u64 back[2] = { 0 };

	if (c->d.has_mem)
		rc = read_pointer(c, &offset, &selector);
	if (rc == EMUL_OK && call) {
		if (!c->ops->segment_selector)
			return emul_unhandled(c, "far branch");
		back[0] = c->ops->segment_selector(c, EMUL_CS);
		back[1] = *next;
		rc = emul_push_probe(c, 2, c->d.size);
	}
	if (rc == EMUL_OK)
		rc = load_cs(c, selector, offset, call ? EMUL_FAR_CALL : EMUL_FAR_JMP);
	if (rc == EMUL_OK && call)
		rc = emul_push_all(c, back, 2, c->d.size);
	*next = offset;
	return rc;
}

static enum emul_rc exec_ret_far(struct emul_ctxt *c, u64 *next)
{
	u64 sp = c->gpr[REG_SP], selector;
	unsigned int size = c->d.size;
	enum emul_rc rc;

	rc = emul_stack_read(c, sp, next, size);
	if (rc == EMUL_OK)
		rc = emul_stack_read(c, sp + size, &selector, size);
	if (rc == EMUL_OK)
		rc = load_cs(c, selector, *next, EMUL_FAR_RET);
	if (rc == EMUL_OK)
		emul_stack_add(c, 2 * size + (c->d.imm & 0xffff));
	return rc;
}

/* Outside 64-bit mode, to the same ring, with RFLAGS.NT clear. */
static enum emul_rc exec_iret(struct emul_ctxt *c, u64 *next)
{
	u64 sp = c->gpr[REG_SP], selector, flags, rf;
	unsigned int size = c->d.size;
	enum emul_rc rc;

	if (c->mode == EMUL_LONG64 || c->rflags & FLAG_VM ||
	    (c->mode != EMUL_REAL16 && c->rflags & FLAG_NT))
		return emul_unhandled(c, "IRET in 64-bit mode, virtual-8086 mode or to a task");
	rc = emul_stack_read(c, sp, next, size);
	if (rc == EMUL_OK)
		rc = emul_stack_read(c, sp + size, &selector, size);
	if (rc == EMUL_OK)
		rc = emul_stack_read(c, sp + 2 * size, &flags, size);
	if (rc != EMUL_OK)
		return rc;
	if (c->mode != EMUL_REAL16 && size == 4 && flags & FLAG_VM && c->cpl == 0)
		return emul_unhandled(c, "IRET to virtual-8086 mode");
	rc = load_cs(c, selector, *next, EMUL_FAR_IRET);
	if (rc != EMUL_OK)
		return rc;
	emul_stack_add(c, 3 * size);
	rf = size == 2 ? c->rflags & FLAG_RF : flags & FLAG_RF;
	c->rflags = (emul_flags_loaded(c, flags, size) & ~FLAG_RF) | rf;
	return EMUL_OK;
}

/**
 * emul_far() - execute an instruction with a far pointer
 * @c: decoded context with the effective address computed
 * @next: where execution goes on
 *
 * Return: see enum emul_rc.
 */
enum emul_rc emul_far(struct emul_ctxt *c, u64 *next)
{
	switch (c->d.op) {
	case OP_LOAD_FAR:
		return exec_load_far(c);
	case OP_RET_FAR:
		return exec_ret_far(c, next);
	case OP_IRET:
		return exec_iret(c, next);
	default:
		return exec_branch_far(c, next);
	}
}
