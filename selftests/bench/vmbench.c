// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmbench: what each kind of exit costs, in ticks of the TSC, by the plain KVM ABI, so that the
 * same program measures KVM and minikvm. The guest reads the TSC around its own loops; creation
 * and memory are measured by the host. Prints "LABEL row NAME TICKS" lines; where minikvm counts
 * its VMCS accesses (count_vmcs=1) instead "LABEL vmcs NAME VMREADS VMWRITES" per operation.
 * SDM volume 3, "VMX Non-Root Operation". Relies on selftests/kselftest/lib.
 */
#include <fcntl.h>

#include "apic.h"

#define MB (1UL << 20)
#define FRESH (64 * MB)
#define DEVICE_PORT 0x10

#define COUNTERS "/sys/kernel/debug/minikvm/vmcs_accesses"

static bool counting;
static const char *label = "this";

/* ---- counters of minikvm ------------------------------------------------------------------ */

struct accesses {
	u64 reads, writes;
};

static struct accesses vmcs_accesses(void)
{
	struct accesses a = { 0 };
	char buf[128] = "";
	int fd;

	if (!counting)
		return a;
	fd = open(COUNTERS, O_RDONLY);
	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) < 1 ||
	    sscanf(buf, "vmread %lu vmwrite %lu", &a.reads, &a.writes) != 2) {
		fprintf(stderr, "vmbench: no counts in " COUNTERS "\n");
		exit(1);
	}
	close(fd);
	return a;
}

static void report(const char *name, u64 ticks, u64 n, struct accesses before)
{
	struct accesses after = vmcs_accesses();

	if (counting)
		printf("%s vmcs %s %.1f %.1f\n", label, name,
		       (double)(after.reads - before.reads) / n,
		       (double)(after.writes - before.writes) / n);
	else
		printf("%s row %s %lu\n", label, name, ticks / n);
	fflush(stdout);
}

/* ---- loops in the guest ------------------------------------------------------------------- */

static u64 loops;

/* One warm-up pass, one that counts; the result goes out with the sync. */
#define MEASURE(stmt)							\
	do {								\
		u64 __t = 0;						\
		for (int __pass = 0; __pass < 2; __pass++) {		\
			GUEST_SYNC_VAL(__pass, 0);			\
			__t = rdtsc();					\
			for (u64 __i = 0; __i < loops; __i++)		\
				stmt;					\
			__t = rdtsc() - __t;				\
		}							\
		GUEST_SYNC_VAL(2, __t);					\
		guest_done();						\
	} while (0)

static void cpuid_guest(void)
{
	u32 r[4];

	MEASURE(guest_cpuid(0, 0, r));
}

/* The last leaf of a whole table: what a search through it costs. */
static void cpuid_last_guest(void)
{
	u32 r[4];

	MEASURE(guest_cpuid(0x80000008, 0, r));
}

static void vmcall_guest(void)
{
	MEASURE(({ u64 a = 0x7777; asm volatile("vmcall" : "+a"(a) : : "memory"); }));
}

static void rdmsr_guest(void)
{
	MEASURE(rdmsr(0x1b));
}

static void wrmsr_guest(void)
{
	u64 v = rdmsr(0x277);

	MEASURE(wrmsr(0x277, v));
}

/* NE and MCE are the hypervisor's under VT-x: no mask of any of the two lets them through. */
static void cr0_guest(void)
{
	u64 cr0 = GUEST_READ_REG("cr0");

	MEASURE(({ cr0 ^= 0x20; GUEST_WRITE_REG("cr0", cr0); }));
}

static void cr4_guest(void)
{
	u64 cr4 = GUEST_READ_REG("cr4");

	MEASURE(({ cr4 ^= 0x40; GUEST_WRITE_REG("cr4", cr4); }));
}

static void in_kernel_guest(void)
{
	MEASURE(inb(0x4d0));
}

static void lapic_guest(void)
{
	MEASURE(apic_read(APIC_SVR));
}

static void ioapic_guest(void)
{
	wr32(IOAPIC_BASE, 1);
	MEASURE(rd32(IOAPIC_BASE + 0x10));
}

static void out_user_guest(void)
{
	MEASURE(outb(DEVICE_PORT, 1));
}

static void mmio_user_guest(void)
{
	MEASURE(rd32(KT_MMIO));
}

static volatile u64 timer_fired, timer_at;

static void on_timer(struct gframe *f)
{
	(void)f;
	timer_at = rdtsc();
	timer_fired++;
	wrmsr(0x80b, 0);
}

static void on_ipi(struct gframe *f)
{
	(void)f;
	timer_fired++;
	wrmsr(0x80b, 0);
}

static void x2apic_on(void)
{
	wrmsr(0x1b, rdmsr(0x1b) | 0x400);
	wrmsr(0x80f, 0x1ff);
}

static void on_xapic_ipi(struct gframe *f)
{
	(void)f;
	timer_fired++;
	apic_write(APIC_EOI, 0);
}

static void xapic_ipi_guest(void)
{
	guest_handler[0x60] = on_xapic_ipi;
	apic_enable();
	sti();
	MEASURE(({ self_ipi(0x60); asm volatile("nop"); }));
}

static void x2apic_ipi_guest(void)
{
	guest_handler[0x60] = on_ipi;
	x2apic_on();
	sti();
	MEASURE(({ wrmsr(0x83f, 0x60); asm volatile("nop"); }));
}

/* A deadline that is not met before the next one replaces it. */
static void arm_guest(void)
{
	x2apic_on();
	wrmsr(0x832, 0x40060);
	MEASURE(wrmsr(0x6e0, 1UL << 60));
}

/* From the write of a deadline that is past to the end of its handler. */
static void deadline_guest(void)
{
	guest_handler[0x60] = on_timer;
	x2apic_on();
	wrmsr(0x832, 0x40060);
	sti();
	MEASURE(({ u64 n = timer_fired; wrmsr(0x6e0, 1); while (timer_fired == n) cpu_relax(); }));
}

/* From the deadline, met in HLT, to the first instruction of the handler. */
static void hlt_guest(void)
{
	u64 sum = 0, deadline;

	guest_handler[0x60] = on_timer;
	x2apic_on();
	wrmsr(0x832, 0x40060);
	for (int pass = 0; pass < 2; pass++) {
		GUEST_SYNC_VAL(pass, 0);
		sum = 0;
		for (u64 i = 0; i < loops; i++) {
			u64 n = timer_fired;

			deadline = rdtsc() + 300000;
			wrmsr(0x6e0, deadline);
			while (timer_fired == n)
				sti_hlt_cli();
			sum += timer_at - deadline;
		}
	}
	GUEST_SYNC_VAL(2, sum);
	guest_done();
}

static u64 page_size;

static void touch_guest(void)
{
	u64 t;

	GUEST_SYNC_VAL(0, 0);
	GUEST_SYNC_VAL(1, 0);
	t = rdtsc();
	for (u64 i = 0; i < loops; i++)
		wr8(FRESH + i * page_size, 1);
	t = rdtsc() - t;
	GUEST_SYNC_VAL(2, t);
	guest_done();
}

/* The bare loop of a VMM: I/O and MMIO are answered and the guest runs on. */
static u64 run_to_sync(struct kt_vcpu *vcpu, u64 stage)
{
	struct kvm_run *run = vcpu->run;
	struct kt_ucall uc;

	for (;;) {
		if (ioctl(vcpu->fd, KVM_RUN, 0))
			kt_fail("KVM_RUN: %s", kt_errno_name(errno));
		if (run->exit_reason == KVM_EXIT_IO && run->io.port == DEVICE_PORT)
			continue;
		if (run->exit_reason == KVM_EXIT_MMIO) {
			*(u32 *)run->mmio.data = 0;
			continue;
		}
		break;
	}
	if (!kt_ucall(vcpu, &uc)) {
		kt_dump(vcpu);
		kt_fail("unexpected exit");
	}
	KT_CHECK_GUEST(vcpu, &uc);
	if (uc.cmd != UC_SYNC || uc.a != stage)
		kt_fail("the guest is at %llu, want %llu", (unsigned long long)uc.a,
			(unsigned long long)stage);
	return uc.b;
}

static struct kt_vcpu *new_guest(void (*fn)(void), u32 flags)
{
	struct kt_vcpu *vcpu = kt_long(0, flags, fn);
	struct kvm_cpuid2 *c = kt_supported_cpuid();

	kt_cpuid_entry(c, 1, 0)->ecx |= 1 << 24 | 1 << 21;
	kt_cpuid_entry(c, 1, 0)->ebx &= 0xffffff;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	free(c);
	return vcpu;
}

static void guest_row(const char *name, void (*fn)(void), u64 n)
{
	struct kt_vcpu *vcpu = new_guest(fn, KT_PIT);
	struct accesses before;
	u64 ticks;

	GV(vcpu->vm, loops) = n;
	run_to_sync(vcpu, 0);
	run_to_sync(vcpu, 1);
	before = vmcs_accesses();
	ticks = run_to_sync(vcpu, 2);
	report(name, ticks, n, before);
	kt_vm_free(vcpu->vm);
}

/* The host's own page is there already: what is measured is EPT alone. */
static void touch_row(const char *name, u64 size, u64 n)
{
	struct kt_vcpu *vcpu = new_guest(touch_guest, KT_PIT);
	u64 bytes = size * n, ticks;
	struct accesses before;
	u8 *p, *at;

	p = mmap(NULL, bytes + 2 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		kt_fail("mmap: %s", strerror(errno));
	at = (u8 *)(((unsigned long)p + 2 * MB - 1) & ~(2 * MB - 1));
	madvise(at, bytes, size == 4096 ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	for (u64 off = 0; off < bytes; off += 4096)
		at[off] = 1;
	if (kt_slot(vcpu->vm, 1, 0, FRESH, bytes, at))
		kt_fail("slot of %s", name);
	GV(vcpu->vm, loops) = n;
	GV(vcpu->vm, page_size) = size;
	run_to_sync(vcpu, 0);
	run_to_sync(vcpu, 1);
	before = vmcs_accesses();
	ticks = run_to_sync(vcpu, 2);
	report(name, ticks, n, before);
	kt_vm_free(vcpu->vm);
	munmap(p, bytes + 2 * MB);
}

/* ---- creation and memory ------------------------------------------------------------------ */

static u64 create_ticks(bool with_vcpu, u64 n)
{
	u64 t = 0;

	for (u64 i = 0; i < n + 3; i++) {
		int vm, vcpu;

		if (i == 3)
			t = rdtsc();	/* the first three warm up */
		vm = KT_IOCTL(kt_sys(), KVM_CREATE_VM, 0);
		if (with_vcpu) {
			vcpu = KT_IOCTL(vm, KVM_CREATE_VCPU, 0);
			close(vcpu);
		}
		close(vm);
	}
	return rdtsc() - t;
}

static void create_rows(void)
{
	struct accesses before = vmcs_accesses();
	u64 n = 30, vm, both;

	vm = create_ticks(false, n);
	report("vm_create_destroy", vm, n, before);
	before = vmcs_accesses();
	both = create_ticks(true, n);
	report("vcpu_create_destroy", both > vm ? both - vm : 0, n, before);
}

static long mem_free(void)
{
	static char buf[8192];
	int fd = open("/proc/meminfo", O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	char *at;

	close(fd);
	buf[n > 0 ? n : 0] = 0;
	at = strstr(buf, "MemFree:");
	return at ? atol(at + 8) : 0;
}

/* kB of the host's memory behind a VM that has a vCPU, ran once and idles. */
static void memory_row(void)
{
	enum { VMS = 40 };
	struct kvm_userspace_memory_region m = { .memory_size = 0x10000 };
	struct kvm_sregs s;
	struct kvm_regs r = { .rip = 0x1000, .rflags = 2 };
	int vm[VMS], vcpu[VMS];
	long before = 0;
	u8 *mem;

	if (counting)
		return;
	mem = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(mem, 0xf4, 0x10000);
	m.userspace_addr = (unsigned long)mem;
	for (int i = 0; i < VMS; i++) {
		if (i == 8) {
			kt_msleep(100);
			before = mem_free();
		}
		vm[i] = KT_IOCTL(kt_sys(), KVM_CREATE_VM, 0);
		KT_IOCTL(vm[i], KVM_SET_USER_MEMORY_REGION, &m);
		vcpu[i] = KT_IOCTL(vm[i], KVM_CREATE_VCPU, 0);
		KT_IOCTL(vcpu[i], KVM_GET_SREGS, &s);
		s.cs.base = 0;
		s.cs.selector = 0;
		KT_IOCTL(vcpu[i], KVM_SET_SREGS, &s);
		KT_IOCTL(vcpu[i], KVM_SET_REGS, &r);
		KT_IOCTL(vcpu[i], KVM_RUN, 0);
	}
	kt_msleep(100);
	printf("%s row idle_vm_kb %ld\n", label, (before - mem_free()) / (VMS - 8));
	fflush(stdout);
	for (int i = 0; i < VMS; i++) {
		close(vcpu[i]);
		close(vm[i]);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
		u64 n;
	} rows[] = {
		{ "cpuid", cpuid_guest, 2000 }, { "cpuid_last", cpuid_last_guest, 2000 },
		{ "vmcall", vmcall_guest, 2000 }, { "rdmsr", rdmsr_guest, 2000 },
		{ "wrmsr", wrmsr_guest, 2000 }, { "cr0_write", cr0_guest, 2000 },
		{ "cr4_write", cr4_guest, 2000 }, { "in_kernel", in_kernel_guest, 2000 },
		{ "lapic_read", lapic_guest, 2000 }, { "ioapic_read", ioapic_guest, 2000 },
		{ "out_user", out_user_guest, 2000 }, { "mmio_user", mmio_user_guest, 2000 },
		{ "hlt_timer_wake", hlt_guest, 100 }, { "self_ipi_xapic", xapic_ipi_guest, 1000 },
		{ "self_ipi_x2apic", x2apic_ipi_guest, 1000 }, { "deadline_arm", arm_guest, 1000 },
		{ "deadline_irq", deadline_guest, 500 },
	};

	if (getenv("MINIKVM_DEV"))
		kt_dev = getenv("MINIKVM_DEV");
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--dev") && i + 1 < argc) {
			kt_dev = argv[++i];
		} else if (!strcmp(argv[i], "--label") && i + 1 < argc) {
			label = argv[++i];
		} else {
			fprintf(stderr, "usage: vmbench [--dev PATH] [--label NAME]\n");
			return 2;
		}
	}
	counting = kt_is_minikvm() && !access(COUNTERS, R_OK);
	for (unsigned int i = 0; i < KT_ARRAY_SIZE(rows); i++)
		guest_row(rows[i].name, rows[i].fn, rows[i].n);
	touch_row("ept_4k", 4096, 2000);
	touch_row("ept_2m", 2 * MB, 48);
	create_rows();
	memory_row();
	return 0;
}
