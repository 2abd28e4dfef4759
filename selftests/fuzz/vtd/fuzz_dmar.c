// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer: any bytes as an ACPI DMAR table, through iommu/hw/dmar.c.
 *
 * ASan stands behind the last byte. What comes out must lie inside the table, and a table that is
 * refused must be refused with a reason and a place. VT-d specification, "BIOS Considerations".
 */
#include <stdlib.h>

#include "iommu/hw/dmar.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct table {
	const u8 *start, *end;
	unsigned int units;
	struct dmar_structure last;
};

static void insist(bool good)
{
	if (!good)
		abort();
}

static int visit(const struct dmar_structure *unit, void *arg)
{
	const u8 *at = unit->scopes, *end = at + unit->scopes_size;
	struct table *table = arg;
	struct dmar_scope scope;
	unsigned int i;

	insist(at >= table->start && end <= table->end);
	insist(!unit->empty || unit->type == DMAR_RMRR);
	if (unit->empty)
		insist(unit->limit == unit->base - 1 || (!unit->base && !unit->limit));
	else
		insist(unit->type == DMAR_ATSR ? !unit->base : !(unit->base & 4095) &&
		       (unit->type == DMAR_DRHD || (unit->limit > unit->base &&
						    (unit->limit & 4095) == 4095)));
	if (unit->type == DMAR_DRHD) {
		insist(dmar_compare(unit, unit) == DMAR_SAME);
		insist(!table->last.scopes || dmar_compare(unit, &table->last) ==
		       dmar_compare(&table->last, unit));
		table->last = *unit;
	}
	while (dmar_next_scope(&at, end, &scope)) {
		insist(scope.hops && scope.path + 2 * scope.hops == at);
		for (i = 0; i < 2 * scope.hops; i++)
			insist(scope.path[i] <= 0xff);
	}
	insist(at == end);
	/* A visitor may end it. */
	return ++table->units == 20 ? -ENOSPC : 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct table table = { .start = data, .end = data + size };
	struct dmar_error error;
	int ret = dmar_parse(data, size, visit, &table, &error);

	insist(ret == 0 || ret == -ENOSPC || (ret == -EINVAL && error.why && error.offset <= size));
	insist((ret == -EINVAL) == !!error.why);
	return 0;
}
