// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU's state as userspace reads and writes it: KVM_GET/SET_REGS, SREGS, FPU, CPUID2, MSRS,
 * MP_STATE, LAPIC, and where offered VCPU_EVENTS, DEBUGREGS, XSAVE and XCRS. Round trips, what
 * the guest sees of them, and refusals, which must change nothing. "The KVM API" sections 4.11
 * to 4.14, 4.18 to 4.22, 4.38, 4.57. Relies on lib/.
 */
#include "guest.h"

#define NONCANON 0x0000800000000000UL

/* ---- general registers -------------------------------------------------------------------- */

static void regs_round_trip(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct kvm_regs a, b;
	u64 *p = (u64 *)&a;

	for (unsigned int i = 0; i < 16; i++)
		p[i] = 0x0123456789abcdefUL * (i + 3);
	a.rip = 0xffff800012345678;
	a.rflags = 0x202;
	kt_set_regs(vcpu, &a);
	memset(&b, 0xff, sizeof(b));
	kt_get_regs(vcpu, &b);
	KT_EQ(memcmp(&a, &b, sizeof(a)), 0);
	/* RFLAGS bit 1 is always set. */
	a.rflags = 0;
	kt_set_regs(vcpu, &a);
	kt_get_regs(vcpu, &b);
	KT_EQ(b.rflags, 2);
	a.rflags = 0x3d7fd7;
	kt_set_regs(vcpu, &a);
	kt_get_regs(vcpu, &b);
	KT_EQ(b.rflags, 0x3d7fd7);
	KT_IOCTL_ERR(vcpu->fd, KVM_GET_REGS, 0, EFAULT);
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_REGS, 8, EFAULT);
}

/* Every register's value goes in by SET_REGS, is inverted by the guest, comes out by GET_REGS. */
asm(".text\n"
    "regs_guest:\n"
    "	not %rax\n	not %rbx\n	not %rcx\n	not %rdx\n"
    "	not %rsi\n	not %rdi\n	not %rbp\n	not %rsp\n"
    "	not %r8\n	not %r9\n	not %r10\n	not %r11\n"
    "	not %r12\n	not %r13\n	not %r14\n	not %r15\n"
    "	hlt\n"
    "regs_guest_end:\n");
extern const u8 regs_guest[], regs_guest_end[];

static void regs_reach_the_guest(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, (void (*)(void))(unsigned long)regs_guest);
	struct kvm_regs a, b;
	u64 *p = (u64 *)&a, *q = (u64 *)&b;

	kt_get_regs(vcpu, &a);
	for (unsigned int i = 0; i < 16; i++)
		p[i] = 0x1020304050607080UL + i * 0x0101010101010101UL;
	a.rip = (unsigned long)regs_guest;
	kt_set_regs(vcpu, &a);
	KT_RUN_EXIT(vcpu, KVM_EXIT_HLT);
	kt_get_regs(vcpu, &b);
	for (unsigned int i = 0; i < 16; i++)
		KT_EQ(q[i], ~p[i]);
	KT_EQ(b.rip, (unsigned long)regs_guest_end);
}

static void reset_state(void)
{
	struct kt_vm *vm = kt_vm_new(0, 0);
	int fd = KT_IOCTL(vm->fd, KVM_CREATE_VCPU, 0);
	struct kt_vcpu vcpu = { .vm = vm, .fd = fd };
	struct kvm_sregs s;
	struct kvm_regs r;

	kt_get_regs(&vcpu, &r);
	kt_get_sregs(&vcpu, &s);
	KT_EQ(r.rip, 0xfff0);
	KT_EQ(r.rflags, 2);
	KT_EQ(s.cs.selector, 0xf000);
	KT_EQ(s.cs.base, 0xffff0000);
	KT_EQ(s.cs.limit, 0xffff);
	KT_EQ(s.ds.base, 0);
	KT_EQ(s.cr0, 0x60000010);
	KT_EQ(s.cr2 | s.cr3 | s.cr4 | s.cr8, 0);
	KT_EQ(s.efer, 0);
	KT_EQ(s.gdt.limit, 0xffff);
	KT_EQ(s.idt.limit, 0xffff);
	KT_EQ(s.ldt.type, 2);
	KT_EQ(s.tr.type, 11);
	KT_EQ(s.apic_base & ~0xfffUL, 0xfee00000);
	KT_EQ(s.apic_base & 0x900, 0x900);	/* enabled, BSP */
}

/* ---- special registers -------------------------------------------------------------------- */

static void sregs_round_trip(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct kvm_sregs a, b;

	kt_get_sregs(vcpu, &a);
	a.fs.base = 0xffff800000001000;
	a.gs.base = 0x00007fff12345000;
	a.fs.selector = 0x23;
	a.fs.dpl = 3;
	a.gdt.base = 0xffff888000001000;
	a.idt.base = 0x5000;
	a.idt.limit = 0x7ff;
	a.cr2 = 0xdeadbeef;
	a.cr8 = 5;
	kt_set_sregs(vcpu, &a);
	memset(&b, 0xff, sizeof(b));
	kt_get_sregs(vcpu, &b);
	KT_EQ(b.fs.base, a.fs.base);
	KT_EQ(b.gs.base, a.gs.base);
	KT_EQ(b.fs.selector, 0x23);
	KT_EQ(b.gdt.base, a.gdt.base);
	KT_EQ(b.gdt.limit, a.gdt.limit);
	KT_EQ(b.idt.base, a.idt.base);
	KT_EQ(b.idt.limit, a.idt.limit);
	KT_EQ(b.cr0, a.cr0);
	KT_EQ(b.cr2, a.cr2);
	KT_EQ(b.cr3, a.cr3);
	KT_EQ(b.cr4, a.cr4);
	KT_EQ(b.cr8, 5);
	KT_EQ(b.efer, a.efer);
	KT_EQ(b.apic_base, a.apic_base);
	for (int i = 0; i < 7; i++) {
		struct kvm_segment *x = &(&a.cs)[i], *y = &(&b.cs)[i];

		KT_EQ(y->base, x->base);
		KT_EQ(y->limit, x->limit);
		KT_EQ(y->selector, x->selector);
		KT_EQ(y->type, x->type);
		KT_EQ(y->present, x->present);
		KT_EQ(y->dpl, x->dpl);
		KT_EQ(y->db, x->db);
		KT_EQ(y->s, x->s);
		KT_EQ(y->l, x->l);
		KT_EQ(y->g, x->g);
		KT_EQ(y->avl, x->avl);
	}
}

static void refuse_sregs(struct kt_vcpu *vcpu, struct kvm_sregs *good, struct kvm_sregs *bad,
			 const char *what)
{
	struct kvm_sregs now;

	bad->gdt.base = 0x123000;	/* must not get through */
	bad->cr2 = 0x777;
	if (!ioctl(vcpu->fd, KVM_SET_SREGS, bad))
		kt_fail("KVM_SET_SREGS takes %s", what);
	if (errno != EINVAL)
		kt_fail("KVM_SET_SREGS with %s: %s, want EINVAL", what, kt_errno_name(errno));
	kt_get_sregs(vcpu, &now);
	if (memcmp(&now, good, sizeof(now)))
		kt_fail("KVM_SET_SREGS with %s is refused but changes state", what);
}

static void sregs_refusals(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	u32 c1 = kt_cpuid_entry(c, 1, 0)->ecx, b7 = 0, c7 = 0;
	u32 phys = kt_cpuid_entry(c, 0x80000008, 0)->eax & 0xff;
	struct kvm_sregs good, bad;
	struct {
		u64 bit;
		bool offered;
		const char *name;
	} cr4[] = {
		{ 1 << 11, false, "CR4.UMIP without CPUID" }, { 1 << 12, false, "CR4.LA57" },
		{ 1 << 13, c1 & 1 << 5, "CR4.VMXE" }, { 1 << 14, c1 & 1 << 6, "CR4.SMXE" },
		{ 1 << 17, c1 & 1 << 17, "CR4.PCIDE" }, { 1 << 18, c1 & 1 << 26, "CR4.OSXSAVE" },
		{ 1 << 16, false, "CR4.FSGSBASE" }, { 1 << 20, false, "CR4.SMEP" },
		{ 1 << 21, false, "CR4.SMAP" }, { 1 << 22, false, "CR4.PKE" },
		{ 1UL << 15, false, "CR4 bit 15" }, { 1UL << 33, false, "CR4 bit 33" },
	};

	if (kt_cpuid_entry(c, 7, 0)) {
		b7 = kt_cpuid_entry(c, 7, 0)->ebx;
		c7 = kt_cpuid_entry(c, 7, 0)->ecx;
	}
	cr4[0].offered = c7 & 1 << 2;
	cr4[1].offered = c7 & 1 << 16;
	cr4[6].offered = b7 & 1;
	cr4[7].offered = b7 & 1 << 7;
	cr4[8].offered = b7 & 1 << 20;
	cr4[9].offered = c7 & 1 << 3;
	kt_get_sregs(vcpu, &good);
	for (unsigned int i = 0; i < KT_ARRAY_SIZE(cr4); i++) {
		if (cr4[i].offered)
			continue;
		bad = good;
		bad.cr4 |= cr4[i].bit;
		refuse_sregs(vcpu, &good, &bad, cr4[i].name);
	}
#define REFUSE(stmt) do { bad = good; stmt; refuse_sregs(vcpu, &good, &bad, #stmt); } while (0)
	REFUSE(bad.cr4 &= ~0x20UL);			/* long mode without PAE */
	REFUSE(bad.efer &= ~0x400UL);			/* LME and PG without LMA */
	REFUSE(bad.cr0 &= ~(1UL << 31); bad.efer |= 0x400);	/* LMA without PG */
	if (kt_is_minikvm())	/* KVM 6.1 checks EFER here for consistency alone */
		REFUSE(bad.efer |= 1UL << 63);
	/* CS.L outside long mode */
	REFUSE(bad.cr0 &= ~(1UL << 31); bad.efer &= ~0x500UL);
	REFUSE(bad.apic_base |= 1UL << phys);
	REFUSE(bad.apic_base |= 1);
	REFUSE(bad.apic_base = (bad.apic_base & ~0x800UL) | 0x400);	/* x2APIC disabled */
	if (phys < 52)
		REFUSE(bad.cr3 |= 1UL << phys);
	REFUSE(bad.cr0 &= ~1UL);			/* PG without PE */
	REFUSE(bad.cr0 |= 1UL << 29);			/* NW without CD */
	REFUSE(bad.cr0 |= 1UL << 40);
	KT_RUN_DONE(vcpu);
	KT_IOCTL_ERR(vcpu->fd, KVM_GET_SREGS, 0, EFAULT);
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_SREGS, 0, EFAULT);
}

/* Bit 14 is taken when CPUID, reduced by userspace, no longer offers what needs it. */
static void sregs_follow_cpuid(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_cpuid_entry2 *e = kt_cpuid_entry(c, 1, 0);
	struct kvm_sregs s, good;

	if (!(e->ecx & 1 << 26))
		kt_skip("the CPU has no XSAVE");
	kt_get_sregs(vcpu, &good);
	s = good;
	s.cr4 |= 1 << 18;
	kt_set_sregs(vcpu, &s);
	KT_IOCTL(vcpu->fd, KVM_GET_CPUID2, c);
	KT_TRUE(kt_cpuid_entry(c, 1, 0)->ecx & 1 << 27, "OSXSAVE does not follow CR4");
	kt_set_sregs(vcpu, &good);
	c = kt_supported_cpuid();
	kt_cpuid_entry(c, 1, 0)->ecx &= ~(1u << 26);
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	refuse_sregs(vcpu, &good, &s, "CR4.OSXSAVE without CPUID.XSAVE");
}

static void pending_irq_guest(void)
{
	sti_nop();
	GUEST_EQ(guest_irqs[0x55], 1);
	guest_done();
}

/* interrupt_bitmap of SET_SREGS injects, as KVM_INTERRUPT does. */
static void sregs_interrupt_bitmap(void)
{
	struct kt_vcpu *vcpu;
	struct kvm_sregs s;

	guest_handler[0x55] = guest_count;
	vcpu = kt_long(0, 0, pending_irq_guest);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.interrupt_bitmap[1], 0);
	s.interrupt_bitmap[1] = 1UL << (0x55 - 64);
	kt_set_sregs(vcpu, &s);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.interrupt_bitmap[1], 1UL << (0x55 - 64));
	KT_RUN_DONE(vcpu);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.interrupt_bitmap[1], 0);
}

/* ---- FPU ---------------------------------------------------------------------------------- */

static void fpu_guest(void)
{
	volatile u64 *p = (volatile u64 *)KT_TEST_AREA;
	u16 cw;

	/* KVM restores nothing into a component that is in its initial state: leave that first. */
	p[0] = 7;
	asm volatile("fninit; fildll (%0); movups (%0), %%xmm0" : : "r"(KT_TEST_AREA) : "memory");
	GUEST_SYNC(0);
	asm volatile("movups %%xmm0, (%0); movups %%xmm15, 16(%0)" : : "r"(KT_TEST_AREA) : "memory");
	GUEST_EQ(p[0], 0x1111111111111111);
	GUEST_EQ(p[1], 0x2222222222222222);
	GUEST_EQ(p[2], 0x3333333333333333);
	asm volatile("fnstcw %0" : "=m"(cw));
	GUEST_EQ(cw, 0x27f);
	asm volatile("fistpll (%0)" : : "r"(KT_TEST_AREA) : "memory");
	GUEST_EQ(p[0], 42);
	p[0] = 0xabcdef;
	asm volatile("movups (%0), %%xmm7" : : "r"(KT_TEST_AREA));
	GUEST_SYNC(1);
	guest_done();
}

static void fpu(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, fpu_guest);
	struct kvm_fpu f, g;

	KT_IOCTL(vcpu->fd, KVM_GET_FPU, &f);
	KT_EQ(f.fcw, 0x37f);
	KT_RUN_SYNC(vcpu, 0);
	KT_IOCTL(vcpu->fd, KVM_GET_FPU, &f);
	KT_EQ(*(u64 *)f.xmm[0], 7);
	memset(f.xmm[0], 0x11, 8);
	memset(f.xmm[0] + 8, 0x22, 8);
	memset(f.xmm[15], 0x33, 8);
	f.fcw = 0x27f;
	f.fsw = 7 << 11;
	f.ftwx = 0x80;
	/* 42.0 as an 80-bit number. */
	memset(f.fpr[0], 0, 16);
	f.fpr[0][7] = 0xa8;
	f.fpr[0][8] = 0x04;
	f.fpr[0][9] = 0x40;
	KT_IOCTL(vcpu->fd, KVM_SET_FPU, &f);
	KT_IOCTL(vcpu->fd, KVM_GET_FPU, &g);
	KT_EQ(g.fcw, 0x27f);
	KT_EQ(g.ftwx, 0x80);
	KT_EQ(memcmp(f.xmm, g.xmm, sizeof(f.xmm)), 0);
	KT_EQ(memcmp(f.fpr[0], g.fpr[0], 10), 0);
	KT_RUN_SYNC(vcpu, 1);
	KT_IOCTL(vcpu->fd, KVM_GET_FPU, &g);
	KT_EQ(*(u64 *)g.xmm[7], 0xabcdef);
	KT_RUN_DONE(vcpu);
	KT_IOCTL_ERR(vcpu->fd, KVM_GET_FPU, 0, EFAULT);
}

/* ---- CPUID -------------------------------------------------------------------------------- */

static void cpuid_round_trip(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	struct kvm_cpuid2 *c = kt_supported_cpuid(), *d = kt_supported_cpuid();
	u32 n = c->nent;

	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	d->nent = 0;
	KT_IOCTL_ERR(vcpu->fd, KVM_GET_CPUID2, d, E2BIG);
	d->nent = n - 1;
	KT_IOCTL_ERR(vcpu->fd, KVM_GET_CPUID2, d, E2BIG);
	d->nent = 100;
	KT_IOCTL(vcpu->fd, KVM_GET_CPUID2, d);
	KT_TRUE(d->nent >= n);	/* KVM leaves nent as it was, newer kernels write it */
	for (u32 i = 0; i < n; i++) {
		KT_EQ(d->entries[i].function, c->entries[i].function);
		KT_EQ(d->entries[i].index, c->entries[i].index);
		KT_EQ(d->entries[i].eax, c->entries[i].eax);
	}
	c->nent = 257;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_CPUID2, c, E2BIG);
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_CPUID2, 0, EFAULT);
	KT_IOCTL_ERR(vcpu->fd, KVM_GET_CPUID2, 0, EFAULT);
}

static void cpuid_after_run(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct kvm_cpuid2 *c = kt_supported_cpuid();

	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	/* A KVM_RUN that does not enter the guest shows it nothing. */
	vcpu->run->immediate_exit = 1;
	KT_TRUE(kt_run_raw(vcpu) && errno == EINTR);
	vcpu->run->immediate_exit = 0;
	kt_cpuid_entry(c, 0x80000008, 0)->eax ^= 1;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	kt_cpuid_entry(c, 0x80000008, 0)->eax ^= 1;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	KT_RUN_DONE(vcpu);
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);		/* the same once more is fine */
	kt_cpuid_entry(c, 0x80000008, 0)->eax ^= 1;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_CPUID2, c, EINVAL);
	c->nent--;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_CPUID2, c, EINVAL);
}

/* ---- MSRs --------------------------------------------------------------------------------- */

static void msrs_partial(void)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[5];
	} m = { .head.nmsrs = 5 };
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	static const u32 idx[] = { 0x175, 0x176, 0x12345678, 0xc0000082, 0xc0000102 };

	for (int i = 0; i < 5; i++) {
		m.e[i].index = idx[i];
		m.e[i].data = 0xffff800000000000 + i * 0x1000;
	}
	KT_EQ(KT_IOCTL(vcpu->fd, KVM_SET_MSRS, &m), 2);
	KT_EQ(kt_get_msr(vcpu, 0x175), 0xffff800000000000);
	KT_EQ(kt_get_msr(vcpu, 0x176), 0xffff800000001000);
	KT_EQ(kt_get_msr(vcpu, 0xc0000082), 0);
	for (int i = 0; i < 5; i++)
		m.e[i].data = 0x5a;
	KT_EQ(KT_IOCTL(vcpu->fd, KVM_GET_MSRS, &m), 2);
	KT_EQ(m.e[0].data, 0xffff800000000000);
	KT_EQ(m.e[1].data, 0xffff800000001000);
	KT_EQ(m.e[3].data, 0x5a);
	m.head.nmsrs = 0;
	KT_EQ(KT_IOCTL(vcpu->fd, KVM_SET_MSRS, &m), 0);
	KT_EQ(KT_IOCTL(vcpu->fd, KVM_GET_MSRS, &m), 0);
	m.head.nmsrs = 100000;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_MSRS, &m, E2BIG);
	KT_IOCTL_ERR(vcpu->fd, KVM_GET_MSRS, &m, E2BIG);
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_MSRS, 0, EFAULT);
	KT_IOCTL_ERR(vcpu->fd, KVM_GET_MSRS, 0, EFAULT);
}

/* What QEMU, kvmtool and Firecracker write at start-up must be taken, in full. */
static void msrs_of_the_clients(void)
{
	static const struct {
		u32 index;
		u64 v;
	} want[] = {
		{ 0x174, 0 }, { 0x175, 0 }, { 0x176, 0 }, { 0x10, 0 }, { 0x1a0, 1 },
		{ 0xc0000081, 0 }, { 0xc0000082, 0 }, { 0xc0000083, 0 }, { 0xc0000084, 0 },
		{ 0xc0000102, 0 }, { 0x277, 0x0007040600070406 }, { 0x2ff, 0x806 },
		{ 0x2ff, 0xc00 }, { 0x250, 0 }, { 0x258, 0x0606060606060606 }, { 0x259, 0 },
		{ 0x268, 0 }, { 0x26f, 0x0505050505050505 }, { 0x200, 6 }, { 0x201, 0xff000800 },
		{ 0x20e, 0 }, { 0x20f, 0 }, { 0x8b, 0x100000000 }, { 0x1b, 0xfee00900 },
	};
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, guest_done);

	for (unsigned int i = 0; i < KT_ARRAY_SIZE(want); i++) {
		u64 v;

		if (kt_try_set_msr(vcpu, want[i].index, want[i].v) != 1)
			kt_fail("MSR %#x refuses %#llx", want[i].index,
				(unsigned long long)want[i].v);
		v = kt_get_msr(vcpu, want[i].index);
		if (want[i].index != 0x10 && want[i].index != 0x8b)
			KT_EQ(v, want[i].v);
	}
	KT_RUN_DONE(vcpu);
}

static void msrs_bad_values(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, guest_done);

	KT_EQ(kt_try_set_msr(vcpu, 0x277, 0x0207040600070406), 0);
	KT_EQ(kt_try_set_msr(vcpu, 0xc0000080, 1UL << 40), 0);
	KT_EQ(kt_try_set_msr(vcpu, 0x2ff, 7 << 12), 0);
	KT_EQ(kt_try_set_msr(vcpu, 0x1b, 0xfee00900 | 1UL << 60), 0);
	if (kt_cpu_intel()) {
		KT_EQ(kt_try_set_msr(vcpu, 0xc0000082, NONCANON), 0);
		KT_EQ(kt_try_set_msr(vcpu, 0xc0000102, NONCANON), 0);
	}
	/* What is no address becomes one here, by its sign. */
	KT_EQ(kt_try_set_msr(vcpu, 0x175, NONCANON | 0x1000), 1);
	KT_EQ(kt_get_msr(vcpu, 0x175), 0xffff800000001000);
	KT_EQ(kt_try_set_msr(vcpu, 0x176, 1UL << 63 | 0x1234), 1);
	KT_EQ(kt_get_msr(vcpu, 0x176), 0x1234);
	KT_EQ(kt_get_msr(vcpu, 0xc0000080), 0xd01);
	KT_RUN_DONE(vcpu);
}

static void tsc_guest(void)
{
	u64 t = rdtsc();

	GUEST_TRUE(t >= 1UL << 50);
	GUEST_TRUE(t < (1UL << 50) + (1UL << 46));
	GUEST_SYNC(1);
	wrmsr(0x10, 1UL << 40);
	t = rdtsc();
	GUEST_TRUE(t >= 1UL << 40 && t < (1UL << 40) + (1UL << 38));
	GUEST_SYNC(2);
	guest_done();
}

static void tsc_offset(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, tsc_guest);
	u64 t;

	KT_EQ(kt_try_set_msr(vcpu, 0x10, 1UL << 50), 1);
	KT_RUN_SYNC(vcpu, 1);
	KT_RUN_SYNC(vcpu, 2);
	t = kt_get_msr(vcpu, 0x10);
	KT_TRUE(t >= 1UL << 40 && t < (1UL << 40) + (1UL << 39));
	KT_RUN_DONE(vcpu);
}

/* ---- MP_STATE and LAPIC ------------------------------------------------------------------- */

static void mp_state(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, KT_IRQCHIP);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	int ap = KT_IOCTL(vm->fd, KVM_CREATE_VCPU, 1);
	struct kvm_mp_state mp;

	KT_IOCTL(vcpu->fd, KVM_GET_MP_STATE, &mp);
	KT_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	KT_IOCTL(ap, KVM_GET_MP_STATE, &mp);
	KT_EQ(mp.mp_state, KVM_MP_STATE_UNINITIALIZED);
	mp.mp_state = KVM_MP_STATE_HALTED;
	KT_IOCTL(vcpu->fd, KVM_SET_MP_STATE, &mp);
	KT_IOCTL(vcpu->fd, KVM_GET_MP_STATE, &mp);
	KT_EQ(mp.mp_state, KVM_MP_STATE_HALTED);
	mp.mp_state = 77;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_MP_STATE, &mp, EINVAL);
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_MP_STATE, 0, EFAULT);
	mp.mp_state = KVM_MP_STATE_RUNNABLE;
	KT_IOCTL(vcpu->fd, KVM_SET_MP_STATE, &mp);
	kt_vcpu_long(vcpu, guest_done);
	KT_RUN_DONE(vcpu);
}

static void mp_state_without_irqchip(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_RUNNABLE };

	KT_IOCTL(vcpu->fd, KVM_SET_MP_STATE, &mp);
	mp.mp_state = KVM_MP_STATE_SIPI_RECEIVED;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_MP_STATE, &mp, EINVAL);
	KT_IOCTL(vcpu->fd, KVM_GET_MP_STATE, &mp);
	KT_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
}

static u32 *lapic_reg(struct kvm_lapic_state *l, u32 off)
{
	return (u32 *)(l->regs + off);
}

static void lapic(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, KT_IRQCHIP);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 3);
	struct kvm_lapic_state l, m;

	KT_IOCTL(vcpu->fd, KVM_GET_LAPIC, &l);
	KT_EQ(*lapic_reg(&l, 0x20), 3 << 24);
	KT_EQ(*lapic_reg(&l, 0x30) & 0xff, 0x14);
	KT_EQ(*lapic_reg(&l, 0xf0), 0xff);
	KT_EQ(*lapic_reg(&l, 0xe0), 0xffffffff);
	KT_EQ(*lapic_reg(&l, 0x350) & 0x10000, 0x10000);
	*lapic_reg(&l, 0x80) = 0x40;
	*lapic_reg(&l, 0xf0) = 0x1ff;
	*lapic_reg(&l, 0x350) = 0x700;
	*lapic_reg(&l, 0x360) = 0x400;
	KT_IOCTL(vcpu->fd, KVM_SET_LAPIC, &l);
	KT_IOCTL(vcpu->fd, KVM_GET_LAPIC, &m);
	KT_EQ(*lapic_reg(&m, 0x80), 0x40);
	KT_EQ(*lapic_reg(&m, 0xf0), 0x1ff);
	KT_EQ(*lapic_reg(&m, 0x350), 0x700);
	KT_EQ(*lapic_reg(&m, 0x360), 0x400);
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_LAPIC, 0, EFAULT);
	KT_IOCTL_ERR(vcpu->fd, KVM_GET_LAPIC, 0, EFAULT);
}

static void lapic_without_irqchip(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct kvm_lapic_state l;

	KT_IOCTL_ERR(vcpu->fd, KVM_GET_LAPIC, &l, EINVAL);
}

/* ---- state that later clients need -------------------------------------------------------- */

static void vcpu_events(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct kvm_vcpu_events e;

	kt_require_cap(KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS");
	KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &e);
	KT_EQ(e.exception.injected, 0);
	KT_EQ(e.nmi.pending, 0);
	KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	e.flags = 0x80000000;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_VCPU_EVENTS, &e, EINVAL);
	KT_RUN_DONE(vcpu);
}

static void debugregs_guest(void)
{
	GUEST_EQ(GUEST_READ_REG("dr0"), 0x1000);
	GUEST_EQ(GUEST_READ_REG("dr3"), 0x4000);
	GUEST_EQ(GUEST_READ_REG("dr7"), 0x400);
	GUEST_WRITE_REG("dr1", 0x9999);
	GUEST_SYNC(1);
	guest_done();
}

static void debugregs(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, debugregs_guest);
	struct kvm_debugregs d;

	kt_require_cap(KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS");
	KT_IOCTL(vcpu->fd, KVM_GET_DEBUGREGS, &d);
	KT_EQ(d.dr6, 0xffff0ff0);
	KT_EQ(d.dr7, 0x400);
	d.db[0] = 0x1000;
	d.db[3] = 0x4000;
	KT_IOCTL(vcpu->fd, KVM_SET_DEBUGREGS, &d);
	KT_RUN_SYNC(vcpu, 1);
	KT_IOCTL(vcpu->fd, KVM_GET_DEBUGREGS, &d);
	KT_EQ(d.db[0], 0x1000);
	KT_EQ(d.db[1], 0x9999);
	d.dr7 = 1UL << 32;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_DEBUGREGS, &d, EINVAL);
	KT_RUN_DONE(vcpu);
}

static void xsave_xcrs(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, fpu_guest);
	struct kvm_xcrs x;
	struct kvm_xsave *s = calloc(1, sizeof(*s));
	struct kvm_fpu f;

	kt_require_cap(KVM_CAP_XSAVE, "KVM_CAP_XSAVE");
	kt_require_cap(KVM_CAP_XCRS, "KVM_CAP_XCRS");
	KT_IOCTL(vcpu->fd, KVM_GET_XSAVE, s);
	((u64 *)s->region)[160 / 8] = 0x1111111111111111;
	((u64 *)s->region)[168 / 8] = 0x2222222222222222;
	s->region[512 / 4] |= 3;
	KT_IOCTL(vcpu->fd, KVM_SET_XSAVE, s);
	KT_IOCTL(vcpu->fd, KVM_GET_FPU, &f);
	KT_EQ(*(u64 *)f.xmm[0], 0x1111111111111111);
	KT_EQ(*(u64 *)(f.xmm[0] + 8), 0x2222222222222222);
	s->region[512 / 4 + 1] = 0x40000000;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_XSAVE, s, EINVAL);
	KT_IOCTL(vcpu->fd, KVM_GET_XCRS, &x);
	KT_EQ(x.nr_xcrs, 1);
	KT_EQ(x.xcrs[0].xcr, 0);
	KT_EQ(x.xcrs[0].value, 1);
	x.xcrs[0].value = 3;
	KT_IOCTL(vcpu->fd, KVM_SET_XCRS, &x);
	KT_IOCTL(vcpu->fd, KVM_GET_XCRS, &x);
	KT_EQ(x.xcrs[0].value, 3);
	x.xcrs[0].value = 4;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_XCRS, &x, EINVAL);
	x.xcrs[0].value = 3;
	x.nr_xcrs = 100;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_XCRS, &x, EINVAL);
}

static void translate(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct kvm_translation tr = { .linear_address = KT_IMAGE + 0x123 };
	u64 *pte = kt_g2h(vcpu->vm, KT_PT);

	KT_IOCTL(vcpu->fd, KVM_TRANSLATE, &tr);
	KT_EQ(tr.valid, 1);
	KT_EQ(tr.physical_address, KT_IMAGE + 0x123);
	/* Another page, none, and an address that has no place in the tables. */
	pte[1] = 0x300000 | 3;
	tr.linear_address = KT_TEST_AREA + 0x1fff;
	KT_IOCTL(vcpu->fd, KVM_TRANSLATE, &tr);
	KT_EQ(tr.physical_address, 0x300fff);
	pte[1] = 0;
	KT_IOCTL(vcpu->fd, KVM_TRANSLATE, &tr);
	KT_EQ(tr.valid, 0);
	tr.linear_address = 1UL << 62;
	KT_IOCTL(vcpu->fd, KVM_TRANSLATE, &tr);
	KT_EQ(tr.valid, 0);
}

#define SPEC_CTRL 0x48

/* What the host's processor does not know is refused, whatever CPUID the guest was given. */
static void spec_ctrl_bits(void)
{
	static const struct { u32 index, bit; u64 mask; } rows[] = {
		{ 0, 26, BIT(0) }, { 0, 27, BIT(1) }, { 0, 31, BIT(2) }, { 2, 0, BIT(7) },
		{ 2, 1, BIT(3) | BIT(4) }, { 2, 2, BIT(5) | BIT(6) }, { 2, 4, BIT(10) },
	};
	struct kt_vcpu *vcpu = kt_vcpu_new(kt_vm_new(0, 0), 0);
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_cpuid_entry2 *e;
	u64 allowed = 0;

	if (kt_cpuid_entry(c, 7, 0)->edx & BIT(26))
		for (u32 i = 0; i < KT_ARRAY_SIZE(rows); i++) {
			e = kt_cpuid_entry(c, 7, rows[i].index);
			if (e && e->edx & BIT(rows[i].bit))
				allowed |= rows[i].mask;
		}
	e = kt_cpuid_entry(c, 7, 2);
	if (!e) {
		e = &c->entries[c->nent++];
		*e = (struct kvm_cpuid_entry2){ 7, 2, KVM_CPUID_FLAG_SIGNIFCANT_INDEX };
	}
	e->edx = ~0u;
	e = kt_cpuid_entry(c, 7, 0);
	e->edx |= BIT(26) | BIT(27) | BIT(31);
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	for (u32 i = 0; i < 64; i++)
		if (!(allowed & BIT(i)))
			KT_EQ(kt_try_set_msr(vcpu, SPEC_CTRL, BIT(i)), 0);
	if (allowed)
		KT_EQ(kt_try_set_msr(vcpu, SPEC_CTRL, allowed), 1);
}

static const struct kt_test tests[] = {
	{ "regs_round_trip", regs_round_trip },
	{ "regs_reach_the_guest", regs_reach_the_guest },
	{ "reset_state", reset_state },
	{ "sregs_round_trip", sregs_round_trip },
	{ "sregs_refusals", sregs_refusals },
	{ "sregs_follow_cpuid", sregs_follow_cpuid },
	{ "sregs_interrupt_bitmap", sregs_interrupt_bitmap },
	{ "fpu", fpu },
	{ "cpuid_round_trip", cpuid_round_trip },
	{ "cpuid_after_run", cpuid_after_run },
	{ "msrs_partial", msrs_partial },
	{ "msrs_of_the_clients", msrs_of_the_clients },
	{ "msrs_bad_values", msrs_bad_values },
	{ "spec_ctrl_bits", spec_ctrl_bits },
	{ "tsc_offset", tsc_offset },
	{ "mp_state", mp_state },
	{ "mp_state_without_irqchip", mp_state_without_irqchip },
	{ "lapic", lapic },
	{ "lapic_without_irqchip", lapic_without_irqchip },
	{ "vcpu_events", vcpu_events },
	{ "debugregs", debugregs },
	{ "xsave_xcrs", xsave_xcrs },
	{ "translate", translate },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
