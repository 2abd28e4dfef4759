/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rest of minikvm sees of the instruction emulator.
 *
 * When a guest touches memory that is a device (an EPT violation where no memory slot is), the
 * processor tells where but not which register, which size, which operation. The emulator fetches
 * the instruction, decodes it (SDM volume 2, "Instruction Format") and executes it on a copy of the
 * guest's registers; all memory goes through callbacks, so it never knows RAM from MMIO.
 *
 * It relies on nothing but shim.h: the same source runs in the module and in the unit tests.
 * Documentation/emulator.rst tells the whole story.
 */
#ifndef MINIKVM_EMULATE_H
#define MINIKVM_EMULATE_H

#include "shim.h"

/* Segment registers in the order of their encoding in ModRM.reg. */
enum emul_seg { EMUL_ES, EMUL_CS, EMUL_SS, EMUL_DS, EMUL_FS, EMUL_GS };

#define EMUL_NR_SEGS 6

/* Two more registers that hold a selector; the emulator only reads and loads it. */
enum { EMUL_TR = EMUL_NR_SEGS, EMUL_LDTR };

/* Why CS is loaded. */
enum emul_far { EMUL_FAR_JMP, EMUL_FAR_CALL, EMUL_FAR_RET, EMUL_FAR_IRET };

/* What the guest can switch off by CR0, CR4 or XCR0. */
enum emul_fpu { EMUL_X87, EMUL_MMX, EMUL_SSE, EMUL_AVX };

/* GDTR or IDTR. */
struct emul_table {
	u16 limit;
	u64 base;
};

#define EMUL_FXSAVE_LEN 512

/* The default sizes that CR0.PE, EFER.LMA, CS.L and CS.D choose. */
enum emul_mode {
	EMUL_REAL16,		/* real-address or virtual-8086 mode */
	EMUL_PROT16,		/* protected or compatibility mode, CS.D = 0 */
	EMUL_PROT32,		/* protected or compatibility mode, CS.D = 1 */
	EMUL_LONG64,		/* 64-bit mode */
};

/**
 * enum emul_rc - how an emulation, or one callback, ended
 * @EMUL_OK: done. For emulate_insn(): the instruction (or one batch of REP iterations) is
 *	complete, gpr, rflags and rip in the context are the new ones; rip stays where it was when
 *	rep_more is set.
 * @EMUL_IO_NEEDED: a callback cannot answer before userspace has. Nothing of this instruction
 *	has happened. Of a REP string instruction, the iterations *before* the one that needs I/O
 *	have: the caller stores gpr back as for EMUL_OK.
 * @EMUL_FAULT: emul_ctxt.fault holds the exception to inject; rip and registers are those before
 *	the instruction, but for REP iterations already completed (store gpr back here, too).
 * @EMUL_UNHANDLED: the emulator does not know this instruction; emul_ctxt.why says why not.
 * @EMUL_RETRY: a callback wants the guest to execute the instruction again itself.
 */
enum emul_rc {
	EMUL_OK,
	EMUL_IO_NEEDED,
	EMUL_FAULT,
	EMUL_UNHANDLED,
	EMUL_RETRY,
};

/* Exception vectors that the emulator itself raises (SDM volume 3, "Exceptions and Interrupts"). */
enum emul_vector {
	EMUL_DE = 0,		/* divide error */
	EMUL_UD = 6,		/* invalid opcode */
	EMUL_SS_FAULT = 12,	/* stack-segment fault */
	EMUL_GP = 13,		/* general protection */
	EMUL_PF = 14,		/* page fault, from callbacks only */
};

/**
 * struct emul_fault - an exception for the guest
 * @vector: exception vector
 * @has_error_code: whether @error_code is pushed
 * @error_code: error code
 * @has_cr2: whether @cr2 is to be written to CR2 (page faults)
 * @cr2: the faulting linear address
 */
struct emul_fault {
	u8 vector;
	bool has_error_code;
	u32 error_code;
	bool has_cr2;
	u64 cr2;
};

struct emul_ctxt;

/**
 * struct emul_ops - how the emulator reaches the guest
 *
 * Addresses are linear: segment base added, truncated to 32 bits outside 64-bit mode, canonical in
 * 64-bit mode. @len is 1 to 64 bytes; an access may cross a page (outside 64-bit mode also the end
 * of the 4 GiB), and the callee then splits it. A callback that returns EMUL_FAULT has filled
 * emul_ctxt.fault, one that returns EMUL_UNHANDLED has set emul_ctxt.why. All of an instruction's
 * reads come before its writes. An instruction writes at most once (per REP iteration), or it has
 * asked @probe_write for each of its writes before the first; the later ones must not fail. So:
 *
 * - a read that userspace must answer returns EMUL_IO_NEEDED. Once the data is there the caller
 *   runs emulate_insn() again; the same reads come in the same order, and the callee answers
 *   those already done from its cache. The caller empties that cache whenever emulate_insn()
 *   returns anything but EMUL_IO_NEEDED.
 * - a write to MMIO is queued by the callee, which returns EMUL_OK: it completes the instruction.
 *
 * Any callback that reads or writes a device sets emul_ctxt.mmio_touched, which ends a batch of REP
 * iterations after the current one.
 *
 * @fetch: read instruction bytes; one call never crosses a page. The code segment's limit is not
 *	checked: the processor has done so before the access that caused the exit
 * @read: read data.  emul_ctxt.read_for_write is set when the same operand will be written, so
 *	that the page walk can demand write permission before a device sees the read
 * @write: write data
 * @cmpxchg: write @new if the memory still holds @old, atomically, else return EMUL_RETRY; used
 *	for LOCKed instructions and XCHG. On MMIO the callee just writes. NULL: @write is used.
 * @segment_base: base of a segment; in 64-bit mode asked for FS and GS only
 * @segment_check: type and limit check of [@off, @off + @len); fills fault. @len 0 with EMUL_CS
 *	asks whether @off is inside the code segment's limit (branch target). Not called in 64-bit
 *	mode. NULL: everything is allowed.
 * @segment_selector: the selector for MOV/PUSH from a segment register, SLDT, STR. NULL:
 *	unhandled.
 * @load_segment: load a segment register as MOV to it does, LDTR or TR. NULL: unhandled.
 * @load_cs: load CS as a far branch to @selector:@offset does, or refuse. NULL: unhandled.
 * @umip: CR4.UMIP. NULL: it is off.
 * @read_table: GDTR or IDTR. NULL: its instructions are unhandled.
 * @write_table: likewise; cannot fail.
 * @read_cr0: for SMSW. NULL: unhandled.
 * @load_msw: load the machine status word as LMSW does. NULL: unhandled.
 * @read_xmm: @len 16 or 32 bytes of an XMM/YMM register. NULL: SSE and AVX are unhandled.
 * @fpu_enabled: may the guest execute such instructions now? NULL: yes.
 * @write_xmm: @len 16 leaves the rest of the register as it is (legacy SSE); @len 32 clears
 *	whatever is above bit 255 (VEX). Called last, cannot fail.
 * @read_mm: an MMX register. NULL: MMX is unhandled.
 * @write_mm: likewise; called last, cannot fail.
 * @x87_word: x87 control word, or status word. NULL: unhandled.
 * @fxsave: fill an image of EMUL_FXSAVE_LEN bytes and return how many of them FXSAVE writes;
 *	emul_ctxt.d.rex decides between the formats. NULL: unhandled.
 * @fxrstor: load an image as @fxsave filled it, overwritten by what the guest has in memory.
 *	NULL: unhandled.
 * @probe_write: would @write succeed? NULL: not asked.
 */
struct emul_ops {
	enum emul_rc (*fetch)(struct emul_ctxt *c, u64 linear, void *buf, unsigned int len);
	enum emul_rc (*read)(struct emul_ctxt *c, u64 linear, void *buf, unsigned int len);
	enum emul_rc (*write)(struct emul_ctxt *c, u64 linear, const void *buf, unsigned int len);
	enum emul_rc (*cmpxchg)(struct emul_ctxt *c, u64 linear, const void *old,
				const void *new, unsigned int len);
	u64 (*segment_base)(struct emul_ctxt *c, enum emul_seg seg);
	enum emul_rc (*segment_check)(struct emul_ctxt *c, enum emul_seg seg, u64 off,
				      unsigned int len, bool write);
	u16 (*segment_selector)(struct emul_ctxt *c, enum emul_seg seg);
	enum emul_rc (*load_segment)(struct emul_ctxt *c, enum emul_seg seg, u16 selector);
	enum emul_rc (*load_cs)(struct emul_ctxt *c, u16 selector, u64 offset, enum emul_far why);
	bool (*umip)(struct emul_ctxt *c);
	void (*read_table)(struct emul_ctxt *c, bool idt, struct emul_table *table);
	void (*write_table)(struct emul_ctxt *c, bool idt, const struct emul_table *table);
	u64 (*read_cr0)(struct emul_ctxt *c);
	enum emul_rc (*load_msw)(struct emul_ctxt *c, u16 msw);
	bool (*fpu_enabled)(struct emul_ctxt *c, enum emul_fpu what);
	void (*read_xmm)(struct emul_ctxt *c, unsigned int reg, void *buf, unsigned int len);
	void (*write_xmm)(struct emul_ctxt *c, unsigned int reg, const void *buf,
			  unsigned int len);
	void (*read_mm)(struct emul_ctxt *c, unsigned int reg, u64 *value);
	void (*write_mm)(struct emul_ctxt *c, unsigned int reg, const u64 *value);
	u16 (*x87_word)(struct emul_ctxt *c, bool status);
	unsigned int (*fxsave)(struct emul_ctxt *c, void *image);
	enum emul_rc (*fxrstor)(struct emul_ctxt *c, const void *image);
	enum emul_rc (*probe_write)(struct emul_ctxt *c, u64 linear, unsigned int len);
};

#define EMUL_MAX_INSN 15	/* SDM: a longer instruction is #GP */
#define EMUL_REP_BATCH 1024	/* REP iterations per emulate_insn(), so that interrupts get in */

/* A decoded memory operand: seg:[base + index * scale + disp]; registers are gpr[] indices. */
struct emul_mem {
	u8 seg;			/* enum emul_seg */
	s8 base;		/* -1: none */
	s8 index;		/* -1: none */
	u8 scale;		/* shift count 0 to 3 */
	bool rip_relative;	/* disp counts from the next instruction */
	u64 disp;
};

/* What emul_decode() found out. Sizes are in bytes. */
struct emul_decoded {
	u8 op;			/* enum emul_op of insn.h */
	u8 map;			/* 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A */
	u8 opcode;		/* last opcode byte */
	u8 dst, src;		/* enum emul_operand of insn.h */
	u8 size;		/* operand size: 1, 2, 4, 8; 16 and 32 for moves of vectors */
	u8 addr_size;		/* 2, 4, 8 */
	u8 rex;			/* whole REX byte, 0: none */
	u8 modrm;
	u8 rep;			/* last of F2, F3; 0: none */
	s8 seg_override;	/* enum emul_seg, -1: none */
	bool opsize_prefix;	/* 66 */
	bool lock;		/* F0 */
	bool vex;
	u8 vex_reg;		/* VEX.vvvv, already inverted */
	u8 vex_l;		/* VEX.L */
	bool has_modrm;
	bool has_mem;
	struct emul_mem mem;
	u64 ea;			/* mem's offset in its segment; computed when executed */
	u64 imm;		/* sign-extended immediate */
	u8 imm_size;		/* 0: no immediate */
	u64 imm2;		/* ENTER: nesting level; far branches: selector */
	u8 sse_row;		/* SSE and AVX moves: which of sse.c */
};

/**
 * struct emul_ctxt - one emulation
 * @ops: callbacks
 * @opaque: for the caller's own use
 * @mode: (in) processor mode
 * @cpl: (in) current privilege level, for the callbacks
 * @stack_size: (in) bytes of the stack pointer by SS.D/B: 2, 4; 0 = as @mode has it
 * @la57: (in) CR4.LA57: addresses of 57 bits are canonical instead of 48
 * @gpr: (in/out) RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15
 * @rip: (in/out) offset in CS
 * @rflags: (in/out) if RFLAGS.TF was set, the caller raises the single-step trap after EMUL_OK,
 *	also with @rep_more: one iteration has been done
 * @mmio_touched: set by callbacks that touched a device; cleared by emulate_insn()
 * @read_for_write: see @read of struct emul_ops
 * @rep_more: (out) iterations of a REP instruction are left: rip has not advanced
 * @fault: (out) valid after EMUL_FAULT
 * @why: (out) static string, valid after EMUL_UNHANDLED
 * @insn: (out) instruction bytes fetched, for error reports
 * @insn_len: (out) length of the instruction; when decoding stopped midway, how far it got
 * @fetched: (out) how many bytes of @insn are valid
 * @d: decoded instruction
 */
struct emul_ctxt {
	const struct emul_ops *ops;
	void *opaque;
	enum emul_mode mode;
	u8 cpl;
	u8 stack_size;
	bool la57;

	u64 gpr[16];
	u64 rip;
	u64 rflags;

	bool mmio_touched;
	bool read_for_write;
	bool rep_more;
	struct emul_fault fault;
	const char *why;
	u8 insn[EMUL_MAX_INSN];
	u8 insn_len;
	u8 fetched;

	struct emul_decoded d;
};

enum emul_rc emulate_insn(struct emul_ctxt *c);
enum emul_rc emul_decode(struct emul_ctxt *c);
enum emul_rc emul_execute(struct emul_ctxt *c);
bool emul_blocks_interrupts(const struct emul_ctxt *c);
bool emul_loads_segment(const struct emul_ctxt *c);
const char *emul_mnemonic(const struct emul_ctxt *c);

#endif /* MINIKVM_EMULATE_H */
