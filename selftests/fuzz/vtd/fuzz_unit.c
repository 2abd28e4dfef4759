// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer: any sequence of what iommu/hw is asked to do, and of what hardware does to it.
 *
 * The unit is the model of selftests/unit/vtd. As long as it is honest there is no violation, and
 * after an invalidation its caches are empty where they should be. Then it may stand still, take no
 * commands, show any fault status and records, and find any bytes in its queue: the driver must end
 * every wait and believe nothing. VT-d specification, "Queued Invalidation Interface", "Primary
 * Fault Logging".
 */
#include <stdio.h>
#include <stdlib.h>

#include "iommu/hw/slpt.h"
#include "iommu/hw/unit.h"
#include "machine.h"

#define FSTS	0x34
#define DOMAINS	3

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const u8 *at, *end;
static struct hw_unit unit;
static struct slpt tables[DOMAINS];
static void *released[1024];
static unsigned int nr_released;
static bool honest;

static void insist(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fuzz_unit: %s: %s\n", what, first_violation);
	abort();
}

static u64 take(unsigned int bytes)
{
	u64 value = 0;

	for (; bytes && at < end; bytes--)
		value = value << 8 | *at++;
	return value;
}

static void release(void *page, void *arg)
{
	(void)arg;
	if (nr_released < ARRAY_SIZE(released))
		released[nr_released++] = page;
}

/* Nothing of @domain from @first to @last may be left in the caches. */
static void insist_forgotten(u16 domain, u64 first, u64 last)
{
	unsigned int i;

	for (i = 0; i < VTD_PAGES; i++) {
		const struct vtd_cached *c = &vtd.pages[i];

		if (c->valid && c->domain == domain)
			insist(c->tag > last || c->tag + (1UL << (3 + 9 * c->level)) - 1 < first,
			       "a translation outlived its invalidation");
	}
}

static void flush(u16 domain, u64 first, u64 last)
{
	int ret = hw_flush_pages(&unit, domain, first, last);

	insist(!honest || !ret, "an invalidation failed");
	if (!ret && honest)
		insist_forgotten(domain, first, last);
	/* Of a unit that is broken nothing is given back: it may still walk there. */
	while (nr_released)
		if (nr_released-- && !ret)
			hw_free(released[nr_released], 0);
}

static void change_tables(u8 what)
{
	u64 iova = take(5) << 12, size = 4096UL << 9 * (what >> 4 & 3);
	unsigned int domain = what % DOMAINS;

	if (what & 8)
		size = take(3) << 12;
	if (what & 4) {
		slpt_map(&tables[domain], iova, take(5) << 12, size, 1 + take(1) % 4, GFP_KERNEL);
		if (unit.cap & (CAP_CM | CAP_RWBF))
			flush(HW_FIRST_DOMAIN + domain, iova, iova + size - 1);
	} else {
		size = slpt_unmap(&tables[domain], iova, size, release, NULL);
		if (size)
			flush(HW_FIRST_DOMAIN + domain, iova, iova + size - 1);
	}
}

static void set_context(u8 what)
{
	struct dmar_entry entry = { 0 };
	u16 source = take(2);
	int ret;

	if (what & 1)
		entry = hw_context_table(hw_phys(tables[what / 4 % DOMAINS].root), tables[0].levels,
					 HW_FIRST_DOMAIN + what / 4 % DOMAINS);
	else if (what & 2)
		entry = hw_context_pass_through(&unit);
	ret = hw_context_set(&unit, source >> 8, source, entry);
	insist(!ret || !honest, "a context entry failed");
	if (ret || !honest)
		return;
	entry.lo ^= hw_context_get(&unit, source >> 8, source).lo;
	insist(!entry.lo, "a context entry reads otherwise");
}

/* Whatever the records show: each is taken once. */
static void take_faults(void)
{
	struct hw_fault fault;
	unsigned int i;

	for (i = 0; hw_fault_next(&unit, &fault); i++)
		insist(i < CAP_NFR(unit.cap) && hw_fault_name(fault.reason), "faults without end");
}

static void lie(u8 what)
{
	u32 at_record = VTD_FRO + take(1) % vtd.is.records * 16;

	honest = false;
	switch (what % 5) {
	case 0:
		vtd.hold = !vtd.hold;
		break;
	case 1:
		vtd.deaf = !vtd.deaf;
		break;
	case 2:
		vtd.reg[FSTS / 4] = take(4);
		break;
	case 3:
		vtd.reg[at_record / 4 + 2] = take(4);
		vtd.reg[at_record / 4 + 3] = take(4);
		break;
	default:
		/* Any descriptor but one that writes where it should not. */
		unit.queue[unit.tail].lo = take(8) & ~(u64)QI_WAIT_STATUS;
		unit.queue[unit.tail].hi = take(8);
		unit.tail = (unit.tail + 1) % HW_QUEUE_ENTRIES;
		break;
	}
}

static bool start(void)
{
	const struct implementation *im = &implementations[take(1) % nr_implementations];
	const char *why;
	unsigned int i;

	machine_start(&im->choice, take(2));
	honest = true;
	nr_released = 0;
	if (hw_unit_probe(&unit, &vtd, &why) || hw_unit_init(&unit) || hw_unit_enable(&unit))
		return false;
	for (i = 0; i < DOMAINS; i++)
		slpt_init(&tables[i], im->choice.cap & VTD_CAP_SAGAW(3) ? 3 : 4, unit.ecap & ECAP_C,
			  unit.ecap & ECAP_SC, GFP_KERNEL);
	return true;
}

static void stop(void)
{
	bool whole = honest && !unit.broken;
	unsigned int i, bus;

	for (bus = 0; bus < HW_NR_BUSES; bus++)
		for (i = bus << 8; unit.root[bus].lo && i >> 8 == bus && !unit.broken; i++)
			if (hw_context_get(&unit, bus, i).lo)
				hw_context_set(&unit, bus, i, (struct dmar_entry){ 0 });
	for (i = 0; i < DOMAINS && !unit.broken; i++)
		slpt_destroy(&tables[i]);
	hw_unit_disable(&unit);
	hw_unit_free(&unit);
	insist(!whole || !memory.in_use, "pages are left over");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 what;

	at = data;
	end = data + size;
	insist(start(), "the unit does not start");
	while (at < end) {
		what = take(1);
		switch (take(1) % 8) {
		case 0: case 1:
			change_tables(what);
			break;
		case 2:
			set_context(what);
			break;
		case 3:
			flush(HW_FIRST_DOMAIN + what % DOMAINS, take(8), take(8));
			break;
		case 4: case 5:
			vtd_dma(&vtd, take(2), take(5) << 12, what & 1);
			break;
		case 6:
			take_faults();
			break;
		default:
			if (what & 1 || !honest)
				lie(what >> 1);
			else if (what & 2)
				insist(!hw_unit_disable(&unit) && !hw_unit_enable(&unit),
				       "restart");
		}
	}
	insist(!honest || !violations, "violation");
	stop();
	return 0;
}
