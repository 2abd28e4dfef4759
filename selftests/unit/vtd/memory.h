/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Simulated memory between the driver (iommu/hw) and the model of the remapping hardware.
 *
 * VT-d specification, "Software Considerations: Caching" and "Write Buffer Flushing". The driver
 * stores into it as into any memory; the compiler announces each of its stores
 * (-fsanitize-coverage=trace-stores), so that the hardware can look between any two of them. A
 * store may stay in a processor's cache (ECAP.C = 0) or in a write buffer (CAP.RWBF = 1) for as
 * long as it is not flushed, and may leave it at any time. Freed pages are poisoned for both sides.
 */
#ifndef MINIKVM_TEST_VTD_MEMORY_H
#define MINIKVM_TEST_VTD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Physical addresses are not virtual ones, so that a mix-up is found. */
#define MEM_BASE	0x340000000UL
#define MEM_PAGES	6144

/** enum mem_kind - when a store of the driver reaches what the hardware reads */
enum mem_kind {
	MEM_COHERENT,		/* at once */
	MEM_CACHED,		/* after shim_flush(), or any time before */
	MEM_BUFFERED,		/* after mem_drain(), or any time before, in order */
};

/**
 * struct memory - the state that tests look at
 * @kind: see there
 * @observe: called after each store of the driver, and before each access to a register
 * @freed: called for each page that the driver frees
 * @racing: a compare-and-exchange is about to happen, or has just happened
 * @store128: the processor has stores of 16 bytes
 * @fail_in: this many allocations succeed, then one fails; negative: none fails
 * @in_use: allocated pages
 * @stores: stores of the driver so far
 */
struct memory {
	enum mem_kind kind;
	void (*observe)(void);
	void (*freed)(uint64_t page);
	bool racing;
	bool store128;
	long fail_in;
	unsigned int in_use;
	unsigned long stores;
};

extern struct memory memory;

void mem_reset(enum mem_kind kind, uint64_t seed);
void mem_settle(void);
void mem_observe(void);
void mem_drain(void);
void *mem_at(uint64_t address, size_t bytes);
bool mem_read(uint64_t address, uint64_t *value);
bool mem_write32(uint64_t address, uint32_t value);
void mem_set64(uint64_t address, uint64_t bits);
uint64_t mem_random(void);

/* Something that must never happen: remembered, the first one in words. */
void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern unsigned int violations;
extern char first_violation[256];

#endif
