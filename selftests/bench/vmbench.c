// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmbench - what the operations of a hypervisor cost, in ticks of the TSC.
 *
 * The same guest code on any device that speaks KVM's ABI (--dev /dev/kvm, --dev /dev/minikvm).
 * Meant for the lab's Bochs host, whose TSC counts executed instructions. A guest measures
 * itself by RDTSC, in batches; the smallest batch has no host interrupt in it. Where minikvm
 * counts its VMCS accesses (COUNT_VMCS=y), prints those per operation as well.
 * On two host CPUs only the rows of two vCPUs; rows of growth only by name; --list prints each
 * row's name and its kind (1, 2 or growth). Relies on the kselftests' library. Output, behind a
 * label: `row NAME TICKS`, `vmcs NAME VMREADS VMWRITES`, `own NAME TICKS`, `growth NAME N TICKS`.
 * Documentation/benchmark.rst says what each row holds.
 */
#include <glob.h>

#include "vmbench.h"

#define MSR_APIC_BASE 0x1b
#define MSR_MISC_ENABLE 0x1a0
#define MSR_TSC_ADJUST 0x3b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC_SVR 0x80f
#define MSR_X2APIC_ICR 0x830
#define APIC_BASE_X2 (BIT(10) | BIT(11))
#define LVTT_DEADLINE (2 << 17)
#define CPUID_1_ECX_DEADLINE BIT(24)
#define CR0_NE BIT(5)
#define CR4_MCE BIT(6)

#define PORT_PIC_MASK 0x21
#define FAR_AWAY BIT(40)	/* ticks; a deadline that never comes */
#define DEADLINE 40000		/* ticks; above every cost of arming */

#define GPA_4K 0x10000000UL
#define SIZE_4K (48UL << 20)
#define PAGES_4K 1024
#define STRIDE_4K 0x40000UL	/* 256 KiB */
#define GPA_2M 0x20000000UL
#define PAGES_2M 24
#define SIZE_2M 0x200000UL

#define COUNTERS "/sys/kernel/debug/minikvm/vmcs_accesses"

struct accesses {
	u64 reads, writes;
};

volatile u64 samples[SAMPLES_MAX];
volatile u64 nr_samples;
static volatile u64 handler_tsc;

static struct accesses nothing;		/* of the calls that frame each row's guest */
static u64 empty_batch;
static bool counting;
static const char *label = "vmbench";

/* ---- guests ------------------------------------------------------------------------------- */

GUEST_LOOP(guest_empty, NOTHING, NOTHING)
GUEST_LOOP(guest_cpuid_first, NOTHING, ({ u32 r[4]; guest_cpuid(0, 0, r); }))
GUEST_LOOP(guest_cpuid_last, NOTHING, ({ u32 r[4]; guest_cpuid(0x80000008, 0, r); }))
/* A hypercall that no hypervisor has. */
GUEST_LOOP(guest_vmcall, NOTHING,
	   ({ u64 a = 1000; asm volatile("vmcall" : "+a"(a) : : "memory"); }))
GUEST_LOOP(guest_rdmsr, NOTHING, rdmsr(MSR_MISC_ENABLE))
GUEST_LOOP(guest_wrmsr, u64 v = rdmsr(MSR_MISC_ENABLE), wrmsr(MSR_MISC_ENABLE, v))
/* Linux does so on each processor that comes up. */
GUEST_LOOP(guest_tsc_adjust, u64 v = rdmsr(MSR_TSC_ADJUST), wrmsr(MSR_TSC_ADJUST, v))
/* VMX operation needs these two bits, so every hypervisor has to see them change. */
GUEST_LOOP(guest_cr0, u64 v = GUEST_READ_REG("cr0"),
	   ({ v ^= CR0_NE; GUEST_WRITE_REG("cr0", v); }))
GUEST_LOOP(guest_cr4, u64 v = GUEST_READ_REG("cr4"),
	   ({ v ^= CR4_MCE; GUEST_WRITE_REG("cr4", v); }))
GUEST_LOOP(guest_in_kernel, NOTHING, inb(PORT_PIC_MASK))
GUEST_LOOP(guest_out_user, NOTHING, outb(PORT_USER, 1))
GUEST_LOOP(guest_mmio_user, NOTHING, rd32(KT_MMIO))
GUEST_LOOP(guest_lapic_read, apic_enable(), apic_read(APIC_LVTT))
GUEST_LOOP(guest_ioapic_read, wr32(IOAPIC_BASE, 1), rd32(IOAPIC_BASE + 0x10))

void wait_for_irq(u32 before)
{
	while (guest_irqs[VECTOR] == before)
		cpu_relax();
}

GUEST_LOOP(guest_self_ipi, ({ apic_enable(); guest_handler[VECTOR] = guest_count_eoi; }),
	   ({ u32 n = guest_irqs[VECTOR]; self_ipi(VECTOR); wait_for_irq(n); }))

void x2apic_enable(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2);
	wrmsr(MSR_X2APIC_SVR, 0x1ff);
	guest_handler[VECTOR] = guest_count_x2eoi;
}

/* To its own ID without a shorthand, as Linux sends. */
GUEST_LOOP(guest_self_ipi_x2, x2apic_enable(),
	   ({ u32 n = guest_irqs[VECTOR]; wrmsr(MSR_X2APIC_ICR, ICR_ASSERT | VECTOR);
	      wait_for_irq(n); }))

static void timer_handler(struct gframe *f)
{
	handler_tsc = rdtsc();
	guest_count_eoi(f);
}

static void timer_prepare(void)
{
	apic_enable();
	apic_write(APIC_LVTT, LVTT_DEADLINE | VECTOR);
	guest_handler[VECTOR] = timer_handler;
}

GUEST_LOOP(guest_arm, timer_prepare(), wrmsr(MSR_TSC_DEADLINE, FAR_AWAY))

#define TIMER_SAMPLES 64
#define TIMER_WARM_UP 64	/* KVM adapts its timer to what it sees */

/* How long after its deadline does the handler begin, while the guest computes? */
static void guest_deadline(void)
{
	timer_prepare();
	sti();
	for (u64 i = 0; i < TIMER_WARM_UP + TIMER_SAMPLES; i++) {
		u32 n = guest_irqs[VECTOR];
		u64 deadline;

		if (i == TIMER_WARM_UP)
			GUEST_SYNC(0);
		deadline = rdtsc() + DEADLINE;
		wrmsr(MSR_TSC_DEADLINE, deadline);
		while (guest_irqs[VECTOR] == n)
			;
		if (i >= TIMER_WARM_UP)
			samples[i - TIMER_WARM_UP] = handler_tsc - deadline;
	}
	nr_samples = TIMER_SAMPLES;
	guest_done();
}

/* ... and how long after it does the guest go on behind its HLT? */
static void guest_hlt(void)
{
	timer_prepare();
	for (u64 i = 0; i < TIMER_WARM_UP + TIMER_SAMPLES; i++) {
		u64 deadline;

		if (i == TIMER_WARM_UP)
			GUEST_SYNC(0);
		deadline = rdtsc() + DEADLINE;
		wrmsr(MSR_TSC_DEADLINE, deadline);
		sti_hlt_cli();
		if (i >= TIMER_WARM_UP)
			samples[i - TIMER_WARM_UP] = rdtsc() - deadline;
	}
	nr_samples = TIMER_SAMPLES;
	guest_done();
}

/* Touch the first words of @pages pages, @stride apart; a sample is @batch of them. */
static void touch_fresh(u64 base, u64 stride, u64 pages, u64 batch)
{
	u64 at = base;

	sti();
	GUEST_SYNC(0);
	for (u64 i = 0; i < pages / batch; i++) {
		u64 start = rdtsc();

		for (u64 j = 0; j < batch; j++, at += stride)
			wr32(at, 1);
		samples[i] = rdtsc() - start;
	}
	nr_samples = pages / batch;
	guest_done();
}

/* Page by page: a hypervisor may bring in neighbours, which then cost nothing. */
static void guest_ept_4k_next(void)
{
	touch_fresh(GPA_4K, 4096, PAGES_4K, BATCH);
}

/* Far apart: each touch is a violation, whatever it brings in besides. */
static void guest_ept_4k_far(void)
{
	touch_fresh(GPA_4K, STRIDE_4K, SIZE_4K / STRIDE_4K, 1);
}

static void guest_ept_2m(void)
{
	touch_fresh(GPA_2M, SIZE_2M, PAGES_2M, 1);
}

static void guest_idle(void)
{
	guest_done();
}

/* ---- the host's side ---------------------------------------------------------------------- */

static struct accesses read_accesses(void)
{
	struct accesses a = { 0 };
	unsigned long long value;
	char name[32];
	FILE *f;

	if (!counting)
		return a;
	f = fopen(COUNTERS, "r");
	if (!f)
		kt_fail("%s: %s", COUNTERS, strerror(errno));
	while (fscanf(f, "%31s %llu", name, &value) == 2) {
		if (!strcmp(name, "vmread"))
			a.reads = value;
		else if (!strcmp(name, "vmwrite"))
			a.writes = value;
	}
	fclose(f);
	return a;
}

static int by_value(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return x < y ? -1 : x > y;
}

long median(long *values, unsigned int n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

void print_row(const char *name, long value)
{
	printf("%s row %s %ld\n", label, name, value);
	fflush(stdout);
}

void print_own(const char *name, long value)
{
	printf("%s own %s %ld\n", label, name, value);
	fflush(stdout);
}

void print_growth(const char *name, u32 n, long value)
{
	printf("%s growth %s %u %ld\n", label, name, n, value);
	fflush(stdout);
}

/*
 * Serve exits until the guest is done; afterwards *used holds its VMCS accesses since UC_SYNC.
 * @user, if any, does what an OUT to PORT_USER is for.
 */
static void serve(struct kt_vcpu *vcpu, struct accesses *used, void (*user)(struct kt_vm *vm))
{
	struct accesses before = { 0 }, after;
	struct kt_ucall uc;

	for (;;) {
		kt_run(vcpu);
		if (vcpu->run->exit_reason == KVM_EXIT_MMIO)
			continue;
		if (vcpu->run->exit_reason == KVM_EXIT_IO && vcpu->run->io.port == PORT_USER) {
			if (user)
				user(vcpu->vm);
			continue;
		}
		if (!kt_ucall(vcpu, &uc)) {
			kt_dump(vcpu);
			kt_fail("an exit that no guest of this program makes");
		}
		KT_CHECK_GUEST(vcpu, &uc);
		if (uc.cmd == UC_DONE)
			break;
		before = read_accesses();
	}
	after = read_accesses();
	used->reads = after.reads - before.reads;
	used->writes = after.writes - before.writes;
}

struct guest_result {
	long values[SAMPLES_MAX];
	unsigned int n;
	struct accesses used;
};

/*
 * KVM 6.1 does not report the TSC-deadline timer in its CPUID, and a guest has it only when
 * userspace sets the bit: KVM_CAP_TSC_DEADLINE_TIMER.
 */
static void give_deadline_timer(struct kt_vcpu *vcpu)
{
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_cpuid_entry2 *e = kt_cpuid_entry(c, 1, 0);

	if (!e || kt_cap(KVM_CAP_TSC_DEADLINE_TIMER) <= 0)
		kt_fail("%s has no TSC-deadline timer", kt_dev);
	e->ecx |= CPUID_1_ECX_DEADLINE;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	free(c);
}

struct kt_vcpu *bench_guest(void (*fn)(void))
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, fn);

	give_deadline_timer(vcpu);
	return vcpu;
}

struct kt_vcpu *bench_second(struct kt_vm *vm, void (*fn)(void))
{
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 1);

	give_deadline_timer(vcpu);
	kt_vcpu_long(vcpu, fn);
	KT_IOCTL(vcpu->fd, KVM_SET_MP_STATE, &state);
	return vcpu;
}

/* Run a guest to its end, take its samples. */
static void run_guest(struct kt_vcpu *vcpu, struct guest_result *result,
		      void (*user)(struct kt_vm *vm))
{
	struct kt_vm *vm = vcpu->vm;

	serve(vcpu, &result->used, user);
	result->n = GV(vm, nr_samples);
	if (!result->n || result->n > SAMPLES_MAX)
		kt_fail("the guest left %u samples", result->n);
	for (unsigned int i = 0; i < result->n; i++)
		result->values[i] = GV(vm, samples[i]);
}

/* ... and free its VM. */
static void finish_guest(struct kt_vcpu *vcpu, struct guest_result *result,
			 void (*user)(struct kt_vm *vm))
{
	run_guest(vcpu, result, user);
	kt_vm_free(vcpu->vm);
}

long bench_median(struct kt_vcpu *vcpu)
{
	struct guest_result r;

	run_guest(vcpu, &r, NULL);
	return median(r.values, r.n);
}

void bench_samples(const char *name, struct kt_vcpu *vcpu, pthread_t other)
{
	long ticks = bench_median(vcpu);

	pthread_join(other, NULL);
	kt_vm_free(vcpu->vm);
	print_row(name, ticks);
}

/* In tenths, rounded: the library is built without floating point. */
static u64 tenths(u64 used, u64 frame, u64 operations)
{
	return used > frame ? ((used - frame) * 10 + operations / 2) / operations : 0;
}

static void print_accesses(const char *name, const struct accesses *used, u64 operations)
{
	u64 r = tenths(used->reads, nothing.reads, operations);
	u64 w = tenths(used->writes, nothing.writes, operations);

	if (counting)
		printf("%s vmcs %s %u.%u %u.%u\n", label, name, (u32)(r / 10), (u32)(r % 10),
		       (u32)(w / 10), (u32)(w % 10));
}

static long loop_ticks(struct kt_vcpu *vcpu, struct guest_result *r,
		       void (*user)(struct kt_vm *vm))
{
	finish_guest(vcpu, r, user);
	median(r->values, r->n);
	return (r->values[0] - (long)empty_batch + BATCH / 2) / BATCH;
}

long bench_ticks(struct kt_vcpu *vcpu, void (*user)(struct kt_vm *vm))
{
	struct guest_result r;

	return loop_ticks(vcpu, &r, user);
}

void bench_loop(const char *name, struct kt_vcpu *vcpu, void (*user)(struct kt_vm *vm))
{
	struct guest_result r;

	print_row(name, loop_ticks(vcpu, &r, user));
	print_accesses(name, &r.used, BATCHES * BATCH);
}

/* A row whose guest is a GUEST_LOOP() that needs nothing but a VM. */
static void loop_row(const char *name, void (*fn)(void))
{
	bench_loop(name, bench_guest(fn), NULL);
}

static void measure_empty(void)
{
	struct guest_result r;

	finish_guest(bench_guest(guest_empty), &r, NULL);
	median(r.values, r.n);
	empty_batch = r.values[0];
	nothing = r.used;
}

/* A row whose guest takes one sample per @batch operations: the median, of batches the smallest. */
static void sample_row(const char *name, void (*fn)(void), u64 gpa, void *hva, u64 size,
		       u64 batch)
{
	struct kt_vcpu *vcpu = bench_guest(fn);
	struct guest_result r;
	long middle;

	if (size)
		KT_EQ(kt_slot(vcpu->vm, 1, 0, gpa, size, hva), 0);
	finish_guest(vcpu, &r, NULL);
	middle = median(r.values, r.n);
	print_row(name, batch > 1 ? r.values[0] / (long)batch : middle);
	print_accesses(name, &r.used, r.n * batch);
}

static void timer_row(const char *name, void (*fn)(void))
{
	sample_row(name, fn, 0, NULL, 0, 1);
}

/* ---- memory of the host under a fresh guest page ------------------------------------------ */

void *map(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		kt_fail("mmap of %zu bytes: %s", size, strerror(errno));
	return mem;
}

/* The host's pages are there before the guest asks for them: clearing them costs both the same. */
static void ept_4k_row(const char *name, void (*fn)(void))
{
	void *mem = map(SIZE_4K);

	madvise(mem, SIZE_4K, MADV_NOHUGEPAGE);
	memset(mem, 1, SIZE_4K);
	sample_row(name, fn, GPA_4K, mem, SIZE_4K, fn == guest_ept_4k_next ? BATCH : 1);
	munmap(mem, SIZE_4K);
}

static void ept_2m_row(const char *name, void (*fn)(void))
{
	size_t size = PAGES_2M * SIZE_2M;
	u8 *start = map(size + SIZE_2M);
	u8 *mem = (u8 *)(((u64)start + SIZE_2M - 1) & -SIZE_2M);

	madvise(mem, size, MADV_HUGEPAGE);
	for (size_t at = 0; at < size; at += 4096)
		mem[at] = 1;
	sample_row(name, fn, GPA_2M, mem, size, 1);
	munmap(start, size + SIZE_2M);
}

/* ---- creation, destruction, idle memory --------------------------------------------------- */

#define CREATIONS 15

static long ticks_of_creation(bool irqchip, bool with_vcpu)
{
	long values[CREATIONS];

	for (unsigned int i = 0; i < CREATIONS; i++) {
		u64 start = rdtsc();
		int vm = KT_IOCTL(kt_sys(), KVM_CREATE_VM, 0);

		if (irqchip)
			KT_IOCTL(vm, KVM_CREATE_IRQCHIP, 0);
		if (with_vcpu)
			close(KT_IOCTL(vm, KVM_CREATE_VCPU, 0));
		close(vm);
		values[i] = rdtsc() - start;
	}
	return median(values, CREATIONS);
}

static void vm_row(const char *name, void (*unused)(void))
{
	(void)unused;
	print_row(name, ticks_of_creation(false, false));
}

/* A vCPU lives as long as its VM, so the two cannot be timed apart. */
static void vcpu_row(const char *name, void (*unused)(void))
{
	(void)unused;
	print_row(name, ticks_of_creation(true, true) - ticks_of_creation(true, false));
}

/*
 * Free pages of all zones, with those that wait in the CPUs' lists, which MemFree leaves out
 * and which would hide the first few MiB.
 */
u64 free_kb(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	unsigned long long n, pages = 0;
	char line[256];

	if (!f)
		kt_fail("/proc/zoneinfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " pages free %llu", &n) == 1 ||
		    sscanf(line, " count: %llu", &n) == 1)
			pages += n;
	fclose(f);
	return pages * 4;
}

#define IDLE_VMS 96
#define IDLE_WARM_UP 4

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return;
	fputs(text, f);
	fclose(f);
}

/*
 * What earlier VMs left in the allocator's caches would be taken first and not be seen: wait for
 * deferred frees and give it all back. Without CONFIG_SLUB's files the figure is just less exact.
 */
void empty_caches(void)
{
	glob_t caches;

	kt_msleep(500);
	write_file("/proc/sys/vm/drop_caches", "3");
	if (!glob("/sys/kernel/slab/*/shrink", 0, NULL, &caches))
		for (size_t i = 0; i < caches.gl_pathc; i++)
			write_file(caches.gl_pathv[i], "1");
	globfree(&caches);
	kt_msleep(500);
}

/* It lies in the RAM of another, so that only the kernel's part counts. */
struct kt_vm *idle_vm(struct kt_vm *ram, void (*fn)(void))
{
	struct kt_vm *vm = kt_vm_new(0, KT_IRQCHIP);
	struct kt_vcpu *vcpu;

	KT_EQ(kt_slot(vm, 0, 0, 0, ram->size, ram->mem), 0);
	vm->mem = ram->mem;
	vm->size = ram->size;
	vcpu = kt_vcpu_new(vm, 0);
	kt_vcpu_long(vcpu, fn);
	KT_RUN_DONE(vcpu);
	return vm;
}

void free_idle_vm(struct kt_vm *vm)
{
	vm->size = 0;
	kt_vm_free(vm);
}

static void memory_row(const char *name, void (*fn)(void))
{
	static struct kt_vm *vms[IDLE_WARM_UP + IDLE_VMS];
	struct kt_vm *first = kt_vm_new(KT_MEM, KT_IRQCHIP);
	u64 before = 0;

	empty_caches();
	for (unsigned int i = 0; i < KT_ARRAY_SIZE(vms); i++) {
		if (i == IDLE_WARM_UP)
			before = free_kb();
		vms[i] = idle_vm(first, fn);
	}
	print_row(name, ((long)before - (long)free_kb()) / IDLE_VMS);
	for (unsigned int i = 0; i < KT_ARRAY_SIZE(vms); i++)
		free_idle_vm(vms[i]);
	kt_vm_free(first);
}

static const struct {
	const char *name;
	void (*measure)(const char *name, void (*fn)(void));
	void (*fn)(void);
	enum { ONE_CPU, TWO_CPUS, GROWTH } kind;	/* on two CPUs only those that need them */
} rows[] = {
	{ "cpuid", loop_row, guest_cpuid_first },
	{ "cpuid_last", loop_row, guest_cpuid_last },
	{ "vmcall", loop_row, guest_vmcall },
	{ "rdmsr", loop_row, guest_rdmsr },
	{ "wrmsr", loop_row, guest_wrmsr },
	{ "tsc_adjust", loop_row, guest_tsc_adjust },
	{ "cr0_write", loop_row, guest_cr0 },
	{ "cr4_write", loop_row, guest_cr4 },
	{ "in_kernel", loop_row, guest_in_kernel },
	{ "lapic_read", loop_row, guest_lapic_read },
	{ "ioapic_read", loop_row, guest_ioapic_read },
	{ "out_user", loop_row, guest_out_user },
	{ "mmio_user", loop_row, guest_mmio_user },
	{ "self_ipi_xapic", loop_row, guest_self_ipi },
	{ "self_ipi_x2apic", loop_row, guest_self_ipi_x2 },
	{ "deadline_arm", loop_row, guest_arm },
	{ "deadline_irq", timer_row, guest_deadline },
	{ "hlt_timer_wake", timer_row, guest_hlt },
	{ "ept_4k", ept_4k_row, guest_ept_4k_far },
	{ "ept_4k_next", ept_4k_row, guest_ept_4k_next },
	{ "ept_2m", ept_2m_row, guest_ept_2m },
	{ "vm_create_destroy", vm_row, NULL },
	{ "vcpu_create_destroy", vcpu_row, NULL },
	{ "idle_vm_kb", memory_row, guest_idle },
	{ "tpr_x2apic", loop_row, guest_tpr_x2apic },
	{ "eoi_xapic", loop_row, guest_eoi_xapic },
	{ "eoi_x2apic", loop_row, guest_eoi_x2apic },
	{ "ioeventfd_pio", ioeventfd_pio_row, NULL },
	{ "ioeventfd_mmio", ioeventfd_mmio_row, NULL },
	{ "msi", msi_row, NULL },
	{ "irqfd_running", irqfd_running_row, NULL },
	{ "irqfd_halted", irqfd_halted_row, NULL },
	{ "slot_add", slot_add_row, NULL },
	{ "slot_delete", slot_delete_row, NULL },
	{ "dirty_log", dirty_log_rows, NULL },
	{ "fork", fork_row, NULL },
	{ "fork_1g", fork_1g_row, NULL },
	{ "slot_miss", growth_slots, NULL, GROWTH },
	{ "ipi_all", growth_ipi, NULL, GROWTH },
	{ "idle_vms", growth_vms, guest_idle, GROWTH },
	{ "populate", growth_populate, NULL, GROWTH },
	{ "irqfd_routes", growth_routes, NULL, GROWTH },
	{ "ipi_running", ipi_running_row, NULL, TWO_CPUS },
	{ "ipi_halted", ipi_halted_row, NULL, TWO_CPUS },
	{ "ipi_halted_short", ipi_halted_short_row, NULL, TWO_CPUS },
	{ "ipi_halted_edge", ipi_halted_edge_row, NULL, TWO_CPUS },
	{ "ipi_halted_burst", ipi_halted_burst_row, NULL, TWO_CPUS },
};

/* Of those that this host can measure: the named ones, or without names all but growth. */
static bool wanted(unsigned int row, char **names, int n)
{
	bool named = !n && rows[row].kind != GROWTH;

	for (int i = 0; i < n; i++)
		named |= !strcmp(names[i], rows[row].name);
	if (counting && rows[row].kind == GROWTH)
		return false;
	return named && (rows[row].kind == TWO_CPUS) == (sysconf(_SC_NPROCESSORS_ONLN) > 1);
}

static int list_rows(void)
{
	static const char * const kinds[] = { "1", "2", "growth" };

	for (unsigned int i = 0; i < KT_ARRAY_SIZE(rows); i++)
		printf("%s %s\n", rows[i].name, kinds[rows[i].kind]);
	return 0;
}

int main(int argc, char **argv)
{
	int first = 1;

	for (; first + 1 < argc; first += 2) {
		if (!strcmp(argv[first], "--dev"))
			kt_dev = argv[first + 1];
		else if (!strcmp(argv[first], "--label"))
			label = argv[first + 1];
		else
			break;
	}
	if (first < argc && !strcmp(argv[first], "--list"))
		return list_rows();
	if (first < argc && argv[first][0] == '-') {
		fprintf(stderr, "usage: %s [--dev PATH] [--label WORD] [ROW...] | --list\n",
			argv[0]);
		return 2;
	}
	counting = kt_is_minikvm() && !access(COUNTERS, R_OK);
	measure_empty();
	for (unsigned int i = 0; i < KT_ARRAY_SIZE(rows); i++)
		if (wanted(i, argv + first, argc - first))
			rows[i].measure(rows[i].name, rows[i].fn);
	return 0;
}
