// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt controllers: the local APICs with their timers and interprocessor interrupts (SDM
 * volume 3, "Advanced Programmable Interrupt Controller"), by MSRs where there is x2APIC mode and
 * by memory where not; one entry of the IOAPIC, for the serial port; the 8259s, which are silenced.
 *
 * The timer is one-shot: in TSC-deadline mode one WRMSR arms it, else it counts down with a
 * frequency that is measured beside the TSC's, against channel 2 of the 8254.
 */
#include "apic.h"
#include "acpi.h"
#include "console.h"
#include "cpu.h"
#include "machine.h"
#include "sched.h"

#define APIC_ID			0x20
#define APIC_TASK_PRIORITY	0x80
#define APIC_EOI		0xb0
#define APIC_SPURIOUS		0xf0
#define APIC_COMMAND		0x300
#define APIC_COMMAND_HIGH	0x310
#define APIC_TIMER		0x320
#define APIC_LINT0		0x350
#define APIC_LINT1		0x360
#define APIC_TIMER_INITIAL	0x380
#define APIC_TIMER_CURRENT	0x390
#define APIC_TIMER_DIVIDE	0x3e0
#define APIC_ENABLE		0x100
#define APIC_MASKED		0x10000
#define TIMER_DEADLINE		0x40000
#define COMMAND_PENDING		0x1000
#define BASE_X2APIC		BIT(10)
#define BASE_ENABLE		BIT(11)
#define LOCAL_APIC		0xfee00000
#define IO_APIC			0xfec00000

#define PIT_HZ			1193182
#define PIT_CHANNEL_0		0x40
#define PIT_STATUS_OUT		0x80
#define PIT_CHANNEL_2		0x42
#define PIT_COMMAND		0x43
#define PORT_SPEAKER		0x61
#define SPEAKER_GATE		0x01
#define SPEAKER_OUTPUT		0x20
#define CALIBRATE_MS		10

static u32 apic_read(u32 reg)
{
	if (features.x2apic)
		return rdmsr(MSR_X2APIC + (reg >> 4));
	return *(volatile u32 *)(DEVICE_BASE + LOCAL_APIC + reg);
}

static void apic_write(u32 reg, u32 value)
{
	if (features.x2apic)
		wrmsr(MSR_X2APIC + (reg >> 4), value);
	else
		*(volatile u32 *)(DEVICE_BASE + LOCAL_APIC + reg) = value;
}

u32 apic_id(void)
{
	return features.x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

void apic_end_of_interrupt(void)
{
	apic_write(APIC_EOI, 0);
}

/* Sends an interprocessor interrupt: IPI_* with the vector. */
void apic_send(u32 apic_id, u32 command)
{
	if (features.x2apic) {
		/* WRMSR does not wait for stores that the receiver is to see. */
		asm volatile("mfence; lfence" : : : "memory");
		wrmsr(MSR_X2APIC + (APIC_COMMAND >> 4), (u64)apic_id << 32 | command);
		return;
	}
	apic_write(APIC_COMMAND_HIGH, apic_id << 24);
	apic_write(APIC_COMMAND, command);
	while (apic_read(APIC_COMMAND) & COMMAND_PENDING)
		;
}

/**
 * apic_set_timer() - an interrupt, once
 * @tsc: the TSC's value at which it is to come; 0 for none
 */
void apic_set_timer(u64 tsc)
{
	u64 now, left;

	if (features.tsc_deadline) {
		wrmsr(MSR_TSC_DEADLINE, tsc);
		return;
	}
	now = rdtsc();
	left = tsc > now ? (tsc - now) * features.apic_khz / features.tsc_khz : 0;
	/* 0 would stop it. What is too far away is set again when it comes. */
	left = min(left + 1, (u64)0xffffffff);
	apic_write(APIC_TIMER_INITIAL, tsc ? left : 0);
}

/* This processor's local APIC: on, nothing but the timer and messages. */
void apic_init(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) | BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, base);
	if (features.x2apic)
		wrmsr(MSR_APIC_BASE, base | BASE_X2APIC);
	apic_write(APIC_SPURIOUS, APIC_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_TASK_PRIORITY, 0);
	apic_write(APIC_LINT0, APIC_MASKED);
	apic_write(APIC_LINT1, APIC_MASKED);
	apic_write(APIC_TIMER_DIVIDE, 0xb);	/* by 1 */
	apic_write(APIC_TIMER, VECTOR_TIMER | (features.tsc_deadline ? TIMER_DEADLINE : 0));
	/* The mode comes before the first deadline (SDM, "TSC-Deadline Mode"). */
	asm volatile("mfence; lfence" : : : "memory");
}

/* Has the 8254 counted down? Channel 0 tells by its status, channel 2 by a port that some lack. */
static bool pit_is_done(bool channel_0)
{
	if (!channel_0)
		return in8(PORT_SPEAKER) & SPEAKER_OUTPUT;
	out8(PIT_COMMAND, 0xe2);		/* read back the status of channel 0 */
	return in8(PIT_CHANNEL_0) & PIT_STATUS_OUT;
}

/* Counts TSC and timer while the 8254 counts 10 ms down. */
static void calibrate(void)
{
	u32 count = PIT_HZ * CALIBRATE_MS / 1000, tries = 0;
	bool channel_0;
	u64 tsc;

	out8(PORT_SPEAKER, SPEAKER_GATE);
	out8(PIT_COMMAND, 0xb0);		/* channel 2, both bytes, mode 0 */
	out8(PIT_CHANNEL_2, count);
	out8(PIT_CHANNEL_2, count >> 8);
	channel_0 = pit_is_done(false);
	if (channel_0) {
		out8(PIT_COMMAND, 0x30);	/* both bytes, mode 0 */
		out8(PIT_CHANNEL_0, count);
		out8(PIT_CHANNEL_0, count >> 8);
	}
	tsc = rdtsc();
	apic_write(APIC_TIMER, APIC_MASKED | VECTOR_TIMER);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_TIMER_INITIAL, 0xffffffff);
	while (!pit_is_done(channel_0) && ++tries < 10000000)
		;
	features.apic_khz = (0xffffffff - apic_read(APIC_TIMER_CURRENT)) / CALIBRATE_MS;
	features.tsc_khz = (rdtsc() - tsc) / CALIBRATE_MS;
	apic_write(APIC_TIMER_INITIAL, 0);
	out8(PORT_SPEAKER, 0);
	if (!features.tsc_khz || !features.apic_khz || tries == 10000000)
		stop("no clock: the 8254 does not count");
}

static void io_apic_write(u32 reg, u32 value)
{
	volatile u32 *window = (volatile u32 *)(DEVICE_BASE + IO_APIC);

	window[0] = reg;
	window[4] = value;
}

/* What the machine has once: 8259s off, the serial port's interrupt, the clocks' frequencies. */
void apic_init_boot(void)
{
	u32 pin = acpi.uart_pin;

	out8(0x21, 0xff);
	out8(0xa1, 0xff);
	apic_init();
	calibrate();
	apic_init();
	io_apic_write(0x10 + 2 * pin + 1, apic_id() << 24);
	io_apic_write(0x10 + 2 * pin, VECTOR_UART);	/* edge, active high */
	cpus[0].apic_id = apic_id();
}

/* Interrupts the processors that have to think again, once each; called with the lock held. */
void apic_poke(void)
{
	unsigned int i, me = this_cpu()->number;

	for (i = 0; i < sched.nr_cpus; i++) {
		if (i == me || !sched.cpu[i].resched || cpus[i].poked)
			continue;
		cpus[i].poked = true;
		apic_send(cpus[i].apic_id, IPI_FIXED | VECTOR_RESCHEDULE);
	}
}

/* If another processor waits for this one's TLB to be flushed, flush it. */
void flush_serve(void)
{
	struct cpu *c = this_cpu();

	if (!__atomic_load_n(&c->flush, __ATOMIC_ACQUIRE))
		return;
	write_cr3(read_cr3());
	__atomic_store_n(&c->flush, 0, __ATOMIC_RELEASE);
}

/*
 * Flushes the TLB of this processor and of those that run the same process, and waits for them:
 * each is in a program and takes the interrupt, or waits for the lock, which the caller holds.
 */
void flush_others(void)
{
	unsigned int i, me = this_cpu()->number;
	u32 tries = 0;

	write_cr3(read_cr3());
	for (i = 0; i < sched.nr_cpus; i++) {
		if (i == me || sched.cpu[i].running->process != sched.cpu[me].running->process)
			continue;
		__atomic_store_n(&cpus[i].flush, 1, __ATOMIC_RELEASE);
		apic_send(cpus[i].apic_id, IPI_FIXED | VECTOR_FLUSH);
	}
	for (i = 0; i < sched.nr_cpus; i++)
		while (__atomic_load_n(&cpus[i].flush, __ATOMIC_ACQUIRE))
			relax(tries++);
}
