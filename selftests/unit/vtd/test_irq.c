// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt remapping and posting: the driver's entries against the model of the hardware. TAP.
 *
 * Random allocations, changes and restarts beside an oracle that says in plain words what each
 * entry should do. After each change an interrupt does exactly that; at each store on the way it
 * does the old or the new, or is blocked where the driver says so. Then every fault reason, and the
 * rules of posting. VT-d specification, "Interrupt Remapping", "Interrupt Posting".
 */
#include <stdio.h>
#include <stdlib.h>

#include "iommu/hw/fault_record.h"
#include "iommu/hw/irte.h"
#include "machine.h"

#define BLOCKS		24
#define BLOCK_MAX	8
#define DESCRIPTORS	8

/** struct wish - what an entry should do */
struct wish {
	enum { ABSENT, REMAPPED, POSTED } kind;
	struct irte_source from;
	u8 vector, delivery;
	bool logical, redirection, level, urgent;
	u32 destination;
	unsigned int descriptor;
};

static struct remap_unit unit;
static struct {
	int index;
	unsigned int count;
	struct wish wishes[BLOCK_MAX];
} blocks[BLOCKS];
/* Posted-interrupt descriptors, each somewhere in a page. */
static u64 *descriptors[DESCRIPTORS];
static bool x2apic, failed, was_absent;
/* The entry that is being changed, and what it will be. */
static int changing = -1;
static unsigned int changing_entry;
static struct wish next;

static bool may_send(const struct wish *wish, u16 source)
{
	u16 differ = wish->from.id ^ source;

	if (wish->from.check == IRTE_BUSES)
		return source >> 8 >= wish->from.id >> 8 && source >> 8 <= (wish->from.id & 0xff);
	if (wish->from.check == IRTE_ANYONE)
		return true;
	/* SQ: the third bit of the function, then the two above the lowest, then all three. */
	return !(differ & ~(wish->from.ignore == 0 ? 0 : wish->from.ignore == 1 ? 4 :
			    wish->from.ignore == 2 ? 6 : 7));
}

/* Does the hardware do what is wished? @before: PIR's word and control word before. */
static bool granted(const struct wish *wish, u16 source, const struct vtd_answer *got,
		    const u64 before[2])
{
	const u64 *pid;
	bool notify;
	u32 to;

	if (wish->kind == ABSENT)
		return got->outcome == VTD_FAULT && got->reason == IRTE_NOT_PRESENT;
	if (!may_send(wish, source))
		return got->outcome == VTD_FAULT && got->reason == IRQ_SOURCE;
	if (wish->kind == REMAPPED)
		return got->outcome == VTD_INTERRUPT && !got->compatibility &&
		       got->vector == wish->vector && got->delivery == wish->delivery &&
		       got->destination == wish->destination && got->logical == wish->logical &&
		       got->redirection == wish->redirection && got->level == wish->level;
	pid = descriptors[wish->descriptor];
	notify = !(before[1] & 1) && (wish->urgent || !(before[1] & 2));
	to = x2apic ? pid[4] >> 32 : vtd_bits(pid[4], 47, 40);
	return got->outcome == VTD_POSTED && got->vector == wish->vector &&
	       got->address == shim_phys(pid) && got->notified == notify &&
	       pid[wish->vector / 64] == (before[0] | 1UL << wish->vector % 64) &&
	       pid[4] == (before[1] | notify) &&
	       (!notify || (got->notification == vtd_bits(pid[4], 23, 16) &&
			    got->destination == to));
}

static void snapshot(const struct wish *wish, u64 words[2])
{
	const u64 *pid = descriptors[wish->descriptor];

	words[0] = pid[wish->vector / 64];
	words[1] = pid[4];
}

static void probe(unsigned int b, unsigned int i, u16 source)
{
	const struct wish *now = &blocks[b].wishes[i];
	bool in_change = (int)b == changing && i == changing_entry;
	u64 before[2], before_next[2];
	struct vtd_answer got;

	/* A message of its own, or the block's with the number in the data. */
	snapshot(now, before);
	snapshot(&next, before_next);
	if (mem_random() % 2)
		got = vtd_interrupt(&vtd, source, irte_message(blocks[b].index, true), i);
	else
		got = vtd_interrupt(&vtd, source, irte_message(blocks[b].index + i, false),
				    mem_random());
	if (granted(now, source, &got, before) ||
	    (in_change && granted(&next, source, &got, before_next)))
		return;
	if (in_change && got.outcome == VTD_FAULT && got.reason == IRTE_NOT_PRESENT) {
		was_absent = true;
		return;
	}
	if (!failed)
		printf("# %s: entry %d from %04x (kind %u): outcome %u, reason %#x, vector %#x\n",
		       in_change ? "on the way" : "at rest", blocks[b].index + i, source,
		       now->kind, got.outcome, got.reason, got.vector);
	failed = true;
}

static u16 some_source(const struct wish *wish)
{
	return mem_random() % 4 ? wish->from.id ^ (mem_random() % 3 ? 0 : 1 << mem_random() % 4) :
				  mem_random();
}

static void probe_some(unsigned int times)
{
	unsigned int b, i;

	while (times--) {
		b = changing >= 0 && times % 2 ? (unsigned int)changing : mem_random() % BLOCKS;
		if (blocks[b].index < 0)
			continue;
		i = changing >= 0 && times % 2 ? changing_entry : mem_random() % blocks[b].count;
		probe(b, i, some_source(times % 4 == 3 ? &next : &blocks[b].wishes[i]));
	}
}

static void on_the_way(void)
{
	probe_some(6);
}

static void check(bool good, const char *what)
{
	if (!good && !failed)
		printf("# %s, after %lu stores\n", what, memory.stores);
	failed |= !good;
}

static struct wish some_wish(void)
{
	static const u8 deliveries[] = { 0, 1, 2, 4, 5, 7 };
	struct wish w = {
		.kind = mem_random() % (unit.cap & CAP_PI ? 3 : 2),
		.from = { mem_random() % 3, mem_random(), mem_random() % 4 },
		.vector = mem_random(), .delivery = deliveries[mem_random() % 6],
		.logical = mem_random() % 2, .redirection = mem_random() % 2,
		.level = mem_random() % 2, .urgent = mem_random() % 2,
		.destination = x2apic ? (u32)mem_random() : mem_random() % 256,
		.descriptor = mem_random() % DESCRIPTORS,
	};

	if (w.from.check == IRTE_BUSES)
		w.from.id = (w.from.id & 0x7f00) | ((w.from.id >> 8 & 0x7f) + mem_random() % 8);
	return w;
}

static struct entry128 entry_for(const struct wish *w)
{
	if (w->kind == ABSENT)
		return (struct entry128){ 0 };
	if (w->kind == POSTED)
		return irte_posted(shim_phys(descriptors[w->descriptor]), w->vector, w->urgent,
				   w->from);
	return irte_remapped(&unit, 0xfee00000 | (u32)w->redirection << 3 | (u32)w->logical << 2,
			     w->delivery << 8 | w->vector, w->destination, w->level, w->from);
}

static void do_set(unsigned int b)
{
	struct wish *wish;
	bool present;
	int ret;

	changing_entry = mem_random() % blocks[b].count;
	wish = &blocks[b].wishes[changing_entry];
	next = some_wish();
	/* Often the same sender: only the half with the vector changes. */
	if (mem_random() % 2 && wish->kind != ABSENT)
		next.from = wish->from;
	present = wish->kind != ABSENT && next.kind != ABSENT;
	memory.store128 = mem_random() % 2;
	was_absent = false;
	changing = b;
	ret = irte_set(&unit, blocks[b].index + changing_entry, entry_for(&next));
	mem_settle();
	changing = -1;
	check(ret == 0 || (ret == 1 && present), "set");
	check(!present || !was_absent || ret == 1, "absent for a moment without a word");
	*wish = next;
}

static void do_free(unsigned int b)
{
	unsigned int count = blocks[b].count, i;
	int index = blocks[b].index;

	/* Its entries go one by one: who owned them sends no more. */
	blocks[b].index = -1;
	irte_free(&unit, index, count);
	mem_settle();
	for (i = 0; i < count; i++)
		check(vtd_interrupt(&vtd, 0, irte_message(index + i, false), 0).reason ==
		      IRTE_NOT_PRESENT, "a freed entry works");
}

static void do_alloc(unsigned int b)
{
	unsigned int count = 1U << mem_random() % 4, i;

	blocks[b].index = irte_alloc(&unit, count);
	blocks[b].count = count;
	check(blocks[b].index >= 0 && blocks[b].index % count == 0, "alloc");
	for (i = 0; i < count; i++)
		blocks[b].wishes[i] = (struct wish){ .from.id = mem_random() };
}

/* What a vCPU does to its descriptor: it takes PIR over, and moves between its states. */
static void do_vcpu(void)
{
	u64 *pid = descriptors[mem_random() % DESCRIPTORS];
	u64 destination = x2apic ? mem_random() & 0xffffffff : mem_random() % 256 << 8;

	memset(pid, 0, 32);
	pid[4] = destination << 32 | (mem_random() & 0xff) << 16 | mem_random() % 4;
}

static void do_restart(void)
{
	memory.observe = NULL;
	check(!irt_disable(&unit) && !remap_disable(&unit) && !remap_enable(&unit) &&
	      !irt_enable(&unit, x2apic), "restart");
	memory.observe = on_the_way;
}

static bool start(const struct vtd_choice *choice, u64 seed, bool extended)
{
	const char *why;
	unsigned int i;

	machine_start(choice, seed);
	failed = false;
	changing = -1;
	next = (struct wish){ 0 };
	x2apic = extended;
	if (remap_probe(&unit, &vtd, &why) || remap_init(&unit) || remap_enable(&unit) ||
	    irt_init(&unit) || irt_enable(&unit, x2apic))
		return false;
	for (i = 0; i < DESCRIPTORS; i++)
		descriptors[i] = (u64 *)shim_alloc(0, GFP_KERNEL) + 8 * i;
	for (i = 0; i < BLOCKS; i++)
		blocks[i].index = -1;
	memory.observe = on_the_way;
	return true;
}

static bool stop(void)
{
	unsigned int i;
	bool good;

	memory.observe = NULL;
	good = !irt_disable(&unit) && !remap_disable(&unit);
	irt_free(&unit);
	remap_free(&unit);
	for (i = 0; i < DESCRIPTORS; i++)
		shim_free(descriptors[i] - 8 * i, 0);
	return good && !memory.in_use;
}

static void random_operations(const struct implementation *im, u64 seed, unsigned int operations)
{
	bool extended = im->choice.ecap & VTD_ECAP_EIM;
	bool good = start(&im->choice, seed, extended);
	unsigned int i, b, dice;

	for (i = 0; good && i < operations && !failed && !violations; i++) {
		b = mem_random() % BLOCKS;
		dice = mem_random() % 100;
		if (blocks[b].index < 0)
			do_alloc(b);
		else if (dice < 80)
			do_set(b);
		else if (dice < 88)
			do_free(b);
		else if (dice < 99)
			do_vcpu();
		else
			do_restart();
		probe_some(8);
	}
	good = good && !failed && stop();
	result(good, "interrupts: %s", im->name);
}

static bool faults(u16 source, u64 address, u32 data, u8 reason, u16 index)
{
	struct vtd_answer got = vtd_interrupt(&vtd, source, address, data);
	struct fault_record fault;

	if (got.outcome == VTD_FAULT && got.reason == reason && fault_record_next(&unit, &fault) &&
	    fault.reason == reason && fault.index == index && fault.source == source &&
	    strcmp(fault_reason_name(reason), "unknown reason"))
		return true;
	printf("# reason %#x, and it should be %#x\n", got.reason, reason);
	return false;
}

static void fault_reasons(void)
{
	struct irte_source mine = { IRTE_REQUESTER, 0x0010, 0 };
	bool good = start(&implementations[2].choice, 1, false);
	struct entry128 entry;
	unsigned int i;
	int index;

	memory.observe = NULL;
	memory.store128 = true;
	index = irte_alloc(&unit, 8);
	good &= faults(0x10, irte_message(index, true), 1U << 16, IRQ_RESERVED, index);
	good &= faults(0x10, irte_message(unit.irt_size - 1, true), 1, IRQ_INDEX, 0);
	good &= faults(0x10, irte_message(index + 3, false), 0, IRTE_NOT_PRESENT, index + 3);
	good &= faults(0x10, irte_message(unit.irt_size - 1, false), 0, IRTE_NOT_PRESENT,
		       unit.irt_size - 1);
	entry = irte_remapped(&unit, 0xfee00000, 0x41, 1, false, mine);
	good &= !irte_set(&unit, index, entry) && faults(0x18, irte_message(index, false), 7,
							 IRQ_SOURCE, index);
	entry.lo |= 1 << 24;
	good &= !irte_set(&unit, index, entry) && faults(0x10, irte_message(index, true), 0,
							 IRTE_RESERVED, index);
	entry = irte_posted(0x1000, 0x41, false, mine);
	good &= !irte_set(&unit, index, entry) && faults(0x10, irte_message(index, true), 0,
							 PID_ACCESS, index);
	entry = irte_posted(shim_phys(descriptors[0]), 0x41, false, mine);
	descriptors[0][7] = 1;
	good &= !irte_set(&unit, index, entry) && faults(0x10, irte_message(index, true), 0,
							 PID_RESERVED, index);
	/* Fault Processing Disable. */
	entry.lo |= 2;
	good &= !irte_set(&unit, index, entry) &&
		vtd_interrupt(&vtd, 0x10, irte_message(index, true), 0).outcome == VTD_FAULT &&
		!fault_record_next(&unit, &(struct fault_record){ 0 });
	/* Anybody can send these, until they are blocked. */
	good &= vtd_interrupt(&vtd, 0x66, 0xfee01000, 0x31).compatibility;
	good &= irt_pass_compatibility(&unit, false) &&
		faults(0x66, 0xfee01000, 0x31, IRQ_COMPATIBILITY, 0);
	good &= !irt_disable(&unit) && vtd_interrupt(&vtd, 0x66, 0xfee01000, 0x31).compatibility;
	good &= !irt_enable(&unit, true) && faults(0x66, 0xfee01000, 0x31, IRQ_COMPATIBILITY, 0);
	/* Another table: nothing of the first may be left in the cache. */
	good &= !irte_set(&unit, index, irte_remapped(&unit, 0xfee00000, 0x41, 1, false, mine));
	for (i = 0; i < 20; i++)
		good &= vtd_interrupt(&vtd, 0x10, irte_message(index, false), 0).vector == 0x41;
	good &= !irt_disable(&unit);
	irt_free(&unit);
	good &= !irt_init(&unit) && !irt_enable(&unit, true) &&
		faults(0x10, irte_message(index, false), 0, IRTE_NOT_PRESENT, index);
	good &= stop();
	result(good, "fault reasons of interrupts");
}

int main(int argc, char **argv)
{
	u64 seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	unsigned int operations = argc > 2 ? atoi(argv[2]) : 6000, i;

	for (i = 0; i < nr_implementations; i++)
		random_operations(&implementations[i], seed, operations);
	fault_reasons();
	return tap_done();
}
