// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmbench's rows of interprocessor interrupts: from one vCPU to another that computes, or halts.
 *
 * SDM, "Issuing Interprocessor Interrupts". Two vCPUs of one VM, each on a CPU of its own; the
 * sender reads its TSC before it writes the x2APIC's ICR and when it sees that the other's handler
 * has counted.
 * Needs two host CPUs, whose TSCs the lab's Bochs advances together.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

#include "vmbench.h"

#define MSR_X2APIC_ICR 0x830
#define RECEIVER 1		/* APIC ID */
#define IPI_WARM_UP 16		/* KVM adapts its polling to what it sees */
#define IPI_SAMPLES 128
#define SETTLE 100000		/* ticks, 1 ms: the receiver is where it waits, polls have ended */
#define SHORT 3000		/* ticks, 30 us: the receiver has halted and may look for an IPI */
#define EDGE 18000		/* ticks, 180 us: the longest look, 200 us, is just long enough */
#define BURST 64

static volatile u32 receiver_ready, receiver_stop;
/* The row's: ticks before each measured IPI, and IPIs one behind the other before those. */
static u64 settle, burst;

static void send_and_wait(u64 icr)
{
	u32 n = guest_irqs[VECTOR];

	wrmsr(MSR_X2APIC_ICR, icr);
	while (guest_irqs[VECTOR] == n)
		;
}

/* Nothing exits on either side between two samples, and PAUSE would (PLE). */
static void guest_sender(void)
{
	u64 icr = (u64)RECEIVER << 32 | ICR_ASSERT | VECTOR;

	x2apic_enable();
	sti();
	while (!receiver_ready)
		;
	for (u64 i = 0; i < IPI_WARM_UP + IPI_SAMPLES; i++) {
		u64 start;

		for (u64 b = 0; b < burst; b++)
			send_and_wait(icr);
		start = rdtsc();
		while (rdtsc() - start < settle)
			;
		start = rdtsc();
		send_and_wait(icr);
		if (i >= IPI_WARM_UP)
			samples[i - IPI_WARM_UP] = rdtsc() - start;
	}
	nr_samples = IPI_SAMPLES;
	receiver_stop = 1;
	wrmsr(MSR_X2APIC_ICR, icr);
	guest_done();
}

static void guest_spins(void)
{
	x2apic_enable();
	guest_handler[255] = guest_count_x2eoi;	/* Bochs with APICv, lab.rst */
	sti();
	receiver_ready = 1;
	while (!receiver_stop)
		;
	guest_done();
}

static void guest_halts(void)
{
	x2apic_enable();
	guest_handler[255] = guest_count_x2eoi;
	receiver_ready = 1;
	while (!receiver_stop)
		sti_hlt_cli();
	guest_done();
}

static void on_cpu(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(thread, sizeof(set), &set))
		kt_fail("no CPU %d", cpu);
}

static void *run_receiver(void *vcpu)
{
	KT_RUN_DONE(vcpu);
	return NULL;
}

static void ipi_row(const char *name, void (*receiver)(void), u64 ticks, u64 ipis)
{
	struct kt_vcpu *vcpu = bench_guest(guest_sender);
	struct kt_vcpu *other = bench_second(vcpu->vm, receiver);
	pthread_t thread;

	GV(vcpu->vm, settle) = ticks;
	GV(vcpu->vm, burst) = ipis;
	if (pthread_create(&thread, NULL, run_receiver, other))
		kt_fail("no thread");
	on_cpu(thread, 1);
	on_cpu(pthread_self(), 0);
	bench_samples(name, vcpu, thread);
}

static int wake;
static volatile u32 woken;

static void *wait_to_be_woken(void *unused)
{
	u64 count;

	(void)unused;
	for (int i = 0; i < IPI_SAMPLES; i++) {
		if (read(wake, &count, sizeof(count)) != sizeof(count))
			kt_fail("read of an eventfd: %s", strerror(errno));
		woken++;
	}
	return NULL;
}

/* A thread of the host that wakes another one on the other CPU: what the scheduler takes of it. */
static long ticks_of_wakeup(void)
{
	long values[IPI_SAMPLES];
	pthread_t thread;
	u64 one = 1;

	wake = eventfd(0, 0);
	if (wake < 0 || pthread_create(&thread, NULL, wait_to_be_woken, NULL))
		kt_fail("no thread");
	on_cpu(thread, 1);
	for (int i = 0; i < IPI_SAMPLES; i++) {
		u32 before = woken;
		u64 start = rdtsc();

		while (rdtsc() - start < SETTLE)
			;
		start = rdtsc();
		if (write(wake, &one, sizeof(one)) != sizeof(one))
			kt_fail("write to an eventfd: %s", strerror(errno));
		while (woken == before)
			;
		values[i] = rdtsc() - start;
	}
	pthread_join(thread, NULL);
	close(wake);
	return median(values, IPI_SAMPLES);
}

void ipi_running_row(const char *name, void (*unused)(void))
{
	(void)unused;
	ipi_row(name, guest_spins, SETTLE, 0);
}

void ipi_halted_row(const char *name, void (*unused)(void))
{
	(void)unused;
	ipi_row(name, guest_halts, SETTLE, 0);
	print_own(name, ticks_of_wakeup());
}

void ipi_halted_short_row(const char *name, void (*unused)(void))
{
	(void)unused;
	ipi_row(name, guest_halts, SHORT, 0);
}

void ipi_halted_edge_row(const char *name, void (*unused)(void))
{
	(void)unused;
	ipi_row(name, guest_halts, EDGE, 0);
}

void ipi_halted_burst_row(const char *name, void (*unused)(void))
{
	(void)unused;
	ipi_row(name, guest_halts, SETTLE, BURST);
	print_own(name, ticks_of_wakeup());
}
