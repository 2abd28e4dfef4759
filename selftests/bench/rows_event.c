// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmbench's rows of interrupts and eventfds: TPR and EOI, a device's kick, a device's interrupt.
 *
 * KVM's ABI: KVM_IOEVENTFD, KVM_IRQFD, KVM_SET_GSI_ROUTING, KVM_SIGNAL_MSI. An interrupt goes the
 * way of a virtio device's: an MSI to the vCPU's x2APIC.
 */
#include <pthread.h>
#include <sys/eventfd.h>

#include "vmbench.h"

#define MSR_X2APIC_TPR 0x808
#define MSR_X2APIC_EOI 0x80b
#define PORT_EVENT 0xf2		/* an ioeventfd's */
#define MSI_ADDRESS 0xfee00000u	/* to APIC ID 0, physical, edge */
#define GSI 24

#define GUEST_ROW(name, prepare, body)					\
	GUEST_LOOP(loop_##name, prepare, body)				\
	void name(void) { loop_##name(); }

GUEST_ROW(guest_tpr_x2apic, x2apic_enable(), wrmsr(MSR_X2APIC_TPR, 0x20))
GUEST_ROW(guest_eoi_xapic, apic_enable(), apic_write(APIC_EOI, 0))
GUEST_ROW(guest_eoi_x2apic, x2apic_enable(), wrmsr(MSR_X2APIC_EOI, 0))

GUEST_LOOP(guest_kick_pio, NOTHING, outb(PORT_EVENT, 1))
GUEST_LOOP(guest_kick_mmio, NOTHING, wr32(KT_MMIO, 1))
/* The interrupt that userspace makes at this OUT has been handled. */
GUEST_LOOP(guest_interrupted, x2apic_enable(),
	   ({ u32 n = guest_irqs[VECTOR]; outb(PORT_USER, 1); wait_for_irq(n); }))

static int new_eventfd(void)
{
	int fd = eventfd(0, 0);

	if (fd < 0)
		kt_fail("eventfd: %s", strerror(errno));
	return fd;
}

static void attach_kick(struct kt_vm *vm, int fd, u64 addr, u32 len, u32 flags)
{
	struct kvm_ioeventfd kick = { .addr = addr, .len = len, .fd = fd, .flags = flags };

	KT_IOCTL(vm->fd, KVM_IOEVENTFD, &kick);
}

void ioeventfd_pio_row(const char *name, void (*unused)(void))
{
	struct kt_vcpu *vcpu = bench_guest(guest_kick_pio);
	int fd = new_eventfd();

	(void)unused;
	attach_kick(vcpu->vm, fd, PORT_EVENT, 1, KVM_IOEVENTFD_FLAG_PIO);
	bench_loop(name, vcpu, NULL);
	close(fd);
}

/* Any length, as virtio-pci's notification registers are. */
void ioeventfd_mmio_row(const char *name, void (*unused)(void))
{
	struct kt_vcpu *vcpu = bench_guest(guest_kick_mmio);
	int fd = new_eventfd();

	(void)unused;
	attach_kick(vcpu->vm, fd, KT_MMIO, 0, 0);
	bench_loop(name, vcpu, NULL);
	close(fd);
}

static void signal_msi(struct kt_vm *vm)
{
	struct kvm_msi msi = { .address_lo = MSI_ADDRESS, .data = VECTOR };

	KT_IOCTL(vm->fd, KVM_SIGNAL_MSI, &msi);
}

void msi_row(const char *name, void (*unused)(void))
{
	(void)unused;
	bench_loop(name, bench_guest(guest_interrupted), signal_msi);
}

/* An eventfd whose signal is an MSI, by the last of @routes routes. */
static int attach_irqfd(struct kt_vm *vm, u32 routes)
{
	struct kvm_irq_routing *table = calloc(1, sizeof(*table) +
					       routes * sizeof(table->entries[0]));
	struct kvm_irqfd irqfd = { .fd = new_eventfd(), .gsi = GSI + routes - 1 };

	if (!table)
		kt_fail("no memory");
	table->nr = routes;
	for (u32 i = 0; i < routes; i++) {
		table->entries[i].gsi = GSI + i;
		table->entries[i].type = KVM_IRQ_ROUTING_MSI;
		table->entries[i].u.msi.address_lo = MSI_ADDRESS;
		table->entries[i].u.msi.data = VECTOR;
	}
	KT_IOCTL(vm->fd, KVM_SET_GSI_ROUTING, table);
	KT_IOCTL(vm->fd, KVM_IRQFD, &irqfd);
	free(table);
	return irqfd.fd;
}

static void signal_eventfd(int fd)
{
	u64 one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		kt_fail("write to an eventfd: %s", strerror(errno));
}

static int irqfd;

static void signal_irqfd(struct kt_vm *vm)
{
	(void)vm;
	signal_eventfd(irqfd);
}

long irqfd_with_routes(u32 routes)
{
	struct kt_vcpu *vcpu = bench_guest(guest_interrupted);
	long ticks;

	irqfd = attach_irqfd(vcpu->vm, routes);
	ticks = bench_ticks(vcpu, signal_irqfd);
	close(irqfd);
	return ticks;
}

void irqfd_running_row(const char *name, void (*unused)(void))
{
	struct kt_vcpu *vcpu = bench_guest(guest_interrupted);

	(void)unused;
	irqfd = attach_irqfd(vcpu->vm, 1);
	bench_loop(name, vcpu, signal_irqfd);
	close(irqfd);
}

#define ROUNDS 64
#define WARM_UP 16		/* KVM adapts its polling to what it sees */

/* A driver: woken by the device, kicks it, sleeps again. */
static void guest_driver(void)
{
	x2apic_enable();
	for (u64 i = 0; i <= WARM_UP + ROUNDS; i++) {
		outb(PORT_EVENT, 1);
		sti_hlt_cli();
	}
	guest_done();
}

static void *run_driver(void *arg)
{
	struct kt_vcpu *vcpu = arg;

	KT_RUN_DONE(vcpu);
	return NULL;
}

static int ping, pong;

static void *answer(void *unused)
{
	u64 count;

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		if (read(ping, &count, sizeof(count)) != sizeof(count))
			kt_fail("read of an eventfd: %s", strerror(errno));
		signal_eventfd(pong);
	}
	return NULL;
}

/* Two threads that wake each other as the row's do: what the host's scheduler takes. */
static long ticks_of_wakeups(void)
{
	long values[ROUNDS];
	pthread_t thread;
	u64 count;

	ping = new_eventfd();
	pong = new_eventfd();
	if (pthread_create(&thread, NULL, answer, NULL))
		kt_fail("no thread");
	for (int i = 0; i < ROUNDS; i++) {
		u64 start;

		kt_msleep(2);	/* by now it waits */
		start = rdtsc();
		signal_eventfd(ping);
		if (read(pong, &count, sizeof(count)) != sizeof(count))
			kt_fail("read of an eventfd: %s", strerror(errno));
		values[i] = rdtsc() - start;
	}
	pthread_join(thread, NULL);
	close(ping);
	close(pong);
	return median(values, ROUNDS);
}

/* From the write to the irqfd of a halted guest to the return of read() from its kick. */
void irqfd_halted_row(const char *name, void (*unused)(void))
{
	struct kt_vcpu *vcpu = bench_guest(guest_driver);
	int irq = attach_irqfd(vcpu->vm, 1), kick = new_eventfd();
	long values[ROUNDS];
	pthread_t thread;
	u64 count;

	(void)unused;
	attach_kick(vcpu->vm, kick, PORT_EVENT, 1, KVM_IOEVENTFD_FLAG_PIO);
	if (pthread_create(&thread, NULL, run_driver, vcpu))
		kt_fail("no thread");
	for (int i = -1 - WARM_UP; i < ROUNDS; i++) {
		u64 start;

		kt_msleep(2);	/* by now it halts */
		start = rdtsc();
		if (i >= -WARM_UP)
			signal_eventfd(irq);
		if (read(kick, &count, sizeof(count)) != sizeof(count))
			kt_fail("read of an eventfd: %s", strerror(errno));
		if (i >= 0)
			values[i] = rdtsc() - start;
	}
	kt_msleep(2);
	signal_eventfd(irq);
	pthread_join(thread, NULL);
	print_row(name, median(values, ROUNDS));
	print_own(name, ticks_of_wakeups());
	kt_vm_free(vcpu->vm);
	close(irq);
	close(kick);
}
