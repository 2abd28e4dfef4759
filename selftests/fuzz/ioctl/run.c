// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two kinds of cases with many threads. "soup": everything against everything. "sane": guests
 * whose own state is left alone must go on, whatever else happens; a failed entry, an error of
 * KVM_RUN or a guest that finds its memory or registers changed is a fault of the host.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>

#include "fuzz.h"

static void come_back(int sig)
{
	(void)sig;
}

static void step_seed(struct fz_thread *t, u32 step)
{
	fz_seed(&t->rng, fz_opt.seed, t->c->nr, t->nr, step);
}

/* ---- vCPU threads ------------------------------------------------------------------------- */

/* Back to its guest's beginning, as far as it lets us. */
static void begin_again(struct fz_thread *t)
{
	struct kvm_vcpu_events events = { 0 };
	struct kvm_mp_state mp = { KVM_MP_STATE_RUNNABLE };
	struct kvm_guest_debug debug = { 0 };

	ioctl(t->vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
	ioctl(t->vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	ioctl(t->vcpu->fd, KVM_SET_MP_STATE, &mp);
	ioctl(t->vcpu->fd, KVM_SET_SREGS, &t->sregs);
	t->regs.rip = (u64)fz_pick_guest(&t->rng);
	t->regs.rdi = fz_next(&t->rng) | 1;
	ioctl(t->vcpu->fd, KVM_SET_REGS, &t->regs);
}

static void answer(struct fz_thread *t)
{
	struct kvm_run *run = t->vcpu->run;
	u64 v = fz_value(&t->rng);

	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		memcpy(run->mmio.data, &v, 8);
		break;
	case KVM_EXIT_IO:
		if (run->io.port == KT_PORT) {
			begin_again(t);
			break;
		}
		if (run->io.data_offset < t->vcpu->run_size - 8)
			memcpy((u8 *)run + run->io.data_offset, &v, run->io.size & 7);
		break;
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		run->msr.data = v;
		run->msr.error = v & 1;
		break;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_INTR:
		break;
	default:
		if (fz_one_in(&t->rng, 2))
			begin_again(t);
	}
	/* The page is userspace's: any of it may change at any time. */
	if (fz_one_in(&t->rng, 4)) {
		run->immediate_exit = fz_one_in(&t->rng, 8);
		run->request_interrupt_window = fz_one_in(&t->rng, 3);
		run->cr8 = fz_one_in(&t->rng, 4) ? v : 0;
	}
	if (fz_one_in(&t->rng, 8)) {
		run->kvm_valid_regs = fz_below(&t->rng, 9);
		run->kvm_dirty_regs = fz_below(&t->rng, 9);
		if (fz_one_in(&t->rng, 4))
			fz_mutate(&t->rng, &run->s.regs, sizeof(run->s.regs));
	}
	if (fz_one_in(&t->rng, 64))
		fz_mutate(&t->rng, run, 256);
}

/* KVM_RUN of a sane guest: nothing but its own calls, its stores, and signals. */
static void check_sane(struct fz_thread *t, int ret, int err)
{
	struct kvm_run *run = t->vcpu->run;
	struct kt_ucall uc;

	if (ret < 0) {
		if (err != EINTR && err != EAGAIN)
			fz_fail("vCPU %d, sane guest: KVM_RUN failed, errno %d", t->vcpu->id, err);
		return;
	}
	if (run->exit_reason == KVM_EXIT_MMIO || run->exit_reason == KVM_EXIT_INTR)
		return;
	if (run->exit_reason == KVM_EXIT_IO && kt_ucall(t->vcpu, &uc) && uc.cmd == UC_SYNC)
		return;
	if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		fz_fail("vCPU %d, sane guest: VM entry failed, reason %#llx", t->vcpu->id,
			run->fail_entry.hardware_entry_failure_reason);
	else if (run->exit_reason == KVM_EXIT_IO && run->io.port == KT_PORT)
		fz_fail("vCPU %d, sane guest: call %llu: %#llx %#llx %#llx", t->vcpu->id,
			(unsigned long long)uc.cmd, (unsigned long long)uc.a,
			(unsigned long long)uc.b, (unsigned long long)uc.c);
	else
		fz_fail("vCPU %d, sane guest: exit reason %u (%s)", t->vcpu->id, run->exit_reason,
			kt_exit_name(run->exit_reason));
}

void *fz_vcpu_thread(void *arg)
{
	struct fz_thread *t = arg;

	/* Guests take all the time that they get; the others have few steps. */
	setpriority(PRIO_PROCESS, gettid(), 5);
	for (u32 n = 0; !t->c->stop; n++) {
		int ret, err;

		step_seed(t, n);
		if (fz_one_in(&t->rng, t->c->sane ? 4 : 16))
			fz_own_affinity(&t->rng);
		ret = ioctl(t->vcpu->fd, KVM_RUN, 0);
		err = errno;
		__atomic_add_fetch(&fz_report->runs, 1, __ATOMIC_RELAXED);
		if (t->c->sane) {
			check_sane(t, ret, err);
			if (fz_report->failed)
				break;
			if (fz_one_in(&t->rng, 8))
				sched_yield();
			continue;
		}
		if (ret < 0)
			fz_check_errno("KVM_RUN", err);
		if (ret < 0 && err == EIO)
			break;		/* the VM is dead, and stays so */
		if (ret < 0 && err != EINTR && err != EAGAIN && fz_one_in(&t->rng, 2))
			begin_again(t);
		answer(t);
	}
	t->running = false;
	return NULL;
}

/* ---- the others --------------------------------------------------------------------------- */

static void *stepper(void *arg)
{
	struct fz_thread *t = arg;

	for (u32 n = 0; n < t->steps; n++) {
		if (!fz_in_subset(&fz_opt.ops, n))
			continue;
		step_seed(t, n);
		if (t->nr == FZ_DISTURBER)
			fz_disturb_step(t);
		else
			fz_ioctl_step(t);
	}
	__atomic_sub_fetch(&t->c->busy, 1, __ATOMIC_RELEASE);
	t->running = false;
	return NULL;
}

static void start(struct fz_case *c, u32 nr, void *(*fn)(void *))
{
	struct fz_thread *t = &c->thread[nr];

	if (!fz_in_subset(&fz_opt.threads, nr)) {
		if (fn == stepper)
			c->busy--;
		return;
	}
	t->running = true;
	if (pthread_create(&t->id, NULL, fn, t))
		kt_fail("pthread_create: %s", strerror(errno));
}

/* Time goes on, and all threads come back from what they wait in now and then. */
static void tick(struct fz_case *c)
{
	struct timespec ts = { 0, 1000000 };

	nanosleep(&ts, NULL);
	for (u32 i = 0; i < FZ_THREADS; i++)
		if (c->thread[i].running)
			pthread_kill(c->thread[i].id, SIGUSR1);
}

static void run_threads(struct fz_case *c)
{
	struct sigaction sa = { .sa_handler = come_back };
	u32 i, left;

	sigaction(SIGUSR1, &sa, NULL);
	c->busy = c->ioctlers + 1;
	for (i = 0; i < c->vcpus; i++)
		start(c, FZ_RUNNER + i, fz_vcpu_thread);
	for (i = 0; i < c->ioctlers; i++)
		start(c, i, stepper);
	start(c, FZ_DISTURBER, stepper);
	while (__atomic_load_n(&c->busy, __ATOMIC_ACQUIRE) > 0)
		tick(c);
	/* A process may end in the middle of everything. */
	if (!c->sane && fz_one_in(&c->rng, 4)) {
		fz_report->will_kill_itself = 1;
		kill(getpid(), SIGKILL);
	}
	c->stop = true;
	do {
		tick(c);
		for (left = 0, i = 0; i < FZ_THREADS; i++)
			left += c->thread[i].running;
	} while (left);
}

static u8 *new_buffer(void)
{
	u8 *p = mmap(NULL, FZ_ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);

	if (p == MAP_FAILED || mprotect(p + FZ_ROOM, 4096, PROT_NONE))
		kt_fail("mmap: %s", strerror(errno));
	return p;
}

static void split_irqchip(struct kt_vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24 };

	KT_IOCTL(vm->fd, KVM_ENABLE_CAP, &cap);
	vm->flags |= KT_IRQCHIP;
}

/*
 * Memory that is unmapped and replaced while other threads map theirs: far below what mmap() hands
 * out, so that neither gets into the other.
 */
static void *fixed_memory(u32 nr, size_t size)
{
	void *p = (void *)(0x100000000 + nr * 0x10000000ul);

	if (mmap(p, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != p)
		kt_fail("mmap: %s", strerror(errno));
	return p;
}

static void new_vm(struct fz_case *c, u32 nr)
{
	u32 kind = fz_below(&c->rng, 6);
	struct kt_vm *vm = kt_vm_new(0, kind < 2 ? KT_PIT : kind < 4 ? KT_IRQCHIP : 0);

	vm->size = KT_MEM;
	vm->mem = fixed_memory(nr, KT_MEM);
	if (kt_slot(vm, 0, 0, 0, KT_MEM, vm->mem))
		kt_fail("no memory slot");
	kt_vm_load_image(vm);
	if (kind == 4 && !c->sane)
		split_irqchip(vm);
	c->vm[nr] = vm;
	c->fd[FZ_VM][nr] = vm->fd;
}

static void new_vcpu(struct fz_case *c, u32 nr)
{
	struct fz_thread *t = &c->thread[FZ_RUNNER + nr];
	struct kt_vm *vm = c->vm[nr % c->vms];

	t->vcpu = kt_vcpu_new(vm, nr / c->vms);
	kt_vcpu_long(t->vcpu, (void (*)(void))(c->sane ? fz_guest_sane : fz_pick_guest(&c->rng)));
	kt_get_regs(t->vcpu, &t->regs);
	kt_get_sregs(t->vcpu, &t->sregs);
	t->regs.rdi = (fz_next(&c->rng) & ~7ull) | (nr + 1);
	kt_set_regs(t->vcpu, &t->regs);
	c->fd[FZ_VCPU][nr] = t->vcpu->fd;
}

static void make(struct fz_case *c)
{
	u32 i;

	c->vms = 1 + fz_one_in(&c->rng, 3);
	c->vcpus = 1 + fz_below(&c->rng, FZ_VCPUS);
	c->ioctlers = 1 + fz_below(&c->rng, FZ_IOCTLERS);
	if (c->vcpus < c->vms)
		c->vcpus = c->vms;
	memset(c->fd, 0xff, sizeof(c->fd));
	c->fd[FZ_SYS][0] = kt_sys();
	c->scratch = fixed_memory(FZ_VMS, 8 << 20);
	fz_guests_init();
	for (i = 0; i < c->vms; i++)
		new_vm(c, i);
	for (i = 0; i < c->vcpus; i++)
		new_vcpu(c, i);
	for (i = 0; i < 4; i++)
		c->fd[FZ_EVENT][i] = eventfd(0, EFD_NONBLOCK);
	for (i = 0; i < FZ_THREADS; i++) {
		c->thread[i].c = c;
		c->thread[i].nr = i;
		c->thread[i].steps = 20 + fz_below(&c->rng, 60);
		if (i < c->ioctlers)
			c->thread[i].buf = new_buffer();
	}
	c->thread[FZ_DISTURBER].steps = 4 + fz_below(&c->rng, 20);
}

/**
 * fz_soup() - everything at once
 * @c: the case
 */
void fz_soup(struct fz_case *c)
{
	make(c);
	run_threads(c);
}

/**
 * fz_sane() - guests that must not notice
 * @c: the case
 *
 * CPUs go offline more often than in the soup.
 */
void fz_sane(struct fz_case *c)
{
	c->sane = true;
	make(c);
	c->ioctlers = 1;
	c->thread[0].steps = 20;
	c->thread[FZ_DISTURBER].steps = 10 + fz_below(&c->rng, 20);
	run_threads(c);
}
