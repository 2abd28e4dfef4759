// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptor-table registers, LDTR, TR, the machine status word, x87 state.
 *
 * SDM volume 2, the instructions' pages, their memory forms. Privilege is checked here; the
 * callbacks read and write the registers.
 */
#include "insn.h"

static bool is_protected(const struct emul_ctxt *c)
{
	return c->mode != EMUL_REAL16;
}

static enum emul_rc store(struct emul_ctxt *c, u64 value)
{
	return emul_mem_write(c, c->d.mem.seg, c->d.ea, &value, 2);
}

static enum emul_rc exec_selector(struct emul_ctxt *c)
{
	unsigned int seg = c->d.op == OP_SLDT || c->d.op == OP_LLDT ? EMUL_LDTR : EMUL_TR;
	enum emul_rc rc;
	u64 selector;

	if (!is_protected(c))
		return emul_raise(c, EMUL_UD);
	if (c->d.op == OP_SLDT || c->d.op == OP_STR) {
		if (!c->ops->segment_selector)
			return emul_unhandled(c, "read of LDTR or TR");
		return store(c, c->ops->segment_selector(c, seg));
	}
	if (!c->ops->load_segment)
		return emul_unhandled(c, "load of LDTR or TR");
	rc = emul_operand_read(c, ARG_RM16, false, &selector);
	return rc == EMUL_OK ? c->ops->load_segment(c, seg, selector) : rc;
}

/* Limit and base: 6 bytes, in 64-bit mode 10. */
static enum emul_rc exec_table(struct emul_ctxt *c)
{
	unsigned int base_len = c->mode == EMUL_LONG64 ? 8 : 4;
	bool idt = c->d.op == OP_SIDT || c->d.op == OP_LIDT;
	struct emul_table table = { 0 };
	enum emul_rc rc;
	u8 buf[10];

	if (!c->ops->read_table || !c->ops->write_table)
		return emul_unhandled(c, "access to GDTR or IDTR");
	if (c->d.op == OP_SGDT || c->d.op == OP_SIDT) {
		c->ops->read_table(c, idt, &table);
		memcpy(buf, &table.limit, 2);
		memcpy(buf + 2, &table.base, base_len);
		return emul_mem_write(c, c->d.mem.seg, c->d.ea, buf, 2 + base_len);
	}
	rc = emul_mem_read(c, c->d.mem.seg, c->d.ea, buf, 2 + base_len, false);
	if (rc != EMUL_OK)
		return rc;
	memcpy(&table.limit, buf, 2);
	memcpy(&table.base, buf + 2, base_len);
	if (c->mode == EMUL_LONG64 && !emul_canonical(c, table.base))
		return emul_raise(c, EMUL_GP);
	if (c->mode != EMUL_LONG64 && c->d.size == 2)
		table.base &= 0xffffff;
	c->ops->write_table(c, idt, &table);
	return EMUL_OK;
}

static enum emul_rc exec_msw(struct emul_ctxt *c)
{
	enum emul_rc rc;
	u64 msw;

	if (!c->ops->read_cr0 || !c->ops->load_msw)
		return emul_unhandled(c, "machine status word");
	if (c->d.op == OP_SMSW)
		return store(c, c->ops->read_cr0(c));
	rc = emul_operand_read(c, ARG_RM16, false, &msw);
	return rc == EMUL_OK ? c->ops->load_msw(c, msw) : rc;
}

/* In pieces of 64 bytes, the most that a callback takes. */
static enum emul_rc exec_fx(struct emul_ctxt *c)
{
	bool save = c->d.op == OP_FXSAVE;
	u8 image[EMUL_FXSAVE_LEN];
	enum emul_rc rc = EMUL_OK;
	unsigned int len, at, n;
	u64 linear;

	if (!c->ops->fxsave || !c->ops->fxrstor)
		return emul_unhandled(c, "FXSAVE or FXRSTOR");
	rc = emul_linear(c, c->d.mem.seg, c->d.ea, EMUL_FXSAVE_LEN, save, &linear);
	if (rc != EMUL_OK)
		return rc;
	if (linear & 15)
		return emul_raise(c, EMUL_GP);
	len = c->ops->fxsave(c, image);
	if (len > EMUL_FXSAVE_LEN)
		len = EMUL_FXSAVE_LEN;
	for (at = 0; save && rc == EMUL_OK && c->ops->probe_write && at < len; at += 16)
		rc = c->ops->probe_write(c, linear + at, 16);
	for (at = 0; rc == EMUL_OK && at < len; at += n) {
		n = len - at < 64 ? len - at : 64;
		if (save)
			rc = emul_mem_write(c, c->d.mem.seg, c->d.ea + at, image + at, n);
		else
			rc = emul_mem_read(c, c->d.mem.seg, c->d.ea + at, image + at, n, false);
	}
	return rc == EMUL_OK && !save ? c->ops->fxrstor(c, image) : rc;
}

/**
 * emul_system() - execute an instruction of system or x87 state
 * @c: decoded context with the effective address computed
 *
 * Return: see enum emul_rc.
 */
enum emul_rc emul_system(struct emul_ctxt *c)
{
	switch (c->d.op) {
	case OP_LLDT:
	case OP_LTR:
	case OP_LGDT:
	case OP_LIDT:
	case OP_LMSW:
		if (c->cpl && (is_protected(c) || c->d.op != OP_LLDT))
			return emul_raise(c, EMUL_GP);
		break;
	case OP_FNSTCW:
	case OP_FNSTSW:
	case OP_FXSAVE:
	case OP_FXRSTOR:
		if (c->ops->fpu_enabled && !c->ops->fpu_enabled(c, EMUL_X87))
			return EMUL_RETRY;
		break;
	default:
		if (c->cpl && c->ops->umip && c->ops->umip(c))
			return emul_raise(c, EMUL_GP);
	}

	switch (c->d.op) {
	case OP_SLDT ... OP_LTR:
		return exec_selector(c);
	case OP_SGDT ... OP_LIDT:
		return exec_table(c);
	case OP_SMSW:
	case OP_LMSW:
		return exec_msw(c);
	case OP_FXSAVE:
	case OP_FXRSTOR:
		return exec_fx(c);
	default:
		if (!c->ops->x87_word)
			return emul_unhandled(c, "x87 instruction");
		return store(c, c->ops->x87_word(c, c->d.op == OP_FNSTSW));
	}
}
