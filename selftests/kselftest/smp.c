// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many vCPUs: start by INIT and SIPI from real mode, a storm of IPIs, TLB shootdown, parallel
 * EPT faults, a lock that is handed round by spinning (PAUSE-loop exiting, directed yield), and
 * KVM's hypercalls for IPIs, wake-up and yielding. From 1 to 64 vCPUs on however many CPUs the
 * host has. SDM volume 3, "Multiple-Processor Initialization", "Propagation of Paging-Structure
 * Changes to Multiple Processors". Relies on lib/.
 */
#include <pthread.h>
#include <signal.h>

#include "apic.h"

#define MAX_CPUS 64
#define PING 0x60
#define SHOOT 0x61
#define SMP_MEM (32UL << 20)
#define FAULT_AREA (16UL << 20)		/* not touched before */

#define DESCRIPTORS 0x8f00UL
#define SHARED (KT_TEST_AREA + 0x4000)

/* Real mode to 64-bit mode in one step, with the tables that the boot processor uses. */
asm(".code16\n"
    ".globl ap_real, ap_real_end\n"
    "ap_real:\n\t"
    "cli\n\t"
    "xorw %ax, %ax\n\t"
    "movw %ax, %ds\n\t"
    "lgdtl 0x8f00\n\t"
    "movl $0x620, %eax\n\t"
    "movl %eax, %cr4\n\t"
    "movl $0x10000, %eax\n\t"
    "movl %eax, %cr3\n\t"
    "movl $0xc0000080, %ecx\n\t"
    "movl $0x901, %eax\n\t"
    "xorl %edx, %edx\n\t"
    "wrmsr\n\t"
    "movl $0x80010033, %eax\n\t"
    "movl %eax, %cr0\n\t"
    "ljmpl $0x08, $ap_long\n"
    "ap_real_end:\n"
    ".code64\n"
    ".globl ap_long\n"
    "ap_long:\n\t"
    "movl $0x10, %eax\n\t"
    "movl %eax, %ds\n\t"
    "movl %eax, %es\n\t"
    "movl %eax, %ss\n\t"
    "lidt 0x8f10\n\t"
    "movl $1, %eax\n\t"
    "lock xaddl %eax, ap_ticket\n\t"
    "movl %eax, %edi\n\t"
    "incl %eax\n\t"
    "imull $0x4000, %eax, %eax\n\t"
    "leaq 0x300000(%rax), %rsp\n\t"
    "xorl %ebp, %ebp\n\t"
    "call ap_main\n\t"
    "hlt\n");

extern const u8 ap_real[], ap_real_end[];
u32 ap_ticket;
void ap_main(u32 ticket);

static volatile u32 nr_cpus, online, phase, done, acked, turn;
static volatile u32 pings[MAX_CPUS], seen[MAX_CPUS];

static u32 my_id(void)
{
	return apic_read(APIC_ID) >> 24;
}

static void send_to(u32 id, u32 icr)
{
	apic_write(APIC_ICR2, id << 24);
	apic_write(APIC_ICR, ICR_ASSERT | icr);
}

static void add(volatile u32 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static void wait_for(volatile u32 *counter, u32 value)
{
	while (*counter < value)
		cpu_relax();
}

static void on_ping(struct gframe *f)
{
	(void)f;
	add(&pings[my_id()]);
	apic_write(APIC_EOI, 0);
}

static void on_shoot(struct gframe *f)
{
	(void)f;
	flush_page(SHARED);
	add(&acked);
	apic_write(APIC_EOI, 0);
}

/* ---- what each processor does in each phase ----------------------------------------------- */

#define ROUNDS 10

/* A wave that goes round the ring: each waits in HLT for his predecessor, then wakes the next. */
static void storm(u32 id)
{
	u32 next = (id + 1) % nr_cpus;

	for (u32 i = 1; i <= ROUNDS; i++) {
		if (id == 0)
			send_to(next, PING);
		while (pings[id] < i)
			sti_hlt_cli();
		if (id)
			send_to(next, PING);
	}
}

/* All to all at once. */
static void broadcast(u32 id)
{
	u32 before = ROUNDS;

	(void)id;
	apic_write(APIC_ICR, ICR_OTHERS | ICR_ASSERT | PING);
	/* They may merge, but none gets none. */
	while (nr_cpus > 1 && pings[id] == before)
		sti_hlt_cli();
}

static void shootdown(u32 id)
{
	volatile u32 *value = (void *)SHARED;

	if (id) {
		for (u32 i = 0; i < ROUNDS; i++) {
			u32 n = i & 1 ? 0x2222 : 0x1111;

			/* The answer comes in the handler; then all must see the new page. */
			while (acked < (i + 1) * (nr_cpus - 1))
				window();
			if (*value != n)
				guest_ucall(UC_ASSERT, __LINE__, *value, n);
			add(&seen[0]);
			while (seen[0] < (i + 1) * (nr_cpus - 1))
				cpu_relax();
		}
		return;
	}
	for (u32 i = 0; i < ROUNDS; i++) {
		*guest_pte(SHARED) = (SHARED + 0x1000 + (i & 1) * 0x1000) | 7;
		flush_page(SHARED);
		apic_write(APIC_ICR, ICR_OTHERS | ICR_ASSERT | SHOOT);
		wait_for(&seen[0], (i + 1) * (nr_cpus - 1));
	}
}

#define PAGES_EACH 16

static void faults(u32 id)
{
	u64 base = FAULT_AREA + id * PAGES_EACH * 4096UL;

	/* Everyone also touches one page that all touch. */
	add((volatile u32 *)(FAULT_AREA + MAX_CPUS * PAGES_EACH * 4096UL));
	for (u32 i = 0; i < PAGES_EACH; i++) {
		GUEST_EQ(rd32(base + i * 4096), 0);
		wr32(base + i * 4096, id * 1000 + i);
	}
	for (u32 i = 0; i < PAGES_EACH; i++)
		GUEST_EQ(rd32(base + i * 4096), id * 1000 + i);
}

static void spin_relay(u32 id)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		while (turn != i * nr_cpus + id)
			cpu_relax();
		turn++;
	}
}

static void (*const phases[])(u32 id) = { storm, broadcast, shootdown, faults, spin_relay };

static void all_phases(u32 id)
{
	for (u32 p = 0; p < KT_ARRAY_SIZE(phases); p++) {
		/* Halted, so that those who still work have the CPUs. */
		if (id)
			wait_for(&phase, p + 1);
		phases[p](id);
		add(&done);
		if (id)
			continue;
		wait_for(&done, (p + 1) * nr_cpus);
		GUEST_SYNC(p + 1);
		phase = p + 2;
	}
}

void ap_main(u32 ticket)
{
	(void)ticket;
	apic_enable();
	add(&online);
	all_phases(my_id());
	for (;;)
		hlt();
}

static void bsp_main(void)
{
	guest_handler[PING] = on_ping;
	guest_handler[SHOOT] = on_shoot;
	wr32(SHARED + 0x1000, 0x1111);
	wr32(SHARED + 0x2000, 0x2222);
	apic_enable();
	apic_write(APIC_ICR, ICR_OTHERS | ICR_INIT | ICR_ASSERT);
	apic_write(APIC_ICR, ICR_OTHERS | ICR_SIPI | ICR_ASSERT | KT_REAL_CODE >> 12);
	/* A second one, as real firmware sends it: it must change nothing. */
	apic_write(APIC_ICR, ICR_OTHERS | ICR_SIPI | ICR_ASSERT | KT_REAL_CODE >> 12);
	wait_for(&online, nr_cpus - 1);
	GUEST_SYNC(0);
	phase = 1;
	all_phases(0);
	guest_done();
}

/* ---- the host's side ---------------------------------------------------------------------- */

static volatile bool over;

static void no_op(int sig)
{
	(void)sig;
}

/* An AP has nothing to say: all that comes back is a signal, or what it found wrong. */
static void *ap_thread(void *arg)
{
	struct kt_vcpu *ap = arg;
	struct kt_ucall uc;

	while (!over) {
		if (kt_run_raw(ap)) {
			if (errno != EINTR && errno != EAGAIN)
				kt_fail("AP %d: KVM_RUN: %s", ap->id, kt_errno_name(errno));
			continue;
		}
		if (kt_ucall(ap, &uc))
			KT_CHECK_GUEST(ap, &uc);
		kt_dump(ap);
		kt_fail("AP %d left the guest", ap->id);
	}
	return NULL;
}

static struct kt_vcpu *ap_new(struct kt_vm *vm, int id)
{
	struct kt_vcpu *ap = calloc(1, sizeof(*ap));
	struct kvm_cpuid2 *c = kt_supported_cpuid();

	ap->vm = vm;
	ap->id = id;
	ap->fd = KT_IOCTL(vm->fd, KVM_CREATE_VCPU, id);
	ap->run_size = KT_IOCTL(kt_sys(), KVM_GET_VCPU_MMAP_SIZE, 0);
	ap->run = mmap(NULL, ap->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, ap->fd, 0);
	KT_TRUE(ap->run != MAP_FAILED);
	kt_cpuid_entry(c, 1, 0)->ebx &= 0xffffff;
	kt_cpuid_entry(c, 1, 0)->ebx |= (u32)id << 24;
	KT_IOCTL(ap->fd, KVM_SET_CPUID2, c);
	free(c);
	return ap;
}

static void put_descriptor(struct kt_vm *vm, u64 at, u16 limit, u64 base)
{
	memcpy(kt_g2h(vm, at), &limit, sizeof(limit));
	memcpy(kt_g2h(vm, at + 2), &base, sizeof(base));
}

static void run_smp(u32 n)
{
	struct kt_vm *vm = kt_vm_new(SMP_MEM, KT_IRQCHIP);
	struct kt_vcpu *bsp = kt_vcpu_new(vm, 0), *ap[MAX_CPUS];
	struct sigaction sa = { .sa_handler = no_op };
	pthread_t thread[MAX_CPUS];

	sigaction(SIGUSR1, &sa, NULL);
	kt_vcpu_long(bsp, bsp_main);
	memcpy(kt_g2h(vm, KT_REAL_CODE), ap_real, ap_real_end - ap_real);
	put_descriptor(vm, DESCRIPTORS, 0x3ff, KT_GDT);
	put_descriptor(vm, DESCRIPTORS + 0x10, 0xfff, KT_IDT);
	GV(vm, nr_cpus) = n;
	for (u32 i = 1; i < n; i++) {
		ap[i] = ap_new(vm, i);
		KT_TRUE(!pthread_create(&thread[i], NULL, ap_thread, ap[i]));
	}
	for (u32 p = 0; p <= KT_ARRAY_SIZE(phases); p++)
		KT_RUN_SYNC(bsp, p);
	KT_RUN_DONE(bsp);
	KT_EQ(GV(vm, online), n - 1);
	KT_EQ(GV(vm, turn), n * ROUNDS);
	KT_EQ(*(u32 *)kt_g2h(vm, FAULT_AREA + MAX_CPUS * PAGES_EACH * 4096UL), n);
	over = true;
	/* A signal that hits just before KVM_RUN would be lost; immediate_exit is not. */
	for (u32 i = 1; i < n; i++) {
		ap[i]->run->immediate_exit = 1;
		pthread_kill(thread[i], SIGUSR1);
		pthread_join(thread[i], NULL);
	}
}

static void cpus_1(void)
{
	run_smp(1);
}

static void cpus_2(void)
{
	run_smp(2);
}

static void cpus_5(void)
{
	run_smp(5);
}

static void cpus_16(void)
{
	run_smp(16);
}

static void cpus_64(void)
{
	run_smp(64);
}

/* ---- hypercalls --------------------------------------------------------------------------- */

static u64 vmcall(u64 nr, u64 a, u64 b, u64 c, u64 d)
{
	asm volatile("vmcall" : "+a"(nr) : "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
	return nr;
}

#define HC_KICK_CPU 5
#define HC_SEND_IPI 10
#define HC_SCHED_YIELD 11

static volatile u32 woken;

static void sleeper(void)
{
	guest_handler[PING] = on_ping;
	apic_enable();
	add(&online);
	/* Interrupts are off: only a kick ends it. */
	hlt();
	woken = 1;
	while (pings[1] < 3)
		sti_hlt_cli();
	add(&done);
	for (;;)
		hlt();
}

static void caller(void)
{
	guest_handler[PING] = on_ping;
	apic_enable();
	wait_for(&online, 1);
	GUEST_EQ(vmcall(HC_SCHED_YIELD, 1, 0, 0, 0), 0);
	GUEST_EQ(vmcall(HC_SCHED_YIELD, 77, 0, 0, 0), 0);
	GUEST_EQ(vmcall(HC_KICK_CPU, 0, 1, 0, 0), 0);
	wait_for(&woken, 1);
	for (u32 i = 1; i <= 3; i++) {
		/* APIC IDs 0 and 1, the others do not exist. */
		GUEST_EQ(vmcall(HC_SEND_IPI, 0xf, 1, 0, PING), 2);
		wait_for(&pings[1], i);
		sti_nop();
		cli();
		GUEST_EQ(pings[0], i);
	}
	GUEST_EQ(vmcall(HC_SEND_IPI, 2, 0, 0, PING | ICR_INIT), -22UL);
	GUEST_EQ(vmcall(999, 0, 0, 0, 0), -1000UL);
	wait_for(&done, 1);
	guest_done();
}

static void hypercalls(void)
{
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct sigaction sa = { .sa_handler = no_op };
	struct kt_vcpu *vcpu, *other;
	pthread_t t;

	if ((kt_cpuid_entry(c, 0x40000001, 0)->eax & 0x2880) != 0x2880)
		kt_skip("PV unhalt, IPI or yield is not offered");
	sigaction(SIGUSR1, &sa, NULL);
	vcpu = kt_long(0, KT_IRQCHIP, caller);
	other = kt_vcpu_new(vcpu->vm, 1);
	kt_vcpu_long(other, sleeper);
	KT_TRUE(!pthread_create(&t, NULL, ap_thread, other));
	KT_RUN_DONE(vcpu);
	over = true;
	other->run->immediate_exit = 1;
	pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
}

static void kicker(void)
{
	apic_enable();		/* KVM finds new vCPUs when an APIC is written */
	GUEST_EQ(vmcall(HC_KICK_CPU, 0, 1, 0, 0), 0);
	guest_done();
}

static u32 mp_state(struct kt_vcpu *vcpu)
{
	struct kvm_mp_state mp;

	KT_IOCTL(vcpu->fd, KVM_GET_MP_STATE, &mp);
	return mp.mp_state;
}

/* A vCPU that is saved between the kick and its waking up must not sleep where it is restored. */
static void kick_is_saved(void)
{
	struct kvm_mp_state halted = { .mp_state = KVM_MP_STATE_HALTED };
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, kicker);
	struct kt_vcpu *other = kt_vcpu_new(vcpu->vm, 1);

	KT_IOCTL(other->fd, KVM_SET_MP_STATE, &halted);
	KT_EQ(mp_state(other), KVM_MP_STATE_HALTED);
	KT_RUN_DONE(vcpu);
	KT_EQ(mp_state(other), KVM_MP_STATE_RUNNABLE);
}

static const struct kt_test tests[] = {
	{ "cpus_1", cpus_1 },
	{ "cpus_2", cpus_2 },
	{ "cpus_5", cpus_5 },
	{ "cpus_16", cpus_16, 120 },
	{ "cpus_64", cpus_64, 180 },
	{ "hypercalls", hypercalls },
	{ "kick_is_saved", kick_is_saved },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
