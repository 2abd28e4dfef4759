// SPDX-License-Identifier: GPL-2.0-only
/*
 * Userspace as an enemy: bad pointers and sizes at every ioctl, wrong and closed descriptors,
 * fork, kill -9 in every state, races of threads, descriptor limits, strange mappings, garbage
 * in kvm_run. What counts is that each call fails as it should, that the host lives, and that a
 * fresh VM still runs afterwards. Relies on lib/; all loops are bounded.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "guest.h"

static void still_works(void)
{
	struct itimerval off = { 0 };
	struct kt_vcpu *vcpu;

	setitimer(ITIMER_REAL, &off, NULL);
	vcpu = kt_long(0, 0, guest_done);
	KT_RUN_DONE(vcpu);
	kt_vm_free(vcpu->vm);
}

struct call {
	unsigned long req;
	const char *name;
};

#define C(x) { x, #x }

/* Every ioctl whose argument is a pointer, by the descriptor it belongs to. */
static const struct call sys_calls[] = {
	C(KVM_GET_MSR_INDEX_LIST), C(KVM_GET_SUPPORTED_CPUID), C(KVM_GET_EMULATED_CPUID),
	C(KVM_GET_MSR_FEATURE_INDEX_LIST), C(KVM_GET_MSRS), C(KVM_X86_GET_MCE_CAP_SUPPORTED),
};

static const struct call vm_calls[] = {
	C(KVM_SET_USER_MEMORY_REGION), C(KVM_GET_DIRTY_LOG), C(KVM_SET_IDENTITY_MAP_ADDR),
	C(KVM_IRQ_LINE), C(KVM_IRQ_LINE_STATUS), C(KVM_GET_IRQCHIP), C(KVM_SET_IRQCHIP),
	C(KVM_SET_GSI_ROUTING), C(KVM_SIGNAL_MSI), C(KVM_IRQFD), C(KVM_IOEVENTFD),
	C(KVM_CREATE_PIT2), C(KVM_GET_PIT2), C(KVM_SET_PIT2), C(KVM_GET_CLOCK), C(KVM_SET_CLOCK),
	C(KVM_ENABLE_CAP), C(KVM_REGISTER_COALESCED_MMIO), C(KVM_UNREGISTER_COALESCED_MMIO),
	C(KVM_CREATE_DEVICE), C(KVM_GET_PIT), C(KVM_SET_PIT), C(KVM_CLEAR_DIRTY_LOG),
	C(KVM_SET_PMU_EVENT_FILTER), C(KVM_X86_SET_MSR_FILTER), C(KVM_REINJECT_CONTROL),
};

static const struct call vcpu_calls[] = {
	C(KVM_GET_REGS), C(KVM_SET_REGS), C(KVM_GET_SREGS), C(KVM_SET_SREGS), C(KVM_GET_FPU),
	C(KVM_SET_FPU), C(KVM_GET_MSRS), C(KVM_SET_MSRS), C(KVM_SET_CPUID), C(KVM_SET_CPUID2),
	C(KVM_GET_CPUID2), C(KVM_GET_LAPIC), C(KVM_SET_LAPIC), C(KVM_GET_MP_STATE),
	C(KVM_SET_MP_STATE), C(KVM_INTERRUPT), C(KVM_TRANSLATE), C(KVM_SET_GUEST_DEBUG),
	C(KVM_GET_VCPU_EVENTS), C(KVM_SET_VCPU_EVENTS), C(KVM_GET_DEBUGREGS),
	C(KVM_SET_DEBUGREGS), C(KVM_GET_XSAVE), C(KVM_SET_XSAVE), C(KVM_GET_XCRS),
	C(KVM_SET_XCRS), C(KVM_X86_SETUP_MCE), C(KVM_X86_SET_MCE), C(KVM_SET_VAPIC_ADDR),
	C(KVM_TPR_ACCESS_REPORTING), C(KVM_ENABLE_CAP), C(KVM_SET_ONE_REG), C(KVM_GET_ONE_REG),
	C(KVM_GET_NESTED_STATE), C(KVM_SET_NESTED_STATE), C(KVM_GET_SREGS2), C(KVM_SET_SREGS2),
	C(KVM_GET_XSAVE2), C(KVM_SET_DEVICE_ATTR), C(KVM_GET_DEVICE_ATTR), C(KVM_HAS_DEVICE_ATTR),
};

static u32 refused_all(int fd, const struct call *calls, unsigned int n, unsigned long arg)
{
	u32 bad = 0;

	for (unsigned int i = 0; i < n; i++) {
		int ret = ioctl(fd, calls[i].req, arg);

		if (ret >= 0) {
			kt_note("%s at %#lx returns %d", calls[i].name, arg, ret);
			bad++;
		}
	}
	return bad;
}

static void bad_pointers(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_PIT, guest_done);
	u8 *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long where[5];
	u32 bad = 0;

	munmap(p + 4096, 4096);
	where[0] = 8;
	where[1] = 0xffff888000000000UL;
	where[2] = 0x00008000deadbee8UL;
	where[3] = -8UL;
	where[4] = (unsigned long)p + 4096;
	for (int i = 0; i < 5; i++) {
		bad += refused_all(kt_sys(), sys_calls, KT_ARRAY_SIZE(sys_calls), where[i]);
		bad += refused_all(vcpu->vm->fd, vm_calls, KT_ARRAY_SIZE(vm_calls), where[i]);
		bad += refused_all(vcpu->fd, vcpu_calls, KT_ARRAY_SIZE(vcpu_calls), where[i]);
	}
	KT_EQ(bad, 0);
	KT_RUN_DONE(vcpu);
}

/* Structures whose first bytes can be read and whose tail cannot. */
static void half_pointers(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_PIT, guest_done);
	u8 *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const struct call big[] = {
		C(KVM_GET_REGS), C(KVM_SET_REGS), C(KVM_GET_SREGS), C(KVM_SET_SREGS),
		C(KVM_GET_FPU), C(KVM_SET_FPU), C(KVM_GET_LAPIC), C(KVM_SET_LAPIC),
	};
	static const struct call vm_big[] = {
		C(KVM_SET_USER_MEMORY_REGION), C(KVM_GET_IRQCHIP), C(KVM_SET_IRQCHIP),
		C(KVM_SIGNAL_MSI),
	};
	struct kvm_msrs *m = (void *)(p + 4096 - sizeof(*m) - sizeof(m->entries[0]));
	struct kvm_cpuid2 *c = (void *)(p + 4096 - sizeof(*c) - sizeof(c->entries[0]));
	struct kvm_regs before, after;

	kt_get_regs(vcpu, &before);
	munmap(p + 4096, 4096);
	KT_EQ(refused_all(vcpu->fd, big, KT_ARRAY_SIZE(big), (unsigned long)p + 4096 - 12), 0);
	KT_EQ(refused_all(vcpu->vm->fd, vm_big, KT_ARRAY_SIZE(vm_big),
			  (unsigned long)p + 4096 - 12), 0);
	kt_get_regs(vcpu, &after);
	KT_EQ(memcmp(&before, &after, sizeof(before)), 0);
	m->nmsrs = 2;
	m->entries[0].index = 0x175;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_MSRS, m, EFAULT);
	KT_IOCTL_ERR(vcpu->fd, KVM_GET_MSRS, m, EFAULT);
	c->nent = 2;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_CPUID2, c, EFAULT);
	c->nent = 100;
	KT_IOCTL_ERR(kt_sys(), KVM_GET_SUPPORTED_CPUID, c, EFAULT);
	KT_RUN_DONE(vcpu);
}

static void huge_counts(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, guest_done);
	u8 *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u32 *n = (u32 *)p;

	static const u32 counts[] = { 0xffffffff, 0x7fffffff, 0x80000000, 0x10000000, 65537 };

	for (unsigned int i = 0; i < KT_ARRAY_SIZE(counts); i++) {
		memset(p, 0, 1 << 20);
		*n = counts[i];
		KT_IOCTL_ERR(vcpu->fd, KVM_SET_CPUID2, p, E2BIG);
		*n = counts[i];
		KT_IOCTL_ERR(vcpu->fd, KVM_SET_MSRS, p, E2BIG);
		*n = counts[i];
		KT_IOCTL_ERR(vcpu->fd, KVM_GET_MSRS, p, E2BIG);
		*n = counts[i];
		KT_IOCTL_ERR(vcpu->vm->fd, KVM_SET_GSI_ROUTING, p, EINVAL);
		*n = counts[i];
		KT_IOCTL_ERR(vcpu->fd, KVM_SET_SIGNAL_MASK, p, EINVAL);
		*n = counts[i];
		if (ioctl(kt_sys(), KVM_GET_SUPPORTED_CPUID, p) == 0)
			KT_TRUE(*n <= 256);
		*n = counts[i];
		if (ioctl(kt_sys(), KVM_GET_MSR_INDEX_LIST, p) == 0)
			KT_TRUE(*n < 10000);
	}
	KT_RUN_DONE(vcpu);
}

static void wrong_descriptors(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, KT_IRQCHIP);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	int null = open("/dev/null", O_RDWR), fds[2];
	struct kvm_irqfd irqfd = { .fd = null, .gsi = 5 };
	struct kvm_ioeventfd io = { .addr = 0x100, .len = 1, .fd = null,
				    .flags = KVM_IOEVENTFD_FLAG_PIO };

	KT_TRUE(!pipe(fds));
	/* Descriptors of each kind at the ioctls of the others. */
	KT_EQ(refused_all(vcpu->fd, vm_calls, 4, (unsigned long)&irqfd), 0);
	KT_EQ(refused_all(vm->fd, vcpu_calls, 8, (unsigned long)&irqfd), 0);
	KT_EQ(refused_all(kt_sys(), vcpu_calls, 6, (unsigned long)&irqfd), 0);
	KT_EQ(refused_all(null, vcpu_calls, 6, (unsigned long)&irqfd), 0);
	KT_EQ(refused_all(fds[0], vm_calls, 6, (unsigned long)&irqfd), 0);
	if (kt_cap(KVM_CAP_IRQFD) > 0) {
		KT_IOCTL_ERR(vm->fd, KVM_IRQFD, &irqfd, EINVAL);
		irqfd.fd = 9999;
		KT_IOCTL_ERR(vm->fd, KVM_IRQFD, &irqfd, EBADF);
		irqfd.fd = vm->fd;
		KT_IOCTL_ERR(vm->fd, KVM_IRQFD, &irqfd, EINVAL);
	}
	if (kt_cap(KVM_CAP_IOEVENTFD) > 0) {
		KT_IOCTL_ERR(vm->fd, KVM_IOEVENTFD, &io, EINVAL);
		io.fd = 9999;
		KT_IOCTL_ERR(vm->fd, KVM_IOEVENTFD, &io, EBADF);
		io.len = 3;
		KT_IOCTL_ERR(vm->fd, KVM_IOEVENTFD, &io, EINVAL);
		io.len = 8;
		io.addr = -4UL;
		KT_IOCTL_ERR(vm->fd, KVM_IOEVENTFD, &io, EINVAL);
	}
	still_works();
}

static void closed_descriptors(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	int fd = vcpu->fd;
	struct kvm_regs r;

	close(fd);
	KT_IOCTL_ERR(fd, KVM_RUN, 0, EBADF);
	KT_IOCTL_ERR(fd, KVM_GET_REGS, &r, EBADF);
	vcpu->run->immediate_exit = 1;		/* the mapping keeps the page */
	KT_IOCTL_ERR(vcpu->vm->fd, KVM_CREATE_VCPU, 0, EEXIST);
	still_works();
}

static void dup_descriptors(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	int d = dup(vcpu->fd), v = dup(vcpu->vm->fd);

	KT_TRUE(d >= 0 && v >= 0);
	close(vcpu->fd);
	close(vcpu->vm->fd);
	vcpu->fd = d;
	vcpu->vm->fd = v;
	for (int i = 0; i < 3; i++)
		KT_RUN_DONE(vcpu);
	KT_EQ(KT_IOCTL(v, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY), 1);
}

static void strange_mappings(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	size_t size = vcpu->run_size;
	int status;
	pid_t pid;
	u8 *p;

	KT_TRUE(mmap(NULL, 4096, PROT_READ, MAP_SHARED, kt_sys(), 0) == MAP_FAILED);
	KT_TRUE(mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu->vm->fd, 0) == MAP_FAILED);
	for (size_t len = 1; len <= 3 * size; len += 4095) {
		for (off_t off = 0; off < (off_t)(2 * size); off += 4096) {
			p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, off);
			if (p == MAP_FAILED)
				continue;
			/* Inside the vCPU's pages it can be read. */
			if (off < (off_t)size)
				(void)*(volatile u8 *)p;
			munmap(p, len);
		}
	}
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu->fd, 4096L << 40);
	if (p != MAP_FAILED) {
		pid = fork();
		if (!pid) {
			(void)*(volatile u8 *)p;
			_exit(0);
		}
		waitpid(pid, &status, 0);
		KT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	}
	/* Unmapped under the kernel's feet. */
	munmap(vcpu->run, vcpu->run_size);
	KT_EQ(ioctl(vcpu->fd, KVM_RUN, 0), 0);
	still_works();
}

static void file_limit(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	struct rlimit old, low;
	int probe = dup(0);

	close(probe);
	getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	low.rlim_cur = probe;
	KT_TRUE(!setrlimit(RLIMIT_NOFILE, &low));
	KT_IOCTL_ERR(kt_sys(), KVM_CREATE_VM, 0, EMFILE);
	for (int i = 0; i < 20; i++)
		KT_IOCTL_ERR(vm->fd, KVM_CREATE_VCPU, 0, EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	/* The failures left nothing behind: the number is free. */
	kt_vcpu_long(kt_vcpu_new(vm, 0), guest_done);
	KT_RUN_DONE(vm->vcpu[0]);
}

/* ---- fork --------------------------------------------------------------------------------- */

static void fork_child(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest_done);
	struct kvm_regs r;
	int status;
	pid_t pid;

	KT_RUN_DONE(vcpu);
	pid = fork();
	if (!pid) {
		KT_IOCTL_ERR(vcpu->vm->fd, KVM_CREATE_VCPU, 1, EIO);
		KT_IOCTL_ERR(vcpu->vm->fd, KVM_CHECK_EXTENSION, 0, EIO);
		KT_IOCTL_ERR(vcpu->fd, KVM_RUN, 0, EIO);
		KT_IOCTL_ERR(vcpu->fd, KVM_GET_REGS, &r, EIO);
		still_works();		/* a VM of its own it may have */
		_exit(0);
	}
	waitpid(pid, &status, 0);
	KT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	for (int i = 0; i < 3; i++)
		KT_RUN_DONE(vcpu);
}

/* ---- kill -9 ------------------------------------------------------------------------------ */

static void spin_guest(void)
{
	for (;;)
		cpu_relax();
}

static void hlt_guest(void)
{
	for (;;)
		hlt();
}

static void touch_guest(void)
{
	for (u64 i = 0; ; i++)
		wr64((64UL << 20) + (i * 4096) % (8UL << 20), i);
}

static void *run_forever(void *arg)
{
	for (;;)
		if (kt_run_raw(arg) && errno != EINTR)
			return NULL;
}

static void busy_child(int kind)
{
	struct kt_vcpu *vcpu;
	pthread_t t[3];

	switch (kind) {
	case 0:
		vcpu = kt_long(0, 0, spin_guest);
		kt_run_raw(vcpu);
		break;
	case 1:
		vcpu = kt_long(0, KT_PIT, hlt_guest);
		kt_run_raw(vcpu);
		break;
	case 2:
		for (;;)
			kt_vm_free(kt_long(0, KT_PIT, guest_done)->vm);
	case 3:
		vcpu = kt_long(0, 0, guest_done);
		for (;;)
			kt_run(vcpu);
	case 4: {
		u8 *p = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);

		vcpu = kt_long(0, 0, touch_guest);
		kt_slot(vcpu->vm, 1, 0, 64 << 20, 8 << 20, p);
		pthread_create(&t[0], NULL, run_forever, vcpu);
		for (;;)
			madvise(p, 8 << 20, MADV_DONTNEED);
	}
	case 5:
		vcpu = kt_long(0, 0, touch_guest);
		pthread_create(&t[0], NULL, run_forever, vcpu);
		for (;;) {
			kt_slot(vcpu->vm, 1, 0, 64 << 20, 8 << 20, vcpu->vm->mem);
			kt_slot(vcpu->vm, 1, 0, 64 << 20, 0, NULL);
		}
	case 6:
		vcpu = kt_long(0, 0, spin_guest);
		for (int i = 0; i < 3; i++) {
			struct kt_vcpu *v = kt_vcpu_new(vcpu->vm, i + 1);

			kt_vcpu_long(v, spin_guest);
			pthread_create(&t[i], NULL, run_forever, v);
		}
		kt_run_raw(vcpu);
		break;
	}
}

static void kill_in_every_state(void)
{
	for (int kind = 0; kind < 7; kind++) {
		for (int i = 0; i < 4; i++) {
			pid_t pid = fork();

			if (!pid) {
				busy_child(kind);
				_exit(0);
			}
			kt_msleep(5 + 12 * i);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		still_works();
	}
}

/* ---- races -------------------------------------------------------------------------------- */

struct race {
	struct kt_vm *vm;
	struct kt_vcpu *vcpu;
	int got[8];
	volatile int go, stop;
};

static void *race_run(void *arg)
{
	struct race *r = arg;

	for (int i = 0; i < 100; i++)
		if (kt_run_raw(r->vcpu))
			kt_fail("KVM_RUN: %s", kt_errno_name(errno));
	return NULL;
}

static void two_threads_one_vcpu(void)
{
	struct race r = { .vcpu = kt_long(0, 0, guest_done) };
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, race_run, &r);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	KT_RUN_DONE(r.vcpu);
}

static void *race_create(void *arg)
{
	struct race *r = arg;

	while (!r->go)
		sched_yield();
	for (int i = 0; i < 8; i++)
		if (ioctl(r->vm->fd, KVM_CREATE_VCPU, i) >= 0)
			__atomic_fetch_add(&r->got[i], 1, __ATOMIC_SEQ_CST);
		else if (errno != EEXIST && errno != EINVAL)
			kt_fail("KVM_CREATE_VCPU: %s", kt_errno_name(errno));
	return NULL;
}

static void create_vcpus_in_parallel(void)
{
	for (int round = 0; round < 5; round++) {
		struct race r = { .vm = kt_vm_new(0, 0) };
		pthread_t t[4];

		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, race_create, &r);
		r.go = 1;
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		for (int i = 0; i < 8; i++)
			KT_EQ(r.got[i], 1);
	}
	still_works();
}

static void *race_irqchip(void *arg)
{
	struct race *r = arg;

	while (!r->go)
		sched_yield();
	ioctl(r->vm->fd, KVM_CREATE_IRQCHIP, 0);
	return NULL;
}

static void irqchip_against_vcpus(void)
{
	for (int round = 0; round < 10; round++) {
		struct race r = { .vm = kt_vm_new(0, 0) };
		pthread_t t[2];

		pthread_create(&t[0], NULL, race_irqchip, &r);
		pthread_create(&t[1], NULL, race_create, &r);
		r.go = 1;
		pthread_join(t[0], NULL);
		pthread_join(t[1], NULL);
		kt_vm_free(r.vm);
	}
	still_works();
}

static void *race_routing(void *arg)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry e[8];
	} rt = { 0 };
	struct race *r = arg;

	for (u32 i = 0; !r->stop; i++) {
		rt.head.nr = i % 8;
		for (u32 k = 0; k < 8; k++) {
			rt.e[k].gsi = k;
			rt.e[k].type = KVM_IRQ_ROUTING_MSI;
			rt.e[k].u.msi.address_lo = 0xfee00000;
			rt.e[k].u.msi.data = 0x50 + k;
		}
		KT_IOCTL(r->vm->fd, KVM_SET_GSI_ROUTING, &rt);
	}
	return NULL;
}

static void routing_against_lines(void)
{
	struct race r = { .vm = kt_vm_new(0, KT_IRQCHIP) };
	pthread_t t;

	kt_vcpu_new(r.vm, 0);
	pthread_create(&t, NULL, race_routing, &r);
	for (u32 i = 0; i < 300; i++) {
		struct kvm_irq_level l = { .irq = i % 9, .level = i & 1 };

		ioctl(r.vm->fd, KVM_IRQ_LINE, &l);
	}
	r.stop = 1;
	pthread_join(t, NULL);
	still_works();
}

/* The counts change between the kernel's looks at them. */
static u8 shared_buf[65536];

static void *race_flip(void *arg)
{
	struct race *r = arg;

	while (!r->stop) {
		*(volatile u32 *)shared_buf = 2;
		*(volatile u32 *)shared_buf = 0xffffffff;
		*(volatile u32 *)shared_buf = 255;
		sched_yield();
	}
	return NULL;
}

static void counts_that_change(void)
{
	struct race r = { .vcpu = kt_long(0, KT_IRQCHIP, guest_done) };
	pthread_t t;

	pthread_create(&t, NULL, race_flip, &r);
	for (int i = 0; i < 150; i++) {
		ioctl(r.vcpu->fd, KVM_SET_MSRS, shared_buf);
		ioctl(r.vcpu->fd, KVM_GET_MSRS, shared_buf);
		ioctl(r.vcpu->vm->fd, KVM_SET_GSI_ROUTING, shared_buf);
		ioctl(kt_sys(), KVM_GET_SUPPORTED_CPUID, shared_buf);
		ioctl(kt_sys(), KVM_GET_MSR_INDEX_LIST, shared_buf);
	}
	r.stop = 1;
	pthread_join(t, NULL);
	still_works();
}

static void *race_destroy(void *arg)
{
	struct race *r = arg;

	kt_run_raw(r->vcpu);
	return NULL;
}

/* All descriptors go while another thread is inside KVM_RUN. */
static void close_under_run(void)
{
	struct sigaction sa = { .sa_handler = SIG_IGN };

	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (!pid) {
			struct race r = { .vcpu = kt_long(0, i & 1 ? KT_IRQCHIP : 0, spin_guest) };
			pthread_t t;

			pthread_create(&t, NULL, race_destroy, &r);
			kt_msleep(10);
			close(r.vcpu->fd);
			close(r.vcpu->vm->fd);
			munmap(r.vcpu->vm->mem, r.vcpu->vm->size);
			kt_msleep(10);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	still_works();
}

/* ---- garbage in kvm_run ------------------------------------------------------------------- */

static void io_guest(void)
{
	for (;;) {
		inl(0x500);
		outb(0x501, 1);
		rd64(KT_MMIO);
		rd64(KT_MMIO + 4093);
		wr64(KT_MMIO, 1);
		asm volatile("rep insb" : : "D"(KT_TEST_AREA), "c"(64), "d"(0x502) : "memory");
	}
}

static u64 seed = 0x1234567;

static u64 rnd(void)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return seed >> 11;
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void fast_alarm(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	long usec = 3000 * kt_slowness();	/* long enough for most entries */
	struct itimerval t = { .it_value.tv_usec = usec, .it_interval.tv_usec = usec };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

static void garbage_in_run(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, io_guest);

	fast_alarm();
	for (int i = 0; i < 400; i++) {
		u8 *p = (u8 *)vcpu->run;

		kt_run_raw(vcpu);
		switch (i & 3) {
		case 0:
			for (u32 k = 0; k < 4096; k++)
				p[k] = rnd();
			break;
		case 1:
			memset(p, 0xff, 4096);
			break;
		case 2:
			vcpu->run->io.data_offset = rnd();
			vcpu->run->io.count = 0x7fffffff;
			vcpu->run->io.size = 255;
			vcpu->run->mmio.len = 0xffff;
			break;
		}
		vcpu->run->kvm_valid_regs = 0;
		vcpu->run->kvm_dirty_regs = 0;
		vcpu->run->immediate_exit = 0;
		if (i % 50 == 49)
			kt_vcpu_long(vcpu, io_guest);
	}
	still_works();
}

/* ---- fuzzing ------------------------------------------------------------------------------ */

static u8 fuzz_buf[16384];

/* Numbers and arguments at random, over all three kinds of descriptor. */
static void fuzz_numbers(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_PIT, hlt_guest);
	int fds[3] = { kt_sys(), vcpu->vm->fd, vcpu->fd }, top = dup(0);

	fast_alarm();
	for (int i = 0; i < 6000; i++) {
		unsigned long nr = rnd() % 256, arg;
		unsigned long req = _IOC(rnd() % 4, KVMIO, nr, rnd() % 8 ? rnd() % 1024 : 0);
		int ret;

		for (u32 k = 0; k < 256; k += 8)
			*(u64 *)(fuzz_buf + k) = rnd() % 3 ? rnd() % 16 : rnd() << 20;
		switch (rnd() % 4) {
		case 0:
			arg = rnd() % 64;
			break;
		case 1:
			arg = rnd() << 12;
			break;
		default:
			arg = (unsigned long)fuzz_buf;
		}
		ret = ioctl(fds[rnd() % 3], req, arg);
		if (ret > top && ret < 4096)
			close(ret);
	}
	still_works();
}

/* Right numbers, random contents; then the vCPU runs with what was accepted. */
static void fuzz_state(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, KT_IRQCHIP | KT_NOIMAGE);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	u32 ran = 0, interrupted = 0, failed_entry = 0;
	struct kvm_sregs first;

	memset(vm->mem, 0xf4, vm->size);	/* HLT everywhere */
	kt_get_sregs(vcpu, &first);
	fast_alarm();
	for (int i = 0; i < 500; i++) {
		struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_RUNNABLE };
		struct kvm_vcpu_events ev;
		struct kvm_debugregs dbg;
		struct kvm_sregs s = first;
		struct kvm_regs r;
		struct kvm_fpu f;
		u8 *p = (u8 *)&s;

		for (u32 k = rnd() % 6; k; k--)
			p[rnd() % sizeof(s)] ^= 1 << rnd() % 8;
		if (rnd() % 4 == 0) {
			s.cr0 = rnd() % 2 ? 0x80000011 : 0x11;
			s.cr4 = rnd() % 2 ? 0x20 : 0;
			s.efer = rnd() % 2 ? 0x500 : 0;
			s.cs.l = rnd() % 2;
		}
		ioctl(vcpu->fd, KVM_SET_SREGS, &s);
		for (u32 k = 0; k < sizeof(f); k += 8)
			*(u64 *)((u8 *)&f + k) = rnd() << 30 ^ rnd();
		ioctl(vcpu->fd, KVM_SET_FPU, &f);
		if (!ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &ev)) {
			for (u32 k = rnd() % 4; k; k--)
				((u8 *)&ev)[rnd() % sizeof(ev)] ^= 1 << rnd() % 8;
			ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev);
		}
		if (!ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &dbg)) {
			((u8 *)&dbg)[rnd() % sizeof(dbg)] ^= rnd();
			ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &dbg);
		}
		for (u32 k = 0; k < sizeof(r) / 8; k++)
			((u64 *)&r)[k] = rnd() % 2 ? rnd() % vm->size : rnd() << 40 ^ rnd();
		/* IF stays on and TF off: a guest that spins must be stoppable on Bochs. */
		r.rflags = (rnd() & 0xcd5) | 0x202;
		ioctl(vcpu->fd, KVM_SET_REGS, &r);
		ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp);
		/* Most that get in halt until the alarm. */
		if (kt_run_raw(vcpu))
			interrupted += errno == EINTR;
		else if (vcpu->run->exit_reason == KVM_EXIT_FAIL_ENTRY)
			failed_entry++;
		else
			ran++;
	}
	kt_note("%u runs ended with an exit, %u with a signal, %u with KVM_EXIT_FAIL_ENTRY", ran,
		interrupted, failed_entry);
	/* One refused state must not spoil those that follow it. */
	KT_TRUE(ran + interrupted >= 50 && failed_entry >= 50);
	still_works();
}

static const struct kt_test tests[] = {
	{ "bad_pointers", bad_pointers },
	{ "half_pointers", half_pointers },
	{ "huge_counts", huge_counts },
	{ "wrong_descriptors", wrong_descriptors },
	{ "closed_descriptors", closed_descriptors },
	{ "dup_descriptors", dup_descriptors },
	{ "strange_mappings", strange_mappings },
	{ "file_limit", file_limit },
	{ "fork_child", fork_child },
	{ "kill_in_every_state", kill_in_every_state, 120 },
	{ "two_threads_one_vcpu", two_threads_one_vcpu },
	{ "create_vcpus_in_parallel", create_vcpus_in_parallel },
	{ "irqchip_against_vcpus", irqchip_against_vcpus },
	{ "routing_against_lines", routing_against_lines },
	{ "counts_that_change", counts_that_change },
	{ "close_under_run", close_under_run },
	{ "garbage_in_run", garbage_in_run },
	{ "fuzz_numbers", fuzz_numbers },
	{ "fuzz_state", fuzz_state },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
