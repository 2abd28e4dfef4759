// SPDX-License-Identifier: GPL-2.0-only
/*
 * native_case.c - prepare the processor for native.S, and turn its exceptions into results.
 *
 * One page of code holds the instruction, what follows it and a branch target; 64 KiB of data are
 * its world, with nothing mapped around.  Compatibility-mode segments come from modify_ldt(2), each
 * with a base of its own so that a wrong segment shows.  An exception arrives as a signal, whose
 * frame has the vector and the registers (ucontext of the x86-64 psABI).
 */
#define _GNU_SOURCE

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "native.h"

#define INSN_AT 0x100
#define TARGET_AT 0x200

enum { LDT_CODE16, LDT_CODE32, LDT_DS, LDT_ES, LDT_SS16, LDT_SS32, LDT_GS, LDT_ABSENT };

#define SELECTOR(entry) ((entry) << 3 | 7)	/* in the LDT, RPL 3 */
#define DATA_LIMIT (DATA_SIZE - 0x3001)		/* GS has the highest base */

static_assert(offsetof(struct native_state, flags) == NATIVE_FLAGS, "flags");
static_assert(offsetof(struct native_state, entry) == NATIVE_ENTRY, "entry");
static_assert(offsetof(struct native_state, far) == NATIVE_FAR, "far");
static_assert(offsetof(struct native_state, host_rsp) == NATIVE_HOST_RSP, "host_rsp");
static_assert(offsetof(struct native_state, landed) == NATIVE_LANDED, "landed");
static_assert(offsetof(struct native_state, compat) == NATIVE_COMPAT, "compat");
static_assert(offsetof(struct native_state, avx) == NATIVE_AVX, "avx");
static_assert(offsetof(struct native_state, ds) == NATIVE_DS, "ds");
static_assert(offsetof(struct native_state, gs) == NATIVE_GS, "gs");
static_assert(offsetof(struct native_state, ymm) == NATIVE_YMM, "ymm");

struct native_state native_state;

static int running;		/* atomic: shared with the signal handler */
static struct native_result result;
static const char *why_no_16bit, *why_no_32bit;	/* NULL: code of that kind runs */
static bool have_avx;

static void collect(const gregset_t g)
{
	static const int order[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	};
	unsigned int i;

	for (i = 0; i < 16; i++)
		native_state.gpr[i] = g[order[i]];
	native_state.flags = g[REG_EFL];
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)info;
	if (!__atomic_load_n(&running, __ATOMIC_SEQ_CST)) {
		signal(sig, SIG_DFL);
		raise(sig);
		return;
	}
	__atomic_store_n(&running, 0, __ATOMIC_SEQ_CST);
	result.vector = g[REG_TRAPNO];
	result.rip = g[REG_RIP];
	collect(g);

	g[REG_RIP] = (greg_t)native_recover;
	g[REG_RSP] = native_state.host_rsp;
	g[REG_EFL] = 0x202;
	g[REG_CSGSFS] = NATIVE_CS64 | (greg_t)NATIVE_DS64 << 48;
}

/* A segment that modify_ldt(2) takes and the processor does not */
static bool add_absent_segment(void)
{
	struct user_desc desc = {
		.entry_number = LDT_ABSENT, .base_addr = DATA_BASE, .limit = DATA_LIMIT,
		.seg_32bit = 1, .seg_not_present = 1,
	};

	return !syscall(SYS_modify_ldt, 1, &desc, sizeof(desc));
}

static bool add_segment(unsigned int entry, u64 base, u64 limit, bool code, bool big)
{
	struct user_desc desc = {
		.entry_number = entry, .base_addr = base, .limit = limit, .seg_32bit = big,
		.contents = code ? 2 : 0,
	};

	return !syscall(SYS_modify_ldt, 1, &desc, sizeof(desc));
}

static bool make_16bit_segments(void)
{
	return add_segment(LDT_CODE16, CODE_PAGE, 0xfff, true, false) &&
	       add_segment(LDT_SS16, DATA_BASE + 0x2000, DATA_LIMIT, false, false);
}

static bool make_32bit_segments(void)
{
	return add_segment(LDT_CODE32, CODE_PAGE, 0xfff, true, true) &&
	       add_segment(LDT_DS, DATA_BASE, DATA_LIMIT, false, true) &&
	       add_segment(LDT_ES, DATA_BASE + 0x1000, DATA_LIMIT, false, true) &&
	       add_segment(LDT_SS32, DATA_BASE + 0x2000, DATA_LIMIT, false, true) &&
	       add_segment(LDT_GS, DATA_BASE + 0x3000, DATA_LIMIT, false, true) &&
	       add_absent_segment();
}

/*
 * Does code run in that mode, with all of the segments?  Some paravirtual hosts let the kernel
 * write an LDT and then refuse every selector of it, so that only running something tells.
 */
static bool segments_work(enum emul_mode mode, bool stack32, bool absent_ds)
{
	static const u8 nop = 0x90;
	struct machine m;

	machine_init(&m, mode);
	native_fill_segments(&m, stack32);
	if (absent_ds)
		m.selector[EMUL_DS] = SELECTOR(LDT_ABSENT);
	m.c.rip = native_rip(mode);
	m.c.insn_len = 1;
	m.c.rflags = 2;
	native_set_code(mode, &nop, 1);
	return native_execute(&m).vector < 0;
}

/**
 * native_init() - map code and data, install handlers and segments
 *
 * Return: NULL, or why the test cannot run here.
 */
const char *native_init(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	static u8 stack[65536];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = {
		.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK,
	};
	unsigned int i;

	if (mmap((void *)DATA_BASE, DATA_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		return "no memory at the address of the data";
	if (mmap((void *)CODE_PAGE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		return "no executable memory at the address of the code";
	if (sigaltstack(&alternate, NULL))
		return "no signal stack";
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], &action, NULL))
			return "no signal handler";
	have_avx = __builtin_cpu_supports("avx2");
	if (!make_32bit_segments())
		why_no_32bit = "modify_ldt(2) is missing";
	else if (!segments_work(EMUL_PROT32, true, false))
		why_no_32bit = "modify_ldt(2) works, but its segments cannot be loaded and run";
	why_no_16bit = why_no_32bit;
	if (!why_no_16bit && !make_16bit_segments())
		why_no_16bit = "this kernel has no CONFIG_X86_16BIT";
	else if (!why_no_16bit && !segments_work(EMUL_PROT16, false, false))
		why_no_16bit = "16-bit segments cannot be loaded and run";
	return NULL;
}

/**
 * native_has_mode() - can this machine run that mode?
 * @mode: any but EMUL_REAL16
 *
 * Return: true if so.
 */
bool native_has_mode(enum emul_mode mode)
{
	return mode != EMUL_REAL16 && !native_why_not(mode);
}

/**
 * native_why_not() - why code of that mode cannot run here
 * @mode: any but EMUL_REAL16; EMUL_PROT16 stands for stacks with SS.B = 0, too
 *
 * Return: the reason, or NULL where it can.
 */
const char *native_why_not(enum emul_mode mode)
{
	if (mode == EMUL_LONG64)
		return NULL;
	return mode == EMUL_PROT16 ? why_no_16bit : why_no_32bit;
}

/**
 * native_notices_refusal() - is a segment that cannot be loaded told from one that can?
 *
 * A test of the test: the segment is in the LDT and marked as not present.
 *
 * Return: true if so.
 */
bool native_notices_refusal(void)
{
	return !segments_work(EMUL_PROT32, true, true) && segments_work(EMUL_PROT32, true, false);
}

/**
 * native_rip() - where the instruction stands
 * @mode: mode
 *
 * Return: the instruction pointer, which counts from the code segment's base.
 */
u64 native_rip(enum emul_mode mode)
{
	return mode == EMUL_LONG64 ? CODE_PAGE + INSN_AT : INSN_AT;
}

/**
 * native_branch_target() - where branches may go
 * @mode: mode
 *
 * Return: an instruction pointer.
 */
u64 native_branch_target(enum emul_mode mode)
{
	return mode == EMUL_LONG64 ? CODE_PAGE + TARGET_AT : TARGET_AT;
}

/* A jump out of the code page that needs no register, in the mode's encoding. */
static void put_jump(u8 *at, enum emul_mode mode, void (*to)(void))
{
	u32 target = (u64)to;
	u16 selector = NATIVE_CS64;

	if (mode == EMUL_LONG64) {
		target -= (u64)at + 5;
		*at++ = 0xe9;
		memcpy(at, &target, 4);
		return;
	}
	if (mode == EMUL_PROT16)
		*at++ = 0x66;
	*at++ = 0xea;
	memcpy(at, &target, 4);
	memcpy(at + 4, &selector, 2);
}

/**
 * native_set_code() - place an instruction
 * @mode: mode it will run in
 * @insn: bytes
 * @len: how many
 */
void native_set_code(enum emul_mode mode, const u8 *insn, unsigned int len)
{
	u8 *page = (u8 *)CODE_PAGE;

	memcpy(page + INSN_AT, insn, len);
	put_jump(page + INSN_AT + len, mode, native_exit);
	put_jump(page + TARGET_AT, mode, native_exit_branch);
}

/**
 * native_execute() - run the instruction
 * @m: registers before, and afterwards those after; segments by native_fill_segments()
 *
 * Return: the exception, or that there was none and where it went on.
 */
struct native_result native_execute(struct machine *m)
{
	bool compat = m->c.mode != EMUL_LONG64;
	struct native_state *s = &native_state;

	memcpy(s->gpr, m->c.gpr, sizeof(s->gpr));
	memcpy(s->ymm, m->ymm, sizeof(s->ymm));
	s->flags = m->c.rflags | 0x200;
	s->landed = 0;
	s->avx = have_avx;
	s->compat = compat;
	if (compat) {
		s->far.offset = INSN_AT;
		s->far.selector = SELECTOR(m->c.mode == EMUL_PROT16 ? LDT_CODE16 : LDT_CODE32);
		s->entry = (u64)native_enter_compat;
		s->ds = m->selector[EMUL_DS];
		s->es = m->selector[EMUL_ES];
		s->ss = m->selector[EMUL_SS];
		s->gs = m->selector[EMUL_GS];
	} else {
		s->entry = CODE_PAGE + INSN_AT;
		syscall(SYS_arch_prctl, ARCH_SET_GS, m->seg_base[EMUL_GS]);
	}

	result = (struct native_result){ .vector = -1 };
	__atomic_store_n(&running, 1, __ATOMIC_SEQ_CST);
	native_run();
	__atomic_store_n(&running, 0, __ATOMIC_SEQ_CST);

	memcpy(m->c.gpr, s->gpr, sizeof(s->gpr));
	m->c.rflags = s->flags & ~0x10200ULL;	/* without IF, and RF of a fault's frame */
	if (result.vector < 0) {
		memcpy(m->ymm, s->ymm, sizeof(s->ymm));
		result.rip = s->landed ? native_branch_target(m->c.mode) : native_rip(m->c.mode) +
			     m->c.insn_len;
	}
	return result;
}

/**
 * native_fill_segments() - give a machine the segments that the processor will have
 * @m: machine, mode set
 * @stack32: SS.B, outside 64-bit mode
 */
void native_fill_segments(struct machine *m, bool stack32)
{
	static const u8 data_entry[EMUL_NR_SEGS] = { LDT_ES, 0, 0, LDT_DS, 0, LDT_GS };
	static const u16 bases[EMUL_NR_SEGS] = { 0x1000, 0, 0x2000, 0, 0, 0x3000 };
	unsigned int i;

	if (m->c.mode == EMUL_LONG64) {
		m->seg_base[EMUL_GS] = 0x5000;
		m->selector[EMUL_CS] = NATIVE_CS64;
		m->selector[EMUL_SS] = NATIVE_DS64;
		return;
	}
	for (i = 0; i < EMUL_NR_SEGS; i++) {
		m->seg_base[i] = DATA_BASE + bases[i];
		m->seg_limit[i] = DATA_LIMIT;
		m->selector[i] = data_entry[i] ? SELECTOR(data_entry[i]) : 0;
	}
	m->seg_base[EMUL_CS] = CODE_PAGE;
	m->seg_limit[EMUL_CS] = 0xfff;
	m->selector[EMUL_CS] = SELECTOR(m->c.mode == EMUL_PROT16 ? LDT_CODE16 : LDT_CODE32);
	m->selector[EMUL_SS] = SELECTOR(stack32 ? LDT_SS32 : LDT_SS16);
	m->c.stack_size = stack32 ? 4 : 2;
}
