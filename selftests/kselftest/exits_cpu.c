// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that exit and stay in the kernel: MSRs, control registers, XSETBV,
 * VMCALL and the VMX instructions, descriptor-table instructions, cache and TLB maintenance,
 * time stamps, MONITOR/MWAIT, PAUSE. Each with good and bad operands; the bad ones must raise
 * in the guest what the SDM's instruction reference says. Relies on lib/.
 */
#include "guest.h"

#define UD 6
#define NM 7
#define GP 13
#define PF 14

#define NONCANON 0x0000800000000000UL

static void run_to_end(void (*guest)(void))
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest);

	KT_RUN_DONE(vcpu);
}

/* ---- MSRs --------------------------------------------------------------------------------- */

static void msr_guest(void)
{
	static const u32 bad[] = { 0x12345, 0x40000fff, 0xc0009999, 0x80000000 };
	static const struct {
		u32 msr;
		u64 v;
	} badval[] = {
		{ 0xc0000080, 1UL << 1 },		/* EFER, reserved bit */
		{ 0xc0000080, 1UL << 40 },
		{ 0x277, 0x0007040600070402 },		/* PAT, type 2 */
		{ 0x277, 0x0807040600070406 },		/* PAT, reserved bits of PA7 */
		{ 0x1b, 1UL << 60 },			/* APIC base above MAXPHYADDR */
		{ 0xfe, 0 },				/* MTRRcap is read-only */
	};
	static const u32 canonical[] = { 0xc0000082, 0xc0000083, 0xc0000102, 0xc0000100,
					 0xc0000101, 0x175, 0x176 };
	u64 v;

	for (u32 i = 0; i < KT_ARRAY_SIZE(bad); i++) {
		GUEST_EQ(try_rdmsr(bad[i], &v), GP);
		GUEST_EQ(guest_exc.error, 0);
		GUEST_EQ(try_wrmsr(bad[i], 0), GP);
		GUEST_EQ(guest_exc.error, 0);
	}
	for (u32 i = 0; i < KT_ARRAY_SIZE(badval); i++)
		GUEST_EQ(try_wrmsr(badval[i].msr, badval[i].v), GP);
	for (u32 i = 0; i < KT_ARRAY_SIZE(canonical); i++) {
		u64 old = rdmsr(canonical[i]);

		GUEST_EQ(try_wrmsr(canonical[i], 0xffff8000deadb000), GUEST_NO_EXC);
		GUEST_EQ(rdmsr(canonical[i]), 0xffff8000deadb000);
		if (kt_cpu_intel()) {
			GUEST_EQ(try_wrmsr(canonical[i], NONCANON), GP);
			GUEST_EQ(rdmsr(canonical[i]), 0xffff8000deadb000);
		}
		GUEST_EQ(try_wrmsr(canonical[i], old), GUEST_NO_EXC);
	}
	GUEST_EQ(try_wrmsr(0xc0000081, 0x0023001000000000), GUEST_NO_EXC);	/* STAR */
	GUEST_EQ(rdmsr(0xc0000081), 0x0023001000000000);
	GUEST_EQ(try_wrmsr(0xc0000084, 0x47700), GUEST_NO_EXC);			/* FMASK */
	GUEST_EQ(rdmsr(0xc0000084), 0x47700);
	GUEST_EQ(try_wrmsr(0x277, 0x0007040600070406), GUEST_NO_EXC);
	GUEST_EQ(rdmsr(0x277), 0x0007040600070406);
	v = rdmsr(0x1a0);						/* MISC_ENABLE */
	GUEST_EQ(try_wrmsr(0x1a0, v ^ 1 << 7), GUEST_NO_EXC);
	GUEST_EQ(rdmsr(0x1a0), v);
	GUEST_EQ(try_wrmsr(0x1a0, v ^ 1 << 12), GP);
	GUEST_EQ(try_wrmsr(0x1fc, 0x1234), GUEST_NO_EXC);			/* POWER_CTL */
	GUEST_EQ(rdmsr(0x1fc), 0x1234);
	GUEST_EQ(rdmsr(0xc0000080) & 0xd00, 0xd00);
	/* LMA cannot be written, LME cannot be cleared while paging is on. */
	GUEST_EQ(try_wrmsr(0xc0000080, 0x801), GP);
	v = rdmsr(0x10);
	GUEST_TRUE(rdmsr(0x10) > v);
	guest_done();
}

static void msrs(void)
{
	run_to_end(msr_guest);
}

static void msr_gs_guest(void)
{
	u64 v;

	wrmsr(0xc0000101, KT_TEST_AREA);
	wrmsr(0xc0000102, KT_TEST_AREA + 64);
	wr64(KT_TEST_AREA, 111);
	wr64(KT_TEST_AREA + 64, 222);
	asm volatile("mov %%gs:0, %0" : "=r"(v));
	GUEST_EQ(v, 111);
	asm volatile("swapgs; mov %%gs:0, %0" : "=r"(v));
	GUEST_EQ(v, 222);
	GUEST_EQ(rdmsr(0xc0000101), KT_TEST_AREA + 64);
	GUEST_EQ(rdmsr(0xc0000102), KT_TEST_AREA);
	for (int i = 0; i < 5; i++) {
		GUEST_SYNC(i);
		GUEST_EQ(rdmsr(0xc0000102), KT_TEST_AREA);
		asm volatile("swapgs; mov %%gs:0, %0; swapgs" : "=r"(v));
		GUEST_EQ(v, 111);
	}
	guest_done();
}

static void msr_gs_base_across_exits(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, msr_gs_guest);

	for (int i = 0; i < 5; i++)
		KT_RUN_SYNC(vcpu, i);
	KT_RUN_DONE(vcpu);
}

/* SYSCALL and SYSRET take the guest's STAR, LSTAR and FMASK, not the host's. */
asm(".text\n"
    "syscall_entry:\n"
    "	mov %rcx, %r12\n"
    "	pushf\n"
    "	pop %r13\n"
    "	mov %r12, %rcx\n"
    "	sysretq\n");
extern const u8 syscall_entry[];

static void syscall_guest(void)
{
	u64 flags, at;

	guest_handler[0x80] = back_to_kernel;
	/* SYSRET adds 16 and 8 to 0x13: CS 0x23? The GDT has code at 0x18, data at 0x20. */
	wrmsr(0xc0000081, (u64)0x0b << 48 | (u64)KT_CS << 32);
	wrmsr(0xc0000082, (u64)syscall_entry);
	wrmsr(0xc0000084, 0x40000);
	for (int i = 0; i < 3; i++) {
		asm volatile("xor %%r12, %%r12\n\t"
			     "xor %%r13, %%r13\n\t"
			     "pushf; pop %%r11\n\t"
			     "syscall\n"
			     "1:\n\t"
			     "mov %%r13, %0\n\t"
			     "lea 1b(%%rip), %1\n\t"
			     "sub %%r12, %1\n\t"
			     "int $0x80"
			     : "=&r"(flags), "=&r"(at) : : "rcx", "r11", "r12", "r13", "memory");
		GUEST_EQ(at, 0);
		GUEST_TRUE(flags & 2);
		GUEST_SYNC(i);
	}
	guest_done();
}

static void msr_syscall(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, syscall_guest);

	/* SYSRET loads SS from STAR[63:48]+8 = 0x13 and CS from +16 = 0x1b. */
	for (int i = 0; i < 3; i++)
		KT_RUN_SYNC(vcpu, i);
	KT_RUN_DONE(vcpu);
}

/* ---- control registers -------------------------------------------------------------------- */

static void cr0_guest(void)
{
	u64 cr0 = GUEST_READ_REG("cr0");

	GUEST_EQ(cr0, 0x80010033);
	GUEST_EQ(GUEST_TRY_WRITE_REG("cr0", cr0 & ~1UL), GP);		/* PG without PE */
	GUEST_EQ(guest_exc.error, 0);
	GUEST_EQ(GUEST_TRY_WRITE_REG("cr0", cr0 | 1UL << 29), GP);	/* NW without CD */
	GUEST_EQ(GUEST_TRY_WRITE_REG("cr0", cr0 | 1UL << 32), GP);
	GUEST_EQ(GUEST_TRY_WRITE_REG("cr0", cr0 & ~(1UL << 31)), GP);	/* PG off in 64-bit mode */
	GUEST_EQ(GUEST_READ_REG("cr0"), cr0);
	GUEST_WRITE_REG("cr0", cr0 & ~(1UL << 16));			/* WP */
	GUEST_EQ(GUEST_READ_REG("cr0"), cr0 & ~(1UL << 16));
	*guest_pte(KT_TEST_AREA) = KT_TEST_AREA | 5;
	flush_page(KT_TEST_AREA);
	wr32(KT_TEST_AREA, 1);
	GUEST_WRITE_REG("cr0", cr0);
	GUEST_EQ(GUEST_TRY("movl $1, (%0)", NOTHING, "r"(KT_TEST_AREA)), PF);
	GUEST_EQ(guest_exc.error, 3);
	GUEST_WRITE_REG("cr0", cr0 | 3UL << 29);			/* CD and NW */
	GUEST_EQ(GUEST_READ_REG("cr0"), cr0 | 3UL << 29);
	GUEST_WRITE_REG("cr0", cr0 | 1UL << 18);			/* AM */
	GUEST_EQ(GUEST_READ_REG("cr0"), cr0 | 1UL << 18);
	GUEST_WRITE_REG("cr0", cr0);
	/* TS: MOV, LMSW, CLTS, SMSW, and #NM from it. */
	GUEST_WRITE_REG("cr0", cr0 | 8);
	GUEST_EQ(GUEST_READ_REG("cr0"), cr0 | 8);
	GUEST_EQ(GUEST_TRY0("fnop"), NM);
	GUEST_EQ(GUEST_TRY0("xorps %%xmm0, %%xmm0"), NM);
	asm volatile("clts" : : : "memory");
	GUEST_EQ(GUEST_READ_REG("cr0"), cr0);
	GUEST_EQ(GUEST_TRY0("fnop"), GUEST_NO_EXC);
	asm volatile("lmsw %w0" : : "r"((cr0 & 0xffff) | 8) : "memory");
	GUEST_EQ(GUEST_READ_REG("cr0"), cr0 | 8);
	GUEST_EQ(GUEST_TRY0("fnop"), NM);
	asm volatile("lmsw %w0" : : "r"(0) : "memory");	/* cannot clear PE */
	GUEST_EQ(GUEST_READ_REG("cr0") & 0xf, 1);
	GUEST_WRITE_REG("cr0", cr0);
	wr64(KT_TEST_AREA + 4096, 0);
	asm volatile("smsw %0" : "=m"(*(volatile u16 *)(KT_TEST_AREA + 4096)));
	GUEST_EQ(rd64(KT_TEST_AREA + 4096), cr0 & 0xffff);
	asm volatile("clts; lmsw %0" : : "m"(*(volatile u16 *)(KT_TEST_AREA + 4096)) : "memory");
	GUEST_EQ(GUEST_READ_REG("cr0"), cr0);
	guest_done();
}

static void cr0(void)
{
	run_to_end(cr0_guest);
}

static u32 guest_has_vmx, guest_has_pcid, guest_maxphyaddr, guest_has_umip, guest_has_invpcid;

static void cr3_guest(void)
{
	GUEST_EQ(GUEST_READ_REG("cr3"), KT_PML4);
	GUEST_WRITE_REG("cr3", KT_PML4 | 0x18);		/* PWT, PCD */
	GUEST_EQ(GUEST_READ_REG("cr3"), KT_PML4 | 0x18);
	if (guest_maxphyaddr < 52) {
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr3", KT_PML4 | 1UL << guest_maxphyaddr), GP);
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr3", KT_PML4 | 1UL << 51), GP);
	}
	GUEST_EQ(GUEST_READ_REG("cr3"), KT_PML4 | 0x18);
	/* A change of the tables is seen after the load. */
	wr64(KT_TEST_AREA + 0x1000, 0xaaa);
	wr64(KT_TEST_AREA + 0x2000, 0xbbb);
	GUEST_EQ(rd64(KT_TEST_AREA + 0x1000), 0xaaa);
	*guest_pte(KT_TEST_AREA + 0x1000) = (KT_TEST_AREA + 0x2000) | 7;
	GUEST_WRITE_REG("cr3", KT_PML4);
	GUEST_EQ(rd64(KT_TEST_AREA + 0x1000), 0xbbb);
	*guest_pte(KT_TEST_AREA + 0x1000) = (KT_TEST_AREA + 0x1000) | 7;
	flush_page(KT_TEST_AREA + 0x1000);
	GUEST_EQ(rd64(KT_TEST_AREA + 0x1000), 0xaaa);
	guest_done();
}

static struct kt_vcpu *with_features(void (*fn)(void))
{
	struct kt_vcpu *vcpu = kt_long(0, 0, fn);
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_cpuid_entry2 *e = kt_cpuid_entry(c, 1, 0), *e7 = kt_cpuid_entry(c, 7, 0);

	GV(vcpu->vm, guest_has_vmx) = !!(e->ecx & 1 << 5);
	GV(vcpu->vm, guest_has_pcid) = !!(e->ecx & 1 << 17);
	GV(vcpu->vm, guest_maxphyaddr) = kt_cpuid_entry(c, 0x80000008, 0)->eax & 0xff;
	GV(vcpu->vm, guest_has_umip) = e7 && e7->ecx & 1 << 2;
	GV(vcpu->vm, guest_has_invpcid) = e7 && e7->ebx & 1 << 10;
	return vcpu;
}

static void cr3(void)
{
	KT_RUN_DONE(with_features(cr3_guest));
}

static void cr4_guest(void)
{
	u64 cr4 = GUEST_READ_REG("cr4"), cr3 = GUEST_READ_REG("cr3");
	u32 r[4];

	GUEST_EQ(cr4, 0x620);
	GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", cr4 | 1UL << 15), GP);
	GUEST_EQ(guest_exc.error, 0);
	GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", cr4 | 1UL << 31), GP);
	GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", cr4 | 1UL << 63), GP);
	GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", cr4 & ~0x20UL), GP);	/* PAE off in long mode */
	if (!guest_has_vmx)
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", cr4 | 1UL << 13), GP);
	GUEST_EQ(GUEST_READ_REG("cr4"), cr4);
	/* DE, TSD, PSE, PGE, PCE, PVI, VME: set, read back, cleared. */
	for (u32 bit = 0; bit < 9; bit++) {
		if (bit == 5 || bit == 6)
			continue;
		GUEST_WRITE_REG("cr4", cr4 | 1UL << bit);
		GUEST_EQ(GUEST_READ_REG("cr4"), cr4 | 1UL << bit);
		GUEST_WRITE_REG("cr4", cr4);
	}
	guest_cpuid(1, 0, r);
	GUEST_EQ(!!(r[2] & 1 << 27), 0);
	if (r[2] & 1 << 26) {
		GUEST_WRITE_REG("cr4", cr4 | 1UL << 18);
		guest_cpuid(1, 0, r);
		GUEST_EQ(!!(r[2] & 1 << 27), 1);
		GUEST_WRITE_REG("cr4", cr4);
		guest_cpuid(1, 0, r);
		GUEST_EQ(!!(r[2] & 1 << 27), 0);
	}
	if (guest_has_pcid) {
		GUEST_WRITE_REG("cr3", cr3 | 8);
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", cr4 | 1UL << 17), GP);
		GUEST_WRITE_REG("cr3", cr3);
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", cr4 | 1UL << 17), GUEST_NO_EXC);
		GUEST_WRITE_REG("cr3", cr3 | 5);
		GUEST_EQ(GUEST_READ_REG("cr3"), cr3 | 5);
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr3", cr3 | 6 | 1UL << 63), GUEST_NO_EXC);
		GUEST_EQ(GUEST_READ_REG("cr3"), cr3 | 6);
		GUEST_WRITE_REG("cr3", cr3);
		GUEST_WRITE_REG("cr4", cr4);
	} else {
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", cr4 | 1UL << 17), GP);
	}
	/* SMEP: ring 0 may not fetch from a user page; every page here is one. */
	guest_cpuid(7, 0, r);
	if (!(r[1] & 1 << 7))
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", cr4 | 1UL << 20), GP);
	if (!(r[1] & 1 << 20))
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", cr4 | 1UL << 21), GP);
	if (!(r[2] & 1 << 16))
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", cr4 | 1UL << 12), GP);	/* LA57 */
	guest_done();
}

static void cr4(void)
{
	KT_RUN_DONE(with_features(cr4_guest));
}

/* KVM 6.1 looks at the low byte of the operand alone. */
static u32 strict;

static void cr8_guest(void)
{
	for (u64 i = 0; i < 16; i++) {
		GUEST_WRITE_REG("cr8", i);
		GUEST_EQ(GUEST_READ_REG("cr8"), i);
	}
	GUEST_EQ(GUEST_TRY_WRITE_REG("cr8", 16), GP);
	if (strict)
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr8", 1UL << 32), GP);
	GUEST_EQ(GUEST_READ_REG("cr8"), 15);
	GUEST_WRITE_REG("cr8", 9);
	GUEST_SYNC(1);
	GUEST_EQ(GUEST_READ_REG("cr8"), 6);
	/* Registers that do not exist. */
	GUEST_EQ(GUEST_TRY0(".byte 0x0f, 0x20, 0xc8"), UD);	/* mov %cr1, %rax */
	GUEST_EQ(GUEST_TRY0(".byte 0x0f, 0x22, 0xe8"), UD);	/* mov %rax, %cr5 */
	GUEST_EQ(GUEST_TRY0(".byte 0x0f, 0x20, 0xf0"), UD);	/* mov %cr6, %rax */
	GUEST_EQ(GUEST_TRY0(".byte 0x0f, 0x22, 0xf8"), UD);	/* mov %rax, %cr7 */
	guest_done();
}

/* Without an in-kernel LAPIC lowering CR8 may exit with KVM_EXIT_SET_TPR: run on. */
static void run_past_tpr(struct kt_vcpu *vcpu)
{
	for (int i = 0; i < 1000; i++)
		if (kt_run(vcpu) != KVM_EXIT_SET_TPR)
			return;
	kt_fail("KVM_EXIT_SET_TPR again and again");
}

static void cr8(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cr8_guest);
	struct kt_ucall uc;

	GV(vcpu->vm, strict) = kt_is_minikvm();
	run_past_tpr(vcpu);
	KT_TRUE(kt_ucall(vcpu, &uc));
	KT_CHECK_GUEST(vcpu, &uc);
	KT_EQ(uc.cmd, UC_SYNC);
	KT_EQ(vcpu->run->cr8, 9);
	vcpu->run->cr8 = 6;
	run_past_tpr(vcpu);
	KT_TRUE(kt_ucall(vcpu, &uc));
	KT_EQ(uc.cmd, UC_DONE);
}

static void cr8_lapic_guest(void)
{
	for (u64 i = 0; i < 16; i++) {
		GUEST_WRITE_REG("cr8", i);
		GUEST_EQ(GUEST_READ_REG("cr8"), i);
		GUEST_EQ(rd32(0xfee00080), i << 4);
		wr32(0xfee00080, 0xf0 - (i << 4));
		GUEST_EQ(GUEST_READ_REG("cr8"), 15 - i);
	}
	GUEST_EQ(GUEST_TRY_WRITE_REG("cr8", 16), GP);
	guest_done();
}

static void cr8_is_tpr(void)
{
	KT_RUN_DONE(kt_long(0, KT_IRQCHIP, cr8_lapic_guest));
}

static void user_cr_guest(void)
{
	guest_handler[0x80] = back_to_kernel;
	to_user();
	GUEST_EQ(GUEST_TRY0("mov %%cr0, %%rax"), GP);
	GUEST_EQ(GUEST_TRY0("mov %%cr3, %%rax"), GP);
	GUEST_EQ(GUEST_TRY("mov %0, %%cr4", NOTHING, "a"(0x620UL)), GP);
	GUEST_EQ(GUEST_TRY0("mov %%dr7, %%rax"), GP);
	GUEST_EQ(GUEST_TRY0("clts"), GP);
	GUEST_EQ(GUEST_TRY0("hlt"), GP);
	GUEST_EQ(GUEST_TRY0("invd"), GP);
	GUEST_EQ(GUEST_TRY0("wbinvd"), GP);
	GUEST_EQ(GUEST_TRY("invlpg (%0)", NOTHING, "r"(KT_TEST_AREA)), GP);
	GUEST_EQ(GUEST_TRY("rdmsr", NOTHING, "c"(0x10), "a"(0), "d"(0)), GP);
	GUEST_EQ(GUEST_TRY("wrmsr", NOTHING, "c"(0x10), "a"(0), "d"(0)), GP);
	to_kernel();
	guest_done();
}

static void privileged_in_ring3(void)
{
	run_to_end(user_cr_guest);
}

/* ---- XSETBV ------------------------------------------------------------------------------- */

static u64 guest_xcr0;

static void xsetbv_guest(void)
{
	u64 cr4 = GUEST_READ_REG("cr4");
	u32 r[4], a, d;

	GUEST_EQ(GUEST_TRY("xsetbv", NOTHING, "a"(1), "d"(0), "c"(0)), UD);	/* no OSXSAVE */
	GUEST_EQ(GUEST_TRY("xgetbv", NOTHING, "c"(0)), UD);
	GUEST_WRITE_REG("cr4", cr4 | 1UL << 18);
	asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	GUEST_EQ(a, 1);
#define XSETBV(v, xcr)							\
	GUEST_TRY("xsetbv", NOTHING, "a"((u32)(v)), "d"((u32)((u64)(v) >> 32)), "c"(xcr))
	GUEST_EQ(XSETBV(0, 0), GP);			/* x87 cannot go */
	GUEST_EQ(guest_exc.error, 0);
	GUEST_EQ(XSETBV(5, 0), GP);			/* AVX without SSE */
	GUEST_EQ(XSETBV(1UL << 62 | 1, 0), GP);
	GUEST_EQ(XSETBV(1, 1), GP);			/* XCR1 */
	GUEST_EQ(XSETBV(1, 0x12345), GP);
	GUEST_EQ(XSETBV(3, 0), GUEST_NO_EXC);
	guest_cpuid(0xd, 0, r);
	GUEST_EQ(r[1], 576);
	if (guest_xcr0 & 4) {
		GUEST_EQ(XSETBV(7, 0), GUEST_NO_EXC);
		asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
		GUEST_EQ(a, 7);
		guest_cpuid(0xd, 0, r);
		GUEST_EQ(r[1], 832);
	}
	if ((guest_xcr0 & 0xe0) == 0xe0) {
		GUEST_EQ(XSETBV(0x27, 0), GP);		/* part of AVX-512 */
		GUEST_EQ(XSETBV(0xe3, 0), GP);		/* without AVX */
		GUEST_EQ(XSETBV(0xe7, 0), GUEST_NO_EXC);
		guest_cpuid(0xd, 0, r);
		GUEST_TRUE(r[1] > 832);
	}
	GUEST_EQ(XSETBV(guest_xcr0, 0), GUEST_NO_EXC);
	guest_handler[0x80] = back_to_kernel;
	to_user();
	GUEST_EQ(XSETBV(3, 0), GP);
	to_kernel();
	guest_done();
}

static void xsetbv(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, xsetbv_guest);
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_cpuid_entry2 *e = kt_cpuid_entry(c, 0xd, 0);

	if (!(kt_cpuid_entry(c, 1, 0)->ecx & 1 << 26) || !e)
		kt_skip("the CPU has no XSAVE");
	GV(vcpu->vm, guest_xcr0) = (u64)e->edx << 32 | e->eax;
	KT_RUN_DONE(vcpu);
}

/* ---- hypercalls and VMX instructions ------------------------------------------------------ */

static void vmcall_guest(void)
{
	u64 rax = 0xdead;

	asm volatile("vmcall" : "+a"(rax) : "b"(1), "c"(2), "d"(3) : "memory");
	GUEST_EQ(rax, (u64)-1000);		/* -KVM_ENOSYS */
	rax = 0xffffffff00000777;
	asm volatile("vmcall" : "+a"(rax) : : "memory");
	GUEST_EQ(rax, (u64)-1000);
	/* minikvm's own, MINIKVM_HC_EXITS: the last two calls were exits; KVM has no such call. */
	rax = 0x6d6b7678;
	asm volatile("vmcall" : "+a"(rax) : : "memory");
	GUEST_EQ(rax == (u64)-1000 || (rax >= 2 && rax < 1000), true);
	guest_handler[0x80] = back_to_kernel;
	to_user();
	rax = 0xdead;
	asm volatile("vmcall" : "+a"(rax) : : "memory");
	to_kernel();
	GUEST_EQ(rax, (u64)-1);			/* -KVM_EPERM */
	guest_done();
}

/*
 * KVM's quirk FIX_HYPERCALL_INSN: AMD's VMMCALL becomes VMCALL where it stands; other undefined
 * instructions stay what they are.
 */
static void vmmcall_guest(void)
{
	static const u8 vmmcall[] = { 0x0f, 0x01, 0xd9, 0xc3 }, ud2[] = { 0x0f, 0x0b };
	u8 *code = (u8 *)KT_TEST_AREA;
	u64 rax = 0xdead;

	for (int i = 0; i < 4; i++)
		code[i] = vmmcall[i];
	asm volatile("call *%1" : "+a"(rax) : "r"(code) : "memory");
	GUEST_EQ(rax, (u64)-1000);
	GUEST_EQ(code[2], 0xc1);
	GUEST_SYNC(1);
	/* Switched off. */
	code[2] = 0xd9;
	GUEST_EQ(GUEST_TRY("jmp *%[code]", NOTHING, [code] "r"(code)), 6);
	GUEST_EQ(code[2], 0xd9);
	for (int i = 0; i < 2; i++)
		code[i] = ud2[i];
	GUEST_EQ(GUEST_TRY("jmp *%[code]", NOTHING, [code] "r"(code)), 6);
	guest_done();
}

static void vmmcall(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, vmmcall_guest);
	struct kvm_enable_cap off = {
		.cap = KVM_CAP_DISABLE_QUIRKS2, .args[0] = KVM_X86_QUIRK_FIX_HYPERCALL_INSN,
	};

	KT_RUN_SYNC(vcpu, 1);
	KT_IOCTL(vcpu->vm->fd, KVM_ENABLE_CAP, &off);
	KT_RUN_DONE(vcpu);
}

static void vmcall(void)
{
	run_to_end(vmcall_guest);
}

static void vmx_guest(void)
{
	wr64(KT_TEST_AREA, KT_TEST_AREA);
	GUEST_EQ(GUEST_TRY("vmxon (%0)", NOTHING, "r"(KT_TEST_AREA)), UD);
	GUEST_EQ(GUEST_TRY0("vmxoff"), UD);
	GUEST_EQ(GUEST_TRY("vmclear (%0)", NOTHING, "r"(KT_TEST_AREA)), UD);
	GUEST_EQ(GUEST_TRY("vmptrld (%0)", NOTHING, "r"(KT_TEST_AREA)), UD);
	GUEST_EQ(GUEST_TRY("vmptrst (%0)", NOTHING, "r"(KT_TEST_AREA)), UD);
	GUEST_EQ(GUEST_TRY("vmread %%rax, (%0)", NOTHING, "r"(KT_TEST_AREA), "a"(0)), UD);
	GUEST_EQ(GUEST_TRY("vmwrite (%0), %%rax", NOTHING, "r"(KT_TEST_AREA), "a"(0)), UD);
	GUEST_EQ(GUEST_TRY0("vmlaunch"), UD);
	GUEST_EQ(GUEST_TRY0("vmresume"), UD);
	GUEST_EQ(GUEST_TRY("invept (%0), %%rax", NOTHING, "r"(KT_TEST_AREA), "a"(1)), UD);
	GUEST_EQ(GUEST_TRY("invvpid (%0), %%rax", NOTHING, "r"(KT_TEST_AREA), "a"(1)), UD);
	GUEST_EQ(GUEST_TRY0("vmfunc"), UD);
	GUEST_EQ(GUEST_TRY0("getsec"), UD);
	GUEST_EQ(GUEST_TRY(".byte 0x0f, 0x01, 0xcf", NOTHING, "a"(0)), UD);	/* ENCLS */
	GUEST_EQ(GUEST_TRY(".byte 0x0f, 0x01, 0xc0", NOTHING, "a"(0)), UD);	/* ENCLV */
	GUEST_EQ(GUEST_TRY0("rsm"), UD);
	GUEST_EQ(rd64(KT_TEST_AREA), KT_TEST_AREA);
	guest_done();
}

static void vmx_instructions(void)
{
	if (!kt_cpu_intel())
		kt_skip("the CPU has no VMX");
	run_to_end(vmx_guest);
}

/* ---- caches, TLB, time, idling ------------------------------------------------------------ */

static void misc_guest(void)
{
	u32 aux, a, d;
	u64 t, u;
	struct {
		u64 pcid, addr;
	} desc = { 0, KT_TEST_AREA };

	wr64(KT_TEST_AREA, 0x77);
	asm volatile("invd; wbinvd" : : : "memory");
	flush_page(KT_TEST_AREA);
	flush_page(NONCANON);
	GUEST_EQ(rd64(KT_TEST_AREA), 0x77);
	GUEST_EQ(GUEST_TRY("rdpmc", NOTHING, "a"(0), "d"(0), "c"(0xffff)), GP);
	t = rdtsc();
	u = rdtsc();
	GUEST_TRUE(u > t);
	GUEST_TRUE(rdmsr(0x10) > u);
	{
		u32 r[4];

		guest_cpuid(0x80000001, 0, r);
		if (r[3] & 1 << 27) {
			wrmsr(0xc0000103, 0x1234);
			asm volatile("rdtscp" : "=c"(aux) : : "rax", "rdx");
			GUEST_EQ(aux, 0x1234);
			GUEST_SYNC(1);
			asm volatile("rdtscp" : "=c"(aux) : : "rax", "rdx");
			GUEST_EQ(aux, 0x1234);
			GUEST_EQ(rdmsr(0xc0000103), 0x1234);
		} else {
			GUEST_EQ(GUEST_TRY("rdtscp", OUTS("=a"(a), "=d"(d), "=c"(aux)),
					   "i"(0)), UD);
			GUEST_SYNC(1);
		}
	}
	guest_handler[0x80] = back_to_kernel;
	to_user();
	GUEST_EQ(GUEST_TRY("rdtsc", OUTS("=a"(a), "=d"(d)), "i"(0)), GUEST_NO_EXC);
	to_kernel();
	GUEST_WRITE_REG("cr4", GUEST_READ_REG("cr4") | 4);
	to_user();
	GUEST_EQ(GUEST_TRY("rdtsc", OUTS("=a"(a), "=d"(d)), "i"(0)), GP);
	to_kernel();
	for (int i = 0; i < 3000; i++)
		cpu_relax();
	if (guest_has_invpcid) {
		for (u64 type = 0; type < 4; type++)
			GUEST_EQ(GUEST_TRY("invpcid %0, %1", NOTHING, "m"(desc), "r"(type)),
				 GUEST_NO_EXC);
		GUEST_EQ(GUEST_TRY("invpcid %0, %1", NOTHING, "m"(desc), "r"(4UL)), GP);
		desc.pcid = 1UL << 12;
		GUEST_EQ(GUEST_TRY("invpcid %0, %1", NOTHING, "m"(desc), "r"(0UL)), GP);
		desc.pcid = 0;
		desc.addr = NONCANON;
		GUEST_EQ(GUEST_TRY("invpcid %0, %1", NOTHING, "m"(desc), "r"(0UL)), GP);
	} else {
		GUEST_EQ(GUEST_TRY("invpcid %0, %1", NOTHING, "m"(desc), "r"(0UL)), UD);
	}
	guest_done();
}

static void caches_tlb_time(void)
{
	struct kt_vcpu *vcpu = with_features(misc_guest);

	KT_RUN_SYNC(vcpu, 1);
	KT_RUN_DONE(vcpu);
}

/* A guest that was not given RDTSCP and INVPCID finds them undefined. */
static void hidden_instructions(void)
{
	struct kt_vcpu *vcpu = with_features(misc_guest);
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_cpuid_entry2 *e;

	kt_cpuid_entry(c, 7, 0)->ebx &= ~(1 << 10);
	e = kt_cpuid_entry(c, 0x80000001, 0);
	e->edx &= ~(1 << 27);
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	GV(vcpu->vm, guest_has_invpcid) = 0;
	KT_RUN_SYNC(vcpu, 1);
	KT_RUN_DONE(vcpu);
}

/* KVM's default quirk: both are no-ops in ring 0 although CPUID does not offer them. */
static void mwait_guest(void)
{
	GUEST_EQ(GUEST_TRY("monitor", NOTHING, "a"(KT_TEST_AREA), "c"(0), "d"(0)), GUEST_NO_EXC);
	GUEST_EQ(GUEST_TRY("mwait", NOTHING, "a"(0), "c"(0)), GUEST_NO_EXC);
	guest_done();
}

static void monitor_mwait(void)
{
	run_to_end(mwait_guest);
}

/* ---- descriptor tables -------------------------------------------------------------------- */

struct dtr {
	u16 limit;
	u64 base;
} __attribute__((packed));

static void tables_guest(void)
{
	struct dtr g, i, n;
	u64 *gdt = (u64 *)KT_GDT;
	u16 sel = 0xffff;

	asm volatile("sgdt %0; sidt %1" : "=m"(g), "=m"(i));
	GUEST_EQ(g.base, KT_GDT);
	GUEST_EQ(g.limit, 0x3ff);
	GUEST_EQ(i.base, KT_IDT);
	GUEST_EQ(i.limit, 0xfff);
	n = g;
	n.limit = 0x2ff;
	asm volatile("lgdt %0; sgdt %1" : : "m"(n), "m"(g) : "memory");
	GUEST_EQ(((volatile struct dtr *)&g)->limit, 0x2ff);
	n.base = NONCANON;
	GUEST_EQ(GUEST_TRY("lgdt %0", NOTHING, "m"(n)), GP);
	GUEST_EQ(GUEST_TRY("lidt %0", NOTHING, "m"(n)), GP);
	asm volatile("str %0" : "=r"(sel));
	GUEST_EQ(sel, KT_TR);
	asm volatile("sldt %0" : "=r"(sel));
	GUEST_EQ(sel, 0);
	gdt[0x200 / 8] = 0x00008200a000001f | (u64)0x0 << 56;	/* LDT at 0xa000, 4 entries */
	gdt[0x208 / 8] = 0;
	asm volatile("lldt %w0" : : "r"(0x200) : "memory");
	asm volatile("sldt %0" : "=r"(sel));
	GUEST_EQ(sel, 0x200);
	((volatile u64 *)0xa000)[1] = 0x00cf93000000ffff;
	asm volatile("mov %0, %%fs" : : "r"(0x0c) : "memory");
	GUEST_EQ(GUEST_TRY("mov %0, %%fs", NOTHING, "r"(0x14)), GP);	/* empty entry */
	GUEST_EQ(guest_exc.error, 0x14);
	guest_done();
}

static void np_guest(void)
{
	u64 *gdt = (u64 *)KT_GDT;

	gdt[0x210 / 8] = 0x00cf13000000ffff;		/* data, not present */
	GUEST_EQ(GUEST_TRY("mov %0, %%fs", NOTHING, "r"(0x210)), 11);
	GUEST_EQ(guest_exc.error, 0x210);
	GUEST_EQ(GUEST_TRY("mov %0, %%ss", NOTHING, "r"(0x210)), 12);
	GUEST_EQ(guest_exc.error, 0x210);
	GUEST_EQ(GUEST_TRY("mov %0, %%fs", NOTHING, "r"(0x1000)), GP);	/* beyond the limit */
	GUEST_EQ(guest_exc.error, 0x1000);
	asm volatile("ltr %w0" : : "r"(KT_TR) : "memory");
	GUEST_EQ(GUEST_TRY("ltr %w0", NOTHING, "r"(KT_TR)), GP);	/* busy */
	GUEST_EQ(guest_exc.error, KT_TR);
	GUEST_EQ(GUEST_TRY("lldt %w0", NOTHING, "r"(KT_DS)), GP);	/* no LDT */
	GUEST_EQ(guest_exc.error, KT_DS);
	asm volatile("ltr %w0" : : "r"(KT_TR + 16) : "memory");
	GUEST_SYNC(1);
	guest_done();
}

static void descriptor_tables(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, tables_guest);
	struct kt_ucall uc;

	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_TRUE(kt_ucall(vcpu, &uc));
	KT_EQ(uc.cmd, UC_DONE);
}

static void selectors(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, np_guest);
	struct kvm_sregs s;

	KT_RUN_SYNC(vcpu, 1);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.tr.selector, KT_TR + 16);
	KT_EQ(s.tr.base, KT_TSS + 128);
	KT_RUN_DONE(vcpu);
}

static void umip_guest(void)
{
	struct dtr g = { 0, 0 };
	u16 sel;

	guest_handler[0x80] = back_to_kernel;
	to_user();
	GUEST_EQ(GUEST_TRY("sgdt %0", "=m"(g), "i"(0)), GUEST_NO_EXC);
	GUEST_EQ(g.base, KT_GDT);
	to_kernel();
	if (!guest_has_umip) {
		GUEST_EQ(GUEST_TRY_WRITE_REG("cr4", GUEST_READ_REG("cr4") | 1 << 11), GP);
		guest_done();
	}
	GUEST_WRITE_REG("cr4", GUEST_READ_REG("cr4") | 1 << 11);
	to_user();
	GUEST_EQ(GUEST_TRY("sgdt %0", "=m"(g), "i"(0)), GP);
	GUEST_EQ(GUEST_TRY("sidt %0", "=m"(g), "i"(0)), GP);
	GUEST_EQ(GUEST_TRY("sldt %0", "=r"(sel), "i"(0)), GP);
	GUEST_EQ(GUEST_TRY("str %0", "=r"(sel), "i"(0)), GP);
	to_kernel();
	GUEST_EQ(GUEST_TRY("sgdt %0", "=m"(g), "i"(0)), GUEST_NO_EXC);
	GUEST_EQ(g.base, KT_GDT);
	asm volatile("str %0" : "=r"(sel));
	GUEST_EQ(sel, KT_TR);
	guest_done();
}

static void umip(void)
{
	KT_RUN_DONE(with_features(umip_guest));
}

/* Outside 64-bit mode the operand size says how many bits of the base LGDT and LIDT load. */
asm(".text\n"
    "tables32: .code32\n"
    "	lgdt (%ebx)\n"
    "	lidt (%ebx)\n"
    "	out %al, $0x90\n"
    "	lgdtw (%ebx)\n"
    "	lidtw (%ebx)\n"
    "	out %al, $0x91\n"
    "	.code64\n");
extern const u8 tables32[];

static void descriptor_tables_32(bool umip)
{
	struct kt_vcpu *vcpu = kt_vcpu_new(kt_vm_new(KT_MEM, 0), 0);
	struct dtr *table = kt_g2h(vcpu->vm, KT_TEST_AREA);
	struct kvm_regs r;
	struct kvm_sregs s;

	*table = (struct dtr){ 0x3ff, 0xc1234560 };
	kt_vcpu_prot32(vcpu, tables32, true);
	kt_get_regs(vcpu, &r);
	r.rbx = KT_TEST_AREA;
	kt_set_regs(vcpu, &r);
	kt_get_sregs(vcpu, &s);
	s.cr4 |= umip << 11;
	kt_set_sregs(vcpu, &s);
	for (u32 port = 0x90; port < 0x92; port++) {
		KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
		KT_EQ(vcpu->run->io.port, port);
		kt_get_sregs(vcpu, &s);
		KT_EQ(s.gdt.base, port == 0x90 ? 0xc1234560 : 0x234560);
		KT_EQ(s.idt.base, s.gdt.base);
		KT_EQ(s.gdt.limit, 0x3ff);
		KT_EQ(s.idt.limit, 0x3ff);
	}
}

static void umip_32(void)
{
	struct kvm_cpuid_entry2 *e7 = kt_cpuid_entry(kt_supported_cpuid(), 7, 0);

	descriptor_tables_32(false);
	if (e7 && e7->ecx & 1 << 2)
		descriptor_tables_32(true);
}

#define LAST_PAGE 0xfffff000UL

/* In compatibility mode the instruction pointer wraps, although the processor is in long mode. */
static void compatibility_wrap(void)
{
	static const u8 code[][3] = { { 0x90, 0x0f, 0xa2 }, { 0x0f, 0x01, 0xc1 } };
	struct kt_vcpu *vcpu = kt_long(0, 0, NULL);
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	u8 *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	KT_TRUE(page != MAP_FAILED);
	KT_EQ(kt_slot(vcpu->vm, 9, 0, LAST_PAGE, 4096, page), 0);
	*(u8 *)vcpu->vm->mem = 0xf4;		/* HLT */
	kt_get_sregs(vcpu, &sregs);
	sregs.cs.l = 0;
	sregs.cs.db = 1;
	kt_set_sregs(vcpu, &sregs);
	for (u32 i = 0; i < 2; i++) {
		memcpy(page + 4096 - 3, code[i], 3);
		kt_get_regs(vcpu, &regs);
		regs.rip = LAST_PAGE + 4096 - 3;
		kt_set_regs(vcpu, &regs);
		KT_IOCTL(vcpu->fd, KVM_RUN, 0);
		KT_EQ(vcpu->run->exit_reason, KVM_EXIT_HLT);
		kt_get_regs(vcpu, &regs);
		KT_EQ(regs.rip, 1);
	}
}

static const struct kt_test tests[] = {
	{ "msrs", msrs },
	{ "msr_gs_base_across_exits", msr_gs_base_across_exits },
	{ "msr_syscall", msr_syscall },
	{ "cr0", cr0 },
	{ "cr3", cr3 },
	{ "cr4", cr4 },
	{ "cr8", cr8 },
	{ "cr8_is_tpr", cr8_is_tpr },
	{ "privileged_in_ring3", privileged_in_ring3 },
	{ "xsetbv", xsetbv },
	{ "vmcall", vmcall },
	{ "compatibility_wrap", compatibility_wrap },
	{ "vmmcall", vmmcall },
	{ "vmx_instructions", vmx_instructions },
	{ "caches_tlb_time", caches_tlb_time },
	{ "hidden_instructions", hidden_instructions },
	{ "monitor_mwait", monitor_mwait },
	{ "descriptor_tables", descriptor_tables },
	{ "selectors", selectors },
	{ "umip", umip },
	{ "umip_32", umip_32 },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
