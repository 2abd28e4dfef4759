// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_ept_pte.c - EPT entries: levels, indices, and that a split maps what the leaf mapped.
 *
 * SDM, "The Extended Page Table Mechanism (EPT)".
 */
#include "arch/x86/mmu/ept_pte.h"
#include "tap.h"

static void test_split(int level, u64 leaf, const char *name)
{
	u64 step = ept_level_pages(level - 1);
	bool frames = true, attrs = true, leaves = true;
	u64 keep = ~(EPT_ADDR_MASK | EPT_LEAF | EPT_EXEC);
	unsigned int i;

	for (i = 0; i < EPT_ENTRIES; i++) {
		u64 child = ept_split_child(leaf, level, i);

		frames &= ept_pfn(child) == ept_pfn(leaf) + i * step;
		attrs &= (child & keep) == (leaf & keep);
		leaves &= ept_is_leaf(child, level - 1) && ept_present(child);
		if (level == 2)
			attrs &= !(child & EPT_LEAF) && (child & EPT_EXEC);
		else
			attrs &= (child & EPT_EXEC) == (leaf & EPT_EXEC);
	}
	tap_ok(frames, "%s: frames follow one another", name);
	tap_ok(attrs, "%s: rights and type are kept", name);
	tap_ok(leaves, "%s: every child maps a page", name);
}

int main(void)
{
	const u64 wb_ipat = 6 << EPT_MEMTYPE_SHIFT | BIT_ULL(6);

	tap_ok(ept_level_pages(1) == 1 && ept_level_pages(2) == 512 &&
	       ept_level_pages(3) == 512 * 512, "pages per entry");
	tap_ok(ept_index(0x1ff, 1) == 511 && ept_index(0x1ff, 2) == 0 && ept_index(0x200, 2) == 1 &&
	       ept_index(1ULL << 27, 4) == 1 && ept_index(1ULL << 36, 5) == 1 &&
	       ept_index((1ULL << 36) - 1, 4) == 511, "indices");
	tap_ok(!ept_present(EPT_LEAF | EPT_ACCESSED | EPT_HOST_WRITABLE | 0x1000) &&
	       ept_present(EPT_EXEC), "presence is any right");
	tap_ok(ept_is_leaf(EPT_READ, 1) && !ept_is_leaf(EPT_READ, 2) &&
	       ept_is_leaf(EPT_READ | EPT_LEAF, 3), "leaves");

	test_split(2, 0x40000000 | wb_ipat | EPT_RWX | EPT_LEAF | EPT_ACCESSED | EPT_DIRTY |
		   EPT_HOST_WRITABLE, "2M rwx");
	test_split(2, 0xffffffe00000 | wb_ipat | EPT_READ | EPT_LEAF, "2M read-only, no exec");
	test_split(3, 0x8000000000 | EPT_READ | EPT_WRITE | EPT_LEAF | EPT_ACCESSED,
		   "1G no exec, UC");
	test_split(3, 0x40000000 | wb_ipat | EPT_RWX | EPT_LEAF | EPT_HOST_WRITABLE, "1G rwx");
	return tap_done();
}
