/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * native.h - run one instruction on the real processor, with every register chosen.
 *
 * Shared by native.S, which loads the registers, jumps to the instruction and collects them again,
 * and native_case.c, which drives it and turns signals into exceptions.  In 64-bit mode the
 * instruction runs where the test does; 16- and 32-bit code runs in compatibility mode, through
 * code and data segments made with modify_ldt(2).
 */
#ifndef MINIKVM_TEST_NATIVE_H
#define MINIKVM_TEST_NATIVE_H

/* Offsets into struct native_state, checked against it in native_case.c. */
#define NATIVE_GPR 0
#define NATIVE_FLAGS 128
#define NATIVE_ENTRY 136
#define NATIVE_FAR 144
#define NATIVE_HOST_RSP 160
#define NATIVE_LANDED 168
#define NATIVE_COMPAT 176
#define NATIVE_AVX 180
#define NATIVE_DS 184
#define NATIVE_ES 188
#define NATIVE_SS 192
#define NATIVE_GS 196
#define NATIVE_YMM 224

#define NATIVE_CS64 0x33	/* Linux's user code and data segments */
#define NATIVE_DS64 0x2b

#ifndef __ASSEMBLER__

#include "machine.h"

/* Sandbox memory: both of these, and the test itself, are below 2 GiB. */
#define DATA_BASE 0x10000000ULL
#define DATA_SIZE 0x10000
#define CODE_PAGE 0x20000000ULL

struct native_state {
	u64 gpr[16];
	u64 flags;
	u64 entry;
	struct {
		u32 offset;
		u16 selector;
	} far;
	u64 pad0;
	u64 host_rsp;
	u32 landed;		/* 0: behind the instruction, 1: at the branch target */
	u32 pad1;
	u32 compat;
	u32 avx;
	u32 ds, es, ss, gs;
	u8 pad2[24];
	u8 ymm[16][32];
};

extern struct native_state native_state;

/* native.S */
void native_run(void);
void native_enter_compat(void);
void native_exit(void);
void native_exit_branch(void);
void native_recover(void);

/* What became of an instruction on the processor: -1, or the exception's vector. */
struct native_result {
	int vector;
	u64 rip;
};

/* native_case.c */
const char *native_init(void);
void native_set_code(enum emul_mode mode, const u8 *insn, unsigned int len);
u64 native_rip(enum emul_mode mode);
u64 native_branch_target(enum emul_mode mode);
bool native_has_mode(enum emul_mode mode);
const char *native_why_not(enum emul_mode mode);
bool native_notices_refusal(void);
void native_fill_segments(struct machine *m, bool stack32);
struct native_result native_execute(struct machine *m);

#endif /* __ASSEMBLER__ */

#endif /* MINIKVM_TEST_NATIVE_H */
