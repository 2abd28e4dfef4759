// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtualized APIC: the APIC-access page that the vCPUs of a VM share, or must not share; what
 * exits with APICv (the module's apicv=1) and without; posted interrupts to vCPUs that run, halt
 * and move. SDM volume 3, "APIC Virtualization and Virtual Interrupts". Relies on lib/; the guests
 * keep RFLAGS.IF set while an interrupt of theirs is pending, because of Bochs (lab.rst).
 */
#include <pthread.h>
#include <sched.h>

#include <linux/minikvm.h>

#include "apic.h"

#define VECTOR 0x61
#define MSR_APIC_BASE 0x1b
#define APIC_BASE_X2 0xc00UL
#define OTHER_BASE 0xfed00000UL

static u32 done_irqs;

/* Uses its xAPIC page in every way, then again and again when it is told to. */
static void xapic_guest(void)
{
	guest_handler[VECTOR] = guest_count_eoi;
	apic_enable();
	sti();
	for (u64 stage = 1;; stage++) {
		u32 before = guest_irqs[VECTOR];

		apic_write(APIC_TPR, 0x10 + stage);
		GUEST_EQ(apic_read(APIC_TPR), 0x10 + stage);
		apic_write(APIC_LVT1, 0x10000 + 0x20 + stage);
		GUEST_EQ(apic_read(APIC_LVT1), 0x10000 + 0x20 + stage);
		self_ipi(VECTOR);
		while (guest_irqs[VECTOR] == before)
			cpu_relax();
		GUEST_EQ(apic_bit(APIC_ISR, VECTOR), 0);
		done_irqs = guest_irqs[VECTOR];
		GUEST_SYNC(stage);
	}
}

/* In x2APIC mode there is no page: what its address reads as is KVM's to choose, ones. */
static void x2apic_guest(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2);
	wrmsr(0x80f, 0x1ff);
	for (u64 stage = 1;; stage++) {
		GUEST_EQ(rd32(APIC_BASE + APIC_LVR), 0xffffffff);
		GUEST_EQ(rd32(APIC_BASE + APIC_TPR), 0xffffffff);
		wr32(APIC_BASE + APIC_TPR, 0x77);
		GUEST_EQ(rdmsr(0x808), 0);
		GUEST_SYNC(stage);
	}
}

/* The page is elsewhere, and where it was userspace has a device. */
static void moved_guest(void)
{
	u32 version = apic_read(APIC_LVR);

	wrmsr(MSR_APIC_BASE, OTHER_BASE | (rdmsr(MSR_APIC_BASE) & 0xfff));
	for (u64 stage = 1;; stage++) {
		GUEST_EQ(rd32(OTHER_BASE + APIC_LVR), version);
		wr32(OTHER_BASE + APIC_TPR, 0x30 + stage);
		GUEST_EQ(rd32(OTHER_BASE + APIC_TPR), 0x30 + stage);
		GUEST_EQ(rd32(APIC_BASE + APIC_LVR), 0x12345678);
		GUEST_SYNC(stage);
	}
}

static struct kt_vcpu *second(struct kt_vm *vm, void (*fn)(void))
{
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 1);

	kt_cpuid_entry(c, 1, 0)->ecx |= BIT(21);
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	free(c);
	kt_vcpu_long(vcpu, fn);
	KT_IOCTL(vcpu->fd, KVM_SET_MP_STATE, &state);
	return vcpu;
}

static void page_and_x2apic(void)
{
	struct kt_vcpu *x = kt_long(0, KT_IRQCHIP, xapic_guest);
	struct kt_vcpu *x2 = second(x->vm, x2apic_guest);

	for (u64 stage = 1; stage < 5; stage++) {
		KT_RUN_SYNC(x, stage);
		KT_EQ(GV(x->vm, done_irqs), stage);
		KT_RUN_SYNC(x2, stage);
	}
}

static void page_and_moved_base(void)
{
	struct kt_vcpu *x = kt_long(0, KT_IRQCHIP, xapic_guest);
	struct kt_vcpu *moved = second(x->vm, moved_guest);

	for (u64 stage = 1; stage < 5; stage++) {
		KT_RUN_SYNC(x, stage);
		KT_EQ(GV(x->vm, done_irqs), stage);
		KT_RUN_EXIT(moved, KVM_EXIT_MMIO);
		KT_EQ(moved->run->mmio.phys_addr, APIC_BASE + APIC_LVR);
		KT_EQ(moved->run->mmio.is_write, 0);
		*(u32 *)moved->run->mmio.data = 0x12345678;
		KT_RUN_SYNC(moved, stage);
	}
}

/* ---- what exits, and what does not -------------------------------------------------------- */

#define ROUNDS 200
#define EXIT_EXCEPTION_NMI 0		/* basic exit reasons that the host causes */
#define EXIT_EXTERNAL_INTERRUPT 1
#define EXIT_PREEMPTION_TIMER 52

/* A vCPU's exits so far, from its file in debugfs: those that its guest caused, and interrupts. */
struct exits {
	u64 own, interrupts;
};

static struct exits exits_of(struct kt_vcpu *vcpu)
{
	u64 counts[KT_EXIT_REASONS];
	struct exits sum = { };

	KT_TRUE(kt_exit_counts(vcpu, counts));
	for (u32 i = 0; i < KT_EXIT_REASONS; i++)
		if (i == EXIT_EXTERNAL_INTERRUPT)
			sum.interrupts += counts[i];
		else if (i != EXIT_EXCEPTION_NMI && i != EXIT_PREEMPTION_TIMER)
			sum.own += counts[i];
	return sum;
}

/* Run from one UC_SYNC to the next, whose OUT is one exit: with APICv the only one. */
static u64 run_counted(struct kt_vcpu *vcpu, u64 stage, u64 exits_without)
{
	u64 before, exits, value;

	before = exits_of(vcpu).own;
	value = KT_RUN_SYNC(vcpu, stage);
	exits = exits_of(vcpu).own - before;
	if (kt_apicv())
		KT_EQ(exits, 1);
	else if (exits < exits_without)
		kt_fail("%llu exits without APICv, at least %llu expected",
			(unsigned long long)exits, (unsigned long long)exits_without);
	return value;
}

static void need_minikvm(void)
{
	if (!kt_is_minikvm())
		kt_skip("counts exits as minikvm tells them");
}

static struct kt_vcpu *with_x2apic(struct kt_vcpu *vcpu)
{
	struct kvm_cpuid2 *c = kt_supported_cpuid();

	kt_cpuid_entry(c, 1, 0)->ecx |= BIT(21);
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	free(c);
	return vcpu;
}

static void x2apic_on(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2);
	wrmsr(0x80f, 0x1ff);
}

static void x2apic_self(void)
{
	wrmsr(0x83f, VECTOR);
}

/* Of all that is shown below the first time is not counted: EPT, and what is learned by then. */
static void x2apic_quiet_guest(void)
{
	guest_handler[VECTOR] = guest_count_x2eoi;
	x2apic_on();
	sti();
	x2apic_self();
	GUEST_SYNC(1);
	for (u32 i = 0; i < ROUNDS; i++)
		x2apic_self();
	GUEST_SYNC_VAL(2, guest_irqs[VECTOR]);
	/* Held back by TPR, let in by TPR. */
	for (u32 i = 0; i < ROUNDS; i++) {
		u32 before = guest_irqs[VECTOR];

		wrmsr(0x808, 0x70);
		x2apic_self();
		GUEST_EQ(guest_irqs[VECTOR], before);
		GUEST_EQ(rdmsr(0x808), 0x70);
		wrmsr(0x808, i & 0x50);
		GUEST_EQ(guest_irqs[VECTOR], before + 1);
	}
	GUEST_SYNC_VAL(3, guest_irqs[VECTOR]);
	for (u32 i = 0; i < ROUNDS; i++) {
		GUEST_EQ(rdmsr(0x802), 0);
		GUEST_EQ(rdmsr(0x80f), 0x1ff);
		GUEST_EQ(rdmsr(0x830), 0);
	}
	GUEST_SYNC(4);
	guest_done();
}

static void x2apic_without_exits(void)
{
	struct kt_vcpu *vcpu;

	need_minikvm();
	vcpu = with_x2apic(kt_long(0, KT_IRQCHIP, x2apic_quiet_guest));
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(run_counted(vcpu, 2, 2 * ROUNDS), ROUNDS + 1);
	KT_EQ(run_counted(vcpu, 3, 2 * ROUNDS), 2 * ROUNDS + 1);
	run_counted(vcpu, 4, 3 * ROUNDS);
	KT_RUN_DONE(vcpu);
}

static void xapic_round(void)
{
	u32 before = guest_irqs[VECTOR];

	apic_write(APIC_TPR, 0x70);
	self_ipi(VECTOR);
	GUEST_EQ(guest_irqs[VECTOR], before);
	GUEST_EQ(apic_read(APIC_LVT1), 0x10000);
	GUEST_EQ(apic_read(APIC_TPR), 0x70);
	apic_write(APIC_TPR, 0);
	while (guest_irqs[VECTOR] == before)
		cpu_relax();
}

static void xapic_quiet_guest(void)
{
	guest_handler[VECTOR] = guest_count_eoi;
	apic_enable();
	sti();
	xapic_round();
	GUEST_SYNC(1);
	for (u32 i = 0; i < ROUNDS; i++)
		xapic_round();
	GUEST_SYNC_VAL(2, guest_irqs[VECTOR]);
	guest_done();
}

static void xapic_without_exits(void)
{
	struct kt_vcpu *vcpu;

	need_minikvm();
	vcpu = kt_long(0, KT_IRQCHIP, xapic_quiet_guest);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(run_counted(vcpu, 2, 3 * ROUNDS), ROUNDS + 1);
	KT_RUN_DONE(vcpu);
}

/* ---- interrupts that others send ---------------------------------------------------------- */

/* Spins, halts, or does both by turns, until it had ROUNDS interrupts. */
static void wait_for_rounds(bool halt, bool spin)
{
	x2apic_on();
	guest_handler[VECTOR] = guest_count_x2eoi;
	/* What a notification without a request is to Bochs (lab.rst). */
	guest_handler[255] = guest_count_x2eoi;
	sti();
	x2apic_self();
	GUEST_SYNC(1);
	for (u32 last = 1; last <= ROUNDS; last = guest_irqs[VECTOR]) {
		cli();
		if (guest_irqs[VECTOR] != last)
			sti();
		else if (halt && (!spin || last & 1))
			asm volatile("sti; hlt" : : : "memory");
		else
			/* PAUSE would exit, in loops (PLE). */
			for (sti(); guest_irqs[VECTOR] == last;)
				;
	}
	GUEST_SYNC_VAL(2, guest_irqs[VECTOR]);
	guest_done();
}

static void spinning_guest(void)
{
	wait_for_rounds(false, true);
}

static void halting_guest(void)
{
	wait_for_rounds(true, false);
}

static void moody_guest(void)
{
	wait_for_rounds(true, true);
}

static void *run_to_stage_2(void *arg)
{
	struct kt_vcpu *vcpu = arg;

	KT_EQ(KT_RUN_SYNC(vcpu, 2), ROUNDS + 1);
	return NULL;
}

static void by_message(struct kt_vm *vm)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };

	KT_IOCTL(vm->fd, KVM_SIGNAL_MSI, &msi);
}

/* As VT-d would: nothing but the descriptor and the notification that it names. */
static void by_device(struct kt_vm *vm)
{
	struct minikvm_post post = { .vcpu = 0, .vector = VECTOR };

	KT_IOCTL(vm->fd, MINIKVM_VM_POST_INTERRUPT, &post);
}

static void on_cpu(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	KT_EQ(pthread_setaffinity_np(thread, sizeof(set), &set), 0);
}

/*
 * ROUNDS interrupts, each after the guest has had the last one: a lost one is a hang. @move takes
 * the vCPU's thread to another CPU now and then. Returns the vCPU's exits meanwhile.
 */
static struct exits send_rounds(void (*guest)(void), void (*send)(struct kt_vm *vm), bool move)
{
	struct kt_vcpu *vcpu = with_x2apic(kt_long(0, KT_IRQCHIP, guest));
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct exits before, after;
	pthread_t thread;

	KT_RUN_SYNC(vcpu, 1);
	before = exits_of(vcpu);
	KT_EQ(pthread_create(&thread, NULL, run_to_stage_2, vcpu), 0);
	if (cpus > 1) {
		on_cpu(pthread_self(), 0);
		on_cpu(thread, 1);
	}
	for (u32 i = 1; i <= ROUNDS; i++) {
		if (move && cpus > 1 && !(i % 4))
			on_cpu(thread, i / 4 % 2);
		send(vcpu->vm);
		while (GV(vcpu->vm, guest_irqs[VECTOR]) != i + 1)
			sched_yield();
	}
	KT_EQ(pthread_join(thread, NULL), 0);
	after = exits_of(vcpu);
	return (struct exits){ after.own - before.own, after.interrupts - before.interrupts };
}

/* What the guest is to have seen of its interrupts: its UC_SYNC alone. */
static void want_no_exits(struct exits exits)
{
	kt_note("%llu exits by interrupts", (unsigned long long)exits.interrupts);
	KT_EQ(exits.own, 1);
	/* On one CPU the sender itself is what interrupts the guest. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		KT_TRUE(exits.interrupts < ROUNDS / 2);
}

static void need_posting(void)
{
	need_minikvm();
	if (!kt_apicv())
		kt_skip("a module that was told to use APICv");
}

static void message_to_running(void)
{
	struct exits exits;

	need_minikvm();
	exits = send_rounds(spinning_guest, by_message, false);
	if (kt_apicv()) {
		want_no_exits(exits);
		return;
	}
	KT_TRUE(exits.own >= ROUNDS);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		KT_TRUE(exits.interrupts >= ROUNDS / 2);
}

static void message_to_halted(void)
{
	need_minikvm();
	send_rounds(halting_guest, by_message, false);
}

static void message_while_moved(void)
{
	need_minikvm();
	send_rounds(moody_guest, by_message, true);
}

static void device_to_running(void)
{
	need_posting();
	want_no_exits(send_rounds(spinning_guest, by_device, false));
}

static void device_to_halted(void)
{
	need_posting();
	send_rounds(halting_guest, by_device, false);
}

static void device_while_moved(void)
{
	need_posting();
	send_rounds(moody_guest, by_device, true);
}

#define PIN 20		/* no 8259 has it */

static volatile u32 stop;

static void level_guest(void)
{
	guest_handler[VECTOR] = guest_count_eoi;
	apic_enable();
	ioapic_rte(PIN, RTE_LEVEL | VECTOR, 0);
	GUEST_SYNC(1);
	for (sti(); !stop;)
		cpu_relax();
	cli();
	GUEST_SYNC(2);
	guest_done();
}

static void *run_until_stopped(void *vcpu)
{
	KT_RUN_SYNC(vcpu, 2);
	return NULL;
}

static void line(struct kt_vm *vm, u32 level)
{
	struct kvm_irq_level irq = { .irq = PIN, .level = level };

	KT_IOCTL(vm->fd, KVM_IRQ_LINE, &irq);
}

/* If an EOI were not heard, the next edge of the line would be for nothing. */
static void level_triggered(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, level_guest);
	pthread_t thread;
	u32 before;

	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(pthread_create(&thread, NULL, run_until_stopped, vcpu), 0);
	for (u32 i = 0; i < ROUNDS; i++) {
		before = GV(vcpu->vm, guest_irqs[VECTOR]);
		line(vcpu->vm, 1);
		while (GV(vcpu->vm, guest_irqs[VECTOR]) == before)
			sched_yield();
		line(vcpu->vm, 0);
	}
	GV(vcpu->vm, stop) = 1;
	KT_EQ(pthread_join(thread, NULL), 0);
}

/* Takes three interrupts that another VM was sent. */
static void saved_guest(void)
{
	guest_handler[VECTOR] = guest_count_eoi;
	guest_handler[VECTOR + 0x20] = guest_count_eoi;
	guest_handler[VECTOR + 0x21] = guest_count_eoi;
	GUEST_SYNC(1);
	sti_nop();
	while (!guest_irqs[VECTOR])
		cpu_relax();
	cli();
	GUEST_SYNC_VAL(2, guest_irqs[VECTOR] + guest_irqs[VECTOR + 0x20] +
		       guest_irqs[VECTOR + 0x21]);
	guest_done();
}

static void put_reg(struct kvm_lapic_state *s, u32 reg, u32 value)
{
	memcpy(s->regs + reg, &value, sizeof(value));
}

static u32 get_reg(const struct kvm_lapic_state *s, u32 reg)
{
	u32 value;

	memcpy(&value, s->regs + reg, sizeof(value));
	return value;
}

static void saved_while_posted(void)
{
	struct kt_vcpu *from = kt_long(0, KT_IRQCHIP, guest_done);
	struct kt_vcpu *to = kt_long(0, KT_IRQCHIP, saved_guest);
	const u32 vectors[] = { VECTOR + 0x21, VECTOR, VECTOR + 0x20 };
	struct kvm_msi msi = { .address_lo = 0xfee00000 };
	struct kvm_lapic_state s;

	KT_IOCTL(from->fd, KVM_GET_LAPIC, &s);
	put_reg(&s, APIC_SVR, 0x1ff);
	KT_IOCTL(from->fd, KVM_SET_LAPIC, &s);
	for (u32 i = 0; i < 3; i++) {
		msi.data = vectors[i];
		KT_EQ(KT_IOCTL(from->vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	}
	KT_IOCTL(from->fd, KVM_GET_LAPIC, &s);
	KT_EQ(get_reg(&s, APIC_IRR + VECTOR / 32 * 16), 1U << VECTOR % 32);
	KT_EQ(get_reg(&s, APIC_IRR + (VECTOR / 32 + 1) * 16), 3U << VECTOR % 32);
	KT_RUN_SYNC(to, 1);
	KT_IOCTL(to->fd, KVM_SET_LAPIC, &s);
	KT_EQ(KT_RUN_SYNC(to, 2), 3);
	KT_IOCTL(to->fd, KVM_GET_LAPIC, &s);
	KT_EQ(get_reg(&s, APIC_IRR + VECTOR / 32 * 16), 0);
	KT_EQ(get_reg(&s, APIC_ISR + VECTOR / 32 * 16), 0);
	KT_RUN_DONE(to);
}

static const struct kt_test tests[] = {
	{ "page_and_x2apic", page_and_x2apic },
	{ "page_and_moved_base", page_and_moved_base },
	{ "x2apic_without_exits", x2apic_without_exits },
	{ "xapic_without_exits", xapic_without_exits },
	{ "message_to_running", message_to_running },
	{ "message_to_halted", message_to_halted },
	{ "message_while_moved", message_while_moved },
	{ "device_to_running", device_to_running },
	{ "device_to_halted", device_to_halted },
	{ "device_while_moved", device_while_moved },
	{ "level_triggered", level_triggered },
	{ "saved_while_posted", saved_while_posted },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
