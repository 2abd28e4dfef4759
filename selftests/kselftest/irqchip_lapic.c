// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel local APIC: registers, IPIs, priorities, EOI, NMI, timers, x2APIC, INIT-SIPI,
 * MSIs, KVM_GET/SET_LAPIC, and how interrupts meet the instruction stream (STI and MOV SS
 * shadows, HLT, delivery that needs a page fault in EPT first). SDM volume 3, "Advanced
 * Programmable Interrupt Controller (APIC)". Relies on lib/; where a guest waits for a timer it
 * halts, and only the subtest's time limit ends a wait that is in vain.
 */
#include <pthread.h>
#include <signal.h>

#include "apic.h"

static struct kt_vcpu *lapic_guest(void (*fn)(void))
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, fn);
	struct kvm_cpuid2 *c = kt_supported_cpuid();

	/* Both are the irqchip's to give; GET_SUPPORTED_CPUID leaves the first to userspace. */
	kt_cpuid_entry(c, 1, 0)->ecx |= 1 << 24 | 1 << 21;
	kt_cpuid_entry(c, 1, 0)->ebx &= 0xffffff;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	free(c);
	return vcpu;
}

static void run_to_end(void (*fn)(void))
{
	KT_RUN_DONE(lapic_guest(fn));
}

static void count_vectors(u32 from, u32 to)
{
	for (u32 v = from; v < to; v++)
		guest_handler[v] = guest_count_eoi;
}

/* ---- registers ---------------------------------------------------------------------------- */

static void registers_guest(void)
{
	static const u32 lvt[] = { APIC_LVTT, APIC_LVT0, APIC_LVT1, APIC_LVTERR };

	GUEST_EQ(apic_read(APIC_ID), 0);
	GUEST_EQ(apic_read(APIC_LVR) & 0xff, 0x14);
	GUEST_TRUE((apic_read(APIC_LVR) >> 16 & 0xff) >= 4);
	GUEST_EQ(apic_read(APIC_SVR), 0xff);
	GUEST_EQ(apic_read(APIC_DFR), 0xffffffff);
	GUEST_EQ(apic_read(APIC_LVT1) & 0x10000, 0x10000);
	/* While software-disabled every LVT mask bit stays set. */
	apic_write(APIC_LVTERR, 0xfe);
	GUEST_EQ(apic_read(APIC_LVTERR), 0x100fe);
	apic_enable();
	for (u32 i = 0; i < KT_ARRAY_SIZE(lvt); i++) {
		apic_write(lvt[i], 0x10031 + i);
		GUEST_EQ(apic_read(lvt[i]), 0x10031 + i);
	}
	apic_write(APIC_LDR, 0x12345678);
	GUEST_EQ(apic_read(APIC_LDR), 0x12000000);
	apic_write(APIC_TPR, 0x5a);
	GUEST_EQ(apic_read(APIC_TPR), 0x5a);
	GUEST_EQ(apic_read(APIC_PPR), 0x5a);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVR, 0);		/* read-only */
	GUEST_EQ(apic_read(APIC_LVR) & 0xff, 0x14);
	apic_write(APIC_TDCR, 0xb);
	GUEST_EQ(apic_read(APIC_TDCR), 0xb);
	GUEST_EQ(apic_read(APIC_ESR), 0);
	apic_write(APIC_SVR, 0xff);
	GUEST_EQ(apic_read(APIC_LVTT) & 0x10000, 0x10000);
	guest_done();
}

static void registers(void)
{
	run_to_end(registers_guest);
}

/* ---- IPIs and priority -------------------------------------------------------------------- */

static void self_ipi_guest(void)
{
	count_vectors(0x30, 0x100);
	apic_enable();
	sti();
	self_ipi(0x50);
	asm volatile("nop");
	GUEST_EQ(guest_irqs[0x50], 1);
	apic_write(APIC_ICR2, 0);
	apic_write(APIC_ICR, ICR_ASSERT | 0x51);
	GUEST_EQ(guest_irqs[0x51], 1);
	apic_write(APIC_ICR, ICR_ALL | ICR_ASSERT | 0x52);
	GUEST_EQ(guest_irqs[0x52], 1);
	apic_write(APIC_ICR, ICR_OTHERS | ICR_ASSERT | 0x53);
	apic_write(APIC_ICR2, 7U << 24);
	apic_write(APIC_ICR, ICR_ASSERT | 0x53);
	apic_write(APIC_ICR2, 0xffU << 24);
	apic_write(APIC_ICR, ICR_ASSERT | 0x54);
	/* Logical, flat: bit 2 is us. */
	apic_write(APIC_LDR, 4U << 24);
	apic_write(APIC_ICR2, 4U << 24);
	apic_write(APIC_ICR, ICR_LOGICAL | ICR_ASSERT | 0x55);
	apic_write(APIC_ICR2, 3U << 24);
	apic_write(APIC_ICR, ICR_LOGICAL | ICR_ASSERT | 0x56);
	apic_write(APIC_ICR2, 6U << 24);
	apic_write(APIC_ICR, ICR_LOGICAL | ICR_LOWEST | ICR_ASSERT | 0x57);
	cli();
	GUEST_EQ(guest_irqs[0x53], 0);
	GUEST_EQ(guest_irqs[0x54], 1);
	GUEST_EQ(guest_irqs[0x55], 1);
	GUEST_EQ(guest_irqs[0x56], 0);
	GUEST_EQ(guest_irqs[0x57], 1);
	GUEST_EQ(apic_read(APIC_ICR) & 1 << 12, 0);
	guest_done();
}

static void ipi_to_self(void)
{
	run_to_end(self_ipi_guest);
}

static volatile u32 order[16], order_n;

static void note_order(struct gframe *f)
{
	order[order_n++ & 15] = f->vector;
	apic_write(APIC_EOI, 0);
}

static void priority_guest(void)
{
	static const u32 v[] = { 0x41, 0xf1, 0x71, 0x72, 0x31, 0x51 };
	static const u32 want[] = { 0xf1, 0x72, 0x71, 0x51, 0x41, 0x31 };

	apic_enable();
	for (u32 i = 0; i < 6; i++) {
		guest_handler[v[i]] = note_order;
		self_ipi(v[i]);
		self_ipi(v[i]);			/* merges with the first */
		GUEST_EQ(apic_bit(APIC_IRR, v[i]), 1);
	}
	GUEST_EQ(order_n, 0);
	sti();
	for (u32 i = 0; i < 20; i++)
		asm volatile("nop");
	cli();
	GUEST_EQ(order_n, 6);
	for (u32 i = 0; i < 6; i++)
		GUEST_EQ(order[i], want[i]);
	for (u32 i = 0; i < 6; i++)
		GUEST_EQ(apic_bit(APIC_IRR, v[i]), 0);
	guest_done();
}

static void priority(void)
{
	run_to_end(priority_guest);
}

static volatile u32 tpr_ppr, tpr_isr;

static void on_75(struct gframe *f)
{
	guest_irqs[f->vector]++;
	tpr_ppr = apic_read(APIC_PPR);
	tpr_isr = apic_bit(APIC_ISR, 0x75);
	apic_write(APIC_EOI, 0);
}

static void tpr_guest(void)
{
	guest_handler[0x55] = guest_count_eoi;
	guest_handler[0x75] = on_75;
	apic_enable();
	apic_write(APIC_TPR, 0x60);
	self_ipi(0x55);
	self_ipi(0x75);
	window();
	GUEST_EQ(guest_irqs[0x75], 1);
	GUEST_EQ(tpr_ppr, 0x70);
	GUEST_EQ(tpr_isr, 1);
	GUEST_EQ(guest_irqs[0x55], 0);
	GUEST_EQ(apic_bit(APIC_IRR, 0x55), 1);
	GUEST_EQ(apic_read(APIC_PPR), 0x60);
	apic_write(APIC_TPR, 0x50);		/* the same class still blocks */
	window();
	GUEST_EQ(guest_irqs[0x55], 0);
	sti();
	apic_write(APIC_TPR, 0x40);
	asm volatile("nop");
	cli();
	GUEST_EQ(guest_irqs[0x55], 1);
	/* By CR8 as well. */
	GUEST_WRITE_REG("cr8", 6);
	self_ipi(0x55);
	window();
	GUEST_EQ(guest_irqs[0x55], 1);
	sti();
	GUEST_WRITE_REG("cr8", 4);
	asm volatile("nop");
	cli();
	GUEST_EQ(guest_irqs[0x55], 2);
	GUEST_WRITE_REG("cr8", 0);
	guest_done();
}

static void task_priority(void)
{
	run_to_end(tpr_guest);
}

static volatile u32 nest_low, nest_high;

static void on_61(struct gframe *f)
{
	guest_irqs[f->vector]++;
	self_ipi(0x45);
	self_ipi(0x91);
	window();
	nest_low = guest_irqs[0x45];
	nest_high = guest_irqs[0x91];
	apic_write(APIC_EOI, 0);
}

static void nest_guest(void)
{
	guest_handler[0x45] = guest_count_eoi;
	guest_handler[0x91] = guest_count_eoi;
	guest_handler[0x61] = on_61;
	apic_enable();
	self_ipi(0x61);
	window();
	window();
	GUEST_EQ(guest_irqs[0x61], 1);
	GUEST_EQ(nest_low, 0);
	GUEST_EQ(nest_high, 1);
	GUEST_EQ(guest_irqs[0x45], 1);
	GUEST_EQ(apic_read(APIC_PPR), 0);
	guest_done();
}

static void nested_interrupts(void)
{
	run_to_end(nest_guest);
}

static void disabled_guest(void)
{
	guest_handler[2] = guest_count;
	guest_handler[0x50] = guest_count_eoi;
	self_ipi(0x50);				/* software-disabled: not accepted */
	GUEST_EQ(apic_bit(APIC_IRR, 0x50), 0);
	window();
	GUEST_EQ(guest_irqs[0x50], 0);
	apic_write(APIC_ICR, ICR_SELF | ICR_NMI | ICR_ASSERT);
	apic_write(APIC_ICR2, 0);
	apic_write(APIC_ICR, ICR_NMI | ICR_ASSERT);
	asm volatile("nop");
	GUEST_TRUE(guest_irqs[2] >= 1);
	guest_done();
}

static void software_disabled(void)
{
	run_to_end(disabled_guest);
}

/* ---- NMI ---------------------------------------------------------------------------------- */

static volatile u32 nmi_depth, nmi_deepest;

static void on_nmi(struct gframe *f)
{
	guest_irqs[f->vector]++;
	nmi_depth++;
	if (nmi_depth > nmi_deepest)
		nmi_deepest = nmi_depth;
	if (guest_irqs[2] < 3) {
		apic_write(APIC_ICR2, 0);
		apic_write(APIC_ICR, ICR_NMI | ICR_ASSERT);
		asm volatile("nop; cpuid; nop" : : "a"(0), "c"(0) : "rbx", "rdx");
	}
	nmi_depth--;
}

static void nmi_guest(void)
{
	guest_handler[2] = on_nmi;
	apic_enable();
	apic_write(APIC_ICR2, 0);
	apic_write(APIC_ICR, ICR_NMI | ICR_ASSERT);
	for (u32 i = 0; i < 10; i++)
		asm volatile("nop");
	GUEST_EQ(guest_irqs[2], 3);
	GUEST_EQ(nmi_deepest, 1);		/* blocked until IRET */
	/* LINT1 as NMI by KVM_NMI is the next program's; an IRET in a fault re-enables them. */
	guest_done();
}

static void nmi_masked_until_iret(void)
{
	run_to_end(nmi_guest);
}

/* ---- interrupt shadows -------------------------------------------------------------------- */

static void shadow_guest(void)
{
	count_vectors(0x50, 0x60);
	apic_enable();
	self_ipi(0x50);
	asm volatile("sti; cli" : : : "memory");
	GUEST_EQ(guest_irqs[0x50], 0);
	asm volatile("sti; mov %0, %%ss; cli" : : "r"(KT_DS) : "memory");
	GUEST_EQ(guest_irqs[0x50], 0);
	asm volatile("sti; sti; cli" : : : "memory");
	GUEST_EQ(guest_irqs[0x50], 1);
	self_ipi(0x50);
	asm volatile("sti; nop; cli" : : : "memory");
	GUEST_EQ(guest_irqs[0x50], 2);
	/* An exit ends the shadow: the interrupt comes behind CPUID. */
	self_ipi(0x50);
	asm volatile("sti; cpuid; cli" : : "a"(0), "c"(0) : "rbx", "rdx", "memory");
	GUEST_EQ(guest_irqs[0x50], 3);
	/* Pending when HLT is reached in STI's shadow: HLT must not sleep. */
	for (u32 i = 0; i < 50; i++) {
		self_ipi(0x51);
		asm volatile("sti; hlt; cli" : : : "memory");
		GUEST_EQ(guest_irqs[0x51], i + 1);
	}
	guest_done();
}

static void interrupt_shadows(void)
{
	run_to_end(shadow_guest);
}

#define FRESH (32UL << 20)

static void fresh_stack_guest(void)
{
	guest_handler[2] = guest_count;
	guest_handler[0x58] = guest_count_eoi;
	apic_enable();
	for (u64 i = 0; i < 32; i++) {
		u64 top = FRESH + i * 4096 + 4096;

		if (i & 1)
			asm volatile("mov %%rsp, %%r10; mov %0, %%rsp; movl %1, (%2); nop; nop\n\t"
				     "mov %%r10, %%rsp"
				     : : "r"(top), "r"(ICR_NMI | ICR_ASSERT),
				       "r"(APIC_BASE + APIC_ICR) : "r10", "memory");
		else
			asm volatile("movl %1, (%2); mov %%rsp, %%r10; mov %0, %%rsp; sti; nop\n\t"
				     "nop; cli; mov %%r10, %%rsp"
				     : : "r"(top), "r"(ICR_SELF | ICR_ASSERT | 0x58),
				       "r"(APIC_BASE + APIC_ICR) : "r10", "memory");
		GUEST_EQ(guest_irqs[0x58], i / 2 + 1);
		GUEST_EQ(guest_irqs[2], (i + 1) / 2);
	}
	GUEST_EQ(apic_bit(APIC_ISR, 0x58), 0);
	guest_done();
}

static void delivery_on_unmapped_stack(void)
{
	struct kt_vcpu *vcpu = lapic_guest(fresh_stack_guest);
	void *p = mmap(NULL, 32 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	if (kt_apicv())
		kt_skip("Bochs has no IDT-vectoring information of a virtual interrupt");
	madvise(p, 32 * 4096, MADV_NOHUGEPAGE);
	KT_EQ(kt_slot(vcpu->vm, 1, 0, FRESH, 32 * 4096, p), 0);
	KT_RUN_DONE(vcpu);
}

/* ---- timers ------------------------------------------------------------------------------- */

static void oneshot_guest(void)
{
	count_vectors(0x60, 0x62);
	apic_enable();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, 0x60);
	for (u32 i = 0; i < 3; i++) {
		apic_write(APIC_TMICT, 100000);
		while (guest_irqs[0x60] == i)
			sti_hlt_cli();
		GUEST_EQ(guest_irqs[0x60], i + 1);
		GUEST_EQ(apic_read(APIC_TMCCT), 0);
		GUEST_EQ(apic_read(APIC_TMICT), 100000);
	}
	window();
	GUEST_EQ(guest_irqs[0x60], 3);
	/* Masked: it runs down and nothing comes. */
	apic_write(APIC_LVTT, 0x10060);
	apic_write(APIC_TMICT, 50000);
	GUEST_TRUE(apic_read(APIC_TMCCT) <= 50000);
	sti();
	while (apic_read(APIC_TMCCT))
		cpu_relax();
	cli();
	GUEST_EQ(guest_irqs[0x60], 3);
	/* Stopped by an initial count of 0. */
	apic_write(APIC_LVTT, 0x60);
	apic_write(APIC_TMICT, 0xffffffff);
	GUEST_TRUE(apic_read(APIC_TMCCT) > 0);
	apic_write(APIC_TMICT, 0);
	GUEST_EQ(apic_read(APIC_TMCCT), 0);
	guest_done();
}

static void timer_one_shot(void)
{
	run_to_end(oneshot_guest);
}

static void periodic_guest(void)
{
	count_vectors(0x60, 0x62);
	apic_enable();
	apic_write(APIC_TDCR, 0);		/* by 2 */
	apic_write(APIC_LVTT, 0x20061);
	apic_write(APIC_TMICT, 500000);
	while (guest_irqs[0x61] < 6)
		sti_hlt_cli();
	apic_write(APIC_LVTT, 0x30061);
	window();
	guest_irqs[0x61] = 0;
	/* The count is reloaded, never above the initial one. */
	sti();
	for (u32 i = 0; i < 100; i++)
		GUEST_TRUE(apic_read(APIC_TMCCT) <= 500000);
	GUEST_EQ(guest_irqs[0x61], 0);
	apic_write(APIC_TMICT, 0);
	guest_done();
}

static void timer_periodic(void)
{
	run_to_end(periodic_guest);
}

static void deadline_guest(void)
{
	count_vectors(0x60, 0x62);
	apic_enable();
	wrmsr(0x6e0, rdtsc() + 1000);
	GUEST_EQ(rdmsr(0x6e0), 0);		/* ignored in the other modes */
	apic_write(APIC_LVTT, 0x40060);
	for (u32 i = 0; i < 5; i++) {
		u64 t = rdtsc() + 200000;

		wrmsr(0x6e0, t);
		while (guest_irqs[0x60] == i)
			sti_hlt_cli();
		GUEST_TRUE(rdtsc() >= t);
		GUEST_EQ(guest_irqs[0x60], i + 1);
		GUEST_EQ(rdmsr(0x6e0), 0);
	}
	/* In the past: at once. */
	wrmsr(0x6e0, 1);
	for (u32 i = 0; i < 1000 && guest_irqs[0x60] == 5; i++)
		window();
	GUEST_EQ(guest_irqs[0x60], 6);
	/* Disarmed by 0. */
	wrmsr(0x6e0, rdtsc() + (1UL << 40));
	GUEST_TRUE(rdmsr(0x6e0) > 0);
	wrmsr(0x6e0, 0);
	GUEST_EQ(rdmsr(0x6e0), 0);
	apic_write(APIC_TMICT, 1000);		/* has no meaning in this mode */
	GUEST_EQ(apic_read(APIC_TMCCT), 0);
	guest_done();
}

static void timer_tsc_deadline(void)
{
	kt_require_cap(KVM_CAP_TSC_DEADLINE_TIMER, "KVM_CAP_TSC_DEADLINE_TIMER");
	run_to_end(deadline_guest);
}

/* ---- x2APIC ------------------------------------------------------------------------------- */

static u32 strict;

static void x2apic_guest(void)
{
	u64 base = rdmsr(0x1b), v;

	guest_handler[0x50] = guest_count_x2eoi;
	guest_handler[0x51] = guest_count_x2eoi;
	guest_handler[0x60] = guest_count_x2eoi;
	GUEST_EQ(try_rdmsr(0x802, &v), 13);	/* not in x2APIC mode yet */
	wrmsr(0x1b, base | 0x400);
	GUEST_EQ(rdmsr(0x802), 0);
	GUEST_EQ(rdmsr(0x803) & 0xff, 0x14);
	wrmsr(0x80f, 0x1ff);
	GUEST_EQ(rdmsr(0x80f), 0x1ff);
	GUEST_EQ(rdmsr(0x80d), 1);		/* LDR of ID 0 */
	GUEST_EQ(try_wrmsr(0x80d, 1), 13);
	GUEST_EQ(try_wrmsr(0x802, 1), 13);
	GUEST_EQ(try_rdmsr(0x80e, &v), 13);	/* no DFR */
	GUEST_EQ(try_rdmsr(0x831, &v), 13);	/* no ICR2 */
	if (strict) {				/* KVM 6.1 lets these pass */
		GUEST_EQ(try_wrmsr(0x80b, 1), 13);	/* EOI takes 0 alone */
		GUEST_EQ(try_wrmsr(0x808, 0x100), 13);
	}
	wrmsr(0x83f, 0x50);			/* self IPI */
	window();
	GUEST_EQ(guest_irqs[0x50], 1);
	wrmsr(0x830, ICR_ASSERT | 0x51);	/* destination 0 in the upper half */
	window();
	GUEST_EQ(guest_irqs[0x51], 1);
	wrmsr(0x830, 9UL << 32 | ICR_ASSERT | 0x51);
	GUEST_EQ(rdmsr(0x830) >> 32, 9);
	window();
	GUEST_EQ(guest_irqs[0x51], 1);
	wrmsr(0x808, 0x60);
	GUEST_EQ(GUEST_READ_REG("cr8"), 6);
	wrmsr(0x83f, 0x50);
	GUEST_EQ(rdmsr(0x822) >> 16 & 1, 1);
	window();
	GUEST_EQ(guest_irqs[0x50], 1);
	wrmsr(0x808, 0);
	window();
	GUEST_EQ(guest_irqs[0x50], 2);
	wrmsr(0x83e, 0xb);
	wrmsr(0x832, 0x60);
	wrmsr(0x838, 100000);
	while (!guest_irqs[0x60])
		sti_hlt_cli();
	/* Back to xAPIC only by way of disabled. */
	GUEST_EQ(try_wrmsr(0x1b, base), 13);
	GUEST_EQ(try_wrmsr(0x1b, (base & ~0x800UL) | 0x400), 13);
	wrmsr(0x1b, base & ~0x800UL);
	GUEST_EQ(try_wrmsr(0x1b, base | 0x400), 13);
	wrmsr(0x1b, base);
	GUEST_EQ(apic_read(APIC_LVR) & 0xff, 0x14);
	guest_done();
}

static void x2apic(void)
{
	struct kt_vcpu *vcpu = lapic_guest(x2apic_guest);

	GV(vcpu->vm, strict) = kt_is_minikvm();
	KT_RUN_DONE(vcpu);
}

/* ---- from userspace ----------------------------------------------------------------------- */

static void msi_guest(void)
{
	count_vectors(0x70, 0x80);
	apic_enable();
	apic_write(APIC_LDR, 2U << 24);
	for (int i = 1; ; i++) {
		GUEST_SYNC(i);
		window();
	}
}

static int msi(struct kt_vcpu *vcpu, u32 address, u32 data)
{
	struct kvm_msi m = { .address_lo = address, .data = data };

	return KT_IOCTL(vcpu->vm->fd, KVM_SIGNAL_MSI, &m);
}

/* To a logical destination that no vCPU has: 0 here, EPERM from KVM 6.1. */
static void signal_no_vcpu(struct kt_vcpu *vcpu, u32 address, u32 data)
{
	struct kvm_msi m = { .address_lo = address, .data = data };
	int ret = ioctl(vcpu->vm->fd, KVM_SIGNAL_MSI, &m);

	KT_TRUE(ret == 0 || (ret == -1 && errno == EPERM && !kt_is_minikvm()));
}

static void signal_msi(void)
{
	struct kt_vcpu *vcpu = lapic_guest(msi_guest);
	struct kvm_msi bad = { .address_lo = 0xfee00000, .data = 0x70, .flags = 2 };

	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(msi(vcpu, 0xfee00000, 0x70), 1);
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(GV(vcpu->vm, guest_irqs)[0x70], 1);
	KT_EQ(msi(vcpu, 0xfee00000, 0x71), 1);
	KT_TRUE(msi(vcpu, 0xfee00000, 0x71) >= 0);	/* merged with the first */
	KT_EQ(msi(vcpu, 0xfee00000, 0x72), 1);
	KT_RUN_SYNC(vcpu, 3);
	KT_EQ(GV(vcpu->vm, guest_irqs)[0x71], 1);
	KT_EQ(GV(vcpu->vm, guest_irqs)[0x72], 1);
	KT_EQ(msi(vcpu, 0xfee00000 | 5 << 12, 0x73), 0);	/* no vCPU */
	msi(vcpu, 0xfee00000 | 2 << 12 | 4, 0x74);	/* logical */
	signal_no_vcpu(vcpu, 0xfee00000 | 1 << 12 | 4, 0x75);
	msi(vcpu, 0xfee00000 | 2 << 12 | 4, 0x100 | 0x76);	/* lowest priority */
	KT_RUN_SYNC(vcpu, 4);
	KT_EQ(GV(vcpu->vm, guest_irqs)[0x73], 0);
	KT_EQ(GV(vcpu->vm, guest_irqs)[0x74], 1);
	KT_EQ(GV(vcpu->vm, guest_irqs)[0x75], 0);
	KT_EQ(GV(vcpu->vm, guest_irqs)[0x76], 1);
	KT_IOCTL_ERR(vcpu->vm->fd, KVM_SIGNAL_MSI, &bad, EINVAL);
	KT_IOCTL_ERR(vcpu->vm->fd, KVM_SIGNAL_MSI, 0, EFAULT);
}

static void set_lapic_injects(void)
{
	struct kt_vcpu *vcpu = lapic_guest(msi_guest);
	struct kvm_lapic_state l;

	KT_RUN_SYNC(vcpu, 1);
	KT_IOCTL(vcpu->fd, KVM_GET_LAPIC, &l);
	KT_EQ(*(u32 *)(l.regs + APIC_SVR), 0x1ff);
	*(u32 *)(l.regs + APIC_IRR + 0x79 / 32 * 16) |= 1 << (0x79 % 32);
	KT_IOCTL(vcpu->fd, KVM_SET_LAPIC, &l);
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(GV(vcpu->vm, guest_irqs)[0x79], 1);
	KT_IOCTL(vcpu->fd, KVM_GET_LAPIC, &l);
	KT_EQ(*(u32 *)(l.regs + APIC_IRR + 0x79 / 32 * 16), 0);
	KT_EQ(*(u32 *)(l.regs + APIC_ISR + 0x79 / 32 * 16), 0);
}

static void nop_signal(int sig)
{
	(void)sig;
}

static void catch_alarm(void)
{
	struct sigaction sa = { .sa_handler = nop_signal };

	sigaction(SIGALRM, &sa, NULL);
}

static void nmi_by_user_guest(void)
{
	guest_handler[2] = guest_count;
	apic_enable();
	GUEST_SYNC(1);
	asm volatile("nop");
	GUEST_EQ(guest_irqs[2], 1);
	GUEST_SYNC(2);
	asm volatile("hlt");			/* IF is 0: an NMI alone wakes it */
	GUEST_EQ(guest_irqs[2], 2);
	guest_done();
}

static void nmi_by_user(void)
{
	struct kt_vcpu *vcpu = lapic_guest(nmi_by_user_guest);

	KT_RUN_SYNC(vcpu, 1);
	KT_IOCTL(vcpu->fd, KVM_NMI, 0);
	KT_RUN_SYNC(vcpu, 2);
	catch_alarm();
	ualarm(20000, 0);
	KT_EQ(kt_run_raw(vcpu), -1);
	KT_EQ(errno, EINTR);
	KT_IOCTL(vcpu->fd, KVM_NMI, 0);
	KT_RUN_DONE(vcpu);
}

/* ---- two processors ----------------------------------------------------------------------- */

static volatile u32 ap_alive, ap_stop;

asm(".text\n"
    "sipi_code: .code16\n"
    "	xor %ax, %ax\n"
    "	mov %ax, %ds\n"
    "	mov %cs, %ax\n"
    "	mov %ax, 0x5ffe\n"
    "	movw $0xbeef, 0x5ffc\n"
    "1:	hlt\n"
    "	jmp 1b\n"
    "sipi_code_end: .code64\n");
extern const u8 sipi_code[], sipi_code_end[];

static void sipi_guest(void)
{
	apic_enable();
	apic_write(APIC_ICR2, 1U << 24);
	apic_write(APIC_ICR, ICR_INIT | ICR_ASSERT);
	apic_write(APIC_ICR, ICR_SIPI | ICR_ASSERT | 0x08);
	apic_write(APIC_ICR, ICR_SIPI | ICR_ASSERT | 0x08);	/* the usual second one */
	sti();
	while (*(volatile u16 *)0x5ffc != 0xbeef)
		cpu_relax();
	GUEST_EQ(*(volatile u16 *)0x5ffe, 0x800);
	guest_done();
}

static void *ap_thread(void *arg)
{
	struct kt_vcpu *vcpu = arg;

	for (;;) {
		int ret = kt_run_raw(vcpu);

		if (ret && errno == EINTR && ap_stop)
			return NULL;
		if (ret && errno != EINTR && errno != EAGAIN)
			kt_fail("AP: KVM_RUN: %s", kt_errno_name(errno));
		if (!ret) {
			struct kt_ucall uc;

			if (kt_ucall(vcpu, &uc)) {
				KT_CHECK_GUEST(vcpu, &uc);
				if (uc.cmd == UC_DONE)
					return NULL;
			} else {
				kt_dump(vcpu);
				kt_fail("the AP stops");
			}
		}
	}
}

static void stop_ap(struct kt_vcpu *ap, pthread_t t)
{
	ap_stop = 1;
	ap->run->immediate_exit = 1;
	pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
}

static struct kt_vcpu *two_vcpus(void (*bsp)(void), struct kt_vcpu **ap)
{
	struct sigaction sa = { .sa_handler = nop_signal };
	struct kt_vcpu *vcpu = lapic_guest(bsp);

	sigaction(SIGUSR1, &sa, NULL);
	*ap = kt_vcpu_new(vcpu->vm, 1);
	return vcpu;
}

static void init_sipi(void)
{
	struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_UNINITIALIZED };
	struct kt_vcpu *ap, *vcpu = two_vcpus(sipi_guest, &ap);
	struct kvm_sregs s;
	pthread_t t;

	memcpy(vcpu->vm->mem + 0x8000, sipi_code, sipi_code_end - sipi_code);
	KT_IOCTL(ap->fd, KVM_SET_MP_STATE, &mp);
	pthread_create(&t, NULL, ap_thread, ap);
	KT_RUN_DONE(vcpu);
	stop_ap(ap, t);
	kt_get_sregs(ap, &s);
	KT_EQ(s.cs.selector, 0x800);
	KT_EQ(s.cs.base, 0x8000);
	KT_EQ(s.cr0 & 1, 0);
}

static void pong_guest(void)
{
	count_vectors(0x50, 0x52);
	apic_enable();
	ap_alive = 1;
	for (;;) {
		u32 seen = guest_irqs[0x50];

		while (guest_irqs[0x50] == seen)
			sti_hlt_cli();
		apic_write(APIC_ICR2, 0);
		apic_write(APIC_ICR, ICR_ASSERT | 0x51);
		if (guest_irqs[0x50] >= 100)
			guest_done();
	}
}

static void ping_guest(void)
{
	count_vectors(0x50, 0x52);
	apic_enable();
	sti();
	while (!ap_alive)
		cpu_relax();
	cli();
	for (u32 i = 0; i < 100; i++) {
		if (i & 1) {
			apic_write(APIC_ICR, ICR_OTHERS | ICR_ASSERT | 0x50);
		} else {
			apic_write(APIC_ICR2, 1U << 24);
			apic_write(APIC_ICR, ICR_ASSERT | 0x50);
		}
		while (guest_irqs[0x51] == i)
			sti_hlt_cli();
	}
	guest_done();
}

static void ipi_between_vcpus(void)
{
	struct kt_vcpu *ap, *vcpu = two_vcpus(ping_guest, &ap);
	pthread_t t;

	kt_vcpu_long(ap, pong_guest);
	pthread_create(&t, NULL, ap_thread, ap);
	KT_RUN_DONE(vcpu);
	pthread_join(t, NULL);
	KT_EQ(GV(vcpu->vm, guest_irqs)[0x50], 100);
}

/* An interrupt for a vCPU that runs guest code, not a halted one. */
static void spin_guest(void)
{
	guest_handler[0x50] = guest_count_eoi;
	apic_enable();
	ap_alive = 1;
	sti();
	while (guest_irqs[0x50] < 50)
		cpu_relax();
	cli();
	guest_done();
}

static void interrupt_running_vcpu(void)
{
	struct kt_vcpu *ap, *vcpu = two_vcpus(guest_done, &ap);
	pthread_t t;

	kt_vcpu_long(ap, spin_guest);
	pthread_create(&t, NULL, ap_thread, ap);
	while (!GV(vcpu->vm, ap_alive))
		kt_msleep(1);
	for (u32 i = 0; i < 50; i++) {
		KT_EQ(msi(vcpu, 0xfee00000 | 1 << 12, 0x50), 1);
		while (GV(vcpu->vm, guest_irqs)[0x50] == i)
			kt_msleep(1);
	}
	pthread_join(t, NULL);
}

static const struct kt_test tests[] = {
	{ "registers", registers },
	{ "ipi_to_self", ipi_to_self },
	{ "priority", priority },
	{ "task_priority", task_priority },
	{ "nested_interrupts", nested_interrupts },
	{ "software_disabled", software_disabled },
	{ "nmi_masked_until_iret", nmi_masked_until_iret },
	{ "interrupt_shadows", interrupt_shadows },
	{ "delivery_on_unmapped_stack", delivery_on_unmapped_stack },
	{ "timer_one_shot", timer_one_shot },
	{ "timer_periodic", timer_periodic },
	{ "timer_tsc_deadline", timer_tsc_deadline },
	{ "x2apic", x2apic },
	{ "signal_msi", signal_msi },
	{ "set_lapic_injects", set_lapic_injects },
	{ "nmi_by_user", nmi_by_user },
	{ "init_sipi", init_sipi },
	{ "ipi_between_vcpus", ipi_between_vcpus },
	{ "interrupt_running_vcpu", interrupt_running_vcpu },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
