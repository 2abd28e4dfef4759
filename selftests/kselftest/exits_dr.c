// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers and traps: MOV DR with good and bad operands, DR7.GD, instruction and data
 * breakpoints, RFLAGS.TF across instructions that the hypervisor completes. SDM volume 3,
 * "Debug, Branch Profile, TSC, and Intel RDT Features". Relies on lib/.
 */
#include "guest.h"

#define UD 6
#define GP 13

static void run_to_end(void (*guest)(void))
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest);

	KT_RUN_DONE(vcpu);
}

static void dr_guest(void)
{
	GUEST_EQ(GUEST_READ_REG("dr7"), 0x400);
	GUEST_EQ(GUEST_READ_REG("dr6"), 0xffff0ff0);
	GUEST_WRITE_REG("dr0", 0x1111);
	GUEST_WRITE_REG("dr1", 0x2222);
	GUEST_WRITE_REG("dr2", 0x3333);
	GUEST_WRITE_REG("dr3", 0xffff800000004444);
	for (int i = 0; i < 3; i++) {
		GUEST_SYNC(i);
		GUEST_EQ(GUEST_READ_REG("dr0"), 0x1111);
		GUEST_EQ(GUEST_READ_REG("dr1"), 0x2222);
		GUEST_EQ(GUEST_READ_REG("dr2"), 0x3333);
		GUEST_EQ(GUEST_READ_REG("dr3"), 0xffff800000004444);
	}
	GUEST_EQ(GUEST_TRY_WRITE_REG("dr6", 1UL << 32), GP);
	GUEST_EQ(GUEST_TRY_WRITE_REG("dr7", 1UL << 32), GP);
	/* DR4 and DR5 are DR6 and DR7 unless CR4.DE. */
	GUEST_EQ(GUEST_TRY0(".byte 0x0f, 0x21, 0xe0"), GUEST_NO_EXC);
	GUEST_WRITE_REG("cr4", GUEST_READ_REG("cr4") | 8);
	GUEST_EQ(GUEST_TRY0(".byte 0x0f, 0x21, 0xe0"), UD);
	GUEST_EQ(GUEST_TRY0(".byte 0x0f, 0x23, 0xe8"), UD);
	GUEST_WRITE_REG("cr4", GUEST_READ_REG("cr4") & ~8UL);
	guest_done();
}

static void dr_access(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, dr_guest);

	for (int i = 0; i < 3; i++)
		KT_RUN_SYNC(vcpu, i);
	KT_RUN_DONE(vcpu);
}

static void dr_gd_guest(void)
{
	u64 v;

	GUEST_WRITE_REG("dr7", 0x2400);
	GUEST_EQ(GUEST_TRY("mov %%dr0, %0", "=r"(v), "i"(0)), 1);
	GUEST_EQ(GUEST_READ_REG("dr6") & 0x2000, 0x2000);	/* BD */
	GUEST_EQ(GUEST_READ_REG("dr7") & 0x2000, 0);
	GUEST_WRITE_REG("dr6", 0xffff0ff0);
	guest_done();
}

static void dr_general_detect(void)
{
	run_to_end(dr_gd_guest);
}

static volatile u64 db_count, db_rip, db_dr6;

static void on_db(struct gframe *f)
{
	db_count++;
	db_rip = f->rip;
	db_dr6 = GUEST_READ_REG("dr6");
	GUEST_WRITE_REG("dr6", 0xffff0ff0);
	f->rflags |= 1 << 16;		/* RF: go past an instruction breakpoint */
	f->rflags &= ~0x100UL;		/* TF: one step only */
}

extern const u8 bp_here[], step_cpuid[], step_out[], step_mmio[], step_msr[], step_nop[],
	step_nop2[];

static void dr_break_guest(void)
{
	guest_handler[1] = on_db;
	/* Instruction breakpoint. */
	GUEST_WRITE_REG("dr0", bp_here);
	GUEST_WRITE_REG("dr7", 0x402);
	asm volatile(".globl bp_here\nbp_here: nop");
	GUEST_EQ(db_count, 1);
	GUEST_EQ(db_rip, (u64)bp_here);
	GUEST_EQ(db_dr6 & 0xf, 1);
	/* Data write, 8 bytes, DR3; exits between set-up and hit. */
	GUEST_WRITE_REG("dr3", KT_TEST_AREA);
	GUEST_WRITE_REG("dr7", 0x400 | 0x80 | 0x9UL << 28);
	GUEST_SYNC(1);
	wr64(KT_TEST_AREA, 1);
	GUEST_EQ(db_count, 2);
	GUEST_EQ(db_dr6 & 0xf, 8);
	rd64(KT_TEST_AREA);
	GUEST_EQ(db_count, 2);
	GUEST_WRITE_REG("dr7", 0x400);
	wr64(KT_TEST_AREA, 1);
	GUEST_EQ(db_count, 2);
	guest_done();
}

static void dr_breakpoints(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, dr_break_guest);

	KT_RUN_SYNC(vcpu, 1);
	KT_RUN_DONE(vcpu);
}

#define STEP(insn, label, ...)						\
	asm volatile("pushf; orq $0x100, (%%rsp); popf\n\t" insn "\n\t"	\
		     ".globl " #label "\n" #label ": nop" : : __VA_ARGS__)

static void step_nop_guest(void)
{
	guest_handler[1] = on_db;
	STEP("nop", step_nop, "a"(0) : "cc", "memory");
	GUEST_EQ(db_count, 1);
	GUEST_EQ(db_rip, (u64)step_nop);
	STEP("nop", step_nop2, "a"(0) : "cc", "memory");
	GUEST_EQ(db_count, 2);
	GUEST_EQ(db_rip, (u64)step_nop2);
	guest_done();
}

static void single_step(void)
{
	run_to_end(step_nop_guest);
}

static void step_guest(void)
{
	guest_handler[1] = on_db;
	STEP("cpuid", step_cpuid, "a"(0) : "rbx", "rcx", "rdx", "cc", "memory");
	GUEST_EQ(db_count, 1);
	GUEST_EQ(db_rip, (u64)step_cpuid);
	GUEST_EQ(db_dr6 & 0x400f, 0x4000);	/* BS */
	STEP("rdmsr", step_msr, "c"(0x1b) : "rax", "rdx", "cc", "memory");
	GUEST_EQ(db_count, 2);
	GUEST_EQ(db_rip, (u64)step_msr);
	guest_done();
}

/* RFLAGS.TF traps after an instruction that the hypervisor completes, too. */
static void single_step_over_exits(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, step_guest);

	KT_RUN_DONE(vcpu);
}

static void step_user_guest(void)
{
	guest_handler[1] = on_db;
	STEP("outb %%al, $0x77", step_out, "a"(1) : "cc", "memory");
	GUEST_EQ(db_count, 1);
	GUEST_EQ(db_rip, (u64)step_out);
	STEP("movl $1, (%0)", step_mmio, "r"(KT_MMIO) : "cc", "memory");
	GUEST_EQ(db_count, 2);
	GUEST_EQ(db_rip, (u64)step_mmio);
	guest_done();
}

static void single_step_over_userspace(void)
{
	struct kt_vcpu *vcpu;

	if (!kt_is_minikvm())
		kt_skip("KVM 6.1 raises the trap one instruction late after such an exit");
	vcpu = kt_long(0, 0, step_user_guest);
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.port, 0x77);
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_RUN_DONE(vcpu);
}

/* INT1 exits where it stands and traps behind it; a shadow with TF must not stop the entry. */
static void int1_guest(void)
{
	extern const u8 behind_int1[], behind_both[];

	guest_handler[1] = on_db;
	db_count = 0;
	asm volatile(".byte 0xf1; behind_int1:" : : : "memory");
	GUEST_EQ(db_count, 1);
	GUEST_EQ(db_rip, (u64)behind_int1);
	asm volatile("mov %%ss, %%eax; pushf; orq $0x100, (%%rsp); popf\n\t"
		     "mov %%eax, %%ss; .byte 0xf1; behind_both: nop" : : : "rax", "cc", "memory");
	GUEST_EQ(db_count, 2);
	GUEST_EQ(db_rip, (u64)behind_both);
	/* The step behind STI comes in its shadow. */
	asm volatile("cli; pushf; orq $0x100, (%%rsp); popf; sti; nop; cli" : : : "cc", "memory");
	GUEST_EQ(db_count, 3);
	guest_done();
}

static void int1_and_shadows(void)
{
	run_to_end(int1_guest);
}

static const struct kt_test tests[] = {
	{ "dr_access", dr_access },
	{ "dr_general_detect", dr_general_detect },
	{ "dr_breakpoints", dr_breakpoints },
	{ "single_step", single_step },
	{ "single_step_over_exits", single_step_over_exits },
	{ "single_step_over_userspace", single_step_over_userspace },
	{ "int1_and_shadows", int1_and_shadows },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
