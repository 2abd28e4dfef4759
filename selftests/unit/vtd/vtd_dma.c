// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model of the remapping hardware: requests with an address, and the caches behind them.
 *
 * VT-d specification, "DMA Remapping", "First-Stage Translation", "Second-Stage Translation",
 * "Nested Translation", "Caching Translation Information", "Device-TLB", "Fault Conditions". A
 * translation is cached in pieces of 4 KiB, and each paging entry on the way to it for itself, all
 * tagged with the domain, those of the first stage and of nested translation with the PASID, too.
 */
#include "memory.h"
#include "vtd.h"

#define CACHING(v)	((v)->is.cap & VTD_CAP_CM)
#define READ	1
#define WRITE	2
#define ADDRESS	(~0UL >> 12 & ~0xfffUL)
/* Not a code of the specification: what it is called depends on mode and request. */
#define NOT_PRESENT	0xff

bool vtd_translating(const struct vtd *v)
{
	return v->reg[0x1c / 4] >> 31;
}

static struct vtd_cached *page_slot(struct vtd *v, const struct vtd_cached *what)
{
	uint64_t hash = ((what->tag >> 12) * 8 + what->level) * 16 + what->domain;

	hash = hash * 8 + what->path + what->pasid;
	return &v->pages[(hash * 0x9e3779b97f4a7c15UL >> 40) % VTD_PAGES];
}

static bool meets(const struct vtd_cached *c, uint64_t address, unsigned int mask, bool leaf_only)
{
	uint64_t last = address | ((4096UL << mask) - 1), size = 1UL << (12 + 9 * (c->level - 1));

	return c->tag <= last && c->tag + size - 1 >= address && (!leaf_only || c->level == 1);
}

/* What goes by domain; pages of nested translation have no address that this could name. */
void vtd_forget_pages(struct vtd *v, unsigned int granularity, uint16_t domain, uint64_t address,
		      unsigned int mask, bool leaf_only)
{
	unsigned int i;

	for (i = 0; i < VTD_PAGES; i++) {
		struct vtd_cached *c = &v->pages[i];

		if (granularity >= 2 && (c->domain != domain || c->path == VTD_FIRST))
			continue;
		if (granularity == 3 && c->valid &&
		    (c->path == VTD_NESTED || !meets(c, address, mask, leaf_only)))
			continue;
		c->valid = false;
	}
}

void vtd_forget_pasid_pages(struct vtd *v, bool all, uint16_t domain, uint32_t pasid,
			    uint64_t address, unsigned int mask, bool leaf_only)
{
	unsigned int i;

	for (i = 0; i < VTD_PAGES; i++) {
		struct vtd_cached *c = &v->pages[i];

		if (c->valid && c->path & VTD_FIRST && c->domain == domain && c->pasid == pasid &&
		    (all || meets(c, address, mask, leaf_only)))
			c->valid = false;
	}
}

/* Software gives a page back that a cache still leads to. */
void vtd_page_freed(struct vtd *v, uint64_t page)
{
	unsigned int i;

	for (i = 0; i < VTD_PAGES && vtd_translating(v); i++)
		if (v->pages[i].valid && !v->pages[i].reason && v->pages[i].level > 1 &&
		    v->pages[i].lo == page)
			violation("page %#lx is freed, and a paging-structure cache leads to it",
				  page);
	vtd_entries_freed(v, page);
}

/* Which bits of a second-stage entry must be zero. */
static uint64_t second_reserved(const struct vtd *v, unsigned int level, bool leaf)
{
	uint64_t bits = (1UL << 52) - (1UL << v->is.haw);

	if (!(v->is.ecap & VTD_ECAP_DT))
		bits |= 1UL << 62;
	if (!leaf || !(v->is.ecap & VTD_ECAP_SC))
		bits |= 1UL << 11;
	if (level > 3 || (level == 3 && !(v->is.cap & VTD_CAP_1G)) ||
	    (level == 2 && !(v->is.cap & VTD_CAP_2M)))
		bits |= 1UL << 7;
	if (leaf && level > 1)
		bits |= (1UL << (12 + 9 * (level - 1))) - 4096;
	return bits;
}

static uint8_t second_entry(struct vtd *v, uint64_t entry, struct vtd_cached *at, bool leaf)
{
	at->rights &= entry & (READ | WRITE);
	if (!(entry & (READ | WRITE)))
		return NOT_PRESENT;
	if (!(entry & second_reserved(v, at->level, leaf)))
		return 0;
	return vtd_scalable(v) ? SS_RESERVED : PAGING_RESERVED;
}

/* Bits of a first-stage entry that must be zero; above the address there are none but XD. */
static uint64_t first_reserved(const struct vtd *v, const struct vtd_cached *at, bool leaf)
{
	uint64_t bits = 1UL << 63;

	/* In nested translation the second stage says what is too wide. */
	if (at->path == VTD_FIRST)
		bits |= (1UL << 52) - (1UL << v->is.haw);
	if (at->level > 3 || (at->level == 3 && !(v->is.cap & VTD_CAP_FS1GP)))
		bits |= 1UL << 7;
	/* Bit 12 of a large page is part of its memory type. */
	if (leaf && at->level > 1)
		bits |= (1UL << (12 + 9 * (at->level - 1))) - 8192;
	return bits;
}

/* Requests are a user's; the accessed bit is always written, the dirty bit for a write. */
static uint8_t first_entry(struct vtd *v, uint64_t entry, uint64_t slot, struct vtd_cached *at,
			   bool leaf, bool write)
{
	uint64_t marks = 1UL << 5 | (leaf && write && entry & 2 ? 1UL << 6 : 0);

	if (!(entry & 1))
		return NOT_PRESENT;
	if (entry & first_reserved(v, at, leaf))
		return FS_RESERVED;
	if (!(entry & 4))
		return FS_SUPERVISOR;
	if (!(entry & 2))
		at->rights &= ~WRITE;
	if (marks & ~entry) {
		v->marks++;
		mem_set64(slot, marks);
	}
	return 0;
}

static uint8_t walk(struct vtd *v, const struct vtd_way *way, enum vtd_path path, uint64_t address,
		    bool write, struct vtd_cached *page);

/* Nested translation: what the first stage has come to goes through the second. */
static uint8_t through_second(struct vtd *v, const struct vtd_way *way, struct vtd_cached *at)
{
	struct vtd_cached page;
	uint8_t reason;

	if (at->lo >> (12 + 9 * way->second_levels))
		return SM_BEYOND_TABLE;
	reason = walk(v, way, VTD_SECOND, at->lo, false, &page);
	if (reason)
		return reason == NOT_PRESENT ? SS_NOT_PRESENT : reason;
	if (!(page.rights & READ))
		return SS_NOT_PRESENT;
	at->rights &= at->level == 1 ? page.rights : READ | WRITE;
	at->lo = page.lo;
	return 0;
}

/* Follow the tables of a stage for @address. Return: 0 with @page filled, or the fault reason. */
static uint8_t walk(struct vtd *v, const struct vtd_way *way, enum vtd_path path, uint64_t address,
		    bool write, struct vtd_cached *page)
{
	bool first = path & VTD_FIRST;
	unsigned int levels = first ? way->first_levels : way->second_levels;
	struct vtd_cached at = {
		.level = levels + 1, .lo = first ? way->first : way->second, .rights = READ | WRITE,
		.path = path, .domain = way->domain, .pasid = first ? way->pasid : 0,
	};
	struct vtd_cached *c = NULL, what = at;

	for (what.level = 1; what.level <= levels && !c; what.level++) {
		what.tag = address >> (12 + 9 * (what.level - 1)) << (12 + 9 * (what.level - 1));
		c = vtd_look_up(v, page_slot(v, &what), &what);
		if (c)
			at = *c;
	}
	if (!c && path == VTD_NESTED)
		at.reason = through_second(v, way, &at);
	while (!at.reason && at.level > 1) {
		unsigned int shift = 12 + 9 * (at.level - 2);
		uint64_t entry, slot = at.lo + 8 * (address >> shift & 511);
		bool leaf;

		if (!mem_read(slot, &entry))
			return first ? FS_ACCESS : vtd_scalable(v) ? SS_ACCESS : PAGING_ACCESS;
		at.level--;
		at.tag = address >> shift << shift;
		leaf = at.level == 1 || entry >> 7 & 1;
		at.reason = first ? first_entry(v, entry, slot, &at, leaf, write) :
				    second_entry(v, entry, &at, leaf);
		at.lo = entry & ADDRESS;
		if (leaf && !at.reason) {
			at.lo &= ~((1UL << shift) - 1);
			at.lo |= address & ((1UL << shift) - 1) & ~0xfffUL;
			at.tag = address & ~0xfffUL;
			at.level = 1;
		}
		if (!at.reason && path == VTD_NESTED)
			at.reason = through_second(v, way, &at);
		at.valid = true;
		/* What is not present is remembered of the second stage only. */
		if (!at.reason || (CACHING(v) && !first))
			*page_slot(v, &at) = at;
	}
	*page = at;
	return at.reason;
}

/* Where a request goes. Return: 0 with @page filled, or the fault reason. */
static uint8_t resolve(struct vtd *v, const struct vtd_way *way, uint64_t address, bool write,
		       struct vtd_cached *page)
{
	unsigned int width = 12 + 9 * way->second_levels;
	bool scalable = vtd_scalable(v), first = way->path & VTD_FIRST;
	uint8_t reason;

	*page = (struct vtd_cached){ .lo = address & ~0xfffUL, .rights = READ | WRITE };
	if (first && (int64_t)(address << (64 - 12 - 9 * way->first_levels)) >>
		     (64 - 12 - 9 * way->first_levels) != (int64_t)address)
		return FS_NOT_CANONICAL;
	if (!scalable && address >> (width < v->is.mgaw ? width : v->is.mgaw))
		return ADDRESS_TOO_WIDE;
	if (scalable && !first && address >> v->is.mgaw)
		return SM_BEYOND_MACHINE;
	if (way->path == VTD_THROUGH)
		return 0;
	if (scalable && !first && address >> width)
		return SM_BEYOND_TABLE;
	reason = walk(v, way, way->path, address, write, page);
	if (reason && reason != NOT_PRESENT)
		return reason;
	if (reason && scalable)
		return first ? FS_NOT_PRESENT : SS_NOT_PRESENT;
	if (!reason && page->rights & (write ? WRITE : READ))
		return 0;
	if (scalable)
		return write ? SM_WRITE_DENIED : SM_READ_DENIED;
	return write ? WRITE_DENIED : READ_DENIED;
}

/* A request of a device with an address, with or without PASID, not translated by the device. */
struct vtd_answer vtd_dma(struct vtd *v, uint16_t source, uint32_t pasid, uint64_t address,
			  bool write)
{
	struct vtd_answer answer = { .outcome = VTD_ADDRESS, .address = address };
	struct vtd_cached page;
	struct vtd_way way;
	uint8_t reason;

	if (v->no_masters)
		return (struct vtd_answer){ .outcome = VTD_SILENT };
	v->dma_requests++;
	if (!vtd_translating(v))
		return answer;
	reason = vtd_find_way(v, source, pasid, &way);
	if (!reason)
		reason = resolve(v, &way, address, write, &page);
	if (!reason) {
		answer.address = page.lo | (address & 0xfff);
		return answer;
	}
	if (way.quiet)
		return (struct vtd_answer){ .outcome = VTD_FAULT, .reason = reason };
	return vtd_fault(v, reason, source, address & ~0xfffUL, !write);
}

/* --- a device that asks for translations and keeps them (ATS) --- */

static struct vtd_cached *device_slot(struct vtd *v, uint16_t source, uint32_t pasid,
				      uint64_t page)
{
	return &v->device_pages[((page >> 12) * 7 + source + pasid) % VTD_DEVICE_PAGES];
}

/* A range ends where the lowest bit of its address is 0. */
void vtd_forget_device_pages(struct vtd *v, uint16_t source, uint32_t pasid, uint64_t address,
			     bool range)
{
	unsigned int mask = 0, i;
	uint64_t last;

	while (range && mask < 52 && address >> (12 + mask) & 1)
		mask++;
	mask += range;
	last = address | ((4096UL << mask) - 1);
	address &= ~((4096UL << mask) - 1);
	for (i = 0; i < VTD_DEVICE_PAGES; i++) {
		struct vtd_cached *c = &v->device_pages[i];

		if (c->domain == source && c->pasid == pasid && c->tag >= address &&
		    c->tag <= last)
			c->valid = false;
	}
}

/*
 * A write or read of a device that uses what it was told before, or asks now. That it was told
 * nothing is not recorded as a fault: it does not send the request.
 */
struct vtd_answer vtd_dma_ats(struct vtd *v, uint16_t source, uint32_t pasid, uint64_t address,
			      bool write)
{
	struct vtd_cached *c = device_slot(v, source, pasid, address), page;
	struct vtd_answer answer = { .outcome = VTD_FAULT };
	struct vtd_way way;

	if (v->no_masters || !vtd_translating(v))
		return vtd_dma(v, source, pasid, address, write);
	answer.reason = vtd_may_keep(v, source);
	if (answer.reason)
		return answer;
	if (!c->valid || c->domain != source || c->pasid != pasid ||
	    c->tag != (address & ~0xfffUL) || !(c->rights & (write ? WRITE : READ))) {
		answer.reason = vtd_find_way(v, source, pasid, &way);
		if (!answer.reason)
			answer.reason = resolve(v, &way, address, write, &page);
		if (answer.reason)
			return answer;
		*c = (struct vtd_cached){
			.valid = true, .domain = source, .pasid = pasid, .tag = address & ~0xfffUL,
			.lo = page.lo, .rights = page.rights,
		};
	} else {
		v->cache_hits++;
	}
	answer.outcome = VTD_ADDRESS;
	answer.address = c->lo | (address & 0xfff);
	return answer;
}
