// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model of the remapping hardware: requests with an address, and the caches behind them.
 *
 * VT-d specification, "DMA Remapping", "Translation Structure Formats", "Second-Stage Translation",
 * "Caching Translation Information", "Fault Conditions". A translation is cached in pieces of
 * 4 KiB, and each paging entry on the way to it for itself, all tagged with the domain.
 */
#include "memory.h"
#include "vtd.h"

#define CACHING(v)	((v)->is.cap & VTD_CAP_CM)
#define TRANSLATION_ON(v) ((v)->reg[0x1c / 4] >> 31)
#define READ	1
#define WRITE	2

/* A cache may lose anything at any time. */
static struct vtd_cached *look_up(struct vtd *v, struct vtd_cached *cached, uint64_t tag,
				  unsigned int level, unsigned int domain)
{
	if (!cached->valid || cached->tag != tag || cached->level != level ||
	    (level && cached->domain != domain))
		return NULL;
	if (mem_random() % 8 == 0) {
		cached->valid = false;
		return NULL;
	}
	v->cache_hits++;
	return cached;
}

static struct vtd_cached *page_slot(struct vtd *v, uint64_t tag, unsigned int level,
				    unsigned int domain)
{
	uint64_t hash = ((tag >> 12) * 8 + level) * 16 + domain;

	return &v->pages[(hash * 0x9e3779b97f4a7c15UL >> 40) % VTD_PAGES];
}

void vtd_forget_contexts(struct vtd *v, unsigned int granularity, uint16_t domain, uint16_t source,
			 unsigned int function_mask)
{
	static const uint16_t ignored[] = { 0, 4, 6, 7 };
	unsigned int i;

	for (i = 0; i < VTD_CONTEXTS; i++) {
		struct vtd_cached *c = &v->contexts[i];

		if (granularity >= 2 && c->domain != domain)
			continue;
		if (granularity == 3 && (c->tag ^ source) & ~ignored[function_mask])
			continue;
		c->valid = false;
	}
}

void vtd_forget_pages(struct vtd *v, unsigned int granularity, uint16_t domain, uint64_t address,
		      unsigned int mask, bool leaf_only)
{
	uint64_t last = address | ((4096UL << mask) - 1);
	unsigned int i;

	for (i = 0; i < VTD_PAGES; i++) {
		struct vtd_cached *c = &v->pages[i];
		uint64_t size = 1UL << (12 + 9 * (c->level - 1));

		if (granularity >= 2 && c->domain != domain)
			continue;
		if (granularity == 3 && c->valid &&
		    (c->tag > last || c->tag + size - 1 < address || (leaf_only && c->level > 1)))
			continue;
		c->valid = false;
	}
}

/* Software gives a page back that a cache still leads to. */
void vtd_page_freed(struct vtd *v, uint64_t page)
{
	unsigned int i;

	for (i = 0; i < VTD_PAGES; i++)
		if (v->pages[i].valid && !v->pages[i].reason && v->pages[i].level > 1 &&
		    v->pages[i].lo == page)
			violation("page %#lx is freed, and a paging-structure cache leads to it",
				  page);
	for (i = 0; i < VTD_CONTEXTS; i++)
		if (v->contexts[i].valid && !v->contexts[i].reason &&
		    (v->contexts[i].lo & ~0xfffUL) == page)
			violation("page %#lx is freed, and the context cache leads to it", page);
	if (TRANSLATION_ON(v) && v->root == page)
		violation("the root table is freed while translation is on");
}

/* Return: 0 or the fault reason. */
static uint8_t read_context(struct vtd *v, uint16_t source, uint64_t *lo, uint64_t *hi)
{
	uint64_t root = (v->root & ~0xfffUL) + 16 * (source >> 8), width, tt, above = v->is.haw;

	if (!mem_read(root, lo) || !mem_read(root + 8, hi))
		return ROOT_ACCESS;
	if (!(*lo & 1))
		return ROOT_NOT_PRESENT;
	if (*lo & 0xffe || *lo >> above || *hi)
		return ROOT_RESERVED;
	root = (*lo & ~0xfffUL) + 16 * (source & 0xff);
	if (!mem_read(root, lo) || !mem_read(root + 8, hi))
		return CONTEXT_ACCESS;
	if (!(*lo & 1))
		return CONTEXT_NOT_PRESENT;
	if (*lo & 0xff0 || *lo >> above || *hi & 0x80 || *hi >> 24 ||
	    vtd_bits(*hi, 23, 8) >> (4 + 2 * v->is.domains))
		return CONTEXT_RESERVED;
	tt = vtd_bits(*lo, 3, 2);
	width = *hi & 7;
	if (!(v->is.cap >> 8 >> width & 1) || width > 3 || tt == 3 ||
	    (tt == 1 && !(v->is.ecap & VTD_ECAP_DT)))
		return CONTEXT_INVALID;
	/* Pass-through wants the widest width there is. */
	if (tt == 2 && (!(v->is.ecap & VTD_ECAP_PT) || vtd_bits(v->is.cap, 12, 8) >> width > 1))
		return CONTEXT_INVALID;
	return 0;
}

static uint8_t find_context(struct vtd *v, uint16_t source, uint64_t *lo, uint64_t *hi)
{
	struct vtd_cached *slot = &v->contexts[(source ^ source >> 6) % VTD_CONTEXTS];
	struct vtd_cached *c = look_up(v, slot, source, 0, 0);
	uint8_t reason;

	if (c) {
		*lo = c->lo;
		*hi = c->hi;
		return c->reason;
	}
	reason = read_context(v, source, lo, hi);
	if (!reason || CACHING(v))
		*slot = (struct vtd_cached){
			.valid = true, .tag = source, .lo = *lo, .hi = *hi, .reason = reason,
			/* What is not present or wrong is kept for domain 0. */
			.domain = reason ? 0 : vtd_bits(*hi, 23, 8),
		};
	return reason;
}

/* Which bits of a paging entry must be zero. */
static uint64_t reserved_bits(const struct vtd *v, unsigned int level, bool leaf)
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

/* Follow the tables for @address. Return: 0 with @page filled, or the fault reason. */
static uint8_t walk(struct vtd *v, uint64_t root, unsigned int levels, unsigned int domain,
		    uint64_t address, struct vtd_cached *page)
{
	struct vtd_cached at = { .level = levels + 1, .lo = root, .rights = READ | WRITE };
	struct vtd_cached *c;
	unsigned int level;

	for (level = 1; level <= levels; level++) {
		uint64_t tag = address >> (12 + 9 * (level - 1)) << (12 + 9 * (level - 1));

		c = look_up(v, page_slot(v, tag, level, domain), tag, level, domain);
		if (c) {
			at = *c;
			break;
		}
	}
	while (!at.reason && at.level > 1) {
		unsigned int shift = 12 + 9 * (at.level - 2);
		uint64_t entry, slot = at.lo + 8 * (address >> shift & 511);
		bool leaf;

		if (!mem_read(slot, &entry))
			return PAGING_ACCESS;
		at.level--;
		at.tag = address >> shift << shift;
		at.rights &= entry & (READ | WRITE);
		leaf = at.level == 1 || entry >> 7 & 1;
		if (!(entry & (READ | WRITE)))
			at.reason = READ_DENIED;
		else if (entry & reserved_bits(v, at.level, leaf))
			at.reason = PAGING_RESERVED;
		at.lo = entry & vtd_bits(~0UL, 51, 12) << 12;
		if (leaf && !at.reason) {
			at.lo |= address & ((1UL << shift) - 1) & ~0xfffUL;
			at.tag = address & ~0xfffUL;
			at.level = 1;
		}
		at.valid = true;
		at.domain = domain;
		if (!at.reason || CACHING(v))
			*page_slot(v, at.tag, at.level, domain) = at;
	}
	*page = at;
	return at.reason;
}

/* A request of a device with an address, without PASID and not translated by the device. */
struct vtd_answer vtd_dma(struct vtd *v, uint16_t source, uint64_t address, bool write)
{
	struct vtd_answer answer = { .outcome = VTD_ADDRESS, .address = address };
	uint8_t reason, denied = write ? WRITE_DENIED : READ_DENIED;
	unsigned int width, levels;
	struct vtd_cached page;
	uint64_t lo, hi;

	v->dma_requests++;
	if (!TRANSLATION_ON(v))
		return answer;
	reason = find_context(v, source, &lo, &hi);
	if (reason)
		goto out_fault;
	levels = (hi & 7) + 2;
	width = 12 + 9 * levels < v->is.mgaw ? 12 + 9 * levels : v->is.mgaw;
	if (address >> width) {
		reason = ADDRESS_TOO_WIDE;
		goto out_fault;
	}
	if (vtd_bits(lo, 3, 2) == 2)
		return answer;
	reason = walk(v, lo & ~0xfffUL, levels, vtd_bits(hi, 23, 8), address, &page);
	if (reason == READ_DENIED || (!reason && !(page.rights & (write ? WRITE : READ))))
		reason = denied;
	if (reason)
		goto out_fault;
	answer.address = page.lo | (address & 0xfff);
	return answer;

out_fault:
	/* Fault Processing Disable: nothing is recorded for what the entry itself causes. */
	if (lo & 2 && reason != ROOT_NOT_PRESENT && reason != ROOT_ACCESS &&
	    reason != ROOT_RESERVED && reason != CONTEXT_ACCESS)
		return (struct vtd_answer){ .outcome = VTD_FAULT, .reason = reason };
	return vtd_fault(v, reason, source, address & ~0xfffUL, !write);
}
