/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parsing of the ACPI DMAR table.
 *
 * VT-d specification, "BIOS Considerations". Finds remapping units (DRHD), reserved memory
 * (RMRR) and root ports that forward translation requests (ATSR), with their device scopes. Relies
 * on nothing but the bytes; never reads past their end.
 */
#ifndef MINIKVM_IOMMU_HW_DMAR_H
#define MINIKVM_IOMMU_HW_DMAR_H

#include "shim.h"

enum { DMAR_DRHD = 0, DMAR_RMRR = 1, DMAR_ATSR = 2 };

#define SCOPE_ENDPOINT	1
#define SCOPE_BRIDGE	2
#define SCOPE_IOAPIC	3
#define SCOPE_HPET	4
/* A device that ACPI names (ANDD) and that is on no PCI bus, but has a source identifier. */
#define SCOPE_ACPI	5

/**
 * struct dmar_structure - a structure of the DMAR table: DRHD, RMRR or ATSR
 * @type: DMAR_DRHD, DMAR_RMRR or DMAR_ATSR
 * @segment: PCI segment
 * @all: DRHD: every device of the segment that no other DRHD names (INCLUDE_PCI_ALL); ATSR: every
 *	root port of it
 * @base: DRHD: register base; RMRR: first address
 * @limit: RMRR: last address, inclusive
 * @empty: RMRR: it names no memory; some firmware leaves such structures, which mean nothing
 * @scopes: device scope entries, checked
 * @scopes_size: their size in bytes
 */
struct dmar_structure {
	u16 type;
	u16 segment;
	bool all;
	bool empty;
	u64 base;
	u64 limit;
	const u8 *scopes;
	size_t scopes_size;
};

/** struct dmar_scope - one device scope entry; @path holds @hops pairs of device and function */
struct dmar_scope {
	u8 type;
	u8 id;
	u8 bus;
	unsigned int hops;
	const u8 *path;
};

/** struct dmar_error - what is wrong with a table, and where */
struct dmar_error {
	const char *why;
	size_t offset;
};

/** enum dmar_relation - whether two DRHDs describe the same unit */
enum dmar_relation { DMAR_DIFFERENT, DMAR_SAME, DMAR_CONFLICT };

typedef int (*dmar_visit_t)(const struct dmar_structure *structure, void *arg);

int dmar_parse(const void *table, size_t size, dmar_visit_t visit, void *arg,
	       struct dmar_error *error);
bool dmar_next_scope(const u8 **at, const u8 *end, struct dmar_scope *scope);
enum dmar_relation dmar_compare(const struct dmar_structure *a, const struct dmar_structure *b);
int dmar_source(const struct dmar_scope *scope);
bool dmar_names_only(const struct dmar_structure *drhd,
		     bool (*is)(const struct dmar_structure *drhd, const struct dmar_scope *scope));

#endif
