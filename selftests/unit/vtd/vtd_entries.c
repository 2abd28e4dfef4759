// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model of the remapping hardware: what root, context and PASID entries say of a requester.
 *
 * VT-d specification, "Translation Structure Formats", "Context Cache", "PASID Cache". In legacy
 * mode a context entry says it; in scalable mode a context entry leads through a directory to the
 * PASID-table entry, in which the way of requests without PASID stands at RID_PASID. Both kinds of
 * entries are cached, what is not present as well in caching mode, for domain 0.
 */
#include "memory.h"
#include "vtd.h"

bool vtd_scalable(const struct vtd *v)
{
	return vtd_bits(v->root, 11, 10) == 1;
}

/* A cache may lose anything at any time. */
struct vtd_cached *vtd_look_up(struct vtd *v, struct vtd_cached *slot,
			       const struct vtd_cached *what)
{
	if (!slot->valid || slot->tag != what->tag || slot->level != what->level ||
	    slot->path != what->path || slot->pasid != what->pasid ||
	    (what->level && slot->domain != what->domain))
		return NULL;
	if (mem_random() % 8 == 0) {
		slot->valid = false;
		return NULL;
	}
	v->cache_hits++;
	return slot;
}

void vtd_forget_contexts(struct vtd *v, unsigned int granularity, uint16_t domain, uint16_t source,
			 unsigned int function_mask)
{
	static const uint16_t ignored[] = { 0, 4, 6, 7 };
	unsigned int i;

	for (i = 0; i < VTD_CONTEXTS; i++) {
		struct vtd_cached *c = &v->contexts[i];

		/* Contexts of scalable mode have no domain. */
		if (granularity >= 2 && !vtd_scalable(v) && c->domain != domain)
			continue;
		if (granularity == 3 && (c->tag ^ source) & ~ignored[function_mask])
			continue;
		c->valid = false;
	}
}

void vtd_forget_pasids(struct vtd *v, unsigned int granularity, uint16_t domain, uint32_t pasid)
{
	unsigned int i;

	for (i = 0; i < VTD_PASIDS; i++) {
		struct vtd_cached *c = &v->pasids[i];

		if (granularity == 3 ||
		    (c->domain == domain && (granularity == 0 || c->pasid == pasid)))
			c->valid = false;
	}
}

/* Software gives a page back that a cached entry leads to. */
void vtd_entries_freed(struct vtd *v, uint64_t page)
{
	const uint64_t address = vtd_bits(~0UL, 51, 12) << 12;
	unsigned int i;

	if (!vtd_translating(v))
		return;
	for (i = 0; i < VTD_CONTEXTS; i++)
		if (v->contexts[i].valid && !v->contexts[i].reason &&
		    (v->contexts[i].lo & address) == page)
			violation("page %#lx is freed, and the context cache leads to it", page);
	for (i = 0; i < VTD_PASIDS; i++) {
		const struct vtd_cached *c = &v->pasids[i];

		if (c->valid && !c->reason &&
		    ((c->lo & address) == page || (c->third & address) == page))
			violation("page %#lx is freed, and the PASID cache leads to it", page);
	}
	if (v->root == page)
		violation("the root table is freed while translation is on");
}

/* --- legacy mode --- */

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

/* --- scalable mode --- */

static uint8_t read_scalable_context(struct vtd *v, uint16_t source, uint64_t *lo, uint64_t *hi)
{
	uint64_t at = (v->root & ~0xfffUL) + 16 * (source >> 8) + (source & 0x80 ? 8 : 0), rest[2];

	if (!mem_read(at, lo))
		return SM_ROOT_ACCESS;
	if (!(*lo & 1))
		return SM_ROOT_NOT_PRESENT;
	if (*lo & 0xffe || *lo >> v->is.haw)
		return SM_ROOT_RESERVED;
	at = (*lo & ~0xfffUL) + 32 * (source & 0x7f);
	if (!mem_read(at, lo) || !mem_read(at + 8, hi) || !mem_read(at + 16, &rest[0]) ||
	    !mem_read(at + 24, &rest[1]))
		return SM_CONTEXT_ACCESS;
	if (!(*lo & 1))
		return SM_CONTEXT_NOT_PRESENT;
	/* There are neither page requests (PRE) nor another RID_PASID than 0 (ECAP.RPS). */
	if (*lo & 0x1f0 || *lo >> v->is.haw || *hi || rest[0] | rest[1] ||
	    (*lo & 4 && !(v->is.ecap & VTD_ECAP_DT)) ||
	    (*lo & 8 && !(v->is.ecap & VTD_ECAP_PASID)))
		return SM_CONTEXT_RESERVED;
	return 0;
}

static bool pasid_reserved(const struct vtd *v, const uint64_t *e)
{
	unsigned int path = vtd_bits(e[0], 8, 6), i;

	for (i = 3; i < 8; i++)
		if (e[i])
			return true;
	if (e[0] & 0xe20 || vtd_bits(e[1], 63, 16) & ~0x180UL || e[2] & 0xff3)
		return true;
	if ((e[1] >> 23 & 1 && !(v->is.ecap & VTD_ECAP_SMPWC)) ||
	    (e[1] >> 24 & 1 && !(v->is.ecap & VTD_ECAP_SC)))
		return true;
	if (path & VTD_SECOND && e[0] >> v->is.haw)
		return true;
	return path == VTD_FIRST && e[2] >> v->is.haw;
}

static bool pasid_invalid(const struct vtd *v, const uint64_t *e)
{
	static const uint64_t needs[] = {
		[VTD_FIRST] = VTD_ECAP_FSTS, [VTD_SECOND] = VTD_ECAP_SSTS,
		[VTD_NESTED] = VTD_ECAP_NEST, [VTD_THROUGH] = VTD_ECAP_PT,
	};
	unsigned int path = vtd_bits(e[0], 8, 6), width = vtd_bits(e[0], 4, 2);
	unsigned int mode = vtd_bits(e[2], 3, 2);

	if (path < VTD_FIRST || path > VTD_THROUGH || !(v->is.ecap & needs[path]))
		return true;
	if (path != VTD_FIRST && (!(v->is.cap >> 8 >> width & 1) || width > 3))
		return true;
	if (path == VTD_THROUGH && vtd_bits(v->is.cap, 12, 8) >> width > 1)
		return true;
	if (vtd_bits(e[1], 15, 0) >> (4 + 2 * v->is.domains))
		return true;
	return path & VTD_FIRST && (mode > 1 || (mode == 1 && !(v->is.cap & VTD_CAP_FS5LP)));
}

/* Return: 0 or the fault reason; of the entry three words are of interest. */
static uint8_t read_pasid(struct vtd *v, uint64_t context, uint32_t pasid, uint64_t *e)
{
	uint64_t at = (context & ~0xfffUL) + 8 * (pasid >> 6), entry;
	unsigned int i;

	if (pasid >> 6 >> (7 + vtd_bits(context, 11, 9)))
		return SM_PASID_TOO_LARGE;
	if (!mem_read(at, &entry))
		return DIRECTORY_ACCESS;
	if (!(entry & 1))
		return DIRECTORY_NOT_PRESENT;
	if (entry & 0xffc || entry >> v->is.haw)
		return DIRECTORY_RESERVED;
	at = (entry & ~0xfffUL) + 64 * (pasid & 63);
	for (i = 0; i < 8; i++)
		if (!mem_read(at + 8 * i, &e[i]))
			return PASID_ACCESS;
	if (!(e[0] & 1))
		return PASID_NOT_PRESENT;
	if (pasid_reserved(v, e))
		return PASID_RESERVED;
	return pasid_invalid(v, e) ? PASID_INVALID : 0;
}

/* --- both, through their caches --- */

static uint8_t find_context(struct vtd *v, uint16_t source, uint64_t *lo, uint64_t *hi)
{
	struct vtd_cached *slot = &v->contexts[(source ^ source >> 6) % VTD_CONTEXTS];
	struct vtd_cached *c = vtd_look_up(v, slot, &(struct vtd_cached){ .tag = source });
	bool scalable = vtd_scalable(v);
	uint8_t reason;

	if (c) {
		*lo = c->lo;
		*hi = c->hi;
		return c->reason;
	}
	reason = scalable ? read_scalable_context(v, source, lo, hi) :
			    read_context(v, source, lo, hi);
	if (!reason || v->is.cap & VTD_CAP_CM)
		*slot = (struct vtd_cached){
			.valid = true, .tag = source, .lo = *lo, .hi = *hi, .reason = reason,
			/* What is not present or wrong is kept for domain 0. */
			.domain = reason || scalable ? 0 : vtd_bits(*hi, 23, 8),
		};
	return reason;
}

static uint8_t find_pasid(struct vtd *v, uint16_t source, uint32_t pasid, uint64_t context,
			  uint64_t *e)
{
	struct vtd_cached *slot = &v->pasids[(source ^ source >> 6 ^ pasid) % VTD_PASIDS];
	struct vtd_cached *c = vtd_look_up(v, slot, &(struct vtd_cached){ .tag = source,
									  .pasid = pasid });
	uint8_t reason;

	if (c) {
		e[0] = c->lo;
		e[1] = c->hi;
		e[2] = c->third;
		return c->reason;
	}
	reason = read_pasid(v, context, pasid, e);
	if (!reason || v->is.cap & VTD_CAP_CM)
		*slot = (struct vtd_cached){
			.valid = true, .tag = source, .pasid = pasid, .lo = e[0], .hi = e[1],
			.third = e[2], .reason = reason,
			.domain = reason ? 0 : vtd_bits(e[1], 15, 0),
		};
	return reason;
}

/* What becomes of a request with or without PASID. Return: 0 with @way filled, or the reason. */
uint8_t vtd_find_way(struct vtd *v, uint16_t source, uint32_t pasid, struct vtd_way *way)
{
	uint64_t lo = 0, hi = 0, e[8] = { 0 };
	uint8_t reason = find_context(v, source, &lo, &hi);

	*way = (struct vtd_way){ .quiet = false };
	if (!vtd_scalable(v)) {
		if (pasid != VTD_NO_PASID)
			return PASID_IN_LEGACY_MODE;
		/* Nothing is recorded for what the entry itself causes. */
		way->quiet = lo & 2 && reason != ROOT_NOT_PRESENT && reason != ROOT_ACCESS &&
			     reason != ROOT_RESERVED && reason != CONTEXT_ACCESS;
		way->path = vtd_bits(lo, 3, 2) == 2 ? VTD_THROUGH : VTD_SECOND;
		way->domain = vtd_bits(hi, 23, 8);
		way->second = lo & ~0xfffUL;
		way->second_levels = (hi & 7) + 2;
		return reason;
	}
	if (reason)
		return reason;
	if (pasid != VTD_NO_PASID && !(lo & 8))
		return SM_NO_PASID;
	way->pasid = pasid == VTD_NO_PASID ? 0 : pasid;
	reason = find_pasid(v, source, way->pasid, lo, e);
	way->quiet = lo & 2 || e[0] & 2;
	way->path = vtd_bits(e[0], 8, 6);
	way->domain = vtd_bits(e[1], 15, 0);
	way->first = e[2] & ~0xfffUL;
	way->first_levels = vtd_bits(e[2], 3, 2) + 4;
	way->second = e[0] & ~0xfffUL;
	way->second_levels = vtd_bits(e[0], 4, 2) + 2;
	return reason;
}

/* May a device ask for translations, and use them? Return: 0 or the fault reason. */
uint8_t vtd_may_keep(struct vtd *v, uint16_t source)
{
	uint64_t lo = 0, hi = 0;
	uint8_t reason = find_context(v, source, &lo, &hi);

	if (reason)
		return reason;
	if (vtd_scalable(v))
		return lo & 4 ? 0 : SM_NO_ATS;
	return vtd_bits(lo, 3, 2) == 1 ? 0 : CONTEXT_INVALID;
}
