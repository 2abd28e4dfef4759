// SPDX-License-Identifier: GPL-2.0-only
/*
 * Birth and death of VMs: 2,000 cycles of create, run and destroy without a leak, descriptors
 * closed in every order, a vCPU that outlives the VM's descriptor, two VMs at once, many vCPUs.
 * Leaks show in /proc/meminfo and in /proc/slabinfo; kmemleak_debug asks the debug kernel. Relies
 * on lib/. LIFECYCLE_CYCLES in the environment sets another number.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

#include "guest.h"

/* in %al,$0x10 is answered; hlt ends. */
asm(".text\n"
    "tiny: .code16\n"
    "	out %al, $0x10\n"
    "	hlt\n"
    "tiny_end: .code64\n");
extern const u8 tiny[], tiny_end[];

#define TINY_MEM 0x10000

static u8 *tiny_mem;

static void one_cycle(u32 flags)
{
	struct kvm_regs r = { .rip = 0x1000, .rflags = 2 };
	struct kvm_userspace_memory_region m = {
		.memory_size = TINY_MEM, .userspace_addr = (unsigned long)tiny_mem,
	};
	struct kvm_pit_config pit = { 0 };
	struct kvm_sregs s;
	struct kvm_run *run;
	int vm, fd, size;

	vm = KT_IOCTL(kt_sys(), KVM_CREATE_VM, 0);
	if (flags)
		KT_IOCTL(vm, KVM_CREATE_IRQCHIP, 0);
	if (flags & KT_PIT)
		KT_IOCTL(vm, KVM_CREATE_PIT2, &pit);
	KT_IOCTL(vm, KVM_SET_USER_MEMORY_REGION, &m);
	fd = KT_IOCTL(vm, KVM_CREATE_VCPU, 0);
	size = KT_IOCTL(kt_sys(), KVM_GET_VCPU_MMAP_SIZE, 0);
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	KT_TRUE(run != MAP_FAILED);
	KT_IOCTL(fd, KVM_GET_SREGS, &s);
	s.cs.base = 0;
	s.cs.selector = 0;
	KT_IOCTL(fd, KVM_SET_SREGS, &s);
	KT_IOCTL(fd, KVM_SET_REGS, &r);
	KT_IOCTL(fd, KVM_RUN, 0);
	KT_EQ(run->exit_reason, KVM_EXIT_IO);
	munmap(run, size);
	close(fd);
	close(vm);
}

static long kilobytes(const char *key)
{
	static char buf[8192];
	int fd = open("/proc/meminfo", O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	char *at;

	close(fd);
	buf[n > 0 ? n : 0] = 0;
	at = strstr(buf, key);
	return at ? atol(at + strlen(key)) : 0;
}

/* Active objects of all caches whose name holds "kvm". */
static long slab_objects(void)
{
	static char buf[65536];
	int fd = open("/proc/slabinfo", O_RDONLY);
	long sum = 0;
	ssize_t n, len = 0;

	if (fd < 0)
		return 0;
	while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = 0;
	for (char *line = strtok(buf, "\n"); line; line = strtok(NULL, "\n")) {
		char name[64];
		long active;

		if (sscanf(line, "%63s %ld", name, &active) == 2 && strstr(name, "kvm"))
			sum += active;
	}
	return sum;
}

struct usage {
	long free, slab, unreclaim, vmalloc, objects;
};

/* Freed pages come back with RCU's grace periods: wait until two readings agree. */
static struct usage measure(void)
{
	struct usage u = { 0 };

	for (int i = 0; i < 20; i++) {
		long before = u.free;

		kt_msleep(50);
		u.free = kilobytes("MemFree:");
		u.slab = kilobytes("Slab:");
		u.unreclaim = kilobytes("SUnreclaim:");
		u.vmalloc = kilobytes("VmallocUsed:");
		u.objects = slab_objects();
		if (i && labs(before - u.free) < 16)
			break;
	}
	return u;
}

static void many_cycles(u32 flags)
{
	const char *env = getenv("LIFECYCLE_CYCLES");
	u32 n = (env ? atoi(env) : 2000) / kt_slowness();
	struct usage a, b;

	tiny_mem = mmap(NULL, TINY_MEM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	memcpy(tiny_mem + 0x1000, tiny, tiny_end - tiny);
	if (flags)
		n /= 10;
	for (u32 i = 0; i < 50; i++)
		one_cycle(flags);
	a = measure();
	for (u32 i = 0; i < n; i++)
		one_cycle(flags);
	b = measure();
	kt_note("%u cycles: free %+ld kB, slab %+ld kB, vmalloc %+ld kB, kvm objects %+ld", n,
		b.free - a.free, b.slab - a.slab, b.vmalloc - a.vmalloc, b.objects - a.objects);
	KT_TRUE(b.objects - a.objects < (long)n / 8 + 8);
	/* KASAN keeps freed memory in quarantine; kmemleak_debug looks for leaks there. */
	if (kt_slowness() > 1)
		return;
	/* One page or one object per VM would be n of them. */
	KT_TRUE(a.free - b.free < (long)n * 2 + 1024);
	KT_TRUE(b.unreclaim - a.unreclaim < (long)n / 8 + 512);
	KT_TRUE(b.vmalloc - a.vmalloc < (long)n / 8 + 256);
}

static void create_run_destroy(void)
{
	many_cycles(0);
}

static void create_run_destroy_irqchip(void)
{
	many_cycles(KT_PIT);
}

/* ---- orders of closing -------------------------------------------------------------------- */

static void vcpu_outlives_vm(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, guest_done);

	KT_RUN_DONE(vcpu);
	close(vcpu->vm->fd);
	vcpu->vm->fd = -1;
	for (int i = 0; i < 5; i++)
		KT_RUN_DONE(vcpu);
}

static void mapping_outlives_all(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);

	KT_RUN_DONE(vcpu);
	close(vcpu->fd);
	close(vcpu->vm->fd);
	vcpu->run->immediate_exit = 1;
	KT_EQ(vcpu->run->immediate_exit, 1);
	munmap(vcpu->run, vcpu->run_size);
	KT_RUN_DONE(kt_long(0, 0, guest_done));
}

static void vm_outlives_vcpu_fd(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);

	kt_vcpu_free(kt_vcpu_new(vm, 0));
	kt_vcpu_long(kt_vcpu_new(vm, 1), guest_done);
	KT_RUN_DONE(vm->vcpu[1]);
	KT_EQ(kt_slot(vm, 1, 0, 64 << 20, 4096, vm->mem), 0);
}

static void memory_outlives_vm(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	u8 *mem = vcpu->vm->mem;

	KT_RUN_DONE(vcpu);
	close(vcpu->fd);
	munmap(vcpu->run, vcpu->run_size);
	close(vcpu->vm->fd);
	memset(mem + KT_TEST_AREA, 0x55, 1 << 20);
	KT_EQ(mem[KT_TEST_AREA + 5], 0x55);
}

/* ---- several at once ---------------------------------------------------------------------- */

static u64 own_number;

static void number_guest(void)
{
	for (u64 i = 0; i < 50; i++) {
		wr64(KT_TEST_AREA + i * 8, own_number * 1000 + i);
		GUEST_SYNC_VAL(i, own_number);
		for (u64 k = 0; k <= i; k++)
			GUEST_EQ(rd64(KT_TEST_AREA + k * 8), own_number * 1000 + k);
	}
	guest_done();
}

static void *number_thread(void *arg)
{
	struct kt_vcpu *vcpu = arg;

	for (u64 i = 0; i < 50; i++)
		KT_EQ(KT_RUN_SYNC(vcpu, i), GV(vcpu->vm, own_number));
	KT_RUN_DONE(vcpu);
	return NULL;
}

static void several_vms(void)
{
	pthread_t t[4];

	for (u64 i = 0; i < 4; i++) {
		struct kt_vcpu *vcpu = kt_long(0, i & 1 ? KT_IRQCHIP : 0, number_guest);

		GV(vcpu->vm, own_number) = i + 1;
		pthread_create(&t[i], NULL, number_thread, vcpu);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

/* Two VMs by turns on one thread: each load of a VMCS must bring back the right one. */
static void alternate(void)
{
	struct kt_vcpu *v[3];

	for (u64 i = 0; i < 3; i++) {
		v[i] = kt_long(0, 0, number_guest);
		GV(v[i]->vm, own_number) = 7 * i + 1;
	}
	for (u64 i = 0; i < 50; i++)
		for (u64 k = 0; k < 3; k++)
			KT_EQ(KT_RUN_SYNC(v[k], i), 7 * k + 1);
	for (u64 k = 0; k < 3; k++)
		KT_RUN_DONE(v[k]);
}

static void many_vcpus(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, KT_IRQCHIP);
	int n = kt_cap(KVM_CAP_NR_VCPUS) < 1 ? 1 : KT_MAX_VCPUS;

	if (n > kt_cap(KVM_CAP_MAX_VCPUS))
		n = kt_cap(KVM_CAP_MAX_VCPUS);
	for (int i = 0; i < n; i++)
		kt_vcpu_long(kt_vcpu_new(vm, i), guest_done);
	for (int i = n - 1; i >= 0; i--)
		KT_RUN_DONE(vm->vcpu[i]);
	kt_vm_free(vm);
}

/* The module's use count goes up with a VM and comes back. */
static long use_count(void)
{
	char buf[32] = "";
	int fd = open("/sys/module/minikvm/refcnt", O_RDONLY);

	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) < 0)
		kt_skip("no /sys/module/minikvm/refcnt");
	close(fd);
	return atol(buf);
}

static void module_use_count(void)
{
	long before, during;
	struct kt_vcpu *vcpu;

	if (!kt_is_minikvm())
		kt_skip("KVM's count is its own affair");
	kt_sys();
	before = use_count();
	vcpu = kt_long(0, 0, guest_done);
	during = use_count();
	KT_TRUE(during > before);
	close(vcpu->vm->fd);
	vcpu->vm->fd = -1;
	KT_TRUE(use_count() > before);
	kt_vm_free(vcpu->vm);
	for (int i = 0; i < 100 && use_count() != before; i++)
		kt_msleep(10);
	KT_EQ(use_count(), before);
}

static const struct kt_test tests[] = {
	{ "vcpu_outlives_vm", vcpu_outlives_vm },
	{ "mapping_outlives_all", mapping_outlives_all },
	{ "vm_outlives_vcpu_fd", vm_outlives_vcpu_fd },
	{ "memory_outlives_vm", memory_outlives_vm },
	{ "several_vms", several_vms },
	{ "alternate", alternate },
	{ "many_vcpus", many_vcpus },
	{ "module_use_count", module_use_count },
	{ "create_run_destroy_irqchip", create_run_destroy_irqchip, 200 },
	{ "create_run_destroy", create_run_destroy, 200 },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
