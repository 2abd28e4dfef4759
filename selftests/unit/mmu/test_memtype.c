// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_memtype.c - tables for arch/x86/mmu/memtype.c.
 *
 * SDM, "MTRR Precedences", "Fixed Range MTRRs", "Variable Range MTRRs", "EPT and Memory Typing".
 */
#include "arch/x86/mmu/memtype.h"
#include "tap.h"

#define UC MEMTYPE_UC
#define WC MEMTYPE_WC
#define WT MEMTYPE_WT
#define WP MEMTYPE_WP
#define WB MEMTYPE_WB
#define IPAT EPT_MEMTYPE_IPAT
#define VALID 0x800ULL
#define E 0x800ULL
#define FE 0x400ULL
#define K4 0x1000ULL
#define M2 0x200000ULL
#define G1 0x40000000ULL

static const struct {
	const char *name;
	struct ept_memtype_in in;
	u8 want;
} leaf_cases[] = {
	{ "RAM is WB and ignores the PAT", { .mtrr_type = UC }, WB | IPAT },
	{ "RAM is WB also with CR0.CD", { .cache_disabled = true, .mtrr_type = UC }, WB | IPAT },
	{ "MMIO is UC and honours the PAT", { .is_mmio = true, .mtrr_type = WB }, UC },
	{ "MMIO is UC with a device too",
	  { .is_mmio = true, .noncoherent_dma = true, .mtrr_type = WB }, UC },
	{ "non-coherent DMA, CR0.CD: UC, no PAT",
	  { .noncoherent_dma = true, .cache_disabled = true, .mtrr_type = WB }, UC | IPAT },
	{ "non-coherent DMA: CR0.CD, and KVM's quirk",
	  { .noncoherent_dma = true, .cache_disabled = true, .cd_ignored = true, .mtrr_type = UC },
	  WB | IPAT },
	{ "non-coherent DMA: MTRR says WB", { .noncoherent_dma = true, .mtrr_type = WB }, WB },
	{ "non-coherent DMA: MTRR says WT", { .noncoherent_dma = true, .mtrr_type = WT }, WT },
	{ "non-coherent DMA: MTRR says WP", { .noncoherent_dma = true, .mtrr_type = WP }, WP },
	{ "non-coherent DMA: MTRR says WC", { .noncoherent_dma = true, .mtrr_type = WC }, WC },
	{ "non-coherent DMA: MTRR says UC", { .noncoherent_dma = true, .mtrr_type = UC }, UC },
	{ "reserved type 2 becomes UC", { .noncoherent_dma = true, .mtrr_type = 2 }, UC },
	{ "reserved type 7 becomes UC", { .noncoherent_dma = true, .mtrr_type = 7 }, UC },
	{ "reserved type 255 becomes UC", { .noncoherent_dma = true, .mtrr_type = 255 }, UC },
};

/* A PC: 64K_00000 WB, A0000 UC, C0000-C7FFF WP, C8000 on WB but for F8000 with mixed types. */
static const u64 pc_fixed[11] = {
	0x0606060606060606, 0x0606060606060606, 0, 0x0505050505050505, 0x0606060606060606,
	0x0606060606060606, 0x0606060606060606, 0x0606060606060606, 0x0606060606060606,
	0x0606060606060606, 0x0004060606060600,
};

static const u64 none[2 * MTRR_NR_VAR];
/* 0-4G WB but its last 1G UC; width 36. */
static const u64 hole[2 * MTRR_NR_VAR] = {
	0x000000000 | WB, 0xf00000000 | VALID,
	0x0c0000000 | UC, 0xfc0000000 | VALID,
};

/* WT inside WB, WC inside WB, and one that is not valid. */
static const u64 mixed[2 * MTRR_NR_VAR] = {
	0x000000000 | WB, 0xf00000000 | VALID,
	0x010000000 | WT, 0xff0000000 | VALID,
	0x020000000 | WC, 0xff0000000 | VALID,
	0x030000000 | UC, 0xff0000000,
};

/* 8 MiB frame buffer in the middle of nowhere, and a range with a hole in its mask. */
static const u64 small[2 * MTRR_NR_VAR] = {
	[14] = 0x0d0000000 | WC, [15] = 0xfff800000 | VALID,
	[2] = 0x100000000 | WP, [3] = 0xffff00000 | VALID,
};

static const struct {
	const char *name;
	u64 def_type;
	const u64 *var;
	u64 start, len;
	int want;
} range_cases[] = {
	{ "MTRRs off: UC", WB | FE, hole, 0x1000, K4, UC },
	{ "default type", E | WB, none, 0x12345000, K4, WB },
	{ "default type, 1G", E | WT, none, G1, G1, WT },
	{ "fixed off: low memory by default type", E | WB, none, 0xa0000, K4, WB },
	{ "fixed 64K, first byte", E | FE | UC, none, 0, K4, WB },
	{ "fixed 64K, last page", E | FE | UC, none, 0x7f000, K4, WB },
	{ "fixed 16K_80000, last page", E | FE | UC, none, 0x9f000, K4, WB },
	{ "fixed 16K_A0000, first page", E | FE | WB, none, 0xa0000, K4, UC },
	{ "fixed 16K_A0000, last page", E | FE | WB, none, 0xbf000, K4, UC },
	{ "fixed 4K_C0000", E | FE | WB, none, 0xc0000, K4, WP },
	{ "fixed 4K_C0000, last", E | FE | WB, none, 0xc7000, K4, WP },
	{ "fixed 4K_C8000", E | FE | UC, none, 0xc8000, K4, WB },
	{ "fixed 4K_F8000, byte 0", E | FE | WB, none, 0xf8000, K4, UC },
	{ "fixed 4K_F8000, byte 6", E | FE | WB, none, 0xfe000, K4, WT },
	{ "fixed 4K_F8000, byte 7", E | FE | WB, none, 0xff000, K4, UC },
	{ "fixed wins over variable", E | FE | WB, hole, 0xa0000, K4, UC },
	{ "2M at 0 has more than one type", E | FE | WB, none, 0, M2, -1 },
	{ "2M at 0 is one without fixed ranges", E | WB, none, 0, M2, WB },
	{ "64K in fixed ranges, one type", E | FE | UC, none, 0x10000, 0x10000, WB },
	{ "32K in fixed ranges, two types", E | FE | UC, none, 0xf8000, 0x8000, -1 },
	{ "variable: RAM", E | UC, hole, 0x80000000, M2, WB },
	{ "variable: UC wins in the hole", E | WB, hole, 0xfee00000, M2, UC },
	{ "variable: last page below the hole", E | UC, hole, 0xbffff000, K4, WB },
	{ "variable: above 4G default", E | WT, hole, 0x100000000, G1, WT },
	{ "variable: hole is one 1G page", E | WB, hole, 0xc0000000, G1, UC },
	{ "WT over WB is WT", E | UC, mixed, 0x10000000, M2, WT },
	{ "WC over WB is undefined: UC", E | WB, mixed, 0x20000000, M2, UC },
	{ "invalid variable range does not count", E | UC, mixed, 0x30000000, M2, WB },
	{ "1G over ranges of 256M has many types", E | UC, mixed, 0, G1, -1 },
	{ "last variable register counts", E | WB, small, 0xd0200000, M2, WC },
	{ "just above it", E | WB, small, 0xd0800000, M2, WB },
	{ "2M of which the first half is covered", E | WB, small, 0x100000000, M2, -1 },
	{ "4K in that half", E | WB, small, 0x1000ff000, K4, WP },
	{ "4K in the other half", E | WB, small, 0x100100000, K4, WB },
};

int main(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaf_cases); i++) {
		u8 got = ept_memtype(&leaf_cases[i].in);

		tap_ok(got == leaf_cases[i].want, "leaf: %s (%#x, want %#x)", leaf_cases[i].name,
		       got, leaf_cases[i].want);
	}
	for (i = 0; i < ARRAY_SIZE(range_cases); i++) {
		struct guest_mtrrs m = {
			.def_type = range_cases[i].def_type,
			.fixed = pc_fixed,
			.var = range_cases[i].var,
		};
		int got = mtrr_range_type(&m, range_cases[i].start, range_cases[i].len, 36);

		tap_ok(got == range_cases[i].want, "range: %s (%d, want %d)", range_cases[i].name,
		       got, range_cases[i].want);
	}
	return tap_done();
}
