// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eventfds in place of exits: KVM_IRQFD (edge, message, resampling, deassignment, the last close
 * of an eventfd) and KVM_IOEVENTFD (ports and memory, every length, wildcard and datamatch), and
 * KVM_SET_GSI_ROUTING while interrupts fly. KVM's ABI documentation is the reference. Relies on
 * lib/; the guest halts only where nothing but the interrupt under test can wake it.
 */
#include <pthread.h>
#include <sys/eventfd.h>

#include "apic.h"

#define PIN 17
#define VECTOR 0x61
#define MSI_GSI 30
#define DOORBELL (KT_MMIO + 0x5000)
#define PORT 0x510

static int new_eventfd(unsigned int value)
{
	int fd = eventfd(value, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		kt_fail("eventfd: %s", strerror(errno));
	return fd;
}

/* What was counted since the last call. */
static u64 drain(int fd)
{
	u64 n = 0;

	if (read(fd, &n, sizeof(n)) != sizeof(n) && errno != EAGAIN)
		kt_fail("read of an eventfd: %s", strerror(errno));
	return n;
}

static void signal_fd(int fd)
{
	u64 one = 1;

	KT_EQ(write(fd, &one, sizeof(one)), sizeof(one));
}

static int irqfd(struct kt_vm *vm, int fd, u32 gsi, u32 flags, int resamplefd)
{
	struct kvm_irqfd args = {
		.fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resamplefd,
	};

	return ioctl(vm->fd, KVM_IRQFD, &args) ? -errno : 0;
}

static int ioeventfd(struct kt_vm *vm, int fd, u64 addr, u32 len, u32 flags, u64 data)
{
	struct kvm_ioeventfd args = {
		.fd = fd, .addr = addr, .len = len, .flags = flags, .datamatch = data,
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &args) ? -errno : 0;
}

static void route_msi(struct kt_vm *vm, u32 vector)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry e[2];
	} r = {
		.head.nr = 2,
		.e[0] = {
			.gsi = PIN, .type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { KVM_IRQCHIP_IOAPIC, PIN },
		},
		.e[1] = {
			.gsi = MSI_GSI, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = 0xfee00000, .data = vector },
		},
	};

	KT_IOCTL(vm->fd, KVM_SET_GSI_ROUTING, &r);
}

/* ---- irqfd -------------------------------------------------------------------------------- */

/* Counts VECTOR and says after each window how often it came so far. */
static void counting_guest(u32 rte)
{
	guest_handler[VECTOR] = guest_count_eoi;
	guest_handler[VECTOR + 1] = guest_count_eoi;
	apic_enable();
	ioapic_rte(PIN, rte | VECTOR, 0);
	for (;;) {
		GUEST_SYNC_VAL(1, guest_irqs[VECTOR] | (u64)guest_irqs[VECTOR + 1] << 32);
		window();
		window();
	}
}

static void edge_guest(void)
{
	counting_guest(0);
}

static void level_guest(void)
{
	counting_guest(RTE_LEVEL);
}

#define SEEN(vcpu, n) KT_EQ(KT_RUN_SYNC(vcpu, 1), n)

static void irqfd_edge(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, edge_guest);
	struct kt_vm *vm = vcpu->vm;
	int fd = new_eventfd(0);

	SEEN(vcpu, 0);
	KT_EQ(irqfd(vm, fd, PIN, 0, -1), 0);
	SEEN(vcpu, 0);
	signal_fd(fd);
	KT_EQ(drain(fd), 0);		/* the module consumed it */
	SEEN(vcpu, 1);
	signal_fd(fd);
	SEEN(vcpu, 2);
	KT_EQ(irqfd(vm, fd, PIN, KVM_IRQFD_FLAG_DEASSIGN, -1), 0);
	signal_fd(fd);
	SEEN(vcpu, 2);
	/* What was signalled before the assignment counts. */
	KT_EQ(irqfd(vm, fd, PIN, 0, -1), 0);
	SEEN(vcpu, 3);
}

static void irqfd_message(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, edge_guest);
	int fd = new_eventfd(0);

	SEEN(vcpu, 0);
	/* Without a route it is assigned all the same, and does nothing. */
	KT_EQ(irqfd(vcpu->vm, fd, MSI_GSI, 0, -1), 0);
	signal_fd(fd);
	SEEN(vcpu, 0);
	route_msi(vcpu->vm, VECTOR);
	signal_fd(fd);
	SEEN(vcpu, 1);
	/* The route changes under the assigned irqfd. */
	route_msi(vcpu->vm, VECTOR + 1);
	signal_fd(fd);
	SEEN(vcpu, 1 | 1UL << 32);
}

static void irqfd_refused(void)
{
	struct kt_vm *vm = kt_vm_new(0, KT_IRQCHIP), *bare = kt_vm_new(0, 0);
	int fd = new_eventfd(0), other = new_eventfd(0), file = dup(1);

	KT_EQ(irqfd(vm, fd, PIN, 0x80, -1), -EINVAL);
	KT_EQ(irqfd(vm, -1, PIN, 0, -1), -EBADF);
	KT_EQ(irqfd(vm, file, PIN, 0, -1), -EINVAL);
	KT_EQ(irqfd(vm, fd, PIN, KVM_IRQFD_FLAG_RESAMPLE, -1), -EBADF);
	KT_EQ(irqfd(vm, fd, PIN, KVM_IRQFD_FLAG_RESAMPLE, file), -EINVAL);
	KT_EQ(irqfd(vm, fd, PIN, 0, -1), 0);
	KT_EQ(irqfd(vm, fd, PIN, 0, -1), -EBUSY);
	KT_EQ(irqfd(vm, fd, PIN + 1, 0, -1), -EBUSY);
	KT_EQ(irqfd(vm, other, PIN, 0, -1), 0);
	/* One that is not assigned is no error; nor is it the other one. */
	KT_EQ(irqfd(vm, fd, PIN + 1, KVM_IRQFD_FLAG_DEASSIGN, -1), 0);
	KT_EQ(irqfd(vm, fd, PIN, 0, -1), -EBUSY);
	KT_EQ(irqfd(vm, fd, PIN, KVM_IRQFD_FLAG_DEASSIGN, -1), 0);
	KT_EQ(irqfd(vm, fd, PIN + 1, 0, -1), 0);
	KT_EQ(irqfd(bare, new_eventfd(0), PIN, 0, -1), -EINVAL);
}

static void irqfd_closed(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, edge_guest);
	int fd = new_eventfd(0);

	SEEN(vcpu, 0);
	KT_EQ(irqfd(vcpu->vm, fd, PIN, 0, -1), 0);
	signal_fd(fd);
	close(fd);
	SEEN(vcpu, 1);
	for (int i = 0; i < 200; i++) {
		fd = new_eventfd(1);
		KT_EQ(irqfd(vcpu->vm, fd, PIN, 0, -1), 0);
		close(fd);
	}
	/* Edges without a guest in between merge into one. */
	SEEN(vcpu, 2);
}

static void irqfd_resample(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, level_guest);
	int fd[2], back[2];

	SEEN(vcpu, 0);
	for (int i = 0; i < 2; i++) {
		fd[i] = new_eventfd(0);
		back[i] = new_eventfd(0);
		KT_EQ(irqfd(vcpu->vm, fd[i], PIN, KVM_IRQFD_FLAG_RESAMPLE, back[i]), 0);
	}
	signal_fd(fd[0]);
	KT_EQ(drain(back[0]), 0);
	SEEN(vcpu, 1);
	/* The line is down, and both are asked. */
	KT_EQ(drain(back[0]), 1);
	KT_EQ(drain(back[1]), 1);
	SEEN(vcpu, 1);
	KT_EQ(drain(back[0]), 0);
	signal_fd(fd[1]);
	signal_fd(fd[0]);
	SEEN(vcpu, 2);
	KT_EQ(drain(back[0]), 1);
	KT_EQ(drain(back[1]), 1);
	/* The first goes, the second still works, and the first is not asked. */
	KT_EQ(irqfd(vcpu->vm, fd[0], PIN, KVM_IRQFD_FLAG_DEASSIGN, -1), 0);
	signal_fd(fd[1]);
	SEEN(vcpu, 3);
	KT_EQ(drain(back[0]), 0);
	KT_EQ(drain(back[1]), 1);
	/* A line that a resampling irqfd held up falls with the last of them. */
	signal_fd(fd[1]);
	KT_EQ(irqfd(vcpu->vm, fd[1], PIN, KVM_IRQFD_FLAG_DEASSIGN, -1), 0);
	SEEN(vcpu, 4);
	SEEN(vcpu, 4);
}

/* The EOI of a resampled line by WRMSR: the exit's fast path must not swallow it. */
static void x2_level_guest(void)
{
	guest_handler[VECTOR] = guest_count_x2eoi;
	wrmsr(0x1b, rdmsr(0x1b) | 0xc00);
	wrmsr(0x80f, 0x1ff);
	ioapic_rte(PIN, RTE_LEVEL | VECTOR, 0);
	for (;;) {
		GUEST_SYNC_VAL(1, guest_irqs[VECTOR]);
		window();
		window();
	}
}

static void irqfd_resample_x2apic(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, x2_level_guest);
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	int fd = new_eventfd(0), back = new_eventfd(0);

	kt_cpuid_entry(c, 1, 0)->ecx |= 1 << 21;
	kt_cpuid_entry(c, 1, 0)->ebx &= 0xffffff;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	SEEN(vcpu, 0);
	KT_EQ(irqfd(vcpu->vm, fd, PIN, KVM_IRQFD_FLAG_RESAMPLE, back), 0);
	for (u32 i = 1; i < 4; i++) {
		signal_fd(fd);
		SEEN(vcpu, i);
		KT_EQ(drain(back), 1);
	}
}

static void halting_guest(void)
{
	guest_handler[VECTOR] = guest_count_eoi;
	apic_enable();
	ioapic_rte(PIN, VECTOR, 0);
	GUEST_SYNC(1);
	for (u32 i = 1; i <= 50; i++) {
		sti_hlt_cli();
		GUEST_EQ(guest_irqs[VECTOR], i);
		outb(PORT, 0);
	}
	guest_done();
}

struct ping {
	int irq, answer;
};

static void *ping_thread(void *arg)
{
	struct ping *p = arg;
	u64 n;

	for (int i = 0; i < 50; i++) {
		signal_fd(p->irq);
		/* The guest's doorbell: a blocking read. */
		if (read(p->answer, &n, sizeof(n)) != sizeof(n) || n != 1)
			return "the doorbell rang otherwise than once";
	}
	return NULL;
}

/* An irqfd wakes HLT, the guest answers by an ioeventfd, and no exit reaches this thread. */
static void irqfd_wakes_hlt(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, halting_guest);
	struct ping p = { .irq = new_eventfd(0), .answer = eventfd(0, EFD_CLOEXEC) };
	const char *wrong;
	pthread_t t;

	KT_EQ(irqfd(vcpu->vm, p.irq, PIN, 0, -1), 0);
	KT_EQ(ioeventfd(vcpu->vm, p.answer, PORT, 1, KVM_IOEVENTFD_FLAG_PIO, 0), 0);
	KT_RUN_SYNC(vcpu, 1);
	KT_TRUE(!pthread_create(&t, NULL, ping_thread, &p));
	KT_RUN_DONE(vcpu);
	pthread_join(t, (void **)&wrong);
	KT_TRUE(!wrong, "%s", wrong);
}

/* ---- routing while interrupts fly --------------------------------------------------------- */

static void flying_guest(void)
{
	guest_handler[VECTOR] = guest_count_eoi;
	guest_handler[VECTOR + 1] = guest_count_eoi;
	apic_enable();
	GUEST_SYNC(1);
	while (guest_irqs[VECTOR] < 200 || guest_irqs[VECTOR + 1] < 200)
		sti_hlt_cli();
	guest_done();
}

struct flight {
	struct kt_vm *vm;
	int fd;
	volatile bool over;
};

static void *signal_thread(void *arg)
{
	struct flight *f = arg;

	while (!f->over) {
		signal_fd(f->fd);
		usleep(50);
	}
	return NULL;
}

static void *route_thread(void *arg)
{
	struct flight *f = arg;

	for (u32 i = 0; !f->over; i++) {
		route_msi(f->vm, VECTOR + (i & 1));
		usleep(300);
	}
	return NULL;
}

static void routing_while_flying(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, flying_guest);
	struct flight f = { .vm = vcpu->vm, .fd = new_eventfd(0) };
	pthread_t t[2];

	route_msi(vcpu->vm, VECTOR);
	KT_EQ(irqfd(vcpu->vm, f.fd, MSI_GSI, 0, -1), 0);
	KT_RUN_SYNC(vcpu, 1);
	KT_TRUE(!pthread_create(&t[0], NULL, signal_thread, &f));
	KT_TRUE(!pthread_create(&t[1], NULL, route_thread, &f));
	KT_RUN_DONE(vcpu);
	f.over = true;
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}

/* ---- ioeventfd ---------------------------------------------------------------------------- */

static void port_guest(void)
{
	GUEST_SYNC(1);
	outb(PORT, 7);
	outw(PORT, 7);
	outl(PORT, 7);
	outw(PORT, 8);
	GUEST_SYNC(2);
	outb(PORT, 7);
	outw(PORT, 7);
	outl(PORT, 7);
	GUEST_SYNC(3);
	/* A string of five: each element is a write. */
	asm volatile("cld; rep outsw" : : "d"(PORT), "S"(KT_TEST_AREA), "c"(5) : "memory");
	GUEST_SYNC(4);
	/* Reads are never an ioeventfd's. */
	GUEST_EQ(inw(PORT), 0x55aa);
	guest_done();
}

static void want_out(struct kt_vcpu *vcpu, unsigned int size)
{
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.port, PORT);
	KT_EQ(vcpu->run->io.size, size);
	KT_EQ(vcpu->run->io.direction, KVM_EXIT_IO_OUT);
}

static void ioeventfd_port(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, port_guest);
	const u32 pio = KVM_IOEVENTFD_FLAG_PIO, match = pio | KVM_IOEVENTFD_FLAG_DATAMATCH;
	const u32 gone = KVM_IOEVENTFD_FLAG_DEASSIGN;
	int seven = new_eventfd(0), eight = new_eventfd(0), all = new_eventfd(0);

	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(ioeventfd(vcpu->vm, seven, PORT, 2, match, 7), 0);
	KT_EQ(ioeventfd(vcpu->vm, eight, PORT, 2, match, 8), 0);
	want_out(vcpu, 1);
	want_out(vcpu, 4);
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(drain(seven), 1);
	KT_EQ(drain(eight), 1);
	KT_EQ(ioeventfd(vcpu->vm, seven, PORT, 2, match | gone, 7), 0);
	KT_EQ(ioeventfd(vcpu->vm, eight, PORT, 2, match | gone, 8), 0);
	KT_EQ(ioeventfd(vcpu->vm, all, PORT, 0, pio, 0), 0);
	KT_RUN_SYNC(vcpu, 3);
	KT_EQ(drain(all), 3);
	KT_RUN_SYNC(vcpu, 4);
	KT_EQ(drain(all), 5);
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.direction, KVM_EXIT_IO_IN);
	*(u16 *)kt_io_data(vcpu) = 0x55aa;
	KT_RUN_DONE(vcpu);
	KT_EQ(drain(seven) + drain(eight) + drain(all), 0);
}

#define WRITE(type, value) (*(volatile type *)DOORBELL = (value))

static void memory_guest(void)
{
	for (u64 stage = 1; stage < 4; stage++) {
		GUEST_SYNC(stage);
		WRITE(u8, 0x11);
		WRITE(u16, 0x2222);
		WRITE(u32, 0x44444444);
		WRITE(u64, 0x8888888888888888);
	}
	GUEST_SYNC(4);
	*(volatile u32 *)(DOORBELL + 4) = 1;	/* beside it */
	guest_done();
}

static void want_write(struct kt_vcpu *vcpu, u64 addr, u32 len)
{
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(vcpu->run->mmio.phys_addr, addr);
	KT_EQ(vcpu->run->mmio.len, len);
	KT_EQ(vcpu->run->mmio.is_write, 1);
}

static void ioeventfd_memory(void)
{
	static const u64 data[4] = { 0x11, 0x2222, 0x44444444, 0x8888888888888888 };
	struct kt_vcpu *vcpu = kt_long(0, 0, memory_guest);
	const u32 match = KVM_IOEVENTFD_FLAG_DATAMATCH, gone = KVM_IOEVENTFD_FLAG_DEASSIGN;
	int fd[4], any = new_eventfd(0);

	/* Each length with its own value. */
	KT_RUN_SYNC(vcpu, 1);
	for (int i = 0; i < 4; i++) {
		fd[i] = new_eventfd(0);
		KT_EQ(ioeventfd(vcpu->vm, fd[i], DOORBELL, 1U << i, match, data[i]), 0);
	}
	KT_RUN_SYNC(vcpu, 2);
	for (int i = 0; i < 4; i++) {
		KT_EQ(drain(fd[i]), 1);
		KT_EQ(ioeventfd(vcpu->vm, fd[i], DOORBELL, 1U << i, match | gone, data[i]), 0);
	}
	/* One length, any value: the others exit. */
	KT_EQ(ioeventfd(vcpu->vm, any, DOORBELL, 4, 0, 0), 0);
	want_write(vcpu, DOORBELL, 1);
	want_write(vcpu, DOORBELL, 2);
	want_write(vcpu, DOORBELL, 8);
	KT_RUN_SYNC(vcpu, 3);
	KT_EQ(drain(any), 1);
	/* Length 0: any length. */
	KT_EQ(ioeventfd(vcpu->vm, any, DOORBELL, 4, gone, 0), 0);
	KT_EQ(ioeventfd(vcpu->vm, any, DOORBELL, 0, 0, 0), 0);
	KT_RUN_SYNC(vcpu, 4);
	KT_EQ(drain(any), 4);
	want_write(vcpu, DOORBELL + 4, 4);
	KT_RUN_DONE(vcpu);
	KT_EQ(drain(any), 0);
}

static void ioeventfd_refused(void)
{
	const u32 pio = KVM_IOEVENTFD_FLAG_PIO, match = KVM_IOEVENTFD_FLAG_DATAMATCH;
	const u32 gone = KVM_IOEVENTFD_FLAG_DEASSIGN;
	struct kt_vm *vm = kt_vm_new(0, 0);
	int fd = new_eventfd(0), other = new_eventfd(0), file = dup(1);

	KT_EQ(ioeventfd(vm, fd, DOORBELL, 4, 0x80, 0), -EINVAL);
	KT_EQ(ioeventfd(vm, fd, DOORBELL, 3, 0, 0), -EINVAL);
	KT_EQ(ioeventfd(vm, fd, DOORBELL, 16, 0, 0), -EINVAL);
	KT_EQ(ioeventfd(vm, fd, -2UL, 4, 0, 0), -EINVAL);
	KT_EQ(ioeventfd(vm, fd, DOORBELL, 0, match, 1), -EINVAL);
	KT_EQ(ioeventfd(vm, -1, DOORBELL, 4, 0, 0), -EBADF);
	KT_EQ(ioeventfd(vm, file, DOORBELL, 4, 0, 0), -EINVAL);
	KT_EQ(ioeventfd(vm, fd, DOORBELL, 4, gone, 0), -ENOENT);

	KT_EQ(ioeventfd(vm, fd, DOORBELL, 4, match, 1), 0);
	KT_EQ(ioeventfd(vm, other, DOORBELL, 4, match, 1), -EEXIST);
	KT_EQ(ioeventfd(vm, other, DOORBELL, 4, 0, 0), -EEXIST);
	KT_EQ(ioeventfd(vm, other, DOORBELL, 0, 0, 0), -EEXIST);
	KT_EQ(ioeventfd(vm, other, DOORBELL, 4, match, 2), 0);
	KT_EQ(ioeventfd(vm, other, DOORBELL, 2, match, 1), 0);
	/* The same number as a port is another place. */
	KT_EQ(ioeventfd(vm, other, DOORBELL, 4, match | pio, 1), 0);
	/* Only what is exactly so goes. */
	KT_EQ(ioeventfd(vm, other, DOORBELL, 4, match | gone, 1), -ENOENT);
	KT_EQ(ioeventfd(vm, fd, DOORBELL, 4, match | gone, 2), -ENOENT);
	KT_EQ(ioeventfd(vm, fd, DOORBELL, 4, gone, 1), -ENOENT);
	KT_EQ(ioeventfd(vm, fd, DOORBELL, 4, match | gone, 1), 0);
	KT_EQ(ioeventfd(vm, other, DOORBELL, 4, match, 1), 0);
}

static void many_guest(void)
{
	GUEST_SYNC(1);
	for (u32 i = 0; i < 200; i++)
		outw(PORT, i);
	guest_done();
}

/* A virtio device with 200 queues: one port, 200 values. */
static void ioeventfd_many(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, many_guest);
	const u32 flags = KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH;
	int fd[200];

	KT_RUN_SYNC(vcpu, 1);
	for (int i = 0; i < 200; i++) {
		fd[i] = new_eventfd(0);
		KT_EQ(ioeventfd(vcpu->vm, fd[i], PORT, 2, flags, i), 0);
	}
	KT_RUN_DONE(vcpu);
	for (int i = 0; i < 200; i++)
		KT_EQ(drain(fd[i]), 1);
}

static const struct kt_test tests[] = {
	{ "irqfd_edge", irqfd_edge },
	{ "irqfd_message", irqfd_message },
	{ "irqfd_refused", irqfd_refused },
	{ "irqfd_closed", irqfd_closed },
	{ "irqfd_resample", irqfd_resample },
	{ "irqfd_resample_x2apic", irqfd_resample_x2apic },
	{ "irqfd_wakes_hlt", irqfd_wakes_hlt },
	{ "routing_while_flying", routing_while_flying },
	{ "ioeventfd_port", ioeventfd_port },
	{ "ioeventfd_memory", ioeventfd_memory },
	{ "ioeventfd_refused", ioeventfd_refused },
	{ "ioeventfd_many", ioeventfd_many },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
