// SPDX-License-Identifier: GPL-2.0-only
/*
 * What power-up and INIT leave in each register: SDM volume 3, "Processor State After Reset", the
 * table "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT", row by row, and
 * KVM's paravirtual MSRs, behind whose back the next kernel's memory must not be written. vCPU 0
 * sends INIT to vCPU 1, whose registers the test has set. Relies on lib/.
 */
#include <sched.h>

#include "apic.h"

#define AREA KT_TEST_AREA
#define CLOCK_AREA (AREA + 0x1000)
#define STEAL_AREA (AREA + 0x2000)
#define APF_AREA (AREA + 0x3000)
#define EOI_AREA (AREA + 0x4000)

/* What INIT does to an MSR. */
enum { KEPT, CLEARED };

static const struct msr_row {
	const char *name;
	u32 index;
	u64 reset;	/* after power-up */
	u64 other;	/* what it holds when INIT comes */
	int init;
} msr_rows[] = {
	{ "IA32_SYSENTER_CS", 0x174, 0, 0x10, KEPT },
	{ "IA32_SYSENTER_ESP", 0x175, 0, 0xffff888000001000, KEPT },
	{ "IA32_SYSENTER_EIP", 0x176, 0, 0xffff888000002000, KEPT },
	{ "IA32_STAR", 0xc0000081, 0, 0x23001000000000, KEPT },
	{ "IA32_LSTAR", 0xc0000082, 0, 0xffff888000003000, KEPT },
	{ "IA32_CSTAR", 0xc0000083, 0, 0xffff888000004000, KEPT },
	{ "IA32_FMASK", 0xc0000084, 0, 0x47700, KEPT },
	{ "IA32_KERNEL_GS_BASE", 0xc0000102, 0, 0xffff888000005000, KEPT },
	{ "IA32_FS_BASE", 0xc0000100, 0, 0x1234000, CLEARED },
	{ "IA32_GS_BASE", 0xc0000101, 0, 0x5678000, CLEARED },
	{ "IA32_EFER", 0xc0000080, 0, 0xd01, CLEARED },
	{ "IA32_TSC_AUX", 0xc0000103, 0, 0x1234, KEPT },
	{ "IA32_PAT", 0x277, 0x0007040600070406, 0x0606060606060606, KEPT },
	{ "IA32_MTRR_DEF_TYPE", 0x2ff, 0, 0xc06, KEPT },
	{ "IA32_MTRR_FIX64K_00000", 0x250, 0, 0x0606060606060606, KEPT },
	{ "IA32_MTRR_PHYSBASE0", 0x200, 0, 0x80000006, KEPT },
	{ "IA32_MTRR_PHYSMASK0", 0x201, 0, 0xf80000800, KEPT },
	{ "IA32_MC0_CTL", 0x400, ~0ul, 0, KEPT },
	{ "IA32_MC0_STATUS", 0x401, 0, 0xb200000000000001, KEPT },
	{ "IA32_SMBASE", 0x9e, 0x30000, 0x40000, KEPT },
	{ "MSR_KVM_WALL_CLOCK", 0x11, 0, AREA, KEPT },
	{ "MSR_KVM_SYSTEM_TIME", 0x4b564d01, 0, CLOCK_AREA | 1, CLEARED },
	{ "MSR_KVM_STEAL_TIME", 0x4b564d03, 0, STEAL_AREA | 1, CLEARED },
	{ "MSR_KVM_ASYNC_PF_EN", 0x4b564d02, 0, APF_AREA | 9, CLEARED },
	{ "MSR_KVM_ASYNC_PF_INT", 0x4b564d06, 0, 0x77, CLEARED },
	{ "MSR_KVM_PV_EOI_EN", 0x4b564d04, 0, EOI_AREA | 1, CLEARED },
	{ "MSR_KVM_POLL_CONTROL", 0x4b564d05, 1, 0, KEPT },
};

static struct kt_vm *vm;
static struct kt_vcpu *bsp, *vcpu;

static void init_sender(void)
{
	apic_enable();
	apic_write(APIC_ICR2, 1U << 24);
	apic_write(APIC_ICR, ICR_INIT | ICR_ASSERT);
	guest_done();
}

/* vCPU 1, which INIT leaves waiting for a SIPI, in the state after power-up. */
static void power_up(void)
{
	bsp = kt_long(0, KT_IRQCHIP, init_sender);
	vm = bsp->vm;
	vcpu = kt_vcpu_new(vm, 1);
}

static u32 mp_state(void)
{
	struct kvm_mp_state mp;

	KT_IOCTL(vcpu->fd, KVM_GET_MP_STATE, &mp);
	return mp.mp_state;
}

static void set_mp_state(u32 state)
{
	struct kvm_mp_state mp = { .mp_state = state };

	KT_IOCTL(vcpu->fd, KVM_SET_MP_STATE, &mp);
}

static void send_init(void)
{
	KT_RUN_DONE(bsp);
	KT_EQ(mp_state(), KVM_MP_STATE_INIT_RECEIVED);
}

static void init(void)
{
	set_mp_state(KVM_MP_STATE_RUNNABLE);
	send_init();
}

static void want_segment(const char *name, const struct kvm_segment *s, u16 selector, u64 base,
			 u8 type, u8 system)
{
	kt_note("%s", name);
	KT_EQ(s->selector, selector);
	KT_EQ(s->base, base);
	KT_EQ(s->limit, 0xffff);
	KT_EQ(s->type, type);
	KT_EQ(s->s, !system);
	KT_EQ(s->dpl | s->avl | s->l | s->db | s->g, 0);
	KT_EQ(s->present, 1);
	KT_EQ(s->unusable, 0);
}

/* What power-up and INIT have in common. */
static void want_common(u64 cd_nw, u64 rdx)
{
	struct kvm_debugregs d;
	struct kvm_sregs s;
	struct kvm_regs r;
	u64 *gpr = (u64 *)&r;

	kt_get_regs(vcpu, &r);
	kt_get_sregs(vcpu, &s);
	KT_IOCTL(vcpu->fd, KVM_GET_DEBUGREGS, &d);
	KT_EQ(r.rdx, rdx);
	r.rdx = 0;
	for (u32 i = 0; i < 16; i++)
		KT_EQ(gpr[i], 0);
	KT_EQ(r.rip, 0xfff0);
	KT_EQ(r.rflags, 2);
	KT_EQ(s.cr0, 0x10 | cd_nw);
	KT_EQ(s.cr2, 0);
	KT_EQ(s.cr3, 0);
	KT_EQ(s.cr4, 0);
	KT_EQ(s.cr8, 0);
	KT_EQ(s.efer, 0);
	want_segment("CS", &s.cs, 0xf000, 0xffff0000, 11, 0);
	want_segment("SS", &s.ss, 0, 0, 3, 0);
	want_segment("DS", &s.ds, 0, 0, 3, 0);
	want_segment("ES", &s.es, 0, 0, 3, 0);
	want_segment("FS", &s.fs, 0, 0, 3, 0);
	want_segment("GS", &s.gs, 0, 0, 3, 0);
	want_segment("LDTR", &s.ldt, 0, 0, 2, 1);
	want_segment("TR", &s.tr, 0, 0, 11, 1);
	KT_EQ(s.gdt.base, 0);
	KT_EQ(s.gdt.limit, 0xffff);
	KT_EQ(s.idt.base, 0);
	KT_EQ(s.idt.limit, 0xffff);
	KT_EQ(s.apic_base, 0xfee00800);
	for (u32 i = 0; i < 4; i++)
		KT_EQ(d.db[i], 0);
	KT_EQ(d.dr6, 0xffff0ff0);
	KT_EQ(d.dr7, 0x400);
}

/* Bit by bit something else than after power-up. */
static void spoil(u64 cd_nw)
{
	struct kvm_debugregs d = {
		.db = { 0x1000, 0x2000, 0x3000, 0x4000 }, .dr6 = 0xffff4ff3, .dr7 = 0x4aa,
	};
	struct kvm_vcpu_events e;
	struct kvm_sregs s;
	struct kvm_regs r;

	memset(&r, 0x5a, sizeof(r));
	r.rip = 0x7000;
	r.rflags = 0x40ed7;
	kt_vcpu_long(vcpu, guest_done);
	kt_set_regs(vcpu, &r);
	kt_get_sregs(vcpu, &s);
	s.cr0 |= cd_nw;
	s.cr2 = 0x123456;
	s.cr8 = 5;
	s.ldt = s.ds;
	s.ldt.s = 0;
	s.ldt.type = 2;
	s.ldt.selector = 0x80;
	kt_set_sregs(vcpu, &s);
	KT_IOCTL(vcpu->fd, KVM_SET_DEBUGREGS, &d);
	/* Events that waited do not outlive it. */
	KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &e);
	e.exception.injected = 1;
	e.exception.nr = 6;
	e.nmi.pending = 1;
	e.nmi.masked = 1;
	e.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	e.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
}

static void power_up_state(void)
{
	power_up();
	/* KVM_SET_CPUID2 comes behind it. */
	want_common(0x60000000, 0x600);
}

static void init_state(void)
{
	static const u64 kept[] = { 0, 0x40000000, 0x60000000 };
	struct kvm_vcpu_events e;

	for (u32 i = 0; i < KT_ARRAY_SIZE(kept); i++) {
		power_up();
		spoil(kept[i]);
		init();
		want_common(kept[i], kt_cpuid_entry(kt_supported_cpuid(), 1, 0)->eax);
		KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &e);
		KT_EQ(e.exception.injected | e.exception.pending | e.interrupt.injected, 0);
		KT_EQ(e.nmi.injected | e.nmi.pending | e.nmi.masked, 0);
		KT_EQ(e.interrupt.shadow, 0);
		kt_vm_free(vm);
	}
}

static void msrs(void)
{
	u64 value, mcg_cap = 0x10a;	/* ten banks, MCG_CTL */
	bool there[KT_ARRAY_SIZE(msr_rows)];

	power_up();
	KT_IOCTL(vcpu->fd, KVM_X86_SETUP_MCE, &mcg_cap);
	for (u32 i = 0; i < KT_ARRAY_SIZE(msr_rows); i++) {
		const struct msr_row *row = &msr_rows[i];

		kt_note("%s", row->name);
		there[i] = kt_try_get_msr(vcpu, row->index, &value) == 1;
		if (!there[i])
			continue;
		KT_EQ(value, row->reset);
		there[i] = kt_try_set_msr(vcpu, row->index, row->other) == 1;
	}
	init();
	for (u32 i = 0; i < KT_ARRAY_SIZE(msr_rows); i++) {
		const struct msr_row *row = &msr_rows[i];

		if (!there[i]) {
			kt_note("%s is not here", row->name);
			continue;
		}
		kt_note("%s after INIT", row->name);
		KT_EQ(kt_get_msr(vcpu, row->index), row->init == KEPT ? row->other : row->reset);
	}
}

/* The time-stamp counter goes on; what was written to it moves along in IA32_TSC_ADJUST. */
static void tsc(void)
{
	u64 before, after;

	power_up();
	KT_EQ(kt_try_set_msr(vcpu, 0x10, 1UL << 60), 1);
	KT_EQ(kt_try_set_msr(vcpu, 0x3b, 0x1000), 1);
	before = kt_get_msr(vcpu, 0x10);
	init();
	after = kt_get_msr(vcpu, 0x10);
	KT_TRUE(after > before && after - before < 1UL << 40);
	KT_EQ(kt_get_msr(vcpu, 0x3b), 0x1000);
}

/* x87, MMX, SSE, AVX, PKRU and XCR0 stay. */
static void vector_state(void)
{
	struct kvm_xsave before, after;
	struct kvm_xcrs xcrs;
	u64 xcr0;

	if (kt_cap(KVM_CAP_XSAVE) <= 0 || kt_cap(KVM_CAP_XCRS) <= 0)
		kt_skip("no XSAVE here");
	power_up();
	KT_IOCTL(vcpu->fd, KVM_GET_XCRS, &xcrs);
	KT_EQ(xcrs.xcrs[0].value, 1);
	xcr0 = kt_cpuid_entry(kt_supported_cpuid(), 0xd, 0)->eax & 7;
	xcrs.xcrs[0].value = xcr0;
	KT_IOCTL(vcpu->fd, KVM_SET_XCRS, &xcrs);
	KT_IOCTL(vcpu->fd, KVM_GET_XSAVE, &before);
	before.region[0] = 0x027f;		/* FCW */
	before.region[6] = 0x1f00;		/* MXCSR */
	memset(&before.region[8], 0x3c, 128);	/* ST0 to ST7; their upper bits are reserved */
	memset(&before.region[40], 0x5a, 256);	/* XMM0 to XMM15 */
	before.region[128] = xcr0;		/* XSTATE_BV */
	if (xcr0 & 4)
		memset(&before.region[144], 0x7e, 256);
	KT_IOCTL(vcpu->fd, KVM_SET_XSAVE, &before);
	KT_IOCTL(vcpu->fd, KVM_GET_XSAVE, &before);
	init();
	KT_IOCTL(vcpu->fd, KVM_GET_XSAVE, &after);
	KT_TRUE(!memcmp(&before, &after, sizeof(after)));
	KT_EQ(after.region[0] & 0xffff, 0x027f);
	KT_EQ(after.region[40], 0x5a5a5a5a);
	KT_IOCTL(vcpu->fd, KVM_GET_XCRS, &xcrs);
	KT_EQ(xcrs.xcrs[0].value, xcr0);
}

static void registering_guest(void)
{
	wrmsr(0x4b564d01, CLOCK_AREA | 1);
	wrmsr(0x4b564d03, STEAL_AREA | 1);
	GUEST_SYNC(1);
	GUEST_SYNC(2);
	guest_done();
}

/* The areas that the vCPU registered belong to its next kernel after INIT. */
static void areas_are_left_alone(void)
{
	struct kvm_clock_data clock = { .clock = 5000000000 };
	const u32 out_e2_again = 0xfcebe2e6;	/* out %al, $0xe2; jmp to it */
	struct kvm_sregs s;
	struct kvm_regs r;
	u8 *area;

	power_up();
	area = kt_g2h(vm, AREA);
	kt_vcpu_long(vcpu, registering_guest);
	set_mp_state(KVM_MP_STATE_RUNNABLE);
	KT_RUN_SYNC(vcpu, 1);
	KT_RUN_SYNC(vcpu, 2);
	KT_TRUE(*(volatile u32 *)(area + 0x1000), "kvmclock was never written");
	KT_TRUE(*(volatile u32 *)(area + 0x2008), "steal time was never written");
	vcpu->run->immediate_exit = 1;
	KT_TRUE(kt_run_raw(vcpu) && errno == EINTR);
	vcpu->run->immediate_exit = 0;
	send_init();

	memset(area, 0x77, 0x5000);
	set_mp_state(KVM_MP_STATE_RUNNABLE);
	memcpy(kt_g2h(vm, 0x30000), &out_e2_again, sizeof(out_e2_again));
	kt_get_sregs(vcpu, &s);
	s.cs.selector = 0x3000;
	s.cs.base = 0x30000;
	kt_set_sregs(vcpu, &s);
	kt_get_regs(vcpu, &r);
	r.rip = 0;
	kt_set_regs(vcpu, &r);
	for (u32 i = 0; i < 20; i++) {
		KT_IOCTL(vm->fd, KVM_SET_CLOCK, &clock);
		KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
		KT_EQ(vcpu->run->io.port, 0xe2);
		for (u32 j = 0; j < 20; j++)
			sched_yield();
	}
	for (u32 i = 0; i < 0x5000; i++) {
		if (area[i] != 0x77)
			kt_fail("byte %#x of the area was written", i);
	}
}

static const struct kt_test tests[] = {
	{ "power_up_state", power_up_state },
	{ "init_state", init_state },
	{ "msrs", msrs },
	{ "tsc", tsc },
	{ "vector_state", vector_state },
	{ "areas_are_left_alone", areas_are_left_alone },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
