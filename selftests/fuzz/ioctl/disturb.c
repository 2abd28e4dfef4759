// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens around the ioctls: memory of the guest comes, goes and changes its protection, CPUs
 * go offline and come back, threads are moved and signalled, the process is copied by fork(),
 * memory gets short, debugfs and procfs are read. Relies on sysfs and on being root.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fuzz.h"

#define CPU1 "/sys/devices/system/cpu/cpu1/online"

static bool write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return ok;
}

bool fz_can_hotplug(void)
{
	return !access(CPU1, W_OK);
}

void fz_set_online(bool online)
{
	write_file(CPU1, online ? "1" : "0");
}

/**
 * fz_own_affinity() - put the calling thread on CPU 0, CPU 1 or both
 * @r: the generator
 */
void fz_own_affinity(struct fz_rng *r)
{
	u64 mask = 1 + fz_below(r, 3);

	/* A CPU that is offline is refused, which is as good. */
	syscall(SYS_sched_setaffinity, 0, sizeof(mask), &mask);
}

static void *guest_range(struct fz_thread *t, size_t *size)
{
	struct kt_vm *vm = t->c->vm[fz_below(&t->rng, t->c->vms)];
	u64 at = fz_below(&t->rng, KT_MEM / 4096);

	*size = (1 + fz_below(&t->rng, fz_one_in(&t->rng, 4) ? 1024 : 16)) * 4096;
	if (at * 4096 + *size > KT_MEM)
		*size = KT_MEM - at * 4096;
	return vm->mem + at * 4096;
}

static const int advices[] = {
	MADV_DONTNEED, MADV_WILLNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_FREE, MADV_MERGEABLE,
	MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
};

/* Under a sane guest its memory keeps what it holds. */
static void memory(struct fz_thread *t)
{
	const int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	size_t size;
	void *p = guest_range(t, &size), *q;
	int advice = advices[fz_below(&t->rng, KT_ARRAY_SIZE(advices))];

	if (t->c->sane) {
		if (advice != MADV_DONTNEED && advice != MADV_FREE)
			madvise(p, size, advice);
		return;
	}
	switch (fz_below(&t->rng, 8)) {
	case 0:
		mmap(p, size, PROT_READ | PROT_WRITE, fixed, -1, 0);
		break;
	case 1:
		mprotect(p, size, PROT_READ);
		sched_yield();
		mprotect(p, size, PROT_READ | PROT_WRITE);
		break;
	case 2:
		mprotect(p, size, PROT_NONE);
		sched_yield();
		if (!fz_one_in(&t->rng, 4))
			mprotect(p, size, PROT_READ | PROT_WRITE);
		break;
	case 3:
		/* Elsewhere, and something else in its place. */
		q = mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, t->c->scratch + (1 << 20));
		if (q != MAP_FAILED)
			mmap(p, size, PROT_READ | PROT_WRITE, fixed, -1, 0);
		break;
	case 4:
		if (fz_one_in(&t->rng, 3))
			munmap(p, size);
		break;
	default:
		madvise(p, size, advice);
	}
}

/* A copy of the process may close what it inherited, and may do nothing else with it. */
static void copy_process(struct fz_thread *t)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return;
	if (!child) {
		for (int i = 0; i < 6; i++) {
			enum fz_fd kind = 1 + fz_below(&t->rng, 2);
			int fd = fz_fd_get(t->c, &t->rng, kind);
			struct kvm_regs regs;

			if (fd < 0)
				continue;
			if (fz_one_in(&t->rng, 3))
				close(fd);
			else if (kind == FZ_VM ? ioctl(fd, KVM_CREATE_VCPU, 9) >= 0 :
				 !ioctl(fd, KVM_GET_REGS, &regs))
				_exit(1);
		}
		if (fz_one_in(&t->rng, 3))
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		fz_fail("a VM or vCPU served a process that only inherited its descriptor");
}

static void pressure(struct fz_thread *t)
{
	size_t size = (1 + fz_below(&t->rng, 16)) << 20;
	u8 *p;

	switch (fz_below(&t->rng, 4)) {
	case 0:
		write_file("/proc/sys/vm/drop_caches", "2");
		break;
	case 1:
		write_file("/proc/sys/vm/compact_memory", "1");
		break;
	default:
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			break;
		for (size_t i = 0; i < size; i += 4096)
			p[i] = 1;
		munmap(p, size);
	}
}

static void read_file(const char *name)
{
	char text[512];
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	while (fd >= 0 && read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

/* Every file of every VM, while VMs come and go. */
static void look(struct fz_thread *t)
{
	static const char root[] = "/sys/kernel/debug/minikvm";
	char name[600];
	DIR *d = opendir(root);
	struct dirent *e;
	int fd = fz_fd_get(t->c, &t->rng, fz_below(&t->rng, FZ_NR_FDS));

	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s/%s", root, e->d_name,
			 fz_one_in(&t->rng, 2) ? "state" : "vcpu0");
		read_file(name);
	}
	if (d)
		closedir(d);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	read_file(name);
}

static void signal_somebody(struct fz_thread *t)
{
	struct fz_thread *o = &t->c->thread[fz_below(&t->rng, FZ_THREADS)];

	if (o->running)
		pthread_kill(o->id, SIGUSR1);
}

/**
 * fz_disturb_step() - one step of the thread that disturbs
 * @t: the thread, its generator set for the step
 */
void fz_disturb_step(struct fz_thread *t)
{
	u64 what = fz_below(&t->rng, 16);

	if (fz_opt.verbose)
		fz_log("thread %u: disturbs (%llu)", t->nr, (unsigned long long)what);
	/* What a sane guest is most likely to notice. */
	if (t->c->sane && !fz_one_in(&t->rng, 4))
		what = 0;
	switch (what) {
	case 0:
	case 1:
		if (fz_can_hotplug()) {
			fz_set_online(fz_one_in(&t->rng, 2));
			break;
		}
		__attribute__((fallthrough));
	case 2:
	case 3:
	case 4:
	case 5:
		memory(t);
		break;
	case 6:
		copy_process(t);
		break;
	case 7:
		if (fz_one_in(&t->rng, 4))
			pressure(t);
		break;
	case 8:
		look(t);
		break;
	case 9:
	case 10:
		fz_own_affinity(&t->rng);
		break;
	default:
		signal_somebody(t);
	}
	sched_yield();
}
