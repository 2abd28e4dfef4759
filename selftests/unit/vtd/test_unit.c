// SPDX-License-Identifier: GPL-2.0-only
/*
 * A unit going up and down, its faults and its queue: the driver against the model. TAP.
 *
 * Fault records of 1 to 64 registers with overflow; every fault reason of DMA, made by breaking the
 * tables by hand; the queue round and round, with errors, and with hardware that never answers or
 * answers too late. VT-d specification, "Fault Conditions", "Primary Fault Logging", "Queued
 * Invalidation Interface".
 */
#include <stdio.h>
#include <stdlib.h>

#include "iommu/hw/context.h"
#include "iommu/hw/fault_record.h"
#include "iommu/hw/iopt.h"
#include "iommu/hw/irte.h"
#include "iommu/hw/qi.h"
#include "machine.h"

#define DEVICE	0x0010
#define DOMAIN	DOMAIN_ID_FIRST
#define RIGHTS	(SLPTE_READ | SLPTE_WRITE)
#define IOVA	0x12345000UL
#define PHYS	0x87654000UL
#define IQT	0x88

static struct remap_unit unit;
static struct iopt table;
static u64 seed;

static const struct context_target blocked;

/* A unit that runs with one device, one domain and one page. */
static bool start(const struct vtd_choice *choice)
{
	struct iopt_format format = { .coherent = choice->ecap & VTD_ECAP_C };
	struct context_target target = { .path = PATH_SECOND_STAGE, .domain = DOMAIN };
	const char *why;

	format.levels = choice->cap & VTD_CAP_SAGAW(3) ? 3 : 4;
	machine_start(choice, seed);
	waits = 0;
	if (remap_probe(&unit, &vtd, &why) || remap_init(&unit) || remap_enable(&unit) ||
	    iopt_init(&table, format, GFP_KERNEL) ||
	    iopt_map(&table, IOVA, PHYS, 4096, RIGHTS, GFP_KERNEL))
		return false;
	target.second = (struct context_stage){ shim_phys(table.root), format.levels };
	return !context_attach(&unit, DEVICE, 0, &target);
}

static bool stop(void)
{
	bool good = !context_attach(&unit, DEVICE, 0, &blocked);

	iopt_destroy(&table);
	good &= !remap_disable(&unit);
	remap_free(&unit);
	return good && !memory.in_use;
}

static bool reaches(u64 phys)
{
	struct vtd_answer answer = vtd_dma(&vtd, DEVICE, VTD_NO_PASID, IOVA + 8, true);

	return answer.outcome == VTD_ADDRESS && answer.address == phys + 8;
}

static bool faults(u8 reason)
{
	struct vtd_answer answer = vtd_dma(&vtd, DEVICE, VTD_NO_PASID, IOVA + 8, true);

	return answer.outcome == VTD_FAULT && answer.reason == reason;
}

static void up_and_down(void)
{
	unsigned int i;
	long n;

	for (i = 0; i < nr_implementations; i++) {
		const struct implementation *im = &implementations[i];
		bool good = start(&im->choice) && reaches(PHYS) && stop();

		result(good, "up and down: %s", im->name);
	}
	/* Memory ends at one allocation after the other: nothing leaks, and the last try works. */
	for (n = 0; n < 20; n++) {
		const char *why;
		bool good;

		machine_start(&implementations[0].choice, seed);
		memory.fail_in = n;
		good = !remap_probe(&unit, &vtd, &why) && !remap_init(&unit);
		remap_free(&unit);
		if (good || memory.in_use)
			break;
	}
	result(n == 3 && !memory.in_use, "no memory");
}

static const char *refusal;

static bool refused(u64 cap, u64 ecap, u32 gsts, int error)
{
	machine_start(&implementations[0].choice, seed);
	memcpy(&vtd.reg[0x08 / 4], &cap, 8);
	memcpy(&vtd.reg[0x10 / 4], &ecap, 8);
	vtd.reg[0x1c / 4] = gsts;
	refusal = NULL;
	return remap_probe(&unit, &vtd, &refusal) == error && refusal;
}

static void refusals(void)
{
	u64 cap, ecap;

	machine_start(&implementations[0].choice, seed);
	cap = shim_read64(&vtd, 0x08);
	ecap = shim_read64(&vtd, 0x10);
	result(refused(~0UL, ~0UL, ~0U, -ENODEV), "refused: nothing there");
	result(refused(0, 0, 0, -ENODEV) && strstr(refusal, "read as zeros"),
	       "refused: registers that read as zeros");
	result(refused(cap, ecap, 1U << 31, -EBUSY) && refused(cap, ecap, 1 << 26, -EBUSY) &&
	       refused(cap, ecap, 1 << 25, -EBUSY), "refused: in use");
	result(refused(cap, ecap & ~VTD_ECAP_QI, 0, -ENODEV), "refused: no queue");
	result(refused(cap & ~0x1f00UL, ecap, 0, -ENODEV), "refused: no page tables");
	result(refused(cap | 0xffUL << 40 | 0x3ffUL << 24, ecap, 0, -ENODEV),
	       "refused: fault records outside");
}

static void protected_memory(void)
{
	bool good;
	const char *why;

	machine_start(&implementations[0].choice, seed);
	vtd.reg[0x64 / 4] = 1U << 31 | 1;
	good = !remap_probe(&unit, &vtd, &why) && !remap_init(&unit) &&
	       !remap_enable(&unit) && vtd.reg[0x64 / 4] == 0 && !remap_disable(&unit) &&
	       vtd.reg[0x64 / 4] >> 31;
	remap_free(&unit);
	result(good, "protected memory opens and closes");
}

/* More faults than records: those that were there are read back in order, then it goes on. */
static void fault_records(unsigned int records)
{
	struct vtd_choice choice = implementations[0].choice;
	unsigned int round, i, nr;
	struct fault_record fault;
	bool good;

	choice.records = records;
	good = start(&choice);
	for (round = 0; good && round < 40; round++) {
		nr = 1 + mem_random() % (records + 2);
		for (i = 0; i < nr; i++)
			vtd_dma(&vtd, i % 2 ? DEVICE : 0x0100 + i, VTD_NO_PASID,
				IOVA + (4096UL << i % 8) + 8, i % 3);
		for (i = 0; i < nr && i < records; i++) {
			good &= fault_record_next(&unit, &fault) &&
				fault.address == IOVA + (4096UL << i % 8) &&
				fault.source == (i % 2 ? DEVICE : 0x0100 + i) &&
				fault.read == !(i % 3) &&
				fault.reason == (i % 2 == 0 ? ROOT_NOT_PRESENT :
						 i % 3 ? WRITE_DENIED : READ_DENIED);
		}
		good &= !fault_record_next(&unit, &fault);
		good &= !(vtd.reg[0x34 / 4] & 0xff);
	}
	good &= stop();
	result(good, "fault records: %u", records);
}

static u64 *word(u64 address)
{
	return mem_at(address, 8);
}

static bool is_named(u8 reason)
{
	return strcmp(fault_reason_name(reason), "unknown reason") && faults(reason);
}

static void forget_all(void)
{
	vtd_forget_contexts(&vtd, 1, 0, 0, 0);
	vtd_forget_pages(&vtd, 1, 0, 0, 0, false);
}

/* Broken by hand, one bit at a time: the model's own test, and that the driver has words for it. */
static void fault_reasons(void)
{
	static const struct {
		u8 reason;
		enum { ROOT, CONTEXT, CONTEXT_HI, TOP, LEAF } where;
		u64 flip;
	} rows[] = {
		{ ROOT_NOT_PRESENT, ROOT, 1 }, { ROOT_RESERVED, ROOT, 1 << 3 },
		{ CONTEXT_ACCESS, ROOT, 1UL << 20 << 16 },
		{ CONTEXT_NOT_PRESENT, CONTEXT, 1 }, { CONTEXT_RESERVED, CONTEXT, 1 << 5 },
		{ CONTEXT_INVALID, CONTEXT, 3 << 2 }, { CONTEXT_RESERVED, CONTEXT_HI, 1 << 7 },
		{ CONTEXT_INVALID, CONTEXT_HI, 1 << 1 },
		{ CONTEXT_RESERVED, CONTEXT_HI, 1UL << 24 },
		{ PAGING_ACCESS, CONTEXT, 1UL << 36 }, { PAGING_ACCESS, TOP, 1UL << 36 },
		{ PAGING_RESERVED, TOP, 1UL << 40 }, { PAGING_RESERVED, LEAF, 1UL << 62 },
		{ PAGING_RESERVED, TOP, 1UL << 7 }, { WRITE_DENIED, LEAF, SLPTE_WRITE },
		{ WRITE_DENIED, TOP, SLPTE_WRITE }, { WRITE_DENIED, LEAF, RIGHTS },
	};
	bool good = start(&implementations[0].choice);
	struct iopt_walk look;
	unsigned int i;
	u64 root = shim_phys(unit.root), context, places[5];

	context = (*word(root) & ADDR_MASK) + 16 * DEVICE;
	iopt_look(&table, IOVA, &look);
	places[ROOT] = root;
	places[CONTEXT] = context;
	places[CONTEXT_HI] = context + 8;
	places[TOP] = shim_phys(table.root) + 8 * (IOVA >> 30);
	places[LEAF] = (look.entry[1] & ADDR_MASK) + 8 * (IOVA >> 12 & 511);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		*word(places[rows[i].where]) ^= rows[i].flip;
		forget_all();
		if (!is_named(rows[i].reason)) {
			printf("# row %u: not the fault %#x\n", i, rows[i].reason);
			good = false;
		}
		*word(places[rows[i].where]) ^= rows[i].flip;
	}
	forget_all();
	good &= reaches(PHYS) &&
		vtd_dma(&vtd, DEVICE, VTD_NO_PASID, 1UL << 39, false).reason == ADDRESS_TOO_WIDE;
	good &= vtd_dma(&vtd, DEVICE, 0, IOVA, false).reason == PASID_IN_LEGACY_MODE;
	/* Fault Processing Disable: it faults all the same. */
	good &= (shim_read32(&vtd, 0x34) & 3) == 3;
	while (fault_record_next(&unit, &(struct fault_record){ 0 }))
		;
	*word(context) ^= 2 | 1 << 5;
	forget_all();
	good &= faults(CONTEXT_RESERVED) && !fault_record_next(&unit, &(struct fault_record){ 0 });
	*word(context) ^= 2 | 1 << 5;
	good &= stop();
	result(good, "fault reasons");
}

static void queue_rounds(void)
{
	bool good = start(&implementations[0].choice);
	unsigned long before = vtd.descriptors;
	unsigned int i;
	u64 phys;

	for (i = 0; good && i < 3000; i++) {
		good &= reaches(PHYS) || i % 3;
		iopt_unmap(&table, IOVA, 4096, NULL, NULL);
		phys = PHYS + (i % 3 == 2 ? 0 : 4096UL * i);
		good &= !iopt_map(&table, IOVA, phys, 4096, RIGHTS, GFP_KERNEL);
		good &= !(i % 2 ? qi_flush_domain(&unit, DOMAIN) :
			  qi_flush_pages(&unit, DOMAIN, IOVA, IOVA + 4095));
		good &= reaches(phys);
	}
	/* One descriptor and one wait each, nothing is skipped and nothing executed twice. */
	good &= vtd.descriptors - before == 2 * i;
	good &= stop();
	result(good, "the queue, %u flushes", i);
}

/* The unit is given up: bounded, for good, and nothing that it may still use is freed. */
static bool given_up(int ret)
{
	unsigned int in_use = memory.in_use;
	bool good = ret == -EIO && unit.broken && qi_flush_domain(&unit, DOMAIN) == -EIO &&
		    context_attach(&unit, DEVICE, 0, &blocked) == -EIO;

	vtd.hold = false;
	vtd.deaf = false;
	while (vtd.reg[0x80 / 4] != vtd.reg[IQT / 4] && !(vtd.reg[0x34 / 4] & 0x70))
		vtd_tick(&vtd);
	remap_free(&unit);
	return good && memory.in_use == in_use;
}

static void queue_errors(void)
{
	bool good;

	/* The answer comes when no one waits any more. */
	good = start(&implementations[0].choice);
	vtd.hold = true;
	good &= given_up(qi_flush_domain(&unit, DOMAIN));
	result(good, "the queue stands still, then answers");

	good = start(&implementations[1].choice);
	unit.cap |= 63UL << 48;
	good &= given_up(qi_flush_pages(&unit, DOMAIN, 0, ~0UL)) && vtd.reg[0x34 / 4] & 1 << 4;
	result(good && waits < 1000, "a descriptor that the unit does not know (IQE)");

	good = start(&implementations[0].choice);
	vtd.reg[0x34 / 4] |= 1 << 5;
	good &= !qi_flush_domain(&unit, DOMAIN) && !(vtd.reg[0x34 / 4] & 1 << 5) && stop();
	result(good, "an answer that was not asked for (ICE)");
}

static void deaf_to_commands(void)
{
	const char *why;
	bool good;

	machine_start(&implementations[0].choice, seed);
	good = !remap_probe(&unit, &vtd, &why) && !remap_init(&unit);
	vtd.deaf = true;
	good &= remap_enable(&unit) == -EIO && unit.broken;
	/* It commanded on regardless, as it should have not: all it can do is switch off. */
	violations = 0;
	remap_free(&unit);
	result(good && memory.in_use == 3, "a unit that does not take commands");
}

/*
 * A page is taken away and the unit does not answer: the device may still find it in a cache, so
 * that it must not send any more before anybody learns of the error.
 */
static void fails_closed(void)
{
	struct context_target target = { .path = PATH_SECOND_STAGE, .domain = DOMAIN };
	u64 before, phys;
	bool good;

	good = start(&implementations[0].choice) && reaches(PHYS);
	target.second = (struct context_stage){ shim_phys(table.root), table.format.levels };
	iopt_unmap(&table, IOVA, 4096, NULL, NULL);
	vtd.hold = true;
	good &= qi_flush_pages(&unit, DOMAIN, IOVA, IOVA + 4095) == -EIO && unit.broken;
	machine_unlock(&unit);
	result(good && !reaches(PHYS) && !iopt_translate(&table, IOVA, &phys),
	       "a unit that does not answer: its devices are silent");

	/* Entries: what is there goes, which is no success, and what is new is refused. */
	before = context_get(&unit, DEVICE).lo;
	good = before & ENTRY_PRESENT && context_attach(&unit, DEVICE, 0, &target) == -EIO &&
	       context_get(&unit, DEVICE).lo == before;
	good &= context_attach(&unit, DEVICE, 0, &blocked) == -EIO &&
		!(context_get(&unit, DEVICE).lo & ENTRY_PRESENT);
	good &= context_attach(&unit, DEVICE, 0, &blocked) == -EIO &&
		context_attach(&unit, DEVICE + 8, 0, &target) == -EIO &&
		!(context_get(&unit, DEVICE + 8).lo & ENTRY_PRESENT);
	result(good, "a unit that does not answer: entries");
	vtd.hold = false;
	while (vtd.reg[0x80 / 4] != vtd.reg[IQT / 4])
		vtd_tick(&vtd);
	iopt_destroy(&table);
}

static int others;

static void other_flushes(void)
{
	others += !qi_flush_domain(&unit, DOMAIN + 1) &&
		  !qi_flush_pages(&unit, DOMAIN, IOVA, IOVA + 4095);
}

/* 200 of them, each in a wait of the one before, on a queue that has room for fewer. */
static void others_flush(void)
{
	vtd.hold = ++others < 200;
	if (vtd.hold)
		meanwhile = others_flush;
	if (qi_flush_pages(&unit, DOMAIN, IOVA, IOVA + 4095))
		others = 1000;
}

/* While one processor waits, others use the unit. */
static void waits_together(void)
{
	unsigned long before;
	int ran = 0;
	bool good;

	good = start(&implementations[0].choice) && reaches(PHYS);
	others = 0;
	while (good && ran < 20) {
		meanwhile = other_flushes;
		good &= !qi_flush_domain(&unit, DOMAIN) && !unit.broken;
		ran += !meanwhile;
	}
	meanwhile = NULL;
	good &= others == 20 && !context_attach(&unit, DEVICE, 0, &blocked) &&
		faults(CONTEXT_NOT_PRESENT);
	result(good && stop(), "a flush while another waits");

	good = start(&implementations[0].choice);
	others = 0;
	meanwhile = others_flush;
	before = vtd.descriptors;
	for (ran = 200; good && !others; ran++)
		good &= !qi_flush_domain(&unit, DOMAIN);
	/* None is lost: one descriptor and one wait each. */
	good &= others == 200 && !unit.broken && vtd.descriptors - before == 2UL * ran;
	result(good && stop(), "flushes of many processors");
}

/* It is never told to translate, and has no root table. */
static void interrupts_only(void)
{
	const char *why;
	bool good;

	machine_start(&implementations[0].choice, seed);
	good = !remap_probe(&unit, &vtd, &why) && !remap_init(&unit);
	unit.interrupts_only = true;
	good &= !remap_enable(&unit) && vtd.reg[0x1c / 4] == 1 << 26 && !irt_init(&unit) &&
		!irt_enable(&unit, false) && vtd.reg[0x1c / 4] >> 25 == 3 && !irt_disable(&unit) &&
		!remap_disable(&unit);
	irt_free(&unit);
	remap_free(&unit);
	result(good && !memory.in_use, "a unit for interrupts alone");
}

/* Translation does not go off: no command follows. After a reset the unit is as good as new. */
static void deaf_to_the_end(void)
{
	const struct vtd_choice *choice = &implementations[0].choice;
	unsigned int in_use;
	bool good;

	good = start(choice);
	vtd.deaf = true;
	good &= remap_disable(&unit) == -EIO && unit.broken && vtd.command == 1U << 31;
	good &= remap_enable(&unit) == -EIO && unit.broken;
	in_use = memory.in_use;
	remap_free(&unit);
	result(good && memory.in_use == in_use, "a unit that does not go off");

	vtd_power_on(&vtd, choice);
	good &= !remap_enable(&unit) && !unit.broken && reaches(PHYS) && stop();
	result(good, "and is reset");
}

int main(int argc, char **argv)
{
	static const unsigned int records[] = { 1, 2, 8, 64 };
	unsigned int i;

	seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	up_and_down();
	refusals();
	protected_memory();
	for (i = 0; i < ARRAY_SIZE(records); i++)
		fault_records(records[i]);
	fault_reasons();
	queue_rounds();
	queue_errors();
	deaf_to_commands();
	deaf_to_the_end();
	fails_closed();
	waits_together();
	interrupts_only();
	return tap_done();
}
