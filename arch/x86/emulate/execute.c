// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carry out a decoded instruction.
 *
 * One function per family of operations, all of the same shape: read operands, compute, write the
 * memory operand (at most one write, after all reads), then registers and flags. Any step may fail;
 * registers and flags change only when no step is left that can, so that an instruction happens as
 * a whole or not at all (SDM volume 3, "Faults": the saved state is that before the instruction).
 * Semantics are those of the SDM's volume 2 reference pages.
 */
#include "insn.h"

static bool is_atomic(const struct emul_ctxt *c)
{
	return c->d.has_mem && (c->d.lock || c->d.op == OP_XCHG);
}

/* Write the first operand back; under LOCK only if it still is what was read. */
static enum emul_rc write_back(struct emul_ctxt *c, u64 value, u64 old)
{
	return emul_operand_write(c, c->d.dst, value, is_atomic(c) ? &old : NULL);
}

/* ADD to CMP, TEST, INC, DEC, NOT, NEG, shifts and rotates. */
static enum emul_rc exec_alu(struct emul_ctxt *c)
{
	u8 traits = emul_traits[c->d.op].flags;
	u64 flags = c->rflags;
	u64 dst, src, result;
	enum emul_rc rc;

	rc = emul_operand_read(c, c->d.src, false, &src);
	if (rc == EMUL_OK)
		rc = emul_operand_read(c, c->d.dst, traits & T_WRITE, &dst);
	if (rc != EMUL_OK)
		return rc;

	if (c->d.op >= OP_ROL && c->d.op <= OP_SAR)
		result = emul_shift(c->d.op, c->d.size, dst, src & 0xff, &flags);
	else
		result = emul_alu(c->d.op, c->d.size, dst, src, &flags);

	if (traits & T_WRITE)
		rc = write_back(c, result, dst);
	if (rc == EMUL_OK)
		c->rflags = flags;
	return rc;
}

static enum emul_rc exec_shift_double(struct emul_ctxt *c)
{
	unsigned int count = c->d.imm_size ? c->d.imm : c->gpr[REG_CX];
	u64 flags = c->rflags;
	enum emul_rc rc;
	u64 dst, src;

	rc = emul_operand_read(c, c->d.src, false, &src);
	if (rc == EMUL_OK)
		rc = emul_operand_read(c, c->d.dst, true, &dst);
	if (rc != EMUL_OK)
		return rc;
	dst = emul_shift_double(c->d.op, c->d.size, dst, src, count & 0xff, &flags);
	rc = write_back(c, dst, 0);
	if (rc == EMUL_OK)
		c->rflags = flags;
	return rc;
}

/*
 * BT, BTS, BTR, BTC. An immediate offset wraps within the operand. An offset in a register is
 * signed and reaches beyond it: memory is then a bit string that starts at the effective address.
 */
static enum emul_rc exec_bit_test(struct emul_ctxt *c)
{
	bool modify = c->d.op != OP_BT;
	unsigned int size = c->d.size;
	u64 dst, offset, bit;
	enum emul_rc rc;

	rc = emul_operand_read(c, c->d.src, false, &offset);
	if (rc != EMUL_OK)
		return rc;
	bit = 1ULL << (offset & (8 * size - 1));
	if (c->d.src == ARG_REG && c->d.has_mem) {
		/* Bytes to the operand that holds the bit: offset / bits * size, rounded down. */
		s64 bytes = (s64)emul_sign_extend(offset, size) >> 3 & -(s64)size;

		c->d.ea = (c->d.ea + bytes) & emul_mask(c->d.addr_size);
	}

	rc = emul_operand_read(c, c->d.dst, modify, &dst);
	if (rc != EMUL_OK)
		return rc;
	if (c->d.op == OP_BTS)
		rc = write_back(c, dst | bit, dst);
	else if (c->d.op == OP_BTR)
		rc = write_back(c, dst & ~bit, dst);
	else if (c->d.op == OP_BTC)
		rc = write_back(c, dst ^ bit, dst);
	if (rc == EMUL_OK)
		c->rflags = (c->rflags & ~FLAG_CF) | (dst & bit ? FLAG_CF : 0);
	return rc;
}

/* MUL, IMUL, DIV, IDIV of the accumulator: AX for bytes, else rDX:rAX. */
static enum emul_rc exec_mul_div(struct emul_ctxt *c)
{
	bool is_signed = c->d.op == OP_IMUL || c->d.op == OP_IDIV;
	unsigned int size = c->d.size;
	u64 operand, low, high;
	enum emul_rc rc;

	rc = emul_operand_read(c, c->d.dst, false, &operand);
	if (rc != EMUL_OK)
		return rc;

	low = c->gpr[REG_AX] & emul_mask(size);
	if (size == 1)
		high = c->gpr[REG_AX] >> 8 & 0xff;
	else
		high = c->gpr[REG_DX] & emul_mask(size);

	if (c->d.op == OP_MUL || c->d.op == OP_IMUL)
		low = emul_mul(is_signed, size, low, operand, &high, &c->rflags);
	else if (!emul_div(is_signed, size, &high, &low, operand))
		return emul_raise(c, EMUL_DE);

	if (size == 1) {
		emul_gpr_write(c, REG_AX, 2, high << 8 | low);
	} else {
		emul_gpr_write(c, REG_AX, size, low);
		emul_gpr_write(c, REG_DX, size, high);
	}
	return EMUL_OK;
}

/* IMUL with two (register, r/m) or three (register, r/m, immediate) operands. */
static enum emul_rc exec_imul(struct emul_ctxt *c)
{
	u64 a, b, high;
	enum emul_rc rc;

	rc = emul_operand_read(c, c->d.src, false, &a);
	if (rc != EMUL_OK)
		return rc;
	b = c->d.imm;
	if (c->d.op == OP_IMUL2)
		b = emul_gpr_read(c, emul_modrm_reg(c), c->d.size);
	a = emul_mul(true, c->d.size, a, b, &high, &c->rflags);
	return emul_operand_write(c, c->d.dst, a, NULL);
}

static enum emul_rc exec_bit_scan(struct emul_ctxt *c)
{
	enum emul_rc rc;
	u64 src, old;

	rc = emul_operand_read(c, c->d.src, false, &src);
	if (rc == EMUL_OK)
		rc = emul_operand_read(c, c->d.dst, false, &old);
	if (rc != EMUL_OK)
		return rc;
	src = emul_bit_scan(c->d.op, c->d.size, old, src, &c->rflags);
	/* A BSF of zero leaves all 64 bits of the destination alone, also with 32-bit operands. */
	if ((c->d.op == OP_BSF || c->d.op == OP_BSR) && c->rflags & FLAG_ZF)
		return EMUL_OK;
	return emul_operand_write(c, c->d.dst, src, NULL);
}

static u64 swap_bytes(u64 value, unsigned int size)
{
	u64 swapped = 0;

	while (size--) {
		swapped = swapped << 8 | (value & 0xff);
		value >>= 8;
	}
	return swapped;
}

/* Everything that copies one operand to another. */
static enum emul_rc exec_mov(struct emul_ctxt *c)
{
	enum emul_rc rc;
	u64 value, old;

	rc = emul_operand_read(c, c->d.src, false, &value);
	if (rc != EMUL_OK)
		return rc;

	if (c->d.op == OP_MOVSX) {
		value = emul_sign_extend(value, emul_operand_size(c, c->d.src));
	} else if (c->d.op == OP_MOVBE) {
		value = swap_bytes(value, c->d.size);
	} else if (c->d.op == OP_CMOVCC && !emul_condition(c->d.opcode & 15, c->rflags)) {
		/* Also without a move, a 32-bit destination is zero-extended. */
		rc = emul_operand_read(c, c->d.dst, false, &old);
		if (rc != EMUL_OK)
			return rc;
		value = old;
	}
	return emul_operand_write(c, c->d.dst, value, NULL);
}

static enum emul_rc exec_setcc(struct emul_ctxt *c)
{
	return emul_operand_write(c, c->d.dst, emul_condition(c->d.opcode & 15, c->rflags), NULL);
}

/* XCHG and XADD: the register gets the old value. */
static enum emul_rc exec_xchg(struct emul_ctxt *c)
{
	u64 flags = c->rflags;
	u64 dst, src, result;
	enum emul_rc rc;

	rc = emul_operand_read(c, c->d.src, false, &src);
	if (rc == EMUL_OK)
		rc = emul_operand_read(c, c->d.dst, true, &dst);
	if (rc != EMUL_OK)
		return rc;

	result = src;
	if (c->d.op == OP_XADD)
		result = emul_alu(OP_ADD, c->d.size, dst, src, &flags);
	if (c->d.has_mem) {
		rc = write_back(c, result, dst);
		if (rc != EMUL_OK)
			return rc;
		emul_gpr_write(c, emul_modrm_reg(c), c->d.size, dst);
	} else {
		/* The sum is written last: XADD of a register with itself leaves the sum there. */
		emul_gpr_write(c, emul_modrm_reg(c), c->d.size, dst);
		rc = write_back(c, result, dst);
	}
	c->rflags = flags;
	return rc;
}

/* The destination is written in any case, with its own value if the comparison fails. */
static enum emul_rc exec_cmpxchg(struct emul_ctxt *c)
{
	u64 accumulator = emul_gpr_read(c, REG_AX, c->d.size);
	u64 flags = c->rflags;
	enum emul_rc rc;
	u64 dst, src;

	rc = emul_operand_read(c, c->d.src, false, &src);
	if (rc == EMUL_OK)
		rc = emul_operand_read(c, c->d.dst, true, &dst);
	if (rc != EMUL_OK)
		return rc;

	emul_alu(OP_CMP, c->d.size, accumulator, dst, &flags);
	if (flags & FLAG_ZF)
		rc = write_back(c, src, dst);
	else if (c->d.has_mem)
		rc = write_back(c, dst, dst);
	if (rc != EMUL_OK)
		return rc;
	if (!(flags & FLAG_ZF))
		emul_gpr_write(c, REG_AX, c->d.size, dst);
	c->rflags = flags;
	return EMUL_OK;
}

/* CMPXCHG8B and, with REX.W, CMPXCHG16B. */
static enum emul_rc exec_cmpxchg_pair(struct emul_ctxt *c)
{
	unsigned int half = c->d.size / 2;
	enum emul_seg seg = c->d.mem.seg;
	u8 old[16], new[16];
	u64 low = 0, high = 0;
	enum emul_rc rc;
	u64 linear;
	bool equal;

	rc = emul_linear(c, seg, c->d.ea, c->d.size, true, &linear);
	if (rc != EMUL_OK)
		return rc;
	if (c->d.size == 16 && linear & 15)
		return emul_raise(c, EMUL_GP);
	rc = emul_mem_read(c, seg, c->d.ea, old, c->d.size, true);
	if (rc != EMUL_OK)
		return rc;

	memcpy(&low, old, half);
	memcpy(&high, old + half, half);
	memcpy(new, old, c->d.size);
	equal = low == emul_gpr_read(c, REG_AX, half) && high == emul_gpr_read(c, REG_DX, half);
	if (equal) {
		memcpy(new, &c->gpr[REG_BX], half);
		memcpy(new + half, &c->gpr[REG_CX], half);
	}
	if (c->d.lock)
		rc = emul_mem_cmpxchg(c, seg, c->d.ea, old, new, c->d.size);
	else
		rc = emul_mem_write(c, seg, c->d.ea, new, c->d.size);
	if (rc != EMUL_OK)
		return rc;

	if (equal) {
		c->rflags |= FLAG_ZF;
	} else {
		emul_gpr_write(c, REG_AX, half, low);
		emul_gpr_write(c, REG_DX, half, high);
		c->rflags &= ~FLAG_ZF;
	}
	return EMUL_OK;
}

/* 64 bytes from the memory operand to ES:register, in one piece. */
static enum emul_rc exec_movdir64b(struct emul_ctxt *c)
{
	u64 to = emul_gpr_read(c, emul_modrm_reg(c), c->d.addr_size);
	enum emul_rc rc;
	u64 linear;
	u8 buf[64];

	rc = emul_linear(c, EMUL_ES, to, sizeof(buf), true, &linear);
	if (rc != EMUL_OK)
		return rc;
	if (linear & 63)
		return emul_raise(c, EMUL_GP);
	rc = emul_mem_read(c, c->d.mem.seg, c->d.ea, buf, sizeof(buf), false);
	if (rc != EMUL_OK)
		return rc;
	return emul_mem_write(c, EMUL_ES, to, buf, sizeof(buf));
}

/* Check a near branch's target; the caller makes it the new rip. */
static enum emul_rc check_target(struct emul_ctxt *c, u64 *target)
{
	u64 linear;

	*target &= emul_mask(c->d.size);
	if (c->mode != EMUL_LONG64)
		return emul_linear(c, EMUL_CS, *target, 0, false, &linear);
	return emul_canonical(c, *target) ? EMUL_OK : emul_raise(c, EMUL_GP);
}

/* Near CALL (relative and indirect) and indirect JMP.  *next is where execution goes on. */
static enum emul_rc exec_branch(struct emul_ctxt *c, u64 *next)
{
	enum emul_rc rc;
	u64 target;

	rc = emul_operand_read(c, c->d.dst, false, &target);
	if (rc != EMUL_OK)
		return rc;
	if (c->d.dst == ARG_IMM)
		target += *next;
	rc = check_target(c, &target);
	if (rc == EMUL_OK && c->d.op == OP_CALL)
		rc = emul_push(c, *next, c->d.size);
	*next = target;
	return rc;
}

static enum emul_rc exec_ret(struct emul_ctxt *c, u64 *next)
{
	enum emul_rc rc;

	rc = emul_stack_peek(c, next, c->d.size);
	if (rc == EMUL_OK)
		rc = check_target(c, next);
	if (rc == EMUL_OK)
		emul_stack_add(c, c->d.size + (c->d.imm & 0xffff));
	return rc;
}

static enum emul_rc exec_push(struct emul_ctxt *c)
{
	enum emul_rc rc;
	u64 value;

	rc = emul_operand_read(c, c->d.dst, false, &value);
	if (rc != EMUL_OK)
		return rc;
	return c->d.dst >= ARG_SEG_FIRST ? emul_push_selector(c, value, c->d.size) :
					   emul_push(c, value, c->d.size);
}

/* A destination addressed by rSP uses its value after the pop. */
static enum emul_rc exec_pop(struct emul_ctxt *c)
{
	u64 sp = c->gpr[REG_SP];
	enum emul_rc rc;
	u64 value;

	rc = emul_stack_peek(c, &value, c->d.size);
	if (rc != EMUL_OK)
		return rc;
	emul_stack_add(c, c->d.size);
	if (c->d.has_mem)
		emul_compute_ea(c);
	rc = emul_operand_write(c, c->d.dst, value, NULL);
	if (rc != EMUL_OK)
		c->gpr[REG_SP] = sp;
	return rc;
}

/* rSP = rBP, then pop rBP: the stack pointer's size and the operand's may differ. */
static enum emul_rc exec_leave(struct emul_ctxt *c)
{
	u64 sp = c->gpr[REG_SP];
	enum emul_rc rc;
	u64 value;

	emul_stack_add(c, c->gpr[REG_BP] - sp);
	rc = emul_stack_peek(c, &value, c->d.size);
	if (rc != EMUL_OK) {
		c->gpr[REG_SP] = sp;
		return rc;
	}
	emul_stack_add(c, c->d.size);
	emul_gpr_write(c, REG_BP, c->d.size, value);
	return EMUL_OK;
}

static enum emul_rc dispatch(struct emul_ctxt *c, u64 *next)
{
	switch (c->d.op) {
	case OP_ADD ... OP_NEG:
		return exec_alu(c);
	case OP_SHLD:
	case OP_SHRD:
		return exec_shift_double(c);
	case OP_BT ... OP_BTC:
		return exec_bit_test(c);
	case OP_MUL ... OP_IDIV:
		return exec_mul_div(c);
	case OP_IMUL2:
	case OP_IMUL3:
		return exec_imul(c);
	case OP_BSF ... OP_POPCNT:
		return exec_bit_scan(c);
	case OP_MOV ... OP_MOVNTI:
	case OP_CMOVCC:
		return exec_mov(c);
	case OP_MOVDIR64B:
		return exec_movdir64b(c);
	case OP_XCHG:
	case OP_XADD:
		return exec_xchg(c);
	case OP_CMPXCHG:
		return exec_cmpxchg(c);
	case OP_CMPXCHG8B:
		return exec_cmpxchg_pair(c);
	case OP_SETCC:
		return exec_setcc(c);
	case OP_PUSH:
		return exec_push(c);
	case OP_POP:
		return exec_pop(c);
	case OP_CALL:
	case OP_JMP:
		return exec_branch(c, next);
	case OP_RET:
		return exec_ret(c, next);
	case OP_LEAVE:
		return exec_leave(c);
	case OP_PUSHA ... OP_ENTER:
		return emul_stack(c);
	case OP_LOAD_FAR ... OP_IRET:
		return emul_far(c, next);
	case OP_SLDT ... OP_FXRSTOR:
		return emul_system(c);
	case OP_MOVS ... OP_SCAS:
		return emul_string(c);
	case OP_INS:
	case OP_OUTS:
		/*
		 * These cause exits of their own, for the port: the instruction was replaced
		 * after the exit, and the guest executes it.
		 */
		return EMUL_RETRY;
	case OP_NOP:
		return EMUL_OK;
	case OP_SSE:
		return emul_sse(c);
	default:
		return emul_unhandled(c, "nothing decoded");
	}
}

/**
 * emul_execute() - execute what emul_decode() decoded
 * @c: context, unchanged since emul_decode()
 *
 * Called again after EMUL_IO_NEEDED, it saves the second fetch and decode.
 *
 * Return: see enum emul_rc.
 */
enum emul_rc emul_execute(struct emul_ctxt *c)
{
	u64 next = c->rip + c->insn_len;
	enum emul_rc rc;

	c->mmio_touched = false;
	c->rep_more = false;
	if (c->mode != EMUL_LONG64)
		next = (u32)next;

	if (c->d.has_mem)
		emul_compute_ea(c);
	rc = dispatch(c, &next);
	if (rc == EMUL_OK && !c->rep_more) {
		c->rip = next;
		if (c->d.op != OP_IRET)	/* IRET has loaded RF */
			c->rflags &= ~FLAG_RF;
	}
	return rc;
}

/**
 * emulate_insn() - fetch, decode and execute the instruction at rip
 * @c: context with ops, mode, cpl, gpr, rip and rflags filled in by the caller
 *
 * Callable in every context in which the callbacks are; keeps no state of its own.
 *
 * Return: see enum emul_rc.
 */
enum emul_rc emulate_insn(struct emul_ctxt *c)
{
	enum emul_rc rc;

	c->mmio_touched = false;
	c->rep_more = false;
	rc = emul_decode(c);
	return rc == EMUL_OK ? emul_execute(c) : rc;
}
