// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host's memory management does to the pages under a guest must not show in it:
 * MADV_DONTNEED, munmap, mremap, mprotect, fork with copy-on-write, KSM, swap-out, splitting and
 * collapsing of huge pages, one by one and under three running vCPUs. Checks the module's MMU
 * notifiers against Documentation/mm/mmu_notifier.rst. Data are self-checking. Relies on lib/.
 */
#include <fcntl.h>
#include <linux/loop.h>
#include <pthread.h>
#include <sched.h>
#include <sys/swap.h>
#include <sys/wait.h>

#include "guest.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define BASE (64UL << 20)
#define MB (1UL << 20)
#define PAGE 4096UL

static u8 *area(size_t size, bool huge)
{
	u8 *p = mmap(NULL, size + 2 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);

	if (p == MAP_FAILED)
		kt_fail("mmap: %s", strerror(errno));
	p = (u8 *)(((unsigned long)p + 2 * MB - 1) & ~(2 * MB - 1));
	madvise(p, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return p;
}

/* ---- one vCPU that reads and writes what it is told --------------------------------------- */

static volatile u64 cmd_write, cmd_addr, cmd_value;

static void cmd_guest(void)
{
	for (;;) {
		if (cmd_write)
			wr64(cmd_addr, cmd_value);
		else
			cmd_value = rd64(cmd_addr);
		GUEST_SYNC(1);
	}
}

static struct kt_vcpu *vm_on(u8 *p, size_t size)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cmd_guest);

	KT_EQ(kt_slot(vcpu->vm, 1, 0, BASE, size, p), 0);
	return vcpu;
}

static void put(struct kt_vcpu *vcpu, u64 off, u64 value)
{
	GV(vcpu->vm, cmd_write) = 1;
	GV(vcpu->vm, cmd_addr) = BASE + off;
	GV(vcpu->vm, cmd_value) = value;
	KT_RUN_SYNC(vcpu, 1);
}

static u64 get(struct kt_vcpu *vcpu, u64 off)
{
	GV(vcpu->vm, cmd_write) = 0;
	GV(vcpu->vm, cmd_addr) = BASE + off;
	KT_RUN_SYNC(vcpu, 1);
	return GV(vcpu->vm, cmd_value);
}

static void want_efault(struct kt_vcpu *vcpu, bool write, u64 off)
{
	GV(vcpu->vm, cmd_write) = write;
	GV(vcpu->vm, cmd_addr) = BASE + off;
	KT_EQ(kt_run_raw(vcpu), -1);
	KT_EQ(errno, EFAULT);
}

static void dontneed(bool huge)
{
	u8 *p = area(4 * MB, huge);
	struct kt_vcpu *vcpu = vm_on(p, 4 * MB);

	for (u64 off = 0; off < 4 * MB; off += 16 * PAGE)
		put(vcpu, off, off + 1);
	/* A page in the middle, then a range, then everything. */
	madvise(p + 32 * PAGE, PAGE, MADV_DONTNEED);
	KT_EQ(get(vcpu, 32 * PAGE), 0);
	KT_EQ(get(vcpu, 16 * PAGE), 16 * PAGE + 1);
	KT_EQ(get(vcpu, 48 * PAGE), 48 * PAGE + 1);
	madvise(p + MB, MB, MADV_DONTNEED);
	for (u64 off = 0; off < 4 * MB; off += 16 * PAGE)
		if (off != 32 * PAGE)
			KT_EQ(get(vcpu, off), off >= MB && off < 2 * MB ? 0 : off + 1);
	put(vcpu, MB, 77);
	madvise(p, 4 * MB, MADV_DONTNEED);
	KT_EQ(*(volatile u64 *)(p + MB), 0);
	for (u64 off = 0; off < 4 * MB; off += 16 * PAGE)
		KT_EQ(get(vcpu, off), 0);
	/* The guest's page is the process's page again. */
	*(volatile u64 *)(p + MB) = 5;
	KT_EQ(get(vcpu, MB), 5);
	put(vcpu, MB, 6);
	KT_EQ(*(volatile u64 *)(p + MB), 6);
}

static void madvise_dontneed(void)
{
	dontneed(false);
}

static void madvise_dontneed_huge(void)
{
	dontneed(true);
}

static void munmap_and_back(void)
{
	u8 *p = area(2 * MB, false);
	struct kt_vcpu *vcpu = vm_on(p, 2 * MB);

	put(vcpu, 5 * PAGE, 1);
	put(vcpu, 6 * PAGE, 2);
	munmap(p + 5 * PAGE, PAGE);
	want_efault(vcpu, false, 5 * PAGE);
	KT_TRUE(mmap(p + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 5 * PAGE);
	*(u64 *)(p + 5 * PAGE) = 3;
	KT_EQ(get(vcpu, 5 * PAGE), 3);
	KT_EQ(get(vcpu, 6 * PAGE), 2);
	/* Another mapping over it. */
	put(vcpu, 6 * PAGE, 4);
	KT_TRUE(mmap(p + 6 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 6 * PAGE);
	KT_EQ(get(vcpu, 6 * PAGE), 0);
}

static void mremap_moves(void)
{
	u8 *p = area(2 * MB, false), *q = area(2 * MB, false), *r;
	struct kt_vcpu *vcpu = vm_on(p, 2 * MB);

	for (u64 i = 0; i < 16; i++)
		put(vcpu, i * PAGE, 100 + i);
	/* Away: the guest must not go on writing into pages that are elsewhere now. */
	r = mremap(p + 4 * PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	KT_TRUE(r == q);
	want_efault(vcpu, true, 4 * PAGE);
	KT_EQ(*(u64 *)q, 104);
	KT_TRUE(mmap(p + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 4 * PAGE);
	KT_RUN_SYNC(vcpu, 1);			/* the write that had to wait */
	KT_EQ(*(u64 *)q, 104);
	/* Back, in another place. */
	r = mremap(q, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 8 * PAGE);
	KT_TRUE(r == p + 8 * PAGE);
	for (u64 i = 0; i < 4; i++)
		KT_EQ(get(vcpu, (8 + i) * PAGE), 104 + i);
	KT_EQ(get(vcpu, 12 * PAGE), 112);
}

static void mprotect_changes(void)
{
	u8 *p = area(2 * MB, false);
	struct kt_vcpu *vcpu = vm_on(p, 2 * MB);

	put(vcpu, PAGE, 9);
	mprotect(p + PAGE, PAGE, PROT_READ);
	KT_EQ(get(vcpu, PAGE), 9);
	want_efault(vcpu, true, PAGE);
	mprotect(p + PAGE, PAGE, PROT_NONE);
	want_efault(vcpu, false, PAGE);
	mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE);
	KT_EQ(get(vcpu, PAGE), 9);
	put(vcpu, PAGE, 10);
	KT_EQ(*(u64 *)(p + PAGE), 10);
}

static void fork_copies_on_write(void)
{
	u8 *p = area(2 * MB, false);
	struct kt_vcpu *vcpu = vm_on(p, 2 * MB);
	int go[2], status;
	pid_t pid;
	char c = 0;

	for (u64 i = 0; i < 8; i++)
		put(vcpu, i * PAGE, 1000 + i);
	KT_TRUE(!pipe(go));
	pid = fork();
	if (!pid) {
		if (read(go[0], &c, 1) != 1)
			_exit(3);
		for (u64 i = 0; i < 8; i++)
			if (*(volatile u64 *)(p + i * PAGE) != 1000 + i)
				_exit(1);
		_exit(0);
	}
	/* The guest's writes and the parent's stay with the parent. */
	for (u64 i = 0; i < 4; i++)
		put(vcpu, i * PAGE, 2000 + i);
	for (u64 i = 4; i < 8; i++)
		*(volatile u64 *)(p + i * PAGE) = 2000 + i;
	for (u64 i = 0; i < 8; i++)
		KT_EQ(get(vcpu, i * PAGE), 2000 + i);
	for (u64 i = 0; i < 4; i++)
		KT_EQ(*(volatile u64 *)(p + i * PAGE), 2000 + i);
	KT_EQ(write(go[1], &c, 1), 1);
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		kt_fail("the guest wrote into the child's pages");
	for (u64 i = 0; i < 8; i++)
		put(vcpu, i * PAGE, 3000 + i);
	for (u64 i = 0; i < 8; i++)
		KT_EQ(*(volatile u64 *)(p + i * PAGE), 3000 + i);
}

/* The guest reads the zero page first and writes then. */
static void zero_page(void)
{
	u8 *p = area(2 * MB, false);
	struct kt_vcpu *vcpu = vm_on(p, 2 * MB);

	for (u64 i = 0; i < 8; i++)
		KT_EQ(get(vcpu, i * PAGE), 0);
	for (u64 i = 0; i < 8; i += 2)
		*(volatile u64 *)(p + i * PAGE) = i + 1;
	for (u64 i = 1; i < 8; i += 2)
		put(vcpu, i * PAGE, i + 1);
	for (u64 i = 0; i < 8; i++) {
		KT_EQ(get(vcpu, i * PAGE), i + 1);
		KT_EQ(*(volatile u64 *)(p + i * PAGE), i + 1);
	}
}

static long read_number(const char *path)
{
	char buf[32] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -1;
	if (read(fd, buf, sizeof(buf) - 1) < 0)
		buf[0] = 0;
	close(fd);
	return atol(buf);
}

static void ksm_merges(void)
{
	u8 *p = area(2 * MB, false);
	struct kt_vcpu *vcpu = vm_on(p, 2 * MB);
	bool merged = false;

	if (access("/sys/kernel/mm/ksm/run", W_OK))
		kt_skip("no KSM in this kernel");
	for (u64 i = 0; i < 32; i++)
		for (u64 k = 0; k < 512; k += 16)
			*(u64 *)(p + i * PAGE + k * 8) = k * 77;
	for (u64 i = 0; i < 32; i++)
		put(vcpu, i * PAGE, 0xabcdef);
	kt_write_file("/sys/kernel/mm/ksm/pages_to_scan", "1000");
	kt_write_file("/sys/kernel/mm/ksm/sleep_millisecs", "1");
	if (madvise(p, 32 * PAGE, MADV_MERGEABLE))
		kt_skip("MADV_MERGEABLE: %s", strerror(errno));
	kt_write_file("/sys/kernel/mm/ksm/run", "1");
	for (int i = 0; i < 200 && !merged; i++) {
		kt_msleep(10);
		merged = read_number("/sys/kernel/mm/ksm/pages_sharing") >= 16;
	}
	kt_write_file("/sys/kernel/mm/ksm/run", "0");
	if (!merged)
		kt_fail("KSM merged nothing in 2 s");
	for (u64 i = 0; i < 32; i++)
		KT_EQ(get(vcpu, i * PAGE), 0xabcdef);
	put(vcpu, 3 * PAGE, 3);
	for (u64 i = 0; i < 32; i++)
		KT_EQ(get(vcpu, i * PAGE), i == 3 ? 3 : 0xabcdef);
	for (u64 i = 0; i < 32; i++)
		put(vcpu, i * PAGE, i);
	kt_write_file("/sys/kernel/mm/ksm/run", "2");
	for (u64 i = 0; i < 32; i++)
		KT_EQ(*(volatile u64 *)(p + i * PAGE), i);
	kt_write_file("/sys/kernel/mm/ksm/run", "0");
}

/* ---- swap --------------------------------------------------------------------------------- */

/* A loop device over a file in RAM is enough of a disk to swap to. */
static void need_swap(void)
{
	static char loop[32];
	char name[] = "/tmp/swapXXXXXX", header[4096] = { 0 };
	int file, dev, ctl = open("/dev/loop-control", O_RDWR), nr, status;

	if (ctl < 0) {
		pid_t pid = fork();

		if (!pid) {
			execlp("modprobe", "modprobe", "loop", NULL);
			_exit(127);
		}
		waitpid(pid, &status, 0);
		ctl = open("/dev/loop-control", O_RDWR);
	}
	if (ctl < 0)
		kt_skip("no loop device to swap to");
	nr = ioctl(ctl, LOOP_CTL_GET_FREE);
	snprintf(loop, sizeof(loop), "/dev/loop%d", nr);
	file = mkstemp(name);
	if (file < 0 || ftruncate(file, 16 * MB))
		kt_skip("no file to swap to: %s", strerror(errno));
	unlink(name);
	*(u32 *)(header + 1024) = 1;			/* version */
	*(u32 *)(header + 1028) = 16 * MB / PAGE - 1;	/* last page */
	memcpy(header + 4086, "SWAPSPACE2", 10);
	if (pwrite(file, header, 4096, 0) != 4096)
		kt_skip("no file to swap to: %s", strerror(errno));
	dev = open(loop, O_RDWR);
	if (dev < 0 || ioctl(dev, LOOP_SET_FD, file))
		kt_skip("no loop device to swap to: %s", strerror(errno));
	if (swapon(loop, 0))
		kt_skip("swapon %s: %s", loop, strerror(errno));
}

static u32 swapped(u8 *p, u32 n)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	u32 count = 0;

	for (u32 i = 0; i < n; i++) {
		u64 e = 0;

		if (pread(fd, &e, 8, ((unsigned long)p / PAGE + i) * 8) != 8)
			break;
		count += e >> 62 & 1;
	}
	close(fd);
	return count;
}

static void swap_out(void)
{
	u8 *p = area(2 * MB, false);
	struct kt_vcpu *vcpu = vm_on(p, 2 * MB);

	need_swap();
	for (int round = 0; round < 3; round++) {
		for (u64 i = 0; i < 512; i += 8)
			put(vcpu, i * PAGE, i * 31 + round);
		/* The first pass finds the guest's accessed bits and lets the pages stay. */
		for (int i = 0; i < 5 && swapped(p, 512) < 64; i++)
			if (madvise(p, 2 * MB, MADV_PAGEOUT))
				kt_skip("MADV_PAGEOUT: %s", strerror(errno));
		if (!swapped(p, 512))
			kt_fail("nothing was swapped out");
		for (u64 i = 0; i < 512; i += 8)
			KT_EQ(get(vcpu, i * PAGE), i * 31 + round);
	}
}

/* ---- huge pages --------------------------------------------------------------------------- */

static void split_and_collapse(void)
{
	u8 *p = area(4 * MB, true);
	struct kt_vcpu *vcpu = vm_on(p, 4 * MB);

	memset(p, 0, 4 * MB);
	for (u64 i = 0; i < 1024; i += 32)
		put(vcpu, i * PAGE, i + 5);
	for (int round = 0; round < 4; round++) {
		/* Protecting one page in the middle splits the huge page's mapping. */
		mprotect(p + 510 * PAGE, 2 * PAGE, PROT_READ);
		for (u64 i = 0; i < 1024; i += 32) {
			KT_EQ(get(vcpu, i * PAGE), i + 5 + round);
			put(vcpu, i * PAGE, i + 6 + round);
		}
		mprotect(p + 510 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE);
		put(vcpu, 511 * PAGE, round);
		if (madvise(p, 4 * MB, MADV_COLLAPSE) && !round)
			kt_note("MADV_COLLAPSE: %s", strerror(errno));
		KT_EQ(get(vcpu, 511 * PAGE), round);
		for (u64 i = 0; i < 1024; i += 32)
			KT_EQ(get(vcpu, i * PAGE), i + 6 + round);
	}
	/* A hole splits the page itself. */
	madvise(p + 7 * PAGE, PAGE, MADV_DONTNEED);
	for (u64 i = 0; i < 1024; i += 32)
		KT_EQ(*(volatile u64 *)(p + i * PAGE), i + 9);
}

/* ---- several vCPUs under fire ------------------------------------------------------------- */

#define VCPUS 3
#define EACH 192UL		/* pages per vCPU */
#define ROUNDS 12

static volatile u32 done[VCPUS];

/* Counts its pages up by one per round and checks each before; RDI is its number. */
static void counting_guest(u64 me)
{
	for (u64 round = 0; round < ROUNDS; round++)
		for (u64 i = 0; i < EACH; i++) {
			u64 at = BASE + (i * VCPUS + me) * PAGE;

			GUEST_EQ(rd64(at), round);
			GUEST_EQ(rd64(at + 4088), round ? at ^ round : 0);
			wr64(at, round + 1);
			wr64(at + 4088, at ^ (round + 1));
		}
	done[me] = 1;
	guest_done();
}

static void *vcpu_thread(void *arg)
{
	struct kt_vcpu *vcpu = arg;
	struct kt_ucall uc;

	for (u32 i = 0; i < 10000000; i++) {
		if (kt_run_raw(vcpu)) {
			/* A hole, for the moment of a mremap or mprotect. */
			if (errno != EFAULT && errno != EINTR && errno != EAGAIN)
				kt_fail("KVM_RUN: %s", kt_errno_name(errno));
			sched_yield();
			continue;
		}
		if (!kt_ucall(vcpu, &uc)) {
			kt_dump(vcpu);
			kt_fail("unexpected exit");
		}
		KT_CHECK_GUEST(vcpu, &uc);
		return NULL;
	}
	kt_fail("the guest never gets through");
}

static void disturb(u8 *p, u8 *spare, u32 n)
{
	size_t size = VCPUS * EACH * PAGE, part = 37 * PAGE;
	u64 off = (n * 53 % (VCPUS * EACH - 40)) * PAGE;
	pid_t pid;

	switch (n % 6) {
	case 0:
		mprotect(p + off, part, PROT_READ);
		mprotect(p + off, part, PROT_READ | PROT_WRITE);
		break;
	case 1:
		if (mremap(p + off, part, part, MREMAP_MAYMOVE | MREMAP_FIXED, spare) != spare ||
		    mremap(spare, part, part, MREMAP_MAYMOVE | MREMAP_FIXED, p + off) != p + off)
			kt_fail("mremap: %s", strerror(errno));
		break;
	case 2:
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
		break;
	case 3:
		madvise(p, size, MADV_COLLAPSE);
		break;
	case 4:
		madvise(p + off, part, MADV_PAGEOUT);
		break;
	case 5:
		mprotect(p + off, PAGE, PROT_NONE);
		mprotect(p + off, PAGE, PROT_READ | PROT_WRITE);
		break;
	}
}

static void under_fire(bool huge)
{
	u8 *p = area(4 * MB, huge), *spare = area(2 * MB, false);
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	pthread_t t[VCPUS];
	u32 n = 0, left;

	KT_EQ(kt_slot(vm, 1, 0, BASE, 4 * MB, p), 0);
	for (int i = 0; i < VCPUS; i++) {
		struct kt_vcpu *vcpu = kt_vcpu_new(vm, i);
		struct kvm_regs r;

		kt_vcpu_long(vcpu, (void (*)(void))(unsigned long)counting_guest);
		kt_get_regs(vcpu, &r);
		r.rdi = i;
		kt_set_regs(vcpu, &r);
	}
	for (int i = 0; i < VCPUS; i++)
		pthread_create(&t[i], NULL, vcpu_thread, vm->vcpu[i]);
	do {
		disturb(p, spare, n++);
		if (n % 4 == 0)
			kt_msleep(1);
		left = VCPUS;
		for (int i = 0; i < VCPUS; i++)
			left -= GV(vm, done)[i];
	} while (left && n < 100000);
	for (int i = 0; i < VCPUS; i++)
		pthread_join(t[i], NULL);
	for (u64 i = 0; i < VCPUS * EACH; i++)
		KT_EQ(*(u64 *)(p + i * PAGE), ROUNDS);
	kt_note("%u disturbances", n);
}

static void vcpus_under_fire(void)
{
	under_fire(false);
}

static void vcpus_under_fire_huge(void)
{
	under_fire(true);
}

/* Many vCPUs take the same first faults at the same time. */
static void same_pages_guest(u64 me)
{
	for (u64 i = 0; i < 256; i++)
		asm volatile("lock addq $1, (%0)" : : "r"(BASE + i * PAGE) : "memory");
	done[me] = 1;
	guest_done();
}

static void parallel_faults(void)
{
	u8 *p = area(2 * MB, false);
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	pthread_t t[VCPUS];

	KT_EQ(kt_slot(vm, 1, 0, BASE, 2 * MB, p), 0);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < VCPUS; i++) {
			struct kt_vcpu *vcpu = round ? vm->vcpu[i] : kt_vcpu_new(vm, i);

			kt_vcpu_long(vcpu, (void (*)(void))(unsigned long)same_pages_guest);
			pthread_create(&t[i], NULL, vcpu_thread, vcpu);
		}
		for (int i = 0; i < VCPUS; i++)
			pthread_join(t[i], NULL);
		for (u64 i = 0; i < 256; i++)
			KT_EQ(*(u64 *)(p + i * PAGE), VCPUS);
		madvise(p, 2 * MB, MADV_DONTNEED);
	}
}

static const struct kt_test tests[] = {
	{ "madvise_dontneed", madvise_dontneed },
	{ "madvise_dontneed_huge", madvise_dontneed_huge },
	{ "munmap_and_back", munmap_and_back },
	{ "mremap_moves", mremap_moves },
	{ "mprotect_changes", mprotect_changes },
	{ "fork_copies_on_write", fork_copies_on_write },
	{ "zero_page", zero_page },
	{ "ksm_merges", ksm_merges },
	{ "swap_out", swap_out },
	{ "split_and_collapse", split_and_collapse },
	{ "parallel_faults", parallel_faults },
	{ "vcpus_under_fire", vcpus_under_fire },
	{ "vcpus_under_fire_huge", vcpus_under_fire_huge },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
