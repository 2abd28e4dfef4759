// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of devices, second-stage or first-stage.
 *
 * VT-d specification, "Second-Stage Paging Entries", "First-Stage Paging Entries". Both formats
 * have the address, the page bit and the two bits that make an entry present in the same places.
 * The first stage has accessed and dirty bits, which are set here in advance, so that hardware need
 * not write them. A new table page is filled before it is linked; linking is one
 * compare-and-exchange, so that two mappings may race for it. An entry is one store. Table pages
 * that an unmapping leaves empty are unlinked and handed to the caller, who frees them after the
 * invalidation. A table page that one mapping has filled is marked, and is unlinked as a whole when
 * an unmapping covers it.
 */
#include "iopt.h"

#define ENTRIES 512ULL
/* Ignored by hardware. In a table that is not coherent: this link may be in a cache alone. */
#define PTE_UNPUBLISHED	BIT_ULL(52)
/* Ignored by hardware. In a link: all entries of the table below are pages. */
#define PTE_FULL		BIT_ULL(53)

static unsigned int level_shift(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

static u64 level_size(unsigned int level)
{
	return 1ULL << level_shift(level);
}

static u64 *level_slot(u64 *table, unsigned int level, u64 iova)
{
	return &table[iova >> level_shift(level) & (ENTRIES - 1)];
}

static bool is_present(u64 entry)
{
	return entry & (SLPTE_READ | SLPTE_WRITE);
}

static bool is_leaf(u64 entry, unsigned int level)
{
	return level == 1 || entry & PTE_PAGE;
}

static u64 *child_of(u64 entry)
{
	return shim_virt(entry & ADDR_MASK);
}

static void publish(const struct iopt *table, const void *p, size_t bytes)
{
	if (!table->format.coherent)
		shim_flush(p, bytes);
}

static bool fits_table(const struct iopt *table, u64 iova, u64 size)
{
	u64 end = 1ULL << iopt_width(table->format);

	return size && iova < end && size <= end - iova;
}

/* The bits of an entry that leads to another table. */
static u64 link_bits(const struct iopt *table)
{
	u64 bits = table->format.coherent ? 0 : PTE_UNPUBLISHED;

	if (table->format.first_stage)
		return bits | FSPTE_PRESENT | FSPTE_WRITE | FSPTE_USER | FSPTE_ACCESSED;
	return bits | SLPTE_READ | SLPTE_WRITE;
}

/* The bits of an entry that leads to a page; the first stage has no pages to write only. */
static u64 page_bits(const struct iopt *table, unsigned int level, u64 rights)
{
	u64 bits = level > 1 ? PTE_PAGE : 0;

	if (!table->format.first_stage)
		return bits | rights | (table->format.snoop ? SLPTE_SNOOP : 0);
	return bits | FSPTE_PRESENT | FSPTE_USER | FSPTE_ACCESSED |
	       (rights & SLPTE_WRITE ? FSPTE_WRITE | FSPTE_DIRTY : 0);
}

/*
 * Take a zeroed page. Pages come several at a time; @table->rest keeps the unused ones: the address
 * of the first, and in its low bits how many they are. Mappings may race for them.
 */
static u64 *take_page(struct iopt *table, gfp_t gfp)
{
	unsigned int count;
	u64 rest, *page;

	do {
		rest = READ_ONCE(table->rest);
	} while (rest && !shim_replace64(&table->rest, rest, (rest & 4095) > 1 ? rest + 4095 : 0));
	if (rest)
		return (u64 *)(rest & ~4095UL);
	page = shim_alloc_tables(gfp, &count);
	if (!page || count == 1)
		return page;
	if (!shim_replace64(&table->rest, 0, (u64)(page + ENTRIES) | (count - 1)))
		while (--count)
			shim_free_table(page + count * ENTRIES);
	return page;
}

/**
 * iopt_init() - make an empty table
 * @table: to be filled
 * @format: what the units that will walk it expect
 * @gfp: allocation flags
 *
 * Return: 0 or -ENOMEM.
 */
int iopt_init(struct iopt *table, struct iopt_format format, gfp_t gfp)
{
	table->format = format;
	table->rest = 0;
	table->root = take_page(table, gfp);
	if (!table->root)
		return -ENOMEM;
	publish(table, table->root, 4096);
	return 0;
}

/* It calls itself as deep as the table is, 5 levels at most. */
static void release_tree(u64 *page, unsigned int level, iopt_release_t release, void *arg)
{
	unsigned int i;

	for (i = 0; level > 1 && i < ENTRIES; i++)
		if (is_present(page[i]) && !is_leaf(page[i], level))
			release_tree(child_of(page[i]), level - 1, release, arg);
	release(page, arg);
}

static void free_now(void *page, void *arg)
{
	shim_free_table(page);
}

/**
 * iopt_destroy() - free a table
 * @table: one that no unit walks and no cache remembers
 */
void iopt_destroy(struct iopt *table)
{
	if (table->root)
		release_tree(table->root, table->format.levels, free_now, NULL);
	table->root = NULL;
	for (; table->rest & 4095; table->rest += 4095)
		shim_free_table((void *)(table->rest & ~4095UL));
	table->rest = 0;
}

/* Link a new table to an entry, or publish the link that another mapping has made. */
static int link_table(struct iopt *table, u64 *slot, gfp_t gfp)
{
	u64 entry = READ_ONCE(*slot), *child;

	if (!is_present(entry)) {
		child = take_page(table, gfp);
		if (!child)
			return -ENOMEM;
		publish(table, child, 4096);
		dma_wmb();
		if (!shim_replace64(slot, 0, shim_phys(child) | link_bits(table)))
			shim_free_table(child);
		entry = READ_ONCE(*slot);
	}
	/* The mapping that linked it may not have published it yet. */
	if (entry & PTE_UNPUBLISHED) {
		publish(table, slot, sizeof(*slot));
		shim_store64(slot, entry & ~PTE_UNPUBLISHED);
	}
	return 0;
}

/*
 * The entry of @level for @iova, with the tables above it made where @gfp may allocate. @link
 * receives the entry that leads to it, NULL in the root.
 */
static int find_slot(struct iopt *table, u64 iova, unsigned int level, gfp_t gfp, u64 **slot,
		     u64 **link)
{
	unsigned int at = table->format.levels;
	u64 *page = table->root, entry;

	*link = NULL;
	for (; at > level; at--) {
		*link = level_slot(page, at, iova);
		entry = READ_ONCE(**link);
		if (!is_present(entry) || entry & PTE_UNPUBLISHED) {
			if (link_table(table, *link, gfp))
				return -ENOMEM;
			entry = READ_ONCE(**link);
		}
		if (is_leaf(entry, at))
			return -EEXIST;
		page = child_of(entry);
	}
	*slot = level_slot(page, level, iova);
	return 0;
}

/**
 * iopt_map_run() - map pages of one size, one after the other
 * @table: the table
 * @iova: address that the device uses, aligned to @size
 * @phys: physical address, aligned to @size
 * @size: 4 KiB, 2 MiB or 1 GiB; the caller knows which of them its units have
 * @count: how many pages
 * @rights: SLPTE_READ, SLPTE_WRITE or both
 * @gfp: allocation flags
 * @mapped: receives how many pages were mapped, also on error
 *
 * Return: 0, -EINVAL for a page that is not one, -ERANGE beyond the table, -EEXIST where something
 * is mapped already, -ENOMEM.
 */
int iopt_map_run(struct iopt *table, u64 iova, u64 phys, u64 size, u64 count, u64 rights,
		 gfp_t gfp, u64 *mapped)
{
	unsigned int level, i, n;
	u64 *slot, *link, entry;
	int ret;

	*mapped = 0;
	level = size == level_size(1) ? 1 : size == level_size(2) ? 2 : 3;
	if (size != level_size(level) || (iova | phys) & (size - 1) || phys & ~ADDR_MASK ||
	    count > ADDR_MASK >> level_shift(level) ||
	    (phys + (count - 1) * size) & ~ADDR_MASK ||
	    !rights || rights & ~(SLPTE_READ | SLPTE_WRITE))
		return -EINVAL;
	if (!fits_table(table, iova, size * count))
		return -ERANGE;
	entry = phys | page_bits(table, level, rights);
	while (*mapped < count) {
		ret = find_slot(table, iova, level, gfp, &slot, &link);
		if (ret)
			return ret;
		n = min(count - *mapped, ENTRIES - (iova >> level_shift(level) & (ENTRIES - 1)));
		for (i = 0; i < n && !is_present(READ_ONCE(slot[i])); i++, entry += size)
			shim_store64(&slot[i], entry);
		if (i)
			publish(table, slot, i * sizeof(*slot));
		/*
		 * The whole table is this mapping's, so that no other changes the link meanwhile.
		 */
		if (i == ENTRIES && link)
			shim_store64(link, READ_ONCE(*link) | PTE_FULL);
		*mapped += i;
		iova += i * size;
		if (i < n)
			return -EEXIST;
	}
	return 0;
}

/* Can the entry be cleared as a whole: is it a page, or a table full of pages? */
static bool is_removable(u64 entry, unsigned int level)
{
	return is_present(entry) && (is_leaf(entry, level) || entry & PTE_FULL);
}

/* Unlink the emptied table page with the last address @at, and emptied ones above it. */
static void unlink_tables(struct iopt *table, u64 at, u64 done, unsigned int level,
			  iopt_release_t release, void *arg)
{
	u64 *page, *slot, *above, span;
	unsigned int l;

	for (; level <= table->format.levels; level++) {
		span = level_size(level);
		/* A table page is empty if the range covered its whole span. */
		if ((at + 4096) & (span - 1) || done < span)
			return;
		above = table->root;
		for (l = table->format.levels; l > level; l--)
			above = child_of(*level_slot(above, l, at));
		slot = level_slot(above, level, at);
		page = child_of(*slot);
		shim_store64(slot, 0);
		publish(table, slot, sizeof(*slot));
		release(page, arg);
	}
}

/**
 * iopt_unmap() - unmap a range
 * @table: the table
 * @iova: first address, 4 KiB aligned
 * @size: bytes, a multiple of 4 KiB
 * @release: receives the table pages that were unlinked
 * @arg: its second argument
 *
 * It stops at the first hole, and at a large page that the range covers only in part.
 *
 * Return: how many bytes were unmapped.
 */
u64 iopt_unmap(struct iopt *table, u64 iova, u64 size, iopt_release_t release, void *arg)
{
	u64 done = 0, at, entry, *page, *slot;
	unsigned int level, i, n;
	bool whole;

	if ((iova | size) & 4095 || !fits_table(table, iova, size))
		return 0;
	while (done < size) {
		at = iova + done;
		page = table->root;
		for (level = table->format.levels; ; level--) {
			slot = level_slot(page, level, at);
			entry = READ_ONCE(*slot);
			if (!is_present(entry))
				return done;
			whole = !(at & (level_size(level) - 1)) && size - done >= level_size(level);
			if (is_leaf(entry, level) || (whole && entry & PTE_FULL))
				break;
			/* The table will not be full any more. */
			if (entry & PTE_FULL)
				shim_store64(slot, entry & ~PTE_FULL);
			page = child_of(entry);
		}
		if (at & (level_size(level) - 1))
			return done;
		/*
		 * Clear the entries of this page that the range covers, up to one that cannot go.
		 */
		n = min((size - done) >> level_shift(level),
			ENTRIES - (at >> level_shift(level) & (ENTRIES - 1)));
		for (i = 0; i < n && is_removable(entry, level); ) {
			shim_store64(&slot[i], 0);
			if (!is_leaf(entry, level))
				release(child_of(entry), arg);
			if (++i < n)
				entry = READ_ONCE(slot[i]);
		}
		if (!i)
			return done;
		publish(table, slot, i * sizeof(*slot));
		done += (u64)i << level_shift(level);
		unlink_tables(table, iova + done - 4096, done, level + 1, release, arg);
	}
	return done;
}

/**
 * iopt_look() - read the entries that a walk for an address meets
 * @table: the table
 * @iova: the address
 * @walk: receives the entries; the last is the leaf or the one that is not present
 */
void iopt_look(const struct iopt *table, u64 iova, struct iopt_walk *walk)
{
	unsigned int level = table->format.levels;
	u64 *page = table->root, entry;

	walk->depth = 0;
	if (!fits_table(table, iova, 1))
		return;
	for (;;) {
		entry = READ_ONCE(*level_slot(page, level, iova));
		walk->entry[walk->depth++] = entry;
		if (!is_present(entry) || is_leaf(entry, level))
			return;
		page = child_of(entry);
		level--;
	}
}

/**
 * iopt_translate() - the physical address behind an address
 * @table: the table
 * @iova: the address
 * @phys: receives it
 *
 * Return: false if nothing is mapped there.
 */
bool iopt_translate(const struct iopt *table, u64 iova, u64 *phys)
{
	struct iopt_walk walk;
	unsigned int level;
	u64 entry;

	iopt_look(table, iova, &walk);
	if (!walk.depth)
		return false;
	entry = walk.entry[walk.depth - 1];
	level = table->format.levels - (walk.depth - 1);
	if (!is_present(entry))
		return false;
	*phys = (entry & ADDR_MASK & ~(level_size(level) - 1)) | (iova & (level_size(level) - 1));
	return true;
}
