// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parsing of the ACPI DMAR table.
 *
 * VT-d specification, "DMA Remapping Reporting Structure" and "Device Scope Structure". The table
 * comes from firmware and is checked as hostile input: every length against what is left, before
 * anything inside is read. Structures of unknown types are skipped.
 */
#include "dmar.h"

#define DMAR_HEADER	48
#define SCOPE_HEADER	6

static u16 get16(const u8 *p)
{
	return p[0] | p[1] << 8;
}

static u64 get64(const u8 *p)
{
	u64 value = 0;
	int i;

	for (i = 7; i >= 0; i--)
		value = value << 8 | p[i];
	return value;
}

/**
 * dmar_next_scope() - take the next device scope entry
 * @at: where to read, moved behind the entry
 * @end: where the entries end
 * @scope: receives it
 *
 * Return: false at the end, and for an entry that is too short or longer than what is left (then
 * @at is not @end).
 */
bool dmar_next_scope(const u8 **at, const u8 *end, struct dmar_scope *scope)
{
	const u8 *p = *at;
	size_t length;

	if (end - p < SCOPE_HEADER + 2)
		return false;
	length = p[1];
	if (length < SCOPE_HEADER + 2 || length % 2 || length > (size_t)(end - p))
		return false;
	scope->type = p[0];
	scope->id = p[4];
	scope->bus = p[5];
	scope->path = p + SCOPE_HEADER;
	scope->hops = (length - SCOPE_HEADER) / 2;
	*at = p + length;
	return true;
}

/**
 * dmar_source() - the source identifier of an I/O APIC, an HPET or a device that ACPI names
 * @scope: its device scope entry
 *
 * Return: bus, device and function; -EINVAL if the path has several hops or names no function.
 */
int dmar_source(const struct dmar_scope *scope)
{
	if (scope->hops != 1 || scope->path[0] > 31 || scope->path[1] > 7)
		return -EINVAL;
	return scope->bus << 8 | scope->path[0] << 3 | scope->path[1];
}

/**
 * dmar_names_only() - does a DRHD have device scopes, all of them of one kind?
 * @drhd: the DRHD
 * @is: says whether a scope is of that kind; called for each scope until one is not
 *
 * Return: false also for the DRHD of every device that no other names.
 */
bool dmar_names_only(const struct dmar_structure *drhd,
		     bool (*is)(const struct dmar_structure *drhd, const struct dmar_scope *scope))
{
	const u8 *at = drhd->scopes, *end = at + drhd->scopes_size;
	struct dmar_scope scope;

	if (drhd->all || at == end)
		return false;
	while (dmar_next_scope(&at, end, &scope))
		if (!is(drhd, &scope))
			return false;
	return true;
}

/**
 * dmar_compare() - do two DRHDs describe one remapping unit?
 * @a: a DRHD
 * @b: another
 *
 * Return: DMAR_SAME if they are equal; DMAR_CONFLICT if both have the same register page and
 * disagree about the devices behind it; else DMAR_DIFFERENT.
 */
enum dmar_relation dmar_compare(const struct dmar_structure *a, const struct dmar_structure *b)
{
	if (a->base != b->base)
		return DMAR_DIFFERENT;
	return a->segment == b->segment && a->all == b->all && a->scopes_size == b->scopes_size &&
	       !memcmp(a->scopes, b->scopes, a->scopes_size) ? DMAR_SAME : DMAR_CONFLICT;
}

/*
 * A reserved region consists of pages, or it is empty: [0-0], or an end just below its base. With
 * any other bounds it is not known which memory the device will use, and the table is refused.
 */
static const char *check_region(struct dmar_structure *rmrr)
{
	rmrr->empty = rmrr->base ? rmrr->limit == rmrr->base - 1 : !rmrr->limit;
	if (rmrr->empty)
		return NULL;
	if (rmrr->limit < rmrr->base)
		return "reserved region ends before it begins";
	if (rmrr->base & 4095 || (rmrr->limit & 4095) != 4095)
		return "reserved region does not consist of pages";
	return NULL;
}

/**
 * dmar_parse() - walk the structures of a DMAR table
 * @table: the table, its ACPI header first
 * @size: bytes that may be read
 * @visit: called for each DRHD, RMRR (empty ones, too) and ATSR; a value other than 0 ends the walk
 * @arg: second argument of @visit
 * @error: receives reason and offset when the table is malformed
 *
 * Return: 0, what @visit returned, or -EINVAL for a malformed table.
 */
int dmar_parse(const void *table, size_t size, dmar_visit_t visit, void *arg,
	       struct dmar_error *error)
{
	const u8 *base = table, *p, *end, *scope_at;
	struct dmar_scope scope;
	struct dmar_structure s;
	size_t length, fixed;
	int ret;

	*error = (struct dmar_error){ 0 };
	if (size < DMAR_HEADER) {
		error->why = "table shorter than its header";
		return -EINVAL;
	}
	end = base + size;
	for (p = base + DMAR_HEADER; p < end; p += length) {
		error->offset = p - base;
		if (end - p < 4) {
			error->why = "structure header beyond the end";
			return -EINVAL;
		}
		length = get16(p + 2);
		if (length < 4 || length > (size_t)(end - p)) {
			error->why = "structure length is 0 or beyond the end";
			return -EINVAL;
		}
		s = (struct dmar_structure){ .type = get16(p) };
		if (s.type > DMAR_ATSR)
			continue;
		fixed = s.type == DMAR_DRHD ? 16 : s.type == DMAR_RMRR ? 24 : 8;
		if (length < fixed) {
			error->why = "structure too short for its type";
			return -EINVAL;
		}
		s.segment = get16(p + 6);
		s.all = s.type != DMAR_RMRR && p[4] & 1;
		if (s.type != DMAR_ATSR)
			s.base = get64(p + 8);
		if (s.type == DMAR_RMRR) {
			s.limit = get64(p + 16);
			error->why = check_region(&s);
			if (error->why)
				return -EINVAL;
		} else if (s.type == DMAR_DRHD && (!s.base || s.base & 4095)) {
			error->why = "register base is 0 or not aligned";
			return -EINVAL;
		}
		s.scopes = p + fixed;
		s.scopes_size = length - fixed;
		scope_at = s.scopes;
		while (dmar_next_scope(&scope_at, p + length, &scope))
			;
		if (scope_at != p + length) {
			error->offset = scope_at - base;
			error->why = "malformed device scope";
			return -EINVAL;
		}
		ret = visit(&s, arg);
		if (ret)
			return ret;
	}
	return 0;
}
