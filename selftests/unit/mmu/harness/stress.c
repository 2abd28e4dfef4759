// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once: guests that write, a kernel that moves their pages, slots that come and go,
 * the dirty log.
 *
 * KVM's ABI, KVM_SET_USER_MEMORY_REGION and KVM_GET_DIRTY_LOG, with the software vCPUs of
 * mmu-harness.ko. Each writer adds to its own word of random pages, and knows what must come out;
 * others make the kernel do all it can to the pages, and take the dirty log meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/kvm.h>
#include <linux/mman.h>

#include "vm.h"

#define STRESS_PAGES	(4 * HUGE / PAGE)
#define STRESS_WRITERS	3

static struct stress {
	int vm;
	bool log, stop;
	__u64 *mem;
	__u64 expect[STRESS_WRITERS][STRESS_PAGES];
	__u64 adds[STRESS_WRITERS], forks, toggles, harvests, slots, copied;
	__u64 *shadow;
	int error;
} st;

static void *writer(void *arg)
{
	unsigned long id = (unsigned long)arg;
	struct harness_access a = {
		.vcpu = id, .op = HARNESS_ADD, .gpa = id * 8, .npages = STRESS_PAGES, .count = 200,
		.value = 1, .seed = id + 1,
	};

	while (!__atomic_load_n(&st.stop, __ATOMIC_RELAXED)) {
		__u64 seed = a.seed;

		if (ioctl(st.vm, HARNESS_ACCESS, &a) || a.result) {
			printf("# vCPU %lu: result %llu, %s\n", id, a.result, strerror(errno));
			st.error = 1;
			break;
		}
		for (__u64 i = 0; i < a.done; i++)
			st.expect[id][harness_next(&seed) % STRESS_PAGES]++;
		st.adds[id] += a.done;
	}
	return NULL;
}

/* The kernel at work on the owner's page tables. */
static void *disturber(void *arg)
{
	char *mem = (char *)st.mem;
	__u64 seed = 99;

	(void)arg;
	while (!__atomic_load_n(&st.stop, __ATOMIC_RELAXED)) {
		unsigned long page = harness_next(&seed) % STRESS_PAGES;
		unsigned long n = 1 + harness_next(&seed) % 64;

		if (page + n > STRESS_PAGES)
			n = STRESS_PAGES - page;
		switch (harness_next(&seed) % 8) {
		case 0: {
			pid_t pid = fork();

			if (!pid)
				_exit(0);
			waitpid(pid, NULL, 0);
			st.forks++;
			break;
		}
		case 1:
			madvise(mem + page * PAGE, n * PAGE, MADV_PAGEOUT);
			break;
		case 2:
			/* Splits large pages, merges them again. */
			madvise(mem + page * PAGE, n * PAGE, MADV_NOHUGEPAGE);
			madvise(mem, 4 * HUGE, MADV_HUGEPAGE);
			break;
		case 3:
			madvise(mem + page / 512 * HUGE, HUGE, 25 /* MADV_COLLAPSE */);
			break;
		case 4:
			madvise(mem + page * PAGE, n * PAGE, MADV_COLD);
			break;
		case 5:
			write_file("/proc/sys/vm/compact_memory", "1");
			break;
		case 6:
			madvise(mem + page * PAGE, n * PAGE, MADV_MERGEABLE);
			madvise(mem + page * PAGE, n * PAGE, MADV_UNMERGEABLE);
			break;
		case 7:
			write_file("/proc/self/clear_refs", "1");
			break;
		}
		st.toggles++;
	}
	return NULL;
}

/* Slots come and go beside the one in use. */
static void *slot_changer(void *arg)
{
	char *mem = map(HUGE, 0);
	struct harness_access a = { .vcpu = 7, .op = HARNESS_ADD, .value = 1 };

	(void)arg;
	while (!__atomic_load_n(&st.stop, __ATOMIC_RELAXED)) {
		__u64 base = (1ULL << 32) + st.slots % 7 * HUGE;

		if (region(st.vm, 9, 0, base, HUGE, mem))
			st.error = 2;
		a.gpa = base + st.slots % 512 * PAGE;
		if (ioctl(st.vm, HARNESS_ACCESS, &a) || a.result)
			st.error = 3;
		if (region(st.vm, 9, 0, base + HUGE, HUGE, mem))
			st.error = 4;
		a.gpa += HUGE;
		if (ioctl(st.vm, HARNESS_ACCESS, &a) || a.result)
			st.error = 5;
		if (region(st.vm, 9, 0, 0, 0, mem))
			st.error = 6;
		/* Memory of a deleted slot is only the owner's: it may go at once. */
		madvise(mem, HUGE, MADV_DONTNEED);
		st.slots++;
	}
	munmap(mem, HUGE);
	return NULL;
}

/* What live migration does: copy the pages of each log. */
static void harvest(void)
{
	static unsigned long log[STRESS_PAGES / 64];

	if (get_log(st.vm, 0, log)) {
		st.error = 7;
		return;
	}
	for (unsigned long i = 0; i < STRESS_PAGES; i++) {
		if (!(log[i / 64] >> (i % 64) & 1))
			continue;
		memcpy(st.shadow + i * 512, (void *)(st.mem + i * 512), PAGE);
		st.copied++;
	}
	st.harvests++;
}

static void *harvester(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&st.stop, __ATOMIC_RELAXED))
		harvest();
	return NULL;
}

static void *log_toggler(void *arg)
{
	unsigned int flags = 0;

	(void)arg;
	while (!__atomic_load_n(&st.stop, __ATOMIC_RELAXED)) {
		flags ^= KVM_MEM_LOG_DIRTY_PAGES;
		if (region(st.vm, 0, flags, 0, 4 * HUGE, (void *)st.mem))
			st.error = 8;
		usleep(3000);
	}
	return NULL;
}

void test_stress(const char *name, const struct harness_setup *setup, bool log, int seconds)
{
	pthread_t thread[8];
	struct harness_stats stats;
	unsigned long i, bad = 0, stale = 0;
	int n = 0;

	memset(&st, 0, sizeof(st));
	mode_name = name;
	st.vm = vm_open(setup);
	st.log = log;
	st.mem = map_aligned(4 * HUGE, MADV_HUGEPAGE);
	st.shadow = map(4 * HUGE, 0);
	memset((void *)st.mem, 0, 4 * HUGE);
	if (region(st.vm, 0, log ? KVM_MEM_LOG_DIRTY_PAGES : 0, 0, 4 * HUGE, (void *)st.mem))
		die("region");

	for (i = 0; i < STRESS_WRITERS; i++)
		pthread_create(&thread[n++], NULL, writer, (void *)i);
	pthread_create(&thread[n++], NULL, disturber, NULL);
	pthread_create(&thread[n++], NULL, slot_changer, NULL);
	pthread_create(&thread[n++], NULL, log ? harvester : log_toggler, NULL);
	sleep(seconds);
	__atomic_store_n(&st.stop, true, __ATOMIC_RELAXED);
	while (n)
		pthread_join(thread[--n], NULL);

	check(!st.error, "no call failed (%d)", st.error);
	for (i = 0; i < STRESS_PAGES; i++)
		for (n = 0; n < STRESS_WRITERS; n++)
			bad += st.mem[i * 512 + n] != st.expect[n][i];
	check(!bad, "every write of the guest is in the owner's memory (%lu are not)", bad);
	if (log) {
		harvest();
		for (i = 0; i < STRESS_PAGES; i++)
			stale += !!memcmp((void *)(st.mem + i * 512), st.shadow + i * 512, PAGE);
		check(!stale, "the dirty log missed no page (%lu)", stale);
	}
	if (ioctl(st.vm, HARNESS_STATS, &stats))
		die("HARNESS_STATS");
	printf("# %llu writes, %llu faults, %llu flushes, %llu tables\n",
	       st.adds[0] + st.adds[1] + st.adds[2], stats.faults, stats.flushes, stats.tables);
	printf("# %llu disturbances, %llu forks, %llu slots, %llu logs, %llu pages copied\n",
	       st.toggles, st.forks, st.slots, st.harvests, st.copied);
	close(st.vm);
	munmap((void *)st.mem, 4 * HUGE);
	munmap(st.shadow, 4 * HUGE);
	mode_name = "";
}
