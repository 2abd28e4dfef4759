// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots and the dirty log: KVM_SET_USER_MEMORY_REGION with good and bad arguments, moves,
 * deletions, read-only slots, holes as MMIO, changes under running vCPUs, backings of all page
 * sizes, arguments that userfaultfd holds back, KVM_GET_DIRTY_LOG. "The KVM API" sections 4.8,
 * 4.35. Relies on lib/. Run once per setting of the module's parameter for page-modification
 * logging to cover both dirty logs.
 */
#include <pthread.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/syscall.h>

#include "guest.h"

#define BASE (64UL << 20)
#define MB (1UL << 20)
#define PAGE 4096UL

static void *pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		kt_fail("mmap: %s", strerror(errno));
	return p;
}

static void set(struct kt_vm *vm, u32 slot, u32 flags, u64 gpa, u64 size, void *hva)
{
	int ret = kt_slot(vm, slot, flags, gpa, size, hva);

	if (ret)
		kt_fail("slot %u at %#llx size %#llx flags %u: %s", slot, (unsigned long long)gpa,
			(unsigned long long)size, flags, kt_errno_name(-ret));
}

static void refuse(struct kt_vm *vm, int err, u32 slot, u32 flags, u64 gpa, u64 size, void *hva)
{
	int ret = kt_slot(vm, slot, flags, gpa, size, hva);

	if (ret != -err)
		kt_fail("slot %u at %#llx size %#llx flags %#x hva %p: %s, want %s", slot,
			(unsigned long long)gpa, (unsigned long long)size, flags, hva,
			ret ? kt_errno_name(-ret) : "taken", kt_errno_name(err));
}

/* Runs the commands that the test puts into these. */
enum { READ = 1, WRITE };
static volatile u64 cmd_op, cmd_addr, cmd_value;

static void cmd_guest(void)
{
	for (;;) {
		if (cmd_op == READ)
			cmd_value = rd64(cmd_addr);
		else if (cmd_op == WRITE)
			wr64(cmd_addr, cmd_value);
		GUEST_SYNC(1);
	}
}

static void command(struct kt_vcpu *vcpu, u64 op, u64 addr, u64 value)
{
	GV(vcpu->vm, cmd_op) = op;
	GV(vcpu->vm, cmd_addr) = addr;
	GV(vcpu->vm, cmd_value) = value;
}

static u64 guest_read(struct kt_vcpu *vcpu, u64 addr)
{
	command(vcpu, READ, addr, 0);
	KT_RUN_SYNC(vcpu, 1);
	return GV(vcpu->vm, cmd_value);
}

static void guest_write(struct kt_vcpu *vcpu, u64 addr, u64 value)
{
	command(vcpu, WRITE, addr, value);
	KT_RUN_SYNC(vcpu, 1);
}

static void want_mmio(struct kt_vcpu *vcpu, u64 op, u64 addr, u64 value)
{
	command(vcpu, op, addr, value);
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(vcpu->run->mmio.phys_addr, addr);
	KT_EQ(vcpu->run->mmio.is_write, op == WRITE);
	KT_EQ(vcpu->run->mmio.len, 8);
	if (op == WRITE)
		KT_EQ(*(u64 *)vcpu->run->mmio.data, value);
	else
		*(u64 *)vcpu->run->mmio.data = value;
	KT_RUN_SYNC(vcpu, 1);
	if (op == READ)
		KT_EQ(GV(vcpu->vm, cmd_value), value);
}

static void create_delete(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cmd_guest);
	struct kt_vm *vm = vcpu->vm;
	u64 *p = pages(MB);

	want_mmio(vcpu, READ, BASE, 0x1234);
	for (int i = 0; i < 5; i++) {
		set(vm, 1, 0, BASE, MB, p);
		p[0] = 100 + i;
		KT_EQ(guest_read(vcpu, BASE), 100 + i);
		guest_write(vcpu, BASE + MB - 8, 7 + i);
		KT_EQ(p[MB / 8 - 1], 7 + i);
		want_mmio(vcpu, READ, BASE + MB, 0x55);
		want_mmio(vcpu, WRITE, BASE - 8, 0x66);
		set(vm, 1, 0, BASE, 0, NULL);
		want_mmio(vcpu, READ, BASE, 0x4321);
		want_mmio(vcpu, WRITE, BASE + MB - 8, 0x99);
		KT_EQ(p[MB / 8 - 1], 7 + i);
	}
	refuse(vm, EINVAL, 1, 0, BASE, 0, NULL);
}

static void move(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cmd_guest);
	u64 *p = pages(4 * PAGE);

	p[0] = 0xabc;
	set(vcpu->vm, 5, 0, BASE, 4 * PAGE, p);
	KT_EQ(guest_read(vcpu, BASE), 0xabc);
	set(vcpu->vm, 5, 0, BASE + 2 * PAGE, 4 * PAGE, p);	/* overlaps its old self */
	KT_EQ(guest_read(vcpu, BASE + 2 * PAGE), 0xabc);
	want_mmio(vcpu, READ, BASE, 1);
	set(vcpu->vm, 5, 0, 3UL << 30, 4 * PAGE, p);
	KT_EQ(guest_read(vcpu, 3UL << 30), 0xabc);
	want_mmio(vcpu, READ, BASE + 2 * PAGE, 2);
}

static void bad_arguments(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	u8 *p = pages(MB);
	int nr = kt_cap(KVM_CAP_NR_MEMSLOTS);

	refuse(vm, EINVAL, 1, 0, BASE + 1, PAGE, p);
	refuse(vm, EINVAL, 1, 0, BASE + 2048, PAGE, p);
	refuse(vm, EINVAL, 1, 0, BASE, PAGE + 1, p);
	refuse(vm, EINVAL, 1, 0, BASE, 2048, p);
	refuse(vm, EINVAL, 1, 0, BASE, PAGE, p + 1);
	refuse(vm, EINVAL, 1, 0, BASE, PAGE, p + 2048);
	refuse(vm, EINVAL, 1, 1 << 5, BASE, PAGE, p);
	refuse(vm, EINVAL, 1, 0x80000000, BASE, PAGE, p);
	refuse(vm, EINVAL, 1, 0, -PAGE, 2 * PAGE, p);		/* wraps */
	refuse(vm, EINVAL, 1, 0, BASE, -PAGE, p);
	refuse(vm, EINVAL, 1, 0, 0, 1UL << 60, p);		/* too many pages */
	refuse(vm, EINVAL, 1, 0, BASE, PAGE, (void *)0xffff888000000000);
	refuse(vm, EINVAL, 1, 0, BASE, PAGE, (void *)-PAGE);
	refuse(vm, EINVAL, 1, 0, BASE, PAGE, (void *)0x7ffffffff000);	/* runs into the kernel */
	refuse(vm, EINVAL, 0xffff, 0, BASE, PAGE, p);
	refuse(vm, EINVAL, 0x00ff0001, 0, BASE, PAGE, p);	/* address space 255 */
	if (nr < 0xffff)
		refuse(vm, EINVAL, nr, 0, BASE, PAGE, p);
	refuse(vm, EINVAL, 1, 0, BASE, 0, p);			/* delete what is not there */
	set(vm, nr - 1, 0, BASE, PAGE, p);
	set(vm, nr - 1, 0, BASE, 0, p);
	KT_IOCTL_ERR(vm->fd, KVM_SET_USER_MEMORY_REGION, 0, EFAULT);
	KT_IOCTL_ERR(vm->fd, KVM_SET_USER_MEMORY_REGION, -8L, EFAULT);
}

static void overlap(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	u8 *p = pages(MB);

	set(vm, 1, 0, BASE, 4 * PAGE, p);
	refuse(vm, EEXIST, 2, 0, BASE, 4 * PAGE, p);
	refuse(vm, EEXIST, 2, 0, BASE + PAGE, PAGE, p);
	refuse(vm, EEXIST, 2, 0, BASE - PAGE, 2 * PAGE, p);
	refuse(vm, EEXIST, 2, 0, BASE + 3 * PAGE, 4 * PAGE, p);
	refuse(vm, EEXIST, 2, 0, BASE - PAGE, 8 * PAGE, p);
	set(vm, 2, 0, BASE + 4 * PAGE, PAGE, p);
	set(vm, 3, 0, BASE - PAGE, PAGE, p);
	refuse(vm, EEXIST, 3, 0, BASE + 4 * PAGE, PAGE, p);	/* a move onto another slot */
	set(vm, 1, 0, BASE, 0, NULL);
	set(vm, 4, 0, BASE, 4 * PAGE, p);
}

static void changes_of_a_live_slot(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	u8 *p = pages(MB);

	set(vm, 1, 0, BASE, 4 * PAGE, p);
	set(vm, 1, 0, BASE, 4 * PAGE, p);			/* no change */
	set(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, BASE, 4 * PAGE, p);
	set(vm, 1, 0, BASE, 4 * PAGE, p);
	refuse(vm, EINVAL, 1, KVM_MEM_READONLY, BASE, 4 * PAGE, p);
	refuse(vm, EINVAL, 1, 0, BASE, 5 * PAGE, p);
	refuse(vm, EINVAL, 1, 0, BASE, 4 * PAGE, p + PAGE);
}

static void read_only(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cmd_guest);
	u64 *p = pages(2 * PAGE);

	p[0] = 0x1111;
	p[512] = 0x2222;
	set(vcpu->vm, 1, KVM_MEM_READONLY, BASE, 2 * PAGE, p);
	want_mmio(vcpu, WRITE, BASE + PAGE, 0x3333);	/* before any read has mapped it */
	KT_EQ(guest_read(vcpu, BASE), 0x1111);
	want_mmio(vcpu, WRITE, BASE, 0x4444);
	KT_EQ(p[0], 0x1111);
	KT_EQ(p[512], 0x2222);
	p[0] = 0x5555;
	KT_EQ(guest_read(vcpu, BASE), 0x5555);
	mprotect(p, 2 * PAGE, PROT_READ);
	KT_EQ(guest_read(vcpu, BASE + PAGE), 0x2222);
}

static void backing_missing(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cmd_guest);
	u8 *p = pages(4 * PAGE);

	munmap(p + PAGE, PAGE);
	mprotect(p + 2 * PAGE, PAGE, PROT_READ);
	set(vcpu->vm, 1, 0, BASE, 4 * PAGE, p);
	guest_write(vcpu, BASE, 1);
	command(vcpu, READ, BASE + PAGE, 0);
	KT_EQ(kt_run_raw(vcpu), -1);
	KT_EQ(errno, EFAULT);
	KT_EQ(kt_run_raw(vcpu), -1);
	KT_EQ(errno, EFAULT);
	/* Once userspace repairs it the guest goes on. */
	KT_TRUE(mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + PAGE);
	*(u64 *)(p + PAGE) = 0x77;
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(GV(vcpu->vm, cmd_value), 0x77);
	KT_EQ(guest_read(vcpu, BASE + 2 * PAGE), 0);
	command(vcpu, WRITE, BASE + 2 * PAGE, 5);
	KT_EQ(kt_run_raw(vcpu), -1);
	KT_EQ(errno, EFAULT);
	mprotect(p + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(*(u64 *)(p + 2 * PAGE), 5);
}

#define MANY 300

static void many_slots(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cmd_guest);
	u64 *p = pages(MANY * PAGE);
	int n = kt_cap(KVM_CAP_NR_MEMSLOTS) - 1;

	if (n > MANY)
		n = MANY;
	/* Every second page, created from both ends towards the middle. */
	for (int i = 0; i < n; i++) {
		int k = i & 1 ? n - 1 - i / 2 : i / 2;

		p[k * 512] = 1000 + k;
		set(vcpu->vm, 1 + k, 0, BASE + 2 * k * PAGE, PAGE, p + k * 512);
	}
	for (int k = 0; k < n; k += 7) {
		KT_EQ(guest_read(vcpu, BASE + 2 * k * PAGE), 1000 + k);
		want_mmio(vcpu, READ, BASE + (2 * k + 1) * PAGE, k);
	}
	for (int k = 0; k < n; k += 3)
		set(vcpu->vm, 1 + k, 0, BASE + 2 * k * PAGE, 0, NULL);
	for (int k = 0; k < n; k += 5) {
		if (k % 3)
			KT_EQ(guest_read(vcpu, BASE + 2 * k * PAGE), 1000 + k);
		else
			want_mmio(vcpu, READ, BASE + 2 * k * PAGE, k);
	}
}

static void two_slots_one_backing(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cmd_guest);
	u64 *p = pages(PAGE);

	set(vcpu->vm, 1, 0, BASE, PAGE, p);
	set(vcpu->vm, 2, 0, BASE + MB, PAGE, p);
	guest_write(vcpu, BASE, 0x8888);
	KT_EQ(guest_read(vcpu, BASE + MB), 0x8888);
}

/* ---- dirty log ---------------------------------------------------------------------------- */

static int dirty(struct kt_vm *vm, u32 slot, void *bitmap)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bitmap };

	return ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) ? -errno : 0;
}

static void dirty_log_arguments(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	u64 map[8];
	u8 *p = pages(MB);

	set(vm, 1, 0, BASE, 4 * PAGE, p);
	KT_EQ(dirty(vm, 1, map), -ENOENT);
	KT_EQ(dirty(vm, 2, map), -ENOENT);
	KT_EQ(dirty(vm, 0xffff, map), -EINVAL);
	KT_EQ(dirty(vm, 0x00ff0000, map), -EINVAL);
	set(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, BASE, 4 * PAGE, p);
	KT_EQ(dirty(vm, 1, map), 0);
	KT_EQ(dirty(vm, 1, (void *)8), -EFAULT);
	KT_IOCTL_ERR(vm->fd, KVM_GET_DIRTY_LOG, 0, EFAULT);
	set(vm, 1, 0, BASE, 4 * PAGE, p);
	KT_EQ(dirty(vm, 1, map), -ENOENT);
}

#define LOG_PAGES 1024

static void dirty_log_on(void *p)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cmd_guest);
	u64 map[LOG_PAGES / 64 + 1];
	static const u32 touched[] = { 0, 1, 63, 64, 511, 512, 777, 1023 };

	set(vcpu->vm, 1, 0, BASE, LOG_PAGES * PAGE, p);
	for (u32 i = 0; i < LOG_PAGES; i += 16)
		guest_write(vcpu, BASE + i * PAGE, i);	/* mapped writable before logging */
	set(vcpu->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, BASE, LOG_PAGES * PAGE, p);
	for (int round = 0; round < 4; round++) {
		u64 want[LOG_PAGES / 64] = { 0 };

		for (u32 i = 0; i < KT_ARRAY_SIZE(touched); i++) {
			u32 pg = (touched[i] + round * 5) % LOG_PAGES;

			guest_write(vcpu, BASE + pg * PAGE + 8 * round, pg);
			want[pg / 64] |= 1UL << (pg % 64);
		}
		for (u32 i = 2; i < LOG_PAGES; i += 100)
			guest_read(vcpu, BASE + i * PAGE);
		memset(map, 0xa5, sizeof(map));
		KT_EQ(dirty(vcpu->vm, 1, map), 0);
		KT_EQ(map[LOG_PAGES / 64], 0xa5a5a5a5a5a5a5a5);
		for (u32 i = 0; i < LOG_PAGES / 64; i++)
			KT_EQ(map[i], want[i]);
		KT_EQ(dirty(vcpu->vm, 1, map), 0);
		for (u32 i = 0; i < LOG_PAGES / 64; i++)
			KT_EQ(map[i], 0);
	}
	/* Off and on again: writes in between are not of the new log. */
	guest_write(vcpu, BASE, 1);
	set(vcpu->vm, 1, 0, BASE, LOG_PAGES * PAGE, p);
	guest_write(vcpu, BASE + PAGE, 1);
	set(vcpu->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, BASE, LOG_PAGES * PAGE, p);
	KT_EQ(dirty(vcpu->vm, 1, map), 0);
	KT_EQ(map[0], 0);
	guest_write(vcpu, BASE + PAGE, 1);
	KT_EQ(dirty(vcpu->vm, 1, map), 0);
	KT_EQ(map[0], 2);
}

static void dirty_log_4k(void)
{
	void *p = pages(LOG_PAGES * PAGE);

	madvise(p, LOG_PAGES * PAGE, MADV_NOHUGEPAGE);
	dirty_log_on(p);
}

static void *huge_aligned(size_t size)
{
	u8 *p = pages(size + 2 * MB);

	p = (u8 *)(((unsigned long)p + 2 * MB - 1) & ~(2 * MB - 1));
	if (madvise(p, size, MADV_HUGEPAGE))
		kt_skip("no transparent huge pages: %s", strerror(errno));
	memset(p, 1, size);
	return p;
}

static void dirty_log_2m(void)
{
	dirty_log_on(huge_aligned(LOG_PAGES * PAGE));
}

static void dirty_many_guest(void)
{
	for (u64 i = 0; i < 2048; i++)
		wr64(BASE + i * PAGE, i);
	GUEST_SYNC(1);
	for (u64 i = 1; i < 2048; i += 2)
		wr64(BASE + i * PAGE, i);
	GUEST_SYNC(2);
	guest_done();
}

/* More pages in one run than a page-modification log holds. */
static void dirty_log_many(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, dirty_many_guest);
	u64 map[32];
	void *p = pages(2048 * PAGE);

	set(vcpu->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, BASE, 2048 * PAGE, p);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(dirty(vcpu->vm, 1, map), 0);
	for (int i = 0; i < 32; i++)
		KT_EQ(map[i], ~0UL);
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(dirty(vcpu->vm, 1, map), 0);
	for (int i = 0; i < 32; i++)
		KT_EQ(map[i], 0xaaaaaaaaaaaaaaaa);
}

/* ---- changes under a running vCPU --------------------------------------------------------- */

static volatile u32 stop;
static volatile u64 reads, holes;

static void reader_guest(void)
{
	while (!stop) {
		u64 v = rd64(BASE + 64);

		if (v == 0x600d)
			reads++;
		else
			GUEST_EQ(v, 0x401e);
	}
	guest_done();
}

static void *reader_thread(void *arg)
{
	struct kt_vcpu *vcpu = arg;

	for (;;) {
		if (kt_run(vcpu) != KVM_EXIT_MMIO)
			return NULL;
		KT_EQ(vcpu->run->mmio.phys_addr, BASE + 64);
		*(u64 *)vcpu->run->mmio.data = 0x401e;
		holes++;
	}
}

static void change_while_running(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, reader_guest);
	u64 *p = pages(PAGE);
	struct kt_ucall uc;
	pthread_t t;

	p[8] = 0x600d;
	pthread_create(&t, NULL, reader_thread, vcpu);
	for (int i = 0; i < 60; i++) {
		set(vcpu->vm, 1, 0, BASE, PAGE, p);
		kt_msleep(1);
		set(vcpu->vm, 1, 0, BASE, 0, NULL);
		kt_msleep(1);
	}
	GV(vcpu->vm, stop) = 1;
	pthread_join(t, NULL);
	if (!kt_ucall(vcpu, &uc)) {
		kt_dump(vcpu);
		kt_fail("the guest ended with %s", kt_exit_name(vcpu->run->exit_reason));
	}
	KT_CHECK_GUEST(vcpu, &uc);
	KT_TRUE(GV(vcpu->vm, reads) > 0);
	KT_TRUE(holes > 0);
}

/* The slot under the guest's own code goes away: the run ends with an exit, and does end. */
static void delete_code_slot(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cmd_guest);

	guest_write(vcpu, KT_TEST_AREA, 1);
	set(vcpu->vm, 0, 0, 0, 0, NULL);
	if (!kt_run_raw(vcpu))
		KT_TRUE(vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR ||
			vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN ||
			vcpu->run->exit_reason == KVM_EXIT_MMIO);
}

/* ---- page sizes of the backing ------------------------------------------------------------ */

static u64 walk_base, walk_bytes;

static void walk_guest(void)
{
	for (u64 off = 0; off < walk_bytes; off += PAGE)
		GUEST_EQ(rd64(walk_base + off), off + 1);
	for (u64 off = 0; off < walk_bytes; off += PAGE)
		wr64(walk_base + off + 8, off + 2);
	guest_done();
}

static void walk(u8 *p, size_t size, u64 shift)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, walk_guest);
	/* A gigabyte of backing wants a guest address that is as aligned. */
	u64 base = size >= 1024 * MB ? 1024 * MB : BASE;

	GV(vcpu->vm, walk_base) = base;
	GV(vcpu->vm, walk_bytes) = size;
	for (u64 off = 0; off < size; off += PAGE)
		*(u64 *)(p + off) = off + 1;
	set(vcpu->vm, 1, 0, base + shift, size, p);
	if (shift) {
		/* Shifted by a page, so that guest and host huge pages do not line up. */
		set(vcpu->vm, 1, 0, base + shift, 0, NULL);
		set(vcpu->vm, 1, 0, base, size - shift, p + shift);
		for (u64 off = shift; off < size; off += PAGE)
			*(u64 *)(p + off) = off - shift + 1;
		GV(vcpu->vm, walk_bytes) = size - shift;
	}
	KT_RUN_DONE(vcpu);
	for (u64 off = shift; off < size; off += PAGE)
		KT_EQ(*(u64 *)(p + off + 8), off - shift + 2);
}

static void backing_4k(void)
{
	u8 *p = pages(8 * MB);

	madvise(p, 8 * MB, MADV_NOHUGEPAGE);
	walk(p, 8 * MB, 0);
}

static void backing_thp(void)
{
	walk(huge_aligned(16 * MB), 16 * MB, 0);
}

static void backing_thp_unaligned(void)
{
	walk(huge_aligned(16 * MB), 16 * MB, PAGE);
}

static void hugetlb(size_t size, int shift, const char *sys)
{
	u8 *p;
	int fd = open(sys, O_WRONLY);

	if (fd >= 0) {
		if (write(fd, "8", 1) != 1)
			kt_note("cannot write %s", sys);
		close(fd);
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | shift << MAP_HUGE_SHIFT, -1, 0);
	if (p == MAP_FAILED)
		kt_skip("no huge pages of 2^%d bytes: %s", shift, strerror(errno));
	walk(p, size, 0);
	munmap(p, size);
	fd = open(sys, O_WRONLY);
	if (fd >= 0 && write(fd, "0", 1) != 1)
		kt_note("cannot write %s", sys);
}

static void backing_hugetlb_2m(void)
{
	hugetlb(8 * MB, 21, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
}

static void backing_hugetlb_1g(void)
{
	hugetlb(1024 * MB, 30, "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages");
}

static void backing_file(void)
{
	char name[] = "/tmp/memslotsXXXXXX";
	int fd = mkstemp(name);
	u8 *p;

	if (fd < 0)
		kt_skip("no temporary file: %s", strerror(errno));
	unlink(name);
	if (ftruncate(fd, 4 * MB))
		kt_fail("ftruncate: %s", strerror(errno));
	p = mmap(NULL, 4 * MB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	walk(p, 4 * MB, 0);
}

struct waiting_ioctl {
	int fd;
	unsigned long cmd;
	void *arg;
	int ret;
};

static void *issue(void *arg)
{
	struct waiting_ioctl *w = arg;

	w->ret = ioctl(w->fd, w->cmd, w->arg);
	return NULL;
}

/* A vCPU's ioctl that waits for its argument's page does not keep the slots from changing. */
static void argument_waits(void)
{
	static const unsigned long cmds[] = {
		KVM_SET_REGS, KVM_SET_CPUID2, KVM_SET_MSRS, KVM_HAS_DEVICE_ATTR,
	};
	struct uffdio_api api = { .api = UFFD_API };
	struct kt_vm *vm = kt_vm_new(0, 0);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	int uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	void *memory = pages(PAGE);

	if (uffd < 0)
		kt_skip("userfaultfd: %s", strerror(errno));
	KT_IOCTL(uffd, UFFDIO_API, &api);
	for (u32 i = 0; i < KT_ARRAY_SIZE(cmds); i++) {
		struct waiting_ioctl w = { .fd = vcpu->fd, .cmd = cmds[i], .arg = pages(PAGE) };
		struct uffdio_range range = { .start = (unsigned long)w.arg, .len = PAGE };
		struct uffdio_register reg = {
			.range = range,
			.mode = UFFDIO_REGISTER_MODE_MISSING,
		};
		struct uffdio_zeropage zero = { .range = range };
		struct uffd_msg msg;
		pthread_t thread;

		/* KVM 6.1 does wait here. */
		if (cmds[i] == KVM_SET_MSRS && !kt_is_minikvm())
			continue;
		KT_IOCTL(uffd, UFFDIO_REGISTER, &reg);
		KT_TRUE(!pthread_create(&thread, NULL, issue, &w));
		KT_EQ(read(uffd, &msg, sizeof(msg)), sizeof(msg));
		set(vm, 1, 0, BASE, PAGE, memory);
		set(vm, 1, 0, BASE, 0, memory);
		KT_IOCTL(uffd, UFFDIO_ZEROPAGE, &zero);
		pthread_join(thread, NULL);
		KT_EQ(w.ret, 0);
	}
}

static const struct kt_test tests[] = {
	{ "create_delete", create_delete },
	{ "move", move },
	{ "bad_arguments", bad_arguments },
	{ "overlap", overlap },
	{ "changes_of_a_live_slot", changes_of_a_live_slot },
	{ "read_only", read_only },
	{ "backing_missing", backing_missing },
	{ "many_slots", many_slots },
	{ "two_slots_one_backing", two_slots_one_backing },
	{ "dirty_log_arguments", dirty_log_arguments },
	{ "dirty_log_4k", dirty_log_4k },
	{ "dirty_log_2m", dirty_log_2m },
	{ "dirty_log_many", dirty_log_many },
	{ "change_while_running", change_while_running },
	{ "delete_code_slot", delete_code_slot },
	{ "argument_waits", argument_waits, 10 },
	{ "backing_4k", backing_4k },
	{ "backing_thp", backing_thp },
	{ "backing_thp_unaligned", backing_thp_unaligned },
	{ "backing_hugetlb_2m", backing_hugetlb_2m },
	{ "backing_hugetlb_1g", backing_hugetlb_1g },
	{ "backing_file", backing_file },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
