// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulated memory: see memory.h. Also the second half of iommu/hw/shim.h but its registers.
 *
 * VT-d specification, "Software Considerations: Caching". Behind each allocation lies a page that
 * is never allocated, and everything that is not allocated is poisoned for ASan.
 */
#define _GNU_SOURCE
#include <sanitizer/asan_interface.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "iommu/hw/shim.h"
#include "memory.h"

#define PAGE	4096UL
#define LINE	64
#define BYTES	(MEM_PAGES * PAGE)
#define POISON	0xdb

struct memory memory = { .fail_in = -1 };
unsigned int violations;
char first_violation[256];

/* What the driver sees, and what the hardware reads where that is not the same. */
static uint8_t *cpu, *ram;
static uint8_t orders[MEM_PAGES];	/* order + 1 at the first page of an allocation */
static bool used[MEM_PAGES];
/* MEM_CACHED: a bit for each line that did not reach the ram. */
static uint64_t dirty[MEM_PAGES];
/* MEM_BUFFERED: pieces on the way to the ram, the oldest first, each as large as a store can be. */
static struct {
	size_t at;
	uint8_t bytes[16];
} buffer[64];
static unsigned int buffered;
static unsigned int cursor;
static uint64_t state;
static uintptr_t pending;
static bool observing;

void violation(const char *format, ...)
{
	va_list args;

	if (violations++)
		return;
	va_start(args, format);
	vsnprintf(first_violation, sizeof(first_violation), format, args);
	va_end(args);
}

/* xorshift64*: the same sequence everywhere. */
uint64_t mem_random(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dUL >> 8;
}

/* Empty memory; violations are forgotten. */
void mem_reset(enum mem_kind kind, uint64_t seed)
{
	unsigned int page;

	if (!cpu) {
		cpu = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ram = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASAN_POISON_MEMORY_REGION(cpu, BYTES);
	}
	for (page = 0; page < MEM_PAGES; page++)
		if (used[page])
			ASAN_POISON_MEMORY_REGION(cpu + page * PAGE, PAGE);
	memset(used, 0, sizeof(used));
	memset(dirty, 0, sizeof(dirty));
	memory = (struct memory){ .kind = kind, .fail_in = -1 };
	cursor = 0;
	pending = 0;
	buffered = 0;
	state = seed * 2 + 1;
	violations = 0;
	first_violation[0] = '\0';
}

static void clean_line(unsigned int page, unsigned int line)
{
	size_t at = page * PAGE + line * LINE;

	if (dirty[page] >> line & 1 && used[page])
		memcpy(ram + at, cpu + at, LINE);
	dirty[page] &= ~(1UL << line);
}

/* The oldest pieces reach the ram; write buffers keep the order. */
static void drain(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		memcpy(ram + buffer[i].at, buffer[i].bytes, sizeof(buffer[i].bytes));
	buffered -= count;
	memmove(buffer, buffer + count, buffered * sizeof(buffer[0]));
}

/* Write buffers are emptied into memory. */
void mem_drain(void)
{
	mem_settle();
	drain(buffered);
}

/* Let the hardware look. */
void mem_observe(void)
{
	if (!memory.observe || observing)
		return;
	observing = true;
	memory.observe();
	observing = false;
}

/* The last store that was announced has happened. */
void mem_settle(void)
{
	size_t at = pending - (uintptr_t)cpu;
	unsigned int page = at / PAGE, line = at % PAGE / LINE;

	if (!pending)
		return;
	pending = 0;
	memory.stores++;
	if (memory.kind == MEM_CACHED) {
		dirty[page] |= 1UL << line;
		if (mem_random() % 4 == 0)
			clean_line(page, line);
	} else if (memory.kind == MEM_BUFFERED) {
		if (buffered == ARRAY_SIZE(buffer))
			drain(1);
		at -= at % sizeof(buffer[0].bytes);
		buffer[buffered].at = at;
		memcpy(buffer[buffered++].bytes, cpu + at, sizeof(buffer[0].bytes));
		drain(mem_random() % 4 ? 0 : mem_random() % (buffered + 1));
	}
	mem_observe();
}

static void announce(const void *p)
{
	if ((uintptr_t)p - (uintptr_t)cpu >= BYTES)
		return;
	mem_settle();
	pending = (uintptr_t)p;
}

/* The compiler calls these before each store of the driver's code. */
void __sanitizer_cov_store1(void *p);
void __sanitizer_cov_store2(void *p);
void __sanitizer_cov_store4(void *p);
void __sanitizer_cov_store8(void *p);
void __sanitizer_cov_store16(void *p);

void __sanitizer_cov_store1(void *p) { announce(p); }
void __sanitizer_cov_store2(void *p) { announce(p); }
void __sanitizer_cov_store4(void *p) { announce(p); }
void __sanitizer_cov_store8(void *p) { announce(p); }
void __sanitizer_cov_store16(void *p) { announce(p); }

/* Memory at a physical address as a processor sees it, or NULL; a freed page is a violation. */
void *mem_at(uint64_t address, size_t bytes)
{
	size_t at = address - MEM_BASE;

	if (address < MEM_BASE || at >= BYTES || at % PAGE + bytes > PAGE)
		return NULL;
	if (used[at / PAGE])
		return cpu + at;
	violation("the hardware uses %#lx, which is not allocated", address);
	return NULL;
}

/* What the hardware reads at a physical address. */
bool mem_read(uint64_t address, uint64_t *value)
{
	uint8_t *p = mem_at(address, sizeof(*value));

	if (p)
		memcpy(value, memory.kind == MEM_COHERENT ? p : ram + (p - cpu), sizeof(*value));
	return p;
}

/* The hardware's own writes are coherent. */
bool mem_write32(uint64_t address, uint32_t value)
{
	uint8_t *p = mem_at(address, sizeof(value));

	if (p) {
		memcpy(p, &value, sizeof(value));
		memcpy(ram + (p - cpu), &value, sizeof(value));
	}
	return p;
}

/* So are bits that they set in a word. */
void mem_set64(uint64_t address, uint64_t bits)
{
	uint8_t *p = mem_at(address, sizeof(bits));
	uint64_t value;

	if (!p || !mem_read(address, &value))
		return;
	value |= bits;
	memcpy(p, &value, sizeof(value));
	memcpy(ram + (p - cpu), &value, sizeof(value));
}

/* Free, with a page before and one behind. */
static bool is_free(unsigned int first, unsigned int count)
{
	unsigned int i;

	for (i = first ? first - 1 : 0; i <= first + count; i++)
		if (used[i])
			return false;
	return true;
}

void *shim_alloc(unsigned int order, gfp_t gfp)
{
	unsigned int count = 1U << order, first = 0, tries, i;

	(void)gfp;
	mem_settle();
	if (memory.fail_in >= 0 && memory.fail_in-- == 0)
		return NULL;
	for (tries = 0; tries < 2 * MEM_PAGES; tries++) {
		first = (cursor + count - 1) & ~(count - 1);
		if (first + count < MEM_PAGES && is_free(first, count))
			break;
		cursor = first + count < MEM_PAGES ? first + 1 : 0;
	}
	if (tries == 2 * MEM_PAGES)
		return NULL;
	/* A page of zeroes pushes everything else out of the buffers. */
	drain(buffered);
	cursor = first + count + 1;
	orders[first] = order + 1;
	ASAN_UNPOISON_MEMORY_REGION(cpu + first * PAGE, count * PAGE);
	memset(cpu + first * PAGE, 0, count * PAGE);
	for (i = first; i < first + count; i++) {
		used[i] = true;
		memset(ram + i * PAGE, memory.kind == MEM_CACHED ? POISON : 0, PAGE);
		if (memory.kind != MEM_CACHED)
			continue;
		/* The zeroes are stores like others, of which some arrived. */
		dirty[i] = ~0UL;
		clean_line(i, mem_random() % (PAGE / LINE));
	}
	memory.in_use += count;
	return cpu + first * PAGE;
}

void shim_free(void *p, unsigned int order)
{
	unsigned int first = ((uint8_t *)p - cpu) / PAGE, i;

	mem_settle();
	drain(buffered);
	if (!p)
		return;
	if ((uint8_t *)p < cpu || first >= MEM_PAGES || (uintptr_t)p % PAGE || !used[first] ||
	    orders[first] != order + 1) {
		violation("%p, order %u, is freed and was not allocated", p, order);
		return;
	}
	for (i = first; i < first + (1U << order); i++) {
		if (memory.freed)
			memory.freed(MEM_BASE + i * PAGE);
		memset(cpu + i * PAGE, POISON, PAGE);
		used[i] = false;
		dirty[i] = 0;
	}
	orders[first] = 0;
	ASAN_POISON_MEMORY_REGION(p, PAGE << order);
	memory.in_use -= 1U << order;
}

/* A row of up to eight pages, each of which is an allocation of its own from then on. */
void *shim_alloc_tables(gfp_t gfp, unsigned int *count)
{
	unsigned int order = mem_random() % 4, i;
	uint8_t *p = shim_alloc(order, gfp);

	*count = 1U << order;
	for (i = 0; p && i < *count; i++)
		orders[(p - cpu) / PAGE + i] = 1;
	return p;
}

void shim_free_table(void *table)
{
	shim_free(table, 0);
}

u64 shim_phys(const void *p)
{
	return (const uint8_t *)p - cpu + MEM_BASE;
}

/* An address that is none gives one that ASan stops at. */
void *shim_virt(u64 phys)
{
	return phys - MEM_BASE < BYTES ? cpu + (phys - MEM_BASE) : cpu + BYTES - PAGE;
}

void shim_flush(const void *p, size_t bytes)
{
	size_t at = (const uint8_t *)p - cpu, last = at + bytes - 1;

	mem_settle();
	for (at -= at % LINE; memory.kind == MEM_CACHED && bytes && at <= last; at += LINE)
		clean_line(at / PAGE, at % PAGE / LINE);
	mem_observe();
}

void shim_store64(u64 *to, u64 value)
{
	announce(to);
	__atomic_store_n(to, value, __ATOMIC_RELAXED);
}

bool shim_replace64(u64 *to, u64 old, u64 new)
{
	bool done;

	mem_settle();
	memory.racing = true;
	mem_observe();
	announce(to);
	done = __sync_bool_compare_and_swap(to, old, new);
	mem_settle();
	memory.racing = false;
	return done;
}

/* Some processors cannot. */
bool shim_store128(u64 *to, const u64 *old, const u64 *new)
{
	if (!memory.store128 || to[0] != old[0] || to[1] != old[1])
		return false;
	announce(to);
	memcpy(to, new, 16);
	return true;
}
