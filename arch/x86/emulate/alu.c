// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results and flags of the integer operations.
 *
 * Pure functions: operands in, result and RFLAGS out, no context and no memory. Flags are those of
 * the SDM's volume 2 pages "Flags Affected". Where the SDM leaves a flag undefined the choice is:
 * AF cleared by logic and shifts, OF of a longer shift as if it were one more shift by one, flags
 * of a multiplication after its low half. No test and no guest may rely on these.
 * Sizes are in bytes, operands may carry garbage above their size.
 */
#include "insn.h"

static void set_flags(u64 *rflags, u64 which, u64 value)
{
	*rflags = (*rflags & ~which) | (value & which);
}

static u64 flag_if(bool condition, u64 flag)
{
	return condition ? flag : 0;
}

/* SF, ZF and PF as almost every operation sets them. PF looks at the low byte only. */
static u64 result_flags(unsigned int size, u64 result)
{
	u8 low = result ^ result >> 4;
	u64 flags = 0;

	result &= emul_mask(size);
	flags |= flag_if(!result, FLAG_ZF);
	flags |= flag_if(result & emul_sign_bit(size), FLAG_SF);
	/* Bit n of 0x9669 tells whether the nibble n has an even number of ones. */
	flags |= flag_if(0x9669 >> (low & 15) & 1, FLAG_PF);
	return flags;
}

/*
 * Carry out of every bit position of an addition: where both operands are one, or one of them is
 * and the sum bit is zero. For a subtraction the same of borrows.
 */
static u64 add_carries(u64 a, u64 b, u64 sum)
{
	return (a & b) | ((a | b) & ~sum);
}

static u64 sub_borrows(u64 a, u64 b, u64 difference)
{
	return (~a & b) | ((~a | b) & difference);
}

/* CF, AF and OF from the vector of carries. OF: the carries into and out of the sign differ. */
static u64 carry_flags(unsigned int size, u64 carries)
{
	u64 sign = emul_sign_bit(size);

	return flag_if(carries & sign, FLAG_CF) | flag_if(carries & 8, FLAG_AF) |
	       flag_if((carries ^ carries << 1) & sign, FLAG_OF);
}

/**
 * emul_alu() - the two-operand operations and their one-operand relatives
 * @op: OP_ADD to OP_CMP, OP_TEST, OP_INC, OP_DEC, OP_NOT, OP_NEG
 * @size: operand size
 * @dst: first operand
 * @src: second operand; ignored by the one-operand operations
 * @rflags: (in/out)
 *
 * Return: the result; for CMP and TEST, which store none, the difference or conjunction.
 */
u64 emul_alu(u8 op, unsigned int size, u64 dst, u64 src, u64 *rflags)
{
	u64 carry = *rflags & FLAG_CF;
	u64 which = FLAGS_STATUS;
	u64 result, flags;

	switch (op) {
	case OP_NOT:
		return ~dst;
	case OP_INC:
		src = 1;
		which &= ~FLAG_CF;
		fallthrough;
	case OP_ADD:
		carry = 0;
		fallthrough;
	case OP_ADC:
		result = dst + src + carry;
		flags = carry_flags(size, add_carries(dst, src, result));
		break;
	case OP_NEG:
		src = dst;
		dst = 0;
		carry = 0;
		goto subtract;
	case OP_DEC:
		src = 1;
		which &= ~FLAG_CF;
		fallthrough;
	case OP_SUB:
	case OP_CMP:
		carry = 0;
		fallthrough;
	case OP_SBB:
subtract:
		result = dst - src - carry;
		flags = carry_flags(size, sub_borrows(dst, src, result));
		break;
	case OP_OR:
		result = dst | src;
		flags = 0;
		break;
	case OP_XOR:
		result = dst ^ src;
		flags = 0;
		break;
	default:	/* AND, TEST */
		result = dst & src;
		flags = 0;
		break;
	}
	set_flags(rflags, which, flags | result_flags(size, result));
	return result;
}

/* Rotates change CF and OF only; RCL and RCR rotate through CF, a register one bit longer. */
static u64 rotate(u8 op, unsigned int size, u64 dst, unsigned int count, u64 *rflags)
{
	unsigned int bits = 8 * size;
	bool carry = *rflags & FLAG_CF;
	u64 sign = emul_sign_bit(size);
	u64 result = dst & emul_mask(size);
	bool overflow;

	/* Single steps, at most 63: no size and no count is a special case. */
	count %= op == OP_RCL || op == OP_RCR ? bits + 1 : 64;
	while (count--) {
		bool out = result & (op == OP_ROL || op == OP_RCL ? sign : 1);
		bool in = op == OP_RCL || op == OP_RCR ? carry : out;

		if (op == OP_ROL || op == OP_RCL)
			result = (result << 1 & emul_mask(size)) | in;
		else
			result = result >> 1 | (in ? sign : 0);
		carry = out;
	}

	if (op == OP_ROL || op == OP_RCL)
		overflow = carry != !!(result & sign);
	else
		overflow = (result ^ result << 1) & sign;
	set_flags(rflags, FLAG_CF | FLAG_OF,
		  flag_if(carry, FLAG_CF) | flag_if(overflow, FLAG_OF));
	return result;
}

/**
 * emul_shift() - shifts and rotates
 * @op: OP_ROL to OP_SAR
 * @size: operand size
 * @dst: first operand
 * @count: as in CL or the immediate, not yet masked
 * @rflags: (in/out) untouched if the masked count is 0
 *
 * Return: the result.
 */
u64 emul_shift(u8 op, unsigned int size, u64 dst, unsigned int count, u64 *rflags)
{
	u64 sign = emul_sign_bit(size);
	bool carry, overflow;
	u64 result;

	count &= size == 8 ? 63 : 31;
	if (!count)
		return dst;

	dst &= emul_mask(size);
	switch (op) {
	case OP_SHL:
	case OP_SAL:
		/* A count of up to 31 can push an 8-bit operand out altogether: CF is then 0. */
		carry = dst << (count - 1) & sign;
		result = dst << count & emul_mask(size);
		overflow = carry != !!(result & sign);
		break;
	case OP_SHR:
		carry = dst >> (count - 1) & 1;
		result = dst >> count;
		overflow = (result ^ result << 1) & sign;
		break;
	case OP_SAR:
		dst = emul_sign_extend(dst, size);
		/* The right shift of a negative number, which C leaves to the compiler. */
		result = dst >> count | (dst >> 63 ? ~(~0ULL >> count) : 0);
		carry = (dst >> (count - 1)) & 1;
		overflow = false;
		break;
	default:
		return rotate(op, size, dst, count, rflags);
	}
	set_flags(rflags, FLAGS_STATUS,
		  flag_if(carry, FLAG_CF) | flag_if(overflow, FLAG_OF) |
		  result_flags(size, result));
	return result;
}

/**
 * emul_shift_double() - SHLD and SHRD
 * @op: OP_SHLD or OP_SHRD
 * @size: operand size, 2, 4 or 8
 * @dst: operand shifted
 * @src: operand that the bits shifted in come from
 * @count: not yet masked; more than the operand's bits (possible with 16) is undefined in the SDM
 * @rflags: (in/out) untouched if the masked count is 0
 *
 * Return: the result.
 */
u64 emul_shift_double(u8 op, unsigned int size, u64 dst, u64 src, unsigned int count,
		      u64 *rflags)
{
	unsigned int bits = 8 * size;
	u64 sign = emul_sign_bit(size);
	u64 original;
	u64 carry = 0;

	count &= size == 8 ? 63 : 31;
	if (!count)
		return dst;

	dst &= emul_mask(size);
	src &= emul_mask(size);
	original = dst;
	while (count--) {
		u64 in;

		/* The source rotates, so that a count beyond 16 goes on with defined bits. */
		if (op == OP_SHLD) {
			in = src >> (bits - 1);
			src = (src << 1 & emul_mask(size)) | in;
			carry = dst >> (bits - 1);
			dst = (dst << 1 & emul_mask(size)) | in;
		} else {
			in = src & 1;
			src = src >> 1 | in << (bits - 1);
			carry = dst & 1;
			dst = dst >> 1 | in << (bits - 1);
		}
	}
	set_flags(rflags, FLAGS_STATUS,
		  flag_if(carry, FLAG_CF) | flag_if((dst ^ original) & sign, FLAG_OF) |
		  result_flags(size, dst));
	return dst;
}

/**
 * emul_bit_scan() - BSF, BSR, TZCNT, LZCNT, POPCNT
 * @op: which
 * @size: operand size, 2, 4 or 8
 * @old: the destination's old value, which BSF and BSR of 0 leave there
 * @src: operand
 * @rflags: (in/out)
 *
 * Return: the destination's new value.
 */
u64 emul_bit_scan(u8 op, unsigned int size, u64 old, u64 src, u64 *rflags)
{
	u64 result = 0;
	u64 flags;

	src &= emul_mask(size);
	switch (op) {
	case OP_POPCNT:
		for (; src; src &= src - 1)
			result++;
		flags = flag_if(!result, FLAG_ZF);
		break;
	case OP_TZCNT:
		result = src ? (u64)__builtin_ctzll(src) : 8 * size;
		flags = flag_if(!src, FLAG_CF) | flag_if(!result, FLAG_ZF);
		break;
	case OP_LZCNT:
		result = src ? (u64)__builtin_clzll(src) - (64 - 8 * size) : 8 * size;
		flags = flag_if(!src, FLAG_CF) | flag_if(!result, FLAG_ZF);
		break;
	case OP_BSF:
		result = src ? (u64)__builtin_ctzll(src) : old;
		flags = flag_if(!src, FLAG_ZF);
		break;
	default:	/* BSR */
		result = src ? 63 - (u64)__builtin_clzll(src) : old;
		flags = flag_if(!src, FLAG_ZF);
		break;
	}
	set_flags(rflags, FLAGS_STATUS, flags);
	return result;
}

/**
 * emul_mul() - multiply
 * @is_signed: IMUL instead of MUL
 * @size: operand size
 * @a: factor
 * @b: factor
 * @high: (out) upper half of the product
 * @rflags: (in/out) CF and OF are set if the lower half alone is not the product
 *
 * Return: the lower half.
 */
u64 emul_mul(bool is_signed, unsigned int size, u64 a, u64 b, u64 *high, u64 *rflags)
{
	unsigned __int128 product;
	unsigned int bits = 8 * size;
	bool overflow;
	u64 low;

	if (is_signed)
		product = (__int128)(s64)emul_sign_extend(a, size) *
			  (s64)emul_sign_extend(b, size);
	else
		product = (unsigned __int128)(a & emul_mask(size)) * (b & emul_mask(size));

	low = product & emul_mask(size);
	*high = (u64)(product >> bits) & emul_mask(size);
	if (is_signed)
		overflow = *high != (low & emul_sign_bit(size) ? emul_mask(size) : 0);
	else
		overflow = *high;
	set_flags(rflags, FLAGS_STATUS,
		  flag_if(overflow, FLAG_CF | FLAG_OF) | result_flags(size, low));
	return low;
}

/*
 * Unsigned division of high:low, bit by bit as in long division: the kernel has no division of 128
 * bits. high < divisor, so the quotient fits. Returns the quotient, leaves the remainder in *high.
 */
static u64 divide(unsigned int size, u64 *high, u64 low, u64 divisor)
{
	unsigned int bits = 8 * size;
	u64 quotient = 0;

	while (bits--) {
		/* What shifts out of bit 63 makes the remainder larger than any divisor. */
		bool carry = *high >> 63;

		*high = *high << 1 | (low >> bits & 1);
		quotient <<= 1;
		if (carry || *high >= divisor) {
			*high -= divisor;
			quotient |= 1;
		}
	}
	return quotient;
}

/**
 * emul_div() - divide
 * @is_signed: IDIV instead of DIV
 * @size: operand size
 * @high: (in) upper half of the dividend, (out) remainder
 * @low: (in) lower half, (out) quotient
 * @divisor: divisor
 *
 * Return: false, with nothing changed, for a #DE: division by zero or a quotient out of range.
 */
bool emul_div(bool is_signed, unsigned int size, u64 *high, u64 *low, u64 divisor)
{
	u64 mask = emul_mask(size);
	u64 sign = emul_sign_bit(size);
	u64 h = *high & mask;
	u64 l = *low & mask;
	u64 d = divisor & mask;
	bool negative = is_signed && h & sign;
	bool opposite = is_signed && !(h & sign) != !(d & sign);
	u64 quotient;

	if (negative) {		/* the dividend's absolute value, over both halves */
		l = -l & mask;
		h = (~h + !l) & mask;
	}
	if (is_signed && d & sign)
		d = -d & mask;

	if (h >= d)		/* also catches d == 0 */
		return false;
	quotient = divide(size, &h, l, d);
	if (is_signed && quotient > (opposite ? sign : sign - 1))
		return false;

	*low = (opposite ? -quotient : quotient) & mask;
	*high = (negative ? -h : h) & mask;
	return true;
}

/**
 * emul_condition() - evaluate a condition code
 * @cc: low four bits of the opcode
 * @rflags: flags
 *
 * Return: whether the condition holds (SDM volume 1, "EFLAGS Condition Codes").
 */
bool emul_condition(u8 cc, u64 rflags)
{
	bool sign_overflow = !(rflags & FLAG_SF) != !(rflags & FLAG_OF);
	bool truth;

	switch (cc >> 1 & 7) {
	case 0:
		truth = rflags & FLAG_OF;
		break;
	case 1:
		truth = rflags & FLAG_CF;
		break;
	case 2:
		truth = rflags & FLAG_ZF;
		break;
	case 3:
		truth = rflags & (FLAG_CF | FLAG_ZF);
		break;
	case 4:
		truth = rflags & FLAG_SF;
		break;
	case 5:
		truth = rflags & FLAG_PF;
		break;
	case 6:
		truth = sign_overflow;
		break;
	default:
		truth = sign_overflow || rflags & FLAG_ZF;
		break;
	}
	return truth != (cc & 1);
}
