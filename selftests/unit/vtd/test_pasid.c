// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scalable mode and devices that keep translations: the driver against the model. TAP.
 *
 * Every fault reason of scalable mode, made by breaking the tables by hand; PASIDs side by side;
 * the second stage of nested translation changing; ATS with a device that does not answer. VT-d
 * specification, "Translation Structure Formats", "Nested Translation", "Device-TLB", "Fault
 * Conditions".
 */
#include <stdio.h>
#include <stdlib.h>

#include "iommu/hw/context.h"
#include "iommu/hw/fault_record.h"
#include "iommu/hw/iopt.h"
#include "iommu/hw/qi.h"
#include "machine.h"

#define DEVICE	0x0090
#define OTHER	0x0091
#define PASID	1234
#define DOMAIN	DOMAIN_ID_FIRST
#define RIGHTS	(SLPTE_READ | SLPTE_WRITE)
#define IOVA	0x12345000UL
#define GPA	0x23456000UL
#define PHYS	0x87654000UL
#define FSTS	0x34

static const struct context_target blocked;
static struct vtd_choice choice;
static struct remap_unit unit;
static struct iopt first, second;
static u64 seed;

/* An implementation with everything, running; nothing is mapped or attached. */
static bool start(bool scalable)
{
	struct iopt_format format = { .levels = 4, .coherent = true };
	const char *why;
	unsigned int i;

	for (i = 0; !(implementations[i].choice.ecap & VTD_ECAP_SMTS); i++)
		;
	choice = implementations[i].choice;
	machine_start(&choice, seed);
	if (remap_probe(&unit, &vtd, &why) || remap_init(&unit))
		return false;
	unit.scalable = scalable;
	if (remap_enable(&unit) || iopt_init(&second, format, GFP_KERNEL))
		return false;
	format.first_stage = true;
	return !iopt_init(&first, format, GFP_KERNEL);
}

static struct context_target through(enum context_path path, u16 domain)
{
	struct context_target target = {
		.path = path, .domain = domain, .first = { shim_phys(first.root), 4 },
		.second = { shim_phys(second.root), 4 },
	};

	return target;
}

static int attach(u16 source, u32 pasid, enum context_path path, u16 domain)
{
	struct context_target target = through(path, domain);

	return context_attach(&unit, source, pasid, &target);
}

static bool stop(void)
{
	bool good = !context_attach(&unit, DEVICE, 0, &blocked) &&
		    !context_attach(&unit, OTHER, 0, &blocked);

	if (unit.scalable)
		good &= !context_attach(&unit, DEVICE, PASID, &blocked);
	iopt_destroy(&first);
	iopt_destroy(&second);
	good &= !remap_disable(&unit);
	remap_free(&unit);
	return good && !memory.in_use;
}

static bool map(struct iopt *table, u64 iova, u64 phys)
{
	return !iopt_map(table, iova, phys, 4096, RIGHTS, GFP_KERNEL);
}

static bool reaches(u16 source, u32 pasid, u64 phys)
{
	struct vtd_answer answer = vtd_dma(&vtd, source, pasid, IOVA + 8, true);

	return answer.outcome == VTD_ADDRESS && answer.address == phys + 8;
}

static bool faults(u16 source, u32 pasid, u8 reason)
{
	struct vtd_answer answer = vtd_dma(&vtd, source, pasid, IOVA + 8, true);

	return answer.outcome == VTD_FAULT && answer.reason == reason;
}

static void refusals(void)
{
	struct context_target target;
	bool good = start(false);

	good &= attach(DEVICE, 0, PATH_FIRST_STAGE, DOMAIN) == -EINVAL &&
		attach(DEVICE, 0, PATH_NESTED, DOMAIN) == -EINVAL &&
		attach(DEVICE, PASID, PATH_SECOND_STAGE, DOMAIN) == -EINVAL && stop();
	result(good, "refused in legacy mode: first stage, nested, PASIDs");

	good = start(true);
	target = through(PATH_SECOND_STAGE, DOMAIN);
	target.ats = true;
	good &= attach(DEVICE, CONTEXT_NR_PASIDS, PATH_SECOND_STAGE, DOMAIN) == -EINVAL;
	unit.ecap &= ~(ECAP_FSTS | ECAP_PASID | ECAP_DT);
	good &= attach(DEVICE, 0, PATH_FIRST_STAGE, DOMAIN) == -EINVAL &&
		attach(DEVICE, 0, PATH_NESTED, DOMAIN) == -EINVAL &&
		attach(DEVICE, PASID, PATH_SECOND_STAGE, DOMAIN) == -EINVAL &&
		context_attach(&unit, DEVICE, 0, &target) == -EINVAL;
	unit.ecap = choice.ecap & ~(ECAP_SSTS | ECAP_PT);
	good &= attach(DEVICE, 0, PATH_SECOND_STAGE, DOMAIN) == -EINVAL &&
		attach(DEVICE, 0, PATH_PASS_THROUGH, DOMAIN) == -EINVAL;
	unit.ecap = choice.ecap;
	unit.cap &= ~CAP_FS5LP;
	target = through(PATH_FIRST_STAGE, DOMAIN);
	target.first.levels = 5;
	good &= context_attach(&unit, DEVICE, 0, &target) == -EINVAL;
	good &= !context_get(&unit, DEVICE).lo && stop();
	result(good, "refused in scalable mode: what the unit has not");
}

/* --- faults --- */

static u64 *word(u64 address)
{
	return mem_at(address, 8);
}

/* Start again: nothing is remembered. */
static void forget_all(void)
{
	remap_disable(&unit);
	remap_enable(&unit);
}

enum { ROOT, CONTEXT, CONTEXT_1, CONTEXT_3, DIRECTORY, ENTRY, ENTRY_1, ENTRY_2, ENTRY_7, TOP, LEAF,
       PLACES };

/* Where the entries on DEVICE's way stand in memory. */
static void find_places(const struct iopt *table, u64 *places)
{
	struct iopt_walk look;

	iopt_look(table, IOVA, &look);
	places[ROOT] = shim_phys(unit.root) + 8;
	places[CONTEXT] = (*word(places[ROOT]) & ADDR_MASK) + 32 * (DEVICE & 0x7f);
	places[CONTEXT_1] = places[CONTEXT] + 8;
	places[CONTEXT_3] = places[CONTEXT] + 24;
	places[DIRECTORY] = *word(places[CONTEXT]) & ADDR_MASK;
	places[ENTRY] = *word(places[DIRECTORY]) & ADDR_MASK;
	places[ENTRY_1] = places[ENTRY] + 8;
	places[ENTRY_2] = places[ENTRY] + 16;
	places[ENTRY_7] = places[ENTRY] + 56;
	places[TOP] = shim_phys(table->root);
	places[LEAF] = (look.entry[2] & ADDR_MASK) + 8 * (IOVA >> 12 & 511);
}

static void fault_reasons(void)
{
	static const struct {
		u8 path, reason, where;
		u64 flip;
	} rows[] = {
		{ 2, SM_ROOT_NOT_PRESENT, ROOT, 1 }, { 2, SM_ROOT_RESERVED, ROOT, 2 },
		{ 2, SM_CONTEXT_ACCESS, ROOT, 1UL << 39 },
		{ 2, SM_CONTEXT_NOT_PRESENT, CONTEXT, 1 },
		{ 2, SM_CONTEXT_RESERVED, CONTEXT, 1 << 4 },
		{ 2, SM_CONTEXT_RESERVED, CONTEXT_1, 1 << 21 },
		{ 2, SM_CONTEXT_RESERVED, CONTEXT_3, 1 },
		{ 2, DIRECTORY_ACCESS, CONTEXT, 1UL << 39 },
		{ 2, DIRECTORY_NOT_PRESENT, DIRECTORY, 1 },
		{ 2, DIRECTORY_RESERVED, DIRECTORY, 1 << 5 },
		{ 2, PASID_ACCESS, DIRECTORY, 1UL << 39 },
		{ 2, PASID_NOT_PRESENT, ENTRY, 1 }, { 2, PASID_RESERVED, ENTRY, 1 << 10 },
		{ 2, PASID_RESERVED, ENTRY_7, 1UL << 63 }, { 2, PASID_RESERVED, ENTRY_1, 1 << 16 },
		{ 2, PASID_INVALID, ENTRY, 7 << 6 }, { 2, PASID_INVALID, ENTRY, 4 << 2 },
		{ 2, SS_ACCESS, ENTRY, 1UL << 39 }, { 2, SS_RESERVED, TOP, 1UL << 40 },
		{ 2, SS_NOT_PRESENT, LEAF, RIGHTS }, { 2, SM_WRITE_DENIED, LEAF, SLPTE_WRITE },
		{ 1, PASID_RESERVED, ENTRY_2, 1 << 8 }, { 1, PASID_INVALID, ENTRY_2, 2 << 2 },
		{ 1, FS_ACCESS, ENTRY_2, 1UL << 39 }, { 1, FS_RESERVED, TOP, 1UL << 40 },
		{ 1, FS_RESERVED, LEAF, 1UL << 63 }, { 1, FS_RESERVED, TOP, 1 << 7 },
		{ 1, FS_NOT_PRESENT, LEAF, 1 }, { 1, FS_SUPERVISOR, TOP, 1 << 2 },
		{ 1, SM_WRITE_DENIED, LEAF, 2 }, { 1, SM_WRITE_DENIED, TOP, 2 },
	};
	bool good = start(true) && map(&first, IOVA, PHYS) && map(&second, IOVA, PHYS);
	u64 places[PLACES];
	struct fault_record fault;
	unsigned int i;

	for (i = 0; good && i < ARRAY_SIZE(rows); i++) {
		good &= !attach(DEVICE, 0, rows[i].path, DOMAIN) &&
			reaches(DEVICE, VTD_NO_PASID, PHYS);
		find_places(rows[i].path == 1 ? &first : &second, places);
		*word(places[rows[i].where]) ^= rows[i].flip;
		forget_all();
		good &= faults(DEVICE, VTD_NO_PASID, rows[i].reason) &&
			fault_record_next(&unit, &fault) && fault.reason == rows[i].reason &&
			!fault_is_interrupt(&fault) && fault.address == IOVA &&
			strcmp(fault_reason_name(fault.reason), "unknown reason");
		if (!good)
			printf("# row %u: not the fault %#x\n", i, rows[i].reason);
		*word(places[rows[i].where]) ^= rows[i].flip;
		forget_all();
	}
	good &= faults(OTHER, VTD_NO_PASID, SM_CONTEXT_NOT_PRESENT) &&
		vtd_dma(&vtd, DEVICE, VTD_NO_PASID, 1UL << 47, false).reason == FS_NOT_CANONICAL &&
		!attach(DEVICE, 0, PATH_SECOND_STAGE, DOMAIN) &&
		vtd_dma(&vtd, DEVICE, VTD_NO_PASID, 1UL << 48, false).reason == SM_BEYOND_TABLE &&
		vtd_dma(&vtd, DEVICE, VTD_NO_PASID, 1UL << 60, false).reason == SM_BEYOND_MACHINE;
	good &= stop();
	result(good, "fault reasons of scalable mode");
}

/* --- ways side by side --- */

static void pasids(void)
{
	bool good = start(true) && map(&first, IOVA, PHYS) && map(&second, IOVA, 2 * PHYS);

	good &= !attach(DEVICE, 0, PATH_SECOND_STAGE, DOMAIN) &&
		faults(DEVICE, PASID, DIRECTORY_NOT_PRESENT) &&
		!attach(DEVICE, PASID, PATH_FIRST_STAGE, DOMAIN + 1) &&
		reaches(DEVICE, VTD_NO_PASID, 2 * PHYS) && reaches(DEVICE, 0, 2 * PHYS) &&
		reaches(DEVICE, PASID, PHYS) && faults(DEVICE, PASID + 1, PASID_NOT_PRESENT) &&
		faults(DEVICE, CONTEXT_NR_PASIDS, SM_PASID_TOO_LARGE) &&
		faults(OTHER, PASID, SM_CONTEXT_NOT_PRESENT);
	/* An end of one is not an end of the other. */
	good &= !context_attach(&unit, DEVICE, PASID, &blocked) &&
		faults(DEVICE, PASID, PASID_NOT_PRESENT) && reaches(DEVICE, VTD_NO_PASID, 2 * PHYS);
	good &= stop();
	result(good, "requests with and without PASID go different ways");
}

static void no_memory(void)
{
	bool good = true;
	long n;

	for (n = 0; n < 10; n++) {
		int ret;

		good &= start(true);
		memory.fail_in = n;
		ret = attach(DEVICE, PASID, PATH_SECOND_STAGE, DOMAIN);
		memory.fail_in = -1;
		good &= !ret || (ret == -ENOMEM &&
				 vtd_dma(&vtd, DEVICE, PASID, IOVA, true).outcome == VTD_FAULT);
		good &= stop();
		if (!ret)
			break;
	}
	result(good && n == 3, "no memory for contexts, directory or table");
}

/* GPA moves from one page to another, under a first stage that does not change. */
static void nested(void)
{
	struct vtd_answer answer;
	bool good = start(true) && map(&first, IOVA, GPA) && map(&second, GPA, PHYS);
	unsigned int i;
	u64 at;

	/* The first stage's own tables are found through the second. */
	good &= !iopt_map_run(&second, MEM_BASE, MEM_BASE, 4096, MEM_PAGES, RIGHTS, GFP_KERNEL,
			      &at);
	good &= !attach(DEVICE, 0, PATH_NESTED, DOMAIN);
	for (i = 0; good && i < 100; i++) {
		at = PHYS + 4096UL * i;
		good &= reaches(DEVICE, VTD_NO_PASID, at);
		good &= iopt_unmap(&second, GPA, 4096, NULL, NULL) == 4096 &&
			!qi_flush_domain(&unit, DOMAIN) &&
			faults(DEVICE, VTD_NO_PASID, SS_NOT_PRESENT) &&
			map(&second, GPA, at + 4096);
	}
	answer = vtd_dma(&vtd, DEVICE, VTD_NO_PASID, GPA, false);
	good &= answer.outcome == VTD_FAULT && answer.reason == FS_NOT_PRESENT;
	good &= stop();
	result(good, "nested translation, the second stage changes");
}

/* --- devices that keep translations --- */

static void *released;

static void release_later(void *page, void *arg)
{
	released = page;
}

static bool kept_reaches(u16 source, u32 pasid, u64 iova, u64 phys)
{
	struct vtd_answer answer = vtd_dma_ats(&vtd, source, pasid ?: VTD_NO_PASID, iova, true);

	return answer.outcome == VTD_ADDRESS && answer.address == phys;
}

static int attach_ats(u16 source, u16 domain)
{
	struct context_target target = through(PATH_SECOND_STAGE, domain);

	target.ats = true;
	return context_attach(&unit, source, 0, &target);
}

/* After a range was unmapped the device has nothing of it, and still what is outside. */
static void kept_ranges(bool scalable, u32 pasid)
{
	struct qi_device tlb = { DEVICE, 0x0080, 3, pasid };
	bool good = start(scalable);
	u64 i, from, count, mapped;

	good &= !iopt_map_run(&second, 0, PHYS, 4096, 256, RIGHTS, GFP_KERNEL, &mapped) &&
		!attach_ats(DEVICE, DOMAIN) &&
		(!pasid || !attach(DEVICE, pasid, PATH_SECOND_STAGE, DOMAIN));
	for (from = 0; good && from < 256; from += count) {
		count = 1 + mem_random() % 40;
		if (count > 256 - from)
			count = 256 - from;
		for (i = from; i < 256; i++)
			good &= kept_reaches(DEVICE, pasid, 4096 * i, PHYS + 4096 * i);
		good &= iopt_unmap(&second, 4096 * from, 4096 * count, release_later, NULL) ==
			4096 * count && !qi_flush_pages(&unit, DOMAIN, 4096 * from,
							4096 * (from + count) - 1) &&
			!qi_flush_device(&unit, &tlb, 4096 * from, 4096 * (from + count) - 1);
		if (released)
			shim_free_table(released);
		released = NULL;
		for (i = 0; i < 256; i++)
			good &= kept_reaches(DEVICE, pasid, 4096 * i, PHYS + 4096 * i) ==
				(i >= from + count);
	}
	good &= stop();
	result(good, "what a device keeps, %s mode%s", scalable ? "scalable" : "legacy",
	       pasid ? ", with PASID" : "");
}

static int flushed_meanwhile;

static void other_flushes(void)
{
	flushed_meanwhile = qi_flush_pages(&unit, DOMAIN + 1, IOVA, IOVA + 4095);
}

/* It keeps a page that is taken away, and does not answer: it is cut off, the others go on. */
static void no_answer(bool scalable)
{
	struct qi_device tlb = { DEVICE, DEVICE, 0, 0 };
	bool good = true;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		good &= start(scalable) && map(&second, IOVA, PHYS) &&
			!attach_ats(DEVICE, DOMAIN) && !attach_ats(OTHER, DOMAIN + 1) &&
			kept_reaches(DEVICE, 0, IOVA, PHYS) && kept_reaches(OTHER, 0, IOVA, PHYS);
		iopt_unmap(&second, IOVA, 4096, NULL, NULL);
		vtd.time_out = true;
		waits = 0;
		/* Only who asked this device learns of it. */
		flushed_meanwhile = 1;
		meanwhile = i % 2 ? other_flushes : NULL;
		good &= !qi_flush_pages(&unit, DOMAIN, IOVA, IOVA + 4095) &&
			qi_flush_device(&unit, &tlb, IOVA, IOVA + 4095) == -ETIMEDOUT &&
			!unit.broken && waits < 1000 && kept_reaches(DEVICE, 0, IOVA, PHYS);
		good &= !context_attach(&unit, DEVICE, 0, &blocked) &&
			!kept_reaches(DEVICE, 0, IOVA, PHYS) && !(vtd.reg[FSTS / 4] & 1 << 6);
		vtd.time_out = false;
		tlb.source = OTHER;
		good &= map(&second, IOVA, 2 * PHYS) &&
			!qi_flush_pages(&unit, DOMAIN + 1, IOVA, IOVA + 4095) &&
			!qi_flush_device(&unit, &tlb, IOVA, IOVA + 4095) &&
			kept_reaches(OTHER, 0, IOVA, 2 * PHYS);
		tlb.source = DEVICE;
		good &= stop();
		seed++;
		good &= i % 2 ? flushed_meanwhile != -ETIMEDOUT && flushed_meanwhile != -EIO : true;
	}
	result(good, "a device that does not answer (ITE), %s mode", scalable ? "scalable" : "legacy");
}

int main(int argc, char **argv)
{
	seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	refusals();
	fault_reasons();
	pasids();
	no_memory();
	nested();
	kept_ranges(false, 0);
	kept_ranges(true, 0);
	kept_ranges(true, PASID);
	no_answer(false);
	no_answer(true);
	return tap_done();
}
