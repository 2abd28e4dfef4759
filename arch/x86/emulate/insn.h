/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the emulator's own files share: operations, operand kinds, table entries.
 *
 * An instruction is described by one struct emul_opcode, found by its opcode (opcodes.c), and by
 * the traits of its operation.  decode.c fills emul_decoded from it; execute.c, string.c and sse.c
 * carry it out with the help of operand.c (registers, memory) and alu.c (results and flags).
 * Sizes are in bytes, flags are those of RFLAGS (SDM volume 1, "EFLAGS Register").
 */
#ifndef MINIKVM_EMULATE_INSN_H
#define MINIKVM_EMULATE_INSN_H

#include "emulate.h"

#define FLAG_CF BIT_ULL(0)
#define FLAG_PF BIT_ULL(2)
#define FLAG_AF BIT_ULL(4)
#define FLAG_ZF BIT_ULL(6)
#define FLAG_SF BIT_ULL(7)
#define FLAG_DF BIT_ULL(10)
#define FLAG_TF BIT_ULL(8)
#define FLAG_IF BIT_ULL(9)
#define FLAG_OF BIT_ULL(11)
#define FLAG_IOPL (BIT_ULL(12) | BIT_ULL(13))
#define FLAG_NT BIT_ULL(14)
#define FLAG_RF BIT_ULL(16)
#define FLAG_VM BIT_ULL(17)
#define FLAG_AC BIT_ULL(18)
#define FLAG_ID BIT_ULL(21)
#define FLAGS_STATUS (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

enum { REG_AX, REG_CX, REG_DX, REG_BX, REG_SP, REG_BP, REG_SI, REG_DI };

/* Opcode maps: which escape bytes, or which VEX.mmmmm, precede the opcode. */
enum { MAP_1B, MAP_0F, MAP_0F38, MAP_0F3A };

/* Operations. ADD to CMP and ROL to SAR are in the order of ModRM.reg of their groups. */
enum emul_op {
	OP_NONE,
	OP_ADD, OP_OR, OP_ADC, OP_SBB, OP_AND, OP_SUB, OP_XOR, OP_CMP,
	OP_ROL, OP_ROR, OP_RCL, OP_RCR, OP_SHL, OP_SHR, OP_SAL, OP_SAR,
	OP_TEST, OP_INC, OP_DEC, OP_NOT, OP_NEG, OP_SHLD, OP_SHRD,
	OP_BT, OP_BTS, OP_BTR, OP_BTC,
	OP_MUL, OP_IMUL, OP_DIV, OP_IDIV, OP_IMUL2, OP_IMUL3,
	OP_BSF, OP_BSR, OP_TZCNT, OP_LZCNT, OP_POPCNT,
	OP_MOV, OP_MOVZX, OP_MOVSX, OP_MOVBE, OP_MOVNTI, OP_MOVDIR64B,
	OP_XCHG, OP_XADD, OP_CMPXCHG, OP_CMPXCHG8B, OP_SETCC, OP_CMOVCC,
	OP_PUSH, OP_POP, OP_CALL, OP_JMP, OP_RET, OP_LEAVE,
	OP_PUSHA, OP_POPA, OP_PUSHF, OP_POPF, OP_ENTER,
	OP_LOAD_FAR, OP_CALL_FAR, OP_JMP_FAR, OP_RET_FAR, OP_IRET,
	OP_SLDT, OP_STR, OP_LLDT, OP_LTR, OP_SGDT, OP_SIDT, OP_LGDT, OP_LIDT, OP_SMSW, OP_LMSW,
	OP_FNSTCW, OP_FNSTSW, OP_FXSAVE, OP_FXRSTOR,
	OP_MOVS, OP_CMPS, OP_STOS, OP_LODS, OP_SCAS, OP_INS, OP_OUTS,
	OP_NOP, OP_SSE,
	/* Not operations: ModRM.reg chooses one from emul_groups. */
	OP_GROUP_FIRST,
	OP_GROUP1 = OP_GROUP_FIRST,	/* 80 to 83 */
	OP_GROUP1A,			/* 8F */
	OP_GROUP2,			/* C0, C1, D0 to D3 */
	OP_GROUP3,			/* F6, F7 */
	OP_GROUP4,			/* FE */
	OP_GROUP5,			/* FF */
	OP_GROUP6,			/* 0F 00 */
	OP_GROUP7,			/* 0F 01 */
	OP_GROUP8,			/* 0F BA */
	OP_GROUP9,			/* 0F C7 */
	OP_GROUP11,			/* C6, C7 */
	OP_GROUP15,			/* 0F AE */
	OP_GROUP_D9,			/* x87, memory forms */
	OP_GROUP_DD,
	OP_GROUP_END,
};

/* Where an operand is. */
enum emul_operand {
	ARG_NONE,
	ARG_RM,			/* ModRM.rm: register or memory, of operand size */
	ARG_RM8, ARG_RM16, ARG_RM32,	/* likewise, of a size of its own */
	ARG_REG,		/* ModRM.reg */
	ARG_ACC,		/* AL, AX, EAX, RAX */
	ARG_OPREG,		/* low three bits of the opcode */
	ARG_SREG,		/* segment register in ModRM.reg */
	ARG_MEM,		/* memory without ModRM: moffs, XLAT */
	ARG_IMM, ARG_ONE, ARG_CL,
	ARG_SEG_FIRST,		/* segment registers that the opcode names */
	ARG_ES = ARG_SEG_FIRST, ARG_CS, ARG_SS, ARG_DS, ARG_FS, ARG_GS,
};

/* emul_opcode.flags */
enum {
	F_BYTE = 1 << 0,	/* operand size is one byte */
	F_IMM = 1 << 1,		/* immediate of operand size, at most 4 bytes */
	F_IMM8 = 1 << 2,	/* immediate byte, sign-extended */
	F_IMM16 = 1 << 3,	/* immediate word */
	F_NO64 = 1 << 4,	/* #UD in 64-bit mode */
	F_ONLY64 = 1 << 5,	/* means this in 64-bit mode only */
	F_MEM = 1 << 6,		/* the ModRM operand must be memory, else #UD */
	F_MOFFS = 1 << 7,	/* an address follows the opcode */
};

/* emul_trait.flags */
enum {
	T_READ = 1 << 0,	/* the first operand is read */
	T_WRITE = 1 << 1,	/* the first operand is written */
	T_LOCK = 1 << 2,	/* LOCK is allowed if the first operand is memory */
	T_STACK = 1 << 3,	/* operand size defaults to 8 in 64-bit mode */
	T_BRANCH = 1 << 4,	/* operand size is always 8 in 64-bit mode */
	T_SEGMENT = 1 << 5,	/* loads a segment register, LDTR or TR */
};

/**
 * struct emul_opcode - one row of an opcode map
 * @op: enum emul_op; OP_NONE marks what the emulator does not know
 * @dst: enum emul_operand of the first operand
 * @src: enum emul_operand of the second
 * @flags: F_*
 */
struct emul_opcode {
	u8 op;
	u8 dst;
	u8 src;
	u8 flags;
};

/**
 * struct emul_trait - what is true of an operation whichever opcode it came from
 * @name: mnemonic
 * @flags: T_*
 */
struct emul_trait {
	const char *name;
	u8 flags;
};

/* opcodes.c */
extern const struct emul_opcode emul_map_1b[256];
extern const struct emul_opcode emul_map_0f[256];
extern const struct emul_opcode emul_map_0f38[256];
extern const u8 emul_groups[OP_GROUP_END - OP_GROUP_FIRST][8];
extern const struct emul_trait emul_traits[OP_GROUP_FIRST];
const char *emul_why_unknown(const struct emul_ctxt *c);

/* operand.c */
enum emul_rc emul_raise(struct emul_ctxt *c, enum emul_vector vector);
enum emul_rc emul_unhandled(struct emul_ctxt *c, const char *why);
bool emul_canonical(const struct emul_ctxt *c, u64 linear);
u64 emul_gpr_read(const struct emul_ctxt *c, unsigned int reg, unsigned int size);
void emul_gpr_write(struct emul_ctxt *c, unsigned int reg, unsigned int size, u64 value);
unsigned int emul_modrm_reg(const struct emul_ctxt *c);
unsigned int emul_modrm_rm(const struct emul_ctxt *c);
void emul_compute_ea(struct emul_ctxt *c);
enum emul_rc emul_linear(struct emul_ctxt *c, enum emul_seg seg, u64 off, unsigned int len,
			 bool write, u64 *linear);
enum emul_rc emul_mem_read(struct emul_ctxt *c, enum emul_seg seg, u64 off, void *buf,
			   unsigned int len, bool for_write);
enum emul_rc emul_mem_write(struct emul_ctxt *c, enum emul_seg seg, u64 off, const void *buf,
			    unsigned int len);
enum emul_rc emul_mem_cmpxchg(struct emul_ctxt *c, enum emul_seg seg, u64 off, const void *old,
			      const void *new, unsigned int len);
unsigned int emul_operand_size(const struct emul_ctxt *c, u8 arg);
enum emul_rc emul_operand_read(struct emul_ctxt *c, u8 arg, bool for_write, u64 *value);
enum emul_rc emul_operand_write(struct emul_ctxt *c, u8 arg, u64 value, const u64 *old);
enum emul_rc emul_push_probe(struct emul_ctxt *c, unsigned int count, unsigned int size);
enum emul_rc emul_push_all(struct emul_ctxt *c, const u64 *values, unsigned int count,
			   unsigned int size);
enum emul_rc emul_stack_read(struct emul_ctxt *c, u64 at, u64 *value, unsigned int size);
enum emul_rc emul_push(struct emul_ctxt *c, u64 value, unsigned int size);
enum emul_rc emul_push_selector(struct emul_ctxt *c, u64 value, unsigned int size);
enum emul_rc emul_stack_peek(struct emul_ctxt *c, u64 *value, unsigned int size);
void emul_stack_add(struct emul_ctxt *c, u64 delta);

/* alu.c */
u64 emul_alu(u8 op, unsigned int size, u64 dst, u64 src, u64 *rflags);
u64 emul_shift(u8 op, unsigned int size, u64 dst, unsigned int count, u64 *rflags);
u64 emul_shift_double(u8 op, unsigned int size, u64 dst, u64 src, unsigned int count,
		      u64 *rflags);
u64 emul_bit_scan(u8 op, unsigned int size, u64 old, u64 src, u64 *rflags);
u64 emul_mul(bool is_signed, unsigned int size, u64 a, u64 b, u64 *high, u64 *rflags);
bool emul_div(bool is_signed, unsigned int size, u64 *high, u64 *low, u64 divisor);
bool emul_condition(u8 cc, u64 rflags);

/* string.c, sse.c */
enum emul_rc emul_string(struct emul_ctxt *c);
enum emul_rc emul_sse_decode(struct emul_ctxt *c);
enum emul_rc emul_sse(struct emul_ctxt *c);

/* stack.c, far.c, system.c */
enum emul_rc emul_stack(struct emul_ctxt *c);
enum emul_rc emul_far(struct emul_ctxt *c, u64 *next);
enum emul_rc emul_system(struct emul_ctxt *c);
u64 emul_flags_loaded(const struct emul_ctxt *c, u64 value, unsigned int size);

/* Sizes are 1, 2, 4 or 8 wherever these are called. */
static inline u64 emul_mask(unsigned int size)
{
	return size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1;
}

static inline u64 emul_sign_bit(unsigned int size)
{
	return 1ULL << (8 * size - 1);
}

static inline u64 emul_sign_extend(u64 value, unsigned int size)
{
	u64 sign = emul_sign_bit(size);

	value &= emul_mask(size);
	return (value ^ sign) - sign;
}

#endif /* MINIKVM_EMULATE_INSN_H */
