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

#include "iommu/hw/context.h"
#include "iommu/hw/fault_record.h"
#include "iommu/hw/iopt.h"
#include "iommu/hw/qi.h"
#include "machine.h"

#define FSTS	0x34
#define DOMAINS	3

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const u8 *at, *end;
static struct remap_unit unit;
static struct iopt tables[DOMAINS];
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

static enum context_path path(void)
{
	return tables[0].format.first_stage ? PATH_FIRST_STAGE : PATH_SECOND_STAGE;
}

/* Nothing of @domain from @first to @last may be left in the caches, but of other PASIDs. */
static void insist_forgotten(u16 domain, u64 first, u64 last)
{
	unsigned int i;

	for (i = 0; i < VTD_PAGES; i++) {
		const struct vtd_cached *c = &vtd.pages[i];

		if (c->valid && c->domain == domain && !c->pasid)
			insist(c->tag > last || c->tag + (1UL << (3 + 9 * c->level)) - 1 < first,
			       "a translation outlived its invalidation");
	}
}

static void flush(u16 domain, u64 first, u64 last)
{
	int ret = path() == PATH_FIRST_STAGE ?
		  qi_flush_pasid_pages(&unit, domain, 0, first, last) :
		  qi_flush_pages(&unit, domain, first, last);

	insist(!honest || !ret, "an invalidation failed");
	if (!ret && honest)
		insist_forgotten(domain, first, last);
	/* Of a unit that is broken nothing is given back: it may still walk there. */
	while (nr_released)
		if (nr_released-- && !ret)
			shim_free_table(released[nr_released]);
}

static void change_tables(u8 what)
{
	u64 iova = take(5) << 12, size = 4096UL << 9 * (what >> 4 & 3);
	unsigned int domain = what % DOMAINS;

	if (what & 8)
		size = take(3) << 12;
	if (what & 4) {
		iopt_map(&tables[domain], iova, take(5) << 12, size, 1 + take(1) % 4, GFP_KERNEL);
		if (unit.cap & (CAP_CM | CAP_RWBF))
			flush(DOMAIN_ID_FIRST + domain, iova, iova + size - 1);
	} else {
		size = iopt_unmap(&tables[domain], iova, size, release, NULL);
		if (size)
			flush(DOMAIN_ID_FIRST + domain, iova, iova + size - 1);
	}
}

/* What a device keeps of a domain that it leaves is its own affair: here, none keeps anything. */
static void attach(u8 what)
{
	struct context_target target = { .path = PATH_BLOCKED, .domain = DOMAIN_ID_IDENTITY };
	unsigned int domain = what / 4 % DOMAINS;
	struct context_stage *stage = path() == PATH_FIRST_STAGE ? &target.first : &target.second;
	u16 source = take(2);
	u32 pasid = what & 0x80 ? take(3) : 0;
	int ret;

	if (what & 1) {
		target.path = path();
		target.domain = DOMAIN_ID_FIRST + domain;
		*stage = (struct context_stage){ shim_phys(tables[domain].root),
					    tables[domain].format.levels };
	} else if (what & 2) {
		target.path = PATH_PASS_THROUGH;
	}
	/* A table of the first stage is flushed here for one PASID only. */
	if (pasid && target.path == PATH_FIRST_STAGE)
		target.path = PATH_BLOCKED;
	ret = context_attach(&unit, source, pasid, &target);
	insist(!ret || ret == -ENOMEM || ret == -EINVAL || !honest, "a device is not attached");
	if (ret || !honest || !target.path)
		return;
	insist(context_get(&unit, source).lo & ENTRY_PRESENT, "a context entry reads otherwise");
}

/* Whatever the records show: each is taken once. */
static void take_faults(void)
{
	struct fault_record fault;
	unsigned int i;

	for (i = 0; fault_record_next(&unit, &fault); i++)
		insist(i < CAP_NFR(unit.cap) && fault_reason_name(fault.reason),
		       "faults without end");
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
		unit.tail = (unit.tail + (unit.scalable ? 2 : 1)) % QI_ENTRIES;
		break;
	}
}

static bool start(void)
{
	const struct implementation *im = &implementations[take(1) % nr_implementations];
	struct iopt_format format;
	bool scalable = take(1) % 2 && im->choice.ecap & VTD_ECAP_SMTS;
	const char *why;
	unsigned int i;

	machine_start(&im->choice, take(2));
	honest = true;
	nr_released = 0;
	if (remap_probe(&unit, &vtd, &why) || remap_init(&unit))
		return false;
	unit.scalable = scalable;
	format = (struct iopt_format){
		.levels = im->choice.cap & VTD_CAP_SAGAW(3) ? 3 : 4,
		.first_stage = scalable && unit.ecap & ECAP_FSTS && take(1) % 2,
		.coherent = unit.ecap & (scalable ? ECAP_SMPWC : ECAP_C),
		.snoop = unit.ecap & ECAP_SC,
	};
	if (format.first_stage)
		format.levels = 4;
	for (i = 0; i < DOMAINS; i++)
		iopt_init(&tables[i], format, GFP_KERNEL);
	return !remap_enable(&unit);
}

static void stop(void)
{
	static const struct context_target blocked;
	bool whole = honest && !unit.broken;
	unsigned int i;

	for (i = 0; i <= 0xffff && !unit.broken; i++)
		if (unit.root[i >> 8].lo | unit.root[i >> 8].hi)
			context_attach(&unit, i, 0, &blocked);
		else
			i |= 0xff;
	/* Of other PASIDs something may stand: translation ends before the tables go. */
	remap_disable(&unit);
	for (i = 0; i < DOMAINS && !unit.broken; i++)
		iopt_destroy(&tables[i]);
	remap_free(&unit);
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
			attach(what);
			break;
		case 3:
			flush(DOMAIN_ID_FIRST + what % DOMAINS, take(8), take(8));
			break;
		case 4: case 5:
			vtd_dma(&vtd, take(2), what & 2 ? take(3) : VTD_NO_PASID, take(5) << 12,
				what & 1);
			break;
		case 6:
			take_faults();
			break;
		default:
			if (what & 1 || !honest)
				lie(what >> 1);
			else if (what & 2)
				insist(!remap_disable(&unit) && !remap_enable(&unit),
				       "restart");
		}
	}
	insist(!honest || !violations, "violation");
	stop();
	return 0;
}
