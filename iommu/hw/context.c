// SPDX-License-Identifier: GPL-2.0-only
/*
 * Root and context entries, and in scalable mode PASID directories and tables.
 *
 * VT-d specification, "Translation Structure Formats", "Software Considerations: Caching",
 * "Guidance to Software for Invalidations". In legacy mode a context entry says where requests go.
 * In scalable mode it leads to a PASID directory of the device, and an entry of 64 bytes in a PASID
 * table says where requests go; requests without a PASID use the entry of PASID 0. Both kinds of
 * entry are changed in the same way: the word with Present is cleared first and written last.
 */
#include "command.h"
#include "context.h"
#include "qi.h"

#define PASIDS_PER_TABLE	64

/* Link a page of zeros from @link. The caller holds a spinlock. */
static bool link_page(struct remap_unit *unit, u64 *link, u64 bits)
{
	void *page = shim_alloc(0, GFP_ATOMIC);

	if (!page)
		return false;
	remap_publish(unit, page, 4096);
	dma_wmb();
	shim_store64(link, shim_phys(page) | bits | ENTRY_PRESENT);
	remap_publish(unit, link, sizeof(*link));
	return true;
}

static u64 *page_of(u64 entry)
{
	return shim_virt(entry & ADDR_MASK);
}

/* The context entry of a requester: 2 words, or 4 in scalable mode, where a bus has two tables. */
static u64 *context_slot(struct remap_unit *unit, u16 source, bool create)
{
	struct entry128 *root = &unit->root[source >> 8];
	u64 *link = unit->scalable && source & 0x80 ? &root->hi : &root->lo;

	if (!(*link & ENTRY_PRESENT) && (!create || !link_page(unit, link, 0)))
		return NULL;
	return page_of(*link) + (unit->scalable ? (source & 0x7f) * 4 : (source & 0xff) * 2);
}

/* The PASID-table entry of a requester; @create makes the tables that lead to it. */
static u64 *pasid_slot(struct remap_unit *unit, u16 source, u32 pasid, bool create)
{
	u64 *context = context_slot(unit, source, create), *link;

	if (!context || pasid >= CONTEXT_NR_PASIDS)
		return NULL;
	if (!(*context & ENTRY_PRESENT) &&
	    (!create || !link_page(unit, context, CONTEXT_PDTS_PAGE |
				   (unit->ecap & ECAP_PASID ? CONTEXT_PASIDE : 0))))
		return NULL;
	link = page_of(*context) + pasid / PASIDS_PER_TABLE;
	if (!(*link & ENTRY_PRESENT) && (!create || !link_page(unit, link, 0)))
		return NULL;
	return page_of(*link) + pasid % PASIDS_PER_TABLE * PASID_WORDS;
}

/**
 * context_get() - the context entry of a requester
 * @unit: initialised
 * @source: bus, device and function
 *
 * Return: a copy of its first two words; zeros if there is none.
 */
struct entry128 context_get(struct remap_unit *unit, u16 source)
{
	u64 *slot = context_slot(unit, source, false);

	return slot ? (struct entry128){ slot[0], slot[1] } : (struct entry128){ 0 };
}

/**
 * context_get_pasid() - the PASID-table entry of a requester
 * @unit: initialised, in scalable mode
 * @source: bus, device and function
 * @pasid: process address space identifier; 0 for requests without one
 * @words: receives the PASID_WORDS words of the entry
 *
 * Return: false if there is none.
 */
bool context_get_pasid(struct remap_unit *unit, u16 source, u32 pasid, u64 *words)
{
	u64 *slot = unit->scalable ? pasid_slot(unit, source, pasid, false) : NULL;

	if (slot)
		memcpy(words, slot, PASID_WORDS * sizeof(*words));
	return slot;
}

/* The levels that stand for the width of requests that the unit passes through untranslated. */
static unsigned int widest_levels(const struct remap_unit *unit)
{
	unsigned int sagaw = CAP_SAGAW(unit->cap);

	return sagaw & BIT(3) ? 5 : sagaw & BIT(2) ? 4 : 3;
}

/* An entry of legacy mode; false if the unit has no such path. */
static bool context_words(const struct remap_unit *unit, const struct context_target *t, u64 *words)
{
	unsigned int levels = t->second.levels;

	if (t->path == PATH_PASS_THROUGH && unit->ecap & ECAP_PT) {
		words[0] = ENTRY_PRESENT | CONTEXT_TT_PASS;
		levels = widest_levels(unit);
	} else if (t->path == PATH_SECOND_STAGE) {
		words[0] = ENTRY_PRESENT | t->second.table | (t->ats ? CONTEXT_TT_ATS : 0);
	} else {
		return false;
	}
	words[1] = (levels - 2) | (u64)t->domain << 8;
	return true;
}

/* An entry of scalable mode; false if the unit has no such path. */
static bool pasid_words(const struct remap_unit *unit, const struct context_target *t, u64 *words)
{
	u64 needs = t->path == PATH_FIRST_STAGE ? ECAP_FSTS :
		    t->path == PATH_SECOND_STAGE ? ECAP_SSTS :
		    t->path == PATH_NESTED ? ECAP_NEST | ECAP_FSTS | ECAP_SSTS : ECAP_PT;

	if ((unit->ecap & needs) != needs)
		return false;
	words[0] = ENTRY_PRESENT | PASID_PGTT(t->path);
	words[1] = t->domain;
	/* Walks snoop the caches where the unit can; accesses of the first stage do so below. */
	if (t->path != PATH_PASS_THROUGH && unit->ecap & ECAP_SMPWC)
		words[1] |= PASID_PWSNP;
	if (t->path == PATH_PASS_THROUGH)
		words[0] |= PASID_AW(widest_levels(unit));
	if (t->path & PATH_SECOND_STAGE)
		words[0] |= PASID_AW(t->second.levels) | t->second.table;
	if (t->path & PATH_FIRST_STAGE) {
		if (t->first.levels == 5 && !(unit->cap & CAP_FS5LP))
			return false;
		words[1] |= unit->ecap & ECAP_SC ? PASID_PGSNP : 0;
		words[2] = PASID_FSPM(t->first.levels) | t->first.table;
	}
	return true;
}

/* Forget the translations of an entry; for nested ones, those of the second stage, too. */
static int forget_pages(struct remap_unit *unit, enum context_path path, u16 domain, u32 pasid)
{
	int ret = path & PATH_FIRST_STAGE ? qi_flush_pasid(unit, domain, pasid) : 0;

	return ret || path == PATH_FIRST_STAGE ? ret : qi_flush_domain(unit, domain);
}

/* Forget a cached entry that is no longer present, and the translations behind it. */
static int forget(struct remap_unit *unit, u16 source, u32 pasid, u64 word0, u64 word1)
{
	u16 domain = word1 >> 8;

	if (!unit->scalable) {
		qi_add(unit, QI_CONTEXT | QI_FINE | (u64)domain << 16 | (u64)source << 32, 0);
		return qi_flush_domain(unit, domain);
	}
	domain = PASID_DOMAIN(word1);
	/* Hardware does not need this one; QEMU looks only here whether requests pass through. */
	qi_add(unit, QI_CONTEXT | QI_FINE | (u64)source << 32, 0);
	qi_add(unit, QI_PASID_CACHE | QI_PASID_ONE | (u64)domain << 16 | (u64)pasid << 32, 0);
	return forget_pages(unit, PASID_PGTT_OF(word0), domain, pasid);
}

/*
 * An entry has become present. In caching mode its absence may be cached, with domain 0; a unit
 * with write buffers may have the entry still in one.
 */
static int tell_of_new_entry(struct remap_unit *unit, u16 source, u32 pasid,
			     const struct context_target *target)
{
	if (unit->cap & CAP_CM) {
		qi_add(unit, QI_CONTEXT | QI_FINE | (u64)source << 32, 0);
		if (unit->scalable)
			qi_add(unit, QI_PASID_CACHE | QI_PASID_GLOBAL, 0);
		return forget_pages(unit, target->path, target->domain, pasid);
	}
	if (unit->cap & CAP_RWBF)
		return remap_command(unit, GCMD_WBF, true, false);
	return 0;
}

/* In scalable mode, the context entry says whether the device may ask for translations. */
static int allow_ats(struct remap_unit *unit, u16 source, bool allow, bool running)
{
	u64 *context = context_slot(unit, source, false);

	if (!(*context & CONTEXT_DTE) == !allow)
		return 0;
	shim_store64(context, *context ^ CONTEXT_DTE);
	remap_publish(unit, context, sizeof(*context));
	if (!running)
		return 0;
	qi_add(unit, QI_CONTEXT | QI_FINE | (u64)source << 32, 0);
	return qi_submit(unit, QI_PASID_CACHE | QI_PASID_GLOBAL, 0);
}

static int change_entry(struct remap_unit *unit, u16 source, u32 pasid,
			const struct context_target *target)
{
	unsigned int nr = unit->scalable ? PASID_WORDS : 2, i;
	u64 words[PASID_WORDS] = { 0 }, word0, *slot;
	bool present = target->path;
	int ret = 0;

	if (pasid >= (unit->scalable ? CONTEXT_NR_PASIDS : 1) ||
	    (pasid && !(unit->ecap & ECAP_PASID)) || (target->ats && !(unit->ecap & ECAP_DT)) ||
	    (present && !(unit->scalable ? pasid_words(unit, target, words) :
			  context_words(unit, target, words))))
		return -EINVAL;
	/* A unit that was given up keeps what it has cached, and gets nothing new. */
	if (unit->broken && present)
		return -EIO;
	slot = unit->scalable ? pasid_slot(unit, source, pasid, present) :
	       context_slot(unit, source, present);
	if (!slot)
		return present ? -ENOMEM : 0;
	word0 = slot[0];
	if (word0 & ENTRY_PRESENT) {
		shim_store64(&slot[0], 0);
		remap_publish(unit, slot, sizeof(*slot));
		if (unit->on)
			ret = forget(unit, source, pasid, word0, slot[1]);
	}
	if (unit->broken)
		return -EIO;
	if (!ret && unit->scalable && !pasid)
		ret = allow_ats(unit, source, target->ats, unit->on);
	if (ret)
		return ret;
	for (i = 1; i < nr; i++)
		shim_store64(&slot[i], words[i]);
	dma_wmb();
	shim_store64(&slot[0], words[0]);
	remap_publish(unit, slot, nr * sizeof(*slot));
	return unit->on && present ? tell_of_new_entry(unit, source, pasid, target) : 0;
}

/**
 * context_attach() - say where the requests of a device go
 * @unit: initialised; invalidation happens only when it is enabled
 * @source: bus, device and function
 * @pasid: process address space identifier; 0 for requests without one, and in legacy mode
 * @target: where they go; PATH_BLOCKED stops the device
 *
 * Between the old and the new target the device is blocked. After return no request uses the old
 * target, except by translations that the device itself keeps: see qi_flush_device().
 *
 * Return: 0; -EINVAL for what the unit cannot do and -ENOMEM, with nothing changed; -EIO if the
 * unit does not answer: the entry is as it was, or not present, but the unit may still have the old
 * one in its caches.
 */
int context_attach(struct remap_unit *unit, u16 source, u32 pasid,
		   const struct context_target *target)
{
	int ret;

	if (!remap_take_turn(unit, &unit->attaching))
		return -EIO;
	ret = change_entry(unit, source, pasid, target);
	unit->attaching = false;
	return ret;
}

/* Free a page and what its entries, @step words each, lead to, @depth levels down. */
static void free_tree(u64 *page, unsigned int step, unsigned int depth)
{
	unsigned int i;

	for (i = 0; depth && i < 512; i += step)
		if (page[i] & ENTRY_PRESENT)
			free_tree(page_of(page[i]), 1, depth - 1);
	shim_free(page, 0);
}

/**
 * context_free() - free the root table and what it leads to, except page tables
 * @unit: disabled
 */
void context_free(struct remap_unit *unit)
{
	u64 *root = &unit->root->lo;
	unsigned int i;

	/* Below the root: contexts of 4 words, directory, table; in legacy mode contexts alone. */
	for (i = 0; i < 2 * NR_BUSES; i++)
		if (root[i] & ENTRY_PRESENT)
			free_tree(page_of(root[i]), 4, unit->scalable ? 2 : 0);
	shim_free(unit->root, 0);
}
