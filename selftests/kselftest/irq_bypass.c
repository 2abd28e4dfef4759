// SPDX-License-Identifier: GPL-2.0-only
/*
 * Assigned devices' interrupts that bypass the host: KVM_IRQFD as a consumer of the kernel's IRQ
 * bypass manager, KVM_SET_GSI_ROUTING under it.
 *
 * VT-d specification, "Interrupt Posting". The module plays VFIO and the remapping hardware
 * (MINIKVM_VM_TEST_DEVICE): the entry that it shows is what hardware would be told, and its
 * interrupt goes the entry's way. Relies on lib/ and inject=1; with apicv=1 interrupts are posted,
 * without it none may be, and all arrive. The guests keep IF set because of Bochs (lab.rst).
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

#include <linux/minikvm.h>

#include "apic.h"

#define VECTOR 0x61
#define OTHER 0x62
#define GSI 24
#define PIN 20
#define ROUNDS 40
#define PATIENCE 10		/* seconds until an interrupt counts as lost */
#define MSR_APIC_BASE 0x1b
#define APIC_BASE_X2 0xc00UL
#define MSI_LOGICAL BIT(2)	/* of the address */
#define MSI_LOWEST (1 << 8)	/* of the data */
#define MSI_NMI (4 << 8)
#define MSI_LEVEL (1 << 15)

static volatile u32 taken[2][2];	/* by vCPU; VECTOR and OTHER */
static volatile u32 stop, halts;

static void count(struct gframe *f)
{
	taken[rdmsr(0x802) & 1][f->vector == OTHER]++;
	wrmsr(0x80b, 0);
}

static void waiting_guest(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2);
	wrmsr(0x80f, 0x1ff);
	guest_handler[VECTOR] = count;
	guest_handler[OTHER] = count;
	/* What a notification without a request is to Bochs (lab.rst). */
	guest_handler[255] = guest_count_x2eoi;
	sti();
	/* The pages of delivery are mapped then: an EPT violation would lose the first one. */
	wrmsr(0x83f, VECTOR);
	GUEST_SYNC(1);
	while (!stop)
		if (halts)
			asm volatile("hlt");
	GUEST_SYNC(2);
	guest_done();
}

/* Two vCPUs in their threads, a device and the irqfd that takes its interrupt. */
struct machine {
	struct kt_vm *vm;
	struct kt_vcpu *vcpu[2];
	pthread_t thread[2];
	int eventfd;
	u32 seen[2][2];
};

static void *run_to_stop(void *vcpu)
{
	KT_RUN_SYNC(vcpu, 2);
	return NULL;
}

static void give_x2apic(struct kt_vcpu *vcpu)
{
	struct kvm_cpuid2 *c = kt_supported_cpuid();

	kt_cpuid_entry(c, 1, 0)->ecx |= BIT(21);
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	free(c);
}

static void look(struct machine *m)
{
	for (int i = 0; i < 4; i++)
		m->seen[i / 2][i % 2] = GV(m->vm, taken[i / 2][i % 2]);
}

static void start(struct machine *m, bool halting)
{
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };

	if (!kt_is_minikvm())
		kt_skip("the device that minikvm plays");
	m->vcpu[0] = kt_long(0, KT_IRQCHIP, waiting_guest);
	m->vm = m->vcpu[0]->vm;
	give_x2apic(m->vcpu[0]);
	m->vcpu[1] = kt_vcpu_new(m->vm, 1);
	give_x2apic(m->vcpu[1]);
	kt_vcpu_long(m->vcpu[1], waiting_guest);
	KT_IOCTL(m->vcpu[1]->fd, KVM_SET_MP_STATE, &state);
	GV(m->vm, halts) = halting;
	for (int i = 0; i < 2; i++) {
		KT_RUN_SYNC(m->vcpu[i], 1);
		KT_EQ(pthread_create(&m->thread[i], NULL, run_to_stop, m->vcpu[i]), 0);
	}
	m->eventfd = eventfd(0, EFD_NONBLOCK);
	KT_TRUE(m->eventfd >= 0);
	look(m);
}

static void end_guests(struct machine *m)
{
	struct kvm_msi msi = { .address_lo = 0xfeeff000, .data = VECTOR };
	int i;

	GV(m->vm, stop) = 1;
	for (i = 0; i < 2;) {
		/* Until it has seen it: the wake-up may come between its look and its HLT. */
		KT_IOCTL(m->vm->fd, KVM_SIGNAL_MSI, &msi);
		if (!pthread_tryjoin_np(m->thread[i], NULL))
			i++;
		else
			kt_msleep(1);
	}
}

static void finish(struct machine *m)
{
	end_guests(m);
	kt_vm_free(m->vm);
	close(m->eventfd);
}

static void irqfd(struct machine *m, u32 flags)
{
	struct kvm_irqfd args = { .fd = m->eventfd, .gsi = GSI, .flags = flags };

	KT_IOCTL(m->vm->fd, KVM_IRQFD, &args);
}

static int plug(struct machine *m, u32 flags)
{
	struct minikvm_test_device args = { .eventfd = m->eventfd, .flags = flags };

	return KT_IOCTL(m->vm->fd, MINIKVM_VM_TEST_DEVICE, &args);
}

static void route(struct machine *m, u32 type, u32 address, u32 data)
{
	struct kvm_irq_routing *r = calloc(1, sizeof(*r) + sizeof(r->entries[0]));

	r->nr = 1;
	r->entries[0].gsi = GSI;
	r->entries[0].type = type;
	if (type == KVM_IRQ_ROUTING_MSI) {
		r->entries[0].u.msi.address_lo = 0xfee00000 | address;
		r->entries[0].u.msi.data = data;
	} else {
		r->entries[0].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		r->entries[0].u.irqchip.pin = PIN;
	}
	KT_IOCTL(m->vm->fd, KVM_SET_GSI_ROUTING, r);
	free(r);
}

static void route_to(struct machine *m, u32 id, u32 vector)
{
	route(m, KVM_IRQ_ROUTING_MSI, id << 12, vector);
}

static struct minikvm_test_entry entry_of(int device)
{
	struct minikvm_test_entry entry;

	KT_EQ(read(device, &entry, sizeof(entry)), (long)sizeof(entry));
	return entry;
}

/* The entry is in posted format where there is APICv; returns the descriptor. */
static u64 want_posted(int device, u32 vector)
{
	struct minikvm_test_entry entry = entry_of(device);

	KT_EQ(entry.posted, kt_apicv());
	if (!entry.posted)
		return 0;
	KT_EQ(entry.vector, vector);
	KT_TRUE(entry.descriptor && !(entry.descriptor & 63));
	return entry.descriptor;
}

static void fire(int device)
{
	KT_EQ(write(device, "", 1), 1);
}

/* One more of each bit of @ids; nothing else. */
static void want_taken(struct machine *m, u32 ids, u32 vector)
{
	time_t since = time(NULL);

	for (int id = 0; id < 2; id++) {
		u32 *seen = &m->seen[id][vector == OTHER];

		*seen += ids >> id & 1;
		while (GV(m->vm, taken[id][vector == OTHER]) != *seen) {
			if (time(NULL) - since > PATIENCE)
				kt_fail("vCPU %d: %u interrupts of vector %#x, not %u", id,
					GV(m->vm, taken[id][vector == OTHER]), vector, *seen);
			sched_yield();
		}
	}
	for (int i = 0; i < 4; i++)
		KT_EQ(GV(m->vm, taken[i / 2][i % 2]), m->seen[i / 2][i % 2]);
}

static void fire_rounds(struct machine *m, int device, u32 id, u32 vector)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		fire(device);
		want_taken(m, 1 << id, vector);
	}
}

/* What reaches the eventfd while no irqfd takes it off. */
static u64 signalled(struct machine *m)
{
	u64 value = 0;

	if (read(m->eventfd, &value, sizeof(value)) < 0)
		KT_EQ(errno, EAGAIN);
	return value;
}

static void follow_routes(struct machine *m, int device)
{
	u64 first, second;

	route_to(m, 0, VECTOR);
	first = want_posted(device, VECTOR);
	fire_rounds(m, device, 0, VECTOR);
	route_to(m, 1, OTHER);
	second = want_posted(device, OTHER);
	KT_EQ(first != second, kt_apicv());
	fire_rounds(m, device, 1, OTHER);
	route_to(m, 0, OTHER);
	KT_EQ(want_posted(device, OTHER), first);
	fire_rounds(m, device, 0, OTHER);
}

static void producer_first(void)
{
	struct machine m = { };
	int device;

	start(&m, false);
	route_to(&m, 1, OTHER);
	device = plug(&m, 0);
	KT_EQ(entry_of(device).posted, 0);
	irqfd(&m, 0);
	want_posted(device, OTHER);
	follow_routes(&m, device);
	close(device);
	finish(&m);
}

static void consumer_first(void)
{
	struct machine m = { };
	int device;

	start(&m, true);
	irqfd(&m, 0);
	route_to(&m, 0, VECTOR);
	device = plug(&m, 0);
	want_posted(device, VECTOR);
	follow_routes(&m, device);
	close(device);
	finish(&m);
}

/* What one descriptor and one vector cannot say goes through the host, and arrives as it should. */
static void only_one_receiver(void)
{
	static const struct {
		u32 address, data;
		bool posted;
		u32 receivers;
	} routes[] = {
		{ 0xff000, VECTOR, false, 3 },				/* everybody */
		{ 0x3000 | MSI_LOGICAL, VECTOR, false, 3 },		/* cluster 0: both */
		{ 0x2000 | MSI_LOGICAL, VECTOR, true, 2 },
		{ 0x1000 | MSI_LOGICAL, MSI_LOWEST | VECTOR, true, 1 },
		{ 0x7000, VECTOR, false, 0 },				/* no vCPU */
		{ 0x1000, VECTOR, true, 2 },
		{ 0x1000, MSI_LEVEL | BIT(14) | VECTOR, false, 2 },
		{ 0x0000, MSI_LOWEST | VECTOR, true, 1 },
		{ 0x1000, 15, false, 0 },				/* no vector */
	};
	struct machine m = { };
	int device;

	start(&m, false);
	device = plug(&m, 0);
	irqfd(&m, 0);
	for (u32 i = 0; i < KT_ARRAY_SIZE(routes); i++) {
		route(&m, KVM_IRQ_ROUTING_MSI, routes[i].address, routes[i].data);
		if (routes[i].posted)
			want_posted(device, VECTOR);
		else
			KT_EQ(entry_of(device).posted, 0);
		fire(device);
		want_taken(&m, routes[i].receivers, VECTOR);
	}
	route(&m, KVM_IRQ_ROUTING_MSI, 0x1000, MSI_NMI | VECTOR);
	KT_EQ(entry_of(device).posted, 0);
	route_to(&m, 0, VECTOR);
	want_posted(device, VECTOR);
	route(&m, KVM_IRQ_ROUTING_IRQCHIP, 0, 0);
	KT_EQ(entry_of(device).posted, 0);
	close(device);
	finish(&m);
}

static void hardware_without_posting(void)
{
	struct machine m = { };
	int device;

	start(&m, false);
	irqfd(&m, 0);
	route_to(&m, 0, VECTOR);
	device = plug(&m, MINIKVM_TEST_DEVICE_NO_POSTING);
	KT_EQ(entry_of(device).posted, 0);
	fire_rounds(&m, device, 0, VECTOR);
	route_to(&m, 1, OTHER);
	KT_EQ(entry_of(device).posted, 0);
	fire_rounds(&m, device, 1, OTHER);
	close(device);
	finish(&m);
}

static void taken_apart(void)
{
	struct machine m = { };
	int device;
	u64 one = 1;

	start(&m, false);
	route_to(&m, 0, VECTOR);
	irqfd(&m, 0);
	device = plug(&m, 0);
	want_posted(device, VECTOR);
	/* The irqfd goes: the host's handler has the interrupt and passes it to no vCPU. */
	irqfd(&m, KVM_IRQFD_FLAG_DEASSIGN);
	KT_EQ(entry_of(device).posted, 0);
	fire(device);
	KT_EQ(signalled(&m), 1);
	want_taken(&m, 0, VECTOR);
	irqfd(&m, 0);
	want_posted(device, VECTOR);
	fire_rounds(&m, device, 0, VECTOR);
	/* Posted interrupts do not touch the eventfd. */
	KT_EQ(signalled(&m), 0);
	/* The device goes: the irqfd stays. */
	close(device);
	KT_EQ(write(m.eventfd, &one, sizeof(one)), (long)sizeof(one));
	want_taken(&m, 1, VECTOR);
	route_to(&m, 1, OTHER);
	device = plug(&m, 0);
	want_posted(device, OTHER);
	fire_rounds(&m, device, 1, OTHER);
	/* The VM goes: nothing may be posted into memory that is free. */
	end_guests(&m);
	kt_vm_free(m.vm);
	KT_EQ(entry_of(device).posted, 0);
	fire(device);
	KT_EQ(signalled(&m), 1);
	close(device);
	close(m.eventfd);
}

static void two_vms_one_eventfd(void)
{
	struct machine m = { }, other = { };
	u64 descriptor;
	int device;

	start(&m, false);
	start(&other, false);
	close(other.eventfd);
	other.eventfd = dup(m.eventfd);
	route_to(&m, 0, VECTOR);
	route_to(&other, 0, VECTOR);
	irqfd(&m, 0);
	device = plug(&m, 0);
	descriptor = want_posted(device, VECTOR);
	irqfd(&other, 0);
	KT_EQ(want_posted(device, VECTOR), descriptor);
	irqfd(&other, KVM_IRQFD_FLAG_DEASSIGN);
	KT_EQ(want_posted(device, VECTOR), descriptor);
	fire_rounds(&m, device, 0, VECTOR);
	want_taken(&other, 0, VECTOR);
	close(device);
	finish(&other);
	finish(&m);
}

static void refused(void)
{
	struct machine m = { };
	struct minikvm_test_device args;
	int device, null;

	start(&m, false);
	args = (struct minikvm_test_device){ .eventfd = m.eventfd, .flags = 2 };
	KT_IOCTL_ERR(m.vm->fd, MINIKVM_VM_TEST_DEVICE, &args, EINVAL);
	args = (struct minikvm_test_device){ .eventfd = -1 };
	KT_IOCTL_ERR(m.vm->fd, MINIKVM_VM_TEST_DEVICE, &args, EBADF);
	null = open("/dev/null", O_RDWR);
	args.eventfd = null;
	KT_IOCTL_ERR(m.vm->fd, MINIKVM_VM_TEST_DEVICE, &args, EINVAL);
	close(null);
	device = plug(&m, 0);
	args.eventfd = m.eventfd;
	KT_IOCTL_ERR(m.vm->fd, MINIKVM_VM_TEST_DEVICE, &args, EBUSY);
	KT_EQ(read(device, &args, 4), -1);
	close(device);
	finish(&m);
}

static const struct kt_test tests[] = {
	{ "producer_first", producer_first },
	{ "consumer_first", consumer_first },
	{ "only_one_receiver", only_one_receiver },
	{ "hardware_without_posting", hardware_without_posting },
	{ "taken_apart", taken_apart },
	{ "two_vms_one_eventfd", two_vms_one_eventfd },
	{ "refused", refused },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
