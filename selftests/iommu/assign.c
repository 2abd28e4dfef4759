// SPDX-License-Identifier: GPL-2.0-only
/*
 * Assigning an edu device through vfio-pci on minikvm's IOMMU driver, without a guest. TAP.
 *
 * Needs a lab host with VT-d, minikvm.ko driving it and vfio-pci bound to the device named by the
 * only argument. What must be blocked is looked for in memory (a canary page) and in the kernel
 * log. VT-d specification, "DMA Remapping", "Fault Logging".
 */
#include "kernel_log.h"
#include "vfio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE	4096
#define HUGE	(2u << 20)
#define IOVA	0x100000
#define CANARY	0xa5
/* The device holds a page, but has an off-by-one that ends the emulator for all of it. */
#define CHUNK	2048
/* So much after its start the device does its DMA, by the emulator's clock, which is this one. */
#define DMA_DELAY_MS	100
#define ATTEMPTS	20

static const char *address;
static int number, failures;

static void result(bool good, const char *name)
{
	printf("%sok %d %s\n", good ? "" : "not ", ++number, name);
	fflush(stdout);
	failures += !good;
}

static bool all(const uint8_t *p, uint8_t value, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (p[i] != value) {
			printf("# byte %zu is %#x, not %#x\n", i, p[i], value);
			return false;
		}
	return true;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* On a busy machine the DMA may come before the device is taken away: that shows nothing. */
static bool in_time(long long started)
{
	long long took = now_ms() - started;

	if (took < DMA_DELAY_MS)
		return true;
	printf("# once more: %lld ms after its start the DMA was still allowed\n", took);
	return false;
}

static uint8_t *pages(size_t size, uint8_t value)
{
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED) {
		perror("# mmap");
		exit(1);
	}
	memset(p, value, size);
	return p;
}

static void dma_both_ways(struct vfio *v, uint8_t *m)
{
	unsigned int i;

	memset(m + PAGE, 0, PAGE);
	for (i = 0; i < CHUNK; i++)
		m[i] = i * 7 + number;
	edu_from_memory(v, IOVA, CHUNK);
	edu_to_memory(v, IOVA + PAGE, CHUNK);
	result(!memcmp(m, m + PAGE, CHUNK), "dma_both_ways");
}

static void dma_outside(struct vfio *v, uint8_t *m)
{
	uint8_t *canary = pages(PAGE, CANARY);

	log_forget();
	edu_to_memory(v, IOVA + 16 * PAGE, 64);
	result(log_has("write to 0x110000 blocked", address, "vfio-pci"),
	       "write_outside_the_map_is_reported");
	log_forget();
	edu_from_memory(v, IOVA + 17 * PAGE, 64);
	result(log_has("read from 0x111000 blocked", address, "level 1: 0x0, not present"),
	       "read_outside_the_map_is_reported_with_its_walk");
	result(all(canary, CANARY, PAGE), "canary_is_untouched");
	munmap(canary, PAGE);
	/* A fault does not stop the device. */
	dma_both_ways(v, m);
}

static void unmap_then_dma(struct vfio *v)
{
	uint8_t *m = pages(PAGE, CANARY);
	bool mapped = !vfio_map(v, m, IOVA + 32 * PAGE, PAGE);

	/* Fill the unit's caches first. */
	edu_from_memory(v, IOVA + 32 * PAGE, 64);
	result(mapped && vfio_unmap(v, IOVA + 32 * PAGE, PAGE) == PAGE, "unmap");
	memset(m, CANARY, PAGE);
	edu_from_memory(v, IOVA, 64);
	log_forget();
	edu_to_memory(v, IOVA + 32 * PAGE, 64);
	result(all(m, CANARY, PAGE) && log_has("write to 0x120000 blocked", address, "vfio-pci"),
	       "dma_after_unmap_is_blocked");
	munmap(m, PAGE);
}

/* Taken away between the device's start and its access, as when a memory slot is removed. */
static void unmap_in_flight(struct vfio *v)
{
	uint8_t *m = pages(PAGE, CANARY);
	bool good = !vfio_map(v, m, IOVA + 48 * PAGE, PAGE);

	edu_from_memory(v, IOVA, 64);
	log_forget();
	edu_start_to_memory(v, IOVA + 48 * PAGE, 64);
	good = good && vfio_unmap(v, IOVA + 48 * PAGE, PAGE) == PAGE;
	usleep(300000);
	result(good && all(m, CANARY, PAGE) && log_has("write to 0x130000 blocked", address, ""),
	       "dma_in_flight_at_unmap_is_blocked");
	munmap(m, PAGE);
}

static void errors(struct vfio *v, uint8_t *m)
{
	result(vfio_map(v, m, IOVA, PAGE) == -EEXIST, "double_map_is_refused");
	result(vfio_unmap(v, 0x4000000, PAGE) <= 0, "unmap_of_nothing_unmaps_nothing");
	result(vfio_map(v, m, 1ull << 62, PAGE) < 0, "oversized_iova_is_refused");
	result(vfio_map(v, m, 0xfee00000, PAGE) < 0, "interrupt_window_is_refused");
}

/* A large page, taken away, then small pages in its place and the other way round. */
static void large_pages(struct vfio *v)
{
	uint8_t *m = pages(2 * HUGE, 0), *aligned;
	bool good = true;
	int round;

	madvise(m, 2 * HUGE, MADV_HUGEPAGE);
	aligned = (uint8_t *)(((uintptr_t)m + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	for (round = 0; round < 3; round++) {
		size_t size = round == 1 ? PAGE : HUGE;

		good &= !vfio_map(v, aligned, 2 * HUGE, size);
		edu_from_memory(v, IOVA, 64);
		memset(aligned, 0, PAGE);
		edu_to_memory(v, 2 * HUGE + size - 64, 64);
		good &= aligned[size - 64] != 0 || aligned[size - 1] != 0;
		good &= vfio_unmap(v, 2 * HUGE, size) == (long)size;
		aligned[size - 64] = 0;
	}
	result(good, "large_and_small_pages_in_turn");
	munmap(m, 2 * HUGE);
}

static void msi(struct vfio *v)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t count = 0;
	int ret = vfio_set_msi(v, &fd, 1);

	edu_raise(v, 1);
	result(!ret && poll(&p, 1, 20000) == 1 && read(fd, &count, 8) == 8 && count == 1,
	       "msi_arrives");
	close(fd);
}

/* Give the device back with DMA in flight. Returns whether that was done in time. */
static bool unplug_once(uint8_t *m, bool *good)
{
	long long started = 0;
	struct vfio v;

	memset(m, CANARY, PAGE);
	*good = vfio_open(&v, address) && !vfio_map(&v, m, IOVA, PAGE);
	if (*good) {
		/* It can reach the page, and does so for the last time. */
		edu_from_memory(&v, IOVA, 64);
		memset(m, 0, PAGE);
		edu_to_memory(&v, IOVA, 64);
		*good = all(m, CANARY, 64);
		memset(m, 0, PAGE);
		started = now_ms();
		edu_start_to_memory(&v, IOVA, CHUNK);
	}
	vfio_close(&v);
	return !*good || in_time(started);
}

/* The device is given back with DMA in flight, while the memory that it aims at stays mapped. */
static void unplug_in_flight(void)
{
	uint8_t *m = pages(PAGE, CANARY);
	bool good, decided = false;
	int i;

	for (i = 0; i < ATTEMPTS && !decided; i++) {
		decided = unplug_once(m, &good);
		usleep(300000);
	}
	result(decided && good && all(m, 0, PAGE), "nothing_arrives_after_unplug");
	munmap(m, PAGE);
}

/* Kill the owner with DMA in flight. Returns whether that was done in time. */
static bool kill_once(uint8_t *m, int *status)
{
	long long started = 0;
	int ready[2];
	pid_t pid;

	if (pipe(ready))
		exit(1);
	memset(m, CANARY, PAGE);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct vfio v;

		if (vfio_open(&v, address) && !vfio_map(&v, m, IOVA, PAGE)) {
			started = now_ms();
			edu_start_to_memory(&v, IOVA, CHUNK);
			if (write(ready[1], &started, sizeof(started)) == sizeof(started))
				pause();
		}
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &started, sizeof(started)) != sizeof(started))
		printf("# the child could not start\n");
	kill(pid, SIGKILL);
	waitpid(pid, status, 0);
	close(ready[0]);
	return !WIFSIGNALED(*status) || in_time(started);
}

/* The owner dies with DMA in flight; memory that others share stays as it is. */
static void kill_in_flight(void)
{
	uint8_t *m = pages(PAGE, CANARY);
	bool decided = false;
	int status, i;

	for (i = 0; i < ATTEMPTS && !decided; i++) {
		decided = kill_once(m, &status);
		usleep(300000);
	}
	result(decided && WIFSIGNALED(status) && all(m, CANARY, PAGE), "nothing_arrives_after_kill");
	munmap(m, PAGE);
}

static long free_kilobytes(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long free = 0;

	while (file && !free && fgets(line, sizeof(line), file))
		sscanf(line, "MemFree: %ld kB", &free);
	if (file)
		fclose(file);
	return free;
}

/* A page in each of 256 tables, 1 MiB of them, for 24 owners, one after the other. */
static void tables_come_back(void)
{
	uint8_t *m = pages(PAGE, 0);
	bool good = true;
	long before = 0, after;
	unsigned int i, n;
	struct vfio v;

	for (i = 0; i < 25 && good; i++) {
		good = vfio_open(&v, address);
		for (n = 1; n <= 256 && good; n++)
			good = !vfio_map(&v, m, (uint64_t)n * HUGE, PAGE);
		vfio_close(&v);
		/* What the first one leaves behind is not the tables'. */
		if (!i)
			before = free_kilobytes();
	}
	after = free_kilobytes();
	printf("# %ld KiB were free, %ld are\n", before, after);
	result(good && before - after < 6 * 1024, "tables_come_back");
	munmap(m, PAGE);
}

static void double_open(void)
{
	struct vfio second;

	printf("# a second owner:\n");
	result(!vfio_open(&second, address), "double_attach_is_refused");
	vfio_close(&second);
}

int main(int argc, char **argv)
{
	struct vfio v;
	uint8_t *m;

	if (argc != 2)
		return 2;
	address = argv[1];
	if (!log_open() || !vfio_open(&v, address)) {
		result(false, "open");
		return 1;
	}
	m = pages(16 * PAGE, 0);
	result(!vfio_map(&v, m, IOVA, 16 * PAGE), "map");
	dma_both_ways(&v, m);
	dma_outside(&v, m);
	unmap_then_dma(&v);
	unmap_in_flight(&v);
	errors(&v, m);
	large_pages(&v);
	msi(&v);
	double_open();
	/* rmmod is tried by the script around us while this waits. */
	result(!system("rmmod minikvm 2>/dev/null") ? false : true, "rmmod_is_refused_while_assigned");
	vfio_close(&v);
	tables_come_back();
	unplug_in_flight();
	kill_in_flight();
	return failures != 0;
}
