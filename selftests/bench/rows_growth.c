// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmbench's rows of growth: one operation, with few and with many of what it may depend on.
 *
 * Slots beside a missed lookup, vCPUs that an IPI goes to, VMs that are there already, the size of
 * what is populated and zapped, routes beside an irqfd's. Nothing here should cost more by the
 * number of what it does not touch. Relies on vmbench.c for guests that measure themselves.
 */
#include <sys/resource.h>

#include "vmbench.h"

#define MSR_X2APIC_ICR 0x830

/* ---- a missed lookup beside so many slots -------------------------------------------------- */

#define GPA_SLOTS 0x50000000UL
#define SLOT_STRIDE 0x2000UL		/* a slot's page and one that has none */
#define SLOTS_MAX 4096UL

/* Each read is the first one of its page, so that no hypervisor remembers that it has no slot. */
static void guest_misses(void)
{
	u64 page = 0;

	sti();
	rd32(GPA_SLOTS + 0x1000);
	GUEST_SYNC(0);
	for (u64 b = 0; b < BATCHES; b++) {
		u64 start = rdtsc();

		for (u64 i = 0; i < BATCH; i++) {
			page = (page + 397) % SLOTS_MAX;
			rd32(GPA_SLOTS + page * SLOT_STRIDE + 0x1000);
		}
		samples[b] = rdtsc() - start;
	}
	nr_samples = BATCHES;
	guest_done();
}

static long slot_miss(u32 slots)
{
	struct kt_vcpu *vcpu = bench_guest(guest_misses);
	u8 *page = map(4096);
	long ticks;

	/* The guest's RAM is the first one. */
	for (u32 i = 1; i < slots; i++)
		KT_EQ(kt_slot(vcpu->vm, i, 0, GPA_SLOTS + i * SLOT_STRIDE, 4096, page), 0);
	ticks = bench_ticks(vcpu, NULL);
	munmap(page, 4096);
	return ticks;
}

/* ---- an IPI to all the others, which are not running --------------------------------------- */

#define IPIS 32

static void guest_broadcasts(void)
{
	x2apic_enable();
	for (u64 i = 0; i < IPIS; i++) {
		u64 start = rdtsc();

		/* Another vector each time: the last one still waits there. */
		wrmsr(MSR_X2APIC_ICR, ICR_OTHERS | ICR_ASSERT | (VECTOR + i));
		samples[i] = rdtsc() - start;
	}
	nr_samples = IPIS;
	guest_done();
}

static void enable_lapic(int vcpu)
{
	struct kvm_lapic_state lapic;

	KT_IOCTL(vcpu, KVM_GET_LAPIC, &lapic);
	lapic.regs[APIC_SVR + 1] |= 1;
	KT_IOCTL(vcpu, KVM_SET_LAPIC, &lapic);
}

static long ipi_all(u32 vcpus)
{
	struct kt_vcpu *vcpu = bench_guest(guest_broadcasts);
	int *fds = calloc(vcpus, sizeof(*fds));
	long ticks;

	if (!fds)
		kt_fail("no memory");
	for (u32 i = 1; i < vcpus; i++) {
		fds[i] = KT_IOCTL(vcpu->vm->fd, KVM_CREATE_VCPU, i);
		enable_lapic(fds[i]);
	}
	ticks = bench_median(vcpu);
	for (u32 i = 1; i < vcpus; i++)
		close(fds[i]);
	free(fds);
	kt_vm_free(vcpu->vm);
	return ticks;
}

/* ---- one more idle VM ----------------------------------------------------------------------- */

#define VMS 500
#define VMS_WARM_UP 4
#define VMS_TIMED 9			/* of the first, and of the last */
#define VMS_WEIGHED 16

static void allow_files(rlim_t files)
{
	struct rlimit limit = { files, files };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		kt_fail("RLIMIT_NOFILE of %lu: %s", files, strerror(errno));
}

/* Of VMS_WEIGHED VMs the mean, from what was free before the first of them and after each. */
static long kb_of_one(const u64 *free)
{
	return ((long)free[0] - (long)free[VMS_WEIGHED]) / VMS_WEIGHED;
}

void growth_vms(const char *name, void (*fn)(void))
{
	static struct kt_vm *vms[VMS_WARM_UP + VMS];
	static long created[VMS_WARM_UP + VMS];
	static u64 free_at[VMS_WARM_UP + VMS + 1];
	struct kt_vm *first = kt_vm_new(KT_MEM, KT_IRQCHIP);
	const u32 n = KT_ARRAY_SIZE(vms);

	(void)name;
	allow_files(4 * n);
	empty_caches();
	for (u32 i = 0; i < n; i++) {
		u64 start = rdtsc();

		free_at[i] = free_kb();
		vms[i] = idle_vm(first, fn);
		created[i] = rdtsc() - start;
	}
	free_at[n] = free_kb();
	print_growth("vm_kb", 1, kb_of_one(free_at + VMS_WARM_UP));
	print_growth("vm_kb", VMS, kb_of_one(free_at + n - VMS_WEIGHED));
	print_growth("vm_create_run", 1, median(created + VMS_WARM_UP, VMS_TIMED));
	print_growth("vm_create_run", VMS, median(created + n - VMS_TIMED, VMS_TIMED));
	for (u32 i = 0; i < n; i++)
		free_idle_vm(vms[i]);
	kt_vm_free(first);
}

/* ---- populate and zap ----------------------------------------------------------------------- */

#define GPA_POPULATE 0x40000000UL

static u64 populate_size;

static void guest_populates(void)
{
	sti();
	for (u64 at = GPA_POPULATE; at < GPA_POPULATE + populate_size; at += 4096)
		wr32(at, 1);
	guest_done();
}

/* The first writes to all pages of so many MiB; *@zapped gets the price of the slot's deletion. */
static long populate(u32 mib, long *zapped)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, guest_populates);
	u64 size = (u64)mib << 20, start, filled;
	u8 *mem = map_repeated(size);

	GV(vcpu->vm, populate_size) = size;
	KT_EQ(kt_slot(vcpu->vm, 1, 0, GPA_POPULATE, size, mem), 0);
	start = rdtsc();
	KT_RUN_DONE(vcpu);
	filled = rdtsc();
	KT_EQ(kt_slot(vcpu->vm, 1, 0, GPA_POPULATE, 0, mem), 0);
	*zapped = rdtsc() - filled;
	kt_vm_free(vcpu->vm);
	munmap(mem, size);
	return filled - start;
}

/* Bochs' host has 2 GiB of memory at most and most of it would be the guest's: 1 GiB is the end. */
void growth_populate(const char *name, void (*unused)(void))
{
	static const u32 mib[] = { 64, 256, 1024 };

	(void)name;
	(void)unused;
	for (u32 i = 0; i < KT_ARRAY_SIZE(mib); i++) {
		long zapped, filled = populate(mib[i], &zapped);

		print_growth("populate", mib[i], filled);
		print_growth("zap", mib[i], zapped);
	}
}

/* ---- the rows ------------------------------------------------------------------------------- */

static void grow(const char *name, long (*measure)(u32 n), const u32 *n, u32 points)
{
	for (u32 i = 0; i < points; i++)
		print_growth(name, n[i], measure(n[i]));
}

void growth_slots(const char *name, void (*unused)(void))
{
	static const u32 slots[] = { 1, 64, 512, SLOTS_MAX };

	(void)unused;
	grow(name, slot_miss, slots, KT_ARRAY_SIZE(slots));
}

void growth_ipi(const char *name, void (*unused)(void))
{
	static const u32 vcpus[] = { 2, 16, 64, 240 };

	(void)unused;
	grow(name, ipi_all, vcpus, KT_ARRAY_SIZE(vcpus));
}

void growth_routes(const char *name, void (*unused)(void))
{
	static const u32 routes[] = { 1, 1000 };

	(void)unused;
	grow(name, irqfd_with_routes, routes, KT_ARRAY_SIZE(routes));
}
