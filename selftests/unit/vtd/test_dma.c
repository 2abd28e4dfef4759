// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA remapping: the driver's tables and invalidations against the model of the hardware. TAP.
 *
 * Random maps, unmaps, attachments, invalidations and restarts, beside an oracle that is an array
 * of what each domain maps. After each operation a device reaches exactly that; at each store of
 * the driver on the way it reaches the old or the new. The functions do_*() use iommu/hw in the
 * order in which iommu/linux/domain.c does. VT-d specification, "DMA Remapping".
 */
#include <stdio.h>
#include <stdlib.h>

#include "iommu/hw/context.h"
#include "iommu/hw/fault_record.h"
#include "iommu/hw/iopt.h"
#include "iommu/hw/qi.h"
#include "machine.h"

#define DEVICES		4
#define DOMAINS		3
#define SPAN		(2UL << 30)
#define PAGES		(SPAN >> 12)
#define BASE		(1UL << 30)
#define RIGHTS		(SLPTE_READ | SLPTE_WRITE)

enum { BLOCKED = DOMAINS, IDENTITY };

static const u16 devices[DEVICES] = { 0x0008, 0x0008, 0x00ff, 0x8110 };
/* Where there are no PASIDs, the second is a device of its own. */
static const u32 pasids[DEVICES] = { 0, 4711, 0, 0 };

static struct remap_unit unit;
static struct iopt tables[DOMAINS];
static enum context_path paths[DOMAINS];
/* The second stage of nested domains: everything where it is. */
static struct iopt behind;
static u64 oracle[DOMAINS][PAGES];	/* address and rights, or 0 */
static unsigned int attached[DEVICES];
static bool keeps[DEVICES];		/* it keeps translations */
static bool failed;

/* What is being changed: a range of a domain, and a device's domain. */
static struct {
	unsigned int domain;
	u64 first, count;
	u64 target;		/* address and rights of the first page, or 0 */
	u64 untold;		/* mapped, and the unit was not told: it may know them as absent */
	int device;
	unsigned int next;
} change;

static void fail(const char *what, unsigned int device, u64 iova, bool write,
		 const struct vtd_answer *got)
{
	if (!failed)
		printf("# %s: device %u (domain %u) %s %#lx: %s %#lx, reason %#x, after %lu stores\n",
		       what, device, attached[device], write ? "writes" : "reads", iova,
		       got->outcome == VTD_FAULT ? "fault" : "reaches", got->address, got->reason,
		       memory.stores);
	failed = true;
}

static void check(bool good, const char *what)
{
	if (!good && !failed)
		printf("# %s, after %lu stores\n", what, memory.stores);
	failed |= !good;
}

static u16 source_of(unsigned int device)
{
	return devices[device] + (device == 1 && !(unit.ecap & ECAP_PASID && unit.scalable));
}

static u32 pasid_of(unsigned int device)
{
	return source_of(device) == devices[device] ? pasids[device] : 0;
}

static bool is_blocked(u8 reason)
{
	return reason == CONTEXT_NOT_PRESENT || reason == ROOT_NOT_PRESENT ||
	       reason == SM_ROOT_NOT_PRESENT || reason == SM_CONTEXT_NOT_PRESENT ||
	       reason == DIRECTORY_NOT_PRESENT || reason == PASID_NOT_PRESENT ||
	       /* A device that asked for a translation, and may not. */
	       reason == SM_NO_ATS || reason == CONTEXT_INVALID;
}

static u8 denied(unsigned int domain, bool write, u64 entry)
{
	if (!unit.scalable)
		return write ? WRITE_DENIED : READ_DENIED;
	if (!(entry & RIGHTS))
		return paths[domain] == PATH_SECOND_STAGE ? SS_NOT_PRESENT : FS_NOT_PRESENT;
	return write ? SM_WRITE_DENIED : SM_READ_DENIED;
}

static bool is(const struct vtd_answer *got, unsigned int domain, u64 iova, bool write, u64 entry)
{
	if (domain == BLOCKED)
		return got->outcome == VTD_FAULT && is_blocked(got->reason);
	if (domain == IDENTITY)
		return got->outcome == VTD_ADDRESS && got->address == iova;
	if (!(entry & (write ? SLPTE_WRITE : SLPTE_READ)))
		return got->outcome == VTD_FAULT && got->reason == denied(domain, write, entry);
	return got->outcome == VTD_ADDRESS && got->address == ((entry & ADDR_MASK) | (iova & 4095));
}

static bool as_in_domain(const struct vtd_answer *got, unsigned int domain, u64 page, u64 iova,
			 bool write)
{
	u64 entry = 0, offset = page - change.first;

	if (domain < DOMAINS) {
		entry = oracle[domain][page];
		if (domain == change.domain && offset < change.count &&
		    is(got, domain, iova, write,
		       change.target ? change.target + (offset << 12) : 0))
			return true;
		if (domain == change.domain && page - change.first < change.untold &&
		    is(got, domain, iova, write, 0))
			return true;
	}
	return is(got, domain, iova, write, entry);
}

static void probe(unsigned int device, u64 page)
{
	u64 iova = BASE + (page << 12) + mem_random() % 4096;
	bool write = mem_random() % 2;
	struct vtd_answer got;

	if (keeps[device] && mem_random() % 2)
		got = vtd_dma_ats(&vtd, source_of(device), VTD_NO_PASID, iova, write);
	else
		got = vtd_dma(&vtd, source_of(device), pasid_of(device) ?: VTD_NO_PASID, iova,
			      write);
	if (as_in_domain(&got, attached[device], page, iova, write))
		return;
	if ((int)device == change.device &&
	    (is(&got, BLOCKED, iova, write, 0) ||
	     as_in_domain(&got, change.next, page, iova, write)))
		return;
	fail(change.count || change.device >= 0 ? "on the way" : "at rest", device, iova, write,
	     &got);
}

/* Somewhere, or where something changes. */
static void probe_some(unsigned int times)
{
	while (times--) {
		u64 page = mem_random() % PAGES;

		if (change.count && times % 4)
			page = change.first + (times % 4 == 1 ? 0 :
					       times % 4 == 2 ? change.count - 1 :
					       mem_random() % change.count);
		probe(change.device >= 0 && times % 2 ? (unsigned int)change.device :
		      mem_random() % DEVICES, page);
	}
}

/* Another processor maps a page somewhere else: only changes of one range exclude each other. */
static void other_processor(void)
{
	unsigned int domain = mem_random() % 4 ? change.domain : mem_random() % DOMAINS, i;
	u64 page = change.first + mem_random() % 64 - 32, phys = mem_random() % 1024 << 12;

	/* A unit that must be told of a new page is not told here. */
	if (unit.cap & (CAP_CM | CAP_RWBF) || page >= PAGES || oracle[domain][page] ||
	    (domain == change.domain && page - change.first < change.count))
		return;
	check(!iopt_map(&tables[domain], BASE + (page << 12), phys, 4096, RIGHTS, GFP_KERNEL),
	      "another processor maps");
	mem_settle();
	oracle[domain][page] = phys | RIGHTS;
	for (i = 0; i < DEVICES; i++)
		if (attached[i] == domain)
			probe(i, page);
}

static void on_the_way(void)
{
	if (memory.fail_in < 0 && mem_random() % (memory.racing ? 2 : 16) == 0)
		other_processor();
	probe_some(4);
}

/* Nothing changes any more: look where it did, and elsewhere. */
static void at_rest(u64 first, u64 count)
{
	unsigned int i;

	mem_settle();
	change.count = 0;
	change.device = -1;
	for (i = 0; i < 8 && count; i++)
		probe(mem_random() % DEVICES, first + mem_random() % count);
	probe_some(8);
}

static bool in_use(unsigned int domain)
{
	unsigned int i;

	for (i = 0; i < DEVICES; i++)
		if (attached[i] == domain)
			return true;
	return false;
}

static void *released[4096];
static unsigned int nr_released;

static void release(void *page, void *arg)
{
	(void)arg;
	released[nr_released++] = page;
}

/* As domain.c does it: the unit first, then the devices that keep what they got from it. */
static void flush(unsigned int domain, u64 first, u64 last)
{
	u16 id = DOMAIN_ID_FIRST + domain;
	unsigned int i;

	if (in_use(domain) && paths[domain] == PATH_SECOND_STAGE)
		check(!qi_flush_pages(&unit, id, first, last), "flush");
	for (i = 0; i < DEVICES; i++) {
		struct qi_device tlb = { source_of(i), devices[0], 0, 0 };

		if (attached[i] != domain)
			continue;
		if (paths[domain] != PATH_SECOND_STAGE)
			check(!qi_flush_pasid_pages(&unit, id, pasid_of(i), first, last), "flush");
		if (keeps[i])
			check(!qi_flush_device(&unit, &tlb, first, last), "flush of a device");
	}
	while (nr_released)
		shim_free_table(released[--nr_released]);
}

static int map_run(unsigned int domain, u64 iova, u64 phys, u64 size, u64 count, u64 rights,
		   u64 *done)
{
	u64 small = size == 1UL << 30 && unit.cap & CAP_SLLPS_2M ? 1UL << 21 : 4096, mapped, part;
	int ret;

	for (*done = 0; *done < size * count; *done += size) {
		ret = iopt_map_run(&tables[domain], iova + *done, phys + *done, size,
				   count - *done / size, rights, GFP_KERNEL, &mapped);
		*done += mapped * size;
		if (ret != -EEXIST || size == 4096)
			return ret;
		ret = map_run(domain, iova + *done, phys + *done, small, size / small, rights,
			      &part);
		if (!ret)
			continue;
		if (part) {
			iopt_unmap(&tables[domain], iova + *done, part, release, NULL);
			flush(domain, iova + *done, iova + *done + part - 1);
		}
		return ret;
	}
	return 0;
}

/* Pages of one size, up to the first that something stands in. */
static void do_map(unsigned int domain, u64 first, u64 size, u64 count)
{
	u64 phys = mem_random() << 12 & ADDR_MASK & ((1UL << vtd.is.haw) - 1) & ~(size - 1);
	u64 done, i, pages = size >> 12, can, rights = 1 + mem_random() % 3;
	u64 seen = paths[domain] == PATH_SECOND_STAGE ? rights : rights | SLPTE_READ;
	int ret;

	if (phys + size * count > 1UL << vtd.is.haw)
		phys = 0;
	for (can = 0; can < count * pages && !oracle[domain][first + can]; can++)
		;
	can -= can % pages;
	change.domain = domain;
	change.first = first;
	change.count = count * pages;
	change.target = phys | seen;
	ret = map_run(domain, BASE + (first << 12), phys, size, count, rights, &done);
	mem_settle();
	done >>= 12;
	check((ret == (can == count * pages ? 0 : -EEXIST) && done == can) ||
	      (ret == -ENOMEM && memory.fail_in < 0 && done <= can && done % pages == 0), "map");
	for (i = 0; i < done; i++)
		oracle[domain][first + i] = change.target + (i << 12);
	change.count = 0;
	if (done && unit.cap & (CAP_CM | CAP_RWBF)) {
		change.untold = done;
		flush(domain, BASE + (first << 12), BASE + ((first + done) << 12) - 1);
		change.untold = 0;
	}
	at_rest(first, done);
}

/* Up to the first hole, or page that lies in the range only in part. */
static u64 can_unmap(unsigned int domain, u64 first, u64 count)
{
	struct iopt_walk look;
	u64 done = 0, pages;

	while (done < count && oracle[domain][first + done]) {
		iopt_look(&tables[domain], BASE + ((first + done) << 12), &look);
		pages = 1UL << 9 * (tables[domain].format.levels - look.depth);
		if ((first + done) & (pages - 1) || pages > count - done)
			break;
		done += pages;
	}
	return done;
}

static void do_unmap(unsigned int domain, u64 first, u64 count)
{
	u64 i, done, can = can_unmap(domain, first, count);

	change.domain = domain;
	change.first = first;
	change.count = count;
	change.target = 0;
	done = iopt_unmap(&tables[domain], BASE + (first << 12), count << 12, release, NULL) >> 12;
	check(done == can, "unmapped something else than was asked for");
	if (done)
		flush(domain, BASE + (first << 12), BASE + ((first + done) << 12) - 1);
	for (i = 0; i < done; i++)
		oracle[domain][first + i] = 0;
	at_rest(first, done);
}

static struct context_target target_of(unsigned int domain)
{
	struct context_target target = { .path = PATH_BLOCKED };
	struct context_stage stage;

	if (domain == IDENTITY) {
		target.path = PATH_PASS_THROUGH;
		target.domain = DOMAIN_ID_IDENTITY;
	} else if (domain < DOMAINS) {
		stage = (struct context_stage){ shim_phys(tables[domain].root),
					   tables[domain].format.levels };
		target.path = paths[domain];
		target.domain = DOMAIN_ID_FIRST + domain;
		if (target.path & PATH_FIRST_STAGE)
			target.first = stage;
		else
			target.second = stage;
		if (target.path == PATH_NESTED)
			target.second = (struct context_stage){ shim_phys(behind.root),
							   behind.format.levels };
	}
	return target;
}

static int attach(unsigned int device, const struct context_target *target)
{
	return context_attach(&unit, source_of(device), pasid_of(device), target);
}

/* What a device keeps would outlive the change: it is stopped and emptied first. */
static void take_back(unsigned int device)
{
	struct qi_device tlb = { source_of(device), devices[0], 0, 0 };
	struct context_target blocked = target_of(BLOCKED);

	change.device = device;
	change.next = BLOCKED;
	check(!attach(device, &blocked), "take back");
	check(!qi_flush_device(&unit, &tlb, 0, ~0UL), "flush of a device");
	mem_settle();
	keeps[device] = false;
	attached[device] = BLOCKED;
}

static void do_attach(unsigned int device, unsigned int domain)
{
	struct context_target target = target_of(domain);
	int ret;

	if (keeps[device])
		take_back(device);
	target.ats = domain < DOMAINS && unit.ecap & ECAP_DT && !pasid_of(device) &&
		     mem_random() % 2;
	change.device = device;
	change.next = domain;
	ret = attach(device, &target);
	check(!ret || (ret == -ENOMEM && memory.fail_in < 0), "attach");
	mem_settle();
	if (!ret) {
		attached[device] = domain;
		keeps[device] = target.ats;
	}
	at_rest(0, 0);
}

/* Translation is off in between: nothing is probed. */
static void do_restart(void)
{
	struct context_target target = target_of(attached[3]);

	memory.observe = NULL;
	check(!remap_disable(&unit), "disable");
	target.ats = keeps[3];
	if (mem_random() % 2)
		check(!attach(3, &target), "attach while off");
	check(!remap_enable(&unit), "enable");
	memory.observe = on_the_way;
	at_rest(0, 0);
}

/* Everything where it is, in the largest pages that there are. */
static bool make_behind(struct iopt_format format)
{
	u64 mapped, count = 1UL << vtd.is.haw >> 30;

	format.first_stage = false;
	format.snoop = unit.ecap & ECAP_SC;
	return !iopt_init(&behind, format, GFP_KERNEL) &&
	       !iopt_map_run(&behind, 0, 0, 1UL << 30, count, RIGHTS, GFP_KERNEL, &mapped);
}

/* In scalable mode the domains go through different stages, as far as there are any. */
static bool make_domains(void)
{
	unsigned int sagaw = CAP_SAGAW(unit.cap), levels = 0, i;
	struct iopt_format format;

	for (i = 3; i <= 5; i++)
		if (sagaw & 1U << (i - 2))
			levels = i;
	behind.root = NULL;
	for (i = 0; i < DOMAINS; i++) {
		paths[i] = PATH_SECOND_STAGE;
		if (unit.scalable && unit.ecap & ECAP_FSTS && i != 1)
			paths[i] = i == 0 || !(unit.ecap & ECAP_NEST) ? PATH_FIRST_STAGE :
				   PATH_NESTED;
		if (unit.scalable && !(unit.ecap & ECAP_SSTS))
			paths[i] = PATH_FIRST_STAGE;
		format = (struct iopt_format){
			.levels = levels, .first_stage = paths[i] != PATH_SECOND_STAGE,
			.coherent = unit.ecap & (unit.scalable ? ECAP_SMPWC : ECAP_C),
			.snoop = unit.ecap & ECAP_SC,
		};
		if (format.first_stage)
			format.levels = unit.cap & CAP_FS5LP ? 5 : 4;
		if (iopt_init(&tables[i], format, GFP_KERNEL))
			return false;
		if (paths[i] == PATH_NESTED) {
			format.levels = levels;
			if (!make_behind(format))
				return false;
		}
	}
	return true;
}

static bool start(const struct vtd_choice *choice, bool scalable, u64 seed)
{
	unsigned int i;
	const char *why;

	machine_start(choice, seed);
	memset(oracle, 0, sizeof(oracle));
	change.count = 0;
	change.untold = 0;
	change.device = -1;
	failed = false;
	if (remap_probe(&unit, &vtd, &why) || remap_init(&unit))
		return false;
	unit.scalable = scalable;
	if (!make_domains())
		return false;
	for (i = 0; i < DEVICES; i++) {
		attached[i] = BLOCKED;
		keeps[i] = false;
	}
	if (remap_enable(&unit))
		return false;
	memory.observe = on_the_way;
	return true;
}

static void stop(void)
{
	struct context_target blocked = target_of(BLOCKED);
	unsigned int i;

	memory.observe = NULL;
	for (i = 0; i < DEVICES; i++)
		attach(i, &blocked);
	for (i = 0; i < DOMAINS; i++)
		iopt_destroy(&tables[i]);
	iopt_destroy(&behind);
	check(!remap_disable(&unit), "disable");
	remap_free(&unit);
	check(!memory.in_use, "pages are left over");
	check(!vtd.marks, "the hardware had to mark what it accessed");
}

static void one_operation(void)
{
	unsigned int domain = mem_random() % DOMAINS, dice = mem_random() % 100;
	u64 size = 1, first, count;

	if (mem_random() % 50 == 0)
		memory.fail_in = mem_random() % 4;
	/* Large pages where the unit has them, ranges around them where it has not. */
	if (mem_random() % 4 == 0)
		size = mem_random() % 16 ? 512 : 512 * 512;
	/* Few places, so that operations meet, and meet the ends of tables. */
	first = mem_random() % (PAGES / size) & (size == 1 ? 0x40407 : size == 512 ? 0x403 : 1);
	if (size == 1 && mem_random() % 2)
		first += 508;
	if (dice < 45) {
		if (size > 512 && !(unit.cap & (paths[domain] == PATH_SECOND_STAGE ? CAP_SLLPS_1G :
						CAP_FS1GP)))
			size = 512;
		if (size == 512 && !(unit.cap & CAP_SLLPS_2M))
			size = 1;
		count = 1 + mem_random() % (size > 1 ? 2 : mem_random() % 16 ? 12 : 1100);
		first *= size;
		if (first + size * count > PAGES)
			count = 1;
		do_map(domain, first, size << 12, count);
	} else if (dice < 85) {
		first *= size;
		count = size > 1 ? size : 1 + mem_random() % (mem_random() % 16 ? 12 : 1100);
		if (first + count > PAGES)
			count = PAGES - first;
		do_unmap(domain, first, count);
	} else if (dice < 97) {
		domain = mem_random() % (unit.ecap & ECAP_PT ? DOMAINS + 2 : DOMAINS + 1);
		do_attach(mem_random() % DEVICES, domain);
	} else if (dice < 98) {
		do_restart();
	} else {
		flush(domain, 0, ~0UL);
		at_rest(0, 0);
	}
	memory.fail_in = -1;
}

#define ROUNDS 6

/* Each round begins with empty tables. */
static void random_operations(const struct implementation *implementation, bool scalable, u64 seed,
			      unsigned int operations)
{
	unsigned long hits = 0, requests = 0, stores = 0;
	unsigned int round = 0, i = 0;
	bool good = true;

	for (; good && round < ROUNDS; round++) {
		good = start(&implementation->choice, scalable, seed * ROUNDS + round);
		for (i = 0; good && i < operations / ROUNDS && !failed && !violations; i++)
			one_operation();
		hits += vtd.cache_hits;
		requests += vtd.dma_requests;
		if (good && !failed)
			stop();
		stores += memory.stores;
		good &= !failed && !violations;
	}
	printf("# seed %lu: %u rounds of %u operations, %lu stores, %lu requests, %lu hits of caches\n",
	       seed, round, i, stores, requests, hits);
	result(good, "dma: %s%s", implementation->name,
	       implementation->choice.ecap & VTD_ECAP_SMTS && !scalable ? ", unused" : "");
}

int main(int argc, char **argv)
{
	u64 seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	unsigned int operations = argc > 2 ? atoi(argv[2]) : 6000, i;

	for (i = 0; i < nr_implementations; i++) {
		random_operations(&implementations[i], false, seed, operations);
		if (implementations[i].choice.ecap & VTD_ECAP_SMTS)
			random_operations(&implementations[i], true, seed, operations);
	}
	return tap_done();
}
