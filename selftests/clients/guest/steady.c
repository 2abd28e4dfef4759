// SPDX-License-Identifier: GPL-2.0-only
/*
 * steady.c - the guest's side of save, restore and live migration: work that notices a loss.
 *
 * One thread per processor rewrites pages of its own in random order, each with words that only the
 * page's number and its generation can explain, and checks what it overwrites: a page that arrives
 * older or newer than the table of generations is seen. Another does the same to blocks of a disk.
 * All of them read the clock, which may never be behind what any of them has read before, and the
 * TSC, which may never be behind what the same processor has shown. "stop" on standard input ends
 * it: everything is checked once more, and one line says the outcome. Relies on nothing but Linux.
 *
 * usage: steady PAGES [DISK]		PAGES per thread
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE_SIZE	4096
#define WORDS		(PAGE_SIZE / sizeof(uint64_t))
#define BLOCKS		256
#define MAX_THREADS	64

struct worker {
	pthread_t thread;
	uint64_t seed;
	uint64_t *pages;
	uint32_t *generation;
	uint32_t count;
	uint64_t done;
	int cpu;		/* -1 = any */
	int disk;		/* -1 = the pages are memory */
};

static struct worker workers[MAX_THREADS];
static atomic_bool stopping;
static atomic_uint failures;
static _Atomic uint64_t latest;
static _Atomic uint64_t longest_gap;

static void complain(const char *what, uint64_t a, uint64_t b, uint64_t c)
{
	/* One broken page would fill the serial port for minutes. */
	if (atomic_fetch_add(&failures, 1) < 20)
		printf("steady: WRONG: %s: %#llx %#llx %#llx\n", what, (unsigned long long)a,
		       (unsigned long long)b, (unsigned long long)c);
}

/* The word that belongs at @index of page @page of the worker with @seed. */
static uint64_t word(uint64_t seed, uint32_t page, uint32_t generation, uint32_t index)
{
	return (seed << 56 | (uint64_t)page << 32 | generation) * 0x9e3779b97f4a7c15ull + index;
}

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Reads the clock: it must not be behind anything that was read before this began. */
static void check_clock(void)
{
	uint64_t before = atomic_load(&latest), now = nanoseconds(), gap;

	if (now < before)
		complain("the clock ran backwards (ns)", before, now, before - now);
	gap = now > before ? now - before : 0;
	while (now > before && !atomic_compare_exchange_weak(&latest, &before, now))
		;
	before = atomic_load(&longest_gap);
	while (gap > before &&
	       !atomic_compare_exchange_weak(&longest_gap, &before, gap))
		;
}

static void check_page(struct worker *w, uint32_t page, const uint64_t *content)
{
	uint32_t i;

	for (i = 0; i < WORDS; i++)
		if (content[i] != word(w->seed, page, w->generation[page], i)) {
			complain(w->disk < 0 ? "memory (page, word, content)" :
				 "disk (block, word, content)", page, i, content[i]);
			return;
		}
}

static void fill_page(struct worker *w, uint32_t page, uint64_t *content)
{
	uint32_t i;

	for (i = 0; i < WORDS; i++)
		content[i] = word(w->seed, page, w->generation[page], i);
}

static uint64_t *load_page(struct worker *w, uint32_t page)
{
	if (w->disk < 0)
		return w->pages + page * WORDS;
	if (pread(w->disk, w->pages, PAGE_SIZE, (off_t)page * PAGE_SIZE) != PAGE_SIZE)
		complain("reading the disk (block, errno)", page, errno, 0);
	return w->pages;
}

static void store_page(struct worker *w, uint32_t page)
{
	if (w->disk >= 0 &&
	    pwrite(w->disk, w->pages, PAGE_SIZE, (off_t)page * PAGE_SIZE) != PAGE_SIZE)
		complain("writing the disk (block, errno)", page, errno, 0);
}

static void *work(void *argument)
{
	const struct timespec breath = { .tv_nsec = 10 * 1000 * 1000 };
	struct worker *w = argument;
	uint64_t random = w->seed * 0x2545f4914f6cdd1dull + 1, tsc, last_tsc = 0, *content;
	uint32_t page;
	cpu_set_t set;

	if (w->cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(w->cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	for (page = 0; page < w->count; page++) {
		content = w->disk < 0 ? load_page(w, page) : w->pages;
		fill_page(w, page, content);
		store_page(w, page);
	}
	while (!atomic_load(&stopping)) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		page = random % w->count;
		content = load_page(w, page);
		check_page(w, page, content);
		w->generation[page]++;
		fill_page(w, page, content);
		store_page(w, page);
		w->done++;
		check_clock();
		tsc = __builtin_ia32_rdtsc();
		if (w->cpu >= 0 && tsc < last_tsc)
			complain("the TSC ran backwards (processor, then, now)", w->cpu, last_tsc,
				 tsc);
		last_tsc = tsc;
		/* Leaves a host with one processor time to send what was written. */
		if (w->disk >= 0 || w->done % 16 == 0)
			nanosleep(&breath, NULL);
	}
	for (page = 0; page < w->count; page++)
		check_page(w, page, load_page(w, page));
	return NULL;
}

static int start(struct worker *w, uint64_t seed, int cpu, int disk, uint32_t count)
{
	w->seed = seed;
	w->cpu = cpu;
	w->disk = disk;
	w->count = count;
	w->pages = aligned_alloc(PAGE_SIZE, disk < 0 ? (size_t)count * PAGE_SIZE : PAGE_SIZE);
	w->generation = calloc(count, sizeof(*w->generation));
	if (!w->pages || !w->generation)
		return -1;
	return pthread_create(&w->thread, NULL, work, w);
}

/* Sleeps as long as a timer of the guest's says; a lost timer interrupt shows as silence. */
static void *beat(void *argument)
{
	const struct timespec pause = { .tv_nsec = 200 * 1000 * 1000 };
	unsigned int i;

	for (i = 1; !atomic_load(&stopping); i++) {
		uint64_t begin = nanoseconds();

		nanosleep(&pause, NULL);
		if (nanoseconds() - begin < 200 * 1000 * 1000)
			complain("a sleep was too short (ns)", nanoseconds() - begin, 0, 0);
		check_clock();
		printf("steady: beat %u%s\n", i, atomic_load(&failures) ? " after failures" : "");
	}
	return argument;
}

int main(int argc, char **argv)
{
	int threads = sysconf(_SC_NPROCESSORS_ONLN), disk = -1, i, n = 0;
	uint64_t memory = 0, blocks = 0;
	pthread_t beats;
	char line[80];

	setvbuf(stdout, NULL, _IOLBF, 0);
	atomic_store(&latest, nanoseconds());
	if (argc < 2 || threads > MAX_THREADS - 1)
		return 2;
	for (i = 0; i < threads; i++)
		if (start(&workers[n++], i + 1, i, -1, atoi(argv[1])))
			return 2;
	if (argc > 2) {
		disk = open(argv[2], O_RDWR | O_DIRECT);
		if (disk < 0 || start(&workers[n++], threads + 1, -1, disk, BLOCKS)) {
			printf("steady: WRONG: the disk %s: %s\n", argv[2], strerror(errno));
			return 2;
		}
	}
	printf("steady: working on %d processors%s\n", threads, disk < 0 ? "" : " and a disk");
	if (pthread_create(&beats, NULL, beat, NULL))
		return 2;
	while (fgets(line, sizeof(line), stdin) && strncmp(line, "stop", 4))
		;
	atomic_store(&stopping, true);
	for (i = 0; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		*(workers[i].disk < 0 ? &memory : &blocks) += workers[i].done;
	}
	pthread_join(beats, NULL);
	printf("steady: %s, %llu pages and %llu blocks rewritten, longest gap %llu ms\n",
	       atomic_load(&failures) ? "FAILED" : "nothing lost", (unsigned long long)memory,
	       (unsigned long long)blocks,
	       (unsigned long long)atomic_load(&longest_gap) / 1000000);
	return atomic_load(&failures) ? 1 : 0;
}
