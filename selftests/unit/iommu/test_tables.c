// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of iommu/hw/iopt.c, iommu/hw/dmar.c and iommu/hw/errata.c. TAP.
 *
 * Page tables: random mappings and unmappings of three page sizes beside a plain array; freed
 * tables are really freed, so that ASan sees a later touch. DMAR: a good table, then every
 * truncation of it and random changes, each in a buffer that ends where the table ends.
 */
#include <stdio.h>
#include <stdlib.h>

#include "iommu/hw/dmar.h"
#include "iommu/hw/errata.h"
#include "iommu/hw/iopt.h"
#include "tap.h"

static int live;

void *shim_alloc(unsigned int order, gfp_t gfp)
{
	void *p = aligned_alloc(4096, 4096UL << order);

	if (!p)
		abort();
	live++;
	return memset(p, 0, 4096UL << order);
}

void shim_free(void *p, unsigned int order)
{
	live--;
	free(p);
}

void shim_store64(u64 *to, u64 value)
{
	__atomic_store_n(to, value, __ATOMIC_RELAXED);
}

bool shim_replace64(u64 *to, u64 old, u64 new)
{
	return __sync_bool_compare_and_swap(to, old, new);
}

#define SPAN	(4UL << 30)
#define PAGES	(SPAN >> 12)
#define BASE	(SPAN * 3)

static u64 model[PAGES];
static void *pending[1 << 16];
static unsigned int nr_pending;

static void release(void *page, void *arg)
{
	pending[nr_pending++] = page;
}

static void free_pending(void)
{
	while (nr_pending)
		shim_free_table(pending[--nr_pending]);
}

static bool same(const struct iopt *table, u64 index)
{
	u64 phys = 0;
	bool there = iopt_translate(table, BASE + (index << 12) + 5, &phys);

	return there == !!model[index] && (!there || phys == model[index] + 5);
}

static void random_mappings(struct iopt_format format)
{
	static const u64 sizes[] = { 1UL << 12, 1UL << 21, 1UL << 30 };
	struct iopt table;
	bool good = true;
	int step;

	memset(model, 0, sizeof(model));
	good &= !iopt_init(&table, format, 0);
	for (step = 0; good && step < 20000; step++) {
		u64 size = sizes[step % 97 == 0 ? 2 : random() % 2], count = size >> 12, i, done;
		u64 first = (random() % PAGES) & ~(count - 1);
		u64 phys = ((u64)random() << 12 & ~(size - 1)) + (1UL << 40);
		bool empty = true;
		int ret;

		if (random() % 2) {
			for (i = 0; i < count; i++)
				empty &= !model[first + i];
			ret = iopt_map(&table, BASE + (first << 12), phys, size,
				       SLPTE_READ | SLPTE_WRITE, 0);
			/* Where an emptied table stands, a large page is refused. */
			good &= empty ? !ret || (ret == -EEXIST && count > 1) : ret == -EEXIST;
			for (i = 0; !ret && i < count; i++)
				model[first + i] = phys + (i << 12);
		} else {
			done = iopt_unmap(&table, BASE + (first << 12), size, release, NULL);
			good &= done <= size && !(done & 4095);
			for (i = 0; i < done >> 12; i++) {
				good &= model[first + i] != 0;
				model[first + i] = 0;
			}
			free_pending();
		}
		good &= same(&table, first) && same(&table, first + count - 1) &&
			same(&table, random() % PAGES);
	}
	for (step = 0; good && step < (int)PAGES; step++)
		good &= same(&table, step);
	iopt_destroy(&table);
	tap_ok(good && !live, format.first_stage ? "random_mappings_first_stage" :
	       format.levels == 3 ? "random_mappings_3_levels" :
	       format.levels == 4 ? "random_mappings_4_levels" : "random_mappings_5_levels");
}

/* A table that one mapping filled goes as a whole, unless something was taken out of it. */
static void full_tables(void)
{
	const u64 rw = SLPTE_READ | SLPTE_WRITE, page = 4096, large = 1UL << 21, giant = 1UL << 30;
	struct iopt table;
	u64 mapped, phys;

	iopt_init(&table, (struct iopt_format){ .levels = 3, .coherent = true }, 0);
	tap_ok(!iopt_map_run(&table, 0, 0, giant, 512, rw, 0, &mapped) && mapped == 512 &&
	       iopt_unmap(&table, 0, 512 * giant, release, NULL) == 512 * giant,
	       "root_full_of_large_pages");
	iopt_map_run(&table, large, page, page, 1024, rw, 0, &mapped);
	tap_ok(iopt_unmap(&table, large, 2 * large, release, NULL) == 2 * large &&
	       nr_pending == 2 && !iopt_translate(&table, large, &phys) &&
	       !iopt_translate(&table, 2 * large, &phys),
	       "full_tables_are_released");
	free_pending();
	iopt_map_run(&table, large, page, page, 1024, rw, 0, &mapped);
	iopt_unmap(&table, 2 * large - page, page, release, NULL);
	tap_ok(!nr_pending && iopt_unmap(&table, large, 2 * large, release, NULL) == large - page &&
	       !nr_pending && iopt_unmap(&table, 2 * large, large, release, NULL) == large &&
	       nr_pending == 1, "table_with_a_hole_is_not_full");
	free_pending();
	iopt_map_run(&table, 0, page, page, 512, rw, 0, &mapped);
	tap_ok(iopt_unmap(&table, 0, large / 2, release, NULL) == large / 2 && !nr_pending &&
	       iopt_translate(&table, large / 2, &phys) && phys == large / 2 + page,
	       "half_of_a_full_table");
	iopt_unmap(&table, large / 2, large / 2, release, NULL);
	free_pending();
	iopt_destroy(&table);
	tap_ok(!live, "nothing_is_left");
}

static void refusals(void)
{
	const u64 rw = SLPTE_READ | SLPTE_WRITE;
	struct iopt table;
	u64 i;

	iopt_init(&table, (struct iopt_format){ .levels = 3, .coherent = true }, 0);
	tap_ok(iopt_map(&table, 1UL << 39, 0, 4096, rw, 0) == -ERANGE, "beyond_the_width");
	tap_ok(iopt_map(&table, 0, 0, 8192, rw, 0) == -EINVAL, "no_page_size");
	tap_ok(iopt_map(&table, 4096, 0, 1 << 21, rw, 0) == -EINVAL, "not_aligned");
	tap_ok(iopt_map(&table, 0, 1UL << 52, 4096, rw, 0) == -EINVAL, "beyond_physical");
	tap_ok(iopt_map(&table, 0, 0, 4096, 0, 0) == -EINVAL, "no_rights");
	iopt_map(&table, 0, 0, 1 << 21, rw, 0);
	tap_ok(iopt_unmap(&table, 0, 4096, release, NULL) == 0, "part_of_a_large_page");
	tap_ok(iopt_unmap(&table, 0, 1 << 21, release, NULL) == 1 << 21 && !nr_pending,
	       "large_page");
	for (i = 0; i < 1 << 21; i += 4096)
		iopt_map(&table, i, i, 4096, rw, 0);
	tap_ok(iopt_unmap(&table, 0, 1 << 21, release, NULL) == 1 << 21 && nr_pending == 1,
	       "emptied_table_is_released");
	free_pending();
	iopt_destroy(&table);
}

static const u8 good_table[] = {
	[0] = 'D', 'M', 'A', 'R', [36] = 38,
	/* DRHD at 0xfed90000 with an endpoint 00:1f.2 behind a bridge. */
	[48] = 0, 0, 26, 0, 0, 0, 0, 0, 0x00, 0x00, 0xd9, 0xfe, 0, 0, 0, 0,
	[64] = SCOPE_ENDPOINT, 10, 0, 0, 0, 0, 0x1c, 0, 0x1f, 2,
	/* ANDD, a structure whose type is not looked at: the ACPI device 1 is "\A". */
	[74] = 4, 0, 12, 0, 0, 0, 0, 1, '\\', 'A', 0, 0,
	/* RMRR 0x1000 to 0x2fff for 00:02.0. */
	[86] = 1, 0, 32, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
	[102] = 0xff, 0x2f, 0, 0, 0, 0, 0, 0, SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 2, 0,
	/* ATSR: translation requests are forwarded by the root port 00:1c.0. */
	[118] = 2, 0, 16, 0, 0, 0, 0, 0, SCOPE_BRIDGE, 8, 0, 0, 0, 0, 0x1c, 0,
	/* DRHD at 0xfed91000 for the ACPI device 1, which sends as 00:15.2. */
	[134] = 0, 0, 24, 0, 0, 0, 0, 0, 0x00, 0x10, 0xd9, 0xfe, 0, 0, 0, 0,
	[150] = SCOPE_ACPI, 8, 0, 0, 1, 0, 0x15, 2,
};

static int visits;

static int visit(const struct dmar_structure *unit, void *arg)
{
	const u8 *at = unit->scopes, *end = at + unit->scopes_size;
	struct dmar_scope scope;
	unsigned int i;

	visits++;
	while (dmar_next_scope(&at, end, &scope))
		for (i = 0; i < 2 * scope.hops; i++)
			*(u64 *)arg += scope.path[i];
	return 0;
}

/* In memory of its own size: ASan stands behind the last byte. */
static int parse_copy(const u8 *table, size_t size, struct dmar_error *error)
{
	u8 *copy = malloc(size ? size : 1);
	u64 sum = 0;
	int ret;

	memcpy(copy, table, size);
	ret = dmar_parse(copy, size, visit, &sum, error);
	free(copy);
	return ret;
}

static void dmar_tables(void)
{
	u8 changed[sizeof(good_table)];
	struct dmar_error error;
	bool good = true;
	size_t size;
	int i, j;

	tap_ok(!parse_copy(good_table, sizeof(good_table), &error) && visits == 4 && !error.why,
	       "dmar_good_table");
	for (size = 0; size < sizeof(good_table); size++)
		if (size != 48 && size != 74 && size != 86 && size != 118 && size != 134)
			good &= parse_copy(good_table, size, &error) == -EINVAL && error.why &&
				error.offset <= size;
	tap_ok(good, "dmar_truncated");
	memcpy(changed, good_table, sizeof(changed));
	changed[151] = 10;
	good = parse_copy(changed, sizeof(changed), &error) == -EINVAL && error.offset == 150;
	changed[151] = 6;
	tap_ok(good && parse_copy(changed, sizeof(changed), &error) == -EINVAL,
	       "dmar_malformed_scope_of_an_acpi_device");
	for (i = 0; i < 200000; i++) {
		memcpy(changed, good_table, sizeof(changed));
		for (j = random() % 4; j >= 0; j--)
			changed[48 + random() % (sizeof(changed) - 48)] = random();
		parse_copy(changed, sizeof(changed), &error);
	}
	tap_ok(true, "dmar_random_changes");
}

static struct dmar_structure last_region;

static int keep_region(const struct dmar_structure *unit, void *arg)
{
	if (unit->type == DMAR_RMRR)
		last_region = *unit;
	return 0;
}

/* An RMRR of [@base-@limit] in the good table: 1 empty, 0 pages, -EINVAL. */
static int region(u64 base, u64 limit)
{
	static u8 changed[sizeof(good_table)];
	struct dmar_error error;
	int ret, i;

	memcpy(changed, good_table, sizeof(changed));
	for (i = 0; i < 8; i++) {
		changed[94 + i] = base >> 8 * i;
		changed[102 + i] = limit >> 8 * i;
	}
	ret = dmar_parse(changed, sizeof(changed), keep_region, NULL, &error);
	if (ret)
		return error.why && error.offset == 86 ? ret : 2;
	return last_region.base == base && last_region.limit == limit ? last_region.empty : 2;
}

/* Of real firmware: what names no memory is skipped, what is not clear is refused. */
static void dmar_regions(void)
{
	tap_ok(region(0, 0) == 1 && region(0x1000, 0xfff) == 1 && region(0x1800, 0x17ff) == 1 &&
	       region(~0UL, ~0UL - 1) == 1, "dmar_empty_regions");
	tap_ok(region(0x1000, 0x1fff) == 0 && region(0, 0xfff) == 0 && region(0, ~0UL) == 0,
	       "dmar_regions_of_pages");
	tap_ok(region(0x3000, 0xfff) == -EINVAL && region(0x1000, 0) == -EINVAL &&
	       region(0x1000, 0x1000) == -EINVAL && region(0x1000, 0x2000) == -EINVAL &&
	       region(0x1800, 0x1fff) == -EINVAL && region(0, 1) == -EINVAL,
	       "dmar_unclear_regions");
}

/* A unit that is listed twice: with the same devices, or with others. */
static void dmar_twins(void)
{
	static const u8 scopes[] = {
		SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 2, 0, SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 3, 0,
		SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 2, 0,
	};
	const struct dmar_structure one = { .base = 0x1000, .scopes = scopes, .scopes_size = 8 };
	struct dmar_structure other = one;
	bool good;

	other.scopes = scopes + 16;
	good = dmar_compare(&one, &other) == DMAR_SAME;
	other.scopes = scopes + 8;
	good &= dmar_compare(&one, &other) == DMAR_CONFLICT;
	other = one;
	other.scopes_size = 16;
	good &= dmar_compare(&one, &other) == DMAR_CONFLICT;
	other = one;
	other.all = true;
	good &= dmar_compare(&one, &other) == DMAR_CONFLICT;
	other = one;
	other.segment = 1;
	good &= dmar_compare(&one, &other) == DMAR_CONFLICT;
	other = one;
	other.base = 0x2000;
	tap_ok(good && dmar_compare(&one, &other) == DMAR_DIFFERENT, "dmar_unit_listed_twice");
}

static bool is_low(const struct dmar_structure *unit, const struct dmar_scope *scope)
{
	return scope->type == SCOPE_ENDPOINT && scope->path[0] < 8;
}

static void dmar_kinds(void)
{
	static const u8 scopes[] = {
		SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 2, 0, SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 3, 0,
		SCOPE_IOAPIC, 8, 0, 0, 0, 0xf0, 3, 0,
	};
	struct dmar_structure two = { .scopes = scopes, .scopes_size = 16 };
	struct dmar_structure three = { .scopes = scopes, .scopes_size = 24 };
	struct dmar_structure all = { .scopes = scopes, .scopes_size = 16, .all = true };
	struct dmar_structure none = { .scopes = scopes };

	tap_ok(dmar_names_only(&two, is_low) && !dmar_names_only(&three, is_low) &&
	       !dmar_names_only(&all, is_low) && !dmar_names_only(&none, is_low),
	       "dmar_unit_of_one_kind");
}

/* What is no PCI device is named by one step, or not at all. */
static void dmar_sources(void)
{
	static const u8 path[] = { 0x15, 2, 0, 0 };
	static const u8 no_device[] = { 32, 0 }, no_function[] = { 0, 8 };
	struct dmar_scope scope = { .type = SCOPE_ACPI, .bus = 0xf0, .hops = 1, .path = path };
	bool good = dmar_source(&scope) == 0xf0aa;

	scope.hops = 2;
	good &= dmar_source(&scope) == -EINVAL;
	scope.hops = 1;
	scope.path = no_device;
	good &= dmar_source(&scope) == -EINVAL;
	scope.path = no_function;
	tap_ok(good && dmar_source(&scope) == -EINVAL, "dmar_sources");
}

static void errata(void)
{
	tap_ok(errata_no_remapping(0x8086, 0x3403, 0x13) &&
	       errata_no_remapping(0x8086, 0x3406, 0) &&
	       errata_no_remapping(0x8086, 0x3405, 0x13) &&
	       errata_no_remapping(0x8086, 0x3405, 0x22) &&
	       !errata_no_remapping(0x8086, 0x3406, 0x22) &&
	       !errata_no_remapping(0x8086, 0x3405, 0x14) &&
	       !errata_no_remapping(0x8086, 0x3404, 0) &&
	       !errata_no_remapping(0x1022, 0x3403, 0), "errata_of_chipsets");
	tap_ok(errata_no_ats(0x8086, 0x4940) && errata_no_ats(0x8086, 0x4943) &&
	       !errata_no_ats(0x8086, 0x4944) && !errata_no_ats(0x1af4, 0x4940),
	       "errata_of_devices");
}

int main(int argc, char **argv)
{
	unsigned int levels;

	srandom(argc > 1 ? atoi(argv[1]) : 1);
	for (levels = 3; levels <= 5; levels++)
		random_mappings((struct iopt_format){ .levels = levels, .snoop = true });
	random_mappings((struct iopt_format){ .levels = 4, .first_stage = true });
	full_tables();
	refusals();
	dmar_tables();
	dmar_regions();
	dmar_twins();
	dmar_kinds();
	dmar_sources();
	errata();
	return tap_done();
}
