// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers, addresses, memory and the stack, as instructions see them.
 *
 * From a decoded operand to its value and back: general registers with their 8-bit and 32-bit
 * peculiarities, effective address, segmentation and canonical check (SDM volume 1, "Operand
 * Addressing" and volume 3, "Segmentation"), then the caller's callbacks. A function that fails has
 * changed nothing.
 */
#include "insn.h"

/**
 * emul_raise() - make the emulation end in an exception
 * @c: context
 * @vector: exception vector; where it has an error code, that is 0
 *
 * Return: EMUL_FAULT.
 */
enum emul_rc emul_raise(struct emul_ctxt *c, enum emul_vector vector)
{
	c->fault = (struct emul_fault){
		.vector = vector,
		.has_error_code = vector == EMUL_SS_FAULT || vector == EMUL_GP,
	};
	return EMUL_FAULT;
}

/**
 * emul_unhandled() - make the emulation end because the emulator cannot do it
 * @c: context
 * @why: static string with the reason
 *
 * Return: EMUL_UNHANDLED.
 */
enum emul_rc emul_unhandled(struct emul_ctxt *c, const char *why)
{
	c->why = why;
	return EMUL_UNHANDLED;
}

/**
 * emul_canonical() - is an address canonical?
 * @c: context; @la57 decides between 48 and 57 bits
 * @linear: linear address
 *
 * Return: true if all bits above the implemented ones equal the highest of these.
 */
bool emul_canonical(const struct emul_ctxt *c, u64 linear)
{
	u64 sign = 1ULL << (c->la57 ? 56 : 47);

	return (((linear & (2 * sign - 1)) ^ sign) - sign) == linear;
}

/* Without REX, byte registers 4 to 7 are AH, CH, DH, BH. */
static bool is_high_byte(const struct emul_ctxt *c, unsigned int reg, unsigned int size)
{
	return size == 1 && !c->d.rex && reg >= 4 && reg < 8;
}

/**
 * emul_gpr_read() - read a general register
 * @c: context
 * @reg: register number as encoded, 0 to 15
 * @size: 1, 2, 4 or 8 bytes
 *
 * Return: the value, zero-extended.
 */
u64 emul_gpr_read(const struct emul_ctxt *c, unsigned int reg, unsigned int size)
{
	if (is_high_byte(c, reg, size))
		return (c->gpr[reg & 3] >> 8) & 0xff;
	return c->gpr[reg & 15] & emul_mask(size);
}

/**
 * emul_gpr_write() - write a general register
 * @c: context
 * @reg: register number as encoded, 0 to 15
 * @size: 1, 2, 4 or 8 bytes; 4 clears the upper half, 1 and 2 keep the rest
 * @value: the value; bits beyond @size are ignored
 */
void emul_gpr_write(struct emul_ctxt *c, unsigned int reg, unsigned int size, u64 value)
{
	u64 *r = &c->gpr[reg & 15];

	if (is_high_byte(c, reg, size)) {
		r = &c->gpr[reg & 3];
		*r = (*r & ~0xff00ULL) | (value & 0xff) << 8;
	} else if (size >= 4) {
		*r = value & emul_mask(size);
	} else {
		*r = (*r & ~emul_mask(size)) | (value & emul_mask(size));
	}
}

/**
 * emul_modrm_reg() - the register in ModRM.reg, with REX.R
 * @c: decoded context
 *
 * Return: 0 to 15.
 */
unsigned int emul_modrm_reg(const struct emul_ctxt *c)
{
	return (c->d.modrm >> 3 & 7) | (c->d.rex & 4) << 1;
}

/**
 * emul_modrm_rm() - the register in ModRM.rm, with REX.B
 * @c: decoded context
 *
 * Return: 0 to 15.
 */
unsigned int emul_modrm_rm(const struct emul_ctxt *c)
{
	return (c->d.modrm & 7) | (c->d.rex & 1) << 3;
}

/**
 * emul_compute_ea() - compute the effective address of the memory operand
 * @c: decoded context; the result goes to emul_decoded.ea
 */
void emul_compute_ea(struct emul_ctxt *c)
{
	const struct emul_mem *m = &c->d.mem;
	u64 ea = m->disp;

	if (m->base >= 0)
		ea += c->gpr[m->base & 15];
	if (m->index >= 0)
		ea += c->gpr[m->index & 15] << m->scale;
	if (m->rip_relative)
		ea += c->rip + c->insn_len;
	if (c->d.map == MAP_1B && c->d.opcode == 0xd7)	/* XLAT */
		ea += c->gpr[REG_AX] & 0xff;
	c->d.ea = ea & emul_mask(c->d.addr_size);
}

/**
 * emul_linear() - turn segment and offset into a linear address, with all checks
 * @c: context
 * @seg: segment
 * @off: offset, already truncated to the address size
 * @len: bytes that will be accessed
 * @write: whether they will be written
 * @linear: (out) the address
 *
 * Return: EMUL_OK, or EMUL_FAULT (#GP or #SS) with the fault filled in.
 */
enum emul_rc emul_linear(struct emul_ctxt *c, enum emul_seg seg, u64 off, unsigned int len,
			 bool write, u64 *linear)
{
	if (c->mode != EMUL_LONG64) {
		if (c->ops->segment_check) {
			enum emul_rc rc = c->ops->segment_check(c, seg, off, len, write);

			if (rc != EMUL_OK)
				return rc;
		}
		*linear = (u32)(off + c->ops->segment_base(c, seg));
		return EMUL_OK;
	}

	*linear = off;
	if (seg == EMUL_FS || seg == EMUL_GS)
		*linear += c->ops->segment_base(c, seg);
	if (!emul_canonical(c, *linear) || !emul_canonical(c, *linear + len - 1))
		return emul_raise(c, seg == EMUL_SS ? EMUL_SS_FAULT : EMUL_GP);
	return EMUL_OK;
}

/**
 * emul_mem_read() - read memory
 * @c: context
 * @seg: segment
 * @off: offset
 * @buf: destination
 * @len: bytes, 1 to 64
 * @for_write: the same bytes will be written by this instruction
 *
 * Return: EMUL_OK, a fault of the address, or the callback's result.
 */
enum emul_rc emul_mem_read(struct emul_ctxt *c, enum emul_seg seg, u64 off, void *buf,
			   unsigned int len, bool for_write)
{
	enum emul_rc rc;
	u64 linear;

	rc = emul_linear(c, seg, off, len, for_write, &linear);
	if (rc != EMUL_OK)
		return rc;
	c->read_for_write = for_write;
	rc = c->ops->read(c, linear, buf, len);
	c->read_for_write = false;
	return rc;
}

/**
 * emul_mem_write() - write memory
 * @c: context
 * @seg: segment
 * @off: offset
 * @buf: source
 * @len: bytes, 1 to 64
 *
 * Return: EMUL_OK, a fault of the address, or the callback's result.
 */
enum emul_rc emul_mem_write(struct emul_ctxt *c, enum emul_seg seg, u64 off, const void *buf,
			    unsigned int len)
{
	enum emul_rc rc;
	u64 linear;

	rc = emul_linear(c, seg, off, len, true, &linear);
	if (rc != EMUL_OK)
		return rc;
	return c->ops->write(c, linear, buf, len);
}

/**
 * emul_mem_cmpxchg() - replace what was read, atomically
 * @c: context
 * @seg: segment
 * @off: offset
 * @old: what emul_mem_read() got
 * @new: replacement
 * @len: bytes, 1 to 16
 *
 * Return: EMUL_OK, EMUL_RETRY if the memory has changed in between, or the callback's result.
 */
enum emul_rc emul_mem_cmpxchg(struct emul_ctxt *c, enum emul_seg seg, u64 off, const void *old,
			      const void *new, unsigned int len)
{
	enum emul_rc (*exchange)(struct emul_ctxt *c, u64 linear, const void *old,
				 const void *new, unsigned int len);
	enum emul_rc rc;
	u64 linear;

	if (!c->ops->cmpxchg)
		return emul_mem_write(c, seg, off, new, len);
	rc = emul_linear(c, seg, off, len, true, &linear);
	if (rc != EMUL_OK)
		return rc;
	/* Called by its own name, it would be taken for the kernel's macro cmpxchg(). */
	exchange = c->ops->cmpxchg;
	return exchange(c, linear, old, new, len);
}

/**
 * emul_operand_size() - size of one operand
 * @c: decoded context
 * @arg: enum emul_operand
 *
 * Return: bytes, 1 to 8.
 */
unsigned int emul_operand_size(const struct emul_ctxt *c, u8 arg)
{
	switch (arg) {
	case ARG_RM8:
	case ARG_CL:
	case ARG_ONE:
		return 1;
	case ARG_RM16:
		return 2;
	case ARG_RM32:
		return c->d.size == 2 ? 2 : 4;
	default:
		return c->d.size;
	}
}

static bool is_rm(u8 arg)
{
	return arg >= ARG_RM && arg <= ARG_RM32;
}

static enum emul_rc read_selector(struct emul_ctxt *c, unsigned int seg, u64 *value)
{
	if (!c->ops->segment_selector)
		return emul_unhandled(c, "read of a segment register");
	*value = c->ops->segment_selector(c, array_index_nospec(seg, EMUL_NR_SEGS));
	return EMUL_OK;
}

/**
 * emul_operand_read() - fetch an operand's value
 * @c: decoded context with the effective address computed
 * @arg: enum emul_operand
 * @for_write: the operand will be written, too
 * @value: (out) zero-extended; an immediate is sign-extended to 64 bits
 *
 * Return: EMUL_OK, or how it failed.
 */
enum emul_rc emul_operand_read(struct emul_ctxt *c, u8 arg, bool for_write, u64 *value)
{
	unsigned int size = emul_operand_size(c, arg);

	*value = 0;
	if (arg == ARG_MEM || (is_rm(arg) && c->d.has_mem))
		return emul_mem_read(c, c->d.mem.seg, c->d.ea, value, size, for_write);
	if (is_rm(arg)) {
		*value = emul_gpr_read(c, emul_modrm_rm(c), size);
		return EMUL_OK;
	}
	if (arg >= ARG_SEG_FIRST)
		return read_selector(c, arg - ARG_SEG_FIRST, value);

	switch (arg) {
	case ARG_REG:
		*value = emul_gpr_read(c, emul_modrm_reg(c), size);
		break;
	case ARG_ACC:
		*value = emul_gpr_read(c, REG_AX, size);
		break;
	case ARG_OPREG:
		*value = emul_gpr_read(c, (c->d.opcode & 7) | (c->d.rex & 1) << 3, size);
		break;
	case ARG_SREG:
		return read_selector(c, c->d.modrm >> 3 & 7, value);
	case ARG_IMM:
		*value = c->d.imm;
		break;
	case ARG_ONE:
		*value = 1;
		break;
	case ARG_CL:
		*value = c->gpr[REG_CX] & 0xff;
		break;
	}
	return EMUL_OK;
}

static enum emul_rc load_segment(struct emul_ctxt *c, unsigned int seg, u64 selector)
{
	if (!c->ops->load_segment)
		return emul_unhandled(c, "load of a segment register");
	return c->ops->load_segment(c, array_index_nospec(seg, EMUL_NR_SEGS), selector);
}

/**
 * emul_operand_write() - store an operand's value
 * @c: decoded context with the effective address computed
 * @arg: enum emul_operand
 * @value: new value; bits beyond the operand's size are ignored
 * @old: value read before, if the write must be atomic with that read; else NULL
 *
 * Return: EMUL_OK, or how it failed.
 */
enum emul_rc emul_operand_write(struct emul_ctxt *c, u8 arg, u64 value, const u64 *old)
{
	unsigned int size = emul_operand_size(c, arg);

	if (arg == ARG_MEM || (is_rm(arg) && c->d.has_mem)) {
		if (old)
			return emul_mem_cmpxchg(c, c->d.mem.seg, c->d.ea, old, &value, size);
		return emul_mem_write(c, c->d.mem.seg, c->d.ea, &value, size);
	}
	if (arg >= ARG_SEG_FIRST)
		return load_segment(c, arg - ARG_SEG_FIRST, value);
	if (arg == ARG_SREG)
		return load_segment(c, c->d.modrm >> 3 & 7, value);

	if (is_rm(arg))
		emul_gpr_write(c, emul_modrm_rm(c), size, value);
	else if (arg == ARG_REG)
		emul_gpr_write(c, emul_modrm_reg(c), size, value);
	else if (arg == ARG_ACC)
		emul_gpr_write(c, REG_AX, size, value);
	else if (arg == ARG_OPREG)
		emul_gpr_write(c, (c->d.opcode & 7) | (c->d.rex & 1) << 3, size, value);
	return EMUL_OK;
}

static unsigned int stack_size(const struct emul_ctxt *c)
{
	if (c->mode == EMUL_LONG64)
		return 8;
	if (c->stack_size)
		return c->stack_size;
	return c->mode == EMUL_PROT32 ? 4 : 2;
}

/**
 * emul_stack_add() - move the stack pointer
 * @c: context
 * @delta: bytes; two's complement for down
 *
 * A 16-bit stack pointer wraps in SP and leaves the rest of ESP alone.
 */
void emul_stack_add(struct emul_ctxt *c, u64 delta)
{
	unsigned int size = stack_size(c);

	emul_gpr_write(c, REG_SP, size, c->gpr[REG_SP] + delta);
}

static enum emul_rc push_part(struct emul_ctxt *c, u64 value, unsigned int size,
			      unsigned int written)
{
	u64 top = (c->gpr[REG_SP] - size) & emul_mask(stack_size(c));
	enum emul_rc rc;

	rc = emul_mem_write(c, EMUL_SS, top, &value, written);
	if (rc == EMUL_OK)
		emul_stack_add(c, -(u64)size);
	return rc;
}

/**
 * emul_push() - push a value: the one memory write of its instruction
 * @c: context
 * @value: value
 * @size: 2, 4 or 8 bytes
 *
 * Return: EMUL_OK, or how it failed.
 */
enum emul_rc emul_push(struct emul_ctxt *c, u64 value, unsigned int size)
{
	return push_part(c, value, size, size);
}

/**
 * emul_push_selector() - push a segment register
 * @c: context
 * @value: the selector
 * @size: 2, 4 or 8 bytes by which the stack pointer moves
 *
 * SDM, PUSH: with a 32-bit operand recent processors write 16 bits and leave the upper half of the
 * stack's word as it is.
 *
 * Return: EMUL_OK, or how it failed.
 */
enum emul_rc emul_push_selector(struct emul_ctxt *c, u64 value, unsigned int size)
{
	return push_part(c, value, size, size == 4 ? 2 : size);
}

/* Offset of the @nth slot of @size bytes below the top of the stack, from 1. */
static u64 push_slot(const struct emul_ctxt *c, unsigned int nth, unsigned int size)
{
	return (c->gpr[REG_SP] - (u64)nth * size) & emul_mask(stack_size(c));
}

/**
 * emul_push_probe() - could these values be pushed?
 * @c: context
 * @count: how many
 * @size: 2, 4 or 8 bytes each
 *
 * For instructions that write more than once: after the first write none may fail.
 *
 * Return: EMUL_OK, or how it failed.
 */
enum emul_rc emul_push_probe(struct emul_ctxt *c, unsigned int count, unsigned int size)
{
	enum emul_rc rc = EMUL_OK;
	unsigned int i;
	u64 linear;

	for (i = 1; rc == EMUL_OK && i <= count; i++) {
		rc = emul_linear(c, EMUL_SS, push_slot(c, i, size), size, true, &linear);
		if (rc == EMUL_OK && c->ops->probe_write)
			rc = c->ops->probe_write(c, linear, size);
	}
	return rc;
}

/**
 * emul_push_all() - push several values, each a write of its own, behind emul_push_probe()
 * @c: context
 * @values: the values, in the order in which they are pushed
 * @count: how many
 * @size: 2, 4 or 8 bytes each
 *
 * Return: EMUL_OK, or the callback's result if the memory went away in between.
 */
enum emul_rc emul_push_all(struct emul_ctxt *c, const u64 *values, unsigned int count,
			   unsigned int size)
{
	enum emul_rc rc = EMUL_OK;
	unsigned int i;

	for (i = 0; rc == EMUL_OK && i < count; i++)
		rc = emul_mem_write(c, EMUL_SS, push_slot(c, i + 1, size), &values[i], size);
	if (rc == EMUL_OK)
		emul_stack_add(c, -(u64)count * size);
	return rc;
}

/**
 * emul_stack_read() - read from the stack segment
 * @c: context
 * @at: stack or frame pointer; wraps as the stack pointer does
 * @value: (out) value, zero-extended
 * @size: 2, 4 or 8 bytes
 *
 * Return: EMUL_OK, or how it failed.
 */
enum emul_rc emul_stack_read(struct emul_ctxt *c, u64 at, u64 *value, unsigned int size)
{
	*value = 0;
	return emul_mem_read(c, EMUL_SS, at & emul_mask(stack_size(c)), value, size, false);
}

/**
 * emul_stack_peek() - read the top of the stack without popping it
 * @c: context
 * @value: (out) value, zero-extended
 * @size: 2, 4 or 8 bytes
 *
 * Return: EMUL_OK, or how it failed.
 */
enum emul_rc emul_stack_peek(struct emul_ctxt *c, u64 *value, unsigned int size)
{
	return emul_stack_read(c, c->gpr[REG_SP], value, size);
}
