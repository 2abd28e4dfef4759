// SPDX-License-Identifier: GPL-2.0-only
/*
 * guestmem.c - tests of guest memory against mmu-harness.ko: slots, faults, page sizes, MMU
 * notifiers and the dirty log, with software vCPUs in place of a guest.
 *
 * KVM's ABI, KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG. Runs as root in
 * the lab on any host; loads the module that lies beside it. TAP, version 13.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/kvm.h>
#include <linux/mman.h>

#include "vm.h"

static void test_slots(void)
{
	char *mem = map(64 * PAGE, 0);
	int vm = vm_open(NULL);

	check(region(vm, 0, 0, 0x10000, 16 * PAGE, mem) == 0, "create a slot");
	check(region(vm, 0, 0, 0x10000, 16 * PAGE, mem) == 0, "the same again");
	check(region(vm, 1, 0, 0x1f000, PAGE, mem) == EEXIST, "overlap at the end");
	check(region(vm, 1, 0, 0xf000, 2 * PAGE, mem) == EEXIST, "overlap at the start");
	check(region(vm, 1, 0, 0x0, 64 * PAGE, mem) == EEXIST, "overlap around");
	check(region(vm, 1, 0, 0x20000, 16 * PAGE, mem) == 0, "a neighbour above");
	check(region(vm, 2, 0, 0xf000, PAGE, mem) == 0, "a neighbour below");
	check(region(vm, 0, 0, 0x10000, 17 * PAGE, mem) == EINVAL, "grow");
	check(region(vm, 0, 0, 0x10000, 16 * PAGE, mem + PAGE) == EINVAL, "other user address");
	check(region(vm, 0, KVM_MEM_READONLY, 0x10000, 16 * PAGE, mem) == EINVAL, "READONLY on");
	check(region(vm, 0, 4, 0x10000, 16 * PAGE, mem) == EINVAL, "unknown flag");
	check(region(vm, 4096, 0, 0x100000, PAGE, mem) == EINVAL, "slot number too large");
	check(region(vm, 1 << 16, 0, 0x100000, PAGE, mem) == EINVAL, "address space 1");
	check(region(vm, 9, 0, 0x100800, PAGE, mem) == EINVAL, "guest address not aligned");
	check(region(vm, 9, 0, 0x100000, 100, mem) == EINVAL, "size not aligned");
	check(region(vm, 9, 0, 0x100000, PAGE, mem + 8) == EINVAL, "user address not aligned");
	check(region(vm, 9, 0, 0x100000, PAGE, (void *)0xffffffff80000000) == EINVAL,
	      "kernel address");
	check(region(vm, 9, 0, -PAGE, 2 * PAGE, mem) == EINVAL, "wraps round");
	check(region(vm, 9, 0, 1ULL << 51, PAGE, mem) == EINVAL, "above the address width");
	check(region(vm, 9, 0, 1ULL << 32, 1ULL << 43, (void *)PAGE) == EINVAL, "2^31 pages");
	check(region(vm, 9, 0, 0, 1ULL << 52, (void *)PAGE) == EINVAL, "2^52 bytes");
	check(region(vm, 9, 0, 0, 0, NULL) == EINVAL, "delete nothing");
	check(region(vm, 0, 0, 0x18000, 16 * PAGE, mem) == EEXIST, "move onto another");
	check(region(vm, 0, 0, 0x40000, 16 * PAGE, mem) == 0, "move");
	check(region(vm, 0, 0, 0x42000, 16 * PAGE, mem) == 0, "move over itself");
	check(guest_write(vm, 0x42000, 1) == 0 && guest_write(vm, 0x40000, 1) == 1,
	      "the new place is memory, the old is not");
	check(region(vm, 0, 0, 0x42000, 0, mem) == 0 && guest_write(vm, 0x42000, 1) == 1,
	      "delete: no memory there");
	check(region(vm, 0, 0, 0x10000, PAGE, mem) == 0, "create it anew with another size");
	close(vm);

	vm = vm_open(NULL);
	for (int i = 0; i < 4096; i++)
		if (region(vm, 4095 - i, 0, i * 2 * PAGE, PAGE, mem + i % 64 * PAGE))
			die("4096 slots");
	check(guest_write(vm, 4095 * 2 * PAGE, 77) == 0 &&
	      guest_write(vm, 4094 * 2 * PAGE + PAGE, 1) == 1 && guest_write(vm, 0, 78) == 0,
	      "4096 slots: all found, gaps are none");
	close(vm);
	munmap(mem, 64 * PAGE);
}

static void test_access(void)
{
	__u64 *mem = map(64 * PAGE, 0);
	int vm = vm_open(NULL);
	char *w = (char *)mem;

	region(vm, 0, 0, 0, 32 * PAGE, mem);
	region(vm, 1, KVM_MEM_READONLY, 0x100000, 32 * PAGE, w + 32 * PAGE);

	check(guest_read(vm, 0) == 0, "fresh page reads zero");
	check(guest_write(vm, 0, 5) == 0 && mem[0] == 5 && guest_read(vm, 0) == 5,
	      "guest writes over the zero page, owner sees it");
	mem[512] = 6;
	check(guest_read(vm, PAGE) == 6, "owner writes, guest sees it");
	check(guest_write(vm, 0x100000, 1) == 1, "write to a read-only slot is MMIO");
	mem[32 * 512] = 9;
	check(guest_read(vm, 0x100000) == 9 && guest_write(vm, 0x100000, 1) == 1 &&
	      mem[32 * 512] == 9, "read from it, and still no write");
	check(guest_try(vm, HARNESS_FETCH, 0) == 0, "fetch");
	check(guest_try(vm, HARNESS_READ, 0x200000) == 1, "no slot is MMIO");
	check(guest_try(vm, HARNESS_READ, 1ULL << 45) == 1, "far away is MMIO");

	munmap(w + 2 * PAGE, PAGE);
	check(guest_try(vm, HARNESS_READ, 2 * PAGE) == ACCESS_ERROR && errno == EFAULT,
	      "never mapped: EFAULT");
	munmap(w, PAGE);
	check(entry_of(vm, 0).level == 0 &&
	      guest_try(vm, HARNESS_READ, 0) == ACCESS_ERROR && errno == EFAULT,
	      "munmap takes the entry away");
	if (mmap(w, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
	    == MAP_FAILED)
		die("mmap");
	check(guest_read(vm, 0) == 0, "mapped again: another page");

	guest_write(vm, PAGE, 11);
	mprotect(w + PAGE, PAGE, PROT_READ);
	check(guest_read(vm, PAGE) == 11, "mprotect: still to be read");
	check(guest_write(vm, PAGE, 1) == ACCESS_ERROR && errno == EFAULT && mem[512] == 11,
	      "mprotect: not to be written");
	mprotect(w + PAGE, PAGE, PROT_READ | PROT_WRITE);
	check(guest_write(vm, PAGE, 12) == 0 && mem[512] == 12, "and again");

	madvise(w + PAGE, PAGE, MADV_DONTNEED);
	check(guest_read(vm, PAGE) == 0, "MADV_DONTNEED gives zeroes");
	close(vm);
	munmap(mem, 64 * PAGE);
}

static void test_fork(void)
{
	__u64 *mem = map(4 * PAGE, 0);
	int vm = vm_open(NULL), status, ready[2], go[2];
	char c = 0;
	pid_t pid;

	region(vm, 0, 0, 0, 4 * PAGE, mem);
	guest_write(vm, 0, 1);
	if (pipe(ready) || pipe(go))
		die("pipe");
	pid = fork();
	if (!pid) {
		if (write(ready[1], &c, 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(3);
		_exit(mem[0] == 1 ? ioctl(vm, HARNESS_STATS, NULL) == -1 && errno == EIO ?
		      0 : 2 : 1);
	}
	if (read(ready[0], &c, 1) != 1)
		die("read");
	check(guest_write(vm, 0, 2) == 0 && mem[0] == 2, "guest writes after fork");
	if (write(go[1], &c, 1) != 1)
		die("write");
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	      "the child kept the old page (status %#x)", status);
	check(guest_write(vm, 0, 3) == 0 && mem[0] == 3, "and after its exit");
	close(vm);
	munmap(mem, 4 * PAGE);
}

static void test_huge(void)
{
	__u64 *mem = map_aligned(4 * HUGE, MADV_HUGEPAGE);
	int vm = vm_open(NULL);
	char *w = (char *)mem;
	struct harness_entry e;
	bool ok = true;

	region(vm, 0, 0, HUGE, 3 * HUGE, w);
	region(vm, 1, 0, 64 * HUGE + PAGE, HUGE, w + PAGE);
	region(vm, 2, 0, 128 * HUGE + PAGE, HUGE, w);

	check(guest_write(vm, HUGE + 0x5008, 5) == 0 && mem[0x5008 / 8] == 5, "write");
	e = entry_of(vm, HUGE);
	check(e.level == 2, "a 2M page is mapped by one entry (level %u, %#llx)", e.level,
	      e.entry);
	guest_write(vm, 64 * HUGE + PAGE, 1);
	check(entry_of(vm, 64 * HUGE + PAGE).level == 1, "not where the slot begins inside it");
	guest_write(vm, 128 * HUGE + 2 * PAGE, 1);
	check(entry_of(vm, 128 * HUGE + 2 * PAGE).level == 1, "nor where it is not aligned");

	/* The kernel splits its page: everything but the hole must stay. */
	for (int i = 0; i < 512; i++)
		mem[i * 512] = i + 1000;
	madvise(w + 7 * PAGE, PAGE, MADV_DONTNEED);
	check(guest_read(vm, HUGE + 7 * PAGE) == 0, "hole in a 2M page reads zero");
	for (int i = 0; i < 512; i++)
		ok &= guest_read(vm, HUGE + i * PAGE) == (i == 7 ? 0 : i + 1000ULL);
	check(ok, "all the rest is what it was");
	e = entry_of(vm, HUGE + 8 * PAGE);
	check(e.level == 1, "mapped by small pages now (level %u, %#llx)", e.level, e.entry);

	madvise(w + HUGE, HUGE, MADV_DONTNEED);
	guest_write(vm, 2 * HUGE, 9);
	check(entry_of(vm, 2 * HUGE).level == 2 && mem[HUGE / 8] == 9, "2M again after DONTNEED");
	mprotect(w + HUGE + 9 * PAGE, PAGE, PROT_READ);
	check(guest_write(vm, 2 * HUGE + 9 * PAGE, 1) == ACCESS_ERROR && errno == EFAULT &&
	      guest_write(vm, 2 * HUGE + 10 * PAGE, 2) == 0, "mprotect inside a 2M page");
	close(vm);
	munmap(mem, 4 * HUGE);
}

/* The host was booted with one page of 1 GiB set aside: see selftests/check. */
static void test_giant(void)
{
	__u64 *mem = mmap(NULL, GIANT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
			  MAP_HUGETLB | MAP_HUGE_1GB, -1, 0);
	const __u64 last = GIANT - PAGE, middle = 300 * HUGE + 5 * PAGE;
	int vm = vm_open(NULL);
	__u64 map[GIANT / PAGE / 64];
	struct kvm_dirty_log log = { .dirty_bitmap = map };

	check(mem != MAP_FAILED, "a 1G page is there");
	if (mem == MAP_FAILED)
		return;
	region(vm, 0, 0, 2 * GIANT, GIANT, mem);
	check(guest_write(vm, 2 * GIANT + last, 5) == 0 && mem[last / 8] == 5 &&
	      entry_of(vm, 2 * GIANT).level == 3, "a 1G page is mapped by one entry");

	region(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 2 * GIANT, GIANT, mem);
	check(guest_write(vm, 2 * GIANT + middle, 78) == 0 && mem[middle / 8] == 78 &&
	      entry_of(vm, 2 * GIANT + middle).level == 1, "a small entry under the dirty log");
	check(!ioctl(vm, KVM_GET_DIRTY_LOG, &log) &&
	      map[middle / PAGE / 64] == 1ULL << (middle / PAGE % 64) && !map[last / PAGE / 64],
	      "the log has that page and not the other");
	region(vm, 0, 0, 2 * GIANT, GIANT, mem);
	check(guest_write(vm, 2 * GIANT + middle, 79) == 0 && mem[middle / 8] == 79 &&
	      entry_of(vm, 2 * GIANT).level == 3, "1G again without log");

	region(vm, 0, 0, 2 * GIANT, 0, mem);
	region(vm, 0, 0, 2 * GIANT + HUGE, GIANT - HUGE, (char *)mem + HUGE);
	check(guest_read(vm, 2 * GIANT + middle) == 79 &&
	      entry_of(vm, 2 * GIANT + middle).level == 2, "2M where the slot is not all of it");
	munmap(mem, GIANT);
	check(guest_try(vm, HARNESS_READ, 2 * GIANT + middle) == ACCESS_ERROR, "gone after munmap");
	close(vm);
}

/*
 * Swap a guest's pages out. The first attempt finds the accessed flags of the guest's entries set
 * and only clears them.
 */
static unsigned long page_out(int vm, void *mem, unsigned long npages)
{
	unsigned long gone = 0;

	for (int attempt = 0; attempt < 4 && gone < npages; attempt++) {
		madvise(mem, npages * PAGE, MADV_PAGEOUT);
		gone = 0;
		for (unsigned long i = 0; i < npages; i++)
			gone += entry_of(vm, i * PAGE).level == 0;
	}
	return gone;
}

static void test_swap(void)
{
	__u64 *mem = map_aligned(HUGE, MADV_NOHUGEPAGE);
	unsigned long gone = 0, bad = 0;
	int vm = vm_open(NULL), round, i;

	region(vm, 0, 0, 0, HUGE, mem);
	for (round = 1; round <= 4; round++) {
		/* What the guest wrote last exists nowhere but in this page. */
		for (i = 0; i < 512; i++)
			guest_write(vm, i * PAGE, round * 1000 + i);
		gone += page_out(vm, mem, 512);
		for (i = 0; i < 512; i++)
			bad += guest_read(vm, i * PAGE) != round * 1000ULL + i;
		/* Read in, and out again without a write: nothing may be lost either. */
		page_out(vm, mem, 512);
		for (i = 0; i < 512; i++)
			bad += mem[i * 512] != round * 1000ULL + i;
	}
	check(gone > 4 * 512 / 2, "pages were swapped out under the guest (%lu of 2048)", gone);
	check(!bad, "and came back as the guest had left them (%lu did not)", bad);

	/* MADV_FREE: gone if clean. That the guest wrote again no page table of the owner tells. */
	bad = 0;
	for (i = 0; i < 512; i++)
		mem[i * 512] = 1;
	madvise(mem, HUGE, MADV_FREE);
	for (i = 0; i < 512; i++)
		guest_write(vm, i * PAGE, i + 7);
	page_out(vm, mem, 512);
	for (i = 0; i < 512; i++)
		bad += guest_read(vm, i * PAGE) != i + 7ULL;
	check(!bad, "what the guest writes after MADV_FREE stays (%lu pages did not)", bad);
	close(vm);
	munmap(mem, HUGE);
}

/* Bits set in a log of @npages. */
static unsigned long count_bits(const unsigned long *log, unsigned long npages)
{
	unsigned long n = 0;

	for (unsigned long i = 0; i < npages; i++)
		n += log[i / 64] >> (i % 64) & 1;
	return n;
}

static int clear_log(int vm, __u32 slot, __u64 first, __u32 num, void *log)
{
	struct kvm_clear_dirty_log arg = {
		.slot = slot, .first_page = first, .num_pages = num, .dirty_bitmap = log,
	};

	return ioctl(vm, KVM_CLEAR_DIRTY_LOG, &arg) ? errno : 0;
}

static void test_dirty(bool pml, bool ad)
{
	struct harness_setup setup = { .ad = ad, .pml = pml };
	__u64 *mem = map_aligned(4 * HUGE, MADV_HUGEPAGE);
	unsigned long npages = 2 * HUGE / PAGE, *log = map(2 * PAGE, 0);
	int vm = vm_open(&setup);
	bool ok = true;

	mode_name = pml ? "PML: " : ad ? "write protection: " : "no A/D flags: ";
	region(vm, 0, 0, 0, 2 * HUGE, mem);
	guest_write(vm, 0, 1);
	guest_write(vm, HUGE, 1);
	check(entry_of(vm, 0).level == 2, "2M before the log");
	check(get_log(vm, 0, log) == ENOENT, "no log: ENOENT");
	check(get_log(vm, 5, log) == ENOENT, "no slot: ENOENT");
	check(get_log(vm, 4096, log) == EINVAL, "no such number: EINVAL");
	check(region(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, 2 * HUGE, mem) == 0, "log on");
	check(get_log(vm, 0, log) == 0 && count_bits(log, npages) == 0, "nothing dirty");

	guest_write(vm, 5 * PAGE, 1);
	guest_read(vm, 6 * PAGE);
	guest_write(vm, HUGE + 511 * PAGE, 1);
	check(entry_of(vm, 5 * PAGE).level == 1, "the written page is small now");
	check(get_log(vm, 0, log) == 0 && count_bits(log, npages) == 2 &&
	      (log[0] >> 5 & 1) && log[npages / 64 - 1] >> 63, "exactly the two written pages");
	check(get_log(vm, 0, log) == 0 && count_bits(log, npages) == 0, "taken once");
	guest_write(vm, 5 * PAGE, 2);
	check(get_log(vm, 0, log) == 0 && count_bits(log, npages) == 1 && (log[0] >> 5 & 1),
	      "written again, logged again");
	for (unsigned long i = 0; i < npages; i++)
		guest_write(vm, i * PAGE, i);
	check(get_log(vm, 0, log) == 0 && count_bits(log, npages) == npages, "all of them");

	guest_write(vm, 3 * PAGE, 1);
	check(get_log(vm, 0, (void *)0x1000) == EFAULT, "bad buffer: EFAULT");
	check(get_log(vm, 0, log) == 0 && (log[0] >> 3 & 1), "and the page is not forgotten");

	/* A page that went away and came back under the log. */
	madvise((char *)mem + 9 * PAGE, PAGE, MADV_DONTNEED);
	guest_read(vm, 9 * PAGE);
	check(get_log(vm, 0, log) == 0 && !(log[0] >> 9 & 1), "reading a new page is no write");
	guest_write(vm, 9 * PAGE, 1);
	check(get_log(vm, 0, log) == 0 && (log[0] >> 9 & 1), "writing it is");

	check(region(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0x10000000, 2 * HUGE, mem) == 0 &&
	      guest_write(vm, 0x10000000 + 8 * PAGE, 1) == 0 &&
	      get_log(vm, 0, log) == 0 && count_bits(log, npages) == 1 && (log[0] >> 8 & 1),
	      "a slot moves with its log");
	check(region(vm, 0, 0, 0x10000000, 2 * HUGE, mem) == 0 &&
	      get_log(vm, 0, log) == ENOENT, "log off");
	guest_write(vm, 0x10000000 + HUGE, 7);
	check(entry_of(vm, 0x10000000 + HUGE).level == 2, "2M again");
	check(mem[HUGE / 8] == 7, "and the right one");
	for (unsigned long i = 10; i < npages; i++)
		ok &= guest_read(vm, 0x10000000 + i * PAGE) == (i == 512 ? 7 : i);
	check(ok, "contents came through");
	close(vm);
	munmap(mem, 4 * HUGE);
	munmap(log, 2 * PAGE);
	mode_name = "";
}

static void test_manual(bool pml)
{
	struct harness_setup setup = { .ad = 1, .pml = pml };
	char *mem = map_aligned(2 * HUGE, MADV_HUGEPAGE);
	unsigned long *log = map(PAGE, 0);
	unsigned long npages = HUGE / PAGE + 10;
	int vm;

	mode_name = pml ? "manual, PML: " : "manual: ";
	setup.manual = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
	vm = vm_open(&setup);
	region(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, npages * PAGE, mem);
	guest_write(vm, 64 * PAGE, 1);
	guest_write(vm, 65 * PAGE, 1);
	check(get_log(vm, 0, log) == 0 && count_bits(log, npages) == 2, "GET");
	check(get_log(vm, 0, log) == 0 && count_bits(log, npages) == 2, "GET only looks");
	check(clear_log(vm, 0, 1, 64, log) == EINVAL, "CLEAR: first page not of a word");
	check(clear_log(vm, 0, 0, 63, log) == EINVAL, "CLEAR: half a word");
	check(clear_log(vm, 0, 0, 576, log) == EINVAL, "CLEAR: beyond the slot");
	check(clear_log(vm, 0, 576, 0, log) == EINVAL, "CLEAR: begins beyond the slot");
	check(clear_log(vm, 1, 0, 64, log) == ENOENT, "CLEAR: no slot");
	check(clear_log(vm, 0, 0, 64, (void *)8) == EFAULT, "CLEAR: bad buffer");
	memset(log, 0, PAGE);
	log[0] = 1;
	check(clear_log(vm, 0, 64, 64, log) == 0 && get_log(vm, 0, log) == 0 &&
	      count_bits(log, npages) == 1 && log[1] == 2, "CLEAR takes the page asked for");
	guest_write(vm, 65 * PAGE, 2);
	guest_write(vm, 64 * PAGE, 2);
	check(get_log(vm, 0, log) == 0 && log[1] == 3, "a write is logged again");
	memset(log, 0xff, PAGE);
	check(clear_log(vm, 0, 512, 10, log) == 0 && clear_log(vm, 0, 0, npages, log) == 0 &&
	      get_log(vm, 0, log) == 0 && count_bits(log, npages) == 0,
	      "CLEAR up to the odd end of the slot");
	close(vm);

	setup.manual |= KVM_DIRTY_LOG_INITIALLY_SET;
	vm = vm_open(&setup);
	region(vm, 0, 0, 0, HUGE, mem);
	guest_write(vm, 0, 1);
	region(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, HUGE, mem);
	check(get_log(vm, 0, log) == 0 && count_bits(log, 512) == 512, "initially set");
	check(entry_of(vm, 0).level == 2, "the large page may stay for now");
	guest_write(vm, 70 * PAGE, 1);
	memset(log, 0, PAGE);
	log[0] = ~0UL;
	check(clear_log(vm, 0, 0, 64, log) == 0, "clear the first word");
	guest_write(vm, 3 * PAGE, 1);
	check(get_log(vm, 0, log) == 0 && log[0] == 8 && count_bits(log, 512) == 449,
	      "then only the page written since is in it");
	close(vm);
	munmap(mem, 2 * HUGE);
	munmap(log, PAGE);
	mode_name = "";
}

/*
 * Changes in the middle of a fault. The guest writes 5 to its first page; the module stops
 * between looking the page up and entering it, and then the change happens. One that waits for the
 * fault to end is @blocking: the fault goes on after a while, on whichever side of it.
 */
#define BLOCKING_MS	300

struct held_write {
	pthread_t thread, timer;
	int vm, result;
	bool blocking;
};

static void *held_writer(void *arg)
{
	struct held_write *h = arg;

	h->result = guest_write(h->vm, 0, 5);
	return NULL;
}

static void *held_timer(void *arg)
{
	struct held_write *h = arg;

	usleep(BLOCKING_MS * 1000);
	ioctl(h->vm, HARNESS_HOLD, HOLD_END);
	return NULL;
}

static void held_start(struct held_write *h, int vm, bool blocking)
{
	h->vm = vm;
	h->blocking = blocking;
	ioctl(vm, HARNESS_HOLD, HOLD_NEXT);
	pthread_create(&h->thread, NULL, held_writer, h);
	if (ioctl(vm, HARNESS_HOLD, HOLD_WAIT))
		die("no fault is held");
	if (blocking)
		pthread_create(&h->timer, NULL, held_timer, h);
}

static int held_end(struct held_write *h)
{
	if (h->blocking)
		pthread_join(h->timer, NULL);
	else
		ioctl(h->vm, HARNESS_HOLD, HOLD_END);
	pthread_join(h->thread, NULL);
	return h->result;
}

static void test_races(void)
{
	const struct harness_setup setup = { .ad = 1 };
	__u64 *mem = map(16 * PAGE, 0);
	unsigned long *log = map(PAGE, 0);
	int vm = vm_open(&setup), child, end[2];
	char byte;
	struct held_write h;

	mode_name = "during a fault: ";
	region(vm, 0, 0, 0, 16 * PAGE, mem);
	mem[0] = 1;
	held_start(&h, vm, false);
	madvise(mem, PAGE, MADV_DONTNEED);
	check(held_end(&h) == 0 && mem[0] == 5, "DONTNEED: the write is in the new page");

	madvise(mem, PAGE, MADV_DONTNEED);
	mem[0] = 1;
	held_start(&h, vm, false);
	munmap(mem, PAGE);
	check(held_end(&h) == ACCESS_ERROR && entry_of(vm, 0).level == 0, "munmap: EFAULT");
	if (mmap(mem, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
	    == MAP_FAILED)
		die("mmap");

	mem[0] = 1;
	held_start(&h, vm, false);
	mprotect(mem, PAGE, PROT_READ);
	check(held_end(&h) == ACCESS_ERROR && mem[0] == 1, "mprotect: EFAULT, nothing written");
	mprotect(mem, PAGE, PROT_READ | PROT_WRITE);

	if (pipe(end))
		die("pipe");
	held_start(&h, vm, false);
	child = fork();
	if (!child) {
		/* Look when the parent has written. */
		close(end[1]);
		_exit(read(end[0], &byte, 1) || mem[0] != 1);
	}
	check(held_end(&h) == 0 && mem[0] == 5, "fork: the parent's page is written");
	close(end[0]);
	close(end[1]);
	waitpid(child, &child, 0);
	check(WIFEXITED(child) && WEXITSTATUS(child) == 0, "fork: and the child's is not");

	madvise(mem, PAGE, MADV_DONTNEED);
	held_start(&h, vm, true);
	check(region(vm, 0, 0, 0, 0, mem) == 0, "slot deletion");
	child = held_end(&h);
	check(entry_of(vm, 0).level == 0 && child <= 1, "slot deletion: no entry is left (%d)",
	      child);

	madvise(mem, PAGE, MADV_DONTNEED);
	region(vm, 0, 0, 0, 16 * PAGE, mem);
	held_start(&h, vm, true);
	check(region(vm, 0, 0, 32 * PAGE, 16 * PAGE, mem) == 0, "slot move");
	child = held_end(&h);
	check(entry_of(vm, 0).level == 0 && child <= 1, "slot move: no entry at the old place");
	region(vm, 0, 0, 32 * PAGE, 0, mem);

	madvise(mem, PAGE, MADV_DONTNEED);
	region(vm, 0, 0, 0, 16 * PAGE, mem);
	held_start(&h, vm, true);
	check(region(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, 16 * PAGE, mem) == 0, "log on");
	/* Written before the log or in it, but not after it and unseen. */
	log[0] = 0;
	guest_read(vm, 0);
	child = mem[0] == 5;
	held_end(&h);
	check(child || (get_log(vm, 0, log) == 0 && (log[0] & 1)), "log on: the write is not lost");
	close(vm);
	munmap(mem, 16 * PAGE);
	munmap(log, PAGE);
	mode_name = "";
}

/* Load a module that lies beside this program. */
static bool load_module(const char *argv0, const char *name, const char *params)
{
	const char *slash = strrchr(argv0, '/');
	char path[4096];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "%.*s%s", slash ? (int)(slash - argv0 + 1) : 0, argv0, name);
	fd = open(path, O_RDONLY);
	ok = fd >= 0 && (!syscall(SYS_finit_module, fd, params, 0) || errno == EEXIST);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* 32 MiB of swap space on a RAM disk. */
static bool swap_on(const char *argv0)
{
	unsigned int header[1024] = { [256] = 1, [257] = 32 * 256 - 1 };
	int fd;

	if (!load_module(argv0, "brd.ko", "rd_nr=1 rd_size=32768"))
		return false;
	if (access("/dev/ram0", F_OK))
		mknod("/dev/ram0", S_IFBLK | 0600, makedev(1, 0));
	memcpy((char *)header + sizeof(header) - 10, "SWAPSPACE2", 10);
	fd = open("/dev/ram0", O_WRONLY);
	if (fd < 0 || write(fd, header, sizeof(header)) != sizeof(header))
		die("/dev/ram0");
	fsync(fd);
	close(fd);
	if (swapon("/dev/ram0", 0))
		die("swapon");
	return true;
}

static void make_node(void)
{
	char path[256];
	int minor = -1;
	FILE *f;

	/* Without udev the node is ours to make. */
	f = fopen("/proc/misc", "r");
	while (f && fgets(path, sizeof(path), f))
		if (strstr(path, HARNESS_NODE))
			minor = atoi(path);
	if (f)
		fclose(f);
	if (minor >= 0 && access("/dev/" HARNESS_NODE, F_OK))
		mknod("/dev/" HARNESS_NODE, S_IFCHR | 0600, makedev(10, minor));
}

int main(int argc, char **argv)
{
	static const struct harness_setup ad = { .ad = 1 }, no_ad, pml = { .ad = 1, .pml = 1 };
	int seconds = argc > 1 ? atoi(argv[1]) : 5;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!load_module(argv[0], "mmu-harness.ko", ""))
		die("mmu-harness.ko");
	make_node();
	write_file("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	write_file("/sys/kernel/mm/ksm/run", "1");
	write_file("/sys/kernel/mm/ksm/sleep_millisecs", "10");

	test_slots();
	test_access();
	test_fork();
	test_huge();
	test_giant();
	/* Only now: it would put the pages together again that test_huge() has split. */
	write_file("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs", "10");
	if (swap_on(argv[0]))
		test_swap();
	else
		printf("# not tested: swap-out, because this kernel has no brd.ko\n");
	test_dirty(false, true);
	test_dirty(true, true);
	test_dirty(false, false);
	test_manual(false);
	test_manual(true);
	test_races();
	test_stress("stress: ", &ad, false, seconds);
	test_stress("stress, log: ", &ad, true, seconds);
	test_stress("stress, PML: ", &pml, true, seconds);
	test_stress("stress, no A/D: ", &no_ad, true, seconds);
	return tap_done();
}
