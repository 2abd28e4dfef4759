// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN itself: immediate_exit, signals, the signal mask, completion of pending I/O and MMIO,
 * runs from other threads, kicks of running and halted vCPUs, the interrupt window. "The KVM
 * API" sections 4.10, 4.15, 4.16, 4.64 and 5. Relies on lib/; waits end by interval timers, no
 * result depends on how long anything takes.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "guest.h"

static void spin_guest(void)
{
	for (;;)
		cpu_relax();
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static void catch(int sig)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(sig, &sa, NULL);
}

static void timer_ms(int first, int period)
{
	struct itimerval t = {
		.it_value.tv_usec = first * 1000,
		.it_interval.tv_usec = period * 1000,
	};

	catch(SIGALRM);
	setitimer(ITIMER_REAL, &t, NULL);
}

static void want_eintr(struct kt_vcpu *vcpu)
{
	if (kt_run_raw(vcpu) != -1)
		kt_fail("KVM_RUN returns 0 with %s, want EINTR",
			kt_exit_name(vcpu->run->exit_reason));
	KT_EQ(errno, EINTR);
}

static void immediate_exit(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct kvm_regs a, b;

	kt_get_regs(vcpu, &a);
	vcpu->run->immediate_exit = 1;
	for (int i = 0; i < 10; i++)
		want_eintr(vcpu);
	kt_get_regs(vcpu, &b);
	KT_EQ(memcmp(&a, &b, sizeof(a)), 0);
	vcpu->run->immediate_exit = 0;
	KT_RUN_DONE(vcpu);
}

static void complete_guest(void)
{
	u64 v;

	asm volatile("xor %%eax, %%eax; in $0x70, %%al; nop" : : : "rax", "memory");
	asm volatile("mov (%1), %0; nop" : "=a"(v) : "r"(KT_MMIO) : "memory");
	asm volatile("mov (%1), %0; nop" : "=a"(v) : "r"(KT_MMIO + 4092) : "memory");
	asm volatile("out %%al, $0x71; nop" : : "a"(0) : "memory");
	guest_done();
}

static u64 rip_of(struct kt_vcpu *vcpu, u64 *rax)
{
	struct kvm_regs r;

	kt_get_regs(vcpu, &r);
	if (rax)
		*rax = r.rax;
	return r.rip;
}

static void complete_io_mmio(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, complete_guest);
	struct kvm_run *run = vcpu->run;
	u64 rax, rip;

	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	*(u8 *)kt_io_data(vcpu) = 0x5a;
	run->immediate_exit = 1;
	want_eintr(vcpu);
	rip = rip_of(vcpu, &rax);
	KT_EQ(rax, 0x5a);
	KT_EQ(vcpu->vm->mem[rip], 0x90);
	want_eintr(vcpu);			/* nothing left to complete */
	KT_EQ(rip_of(vcpu, NULL), rip);

	run->immediate_exit = 0;
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(run->mmio.len, 8);
	memset(run->mmio.data, 0x77, 8);
	run->immediate_exit = 1;
	want_eintr(vcpu);
	rip = rip_of(vcpu, &rax);
	KT_EQ(rax, 0x7777777777777777);
	KT_EQ(vcpu->vm->mem[rip], 0x90);

	/* A page-crossing read in two parts: both come before EINTR does. */
	run->immediate_exit = 0;
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(run->mmio.phys_addr, KT_MMIO + 4092);
	KT_EQ(run->mmio.len, 4);
	memset(run->mmio.data, 0x11, 4);
	run->immediate_exit = 1;
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(run->mmio.phys_addr, KT_MMIO + 4096);
	KT_EQ(run->mmio.len, 4);
	memset(run->mmio.data, 0x22, 4);
	want_eintr(vcpu);
	rip = rip_of(vcpu, &rax);
	KT_EQ(rax, 0x2222222211111111);
	KT_EQ(vcpu->vm->mem[rip], 0x90);

	run->immediate_exit = 0;
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(run->io.port, 0x71);
	run->immediate_exit = 1;
	want_eintr(vcpu);
	KT_EQ(vcpu->vm->mem[rip_of(vcpu, NULL)], 0x90);
	run->immediate_exit = 0;
	KT_RUN_DONE(vcpu);
}

/* Userspace may move the vCPU elsewhere instead of completing. */
static void registers_set_while_io_pends(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, complete_guest);

	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	vcpu->run->immediate_exit = 1;
	want_eintr(vcpu);
	vcpu->run->immediate_exit = 0;
	kt_vcpu_long(vcpu, guest_done);
	KT_RUN_DONE(vcpu);
}

static void signal_ends_run(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, spin_guest);

	timer_ms(10, 10);
	for (int i = 0; i < 20; i++) {
		want_eintr(vcpu);
		KT_EQ(vcpu->run->exit_reason, KVM_EXIT_INTR);
	}
	KT_TRUE(signals >= 20);
}

static void signal_mask(void)
{
	struct {
		struct kvm_signal_mask head;
		u64 set;
	} __attribute__((packed)) m = { .head.len = 8 };
	struct kt_vcpu *vcpu = kt_long(0, 0, spin_guest);
	sigset_t block, pending;

	catch(SIGUSR1);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	/* Nothing masked while the guest runs. */
	KT_IOCTL(vcpu->fd, KVM_SET_SIGNAL_MASK, &m);
	raise(SIGUSR1);
	for (int i = 0; i < 3; i++) {
		want_eintr(vcpu);
		KT_EQ(signals, 0);
		sigpending(&pending);
		KT_TRUE(sigismember(&pending, SIGUSR1));
	}
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	KT_EQ(signals, 1);
	m.head.len = 4;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_SIGNAL_MASK, &m, EINVAL);
	m.head.len = 16;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_SIGNAL_MASK, &m, EINVAL);
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_SIGNAL_MASK, 16, EFAULT);
	KT_IOCTL(vcpu->fd, KVM_SET_SIGNAL_MASK, 0);
	kt_vcpu_long(vcpu, guest_done);
	KT_RUN_DONE(vcpu);
}

/* A signal that the run's mask blocks must not end the run. */
static void signal_blocked_in_run(void)
{
	struct {
		struct kvm_signal_mask head;
		u64 set;
	} __attribute__((packed)) m = { .head.len = 8, .set = 1UL << (SIGALRM - 1) };
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);

	KT_IOCTL(vcpu->fd, KVM_SET_SIGNAL_MASK, &m);
	timer_ms(1, 1);
	for (int i = 0; i < 500; i++)
		KT_RUN_DONE(vcpu);
	KT_TRUE(signals > 0);
}

/* ---- threads ------------------------------------------------------------------------------ */

struct runner {
	pthread_t thread;
	struct kt_vcpu *vcpu;
	volatile int ret, err, finished, started;
};

static void *run_thread(void *arg)
{
	struct runner *r = arg;

	r->started = 1;
	r->ret = kt_run_raw(r->vcpu);
	r->err = errno;
	r->finished = 1;
	return NULL;
}

static void start(struct runner *r, struct kt_vcpu *vcpu)
{
	memset(r, 0, sizeof(*r));
	r->vcpu = vcpu;
	if (pthread_create(&r->thread, NULL, run_thread, r))
		kt_fail("pthread_create");
	while (!r->started)
		sched_yield();
}

static void run_in_other_threads(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct runner r;
	struct kt_ucall uc;

	for (int i = 0; i < 8; i++) {
		start(&r, vcpu);
		pthread_join(r.thread, NULL);
		KT_EQ(r.ret, 0);
		KT_TRUE(kt_ucall(vcpu, &uc));
		KT_EQ(uc.cmd, UC_DONE);
		if (i & 1)
			KT_RUN_DONE(vcpu);
	}
}

static void kick_running(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, spin_guest);
	struct runner r;

	catch(SIGUSR1);
	for (int i = 0; i < 20; i++) {
		start(&r, vcpu);
		if (i & 1)
			kt_msleep(5);
		/* immediate_exit closes the gap in which a signal comes too early. */
		vcpu->run->immediate_exit = 1;
		pthread_kill(r.thread, SIGUSR1);
		pthread_join(r.thread, NULL);
		KT_EQ(r.ret, -1);
		KT_EQ(r.err, EINTR);
		vcpu->run->immediate_exit = 0;
	}
}

static void halted_guest(void)
{
	guest_handler[0x60] = guest_count_eoi;
	wr32(0xfee000f0, 0x1ff);
	GUEST_SYNC(1);
	sti_hlt_cli();
	GUEST_EQ(guest_irqs[0x60], 1);
	guest_done();
}

static void kick_halted(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, halted_guest);
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x60 };
	struct kvm_mp_state mp;
	struct kt_ucall uc;
	struct runner r;

	catch(SIGUSR1);
	KT_RUN_SYNC(vcpu, 1);
	for (int i = 0; i < 10; i++) {
		start(&r, vcpu);
		kt_msleep(10);
		KT_EQ(r.finished, 0);	/* HLT blocks in the kernel */
		pthread_kill(r.thread, SIGUSR1);
		pthread_join(r.thread, NULL);
		KT_EQ(r.ret, -1);
		KT_EQ(r.err, EINTR);
		KT_EQ(vcpu->run->exit_reason, KVM_EXIT_INTR);
	}
	KT_IOCTL(vcpu->fd, KVM_GET_MP_STATE, &mp);
	KT_EQ(mp.mp_state, KVM_MP_STATE_HALTED);
	start(&r, vcpu);
	kt_msleep(10);
	KT_EQ(KT_IOCTL(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	pthread_join(r.thread, NULL);
	KT_EQ(r.ret, 0);
	KT_TRUE(kt_ucall(vcpu, &uc));
	KT_CHECK_GUEST(vcpu, &uc);
	KT_EQ(uc.cmd, UC_DONE);
}

/* vCPU ioctls of other threads wait until KVM_RUN returns. */
static volatile int got_regs;

static void *regs_thread(void *arg)
{
	struct kt_vcpu *vcpu = arg;
	struct kvm_regs r;

	kt_get_regs(vcpu, &r);
	got_regs = 1;
	return NULL;
}

static void ioctl_waits_for_run(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, spin_guest);
	struct runner r;
	pthread_t t;

	catch(SIGUSR1);
	start(&r, vcpu);
	kt_msleep(20);
	pthread_create(&t, NULL, regs_thread, vcpu);
	kt_msleep(20);
	KT_EQ(r.finished, 0);
	KT_EQ(got_regs, 0);
	vcpu->run->immediate_exit = 1;
	pthread_kill(r.thread, SIGUSR1);
	pthread_join(r.thread, NULL);
	pthread_join(t, NULL);
	KT_EQ(got_regs, 1);
	KT_EQ(r.err, EINTR);
}

/* ---- interrupts by userspace, without an in-kernel controller ----------------------------- */

static void window_guest(void)
{
	cli();
	GUEST_SYNC(1);
	asm volatile("sti; nop; nop" : : : "memory");
	GUEST_EQ(guest_irqs[0x70], 1);
	GUEST_SYNC(2);
	guest_done();
}

static void interrupt_window(void)
{
	struct kvm_interrupt irq = { .irq = 0x70 };
	struct kt_vcpu *vcpu;

	guest_handler[0x70] = guest_count;
	vcpu = kt_long(0, 0, window_guest);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(vcpu->run->if_flag, 0);
	KT_EQ(vcpu->run->ready_for_interrupt_injection, 0);
	vcpu->run->request_interrupt_window = 1;
	KT_RUN_EXIT(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN);
	KT_EQ(vcpu->run->if_flag, 1);
	KT_EQ(vcpu->run->ready_for_interrupt_injection, 1);
	vcpu->run->request_interrupt_window = 0;
	KT_IOCTL(vcpu->fd, KVM_INTERRUPT, &irq);
	KT_RUN_SYNC(vcpu, 2);
	KT_RUN_DONE(vcpu);
	irq.irq = 256;
	KT_IOCTL_ERR(vcpu->fd, KVM_INTERRUPT, &irq, EINVAL);
	KT_IOCTL_ERR(vcpu->fd, KVM_INTERRUPT, 0, EFAULT);
}

static void nmi_guest(void)
{
	cli();
	GUEST_SYNC(1);
	GUEST_EQ(guest_irqs[2], 1);
	guest_done();
}

static void nmi_by_user(void)
{
	struct kt_vcpu *vcpu;

	kt_require_cap(KVM_CAP_USER_NMI, "KVM_CAP_USER_NMI");
	guest_handler[2] = guest_count;
	vcpu = kt_long(0, 0, nmi_guest);
	KT_RUN_SYNC(vcpu, 1);
	KT_IOCTL(vcpu->fd, KVM_NMI, 0);
	KT_RUN_DONE(vcpu);
}

static void interrupt_with_irqchip(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, guest_done);
	struct kvm_interrupt irq = { .irq = 0x70 };

	KT_IOCTL_ERR(vcpu->fd, KVM_INTERRUPT, &irq, ENXIO);
}

static const struct kt_test tests[] = {
	{ "immediate_exit", immediate_exit },
	{ "complete_io_mmio", complete_io_mmio },
	{ "registers_set_while_io_pends", registers_set_while_io_pends },
	{ "signal_ends_run", signal_ends_run },
	{ "signal_mask", signal_mask },
	{ "signal_blocked_in_run", signal_blocked_in_run },
	{ "run_in_other_threads", run_in_other_threads },
	{ "kick_running", kick_running },
	{ "kick_halted", kick_halted },
	{ "ioctl_waits_for_run", ioctl_waits_for_run },
	{ "interrupt_window", interrupt_window },
	{ "nmi_by_user", nmi_by_user },
	{ "interrupt_with_irqchip", interrupt_with_irqchip },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
