// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of iommu/hw/irte.c: entries, blocks, and what the unit sees in between. TAP.
 *
 * VT-d specification, "Interrupt-Remapping Table Entry", "Interrupt Entry Cache Invalidate
 * Descriptor". The unit played here looks at the table after every single store, and remembers
 * every entry that it saw present until it is told to forget it. No QEMU posts interrupts or
 * checks compatibility format; here both are.
 */
#include <stdio.h>
#include <stdlib.h>

#include "iommu/hw/irte.h"
#include "tap.h"

#define ENTRIES	65536
#define WINDOW	512
#define A	0x1111u
#define B	0x2222u

static u64 registers[512];
static struct remap_unit unit;
/* Of the first entries: what the unit holds in its cache, and the two values that it may meet. */
static struct entry128 cache[WINDOW], before[WINDOW], after[WINDOW];
static unsigned int torn, flushes;
static bool processor_has_128 = true, answers = true;

static bool same(struct entry128 a, struct entry128 b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

/* An interrupt arrives for every entry, just now. */
static void look(void)
{
	unsigned int i;

	for (i = 0; unit.irt && i < WINDOW; i++) {
		struct entry128 now = unit.irt[i];

		if (!(now.lo & IRTE_PRESENT))
			continue;
		torn += !same(now, before[i]) && !same(now, after[i]);
		if (!(cache[i].lo & IRTE_PRESENT))
			cache[i] = now;
	}
}

void shim_store64(u64 *to, u64 value)
{
	*to = value;
	look();
}

bool shim_replace64(u64 *to, u64 old, u64 new)
{
	abort();
}

bool shim_store128(u64 *to, const u64 *old, const u64 *new)
{
	if (!processor_has_128 || to[0] != old[0] || to[1] != old[1])
		return false;
	to[0] = new[0];
	to[1] = new[1];
	look();
	return true;
}

static void forget(unsigned int first, unsigned int count)
{
	unsigned int i;

	for (i = first; i < first + count && i < WINDOW; i++)
		cache[i] = (struct entry128){ 0 };
}

/* The queue up to its new tail: entry cache and wait. */
static void run_queue(u64 tail)
{
	u64 head = registers[DMAR_IQH / 8];

	for (; head != tail && answers; head = (head + 16) % 4096) {
		struct entry128 *d = &unit.queue[head / 16];

		switch (d->lo & 0xf) {
		case QI_IEC:
			flushes++;
			if (d->lo & QI_IEC_INDEX)
				forget(d->lo >> 32 & 0xffff, 1u << (d->lo >> 27 & 0x1f));
			else
				forget(0, ENTRIES);
			break;
		case QI_WAIT:
			*unit.status = d->lo >> 32;
			break;
		}
	}
	registers[DMAR_IQH / 8] = head;
	look();
}

u64 shim_read64(void *regs, u32 reg)
{
	return registers[reg / 8];
}

u32 shim_read32(void *regs, u32 reg)
{
	return registers[reg / 8] >> (reg % 8 * 8);
}

void shim_write64(void *regs, u32 reg, u64 value)
{
	registers[reg / 8] = value;
	if (reg == DMAR_IQT)
		run_queue(value);
}

void shim_write32(void *regs, u32 reg, u32 value)
{
	u64 *r = &registers[reg / 8];

	if (reg == DMAR_GCMD)	/* what is commanded is at once so, in Global Status beside it */
		*r = (*r & 0xffffffff) | (u64)value << 32;
	else
		*r = reg % 8 ? (*r & 0xffffffff) | (u64)value << 32 : (*r >> 32 << 32) | value;
}

void shim_delay(void)
{
}

void shim_pause(struct shim_lock *lock)
{
}

void *shim_alloc(unsigned int order, gfp_t gfp)
{
	void *p = aligned_alloc(4096, 4096UL << order);

	return memset(p, 0, 4096UL << order);
}

void shim_free(void *p, unsigned int order)
{
	free(p);
}

static void blocks(void)
{
	unsigned int i, used = 0;
	bool good = true;
	int one = irte_alloc(&unit, 1), eight = irte_alloc(&unit, 8), two = irte_alloc(&unit, 2);

	tap_ok(one == 0 && eight == 8 && two == 2, "blocks_are_aligned");
	tap_ok(irte_alloc(&unit, 0) == -EINVAL && irte_alloc(&unit, 3) == -EINVAL &&
	       irte_alloc(&unit, 2 * ENTRIES) == -EINVAL, "odd_sizes_are_refused");
	while (irte_alloc(&unit, 1) >= 0)
		used++;
	tap_ok(used + 11 == ENTRIES && irte_alloc(&unit, 1) == -ENOSPC,
	       "all_65536_entries_and_no_more");
	irte_free(&unit, eight, 8);
	tap_ok(irte_alloc(&unit, 16) == -ENOSPC && irte_alloc(&unit, 8) == eight,
	       "a_freed_block_comes_back");
	for (i = 0; i < ENTRIES; i++)
		good &= !(irte_get(&unit, i).lo & IRTE_PRESENT);
	irte_free(&unit, 0, ENTRIES);
	tap_ok(good, "a_reserved_entry_is_not_present");
}

/* What the entries say, bit by bit. */
static void formats(void)
{
	struct irte_source source = { IRTE_REQUESTER, 0x1234, 1 };
	struct irte_source buses = { IRTE_BUSES, 0x0305, 0 };
	struct entry128 e;

	e = irte_remapped(&unit, 0xfee0000c, 0x0141, 0x7f, false, source);
	tap_ok(e.lo == (0x7f00ull << 32 | 0x41 << 16 | 1 << 5 | IRTE_REDIRECTION | IRTE_LOGICAL |
			IRTE_PRESENT) && e.hi == (1ull << 18 | 1 << 16 | 0x1234),
	       "remapped_format_xapic");
	unit.x2apic = true;
	e = irte_remapped(&unit, 0xfee00000, 0x0041, 0x12345678, true, buses);
	unit.x2apic = false;
	tap_ok(e.lo == (0x12345678ull << 32 | 0x41 << 16 | IRTE_LEVEL | IRTE_PRESENT) &&
	       e.hi == (2ull << 18 | 0x0305), "remapped_format_x2apic");
	e = irte_posted(0x123456789abcdfc0, 0x55, true, source);
	tap_ok(e.lo == (0x9abcdfc0ull << 32 | 0x55 << 16 | IRTE_POSTED | IRTE_URGENT |
			IRTE_PRESENT) && e.hi == (0x1234567800000000 | 1 << 18 | 1 << 16 | 0x1234),
	       "posted_format");
	tap_ok(irte_message(0, false) == 0xfee00010 &&
	       irte_message(0x7fff, false) == 0xfeefffF0 &&
	       irte_message(0x8000, true) == 0xfee0001c, "message_in_remappable_format");
}

static bool set(unsigned int i, struct entry128 entry, int expect)
{
	int ret;

	before[i] = unit.irt[i];
	after[i] = entry;
	ret = irte_set(&unit, i, entry);
	look();
	/* After return the unit uses the new entry, or none. */
	return ret == expect && same(unit.irt[i], entry) &&
	       (entry.lo & IRTE_PRESENT ? same(cache[i], entry) : !(cache[i].lo & IRTE_PRESENT));
}

/* Remapped, posted, back, and gone, with other senders. */
static bool transitions(unsigned int i, int gap)
{
	struct irte_source a = { IRTE_REQUESTER, A, 0 }, b = { IRTE_REQUESTER, B, 0 };
	struct entry128 remapped = irte_remapped(&unit, 0xfee00000, 0x41, 1, false, a);
	struct entry128 moved = irte_remapped(&unit, 0xfee00000, 0x42, 2, false, a);
	struct entry128 low = irte_posted(0x12345640, 0x33, false, a);
	struct entry128 high = irte_posted(0x87654321000, 0x33, true, b);

	return set(i, remapped, 0) && set(i, moved, 0) && set(i, low, 0) && set(i, high, gap) &&
	       set(i, low, gap) && set(i, remapped, 0) && set(i, remapped, 0) &&
	       set(i, (struct entry128){ 0 }, 0) && set(i, high, 0);
}

static void changes(void)
{
	unsigned int i;
	bool good = true;

	for (i = 0; i < 8; i++)
		irte_alloc(&unit, 1);
	good = transitions(0, 0);
	tap_ok(good && !torn, "no_half_of_an_entry_is_seen");
	processor_has_128 = false;
	good = transitions(1, 1);
	processor_has_128 = true;
	tap_ok(good && !torn, "nor_without_cmpxchg16b_but_a_gap_is_told");
	unit.cap |= CAP_CM;
	flushes = 0;
	good = transitions(2, 0);
	tap_ok(good && flushes >= 8, "caching_mode_flushes_what_was_absent");
	unit.cap &= ~CAP_CM;
	for (i = 0; i < 8; i++)
		before[i] = (struct entry128){ 0 };
	irte_free(&unit, 0, 8);
	for (good = true, i = 0; i < 8; i++)
		good &= !(unit.irt[i].lo & IRTE_PRESENT) && !(cache[i].lo & IRTE_PRESENT);
	tap_ok(good, "a_freed_entry_is_forgotten_by_the_unit");
}

static void at_random(unsigned int seed)
{
	unsigned int i, round;
	bool good = true;

	srand(seed);
	for (i = 0; i < WINDOW; i++)
		irte_alloc(&unit, 1);
	for (round = 0; round < 20000 && good; round++) {
		struct irte_source source = { rand() % 3, rand(), 0 };
		u64 address = ((u64)rand() << 32 | (unsigned int)rand()) & ~63ull;

		i = rand() % WINDOW;
		processor_has_128 = rand() % 4;
		before[i] = unit.irt[i];
		if (rand() % 5 == 0)
			after[i] = (struct entry128){ 0 };
		else if (rand() % 2)
			after[i] = irte_posted(address, rand(), rand() % 2, source);
		else
			after[i] = irte_remapped(&unit, 0xfee00000 | (rand() & 0xc), rand() & 0x7ff,
						 rand() & 0xff, rand() % 2, source);
		good = irte_set(&unit, i, after[i]) >= 0 && same(unit.irt[i], after[i]);
		look();
		good &= !(cache[i].lo & IRTE_PRESENT) ? !(after[i].lo & IRTE_PRESENT) :
							same(cache[i], after[i]);
	}
	if (!good || torn)
		printf("# seed %u, round %u, entry %u\n", seed, round, i);
	processor_has_128 = true;
	tap_ok(good && !torn, "random_changes");
}

static void compatibility(void)
{
	tap_ok(registers[DMAR_IRTA / 8] == ((u64)unit.irt | 15) &&
	       shim_read32(NULL, DMAR_GSTS) & GCMD_IRE && shim_read32(NULL, DMAR_GSTS) & GCMD_CFI,
	       "enabling_lets_compatibility_format_pass");
	tap_ok(irt_pass_compatibility(&unit, false) && !(shim_read32(NULL, DMAR_GSTS) & GCMD_CFI) &&
	       shim_read32(NULL, DMAR_GSTS) & GCMD_IRE, "then_it_can_be_blocked");
}

static void silent_unit(void)
{
	struct irte_source source = { IRTE_REQUESTER, A, 0 };
	unsigned int i;
	int ret;

	answers = false;
	ret = irte_set(&unit, WINDOW - 1, (struct entry128){ 0 });
	ret = ret ?: irte_set(&unit, WINDOW - 1, irte_posted(0x1000, 1, false, source)) ?:
		     irte_set(&unit, WINDOW - 1, irte_posted(0x2000, 1, false, source));
	irte_free(&unit, 0, 1);
	for (i = WINDOW; i < ENTRIES; i++)
		irte_alloc(&unit, 1);
	tap_ok(ret == -EIO && unit.broken && irte_alloc(&unit, 1) == -ENOSPC,
	       "a_silent_unit_keeps_its_entries");
}

int main(int argc, char **argv)
{
	const char *why;
	struct entry128 *table;

	registers[DMAR_CAP / 8] = 4 << 8 | CAP_PI;
	registers[DMAR_ECAP / 8] = ECAP_C | ECAP_QI | ECAP_IR | ECAP_EIM | 15ull << 20;
	if (remap_probe(&unit, NULL, &why) || remap_init(&unit) || remap_enable(&unit) ||
	    irt_init(&unit) || irt_enable(&unit, false)) {
		tap_ok(false, "start");
		return 1;
	}
	compatibility();
	blocks();
	formats();
	changes();
	at_random(argc > 1 ? strtoul(argv[1], NULL, 0) : 1);
	silent_unit();
	/* Nothing is freed of a unit that may still read it; here it cannot. */
	table = unit.irt;
	irt_free(&unit);
	free(table);
	free(unit.root);
	free(unit.queue);
	free(unit.status);
	return tap_done();
}
