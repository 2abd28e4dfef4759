// SPDX-License-Identifier: GPL-2.0-only
/*
 * The opcode maps: which bytes mean which operation on which operands.
 *
 * After the SDM's volume 2 appendix "Opcode Map", reduced to the instructions that can touch
 * memory. Register-only instructions never cause the exits that the emulator is for, so their rows
 * are empty. A row reads: operation, first operand, second operand, flags. emul_traits has
 * what is true of an operation in all its encodings.
 */
#include "insn.h"

#define ROW(op_, dst_, src_, flags_) \
	{ .op = OP_##op_, .dst = ARG_##dst_, .src = ARG_##src_, .flags = (flags_) }

const struct emul_opcode emul_map_1b[256] = {
	[0x00] = ROW(ADD, RM, REG, F_BYTE),
	[0x01] = ROW(ADD, RM, REG, 0),
	[0x02] = ROW(ADD, REG, RM, F_BYTE),
	[0x03] = ROW(ADD, REG, RM, 0),
	[0x06] = ROW(PUSH, ES, NONE, F_NO64),
	[0x07] = ROW(POP, ES, NONE, F_NO64),
	[0x08] = ROW(OR, RM, REG, F_BYTE),
	[0x09] = ROW(OR, RM, REG, 0),
	[0x0a] = ROW(OR, REG, RM, F_BYTE),
	[0x0b] = ROW(OR, REG, RM, 0),
	[0x0e] = ROW(PUSH, CS, NONE, F_NO64),
	[0x10] = ROW(ADC, RM, REG, F_BYTE),
	[0x11] = ROW(ADC, RM, REG, 0),
	[0x12] = ROW(ADC, REG, RM, F_BYTE),
	[0x13] = ROW(ADC, REG, RM, 0),
	[0x16] = ROW(PUSH, SS, NONE, F_NO64),
	[0x17] = ROW(POP, SS, NONE, F_NO64),
	[0x18] = ROW(SBB, RM, REG, F_BYTE),
	[0x19] = ROW(SBB, RM, REG, 0),
	[0x1a] = ROW(SBB, REG, RM, F_BYTE),
	[0x1b] = ROW(SBB, REG, RM, 0),
	[0x1e] = ROW(PUSH, DS, NONE, F_NO64),
	[0x1f] = ROW(POP, DS, NONE, F_NO64),
	[0x20] = ROW(AND, RM, REG, F_BYTE),
	[0x21] = ROW(AND, RM, REG, 0),
	[0x22] = ROW(AND, REG, RM, F_BYTE),
	[0x23] = ROW(AND, REG, RM, 0),
	[0x28] = ROW(SUB, RM, REG, F_BYTE),
	[0x29] = ROW(SUB, RM, REG, 0),
	[0x2a] = ROW(SUB, REG, RM, F_BYTE),
	[0x2b] = ROW(SUB, REG, RM, 0),
	[0x30] = ROW(XOR, RM, REG, F_BYTE),
	[0x31] = ROW(XOR, RM, REG, 0),
	[0x32] = ROW(XOR, REG, RM, F_BYTE),
	[0x33] = ROW(XOR, REG, RM, 0),
	[0x38] = ROW(CMP, RM, REG, F_BYTE),
	[0x39] = ROW(CMP, RM, REG, 0),
	[0x3a] = ROW(CMP, REG, RM, F_BYTE),
	[0x3b] = ROW(CMP, REG, RM, 0),
	[0x50 ... 0x57] = ROW(PUSH, OPREG, NONE, 0),
	[0x58 ... 0x5f] = ROW(POP, OPREG, NONE, 0),
	[0x60] = ROW(PUSHA, NONE, NONE, F_NO64),
	[0x61] = ROW(POPA, NONE, NONE, F_NO64),
	[0x63] = ROW(MOVSX, REG, RM32, F_ONLY64),
	[0x68] = ROW(PUSH, IMM, NONE, F_IMM),
	[0x69] = ROW(IMUL3, REG, RM, F_IMM),
	[0x6a] = ROW(PUSH, IMM, NONE, F_IMM8),
	[0x6b] = ROW(IMUL3, REG, RM, F_IMM8),
	[0x6c] = ROW(INS, NONE, NONE, F_BYTE),
	[0x6d] = ROW(INS, NONE, NONE, 0),
	[0x6e] = ROW(OUTS, NONE, NONE, F_BYTE),
	[0x6f] = ROW(OUTS, NONE, NONE, 0),
	[0x80] = ROW(GROUP1, RM, IMM, F_BYTE | F_IMM),
	[0x81] = ROW(GROUP1, RM, IMM, F_IMM),
	[0x82] = ROW(GROUP1, RM, IMM, F_BYTE | F_IMM | F_NO64),
	[0x83] = ROW(GROUP1, RM, IMM, F_IMM8),
	[0x84] = ROW(TEST, RM, REG, F_BYTE),
	[0x85] = ROW(TEST, RM, REG, 0),
	[0x86] = ROW(XCHG, RM, REG, F_BYTE),
	[0x87] = ROW(XCHG, RM, REG, 0),
	[0x88] = ROW(MOV, RM, REG, F_BYTE),
	[0x89] = ROW(MOV, RM, REG, 0),
	[0x8a] = ROW(MOV, REG, RM, F_BYTE),
	[0x8b] = ROW(MOV, REG, RM, 0),
	[0x8c] = ROW(MOV, RM, SREG, 0),
	[0x8e] = ROW(MOV, SREG, RM16, 0),
	[0x8f] = ROW(GROUP1A, RM, NONE, 0),
	[0x9a] = ROW(CALL_FAR, IMM, NONE, F_IMM | F_NO64),
	[0x9c] = ROW(PUSHF, NONE, NONE, 0),
	[0x9d] = ROW(POPF, NONE, NONE, 0),
	[0xa0] = ROW(MOV, ACC, MEM, F_BYTE | F_MOFFS),
	[0xa1] = ROW(MOV, ACC, MEM, F_MOFFS),
	[0xa2] = ROW(MOV, MEM, ACC, F_BYTE | F_MOFFS),
	[0xa3] = ROW(MOV, MEM, ACC, F_MOFFS),
	[0xa4] = ROW(MOVS, NONE, NONE, F_BYTE),
	[0xa5] = ROW(MOVS, NONE, NONE, 0),
	[0xa6] = ROW(CMPS, NONE, NONE, F_BYTE),
	[0xa7] = ROW(CMPS, NONE, NONE, 0),
	[0xaa] = ROW(STOS, NONE, NONE, F_BYTE),
	[0xab] = ROW(STOS, NONE, NONE, 0),
	[0xac] = ROW(LODS, NONE, NONE, F_BYTE),
	[0xad] = ROW(LODS, NONE, NONE, 0),
	[0xae] = ROW(SCAS, NONE, NONE, F_BYTE),
	[0xaf] = ROW(SCAS, NONE, NONE, 0),
	[0xc0] = ROW(GROUP2, RM, IMM, F_BYTE | F_IMM8),
	[0xc1] = ROW(GROUP2, RM, IMM, F_IMM8),
	[0xc2] = ROW(RET, NONE, IMM, F_IMM16),
	[0xc3] = ROW(RET, NONE, NONE, 0),
	[0xc4] = ROW(LOAD_FAR, REG, ES, F_MEM),		/* not VEX: see decode.c */
	[0xc5] = ROW(LOAD_FAR, REG, DS, F_MEM),
	[0xc6] = ROW(GROUP11, RM, IMM, F_BYTE | F_IMM),
	[0xc7] = ROW(GROUP11, RM, IMM, F_IMM),
	[0xc8] = ROW(ENTER, NONE, IMM, F_IMM16),
	[0xc9] = ROW(LEAVE, NONE, NONE, 0),
	[0xca] = ROW(RET_FAR, NONE, IMM, F_IMM16),
	[0xcb] = ROW(RET_FAR, NONE, NONE, 0),
	[0xcf] = ROW(IRET, NONE, NONE, 0),
	[0xd0] = ROW(GROUP2, RM, ONE, F_BYTE),
	[0xd1] = ROW(GROUP2, RM, ONE, 0),
	[0xd2] = ROW(GROUP2, RM, CL, F_BYTE),
	[0xd3] = ROW(GROUP2, RM, CL, 0),
	[0xd7] = ROW(MOV, ACC, MEM, F_BYTE),	/* XLAT: AL = [rBX + AL] */
	[0xd9] = ROW(GROUP_D9, RM16, NONE, F_MEM),
	[0xdd] = ROW(GROUP_DD, RM16, NONE, F_MEM),
	[0xe8] = ROW(CALL, IMM, NONE, F_IMM),
	[0xea] = ROW(JMP_FAR, IMM, NONE, F_IMM | F_NO64),
	[0xf6] = ROW(GROUP3, RM, NONE, F_BYTE),
	[0xf7] = ROW(GROUP3, RM, NONE, 0),
	[0xfe] = ROW(GROUP4, RM, NONE, F_BYTE),
	[0xff] = ROW(GROUP5, RM, NONE, 0),
};

const struct emul_opcode emul_map_0f[256] = {
	[0x00] = ROW(GROUP6, RM16, NONE, F_MEM),
	[0x01] = ROW(GROUP7, RM16, NONE, F_MEM),
	[0x0d] = ROW(NOP, RM, NONE, 0),			/* PREFETCHW */
	[0x10 ... 0x13] = ROW(SSE, RM, NONE, F_MEM),
	[0x16 ... 0x17] = ROW(SSE, RM, NONE, F_MEM),
	[0x18] = ROW(NOP, RM, NONE, 0),			/* PREFETCHh */
	[0x19] = ROW(NOP, RM, NONE, 0),
	[0x1c ... 0x1f] = ROW(NOP, RM, NONE, 0),	/* CLDEMOTE, NOP */
	[0x28 ... 0x29] = ROW(SSE, RM, NONE, F_MEM),
	[0x2b] = ROW(SSE, RM, NONE, F_MEM),
	[0x40 ... 0x4f] = ROW(CMOVCC, REG, RM, 0),
	[0x6e ... 0x6f] = ROW(SSE, RM, NONE, F_MEM),
	[0x7e ... 0x7f] = ROW(SSE, RM, NONE, F_MEM),
	[0x90 ... 0x9f] = ROW(SETCC, RM, NONE, F_BYTE),
	[0xa0] = ROW(PUSH, FS, NONE, 0),
	[0xa1] = ROW(POP, FS, NONE, 0),
	[0xa3] = ROW(BT, RM, REG, 0),
	[0xa4] = ROW(SHLD, RM, REG, F_IMM8),
	[0xa5] = ROW(SHLD, RM, REG, 0),
	[0xa8] = ROW(PUSH, GS, NONE, 0),
	[0xa9] = ROW(POP, GS, NONE, 0),
	[0xab] = ROW(BTS, RM, REG, 0),
	[0xac] = ROW(SHRD, RM, REG, F_IMM8),
	[0xad] = ROW(SHRD, RM, REG, 0),
	[0xae] = ROW(GROUP15, RM, NONE, 0),
	[0xaf] = ROW(IMUL2, REG, RM, 0),
	[0xb0] = ROW(CMPXCHG, RM, REG, F_BYTE),
	[0xb1] = ROW(CMPXCHG, RM, REG, 0),
	[0xb2] = ROW(LOAD_FAR, REG, SS, F_MEM),
	[0xb3] = ROW(BTR, RM, REG, 0),
	[0xb4] = ROW(LOAD_FAR, REG, FS, F_MEM),
	[0xb5] = ROW(LOAD_FAR, REG, GS, F_MEM),
	[0xb6] = ROW(MOVZX, REG, RM8, 0),
	[0xb7] = ROW(MOVZX, REG, RM16, 0),
	[0xb8] = ROW(POPCNT, REG, RM, 0),		/* F3 */
	[0xba] = ROW(GROUP8, RM, IMM, F_IMM8),
	[0xbb] = ROW(BTC, RM, REG, 0),
	[0xbc] = ROW(BSF, REG, RM, 0),			/* TZCNT with F3 */
	[0xbd] = ROW(BSR, REG, RM, 0),			/* LZCNT with F3 */
	[0xbe] = ROW(MOVSX, REG, RM8, 0),
	[0xbf] = ROW(MOVSX, REG, RM16, 0),
	[0xc0] = ROW(XADD, RM, REG, F_BYTE),
	[0xc1] = ROW(XADD, RM, REG, 0),
	[0xc3] = ROW(MOVNTI, RM, REG, F_MEM),
	[0xc7] = ROW(GROUP9, RM, NONE, F_MEM),
	[0xd6] = ROW(SSE, RM, NONE, F_MEM),
	[0xe7] = ROW(SSE, RM, NONE, F_MEM),
	[0xf0] = ROW(SSE, RM, NONE, F_MEM),
};

const struct emul_opcode emul_map_0f38[256] = {
	[0x2a] = ROW(SSE, RM, NONE, F_MEM),
	[0xf0] = ROW(MOVBE, REG, RM, F_MEM),
	[0xf1] = ROW(MOVBE, RM, REG, F_MEM),
	[0xf8] = ROW(MOVDIR64B, REG, RM, F_MEM),
	[0xf9] = ROW(MOVNTI, RM, REG, F_MEM),		/* MOVDIRI: MOVNTI's row */
};

const u8 emul_groups[OP_GROUP_END - OP_GROUP_FIRST][8] = {
	[OP_GROUP1 - OP_GROUP_FIRST] = {
		OP_ADD, OP_OR, OP_ADC, OP_SBB, OP_AND, OP_SUB, OP_XOR, OP_CMP,
	},
	[OP_GROUP1A - OP_GROUP_FIRST] = { [0] = OP_POP },
	[OP_GROUP2 - OP_GROUP_FIRST] = {
		OP_ROL, OP_ROR, OP_RCL, OP_RCR, OP_SHL, OP_SHR, OP_SAL, OP_SAR,
	},
	[OP_GROUP3 - OP_GROUP_FIRST] = {
		OP_TEST, OP_TEST, OP_NOT, OP_NEG, OP_MUL, OP_IMUL, OP_DIV, OP_IDIV,
	},
	[OP_GROUP4 - OP_GROUP_FIRST] = { OP_INC, OP_DEC },
	[OP_GROUP5 - OP_GROUP_FIRST] = {
		[0] = OP_INC, [1] = OP_DEC, [2] = OP_CALL, [3] = OP_CALL_FAR, [4] = OP_JMP,
		[5] = OP_JMP_FAR, [6] = OP_PUSH,
	},
	[OP_GROUP6 - OP_GROUP_FIRST] = { OP_SLDT, OP_STR, OP_LLDT, OP_LTR },
	[OP_GROUP7 - OP_GROUP_FIRST] = {
		[0] = OP_SGDT, [1] = OP_SIDT, [2] = OP_LGDT, [3] = OP_LIDT, [4] = OP_SMSW,
		[6] = OP_LMSW,
	},
	[OP_GROUP8 - OP_GROUP_FIRST] = {
		[4] = OP_BT, [5] = OP_BTS, [6] = OP_BTR, [7] = OP_BTC,
	},
	[OP_GROUP9 - OP_GROUP_FIRST] = { [1] = OP_CMPXCHG8B },
	[OP_GROUP11 - OP_GROUP_FIRST] = { [0] = OP_MOV },
	/* CLWB or CLFLUSHOPT, CLFLUSH; refine() of decode.c refuses the other forms. */
	[OP_GROUP15 - OP_GROUP_FIRST] = {
		[0] = OP_FXSAVE, [1] = OP_FXRSTOR, [6] = OP_NOP, [7] = OP_NOP,
	},
	[OP_GROUP_D9 - OP_GROUP_FIRST] = { [7] = OP_FNSTCW },
	[OP_GROUP_DD - OP_GROUP_FIRST] = { [7] = OP_FNSTSW },
};

#define TRAIT(name_, flags_) { .name = (name_), .flags = (flags_) }
#define T_RMW (T_READ | T_WRITE)

const struct emul_trait emul_traits[OP_GROUP_FIRST] = {
	[OP_NONE] = TRAIT("?", 0),
	[OP_ADD] = TRAIT("add", T_RMW | T_LOCK),
	[OP_OR] = TRAIT("or", T_RMW | T_LOCK),
	[OP_ADC] = TRAIT("adc", T_RMW | T_LOCK),
	[OP_SBB] = TRAIT("sbb", T_RMW | T_LOCK),
	[OP_AND] = TRAIT("and", T_RMW | T_LOCK),
	[OP_SUB] = TRAIT("sub", T_RMW | T_LOCK),
	[OP_XOR] = TRAIT("xor", T_RMW | T_LOCK),
	[OP_CMP] = TRAIT("cmp", T_READ),
	[OP_ROL] = TRAIT("rol", T_RMW),
	[OP_ROR] = TRAIT("ror", T_RMW),
	[OP_RCL] = TRAIT("rcl", T_RMW),
	[OP_RCR] = TRAIT("rcr", T_RMW),
	[OP_SHL] = TRAIT("shl", T_RMW),
	[OP_SHR] = TRAIT("shr", T_RMW),
	[OP_SAL] = TRAIT("sal", T_RMW),
	[OP_SAR] = TRAIT("sar", T_RMW),
	[OP_TEST] = TRAIT("test", T_READ),
	[OP_INC] = TRAIT("inc", T_RMW | T_LOCK),
	[OP_DEC] = TRAIT("dec", T_RMW | T_LOCK),
	[OP_NOT] = TRAIT("not", T_RMW | T_LOCK),
	[OP_NEG] = TRAIT("neg", T_RMW | T_LOCK),
	[OP_SHLD] = TRAIT("shld", T_RMW),
	[OP_SHRD] = TRAIT("shrd", T_RMW),
	[OP_BT] = TRAIT("bt", T_READ),
	[OP_BTS] = TRAIT("bts", T_RMW | T_LOCK),
	[OP_BTR] = TRAIT("btr", T_RMW | T_LOCK),
	[OP_BTC] = TRAIT("btc", T_RMW | T_LOCK),
	[OP_MUL] = TRAIT("mul", T_READ),
	[OP_IMUL] = TRAIT("imul", T_READ),
	[OP_DIV] = TRAIT("div", T_READ),
	[OP_IDIV] = TRAIT("idiv", T_READ),
	[OP_IMUL2] = TRAIT("imul", T_RMW),
	[OP_IMUL3] = TRAIT("imul", T_WRITE),
	[OP_BSF] = TRAIT("bsf", T_RMW),
	[OP_BSR] = TRAIT("bsr", T_RMW),
	[OP_TZCNT] = TRAIT("tzcnt", T_WRITE),
	[OP_LZCNT] = TRAIT("lzcnt", T_WRITE),
	[OP_POPCNT] = TRAIT("popcnt", T_WRITE),
	[OP_MOV] = TRAIT("mov", T_WRITE),
	[OP_MOVZX] = TRAIT("movzx", T_WRITE),
	[OP_MOVSX] = TRAIT("movsx", T_WRITE),
	[OP_MOVBE] = TRAIT("movbe", T_WRITE),
	[OP_MOVNTI] = TRAIT("movnti", T_WRITE),
	[OP_MOVDIR64B] = TRAIT("movdir64b", 0),
	[OP_XCHG] = TRAIT("xchg", T_RMW | T_LOCK),
	[OP_XADD] = TRAIT("xadd", T_RMW | T_LOCK),
	[OP_CMPXCHG] = TRAIT("cmpxchg", T_RMW | T_LOCK),
	[OP_CMPXCHG8B] = TRAIT("cmpxchg8b", T_LOCK),
	[OP_SETCC] = TRAIT("setcc", T_WRITE),
	[OP_CMOVCC] = TRAIT("cmovcc", T_RMW),
	[OP_PUSH] = TRAIT("push", T_READ | T_STACK),
	[OP_POP] = TRAIT("pop", T_WRITE | T_STACK),
	[OP_CALL] = TRAIT("call", T_READ | T_BRANCH),
	[OP_JMP] = TRAIT("jmp", T_READ | T_BRANCH),
	[OP_RET] = TRAIT("ret", T_BRANCH),
	[OP_LEAVE] = TRAIT("leave", T_STACK),
	[OP_PUSHA] = TRAIT("pusha", 0),
	[OP_POPA] = TRAIT("popa", 0),
	[OP_PUSHF] = TRAIT("pushf", T_STACK),
	[OP_POPF] = TRAIT("popf", T_STACK),
	[OP_ENTER] = TRAIT("enter", T_STACK),
	[OP_LOAD_FAR] = TRAIT("far pointer load", T_SEGMENT),
	[OP_CALL_FAR] = TRAIT("far call", T_SEGMENT),
	[OP_JMP_FAR] = TRAIT("far jmp", T_SEGMENT),
	[OP_RET_FAR] = TRAIT("far ret", T_SEGMENT),
	[OP_IRET] = TRAIT("iret", T_SEGMENT),
	[OP_SLDT] = TRAIT("sldt", 0),
	[OP_STR] = TRAIT("str", 0),
	[OP_LLDT] = TRAIT("lldt", T_SEGMENT),
	[OP_LTR] = TRAIT("ltr", T_SEGMENT),
	[OP_SGDT] = TRAIT("sgdt", 0),
	[OP_SIDT] = TRAIT("sidt", 0),
	[OP_LGDT] = TRAIT("lgdt", 0),
	[OP_LIDT] = TRAIT("lidt", 0),
	[OP_SMSW] = TRAIT("smsw", 0),
	[OP_LMSW] = TRAIT("lmsw", 0),
	[OP_FNSTCW] = TRAIT("fnstcw", 0),
	[OP_FNSTSW] = TRAIT("fnstsw", 0),
	[OP_FXSAVE] = TRAIT("fxsave", 0),
	[OP_FXRSTOR] = TRAIT("fxrstor", 0),
	[OP_MOVS] = TRAIT("movs", 0),
	[OP_CMPS] = TRAIT("cmps", 0),
	[OP_STOS] = TRAIT("stos", 0),
	[OP_LODS] = TRAIT("lods", 0),
	[OP_SCAS] = TRAIT("scas", 0),
	[OP_INS] = TRAIT("ins", 0),
	[OP_OUTS] = TRAIT("outs", 0),
	[OP_NOP] = TRAIT("nop", 0),
	[OP_SSE] = TRAIT("sse move", 0),
};

/**
 * emul_why_unknown() - say why an opcode has no row
 * @c: context, decoded as far as the opcode
 *
 * Return: a static string for emul_ctxt.why.
 */
const char *emul_why_unknown(const struct emul_ctxt *c)
{
	u8 opcode = c->d.opcode;

	if (c->d.vex)
		return "VEX-encoded instruction that is not a plain move";

	switch (c->d.map) {
	case MAP_1B:
		if (opcode >= 0xd8 && opcode <= 0xdf)
			return "x87 instruction";
		return "one-byte opcode that has no memory form here";
	case MAP_0F:
		if (opcode == 0x0f)
			return "3DNow! instruction";
		if (opcode == 0x00 || opcode == 0x01)
			return "descriptor-table or system instruction";
		if (opcode == 0xae || opcode == 0xc7)
			return "processor-state save or restore";
		if ((opcode >= 0x50 && opcode <= 0x7f) || opcode >= 0xc2)
			return "MMX or SSE arithmetic";
		return "0F opcode that has no memory form here";
	case MAP_0F38:
		return "0F 38 opcode that has no memory form here";
	default:
		return "0F 3A opcode that has no memory form here";
	}
}

/**
 * emul_loads_segment() - does the decoded instruction load a segment register, LDTR or TR?
 * @c: context after emul_decode()
 *
 * Return: whether the processor reads a descriptor, whose accessed or busy bit it may set.
 */
bool emul_loads_segment(const struct emul_ctxt *c)
{
	return emul_traits[c->d.op].flags & T_SEGMENT || c->d.dst == ARG_SREG ||
	       (c->d.op == OP_POP && c->d.dst >= ARG_SEG_FIRST);
}

/**
 * emul_blocks_interrupts() - is the decoded instruction MOV SS or POP SS?
 * @c: context after emul_decode()
 *
 * Return: whether interrupts and the single-step trap must wait for the instruction behind it.
 */
bool emul_blocks_interrupts(const struct emul_ctxt *c)
{
	return (c->d.dst == ARG_SREG && (c->d.modrm >> 3 & 7) == EMUL_SS) ||
	       (c->d.dst == ARG_SS && c->d.op == OP_POP);
}

/**
 * emul_mnemonic() - name the decoded operation for traces and error reports
 * @c: context after emul_decode()
 *
 * Return: a static string, "?" if nothing was decoded.
 */
const char *emul_mnemonic(const struct emul_ctxt *c)
{
	return c->d.op < OP_GROUP_FIRST ? emul_traits[c->d.op].name : emul_traits[OP_NONE].name;
}
